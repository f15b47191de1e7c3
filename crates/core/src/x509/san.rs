//! [`SubjectName`]: the one name that a signer's certificate gives its subject (RFC 5280 §4.2.1.6, Fulcio's profile).
//!
//! The kind is part of the name: an e-mail address never equals a URI. Two names in one certificate would let two
//! readers see two signers, so exactly one is allowed. Does not compare names with a policy.

use super::certificate::Certificate;
use super::{extension, oid};
use crate::code::{Code, Failure, bounded_bytes};
use crate::encoding::der::{DerError, Tlv, tag};
use const_oid::ObjectIdentifier;
use std::fmt;
use std::sync::Arc;

/// Most names that one subjectAltName or one list of subtrees is read for.
pub(super) const MAX_NAMES: usize = 4096;

/// A GeneralName, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GeneralName<'a> {
    Other {
        kind: ObjectIdentifier,
        value: &'a [u8],
    },
    Email(&'a [u8]),
    Dns(&'a [u8]),
    /// A whole `Name`.
    Directory(&'a [u8]),
    Uri(&'a [u8]),
    Ip(&'a [u8]),
    /// x400Address, ediPartyName or registeredID, which nothing here reads.
    Unsupported,
}

impl<'a> GeneralName<'a> {
    pub(super) fn parse(element: &Tlv<'a>) -> Result<Self, DerError> {
        let value = element.value();
        Ok(match element.tag() {
            0xa0 => {
                let mut fields = element.reader();
                let kind = fields.expect(tag::OID)?.oid()?;
                let explicit = fields.expect(tag::constructed(0))?;
                fields.finish()?;
                Self::Other { kind, value: explicit.value() }
            }
            0x81 => Self::Email(value),
            0x82 => Self::Dns(value),
            0xa4 => Self::Directory(value),
            0x86 => Self::Uri(value),
            0x87 => Self::Ip(value),
            0xa3 | 0xa5 | 0x88 => Self::Unsupported,
            _ => return Err(DerError("an unknown kind of name")),
        })
    }
}

/// The names of subjectAltName; none where the extension is absent.
pub(super) fn general_names(certificate: &Certificate) -> Result<Vec<GeneralName<'_>>, DerError> {
    let mut names = Vec::new();
    each_name(certificate, |name| names.push(name))?;
    Ok(names)
}

/// Hands them out one by one and tells how many there are.
fn each_name<'c>(certificate: &'c Certificate, mut each: impl FnMut(GeneralName<'c>)) -> Result<usize, DerError> {
    let Some(extension) = certificate.extension(&oid::SUBJECT_ALT_NAME) else { return Ok(0) };
    let mut elements = extension::sequence(extension.value)?;
    let mut count: usize = 0;
    while !elements.is_empty() {
        if count >= MAX_NAMES {
            return Err(DerError("a subjectAltName with too many names"));
        }
        each(GeneralName::parse(&elements.any()?)?);
        count = count.saturating_add(1);
    }
    if count == 0 { Err(DerError("an empty subjectAltName")) } else { Ok(count) }
}

/// The subject of a signer's certificate. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SubjectName {
    /// rfc822Name: people and service accounts.
    Email(Arc<str>),
    /// uniformResourceIdentifier: workflows, SPIFFE ids, Kubernetes service accounts.
    Uri(Arc<str>),
    /// otherName of Fulcio's type 1.3.6.1.4.1.57264.1.7: `user!domain`.
    OtherName(Arc<str>),
}

impl SubjectName {
    /// The one subject alternative name of a certificate.
    ///
    /// # Errors
    /// [`Code::SubjectAlternativeName`] for none, for several, for other kinds, and for text that is empty, not ASCII
    /// where ASCII is the type, not UTF-8, or holds control characters: a NUL ends the name for one reader and not for
    /// the next (CVE-2009-2408).
    pub fn from_certificate(certificate: &Certificate) -> Result<Self, Failure> {
        let mut last = None;
        let count = each_name(certificate, |name| last = Some(name)).map_err(|error| refused(error.0))?;
        if count > 1 {
            return Err(refused(format_args!("{count} names")));
        }
        match last {
            Some(GeneralName::Email(value)) => Ok(Self::Email(ia5(value)?)),
            Some(GeneralName::Uri(value)) => Ok(Self::Uri(ia5(value)?)),
            Some(GeneralName::Other { kind, value }) if kind == oid::FULCIO_OTHER_NAME => {
                let element = Tlv::parse(value).map_err(|error| refused(error.0))?;
                if element.tag() != tag::UTF8_STRING {
                    return Err(refused("an otherName that is no UTF8String"));
                }
                Ok(Self::OtherName(text(element.value())?))
            }
            None => Err(refused("no subject alternative name")),
            Some(_) => Err(refused("a name of another kind")),
        }
    }

    /// The kind as reports write it: `email`, `uri`, `othername`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Uri(_) => "uri",
            Self::OtherName(_) => "othername",
        }
    }

    /// The name itself. Compare it only together with the kind.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Email(value) | Self::Uri(value) | Self::OtherName(value) => value,
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.value())
    }
}

fn refused(found: impl fmt::Display) -> Failure {
    Failure::new(Code::SubjectAlternativeName)
        .expected("exactly one subject alternative name: an e-mail address, a URI or a Fulcio user name")
        .found(found)
}

fn ia5(value: &[u8]) -> Result<Arc<str>, Failure> {
    if value.is_ascii() { text(value) } else { Err(refused(bounded_bytes(value))) }
}

fn text(value: &[u8]) -> Result<Arc<str>, Failure> {
    let text = std::str::from_utf8(value).map_err(|_| refused(bounded_bytes(value)))?;
    if text.is_empty() {
        return Err(refused("an empty name"));
    }
    if text.chars().any(char::is_control) {
        return Err(refused(text));
    }
    Ok(text.into())
}
