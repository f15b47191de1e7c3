//! nameConstraints (RFC 5280 §4.2.1.10): which names the certificates below a CA may carry.
//!
//! Evaluated for directory names, DNS names, e-mail addresses, URIs and IP addresses. Whatever cannot be evaluated, a
//! kind of constraint or the form of a name that one applies to, is a refusal: an unread constraint is a bypass (K-X-12).

use super::certificate::Certificate;
use super::name::{Comparison, Name};
use super::san::{GeneralName, MAX_NAMES, general_names};
use super::{extension, oid};
use crate::code::{Code, Failure};
use crate::encoding::der::{DerError, Tlv, tag};

/// Most comparisons of a name with a subtree in one path (K-X-11: names times subtrees is quadratic).
const MAX_COMPARISONS: u32 = 50_000;

/// The constraints of one CA.
pub(super) struct NameConstraints<'a> {
    permitted: Vec<GeneralName<'a>>,
    excluded: Vec<GeneralName<'a>>,
}

/// The comparisons that one path may still make.
pub(super) struct Comparisons(u32);

impl Comparisons {
    pub(super) const fn new() -> Self {
        Self(MAX_COMPARISONS)
    }

    fn spend(&mut self) -> Result<(), Failure> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| refused("more name comparisons than one path may need"))?;
        Ok(())
    }
}

fn refused(found: impl std::fmt::Display) -> Failure {
    Failure::new(Code::CertificateConstraint).expected("names that the name constraints permit").found(found)
}

impl<'a> NameConstraints<'a> {
    /// The constraints that a CA's certificate sets; `None` where it sets none.
    pub(super) fn of(ca: &'a Certificate) -> Result<Option<Self>, Failure> {
        let Some(extension) = ca.extension(&oid::NAME_CONSTRAINTS) else { return Ok(None) };
        Self::parse(extension.value).map(Some).map_err(|error| refused(error.0).at(ca))
    }

    fn parse(value: &'a [u8]) -> Result<Self, DerError> {
        let mut fields = extension::sequence(value)?;
        let permitted = fields.optional(tag::constructed(0))?;
        let excluded = fields.optional(tag::constructed(1))?;
        fields.finish()?;
        if permitted.is_none() && excluded.is_none() {
            return Err(DerError("empty name constraints"));
        }
        Ok(Self { permitted: subtrees(permitted)?, excluded: subtrees(excluded)? })
    }

    /// Whether every name of `certificate` is permitted: its subject, its alternative names, and the e-mail addresses in
    /// its subject.
    pub(super) fn check(&self, certificate: &Certificate, budget: &mut Comparisons) -> Result<(), Failure> {
        let malformed = |error: DerError| refused(error.0).at(certificate);
        let subject = Name::parse(certificate.subject()).map_err(malformed)?;
        if !subject.is_empty() {
            self.check_name(&GeneralName::Directory(certificate.subject()), budget).map_err(|f| f.at(certificate))?;
        }
        // RFC 5280 asks for this only without an rfc822Name; looking always costs nothing and misses nothing.
        for attribute in subject.attributes().filter(|attribute| attribute.oid() == oid::EMAIL_ADDRESS) {
            self.check_name(&GeneralName::Email(attribute.value()), budget).map_err(|f| f.at(certificate))?;
        }
        for name in general_names(certificate).map_err(malformed)? {
            self.check_name(&name, budget).map_err(|failure| failure.at(certificate))?;
        }
        Ok(())
    }

    fn check_name(&self, name: &GeneralName<'_>, budget: &mut Comparisons) -> Result<(), Failure> {
        for subtree in &self.excluded {
            budget.spend()?;
            if !same_kind(name, subtree) {
                continue;
            }
            if matches(name, subtree, Side::Excluded) != Some(false) {
                return Err(refused(format_args!("a {} that is excluded", kind(name))));
            }
        }
        let mut constrained = false;
        for subtree in &self.permitted {
            budget.spend()?;
            if !same_kind(name, subtree) {
                continue;
            }
            constrained = true;
            if matches(name, subtree, Side::Permitted) == Some(true) {
                return Ok(());
            }
        }
        if constrained { Err(refused(format_args!("a {} that is not permitted", kind(name)))) } else { Ok(()) }
    }
}

