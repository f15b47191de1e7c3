//! The 44 faults of the attack catalogue (§4.3), each by its number, over HTTP and over HTTPS, against a whole
//! verification: what code it ends with, and what it may take. docs/registry-faults.md says the same, and is compared.

mod body;
mod meaning;
mod network;
mod status;

use super::server::{Stream, head, reply};
use super::stand::{Ask, DEADLINE, Kind, Outcome, Stand};
use veriseal::code::Code;
use veriseal_testkit::scenario::Scenario;

/// When a fault has come to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// With its answer.
    AtOnce,
    /// With the minimum rate or the time to the first byte, which are not tried again.
    InTime,
}

/// One fault: what it ends with, and what it may take at most.
struct Row {
    number: usize,
    code: Code,
    requests: usize,
    kib: u64,
    ends: Ends,
}

const fn row(number: usize, code: Code, requests: usize, kib: u64, ends: Ends) -> Row {
    Row { number, code, requests, kib, ends }
}

/// Requests to the registry, authentication included; KiB of bodies that were read.
const FAULTS: [Row; 44] = [
    row(1, Code::Accepted, 12, 16, Ends::AtOnce),
    row(2, Code::Throttled, 2, 16, Ends::AtOnce),
    row(3, Code::Unavailable, 4, 16, Ends::AtOnce),
    row(4, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(5, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(6, Code::Accepted, 8, 32, Ends::AtOnce),
    row(7, Code::ImageNotFound, 2, 16, Ends::AtOnce),
    row(8, Code::Denied, 2, 16, Ends::AtOnce),
    row(9, Code::Denied, 2, 16, Ends::AtOnce),
    row(10, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(11, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(12, Code::MediaTypeMismatch, 2, 16, Ends::AtOnce),
    row(13, Code::Accepted, 5, 16, Ends::AtOnce),
    row(14, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(15, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(16, Code::Unavailable, 4, 16, Ends::AtOnce),
    row(17, Code::Accepted, 5, 16, Ends::AtOnce),
    row(18, Code::TooLarge, 2, 4096, Ends::AtOnce),
    row(19, Code::TooLarge, 2, 4096, Ends::AtOnce),
    row(20, Code::DeadlineExceeded, 2, 16, Ends::InTime),
    row(21, Code::DeadlineExceeded, 2, 16, Ends::InTime),
    row(22, Code::DeadlineExceeded, 2, 16, Ends::InTime),
    row(23, Code::Unavailable, 4, 16, Ends::AtOnce),
    row(24, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(25, Code::Unavailable, 4, 16, Ends::AtOnce),
    row(26, Code::DigestMismatch, 10, 16, Ends::AtOnce),
    row(27, Code::DigestMismatch, 2, 16, Ends::AtOnce),
    row(28, Code::SizeMismatch, 5, 16, Ends::AtOnce),
    row(29, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(30, Code::ResponseInvalid, 2, 16, Ends::AtOnce),
    row(31, Code::Accepted, 5, 16, Ends::AtOnce),
    row(32, Code::ManifestAmbiguous, 2, 16, Ends::AtOnce),
    row(33, Code::Accepted, 106, 4096, Ends::AtOnce),
    row(34, Code::CandidatesTruncated, 14, 64, Ends::AtOnce),
    row(35, Code::NoMatchingSignature, 5, 32, Ends::AtOnce),
    row(36, Code::Dangling, 5, 16, Ends::AtOnce),
    row(37, Code::DigestMismatch, 10, 16, Ends::AtOnce),
    row(38, Code::ManifestInvalid, 4, 16, Ends::AtOnce),
    row(39, Code::Accepted, 40, 256, Ends::AtOnce),
    row(40, Code::Accepted, 5, 4096, Ends::AtOnce),
    row(41, Code::RealmRefused, 1, 16, Ends::AtOnce),
    row(42, Code::RedirectRefused, 7, 16, Ends::AtOnce),
    row(43, Code::ResponseInvalid, 2, 64, Ends::AtOnce),
    row(44, Code::Unavailable, 1, 16, Ends::AtOnce),
];

/// Holds an outcome against the row of its fault.
fn hold(number: usize, outcome: &Outcome) {
    let row = &FAULTS[number - 1];
    let Outcome { report, elapsed, requests, bytes } = outcome;
    let took = format!("fault {number}: {} {}", report.code(), report.to_json());
    assert_eq!(report.code(), row.code, "{took}");
    assert!(*requests <= row.requests, "{requests} requests: {took}");
    // One read more than the bound shows that there is more.
    let one_read = if row.kib < 1024 { 8 * 1024 } else { 512 * 1024 };
    assert!(*bytes <= row.kib * 1024 + one_read, "{bytes} bytes: {took}");
    // Half a second is how long the caller waits beyond the deadline at most; the rest is for a busy machine.
    let limit = if row.ends == Ends::AtOnce { DEADLINE } else { DEADLINE + std::time::Duration::from_secs(1) };
    assert!(*elapsed < limit, "{elapsed:?}: {took}");
}

/// Verifies the scenario's image by its tag under a fault, over HTTP and over HTTPS.
fn by_tag(
    number: usize,
    scenario: impl Fn() -> Scenario,
    fault: impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + Clone + 'static,
) -> Vec<(Stand, Outcome)> {
    by(number, scenario, fault, Stand::by_tag)
}

/// The same by digest.
fn by_digest(
    number: usize,
    scenario: impl Fn() -> Scenario,
    fault: impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + Clone + 'static,
) -> Vec<(Stand, Outcome)> {
    by(number, scenario, fault, Stand::by_digest)
}

fn by(
    number: usize,
    scenario: impl Fn() -> Scenario,
    fault: impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + Clone + 'static,
    reference: impl Fn(&Stand) -> String,
) -> Vec<(Stand, Outcome)> {
    let outcomes = [false, true].map(|with_tls| {
        let stand = Stand::start(with_tls, scenario(), fault.clone());
        let outcome = stand.verify(&reference(&stand));
        hold(number, &outcome);
        (stand, outcome)
    });
    outcomes.into()
}

/// Answers every authorised request of a kind with these bytes.
fn at(kind: Kind, answer: Vec<u8>) -> impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + Clone + 'static {
    move |ask, stream| {
        let decides = ask.kind == kind && ask.authorized;
        if decides {
            let _ = stream.write_all(&answer);
        }
        decides
    }
}

/// The table of the documentation is the table of the tests.
#[test]
fn the_documented_faults_are_those_that_are_tested() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/registry-faults.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells[0].parse::<usize>().is_ok())
        .collect();
    assert_eq!(rows.len(), FAULTS.len());
    for (cells, row) in rows.iter().zip(&FAULTS) {
        let ends = if row.ends == Ends::AtOnce { "at once" } else { "10 s" };
        let expected =
            [row.number.to_string(), row.code.to_string(), row.requests.to_string(), row.kib.to_string(), ends.to_owned()];
        assert_eq!([cells[0], cells[2], cells[3], cells[4], cells[5]], expected.each_ref().map(String::as_str));
    }
    let sources = [
        include_str!("faults/status.rs"),
        include_str!("faults/body.rs"),
        include_str!("faults/meaning.rs"),
        include_str!("faults/network.rs"),
    ];
    for row in &FAULTS {
        let name = format!("fn fault_{:02}_", row.number);
        assert_eq!(sources.iter().map(|source| source.matches(&name).count()).sum::<usize>(), 1, "{name}");
    }
}
