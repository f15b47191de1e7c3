//! Real bundles of sigstore-conformance, sigstore-go, sigstore-java, cosign, pypi-attestations and slsa-verifier, with
//! the verdict that the field agrees on and, for rejects, the code that we answer and why it is the right one.

use std::collections::BTreeMap;
use veriseal::policy::{
    Authority, Claim, Identity, KeyAuthority, KeylessAuthority, SctMode, Settings, SignatureRequirement, StringMatch, TlogMode,
};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Artifact, Policy, PublicKey, Requirement, TrustRoot, UnixTime, Validity, Verifier};

/// The code of each rejected case. A case that is missing here fails the test, and so does one that is accepted.
const REJECTED: &[(&str, &str)] = &[
    ("sigstore-conformance/bundle-invalid-base64-signature_fail", "BUNDLE_MALFORMED"),
    ("sigstore-conformance/bundle-negative-log-index_fail", "BUNDLE_MALFORMED"),
    ("sigstore-conformance/bundle-unknown-version_fail", "BUNDLE_VERSION_UNSUPPORTED"),
    ("sigstore-conformance/checkpoint-wrong-roothash_fail", "CHECKPOINT_MISMATCH"),
    ("sigstore-conformance/dsse-invalid-sig_fail", "ENTRY_MISMATCH_SIGNATURE"),
    ("sigstore-conformance/dsse-mismatch-sig_fail", "ENTRY_MISMATCH_SIGNATURE"),
    ("sigstore-conformance/inclusion-proof-corrupted-hash_fail", "INCLUSION_PROOF_INVALID"),
    ("sigstore-conformance/incorrect-public-key_fail", "ENTRY_MISMATCH_KEY"),
    ("sigstore-conformance/integrated-time-in-future_fail", "INTEGRATED_TIME_OUTSIDE_CERTIFICATE"),
    ("sigstore-conformance/intoto-expired-certificate_fail", "INTEGRATED_TIME_OUTSIDE_CERTIFICATE"),
    ("sigstore-conformance/intoto-log-entry-mismatch_fail", "LOG_ENTRY_MALFORMED"),
    ("sigstore-conformance/intoto-missing-inclusion-proof_fail", "INCLUSION_PROOF_MISSING"),
    ("sigstore-conformance/invalid-ct-key_fail", "SCT_LOG_UNKNOWN"),
    ("sigstore-conformance/managed-key-no-key_fail", "SIGNER_KIND_MISMATCH"),
    ("sigstore-conformance/rekor2-checkpoint-missing-origin_fail", "CHECKPOINT_MALFORMED"),
    ("sigstore-conformance/rekor2-checkpoint-missing-root-hash_fail", "CHECKPOINT_MALFORMED"),
    ("sigstore-conformance/rekor2-checkpoint-missing-size_fail", "CHECKPOINT_MALFORMED"),
    ("sigstore-conformance/rekor2-dsse-mismatch-sig_fail", "ENTRY_MISMATCH_SIGNATURE"),
    ("sigstore-conformance/rekor2-no-timestamp_fail", "NO_AUTHENTICATED_TIME"),
    ("sigstore-conformance/rekor2-timestamp-payload-mismatch_fail", "TIMESTAMP_IMPRINT_MISMATCH"),
    ("sigstore-conformance/rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", "TIMESTAMP_UNTRUSTED"),
    ("sigstore-conformance/rekor2-timestamp-with-incorrect-time_fail", "BUNDLE_MALFORMED"),
    ("sigstore-conformance/trust-root-tlog-missing-validity-start_fail", "TRUST_ROOT_INVALID"),
    ("sigstore-conformance/wrong-material_fail", "ENTRY_MISMATCH_DIGEST"),
    ("sigstore-go/othername-email-mismatch", "IDENTITY_MISMATCH"),
    ("sigstore-go/dsse-2sigs", "ENVELOPE_MALFORMED"),
    ("sigstore-go/public-key-validity-expired", "KEY_OUTSIDE_WINDOW"),
    ("sigstore-go/npm-provenance-wrong-digest", "STATEMENT_SUBJECT_MISMATCH"),
    ("sigstore-java/bundle.v2.no.inclusion", "INCLUSION_PROOF_MISSING"),
    ("sigstore-java/bundle-with-wrong-tlog-entry", "ENTRY_MISMATCH_SIGNATURE"),
    ("sigstore-java/bundle.dsse.bad-signature", "ENTRY_MISMATCH_SIGNATURE"),
    ("sigstore-java/bundle.dsse.rekor-v2.bad-entry-type", "LOG_ENTRY_KIND_UNSUPPORTED"),
    ("sigstore-java/github-private-default-policy", "LOG_ENTRY_MISSING"),
    ("sigstore-java/github-private-wrong-digest", "STATEMENT_SUBJECT_MISMATCH"),
    ("cosign/oci-attestation-wrong-identity", "IDENTITY_MISMATCH"),
    ("cosign/oci-attestation-wrong-digest", "STATEMENT_SUBJECT_MISMATCH"),
    ("pypi-attestations/rfc8785-bundle-fake-identity", "IDENTITY_MISMATCH"),
    ("slsa-verifier/bcr-MODULE-wrong-signer.bazel", "IDENTITY_MISMATCH"),
];

