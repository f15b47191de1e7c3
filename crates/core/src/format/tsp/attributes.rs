//! Signed attributes of a token (RFC 5652 §11, RFC 5035, RFC 5816).

use super::algorithm::AlgorithmId;
use super::certificate;
use super::signed_data::TST_INFO;
use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::encoding::der::{DerError, Tlv, tag};
use const_oid::ObjectIdentifier;

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// Most attributes of a token; honest ones have four to six.
const MAX_ATTRIBUTES: usize = 32;
const SHA1_LENGTH: usize = 20;

/// By what a token pins the certificate of its signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningCertificate {
    /// `signingCertificateV2`: a SHA-2 hash, which was compared.
    V2,
    /// Only `signingCertificate`: a SHA-1 hash. It is not compared, since it would bind nothing; issuer and serial number
    /// are, where they stand beside it.
    V1,
    /// Neither.
    Absent,
}

/// The attributes, each once with one value, in DER order.
#[derive(Clone, Debug)]
pub(super) struct SignedAttributes<'a> {
    /// Type (content octets of the identifier) and value.
    all: Vec<(&'a [u8], Tlv<'a>)>,
}

impl<'a> SignedAttributes<'a> {
    pub(super) fn parse(element: Tlv<'a>) -> Result<Self, Failure> {
        let mut all: Vec<(&[u8], Tlv<'a>)> = Vec::new();
        let mut previous: &[u8] = &[];
        let mut reader = element.reader();
        while !reader.is_empty() {
            let attribute = reader.expect(tag::SEQUENCE).map_err(der)?;
            // The signature is over the DER encoding. An unsorted SET would be one only after sorting, and then two readers
            // could hash two different things.
            if attribute.raw() <= previous {
                return Err(invalid().found("attributes that are not in DER order"));
            }
            previous = attribute.raw();
            let (kind, value) = single(attribute).map_err(der)?;
            if all.iter().any(|(known, _)| *known == kind) {
                return Err(invalid().found("an attribute that stands twice"));
            }
            if all.len() >= MAX_ATTRIBUTES {
                return Err(invalid().expected(format_args!("at most {MAX_ATTRIBUTES} attributes")));
            }
            all.push((kind, value));
        }
        Ok(Self { all })
    }

    /// Whether the attributes are about this content: its type, and its digest (RFC 5652 §5.3, K-X-07).
    pub(super) fn check_content(&self, digest: &Digest) -> Result<(), Failure> {
        let kind = self.value(&CONTENT_TYPE).ok_or_else(|| invalid().expected("the attribute contentType"))?;
        if kind.tag() != tag::OID || kind.value() != TST_INFO.as_bytes() {
            return Err(invalid().expected("the content type of the token").at("contentType"));
        }
        let stated = self.value(&MESSAGE_DIGEST).ok_or_else(|| invalid().expected("the attribute messageDigest"))?;
        if stated.octets().map_err(der)? != digest.as_bytes() {
            return Err(invalid().expected(digest).at("messageDigest"));
        }
        Ok(())
    }

    pub(super) fn check_signing_certificate(&self, der: &[u8]) -> Result<SigningCertificate, Failure> {
        let fields = certificate::Fields::parse(der).map_err(|error| Failure::new(Code::CertificateMalformed).found(error))?;
        let mut found = SigningCertificate::Absent;
        for (kind, oid) in [(SigningCertificate::V1, SIGNING_CERTIFICATE), (SigningCertificate::V2, SIGNING_CERTIFICATE_V2)] {
            if let Some(value) = self.value(&oid) {
                let id = CertificateId::first(value, kind).map_err(self::der)?;
                id.check(der, &fields)?;
                found = kind;
            }
        }
        Ok(found)
    }

    fn value(&self, oid: &ObjectIdentifier) -> Option<Tlv<'a>> {
        self.all.iter().find(|(kind, _)| *kind == oid.as_bytes()).map(|(_, value)| *value)
    }
}

/// ESSCertID or ESSCertIDv2.
struct CertificateId<'a> {
    /// `None` for version 1, whose hash is SHA-1.
    algorithm: Option<AlgorithmId<'a>>,
    hash: &'a [u8],
    /// The issuer's Name (DER) and the serial number.
    issuer_serial: Option<(&'a [u8], &'a [u8])>,
    kind: SigningCertificate,
}

impl<'a> CertificateId<'a> {
    /// The first of the list, which is the signer's (RFC 5035 §3); those after it are of no use here.
    fn first(value: Tlv<'a>, kind: SigningCertificate) -> Result<Self, DerError> {
        if value.tag() != tag::SEQUENCE {
            return Err(DerError("an element of another type"));
        }
        let mut reader = value.reader();
        let mut ids = reader.expect(tag::SEQUENCE)?.reader();
        reader.optional(tag::SEQUENCE)?;
        reader.finish()?;
        let mut id = ids.expect(tag::SEQUENCE)?.reader();
        let algorithm = match kind {
            SigningCertificate::V2 => id.optional(tag::SEQUENCE)?.map(AlgorithmId::parse).transpose()?,
            _ => None,
        };
        let hash = id.expect(tag::OCTET_STRING)?.value();
        let issuer_serial = id.optional(tag::SEQUENCE)?.map(issuer_serial).transpose()?;
        id.finish()?;
        Ok(Self { algorithm, hash, issuer_serial, kind })
    }

    fn check(&self, der: &[u8], fields: &certificate::Fields<'_>) -> Result<(), Failure> {
        let place = "signingCertificate";
        if self.kind == SigningCertificate::V2 {
            let hash = self.algorithm.map_or(Ok(HashAlgorithm::Sha256), |algorithm| algorithm.hash(place))?;
            let expected = hash.hash(&[der]);
            if expected.as_bytes() != self.hash {
                return Err(invalid().expected(expected).at(place));
            }
        } else if self.hash.len() != SHA1_LENGTH {
            return Err(invalid().expected("a hash of 20 bytes").at(place));
        }
        match self.issuer_serial {
            Some((issuer, serial)) if issuer != fields.issuer || serial != fields.serial => {
                Err(invalid().expected("issuer and serial number of the signer's certificate").at(place))
            }
            _ => Ok(()),
        }
    }
}

/// IssuerSerial: one directory name and a serial number.
fn issuer_serial(element: Tlv<'_>) -> Result<(&[u8], &[u8]), DerError> {
    let mut reader = element.reader();
    let mut names = reader.expect(tag::SEQUENCE)?.reader();
    let serial = reader.any()?.integer()?;
    reader.finish()?;
    let mut name = names.expect(tag::constructed(4))?.reader();
    names.finish()?;
    let issuer = name.expect(tag::SEQUENCE)?.raw();
    name.finish()?;
    Ok((issuer, serial))
}

/// Type and only value of an attribute.
fn single(attribute: Tlv<'_>) -> Result<(&[u8], Tlv<'_>), DerError> {
    let mut reader = attribute.reader();
    let kind = super::oid(&mut reader)?;
    let mut values = reader.expect(tag::SET)?.reader();
    reader.finish()?;
    let value = values.any()?;
    values.finish()?;
    Ok((kind, value))
}

fn der(error: DerError) -> Failure {
    invalid().found(error)
}

fn invalid() -> Failure {
    Failure::new(Code::TimestampAttributeInvalid)
}
