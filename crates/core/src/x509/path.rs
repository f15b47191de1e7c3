//! [`Path`]: certificates from a leaf to an anchor that RFC 5280 §6.1 allows at one moment for one purpose.
//!
//! Builds by trying issuers whose subject equals the issuer's name byte for byte, cheap checks before signatures, every
//! step out of a budget (K-X-10). Key identifiers only order the candidates. Not here: revocation, certificate policies
//! (a certificate that demands one is refused), and whether the anchors deserve trust.

use super::certificate::Certificate;
use super::name_constraints::{Comparisons, NameConstraints};
use super::{extension, name, oid};
use crate::code::{Code, Failure};
use crate::encoding::der::{DerError, tag};
use crate::limits::{Budget, Limits, MAX_CHAIN};
use crate::time::UnixTime;
use const_oid::ObjectIdentifier;
use std::fmt;

const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// What the leaf is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signing artifacts. The leaf is no CA, has keyUsage digitalSignature, and names codeSigning itself;
    /// `anyExtendedKeyUsage` or no extKeyUsage at all is not enough (K-X-16). Its serial is positive.
    CodeSigning,
    /// Signing timestamps (RFC 3161 §2.3): as above, with a critical extKeyUsage that names timeStamping and nothing
    /// else (K-X-05).
    TimeStamping,
    /// Plain RFC 5280: the leaf may be anything. For checks of chains whose purpose is decided elsewhere.
    Any,
}

impl Purpose {
    const fn oid(self) -> Option<ObjectIdentifier> {
        match self {
            Self::CodeSigning => Some(oid::CODE_SIGNING),
            Self::TimeStamping => Some(oid::TIME_STAMPING),
            Self::Any => None,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodeSigning => "code signing",
            Self::TimeStamping => "timestamping",
            Self::Any => "any purpose",
        })
    }
}

/// A validated path. Made only by [`Path::build`].
#[derive(Clone, Debug)]
pub struct Path {
    certificates: Vec<Certificate>,
    issuer: Certificate,
    at: UnixTime,
    purpose: Purpose,
}

impl Path {
    /// Finds a path from `leaf` to one of `anchors` and validates it at `at` for `purpose`.
    ///
    /// For every certificate, anchor included: valid at `at`, both ends inclusive; no critical extension that is not
    /// understood. For every issuer: basicConstraints cA, keyUsage keyCertSign, path length, name constraints, and, where
    /// it has an extKeyUsage, one that includes the purpose. For the leaf: what [`Purpose`] says. `intermediates` are
    /// not trusted and may hold anything; `anchors` are. The signature of an anchor is not looked at.
    ///
    /// # Errors
    /// The most specific of the reasons that candidates failed for: [`Code::CertificateConstraint`],
    /// [`Code::CertificatePurpose`], [`Code::CriticalExtensionUnknown`], [`Code::CertificateNotValidAt`],
    /// [`Code::AlgorithmUnsupported`], [`Code::CertificateSignatureInvalid`], else [`Code::CertificateUntrusted`].
    /// [`Code::NoAuthority`] without anchors, [`Code::TooManyEntries`] for more intermediates than `limits` allows,
    /// [`Code::BudgetExhausted`] when `budget` is.
    pub fn build(
        leaf: &Certificate,
        intermediates: &[Certificate],
        anchors: &[Certificate],
        at: UnixTime,
        purpose: Purpose,
        budget: &mut Budget,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        if anchors.is_empty() {
            return Err(Failure::new(Code::NoAuthority).expected(format_args!("a certificate authority for {purpose}")));
        }
        if intermediates.len() > limits.intermediates {
            return Err(Failure::new(Code::TooManyEntries)
                .expected(format_args!("at most {} intermediate certificates", limits.intermediates))
                .found(intermediates.len()));
        }
        check_leaf(leaf, at, purpose)?;
        let mut search = Search {
            intermediates,
            anchors,
            at,
            purpose,
            longest: limits.path_length.min(MAX_CHAIN),
            budget,
            signatures: Vec::new(),
            reason: None,
        };
        let mut certificates = Vec::with_capacity(search.longest.max(1));
        certificates.push(leaf.clone());
        if search.extend(&mut certificates, (Node::Leaf, leaf))?
            && let Some(issuer) = certificates.get(1).cloned()
        {
            return Ok(Self { certificates, issuer, at, purpose });
        }
        Err(search.reason.map_or_else(|| untrusted(leaf), |(_, failure)| failure))
    }

