//! What was gathered as a candidate, read in the format that its layout has.

use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::format::{Signed, attestation, bundle, simple_signing};
use crate::gather::{Candidate, CandidateKind};
use crate::limits::Limits;

/// Reads a candidate. With `allow_chain`, a bundle may carry a chain; each leaf of the policy looks again for itself.
pub(super) fn parse(candidate: &Candidate, limits: &Limits, allow_chain: bool) -> Result<Signed, Failure> {
    match &candidate.kind {
        CandidateKind::SimpleSigning { payload, annotations } => simple_signing::parse(payload.shared(), annotations, limits),
        CandidateKind::Attestation { envelope, annotations } => attestation::parse(envelope.shared(), annotations, limits),
        CandidateKind::Bundle { bundle, .. } => bundle::parse(bundle.bytes(), limits, allow_chain),
        CandidateKind::Unusable(failure) => Err(failure.clone()),
        #[allow(unreachable_patterns, reason = "kinds that later versions gather must not count by accident")]
        _ => Err(Code::NotYetSupported.into()),
    }
}

/// The digest that a report names a candidate by: that of its blob, or of the manifest where there is no blob.
pub(super) fn digest(candidate: &Candidate) -> Option<Digest> {
    match &candidate.kind {
        CandidateKind::SimpleSigning { payload: blob, .. }
        | CandidateKind::Attestation { envelope: blob, .. }
        | CandidateKind::Bundle { bundle: blob, .. } => Some(*blob.digest()),
        _ => candidate.manifest.as_ref().map(|manifest| *manifest.digest()),
    }
}
