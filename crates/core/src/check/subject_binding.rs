//! Whether what was signed is this artifact (OCI digests; in-toto statement v1): [`BoundSubject`].
//!
//! Reads the payload only from a [`ValidSignature`]. `docker-reference` is handed on, not enforced: images are copied
//! between registries, and cosign does not enforce it either.

use super::artifact::Artifact;
use super::signature::ValidSignature;
use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::format::dsse::require_in_toto;
use crate::format::intoto::Statement;
use crate::format::signed::SignedContent;
use crate::format::simple_signing::Payload;
use crate::limits::Limits;
use crate::policy::{COSIGN_SIGN_V1, Claim};
use std::sync::Arc;

/// Proof that the signed content is about the artifact.
#[derive(Debug)]
pub(super) struct BoundSubject {
    digest: Digest,
    said: Said,
}

/// What the signed content says.
#[derive(Debug)]
pub(super) enum Said {
    /// "Signed", with the repository that a simple-signing payload names.
    Signed { docker_reference: Option<String> },
    /// A statement.
    Statement(Arc<Statement>),
}

impl BoundSubject {
    fn assertion(digest: Digest, said: Said) -> Self {
        Self { digest, said }
    }

    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(super) fn said(&self) -> &Said {
        &self.said
    }

    pub(super) fn into_said(self) -> Said {
        self.said
    }
}

/// Binds the content to the artifact.
pub(super) fn bind(signature: &ValidSignature<'_>, artifact: &Artifact<'_>, limits: &Limits) -> Result<BoundSubject, Failure> {
    let name = artifact.name().copied().ok_or_else(|| Failure::new(Code::Internal).found("an artifact without a digest"))?;
    match signature.content() {
        // The signature itself is over the artifact.
        SignedContent::Message { .. } => Ok(BoundSubject::assertion(name, Said::Signed { docker_reference: None })),
        SignedContent::SimpleSigning { payload } => {
            let payload = Payload::parse(payload, limits)?;
            if artifact.digest_under(payload.digest.algorithm()).ok() != Some(payload.digest) {
                return Err(Failure::new(Code::SignedOtherDigest)
                    .expected(name)
                    .found(payload.digest)
                    .at("critical.image.docker-manifest-digest"));
            }
            Ok(BoundSubject::assertion(payload.digest, Said::Signed { docker_reference: Some(payload.docker_reference) }))
        }
        SignedContent::Dsse { payload_type, payload, .. } => {
            // An unknown payload type binds nothing (K-P-04).
            require_in_toto(payload_type)?;
            let statement = Statement::parse(payload, limits)?;
            let named = HashAlgorithm::ALL.into_iter().filter(|algorithm| statement.names(*algorithm));
            match statement.matches(&artifact.digests_with(named)) {
                Ok(_) => Ok(BoundSubject::assertion(name, Said::Statement(Arc::new(statement)))),
                // A statement that says "signed" about another image is what a re-tagged or altered image looks like.
                Err(failure) if statement.predicate_type == COSIGN_SIGN_V1 => {
                    let mut other = Failure::new(Code::SignedOtherDigest).expected(name).at("subject");
                    if let Some(found) = failure.found_text() {
                        other = other.found(found);
                    }
                    Err(other)
                }
                Err(failure) => Err(failure),
            }
        }
    }
}

/// Whether what was said is what is asked for.
pub(super) fn claim(subject: &BoundSubject, claim: &Claim) -> Result<(), Failure> {
    let (asked, said) = match (claim, subject.said()) {
        (Claim::Signed, Said::Signed { .. }) | (Claim::AnyStatement, _) => return Ok(()),
        (Claim::Signed, Said::Statement(statement)) => (COSIGN_SIGN_V1, statement.predicate_type.as_str()),
        (Claim::Attestation { predicate_type }, Said::Statement(statement)) => {
            (predicate_type.as_str(), statement.predicate_type.as_str())
        }
        (Claim::Attestation { predicate_type }, Said::Signed { .. }) => {
            (predicate_type.as_str(), "a signature without a statement")
        }
    };
    if asked == said {
        Ok(())
    } else {
        Err(Failure::new(Code::PredicateTypeMismatch).expected(asked).found(said).at("predicateType"))
    }
}
