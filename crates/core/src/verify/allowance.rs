//! Which candidates of a layout are verified, where there are more than the allowance.
//!
//! Those that say of themselves what is asked for come first: a flood of attestations must not take the place of the one
//! signature. What they say is not believed and excludes nobody; where the allowance suffices, all are verified.

use super::candidate;
use super::verifier::Verifier;
use crate::check::Artifact;
use crate::format::dsse::require_in_toto;
use crate::format::intoto::Statement;
use crate::format::signed::{Material, Signed, SignedContent};
use crate::format::simple_signing::Payload;
use crate::gather::{Candidate, Layout};
use crate::limits::Limits;
use crate::policy::{COSIGN_SIGN_V1, Claim, SignatureRequirement};
use std::collections::{BTreeMap, BTreeSet};

/// Indices of the candidates beyond the allowance of their layout. What cannot even be read takes none of it.
pub(super) fn left_out(verifier: &Verifier, candidates: &[Candidate], artifact: &Artifact<'_>) -> BTreeSet<usize> {
    let allowed = verifier.limits.candidates_verified;
    if candidates.len() <= allowed {
        return BTreeSet::new();
    }
    let mut of_layout: BTreeMap<Layout, Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        of_layout.entry(candidate.layout).or_default().push(index);
    }
    let leaves = verifier.policy.leaves();
    let allow_chain = leaves.iter().any(|leaf| leaf.configured().allow_chain);
    let mut left_out = BTreeSet::new();
    for indices in of_layout.into_values().filter(|indices| indices.len() > allowed) {
        let mut readable: Vec<(bool, usize)> = Vec::new();
        for index in indices {
            let Some(candidate) = candidates.get(index) else { continue };
            if let Ok(signed) = candidate::parse(candidate, &verifier.limits, allow_chain) {
                let saying = saying(&signed, artifact, &verifier.limits);
                let promising = saying.is_some_and(|saying| leaves.iter().any(|leaf| asks_for(leaf, &signed, &saying)));
                readable.push((!promising, index));
            }
        }
        readable.sort_unstable();
        left_out.extend(readable.into_iter().skip(allowed).map(|(_, index)| index));
    }
    left_out
}

/// What a candidate claims to say about the artifact: "signed", or an attestation of a type.
enum Saying {
    Signed,
    Attestation(String),
}

/// `None` where it claims nothing about this artifact.
fn saying(signed: &Signed, artifact: &Artifact<'_>, limits: &Limits) -> Option<Saying> {
    match &signed.content {
        SignedContent::Message { .. } => Some(Saying::Signed),
        SignedContent::SimpleSigning { payload } => {
            let payload = Payload::parse(payload, limits).ok()?;
            (artifact.digest_under(payload.digest.algorithm()).ok()? == payload.digest).then_some(Saying::Signed)
        }
        SignedContent::Dsse { payload_type, payload, .. } => {
            require_in_toto(payload_type).ok()?;
            let statement = Statement::parse(payload, limits).ok()?;
            statement.matches(artifact.digests()).ok()?;
            Some(Saying::Attestation(statement.predicate_type))
        }
    }
}

fn asks_for(leaf: &SignatureRequirement, signed: &Signed, saying: &Saying) -> bool {
    let of_its_kind = matches!(signed.material, Material::Certificate { .. }) == leaf.authority().is_keyless();
    of_its_kind
        && match (leaf.claimed(), saying) {
            (Claim::AnyStatement, _) | (Claim::Signed, Saying::Signed) => true,
            (Claim::Signed, Saying::Attestation(found)) => found == COSIGN_SIGN_V1,
            (Claim::Attestation { predicate_type }, Saying::Attestation(found)) => found == predicate_type,
            (Claim::Attestation { .. }, Saying::Signed) => false,
        }
}
