//! Bodies of Rekor entries: what a log says was signed, by whom, over what.
//!
//! Parses the delivered bytes strictly and decodes every field, so that comparing is on bytes and typed values. Does not
//! compare (that is the binding check's task) and says nothing about whether the entry is in a log.

use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::encoding::{base64, hex, json, pem};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Longest body that is looked at. Honest ones have 1 to 4 kB; some old intoto entries carry their payload.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a body; intoto has 6 levels.
const MAX_DEPTH: usize = 8;
const CERTIFICATE: &str = "CERTIFICATE";
const PUBLIC_KEY: &str = "PUBLIC KEY";

/// The decoded body of a log entry, by `kind` and `apiVersion` of the body itself: never by what a bundle says beside it
/// (K-TL-17).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEntryBody {
    /// `hashedrekord` 0.0.1 (Rekor v1).
    HashedRekordV001(HashedRekord),
    /// `hashedrekord` 0.0.2 (Rekor v2).
    HashedRekordV002(HashedRekordV002),
    /// `dsse` 0.0.1 (Rekor v1).
    DsseV001(DsseEntry),
    /// `intoto` 0.0.2 (Rekor v1).
    IntotoV002(IntotoV002),
    /// `intoto` 0.0.1 (Rekor v1): holds no signature, so it binds none. Unsupported in bundles.
    IntotoV001(IntotoV001),
    /// `rekord` 0.0.1 with format `x509` (Rekor v1, old). Unsupported in bundles.
    RekordV001(HashedRekord),
}

/// A signature over a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedRekord {
    /// Digest of the artifact.
    pub digest: Digest,
    /// The signature.
    pub signature: Vec<u8>,
    /// What verifies it.
    pub verifier: VerifierMaterial,
}

/// A signature over a digest, in Rekor v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedRekordV002 {
    /// Digest of the artifact, or of the PAE of a DSSE envelope.
    pub digest: Digest,
    /// The signature.
    pub signature: Vec<u8>,
    /// What verifies it.
    pub verifier: VerifierMaterial,
    /// The algorithm's name in the registry of protobuf-specs, such as `PKIX_ECDSA_P256_SHA_256`.
    pub key_details: String,
}

/// A DSSE envelope with exactly one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DsseEntry {
    /// Digest of the envelope as JSON. A protobuf bundle lost that formatting, so it can be compared only in layouts that
    /// keep the envelope's bytes.
    pub envelope_hash: Digest,
    /// Digest of the decoded payload, computed by Rekor.
    pub payload_hash: Digest,
    /// The DSSE signature.
    pub signature: Vec<u8>,
    /// What verifies it.
    pub verifier: VerifierMaterial,
}

/// An in-toto envelope with exactly one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntotoV002 {
    /// What the submitter said the envelope's digest is. Rekor does not check it: **never a binding**.
    pub claimed_envelope_hash: Digest,
    /// Digest of the decoded payload, computed by Rekor.
    pub payload_hash: Digest,
    /// The envelope's payload type.
    pub payload_type: String,
    /// The DSSE signature.
    pub signature: Vec<u8>,
    /// What verifies it.
    pub verifier: VerifierMaterial,
}

/// An in-toto envelope, without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntotoV001 {
    /// Digest of the envelope as JSON.
    pub envelope_hash: Digest,
    /// Digest of the decoded payload; the oldest entries have none.
    pub payload_hash: Option<Digest>,
    /// What verifies the signature that is not there.
    pub verifier: VerifierMaterial,
}

/// The certificate or key that a body names, as DER. A claim to compare with; never a source of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierMaterial {
    /// One certificate (DER).
    Certificate(Vec<u8>),
    /// One SubjectPublicKeyInfo (DER).
    PublicKey(Vec<u8>),
}

