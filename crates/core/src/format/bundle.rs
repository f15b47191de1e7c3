//! Sigstore bundles v0.1 to v0.3 (protobuf-specs `sigstore_bundle.proto`): JSON to [`Signed`].
//!
//! Strict ProtoJSON: lowerCamelCase names only, unknown and doubled fields refused, standard base64, int64 as string or
//! number. Checks the rules of structure of each version and nothing cryptographic.

use super::dsse::payload_type;
use super::log_entry;
use super::signed::{Format, InclusionProof, LogEntry, Material, SignatureBytes, Signed, SignedContent};
use super::wire::{Base64Bytes, Base64Few, Hashes, Int64, Text, few, hashes, list};
use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::encoding::Few;
use crate::encoding::json::{self, JsonRule};
use crate::limits::{Limits, MAX_CHAIN, MAX_LOG_ENTRIES, MAX_PROOF_HASHES, MAX_TIMESTAMPS};
use crate::x509::Certificate;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;

/// Most keys of one object; the largest of the format has a fourth of them.
const MAX_KEYS: usize = 32;

/// A version of the bundle format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BundleVersion {
    /// v0.1: signed entry timestamps required.
    V0_1,
    /// v0.2: inclusion proofs with checkpoint required.
    V0_2,
    /// v0.3: one certificate instead of a chain.
    V0_3,
}

