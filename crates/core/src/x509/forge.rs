//! Certificates made for tests: every field can be wrong on purpose.

use super::Certificate;
use super::oid;
use crate::code::Failure;
use crate::encoding::der::{element, tag};
use crate::limits::Limits;
use const_oid::ObjectIdentifier;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

/// `ecdsa-with-SHA256`.
pub(super) const ECDSA_SHA256: [u8; 12] = [0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// A key of its own for each number.
pub(super) fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number.max(1); 32]).unwrap()
}

/// Its SubjectPublicKeyInfo.
pub(super) fn spki(number: u8) -> Vec<u8> {
    let head = [
        0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0,
    ];
    [&head[..], key(number).verifying_key().to_sec1_point(false).as_bytes()].concat()
}

pub(super) fn oid_element(oid: &ObjectIdentifier) -> Vec<u8> {
    element(tag::OID, oid.as_bytes())
}

/// `CN=name`, or the empty name.
pub(super) fn name(name: &str) -> Vec<u8> {
    if name.is_empty() {
        return element(tag::SEQUENCE, &[]);
    }
    let attribute = [element(tag::OID, &[0x55, 4, 3]), element(tag::UTF8_STRING, name.as_bytes())].concat();
    element(tag::SEQUENCE, &element(tag::SET, &element(tag::SEQUENCE, &attribute)))
}

pub(super) fn extension(oid: &ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut fields = oid_element(oid);
    if critical {
        fields.extend([1, 1, 0xff]);
    }
    fields.extend(element(tag::OCTET_STRING, value));
    element(tag::SEQUENCE, &fields)
}

pub(super) fn basic_constraints(is_ca: bool, path_length: Option<u8>) -> Vec<u8> {
    let mut fields = Vec::new();
    if is_ca {
        fields.extend([1, 1, 0xff]);
    }
    if let Some(length) = path_length {
        fields.extend([2, 1, length]);
    }
    extension(&oid::BASIC_CONSTRAINTS, true, &element(tag::SEQUENCE, &fields))
}

/// `bits` is the first octet: 80 digitalSignature, 04 keyCertSign, 02 cRLSign.
pub(super) fn key_usage(bits: u8) -> Vec<u8> {
    let unused = u8::try_from(bits.trailing_zeros()).unwrap();
    extension(&oid::KEY_USAGE, true, &[3, 2, unused, bits])
}

pub(super) fn extended_key_usage(critical: bool, purposes: &[ObjectIdentifier]) -> Vec<u8> {
    let list: Vec<u8> = purposes.iter().flat_map(oid_element).collect();
    extension(&oid::EXTENDED_KEY_USAGE, critical, &element(tag::SEQUENCE, &list))
}

/// Names as elements.
pub(super) fn subject_alt_name(names: &[Vec<u8>]) -> Vec<u8> {
    extension(&oid::SUBJECT_ALT_NAME, true, &element(tag::SEQUENCE, &names.concat()))
}

/// Subtrees as elements of names.
pub(super) fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let list = |names: &[Vec<u8>]| names.iter().flat_map(|name| element(tag::SEQUENCE, name)).collect::<Vec<u8>>();
    let mut fields = Vec::new();
    if !permitted.is_empty() {
        fields.extend(element(tag::constructed(0), &list(permitted)));
    }
    if !excluded.is_empty() {
        fields.extend(element(tag::constructed(1), &list(excluded)));
    }
    extension(&oid::NAME_CONSTRAINTS, true, &element(tag::SEQUENCE, &fields))
}

/// What a certificate will say. Times are UTCTime texts.
#[derive(Clone)]
pub(super) struct Forge {
    pub(super) version: Vec<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) inner_algorithm: Vec<u8>,
    pub(super) outer_algorithm: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) not_before: &'static str,
    pub(super) not_after: &'static str,
    pub(super) subject: Vec<u8>,
    pub(super) spki: Vec<u8>,
    pub(super) extensions: Vec<Vec<u8>>,
    pub(super) signer: u8,
}

impl Forge {
    /// A certificate for key `key` with name `subject`, issued by key `signer` with name `issuer`, valid in 2026.
    pub(super) fn new(subject: &str, key: u8, issuer: &str, signer: u8) -> Self {
        Self {
            version: vec![0xa0, 3, 2, 1, 2],
            serial: vec![key],
            inner_algorithm: ECDSA_SHA256.to_vec(),
            outer_algorithm: ECDSA_SHA256.to_vec(),
            issuer: name(issuer),
            not_before: "260101000000Z",
            not_after: "261231235959Z",
            subject: name(subject),
            spki: spki(key),
            extensions: Vec::new(),
            signer,
        }
    }

    /// A code-signing leaf.
    pub(super) fn leaf(issuer: &str, signer: u8) -> Self {
        Self::new("", 200, issuer, signer)
            .with(key_usage(0x80))
            .with(extended_key_usage(false, &[oid::CODE_SIGNING]))
            .with(subject_alt_name(&[element(0x81, b"a@example.com")]))
    }

    /// A CA.
    pub(super) fn ca(subject: &str, key: u8, issuer: &str, signer: u8) -> Self {
        Self::new(subject, key, issuer, signer).with(basic_constraints(true, None)).with(key_usage(0x06))
    }

    pub(super) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// The same without the extension of that type.
    pub(super) fn without(mut self, oid: &ObjectIdentifier) -> Self {
        let wanted = oid_element(oid);
        self.extensions.retain(|extension| !extension.windows(wanted.len()).any(|window| window == wanted));
        self
    }

    pub(super) fn tbs(&self) -> Vec<u8> {
        let time = |text: &str| element(if text.len() == 13 { tag::UTC_TIME } else { tag::GENERALIZED_TIME }, text.as_bytes());
        let mut fields = self.version.clone();
        fields.extend(element(tag::INTEGER, &self.serial));
        fields.extend(&self.inner_algorithm);
        fields.extend(&self.issuer);
        fields.extend(element(tag::SEQUENCE, &[time(self.not_before), time(self.not_after)].concat()));
        fields.extend(&self.subject);
        fields.extend(&self.spki);
        if !self.extensions.is_empty() {
            fields.extend(element(tag::constructed(3), &element(tag::SEQUENCE, &self.extensions.concat())));
        }
        element(tag::SEQUENCE, &fields)
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let tbs = self.tbs();
        let signature: Signature = key(self.signer).sign(&tbs);
        let bits = [&[0], signature.to_der().as_bytes()].concat();
        element(tag::SEQUENCE, &[tbs, self.outer_algorithm.clone(), element(tag::BIT_STRING, &bits)].concat())
    }

    pub(super) fn parse(&self) -> Result<Certificate, Failure> {
        Certificate::from_der(&self.der(), &Limits::DEFAULT)
    }

    pub(super) fn make(&self) -> Certificate {
        self.parse().unwrap()
    }
}
