//! When an acceptance ends by itself.

use crate::kit::{SLSA, World, attest, provenance, report};
use serde_json::{Value, json};
use veriseal::{Code, Reference, UnixTime};
use veriseal_policy::record;
use veriseal_testkit::scenario::Scenario;
use veriseal_testkit::{Bundle, ImageBuilder};

const DAY: i64 = 86_400;

/// Signed by the keys release and security without log or time, by the key third with both, with provenance by the
/// identity.
fn world() -> World {
    let mut scenario = Scenario::new("horizon");
    for name in ["release", "security"] {
        let signer = veriseal_testkit::Signer::key(scenario.sigstore.key(name));
        let bundle = Bundle::image(&scenario.image.digest, &signer);
        scenario.store.attach_bundle(&scenario.image, &bundle);
    }
    let third = veriseal_testkit::Signer::key(scenario.sigstore.key("third"));
    let bundle = scenario.bundle(&third);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    let signer = scenario.keyless_signer();
    attest(&mut scenario, &signer, provenance());
    World::of(scenario)
}

/// A key that is good for so many days from the present on.
fn key(world: &World, name: &str, days: i64, tlog: &str) -> Value {
    let end = world.scenario.now.saturating_add_seconds(days * DAY).to_string();
    json!({ "signature": { "key": { "file": format!("{name}.pub"), "trust": "test", "notAfter": end }, "tlog": tlog } })
}

fn attested(world: &World, more: &Value) -> Value {
    let mut leaf = json!({ "predicateType": SLSA, "keyless": {
        "trust": "test", "issuer": world.scenario.identity.issuer, "identity": world.scenario.identity.subject_text(),
    } });
    leaf.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "attestation": leaf })
}

/// The horizon of a policy, shown to be exact: accepted a second before, not accepted at it. Where there is none the
/// acceptance holds in fifty years.
fn horizon(world: &mut World, policy: &Value) -> Option<(i64, Code)> {
    let policy = world.load(policy).unwrap();
    let now = world.scenario.now;
    let accepted = world.verify(&policy).unwrap_or_else(|error| panic!("{error}"));
    let found = accepted.report().horizon().map(|(from, why)| (from, why.code()));
    let mut at = |moment: UnixTime| {
        world.scenario.now = moment;
        world.verify(&policy)
    };
    match found {
        Some((from, _)) => {
            assert!(at(from.saturating_add_seconds(-1)).is_ok(), "ended before {from}");
            let outcome = at(from);
            assert!(outcome.is_err(), "holds at {from}");
            assert_eq!(report(&outcome).horizon(), None);
        }
        None => assert!(at(now.saturating_add_seconds(50 * 365 * DAY)).is_ok()),
    }
    world.scenario.now = now;
    found.map(|(from, code)| (from.seconds() - now.seconds(), code))
}

#[test]
fn a_key_without_authenticated_time_ends_an_acceptance_with_its_window() {
    let mut world = world();
    let ends = key(&world, "release", 10, "ignored");
    assert_eq!(horizon(&mut world, &world_policy(&ends)), Some((10 * DAY + 1, Code::KeyOutsideWindow)));
    // With an authenticated time the window is held against that, and nothing ends.
    let timed = key(&world, "third", 10, "required");
    assert_eq!(horizon(&mut world, &world_policy(&timed)), None);
    let open = json!({ "signature": { "key": { "file": "release.pub", "trust": "test" }, "tlog": "ignored" } });
    assert_eq!(horizon(&mut world, &world_policy(&open)), None);
}

fn world_policy(node: &Value) -> Value {
    json!({
        "apiVersion": "veriseal/v1",
        "trust": { "test": { "trustedRoot": "root.json" } },
        "images": [{ "match": ["**"], "require": node }],
    })
}

#[test]
fn an_attestation_ends_an_acceptance_with_its_age() {
    let mut world = world();
    // It was made a day ago.
    for (more, from) in [
        (json!({ "maxAge": "90d" }), Some((89 * DAY + 1, Code::AttestationTooOld))),
        (json!({ "maxAge": "90d", "newest": true }), Some((89 * DAY + 1, Code::AttestationTooOld))),
        (json!({ "maxAge": "25h", "all": true }), Some((3600 + 1, Code::AttestationTooOld))),
        (json!({ "newest": true }), None),
        (json!({}), None),
    ] {
        let node = attested(&world, &more);
        assert_eq!(horizon(&mut world, &world_policy(&node)), from, "{more}");
    }
}

