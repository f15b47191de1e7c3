//! The JSON of each kind of body, field by field, and its decoding.

use super::{DsseEntry, HashedRekord, HashedRekordV002, IntotoV001, IntotoV002, VerifierMaterial};
use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::encoding::{Few, base64, hex, pem};
use crate::format::signed::SignatureBytes;
use crate::format::wire::{Text, few};
use serde::Deserialize;
use std::borrow::Cow;

/// More than one are refused; which, is said by their number.
const MAX_SIGNATURES: usize = 1024;
const CERTIFICATE: &str = "CERTIFICATE";
const PUBLIC_KEY: &str = "PUBLIC KEY";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashSpec<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataSpec<'a> {
    #[serde(borrow)]
    hash: HashSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PemSpec<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignatureSpec<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    public_key: PemSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordSpec<'a> {
    #[serde(borrow)]
    data: DataSpec<'a>,
    #[serde(borrow)]
    signature: SignatureSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RekordSpec<'a> {
    #[serde(borrow)]
    data: DataSpec<'a>,
    #[serde(borrow)]
    signature: RekordSignatureSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RekordSignatureSpec<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    public_key: PemSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DsseSpec<'a> {
    #[serde(borrow)]
    envelope_hash: HashSpec<'a>,
    #[serde(borrow)]
    payload_hash: HashSpec<'a>,
    #[serde(borrow, deserialize_with = "few::<_, _, 1, MAX_SIGNATURES>")]
    signatures: Few<DsseSignatureSpec<'a>, 1>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseSignatureSpec<'a> {
    #[serde(borrow)]
    signature: Cow<'a, str>,
    #[serde(borrow)]
    verifier: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntotoV002Spec<'a> {
    #[serde(borrow)]
    pub(super) content: IntotoV002ContentSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IntotoV002ContentSpec<'a> {
    #[serde(borrow)]
    envelope: IntotoEnvelopeSpec<'a>,
    #[serde(borrow)]
    hash: HashSpec<'a>,
    #[serde(borrow)]
    payload_hash: HashSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoEnvelopeSpec<'a> {
    /// Some old logs kept a copy of the payload. Never read: `payloadHash` is what the log computed.
    #[serde(borrow, default, rename = "payload")]
    _payload: Option<Text<'a>>,
    #[serde(borrow)]
    payload_type: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "few::<_, _, 1, MAX_SIGNATURES>")]
    signatures: Few<IntotoSignatureSpec<'a>, 1>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoSignatureSpec<'a> {
    /// A hint that nobody vouches for (npm writes it). Never read.
    #[serde(borrow, default, rename = "keyid")]
    _keyid: Option<Text<'a>>,
    #[serde(borrow)]
    public_key: Cow<'a, str>,
    #[serde(borrow)]
    sig: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IntotoV001Spec<'a> {
    #[serde(borrow)]
    content: IntotoV001ContentSpec<'a>,
    #[serde(borrow)]
    public_key: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoV001ContentSpec<'a> {
    #[serde(borrow)]
    hash: HashSpec<'a>,
    #[serde(borrow, default)]
    payload_hash: Option<HashSpec<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct V002Spec<'a> {
    #[serde(borrow, rename = "hashedRekordV002")]
    pub(super) hashed_rekord_v002: HashedRekordV002Spec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV002Spec<'a> {
    #[serde(borrow)]
    data: V002HashSpec<'a>,
    #[serde(borrow)]
    signature: V002SignatureSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V002HashSpec<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V002SignatureSpec<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    verifier: V002VerifierSpec<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct V002VerifierSpec<'a> {
    #[serde(borrow)]
    key_details: Cow<'a, str>,
    #[serde(borrow, default)]
    public_key: Option<RawBytesSpec<'a>>,
    #[serde(borrow, default)]
    x509_certificate: Option<RawBytesSpec<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawBytesSpec<'a> {
    #[serde(borrow)]
    raw_bytes: Cow<'a, str>,
}

impl HashedRekordSpec<'_> {
    pub(super) fn decode(self) -> Result<HashedRekord, Failure> {
        Ok(HashedRekord {
            digest: self.data.hash.decode("spec.data.hash")?,
            signature: signature(&self.signature.content, "spec.signature.content")?,
            verifier: pem_material(&self.signature.public_key.content, "spec.signature.publicKey.content")?,
        })
    }
}

impl RekordSpec<'_> {
    pub(super) fn decode(self) -> Result<HashedRekord, Failure> {
        let RekordSignatureSpec { format, content, public_key } = self.signature;
        if format != "x509" {
            return Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!("rekord 0.0.1 of format {format}")));
        }
        HashedRekordSpec { data: self.data, signature: SignatureSpec { content, public_key } }.decode()
    }
}

impl DsseSpec<'_> {
    pub(super) fn decode(self) -> Result<DsseEntry, Failure> {
        let one = only(self.signatures, "spec.signatures")?;
        Ok(DsseEntry {
            envelope_hash: self.envelope_hash.decode("spec.envelopeHash")?,
            payload_hash: self.payload_hash.decode("spec.payloadHash")?,
            signature: signature(&one.signature, "spec.signatures[0].signature")?,
            verifier: pem_material(&one.verifier, "spec.signatures[0].verifier")?,
        })
    }
}

