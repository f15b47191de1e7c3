//! lint, explain, diff and test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod kit;

use kit::World;
use serde_json::{Value, json};
use veriseal::gather::Evidence;
use veriseal::{Code, Failure, Reference, UnixTime};
use veriseal_policy::{Cases, Format, Level, PolicyFile};
use veriseal_testkit::SigningKey;
use veriseal_testkit::{KeyKind, Seed, scenario};

fn names(policy: &PolicyFile, now: UnixTime, level: Level) -> Vec<&'static str> {
    policy.lint(now).findings.iter().filter(|finding| finding.level == level).map(|finding| finding.name).collect()
}

/// What lint says about one leaf under a rule that is clean otherwise.
fn leaf(leaf: Value) -> Vec<&'static str> {
    let mut world = World::new();
    let weak = SigningKey::new(KeyKind::Rsa2048, &Seed::new(3));
    world.files.insert("weak.pub".to_owned(), weak.public_pem().into_bytes());
    let policy = world.load(&world.requiring(&json!({ "signature": leaf }))).unwrap();
    names(&policy, world.scenario.now, Level::Warning)
}

fn keyless(issuer: Value, identity: Value) -> Value {
    json!({ "keyless": { "trust": "test", "issuer": issuer, "identity": identity, "subjectKind": "uri" } })
}

#[test]
fn a_clean_policy_has_no_warning() {
    let world = World::new();
    let mut policy = world.policy();
    policy["images"][0]["require"]["all"][3]["attestation"]["newest"] = json!(false);
    let policy = world.load(&policy).unwrap();
    let lint = policy.lint(world.scenario.now);
    assert_eq!((lint.status(), names(&policy, world.scenario.now, Level::Warning)), (0, vec![]), "{}", lint.to_text());
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    const GITHUB: &str = "https://token.actions.githubusercontent.com";
    let key = |more: Value| {
        let mut leaf = json!({ "key": { "file": "release.pub", "trust": "test" } });
        leaf.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        leaf
    };
    assert_eq!(leaf(key(json!({}))), Vec::<&str>::new());
    assert_eq!(leaf(key(json!({ "tlog": "if-present" }))), ["TLOG_IF_PRESENT"]);
    assert_eq!(leaf(key(json!({ "tlog": "ignored" }))), ["TLOG_IGNORED"]);
    assert_eq!(leaf(json!({ "key": { "file": "weak.pub", "trust": "test" } })), ["WEAK_KEY"]);
    assert_eq!(
        leaf(json!({ "key": { "file": "release.pub", "trust": "test", "notAfter": "2020-01-01T00:00:00Z" } })),
        ["KEY_ENDED"]
    );
    let good = json!("https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main");
    assert_eq!(leaf(keyless(json!(GITHUB), good.clone())), Vec::<&str>::new());
    assert_eq!(leaf(keyless(json!({ "regex": "https://.*" }), good)), ["ISSUER_PATTERN"]);
    assert_eq!(leaf(keyless(json!(GITHUB), json!({ "glob": "https://github.com/**" }))), ["ANYONE"]);
    assert_eq!(leaf(keyless(json!(GITHUB), json!({ "regex": r"https://github\.com/.*" }))), ["ANYONE"]);
    assert_eq!(leaf(keyless(json!(GITHUB), json!({ "glob": "https://github.com/acme/**" }))), ["PULL_REQUESTS"]);
    assert_eq!(leaf(keyless(json!(GITHUB), json!({ "regex": r"https://github\.com/acme/.*" }))), ["PULL_REQUESTS"]);
    assert_eq!(
        leaf(keyless(json!(GITHUB), json!({ "glob": "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*" }))),
        Vec::<&str>::new()
    );
    assert_eq!(leaf(keyless(json!("https://i.example"), json!({ "regex": ".*/acme/app" }))), ["UNANCHORED"]);
    assert_eq!(leaf(keyless(json!("https://i.example"), json!({ "glob": "**/acme/app" }))), ["UNANCHORED"]);
    assert_eq!(leaf(keyless(json!("https://i.example"), json!({ "regex": "https://git.example/acme/app" }))), ["OPEN_DOT"]);
    assert_eq!(leaf(keyless(json!("https://i.example"), json!({ "glob": "https://*/acme/app" }))), ["OPEN_HOST"]);
}

