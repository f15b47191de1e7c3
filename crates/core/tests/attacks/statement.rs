//! Attacks on what was signed: K-P-01 to K-P-07, K-P-11 and K-P-15.

use crate::kit::{ARTIFACT, Case, digest};
use serde_json::{Value, json};
use veriseal::policy::{Claim, Settings, TlogMode};
use veriseal::{Code, Digest, NotAccepted};
use veriseal_testkit::dsse::{self, COSIGN_SIGN, Envelope, EnvelopeSignature, IN_TOTO, SLSA_PROVENANCE, Statement};
use veriseal_testkit::{Attestation, Bundle, Image, ImageBuilder, Signer, SimpleSignature, Store, sign_simple};

const SPDX: &str = "https://spdx.dev/Document";
const VULNERABILITIES: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

fn claiming(claim: Claim) -> Case {
    Case { claim, settings: Settings { tlog: TlogMode::IfPresent, ..Settings::default() }, ..Case::key() }
}

fn attestation(predicate_type: &str) -> Claim {
    Claim::Attestation { predicate_type: predicate_type.to_owned() }
}

fn statement(predicate_type: &str) -> Statement {
    Statement::new(&digest(), predicate_type, json!({}))
}

/// The answer to an envelope around these bytes, signed as they stand.
fn payload(case: &Case, bytes: &[u8]) -> Code {
    case.code(&Bundle::envelope(Envelope::sign(IN_TOTO, bytes, &case.signer), &case.signer))
}

/// K-P-01 (CVE-2022-35929, CVE-2022-35930): an attestation counts for whoever asked for that kind, by its full name.
#[test]
fn an_attestation_counts_only_for_its_own_predicate_type() {
    for (signed, claim, code) in [
        (VULNERABILITIES, attestation(VULNERABILITIES), Code::Accepted),
        (VULNERABILITIES, attestation(SPDX), Code::PredicateTypeMismatch),
        (VULNERABILITIES, Claim::Signed, Code::PredicateTypeMismatch),
        (SLSA_PROVENANCE, Claim::Signed, Code::PredicateTypeMismatch),
        (COSIGN_SIGN, Claim::Signed, Code::Accepted),
        (COSIGN_SIGN, attestation(SPDX), Code::PredicateTypeMismatch),
        (COSIGN_SIGN, attestation(COSIGN_SIGN), Code::Accepted),
        ("https://spdx.dev/Document/", attestation(SPDX), Code::PredicateTypeMismatch),
        ("https://spdx.dev/document", attestation(SPDX), Code::PredicateTypeMismatch),
        (VULNERABILITIES, Claim::AnyStatement, Code::Accepted),
    ] {
        let case = claiming(claim.clone());
        let report = case.report(&Bundle::statement(&statement(signed), &case.signer));
        assert_eq!(report.code(), code, "{signed} {claim:?}");
        // Taking any statement is weaker than anything else, and is said so.
        assert_eq!(report.weakened_codes().contains(&Code::AnyStatement), claim == Claim::AnyStatement);
    }
    // A plain signature makes no statement.
    let case = claiming(attestation(SPDX));
    assert_eq!(case.code(&Bundle::blob(ARTIFACT, &case.signer)), Code::PredicateTypeMismatch);
    assert_eq!(claiming(Claim::Signed).code(&Bundle::blob(ARTIFACT, &case.signer)), Code::Accepted);
}

fn stored(make: impl FnOnce(&mut Store, &Image)) -> (Store, Image) {
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    make(&mut store, &image);
    (store, image)
}

