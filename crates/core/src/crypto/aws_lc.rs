//! The backend of the feature `aws-lc-rs`: ECDSA and RSA PKCS#1 v1.5 in AWS-LC.
//!
//! Ed25519 stays with RustCrypto, whose strictness about small-order points AWS-LC does not share, and so does RSA-PSS,
//! whose salt length we read from the signature.

use super::{Scheme, SignatureError};
use crate::digest::HashAlgorithm;
use crate::key::{KeyKind, PublicKey};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self as algorithms, ParsedPublicKey, VerificationAlgorithm};
use std::sync::OnceLock;

/// A key in the form that AWS-LC takes: for each hash its own, since its algorithms name key and hash together.
pub(super) struct Key {
    kind: KeyKind,
    /// An uncompressed point, or an RSAPublicKey (RFC 8017 A.1.1).
    value: Box<[u8]>,
    parsed: [OnceLock<Option<ParsedPublicKey>>; 3],
}

impl Key {
    /// `None` for kinds that stay with the other backend.
    pub(super) fn new(key: &PublicKey) -> Option<Self> {
        match key.kind() {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 | KeyKind::Rsa { .. } => {
                Some(Self { kind: key.kind(), value: key.value().into(), parsed: Default::default() })
            }
            KeyKind::Ed25519 => None,
        }
    }

    /// `None` for schemes that stay with the other backend.
    pub(super) fn verify_prehash(&self, scheme: Scheme, prehash: &[u8], signature: &[u8]) -> Option<Result<(), SignatureError>> {
        let hash = scheme.hash()?;
        let (algorithm, digest, slot) = self.algorithm(scheme, hash)?;
        let key = slot.get_or_init(|| ParsedPublicKey::new(algorithm, self.value.as_ref()).ok()).as_ref()?;
        let digest = Digest::import_less_safe(prehash, digest).ok()?;
        // One reading of signatures, whatever checks them.
        let readable = match self.kind {
            KeyKind::EcdsaP256 => p256::ecdsa::Signature::from_der(signature).is_ok(),
            KeyKind::EcdsaP384 => p384::ecdsa::Signature::from_der(signature).is_ok(),
            KeyKind::EcdsaP521 => p521::ecdsa::Signature::from_der(signature).is_ok(),
            _ => true,
        };
        Some(match readable && key.verify_digest_sig(&digest, signature).is_ok() {
            true => Ok(()),
            false => Err(SignatureError::Invalid),
        })
    }

    fn algorithm(
        &self,
        scheme: Scheme,
        hash: HashAlgorithm,
    ) -> Option<(&'static dyn VerificationAlgorithm, &'static digest::Algorithm, &OnceLock<Option<ParsedPublicKey>>)> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let [sha256, sha384, sha512] = &self.parsed;
        let (digest, slot) = match hash {
            Sha256 => (&digest::SHA256, sha256),
            Sha384 => (&digest::SHA384, sha384),
            Sha512 => (&digest::SHA512, sha512),
        };
        let algorithm: &'static dyn VerificationAlgorithm = match (scheme, self.kind, hash) {
            (Scheme::Ecdsa(_), KeyKind::EcdsaP256, Sha256) => &algorithms::ECDSA_P256_SHA256_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP256, Sha384) => &algorithms::ECDSA_P256_SHA384_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP256, Sha512) => &algorithms::ECDSA_P256_SHA512_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP384, Sha256) => &algorithms::ECDSA_P384_SHA256_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP384, Sha384) => &algorithms::ECDSA_P384_SHA384_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP384, Sha512) => &algorithms::ECDSA_P384_SHA512_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP521, Sha256) => &algorithms::ECDSA_P521_SHA256_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP521, Sha384) => &algorithms::ECDSA_P521_SHA384_ASN1,
            (Scheme::Ecdsa(_), KeyKind::EcdsaP521, Sha512) => &algorithms::ECDSA_P521_SHA512_ASN1,
            (Scheme::RsaPkcs1(_), KeyKind::Rsa { .. }, Sha256) => &algorithms::RSA_PKCS1_2048_8192_SHA256,
            (Scheme::RsaPkcs1(_), KeyKind::Rsa { .. }, Sha384) => &algorithms::RSA_PKCS1_2048_8192_SHA384,
            (Scheme::RsaPkcs1(_), KeyKind::Rsa { .. }, Sha512) => &algorithms::RSA_PKCS1_2048_8192_SHA512,
            _ => return None,
        };
        Some((algorithm, digest, slot))
    }
}
