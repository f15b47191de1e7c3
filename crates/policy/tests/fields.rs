//! K-PO-01, INV-4: for every field of the schema a policy in which only it is wrong does not accept, and the clause is
//! named. The rows are held against docs/policy.schema.json, and that against the loader.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod kit;

use kit::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use veriseal::Code;
use veriseal_policy::OBJECTS;

/// What a wrong value leads to.
enum Then {
    /// The policy does not load; the error names this.
    Load(Code, &'static str),
    /// The image is denied; the report names this.
    Deny(&'static str),
}

use Then::{Deny, Load};

/// Object, field, where it stands in the base policy, the wrong value, what comes of it.
fn rows() -> Vec<(&'static str, &'static str, &'static str, Value, Then)> {
    const P: Code = Code::PolicyInvalid;
    const SIGNATURE: &str = "/images/0/require/all/0/signature";
    const ATTESTATION: &str = "/images/0/require/all/3/attestation";
    let witness = veriseal_testkit::Witness::new("witness.example", &veriseal_testkit::Seed::new(7));
    let vkey = witness.verifier_key();
    vec![
        ("policy", "apiVersion", "/apiVersion", json!("veriseal/v2"), Load(P, "apiVersion")),
        ("policy", "trust", "/trust", json!({}), Load(P, "keyless.trust")),
        ("policy", "images", "/images", json!([]), Load(P, "images")),
        ("policy", "mode", "/mode", json!("off"), Load(P, "mode")),
        ("policy", "admission", "/admission", json!({}), Load(P, "admission")),
        ("admission", "namespaces", "/admission/namespaces", json!(["test-*"]), Load(P, "admission.namespaces[0]")),
        ("trustRoot", "trustedRoot", "/trust/test/trustedRoot", json!("none.json"), Load(P, "trust.test.trustedRoot")),
        ("rule", "match", "/images/0/match", json!(["registry.testkit.example/other/*"]), Deny("NO_RULE")),
        ("rule", "require", "/images/0/require", json!({}), Load(P, "images[0].require")),
        ("rule", "allow", "/images/0/allow", json!({}), Load(P, "require and allow")),
        ("rule", "deny", "/images/0/deny", json!({ "reason": "no" }), Load(P, "require and deny")),
        ("rule", "pin", "/images/0/pin", json!("require-digest"), Deny("DIGEST_REQUIRED")),
        ("rule", "platforms", "/images/0/platforms", json!(["plan9/mips"]), Deny("PLATFORM_NOT_FOUND")),
        ("all", "all", "/images/0/require/all", json!([]), Load(P, "require.all")),
        ("any", "any", "/images/0/require/all/1/any", json!([]), Load(P, "all[1].any")),
        ("atLeast", "atLeast", "/images/0/require/all/2/atLeast", json!(2), Load(P, "all[2]")),
        ("atLeast", "of", "/images/0/require/all/2/of", json!([]), Load(P, "all[2].of")),
        ("signed", "signature", SIGNATURE, json!({}), Load(P, "all[0].signature")),
        ("attested", "attestation", ATTESTATION, json!({}), Load(P, "all[3].attestation")),
        ("signature", "key", "/images/0/require/all/0/signature/key", json!("release.pub"), Load(P, "key and keyless")),
        ("signature", "keyless", "/images/0/require/all/0/signature/keyless", json!({}), Load(P, "signature.keyless")),
        ("signature", "tlog", "/images/0/require/all/0/signature/tlog", json!("sometimes"), Load(P, "signature.tlog")),
        ("signature", "logs", "/images/0/require/all/0/signature/logs", json!(2), Deny("LOG_THRESHOLD")),
        ("signature", "sct", "/images/0/require/all/0/signature/sct", json!("sometimes"), Load(P, "signature.sct")),
        ("signature", "timestamps", "/images/0/require/all/0/signature/timestamps", json!(1), Deny("TIMESTAMP_THRESHOLD")),
        (
            "signature",
            "witnesses",
            "/images/0/require/all/0/signature/witnesses",
            json!({ "atLeast": 1, "of": [vkey] }),
            Deny("WITNESS_THRESHOLD"),
        ),
        (
            "signature",
            "certificateChain",
            "/images/0/require/all/0/signature/certificateChain",
            json!("yes"),
            Load(P, "certificateChain"),
        ),
        (
            "attestation",
            "predicateType",
            "/images/0/require/all/3/attestation/predicateType",
            json!("https://slsa.dev/provenance/v2"),
            Deny("PREDICATE_TYPE_MISMATCH"),
        ),
        (
            "attestation",
            "where",
            "/images/0/require/all/3/attestation/where",
            json!({ "/buildDefinition/buildType": "https://evil.example/build" }),
            Deny("where./buildDefinition/buildType"),
        ),
        ("attestation", "maxAge", "/images/0/require/all/3/attestation/maxAge", json!("1s"), Deny("ATTESTATION_TOO_OLD")),
        ("attestation", "newest", "/images/0/require/all/3/attestation/newest", json!("yes"), Load(P, "attestation.newest")),
        ("attestation", "all", "/images/0/require/all/3/attestation/all", json!(true), Load(P, "newest or all")),
        ("attestation", "key", "/images/0/require/all/3/attestation/key", json!("release.pub"), Load(P, "key and keyless")),
        ("attestation", "keyless", "/images/0/require/all/3/attestation/keyless", json!(null), Load(P, "attestation.keyless")),
        ("attestation", "tlog", "/images/0/require/all/3/attestation/tlog", json!("sometimes"), Load(P, "attestation.tlog")),
        ("attestation", "logs", "/images/0/require/all/3/attestation/logs", json!(2), Deny("LOG_THRESHOLD")),
        ("attestation", "sct", "/images/0/require/all/3/attestation/sct", json!(true), Load(P, "attestation.sct")),
        ("attestation", "timestamps", "/images/0/require/all/3/attestation/timestamps", json!(1), Deny("TIMESTAMP_THRESHOLD")),
        (
            "attestation",
            "witnesses",
            "/images/0/require/all/3/attestation/witnesses",
            json!({ "atLeast": 1, "of": [vkey] }),
            Deny("WITNESS_THRESHOLD"),
        ),
        (
            "attestation",
            "certificateChain",
            "/images/0/require/all/3/attestation/certificateChain",
            json!("yes"),
            Load(P, "certificateChain"),
        ),
        (
            "witnesses",
            "atLeast",
            "/images/0/require/all/0/signature/witnesses",
            json!({ "atLeast": 2, "of": [vkey] }),
            Load(P, "witnesses.atLeast"),
        ),
        (
            "witnesses",
            "of",
            "/images/0/require/all/0/signature/witnesses",
            json!({ "atLeast": 1, "of": ["none"] }),
            Load(Code::KeyInvalid, "witnesses.of[0]"),
        ),
        ("key", "file", "/images/0/require/all/1/any/0/signature/key/file", json!("stranger.pub"), Deny("SIGNATURE_INVALID")),
        ("key", "pem", "/images/0/require/all/1/any/0/signature/key/pem", json!("-"), Load(P, "file and pem")),
        ("key", "trust", "/images/0/require/all/1/any/0/signature/key/trust", json!("sigstore"), Deny("LOG_UNKNOWN")),
        (
            "key",
            "notBefore",
            "/images/0/require/all/1/any/0/signature/key/notBefore",
            json!("2099-01-01T00:00:00Z"),
            Deny("KEY_OUTSIDE_WINDOW"),
        ),
        (
            "key",
            "notAfter",
            "/images/0/require/all/1/any/0/signature/key/notAfter",
            json!("2020-01-02T00:00:00Z"),
            Deny("KEY_OUTSIDE_WINDOW"),
        ),
        ("keyless", "trust", "/images/0/require/all/0/signature/keyless/trust", json!("sigstore"), Deny("LOG_UNKNOWN")),
        (
            "keyless",
            "issuer",
            "/images/0/require/all/0/signature/keyless/issuer",
            json!("https://issuer.example"),
            Deny("ISSUER_MISMATCH"),
        ),
        (
            "keyless",
            "identity",
            "/images/0/require/all/0/signature/keyless/identity",
            json!("https://github.com/acme/other"),
            Deny("IDENTITY_MISMATCH"),
        ),
        ("keyless", "subjectKind", "/images/0/require/all/0/signature/keyless/subjectKind", json!("email"), Load(P, "identity")),
        (
            "keyless",
            "extensions",
            "/images/0/require/all/0/signature/keyless/extensions",
            json!({ "sourceRepositoryVisibility": "private" }),
            Deny("EXTENSION_MISMATCH"),
        ),
        (
            "keyless",
            "subjectDn",
            "/images/0/require/all/0/signature/keyless/subjectDn",
            json!({ "O": "acme" }),
            Deny("SUBJECT_DN_MISMATCH"),
        ),
        (
            "keyless",
            "policyOids",
            "/images/0/require/all/0/signature/keyless/policyOids",
            json!(["1.3.6.1.4.1.99999.3"]),
            Deny("POLICY_OID_MISMATCH"),
        ),
        (
            "keyless",
            "identities",
            "/images/0/require/all/0/signature/keyless/identities",
            json!([{ "issuer": "https://a.example", "identity": "https://b.example" }]),
            Load(P, "beside identities"),
        ),
        (
            "identity",
            "issuer",
            "/images/0/require/all/3/attestation/keyless/identities/0/issuer",
            json!("https://issuer.example"),
            Deny("ISSUER_MISMATCH"),
        ),
        (
            "identity",
            "identity",
            "/images/0/require/all/3/attestation/keyless/identities/0/identity",
            json!({ "glob": "https://github.com/acme/*" }),
            Deny("IDENTITY_MISMATCH"),
        ),
        (
            "identity",
            "subjectKind",
            "/images/0/require/all/3/attestation/keyless/identities/0/subjectKind",
            json!("othername"),
            Load(P, "identities[0].identity"),
        ),
        (
            "identity",
            "extensions",
            "/images/0/require/all/3/attestation/keyless/identities/0/extensions",
            json!({ "runnerEnvironment": "self-hosted" }),
            Deny("EXTENSION_MISMATCH"),
        ),
        (
            "identity",
            "subjectDn",
            "/images/0/require/all/3/attestation/keyless/identities/0/subjectDn",
            json!({ "L": "Berlin" }),
            Deny("SUBJECT_DN_MISMATCH"),
        ),
        (
            "identity",
            "policyOids",
            "/images/0/require/all/3/attestation/keyless/identities/0/policyOids",
            json!(["1.3.6.1.4.1.99999"]),
            Deny("POLICY_OID_MISMATCH"),
        ),
        (
            "oneOf",
            "oneOf",
            "/images/0/require/all/3/attestation/where/~1buildDefinition~1externalParameters~1branch/oneOf",
            json!(["master", "release"]),
            Deny("where./buildDefinition/externalParameters/branch"),
        ),
        (
            "contains",
            "contains",
            "/images/0/require/all/3/attestation/where/~1verifiedLevels/contains",
            json!("SLSA_BUILD_LEVEL_4"),
            Deny("where./verifiedLevels"),
        ),
        (
            "number",
            "atLeast",
            "/images/0/require/all/3/attestation/where/~1buildDefinition~1externalParameters~1level",
            json!({ "atLeast": 4 }),
            Deny("where./buildDefinition/externalParameters/level"),
        ),
        (
            "number",
            "atMost",
            "/images/0/require/all/3/attestation/where/~1buildDefinition~1externalParameters~1level",
            json!({ "atMost": 2 }),
            Deny("where./buildDefinition/externalParameters/level"),
        ),
        (
            "exact",
            "exact",
            "/images/0/require/all/3/attestation/keyless/identities/0/issuer/exact",
            json!("https://token.actions.githubusercontent.com/"),
            Deny("ISSUER_MISMATCH"),
        ),
        (
            "glob",
            "glob",
            "/images/0/require/all/3/attestation/keyless/identities/0/identity/glob",
            json!("https://github.com/acme/*@*"),
            Deny("IDENTITY_MISMATCH"),
        ),
        (
            "regex",
            "regex",
            "/images/0/require/all/3/attestation/keyless/identities/0/extensions/runnerEnvironment/regex",
            json!("github"),
            Deny("EXTENSION_MISMATCH"),
        ),
        (
            "allow",
            "digests",
            "/images/0",
            rule_allow(json!({ "digests": [format!("sha256:{}", "0".repeat(64))], "reason": "r", "until": "2100-01-01" })),
            Deny("NOT_EXCEPTED"),
        ),
        (
            "allow",
            "reason",
            "/images/0",
            rule_allow(json!({ "digests": [format!("sha256:{}", "0".repeat(64))], "reason": " ", "until": "2100-01-01" })),
            Load(P, "allow.reason"),
        ),
        (
            "allow",
            "until",
            "/images/0",
            rule_allow(
                json!({ "digests": [format!("sha256:{}", "0".repeat(64))], "reason": "r", "until": "2100-01-01T00:00:00Z" }),
            ),
            Load(P, "allow.until"),
        ),
        (
            "deny",
            "reason",
            "/images/0",
            json!({ "match": ["**"], "deny": { "reason": "not one of our registries" } }),
            Deny("not one of our registries"),
        ),
    ]
}

fn rule_allow(allow: Value) -> Value {
    json!({ "match": ["**"], "allow": allow })
}

fn set(policy: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match policy.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}")) {
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
        parent => parent[name.replace("~1", "/")] = value,
    }
}