impl BundleVersion {
    fn from_media_type(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Self::V0_1,
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Self::V0_2,
            "application/vnd.dev.sigstore.bundle+json;version=0.3" | "application/vnd.dev.sigstore.bundle.v0.3+json" => {
                Self::V0_3
            }
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaTypeOnly<'a> {
    #[serde(default, borrow)]
    media_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BundleJson<'a> {
    #[serde(borrow)]
    media_type: Cow<'a, str>,
    #[serde(borrow)]
    verification_material: MaterialJson<'a>,
    #[serde(default, borrow)]
    message_signature: Option<MessageJson<'a>>,
    #[serde(default, borrow)]
    dsse_envelope: Option<EnvelopeJson<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MaterialJson<'a> {
    #[serde(default, borrow)]
    public_key: Option<HintJson<'a>>,
    #[serde(default)]
    x509_certificate_chain: Option<ChainJson>,
    #[serde(default)]
    certificate: Option<RawJson>,
    #[serde(default, borrow, deserialize_with = "few::<_, _, 1, MAX_LOG_ENTRIES>")]
    tlog_entries: Few<EntryJson<'a>, 1>,
    #[serde(default)]
    timestamp_verification_data: Option<TimestampsJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HintJson<'a> {
    #[serde(default, borrow)]
    hint: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainJson {
    #[serde(default, deserialize_with = "list::<_, _, MAX_CHAIN>")]
    certificates: Vec<RawJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawJson {
    raw_bytes: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimestampsJson {
    #[serde(default, deserialize_with = "few::<_, _, 1, MAX_TIMESTAMPS>")]
    rfc3161_timestamps: Few<TimestampJson, 1>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimestampJson {
    signed_timestamp: Base64Bytes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntryJson<'a> {
    #[serde(default)]
    log_index: Option<Int64>,
    #[serde(default)]
    log_id: Option<IdJson>,
    #[serde(default, borrow)]
    kind_version: Option<KindJson<'a>>,
    #[serde(default)]
    integrated_time: Option<Int64>,
    #[serde(default)]
    inclusion_promise: Option<PromiseJson>,
    #[serde(default, borrow)]
    inclusion_proof: Option<ProofJson<'a>>,
    #[serde(default)]
    canonicalized_body: Option<Base64Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IdJson {
    key_id: Base64Few<32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindJson<'a> {
    #[serde(default, borrow)]
    kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    version: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PromiseJson {
    signed_entry_timestamp: Base64Few<72>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProofJson<'a> {
    #[serde(default)]
    log_index: Option<Int64>,
    #[serde(default)]
    root_hash: Option<Base64Few<32>>,
    #[serde(default)]
    tree_size: Option<Int64>,
    #[serde(default, deserialize_with = "hashes::<_, MAX_PROOF_HASHES>")]
    hashes: Hashes,
    #[serde(default, borrow)]
    checkpoint: Option<CheckpointJson<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointJson<'a> {
    #[serde(default, borrow)]
    envelope: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageJson<'a> {
    #[serde(default, borrow)]
    message_digest: Option<DigestJson<'a>>,
    #[serde(default)]
    signature: Option<Base64Few<72>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestJson<'a> {
    #[serde(default, borrow)]
    algorithm: Option<Text<'a>>,
    #[serde(default)]
    digest: Option<Base64Few<64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EnvelopeJson<'a> {
    #[serde(default)]
    payload: Option<Base64Bytes>,
    #[serde(default, borrow)]
    payload_type: Option<Text<'a>>,
    // Two suffice to know that there are too many.
    #[serde(default, borrow, deserialize_with = "few::<_, _, 1, 2>")]
    signatures: Few<SignatureJson<'a>, 1>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson<'a> {
    #[serde(default)]
    sig: Option<Base64Few<72>>,
    #[serde(default, borrow)]
    keyid: Option<Text<'a>>,
}

/// Parses a bundle and holds it against the rules of its version. With `allow_chain`, a v0.3 bundle may carry a chain, and
/// [`Signed::needs_chain_opt_in`] says whether it does.
///
/// # Errors
/// [`Code::TooLarge`] beyond `limits.bundle_bytes`; [`Code::BundleVersionUnsupported`]; [`Code::BundleMalformed`],
/// [`Code::BundleChainForbidden`], [`Code::EmbeddedRootForbidden`], [`Code::EnvelopeMalformed`],
/// [`Code::SignatureMalformed`], [`Code::TooManyEntries`], [`Code::KeyHintMismatch`], [`Code::LogEntryDuplicate`],
/// [`Code::CertificateMalformed`] and the other codes of a rule that is broken.
pub fn parse(bytes: &[u8], limits: &Limits, allow_chain: bool) -> Result<Signed, Failure> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limits.bundle_bytes {
        return Err(Failure::new(Code::TooLarge)
            .expected(format_args!("at most {} bytes", limits.bundle_bytes))
            .found(size)
            .at("bundle"));
    }
    let document: BundleJson<'_> = match json::parse_without_maps(bytes, limits.json_depth, MAX_KEYS) {
        Ok(document) => document,
        // A version that is not known may well have other fields: say so first. A flood is not looked at twice.
        Err(error) => {
            let version = if error.rule() == JsonRule::Type { unknown_version(bytes, limits) } else { None };
            return Err(version.unwrap_or_else(|| Failure::new(Code::BundleMalformed).found(error)));
        }
    };
    let version = BundleVersion::from_media_type(&document.media_type)
        .ok_or_else(|| Failure::new(Code::BundleVersionUnsupported).found(&document.media_type).at("mediaType"))?;
    let material = document.verification_material;
    let mut entries = Few::new();
    for (index, entry) in material.tlog_entries.into_iter().enumerate() {
        entries.push(read_entry(entry, index, version, limits)?);
    }
    if entries.len() > limits.log_entries {
        return Err(Failure::new(Code::TooManyEntries)
            .expected(format_args!("at most {}", limits.log_entries))
            .found(entries.len())
            .at("tlogEntries"));
    }
    refuse_duplicates(&entries)?;
    let timestamps = material.timestamp_verification_data.map(|data| data.rfc3161_timestamps).unwrap_or_default();
    if timestamps.len() > limits.timestamps {
        return Err(Failure::new(Code::TooManyEntries)
            .expected(format_args!("at most {}", limits.timestamps))
            .found(timestamps.len())
            .at("rfc3161Timestamps"));
    }
    let needs_chain_opt_in = version >= BundleVersion::V0_3 && material.x509_certificate_chain.is_some();
    let signer =
        read_signer(material.public_key, material.x509_certificate_chain, material.certificate, version, limits, allow_chain)?;
    let (content, signature) = read_content(document.message_signature, document.dsse_envelope, &signer)?;
    let mut stamps = Vec::with_capacity(timestamps.len());
    stamps.extend(timestamps.into_iter().map(|stamp| Ok(stamp.signed_timestamp.0)));
    Ok(Signed {
        format: Format::Bundle(version),
        content,
        signature,
        material: signer,
        needs_chain_opt_in,
        entries: Ok(entries),
        timestamps: stamps,
    })
}

fn unknown_version(bytes: &[u8], limits: &Limits) -> Option<Failure> {
    let probe: MediaTypeOnly<'_> = json::parse_tolerant(bytes, limits.json_depth).ok()?;
    let found = probe.media_type?;
    BundleVersion::from_media_type(&found)
        .is_none()
        .then(|| Failure::new(Code::BundleVersionUnsupported).found(found).at("mediaType"))
}

fn malformed(at: impl fmt::Display) -> Failure {
    Failure::new(Code::BundleMalformed).at(at)
}

/// A field of a log entry, written out only where something is wrong with it.
#[derive(Clone, Copy)]
struct EntryField {
    index: usize,
    field: &'static str,
}

impl fmt::Display for EntryField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tlogEntries[{}].{}", self.index, self.field)
    }
}

fn read_entry(entry: EntryJson<'_>, index: usize, version: BundleVersion, limits: &Limits) -> Result<LogEntry, Failure> {
    let at = |field: &'static str| EntryField { index, field };
    let unsigned = |value: Option<Int64>, field: &'static str| {
        let value = value.map_or(0, |value| value.0);
        u64::try_from(value).map_err(|_| malformed(at(field)).expected("a non-negative integer").found(value))
    };
    let log_index = unsigned(entry.log_index, "logIndex")?;
    let log_id = entry
        .log_id
        .map(|id| id.key_id.0)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| malformed(at("logId.keyId")).found("none"))?;
    let kind = entry.kind_version.ok_or_else(|| malformed(at("kindVersion")).found("none"))?;
    let kind = match (kind.kind, kind.version) {
        (Some(kind), Some(version)) if !kind.0.is_empty() && !version.0.is_empty() => log_entry::named(&kind.0, &version.0),
        _ => return Err(malformed(at("kindVersion")).expected("kind and version")),
    };
    let body = entry.canonicalized_body.map(|body| body.0).filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| malformed(at("canonicalizedBody")).found("none"))?;
    // ProtoJSON writes 0 and leaves it out for one and the same thing: no time.
    let integrated_time = entry.integrated_time.map(|time| time.0).filter(|time| *time != 0);
    if integrated_time.is_some_and(|time| time < 0) {
        return Err(malformed(at("integratedTime")).expected("a time after 1970").found(integrated_time.unwrap_or(0)));
    }
    let promise = entry.inclusion_promise.map(|promise| promise.signed_entry_timestamp.0);
    if promise.as_ref().is_some_and(|promise| promise.is_empty()) {
        return Err(malformed(at("inclusionPromise.signedEntryTimestamp")).found("an empty one"));
    }
    if version == BundleVersion::V0_1 && promise.is_none() {
        return Err(Failure::new(Code::SetMissing)
            .expected("a signed entry timestamp in a v0.1 bundle")
            .at(at("inclusionPromise")));
    }
    let proof = match entry.inclusion_proof {
        Some(proof) => Some(read_proof(proof, at("inclusionProof"), limits)?),
        None if version == BundleVersion::V0_1 => None,
        None => return Err(Failure::new(Code::InclusionProofMissing).at(at("inclusionProof"))),
    };
    Ok(LogEntry { log_id, log_index, kind: Some(kind), integrated_time, promise, proof, body })
}

fn read_proof(proof: ProofJson<'_>, at: EntryField, limits: &Limits) -> Result<InclusionProof, Failure> {
    let unsigned = |value: Option<Int64>, field: &str| {
        let value = value.map_or(0, |value| value.0);
        u64::try_from(value).map_err(|_| malformed(format_args!("{at}.{field}")).expected("a non-negative integer").found(value))
    };
    let checkpoint = proof.checkpoint.and_then(|checkpoint| checkpoint.envelope).map(|envelope| envelope.0);
    let checkpoint = checkpoint.filter(|envelope| !envelope.is_empty());
    let checkpoint = checkpoint.ok_or_else(|| Failure::new(Code::CheckpointMissing).at(format_args!("{at}.checkpoint")))?;
    if checkpoint.len() > limits.checkpoint_bytes {
        return Err(Failure::new(Code::CheckpointMalformed)
            .expected(format_args!("at most {} bytes", limits.checkpoint_bytes))
            .found(checkpoint.len()));
    }
    if let Some((index, length)) = proof.hashes.odd {
        return Err(Failure::new(Code::InclusionProofInvalid)
            .expected("32 bytes")
            .found(length)
            .at(format_args!("{at}.hashes[{index}]")));
    }
    Ok(InclusionProof {
        log_index: unsigned(proof.log_index, "logIndex")?,
        root_hash: proof.root_hash.map(|hash| hash.0).unwrap_or_default(),
        tree_size: unsigned(proof.tree_size, "treeSize")?,
        hashes: proof.hashes.all,
        checkpoint: checkpoint.into_owned(),
    })
}

fn refuse_duplicates(entries: &[LogEntry]) -> Result<(), Failure> {
    for (index, entry) in entries.iter().enumerate() {
        let twin =
            entries.iter().take(index).any(|earlier| earlier.log_id == entry.log_id && earlier.log_index == entry.log_index);
        if twin {
            return Err(Failure::new(Code::LogEntryDuplicate)
                .found(format_args!("log index {}", entry.log_index))
                .at(format_args!("tlogEntries[{index}]")));
        }
    }
    Ok(())
}

fn read_signer(
    key: Option<HintJson<'_>>,
    chain: Option<ChainJson>,
    certificate: Option<RawJson>,
    version: BundleVersion,
    limits: &Limits,
    allow_chain: bool,
) -> Result<Material, Failure> {
    let parse =
        |raw: RawJson, at: &dyn fmt::Display| Certificate::of_bytes(raw.raw_bytes.0, limits).map_err(|failure| failure.at(at));
    match (key, chain, certificate) {
        (Some(key), None, None) => Ok(Material::Key { hint: key.hint.map(|hint| hint.0.into_owned()).unwrap_or_default() }),
        (None, None, Some(certificate)) => {
            if version < BundleVersion::V0_3 {
                return Err(
                    malformed("verificationMaterial.certificate").expected("x509CertificateChain in a bundle before v0.3")
                );
            }
            Ok(Material::Certificate { leaf: parse(certificate, &"certificate")?, others: Vec::new() })
        }
        (None, Some(chain), None) => {
            if version >= BundleVersion::V0_3 && !allow_chain {
                return Err(Code::BundleChainForbidden.into());
            }
            let mut certificates = Vec::with_capacity(chain.certificates.len());
            for (index, raw) in chain.certificates.into_iter().enumerate() {
                let at = format_args!("x509CertificateChain.certificates[{index}]");
                let certificate = parse(raw, &at)?;
                // A root belongs to the trusted root. Older producers (npm) did embed it: there it is left unused, like every
                // certificate beside the leaf. Nobody had to write chains in v0.3, so nobody has that excuse (K-X-23).
                if version >= BundleVersion::V0_3 && index > 0 && certificate.is_self_issued() {
                    return Err(Failure::new(Code::EmbeddedRootForbidden).at(at));
                }
                certificates.push(certificate);
            }
            let mut certificates = certificates.into_iter();
            let leaf = certificates
                .next()
                .ok_or_else(|| malformed("x509CertificateChain").expected("at least the signer's certificate").found("none"))?;
            Ok(Material::Certificate { leaf, others: certificates.collect() })
        }
        (None, None, None) => {
            Err(malformed("verificationMaterial").expected("certificate, x509CertificateChain or publicKey").found("none"))
        }
        _ => Err(malformed("verificationMaterial")
            .expected("one of certificate, x509CertificateChain and publicKey")
            .found("several")),
    }
}

fn read_content(
    message: Option<MessageJson<'_>>,
    envelope: Option<EnvelopeJson<'_>>,
    signer: &Material,
) -> Result<(SignedContent, SignatureBytes), Failure> {
    match (message, envelope) {
        (Some(message), None) => {
            let stated = message.message_digest.map(read_digest).transpose()?;
            Ok((SignedContent::Message { stated }, signature_bytes(message.signature, "messageSignature.signature")?))
        }
        (None, Some(envelope)) => {
            let mut signatures = envelope.signatures.into_iter();
            let (Some(only), None) = (signatures.next(), signatures.next()) else {
                // With several it would be open which one the log entry and the timestamp are about (K-P-05).
                return Err(Failure::new(Code::EnvelopeMalformed)
                    .expected("exactly one signature")
                    .at("dsseEnvelope.signatures"));
            };
            if let (Material::Key { hint }, Some(keyid)) = (signer, only.keyid.as_ref().map(|keyid| &*keyid.0))
                && !hint.is_empty()
                && !keyid.is_empty()
                && hint != keyid
            {
                return Err(Failure::new(Code::KeyHintMismatch)
                    .expected(format_args!("hint {hint}"))
                    .found(format_args!("keyid {keyid}")));
            }
            let payload = envelope.payload.map(|payload| payload.0).filter(|payload| !payload.is_empty());
            let payload =
                payload.ok_or_else(|| Failure::new(Code::EnvelopeMalformed).found("no payload").at("dsseEnvelope.payload"))?;
            let payload_type = payload_type(envelope.payload_type.as_ref().map_or("", |named| &*named.0));
            let signature = signature_bytes(only.sig, "dsseEnvelope.signatures[0].sig")?;
            Ok((SignedContent::Dsse { payload_type, payload, envelope: None }, signature))
        }
        (None, None) => Err(malformed("bundle").expected("messageSignature or dsseEnvelope").found("neither")),
        (Some(_), Some(_)) => Err(malformed("bundle").expected("one of messageSignature and dsseEnvelope").found("both")),
    }
}

fn signature_bytes(signature: Option<Base64Few<72>>, at: &str) -> Result<SignatureBytes, Failure> {
    let signature = signature.map(|signature| signature.0).filter(|signature| !signature.is_empty());
    signature.ok_or_else(|| Failure::new(Code::SignatureMalformed).found("no signature").at(at))
}

fn read_digest(digest: DigestJson<'_>) -> Result<Digest, Failure> {
    let at = "messageSignature.messageDigest";
    let algorithm = match digest.algorithm.as_ref().map(|algorithm| &*algorithm.0) {
        Some("SHA2_256") => HashAlgorithm::Sha256,
        Some("SHA2_384") => HashAlgorithm::Sha384,
        Some("SHA2_512") => HashAlgorithm::Sha512,
        other => return Err(malformed(at).expected("SHA2_256, SHA2_384 or SHA2_512").found(other.unwrap_or("none"))),
    };
    let bytes = digest.digest.map(|digest| digest.0).unwrap_or_default();
    Digest::from_bytes(algorithm, &bytes)
        .ok_or_else(|| malformed(at).expected(format_args!("{} bytes", algorithm.length())).found(bytes.len()))
}
