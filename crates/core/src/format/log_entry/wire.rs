//! The JSON of each kind of body, field by field, and its decoding.

use super::{DsseEntry, HashedRekord, HashedRekordV002, IntotoV001, IntotoV002, VerifierMaterial};
use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::encoding::{base64, hex, json, pem};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Deepest nesting of a body; intoto has 6 levels.
const MAX_DEPTH: usize = 8;
const CERTIFICATE: &str = "CERTIFICATE";
const PUBLIC_KEY: &str = "PUBLIC KEY";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) api_version: String,
    pub(super) kind: String,
    #[serde(rename = "spec")]
    _spec: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body<S> {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    spec: S,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashSpec {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataSpec {
    hash: HashSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PemSpec {
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignatureSpec {
    content: String,
    public_key: PemSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordSpec {
    data: DataSpec,
    signature: SignatureSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RekordSpec {
    data: DataSpec,
    signature: RekordSignatureSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RekordSignatureSpec {
    format: String,
    content: String,
    public_key: PemSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DsseSpec {
    envelope_hash: HashSpec,
    payload_hash: HashSpec,
    signatures: Vec<DsseSignatureSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseSignatureSpec {
    signature: String,
    verifier: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntotoV002Spec {
    pub(super) content: IntotoV002ContentSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IntotoV002ContentSpec {
    envelope: IntotoEnvelopeSpec,
    hash: HashSpec,
    payload_hash: HashSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoEnvelopeSpec {
    /// Some old logs kept a copy of the payload. Never read: `payloadHash` is what the log computed.
    #[serde(default, rename = "payload")]
    _payload: Option<String>,
    payload_type: String,
    signatures: Vec<IntotoSignatureSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoSignatureSpec {
    /// A hint that nobody vouches for (npm writes it). Never read.
    #[serde(default, rename = "keyid")]
    _keyid: Option<String>,
    public_key: String,
    sig: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IntotoV001Spec {
    content: IntotoV001ContentSpec,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoV001ContentSpec {
    hash: HashSpec,
    #[serde(default)]
    payload_hash: Option<HashSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct V002Spec {
    #[serde(rename = "hashedRekordV002")]
    pub(super) hashed_rekord_v002: HashedRekordV002Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV002Spec {
    data: V002HashSpec,
    signature: V002SignatureSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V002HashSpec {
    algorithm: String,
    digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V002SignatureSpec {
    content: String,
    verifier: V002VerifierSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct V002VerifierSpec {
    key_details: String,
    #[serde(default)]
    public_key: Option<RawBytesSpec>,
    #[serde(default)]
    x509_certificate: Option<RawBytesSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawBytesSpec {
    raw_bytes: String,
}

impl HashedRekordSpec {
    pub(super) fn decode(self) -> Result<HashedRekord, Failure> {
        Ok(HashedRekord {
            digest: self.data.hash.decode("spec.data.hash")?,
            signature: signature(&self.signature.content, "spec.signature.content")?,
            verifier: pem_material(&self.signature.public_key.content, "spec.signature.publicKey.content")?,
        })
    }
}

impl RekordSpec {
    pub(super) fn decode(self) -> Result<HashedRekord, Failure> {
        let RekordSignatureSpec { format, content, public_key } = self.signature;
        if format != "x509" {
            return Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!("rekord 0.0.1 of format {format}")));
        }
        HashedRekordSpec { data: self.data, signature: SignatureSpec { content, public_key } }.decode()
    }
}

impl DsseSpec {
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

impl IntotoV002ContentSpec {
    pub(super) fn decode(self) -> Result<IntotoV002, Failure> {
        let one = only(self.envelope.signatures, "spec.content.envelope.signatures")?;
        // Rekor stores the envelope's own base64 as base64 once more.
        let at = "spec.content.envelope.signatures[0].sig";
        let inner = signature(&one.sig, at)?;
        let inner = String::from_utf8(inner).map_err(|_| malformed("base64 of base64").at(at))?;
        Ok(IntotoV002 {
            claimed_envelope_hash: self.hash.decode("spec.content.hash")?,
            payload_hash: self.payload_hash.decode("spec.content.payloadHash")?,
            payload_type: self.envelope.payload_type,
            signature: signature(&inner, at)?,
            verifier: pem_material(&one.public_key, "spec.content.envelope.signatures[0].publicKey")?,
        })
    }
}

impl IntotoV001Spec {
    pub(super) fn decode(self) -> Result<IntotoV001, Failure> {
        Ok(IntotoV001 {
            envelope_hash: self.content.hash.decode("spec.content.hash")?,
            payload_hash: self.content.payload_hash.map(|hash| hash.decode("spec.content.payloadHash")).transpose()?,
            verifier: pem_material(&self.public_key, "spec.publicKey")?,
        })
    }
}

impl HashedRekordV002Spec {
    pub(super) fn decode(self) -> Result<HashedRekordV002, Failure> {
        let algorithm = match self.data.algorithm.as_str() {
            "SHA2_256" => HashAlgorithm::Sha256,
            "SHA2_384" => HashAlgorithm::Sha384,
            "SHA2_512" => HashAlgorithm::Sha512,
            other => {
                return Err(malformed("SHA2_256, SHA2_384 or SHA2_512").found(other).at("spec.hashedRekordV002.data.algorithm"));
            }
        };
        let digest = base64::decode(&self.data.digest)
            .and_then(|bytes| Digest::from_bytes(algorithm, &bytes))
            .ok_or_else(|| malformed("a digest of its algorithm's length in base64").at("spec.hashedRekordV002.data.digest"))?;
        let at = "spec.hashedRekordV002.signature.verifier";
        let V002VerifierSpec { key_details, public_key, x509_certificate } = self.signature.verifier;
        let der = |raw: &RawBytesSpec| {
            base64::decode(&raw.raw_bytes).filter(|der| !der.is_empty()).ok_or_else(|| malformed("DER in base64").at(at))
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

impl HashSpec {
    /// Algorithm by its exact name; hex in either case, since other clients wrote it so, but of the exact length.
    fn decode(&self, at: &str) -> Result<Digest, Failure> {
        HashAlgorithm::from_name(&self.algorithm)
            .zip(hex::decode_any_case(&self.value))
            .and_then(|(algorithm, bytes)| Digest::from_bytes(algorithm, &bytes))
            .ok_or_else(|| {
                malformed("sha256, sha384 or sha512 and hex of its length")
                    .found(format_args!("{}:{}", self.algorithm, self.value))
                    .at(at)
            })
    }
}

fn signature(text: &str, at: &str) -> Result<Vec<u8>, Failure> {
    base64::decode(text).filter(|bytes| !bytes.is_empty()).ok_or_else(|| malformed("base64").at(at))
}

fn only<T>(list: Vec<T>, at: &str) -> Result<T, Failure> {
    let count = list.len();
    match <[T; 1]>::try_from(list) {
        Ok([one]) => Ok(one),
        // Which of several would be the one that was checked? (K-P-05)
        Err(_) => Err(malformed("exactly one signature").found(count).at(at)),
    }
}

/// Base64 of exactly one PEM block, with nothing before or after it.
fn pem_material(text: &str, at: &str) -> Result<VerifierMaterial, Failure> {
    let bad = || malformed("base64 of one PEM block, CERTIFICATE or PUBLIC KEY").at(at);
    let text = base64::decode(text).ok_or_else(bad)?;
    let block = pem::parse_one(&text, &[CERTIFICATE, PUBLIC_KEY]).map_err(|error| bad().found(error))?;
    Ok(if block.label == CERTIFICATE { VerifierMaterial::Certificate(block.der) } else { VerifierMaterial::PublicKey(block.der) })
}

pub(super) fn spec<'a, S: Deserialize<'a>>(body: &'a [u8]) -> Result<S, Failure> {
    read::<Body<S>>(body).map(|body| body.spec)
}

pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    json::parse(body, MAX_DEPTH).map_err(|error| error.failure(Code::LogEntryMalformed))
}

pub(super) fn malformed(expected: &str) -> Failure {
    Failure::new(Code::LogEntryMalformed).expected(expected)
}
