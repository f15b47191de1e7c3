//! `subjectDn` and `policyOids`.

use crate::kit::{World, report};
use serde_json::{Value, json};
use veriseal::Code;
use veriseal_testkit::Signer;
use veriseal_testkit::scenario::Scenario;
use veriseal_testkit::x509::{Extension, Name};

const COMMON_NAME: &str = "2.5.4.3";
const UNIT: &str = "2.5.4.11";
const COMPONENT: &str = "0.9.2342.19200300.100.1.25";

/// An image signed by the identity with a certificate of this name and these policies.
fn named(name: Name, policies: &[&str]) -> World {
    let mut scenario = Scenario::new("named");
    let signer = scenario.sigstore.keyless_named(&scenario.identity, name, policies);
    let bundle = scenario.bundle(&signer);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    World::of(scenario)
}

fn asking(world: &World, more: &Value) -> Value {
    let mut keyless = json!({
        "trust": "test", "issuer": world.scenario.identity.issuer, "identity": world.scenario.identity.subject_text(),
    });
    keyless.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.requiring(&json!({ "signature": { "keyless": keyless } }))
}

/// The reason why the one candidate does not count, or that it does.
fn answer(world: &World, more: &Value) -> Code {
    let outcome = world.verify(&world.load(&asking(world, more)).unwrap());
    report(&outcome).candidate_codes().first().copied().unwrap_or_else(|| report(&outcome).code())
}

#[test]
fn attributes_of_the_name_are_compared_each_by_itself() {
    let name = Name::new("Acme", "builder").with(UNIT, "release").with(UNIT, "build").with(COMPONENT, "acme");
    let world = named(name, &["1.2.3"]);
    for (dn, code) in [
        (json!({ "O": "Acme" }), Code::Accepted),
        (json!({ "O": "Acme", "CN": "builder", "OU": "build", "DC": "acme" }), Code::Accepted),
        (json!({ "OU": "release" }), Code::Accepted),
        (json!({ "CN": { "glob": "build*" } }), Code::Accepted),
        (json!({ "O": "acme" }), Code::SubjectDnMismatch),
        (json!({ "O": "builder" }), Code::SubjectDnMismatch),
        (json!({ "O": "Acme", "CN": "other" }), Code::SubjectDnMismatch),
        (json!({ "OU": "Acme" }), Code::SubjectDnMismatch),
        (json!({ "C": "DE" }), Code::SubjectDnMismatch),
        (json!({ "CN": { "regex": "build" } }), Code::SubjectDnMismatch),
    ] {
        assert_eq!(answer(&world, &json!({ "subjectDn": dn })), code, "{dn}");
    }
}

/// A second common name would be another signer to another reader.
#[test]
fn an_attribute_that_stands_twice_names_nobody() {
    let world = named(Name::new("Acme", "mallory").with(COMMON_NAME, "builder"), &["1.2.3"]);
    for name in ["mallory", "builder"] {
        assert_eq!(answer(&world, &json!({ "subjectDn": { "CN": name } })), Code::SubjectDnMismatch, "{name}");
    }
    assert_eq!(answer(&world, &json!({ "subjectDn": { "O": "Acme" } })), Code::Accepted);
}

#[test]
fn every_policy_that_is_named_must_be_there() {
    let world = named(Name::new("Acme", "builder"), &["1.2.3", "1.2.3.4"]);
    for (oids, code) in [
        (json!(["1.2.3"]), Code::Accepted),
        (json!(["1.2.3.4", "1.2.3"]), Code::Accepted),
        (json!(["1.2.3", "1.2.4"]), Code::PolicyOidMismatch),
        (json!(["1.2"]), Code::PolicyOidMismatch),
        // anyPolicy in a policy file is that very one, and stands for no other.
        (json!(["2.5.29.32.0"]), Code::PolicyOidMismatch),
    ] {
        assert_eq!(answer(&world, &json!({ "policyOids": oids })), code, "{oids}");
    }
    let any = named(Name::new("Acme", "builder"), &["2.5.29.32.0"]);
    assert_eq!(answer(&any, &json!({ "policyOids": ["1.2.3"] })), Code::PolicyOidMismatch);
}