fn read(path: &str) -> Vec<u8> {
    let path = crate::common::vectors().unwrap().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'a>(inputs: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    inputs.get(name).and_then(serde_json::Value::as_str)
}

fn trust_root(inputs: &serde_json::Value) -> Result<TrustRoot, veriseal::Failure> {
    let bytes = read(text(inputs, "trusted_root").unwrap());
    let origin = TrustRootOrigin { name: text(inputs, "trusted_root").unwrap().to_owned(), ..TrustRootOrigin::default() };
    if text(inputs, "trusted_root_format").is_some() {
        let lines = String::from_utf8(bytes).unwrap();
        let line = lines.lines().find(|line| line.contains("fulcio.githubapp.com")).unwrap();
        return TrustRoot::from_json(line.as_bytes(), origin);
    }
    TrustRoot::from_json(&bytes, origin)
}

fn policy(id: &str, inputs: &serde_json::Value) -> Policy {
    let exact = |value: &str| StringMatch::Exact(value.to_owned());
    let authority = match (text(inputs, "key"), text(inputs, "identity")) {
        (Some(key), None) => {
            let window = inputs.get("key_validity").map(|window| Validity {
                start: Some(UnixTime::parse_rfc3339(window[0].as_str().unwrap()).unwrap()),
                end: Some(UnixTime::parse_rfc3339(window[1].as_str().unwrap()).unwrap()),
            });
            let key = KeyAuthority::new(PublicKey::from_pem(&read(key)).unwrap(), "key.pub");
            Authority::Key(key.valid_within(window.unwrap_or_default()))
        }
        (None, Some(identity)) => {
            let identity = Identity::new(exact(identity), exact(text(inputs, "issuer").unwrap())).unwrap();
            Authority::Keyless(KeylessAuthority::new(vec![identity]).unwrap())
        }
        _ => {
            let any = StringMatch::Pattern(veriseal::Pattern::new(".*").unwrap());
            Authority::Keyless(KeylessAuthority::new(vec![Identity::new(any.clone(), any).unwrap()]).unwrap())
        }
    };
    let mut settings = Settings::default();
    if id.contains("public-key-validity") {
        // It was never logged: with the log required the key's window would not even be looked at.
        settings = Settings { tlog: TlogMode::Ignored, ..settings };
    } else if id.contains("github-private-optin") || id.contains("github-private-wrong-digest") {
        settings = Settings { tlog: TlogMode::Ignored, sct: SctMode::Ignored, timestamps: 1, ..settings };
    }
    Policy::new(Requirement::signature(SignatureRequirement::new(authority).settings(settings).claim(Claim::AnyStatement)))
        .unwrap()
}

