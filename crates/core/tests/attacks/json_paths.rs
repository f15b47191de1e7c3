//! K-P-14: every value of every document replaced by every kind of nothing. Never a panic, and never accepted, unless the
//! document then means the same, or says less than it did and still enough; each of those stands here with its reason.

use crate::kit::document::{pointers, replaced};
use crate::kit::{ARTIFACT, Answer, Asked, Case, digest, record_trusting};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use veriseal::policy::{Settings, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Artifact, Code, NotAccepted, TrustRoot, Verifier};
use veriseal_testkit::dsse::{Envelope, IN_TOTO, Statement};
use veriseal_testkit::rekor::Body;
use veriseal_testkit::simple_signing::REKOR_BUNDLE;
use veriseal_testkit::{Bundle, ImageBuilder, SimpleSignature, Store, TrustedRoot, sign_simple};

/// What every value is replaced by, with the names used below.
fn nothings() -> [(&'static str, Option<Value>); 7] {
    [
        ("null", Some(Value::Null)),
        ("{}", Some(json!({}))),
        ("[]", Some(json!([]))),
        ("\"\"", Some(json!(""))),
        ("0", Some(json!(0))),
        ("-1", Some(json!(-1))),
        ("gone", None),
    ]
}

/// Replaces everything, and tells the replacements that were accepted and not the document itself.
fn accepted(document: &Value, code: impl FnMut(&Value) -> Code) -> BTreeSet<String> {
    let mut code = code;
    assert_eq!(code(document), Code::Accepted);
    let mut found = BTreeSet::new();
    for pointer in pointers(document) {
        for (name, nothing) in nothings() {
            let changed = replaced(document, &pointer, nothing);
            let code = code(&changed);
            assert_ne!(code, Code::Internal, "{pointer} {name}");
            assert_ne!(code, Code::ClauseNotEvaluated, "{pointer} {name}");
            if code == Code::Accepted && changed != *document {
                found.insert(format!("{pointer} {name}"));
            }
        }
    }
    found
}

/// The names of replacements at a pointer.
fn at(pointer: &str, names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("{pointer} {name}")).collect()
}

fn all(of: &[BTreeSet<String>]) -> BTreeSet<String> {
    of.iter().flatten().cloned().collect()
}

/// A hint selects no key: the policy names the one that counts.
fn hint() -> BTreeSet<String> {
    let material = "/verificationMaterial/publicKey";
    all(&[at(material, &["{}"]), at(&format!("{material}/hint"), &["null", "\"\"", "gone"])])
}

/// The digest beside a signature is a hint too: the signature is over the artifact that was given.
fn stated_digest() -> BTreeSet<String> {
    at("/messageSignature/messageDigest", &["null", "gone"])
}

/// Without the promise the proof is left, which is enough for a key; an identity needs its time.
fn promise() -> BTreeSet<String> {
    at("/verificationMaterial/tlogEntries/0/inclusionPromise", &["null", "gone"])
}

/// In Rekor v2 root and size are the checkpoint's; beside it they may be left out, as protobuf leaves out zero.
fn beside_the_checkpoint() -> BTreeSet<String> {
    let proof = "/verificationMaterial/tlogEntries/0/inclusionProof";
    all(&[at(&format!("{proof}/rootHash"), &["null", "\"\"", "gone"]), at(&format!("{proof}/treeSize"), &["null", "0", "gone"])])
}

fn check_bundle(name: &str, case: &Case, bundle: &Bundle, expected: &[BTreeSet<String>]) {
    let verifier = case.verifier();
    let found = accepted(&bundle.to_json(), |document| code(&verifier, case, document.to_string().as_bytes()));
    assert_eq!(found, all(expected), "{name}");
}

fn code(verifier: &Verifier, case: &Case, bundle: &[u8]) -> Code {
    match case.ask_blob(verifier, ARTIFACT, bundle) {
        Ok(_) => Code::Accepted,
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report.code(),
    }
}

