//! Real DSSE envelopes: the vector of the DSSE protocol itself, a PyPI attestation and npm's attestation documents, the
//! latter two brought into the form of bundles here, as their own clients do.

use serde_json::{Value, json};
use veriseal::crypto::{PreparedKey, Scheme, verify_message};
use veriseal::encoding::base64;
use veriseal::format::dsse::{IN_TOTO, Pae};
use veriseal::policy::{Authority, Claim, KeyAuthority, KeylessAuthority, Settings, SignatureRequirement, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{
    Artifact, Code, HashAlgorithm, Identity, Policy, PublicKey, Requirement, StringMatch, TrustRoot, UnixTime, Validity, Verifier,
};
use veriseal_testkit::{Bundle, Signer, Sigstore, der, dsse};

const NPM_PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
const SLSA: &str = "https://slsa.dev/provenance/v1";
const PYPI_PUBLISH: &str = "https://docs.pypi.org/attestations/publish/v1";
const BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const NOW: &str = "2026-08-22T00:00:00Z";

fn read(path: &Value) -> Vec<u8> {
    let path = crate::common::vectors().unwrap().join(path.as_str().unwrap());
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn document(path: &Value) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

fn case(id: &str) -> Option<Value> {
    let manifest = crate::common::json("MANIFEST.json")?;
    let all: Vec<_> = manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "dsse").cloned().collect();
    assert_eq!(all.len(), 5);
    Some(all.into_iter().find(|case| case["id"] == id).unwrap()["inputs"].clone())
}

fn keyless(inputs: &Value) -> Authority {
    let exact = |name: &str| StringMatch::Exact(inputs[name].as_str().unwrap().to_owned());
    Authority::Keyless(KeylessAuthority::new(vec![Identity::new(exact("identity"), exact("issuer")).unwrap()]).unwrap())
}

fn attestation(predicate_type: &str) -> Claim {
    Claim::Attestation { predicate_type: predicate_type.to_owned() }
}

fn answer(inputs: &Value, authority: Authority, claim: Claim, artifact: &Artifact<'_>, bundle: &Value) -> Code {
    let trust = TrustRoot::from_json(&read(&inputs["trusted_root"]), TrustRootOrigin::default()).unwrap();
    let policy = Policy::new(Requirement::signature(SignatureRequirement::new(authority).claim(claim))).unwrap();
    let now = UnixTime::parse_rfc3339(NOW).unwrap();
    match Verifier::new(trust, policy).verify_blob(artifact, bundle.to_string().as_bytes(), now) {
        Ok(accepted) => accepted.report().code(),
        Err(not_accepted) => not_accepted.code(),
    }
}

/// The bundle that a PyPI attestation (PEP 740) is another spelling of.
fn bundle_of_pypi(attestation: &Value) -> Value {
    let material = &attestation["verification_material"];
    json!({
        "mediaType": BUNDLE_V03,
        "verificationMaterial": {
            "certificate": { "rawBytes": material["certificate"] },
            "tlogEntries": material["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": attestation["envelope"]["statement"],
            "payloadType": IN_TOTO,
            "signatures": [{ "sig": attestation["envelope"]["signature"] }],
        },
    })
}

#[test]
fn the_attestation_of_pypi_is_accepted_for_its_artifact_and_predicate_only() {
    let Some(inputs) = case("pypi-attestations/rfc8785-attestation") else { return };
    let (bundle, wheel) = (bundle_of_pypi(&document(&inputs["attestation"])), read(&inputs["artifact"]));
    let ask = |claim, artifact: &[u8]| answer(&inputs, keyless(&inputs), claim, &Artifact::bytes(artifact), &bundle);
    assert_eq!(ask(attestation(PYPI_PUBLISH), &wheel), Code::Accepted);
    // K-P-01: whoever asks for another statement, or for a signature, does not get this one.
    assert_eq!(ask(attestation(SLSA), &wheel), Code::PredicateTypeMismatch);
    assert_eq!(ask(Claim::Signed, &wheel), Code::PredicateTypeMismatch);
    assert_eq!(ask(attestation(PYPI_PUBLISH), &wheel[1..]), Code::StatementSubjectMismatch);
}

/// The bundles of npm's document by predicate type.
fn npm_bundle(document: &Value, predicate_type: &str) -> Value {
    let attestations = document["attestations"].as_array().unwrap();
    let [only] = attestations.iter().filter(|found| found["predicateType"] == predicate_type).collect::<Vec<_>>()[..] else {
        panic!("not one attestation of {predicate_type}");
    };
    only["bundle"].clone()
}

/// npm's own key, by the id that the bundle names, for the one use it has here.
fn npm_key(inputs: &Value, bundle: &Value) -> Authority {
    let keys = document(&inputs["npm_keys"]);
    let hint = &bundle["verificationMaterial"]["publicKey"]["hint"];
    let named = keys["keys"].as_array().unwrap().iter();
    let [key] = named.filter(|key| key["keyId"] == *hint && key["keyUsage"] == "npm:attestations").collect::<Vec<_>>()[..] else {
        panic!("not one key {hint}");
    };
    let spki = base64::decode(key["publicKey"]["rawBytes"].as_str().unwrap()).unwrap();
    let moment = |name: &str| UnixTime::parse_rfc3339(key["publicKey"]["validFor"][name].as_str().unwrap()).unwrap();
    let window = Validity::between(moment("start"), moment("end"));
    Authority::Key(KeyAuthority::new(PublicKey::from_spki(&spki).unwrap(), "npm").valid_within(window))
}

/// The answers to npm's publish attestation and to the provenance.
fn npm(id: &str) -> Option<[Code; 2]> {
    let inputs = case(id)?;
    let (document, package) = (document(&inputs["npm_attestations"]), read(&inputs["artifact"]));
    let (publish, provenance) = (npm_bundle(&document, NPM_PUBLISH), npm_bundle(&document, SLSA));
    let artifact = Artifact::bytes(&package);
    let key = npm_key(&inputs, &publish);
    let answers = [
        answer(&inputs, key, attestation(NPM_PUBLISH), &artifact, &publish),
        answer(&inputs, keyless(&inputs), attestation(SLSA), &artifact, &provenance),
    ];
    // By digests alone, as whoever hashes a stream has them, the answers are the same.
    let mut hasher = veriseal::ArtifactHasher::new();
    hasher.update(&package);
    let by_digest = hasher.finish();
    assert_eq!(answer(&inputs, npm_key(&inputs, &publish), attestation(NPM_PUBLISH), &by_digest, &publish), answers[0]);
    assert_eq!(answer(&inputs, keyless(&inputs), attestation(SLSA), &by_digest, &provenance), answers[1]);
    Some(answers)
}

/// The subjects are named by SHA-512 alone.
#[test]
fn both_attestations_of_npm_are_accepted() {
    let Some(answers) = npm("slsa-verifier/npm-provenance-npm-test-cli-v1-prega") else { return };
    assert_eq!(answers, [Code::Accepted, Code::Accepted]);
}

/// The keyless ladder looks at the log entry first: the payload that was changed is not the one that was logged. The key
/// ladder looks at the signature first.
#[test]
fn an_altered_attestation_of_npm_is_refused_and_the_other_is_not() {
    let Some(answers) = npm("slsa-verifier/npm-provenance-npm-test-cli-v1-prega-invalidsigprov") else { return };
    assert_eq!(answers, [Code::Accepted, Code::EntryMismatchDigest]);
    let answers = npm("slsa-verifier/npm-provenance-npm-test-cli-v1-prega-invalidsigpub").unwrap();
    assert_eq!(answers, [Code::SignatureInvalid, Code::Accepted]);
}

/// The example of `protocol.md`, read out of the document: its key, its pre-authentication encoding, its signature.
#[test]
fn the_vector_of_the_dsse_protocol_is_reproduced() {
    let Some(inputs) = case("dsse/protocol-test-vectors") else { return };
    let text = String::from_utf8(read(&inputs["document"])).unwrap();
    let vectors = &text[text.find("## Test Vectors").unwrap()..];
    let coordinate = |name: &str| {
        let line = vectors.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        unsigned_256(line.trim())
    };
    let json = &vectors[vectors.find("```json").unwrap() + 7..];
    let envelope: Value = serde_json::from_str(&json[..json.find("```").unwrap()]).unwrap();
    let payload = base64::decode(envelope["payload"].as_str().unwrap()).unwrap();
    let payload_type = envelope["payloadType"].as_str().unwrap();
    let pae = Pae::new(payload_type, &payload).to_vec();
    assert!(vectors.contains(&format!("PAE:\n\n```none\n{}\n```", String::from_utf8(pae.clone()).unwrap())));

    let point = [&[4][..], &coordinate("X:"), &coordinate("Y:")].concat();
    let algorithm = der::sequence(&[&der::oid("1.2.840.10045.2.1"), &der::oid("1.2.840.10045.3.1.7")]);
    let public = PublicKey::from_spki(&der::sequence(&[&algorithm, &der::bit_string(&point)])).unwrap();
    let raw = base64::decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    // The document concatenates r and s; Sigstore's signatures are the DER of the same two numbers.
    let (r, s) = raw.split_at(32);
    let signature = der::sequence(&[&der::unsigned(r), &der::unsigned(s)]);
    let prepared = PreparedKey::new(public.clone()).unwrap();
    let scheme = Scheme::Ecdsa(HashAlgorithm::Sha256);
    verify_message(&prepared, scheme, &pae, &signature).unwrap();
    assert!(verify_message(&prepared, scheme, &pae, &raw).is_err());
    assert!(verify_message(&prepared, scheme, &pae[1..], &signature).is_err());

    // K-P-04: the whole verifier gets as far as the payload type, which binds no artifact, and no further.
    let settings = Settings { tlog: TlogMode::Ignored, ..Settings::default() };
    let authority = Authority::Key(KeyAuthority::new(public, "example"));
    let leaf = SignatureRequirement::new(authority).settings(settings).claim(Claim::AnyStatement);
    let verifier = Verifier::new(TrustRoot::builder("nobody").build(), Policy::new(Requirement::signature(leaf)).unwrap());
    let code = |sig: &[u8]| {
        let signatures = vec![dsse::EnvelopeSignature { sig: sig.to_vec(), keyid: String::new() }];
        let envelope = dsse::Envelope { payload_type: payload_type.to_owned(), payload: payload.clone(), signatures };
        let bundle = Bundle::envelope(envelope, &Signer::key(Sigstore::new(1).key("hint only"))).to_bytes();
        verifier.verify_blob(&Artifact::bytes(&payload), &bundle, UnixTime::parse_rfc3339(NOW).unwrap()).unwrap_err().code()
    };
    assert_eq!(code(&signature), Code::PayloadTypeUnsupported);
    assert_eq!(code(&raw), Code::SignatureInvalid);
}

/// A decimal number as 32 bytes, most significant first.
fn unsigned_256(decimal: &str) -> [u8; 32] {
    let mut number = [0_u8; 32];
    for digit in decimal.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in number.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        assert_eq!(carry, 0);
    }
    number
}
