//! `--policy`, `pin`, and `veriseal policy`.

use crate::stage::{Said, Stage, veriseal};
use serde_json::Value;
use veriseal_testkit::scenario;

const DENY: &str = "apiVersion: veriseal/v1\nimages:\n  - match: [\"**\"]\n    deny: {reason: closed}\n";

fn by_key(mode: &str) -> String {
    format!(
        "apiVersion: veriseal/v1\nmode: {mode}\ntrust:\n  test: {{trustedRoot: root.json}}\nimages:\n  - match: [\"**\"]\n    \
         require: {{signature: {{key: {{file: key.pub, trust: test}}}}}}\n"
    )
}

fn stage(mode: &str, scenario: scenario::Scenario) -> Stage {
    let stage = Stage::new(scenario);
    std::fs::write(stage.path("policy.yaml"), by_key(mode)).unwrap();
    std::fs::write(stage.path("deny.yaml"), DENY).unwrap();
    stage
}

fn verify(stage: &Stage, subcommand: &str, policies: &[&str], more: &[&str]) -> Said {
    let mut arguments = vec![subcommand.to_owned(), "--output".to_owned(), "json".to_owned()];
    arguments.extend(["--verification-time".to_owned(), stage.scenario.now.to_string()]);
    for policy in policies {
        arguments.extend(["--policy".to_owned(), stage.text(policy)]);
    }
    arguments.extend(more.iter().map(|text| (*text).to_owned()));
    arguments.push(stage.layout());
    veriseal(arguments)
}

fn code(said: &Said) -> String {
    said.report()["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn every_policy_must_accept() {
    let stage = stage("enforce", scenario::key_signed_bundle());
    let accepted = verify(&stage, "verify", &["policy.yaml"], &[]);
    assert_eq!((accepted.exit, code(&accepted).as_str()), (0, "ACCEPTED"), "{accepted:?}");
    assert_eq!(accepted.report()["basis"]["kind"], "requirement");
    assert_eq!(accepted.report()["weakened"][0]["code"], "TIME_GIVEN");
    for policies in [["policy.yaml", "deny.yaml"], ["deny.yaml", "policy.yaml"]] {
        let denied = verify(&stage, "verify", &policies, &[]);
        assert_eq!((denied.exit, code(&denied).as_str()), (1, "IMAGE_DENIED"), "{denied:?}");
    }
}

#[test]
fn warn_lets_pass_what_it_reports_as_rejected() {
    for (mode, exit) in [("enforce", 1), ("warn", 0), ("audit", 0)] {
        let stage = stage(mode, scenario::wrong_key());
        let record = stage.text("record.jsonl");
        let said = verify(&stage, "verify", &["policy.yaml"], &["--record", &record]);
        assert_eq!((said.exit, said.report()["verdict"].as_str()), (exit, Some("rejected")), "{mode} {said:?}");
        assert_eq!(said.err.contains("would deny"), mode != "enforce", "{said:?}");
        let line: Value = serde_json::from_str(&std::fs::read_to_string(&record).unwrap()).unwrap();
        assert_eq!((line["wouldDeny"].as_bool(), line["deny"].as_bool()), (Some(true), Some(mode == "enforce")), "{line}");
        assert_eq!((line["mode"].as_str(), line["rule"]["name"].as_str()), (Some(mode), Some("images[0]")));
    }
}

#[test]
fn a_record_says_who_signed_and_where_it_was_logged() {
    let stage = stage("enforce", scenario::key_signed_bundle());
    let record = stage.text("record.jsonl");
    for _ in 0..2 {
        assert_eq!(verify(&stage, "verify", &["policy.yaml"], &["--record", &record]).exit, 0);
    }
    let text = std::fs::read_to_string(&record).unwrap();
    assert_eq!(text.lines().count(), 2);
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["verdict"], "accepted");
    assert_eq!(line["signatures"][0]["signer"]["name"], "key.pub");
    assert!(line["signatures"][0]["logs"][0]["index"].is_u64(), "{line}");
    assert!(line["signatures"][0]["times"][0]["at"].is_string(), "{line}");
    assert_eq!(line["pinned"], line["asked"].as_str().unwrap().replace(":v1", &format!("@{}", stage.scenario.image.digest)));
    assert_eq!(line["policy"]["fingerprint"].as_str().map(str::len), Some(64));
}

