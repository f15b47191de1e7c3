//! Real simple-signing images of Connaisseur and containers/image, each verified as a registry would serve it, with the
//! verdict that the field agrees on and the codes that we answer.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use veriseal::crypto::Scheme;
use veriseal::gather::MemoryStore;
use veriseal::oci::{Reference, Repository, Tag, media_type};
use veriseal::policy::{Authority, KeyAuthority, KeylessAuthority, Settings, SignatureRequirement, TlogMode};
use veriseal::trust::{TransparencyLog, TrustRootOrigin};
use veriseal::{
    Code, Digest, HashAlgorithm, Identity, Pattern, Policy, PublicKey, Requirement, StringMatch, TrustRoot, UnixTime, Validity,
    Verifier,
};

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const LOG_BUNDLE: &str = "dev.sigstore.cosign/bundle";

/// What is answered to each case: the code of the verdict, and those of the candidates that do not count.
const ANSWERS: &[(&str, Code, &[Code])] = &[
    ("connaisseur/cosign-alice-key", Code::Accepted, &[]),
    ("connaisseur/cosign-alice-wrong-key", Code::NoMatchingSignature, &[Code::SignatureInvalid]),
    // charlie's is the third signature; the policy knows no such key.
    ("connaisseur/cosign-threshold-2-of-alice-bob", Code::Accepted, &[Code::SignatureInvalid]),
    // Three of two keys can never be met: found when the policy is made, before anything is fetched.
    ("connaisseur/cosign-threshold-3-of-alice-bob", Code::PolicyInvalid, &[]),
    ("connaisseur/cosign-required-bob-missing", Code::PolicyNotMet, &[]),
    // The payload is fine and well signed, but names the other image; the two other keys are not alice's.
    (
        "connaisseur/cosign-sig-for-other-image",
        Code::SignedOtherDigest,
        &[Code::SignedOtherDigest, Code::SignatureInvalid, Code::SignatureInvalid],
    ),
    ("connaisseur/cosign-unsigned", Code::NoSignature, &[]),
    ("connaisseur/cosign-keyless-ok", Code::Accepted, &[]),
    // Issuer and subject both differ; the issuer is looked at first, since it says whose subject it is.
    ("connaisseur/cosign-keyless-wrong-identity", Code::NoMatchingSignature, &[Code::IssuerMismatch]),
    ("containers-image/key-rekor-ok", Code::Accepted, &[]),
    ("containers-image/key-rekor-wrong-key", Code::NoMatchingSignature, &[Code::SignatureInvalid]),
];

fn read(path: &str) -> Vec<u8> {
    let path = crate::common::vectors().unwrap().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'a>(inputs: &'a Value, name: &str) -> Option<&'a str> {
    inputs.get(name).and_then(Value::as_str)
}

fn repository() -> Repository {
    "registry.example/testimage:v1".parse::<Reference>().unwrap().repository().clone()
}

/// A registry with the image of a case and its signatures, and the image's digest.
fn registry(inputs: &Value) -> (MemoryStore, Digest) {
    let (mut store, repository) = (MemoryStore::new(), repository());
    let image = read(text(inputs, "image_manifest").unwrap());
    let kind = serde_json::from_slice::<Value>(&image).unwrap()["mediaType"].as_str().unwrap().to_owned();
    let image = store.put_manifest(&repository, &kind, image, None).digest;
    let tag: Tag = format!("{}.sig", image.to_string().replace(':', "-")).parse().unwrap();
    if let Some(folder) = text(inputs, "payload_blobs_dir") {
        for file in std::fs::read_dir(crate::common::vectors().unwrap().join(folder)).unwrap() {
            store.put_blob(&repository, SIMPLE_SIGNING, std::fs::read(file.unwrap().path()).unwrap());
        }
    }
    if let Some(signatures) = text(inputs, "signature_manifest") {
        store.put_manifest(&repository, media_type::OCI_MANIFEST, read(signatures), Some(tag));
    } else if let Some(file) = text(inputs, "signature_file") {
        attach(&mut store, tag, &signature_file(&read(file)));
    }
    (store, image)
}

