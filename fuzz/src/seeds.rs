//! Where fuzzing starts: what the testkit makes, so that the targets get past the first check.

use crate::whole::{SCENARIOS, WORLD};
use serde_json::Value;
use veriseal::encoding::base64;
use veriseal_testkit::scenario;

/// The seeds of a target; those of the same commit are always the same.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let bundles = || WORLD.bundles.iter().map(|bundle| serde_json::from_slice::<Value>(bundle).unwrap_or_default());
    let field = |pointer: &'static str| bundles().filter_map(move |bundle| bundle.pointer(pointer)?.as_str().map(str::to_owned));
    let decoded = |pointer: &'static str| field(pointer).filter_map(base64::decode).collect::<Vec<_>>();
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    match target {
        "bundle_json" | "verify_bundle" => WORLD.bundles.clone(),
        "strict_json" => WORLD.bundles.iter().take(2).cloned().collect(),
        "trusted_root_json" => scenario::all().iter().take(2).map(scenario::Scenario::trusted_root).collect(),
        "simple_signing" => blobs("critical"),
        "dsse_envelope" => bundles().filter_map(|bundle| serde_json::to_vec(bundle.get("dsseEnvelope")?).ok()).collect(),
        "intoto_statement" => decoded("/dsseEnvelope/payload"),
        "oci_manifest_index" => {
            let stores = scenario::all().into_iter().take(6).map(|scenario| scenario.store);
            stores.flat_map(|store| store.manifests.into_values().map(|manifest| manifest.bytes)).collect()
        }
        "policy_file" => texts(&[
            "\0{\"policyVersion\":1,\"rules\":[{\"name\":\"all\",\"images\":[\"ghcr.io/acme/**\"],\"require\":{\"key\":\"release.pub\"}}]}",
            "\u{1}policyVersion: 1\nrules:\n- name: all\n  images: [\"ghcr.io/acme/**\"]\n  require: {key: release.pub}\n",
            "\u{1}policyVersion: 1\nrules:\n- name: none\n  images: [\"**\"]\n  deny: {reason: no}\n",
        ]),
        "evidence_file" => SCENARIOS.iter().take(6).map(|(_, _, document)| document.clone()).collect(),
        "verify_image" => {
            (0_u8..).zip(SCENARIOS.iter()).map(|(number, (_, _, document))| [&[number], &document[..]].concat()).collect()
        }
        "reference_digest" => texts(&[
            "ghcr.io/acme/app:v1",
            "registry.example:5000/a/b/c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "oci:folder/image:tag",
            "[::1]:5000/app",
        ]),
        "www_authenticate" => texts(&[
            "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a/b:pull\"",
            "Basic realm=\"a \\\"quoted\\\" one\"\nNegotiate",
        ]),
        "admission_review" => texts(&[
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"a","operation":"CREATE","object":{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"ghcr.io/acme/app:v1"}]}}}}"#,
        ]),
        "cert_der_profile" => decoded("/verificationMaterial/certificate/rawBytes"),
        "rfc3161_token" => decoded("/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp"),
        "public_key" => scenario::all().iter().take(2).map(|scenario| scenario.key_pem.clone().into_bytes()).collect(),
        "base64_text" => texts(&["", "AA==", "AAA=", "AAAA", "AB==", "_-8="]),
        "backends" => {
            let with = |choice: u8, rest: &[u8]| [&[choice], &[3; 32][..], rest].concat();
            let neutral = [&[1_u8], &[0; 63][..]].concat();
            let ecdsa = [with(0, &[0x30, 6, 2, 1, 1, 2, 1, 1]), with(2, &[]), with(3, &[]), with(3, &[9, 1])];
            let edwards = [with(4, &neutral), with(6, &[]), with(6, &[63, 0x10])];
            ecdsa.into_iter().chain(edwards).collect()
        }
        "checkpoint_note" => {
            field("/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope").map(String::into_bytes).collect()
        }
        "tlog_body" => decoded("/verificationMaterial/tlogEntries/0/canonicalizedBody"),
        "merkle_proof" => vec![vec![10, 3, 4, 1, 0, 0], vec![63, 40, 17, 0, 1, 1], vec![7, 6, 1, 5, 1, 0]],
        "capi_sequence" => crate::capi::seeds(),
        _ => Vec::new(),
    }
}

/// The blobs of the scenarios that are JSON objects with this member.
fn blobs(member: &str) -> Vec<Vec<u8>> {
    let all = scenario::all().into_iter().take(8).flat_map(|scenario| scenario.store.blobs.into_values());
    all.filter(|blob| serde_json::from_slice::<Value>(blob).is_ok_and(|value| value.get(member).is_some())).collect()
}