#[test]
fn bundles_in_version_1_logs() {
    for mut case in [Case::key(), Case::keyless()] {
        let [(_, message), (_, envelope)] = case.both();
        if case.signer.certificate.is_none() {
            check_bundle("key, message", &case, &message, &[hint(), stated_digest(), promise()]);
            check_bundle("key, envelope", &case, &envelope, &[hint(), promise()]);
        } else {
            check_bundle("certificate, message", &case, &message, &[stated_digest()]);
            check_bundle("certificate, envelope", &case, &envelope, &[]);
        }
    }
}

#[test]
fn bundles_in_version_2_logs() {
    for mut case in [Case::key(), Case::keyless()] {
        let log = &mut case.sigstore.rekor2;
        let message = Bundle::blob(ARTIFACT, &case.signer).logged_v2(log);
        let envelope = Bundle::image(&digest(), &case.signer).logged_v2(log);
        let (tsa, now) = (case.sigstore.tsa.clone(), case.sigstore.now);
        if case.signer.certificate.is_none() {
            check_bundle("key, message", &case, &message, &[hint(), stated_digest(), beside_the_checkpoint()]);
            check_bundle("key, envelope", &case, &envelope, &[hint(), beside_the_checkpoint()]);
        } else {
            let message = message.timestamped(&tsa, now);
            let envelope = envelope.timestamped(&tsa, now);
            check_bundle("certificate, message", &case, &message, &[stated_digest(), beside_the_checkpoint()]);
            check_bundle("certificate, envelope", &case, &envelope, &[beside_the_checkpoint()]);
        }
    }
}

fn unlogged() -> Case {
    Case { settings: Settings { tlog: TlogMode::IfPresent, ..Settings::default() }, ..Case::key() }
}

/// Signed after it was emptied, so that only its own rules stand against it.
#[test]
fn statements() {
    let case = unlogged();
    let verifier = case.verifier();
    let document: Value = serde_json::from_slice(&Statement::image_signature(&digest()).annotation("a", "b").to_bytes()).unwrap();
    let found = accepted(&document, |document| {
        let envelope = Envelope::sign(IN_TOTO, document.to_string().as_bytes(), &case.signer);
        code(&verifier, &case, &Bundle::envelope(envelope, &case.signer).to_bytes())
    });
    // What a signature's predicate and a subject's annotations hold is nobody's business here.
    let annotations = "/subject/0/annotations";
    let expected = [
        at("/predicate", &["null", "[]", "\"\"", "0", "-1", "gone"]),
        at(annotations, &["null", "{}", "gone"]),
        at(&format!("{annotations}/a"), &["null", "{}", "[]", "\"\"", "0", "-1", "gone"]),
    ];
    assert_eq!(found, all(&expected));
}

#[test]
fn simple_signing_payloads() {
    let case = unlogged();
    let verifier = case.verifier();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good = sign_simple(&image.digest, "registry.example/app", &[("env", "prod")], &case.signer);
    let reference = format!("registry.example/app@{}", image.digest);
    let found = accepted(&serde_json::from_slice(&good.payload).unwrap(), |document| {
        let mut store = store.clone();
        let signature = SimpleSignature::of_payload(document.to_string().into_bytes(), &case.signer);
        store.attach_signature(&image.digest, &signature);
        case.ask_image(&verifier, &store, &reference).map_or_else(|refused| refused.code(), |_| Code::Accepted)
    });
    let expected = [
        // Reported where it differs, and enforced only where the policy says so: images are copied.
        at("/critical/identity/docker-reference", &["\"\""]),
        at("/optional", &["null", "{}", "gone"]),
        at("/optional/env", &["null", "{}", "[]", "\"\"", "0", "-1", "gone"]),
    ];
    assert_eq!(found, all(&expected));
}