/// What a policy about age and order cannot promise, and a root that nobody trusts.
#[test]
fn order_age_and_unused_roots_are_warned_of() {
    let world = World::new();
    let by = |who: Value, more: Value| {
        let mut attestation = json!({ "predicateType": kit::SLSA });
        attestation.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        attestation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let policy = world.load(&world.requiring(&json!({ "attestation": attestation }))).unwrap();
        names(&policy, world.scenario.now, Level::Warning)
    };
    let identity = || keyless(json!("https://i.example"), json!("https://git.example/acme/app"));
    let key = || json!({ "key": { "file": "release.pub", "trust": "test" } });
    assert_eq!(by(identity(), json!({ "maxAge": "90d" })), Vec::<&str>::new());
    assert_eq!(by(identity(), json!({ "newest": true })), ["WITHHOLDING"]);
    assert_eq!(by(identity(), json!({ "all": true })), ["WITHHOLDING"]);
    assert_eq!(by(key(), json!({ "maxAge": "90d" })), ["AGE_BY_KEY"]);
    assert_eq!(by(key(), json!({ "newest": true })), ["WITHHOLDING", "AGE_BY_KEY"]);
    assert_eq!(by(identity(), json!({ "where": { "/a": { "regex": ".*/acme/app" } } })), ["UNANCHORED"]);
    assert_eq!(by(identity(), json!({ "where": { "/a": { "contains": { "glob": "**/acme" } } } })), ["UNANCHORED"]);
    assert_eq!(by(identity(), json!({ "where": { "/a": { "regex": ".*" }, "/b": { "glob": "acme/**" } } })), Vec::<&str>::new());
    let silent = json!({ "predicateType": kit::SLSA, "key": { "file": "release.pub", "trust": "test" } });
    let silent = world.load(&world.requiring(&json!({ "attestation": silent }))).unwrap();
    assert_eq!(names(&silent, world.scenario.now, Level::Note), ["TAGS", "ANY_PREDICATE"]);
    let mut policy = world.policy();
    policy["images"][0]["require"] = world.key("release");
    policy["trust"]["spare"] = json!({ "trustedRoot": "root.json" });
    let policy = world.load(&policy).unwrap();
    let lint = policy.lint(world.scenario.now);
    let unused: Vec<_> = lint.findings.iter().filter(|finding| finding.name == "UNUSED_TRUST_ROOT").collect();
    assert_eq!(unused.iter().map(|finding| finding.field.as_str()).collect::<Vec<_>>(), ["trust.spare"]);
    assert!(unused[0].position.line > 1, "{}", lint.to_text());
}

#[test]
fn rules_and_modes_are_looked_at_too() {
    let world = World::new();
    let digest = world.scenario.image.digest.to_string();
    let policy = json!({
        "apiVersion": "veriseal/v1",
        "mode": "warn",
        "trust": { "test": { "trustedRoot": "root.json" } },
        "images": [
            { "match": ["ghcr.io/x"], "allow": { "digests": [digest], "reason": "r", "until": "2020-01-01" } },
            { "match": ["**/app"], "require": world.key("release") },
        ],
    });
    let policy = world.load(&policy).unwrap();
    assert_eq!(names(&policy, world.scenario.now, Level::Warning), ["NOT_ENFORCED", "EXPIRED", "ANY_REGISTRY"]);
    assert_eq!(names(&policy, world.scenario.now, Level::Note), ["TAGS"]);
    let lint = policy.lint(world.scenario.now);
    assert_eq!(lint.status(), 1);
    assert!(lint.findings.iter().skip(1).all(|finding| finding.position.line > 1), "{}", lint.to_text());
}

#[test]
fn an_explanation_names_the_rule_its_pattern_and_what_was_passed_over() {
    let world = World::new();
    let mut policy = world.policy();
    policy["images"].as_array_mut().unwrap().push(json!({ "match": ["**"], "deny": { "reason": "elsewhere" } }));
    let policy = world.load(&policy).unwrap();
    let explained = policy.explain(&world.scenario.reference().parse().unwrap());
    assert_eq!(explained.rule.as_deref(), Some("images[0]"));
    assert_eq!(explained.pattern.as_deref(), Some("registry.testkit.example/acme/*"));
    assert_eq!(explained.passed_over, [("images[1]".to_owned(), "**".to_owned())]);
    assert_eq!(explained.action, "require");
    let text = explained.to_text();
    for word in [
        "where /verifiedLevels is a list with SLSA_BUILD_LEVEL_3",
        "at most 90d old",
        "tlog required",
        ", the newest",
        "with sourceRepositoryVisibilityAtSigning public and O=Acme and OU=build and policy 1.3.6.1.4.1.99999.1",
    ] {
        assert!(text.contains(word), "{text}");
    }
    for word in ["all of 4", "a signature by keyless", "an attestation https://slsa.dev/provenance/v1", "by key release.pub"] {
        assert!(text.contains(word), "{text}");
    }
    let other = policy.explain(&"ghcr.io/acme/app".parse().unwrap());
    assert_eq!((other.action, other.asks), ("deny", vec!["denied: elsewhere".to_owned()]));
}

