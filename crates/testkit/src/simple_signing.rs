//! [`SimpleSignature`] and [`Attestation`]: layers of cosign's `.sig` and `.att` manifests (cosign `SIGNATURE_SPEC.md`).

use crate::dsse::{Envelope, IN_TOTO, Statement};
use crate::pem;
use crate::rekor::{self, LogEntry, RekorV1};
use crate::signer::Signer;
use crate::tsa::TimestampAuthority;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use veriseal::digest::Digest;
use veriseal::encoding::base64;
use veriseal::time::UnixTime;

/// Media type of a simple-signing layer.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Media type of an attestation layer.
pub const DSSE_LAYER: &str = "application/vnd.dsse.envelope.v1+json";
/// Annotation: base64 signature.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// Annotation: PEM leaf.
pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// Annotation: PEM chain.
pub const CHAIN: &str = "dev.sigstore.cosign/chain";
/// Annotation: Rekor bundle.
pub const REKOR_BUNDLE: &str = "dev.sigstore.cosign/bundle";
/// Annotation: RFC 3161 timestamp.
pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// A layer of a `.sig` or `.att` manifest, ready to be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Media type.
    pub media_type: String,
    /// The blob.
    pub bytes: Vec<u8>,
    /// Annotations of its descriptor.
    pub annotations: BTreeMap<String, String>,
}

/// A simple-signing payload before it is serialised.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// `critical.identity.docker-reference`.
    pub docker_reference: String,
    /// `critical.image.docker-manifest-digest`.
    pub digest: String,
    /// `critical.type`.
    pub kind: String,
    /// `optional`; `null` when `None`.
    pub optional: Option<Map<String, Value>>,
}

impl Payload {
    /// The payload that cosign writes for an image.
    #[must_use]
    pub fn new(digest: &Digest, docker_reference: &str, annotations: &[(&str, &str)]) -> Self {
        let optional: Map<String, Value> = annotations.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        Self {
            docker_reference: docker_reference.to_owned(),
            digest: digest.to_string(),
            kind: "cosign container image signature".to_owned(),
            optional: (!optional.is_empty()).then_some(optional),
        }
    }

    /// JSON text in Go's member order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":{}}},"image":{{"docker-manifest-digest":{}}},"type":{}}},"optional":{}}}"#,
            json!(self.docker_reference),
            json!(self.digest),
            json!(self.kind),
            json!(self.optional)
        )
        .into_bytes()
    }
}

/// A signature in cosign's legacy layout, open to changes until it is made a [`Layer`].
#[derive(Clone, Debug)]
pub struct SimpleSignature {
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signature over them.
    pub signature: Vec<u8>,
    /// The log entry whose promise goes into the bundle annotation.
    pub entry: Option<LogEntry>,
    /// DER TimeStampResp.
    pub timestamp: Option<Vec<u8>>,
    /// Annotations that replace or join the derived ones.
    pub annotations: BTreeMap<String, String>,
    /// Who signed.
    pub signer: Signer,
}

/// Signs an image digest in the legacy layout, with the annotations of `cosign sign -a`.
#[must_use]
pub fn sign_simple(digest: &Digest, docker_reference: &str, annotations: &[(&str, &str)], signer: &Signer) -> SimpleSignature {
    SimpleSignature::of_payload(Payload::new(digest, docker_reference, annotations).to_bytes(), signer)
}

impl SimpleSignature {
    /// Signs any bytes as payload.
    #[must_use]
    pub fn of_payload(payload: Vec<u8>, signer: &Signer) -> Self {
        let signature = signer.sign(&payload);
        Self { payload, signature, entry: None, timestamp: None, annotations: BTreeMap::new(), signer: signer.clone() }
    }

    /// Logs the signature as `hashedrekord` 0.0.1.
    #[must_use]
    pub fn logged(mut self, log: &mut RekorV1, at: UnixTime) -> Self {
        let digest = Digest::sha256(&self.payload);
        let body = rekor::hashedrekord(&digest, &self.signature, &self.signer.verifier_pem());
        self.entry = Some(log.add(body, at));
        self
    }

    /// Adds a timestamp over the signature.
    #[must_use]
    pub fn timestamped(mut self, authority: &TimestampAuthority, at: UnixTime) -> Self {
        self.timestamp = Some(authority.respond(&self.signature, at));
        self
    }