/// K-P-02 (CVE-2026-39395): a statement that cannot be read, or is another one, in every layout.
#[test]
fn a_malformed_or_other_statement_is_refused_in_every_layout() {
    let case = claiming(attestation(SPDX));
    let malformed = br#"{"_type":"https://in-toto.io/Statement/v1","subject":"#;
    assert_eq!(payload(&case, malformed), Code::StatementMalformed);
    let referrer = |payload: &dyn Fn(&Image) -> Vec<u8>| {
        let (store, image) = stored(|store, image| {
            let envelope = Envelope::sign(IN_TOTO, &payload(image), &case.signer);
            store.attach_bundle(image, &Bundle::envelope(envelope, &case.signer));
        });
        case.image(&store, &image)
    };
    let of =
        |predicate_type: &'static str| move |image: &Image| Statement::new(&image.digest, predicate_type, json!({})).to_bytes();
    assert_eq!(referrer(&of(SPDX)), (Code::Accepted, vec![]));
    assert_eq!(referrer(&of(VULNERABILITIES)), (Code::NoMatchingSignature, vec![Code::PredicateTypeMismatch]));
    assert_eq!(referrer(&|_| malformed.to_vec()), (Code::NoMatchingSignature, vec![Code::StatementMalformed]));
    let layer = |payload: &dyn Fn(&Image) -> Vec<u8>| {
        let (store, image) = stored(|store, image| {
            let envelope = Envelope::sign(IN_TOTO, &payload(image), &case.signer);
            let attestation = Attestation::new(&Statement::new(&image.digest, SPDX, json!({})), &case.signer);
            let attestation = Attestation { bytes: envelope.to_bytes(), envelope, ..attestation };
            store.attach_layers(&image.digest, "att", &[attestation.layer()]);
        });
        case.image(&store, &image)
    };
    assert_eq!(layer(&of(SPDX)), (Code::Accepted, vec![]));
    assert_eq!(layer(&of(VULNERABILITIES)), (Code::NoMatchingSignature, vec![Code::PredicateTypeMismatch]));
    assert_eq!(layer(&|_| malformed.to_vec()), (Code::NoMatchingSignature, vec![Code::StatementMalformed]));
}

/// K-P-03 (sigstore-rust #119, cosign #5016): a subject that names nothing matches nothing.
#[test]
fn a_statement_without_a_subject_that_binds_is_refused() {
    let case = claiming(Claim::Signed);
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut document: Value = serde_json::from_slice(&statement(COSIGN_SIGN).to_bytes()).unwrap();
        edit(&mut document);
        payload(&case, document.to_string().as_bytes())
    };
    assert_eq!(with(&|_| {}), Code::Accepted);
    let hex = digest().hex();
    for subject in [
        json!([]),
        json!(null),
        json!([null]),
        json!([{}]),
        json!([{ "name": "image" }]),
        json!([{ "digest": {} }]),
        json!([{ "digest": null }]),
        json!([{ "digest": { "sha256": "" } }]),
        json!([{ "digest": { "sha256": null } }]),
        json!([{ "digest": [hex] }]),
        json!({ "digest": { "sha256": hex } }),
        json!(hex),
        // One good subject does not excuse the other.
        json!([{ "digest": { "sha256": hex } }, {}]),
        json!([{ "digest": { "sha256": hex } }, null]),
    ] {
        assert_eq!(with(&|document| document["subject"] = subject.clone()), Code::StatementMalformed, "{subject}");
    }
    assert_eq!(with(&|document| drop(document.as_object_mut().unwrap().remove("subject"))), Code::StatementMalformed);
    for field in ["_type", "predicateType"] {
        assert_eq!(with(&|document| document[field] = json!("")), Code::StatementMalformed, "{field}");
        assert_eq!(with(&|document| drop(document.as_object_mut().unwrap().remove(field))), Code::StatementMalformed, "{field}");
    }
    assert_eq!(with(&|document| document["_type"] = json!("https://in-toto.io/Statement/v2")), Code::StatementMalformed);
    // Several subjects, one of which is the artifact, are how builds attest what they made.
    let two = json!([{ "digest": { "sha256": Digest::sha256(b"x").hex() } }, { "name": "image", "digest": { "sha256": hex } }]);
    assert_eq!(with(&|document| document["subject"] = two.clone()), Code::Accepted);
}

/// K-P-04: the payload type says what the payload is; an unknown one says nothing about any artifact.
#[test]
fn another_payload_type_binds_nothing() {
    let case = claiming(Claim::AnyStatement);
    let bytes = statement(COSIGN_SIGN).to_bytes();
    let code =
        |payload_type: &str| case.code(&Bundle::envelope(Envelope::sign(payload_type, &bytes, &case.signer), &case.signer));
    assert_eq!(code(IN_TOTO), Code::Accepted);
    for other in
        ["", "application/json", "application/vnd.in-toto+json; charset=utf-8", "Application/vnd.in-toto+json", "text/plain"]
    {
        assert_eq!(code(other), Code::PayloadTypeUnsupported, "{other}");
    }
}

