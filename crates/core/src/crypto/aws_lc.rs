//! The backend of the feature `aws-lc-rs`: ECDSA, RSA PKCS#1 v1.5 and pure Ed25519 in AWS-LC.
//!
//! RSA-PSS stays with RustCrypto, since its salt length is read from the signature, and so does Ed25519ph, which `aws-lc-rs` does
//! not offer.
//!
//! Ed25519 gets the answers of `ed25519-dalek`'s strict verification (K-CR-05). Both take S < L alone, compute
//! [S]B − [k]A with k reduced modulo L, without a cofactor, and compare its encoding with the bytes of R: what is
//! not the canonical encoding of a point is equal to none. What remains of strictness is that neither A nor R
//! is of small order: of A that is decided when the key is read, with all else that a key may not be; of R here, by its eight
//! encodings.

use super::{Scheme, SignatureError};
use crate::digest::HashAlgorithm;
use crate::key::{KeyKind, PublicKey};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self as algorithms, ParsedPublicKey, VerificationAlgorithm};
use std::sync::OnceLock;

/// The encodings of the points of order 1, 2, 4 and 8 on the curve of Ed25519: (0, 1), (0, −1), (±√−1, 0), and two
/// with each of two opposite y.
const SMALL_ORDER: [[u8; 32]; 8] = {
    /// Those of the first four: they differ at the ends.
    const fn bytes(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    }
    const Y: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05,
        0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    const MINUS_Y: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa,
        0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    /// The same y with the other x.
    const fn other(mut bytes: [u8; 32]) -> [u8; 32] {
        bytes[31] |= 0x80;
        bytes
    }
    [bytes(1, 0, 0), bytes(0xec, 0xff, 0x7f), bytes(0, 0, 0), bytes(0, 0, 0x80), Y, other(Y), MINUS_Y, other(MINUS_Y)]
};

/// A key in the form that AWS-LC takes: for each hash its own, since its algorithms name key and hash together.
pub(super) struct Key {
    kind: KeyKind,
    /// An uncompressed point, an RSAPublicKey (RFC 8017 A.1.1), or the 32 bytes of an Ed25519 key.
    value: Box<[u8]>,
    parsed: [OnceLock<Option<ParsedPublicKey>>; 3],
}

impl Key {
    pub(super) fn new(key: &PublicKey) -> Self {
        Self { kind: key.kind(), value: key.value().into(), parsed: Default::default() }
    }

    /// Pure Ed25519; `None` for a key that AWS-LC does not take.
    pub(super) fn verify_message(&self, message: &[u8], signature: &[u8]) -> Option<Result<(), SignatureError>> {
        if self.kind != KeyKind::Ed25519 {
            return None;
        }
        let [slot, ..] = &self.parsed;
        let key = slot.get_or_init(|| ParsedPublicKey::new(&algorithms::ED25519, self.value.as_ref()).ok()).as_ref()?;
        let sound = signature.first_chunk().is_some_and(|r| !SMALL_ORDER.contains(r));
        Some(match sound && key.verify_sig(message, signature).is_ok() {
            true => Ok(()),
            false => Err(SignatureError::Invalid),
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;

    #[test]
    fn the_encodings_of_small_order_are_those_of_the_torsion_group() {
        for point in EIGHT_TORSION {
            assert!(SMALL_ORDER.contains(point.compress().as_bytes()), "{point:?}");
        }
        for (at, one) in SMALL_ORDER.iter().enumerate() {
            assert!(!SMALL_ORDER[..at].contains(one));
        }
    }
}
