//! What is remembered is what verifying again would find: the same verdict, the same report, and never for anything else.

use crate::kit::{ARTIFACT, Case, digest};
use std::sync::Arc;
use veriseal::policy::{KeyAuthority, SignatureRequirement};
use veriseal::{
    Artifact, Authority, Claim, Code, Failure, NotAccepted, Policy, Report, Requirement, UnixTime, Validity, VerdictCache,
    Verifier,
};

const AGE: u64 = 3_600;

/// What cosign says of an image that it signs.
fn signed() -> Claim {
    Claim::Attestation { predicate_type: "https://sigstore.dev/cosign/sign/v1".to_owned() }
}

fn remembering(verifier: Verifier) -> (Verifier, Arc<VerdictCache>) {
    let cache = Arc::new(VerdictCache::new(64));
    (verifier.with_verdict_cache(Arc::clone(&cache)), cache)
}

fn report(verifier: &Verifier, bundle: &[u8], now: UnixTime) -> Report {
    match verifier.verify_blob(&Artifact::bytes(ARTIFACT), bundle, now) {
        Ok(accepted) => accepted.report().clone(),
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
    }
}

/// A verifier that accepts the envelope of `case` while it is at most an hour old.
fn with_max_age(case: &Case) -> Verifier {
    let leaf = SignatureRequirement::new(case.authority.clone()).claim(signed()).max_age(AGE);
    let policy = Policy::new(Requirement::signature(leaf)).unwrap();
    Verifier::new(crate::kit::trust(&case.sigstore.trusted_root()), policy)
}

#[test]
fn the_second_call_is_answered_from_memory_with_the_same_report() {
    let mut case = Case::keyless();
    let bundle = case.envelope().to_bytes();
    let (verifier, cache) = remembering(case.verifier());
    let fresh = report(&case.verifier(), &bundle, case.now).to_json();
    for (calls, hits) in [(1, 0), (2, 1), (3, 2)] {
        assert_eq!(report(&verifier, &bundle, case.now).to_json(), fresh);
        assert_eq!((cache.hits(), cache.misses(), cache.len()), (hits, 1, 1), "after {calls}");
    }
    let later = case.now.saturating_add_seconds(60);
    assert_eq!(report(&verifier, &bundle, later).to_json(), report(&case.verifier(), &bundle, later).to_json());
    assert_eq!(cache.hits(), 3, "a minute later nothing has changed");
}

#[test]
fn an_age_is_held_against_the_time_of_each_call() {
    let mut case = Case::keyless();
    let signed = case.sigstore.now;
    let bundle = case.envelope().to_bytes();
    let (verifier, cache) = remembering(with_max_age(&case));
    let code = |seconds: u64| {
        let now = signed.saturating_add_seconds(i64::try_from(seconds).unwrap());
        let found = report(&verifier, &bundle, now);
        assert_eq!(found.to_json(), report(&with_max_age(&case), &bundle, now).to_json(), "after {seconds} seconds");
        found.code()
    };
    assert_eq!(code(10), Code::Accepted);
    assert_eq!((code(AGE), cache.hits()), (Code::Accepted, 1));
    assert_eq!((code(AGE + 1), cache.hits()), (Code::AttestationTooOld, 1));
    assert_eq!((code(AGE), cache.hits()), (Code::Accepted, 2), "a clock that goes back finds what held then");
}

/// A log's time in the future is refused; what was accepted later must not be given for earlier.
#[test]
fn a_verdict_is_not_given_for_a_time_before_it_holds() {
    let mut case = Case::keyless();
    let bundle = case.envelope().to_bytes();
    let (verifier, cache) = remembering(case.verifier());
    assert_eq!(report(&verifier, &bundle, case.now).code(), Code::Accepted);
    let before = case.sigstore.now.saturating_add_seconds(-1);
    let early = report(&verifier, &bundle, before);
    assert_eq!(early.code(), Code::IntegratedTimeInFuture);
    assert_eq!(early.to_json(), report(&case.verifier(), &bundle, before).to_json());
    assert_eq!(cache.hits(), 0);
}

