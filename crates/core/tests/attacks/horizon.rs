//! Until when an acceptance holds by itself: the first second at which the same evidence no longer suffices.

use crate::kit::{ARTIFACT, Case, trusted_key};
use veriseal::policy::{Authority, Claim, Selection, Settings, SignatureRequirement, TlogMode};
use veriseal::{Artifact, Code, Policy, Requirement, UnixTime, Validity, Verifier};
use veriseal_testkit::Bundle;
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};

/// A leaf for the case's key until a number of seconds after its time.
fn leaf(case: &Case, seconds: Option<i64>) -> Requirement {
    let Authority::Key(key) = trusted_key(&case.signer.key) else { panic!("a key") };
    let end = seconds.map(|seconds| case.now.saturating_add_seconds(seconds));
    let authority = Authority::Key(key.valid_within(Validity { start: None, end }));
    let settings = Settings { tlog: TlogMode::Ignored, ..Settings::default() };
    Requirement::signature(SignatureRequirement::new(authority).settings(settings))
}

/// What a requirement's acceptance says of its end, which is held against what verifying then says.
fn horizon(case: &Case, requirement: Requirement) -> Option<i64> {
    let bundle = Bundle::blob(ARTIFACT, &case.signer).to_bytes();
    let verifier = Verifier::new(crate::kit::trust(&case.root()), Policy::new(requirement).unwrap());
    let ask = |now: UnixTime| verifier.verify_blob(&Artifact::bytes(ARTIFACT), &bundle, now);
    let (from, why) = match ask(case.now).unwrap().report().horizon() {
        Some((from, why)) => (from, why.code()),
        None => return None,
    };
    assert_eq!(why, Code::KeyOutsideWindow);
    assert!(ask(from.saturating_add_seconds(-1)).is_ok(), "it ends too early");
    assert!(ask(from).is_err(), "it ends too late");
    Some(from.seconds() - case.now.seconds())
}

/// Alone, and in every kind of node: all end with the first, any and a number with the last that is needed.
#[test]
fn an_acceptance_ends_with_the_windows_that_it_needs() {
    let case = Case::key();
    let leaf = |seconds: i64| leaf(&case, Some(seconds));
    assert_eq!(horizon(&case, self::leaf(&case, None)), None);
    assert_eq!(horizon(&case, leaf(100)), Some(101));
    assert_eq!(horizon(&case, leaf(0)), Some(1), "an end is within its window");
    assert_eq!(horizon(&case, Requirement::All(vec![leaf(100), leaf(50)])), Some(51));
    assert_eq!(horizon(&case, Requirement::All(vec![leaf(50), leaf(100)])), Some(51));
    assert_eq!(horizon(&case, Requirement::Any(vec![leaf(50), leaf(100), leaf(7)])), Some(101));
    assert_eq!(horizon(&case, Requirement::Any(vec![leaf(50), self::leaf(&case, None)])), None);
    let nested = Requirement::All(vec![Requirement::Any(vec![leaf(10), leaf(20)]), leaf(15)]);
    assert_eq!(horizon(&case, nested), Some(16));
}

/// Where the only attestation has grown too old there is none that another could have superseded: the reason is its age.
#[test]
fn what_has_ended_is_not_superseded_by_itself() {
    let mut case = Case::keyless();
    let (store, image) = case.signed_image();
    let claim = Claim::Attestation { predicate_type: "https://sigstore.dev/cosign/sign/v1".to_owned() };
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap();
    for selection in [Selection::Any, Selection::All, Selection::Newest] {
        let leaf = SignatureRequirement::new(case.authority.clone()).claim(claim.clone()).max_age(3_600).selecting(selection);
        let policy = Policy::new(Requirement::signature(leaf)).unwrap();
        let verifier = Verifier::new(crate::kit::trust(&case.root()), policy);
        let young = case.sigstore.now.saturating_add_seconds(60);
        assert!(verifier.verify(&reference, &store, young).is_ok(), "{selection:?}");
        let refused = verifier.verify(&reference, &store, case.now).unwrap_err();
        assert_eq!(refused.code(), Code::NoMatchingSignature, "{selection:?}");
        assert_eq!(refused.report().candidate_codes(), [Code::AttestationTooOld], "{selection:?}");
    }
}
