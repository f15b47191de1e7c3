//! DSSE envelopes and in-toto statements (DSSE `protocol.md`, in-toto attestation v1).

use crate::signer::Signer;
use serde_json::{Value, json};
use veriseal::digest::Digest;
use veriseal::encoding::base64;

/// Payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Predicate type of a cosign image signature.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// Predicate type of SLSA provenance v1.
pub const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// An envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `payloadType`.
    pub payload_type: String,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// Signatures with their key ids.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// The signature.
    pub sig: Vec<u8>,
    /// An unauthenticated hint; left out when empty.
    pub keyid: String,
}

/// PAE(type, body): what is signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

impl Envelope {
    /// Signs a payload of any type.
    #[must_use]
    pub fn sign(payload_type: &str, payload: &[u8], signer: &Signer) -> Self {
        let sig = signer.sign(&pae(payload_type, payload));
        Self {
            payload_type: payload_type.to_owned(),
            payload: payload.to_vec(),
            signatures: vec![EnvelopeSignature { sig, keyid: String::new() }],
        }
    }

    /// What was, or should have been, signed.
    #[must_use]
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    /// The first signature; empty if there is none.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.signatures.first().map_or(&[], |first| &first.sig)
    }

    /// The JSON of the envelope.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let signatures: Vec<Value> = self
            .signatures
            .iter()
            .map(|signature| {
                let mut value = json!({ "sig": base64::encode(&signature.sig) });
                if !signature.keyid.is_empty() {
                    value["keyid"] = json!(signature.keyid);
                }
                value
            })
            .collect();
        json!({ "payload": base64::encode(&self.payload), "payloadType": self.payload_type, "signatures": signatures })
    }

    /// The JSON text, as a layer of a `.att` manifest and as what Rekor hashes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }
}

/// An in-toto statement, before it is serialised.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `_type`.
    pub kind: String,
    /// `subject`: name (left out when empty), digests by algorithm name, annotations.
    pub subjects: Vec<Subject>,
    /// `predicateType`.
    pub predicate_type: String,
    /// `predicate`.
    pub predicate: Value,
}

/// One subject of a statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// `name`; left out when empty.
    pub name: String,
    /// `digest`: algorithm name and hex.
    pub digests: Vec<(String, String)>,
    /// `annotations`; left out when empty.
    pub annotations: Vec<(String, String)>,
}

impl Subject {
    /// A subject with one digest and no name.
    #[must_use]
    pub fn new(digest: &Digest) -> Self {
        Self { digests: vec![(digest.algorithm().name().to_owned(), digest.hex())], ..Self::default() }
    }
}

impl Statement {
    /// A v1 statement of any predicate about one digest.
    #[must_use]
    pub fn new(digest: &Digest, predicate_type: &str, predicate: Value) -> Self {
        Self {
            kind: "https://in-toto.io/Statement/v1".to_owned(),
            subjects: vec![Subject::new(digest)],
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// The statement that is a cosign v3 image signature.
    #[must_use]
    pub fn image_signature(digest: &Digest) -> Self {
        Self::new(digest, COSIGN_SIGN, json!({}))
    }

    /// The statement with a required annotation on every subject.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        for subject in &mut self.subjects {
            subject.annotations.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// JSON text in the member order that producers write: `_type`, `subject`, `predicateType`, `predicate`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let subjects: Vec<String> = self.subjects.iter().map(Subject::to_text).collect();
        format!(
            r#"{{"_type":{},"subject":[{}],"predicateType":{},"predicate":{}}}"#,
            json!(self.kind),
            subjects.join(","),
            json!(self.predicate_type),
            self.predicate
        )
        .into_bytes()
    }
}

impl Subject {
    fn to_text(&self) -> String {
        let members = |pairs: &[(String, String)]| {
            pairs.iter().map(|(name, value)| format!("{}:{}", json!(name), json!(value))).collect::<Vec<_>>().join(",")
        };
        let mut parts = Vec::new();
        if !self.name.is_empty() {
            parts.push(format!(r#""name":{}"#, json!(self.name)));
        }
        parts.push(format!(r#""digest":{{{}}}"#, members(&self.digests)));
        if !self.annotations.is_empty() {
            parts.push(format!(r#""annotations":{{{}}}"#, members(&self.annotations)));
        }
        format!("{{{}}}", parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Scheme, SigningKey};
    use veriseal::digest::sha256;
    use veriseal::encoding::hex::encode as hex;

    /// Spec vectors: PAE, statement and Ed25519 signature.
    #[test]
    fn the_envelope_of_the_vectors_is_reproduced() {
        assert_eq!(
            hex(&sha256(&pae("http://example.com/HelloWorld", b"hello world"))),
            "217751fac2c4f14edb2c9297fbc34abcb016ba88e74757e875ec4ac16fb6b6a1"
        );
        let payload = Statement::image_signature(&Digest::sha256(b"image")).to_bytes();
        assert_eq!(payload.len(), 213);
        assert_eq!(hex(&sha256(&payload)), "dc17edfa443e2dacd6ce761e59d35d7941c031ca7013dae3bf1cde523d4a04c3");
        let secret: Vec<u8> = (0..32).collect();
        let signer = Signer::key(SigningKey::ed25519_from_secret(secret.try_into().unwrap()));
        assert_eq!(signer.scheme, Scheme::Ed25519);
        let envelope = Envelope::sign(IN_TOTO, &payload, &signer);
        assert_eq!(hex(&sha256(&envelope.pae())), "d469e85ebc9d815866e2ec6a3c2ac008fe792ea88ea8e72f53288581dae7ad03");
        assert_eq!(
            base64::encode(envelope.signature()),
            "pTWFxw3vE70hB2nD6DBpeNKX8Gc/661+5Z3unhcCtn+UR8yrMsKvHQ3BX4ay94rVpbzNib/pxBPcnD0tyfrmCw=="
        );
    }
}