/// The whole tree ends when too little of it is left, and not when the first of it does.
#[test]
fn the_horizon_is_that_of_the_requirement_and_not_of_a_leaf() {
    let mut world = world();
    let soon = key(&world, "release", 10, "ignored");
    let late = key(&world, "security", 20, "ignored");
    let never = key(&world, "third", 5, "required");
    let aged = attested(&world, &json!({ "maxAge": "16d" }));
    let all = |of: &[&Value]| json!({ "all": of });
    let any = |of: &[&Value]| json!({ "any": of });
    let least = |count: usize, of: &[&Value]| json!({ "atLeast": count, "of": of });
    let key_ends = |days: i64| Some((days * DAY + 1, Code::KeyOutsideWindow));
    for (node, from) in [
        (all(&[&soon, &late, &never]), key_ends(10)),
        (any(&[&soon, &late]), key_ends(20)),
        (any(&[&soon, &never]), None),
        (least(2, &[&soon, &late, &never]), key_ends(20)),
        (least(3, &[&soon, &late, &never]), key_ends(10)),
        (least(1, &[&soon, &late, &never]), None),
        (all(&[&late, &aged]), Some((15 * DAY + 1, Code::AttestationTooOld))),
        (all(&[&any(&[&soon, &aged]), &late]), Some((15 * DAY + 1, Code::AttestationTooOld))),
        (least(2, &[&any(&[&soon, &late]), &any(&[&soon, &never])]), key_ends(20)),
    ] {
        assert_eq!(horizon(&mut world, &world_policy(&node)), from, "{node}");
    }
}

/// An index whose own signature ends is still accepted for its platforms, where each is signed: the horizon is that of the
/// verdict, not of the first way to it.
#[test]
fn the_horizon_of_an_index_is_that_of_all_ways_to_accept_it() {
    let world_of = |signed: &[(usize, &str)]| {
        let mut scenario = Scenario::new("horizon");
        scenario.image = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut scenario.store, "v1");
        let index: Value = serde_json::from_slice(&scenario.store.manifests[&scenario.image.digest].bytes).unwrap();
        for (at, key) in signed {
            let digest = match at {
                0 => scenario.image.digest,
                number => index["manifests"][number - 1]["digest"].as_str().unwrap().parse().unwrap(),
            };
            let signer = veriseal_testkit::Signer::key(scenario.sigstore.key(key));
            let image = veriseal_testkit::Image { digest, ..scenario.image.clone() };
            scenario.store.attach_bundle(&image, &Bundle::image(&digest, &signer));
        }
        World::of(scenario)
    };
    let ask = |signed: &[(usize, &str)]| {
        let mut world = world_of(signed);
        let node = json!({ "any": [key(&world, "release", 10, "ignored"), key(&world, "security", 20, "ignored")] });
        let mut policy = world_policy(&node);
        policy["images"][0]["platforms"] = json!("all");
        horizon(&mut world, &policy)
    };
    let ends = |days: i64| Some((days * DAY + 1, Code::KeyOutsideWindow));
    assert_eq!(ask(&[(0, "release")]), ends(10));
    assert_eq!(ask(&[(1, "release"), (2, "security")]), ends(10));
    assert_eq!(ask(&[(0, "release"), (1, "security"), (2, "security")]), ends(20));
    assert_eq!(ask(&[(0, "security"), (1, "release"), (2, "release")]), ends(20));
    assert_eq!(ask(&[(0, "release"), (1, "security"), (2, "release")]), ends(10));
}

#[test]
fn an_exception_ends_with_its_day() {
    let mut world = world();
    let until = world.scenario.now.saturating_add_seconds(3 * DAY).to_string();
    let allow =
        json!({ "digests": [world.scenario.image.digest.to_string()], "reason": "ticket 42", "until": until.split('T').next() });
    let policy = json!({ "apiVersion": "veriseal/v1", "images": [{ "match": ["**"], "allow": allow }] });
    // The present is at noon.
    assert_eq!(horizon(&mut world, &policy), Some((3 * DAY + DAY / 2, Code::ExceptionExpired)));
}

/// Certificates, logs and authorities are held against authenticated times: none of their windows ends an acceptance.
#[test]
fn no_window_of_a_trust_root_ends_an_acceptance() {
    let mut world = World::new();
    let mut policy = world.policy();
    policy["images"][0]["require"]["all"][3]["attestation"].as_object_mut().unwrap().remove("maxAge");
    assert_eq!(horizon(&mut world, &policy), None);
}

/// Report and record say it, the text in words.
#[test]
fn a_horizon_is_shown_everywhere() {
    let world = world();
    let node = key(&world, "release", 10, "ignored");
    let policy = world.load(&world_policy(&node)).unwrap();
    let outcome = world.verify(&policy);
    let from = world.scenario.now.saturating_add_seconds(10 * DAY + 1).to_string();
    let json: Value = serde_json::from_str(&report(&outcome).to_json()).unwrap();
    assert_eq!((&json["horizon"]["from"], &json["horizon"]["reason"]["code"]), (&json!(from), &json!("KEY_OUTSIDE_WINDOW")));
    let text = report(&outcome).to_text(veriseal::report::Style::Plain);
    assert!(text.contains(&format!("no longer from {from}: ")), "{text}");
    let asked: Reference = world.scenario.reference().parse().unwrap();
    let line: Value = serde_json::from_str(&record(&policy, &asked, &outcome)).unwrap();
    assert_eq!(line["horizon"], json["horizon"]);
}
