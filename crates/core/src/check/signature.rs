//! The signature itself (Sigstore client spec §4.5): [`ValidSignature`], the only thing a payload can be read from.
//!
//! The algorithm follows from the key, never from the envelope.

use super::artifact::Artifact;
use crate::code::{Code, Failure};
use crate::crypto::{PreparedKey, Scheme, SignatureError, schemes_for_key, verify_message, verify_prehash};
use crate::format::dsse::Pae;
use crate::format::signed::{Format, Signed, SignedContent};
use crate::key::KeyKind;
use crate::limits::Budget;
use crate::policy::SigningAlgorithm;

/// Proof that `signed`'s signature over its content verifies with the key that was given.
#[derive(Debug)]
pub(super) struct ValidSignature<'a> {
    signed: &'a Signed,
}

impl<'a> ValidSignature<'a> {
    /// The content that was verified: the very bytes, not a copy of them (K-P-07).
    pub(super) fn content(&self) -> &'a SignedContent {
        &self.signed.content
    }

    fn assertion(signed: &'a Signed) -> Self {
        Self { signed }
    }
}

/// Verifies the signature with `key`, and with `said` alone where the policy says how the key signs.
pub(super) fn verify<'a>(
    signed: &'a Signed,
    key: &PreparedKey,
    said: Option<SigningAlgorithm>,
    artifact: &Artifact<'_>,
    budget: &mut Budget,
) -> Result<ValidSignature<'a>, Failure> {
    if let SignedContent::Message { stated: Some(stated) } = &signed.content
        // A digest of an algorithm that is not at hand is a hint that can neither help nor harm.
        && let Ok(found) = artifact.digest_under(stated.algorithm())
        && found != *stated
    {
        return Err(Failure::new(Code::ArtifactDigestMismatch).expected(found).found(stated).at("messageDigest"));
    }
    let mut needs_message = false;
    let said = said.map(|algorithm| [said_scheme(algorithm, key.key().kind())]);
    for &scheme in said.as_ref().map_or_else(|| schemes(key.key().kind(), signed), <[Scheme; 1]>::as_slice) {
        budget.spend_signature()?;
        match verify_with(scheme, signed, key, artifact) {
            Ok(()) => return Ok(ValidSignature::assertion(signed)),
            Err(error) => needs_message |= error == SignatureError::NeedsMessage,
        }
    }
    // Where one scheme could not be tried, "invalid" would claim too much.
    let error = if needs_message { SignatureError::NeedsMessage } else { SignatureError::Invalid };
    Err(error.failure().expected(format_args!("a signature by key {}", key.key().hint())))
}

fn said_scheme(algorithm: SigningAlgorithm, kind: KeyKind) -> Scheme {
    match (algorithm, kind) {
        (SigningAlgorithm::Pss(hash), _) => Scheme::RsaPss(hash),
        (SigningAlgorithm::Hash(hash), KeyKind::Rsa { .. }) => Scheme::RsaPkcs1(hash),
        (SigningAlgorithm::Hash(hash), _) => Scheme::Ecdsa(hash),
    }
}

/// The schemes that a key may be used with here: fixed, strong, and few (spec: cosign legacy uses SHA-256 for every
/// curve, bundles SHA-256 as a second try; Ed25519 message signatures in bundles are Ed25519ph).
fn schemes(kind: KeyKind, signed: &Signed) -> &'static [Scheme] {
    match (kind, &signed.content, signed.format) {
        (KeyKind::Ed25519, SignedContent::Message { .. }, Format::Bundle(_)) => &[Scheme::Ed25519ph, Scheme::Ed25519],
        (KeyKind::Ed25519, _, _) => &[Scheme::Ed25519],
        _ => schemes_for_key(kind),
    }
}

fn verify_with(scheme: Scheme, signed: &Signed, key: &PreparedKey, artifact: &Artifact<'_>) -> Result<(), SignatureError> {
    let signature = &*signed.signature;
    match &signed.content {
        SignedContent::SimpleSigning { payload } => verify_message(key, scheme, payload, signature),
        SignedContent::Dsse { payload_type, payload, .. } => {
            let pae = Pae::new(payload_type, payload);
            match scheme.hash() {
                Some(hash) => verify_prehash(key, scheme, pae.digest(hash).as_bytes(), signature),
                None => verify_message(key, scheme, &pae.to_vec(), signature),
            }
        }
        SignedContent::Message { .. } => match (scheme.hash(), artifact.as_bytes()) {
            (Some(hash), _) => {
                let digest = artifact.digest_under(hash).map_err(|_| SignatureError::NeedsMessage)?;
                verify_prehash(key, scheme, digest.as_bytes(), signature)
            }
            (None, Some(bytes)) => verify_message(key, scheme, bytes, signature),
            (None, None) => Err(SignatureError::NeedsMessage),
        },
    }
}