impl<'a> IntotoV002ContentSpec<'a> {
    pub(super) fn decode(self) -> Result<IntotoV002<'a>, Failure> {
        let one = only(self.envelope.signatures, "spec.content.envelope.signatures")?;
        // Rekor stores the envelope's own base64 as base64 once more.
        let at = "spec.content.envelope.signatures[0].sig";
        let inner = base64::decode_few::<256>(&one.sig).filter(|inner| !inner.is_empty()).ok_or_else(|| not_base64(at))?;
        let inner = std::str::from_utf8(&inner).map_err(|_| malformed("base64 of base64").at(at))?;
        Ok(IntotoV002 {
            claimed_envelope_hash: self.hash.decode("spec.content.hash")?,
            payload_hash: self.payload_hash.decode("spec.content.payloadHash")?,
            payload_type: self.envelope.payload_type,
            signature: signature(inner, at)?,
            verifier: pem_material(&one.public_key, "spec.content.envelope.signatures[0].publicKey")?,
        })
    }
}

impl IntotoV001Spec<'_> {
    pub(super) fn decode(self) -> Result<IntotoV001, Failure> {
        Ok(IntotoV001 {
            envelope_hash: self.content.hash.decode("spec.content.hash")?,
            payload_hash: self.content.payload_hash.map(|hash| hash.decode("spec.content.payloadHash")).transpose()?,
            verifier: pem_material(&self.public_key, "spec.publicKey")?,
        })
    }
}

impl<'a> HashedRekordV002Spec<'a> {
    pub(super) fn decode(self) -> Result<HashedRekordV002<'a>, Failure> {
        let algorithm = match &*self.data.algorithm {
            "SHA2_256" => HashAlgorithm::Sha256,
            "SHA2_384" => HashAlgorithm::Sha384,
            "SHA2_512" => HashAlgorithm::Sha512,
            other => {
                return Err(malformed("SHA2_256, SHA2_384 or SHA2_512").found(other).at("spec.hashedRekordV002.data.algorithm"));
            }
        };
        let digest = base64::decode_few::<64>(&self.data.digest)
            .and_then(|bytes| Digest::from_bytes(algorithm, &bytes))
            .ok_or_else(|| malformed("a digest of its algorithm's length in base64").at("spec.hashedRekordV002.data.digest"))?;
        let at = "spec.hashedRekordV002.signature.verifier";
        let V002VerifierSpec { key_details, public_key, x509_certificate } = self.signature.verifier;
        let der = |raw: &RawBytesSpec<'_>| {
            base64::decode(&*raw.raw_bytes).filter(|der| !der.is_empty()).ok_or_else(|| malformed("DER in base64").at(at))
        };
        let verifier = match (&public_key, &x509_certificate) {
            (Some(key), None) => VerifierMaterial::PublicKey(der(key)?),
            (None, Some(certificate)) => VerifierMaterial::Certificate(der(certificate)?),
            _ => return Err(malformed("either publicKey or x509Certificate").at(at)),
        };
        let signature = signature(&self.signature.content, "spec.hashedRekordV002.signature.content")?;
        Ok(HashedRekordV002 { digest, signature, verifier, key_details })
    }
}

impl HashSpec<'_> {
    /// Algorithm by its exact name; hex in either case, since other clients wrote it so, but of the exact length.
    fn decode(&self, at: &str) -> Result<Digest, Failure> {
        HashAlgorithm::from_name(&self.algorithm)
            .and_then(|algorithm| Digest::from_hex(algorithm, &self.value, hex::Case::Any))
            .ok_or_else(|| {
                malformed("sha256, sha384 or sha512 and hex of its length")
                    .found(format_args!("{}:{}", self.algorithm, self.value))
                    .at(at)
            })
    }
}

fn signature(text: &str, at: &str) -> Result<SignatureBytes, Failure> {
    base64::decode_few(text).filter(|bytes| !bytes.is_empty()).ok_or_else(|| not_base64(at))
}

fn not_base64(at: &str) -> Failure {
    malformed("base64").at(at)
}

fn only<T: Default>(list: Few<T, 1>, at: &str) -> Result<T, Failure> {
    let count = list.len();
    let mut list = list.into_iter();
    match (list.next(), list.next()) {
        (Some(one), None) => Ok(one),
        // Which of several would be the one that was checked? (K-P-05)
        _ => Err(malformed("exactly one signature").found(count).at(at)),
    }
}

/// Base64 of exactly one PEM block, with nothing before or after it.
fn pem_material(text: &str, at: &str) -> Result<VerifierMaterial, Failure> {
    let bad = || malformed("base64 of one PEM block, CERTIFICATE or PUBLIC KEY").at(at);
    let text = base64::decode(text).ok_or_else(bad)?;
    let block = pem::parse_one(&text, &[CERTIFICATE, PUBLIC_KEY]).map_err(|error| bad().found(error))?;
    Ok(if block.label == CERTIFICATE { VerifierMaterial::Certificate(block.der) } else { VerifierMaterial::PublicKey(block.der) })
}

pub(super) fn malformed(expected: &str) -> Failure {
    Failure::new(Code::LogEntryMalformed).expected(expected)
}
