//! JSON and YAML documents.

use serde_json::Value;
use std::sync::LazyLock;
use veriseal::digest::Digest;
use veriseal::format::{bundle, dsse, intoto, simple_signing};
use veriseal::gather::Evidence;
use veriseal::oci::Document;
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{Limits, UnixTime};
use veriseal_policy::{Format, PolicyFile};
use veriseal_testkit::scenario;

const LIMITS: Limits = Limits::DEFAULT;

/// Whoever allows a chain reads what others read, in the same way.
pub(crate) fn bundle_json(data: &[u8]) {
    let (strict, with_chain) = (bundle::parse(data, &LIMITS, false), bundle::parse(data, &LIMITS, true));
    if let Ok(signed) = &strict {
        let other = with_chain.as_ref().expect("what is read without chains is read with them");
        assert_eq!(signed.signature, other.signature);
        assert!(!signed.signature.is_empty(), "a signature without a byte");
    }
}

pub(crate) fn trusted_root_json(data: &[u8]) {
    let parse = || TrustRoot::from_json(data, TrustRootOrigin::default());
    if let Ok(one) = parse() {
        let two = parse().expect("what was read can be read again");
        assert_eq!(one.fingerprint(), two.fingerprint());
    }
}

pub(crate) fn simple_signing(data: &[u8]) {
    if let Ok(payload) = simple_signing::Payload::parse(data, &LIMITS) {
        let value: Value = serde_json::from_slice(data).expect("what is read is JSON");
        let stated = value.pointer("/critical/image/docker-manifest-digest").and_then(Value::as_str);
        assert_eq!(stated, Some(payload.digest.to_string().as_str()), "another digest than another reader finds");
    }
}

pub(crate) fn dsse_envelope(data: &[u8]) {
    if let Ok(envelope) = dsse::Envelope::parse(data, &LIMITS) {
        let value: Value = serde_json::from_slice(data).expect("what is read is JSON");
        assert_eq!(value["payloadType"].as_str(), Some(envelope.payload_type.as_str()));
        assert_eq!(value["signatures"].as_array().map(Vec::len), Some(1), "more than one signature, or none");
    }
}

pub(crate) fn intoto_statement(data: &[u8]) {
    if let Ok(statement) = intoto::Statement::parse(data, &LIMITS) {
        let value: Value = serde_json::from_slice(data).expect("what is read is JSON");
        assert_eq!(value["predicateType"].as_str(), Some(statement.predicate_type.as_str()));
        assert!(value["subject"].as_array().is_some_and(|subjects| !subjects.is_empty()), "a statement about nothing");
    }
}

pub(crate) fn oci_manifest_index(data: &[u8]) {
    // K-OC: a document that is a manifest for one reader is no index for another.
    if let Ok(document) = Document::parse(data, None, &LIMITS) {
        let value: Value = serde_json::from_slice(data).expect("what is read is JSON");
        match document {
            Document::Manifest(_) => assert!(value.get("manifests").is_none()),
            Document::Index(_) => assert!(value.get("layers").is_none()),
            _ => {}
        }
    }
}

/// The first byte says in which format it is written.
pub(crate) fn policy_file(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let format = Format::of_name(if first % 2 == 0 { "policy.json" } else { "policy.yaml" });
    let mut key = |_: &str| Ok(KEY.clone());
    if let Ok(policy) = PolicyFile::parse(text, format, "policy", &mut key) {
        assert!(!policy.rules().is_empty(), "a policy without a rule");
        let _ = policy.lint(UnixTime::from_seconds(1_800_000_000)).to_json();
    }
}

static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let sigstore = veriseal_testkit::Sigstore::new(1);
    sigstore.key("release").public_pem().into_bytes()
});

/// Evidence whose blobs are those of the testkit's scenarios.
pub(crate) fn evidence_file(data: &[u8]) {
    static BLOBS: LazyLock<std::collections::BTreeMap<Digest, Vec<u8>>> = LazyLock::new(|| {
        let stores = scenario::all().into_iter().take(8).map(|scenario| scenario.store);
        stores
            .flat_map(|store| store.blobs.into_iter().chain(store.manifests.into_iter().map(|(digest, one)| (digest, one.bytes))))
            .collect()
    });
    let mut blob = |digest: &Digest| BLOBS.get(digest).cloned();
    if let Ok(evidence) = Evidence::load(data, &mut blob, &LIMITS) {
        assert!(!evidence.proves_absence(), "what was loaded proves that nothing else is there");
    }
}

/// What the strict reader takes, a common one takes and reads the same.
pub(crate) fn strict_json(data: &[u8]) {
    if let Ok(strict) = veriseal::encoding::json::parse::<Value>(data, 64) {
        let common: Value = serde_json::from_slice(data).expect("what the strict reader takes is JSON");
        assert_eq!(strict, common);
    }
}
