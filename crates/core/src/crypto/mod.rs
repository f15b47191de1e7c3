//! The one seam through which every signature is checked: [`verify_prehash`] and [`verify_message`].
//!
//! The algorithm follows from the trusted key and our rules, never from an envelope (K-CR-06). Deciding whether a key is
//! trusted, and what bytes are signed, is the caller's. Verification handles public data only, so it may take variable
//! time.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod comb;
mod jacobian;
mod prepared;
mod rustcrypto;
mod signature_cache;
mod tables;

pub use prepared::{Backend, PreparedKey};
pub(crate) use rustcrypto::Key as DecodedKey;
pub use signature_cache::SignatureCache;
pub use tables::KeyTables;

use crate::code::{Code, Failure};
use crate::digest::HashAlgorithm;
use crate::encoding::der::{self, tag};
use crate::key::KeyKind;
use std::fmt;

/// How a key signs: the primitive and the hash, fixed before a signature is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// ECDSA (FIPS 186-5 §6) over a digest, signature in DER (RFC 3279 §2.2.3). The curve follows from the key; the hash
    /// need not have its length.
    Ecdsa(HashAlgorithm),
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(HashAlgorithm),
    /// RSASSA-PSS (RFC 8017 §8.1), MGF1 with the same hash; the salt is at least as long as the hash, and its length is
    /// read from the signature, since Sigstore's signers use the longest that fits.
    RsaPss(HashAlgorithm),
    /// Ed25519 over the message itself (RFC 8032 §5.1).
    Ed25519,
    /// Ed25519ph over the SHA-512 digest, empty context (RFC 8032 §5.1).
    Ed25519ph,
}

impl Scheme {
    /// The hash over the message; `None` for pure Ed25519, which signs the message itself.
    #[must_use]
    pub const fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::Ecdsa(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => Some(hash),
            Self::Ed25519 => None,
            Self::Ed25519ph => Some(HashAlgorithm::Sha512),
        }
    }

    /// What it is called apart from its hash.
    pub(crate) const fn family(self) -> &'static str {
        match self {
            Self::Ecdsa(_) => "ECDSA",
            Self::RsaPkcs1(_) => "RSA PKCS#1 v1.5",
            Self::RsaPss(_) => "RSA-PSS",
            Self::Ed25519 => "Ed25519",
            Self::Ed25519ph => "Ed25519ph",
        }
    }

    /// Whether keys of this kind can sign so.
    #[must_use]
    pub const fn fits(self, kind: KeyKind) -> bool {
        matches!(
            (self, kind),
            (Self::Ecdsa(_), KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521)
                | (Self::RsaPkcs1(_) | Self::RsaPss(_), KeyKind::Rsa { .. })
                | (Self::Ed25519 | Self::Ed25519ph, KeyKind::Ed25519)
        )
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family())?;
        match self {
            Self::Ecdsa(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => write!(f, " with {hash}"),
            Self::Ed25519 | Self::Ed25519ph => Ok(()),
        }
    }
}

/// The schemes that a key of this kind may have signed with, in the order in which they are tried.
///
/// First the default of Sigstore's algorithm registry, then, for P-384 and P-521, SHA-256: older signers used it with
/// every key, and both occur in the wild. Trying two hashes under one key weakens nothing, since the set is fixed here.
/// RSA means PKCS#1 v1.5; PSS is used only where trust material says so. Ed25519 signs messages, and digests as
/// Ed25519ph where only a digest is at hand (Rekor v2 `hashedrekord`).
#[must_use]
pub const fn schemes_for_key(kind: KeyKind) -> &'static [Scheme] {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    match kind {
        KeyKind::EcdsaP256 => &[Scheme::Ecdsa(Sha256)],
        KeyKind::EcdsaP384 => &[Scheme::Ecdsa(Sha384), Scheme::Ecdsa(Sha256)],
        KeyKind::EcdsaP521 => &[Scheme::Ecdsa(Sha512), Scheme::Ecdsa(Sha256)],
        KeyKind::Ed25519 => &[Scheme::Ed25519, Scheme::Ed25519ph],
        KeyKind::Rsa { .. } => &[Scheme::RsaPkcs1(Sha256)],
    }
}

