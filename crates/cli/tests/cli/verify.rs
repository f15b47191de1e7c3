//! `veriseal verify` over layouts and over HTTP.

use crate::stage::{Said, Stage, veriseal};
use serde_json::Value;
use std::io::{Read, Write};
use veriseal::Code;
use veriseal_testkit::http::Fault;
use veriseal_testkit::scenario::{self, REPOSITORY, Scenario, TAG};
use veriseal_testkit::{HttpRegistry, Identity};

fn exit_of(code: Code) -> i32 {
    if code == Code::Accepted { 0 } else { 1 }
}

fn code(said: &Said) -> String {
    said.report()["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn every_scenario_ends_as_it_states_from_a_layout_and_over_http() {
    let mut wrong = Vec::new();
    for scenario in scenario::all() {
        let stage = Stage::new(scenario);
        let registry = HttpRegistry::serve(stage.scenario.store.clone());
        let image = registry.reference(&format!("{REPOSITORY}:{TAG}"));
        let over_http = stage.verify(&["--allow-http", &registry.host(), &image]);
        for said in [stage.verify(&[&stage.layout()]), over_http] {
            let wanted = stage.scenario.verdict;
            if (said.exit, code(&said).as_str()) != (exit_of(wanted), wanted.name()) {
                wrong.push(format!("{}: wanted {wanted}: {said:?}", stage.scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_accepted_is_pinned_and_standard_error_stays_empty() {
    let stage = Stage::new(scenario::keyless_bundle());
    let registry = HttpRegistry::serve(stage.scenario.store.clone());
    let said = stage.verify(&["--allow-http", &registry.host(), &registry.reference("acme/app:v1")]);
    assert_eq!((said.exit, said.err.as_str()), (0, ""));
    let pinned = registry.reference(&format!("acme/app@{}", stage.scenario.image.digest));
    assert_eq!(said.report()["subject"]["pinned"], pinned.as_str());
    assert_eq!(said.report()["weakened"][0]["code"], "TIME_GIVEN");
}

/// A registry with a repository for each verdict.
fn registry() -> (Stage, HttpRegistry) {
    let stage = Stage::new(scenario::keyless_bundle());
    let registry = HttpRegistry::serve_repositories([].into());
    registry.push("good", stage.scenario.store.clone());
    registry.push("denied", stage.scenario.store.clone());
    registry.push("unsigned", scenario::unsigned().store);
    registry.fault(Fault::status("/v2/denied/referrers/", 403));
    (stage, registry)
}

#[test]
fn what_could_not_be_found_out_is_undecided() {
    let (stage, registry) = registry();
    let verify = |image: &str| stage.verify(&["--allow-http", &registry.host(), &registry.reference(image)]);
    let denied = verify("denied:v1");
    assert_eq!((denied.exit, code(&denied).as_str()), (3, "DENIED"), "{denied:?}");
    let none = verify("good:v2");
    assert_eq!((none.exit, code(&none).as_str()), (3, "IMAGE_NOT_FOUND"), "{none:?}");
}

#[test]
fn the_worst_of_several_answers_is_the_answer_and_all_are_reported() {
    let (stage, registry) = registry();
    let image = |name: &str| registry.reference(&format!("{name}:v1"));
    let (good, denied, unsigned) = (image("good"), image("denied"), image("unsigned"));
    for (images, exit, codes) in [
        (vec![&good, &good], 0, vec!["ACCEPTED", "ACCEPTED"]),
        (vec![&denied, &good], 3, vec!["DENIED", "ACCEPTED"]),
        (vec![&unsigned, &denied, &good], 1, vec!["NO_SIGNATURE", "DENIED", "ACCEPTED"]),
        (vec![&good, &unsigned], 1, vec!["ACCEPTED", "NO_SIGNATURE"]),
    ] {
        let mut arguments = vec!["--allow-http".to_owned(), registry.host()];
        arguments.extend(images.into_iter().cloned());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let said = stage.verify(&arguments);
        let found: Vec<_> = said.reports().iter().map(|report| report["code"].as_str().unwrap().to_owned()).collect();
        assert_eq!((said.exit, found), (exit, codes.into_iter().map(str::to_owned).collect()), "{said:?}");
    }
    let said = stage.verify(&["--allow-http", &registry.host(), &unsigned, "Bad", "oci:/no/such/layout", &good]);
    assert_eq!((said.exit, said.reports().len()), (2, 2), "{said:?}");
    let told: Vec<_> = said.err.lines().collect();
    assert!(told[0].starts_with("veriseal: Bad: REFERENCE_INVALID"), "{said:?}");
    assert!(told[1].starts_with("veriseal: oci:/no/such/layout: SOURCE_INVALID"), "{said:?}");
}

/// A server of plain HTTP that, like those of Go, tells a TLS client so in plain HTTP.
fn plain_server() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent a TLS request to an HTTP server.\n");
        }
    });
    address
}

#[test]
fn plain_http_that_is_not_allowed_is_a_mistake_of_usage() {
    let stage = Stage::new(scenario::keyless_bundle());
    let image = format!("{}/acme/app:v1", plain_server());
    for arguments in [vec![image.as_str()], vec!["--allow-http", "registry.example", &image]] {
        let said = stage.verify(&arguments);
        assert_eq!((said.exit, code(&said).as_str()), (2, "PLAIN_HTTP_REFUSED"), "{said:?}");
    }
}

#[test]
fn a_tag_that_moved_is_told_and_the_digest_rules() {
    let stage = Stage::new(scenario::other_image_signed());
    let signed = stage.scenario.other.as_ref().unwrap().digest;
    let said = stage.verify(&[&format!("{}@{signed}", stage.layout())]);
    assert_eq!((said.exit, code(&said).as_str()), (0, "ACCEPTED"), "{said:?}");
    let notices: Vec<_> = said.report()["notices"].as_array().unwrap().iter().map(|notice| notice["code"].clone()).collect();
    assert!(notices.contains(&Value::from("TAG_MOVED")), "{notices:?}");
}

#[test]
fn any_one_of_several_keys_suffices() {
    let stage = Stage::new(scenario::key_signed());
    std::fs::write(stage.path("other.pub"), stage.scenario.sigstore.key("other").public_pem()).unwrap();
    let other = stage.text("other.pub");
    assert_eq!(stage.verify(&["--key", &other, &stage.layout()]).exit, 0);
    let (root, now) = (stage.text("root.json"), stage.scenario.now.to_string());
    let alone = ["verify", "--key", &other, "--trusted-root", &root, "--verification-time", &now, &stage.layout()];
    assert_eq!(veriseal(alone).exit, 1);
}

fn keyless(stage: &Stage, authority: &[&str]) -> Said {
    let (root, now, layout) = (stage.text("root.json"), stage.scenario.now.to_string(), stage.layout());
    let common = ["verify", "--trusted-root", &root, "--verification-time", &now, "--output", "json", &layout];
    veriseal(common.iter().chain(authority))
}

#[test]
fn patterns_match_the_whole_string_and_both_kinds_must_hold() {
    let stage = Stage::new(scenario::keyless_bundle());
    let Identity { issuer, .. } = &stage.scenario.identity;
    let subject = &stage.scenario.identity.subject_text();
    let (exact, pattern) = ("--certificate-identity", "--certificate-identity-regexp");
    let issued = ["--certificate-oidc-issuer", issuer.as_str()];
    let accepts = |more: &[&str]| keyless(&stage, &[more, &issued].concat());
    assert_eq!(accepts(&[pattern, "https://github\\.com/acme/.*"]).exit, 0);
    assert_eq!(accepts(&[exact, subject, pattern, ".*"]).exit, 0);
    assert_eq!(accepts(&[exact, subject, pattern, "https://gitlab.com/.*"]).exit, 1);
    assert_eq!(accepts(&[exact, "somebody else", pattern, ".*"]).exit, 1);
    let by_patterns = [pattern, ".*", "--certificate-oidc-issuer-regexp", "https://token\\..*"];
    assert_eq!(keyless(&stage, &by_patterns).exit, 0);
    let unanchored = accepts(&[pattern, "github\\.com/acme"]);
    assert_eq!(unanchored.exit, 1);
    let notices = unanchored.report()["notices"].to_string();
    assert!(notices.contains("PATTERN_UNANCHORED"), "{notices}");
}

fn accepted_with(scenario: Scenario, more: &[&str]) -> bool {
    let stage = Stage::new(scenario);
    let layout = stage.layout();
    let said = stage.verify(&[more, &[&layout]].concat());
    assert!(said.exit < 2, "{said:?}");
    said.exit == 0
}

#[test]
fn weaker_settings_are_taken_by_name_and_stand_in_the_report() {
    let unlogged = scenario::without_log_entry;
    assert!(!accepted_with(unlogged(), &["--tlog", "required"]));
    assert!(accepted_with(unlogged(), &["--tlog", "if-present"]));
    assert!(accepted_with(unlogged(), &["--tlog", "ignored", "--timestamps", "1"]));
    assert!(!accepted_with(unlogged(), &["--tlog", "ignored", "--timestamps", "2"]));
    assert!(!accepted_with(scenario::without_certificate_timestamp(), &["--sct", "required"]));
    assert!(accepted_with(scenario::without_certificate_timestamp(), &["--sct", "ignored"]));
    let stage = Stage::new(scenario::keyless_bundle());
    let said = stage.verify(&["--sct", "ignored", "--tlog", "if-present", &stage.layout()]);
    let weakened: Vec<_> = said.report()["weakened"].as_array().unwrap().iter().map(|entry| entry["code"].clone()).collect();
    assert_eq!(weakened, ["TIME_GIVEN", "LOG_IF_PRESENT", "SCT_IGNORED"]);
}

#[test]
fn an_attestation_is_asked_for_by_uri_or_short_name() {
    for (predicate, accepted) in [
        ("https://slsa.dev/provenance/v1", true),
        ("slsaprovenance1", true),
        ("slsaprovenance", false),
        ("https://sigstore.dev/cosign/sign/v1", false),
    ] {
        assert_eq!(accepted_with(scenario::attestation_only(), &["--attestation", predicate]), accepted, "{predicate}");
    }
    assert!(!accepted_with(scenario::keyless_bundle(), &["--attestation", "slsaprovenance1"]));
}

#[test]
fn the_text_report_is_a_tree_without_colours_where_there_is_no_terminal() {
    let stage = Stage::new(scenario::keyless_bundle());
    let said = stage.verify(&["--output", "text", &stage.layout()]);
    assert_eq!(said.exit, 2, "an option given twice is refused");
    let (root, now) = (stage.text("root.json"), stage.scenario.now.to_string());
    let mut arguments = vec!["verify".to_owned(), "--trusted-root".to_owned(), root, "--verification-time".to_owned(), now];
    arguments.extend(stage.authority());
    arguments.extend([stage.layout(), stage.layout()]);
    let said = veriseal(&arguments);
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(said.out.matches("ACCEPTED oci:").count(), 2);
    assert_eq!(said.out.matches("\n\nACCEPTED").count(), 1, "a blank line between reports");
    assert!(!said.out.contains('\u{1b}'));
}

/// Whoever pipes the report elsewhere and looks at the exit status must not take a lost report for a good one.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_not_answered_with_zero() {
    let stage = Stage::new(scenario::keyless_bundle());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_veriseal"))
        .arg("verify")
        .args(stage.flags())
        .arg(stage.layout())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("veriseal: standard output cannot be written: "));
}
