//! How long a verification takes over loopback, and how many requests it makes:
//! `cargo run --release -p veriseal-registry --example registry-bench`.
//!
//! A registry inside this process serves an image signed by key (`.sig` tag), one signed keyless (a bundle as a referrer)
//! and a signed index of which one platform is asked for. *cold*: a client of its own for the measurement, with no
//! connection open; *warm*: a client that has verified the image before; *cached*: one that keeps digest-addressed content
//! too. Each by tag, alone and 64 at once. Prints a table in Markdown. Verifies every answer: a wrong one ends it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for developers, on what it makes itself")]

use std::time::{Duration, Instant};
use veriseal::policy::{Identity, StringMatch};
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{Authority, KeyAuthority, KeylessAuthority, Policy, PublicKey, Reference, Requirement, UnixTime, Verifier};
use veriseal_registry::{Cache, Registry};
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::scenario::{self, Scenario};

/// How often one is measured alone; the median is shown.
const ROUNDS: usize = 41;
/// How many at once, and how often that is measured.
const AT_ONCE: usize = 64;
const CROWDS: usize = 7;

/// What a client keeps from one call to the next.
#[derive(Clone, Copy)]
enum Client {
    Cold,
    Warm,
    Cached,
}

struct Subject {
    name: &'static str,
    verifier: Verifier,
    reference: Reference,
    now: UnixTime,
    server: HttpRegistry,
}

fn main() {
    let subjects = [
        subject("key-signed", scenario::key_signed(), "index"),
        subject("keyless bundle", scenario::keyless_bundle(), "index"),
        subject("keyless index, one platform", scenario::index_signed(), "linux/arm64"),
    ];
    println!(
        "| image | client | requests | one: median ms | one: fastest ms | {AT_ONCE} at once: ms each | {AT_ONCE} at once: a second |"
    );
    println!("|---|---|---|---|---|---|---|");
    for subject in &subjects {
        for (name, client) in [("cold", Client::Cold), ("warm", Client::Warm), ("cached", Client::Cached)] {
            row(subject, name, client);
        }
        judging(subject);
    }
}

fn subject(name: &'static str, scenario: Scenario, platforms: &str) -> Subject {
    let authority = match scenario.authority {
        scenario::Authority::Key => {
            Authority::Key(KeyAuthority::new(PublicKey::from_pem(scenario.key_pem.as_bytes()).unwrap(), "release"))
        }
        scenario::Authority::Keyless => {
            let exact = |text: &str| StringMatch::Exact(text.to_owned());
            let identity = Identity::new(exact(&scenario.identity.subject_text()), exact(&scenario.identity.issuer)).unwrap();
            Authority::Keyless(KeylessAuthority::new(vec![identity]).unwrap())
        }
    };
    let trust = TrustRoot::from_json(&scenario.trusted_root(), TrustRootOrigin::default()).unwrap();
    let policy = Policy::new(Requirement::signed_by(authority)).unwrap();
    let verifier = Verifier::new(trust, policy).with_key_tables().with_platforms(platforms.parse().unwrap());
    let (server, reference) = scenario.serve();
    Subject { name, verifier, reference: reference.parse().unwrap(), now: scenario.now, server }
}

fn client(subject: &Subject, client: Client) -> Registry {
    let builder = Registry::builder().allow_http(&subject.server.host());
    match client {
        Client::Cold | Client::Warm => builder.build().unwrap(),
        Client::Cached => builder.cache(Cache::memory(64 * 1024 * 1024)).build().unwrap(),
    }
}

/// One verification, and how long it took.
fn verify(subject: &Subject, registry: &Registry) -> Duration {
    let begun = Instant::now();
    let accepted = subject.verifier.verify(&subject.reference, &registry.call(), subject.now);
    let took = begun.elapsed();
    assert!(accepted.is_ok(), "{}: {:?}", subject.name, accepted.map_err(|refused| refused.to_string()));
    took
}

fn row(subject: &Subject, name: &str, kind: Client) {
    let kept = client(subject, kind);
    let warmed = |registry: &Registry| {
        if !matches!(kind, Client::Cold) {
            verify(subject, registry);
        }
    };
    warmed(&kept);
    subject.server.clear_requests();
    let mut alone: Vec<Duration> = (0..ROUNDS)
        .map(|_| match kind {
            Client::Cold => verify(subject, &client(subject, kind)),
            Client::Warm | Client::Cached => verify(subject, &kept),
        })
        .collect();
    let requests = subject.server.requests().len() / ROUNDS;
    alone.sort();
    let mut crowds: Vec<Duration> = (0..CROWDS)
        .map(|_| {
            let registry = client(subject, kind);
            warmed(&registry);
            let begun = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    scope.spawn(|| verify(subject, &registry));
                }
            });
            begun.elapsed()
        })
        .collect();
    crowds.sort();
    let crowd = crowds[CROWDS / 2].as_secs_f64();
    println!(
        "| {} | {name} | {requests} | {:.2} | {:.2} | {:.2} | {:.0} |",
        subject.name,
        alone[ROUNDS / 2].as_secs_f64() * 1e3,
        alone[0].as_secs_f64() * 1e3,
        crowd * 1e3 / AT_ONCE as f64,
        AT_ONCE as f64 / crowd
    );
}

/// The share of judging alone, over evidence that is at hand.
fn judging(subject: &Subject) {
    let registry = client(subject, Client::Warm);
    let evidence = subject.verifier.gather(&subject.reference, &registry.call()).unwrap();
    let image = evidence.subject();
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            assert!(subject.verifier.judge(&image.repository, image.digest(), &evidence, subject.now).is_ok());
            begun.elapsed()
        })
        .collect();
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("| {} | judging alone | 0 | {:.2} | {:.2} | | |", subject.name, ms(times[ROUNDS / 2]), ms(times[0]));
}
