//! The example images of the repository, signed by the real cosign.

use crate::stage::{examples, veriseal};

fn verify(image: &str, log: &str) -> crate::stage::Said {
    let key = examples().join("cosign.pub").display().to_string();
    let image = format!("oci:{}", examples().join(image).display());
    veriseal(["verify", "--output", "json", "--key", &key, "--tlog", log, &image])
}

#[test]
fn every_example_gets_the_answer_of_its_readme() {
    for (image, exit, code) in [
        ("cosign-v2:1.0", 0, "ACCEPTED"),
        ("cosign-v3:1.0", 0, "ACCEPTED"),
        ("unsigned:1.0", 1, "NO_SIGNATURE"),
        ("altered:1.0", 1, "SIGNED_OTHER_DIGEST"),
        ("saved-v2", 0, "ACCEPTED"),
        ("saved-v3", 0, "ACCEPTED"),
    ] {
        let said = verify(image, "ignored");
        assert_eq!((said.exit, said.report()["code"].as_str()), (exit, Some(code)), "{image}: {said:?}");
        let weakened = &said.report()["weakened"][0]["code"];
        assert_eq!(weakened, "LOG_IGNORED", "{image}");
    }
}

#[test]
fn without_a_log_entry_the_default_rejects() {
    let said = verify("cosign-v2:1.0", "required");
    assert_eq!((said.exit, said.report()["code"].as_str()), (1, Some("NO_MATCHING_SIGNATURE")), "{said:?}");
    assert_eq!(said.report()["candidates"][0]["reason"]["code"], "LOG_ENTRY_MISSING");
}

#[test]
fn a_tag_that_the_layout_does_not_have_is_undecided() {
    let said = verify("cosign-v2:2.0", "ignored");
    assert_eq!((said.exit, said.report()["code"].as_str()), (3, Some("IMAGE_NOT_FOUND")), "{said:?}");
}

#[test]
fn a_folder_that_is_no_layout_cannot_be_used() {
    let said = verify("no-such-layout:1.0", "ignored");
    assert_eq!((said.exit, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.sentence().contains("SOURCE_INVALID"), "{said:?}");
}

/// Verified as of now, with its own trusted root: nothing here depends on how old the example is.
#[test]
fn the_keyless_example_is_accepted_for_its_identity_alone() {
    let root = examples().join("keyless-trusted-root.json").display().to_string();
    let image = format!("oci:{}", examples().join("keyless").display());
    let issuer = "https://token.actions.githubusercontent.com";
    for (repository, exit, code) in [("acme/app", 0, "ACCEPTED"), ("acme/other", 1, "NO_MATCHING_SIGNATURE")] {
        let identity = format!("https://github.com/{repository}/.github/workflows/release.yml@refs/heads/main");
        let named = ["--certificate-identity", &identity, "--certificate-oidc-issuer", issuer, "--trusted-root", &root];
        let said = veriseal(["verify", "--output", "json", &image].iter().chain(&named));
        assert_eq!((said.exit, said.report()["code"].as_str()), (exit, Some(code)), "{said:?}");
        assert_eq!(said.report()["weakened"].as_array().map(Vec::len), Some(0), "{said:?}");
    }
}

/// The manifests start the server with options that it has.
#[cfg(feature = "admission-server")]
#[test]
fn the_manifests_name_options_that_exist() {
    let text = std::fs::read_to_string(examples().join("../kubernetes/server.yaml")).unwrap();
    let help = veriseal(["admission", "serve", "--help"]);
    assert_eq!(help.exit, 0);
    let words = text.split_whitespace().filter(|word| word.contains('='));
    let named: Vec<&str> = words.filter_map(|word| word.strip_prefix("--")?.split('=').next()).collect();
    assert!(named.contains(&"policy") && named.len() >= 4, "{named:?}");
    for name in named {
        assert!(help.out.contains(&format!("--{name} ")), "{name}");
    }
}