/// A certificate without a name or policies, as Fulcio's are, satisfies nothing of the kind; nor does one whose policies
/// cannot be read.
#[test]
fn what_a_certificate_does_not_state_is_not_there() {
    let mut scenario = Scenario::new("named");
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    let world = World::of(scenario);
    assert_eq!(answer(&world, &json!({})), Code::Accepted);
    assert_eq!(answer(&world, &json!({ "subjectDn": { "CN": { "glob": "**" } } })), Code::SubjectDnMismatch);
    assert_eq!(answer(&world, &json!({ "policyOids": ["1.2.3"] })), Code::PolicyOidMismatch);

    let mut scenario = Scenario::new("named");
    let key = scenario.sigstore.key("leaf");
    let mut template = scenario.sigstore.fulcio.template(&scenario.identity, &key.spki(), scenario.sigstore.now);
    let twice = Extension::certificate_policies(&["1.2.3", "1.2.3"]);
    template.set(twice);
    let leaf = scenario.sigstore.fulcio.finish(&template, &[&scenario.sigstore.ct_log], scenario.sigstore.now);
    let bundle = scenario.bundle(&Signer::certificate(key, leaf, scenario.sigstore.fulcio.chain()));
    scenario.store.attach_bundle(&scenario.image, &bundle);
    assert_eq!(answer(&World::of(scenario), &json!({ "policyOids": ["1.2.3"] })), Code::PolicyOidMismatch);
}

/// Both are shown, so that whoever writes a policy can read what to ask for.
#[test]
fn a_report_shows_name_and_policies() {
    let world = named(Name::new("Acme", "builder"), &["1.2.3"]);
    let outcome = world.verify(&world.load(&asking(&world, &json!({ "subjectDn": { "O": "Acme" } }))).unwrap());
    let json: Value = serde_json::from_str(&report(&outcome).to_json()).unwrap();
    let evaluation = &json["candidates"][0]["evaluations"][0];
    assert_eq!(evaluation["signer"]["subjectDn"], "O=Acme, CN=builder");
    assert_eq!(evaluation["signer"]["policyOids"], json!(["1.2.3"]));
    let hash = |der: &[u8]| veriseal::encoding::hex::encode(&veriseal::digest::sha256(der));
    let fulcio = &world.scenario.sigstore.fulcio;
    assert_eq!(evaluation["signer"]["chain"], json!([hash(&fulcio.intermediate.der), hash(&fulcio.root.der)]));
    let rules: Vec<_> = evaluation["checks"].as_array().unwrap().iter().map(|check| check["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"subjectDn") && !rules.contains(&"policyOids"), "{rules:?}");
}

#[test]
fn mistakes_about_names_and_policies_do_not_load() {
    let world = World::new();
    for (more, words) in [
        (json!({ "subjectDn": {} }), "at least one attribute"),
        (json!({ "subjectDn": "CN=x" }), "a mapping of attributes"),
        (json!({ "subjectDn": { "cn": "x" } }), "one of C, ST, L"),
        (json!({ "subjectDn": { "CN": "" } }), "an empty one"),
        (json!({ "policyOids": [] }), "an empty list"),
        (json!({ "policyOids": ["1"] }), "an object identifier"),
        (json!({ "policyOids": ["1.02.3"] }), "an object identifier"),
        (json!({ "policyOids": ["1.2.3", "1.2.3"] }), "each policy once"),
    ] {
        let error = world.load(&asking(&world, &more)).unwrap_err();
        assert_eq!(error.code(), Code::PolicyInvalid, "{more}: {error}");
        assert!(error.to_string().contains(words), "{more}: {error}");
    }
}