impl LogEntryBody {
    /// Parses the bytes of `canonicalizedBody`.
    ///
    /// # Errors
    /// [`Code::LogEntryKindUnsupported`] for a kind, version or format that is not listed above.
    /// [`Code::LogEntryMalformed`] for anything else: no strict JSON, a field that is unknown, doubled, missing or badly
    /// encoded, other than one signature, a verifier that is not exactly one PEM block, both or neither verifier of v2.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        if body.len() > MAX_BODY_BYTES {
            return Err(malformed("a body of at most 1 MiB").found(format_args!("{} bytes", body.len())));
        }
        let header: Header = read(body)?;
        match (header.kind.as_str(), header.api_version.as_str()) {
            ("hashedrekord", "0.0.1") => Ok(Self::HashedRekordV001(spec::<HashedRekordSpec>(body)?.decode()?)),
            ("hashedrekord", "0.0.2") => Ok(Self::HashedRekordV002(spec::<V002Spec>(body)?.hashed_rekord_v002.decode()?)),
            ("dsse", "0.0.1") => Ok(Self::DsseV001(spec::<DsseSpec>(body)?.decode()?)),
            ("intoto", "0.0.2") => Ok(Self::IntotoV002(spec::<IntotoV002Spec>(body)?.content.decode()?)),
            ("intoto", "0.0.1") => Ok(Self::IntotoV001(spec::<IntotoV001Spec>(body)?.decode()?)),
            ("rekord", "0.0.1") => Ok(Self::RekordV001(spec::<RekordSpec>(body)?.decode()?)),
            (kind, version) => Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!("{kind} {version}"))),
        }
    }

    /// The entry's `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HashedRekordV001(_) | Self::HashedRekordV002(_) => "hashedrekord",
            Self::DsseV001(_) => "dsse",
            Self::IntotoV001(_) | Self::IntotoV002(_) => "intoto",
            Self::RekordV001(_) => "rekord",
        }
    }

    /// The entry's `apiVersion`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        match self {
            Self::HashedRekordV001(_) | Self::DsseV001(_) | Self::IntotoV001(_) | Self::RekordV001(_) => "0.0.1",
            Self::HashedRekordV002(_) | Self::IntotoV002(_) => "0.0.2",
        }
    }

    /// Whether only Rekor v2 writes such bodies. A log of the other generation that delivers one is refused.
    #[must_use]
    pub fn is_rekor_v2(&self) -> bool {
        matches!(self, Self::HashedRekordV002(_))
    }

    /// Refuses the kinds that a Sigstore bundle may not carry: they bind no signature, or none that bundles have.
    ///
    /// # Errors
    /// [`Code::LogEntryKindUnsupported`] for `intoto` 0.0.1 and `rekord` 0.0.1.
    pub fn require_bundle_kind(&self) -> Result<(), Failure> {
        match self {
            Self::HashedRekordV001(_) | Self::HashedRekordV002(_) | Self::DsseV001(_) | Self::IntotoV002(_) => Ok(()),
            Self::IntotoV001(_) | Self::RekordV001(_) => Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!(
                "{} {} in a bundle",
                self.kind(),
                self.version()
            ))),
        }
    }

    /// What the entry says verifies the signature.
    #[must_use]
    pub fn verifier(&self) -> &VerifierMaterial {
        match self {
            Self::HashedRekordV001(entry) | Self::RekordV001(entry) => &entry.verifier,
            Self::HashedRekordV002(entry) => &entry.verifier,
            Self::DsseV001(entry) => &entry.verifier,
            Self::IntotoV002(entry) => &entry.verifier,
            Self::IntotoV001(entry) => &entry.verifier,
        }
    }

    /// The signature that the entry is about; `None` for `intoto` 0.0.1, which holds none.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8]> {
        match self {
            Self::HashedRekordV001(entry) | Self::RekordV001(entry) => Some(&entry.signature),
            Self::HashedRekordV002(entry) => Some(&entry.signature),
            Self::DsseV001(entry) => Some(&entry.signature),
            Self::IntotoV002(entry) => Some(&entry.signature),
            Self::IntotoV001(_) => None,
        }
    }
}

