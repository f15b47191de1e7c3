//! The default backend: RustCrypto, pure Rust.
//!
//! Knows keys that [`crate::key`] has checked structurally, and the schemes that [`super`] found to fit them.

use super::{Scheme, SignatureError};
use crate::code::Failure;
use crate::digest::HashAlgorithm;
use crate::key::{KeyKind, PublicKey, invalid};
use ed25519_dalek::Signature as Ed25519Signature;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::digest::{self, FixedOutput, FixedOutputReset, HashMarker, OutputSizeUser, Reset, Update};
use signature::hazmat::PrehashVerifier;

/// A key in the form that the primitives take: its point lies on the curve and is not of small order, which a key's structure
/// does not show.
pub(crate) enum Key {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
    Rsa(Box<RsaPublicKey>),
}

impl Key {
    pub(crate) fn new(key: &PublicKey) -> Result<Self, Failure> {
        let off_curve = |_| invalid("a point that is not on its curve");
        let value = key.value();
        Ok(match key.kind() {
            KeyKind::EcdsaP256 => Self::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(value).map_err(off_curve)?),
            KeyKind::EcdsaP384 => Self::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(value).map_err(off_curve)?),
            KeyKind::EcdsaP521 => Self::P521(p521::ecdsa::VerifyingKey::from_sec1_bytes(value).map_err(off_curve)?),
            KeyKind::Ed25519 => Self::Ed25519(ed25519(value)?),
            KeyKind::Rsa { .. } => {
                let (modulus, exponent) = key.rsa_parts().ok_or_else(|| invalid("a malformed RSA key"))?;
                let modulus = BoxedUint::from_be_slice_vartime(modulus);
                let exponent = BoxedUint::from_be_slice_vartime(exponent);
                let key = RsaPublicKey::new(modulus, exponent).map_err(|_| invalid("a malformed RSA key"))?;
                Self::Rsa(Box::new(key))
            }
        })
    }

    /// `prehash` has the length of the scheme's hash; the scheme is not pure Ed25519.
    pub(super) fn verify_prehash(&self, scheme: Scheme, prehash: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let invalid = SignatureError::Invalid;
        match (self, scheme) {
            (Self::P256(key), Scheme::Ecdsa(_)) => {
                let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| invalid)?;
                key.verify_prehash(prehash, &signature).map_err(|_| invalid)
            }
            (Self::P384(key), Scheme::Ecdsa(_)) => {
                let signature = p384::ecdsa::Signature::from_der(signature).map_err(|_| invalid)?;
                key.verify_prehash(prehash, &signature).map_err(|_| invalid)
            }
            (Self::P521(key), Scheme::Ecdsa(_)) => {
                let signature = p521::ecdsa::Signature::from_der(signature).map_err(|_| invalid)?;
                key.verify_prehash(prehash, &signature).map_err(|_| invalid)
            }
            (Self::Ed25519(key), Scheme::Ed25519ph) => {
                let signature = Ed25519Signature::from_slice(signature).map_err(|_| invalid)?;
                let prehash = Prehashed(prehash.try_into().map_err(|_| SignatureError::SchemeMismatch)?);
                key.verify_prehashed_strict(prehash, None, &signature).map_err(|_| invalid)
            }
            (Self::Rsa(key), Scheme::RsaPkcs1(hash)) => {
                let padding = match hash {
                    HashAlgorithm::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
                    HashAlgorithm::Sha384 => Pkcs1v15Sign::new::<sha2::Sha384>(),
                    HashAlgorithm::Sha512 => Pkcs1v15Sign::new::<sha2::Sha512>(),
                };
                key.verify(padding, prehash, signature).map_err(|_| invalid)
            }
            (Self::Rsa(key), Scheme::RsaPss(hash)) => verify_pss(key, hash, prehash, signature).ok_or(invalid),
            _ => Err(SignatureError::SchemeMismatch),
        }
    }

    /// Pure Ed25519.
    pub(super) fn verify_message(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let Self::Ed25519(key) = self else { return Err(SignatureError::SchemeMismatch) };
        let signature = Ed25519Signature::from_slice(signature).map_err(|_| SignatureError::Invalid)?;
        key.verify_strict(message, &signature).map_err(|_| SignatureError::Invalid)
    }
}

fn ed25519(value: &[u8]) -> Result<ed25519_dalek::VerifyingKey, Failure> {
    let bytes: &[u8; 32] = value.try_into().map_err(|_| invalid("a malformed Ed25519 key"))?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| invalid("a point that is not on its curve"))?;
    // Under a small-order key one signature verifies almost every message (K-CR-05).
    if key.is_weak() {
        return Err(invalid("an Ed25519 point of small order"));
    }
    // One key, one encoding: decompression also takes y ≥ p. (It takes −0 for x as well, which only points of small order have.)
    if !is_below_modulus(bytes) {
        return Err(invalid("an Ed25519 point in a non-canonical encoding"));
    }
    Ok(key)
}