fn subtrees(list: Option<Tlv<'_>>) -> Result<Vec<GeneralName<'_>>, DerError> {
    let mut names = Vec::new();
    let Some(list) = list else { return Ok(names) };
    let mut elements = list.reader();
    while !elements.is_empty() {
        if names.len() >= MAX_NAMES {
            return Err(DerError("name constraints with too many subtrees"));
        }
        let mut fields = elements.expect(tag::SEQUENCE)?.reader();
        let base = GeneralName::parse(&fields.any()?)?;
        // minimum is 0 by default and maximum absent; RFC 5280 uses no others, and an explicit 0 is harmless.
        if let Some(minimum) = fields.optional(tag::primitive(0))?
            && minimum.value() != [0]
        {
            return Err(DerError("a subtree with a minimum"));
        }
        fields.finish()?;
        if matches!(base, GeneralName::Unsupported | GeneralName::Other { .. }) {
            return Err(DerError("a name constraint of a kind that cannot be evaluated"));
        }
        names.push(base);
    }
    if names.is_empty() { Err(DerError("an empty list of subtrees")) } else { Ok(names) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Permitted,
    Excluded,
}

fn same_kind(name: &GeneralName<'_>, subtree: &GeneralName<'_>) -> bool {
    std::mem::discriminant(name) == std::mem::discriminant(subtree)
}

fn kind(name: &GeneralName<'_>) -> &'static str {
    match name {
        GeneralName::Email(_) => "e-mail address",
        GeneralName::Dns(_) => "DNS name",
        GeneralName::Directory(_) => "directory name",
        GeneralName::Uri(_) => "URI",
        GeneralName::Ip(_) => "IP address",
        GeneralName::Other { .. } | GeneralName::Unsupported => "name",
    }
}

/// Whether `name` lies in `subtree`; `None` where it cannot be said, which counts against the name on either side.
fn matches(name: &GeneralName<'_>, subtree: &GeneralName<'_>, side: Side) -> Option<bool> {
    match (name, subtree) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => {
            match Name::parse(name).ok()?.is_within(&Name::parse(base).ok()?) {
                Comparison::Equal => Some(true),
                Comparison::Different => Some(false),
                Comparison::Unknown => None,
            }
        }
        (GeneralName::Dns(name), GeneralName::Dns(base)) => dns(name, base, side),
        (GeneralName::Email(name), GeneralName::Email(base)) => email(name, base, side),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => host_matches(&uri_host(name)?, base),
        (GeneralName::Ip(address), GeneralName::Ip(base)) => ip(address, base),
        _ => None,
    }
}

/// A host name in lower case: ASCII letters, digits, `-` and `_` in non-empty labels of at most 63. No trailing dot.
fn host(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

/// Whether `name` is `base`, or ends in a dot and `base`.
fn is_or_below(name: &str, base: &str) -> bool {
    name == base || is_below(name, base)
}

fn is_below(name: &str, base: &str) -> bool {
    name.strip_suffix(base).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn dns(name: &[u8], base: &[u8], side: Side) -> Option<bool> {
    let (wildcard, name) = match name.strip_prefix(b"*.") {
        Some(rest) => (true, host(rest)?),
        None => (false, host(name)?),
    };
    if base.is_empty() {
        return Some(true);
    }
    // A leading dot is not in RFC 5280 but in the wild, and means names below. It must not weaken an exclusion.
    let (below_only, base) = match base.strip_prefix(b".") {
        Some(rest) => (side == Side::Permitted, host(rest)?),
        None => (false, host(base)?),
    };
    if wildcard && side == Side::Excluded {
        // `*.example.com` covers an excluded `internal.example.com`.
        return Some(is_or_below(&name, &base) || is_below(&base, &name));
    }
    let below_only = below_only && !wildcard;
    Some(if below_only { is_below(&name, &base) } else { is_or_below(&name, &base) })
}

fn email(name: &[u8], base: &[u8], side: Side) -> Option<bool> {
    let (local, domain) = mailbox(name)?;
    if !base.contains(&b'@') {
        return host_matches(&domain, base);
    }
    let (base_local, base_domain) = mailbox(base)?;
    // The local part is case-sensitive (RFC 5321 §2.4), but few hosts treat it so: an exclusion takes either case.
    let same_local = match side {
        Side::Permitted => local == base_local,
        Side::Excluded => local.eq_ignore_ascii_case(&base_local),
    };
    Some(same_local && domain == base_domain)
}

/// An address without quoting: local part as is, domain in lower case.
fn mailbox(bytes: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (local, domain) = text.split_once('@')?;
    let plain = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'(' | b')' | b',' | b':' | b';' | b'<' | b'>' | b'[' | b']')
    };
    if local.is_empty() || !local.bytes().all(plain) {
        return None;
    }
    Some((local.to_owned(), host(domain.as_bytes())?))
}

/// Constraints on hosts of e-mail addresses and URIs: `host` is that host, `.domain` whatever is below.
fn host_matches(name: &str, base: &[u8]) -> Option<bool> {
    if base.is_empty() {
        return Some(true);
    }
    match base.strip_prefix(b".") {
        Some(domain) => Some(is_below(name, &host(domain)?)),
        None => Some(name == host(base)?),
    }
}

/// The host of `scheme://[user@]host[:port]…`; `None` for URIs without one, and for IP addresses, which constraints on
/// hosts cannot speak about.
fn uri_host(uri: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(uri).ok()?;
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let after_user = authority.split_once('@').map_or(authority, |(_, host)| host);
    let name = match after_user.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return None,
        None => after_user,
    };
    let name = host(name.as_bytes())?;
    // A last label of digits makes it an IPv4 address in some form (RFC 3986 §3.2.2).
    let last = name.rsplit('.').next()?;
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") { None } else { Some(name) }
}

/// Address and mask, of one family; the mask is a prefix (RFC 4632).
fn ip(address: &[u8], base: &[u8]) -> Option<bool> {
    if !matches!(address.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    let (network, mask) = base.split_at_checked(base.len() / 2)?;
    let bits: Vec<u32> = mask.iter().map(|byte| byte.leading_ones()).collect();
    let ones: u32 = bits.iter().sum();
    let total: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let prefix = bits.iter().position(|ones| *ones < 8).unwrap_or(bits.len());
    let contiguous = ones == total && mask.iter().skip(prefix.saturating_add(1)).all(|byte| *byte == 0);
    if !contiguous {
        return None;
    }
    if network.len() != address.len() {
        return Some(false);
    }
    Some(network.iter().zip(address).zip(mask).all(|((network, address), mask)| network & mask == address & mask))
}
