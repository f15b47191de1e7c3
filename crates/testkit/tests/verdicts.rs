//! Every scenario through the verifier: the verdict and the reason are those that the scenario states.

#![allow(clippy::unwrap_used)]

use veriseal::policy::{Identity, StringMatch};
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{Authority, Code, KeyAuthority, KeylessAuthority, Policy, PublicKey, Reference, Report, Requirement, Verifier};
use veriseal_testkit::scenario::{self, Scenario};

fn verifier(scenario: &Scenario) -> Verifier {
    let authority = match scenario.authority {
        scenario::Authority::Key => {
            let key = PublicKey::from_pem(scenario.key_pem.as_bytes()).unwrap();
            Authority::Key(KeyAuthority::new(key, "release").unwrap())
        }
        scenario::Authority::Keyless => {
            let subject = StringMatch::Exact(scenario.identity.subject_text());
            let issuer = StringMatch::Exact(scenario.identity.issuer.clone());
            let identity = Identity::new(subject, issuer).unwrap();
            Authority::Keyless(KeylessAuthority::new(vec![identity]).unwrap())
        }
    };
    let origin = TrustRootOrigin { name: "testkit".to_owned(), ..TrustRootOrigin::default() };
    let trust = TrustRoot::from_json(&scenario.trusted_root(), origin).unwrap();
    Verifier::new(trust, Policy::new(Requirement::signed_by(authority)).unwrap())
}

fn report(scenario: &Scenario, reference: &str) -> Report {
    let reference: Reference = reference.parse().unwrap();
    match verifier(scenario).verify(&reference, &scenario.store, scenario.now) {
        Ok(accepted) => {
            assert_eq!(accepted.pinned().digest(), Some(&scenario.image.digest), "{}", scenario.name);
            accepted.report().clone()
        }
        Err(not_accepted) => not_accepted.report().clone(),
    }
}

/// What the verifier does not do yet, each with the code it answers meanwhile. An entry that has come true fails too.
const NOT_YET: &[(&str, Code)] = &[("keyless_bundle_in_rekor_v2", Code::NoMatchingSignature)];

#[test]
fn every_scenario_ends_as_it_states() {
    let mut wrong = Vec::new();
    for scenario in scenario::all() {
        for reference in [scenario.reference(), scenario.pinned()] {
            let report = report(&scenario, &reference);
            let found = (report.code(), report.candidate_codes());
            if let Some((_, meanwhile)) = NOT_YET.iter().find(|(name, _)| *name == scenario.name) {
                assert_eq!(found.0, *meanwhile, "{} works: take it off the list", scenario.name);
                continue;
            }
            let reason = scenario.reason.is_none_or(|reason| found.1.contains(&reason));
            if found.0 != scenario.verdict || !reason {
                wrong.push(format!("{}: wanted {} {:?}, found {found:?}", scenario.name, scenario.verdict, scenario.reason));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