#[test]
fn a_difference_shows_only_images_for_which_something_changes() {
    let world = World::new();
    let before = world.policy();
    let mut after = before.clone();
    after["images"][0]["require"] = world.key("release");
    let images: Vec<Reference> =
        ["registry.testkit.example/acme/app", "ghcr.io/x/y"].iter().map(|text| text.parse().unwrap()).collect();
    let (before, after) = (world.load(&before).unwrap(), world.load(&after).unwrap());
    assert!(before.difference(&before, &images).is_empty());
    let difference = before.difference(&after, &images);
    assert_eq!(difference.compared, 2);
    let changed: Vec<_> = difference.changes.iter().map(|change| change.image.as_str()).collect();
    assert_eq!(changed, ["registry.testkit.example/acme/app:latest"]);
    assert!(difference.to_text().contains("1 of 2 images change"), "{}", difference.to_text());
}

/// Moving a rule, renaming a pattern or a file changes nothing for an image.
#[test]
fn what_only_moves_is_no_difference() {
    let mut world = World::new();
    world.files.insert("copy.pub".to_owned(), world.files["release.pub"].clone());
    let images: Vec<Reference> = vec!["registry.testkit.example/acme/app".parse().unwrap()];
    let mut before = world.requiring(&world.key("release"));
    let mut after = world.requiring(&world.key("copy"));
    before["images"][0]["match"] = json!(["registry.testkit.example/**"]);
    after["images"][0]["match"] = json!(["registry.testkit.example/acme/*"]);
    assert!(world.load(&before).unwrap().difference(&world.load(&after).unwrap(), &images).is_empty());
    before["mode"] = json!("audit");
    assert!(!world.load(&before).unwrap().difference(&world.load(&after).unwrap(), &images).is_empty());
}

#[test]
fn cases_are_judged_over_their_evidence() {
    let world = World::of(scenario::key_signed_bundle());
    let mut policy = world.requiring(&world.key("release"));
    policy["images"][0]["match"] = json!(["registry.testkit.example/**"]);
    let policy = world.load(&policy).unwrap();
    let reference: Reference = world.scenario.reference().parse().unwrap();
    let evidence = policy.verifier_for(&reference).unwrap().gather(&reference, &world.scenario.store).unwrap();
    let case = |expect: &str, code: &str| {
        format!(
            "apiVersion: veriseal.test/v1\npolicy: p.yaml\ncases:\n  - name: a release\n    image: {}\n    evidence: e\n    \
             time: {}\n    expect: {expect}\n    code: {code}\n  - name: elsewhere\n    image: ghcr.io/x/y\n    \
             time: {}\n    expect: rejected\n    code: NO_RULE\n",
            world.scenario.pinned(),
            world.scenario.now,
            world.scenario.now
        )
    };
    let run = |text: &str| {
        let cases = Cases::parse(text.as_bytes(), Format::Yaml, "cases.yaml").unwrap();
        assert_eq!(cases.policy(), "p.yaml");
        let mut open = |path: &str| -> Result<Evidence, Failure> {
            assert_eq!(path, "e");
            Ok(evidence.clone())
        };
        let results = cases.run(&policy, &mut open).unwrap();
        results.iter().map(|result| result.passed).collect::<Vec<_>>()
    };
    assert_eq!(run(&case("accepted", "ACCEPTED")), [true, true]);
    assert_eq!(run(&case("rejected", "NO_SIGNATURE")), [false, true]);
    assert_eq!(run(&case("accepted", "NO_SIGNATURE")), [false, true]);
    let unknown = case("accepted", "NOT_A_CODE");
    assert!(Cases::parse(unknown.as_bytes(), Format::Yaml, "cases.yaml").is_err());
    // A case that cannot be tried is not passed over.
    let cases = case("accepted", "ACCEPTED");
    let cases = Cases::parse(cases.as_bytes(), Format::Yaml, "cases.yaml").unwrap();
    let mut none = |_: &str| Err(Failure::new(Code::EvidenceInvalid));
    assert_eq!(cases.run(&policy, &mut none).unwrap_err().code(), Code::EvidenceInvalid);
}
