//! Whether a trusted authority vouches for the signer's certificate at every known time (RFC 5280 §6, Fulcio profile):
//! [`ValidPath`], the only thing an identity can be read from.
//!
//! Each authority of the trust root is one unit: its chain and its window (K-X-03). Certificates inside a bundle are never
//! used, neither as anchors nor as helpers (K-X-23).

use super::candidate::Bench;
use super::log_entry::ValidLogEntry;
use super::time::KnownTimes;
use crate::code::{Code, Failure};
use crate::encoding::Few;
use crate::limits::Budget;
use crate::policy::{AuthenticatedTime, Certified, Signer};
use crate::time::UnixTime;
use crate::x509::{Certificate, DistinguishedName, FulcioExtensions, Path, Purpose, SubjectName};
use std::sync::Arc;

/// Proof that the certificate leads to a trusted authority at every authenticated time.
#[derive(Debug)]
pub(super) struct ValidPath {
    paths: Vec<Path>,
    authority: Arc<str>,
    subject: SubjectName,
    extensions: FulcioExtensions,
    distinguished_name: DistinguishedName,
    policies: Vec<String>,
    fingerprint: [u8; 32],
}

impl ValidPath {
    fn assertion(
        leaf: &Certificate,
        paths: Vec<Path>,
        authority: Arc<str>,
        subject: SubjectName,
        extensions: FulcioExtensions,
    ) -> Self {
        let distinguished_name = DistinguishedName::from_certificate(leaf);
        let policies = leaf.policies().iter().map(ToString::to_string).collect();
        Self { paths, authority, subject, extensions, distinguished_name, policies, fingerprint: *leaf.fingerprint() }
    }

    /// Every path that holds; they may have different issuers.
    pub(super) fn paths(&self) -> &[Path] {
        &self.paths
    }

    pub(super) fn authority(&self) -> &Arc<str> {
        &self.authority
    }

    pub(super) fn subject(&self) -> &SubjectName {
        &self.subject
    }

    pub(super) fn extensions(&self) -> &FulcioExtensions {
        &self.extensions
    }

    /// What the certificate says of its subject: all that an identity is held against.
    pub(super) fn certified(&self) -> Certified<'_> {
        Certified {
            subject: &self.subject,
            extensions: &self.extensions,
            distinguished_name: &self.distinguished_name,
            policies: &self.policies,
        }
    }

    /// Of the first path that holds: what stands above the certificate, the anchor last.
    fn chain(&self) -> Few<[u8; 32], 3> {
        let certificates = self.paths.first().map(Path::certificates).unwrap_or_default();
        certificates.iter().map(|certificate| *certificate.fingerprint()).filter(|other| *other != self.fingerprint).collect()
    }

    pub(super) fn signer(&self) -> Signer {
        Signer::Certificate {
            subject: self.subject.clone(),
            extensions: self.extensions.clone(),
            fingerprint: self.fingerprint,
            authority: Arc::clone(&self.authority),
            chain: self.chain(),
            distinguished_name: self.distinguished_name.clone(),
            policies: self.policies.clone(),
        }
    }
}

/// Verifies the certificate at every known time. There must be one: without it a stolen, long expired key signs forever.
pub(super) fn verify(
    leaf: &Certificate,
    times: &KnownTimes,
    entries: &[ValidLogEntry<'_>],
    bench: Bench<'_>,
    budget: &mut Budget,
) -> Result<ValidPath, Failure> {
    // Promised or only stated: a time that a log entry states may be no ground for trust, but one that contradicts the
    // certificate is one for refusing.
    entries.iter().filter_map(ValidLogEntry::stated_at).try_for_each(|at| within_validity(leaf, at))?;
    let mut paths = Vec::new();
    let mut authority = None;
    // Every moment once, in order. There are few: one a log entry or timestamp.
    let next = |last: Option<UnixTime>| {
        let moments = times.times().iter().map(AuthenticatedTime::at);
        moments.filter(|at| last.is_none_or(|last| *at > last)).min()
    };
    let mut moment = next(None);
    while let Some(at) = moment {
        let first = paths_at(leaf, at, bench, budget, &mut paths)?;
        authority.get_or_insert(first);
        moment = next(Some(at));
    }
    let authority = Arc::clone(authority.ok_or_else(|| Failure::new(Code::NoAuthenticatedTime))?);
    let subject = SubjectName::from_certificate(leaf)?;
    let extensions = FulcioExtensions::from_certificate(leaf)?;
    Ok(ValidPath::assertion(leaf, paths, authority, subject, extensions))
}

fn within_validity(leaf: &Certificate, at: UnixTime) -> Result<(), Failure> {
    if leaf.validity().contains(at) {
        Ok(())
    } else {
        Err(Failure::new(Code::IntegratedTimeOutsideCertificate).expected(leaf.validity()).found(at))
    }
}

/// Adds all paths at one moment, one an authority at most, and names the first's; none is an error.
fn paths_at<'t>(
    leaf: &Certificate,
    at: UnixTime,
    bench: Bench<'t>,
    budget: &mut Budget,
    paths: &mut Vec<Path>,
) -> Result<&'t Arc<str>, Failure> {
    let authorities = &bench.trust.authorities;
    if authorities.is_empty() {
        return Err(Failure::new(Code::NoAuthority).expected("a certificate authority in the trusted root").found("none"));
    }
    let mut first = None;
    let mut reason: Option<Failure> = None;
    for authority in authorities {
        let Some(anchor) = authority.anchor().filter(|_| authority.validity.contains(at)) else { continue };
        let anchors = std::slice::from_ref(anchor);
        match Path::build(leaf, authority.intermediates(), anchors, at, Purpose::CodeSigning, budget, bench.limits) {
            Ok(path) => {
                first.get_or_insert(&authority.uri);
                if paths.is_empty() {
                    // One path is what most have; a first push alone would make room for four.
                    paths.reserve_exact(1);
                }
                paths.push(path);
            }
            Err(failure) if failure.code() == Code::BudgetExhausted => return Err(failure),
            // "Untrusted" is what every other authority says of the leaf; anything else says more.
            Err(failure) => {
                if reason.as_ref().is_none_or(|known| known.code() == Code::CertificateUntrusted) {
                    reason = Some(failure);
                }
            }
        }
    }
    first.ok_or_else(|| {
        reason.unwrap_or_else(|| {
            Failure::new(Code::CertificateUntrusted).expected(format_args!("an authority that is trusted at {at}")).found("none")
        })
    })
}