/// Why a signature does not count. Carries no data: whoever asks knows the key and the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureError {
    /// The signature is malformed, or does not verify.
    Invalid,
    /// The scheme is not one for this kind of key, or the digest has not the length of the scheme's hash.
    SchemeMismatch,
    /// Pure Ed25519 signs the message: a digest is not enough.
    NeedsMessage,
}

impl SignatureError {
    /// The stable code: [`Code::SignatureInvalid`], [`Code::AlgorithmUnsupported`], [`Code::NeedsArtifactBytes`].
    #[must_use]
    pub fn failure(self) -> Failure {
        Failure::new(match self {
            Self::Invalid => Code::SignatureInvalid,
            Self::SchemeMismatch => Code::AlgorithmUnsupported,
            Self::NeedsMessage => Code::NeedsArtifactBytes,
        })
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "the signature does not verify",
            Self::SchemeMismatch => "the scheme does not fit the key or the digest",
            Self::NeedsMessage => "pure Ed25519 needs the message itself",
        })
    }
}

impl std::error::Error for SignatureError {}

/// Whether `signature` is one by `key` over the message that hashes to `prehash`.
///
/// ECDSA signatures are strict DER with r and s in [1, n−1]; high s is accepted, as everywhere in Sigstore. Ed25519ph
/// refuses small-order points and S ≥ L.
///
/// # Errors
/// [`SignatureError::SchemeMismatch`] when `scheme` is not one for this key or `prehash` has not the length of its hash,
/// [`SignatureError::NeedsMessage`] for pure Ed25519, else [`SignatureError::Invalid`].
pub fn verify_prehash(key: &PreparedKey, scheme: Scheme, prehash: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    if !scheme.fits(key.key().kind()) {
        return Err(SignatureError::SchemeMismatch);
    }
    let hash = scheme.hash().ok_or(SignatureError::NeedsMessage)?;
    if prehash.len() != hash.length() {
        return Err(SignatureError::SchemeMismatch);
    }
    key.verify_prehash(scheme, prehash, signature)
}

/// Whether `signature` is one by `key` over `message`.
///
/// Pure Ed25519 is strict: canonical encodings, no small-order points, S < L.
///
/// # Errors
/// [`SignatureError::SchemeMismatch`] when `scheme` is not one for this key, else [`SignatureError::Invalid`].
pub fn verify_message(key: &PreparedKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    match scheme.hash() {
        Some(hash) => verify_prehash(key, scheme, hash.hash(&[message]).as_bytes(), signature),
        None if scheme.fits(key.key().kind()) => key.verify_message(message, signature),
        None => Err(SignatureError::SchemeMismatch),
    }
}

/// The DER form of an ECDSA signature that is written as r and s side by side, each of the length of the curve's order
/// (IEEE P1363; JWS RFC 7518 §3.4, COSE RFC 9053 §2.1).
///
/// Returns `None` for another length, or a key that is not ECDSA. Whether r and s are in range is left to verification.
#[must_use]
pub fn ecdsa_fixed_to_der(kind: KeyKind, signature: &[u8]) -> Option<Vec<u8>> {
    let size = match kind {
        KeyKind::EcdsaP256 => 32,
        KeyKind::EcdsaP384 => 48,
        KeyKind::EcdsaP521 => 66,
        KeyKind::Ed25519 | KeyKind::Rsa { .. } => return None,
    };
    let (r, s) = signature.split_at_checked(size).filter(|(_, s)| s.len() == size)?;
    let mut body = Vec::new();
    for number in [r, s] {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let magnitude = number.get(zeros.min(size.saturating_sub(1))..)?;
        let mut value = Vec::new();
        if magnitude.first().is_some_and(|first| *first >= 0x80) {
            value.push(0);
        }
        value.extend_from_slice(magnitude);
        body.extend(der::element(tag::INTEGER, &value));
    }
    Some(der::element(tag::SEQUENCE, &body))
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
