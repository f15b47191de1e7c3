//! Every report that the scenarios produce follows docs/report.schema.json, and the schema knows no field that none has.

#![allow(clippy::unwrap_used)]

#[path = "support/schema.rs"]
mod schema;
#[path = "support/verifier.rs"]
mod support;

use schema::Schema;
use std::collections::BTreeSet;
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{Basis, Exception, Limits, Policy, Reference, Report, Verifier};
use veriseal_testkit::image;
use veriseal_testkit::scenario::{self, Scenario};
use veriseal_testkit::x509::Name;

fn document() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/report.schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The report of an image that an exception lets in.
fn excepted(scenario: &Scenario) -> Report {
    let until = scenario.now.saturating_add_seconds(86_400);
    let exception = Exception::new([scenario.image.digest], "ticket 42", until).unwrap();
    let origin = TrustRootOrigin { name: "testkit".to_owned(), ..TrustRootOrigin::default() };
    let trust = TrustRoot::from_json(&scenario.trusted_root(), origin).unwrap();
    let verifier = Verifier::new(trust, Policy::exception(exception));
    let reference: Reference = scenario.pinned().parse().unwrap();
    let accepted = verifier.verify(&reference, &scenario.store, scenario.now).unwrap();
    assert!(matches!(accepted.basis(), Basis::Exception { reason, .. } if reason == "ticket 42"));
    assert!(accepted.signatures().is_empty());
    accepted.report().clone()
}

/// The report where it may tell nothing of a refusal.
fn truncated(scenario: &scenario::Scenario) -> Report {
    let whole = support::verifier(scenario);
    let origin = TrustRootOrigin { name: "testkit".to_owned(), ..TrustRootOrigin::default() };
    let trust = TrustRoot::from_json(&scenario.trusted_root(), origin).unwrap();
    let limits = Limits { report_checks: 0, ..Limits::DEFAULT };
    let verifier = Verifier::with_limits(trust, whole.policy().clone(), limits);
    let reference: Reference = scenario.pinned().parse().unwrap();
    verifier.verify(&reference, &scenario.store, scenario.now).unwrap_err().report().clone()
}

fn reports() -> Vec<serde_json::Value> {
    let mut reports = Vec::new();
    for scenario in scenario::all() {
        for reference in [scenario.reference(), scenario.pinned(), "localhost/nowhere:none".to_owned()] {
            let report = support::report(&scenario, &reference);
            reports.push(serde_json::from_str(&report.to_json()).unwrap());
            assert_eq!(serde_json::from_str::<serde_json::Value>(&report.to_json_pretty()).unwrap(), *reports.last().unwrap());
        }
    }
    let scenario = scenario::keyless_bundle();
    reports.push(serde_json::from_str(&excepted(&scenario).to_json()).unwrap());
    reports.extend(platforms());
    reports.push(serde_json::from_str(&truncated(&scenario::wrong_key()).to_json()).unwrap());
    let mut named = Scenario::new("named");
    let name = Name::new("Acme", "builder");
    let bundle = named.bundle(&named.sigstore.keyless_named(&named.identity, name, &["1.2.3"]));
    named.store.attach_bundle(&named.image, &bundle);
    reports.push(serde_json::from_str(&support::report(&named, &named.reference()).to_json()).unwrap());
    reports
}

/// Reports of a signed index for its platforms, once with a nested index in between, and of signatures kept elsewhere.
fn platforms() -> Vec<serde_json::Value> {
    let mut scenario = scenario::index_signed();
    let verifier = support::verifier(&scenario);
    let mut reports = Vec::new();
    for choice in ["linux/amd64", "all"] {
        let verifier = verifier.clone().with_platforms(choice.parse().unwrap());
        let verifier = verifier.with_signature_repository("signatures.example/app".parse().unwrap());
        let reference: Reference = scenario.reference().parse().unwrap();
        let accepted = verifier.verify(&reference, &scenario.store, scenario.now).unwrap();
        reports.push(serde_json::from_str(&accepted.report().to_json()).unwrap());
    }
    let entry = image::descriptor(&scenario.image.media_type, &scenario.image.digest, scenario.image.size);
    let document = serde_json::json!({ "schemaVersion": 2, "mediaType": image::OCI_INDEX, "manifests": [entry] });
    let outer = scenario.store.put_json(image::OCI_INDEX, &document);
    scenario.store.tags.insert("outer".to_owned(), outer.digest);
    let reference: Reference = format!("{}:outer", scenario.docker_reference()).parse().unwrap();
    let refused = verifier.with_platforms("all".parse().unwrap()).verify(&reference, &scenario.store, scenario.now).unwrap_err();
    reports.push(serde_json::from_str(&refused.report().to_json()).unwrap());
    reports
}

#[test]
fn every_report_follows_the_schema() {
    let schema = Schema::new(document());
    for report in reports() {
        schema.validate(&report).unwrap_or_else(|problem| panic!("{problem}\n{report:#}"));
    }
}

#[test]
fn a_report_with_another_field_or_without_a_needed_one_is_refused() {
    let schema = Schema::new(document());
    let report = reports().remove(0);
    let mut more = report.clone();
    more["subject"]["surprise"] = true.into();
    assert!(schema.validate(&more).is_err());
    let mut less = report.clone();
    less.as_object_mut().unwrap().remove("code");
    assert!(schema.validate(&less).is_err());
    let mut other = report;
    other["verdict"] = "yes".into();
    assert!(schema.validate(&other).is_err());
}

/// A field that no scenario shows would be a promise that nobody tests.
#[test]
fn every_field_of_the_schema_is_in_some_report() {
    // `tag` with `claimed` and `loaded` evidence are seen by the CLI's tests of saved evidence.
    let unseen = ["source", "date"];
    let mut seen = BTreeSet::new();
    for report in reports() {
        schema::fields(&report, &mut seen);
    }
    let missing: Vec<_> = schema::promised(&document())
        .into_iter()
        .filter(|field| !seen.contains(field) && !unseen.contains(&field.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
