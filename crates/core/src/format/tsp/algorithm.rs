//! AlgorithmIdentifiers of timestamp tokens: which hash, and how the token is signed.

use super::{malformed, oid};
use crate::code::{Code, Failure};
use crate::crypto::Scheme;
use crate::digest::HashAlgorithm;
use crate::encoding::der::{DerError, Reader, Tlv, tag};
use crate::encoding::hex;
use const_oid::ObjectIdentifier;

const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// An AlgorithmIdentifier: the identifier's content octets, and the parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct AlgorithmId<'a> {
    oid: &'a [u8],
    parameters: Option<Tlv<'a>>,
}

impl<'a> AlgorithmId<'a> {
    pub(super) fn parse(element: Tlv<'a>) -> Result<Self, DerError> {
        if element.tag() != tag::SEQUENCE {
            return Err(DerError("an element of another type"));
        }
        let mut reader = element.reader();
        let oid = oid(&mut reader)?;
        let parameters = if reader.is_empty() { None } else { Some(reader.any()?) };
        reader.finish()?;
        Ok(Self { oid, parameters })
    }

    /// The SHA-2 hash that this names; its parameters are absent or NULL (RFC 5754 §2), which mean the same.
    ///
    /// # Errors
    /// [`Code::AlgorithmUnsupported`] for every other hash, SHA-1 included.
    pub(super) fn hash(&self, place: &'static str) -> Result<HashAlgorithm, Failure> {
        [(SHA256, HashAlgorithm::Sha256), (SHA384, HashAlgorithm::Sha384), (SHA512, HashAlgorithm::Sha512)]
            .into_iter()
            .find(|(oid, _)| self.is(oid) && self.without_parameters())
            .map(|(_, hash)| hash)
            .ok_or_else(|| self.unsupported("SHA-256, SHA-384 or SHA-512", place))
    }

    /// The signature scheme that this names, where `digest` is the digest algorithm beside it.
    ///
    /// # Errors
    /// [`Code::AlgorithmUnsupported`] for anything that is not ECDSA with SHA-2, RSA PKCS#1 v1.5 or PSS with SHA-2, or
    /// Ed25519 with SHA-512 (RFC 8419 §3).
    pub(super) fn scheme(&self, digest: HashAlgorithm) -> Result<Scheme, Failure> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let unsupported = || self.unsupported("ECDSA, RSA or Ed25519 with SHA-2", "signatureAlgorithm");
        let ecdsa = [(ECDSA_SHA256, Sha256), (ECDSA_SHA384, Sha384), (ECDSA_SHA512, Sha512)];
        let rsa = [(RSA_SHA256, Sha256), (RSA_SHA384, Sha384), (RSA_SHA512, Sha512), (RSA, digest)];
        if let Some((_, hash)) = ecdsa.into_iter().find(|(oid, _)| self.is(oid)) {
            // RFC 5758 §3.2: no parameters.
            return if self.parameters.is_none() { Ok(Scheme::Ecdsa(hash)) } else { Err(unsupported()) };
        }
        if let Some((_, hash)) = rsa.into_iter().find(|(oid, _)| self.is(oid)) {
            return if self.without_parameters() { Ok(Scheme::RsaPkcs1(hash)) } else { Err(unsupported()) };
        }
        if self.is(&RSA_PSS) {
            return pss_hash(self.parameters).map(Scheme::RsaPss).ok_or_else(unsupported);
        }
        if self.is(&ED25519) && self.parameters.is_none() && digest == Sha512 {
            return Ok(Scheme::Ed25519);
        }
        Err(unsupported())
    }

    fn is(&self, oid: &ObjectIdentifier) -> bool {
        self.oid == oid.as_bytes()
    }

    fn without_parameters(&self) -> bool {
        self.parameters.is_none_or(|parameters| parameters.null().is_ok())
    }

    fn unsupported(&self, expected: &str, place: &'static str) -> Failure {
        let found = ObjectIdentifier::from_bytes(self.oid).map_or_else(|_| hex::encode(self.oid), |oid| oid.to_string());
        Failure::new(Code::AlgorithmUnsupported).expected(expected).found(found).at(place)
    }
}

/// RSASSA-PSS-params (RFC 8017 §A.2.3) in the one shape that counts: a SHA-2 hash, MGF1 over the same hash, a salt as long
/// as the hash, trailer 1. The defaults are SHA-1, so nothing may be left out but the trailer.
fn pss_hash(parameters: Option<Tlv<'_>>) -> Option<HashAlgorithm> {
    let parameters = parameters.filter(|parameters| parameters.tag() == tag::SEQUENCE)?;
    let mut reader = parameters.reader();
    let hash = inner(&mut reader, 0)?;
    let hash = AlgorithmId::parse(hash).ok()?.hash("").ok()?;
    let mask = AlgorithmId::parse(inner(&mut reader, 1)?).ok()?;
    let mask_hash = AlgorithmId::parse(mask.parameters?).ok()?.hash("").ok()?;
    let salt = usize::try_from(inner(&mut reader, 2)?.small_unsigned().ok()?).ok()?;
    reader.finish().ok()?;
    (mask.is(&RSA_MGF1) && mask_hash == hash && salt == hash.length()).then_some(hash)
}

/// The one element inside the EXPLICIT tag `[n]`.
fn inner<'a>(reader: &mut Reader<'a>, n: u8) -> Option<Tlv<'a>> {
    let mut content = reader.expect(tag::constructed(n)).ok()?.reader();
    let element = content.any().ok()?;
    content.finish().ok()?;
    Some(element)
}

/// Reads the next AlgorithmIdentifier.
pub(super) fn next<'a>(reader: &mut Reader<'a>, place: &'static str) -> Result<AlgorithmId<'a>, Failure> {
    reader.any().and_then(AlgorithmId::parse).map_err(|error| malformed(place, error))
}
