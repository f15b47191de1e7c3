//! Tokens made for the tests, piece by piece, so that each rule can be broken alone.

use super::*;
use crate::digest::HashAlgorithm;
use crate::encoding::der::element;
use crate::key::PublicKey;
use const_oid::ObjectIdentifier;
use ed25519_dalek::{Signer, SigningKey};

pub(super) const DATA: &[u8] = b"the bytes of a signature";
pub(super) const SHA1: &str = "1.3.14.3.2.26";
pub(super) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(super) const SHA512: &str = "2.16.840.1.101.3.4.2.3";
pub(super) const ED25519: &str = "1.3.101.112";
pub(super) const RSA_PSS: &str = "1.2.840.113549.1.1.10";
pub(super) const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
pub(super) const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub(super) const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub(super) const V1: &str = "1.2.840.113549.1.9.16.2.12";
pub(super) const V2: &str = "1.2.840.113549.1.9.16.2.47";
pub(super) const NULL: [u8; 2] = [0x05, 0x00];

pub(super) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag::SEQUENCE, &parts.concat())
}

pub(super) fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag::SET, &parts.concat())
}

pub(super) fn explicit(n: u8, content: &[u8]) -> Vec<u8> {
    element(tag::constructed(n), content)
}

pub(super) fn oid_der(text: &str) -> Vec<u8> {
    element(tag::OID, ObjectIdentifier::new_unwrap(text).as_bytes())
}

pub(super) fn int(value: u8) -> Vec<u8> {
    element(tag::INTEGER, &[value])
}

pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    element(tag::OCTET_STRING, bytes)
}

pub(super) fn alg(oid: &str) -> Vec<u8> {
    seq(&[oid_der(oid)])
}

pub(super) fn alg_with(oid: &str, parameters: &[u8]) -> Vec<u8> {
    seq(&[oid_der(oid), parameters.to_vec()])
}

pub(super) fn attribute(oid: &str, values: &[Vec<u8>]) -> Vec<u8> {
    seq(&[oid_der(oid), set(values)])
}

pub(super) fn name(text: &str) -> Vec<u8> {
    seq(&[set(&[seq(&[oid_der("2.5.4.3"), element(tag::UTF8_STRING, text.as_bytes())])])])
}

pub(super) fn certificate(issuer: &str, serial: u8, key_id: &[u8]) -> Vec<u8> {
    let extensions = seq(&[
        seq(&[oid_der("2.5.29.19"), element(tag::BOOLEAN, &[0xff]), octets(&seq(&[]))]),
        seq(&[oid_der("2.5.29.14"), octets(&octets(key_id))]),
    ]);
    let tbs = [
        explicit(0, &int(2)),
        int(serial),
        alg(ED25519),
        name(issuer),
        seq(&[]),
        name("tsa"),
        seq(&[]),
        explicit(3, &extensions),
    ];
    seq(&[seq(&tbs), alg(ED25519), element(tag::BIT_STRING, &[0])])
}

pub(super) fn ess(id: &[Vec<u8>]) -> Vec<u8> {
    seq(&[seq(&[seq(id)])])
}

pub(super) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(super) fn prepared(key: &SigningKey) -> PreparedKey {
    let spki =
        [&crate::encoding::hex::decode("302a300506032b6570032100").unwrap(), key.verifying_key().as_bytes().as_slice()].concat();
    PreparedKey::new(PublicKey::from_spki(&spki).unwrap()).unwrap()
}

/// The pieces of a token, each of which a test may replace.
#[derive(Clone)]
pub(super) struct Pieces {
    pub(super) status: Vec<Vec<u8>>,
    pub(super) content_type: &'static str,
    pub(super) version: Vec<u8>,
    pub(super) algorithms: Vec<Vec<u8>>,
    pub(super) inner_type: &'static str,
    pub(super) tst: Vec<Vec<u8>>,
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) crls: Vec<u8>,
    pub(super) signer_version: Vec<u8>,
    pub(super) sid: Vec<u8>,
    pub(super) digest: Vec<u8>,
    pub(super) attributes: Option<Vec<Vec<u8>>>,
    pub(super) sorted: bool,
    pub(super) scheme: Vec<u8>,
    pub(super) unsigned: Vec<u8>,
    pub(super) signers: usize,
}

