//! CMS SignedData with exactly one signer (RFC 5652 §5.1, §5.3), over the DER of a TSTInfo.

use super::algorithm::{self, AlgorithmId};
use super::{at, malformed, oid};
use crate::code::{Code, Failure};
use crate::crypto::Scheme;
use crate::digest::HashAlgorithm;
use crate::encoding::Few;
use crate::encoding::der::{DerError, Reader, Tlv, tag};
use crate::limits::MAX_CHAIN;
use const_oid::ObjectIdentifier;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// id-ct-TSTInfo, the type of the content.
pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// How a token names the certificate of its signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerId<'a> {
    /// By its issuer and serial number.
    IssuerAndSerial {
        /// The issuer's Name, DER.
        issuer: &'a [u8],
        /// The content octets of the serial number's INTEGER.
        serial: &'a [u8],
    },
    /// By its subject key identifier.
    SubjectKeyId(&'a [u8]),
}

/// The parts of a SignedData that count. Revocation lists and unsigned attributes do not, nor what the list of
/// digest algorithms names.
#[derive(Clone, Debug)]
pub(super) struct SignedData<'a> {
    /// The octets of the content: a TSTInfo, and what the messageDigest attribute is over.
    pub(super) content: &'a [u8],
    pub(super) certificates: Few<&'a [u8], 2>,
    pub(super) signer_id: SignerId<'a>,
    pub(super) digest_algorithm: HashAlgorithm,
    /// The element `[0]` as transmitted.
    pub(super) signed_attributes: Tlv<'a>,
    pub(super) scheme: Scheme,
    pub(super) signature: &'a [u8],
}

impl<'a> SignedData<'a> {
    /// Reads the ContentInfo around it and all of it.
    pub(super) fn parse(content_info: Tlv<'a>) -> Result<Self, Failure> {
        let place = "contentInfo";
        let mut reader = content_info.reader();
        if oid(&mut reader).map_err(at(place))? != SIGNED_DATA.as_bytes() {
            return Err(malformed(place, "another content type than signedData"));
        }
        let mut explicit = reader.expect(tag::constructed(0)).map_err(at(place))?.reader();
        let signed_data = explicit.expect(tag::SEQUENCE).map_err(at(place))?;
        explicit.finish().and_then(|()| reader.finish()).map_err(at(place))?;

        let mut reader = signed_data.reader();
        version(&mut reader, 3, "signedData version")?;
        let mut algorithms = reader.expect(tag::SET).map_err(at("digestAlgorithms"))?.reader();
        while !algorithms.is_empty() {
            algorithms.any().and_then(AlgorithmId::parse).map_err(at("digestAlgorithms"))?;
        }
        let content = reader.expect(tag::SEQUENCE).and_then(content).map_err(at("encapContentInfo"))?;
        let certificates = match reader.optional(tag::constructed(0)).map_err(at("certificates"))? {
            Some(set) => certificates(set)?,
            None => Few::new(),
        };
        reader.optional(tag::constructed(1)).map_err(at("crls"))?;
        let mut signers = reader.expect(tag::SET).map_err(at("signerInfos"))?.reader();
        reader.finish().map_err(at("the end of signedData"))?;
        // With several, some check would see another signer than the next (K-X-08).
        let signer = signers.expect(tag::SEQUENCE).map_err(at("signerInfos"))?;
        signers.finish().map_err(|_| malformed("signerInfos", "more than one signer"))?;
        Self::parse_signer(signer, content, certificates)
    }

    fn parse_signer(signer: Tlv<'a>, content: &'a [u8], certificates: Few<&'a [u8], 2>) -> Result<Self, Failure> {
        let mut reader = signer.reader();
        let number = reader.any().and_then(|number| number.small_unsigned()).map_err(at("signerInfo version"))?;
        let signer_id = match number {
            1 => reader.expect(tag::SEQUENCE).and_then(issuer_and_serial).map_err(at("signerInfo sid"))?,
            3 => SignerId::SubjectKeyId(reader.expect(tag::primitive(0)).map_err(at("signerInfo sid"))?.value()),
            _ => return Err(malformed("signerInfo version", number)),
        };
        let digest_algorithm = algorithm::next(&mut reader, "digestAlgorithm")?.hash("digestAlgorithm")?;
        // Without attributes the signature would be over the content alone, and nothing would say what it is (RFC 3161
        // §2.4.2 requires them; K-X-08).
        let signed_attributes = reader
            .optional(tag::constructed(0))
            .map_err(at("signedAttrs"))?
            .ok_or_else(|| Failure::new(Code::TimestampAttributeInvalid).expected("signed attributes").found("none"))?;
        let scheme = algorithm::next(&mut reader, "signatureAlgorithm")?.scheme(digest_algorithm)?;
        let signature = reader.any().and_then(|signature| signature.octets()).map_err(at("signature"))?;
        reader.optional(tag::constructed(1)).map_err(at("unsignedAttrs"))?;
        reader.finish().map_err(at("the end of signerInfo"))?;
        Ok(Self { content, certificates, signer_id, digest_algorithm, signed_attributes, scheme, signature })
    }
}

/// Reads an INTEGER that must be `expected`.
pub(super) fn version(reader: &mut Reader<'_>, expected: u64, place: &'static str) -> Result<(), Failure> {
    let found = reader.any().and_then(|number| number.small_unsigned()).map_err(at(place))?;
    if found == expected { Ok(()) } else { Err(malformed(place, found)) }
}

fn content(encapsulated: Tlv<'_>) -> Result<&[u8], DerError> {
    let mut reader = encapsulated.reader();
    if oid(&mut reader)? != TST_INFO.as_bytes() {
        return Err(DerError("another content type than TSTInfo"));
    }
    let mut explicit = reader.expect(tag::constructed(0))?.reader();
    let content = explicit.expect(tag::OCTET_STRING)?;
    explicit.finish()?;
    reader.finish()?;
    Ok(content.value())
}

fn certificates(set: Tlv<'_>) -> Result<Few<&[u8], 2>, Failure> {
    let mut reader = set.reader();
    let mut found = Few::new();
    while !reader.is_empty() {
        if found.len() >= MAX_CHAIN {
            return Err(Failure::new(Code::TooManyEntries)
                .expected(format_args!("at most {MAX_CHAIN} certificates"))
                .at("certificates"));
        }
        // The other choices (attribute certificates, formats of PKCS#6) have tags of their own and are refused.
        found.push(reader.expect(tag::SEQUENCE).map_err(at("certificates"))?.raw());
    }
    Ok(found)
}

fn issuer_and_serial(sid: Tlv<'_>) -> Result<SignerId<'_>, DerError> {
    let mut reader = sid.reader();
    let issuer = reader.expect(tag::SEQUENCE)?.raw();
    let serial = reader.any()?.integer()?;
    reader.finish()?;
    Ok(SignerId::IssuerAndSerial { issuer, serial })
}