    /// The layer with all its annotations.
    #[must_use]
    pub fn layer(&self) -> Layer {
        let mut annotations = material(&self.signer, self.entry.as_ref(), self.timestamp.as_deref());
        annotations.insert(SIGNATURE.to_owned(), base64::encode(&self.signature));
        annotations.extend(self.annotations.clone());
        Layer { media_type: SIMPLE_SIGNING.to_owned(), bytes: self.payload.clone(), annotations }
    }
}

/// An attestation in cosign's legacy layout.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// The envelope.
    pub envelope: Envelope,
    /// The layer's bytes: the envelope's JSON, unless changed.
    pub bytes: Vec<u8>,
    /// The annotation `predicateType`.
    pub predicate_type: String,
    /// The log entry whose promise goes into the bundle annotation.
    pub entry: Option<LogEntry>,
    /// DER TimeStampResp.
    pub timestamp: Option<Vec<u8>>,
    /// Annotations that replace or join the derived ones.
    pub annotations: BTreeMap<String, String>,
    /// Who signed.
    pub signer: Signer,
}

impl Attestation {
    /// Signs a statement.
    #[must_use]
    pub fn new(statement: &Statement, signer: &Signer) -> Self {
        let envelope = Envelope::sign(IN_TOTO, &statement.to_bytes(), signer);
        Self {
            bytes: envelope.to_bytes(),
            envelope,
            predicate_type: statement.predicate_type.clone(),
            entry: None,
            timestamp: None,
            annotations: BTreeMap::new(),
            signer: signer.clone(),
        }
    }

    /// Logs the envelope as `dsse` 0.0.1.
    #[must_use]
    pub fn logged(mut self, log: &mut RekorV1, at: UnixTime) -> Self {
        self.entry = Some(log.add(rekor::dsse(&self.envelope, &self.signer.verifier_pem()), at));
        self
    }

    /// Logs the envelope as `intoto` 0.0.2.
    #[must_use]
    pub fn logged_as_intoto(mut self, log: &mut RekorV1, at: UnixTime) -> Self {
        self.entry = Some(log.add(rekor::intoto(&self.envelope, &self.signer.verifier_pem()), at));
        self
    }

    /// Logs the envelope as `intoto` 0.0.1, which holds no signature.
    #[must_use]
    pub fn logged_as_intoto_v1(mut self, log: &mut RekorV1, at: UnixTime) -> Self {
        self.entry = Some(log.add(rekor::intoto_v1(&self.envelope, &self.signer.verifier_pem()), at));
        self
    }

    /// Adds a timestamp over the layer's bytes, as cosign does for attestations.
    #[must_use]
    pub fn timestamped(mut self, authority: &TimestampAuthority, at: UnixTime) -> Self {
        self.timestamp = Some(authority.respond(&self.bytes, at));
        self
    }

    /// The layer with all its annotations; the signature annotation is empty.
    #[must_use]
    pub fn layer(&self) -> Layer {
        let mut annotations = material(&self.signer, self.entry.as_ref(), self.timestamp.as_deref());
        annotations.insert(SIGNATURE.to_owned(), String::new());
        annotations.insert("predicateType".to_owned(), self.predicate_type.clone());
        annotations.extend(self.annotations.clone());
        Layer { media_type: DSSE_LAYER.to_owned(), bytes: self.bytes.clone(), annotations }
    }
}

fn material(signer: &Signer, entry: Option<&LogEntry>, timestamp: Option<&[u8]>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    if let Some(leaf) = &signer.certificate {
        out.insert(CERTIFICATE.to_owned(), pem::encode("CERTIFICATE", leaf));
        if !signer.chain.is_empty() {
            out.insert(CHAIN.to_owned(), pem::certificates(&signer.chain));
        }
    }
    if let Some(entry) = entry {
        out.insert(REKOR_BUNDLE.to_owned(), entry.to_annotation().to_string());
    }
    if let Some(der) = timestamp {
        out.insert(TIMESTAMP.to_owned(), json!({ "SignedRFC3161Timestamp": base64::encode(der) }).to_string());
    }
    out
}