/// The bytes that a Rekor v1 log signs as its signed entry timestamp: RFC 8785 JSON of body, time, log id and *global*
/// index.
///
/// Takes the decoded body and log id and encodes them itself, so that no text from outside reaches the signed JSON.
/// `integrated_time` is in seconds since the epoch.
#[must_use]
pub fn set_message(body: &[u8], integrated_time: i64, log_id: &[u8], log_index: u64) -> Vec<u8> {
    let (body, log_id) = (base64::encode(body), hex::encode(log_id));
    format!(r#"{{"body":"{body}","integratedTime":{integrated_time},"logID":"{log_id}","logIndex":{log_index}}}"#).into_bytes()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Header {
    api_version: String,
    kind: String,
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
struct HashedRekordSpec {
    data: DataSpec,
    signature: SignatureSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RekordSpec {
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
struct DsseSpec {
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
struct IntotoV002Spec {
    content: IntotoV002ContentSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoV002ContentSpec {
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
struct IntotoV001Spec {
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
struct V002Spec {
    #[serde(rename = "hashedRekordV002")]
    hashed_rekord_v002: HashedRekordV002Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordV002Spec {
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
    fn decode(self) -> Result<HashedRekord, Failure> {
        Ok(HashedRekord {
            digest: self.data.hash.decode("spec.data.hash")?,
            signature: signature(&self.signature.content, "spec.signature.content")?,
            verifier: pem_material(&self.signature.public_key.content, "spec.signature.publicKey.content")?,
        })
    }
}

impl RekordSpec {
    fn decode(self) -> Result<HashedRekord, Failure> {
        let RekordSignatureSpec { format, content, public_key } = self.signature;
        if format != "x509" {
            return Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!("rekord 0.0.1 of format {format}")));
        }
        HashedRekordSpec { data: self.data, signature: SignatureSpec { content, public_key } }.decode()
    }
}

impl DsseSpec {
    fn decode(self) -> Result<DsseEntry, Failure> {
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
    fn decode(self) -> Result<IntotoV002, Failure> {
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
    fn decode(self) -> Result<IntotoV001, Failure> {
        Ok(IntotoV001 {
            envelope_hash: self.content.hash.decode("spec.content.hash")?,
            payload_hash: self.content.payload_hash.map(|hash| hash.decode("spec.content.payloadHash")).transpose()?,
            verifier: pem_material(&self.public_key, "spec.publicKey")?,
        })
    }
}

impl HashedRekordV002Spec {
    fn decode(self) -> Result<HashedRekordV002, Failure> {
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

fn spec<'a, S: Deserialize<'a>>(body: &'a [u8]) -> Result<S, Failure> {
    read::<Body<S>>(body).map(|body| body.spec)
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    json::parse(body, MAX_DEPTH).map_err(|error| error.failure(Code::LogEntryMalformed))
}

fn malformed(expected: &str) -> Failure {
    Failure::new(Code::LogEntryMalformed).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";

    fn pem(label: &str) -> String {
        base64::encode(format!("-----BEGIN {label}-----\nS0VZ\n-----END {label}-----\n").as_bytes())
    }

    fn hashedrekord() -> String {
        format!(
            r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{HASH}"}}}},"signature":{{"content":"U0lH","publicKey":{{"content":"{}"}}}}}}}}"#,
            pem("CERTIFICATE")
        )
    }

    fn dsse() -> String {
        format!(
            r#"{{"apiVersion":"0.0.1","kind":"dsse","spec":{{"envelopeHash":{{"algorithm":"sha256","value":"{HASH}"}},"payloadHash":{{"algorithm":"sha256","value":"{HASH}"}},"signatures":[{{"signature":"U0lH","verifier":"{}"}}]}}}}"#,
            pem("PUBLIC KEY")
        )
    }

    fn intoto() -> String {
        format!(
            r#"{{"apiVersion":"0.0.2","kind":"intoto","spec":{{"content":{{"envelope":{{"payloadType":"application/vnd.in-toto+json","signatures":[{{"publicKey":"{}","sig":"{}"}}]}},"hash":{{"algorithm":"sha256","value":"{HASH}"}},"payloadHash":{{"algorithm":"sha256","value":"{HASH}"}}}}}}}}"#,
            pem("PUBLIC KEY"),
            base64::encode(b"U0lH")
        )
    }

    /// The body of the hand-made vectors.
    const V002: &str = r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"1GnoXrydgVhm4uxqPCrACP55LqiOqOcvUyiFgdrnrQM="},"signature":{"content":"U0lH","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"S0VZ"}}}}}}"#;

    fn code(body: &str) -> Code {
        LogEntryBody::parse(body.as_bytes()).unwrap_err().code()
    }

    /// `body` with `old` replaced, which must occur.
    fn with(body: &str, old: &str, new: &str) -> String {
        assert!(body.contains(old), "{old} in {body}");
        body.replacen(old, new, 1)
    }

    #[test]
    fn each_kind_is_decoded() {
        let digest: Digest = format!("sha256:{HASH}").parse().unwrap();
        let (signature, der) = (b"SIG".to_vec(), b"KEY".to_vec());
        let certificate = VerifierMaterial::Certificate(der.clone());
        let key = VerifierMaterial::PublicKey(der);
        assert_eq!(
            LogEntryBody::parse(hashedrekord().as_bytes()).unwrap(),
            LogEntryBody::HashedRekordV001(HashedRekord { digest, signature: signature.clone(), verifier: certificate })
        );
        assert_eq!(
            LogEntryBody::parse(dsse().as_bytes()).unwrap(),
            LogEntryBody::DsseV001(DsseEntry {
                envelope_hash: digest,
                payload_hash: digest,
                signature: signature.clone(),
                verifier: key.clone()
            })
        );
        assert_eq!(
            LogEntryBody::parse(intoto().as_bytes()).unwrap(),
            LogEntryBody::IntotoV002(IntotoV002 {
                claimed_envelope_hash: digest,
                payload_hash: digest,
                payload_type: "application/vnd.in-toto+json".to_owned(),
                signature: signature.clone(),
                verifier: key.clone()
            })
        );
        let v002 = LogEntryBody::parse(V002.as_bytes()).unwrap();
        assert_eq!((v002.kind(), v002.version(), v002.is_rekor_v2()), ("hashedrekord", "0.0.2", true));
        assert_eq!((v002.signature(), v002.verifier()), (Some(signature.as_slice()), &key));
        let LogEntryBody::HashedRekordV002(entry) = v002 else { panic!("{v002:?}") };
        assert_eq!(entry.key_details, "PKIX_ECDSA_P256_SHA_256");
        assert_eq!(entry.digest.hex(), "d469e85ebc9d815866e2ec6a3c2ac008fe792ea88ea8e72f53288581dae7ad03");
    }

    #[test]
    fn kinds_without_a_place_in_bundles_are_named_and_refused_there() {
        let key = pem("PUBLIC KEY");
        let intoto = format!(
            r#"{{"apiVersion":"0.0.1","kind":"intoto","spec":{{"content":{{"hash":{{"algorithm":"sha256","value":"{HASH}"}}}},"publicKey":"{key}"}}}}"#
        );
        let rekord = format!(
            r#"{{"apiVersion":"0.0.1","kind":"rekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{HASH}"}}}},"signature":{{"content":"U0lH","format":"x509","publicKey":{{"content":"{key}"}}}}}}}}"#
        );
        for (body, kind) in [(&intoto, "intoto"), (&rekord, "rekord")] {
            let body = LogEntryBody::parse(body.as_bytes()).unwrap();
            assert_eq!(body.kind(), kind);
            assert_eq!(body.require_bundle_kind().unwrap_err().code(), Code::LogEntryKindUnsupported);
        }
        assert_eq!(LogEntryBody::parse(intoto.as_bytes()).unwrap().signature(), None);
        for body in [hashedrekord(), dsse(), self::intoto(), V002.to_owned()] {
            LogEntryBody::parse(body.as_bytes()).unwrap().require_bundle_kind().unwrap();
        }
        assert_eq!(code(&with(&rekord, "x509", "pgp")), Code::LogEntryKindUnsupported);
    }

    /// K-TL-17.
    #[test]
    fn an_unknown_kind_or_version_is_unsupported() {
        for body in [
            with(&hashedrekord(), "hashedrekord", "HashedRekord"),
            with(&hashedrekord(), "hashedrekord", "alpine"),
            with(&hashedrekord(), "0.0.1", "0.0.3"),
            with(&dsse(), "0.0.1", "0.0.2"),
            with(&hashedrekord(), "0.0.1", ""),
        ] {
            assert_eq!(code(&body), Code::LogEntryKindUnsupported, "{body}");
        }
        // The version decides what the body must look like.
        assert_eq!(code(&with(&hashedrekord(), "0.0.1", "0.0.2")), Code::LogEntryMalformed);
        assert_eq!(code(&with(V002, "0.0.2", "0.0.1")), Code::LogEntryMalformed);
        assert_eq!(code(&with(&intoto(), "0.0.2", "0.0.1")), Code::LogEntryMalformed);
    }

    /// K-P-08, K-P-09, K-P-10, K-TL-17.
    #[test]
    fn a_body_that_is_not_exactly_its_kind_is_malformed() {
        let body = hashedrekord();
        let (one, two) = (format!(r#"[{{"signature":"U0lH","verifier":"{}"}}]"#, pem("PUBLIC KEY")), dsse());
        let item = &one[1..one.len() - 1];
        for bad in [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            format!("{body} {{}}"),
            format!("\u{feff}{body}"),
            with(&body, r#""kind""#, r#""Kind""#),
            with(&body, r#""kind":"hashedrekord","#, ""),
            with(&body, r#""kind":"hashedrekord","#, r#""kind":"hashedrekord","kind":"hashedrekord","#),
            with(&body, r#""kind":"hashedrekord","#, r#""kind":"hashedrekord","more":1,"#),
            with(&body, r#""algorithm":"#, r#""algorithm":"sha256","\u0061lgorithm":"#),
            with(&body, r#""data":"#, r#""url":"","data":"#),
            with(&body, "sha256", "SHA256"),
            with(&body, "sha256", "sha384"),
            with(&body, "sha256", "sha1"),
            with(&body, HASH, &HASH[2..]),
            with(&body, "U0lH", ""),
            with(&body, "U0lH", "U0l"),
            with(&body, "U0lH", "U0l\\n"),
            with(&body, &pem("CERTIFICATE"), ""),
            with(&body, &pem("CERTIFICATE"), &pem("PRIVATE KEY")),
            with(&body, &format!(r#""publicKey":{{"content":"{}"}}"#, pem("CERTIFICATE")), r#""publicKey":{}"#),
            with(&body, &format!(r#","publicKey":{{"content":"{}"}}"#, pem("CERTIFICATE")), ""),
            with(&two, &one, "[]"),
            with(&two, &one, "null"),
            with(&two, &one, "[null]"),
            with(&two, &one, &format!("[{item},{item}]")),
            with(&intoto(), &base64::encode(b"U0lH"), "U0lH"),
            with(&intoto(), &base64::encode(b"U0lH"), &base64::encode(b"\xff\xff\xff\xff")),
            with(V002, "SHA2_256", "SHA2_512"),
            with(V002, "SHA2_256", "sha256"),
            with(V002, r#","publicKey":{"rawBytes":"S0VZ"}"#, ""),
            with(V002, r#","publicKey":{"rawBytes":"S0VZ"}"#, r#","publicKey":{"rawBytes":""}"#),
            with(V002, r#"{"rawBytes":"S0VZ"}"#, r#"{"rawBytes":"S0VZ"},"x509Certificate":{"rawBytes":"S0VZ"}"#),
            with(V002, r#""keyDetails":"PKIX_ECDSA_P256_SHA_256","#, ""),
        ] {
            assert_eq!(code(&bad), Code::LogEntryMalformed, "{bad}");
        }
        assert_eq!(code(&" ".repeat(MAX_BODY_BYTES + 1)), Code::LogEntryMalformed);
    }

    #[test]
    fn a_verifier_is_exactly_one_pem_block() {
        let one = "-----BEGIN PUBLIC KEY-----\nS0VZ\n-----END PUBLIC KEY-----";
        for good in [one.to_owned(), format!("{one}\n")] {
            let body = with(&hashedrekord(), &pem("CERTIFICATE"), &base64::encode(good.as_bytes()));
            assert_eq!(*LogEntryBody::parse(body.as_bytes()).unwrap().verifier(), VerifierMaterial::PublicKey(b"KEY".to_vec()));
        }
        for bad in [
            format!("{one}\n{one}\n"),
            format!("{one}\nx"),
            format!("x\n{one}"),
            one.replace("END PUBLIC", "END PRIVATE"),
            one.replace("S0VZ", "S0V"),
            one.replace("\nS0VZ", ""),
            "S0VZ".to_owned(),
        ] {
            let body = with(&hashedrekord(), &pem("CERTIFICATE"), &base64::encode(bad.as_bytes()));
            assert_eq!(code(&body), Code::LogEntryMalformed, "{bad}");
        }
    }

    /// The hand-made vector of the SET.
    #[test]
    fn set_bytes_are_those_of_the_log() {
        let message = set_message(b"{}", 1_700_000_000, &[0xab; 32], 42);
        assert_eq!(
            String::from_utf8(message.clone()).unwrap(),
            format!(r#"{{"body":"e30=","integratedTime":1700000000,"logID":"{}","logIndex":42}}"#, "ab".repeat(32))
        );
        assert_eq!(Digest::sha256(&message).hex(), "b53128a8a0ec8fbfa7443e45a86ef96d0d1c3891020771b44054a8ded0e849f3");
    }
}
