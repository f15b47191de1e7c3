//! [`PublicKey`]: a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) whose algorithm and value are ones we verify with.
//!
//! Which signature algorithm a key is used with follows from its kind and our rules (`crypto::schemes_for_key`), never
//! from an envelope. Nothing here says that a key is trusted.

use crate::code::{Code, Failure};
use crate::crypto::DecodedKey;
use crate::digest::sha256;
use crate::encoding::der::{DerError, Tlv, element, tag};
use crate::encoding::{base64, pem};
use const_oid::ObjectIdentifier;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Longest SubjectPublicKeyInfo that is looked at: an RSA key of 8192 bits takes about 1 060 bytes.
const MAX_SPKI_BYTES: usize = 2048;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// `SEQUENCE { rsaEncryption, NULL }`, complete.
const RSA_ALGORITHM: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// What a key is. Sizes follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on NIST P-256.
    EcdsaP256,
    /// ECDSA on NIST P-384.
    EcdsaP384,
    /// ECDSA on NIST P-521.
    EcdsaP521,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA with a modulus of this many bits, 2048 to 8192.
    Rsa {
        /// Exact length of the modulus.
        bits: u32,
    },
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::EcdsaP521 => f.write_str("ECDSA P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
        }
    }
}

/// A public key: its SubjectPublicKeyInfo as it arrived, its kind, and its id. Cheap to clone.
///
/// Two keys are equal when their SubjectPublicKeyInfo is the same bytes; since only one encoding of each key is
/// accepted, that is equality of keys.
#[derive(Clone)]
pub struct PublicKey {
    spki: Arc<[u8]>,
    value: Range<usize>,
    kind: KeyKind,
    id: [u8; 32],
}

impl PublicKey {
    /// A key from DER SubjectPublicKeyInfo.
    ///
    /// Accepts named curves P-256, P-384 and P-521 with uncompressed points, Ed25519, and RSA of 2048 to 8192 bits with
    /// an odd exponent from 65537 (RFC 5480, RFC 8410, RFC 3279 §2.3.1). The point is on its curve and not of small
    /// order.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] for everything else: explicit curve parameters (CVE-2020-0601), other algorithms or curves,
    /// compressed points, weak or huge RSA keys, trailing bytes.
    pub fn from_spki(der: &[u8]) -> Result<Self, Failure> {
        Self::decoded(der).map(|(key, _)| key)
    }

    /// As [`PublicKey::from_spki`], with the numbers of the key, which had to be read to see that it is one.
    pub(crate) fn decoded(der: &[u8]) -> Result<(Self, DecodedKey), Failure> {
        if der.len() > MAX_SPKI_BYTES {
            return Err(invalid(format_args!("{} bytes of SubjectPublicKeyInfo", der.len())));
        }
        let (kind, value) = parse_spki(der)?;
        let key = Self { spki: der.into(), value, kind, id: sha256(der) };
        let decoded = DecodedKey::new(&key)?;
        Ok((key, decoded))
    }

    /// A key from one PEM block `PUBLIC KEY`, or `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] as for [`PublicKey::from_spki`], for several blocks, text around the block, and for a
    /// certificate or a private key, which the failure names.
    pub fn from_pem(text: &[u8]) -> Result<Self, Failure> {
        let block = pem::parse_one(text, &["PUBLIC KEY", "RSA PUBLIC KEY"]).map_err(|error| match hint_at(text) {
            Some(hint) => invalid(hint),
            None => invalid(error),
        })?;
        if block.label == "RSA PUBLIC KEY" { Self::from_pkcs1_rsa(&block.der) } else { Self::from_spki(&block.der) }
    }

    /// A key from a bare PKCS#1 `RSAPublicKey` (RFC 8017 §A.1.1). Its id is that of the SubjectPublicKeyInfo around it.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] as for [`PublicKey::from_spki`].
    pub fn from_pkcs1_rsa(der: &[u8]) -> Result<Self, Failure> {
        if der.len() > MAX_SPKI_BYTES {
            return Err(invalid(format_args!("{} bytes of RSAPublicKey", der.len())));
        }
        let mut bits = vec![0x00];
        bits.extend_from_slice(der);
        let mut content = RSA_ALGORITHM.to_vec();
        content.extend(element(tag::BIT_STRING, &bits));
        Self::from_spki(&element(tag::SEQUENCE, &content))
    }