/// A signature as containers/image stores it beside an image: a line that names the format, then JSON.
fn signature_file(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes.strip_prefix(b"\0sigstore-json\n").unwrap()).unwrap()
}

/// Puts such a signature where cosign would have pushed it.
fn attach(store: &mut MemoryStore, tag: Tag, signature: &Value) {
    let payload = veriseal::encoding::base64::decode(signature["payload"].as_str().unwrap()).unwrap();
    let layer = store.put_blob(&repository(), SIMPLE_SIGNING, payload);
    let config = store.put_blob(&repository(), media_type::OCI_CONFIG, &b"{}"[..]);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": { "mediaType": media_type::OCI_CONFIG, "digest": config.digest.to_string(), "size": config.size },
        "layers": [{
            "mediaType": signature["mimeType"],
            "digest": layer.digest.to_string(),
            "size": layer.size,
            "annotations": signature["annotations"],
        }],
    });
    store.put_manifest(&repository(), media_type::OCI_MANIFEST, manifest.to_string(), Some(tag));
}

fn trust(inputs: &Value) -> TrustRoot {
    if let Some(path) = text(inputs, "trusted_root") {
        return TrustRoot::from_json(&read(path), TrustRootOrigin::default()).unwrap();
    }
    let builder = TrustRoot::builder("case");
    let Some(path) = text(inputs, "rekor_key") else { return builder.build() };
    let key = PublicKey::from_pem(&read(path)).unwrap();
    let id = key.id().to_vec();
    let log = TransparencyLog::new("", id, key, Scheme::Ecdsa(HashAlgorithm::Sha256), Validity::default()).unwrap();
    builder.log(log).build()
}

fn settings(inputs: &Value) -> Settings {
    // Connaisseur's key signatures were made before cosign logged by default: nothing in them is left to require. An entry
    // that is there must still verify. Where a case gives a log, it is required.
    let logged = text(inputs, "rekor_key").is_some() || text(inputs, "trusted_root").is_some();
    Settings { tlog: if logged { TlogMode::Required } else { TlogMode::IfPresent }, ..Settings::default() }
}

fn key(inputs: &Value, path: &str) -> Requirement {
    let authority = Authority::Key(KeyAuthority::new(PublicKey::from_pem(&read(path)).unwrap(), path));
    Requirement::signature(SignatureRequirement::new(authority).settings(settings(inputs)))
}

/// An exact value, or a pattern that the case's tool leaves unanchored.
fn rule(inputs: &Value, name: &str) -> StringMatch {
    match (text(inputs, name), text(inputs, &format!("{name}_regexp"))) {
        (Some(exact), _) => StringMatch::Exact(exact.to_owned()),
        (None, Some(pattern)) => StringMatch::Pattern(Pattern::new(&format!(".*{pattern}.*")).unwrap()),
        (None, None) => panic!("no {name}"),
    }
}

fn policy(inputs: &Value) -> Result<Policy, veriseal::Failure> {
    let paths = |name: &str| inputs.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let keys: Vec<_> = paths("keys").iter().map(|path| key(inputs, path.as_str().unwrap())).collect();
    let required: Vec<_> = paths("required").iter().map(|path| key(inputs, path.as_str().unwrap())).collect();
    if let Some(path) = text(inputs, "key") {
        return Policy::new(key(inputs, path));
    }
    if let Some(count) = inputs.get("threshold") {
        return Policy::new(Requirement::AtLeast { count: count.as_u64().unwrap().try_into().unwrap(), of: keys });
    }
    if !required.is_empty() {
        // Some trusted key, and bob's in any case.
        return Policy::new(Requirement::All([vec![Requirement::Any(keys)], required].concat()));
    }
    let identity = Identity::new(rule(inputs, "identity"), rule(inputs, "issuer"))?;
    let authority = Authority::Keyless(KeylessAuthority::new(vec![identity])?);
    Policy::new(Requirement::signature(SignatureRequirement::new(authority).settings(settings(inputs))))
}

