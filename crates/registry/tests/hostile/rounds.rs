//! How many requests a verification takes, and how many round trips: the server holds back the answers of a round until
//! all of its requests are there, so that a client that asks them one after the other never gets one.

use super::server::{Seen, Server, reply};
use super::stand::{truth, verifier};
use super::*;
use std::sync::{Condvar, Mutex};
use veriseal::Report;
use veriseal_testkit::scenario::{REPOSITORY, Scenario, TAG, key_signed, keyless_bundle, keyless_bundle_at_fallback_tag};

/// So long a round waits for its requests; only a client that breaks the rule ever takes it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves a scenario in rounds of given sizes.
struct Rounds {
    server: Server,
    scenario: Scenario,
}

impl Rounds {
    fn serve(scenario: Scenario, sizes: &'static [usize]) -> Self {
        let store = scenario.store.clone();
        let arrived = (Mutex::new(0_usize), Condvar::new());
        let server = Server::start(move |seen, _| {
            let (count, changed) = &arrived;
            let mut count = count.lock().unwrap();
            *count += 1;
            let own = *count;
            changed.notify_all();
            // All requests up to the end of this one's round must have come.
            let due = sizes.iter().scan(0, |sum, size| Some(std::mem::replace(sum, *sum + size) + size)).find(|end| *end >= own);
            let Some(due) = due else { return reply(500, &[], b"one request too many") };
            let (count, waited) = changed.wait_timeout_while(count, PATIENCE, |count| *count < due).unwrap();
            drop(count);
            if waited.timed_out() { reply(403, &[], b"a request is missing in this round") } else { truth(&store, seen) }
        });
        Self { server, scenario }
    }

    fn by_tag(&self) -> String {
        format!("{}/{REPOSITORY}:{TAG}", self.server.name())
    }

    fn by_digest(&self) -> String {
        format!("{}/{REPOSITORY}@{}", self.server.name(), self.scenario.image.digest)
    }

    fn verify(&self, reference: &str) -> Report {
        let registry = builder(&[&self.server]).deadline(3 * PATIENCE).build().unwrap();
        self.report(verifier(&self.scenario).verify(&reference.parse().unwrap(), &registry, self.scenario.now))
    }

    async fn verify_async(&self, reference: &str) -> Report {
        let call = builder(&[&self.server]).deadline(3 * PATIENCE).build().unwrap().call();
        self.report(verifier(&self.scenario).verify_async(&reference.parse().unwrap(), &call, self.scenario.now).await)
    }

    fn report(&self, outcome: Result<veriseal::Accepted, veriseal::NotAccepted>) -> Report {
        outcome.unwrap_or_else(|refused| panic!("{}: {:?}", refused.report().to_json(), self.server.seen())).report().clone()
    }
}

/// The image, `.sig` and referrers together, and then the payload.
#[test]
fn a_signature_takes_four_requests_in_two_rounds_by_digest_and_three_by_tag() {
    let rounds = Rounds::serve(key_signed(), &[3, 1]);
    rounds.verify(&rounds.by_digest());
    assert_eq!(rounds.server.seen().len(), 4);
    let rounds = Rounds::serve(key_signed(), &[1, 2, 1]);
    rounds.verify(&rounds.by_tag());
    assert_eq!(rounds.server.seen().len(), 4);
}

#[test]
fn a_bundle_takes_five_requests_in_three_rounds_by_digest_and_four_by_tag() {
    let rounds = Rounds::serve(keyless_bundle(), &[3, 1, 1]);
    rounds.verify(&rounds.by_digest());
    assert_eq!(rounds.server.seen().len(), 5);
    let rounds = Rounds::serve(keyless_bundle(), &[1, 2, 1, 1]);
    rounds.verify(&rounds.by_tag());
    assert_eq!(rounds.server.seen().len(), 5);
}

/// A registry without the referrers API costs one request and one round more.
#[test]
fn a_bundle_at_the_fallback_tag_takes_six_requests() {
    let rounds = Rounds::serve(keyless_bundle_at_fallback_tag(), &[1, 2, 1, 1, 1]);
    rounds.verify(&rounds.by_tag());
    assert_eq!(rounds.server.seen().len(), 6);
}

#[tokio::test]
async fn an_awaiting_call_takes_the_same_rounds() {
    let rounds = Rounds::serve(keyless_bundle(), &[3, 1, 1]);
    rounds.verify_async(&rounds.by_digest()).await;
    let rounds = Rounds::serve(key_signed(), &[1, 2, 1]);
    rounds.verify_async(&rounds.by_tag()).await;
    assert_eq!(rounds.server.seen().len(), 4);
}

