//! cosign's `.sig` layers (cosign `SIGNATURE_SPEC.md`): payload and annotations to [`Signed`], and the payload itself.
//!
//! The signature is over the payload exactly as stored. The payload is parsed only by whoever holds a proof that it was
//! signed.

use super::signed::{Format, LogEntry, Material, Signed, SignedContent};
use super::wire::Base64Bytes;
use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::encoding::json;
use crate::encoding::{base64, hex, pem};
use crate::limits::{Limits, MAX_CHAIN};
use crate::x509::Certificate;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Annotation with the signature, in base64.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// Annotation with the signer's certificate, in PEM.
pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// Annotation with the rest of the chain, in PEM.
pub const CHAIN: &str = "dev.sigstore.cosign/chain";
/// Annotation with the log entry, in JSON.
pub const LOG_BUNDLE: &str = "dev.sigstore.cosign/bundle";
/// Annotation with the timestamp, in JSON.
pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

const PAYLOAD_TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogBundleJson<'a> {
    #[serde(rename = "SignedEntryTimestamp")]
    promise: Base64Bytes,
    #[serde(rename = "Payload", borrow)]
    payload: LogPayloadJson<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogPayloadJson<'a> {
    body: Base64Bytes,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logIndex")]
    log_index: u64,
    #[serde(rename = "logID", borrow)]
    log_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimestampJson {
    #[serde(rename = "SignedRFC3161Timestamp")]
    response: Base64Bytes,
}

/// Takes one signature layer apart.
///
/// # Errors
/// [`Code::SignatureMalformed`] without a signature in strict base64; [`Code::AnnotationMalformed`] for a certificate
/// that is there but cannot be read (a public key in its place included, K-CR-08) or an annotation beyond its bound;
/// [`Code::CertificateMalformed`]. What is wrong with log entry or timestamp stands in their place.
pub fn parse(payload: Arc<[u8]>, annotations: &BTreeMap<String, String>, limits: &Limits) -> Result<Signed, Failure> {
    for name in [SIGNATURE, CERTIFICATE, CHAIN, LOG_BUNDLE, TIMESTAMP] {
        let length = annotations.get(name).map_or(0, String::len);
        if length > limits.annotation_bytes {
            return Err(Failure::new(Code::AnnotationMalformed)
                .expected(format_args!("at most {} bytes", limits.annotation_bytes))
                .found(length)
                .at(name));
        }
    }
    let present = |name: &str| annotations.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let signature = present(SIGNATURE).ok_or_else(|| Failure::new(Code::SignatureMalformed).found("none").at(SIGNATURE))?;
    let signature = base64::decode(signature).filter(|signature| !signature.is_empty());
    let signature = signature.ok_or_else(|| Failure::new(Code::SignatureMalformed).expected("standard base64").at(SIGNATURE))?;
    let material = match (present(CERTIFICATE), present(CHAIN)) {
        (Some(certificate), chain) => read_certificates(certificate, chain, limits)?,
        // A chain without a certificate is what `cosign sign --key` with a stray annotation would look like.
        (None, Some(_)) => {
            return Err(Failure::new(Code::AnnotationMalformed).expected("a certificate beside the chain").at(CHAIN));
        }
        (None, None) => Material::Key { hint: String::new() },
    };
    let entries = present(LOG_BUNDLE).map(|text| read_log_bundle(text, limits)).into_iter().collect();
    let timestamps = present(TIMESTAMP).map(|text| read_timestamp(text, limits)).into_iter().collect();
    Ok(Signed {
        format: Format::SimpleSigning,
        content: SignedContent::SimpleSigning { payload },
        signature,
        material,
        needs_chain_opt_in: false,
        entries,
        timestamps,
    })
}