/// K-P-05 (TOB-9): with several signatures it is open which one all the rest is about.
#[test]
fn an_envelope_has_exactly_one_signature() {
    let mut case = claiming(Claim::Signed);
    let attacker = Signer::key(case.sigstore.key("attacker"));
    let bundle = case.envelope();
    let veriseal_testkit::bundle::Content::Dsse(envelope) = &bundle.content else { panic!("an envelope") };
    let own = envelope.signatures[0].clone();
    let other = EnvelopeSignature { sig: attacker.sign(&envelope.pae()), keyid: String::new() };
    for (signatures, code) in [
        (vec![own.clone()], Code::Accepted),
        (vec![], Code::EnvelopeMalformed),
        (vec![own.clone(), own.clone()], Code::EnvelopeMalformed),
        (vec![own.clone(), other.clone()], Code::EnvelopeMalformed),
        (vec![other.clone(), own.clone()], Code::EnvelopeMalformed),
        (vec![other.clone()], Code::SignatureInvalid),
        (vec![EnvelopeSignature { sig: Vec::new(), ..own.clone() }], Code::SignatureMalformed),
    ] {
        let content = veriseal_testkit::bundle::Content::Dsse(Envelope { signatures, ..envelope.clone() });
        assert_eq!(case.code(&Bundle { content, ..bundle.clone() }), code);
    }
    let three = vec![own, other.clone(), other];
    let content = veriseal_testkit::bundle::Content::Dsse(Envelope { signatures: three, ..envelope.clone() });
    // Not even read to the end.
    assert_eq!(case.code(&Bundle { content, ..bundle.clone() }), Code::BundleMalformed);
}

/// K-P-06: the lengths that are signed are in bytes. The type is no in-toto's, so the verdict tells whether the signature
/// held: only then is the type looked at.
#[test]
fn lengths_that_are_signed_are_in_bytes() {
    let case = claiming(Claim::Signed);
    let (payload_type, bytes) = ("text/\u{e9}\u{1f600}", "\u{e9}".as_bytes());
    let signed_over = |message: String| {
        let signatures = vec![EnvelopeSignature { sig: case.signer.sign(message.as_bytes()), keyid: String::new() }];
        let envelope = Envelope { payload_type: payload_type.to_owned(), payload: bytes.to_vec(), signatures };
        case.code(&Bundle::envelope(envelope, &case.signer))
    };
    let pae = |type_length: usize, length: usize| format!("DSSEv1 {type_length} {payload_type} {length} \u{e9}");
    assert_eq!(pae(11, 2).into_bytes(), dsse::pae(payload_type, bytes));
    assert_eq!(signed_over(pae(11, 2)), Code::PayloadTypeUnsupported);
    assert_eq!(signed_over(pae(8, 1)), Code::SignatureInvalid);
    assert_eq!(signed_over(pae(7, 1)), Code::SignatureInvalid);
    assert_eq!(signed_over(pae(11, 1)), Code::SignatureInvalid);
}

/// K-P-07: what is verified is what was signed, byte for byte; the same JSON written otherwise is not.
#[test]
fn a_payload_that_was_written_otherwise_was_not_signed() {
    let case = claiming(Claim::Signed);
    let good = statement(COSIGN_SIGN).to_bytes();
    let envelope = Envelope::sign(IN_TOTO, &good, &case.signer);
    let text = String::from_utf8(good).unwrap();
    for other in [
        text.replace("\":", "\": "),
        format!("{text}\n"),
        text.replace("sha256", "\\u0073ha256"),
        text.replacen("https", "http", 1),
    ] {
        assert_ne!(other, text);
        let envelope = Envelope { payload: other.into_bytes(), ..envelope.clone() };
        assert_eq!(case.code(&Bundle::envelope(envelope, &case.signer)), Code::SignatureInvalid);
    }
}