#[test]
fn a_lock_only_adds() {
    let stage = stage("enforce", scenario::key_signed_bundle());
    let lock = stage.text("images.lock");
    let locked = |stage: &Stage, policies: &[&str]| verify(stage, "verify", policies, &["--locked", &lock]);
    // Nothing is locked that was not accepted.
    std::fs::write(stage.path("images.lock"), empty_lock()).unwrap();
    assert_eq!(code(&locked(&stage, &["policy.yaml"])), "NOT_LOCKED");
    assert_eq!(verify(&stage, "pin", &["deny.yaml"], &["--lock", &lock]).exit, 1);
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), empty_lock());
    let pinned = verify(&stage, "pin", &["policy.yaml"], &["--lock", &lock]);
    assert_eq!(pinned.exit, 0, "{pinned:?}");
    let said = locked(&stage, &["policy.yaml"]);
    assert_eq!((said.exit, code(&said).as_str()), (0, "ACCEPTED"), "{said:?}");
    // The policy is evaluated in full.
    assert_eq!(code(&locked(&stage, &["deny.yaml"])), "IMAGE_DENIED");
    // The tag elsewhere.
    let text = std::fs::read_to_string(&lock).unwrap();
    let moved = text.replace(&stage.scenario.image.digest.to_string(), &format!("sha256:{}", "0".repeat(64)));
    std::fs::write(stage.path("images.lock"), moved).unwrap();
    let said = locked(&stage, &["policy.yaml"]);
    assert_eq!((said.exit, code(&said).as_str()), (1, "TAG_MOVED"), "{said:?}");
    assert_eq!(said.report()["verdict"], "rejected");
    std::fs::write(stage.path("images.lock"), text.replace("veriseal.lock/v1", "veriseal.lock/v9")).unwrap();
    assert_eq!(locked(&stage, &["policy.yaml"]).exit, 2);
}

fn empty_lock() -> &'static str {
    "{\n  \"schema\": \"veriseal.lock/v1\",\n  \"policies\": [],\n  \"images\": {}\n}\n"
}

#[test]
fn what_a_policy_says_is_said_nowhere_else() {
    let stage = stage("enforce", scenario::key_signed_bundle());
    for more in [["--key", "key.pub"], ["--tlog", "ignored"], ["--trusted-root", "github"]] {
        assert_eq!(verify(&stage, "verify", &["policy.yaml"], &more).exit, 2, "{more:?}");
    }
    assert_eq!(verify(&stage, "verify", &["none.yaml"], &[]).exit, 2);
}

#[test]
fn saved_evidence_is_judged_by_policies_too() {
    let stage = stage("enforce", scenario::key_signed_bundle());
    let saved = stage.text("evidence.tar");
    assert_eq!(stage.verify(&["--evidence-out", &saved, &stage.layout()]).exit, 0);
    let image = format!("{}@{}", stage.layout().strip_suffix(":v1").unwrap(), stage.scenario.image.digest);
    let judge = |policy: &str| {
        let now = stage.scenario.now.to_string();
        let policy = stage.text(policy);
        veriseal(["judge", "--image", &image, "--policy", &policy, "--verification-time", &now, "--output", "json", &saved])
    };
    let (accepted, denied) = (judge("policy.yaml"), judge("deny.yaml"));
    assert_eq!((accepted.exit, denied.exit), (0, 1), "{accepted:?} {denied:?}");
    let cases = format!(
        "apiVersion: veriseal.test/v1\npolicy: policy.yaml\ncases:\n  - {{name: release, image: \"ghcr.io/acme/app@{}\", \
         evidence: evidence.tar, time: {}, expect: rejected, code: EVIDENCE_FOR_OTHER_IMAGE}}\n",
        stage.scenario.image.digest, stage.scenario.now
    );
    std::fs::write(stage.path("cases.yaml"), &cases).unwrap();
    let said = veriseal(["policy", "test", &stage.text("cases.yaml")]);
    assert_eq!((said.exit, said.out.as_str()), (0, "ok      release\n1 cases, 0 failed\n"), "{said:?}");
    std::fs::write(stage.path("cases.yaml"), cases.replace("rejected", "accepted")).unwrap();
    assert_eq!(veriseal(["policy", "test", &stage.text("cases.yaml")]).exit, 1);
}

