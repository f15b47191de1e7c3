//! A verifier with a memory, over every scenario and at many times: its reports are those of one without.

#![allow(clippy::unwrap_used)]

#[path = "support/verifier.rs"]
mod support;

use std::sync::Arc;
use support::verifier;
use veriseal::{Code, Reference, Report, UnixTime, VerdictCache, Verifier};
use veriseal_testkit::scenario::{self, Scenario};

/// Seconds from the scenario's own time: at once again, later, earlier, and when trust roots have grown old.
const MOMENTS: [i64; 8] = [0, 0, 1, 86_400, -86_400, -400 * 86_400, 400 * 86_400, 0];

fn report(verifier: &Verifier, scenario: &Scenario, reference: &str, now: UnixTime) -> Report {
    let reference: Reference = reference.parse().unwrap();
    match verifier.verify(&reference, &scenario.store, now) {
        Ok(accepted) => accepted.report().clone(),
        Err(not_accepted) => not_accepted.report().clone(),
    }
}

#[test]
fn a_memory_never_changes_a_report() {
    let cache = Arc::new(VerdictCache::new(1024));
    let (mut accepted, mut scenarios) = (0, 0);
    for scenario in scenario::all() {
        scenarios += 1;
        let plain = verifier(&scenario);
        let remembering = plain.clone().with_verdict_cache(Arc::clone(&cache));
        for reference in [scenario.reference(), scenario.pinned()] {
            for seconds in MOMENTS {
                let now = scenario.now.saturating_add_seconds(seconds);
                let fresh = report(&plain, &scenario, &reference, now);
                let found = report(&remembering, &scenario, &reference, now);
                assert_eq!(found.to_json(), fresh.to_json(), "{} {reference} {seconds}", scenario.name);
                accepted += u64::from(fresh.code() == Code::Accepted);
            }
        }
    }
    assert!(scenarios > 30 && accepted > 100, "{accepted} acceptances of {scenarios} scenarios");
    // Whatever holds at the scenario's own time is verified once and then remembered; earlier and later bring some more.
    assert!(cache.hits() * 2 > accepted, "{} of {accepted} from memory", cache.hits());
}