fn read_certificates(certificate: &str, chain: Option<&str>, limits: &Limits) -> Result<Material, Failure> {
    let annotation =
        |error: pem::PemError, at: &str| Failure::new(Code::AnnotationMalformed).expected("PEM certificates").found(error).at(at);
    // cosign writes the leaf alone here; only the leaf is looked at, and only a certificate is taken for one.
    let leaf = pem::parse_one(certificate.as_bytes(), &["CERTIFICATE"]).map_err(|error| annotation(error, CERTIFICATE))?;
    let leaf = Certificate::from_der(&leaf.der, limits).map_err(|failure| failure.at(CERTIFICATE))?;
    let mut others = Vec::new();
    for block in chain
        .map(|text| pem::parse_all(text.as_bytes(), MAX_CHAIN))
        .transpose()
        .map_err(|error| annotation(error, CHAIN))?
        .unwrap_or_default()
    {
        if block.label != "CERTIFICATE" {
            return Err(Failure::new(Code::AnnotationMalformed).expected("PEM certificates").found(block.label).at(CHAIN));
        }
        others.push(Certificate::from_der(&block.der, limits).map_err(|failure| failure.at(CHAIN))?);
    }
    Ok(Material::Certificate { leaf: Box::new(leaf), others })
}

fn read_log_bundle(text: &str, limits: &Limits) -> Result<LogEntry, Failure> {
    let malformed = || Failure::new(Code::AnnotationMalformed).at(LOG_BUNDLE);
    let bundle: LogBundleJson<'_> = json::parse(text.as_bytes(), limits.json_depth).map_err(|error| malformed().found(error))?;
    let log_id = hex::decode(&bundle.payload.log_id).filter(|id| id.len() == 32);
    let log_id =
        log_id.ok_or_else(|| malformed().expected("a logID of 64 lower-case hex digits").found(&bundle.payload.log_id))?;
    if bundle.payload.integrated_time <= 0 {
        return Err(malformed().expected("a positive integratedTime").found(bundle.payload.integrated_time));
    }
    Ok(LogEntry {
        log_id,
        log_index: bundle.payload.log_index,
        kind: None,
        integrated_time: Some(bundle.payload.integrated_time),
        promise: Some(bundle.promise.0),
        proof: None,
        body: bundle.payload.body.0,
    })
}

fn read_timestamp(text: &str, limits: &Limits) -> Result<Vec<u8>, Failure> {
    json::parse::<TimestampJson>(text.as_bytes(), limits.json_depth)
        .map(|timestamp| timestamp.response.0)
        .map_err(|error| Failure::new(Code::AnnotationMalformed).found(error).at(TIMESTAMP))
}

/// A simple-signing payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The repository that the signer named; may be empty.
    pub docker_reference: String,
    /// The digest that was signed.
    pub digest: Digest,
    /// Strings of the `optional` map; values of other types are left out, since no annotation rule may match them.
    pub optional: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayloadJson<'a> {
    #[serde(borrow)]
    critical: CriticalJson<'a>,
    #[serde(default)]
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CriticalJson<'a> {
    #[serde(borrow)]
    identity: IdentityJson<'a>,
    #[serde(borrow)]
    image: ImageJson<'a>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityJson<'a> {
    #[serde(rename = "docker-reference", borrow)]
    docker_reference: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageJson<'a> {
    #[serde(rename = "docker-manifest-digest", borrow)]
    digest: Cow<'a, str>,
}

impl Payload {
    /// Parses a payload, strictly: no unknown or doubled fields in any of its parts, the exact type, a canonical digest.
    ///
    /// # Errors
    /// [`Code::PayloadMalformed`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Failure> {
        let malformed = || Failure::new(Code::PayloadMalformed);
        // The optional map is free, but doubled names in it are refused too: the tolerant scan looks everywhere.
        json::parse_tolerant::<serde::de::IgnoredAny>(bytes, limits.json_depth).map_err(|error| malformed().found(error))?;
        let document: PayloadJson<'_> = json::parse(bytes, limits.json_depth).map_err(|error| malformed().found(error))?;
        if document.critical.kind != PAYLOAD_TYPE {
            return Err(malformed().expected(PAYLOAD_TYPE).found(&document.critical.kind).at("critical.type"));
        }
        let digest = document
            .critical
            .image
            .digest
            .parse()
            .map_err(|failure| malformed().found(failure).at("critical.image.docker-manifest-digest"))?;
        let strings = document.optional.unwrap_or_default().into_iter().filter_map(|(name, value)| match value {
            serde_json::Value::String(value) => Some((name, value)),
            _ => None,
        });
        Ok(Self {
            docker_reference: document.critical.identity.docker_reference.into_owned(),
            digest,
            optional: strings.collect(),
        })
    }
}