    /// The certificates, leaf first, anchor last; at least two.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        self.certificates.first().unwrap_or(&self.issuer)
    }

    /// The certificate that issued the leaf; the anchor where the anchor did.
    #[must_use]
    pub fn issuer(&self) -> &Certificate {
        &self.issuer
    }

    /// The anchor.
    #[must_use]
    pub fn anchor(&self) -> &Certificate {
        self.certificates.last().unwrap_or(&self.issuer)
    }

    /// The moment for which it was validated.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// The purpose for which it was validated.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }
}

/// Where a certificate comes from: the key of what is already known about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Leaf,
    Intermediate(usize),
    Anchor(usize),
}

struct Search<'a, 'b> {
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
    at: UnixTime,
    purpose: Purpose,
    longest: usize,
    budget: &'b mut Budget,
    /// Outcomes of signature checks, so that no pair is checked twice on different branches; but for those that the
    /// certificate itself remembers.
    signatures: Vec<((Node, Node), Result<(), Failure>)>,
    reason: Option<((u8, usize), Failure)>,
}

impl<'a> Search<'a, '_> {
    /// Tries to complete `path`, which ends in `child`; `Err` only when the search must stop.
    fn extend(&mut self, path: &mut Vec<Certificate>, (child_node, child): (Node, &'a Certificate)) -> Result<bool, Failure> {
        let mut found_issuer = false;
        for (node, candidate) in candidates(self.anchors, self.intermediates, child) {
            self.budget.spend_path_step()?;
            // The same name and key again could only lead back here.
            let met = |met: &Certificate| met.subject() == candidate.subject() && met.spki() == candidate.spki();
            if path.iter().any(met) {
                continue;
            }
            found_issuer = true;
            if path.len() >= self.longest {
                let failure = constraint(format_args!("a path of more than {} certificates", self.longest)).at(child);
                self.note(path.len(), failure);
                continue;
            }
            let checked = match check_issuer(candidate, matches!(node, Node::Anchor(_)), self.at, self.purpose) {
                Ok(()) => self.check_signature((child_node, child), (node, candidate))?,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = checked {
                self.note(path.len(), failure);
                continue;
            }
            path.push(candidate.clone());
            let complete = match node {
                Node::Anchor(_) => match check_path(path) {
                    Ok(()) => true,
                    Err(failure) => {
                        self.note(path.len(), failure);
                        false
                    }
                },
                Node::Leaf | Node::Intermediate(_) => self.extend(path, (node, candidate))?,
            };
            if complete {
                return Ok(true);
            }
            path.pop();
        }
        if !found_issuer {
            self.note(path.len(), untrusted(child));
        }
        Ok(false)
    }

    /// The outer error stops the search, the inner one only this branch.
    fn check_signature(
        &mut self,
        (child_node, child): (Node, &Certificate),
        (node, issuer): (Node, &Certificate),
    ) -> Result<Result<(), Failure>, Failure> {
        if let Some((_, known)) = self.signatures.iter().find(|(pair, _)| *pair == (child_node, node)) {
            return Ok(known.clone());
        }
        let outcome = match issuer.prepared_key() {
            Ok(key) => {
                if !child.known_signed_by(key.key()) {
                    self.budget.spend_signature()?;
                }
                let outcome = child.verify_signed_by(key);
                if child.known_signed_by(key.key()) {
                    return Ok(outcome);
                }
                outcome
            }
            Err(failure) => Err(failure),
        };
        self.signatures.push(((child_node, node), outcome.clone()));
        Ok(outcome)
    }

    /// Keeps the most specific reason: of two, the one that more had to be right for, then the one further along.
    fn note(&mut self, length: usize, failure: Failure) {
        let rank = match failure.code() {
            Code::CertificateUntrusted => 0,
            Code::CertificateSignatureInvalid => 1,
            Code::AlgorithmUnsupported => 2,
            Code::CertificateNotValidAt => 3,
            _ => 4,
        };
        let rank = (rank, length);
        if self.reason.as_ref().is_none_or(|(known, _)| rank > *known) {
            self.reason = Some((rank, failure));
        }
    }
}

/// Who may have issued `child`: anchors first, then intermediates, among each those first whose key identifier is the one that it
/// names.
fn candidates<'a>(
    anchors: &'a [Certificate],
    intermediates: &'a [Certificate],
    child: &'a Certificate,
) -> impl Iterator<Item = (Node, &'a Certificate)> {
    let (issuer, wanted) = (child.issuer(), child.authority_key_id());
    let has_named_key = move |other: &Certificate| wanted.is_some() && other.subject_key_id() == wanted;
    let among = move |all: &'a [Certificate], named: bool| {
        let found = all.iter().enumerate().filter(move |(_, other)| other.subject() == issuer);
        found.filter(move |(_, other)| has_named_key(other) == named)
    };
    let of = move |named: [bool; 2], all: &'a [Certificate]| named.into_iter().flat_map(move |named| among(all, named));
    let anchors = of([true, false], anchors).map(|(at, other)| (Node::Anchor(at), other));
    anchors.chain(of([true, false], intermediates).map(|(at, other)| (Node::Intermediate(at), other)))
}