#[test]
fn the_base_policy_accepts() {
    let world = World::new();
    let outcome = world.verify(&world.load(&world.policy()).unwrap());
    assert!(outcome.is_ok(), "{}", kit::report(&outcome).to_text(veriseal::report::Style::Plain));
}

/// INV-4: every clause that the policy configures stands in the report of what counts.
#[test]
fn every_clause_of_a_leaf_stands_evaluated_in_the_report() {
    let world = World::new();
    let outcome = world.verify(&world.load(&world.policy()).unwrap());
    let report: Value = serde_json::from_str(&kit::report(&outcome).to_json()).unwrap();
    let mut clauses: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); 4];
    for candidate in report["candidates"].as_array().unwrap() {
        for (leaf, evaluation) in candidate["evaluations"].as_array().unwrap().iter().enumerate() {
            let found = evaluation["clauses"].as_array().into_iter().flatten().map(|clause| clause.as_str().unwrap());
            clauses[leaf].extend(found);
        }
    }
    let always = ["claim", "signature", "subject", "timestamps", "tlog"];
    let by_identity = ["certificate", "sct", "issuer", "identity", "subjectKind"];
    let of = |more: &[&'static str]| always.iter().chain(more).copied().collect::<BTreeSet<_>>();
    let identity = |more: &[&'static str]| of(&[&by_identity, more].concat());
    let signature =
        ["extensions.sourceRepositoryVisibilityAtSigning", "subjectDn.O", "subjectDn.OU", "policyOids.1.3.6.1.4.1.99999.1"];
    assert_eq!(clauses[0], identity(&signature));
    assert_eq!(clauses[1], of(&["keyWindow"]));
    assert_eq!(clauses[2], of(&["keyWindow"]));
    let attestation = [
        "extensions.runnerEnvironment",
        "subjectDn.CN",
        "policyOids.1.3.6.1.4.1.99999.2",
        "where./buildDefinition/buildType",
        "where./buildDefinition/externalParameters/level",
        "where./buildDefinition/externalParameters/branch",
        "where./verifiedLevels",
        "maxAge",
    ];
    assert_eq!(clauses[3], identity(&attestation));
}

#[test]
fn a_policy_in_which_one_field_is_wrong_does_not_accept_and_names_it() {
    let world = World::new();
    for (object, field, pointer, value, then) in rows() {
        let row = format!("{object}.{field}");
        let mut policy = world.policy();
        set(&mut policy, pointer, value);
        match (world.load(&policy), then) {
            (Err(error), Load(code, names)) => {
                assert_eq!(error.code(), code, "{row}: {error}");
                assert!(error.to_string().contains(names), "{row}: {error}");
                assert!(error.position().line > 1 || names == "images", "{row}: {error}");
            }
            (Err(error), Deny(_)) => panic!("{row} does not load: {error}"),
            (Ok(_), Load(..)) => panic!("{row} loads"),
            (Ok(policy), Deny(names)) => {
                let outcome = world.verify(&policy);
                assert!(outcome.is_err(), "{row} accepts");
                assert!(kit::report(&outcome).to_json().contains(names), "{row}: {}", kit::report(&outcome).to_json());
            }
        }
    }
}

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every object of the schema and its fields.
fn promised() -> BTreeMap<String, BTreeSet<String>> {
    let schema = schema();
    let objects = schema["$defs"].as_object().unwrap().iter();
    objects
        .filter_map(|(name, object)| Some((name.clone(), object.get("properties")?.as_object()?.keys().cloned().collect())))
        .collect()
}

#[test]
fn every_field_of_the_schema_has_a_row() {
    let promised: BTreeSet<(String, String)> = promised()
        .into_iter()
        .flat_map(|(object, fields)| fields.into_iter().map(move |field| (object.clone(), field)))
        .collect();
    let rows: Vec<(String, String)> = rows().iter().map(|row| (row.0.to_owned(), row.1.to_owned())).collect();
    let distinct: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(promised, distinct);
    assert_eq!(promised.len(), rows.len());
}

#[test]
fn the_schema_says_what_the_loader_knows() {
    let known: BTreeMap<String, BTreeSet<String>> = OBJECTS
        .iter()
        .map(|(object, fields)| ((*object).to_owned(), fields.iter().map(|field| (*field).to_owned()).collect()))
        .collect();
    assert_eq!(promised(), known);
    for (name, object) in schema()["$defs"].as_object().unwrap() {
        if object.get("properties").is_some() {
            assert_eq!(object["additionalProperties"], json!(false), "{name}");
        }
    }
}