    /// What the key is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER SubjectPublicKeyInfo, as it arrived.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SubjectPublicKeyInfo: the log id of RFC 6962 §3.2, and the hint of Sigstore bundles.
    #[must_use]
    pub fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// The id in base64, as bundles write it in `publicKey.hint`.
    #[must_use]
    pub fn hint(&self) -> String {
        base64::encode(&self.id)
    }

    /// The content of the BIT STRING: a point, 32 bytes of Ed25519, or `RSAPublicKey`.
    pub(crate) fn value(&self) -> &[u8] {
        self.spki.get(self.value.clone()).unwrap_or(&[])
    }

    /// Modulus and exponent of an RSA key, big-endian without leading zeros.
    pub(crate) fn rsa_parts(&self) -> Option<(&[u8], &[u8])> {
        rsa_parts(self.value()).ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.kind, self.hint())
    }
}

pub(crate) fn invalid(found: impl fmt::Display) -> Failure {
    Failure::new(Code::KeyInvalid).expected("an ECDSA P-256, P-384 or P-521, Ed25519 or RSA 2048 to 8192 public key").found(found)
}

fn parse_spki(der: &[u8]) -> Result<(KeyKind, Range<usize>), Failure> {
    let outer = Tlv::parse(der).map_err(invalid)?;
    if outer.tag() != tag::SEQUENCE {
        return Err(invalid("no SubjectPublicKeyInfo"));
    }
    let mut fields = outer.reader();
    let algorithm = fields.expect(tag::SEQUENCE).map_err(invalid)?;
    let key = fields.expect(tag::BIT_STRING).map_err(invalid)?;
    fields.finish().map_err(invalid)?;
    let octets = key.bit_octets().map_err(invalid)?;
    let end = key.value_range().end;
    let value = end.saturating_sub(octets.len())..end;

    let mut algorithm = algorithm.reader();
    let oid = algorithm.expect(tag::OID).and_then(|oid| oid.oid()).map_err(invalid)?;
    let parameters = if algorithm.is_empty() { None } else { Some(algorithm.any().map_err(invalid)?) };
    algorithm.finish().map_err(invalid)?;

    let kind = match (oid, parameters) {
        (EC_PUBLIC_KEY, Some(curve)) if curve.tag() == tag::OID => {
            let (kind, point) = match curve.oid().map_err(invalid)? {
                P256 => (KeyKind::EcdsaP256, 65),
                P384 => (KeyKind::EcdsaP384, 97),
                P521 => (KeyKind::EcdsaP521, 133),
                other => return Err(invalid(format_args!("the curve {other}"))),
            };
            // One form for each point: RFC 5480 makes compressed and hybrid points optional, and nobody uses them here.
            if octets.len() != point || octets.first() != Some(&0x04) {
                return Err(invalid("a point that is not in uncompressed form"));
            }
            kind
        }
        (EC_PUBLIC_KEY, _) => return Err(invalid("an elliptic-curve key without a named curve")),
        (ED25519, None) if octets.len() == 32 => KeyKind::Ed25519,
        (ED25519, _) => return Err(invalid("a malformed Ed25519 key")),
        (RSA, Some(null)) => {
            null.null().map_err(invalid)?;
            KeyKind::Rsa { bits: rsa_bits(octets)? }
        }
        (RSA, None) => return Err(invalid("an RSA key without its NULL parameters")),
        (other, _) => return Err(invalid(format_args!("the key algorithm {other}"))),
    };
    Ok((kind, value))
}

fn rsa_parts(der: &[u8]) -> Result<(&[u8], &[u8]), DerError> {
    let outer = Tlv::parse(der)?;
    if outer.tag() != tag::SEQUENCE {
        return Err(DerError("no RSAPublicKey"));
    }
    let mut fields = outer.reader();
    let modulus = fields.expect(tag::INTEGER)?.unsigned()?;
    let exponent = fields.expect(tag::INTEGER)?.unsigned()?;
    fields.finish()?;
    Ok((modulus, exponent))
}