/// The code of the verdict, and those of the candidates that do not count.
fn verify(trust: TrustRoot, policy: Policy, store: &MemoryStore, image: Digest, now: &str) -> (Code, Vec<Code>) {
    let reference = Reference::new(repository(), None, Some(image));
    let now = UnixTime::parse_rfc3339(now).unwrap();
    match Verifier::new(trust, policy).verify(&reference, store, now) {
        Ok(accepted) => {
            assert_eq!(accepted.pinned(), &reference);
            (accepted.report().code(), accepted.report().candidate_codes())
        }
        Err(not_accepted) => (not_accepted.code(), not_accepted.report().candidate_codes()),
    }
}

const NOW: &str = "2026-08-22T00:00:00Z";

fn cases() -> Option<Vec<Value>> {
    let manifest = crate::common::json("MANIFEST.json")?;
    let cases = manifest["cases"].as_array().unwrap();
    Some(cases.iter().filter(|case| case["kind"] == "cosign-simple-signing").cloned().collect())
}

#[test]
fn every_image_gets_its_verdict_and_codes() {
    let Some(cases) = cases() else { return };
    let answers: BTreeMap<_, _> = ANSWERS.iter().map(|(id, code, candidates)| (*id, (*code, candidates.to_vec()))).collect();
    assert_eq!((cases.len(), answers.len()), (11, ANSWERS.len()));
    let mut wrong = Vec::new();
    for case in &cases {
        let (id, inputs) = (case["id"].as_str().unwrap(), &case["inputs"]);
        let found = match policy(inputs) {
            Err(failure) => (failure.code(), Vec::new()),
            Ok(policy) => {
                let (store, image) = registry(inputs);
                verify(trust(inputs), policy, &store, image, text(inputs, "verification_time").unwrap_or(NOW))
            }
        };
        assert_eq!(found.0 == Code::Accepted, case["expected"] == "accept", "{id}: {found:?}");
        if answers.get(id) != Some(&found) {
            wrong.push(format!("{id}: expected {:?}, found {found:?}", answers.get(id)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// K-TL-01: the log's entry of this very signature counts, and only under the key of the log that made it.
#[test]
fn the_entry_of_containers_image_counts_only_for_its_log() {
    let Some(cases) = cases() else { return };
    let case = cases.iter().find(|case| case["id"] == "containers-image/key-rekor-ok").unwrap();
    let inputs = &case["inputs"];
    let (store, image) = registry(inputs);
    let answer = |trust, store| verify(trust, policy(inputs).unwrap(), store, image, NOW);
    assert_eq!(answer(trust(inputs), &store), (Code::Accepted, vec![]));
    let nobody = TrustRoot::builder("nobody").build();
    assert_eq!(answer(nobody, &store), (Code::NoMatchingSignature, vec![Code::LogUnknown]));

    let mut signature = signature_file(&read(text(inputs, "signature_file").unwrap()));
    let tag: Tag = format!("{}.sig", image.to_string().replace(':', "-")).parse().unwrap();
    let mut bundle: Value = serde_json::from_str(signature["annotations"][LOG_BUNDLE].as_str().unwrap()).unwrap();
    let second_later = bundle["Payload"]["integratedTime"].as_i64().unwrap() + 1;
    bundle["Payload"]["integratedTime"] = json!(second_later);
    signature["annotations"][LOG_BUNDLE] = json!(bundle.to_string());
    let mut altered = store.clone();
    attach(&mut altered, tag.clone(), &signature);
    assert_eq!(answer(trust(inputs), &altered), (Code::NoMatchingSignature, vec![Code::SetInvalid]));

    signature["annotations"].as_object_mut().unwrap().remove(LOG_BUNDLE);
    let mut stripped = store.clone();
    attach(&mut stripped, tag, &signature);
    assert_eq!(answer(trust(inputs), &stripped), (Code::NoMatchingSignature, vec![Code::LogEntryMissing]));
}