fn untrusted(child: &Certificate) -> Failure {
    Failure::new(Code::CertificateUntrusted)
        .expected("a trusted authority, or an intermediate below one")
        .found(format_args!("no certificate for the issuer {}", name::display(child.issuer())))
        .at(child)
}

fn constraint(found: impl fmt::Display) -> Failure {
    Failure::new(Code::CertificateConstraint).found(found)
}

/// What is asked of every certificate of a path.
fn check_common(certificate: &Certificate, at: UnixTime) -> Result<(), Failure> {
    if !certificate.validity().contains(at) {
        return Err(Failure::new(Code::CertificateNotValidAt)
            .expected(format_args!("valid from {}", certificate.validity()))
            .found(at)
            .at(certificate));
    }
    for extension in certificate.extensions() {
        let understood = match extension.oid {
            oid::BASIC_CONSTRAINTS
            | oid::KEY_USAGE
            | oid::EXTENDED_KEY_USAGE
            | oid::SUBJECT_ALT_NAME
            | oid::NAME_CONSTRAINTS
            // With every policy acceptable and none required, these two change no outcome (RFC 5280 §6.1.5 (g)).
            | oid::CERTIFICATE_POLICIES
            | oid::INHIBIT_ANY_POLICY => true,
            // So does the one that forbids mappings. One that requires a policy would, and is refused, critical or not.
            oid::POLICY_CONSTRAINTS => {
                if extension::requires_explicit_policy(extension.value).map_err(|error| malformed(certificate, error))? {
                    return Err(unknown(certificate, "policyConstraints that require an explicit policy"));
                }
                true
            }
            oid::POLICY_MAPPINGS => {
                if maps_any_policy(extension.value).map_err(|error| malformed(certificate, error))? {
                    return Err(constraint("a policy mapping from or to anyPolicy").at(certificate));
                }
                true
            }
            _ => false,
        };
        if extension.critical && !understood {
            return Err(unknown(certificate, extension.oid));
        }
    }
    Ok(())
}

fn malformed(certificate: &Certificate, error: DerError) -> Failure {
    Failure::new(Code::CertificateMalformed).found(error).at(certificate)
}

fn unknown(certificate: &Certificate, found: impl fmt::Display) -> Failure {
    Failure::new(Code::CriticalExtensionUnknown).found(found).at(certificate)
}

fn maps_any_policy(value: &[u8]) -> Result<bool, DerError> {
    let mut mappings = extension::sequence(value)?;
    let mut found = false;
    while !mappings.is_empty() {
        let mut mapping = mappings.expect(tag::SEQUENCE)?.reader();
        let (from, to) = (mapping.any()?.oid()?, mapping.any()?.oid()?);
        mapping.finish()?;
        found |= from == ANY_POLICY || to == ANY_POLICY;
    }
    Ok(found)
}