#[test]
fn a_key_without_a_time_leaves_its_window_also_in_memory() {
    let mut case = Case::key();
    let Authority::Key(key) = case.authority.clone() else { panic!("a case of a key") };
    let end = case.now.saturating_add_seconds(100);
    case.authority = Authority::Key(key.valid_within(Validity { start: None, end: Some(end) }));
    case.settings.tlog = veriseal::policy::TlogMode::Ignored;
    let bundle = veriseal_testkit::Bundle::blob(ARTIFACT, &case.signer).to_bytes();
    let (verifier, cache) = remembering(case.verifier());
    for (now, code, hits) in
        [(case.now, Code::Accepted, 0), (end, Code::Accepted, 1), (end.saturating_add_seconds(1), Code::KeyOutsideWindow, 1)]
    {
        assert_eq!((report(&verifier, &bundle, now).code(), cache.hits()), (code, hits), "{now}");
    }
}

#[test]
fn refusals_are_not_remembered() {
    let mut case = Case::keyless();
    let mut bundle = case.envelope();
    bundle.entries.clear();
    let (verifier, cache) = remembering(case.verifier());
    for misses in [1, 2] {
        assert_eq!(report(&verifier, &bundle.to_bytes(), case.now).code(), Code::LogEntryMissing);
        assert_eq!((cache.hits(), cache.misses(), cache.len()), (0, misses, 0));
    }
}

/// Each differs in one thing from what is remembered.
#[test]
fn nothing_else_is_answered_by_what_is_remembered() {
    let mut case = Case::key();
    let bundle = case.message().to_bytes();
    let cache = Arc::new(VerdictCache::new(64));
    let using = |verifier: Verifier| verifier.with_verdict_cache(Arc::clone(&cache));
    let verifier = using(case.verifier());
    let accepts = |verifier: &Verifier| report(verifier, &bundle, case.now).code() == Code::Accepted;
    assert!(accepts(&verifier));
    let Authority::Key(key) = &case.authority else { panic!("a case of a key") };
    let renamed = Case { authority: Authority::Key(KeyAuthority::new(key.key().clone(), "other.pub")), ..case.clone() };
    let mut settings = case.settings.clone();
    settings.sct = veriseal::policy::SctMode::Ignored;
    let same_policy = || Policy::new(case.verifier().policy().requirement().clone()).unwrap();
    let limits = veriseal::Limits { report_checks: 7, ..veriseal::Limits::default() };
    let others = [
        ("the name of the key", using(renamed.verifier())),
        ("the settings", using(Case { settings, ..case.clone() }.verifier())),
        ("the limits", using(Verifier::with_limits(crate::kit::trust(&case.sigstore.trusted_root()), same_policy(), limits))),
        ("what is weaker", using(case.verifier()).declare_weakened(Failure::new(Code::TimeGiven))),
    ];
    for (misses, (what, other)) in (2..).zip(&others) {
        assert!(accepts(other), "{what}");
        assert_eq!((cache.hits(), cache.misses()), (0, misses), "{what}");
    }
    let another = verifier.verify_blob(&Artifact::bytes(b"another"), &bundle, case.now);
    assert_eq!(another.unwrap_err().code(), Code::ArtifactDigestMismatch);
    let by_digest = verifier.verify_blob(&Artifact::digest(digest()), &bundle, case.now);
    assert_eq!((by_digest.unwrap().report().code(), cache.hits()), (Code::Accepted, 0));
    let mut altered = bundle.clone();
    altered.insert(altered.len() - 1, b' ');
    assert_eq!((report(&verifier, &altered, case.now).code(), cache.hits()), (Code::Accepted, 0));
    assert!(accepts(&using(case.verifier())), "an equal verifier");
    assert_eq!(cache.hits(), 1);
}

#[test]
fn a_cache_holds_no_more_than_it_was_made_for_and_keeps_what_is_used() {
    let mut case = Case::keyless();
    let bundles: Vec<_> = (0..6).map(|_| case.envelope().to_bytes()).collect();
    let cache = Arc::new(VerdictCache::new(4));
    let verifier = case.verifier().with_verdict_cache(Arc::clone(&cache));
    for bundle in &bundles {
        assert_eq!(report(&verifier, bundle, case.now).code(), Code::Accepted);
        // Asked for again and again, the first one stays.
        assert_eq!(report(&verifier, &bundles[0], case.now).code(), Code::Accepted);
        assert!(cache.len() <= 4, "{}", cache.len());
    }
    assert_eq!(cache.misses(), 6, "each was verified once");
    let none = Arc::new(VerdictCache::new(0));
    let verifier = case.verifier().with_verdict_cache(Arc::clone(&none));
    for misses in [1, 2] {
        assert_eq!(report(&verifier, &bundles[0], case.now).code(), Code::Accepted);
        assert_eq!((none.len(), none.misses()), (0, misses));
    }
}
