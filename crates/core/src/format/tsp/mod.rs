//! RFC 3161 timestamps: responses and tokens (CMS SignedData, RFC 5652), taken apart as strict DER.
//!
//! A [`TimestampToken`] is a claim that is consistent in itself: granted, one signer, attributes that are about this very
//! content. That it is about certain data, and signed by a certain key, are two further checks here; that the key belongs
//! to a trusted authority is not decided here at all.

mod algorithm;
mod attributes;
mod certificate;
#[cfg(test)]
mod fixtures;
mod signed_data;
#[cfg(test)]
mod tests;
mod tst_info;

pub use attributes::SigningCertificate;
pub use signed_data::SignerId;
pub use tst_info::TstInfo;

use crate::code::{Code, Failure};
use crate::crypto::{PreparedKey, Scheme, verify_message, verify_prehash};
use crate::encoding::der::{DerError, Reader, Tlv, tag};
use attributes::SignedAttributes;
use signed_data::SignedData;

/// Longest response or token that is looked at; typical ones have 1 to 6 kB.
pub const MAX_TOKEN_BYTES: usize = 256 * 1024;

/// A token as claimed: consistent in itself, but not yet about anything and not verified. It borrows the bytes it came in.
#[derive(Clone, Debug)]
pub struct TimestampToken<'a> {
    data: SignedData<'a>,
    info: TstInfo<'a>,
    attributes: SignedAttributes<'a>,
}

impl<'a> TimestampToken<'a> {
    /// A DER `TimeStampResp` (RFC 3161 §2.4.2), as Sigstore formats carry it.
    ///
    /// # Errors
    /// [`Code::TimestampNotGranted`] for every status but `granted`, `grantedWithMods` included (as the Sigstore reference).
    /// Else as [`TimestampToken::parse_token`].
    pub fn parse_response(bytes: &'a [u8]) -> Result<Self, Failure> {
        let mut response = outermost(bytes)?.reader();
        let mut info = response.expect(tag::SEQUENCE).map_err(at("status"))?.reader();
        let status = info.any().and_then(|status| status.small_unsigned()).map_err(at("status"))?;
        if status != 0 {
            return Err(Failure::new(Code::TimestampNotGranted).expected("status 0").found(format_args!("status {status}")));
        }
        // Free text for people; a failure reason contradicts the status and is not read over.
        info.optional(tag::SEQUENCE).and_then(|_| info.finish()).map_err(at("status"))?;
        let token = response.expect(tag::SEQUENCE).map_err(at("timeStampToken"))?;
        response.finish().map_err(at("the end of the response"))?;
        Self::from_content_info(token)
    }

    /// A DER `TimeStampToken`, that is, a ContentInfo (RFC 3161 §2.4.2), as Notary envelopes carry it.
    ///
    /// # Errors
    /// [`Code::TimestampMalformed`] for anything but strict DER of the expected types with nothing after it: BER, another
    /// content type or version, none or several signers (K-X-08), an unknown critical extension, a bad `genTime`.
    /// [`Code::TimestampAttributeInvalid`] when signed attributes are missing, repeated, not in DER order, or not those of
    /// this content. [`Code::AlgorithmUnsupported`] for a hash (SHA-1) or signature algorithm that does not count.
    /// [`Code::TooManyEntries`] for more certificates than a chain may have.
    pub fn parse_token(bytes: &'a [u8]) -> Result<Self, Failure> {
        Self::from_content_info(outermost(bytes)?)
    }

    fn from_content_info(content_info: Tlv<'a>) -> Result<Self, Failure> {
        let data = SignedData::parse(content_info)?;
        let info = TstInfo::parse(data.content)?;
        let attributes = SignedAttributes::parse(data.signed_attributes)?;
        attributes.check_content(&data.digest_algorithm.hash(&[data.content]))?;
        Ok(Self { data, info, attributes })
    }

