//! Every scenario through the verifier: the verdict and the reason are those that the scenario states.

#![allow(clippy::unwrap_used)]

#[path = "support/verifier.rs"]
mod support;

use support::report;
use veriseal_testkit::scenario;

#[test]
fn every_scenario_ends_as_it_states() {
    let mut wrong = Vec::new();
    for scenario in scenario::all() {
        for reference in [scenario.reference(), scenario.pinned()] {
            let report = report(&scenario, &reference);
            let found = (report.code(), report.candidate_codes());
            let reason = scenario.reason.is_none_or(|reason| found.1.contains(&reason));
            if found.0 != scenario.verdict || !reason {
                wrong.push(format!("{}: wanted {} {:?}, found {found:?}", scenario.name, scenario.verdict, scenario.reason));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
