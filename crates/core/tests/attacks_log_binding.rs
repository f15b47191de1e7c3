//! Attacks that pass off a log entry of something else: K-TL-01 to K-TL-05, K-TL-10, K-TL-15 and K-TL-17.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod kit;

use kit::{ARTIFACT, Case, VERSIONS};
use veriseal::Code;

#[test]
fn smoke() {
    for mut case in [Case::key(), Case::keyless()] {
        for (name, bundle) in case.both() {
            for version in VERSIONS {
                let report = case.report(&bundle.clone().version(version));
                assert_eq!(report.code(), Code::Accepted, "{name} {version:?} {}", report.to_json());
            }
        }
    }
    let _ = ARTIFACT;
}
