//! Many threads on one verifier that has tables of multiples and remembers signatures and verdicts, for ThreadSanitizer
//! (`cargo xtask tsan`): K-AP-03.
//!
//! `one_verifier THREADS VERIFIERS ROUNDS`: each verifier is new, so that its tables are built and its memories fill while all
//! threads use it. Each thread begins with another scenario, and every report must be the one that a verifier of a single
//! thread gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use veriseal::crypto::SignatureCache;
use veriseal::policy::{Identity, StringMatch};
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{Authority, KeyAuthority, KeylessAuthority, Policy, PublicKey, Reference, Requirement, VerdictCache, Verifier};
use veriseal_testkit::scenario::{self, Scenario};

fn main() {
    let mut numbers =
        std::env::args().skip(1).map(|number| number.parse().expect("usage: one_verifier THREADS VERIFIERS ROUNDS"));
    let (threads, verifiers) = (numbers.next().unwrap_or(32), numbers.next().unwrap_or(4));
    let rounds: usize = numbers.next().unwrap_or(250);
    // Of one virtual Sigstore, and so that one policy asks for all.
    let scenarios: Vec<Scenario> = scenario::all().into_iter().filter(|scenario| scenario.attestation.is_none()).collect();
    let alone = verifier(&scenarios);
    let expected: Vec<(&Scenario, Reference, String)> = scenarios
        .iter()
        .map(|scenario| {
            let reference = scenario.reference().parse().expect("a reference");
            let report = report(&alone, scenario, &reference);
            (scenario, reference, report)
        })
        .collect();
    let mut hits = 0;
    for _ in 0..verifiers {
        // Small, so that what is remembered is also forgotten.
        let (verdicts, signatures) = (Arc::new(VerdictCache::new(8)), Arc::new(SignatureCache::new(16)));
        let shared = verifier(&scenarios).with_key_tables().with_signature_cache(&signatures);
        let shared = shared.with_verdict_cache(Arc::clone(&verdicts));
        let begin = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads)
                .map(|first: usize| {
                    let (shared, expected, begin) = (&shared, &expected, &begin);
                    scope.spawn(move || {
                        while !begin.load(Ordering::Acquire) {
                            std::thread::yield_now();
                        }
                        for (scenario, reference, expected) in expected.iter().cycle().skip(first).take(rounds) {
                            assert_eq!(&report(shared, scenario, reference), expected, "{}", scenario.name);
                        }
                    })
                })
                .collect();
            begin.store(true, Ordering::Release);
            all.into_iter().for_each(|thread| thread.join().expect("a report that a single thread gets"));
        });
        hits += verdicts.hits();
    }
    assert!(hits > 0, "nothing was remembered");
    println!("{threads} threads verified {rounds} times each on each of {verifiers} verifiers; {hits} verdicts from memory");
}

/// Trusts what the scenarios trust, and asks for the key or the identity of any of them.
fn verifier(scenarios: &[Scenario]) -> Verifier {
    let scenario = scenarios.first().expect("a scenario");
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let identity =
        Identity::new(exact(&scenario.identity.subject_text()), exact(&scenario.identity.issuer)).expect("an identity");
    let authorities = [
        Authority::Keyless(KeylessAuthority::new(vec![identity]).expect("an identity")),
        Authority::Key(KeyAuthority::new(PublicKey::from_pem(scenario.key_pem.as_bytes()).expect("a key"), "release")),
    ];
    let trust = TrustRoot::from_json(&scenario.trusted_root(), TrustRootOrigin::default()).expect("a trust root");
    let requirement = Requirement::Any(authorities.map(Requirement::signed_by).into());
    Verifier::new(trust, Policy::new(requirement).expect("a policy"))
}

fn report(verifier: &Verifier, scenario: &Scenario, reference: &Reference) -> String {
    match verifier.verify(reference, &scenario.store, scenario.now) {
        Ok(accepted) => accepted.report().to_json(),
        Err(not_accepted) => not_accepted.report().to_json(),
    }
}