fn rsa_bits(der: &[u8]) -> Result<u32, Failure> {
    let (modulus, exponent) = rsa_parts(der).map_err(invalid)?;
    let first = modulus.first().copied().unwrap_or(0);
    let octets = u32::try_from(modulus.len()).unwrap_or(u32::MAX);
    let bits = octets.saturating_mul(8).saturating_sub(first.leading_zeros());
    // Before any arithmetic: a huge modulus costs its square in time (K-X-15).
    if !(2048..=8192).contains(&bits) {
        return Err(invalid(format_args!("an RSA modulus of {bits} bits")));
    }
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return Err(invalid("an even RSA modulus"));
    }
    // Small exponents are what signature forgeries against PKCS#1 v1.5 need; large ones only cost time.
    let small = exponent.len() < 3 || (exponent.len() == 3 && exponent < [0x01, 0x00, 0x01].as_slice());
    if small || exponent.len() > 4 || exponent.last().is_none_or(|last| last & 1 == 0) {
        return Err(invalid("an RSA exponent that is even, below 65537 or above 32 bits"));
    }
    Ok(bits)
}

/// What the text seems to be instead, for the most common mix-ups.
fn hint_at(text: &[u8]) -> Option<&'static str> {
    let head = String::from_utf8_lossy(text.get(..4096).unwrap_or(text));
    let label = head.split("-----BEGIN ").nth(1)?.split("-----").next()?;
    if label == "CERTIFICATE" {
        Some("a certificate, where a public key is expected")
    } else if label.ends_with("PRIVATE KEY") {
        Some("a private key: give only the public half, and treat the private one as disclosed if it was shared")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::{self, bytes};

    fn pem(label: &str, der: &[u8]) -> String {
        let body = base64::encode(der);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    #[test]
    fn a_key_is_read_from_spki_pkcs1_and_pem() {
        let spki = bytes(fixtures::RSA_SPKI);
        let key = PublicKey::from_spki(&spki).unwrap();
        assert_eq!(key.kind(), KeyKind::Rsa { bits: 2048 });
        assert_eq!(key.spki(), spki);
        assert_eq!(key.id(), &sha256(&spki));
        assert_eq!(key.hint(), base64::encode(&sha256(&spki)));
        assert_eq!(PublicKey::from_pem(pem("PUBLIC KEY", &spki).as_bytes()).unwrap(), key);
        let pkcs1 = key.value().to_vec();
        assert_eq!(PublicKey::from_pkcs1_rsa(&pkcs1).unwrap(), key);
        assert_eq!(PublicKey::from_pem(pem("RSA PUBLIC KEY", &pkcs1).as_bytes()).unwrap(), key);
    }

    /// Vector of our own specification: an Ed25519 key, its DER and its hint.
    #[test]
    fn the_hint_is_the_digest_of_the_spki() {
        let key = PublicKey::from_spki(&bytes("MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")).unwrap();
        assert_eq!(key.kind(), KeyKind::Ed25519);
        assert_eq!(key.hint(), "oFCDfYUHBYLM9zlLCYiEfMMSy4glm4lImfbyOc8XkaU=");
    }

    /// K-CR-08, K-CR-10.
    #[test]
    fn a_pem_that_is_not_one_public_key_is_key_invalid() {
        let spki = bytes(fixtures::RSA_SPKI);
        let one = pem("PUBLIC KEY", &spki);
        let key = PublicKey::from_spki(&spki).unwrap();
        for (text, words) in [
            (pem("CERTIFICATE", &spki), "a certificate"),
            (pem("PRIVATE KEY", &spki), "a private key"),
            (pem("EC PRIVATE KEY", &spki), "a private key"),
            (format!("{one}{one}"), ""),
            (format!("{one}{}", pem("CERTIFICATE", &spki)), ""),
            (format!("x{one}"), ""),
            (one.replace("END PUBLIC", "END PRIVATE"), ""),
            (pem("RSA PUBLIC KEY", &spki), ""),
            (pem("PUBLIC KEY", key.value()), ""),
            (String::new(), ""),
        ] {
            let failure = PublicKey::from_pem(text.as_bytes()).unwrap_err();
            assert_eq!(failure.code(), Code::KeyInvalid, "{text}");
            assert!(failure.found_text().unwrap().contains(words), "{failure}");
        }
    }
}
