//! Canonical entry bodies of Rekor (rekor `pkg/types`, rekor-tiles).

use crate::dsse::Envelope;
use crate::json::canonical;
use crate::key::{KeyKind, Scheme};
use crate::signer::Signer;
use serde_json::json;
use veriseal::digest::{Digest, HashAlgorithm, sha256};
use veriseal::encoding::{base64, hex};

/// The bytes of a leaf, and what they say they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// `kind`.
    pub kind: String,
    /// `apiVersion`.
    pub version: String,
    /// Canonical JSON.
    pub bytes: Vec<u8>,
}

/// What a version 2 entry names as the verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// `keyDetails`.
    pub details: String,
    /// Certificate DER; when `None` the key stands there.
    pub certificate: Option<Vec<u8>>,
    /// SPKI DER.
    pub public_key: Vec<u8>,
}

impl Verifier {
    /// The verifier of a signer. An Ed25519 key always stands as the pre-hashing variant: version 2 has no other.
    #[must_use]
    pub fn of(signer: &Signer) -> Self {
        let details = match (signer.key.kind(), signer.scheme) {
            (KeyKind::Ed25519, _) => "PKIX_ED25519_PH",
            (KeyKind::P384, Scheme::Ecdsa(HashAlgorithm::Sha256)) => "PKIX_ECDSA_P384_SHA_256",
            (KeyKind::P521, Scheme::Ecdsa(HashAlgorithm::Sha256)) => "PKIX_ECDSA_P521_SHA_256",
            _ => signer.key.details(),
        };
        Self { details: details.to_owned(), certificate: signer.certificate.clone(), public_key: signer.key.spki() }
    }
}

fn body(kind: &str, version: &str, spec: serde_json::Value) -> Body {
    let bytes = canonical(&json!({ "apiVersion": version, "kind": kind, "spec": spec }));
    Body { kind: kind.to_owned(), version: version.to_owned(), bytes }
}

fn hash_object(bytes: &[u8]) -> serde_json::Value {
    json!({ "algorithm": "sha256", "value": hex::encode(&sha256(bytes)) })
}

/// `hashedrekord` 0.0.1: digest of the artifact, signature, verifier.
#[must_use]
pub fn hashedrekord(digest: &Digest, signature: &[u8], verifier_pem: &str) -> Body {
    let spec = json!({
        "data": { "hash": { "algorithm": digest.algorithm().name(), "value": digest.hex() } },
        "signature": { "content": base64::encode(signature), "publicKey": { "content": base64::encode(verifier_pem.as_bytes()) } },
    });
    body("hashedrekord", "0.0.1", spec)
}

/// `dsse` 0.0.1.
#[must_use]
pub fn dsse(envelope: &Envelope, verifier_pem: &str) -> Body {
    let verifier = base64::encode(verifier_pem.as_bytes());
    let signatures: Vec<serde_json::Value> = envelope
        .signatures
        .iter()
        .map(|signature| json!({ "signature": base64::encode(&signature.sig), "verifier": verifier }))
        .collect();
    let spec = json!({
        "envelopeHash": hash_object(&envelope.to_bytes()),
        "payloadHash": hash_object(&envelope.payload),
        "signatures": signatures,
    });
    body("dsse", "0.0.1", spec)
}

/// `intoto` 0.0.2. Signatures are base64 of base64 there.
#[must_use]
pub fn intoto(envelope: &Envelope, verifier_pem: &str) -> Body {
    let verifier = base64::encode(verifier_pem.as_bytes());
    let signatures: Vec<serde_json::Value> = envelope
        .signatures
        .iter()
        .map(|signature| {
            let twice = base64::encode(base64::encode(&signature.sig).as_bytes());
            json!({ "publicKey": verifier, "sig": twice })
        })
        .collect();
    let spec = json!({
        "content": {
            "envelope": { "payloadType": envelope.payload_type, "signatures": signatures },
            "hash": hash_object(&envelope.to_bytes()),
            "payloadHash": hash_object(&envelope.payload),
        }
    });
    body("intoto", "0.0.2", spec)
}

/// `intoto` 0.0.1: no signature in it, which is why bundles may not use it.
#[must_use]
pub fn intoto_v1(envelope: &Envelope, verifier_pem: &str) -> Body {
    let spec = json!({
        "content": { "hash": hash_object(&envelope.to_bytes()), "payloadHash": hash_object(&envelope.payload) },
        "publicKey": base64::encode(verifier_pem.as_bytes()),
    });
    body("intoto", "0.0.1", spec)
}

/// `hashedrekord` 0.0.2, the entry of version 2 logs.
#[must_use]
pub fn hashedrekord_v2(digest: &Digest, signature: &[u8], verifier: &Verifier) -> Body {
    let mut named = json!({ "keyDetails": verifier.details });
    match &verifier.certificate {
        Some(certificate) => named["x509Certificate"] = json!({ "rawBytes": base64::encode(certificate) }),
        None => named["publicKey"] = json!({ "rawBytes": base64::encode(&verifier.public_key) }),
    }
    let spec = json!({
        "hashedRekordV002": {
            "data": { "algorithm": hash_name(digest.algorithm()), "digest": base64::encode(digest.as_bytes()) },
            "signature": { "content": base64::encode(signature), "verifier": named },
        }
    });
    body("hashedrekord", "0.0.2", spec)
}

/// The name of a hash in Sigstore's protobuf enums.
#[must_use]
pub fn hash_name(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::Sha256 => "SHA2_256",
        HashAlgorithm::Sha384 => "SHA2_384",
        HashAlgorithm::Sha512 => "SHA2_512",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec vectors: the canonical body of a version 2 entry.
    #[test]
    fn the_version_2_body_of_the_vectors_is_reproduced() {
        let digest = hex::decode("d469e85ebc9d815866e2ec6a3c2ac008fe792ea88ea8e72f53288581dae7ad03").unwrap();
        let digest = Digest::from_bytes(HashAlgorithm::Sha256, &digest).unwrap();
        let verifier = Verifier { details: "PKIX_ECDSA_P256_SHA_256".to_owned(), certificate: None, public_key: b"KEY".to_vec() };
        let body = hashedrekord_v2(&digest, b"SIG", &verifier);
        assert_eq!(
            String::from_utf8(body.bytes).unwrap(),
            r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"1GnoXrydgVhm4uxqPCrACP55LqiOqOcvUyiFgdrnrQM="},"signature":{"content":"U0lH","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"S0VZ"}}}}}}"#
        );
    }
}