fn check_leaf(leaf: &Certificate, at: UnixTime, purpose: Purpose) -> Result<(), Failure> {
    check_common(leaf, at)?;
    let Some(wanted) = purpose.oid() else { return Ok(()) };
    let refused = |found: &str| {
        let expected = format!("a certificate for {purpose}");
        Err(Failure::new(Code::CertificatePurpose).expected(expected).found(found).at(leaf))
    };
    if leaf.is_ca() {
        return refused("a certificate authority");
    }
    if !leaf.has_positive_serial() {
        return Err(Failure::new(Code::CertificateMalformed).found("a serial number that is not positive").at(leaf));
    }
    match leaf.key_usage() {
        Some(usage) if usage.digital_signature() => {}
        Some(_) => return refused("a keyUsage without digitalSignature"),
        None => return refused("no keyUsage"),
    }
    match leaf.extended_key_usage() {
        Some(usage) if usage.names(&wanted) => {
            let critical = leaf.extension(&oid::EXTENDED_KEY_USAGE).is_some_and(|extension| extension.critical);
            if purpose == Purpose::TimeStamping && !(critical && usage.purposes().len() == 1) {
                return refused("an extKeyUsage that is not critical or names other purposes too");
            }
            Ok(())
        }
        Some(_) => refused("an extKeyUsage that does not name it"),
        None => refused("no extKeyUsage"),
    }
}

fn check_issuer(issuer: &Certificate, is_anchor: bool, at: UnixTime, purpose: Purpose) -> Result<(), Failure> {
    check_common(issuer, at)?;
    if !issuer.is_ca() {
        return Err(constraint("an issuer that is no certificate authority").at(issuer));
    }
    let refused = |found: &str| Err(Failure::new(Code::CertificatePurpose).found(found).at(issuer));
    match issuer.key_usage() {
        Some(usage) if usage.key_cert_sign() => {}
        Some(_) => return refused("an issuer whose keyUsage lacks keyCertSign"),
        // RFC 5280 §4.2.1.3 demands it of whatever signs certificates; anchors are chosen by hand.
        None if !is_anchor && purpose != Purpose::Any => return refused("an issuer without keyUsage"),
        None => {}
    }
    match (purpose.oid(), issuer.extended_key_usage()) {
        (Some(wanted), Some(usage)) if !usage.names(&wanted) && !usage.names(&oid::ANY_EXTENDED_KEY_USAGE) => {
            refused("an issuer whose extKeyUsage excludes this purpose")
        }
        _ => Ok(()),
    }
}

/// What only the whole path shows, from the anchor, which is its last, down: path length and name constraints.
fn check_path(path: &[Certificate]) -> Result<(), Failure> {
    let mut constraints: Vec<NameConstraints<'_>> = Vec::new();
    let mut comparisons = Comparisons::new();
    // How many intermediates may still follow, those that are self-issued not counted.
    let mut left: Option<u64> = None;
    for (depth, certificate) in path.iter().enumerate().rev() {
        let (is_leaf, is_anchor) = (depth == 0, depth.saturating_add(1) == path.len());
        let counts = !certificate.is_self_issued();
        if !is_anchor {
            if is_leaf || counts {
                for constraints in &constraints {
                    constraints.check(certificate, &mut comparisons)?;
                }
            }
            if !is_leaf && counts {
                left = match left {
                    Some(0) => return Err(constraint("more intermediates than a path length allows").at(certificate)),
                    Some(some) => Some(some.saturating_sub(1)),
                    None => None,
                };
            }
        }
        if !is_leaf {
            let own = certificate.basic_constraints().and_then(|constraints| constraints.path_length);
            left = match (left, own) {
                (Some(left), Some(own)) => Some(left.min(own)),
                (left, own) => left.or(own),
            };
            constraints.extend(NameConstraints::of(certificate)?);
        }
    }
    Ok(())
}
