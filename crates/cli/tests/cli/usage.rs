//! What cannot be used: exit status 2, one sentence that names the place, nothing on standard output.

use crate::stage::{Stage, veriseal};
use veriseal_testkit::scenario;

const IMAGE: &str = "registry.example/app:1.0";
const NO_AUTHORITY: &str = "nobody is named who may sign: give --key FILE, or --certificate-identity together with \
                            --certificate-oidc-issuer";
const NO_ISSUER: &str = "--certificate-identity is given without --certificate-oidc-issuer: an identity means nothing without \
                         the issuer that vouches for it";
const NO_IDENTITY: &str = "--certificate-oidc-issuer is given without --certificate-identity: the issuer alone would accept \
                           everybody whom it vouches for";
const BOTH: &str = "--key is given together with --certificate-identity or --certificate-oidc-issuer: name either keys or an \
                    identity";

fn refused(subcommand: &str, arguments: &[&str]) -> String {
    let said = veriseal([subcommand].iter().chain(arguments));
    assert_eq!((said.exit, said.out.as_str()), (2, ""), "{arguments:?}: {said:?}");
    said.sentence().to_owned()
}

#[test]
fn an_authority_is_a_key_or_an_identity_with_its_issuer() {
    let stage = Stage::new(scenario::key_signed());
    let key = stage.text("key.pub");
    for (authority, sentence) in [
        (vec![], NO_AUTHORITY),
        (vec!["--certificate-identity", "a@b.example"], NO_ISSUER),
        (vec!["--certificate-identity-regexp", ".*"], NO_ISSUER),
        (vec!["--certificate-oidc-issuer", "https://issuer.example"], NO_IDENTITY),
        (vec!["--certificate-oidc-issuer-regexp", ".*"], NO_IDENTITY),
        (vec!["--key", &key, "--certificate-identity", "a", "--certificate-oidc-issuer", "b"], BOTH),
        (vec!["--key", &key, "--certificate-identity", "a"], BOTH),
        (vec!["--key", &key, "--certificate-oidc-issuer-regexp", "b"], BOTH),
        (vec!["--certificate-identity", "", "--certificate-oidc-issuer", "b"], "--certificate-identity is empty"),
        (vec!["--certificate-identity", "a", "--certificate-oidc-issuer", ""], "--certificate-oidc-issuer is empty"),
    ] {
        let sentence = format!("veriseal: {sentence}");
        assert_eq!(refused("verify", &[&authority[..], &[IMAGE]].concat()), sentence, "{authority:?}");
        let digest = format!("registry.example/app@{}", stage.scenario.image.digest);
        assert_eq!(refused("judge", &[&authority[..], &["--image", &digest, "evidence.tar"]].concat()), sentence);
    }
}

#[test]
fn what_is_named_must_be_usable() {
    let stage = Stage::new(scenario::key_signed());
    std::fs::write(stage.path("junk"), "junk").unwrap();
    std::fs::write(stage.path("large"), vec![b'x'; 9 * 1024 * 1024]).unwrap();
    let (key, junk, large, none) = (stage.text("key.pub"), stage.text("junk"), stage.text("large"), stage.text("none"));
    let keyed = ["--key", key.as_str()];
    let keyless = ["--certificate-identity", "a", "--certificate-oidc-issuer", "b"];
    for (arguments, parts) in [
        (vec!["--key", &none, IMAGE], vec!["--key ", "none: No such file"]),
        (vec!["--key", &junk, IMAGE], vec!["--key ", "junk: KEY_INVALID: "]),
        (vec!["--key", &large, IMAGE], vec!["--key ", "large: larger than 65536 bytes"]),
        ([&keyed[..], &["--trusted-root", &none, IMAGE]].concat(), vec!["--trusted-root ", "none: No such file"]),
        ([&keyed[..], &["--trusted-root", &junk, IMAGE]].concat(), vec!["--trusted-root ", "junk: TRUST_ROOT_INVALID: "]),
        ([&keyed[..], &["--trusted-root", &large, IMAGE]].concat(), vec!["--trusted-root ", "large: larger than "]),
        ([&keyed[..], &["--verification-time", "today", IMAGE]].concat(), vec!["--verification-time: TIME_INVALID: "]),
        ([&keyed[..], &["--attestation", "provenance", IMAGE]].concat(), vec!["--attestation provenance: neither a URI nor "]),
        ([&keyed[..], &["--registry-config", &none, IMAGE]].concat(), vec!["--registry-config ", "none: No such file"]),
        ([&keyed[..], &["--registry-config", &junk, IMAGE]].concat(), vec!["CONFIG_INVALID: "]),
        ([&keyed[..], &["--allow-http", "http://x/", IMAGE]].concat(), vec!["CONFIG_INVALID: ", "host[:port]"]),
        ([&keyed[..], &["--pull-secret", &junk, IMAGE]].concat(), vec!["CONFIG_INVALID: ", "pull secret"]),
        ([&keyed[..], &["--login-of", "docker", IMAGE]].concat(), vec!["--login-of: no variable says where its file is"]),
        ([&keyed[..], &["--registry-ca", &none, IMAGE]].concat(), vec!["--registry-ca ", "none: No such file"]),
        ([&keyed[..], &["--registry-ca", &junk, IMAGE]].concat(), vec!["CONFIG_INVALID: ", "root certificates"]),
        (
            [&keyed[..], &["--registry-ca", &format!("reg.example={junk}"), IMAGE]].concat(),
            vec!["CONFIG_INVALID: ", "root certificates"],
        ),
        (
            [&keyed[..], &["--client-cert", &junk, "--client-key", &junk, IMAGE]].concat(),
            vec!["CONFIG_INVALID: ", "client certificate"],
        ),
        (
            [&keyed[..], &["--client-cert", &junk, "--client-key", &junk, IMAGE, "other.example/app:1"]].concat(),
            vec!["--client-cert: several hosts are asked; say for which"],
        ),
        ([&keyed[..], &["--mirror", "docker.io", IMAGE]].concat(), vec!["--mirror HOST[/PATH]=HOST[/PATH] is meant"]),
        ([&keyed[..], &["--mirror", "docker.io=http://m", IMAGE]].concat(), vec!["CONFIG_INVALID: ", "host[:port][/path]"]),
        ([&keyed[..], &["--allow-realm", "x", IMAGE]].concat(), vec!["--allow-realm REGISTRY=HOST is meant"]),
        ([&keyed[..], &["--cache", &junk, IMAGE]].concat(), vec!["CONFIG_INVALID: "]),
        ([&keyed[..], &["--evidence-out", "e", IMAGE, IMAGE]].concat(), vec!["--evidence-out takes the evidence of one image"]),
        ([&keyed[..], &["Not/A/Reference"]].concat(), vec!["Not/A/Reference: REFERENCE_INVALID: "]),
        ([&keyed[..], &["app@sha256:12"]].concat(), vec!["app@sha256:12: DIGEST_INVALID: "]),
        ([&keyed[..], &["oci:"]].concat(), vec!["oci:: REFERENCE_INVALID: "]),
        (
            [&keyless[..2], &["--certificate-oidc-issuer-regexp", "(", IMAGE]].concat(),
            vec!["--certificate-oidc-issuer-regexp: PATTERN_INVALID: "],
        ),
        (
            [&["--certificate-identity-regexp", ""], &keyless[2..], &[IMAGE]].concat(),
            vec!["--certificate-identity-regexp: PATTERN_INVALID: "],
        ),
    ] {
        let sentence = refused("verify", &arguments);
        for part in parts {
            assert!(sentence.contains(part), "{arguments:?}: {sentence}");
        }
    }
}