/// The answer to one case: `ACCEPTED`, or the code of the reason.
fn answer(case: &serde_json::Value, by_digest: bool) -> String {
    let (id, inputs) = (case["id"].as_str().unwrap(), &case["inputs"]);
    let now = text(inputs, "verification_time").unwrap_or("2026-08-22T00:00:00Z");
    let trust = match trust_root(inputs) {
        Ok(trust) => trust,
        Err(failure) => return failure.code().name().to_owned(),
    };
    let verifier = Verifier::new(trust, policy(id, inputs));
    let bytes = text(inputs, "artifact").map(read).or_else(|| text(inputs, "artifact_text").map(|text| text.as_bytes().to_vec()));
    let artifact = match (&bytes, text(inputs, "digest")) {
        (Some(bytes), _) if by_digest => {
            let mut hasher = veriseal::ArtifactHasher::new();
            hasher.update(bytes);
            hasher.finish()
        }
        (Some(bytes), _) => Artifact::bytes(bytes),
        (None, Some(digest)) => Artifact::digest(digest.parse().unwrap()),
        (None, None) => Artifact::bytes(b""),
    };
    match verifier.verify_blob(&artifact, &read(text(inputs, "bundle").unwrap()), UnixTime::parse_rfc3339(now).unwrap()) {
        Ok(_) => "ACCEPTED".to_owned(),
        Err(not_accepted) => {
            if std::env::var_os("SHOW").is_some() {
                println!("{id}: {not_accepted}");
            }
            not_accepted.code().name().to_owned()
        }
    }
}

/// The answer to one case with its bundle changed: for fixtures whose intended reason hides behind an earlier one.
fn answer_repaired(case: &serde_json::Value, repair: impl Fn(&mut serde_json::Value)) -> String {
    let inputs = &case["inputs"];
    let mut bundle: serde_json::Value = serde_json::from_slice(&read(text(inputs, "bundle").unwrap())).unwrap();
    repair(&mut bundle);
    let verifier = Verifier::new(trust_root(inputs).unwrap(), policy(case["id"].as_str().unwrap(), inputs));
    let now = UnixTime::parse_rfc3339("2026-08-22T00:00:00Z").unwrap();
    let bytes = read(text(inputs, "artifact").unwrap());
    match verifier.verify_blob(&Artifact::bytes(&bytes), bundle.to_string().as_bytes(), now) {
        Ok(_) => "ACCEPTED".to_owned(),
        Err(not_accepted) => not_accepted.code().name().to_owned(),
    }
}

/// The fixture's token has line breaks in its base64; without them its time, outside the certificate, must.
#[test]
fn a_timestamp_with_another_time_is_refused_for_that_reason_once_its_encoding_is_repaired() {
    let Some(manifest) = crate::common::json("MANIFEST.json") else { return };
    let id = "sigstore-conformance/rekor2-timestamp-with-incorrect-time_fail";
    let case = manifest["cases"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap();
    let found = answer_repaired(case, |bundle| {
        let token = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"];
        *token = token.as_str().unwrap().replace('\n', "").into();
    });
    assert_eq!(found, "CERTIFICATE_NOT_VALID_AT");
}

fn check(by_digest: bool) {
    let Some(manifest) = crate::common::json("MANIFEST.json") else { return };
    let codes: BTreeMap<_, _> = REJECTED.iter().copied().collect();
    assert_eq!(codes.len(), REJECTED.len(), "an id stands twice");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "sigstore-bundle") {
        count += 1;
        let id = case["id"].as_str().unwrap();
        let expected =
            if case["expected"] == "accept" { "ACCEPTED" } else { codes.get(id).copied().unwrap_or("(no code written down)") };
        let found = answer(case, by_digest);
        if found != expected {
            wrong.push(format!("{id}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 67);
}

#[test]
fn every_bundle_gets_its_verdict_and_code_by_path() {
    check(false);
}

#[test]
fn every_bundle_gets_its_verdict_and_code_by_digest() {
    check(true);
}