/// Bodies that an honest log took in that way.
#[test]
fn bodies_of_log_entries() {
    let mut case = Case::key();
    let verifier = case.verifier();
    for (name, bundle) in case.both() {
        for (generation, body) in [("v1", bundle.body_v1()), ("v2", bundle.body_v2())] {
            let found = accepted(&serde_json::from_slice(&body.bytes).unwrap(), |document| {
                let body = Body { bytes: document.to_string().into_bytes(), ..body.clone() };
                let entry = match generation {
                    "v1" => case.sigstore.rekor.add(body, case.sigstore.now),
                    _ => case.sigstore.rekor2.add(body),
                };
                code(&verifier, &case, &Bundle { entries: vec![entry], ..bundle.clone() }.to_bytes())
            });
            assert_eq!(found, BTreeSet::new(), "{name} {generation}");
        }
    }
}

#[test]
fn rekor_bundles_in_annotations() {
    let mut case = Case::key();
    let verifier = case.verifier();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good =
        sign_simple(&image.digest, "registry.example/app", &[], &case.signer).logged(&mut case.sigstore.rekor, case.sigstore.now);
    let reference = format!("registry.example/app@{}", image.digest);
    let found = accepted(&good.entry.as_ref().unwrap().to_annotation(), |document| {
        let (mut store, mut signature) = (store.clone(), good.clone());
        signature.annotations.insert(REKOR_BUNDLE.to_owned(), document.to_string());
        store.attach_signature(&image.digest, &signature);
        case.ask_image(&verifier, &store, &reference).map_or_else(|refused| refused.code(), |_| Code::Accepted)
    });
    assert_eq!(found, BTreeSet::new());
}

/// A trust root with one authority, one log and one CT log, all of which the bundle needs.
#[test]
fn trust_roots() {
    let mut case = Case::keyless();
    let bundle = case.message().to_bytes();
    let sigstore = &case.sigstore;
    let root = TrustedRoot::default().fulcio(&sigstore.fulcio).ct_log(&sigstore.ct_log).rekor_v1(&sigstore.rekor);
    let policy = std::sync::Arc::new(case.verifier().policy().clone());
    let found = accepted(&root.to_json(), |document| {
        let (document, artifact) = (document.to_string(), ARTIFACT);
        let asked = Asked::Blob { artifact, bundle: &bundle };
        let record = |answer| record_trusting(&case, document.as_bytes(), &asked, &answer);
        let trust = match TrustRoot::from_json(document.as_bytes(), TrustRootOrigin::default()) {
            Ok(trust) => trust,
            Err(failure) => {
                record(Answer::Unusable(failure.code()));
                return failure.code();
            }
        };
        match Verifier::new(trust, policy.clone()).verify_blob(&Artifact::bytes(artifact), &bundle, case.now) {
            Ok(accepted) => {
                record(Answer::Accepted(accepted.report()));
                Code::Accepted
            }
            Err(refused) => {
                record(Answer::Refused(&refused));
                refused.code()
            }
        }
    });
    let authority = "/certificateAuthorities/0";
    let expected = [
        // There was nothing in it.
        at("/timestampAuthorities", &["null", "gone"]),
        // Names for people.
        at(&format!("{authority}/subject"), &["null", "{}", "[]", "\"\"", "0", "-1", "gone"]),
        at(&format!("{authority}/subject/commonName"), &["null", "{}", "[]", "\"\"", "0", "-1", "gone"]),
        at(&format!("{authority}/subject/organization"), &["null", "{}", "[]", "\"\"", "0", "-1", "gone"]),
        at(&format!("{authority}/uri"), &["null", "\"\"", "gone"]),
        at("/tlogs/0/baseUrl", &["null", "\"\"", "gone"]),
        at("/ctlogs/0/baseUrl", &["null", "\"\"", "gone"]),
        // An authority without window is bounded by its certificates; a log without one is refused.
        at(&format!("{authority}/validFor"), &["null", "{}", "gone"]),
        at(&format!("{authority}/validFor/start"), &["null", "gone"]),
        // Without the intermediate there is no path; without the root the intermediate is the anchor that the file names.
        at(&format!("{authority}/certChain/certificates/1"), &["gone"]),
    ];
    assert_eq!(found, all(&expected));
}
