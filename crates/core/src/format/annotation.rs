//! The annotations of cosign's `.sig` and `.att` layers (cosign `SIGNATURE_SPEC.md`, `ATTESTATION_SPEC.md`): the signer, the
//! log entry and the timestamp that stand beside what is signed.
//!
//! A registry may write anything here: nothing of it is signed, so nothing of it is believed.

use super::signed::{LogEntry, Material};
use super::wire::{Base64Bytes, Base64Few};
use crate::code::{Code, Failure};
use crate::encoding::{Few, hex, json, pem};
use crate::limits::{Limits, MAX_CHAIN};
use crate::x509::Certificate;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

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

/// The annotations of one layer, each within its bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Annotations<'a> {
    all: &'a BTreeMap<String, String>,
    limits: &'a Limits,
}

impl<'a> Annotations<'a> {
    /// Refuses annotations beyond their bound.
    ///
    /// # Errors
    /// [`Code::AnnotationMalformed`].
    pub(super) fn new(all: &'a BTreeMap<String, String>, limits: &'a Limits) -> Result<Self, Failure> {
        for name in [SIGNATURE, CERTIFICATE, CHAIN, LOG_BUNDLE, TIMESTAMP] {
            let length = all.get(name).map_or(0, String::len);
            if length > limits.annotation_bytes {
                return Err(Failure::new(Code::AnnotationMalformed)
                    .expected(format_args!("at most {} bytes", limits.annotation_bytes))
                    .found(length)
                    .at(name));
            }
        }
        Ok(Self { all, limits })
    }

    /// The text of an annotation; an empty one says nothing.
    pub(super) fn present(&self, name: &str) -> Option<&'a str> {
        self.all.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Who is said to have signed: whoever the certificate names, else a key that the verifier must know.
    ///
    /// # Errors
    /// [`Code::AnnotationMalformed`] for what is there but is no certificate (K-CR-08), [`Code::CertificateMalformed`].
    pub(super) fn signer(&self) -> Result<Material, Failure> {
        match (self.present(CERTIFICATE), self.present(CHAIN)) {
            (Some(certificate), chain) => read_certificates(certificate, chain, self.limits),
            // A chain without a certificate is what `cosign sign --key` with a stray annotation would look like.
            (None, Some(_)) => Err(Failure::new(Code::AnnotationMalformed).expected("a certificate beside the chain").at(CHAIN)),
            (None, None) => Ok(Material::Key { hint: String::new() }),
        }
    }

    /// The log entry, or why it cannot be read.
    pub(super) fn entries(&self) -> Result<Few<LogEntry, 1>, Failure> {
        self.present(LOG_BUNDLE).map(|text| read_log_bundle(text, self.limits)).into_iter().collect()
    }

    /// The timestamp, or why it cannot be read.
    pub(super) fn timestamps(&self) -> Vec<Result<Vec<u8>, Failure>> {
        self.present(TIMESTAMP).map(|text| read_timestamp(text, self.limits)).into_iter().collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogBundleJson<'a> {
    #[serde(rename = "SignedEntryTimestamp")]
    promise: Base64Few<72>,
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

fn read_certificates(certificate: &str, chain: Option<&str>, limits: &Limits) -> Result<Material, Failure> {
    let annotation =
        |error: pem::PemError, at: &str| Failure::new(Code::AnnotationMalformed).expected("PEM certificates").found(error).at(at);
    // cosign writes the leaf alone here; only the leaf is looked at, and only a certificate is taken for one.
    let leaf = pem::parse_one(certificate.as_bytes(), &["CERTIFICATE"]).map_err(|error| annotation(error, CERTIFICATE))?;
    let leaf = Certificate::of_bytes(leaf.der, limits).map_err(|failure| failure.at(CERTIFICATE))?;
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
        others.push(Certificate::of_bytes(block.der, limits).map_err(|failure| failure.at(CHAIN))?);
    }
    Ok(Material::Certificate { leaf, others })
}

fn read_log_bundle(text: &str, limits: &Limits) -> Result<LogEntry, Failure> {
    let malformed = || Failure::new(Code::AnnotationMalformed).at(LOG_BUNDLE);
    let bundle: LogBundleJson<'_> = json::parse(text.as_bytes(), limits.json_depth).map_err(|error| malformed().found(error))?;
    let mut log_id = [0; 32];
    let log_id = hex::decode_into(&bundle.payload.log_id, hex::Case::Lower, &mut log_id).and_then(|()| Few::of_array(log_id, 32));
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