/// K-P-11: a simple-signing payload says exactly one thing.
#[test]
fn a_simple_signing_payload_is_read_strictly() {
    let case = claiming(Claim::Signed);
    let answer = |edit: &dyn Fn(&mut Value)| {
        let (store, image) = stored(|store, image| {
            let signature = sign_simple(&image.digest, "registry.example/app", &[("env", "prod")], &case.signer);
            let mut document: Value = serde_json::from_slice(&signature.payload).unwrap();
            edit(&mut document);
            let signature = SimpleSignature::of_payload(document.to_string().into_bytes(), &case.signer);
            store.attach_signature(&image.digest, &signature);
        });
        let (verdict, candidates) = case.image(&store, &image);
        candidates.first().copied().unwrap_or(verdict)
    };
    assert_eq!(answer(&|_| {}), Code::Accepted);
    assert_eq!(answer(&|payload| payload["optional"] = Value::Null), Code::Accepted);
    assert_eq!(answer(&|payload| drop(payload.as_object_mut().unwrap().remove("optional"))), Code::Accepted);
    assert_eq!(answer(&|payload| payload["critical"]["identity"]["docker-reference"] = json!("")), Code::Accepted);
    let digest = "/critical/image/docker-manifest-digest";
    let other = json!(Digest::sha256(b"other").to_string());
    assert_eq!(answer(&|payload| *payload.pointer_mut(digest).unwrap() = other.clone()), Code::SignedOtherDigest);
    for (at, value) in [
        (digest, json!("")),
        (digest, json!(null)),
        ("/critical/type", json!("atomic container signature")),
        ("/critical/type", json!("")),
        ("/critical/identity", json!({})),
        ("/critical/image", json!({})),
        ("/critical", json!(null)),
        ("/optional", json!([])),
    ] {
        assert_eq!(answer(&|payload| *payload.pointer_mut(at).unwrap() = value.clone()), Code::PayloadMalformed, "{at} {value}");
    }
    for object in ["", "/critical", "/critical/identity", "/critical/image"] {
        let extra = |payload: &mut Value| payload.pointer_mut(object).unwrap()["extra"] = json!(1);
        assert_eq!(answer(&extra), Code::PayloadMalformed, "{object}");
    }
}

/// K-P-15: an empty artifact is an artifact; an empty digest is none.
#[test]
fn an_empty_artifact_is_bound_like_any_other() {
    let case = claiming(Claim::Signed);
    let verifier = case.verifier();
    let code = |artifact: &[u8], bundle: &[u8]| match case.ask_blob(&verifier, artifact, bundle) {
        Ok(_) => Code::Accepted,
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report.code(),
    };
    let (empty, full) = (Bundle::blob(b"", &case.signer), Bundle::blob(ARTIFACT, &case.signer));
    assert_eq!(code(b"", &empty.to_bytes()), Code::Accepted);
    assert_eq!(code(ARTIFACT, &empty.to_bytes()), Code::ArtifactDigestMismatch);
    assert_eq!(code(b"", &full.to_bytes()), Code::ArtifactDigestMismatch);
    let stated = |bundle: &Bundle, digest: Value| {
        let mut json = bundle.to_json();
        json["messageSignature"]["messageDigest"]["digest"] = digest;
        json.to_string().into_bytes()
    };
    assert_eq!(code(ARTIFACT, &stated(&full, json!(""))), Code::BundleMalformed);
    assert_eq!(code(b"", &stated(&full, json!(""))), Code::BundleMalformed);
    assert_eq!(code(b"", &stated(&full, json!(null))), Code::BundleMalformed);
    // Without the hint the signature alone decides, over the artifact that was given.
    let unstated = |bundle: &Bundle| {
        let mut json = bundle.to_json();
        json["messageSignature"].as_object_mut().unwrap().remove("messageDigest");
        json.to_string().into_bytes()
    };
    assert_eq!(code(b"", &unstated(&full)), Code::SignatureInvalid);
    assert_eq!(code(ARTIFACT, &unstated(&full)), Code::Accepted);
    let of_empty = Bundle::image(&Digest::sha256(b""), &case.signer).to_bytes();
    assert_eq!(code(b"", &of_empty), Code::Accepted);
    assert_eq!(code(ARTIFACT, &of_empty), Code::SignedOtherDigest);
}