/// Gathered once for all policies, attestations included where one asks for them, and saved whatever the verdict.
#[test]
fn policies_and_saved_evidence_go_together() {
    let mut scenario = scenario::keyless_attestation_beside_signature();
    let bundle = scenario.bundle(&scenario.key_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    let stage = stage("enforce", scenario);
    let identity = &stage.scenario.identity;
    let attested = format!(
        "apiVersion: veriseal/v1\ntrust:\n  test: {{trustedRoot: root.json}}\nimages:\n  - match: [\"**\"]\n    require:\n      \
         attestation:\n        predicateType: https://slsa.dev/provenance/v1\n        where: {{/buildDefinition/buildType: \
         https://testkit.example/build/v1}}\n        maxAge: 90d\n        keyless: {{trust: test, issuer: {}, identity: {}}}\n",
        identity.issuer,
        identity.subject_text()
    );
    std::fs::write(stage.path("attested.yaml"), attested).unwrap();
    let image = format!("{}@{}", stage.layout().strip_suffix(":v1").unwrap(), stage.scenario.image.digest);
    let now = stage.scenario.now.to_string();
    for (number, policies, exit) in [
        (1, vec!["policy.yaml", "attested.yaml"], 0),
        (2, vec!["attested.yaml", "policy.yaml"], 0),
        (3, vec!["attested.yaml", "deny.yaml"], 1),
    ] {
        let out = stage.text(&format!("evidence{number}.tar"));
        let said = verify(&stage, "verify", &policies, &["--evidence-out", &out]);
        assert_eq!(said.exit, exit, "{policies:?} {said:?}");
        let mut arguments =
            vec!["judge".to_owned(), "--image".to_owned(), image.clone(), "--output".to_owned(), "json".to_owned()];
        arguments.extend(["--verification-time".to_owned(), now.clone(), out]);
        arguments.extend(policies.iter().flat_map(|policy| ["--policy".to_owned(), stage.text(policy)]));
        let judged = veriseal(arguments);
        assert_eq!((judged.exit, code(&judged)), (said.exit, code(&said)), "{policies:?} {judged:?}");
    }
    // Before anything is gathered there is nothing to save.
    let said = verify(&stage, "verify", &["deny.yaml"], &["--evidence-out", &stage.text("none.tar")]);
    assert_eq!((said.exit, said.err.contains("nothing was gathered")), (1, true), "{said:?}");
    assert!(!stage.path("none.tar").exists());
    let two = [&stage.layout()[..], "--evidence-out", &stage.text("two.tar")];
    assert_eq!(verify(&stage, "verify", &["policy.yaml"], &two).exit, 2);
    // Where it cannot be written nobody takes it for saved.
    let nowhere = stage.text("no/such/folder/x.tar");
    assert_eq!(verify(&stage, "verify", &["policy.yaml"], &["--evidence-out", &nowhere]).exit, 2);
}

/// Policies that are given together look at what the reference was resolved to once, each for its own platforms, and must
/// pin the same digest: there is no one reference that all of them accept otherwise.
#[test]
fn policies_for_different_platforms_must_pin_the_same() {
    let stage = Stage::new(scenario::index_signed());
    let identity = &stage.scenario.identity;
    for (name, platforms) in [("index", "index"), ("all", "all"), ("one", "[linux/amd64]"), ("two", "[linux/amd64, linux/arm64]")]
    {
        let policy = format!(
            "apiVersion: veriseal/v1\ntrust:\n  test: {{trustedRoot: root.json}}\nimages:\n  - match: [\"**\"]\n    require: \
             {{signature: {{keyless: {{trust: test, issuer: \"{}\", identity: \"{}\"}}}}}}\n    platforms: {platforms}\n",
            identity.issuer,
            identity.subject_text()
        );
        std::fs::write(stage.path(&format!("{name}.yaml")), policy).unwrap();
    }
    let index = stage.scenario.image.digest.to_string();
    for (policies, pins_index) in [
        (vec!["index.yaml", "all.yaml"], Some(true)),
        (vec!["all.yaml", "two.yaml", "index.yaml"], Some(true)),
        (vec!["one.yaml"], Some(false)),
        (vec!["one.yaml", "one.yaml"], Some(false)),
        (vec!["index.yaml", "one.yaml"], None),
        (vec!["one.yaml", "all.yaml"], None),
    ] {
        let said = verify(&stage, "verify", &policies, &[]);
        let Some(pins_index) = pins_index else {
            assert_eq!((said.exit, said.out.as_str()), (2, ""), "{policies:?} {said:?}");
            assert!(said.sentence().contains("accept different digests"), "{said:?}");
            continue;
        };
        let pinned = said.report()["subject"]["pinned"].as_str().unwrap_or_default().to_owned();
        assert_eq!((said.exit, pinned.ends_with(&index)), (0, pins_index), "{policies:?} {said:?}");
    }
    // Evidence for platforms serves whoever asks for the index; two sorts of platforms need two files.
    let saved = |policies: &[&str], out: &str| verify(&stage, "verify", policies, &["--evidence-out", &stage.text(out)]);
    assert_eq!(saved(&["index.yaml", "all.yaml"], "all.tar").exit, 0);
    let image = format!("{}@{index}", stage.layout().strip_suffix(":v1").unwrap());
    let now = stage.scenario.now.to_string();
    let (first, second, file) = (stage.text("index.yaml"), stage.text("all.yaml"), stage.text("all.tar"));
    let judged =
        veriseal(["judge", "--image", &image, "--verification-time", &now, "--policy", &first, "--policy", &second, &file]);
    assert_eq!(judged.exit, 0, "{judged:?}");
    let several = saved(&["all.yaml", "two.yaml"], "several.tar");
    assert_eq!((several.exit, stage.path("several.tar").exists()), (2, false), "{several:?}");
    // A lock holds what is pinned.
    let lock = stage.text("images.lock");
    assert_eq!(verify(&stage, "pin", &["one.yaml"], &["--lock", &lock]).exit, 0);
    assert!(!std::fs::read_to_string(&lock).unwrap().contains(&index));
    assert_eq!(verify(&stage, "verify", &["one.yaml"], &["--locked", &lock]).exit, 0);
    assert_eq!(code(&verify(&stage, "verify", &["index.yaml"], &["--locked", &lock])), "TAG_MOVED");
}

/// K-PO-08: every image that is named is judged, wherever it stands among the others, and the worst answer is the answer.
#[test]
fn every_image_that_is_named_is_judged() {
    let good = stage("enforce", scenario::key_signed_bundle());
    let bad = Stage::new(scenario::wrong_key());
    let [good_image, bad_image] = [good.layout(), bad.layout()];
    for order in
        [[&good_image, &bad_image, &good_image], [&bad_image, &good_image, &good_image], [&good_image, &good_image, &bad_image]]
    {
        let record = good.text("record.jsonl");
        let mut arguments = vec!["verify", "--output", "json", "--policy"];
        let (policy, now) = (good.text("policy.yaml"), good.scenario.now.to_string());
        arguments.extend([policy.as_str(), "--verification-time", now.as_str(), "--record", record.as_str()]);
        arguments.extend(order.iter().map(|image| image.as_str()));
        let said = veriseal(arguments);
        let verdicts: Vec<_> = said.reports().iter().map(|report| report["verdict"].as_str().unwrap().to_owned()).collect();
        let expected: Vec<_> = order.iter().map(|image| if **image == good_image { "accepted" } else { "rejected" }).collect();
        assert_eq!((said.exit, verdicts.iter().map(String::as_str).collect::<Vec<_>>()), (1, expected), "{said:?}");
        assert_eq!(std::fs::read_to_string(&record).unwrap().lines().count(), 3);
        std::fs::remove_file(&record).unwrap();
    }
    // Nor is anything locked of a list in which one image is not accepted.
    let lock = good.text("images.lock");
    let (policy, now) = (good.text("policy.yaml"), good.scenario.now.to_string());
    let pinned = veriseal([
        "pin",
        "--lock",
        &lock,
        "--policy",
        &policy,
        "--verification-time",
        &now,
        &good_image,
        &bad_image,
        &good_image,
    ]);
    assert_eq!((pinned.exit, good.path("images.lock").exists()), (1, false), "{pinned:?}");
}

#[test]
fn lint_ends_with_0_1_or_2() {
    let stage = stage("enforce", scenario::unsigned());
    let lint = |text: &str| {
        std::fs::write(stage.path("lint.yaml"), text).unwrap();
        veriseal(["policy", "lint", &stage.text("lint.yaml")])
    };
    let clean = lint(&by_key("enforce"));
    assert_eq!((clean.exit, clean.err.as_str()), (0, ""), "{clean:?}");
    let warned = lint(&by_key("audit"));
    assert_eq!((warned.exit, warned.out.contains("NOT_ENFORCED")), (1, true), "{warned:?}");
    let broken = lint(&by_key("enforce").replace("require", "requires"));
    assert_eq!((broken.exit, broken.out.as_str()), (2, ""), "{broken:?}");
    assert!(broken.sentence().contains("lint.yaml:7:5:"), "{broken:?}");
    assert!(broken.sentence().contains("require may be meant"), "{broken:?}");
}

#[test]
fn explain_and_diff_answer_without_fetching() {
    let stage = stage("enforce", scenario::unsigned());
    let (policy, deny) = (stage.text("policy.yaml"), stage.text("deny.yaml"));
    let explained = veriseal(["policy", "explain", "--policy", &policy, "ghcr.io/acme/app:v1"]);
    assert_eq!(explained.exit, 0);
    assert!(explained.out.contains("rule images[0]") && explained.out.contains("a signature by key key.pub"), "{explained:?}");
    let same = veriseal(["policy", "diff", &policy, &policy, "ghcr.io/acme/app:v1"]);
    assert_eq!((same.exit, same.out.as_str()), (0, "0 of 1 images change\n"), "{same:?}");
    let differs = veriseal(["policy", "diff", &policy, &deny, "ghcr.io/acme/app:v1"]);
    assert_eq!(differs.exit, 1);
    assert!(differs.out.contains("+ denied: closed"), "{differs:?}");
}