fn with_token(scenario: &Scenario, answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let store = scenario.store.clone();
    Server::start(move |seen, _| match (seen.target.starts_with("/token"), seen.authorization()) {
        (true, _) => answer(seen),
        (false, Some("Bearer good")) => truth(&store, seen),
        _ => {
            let realm = format!(r#"Bearer realm="http://{}/token""#, seen.header("host").unwrap());
            reply(401, &[("WWW-Authenticate", &realm)], b"")
        }
    })
}

/// Requests that meet the challenge together wait for one token, and go on together.
#[test]
fn one_token_serves_all_requests_that_were_under_way() {
    let scenario = keyless_bundle();
    let server = with_token(&scenario, |_| {
        std::thread::sleep(Duration::from_millis(50));
        reply(200, &[], br#"{"token":"good"}"#)
    });
    let registry = victim(&[&server], &server.name()).build().unwrap();
    let reference = format!("{}/{REPOSITORY}@{}", server.name(), scenario.image.digest).parse().unwrap();
    assert!(verifier(&scenario).verify(&reference, &registry, scenario.now).is_ok());
    let tokens = server.seen().iter().filter(|seen| seen.target.starts_with("/token")).count();
    assert_eq!(tokens, 1);
    // Three met the challenge; five were answered.
    assert_eq!(server.seen().len(), 1 + 3 + 5);
}

/// The bound is of the call: every request, try and challenge counts.
#[test]
fn a_call_sends_at_most_256_requests() {
    let mut scenario = keyless_bundle();
    for n in 0..300_u32 {
        let mut entry = veriseal_testkit::image::descriptor(MANIFEST, &Digest::sha256(&n.to_be_bytes()), 500);
        entry["artifactType"] = serde_json::json!(veriseal_testkit::store::BUNDLE);
        scenario.store.referrers.get_mut(&scenario.image.digest).unwrap().push(entry);
    }
    let store = scenario.store.clone();
    // Each listed manifest fails in a way that may pass: three tries each would be 300 requests.
    let server = Server::start(move |seen, _| {
        let is_referrer = seen.target.contains("/manifests/sha256:");
        if is_referrer { reply(503, &[], b"") } else { truth(&store, seen) }
    });
    let registry = builder(&[&server]).build().unwrap();
    let reference = format!("{}/{REPOSITORY}:{TAG}", server.name()).parse().unwrap();
    let report = verifier(&scenario).verify(&reference, &registry, scenario.now).unwrap_err().report().clone();
    assert_eq!(server.seen().len(), 256);
    assert_eq!(report.verdict(), veriseal::Verdict::Undecided, "{}", report.to_json());
    assert!(report.candidate_codes().contains(&Code::RequestsExhausted), "{}", report.to_json());
}

/// Dropping the future stops the requests, and what comes after it is as if it had never been.
#[tokio::test]
async fn a_dropped_verification_stops_its_requests_and_leaves_nothing_behind() {
    let scenario = keyless_bundle();
    let (store, hold) = (scenario.store.clone(), std::sync::Arc::new((Mutex::new(true), Condvar::new())));
    let held = std::sync::Arc::clone(&hold);
    let server = Server::start(move |seen, _| {
        let (holding, changed) = &*held;
        drop(changed.wait_timeout_while(holding.lock().unwrap(), PATIENCE, |holding| *holding).unwrap());
        truth(&store, seen)
    });
    let registry = builder(&[&server]).deadline(3 * PATIENCE).build().unwrap();
    let reference: Reference = format!("{}/{REPOSITORY}@{}", server.name(), scenario.image.digest).parse().unwrap();
    let (verifier, call) = (verifier(&scenario), registry.call());
    let verifying = verifier.verify_async(&reference, &call, scenario.now);
    let all_asked = async {
        while server.seen().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = verifying => panic!("nothing was answered yet"),
        () = all_asked => {}
    }
    *hold.0.lock().unwrap() = false;
    hold.1.notify_all();
    // The same call goes on as a new one would: five requests of its own, and nothing of the three.
    let accepted = verifier.verify_async(&reference, &call, scenario.now).await;
    assert!(accepted.is_ok());
    assert_eq!(server.seen().len(), 3 + 5);
}

/// 64 verifications at a time share one client.
#[test]
fn many_verifications_at_once_are_each_as_alone() {
    let scenario = keyless_bundle();
    let store = scenario.store.clone();
    let server = Server::start(move |seen, _| truth(&store, seen));
    let registry = builder(&[&server]).deadline(Duration::from_secs(30)).build().unwrap();
    let reference: Reference = format!("{}/{REPOSITORY}:{TAG}", server.name()).parse().unwrap();
    let verifier = verifier(&scenario);
    std::thread::scope(|threads| {
        let calls: Vec<_> =
            (0..64).map(|_| threads.spawn(|| verifier.verify(&reference, &registry, scenario.now).is_ok())).collect();
        assert!(calls.into_iter().all(|call| call.join().unwrap()));
    });
    assert_eq!(server.seen().len(), 64 * 5);
}