impl Pieces {
    pub(super) fn good() -> Self {
        let certificate = certificate("ca", 5, b"key id");
        let mut good = Self {
            status: vec![int(0)],
            content_type: "1.2.840.113549.1.7.2",
            version: int(3),
            algorithms: vec![alg(SHA512)],
            inner_type: TST_INFO,
            tst: vec![
                int(1),
                oid_der("1.3.6.1.4.1.57264.2"),
                seq(&[alg(SHA256), octets(HashAlgorithm::Sha256.hash(&[DATA]).as_bytes())]),
                int(0x80),
                element(tag::GENERALIZED_TIME, b"20250612120220.25Z"),
                seq(&[int(1), element(tag::primitive(0), &[2]), element(tag::primitive(1), &[3, 0])]),
                int(9),
                explicit(0, &explicit(4, &name("tsa"))),
            ],
            certificates: vec![certificate.clone()],
            crls: Vec::new(),
            signer_version: int(1),
            sid: seq(&[name("ca"), int(5)]),
            digest: alg(SHA512),
            attributes: None,
            sorted: true,
            scheme: alg(ED25519),
            unsigned: Vec::new(),
            signers: 1,
        };
        good.attributes = Some(good.standard_attributes(&certificate));
        good
    }

    pub(super) fn content(&self) -> Vec<u8> {
        seq(&self.tst)
    }

    pub(super) fn standard_attributes(&self, certificate: &[u8]) -> Vec<Vec<u8>> {
        let pinned = ess(&[octets(HashAlgorithm::Sha256.hash(&[certificate]).as_bytes())]);
        vec![
            attribute(CONTENT_TYPE, &[oid_der(TST_INFO)]),
            attribute(MESSAGE_DIGEST, &[octets(HashAlgorithm::Sha512.hash(&[&self.content()]).as_bytes())]),
            attribute(V2, &[pinned]),
        ]
    }

    /// With another TSTInfo, and attributes that fit it.
    pub(super) fn with_tst(mut self, at: usize, piece: Vec<u8>) -> Self {
        self.tst[at] = piece;
        let certificate = self.certificates[0].clone();
        self.attributes = Some(self.standard_attributes(&certificate));
        self
    }

    pub(super) fn with_attribute(mut self, at: usize, piece: Vec<u8>) -> Self {
        self.attributes.as_mut().unwrap()[at] = piece;
        self
    }

    pub(super) fn token(&self) -> Vec<u8> {
        let mut signer = vec![self.signer_version.clone(), self.sid.clone(), self.digest.clone()];
        let mut message = Vec::new();
        if let Some(mut attributes) = self.attributes.clone() {
            if self.sorted {
                attributes.sort();
            }
            signer.push(explicit(0, &attributes.concat()));
            message = set(&attributes);
        }
        signer.extend([self.scheme.clone(), octets(&signing_key().sign(&message).to_bytes()), self.unsigned.clone()]);
        let signers = vec![seq(&signer); self.signers];
        let data = seq(&[
            self.version.clone(),
            set(&self.algorithms),
            seq(&[oid_der(self.inner_type), explicit(0, &octets(&self.content()))]),
            if self.certificates.is_empty() { Vec::new() } else { explicit(0, &self.certificates.concat()) },
            self.crls.clone(),
            set(&signers),
        ]);
        seq(&[oid_der(self.content_type), explicit(0, &data)])
    }

    pub(super) fn response(&self) -> Vec<u8> {
        seq(&[seq(&self.status), self.token()])
    }

    pub(super) fn code(&self) -> Result<(), Code> {
        code(&self.response())
    }
}

pub(super) fn code(response: &[u8]) -> Result<(), Code> {
    TimestampToken::parse_response(response).map(|_| ()).map_err(|failure| failure.code())
}