    /// What the token claims. Nothing of it may be used before imprint, signature and path of this token were checked.
    #[must_use]
    pub fn claimed(&self) -> &TstInfo<'a> {
        &self.info
    }

    /// The certificates inside, DER, in the order of the token. Helpers for path building, never anchors.
    #[must_use]
    pub fn certificates(&self) -> &[&'a [u8]] {
        &self.data.certificates
    }

    /// How the token names the certificate of its signer.
    #[must_use]
    pub fn signer_id(&self) -> SignerId<'a> {
        self.data.signer_id
    }

    /// Whether the token names this certificate (DER) as its signer's. Several may be named alike: signature, purpose and
    /// path must be checked on one and the same certificate (K-X-04).
    #[must_use]
    pub fn names_signer(&self, certificate: &[u8]) -> bool {
        let Ok(fields) = certificate::Fields::parse(certificate) else { return false };
        match self.data.signer_id {
            SignerId::IssuerAndSerial { issuer, serial } => fields.issuer == issuer && fields.serial == serial,
            SignerId::SubjectKeyId(id) => fields.subject_key_id == Some(id),
        }
    }

    /// Whether the token is about `data`: for Sigstore formats the bytes of the signature, never the artifact.
    ///
    /// # Errors
    /// [`Code::TimestampImprintMismatch`] when it is about other bytes.
    pub fn check_imprint(&self, data: &[u8]) -> Result<(), Failure> {
        let found = self.info.imprint.algorithm().hash(&[data]);
        if found == self.info.imprint {
            Ok(())
        } else {
            Err(Failure::new(Code::TimestampImprintMismatch).expected(found).found(self.info.imprint))
        }
    }

    /// Whether the signed attribute that pins the signer's certificate (RFC 5035, RFC 5816), where there is one, pins this
    /// one (DER). Returns what it was pinned by, so that a stricter format can demand a version or that there is one.
    ///
    /// # Errors
    /// [`Code::TimestampAttributeInvalid`] when another certificate is pinned, [`Code::AlgorithmUnsupported`] when V2 pins by
    /// a hash that does not count, [`Code::CertificateMalformed`] when this certificate cannot be read.
    pub fn check_signing_certificate(&self, certificate: &[u8]) -> Result<SigningCertificate, Failure> {
        self.attributes.check_signing_certificate(certificate)
    }

    /// The message that the signature is over: the DER of the signed attributes as a SET OF (RFC 5652 §5.4), in the bytes
    /// that were transmitted but for the first.
    #[must_use]
    pub fn signed_message(&self) -> Vec<u8> {
        let mut message = self.data.signed_attributes.raw().to_vec();
        if let Some(first) = message.first_mut() {
            *first = tag::SET;
        }
        message
    }

    /// How the token says it was signed. The hash is that of the signature algorithm, not of the curve: P-384 keys sign
    /// with SHA-256 in the wild.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.data.scheme
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &'a [u8] {
        self.data.signature
    }

    /// Whether `key` signed this token. Whose key it is stays open.
    ///
    /// # Errors
    /// [`Code::TimestampSignatureInvalid`] when it did not, or cannot sign with the stated algorithm.
    pub fn verify_signature(&self, key: &PreparedKey) -> Result<(), Failure> {
        let verified = match (self.scheme().hash(), self.data.signed_attributes.raw().split_first()) {
            // What is signed differs from what is carried in its first octet alone.
            (Some(hash), Some((_, rest))) => {
                let digest = hash.hash(&[&[tag::SET], rest]);
                verify_prehash(key, self.scheme(), digest.as_bytes(), self.signature())
            }
            _ => verify_message(key, self.scheme(), &self.signed_message(), self.signature()),
        };
        verified.map_err(|error| Failure::new(Code::TimestampSignatureInvalid).found(error).at(self.scheme()))
    }
}

fn outermost(bytes: &[u8]) -> Result<Tlv<'_>, Failure> {
    if bytes.len() > MAX_TOKEN_BYTES {
        return Err(Failure::new(Code::TimestampMalformed)
            .expected(format_args!("at most {MAX_TOKEN_BYTES} bytes"))
            .found(format_args!("{} bytes", bytes.len())));
    }
    let element = Tlv::parse(bytes).map_err(at("the outermost element"))?;
    if element.tag() == tag::SEQUENCE { Ok(element) } else { Err(malformed("the outermost element", "no SEQUENCE")) }
}

/// For `map_err`: what is wrong with the DER, and where.
fn at(place: &'static str) -> impl Fn(DerError) -> Failure {
    move |error| malformed(place, error)
}

fn malformed(place: &'static str, found: impl std::fmt::Display) -> Failure {
    Failure::new(Code::TimestampMalformed).found(found).at(place)
}

/// The content octets of the next OBJECT IDENTIFIER. Compared as bytes, so that no arc is ever truncated.
fn oid<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DerError> {
    reader.expect(tag::OID).map(|element| element.value())
}
