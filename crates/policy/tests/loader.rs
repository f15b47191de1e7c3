//! The loader against mistakes, each with its place, and against hostile files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]

mod kit;

use kit::World;
use serde_json::{Value, json};
use veriseal::policy::{PredicateMatch, Selection, SubjectKind, ValueMatch};
use veriseal::{
    Authority, Claim, Code, Exception, Identity, KeyAuthority, KeylessAuthority, Requirement, SctMode, Settings,
    SignatureRequirement, StringMatch,
};
use veriseal_policy::{Format, LoadError, Mode, Pin, PolicyFile, Rule};

const HEAD: &str = "apiVersion: veriseal/v1\ntrust:\n  test: {trustedRoot: root.json}\nimages:\n";

fn yaml(text: &str) -> Result<PolicyFile, LoadError> {
    World::new().load_text(text, Format::Yaml)
}

/// The policy of docs and README.
const EXAMPLE: &str = r#"
apiVersion: veriseal/v1
trust:
  acme-private: {trustedRoot: root.json}
images:
  - match: ["ghcr.io/acme/**"]
    require:
      all:
        - signature:
            keyless:
              trust: sigstore
              issuer: https://token.actions.githubusercontent.com
              identity: {glob: "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*"}
              extensions: {sourceRepositoryVisibility: public}
            tlog: required
        - atLeast: 2
          of:
            - signature: {key: security.pub, tlog: if-present}
            - signature: {key: {file: release.pub, notAfter: 2027-06-30T00:00:00Z}}
            - signature: {keyless: {trust: acme-private, issuer: https://i.example, identity: build@acme.example}}
        - attestation:
            predicateType: https://slsa.dev/provenance/v1
            keyless: {issuer: https://token.actions.githubusercontent.com, identity: {regex: "https://github\\.com/acme/.*"}}
            where: {/buildDefinition/buildType: "https://actions.github.io/buildtypes/workflow/v1", "/a": {atLeast: 3}}
            maxAge: 90d
    pin: resolve
    platforms: index
  - match: ["docker.io/library/busybox"]
    allow: {digests: ["sha256:0000000000000000000000000000000000000000000000000000000000000000"], reason: "ticket 42", until: 2027-01-31}
  - match: ["**"]
    deny: {reason: "not one of our registries"}
mode: enforce
"#;

#[test]
fn the_example_loads_and_its_rules_are_chosen_by_specificity() {
    let policy = yaml(EXAMPLE).unwrap();
    for (image, rule) in [
        ("ghcr.io/acme/app:v1", "images[0]"),
        ("ghcr.io/acme/a/b", "images[0]"),
        ("busybox", "images[1]"),
        ("index.docker.io/library/busybox:1", "images[1]"),
        ("ghcr.io/acme-evil/app", "images[2]"),
        ("ghcr.io/acme", "images[2]"),
    ] {
        let reference: veriseal::Reference = image.parse().unwrap();
        assert_eq!(policy.rule_for(reference.repository()).unwrap().0.name(), rule, "{image}");
        assert_eq!(policy.explain(&reference).rule.as_deref(), Some(rule), "{image}");
    }
}

/// docs/policy.md shows what loads: its example, with a digest in place of the dots.
#[test]
fn the_example_of_the_documentation_loads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md");
    let text = std::fs::read_to_string(path).unwrap();
    let example = text.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let example = example.replace("sha256:…", &format!("sha256:{}", "0".repeat(64)));
    let world = World::new();
    let mut read = |path: &str| match path {
        "roots/acme.json" => Ok(world.files["root.json"].clone()),
        "keys/security.pub" => Ok(world.files["security.pub"].clone()),
        "keys/release.pub" => Ok(world.files["release.pub"].clone()),
        other => Err(format!("no such file: {other}")),
    };
    let policy = PolicyFile::parse(example.as_bytes(), Format::Yaml, "policy.yaml", &mut read).unwrap();
    assert_eq!(policy.rules().len(), 3);
    let asks = policy.explain(&"ghcr.io/acme/app:v1".parse().unwrap()).to_text();
    assert!(
        asks.contains("at least 2 of 3, by different signers") && asks.contains("where /buildDefinition/buildType"),
        "{asks}"
    );
}

#[test]
fn yaml_and_json_of_one_policy_are_the_same_policy() {
    let world = World::new();
    let policy = world.policy();
    let json = world.load(&policy).unwrap();
    // Every document of JSON is one of YAML.
    let yaml = world.load_text(&serde_json::to_string(&policy).unwrap(), Format::Yaml).unwrap();
    assert_eq!(json.fingerprint(), yaml.fingerprint());
}

/// What a file says can be built, and is the same policy.
#[test]
fn a_policy_that_is_built_is_that_of_its_file() {
    let world = World::new();
    let digest = world.scenario.image.digest;
    let mut leaf = world.key("release");
    leaf["attestation"] = leaf["signature"].take();
    leaf.as_object_mut().unwrap().remove("signature");
    leaf["attestation"]["predicateType"] = json!(kit::SLSA);
    leaf["attestation"]["where"] = json!({ "/a": { "oneOf": ["x", 3, true, { "atLeast": 5 }] } });
    leaf["attestation"]["maxAge"] = json!("2h");
    leaf["attestation"]["all"] = json!(true);
    let keyless =
        json!({ "trust": "test", "issuer": "i", "identity": "a@b.example", "subjectDn": { "O": "x" }, "policyOids": ["1.2"] });
    let file = world.load(&json!({
        "apiVersion": "veriseal/v1",
        "mode": "audit",
        "trust": { "test": { "trustedRoot": "root.json" } },
        "images": [
            { "match": ["a.example/*"], "require": { "all": [leaf, { "signature": { "keyless": keyless, "sct": "ignored" } }] },
              "platforms": ["linux/arm64", "linux/amd64"], "pin": "require-digest" },
            { "match": ["b.example/*"], "allow": { "digests": [digest.to_string()], "reason": "r", "until": "2027-01-31" } },
            { "match": ["**"], "deny": { "reason": "no" } },
        ],
    }));
    let time = |text: &str| veriseal::UnixTime::parse_rfc3339(text).unwrap();
    let root = std::sync::Arc::new(veriseal::TrustRoot::from_json(&world.files["root.json"], Default::default()).unwrap());
    let key = veriseal::PublicKey::from_pem(&world.files["release.pub"]).unwrap();
    let window = veriseal::Validity::between(time("2020-01-01T00:00:00Z"), time("2100-01-01T00:00:00Z"));
    let number = ValueMatch::Number { at_least: Some(5), at_most: None };
    let any = ValueMatch::OneOf(vec![ValueMatch::text("x"), ValueMatch::number(3), ValueMatch::Bool(true), number]);
    let attested = SignatureRequirement::new(Authority::Key(KeyAuthority::new(key, "any name").valid_within(window)))
        .claim(Claim::Attestation { predicate_type: kit::SLSA.to_owned() })
        .saying(PredicateMatch::new("/a", any).unwrap())
        .max_age(7200)
        .selecting(Selection::All);
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let identity = Identity::new(exact("a@b.example"), exact("i")).unwrap().kind(SubjectKind::Email);
    let identity = identity.subject_dn("O", exact("x")).unwrap().policy_oid("1.2").unwrap();
    let signed = SignatureRequirement::new(Authority::Keyless(KeylessAuthority::new(vec![identity]).unwrap()))
        .settings(Settings { sct: SctMode::Ignored, ..Settings::default() });
    let require = Requirement::All(vec![Requirement::signature(attested), Requirement::signature(signed)]);
    let images = |pattern: &str| vec![veriseal_policy::ImagePattern::new(pattern).unwrap()];
    let exception = Exception::new([digest], "r", time("2027-01-31T23:59:59Z")).unwrap();
    let rules = vec![
        Rule::require(images("a.example/*"), require, root.clone())
            .unwrap()
            .pinned_by(Pin::RequireDigest)
            .for_platforms("linux/amd64,linux/arm64".parse().unwrap()),
        Rule::allow(images("b.example/*"), exception, root),
        Rule::deny(images("**"), "no"),
    ];
    let built = PolicyFile::new("built", Mode::Audit, rules).unwrap();
    assert_eq!(built.fingerprint(), file.unwrap().fingerprint());
}

/// The fingerprint is over what decides: the bytes of keys and roots, not their paths.
#[test]
fn the_fingerprint_is_over_bytes_and_not_over_paths() {
    let mut world = World::new();
    let same = world.load(&world.policy()).unwrap();
    world.files.insert("elsewhere.pub".to_owned(), world.files["release.pub"].clone());
    let mut moved = world.policy();
    moved["images"][0]["require"]["all"][1]["any"][0]["signature"]["key"]["file"] = json!("elsewhere.pub");
    assert_eq!(world.load(&moved).unwrap().fingerprint(), same.fingerprint());
    world.files.insert("release.pub".to_owned(), world.files["stranger.pub"].clone());
    assert_ne!(world.load(&world.policy()).unwrap().fingerprint(), same.fingerprint());
}

#[test]
fn every_decision_is_in_the_fingerprint() {
    let world = World::new();
    let base = *world.load(&world.policy()).unwrap().fingerprint();
    for (pointer, value) in [
        ("/mode", json!("warn")),
        ("/images/0/pin", json!("require-digest")),
        ("/images/0/match/0", json!("registry.testkit.example/acme/**")),
        ("/images/0/require/all/0/signature/tlog", json!("if-present")),
        ("/images/0/require/all/0/signature/timestamps", json!(1)),
        ("/images/0/require/all/0/signature/keyless/issuer", json!("https://i.example")),
        ("/images/0/require/all/1/any/0/signature/key/notAfter", json!("2099-01-01T00:00:00Z")),
        ("/images/0/require/all/1/any/0/signature/key/trust", json!("sigstore")),
        ("/images/0/require/all/3/attestation/predicateType", json!("https://a.example")),
        ("/images/0/require/all/3/attestation/where/~1verifiedLevels/contains", json!("SLSA_BUILD_LEVEL_4")),
        ("/images/0/require/all/3/attestation/maxAge", json!("91d")),
        ("/images/0/require/all/3/attestation/newest", json!(false)),
        ("/images/0/require/all/0/signature/keyless/subjectDn/O", json!("acme")),
        ("/images/0/require/all/0/signature/keyless/policyOids/0", json!("1.2.3")),
        ("/images/0/platforms", json!("all")),
        ("/images/0/platforms", json!(["linux/amd64"])),
    ] {
        let mut policy = world.policy();
        let found = policy.pointer_mut(pointer).unwrap();
        *found = value;
        if pointer.ends_with("tlog") {
            policy["images"][0]["require"]["all"][0]["signature"].as_object_mut().unwrap().remove("logs");
        }
        assert_ne!(*world.load(&policy).unwrap().fingerprint(), base, "{pointer}");
    }
}

/// Each mistake, its line and column, and words of the error.
#[test]
fn mistakes_are_told_with_their_place() {
    let rule = |text: &str| format!("{HEAD}  - match: [\"**\"]\n{text}\n");
    let leaf = |text: &str| rule(&format!("    require:\n      signature: {text}"));
    let cases: Vec<(String, (usize, usize), &[&str])> = vec![
        (String::new(), (1, 1), &["a mapping of apiVersion"]),
        ("apiVersion: veriseal/v1\n".to_owned(), (1, 1), &["the field images"]),
        ("apiVersion: veriseal/v1\nimages: []\n".to_owned(), (2, 9), &["an empty list"]),
        ("apiVersion: veriseal/v1\nimages:\n".to_owned(), (2, 1), &["nothing"]),
        (format!("{HEAD}  - match: []\n    deny: {{reason: r}}\n"), (5, 12), &["match"]),
        (rule("    deny: {reason: r}\n    denny: {}"), (7, 5), &["denny", "deny may be meant"]),
        (rule("    require:\n      signatur: {key: release.pub}"), (7, 7), &["signatur"]),
        (rule("    deny: {reason: r, reason: s}"), (6, 23), &["duplicate"]),
        (format!("{HEAD}  - match: [\"**\"]\n"), (5, 5), &["require, allow, deny", "none"]),
        (rule("    deny: {reason: r}\n    allow: {}"), (5, 5), &["allow and deny"]),
        (rule("    require: {all: []}"), (6, 20), &["an empty list"]),
        (rule("    require: {}"), (6, 14), &["all, any, atLeast, signature, attestation"]),
        (leaf("{}"), (7, 18), &["key, keyless", "none"]),
        (leaf("{key: release.pub, keyless: {}}"), (7, 18), &["key and keyless"]),
        (leaf("{key: nowhere.pub}"), (7, 24), &["nowhere.pub", "no such file"]),
        (leaf("{key: ../release.pub}"), (7, 24), &["stays in the folder"]),
        (leaf("{key: a/../../release.pub}"), (7, 24), &["stays in the folder"]),
        (leaf("{key: root.json}"), (7, 24), &["KEY_INVALID"]),
        (leaf("{key: {file: release.pub, trust: tset}}"), (7, 51), &["tset", "define it under trust"]),
        (leaf("{key: {file: release.pub, trust: test}, logs: 9}"), (7, 64), &["at most 2", "found 9"]),
        (leaf("{key: {file: release.pub, trust: test}, logs: 0}"), (7, 64), &["tlog: ignored asks for none"]),
        (leaf("{key: {file: release.pub, trust: test}, tlog: ignored, logs: 1}"), (7, 79), &["tlog: required"]),
        (leaf("{key: {file: release.pub, trust: test}, timestamps: 5}"), (7, 70), &["timestamp authorities"]),
        (leaf("{key: {file: release.pub, trust: test}, sct: ignored}"), (7, 63), &["keyless only"]),
        (leaf("{key: {file: release.pub, notAfter: 2027-06-30}}"), (7, 54), &["TIME_INVALID"]),
        (leaf("{keyless: {identity: a@b.example}}"), (7, 28), &["the field issuer"]),
        (leaf("{keyless: {issuer: https://i.example}}"), (7, 28), &["the field identity"]),
        (leaf("{keyless: {issuer: https://i.example, identity: {glob: \"*@b.example\"}}}"), (7, 66), &["subjectKind"]),
        (
            leaf("{keyless: {issuer: https://i.example, identity: {regex: \"(\"}, subjectKind: uri}}"),
            (7, 74),
            &["PATTERN_INVALID"],
        ),
        (
            leaf("{keyless: {issuer: i, identity: a@b.example, extensions: {colour: red}}}"),
            (7, 76),
            &["Fulcio extension", "colour"],
        ),
        (
            leaf("{keyless: {issuer: i, identity: a@b.example, extensions: {runnerEnvironment: 5}}}"),
            (7, 95),
            &["put it in quotes"],
        ),
        (rule("    allow: {digests: [latest], reason: r, until: 2027-01-31}"), (6, 23), &["DIGEST_INVALID"]),
        (rule("    allow: {digests: [], reason: r, until: 2027-01-31}"), (6, 22), &["an empty list"]),
        (rule("    deny: {reason: r}\n    pin: never"), (7, 10), &["no pin beside deny"]),
        (rule("    deny: {reason: r}\n    platforms: all"), (7, 16), &["no platforms beside deny"]),
        (rule("    require: {signature: {key: release.pub}}\n    platforms: every"), (7, 16), &["index or all"]),
        (rule("    require: {signature: {key: release.pub}}\n    platforms: [amd64]"), (7, 17), &["PLATFORM_INVALID", "os/arch"]),
        (rule("    require: {signature: {key: release.pub}}\n    platforms: []"), (7, 16), &["an empty list"]),
        (
            rule("    require: {signature: {key: release.pub}}\n    platforms: [linux/arm64, linux/arm64]"),
            (7, 16),
            &["each platform once"],
        ),
        (format!("{HEAD}  - match: [busybox]\n    deny: {{reason: r}}\n"), (5, 13), &["docker.io/library/busybox"]),
        ("apiVersion: veriseal/v1\ntrust: {sigstore: {trustedRoot: root.json}}\n".to_owned(), (2, 9), &["not built in"]),
        ("a: &a {b: 1}\nc: {<<: *a}\n".to_owned(), (2, 5), &["merge"]),
        ("a: 1\n---\nb: 1\n".to_owned(), (2, 1), &["budget", "ocuments"]),
    ];
    for (text, (line, column), words) in cases {
        let error = match yaml(&text) {
            Err(error) => error,
            Ok(_) => panic!("loads:\n{text}"),
        };
        let shown = error.to_string();
        assert_eq!((error.position().line, error.position().column), (line, column), "{shown}\n{text}");
        assert!(shown.starts_with(&format!("policy:{line}:{column}: ")), "{shown}");
        for word in words {
            assert!(shown.contains(word), "{word:?} is not in {shown}\n{text}");
        }
    }
}

/// A tag makes another value of the same text for one reader and not for the next: none is dropped, none is followed.
#[test]
fn no_tag_is_passed_over() {
    let rule = |text: &str| format!("{HEAD}  - match: [\"**\"]\n    deny: {text}\n");
    assert!(yaml(&rule("{reason: closed}")).is_ok());
    for text in [
        "{reason: !!str closed}",
        "{reason: !secret closed}",
        "{reason: !!binary Y2xvc2Vk}",
        "{reason: !!int 5}",
        "{reason: !!timestamp 2026-11-21}",
        "{reason: !include other.yaml}",
        "{reason: ! closed}",
        "{reason: !<tag:acme.example,2026:x> closed}",
        "{!!str reason: closed}",
        "{!secret reason: closed}",
        "!!map {reason: closed}",
        "!deny {reason: closed}",
        "{reason: &a !x closed}",
    ] {
        let error = yaml(&rule(text)).unwrap_err();
        assert_eq!(error.code(), Code::PolicyInvalid, "{text}: {error}");
        assert_eq!(error.position().line, 6, "{text}: {error}");
        assert!(error.to_string().contains("tag"), "{text}: {error}");
    }
    for text in
        ["!policy\napiVersion: veriseal/v1\n", "apiVersion: veriseal/v1\nimages: !!seq []\n", "!!set {apiVersion, images}\n"]
    {
        let error = yaml(text).unwrap_err();
        assert!(error.to_string().contains("tag"), "{text}: {error}");
    }
}

/// One document has one meaning: what YAML's readers differ about does not load.
#[test]
fn what_readers_of_yaml_differ_about_does_not_load() {
    let deny = |text: &str| format!("{HEAD}  - match: [\"**\"]\n    deny: {text}\n");
    for (text, words) in [
        // A word of YAML 1.1, a number, a date and an octal are no text here, or the very text.
        (deny("{reason: yes}"), None),
        (deny("{reason: 1}"), Some("quotes")),
        (deny("{reason: true}"), Some("quotes")),
        (deny("{reason: ~}"), Some("nothing")),
        (deny("{reason: 2026-11-21}"), None),
        (deny("{? reason : closed}"), None),
        (deny("{? {a: b} : closed}"), Some("the name of a field")),
        (deny("{reason: closed, reason: closed}"), Some("duplicate")),
        (deny("{reason: closed, \"reason\": closed}"), Some("duplicate")),
        (deny("{reason: closed, \"rea\\x73on\": open}"), Some("duplicate")),
        (deny("{reason: *nobody}"), Some("anchor")),
        (format!("%YAML 1.1\n---\n{}", deny("{reason: closed}")), None),
        (format!("%TAG ! tag:acme.example,2026:\n---\n{}", deny("{reason: !x closed}")), Some("tag")),
        (format!("{}...\nmore: x\n", deny("{reason: closed}")), Some("")),
        (deny("{reason: \"clo\u{0}sed\"}"), Some("")),
    ] {
        match (yaml(&text), words) {
            (Ok(_), None) => {}
            (Err(error), Some(words)) => assert!(error.to_string().contains(words), "{text}: {error}"),
            (Ok(_), Some(_)) => panic!("loads: {text}"),
            (Err(error), None) => panic!("does not load: {text}: {error}"),
        }
    }
}

#[test]
fn mistakes_in_json_have_a_place_too() {
    let world = World::new();
    for (text, (line, column), word) in [
        ("{\n  \"apiVersion\": \"veriseal/v1\",\n  \"images\": []\n}", (3, 13), "an empty list"),
        ("{\n \"apiVersion\": \"veriseal/v1\",\n \"apiVersion\": \"veriseal/v1\"}", (3, 2), "doubled key"),
        ("{\"apiVersion\": \"veriseal/v1\", \"image\": []}", (1, 31), "images may be meant"),
        ("{\"apiVersion\": 1}", (1, 16), "quotes"),
        ("{\"apiVersion\"", (1, 13), "JSON"),
        ("{} {}", (1, 4), "JSON"),
        ("# yaml\n", (1, 1), "JSON"),
    ] {
        let error = world.load_text(text, Format::Json).unwrap_err();
        assert_eq!((error.position().line, error.position().column), (line, column), "{error}\n{text}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// K-PO-11: a threshold that is 0 or above the number of distinct authorities; a key under two names is one.
#[test]
fn a_threshold_that_no_signers_reach_does_not_load() {
    let mut world = World::new();
    world.files.insert("copy.pub".to_owned(), world.files["release.pub"].clone());
    let of = |names: &[&str], count: i64| {
        let of: Vec<Value> = names.iter().map(|name| world.key(name)).collect();
        world.load(&world.requiring(&json!({ "atLeast": count, "of": of }))).map(drop).map_err(|error| error.code())
    };
    assert_eq!(of(&["release", "security", "third"], 2), Ok(()));
    assert_eq!(of(&["release", "security", "third"], 3), Ok(()));
    for (names, count) in [
        (&["release", "security", "third"][..], 0),
        (&["release", "security", "third"], 4),
        (&["release", "security", "third"], -1),
        (&["release"], 2),
        (&["release", "copy"], 2),
        (&["release", "release", "copy"], 2),
    ] {
        assert_eq!(of(names, count), Err(Code::PolicyInvalid), "{names:?} {count}");
    }
}

#[test]
fn two_patterns_equally_specific_for_some_image_do_not_load() {
    let world = World::new();
    let load = |patterns: &[&str]| {
        let rules: Vec<Value> = patterns.iter().map(|pattern| json!({ "match": [pattern], "deny": { "reason": "r" } })).collect();
        world.load(&json!({ "apiVersion": "veriseal/v1", "images": rules }))
    };
    for good in [
        &["**", "ghcr.io/**", "ghcr.io/acme/*", "ghcr.io/acme/app"][..],
        &["ghcr.io/a/*", "ghcr.io/b/*"],
        &["ghcr.io/x*", "ghcr.io/y*"],
        &["ghcr.io/acme/**", "ghcr.io/acme/*"],
    ] {
        assert!(load(good).is_ok(), "{good:?}");
    }
    for (bad, words) in [
        (&["ghcr.io/acme/*", "ghcr.io/acme/*"][..], "more specific"),
        (&["ghcr.io/a*", "ghcr.io/*b"], "more specific"),
        (&["**/app", "**/a*"], ""),
        // What the first two leave of the third is nothing.
        (&["ghcr.io/*", "ghcr.io/*/**", "ghcr.io/**"], "every image of it falls under"),
    ] {
        match load(bad) {
            Err(error) => assert!(error.to_string().contains(words), "{error}"),
            // Different ranks of the last segment: both apply somewhere.
            Ok(_) => assert_eq!(bad, ["**/app", "**/a*"]),
        }
    }
}

/// Nesting of requirements beyond the bound is refused where it stands.
#[test]
fn a_requirement_nested_too_deeply_does_not_load() {
    let world = World::new();
    let nest = |depth: usize| (0..depth).fold(world.key("release"), |node, _| json!({ "all": [node] }));
    assert!(world.load(&world.requiring(&nest(9))).is_ok());
    assert_eq!(world.load(&world.requiring(&nest(10))).unwrap_err().code(), Code::PolicyInvalid);
}

#[test]
fn a_policy_on_disk_reads_its_own_folder_and_follows_no_link_out_of_it() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("policy");
    std::fs::create_dir_all(inside.join("keys")).unwrap();
    std::fs::write(folder.path().join("outside.pub"), &world.files["release.pub"]).unwrap();
    std::fs::write(inside.join("keys/release.pub"), &world.files["release.pub"]).unwrap();
    let load = |key: &str| {
        let path = inside.join("policy.yaml");
        let text =
            format!("apiVersion: veriseal/v1\nimages:\n  - match: [\"**\"]\n    require: {{signature: {{key: {key:?}}}}}\n");
        std::fs::write(&path, text).unwrap();
        PolicyFile::load(&path).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(load("keys/release.pub"), Ok(()));
    assert_eq!(load("./keys/../keys/release.pub"), Ok(()));
    assert_eq!(load(folder.path().join("outside.pub").to_str().unwrap()), Ok(()));
    assert!(load("../outside.pub").unwrap_err().contains("stays in the folder"));
    assert!(load("keys/none.pub").unwrap_err().contains("keys/none.pub"));
    assert!(load("keys").unwrap_err().contains("not a regular file"));
    #[cfg(unix)]
    {
        assert!(load("/dev/zero").unwrap_err().contains("not a regular file"));
        std::os::unix::fs::symlink(folder.path().join("outside.pub"), inside.join("keys/link.pub")).unwrap();
        assert!(load("keys/link.pub").unwrap_err().contains("leaves the folder"));
    }
    assert!(PolicyFile::load(&inside.join("none.yaml")).unwrap_err().to_string().contains("none.yaml"));
}