#[test]
fn the_image_to_judge_is_named_by_repository_and_digest() {
    let stage = Stage::new(scenario::key_signed());
    let (key, digest) = (stage.text("key.pub"), stage.scenario.image.digest);
    for (image, sentence) in [
        ("registry.example/app:1.0".to_owned(), "--image names no digest: name REPOSITORY@DIGEST"),
        (
            format!("registry.example/app:1.0@{digest}"),
            "--image names a tag: offline nobody knows where it points, name REPOSITORY@DIGEST",
        ),
        ("Bad".to_owned(), "--image: REFERENCE_INVALID"),
    ] {
        let said = refused("judge", &["--key", &key, "--image", &image, "evidence.tar"]);
        assert!(said.starts_with(&format!("veriseal: {sentence}")), "{said}");
    }
}

/// The parser's own mistakes end with 2 as well.
#[test]
fn a_command_line_that_cannot_be_read_is_a_mistake_of_usage() {
    let stage = Stage::new(scenario::key_signed());
    let key = stage.text("key.pub");
    for (arguments, part) in [
        (vec![], "Usage: veriseal <COMMAND>"),
        (vec!["no-such-command"], "no-such-command"),
        (vec!["verify", "--key", &key], "<IMAGE>..."),
        (vec!["verify", "--key", &key, "--insecure", IMAGE], "--insecure"),
        (vec!["verify", "--key", &key, "--tlog", "maybe", IMAGE], "maybe"),
        (vec!["verify", "--key", &key, "--sct", "if-present", IMAGE], "if-present"),
        (vec!["verify", "--key", &key, "--timestamps", "-1", IMAGE], "-1"),
        (vec!["verify", "--key", &key, "--timeout", "0", IMAGE], "--timeout"),
        (vec!["verify", "--key", &key, "--output", "yaml", IMAGE], "yaml"),
        (vec!["verify", "--key", &key, "--only-registry-ca", IMAGE], "--registry-ca"),
        (vec!["verify", "--key", &key, "--client-cert", "c", IMAGE], "--client-key"),
        (vec!["verify", "--key", &key, "--client-key", "c", IMAGE], "--client-cert"),
        (vec!["verify", "--key", &key, "--login-of", "rkt", IMAGE], "rkt"),
        (vec!["verify", "--certificate-identity", "a", "--certificate-identity", "b", IMAGE], "--certificate-identity"),
        (vec!["judge", "--key", &key, "evidence.tar"], "--image"),
    ] {
        let said = veriseal(&arguments);
        assert_eq!((said.exit, said.out.as_str()), (2, ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(part), "{arguments:?}: {said:?}");
    }
}

#[test]
fn help_and_version_are_no_mistakes() {
    for arguments in [vec!["--help"], vec!["verify", "--help"], vec!["verify-bundle", "--help"], vec!["--version"]] {
        let said = veriseal(&arguments);
        assert_eq!((said.exit, said.err.as_str()), (0, ""), "{arguments:?}");
        assert!(!said.out.is_empty());
        assert!(said.out.lines().all(|line| line.chars().count() <= 150), "{arguments:?}: {}", said.out);
    }
    let help = veriseal(["verify", "--help"]).out;
    assert!(help.contains("3 undecided") && help.contains("one document a line"), "{help}");
}
