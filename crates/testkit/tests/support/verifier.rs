//! A verifier for a scenario, and its report.

#![allow(dead_code, reason = "every test binary uses its own part of this")]

use veriseal::policy::{Identity, StringMatch};
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{
    Authority, Claim, KeyAuthority, KeylessAuthority, Policy, PublicKey, Reference, Report, Requirement, SignatureRequirement,
    Verifier,
};
use veriseal_testkit::scenario::{self, Scenario};

pub(crate) fn verifier(scenario: &Scenario) -> Verifier {
    let authority = match scenario.authority {
        scenario::Authority::Key => {
            let key = PublicKey::from_pem(scenario.key_pem.as_bytes()).unwrap();
            Authority::Key(KeyAuthority::new(key, "release"))
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
    let attested = |predicate_type: &str| Claim::Attestation { predicate_type: predicate_type.to_owned() };
    let claim = scenario.attestation.map_or(Claim::Signed, attested);
    let leaf = Requirement::signature(SignatureRequirement::new(authority).claim(claim));
    // A branch with one child means what the child means, and gives the report a tree.
    Verifier::new(trust, Policy::new(Requirement::Any(vec![leaf])).unwrap())
}

pub(crate) fn report(scenario: &Scenario, reference: &str) -> Report {
    let reference: Reference = reference.parse().unwrap();
    match verifier(scenario).verify(&reference, &scenario.store, scenario.now) {
        Ok(accepted) => {
            assert_eq!(accepted.pinned().digest(), Some(&scenario.image.digest), "{}", scenario.name);
            accepted.report().clone()
        }
        Err(not_accepted) => not_accepted.report().clone(),
    }
}