/// Whether y, little-endian with the sign of x in the highest bit, is less than p = 2²⁵⁵ − 19.
fn is_below_modulus(bytes: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = bytes;
    *lowest < 0xed || middle.iter().any(|byte| *byte != 0xff) || highest & 0x7f != 0x7f
}

/// EMSA-PSS-VERIFY (RFC 8017 §9.1.2) with the salt length read from the encoded message. The crate's own verifier can
/// detect the length as well, but then accepts a salt of any length, none included (K-CR-04).
fn verify_pss(key: &RsaPublicKey, hash: HashAlgorithm, prehash: &[u8], signature: &[u8]) -> Option<()> {
    // RSAVP1: a signature has the length of the modulus, and is less than it.
    if signature.len() != key.size() {
        return None;
    }
    let representative = BoxedUint::from_be_slice(signature, key.n_bits_precision()).ok()?;
    if representative >= **key.n() {
        return None;
    }
    let opened = rsa::hazmat::rsa_encrypt(key, &representative).ok()?.to_be_bytes();

    // emBits = modBits − 1; the encoded message is the last ⌈emBits / 8⌉ octets, and anything before must be zero.
    let em_bits = usize::try_from(key.n().bits()).ok()?.checked_sub(1)?;
    let em_length = em_bits.div_ceil(8);
    let (before, message) = opened.split_at_checked(opened.len().checked_sub(em_length)?)?;
    if before.iter().any(|byte| *byte != 0) {
        return None;
    }
    let (message, trailer) = message.split_at_checked(em_length.checked_sub(1)?)?;
    if trailer != [0xbc] {
        return None;
    }
    let (masked, digest) = message.split_at_checked(message.len().checked_sub(hash.length())?)?;
    let unused = u32::try_from(em_length.checked_mul(8)?.checked_sub(em_bits)?).ok()?;
    let keep = 0xff_u8.checked_shr(unused)?;
    if masked.first()? & !keep != 0 {
        return None;
    }
    let mut block = masked.to_vec();
    for (counter, chunk) in block.chunks_mut(hash.length()).enumerate() {
        let counter = u32::try_from(counter).ok()?.to_be_bytes();
        let mask = hash.hash(&[digest, &counter]);
        for (byte, mask) in chunk.iter_mut().zip(mask.as_bytes()) {
            *byte ^= mask;
        }
    }
    *block.first_mut()? &= keep;
    // DB is zeros, 01, salt.
    let zeros = block.iter().take_while(|byte| **byte == 0).count();
    let (separator, salt) = block.get(zeros..)?.split_first()?;
    if *separator != 0x01 || salt.len() < hash.length() {
        return None;
    }
    (hash.hash(&[&[0; 8], prehash, salt]).as_bytes() == digest).then_some(())
}

/// A SHA-512 digest that is already taken, in the shape that Ed25519ph asks for. Nothing can be added to it.
#[derive(Clone)]
struct Prehashed([u8; 64]);

impl Default for Prehashed {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl OutputSizeUser for Prehashed {
    type OutputSize = digest::consts::U64;
}

impl Update for Prehashed {
    fn update(&mut self, _: &[u8]) {}
}

impl FixedOutput for Prehashed {
    fn finalize_into(self, out: &mut digest::Output<Self>) {
        out.copy_from_slice(&self.0);
    }
}

impl Reset for Prehashed {
    fn reset(&mut self) {}
}

impl FixedOutputReset for Prehashed {
    fn finalize_into_reset(&mut self, out: &mut digest::Output<Self>) {
        out.copy_from_slice(&self.0);
    }
}

impl HashMarker for Prehashed {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of every y about the modulus, with both signs: what is taken is what the library would write for the same point.
    #[test]
    fn one_encoding_of_each_ed25519_point_is_taken() {
        let mut taken = 0;
        for lowest in 0..=0xff {
            for highest in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                (bytes[0], bytes[31]) = (lowest, highest);
                assert_eq!(is_below_modulus(&bytes), lowest < 0xed);
                let key = ed25519(&bytes);
                taken += usize::from(key.is_ok());
                let Ok(point) = ed25519_dalek::VerifyingKey::from_bytes(&bytes) else { continue };
                let written_so = point.to_edwards().compress().as_bytes() == &bytes;
                assert_eq!(key.is_ok(), written_so && !point.is_weak(), "{lowest:02x} {highest:02x}");
            }
        }
        assert!(taken > 200);
        for place in 1..31 {
            let mut bytes = [0xff; 32];
            bytes[place] = 0xfe;
            assert!(is_below_modulus(&bytes), "{place}");
        }
    }
}
