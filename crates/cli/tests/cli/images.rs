//! `--platform`, `--signature-repository`, `digest` and `tree`.

use crate::stage::{Stage, veriseal};
use serde_json::json;
use veriseal_testkit::image::{OCI_INDEX, descriptor};
use veriseal_testkit::scenario::{self, TAG};
use veriseal_testkit::{HttpRegistry, ImageBuilder, Store};

#[test]
fn a_platform_of_a_signed_index_is_pinned_to_its_manifest() {
    let stage = Stage::new(scenario::index_signed());
    let index = stage.scenario.image.digest.to_string();
    let arm64 = stage.scenario.image.platforms[1].1.digest.to_string();
    let registry = HttpRegistry::serve(stage.scenario.store.clone());
    let over_http = ["--allow-http", &registry.host(), &registry.reference(&format!("acme/app:{TAG}"))].map(str::to_owned);
    for source in [vec![stage.layout()], over_http.to_vec()] {
        let source: Vec<&str> = source.iter().map(String::as_str).collect();
        let said = stage.verify(&[&["--platform", "linux/arm64"], &source[..]].concat());
        assert_eq!(said.exit, 0, "{said:?}");
        let subject = &said.report()["subject"];
        assert!(subject["pinned"].as_str().unwrap().ends_with(&arm64), "{subject}");
        assert_eq!(subject["signed"], json!([index]));
        assert_eq!(subject["platforms"][0]["signed"], "index");
        let said = stage.verify(&[&["--platform", "all"], &source[..]].concat());
        assert!(said.report()["subject"]["pinned"].as_str().unwrap().ends_with(&index));
        let said = stage.verify(&[&["--platform", "linux/s390x"], &source[..]].concat());
        assert_eq!((said.exit, said.report()["code"].as_str()), (1, Some("PLATFORM_NOT_FOUND")));
    }
    let said = stage.verify(&["--platform", "linux/amd64", "--output", "text", &stage.layout()]);
    assert_eq!(said.exit, 2, "--output twice is a mistake: {said:?}");
    for wrong in ["amd64", "linux/amd64,all", "Linux/amd64"] {
        let said = stage.verify(&["--platform", wrong, &stage.layout()]);
        assert_eq!(said.exit, 2, "{wrong}");
        assert!(said.sentence().contains("--platform"), "{said:?}");
    }
}

#[test]
fn evidence_of_platforms_is_judged_for_the_same_platforms() {
    let stage = Stage::new(scenario::index_signed());
    let evidence = stage.text("evidence.tar");
    let said = stage.verify(&["--platform", "linux/amd64", "--evidence-out", &evidence, &stage.layout()]);
    assert_eq!(said.exit, 0, "{said:?}");
    let image = format!("oci:{}@{}", stage.text("image"), stage.scenario.image.digest);
    let judged = stage.run("judge", &["--platform", "linux/amd64", "--image", &image, &evidence]);
    assert_eq!(judged.exit, 0, "{judged:?}");
    assert_eq!(judged.report()["subject"]["pinned"], said.report()["subject"]["pinned"]);
    let judged = stage.run("judge", &["--platform", "linux/arm64", "--image", &image, &evidence]);
    assert_eq!((judged.exit, judged.report()["code"].as_str()), (3, Some("EVIDENCE_FOR_OTHER_PLATFORMS")));
}

#[test]
fn signatures_are_looked_for_where_the_user_says() {
    let stage = Stage::new(scenario::keyless_bundle());
    let mut bare = Store::with_referrers_api();
    let image = ImageBuilder::new("app").tagged(&mut bare, TAG);
    assert_eq!(image.digest, stage.scenario.image.digest, "the scenario's image, without its signatures");
    let registry = HttpRegistry::serve(bare);
    let source = registry.reference(&format!("acme/app:{TAG}"));
    let said = stage.verify(&["--allow-http", &registry.host(), &source]);
    assert_eq!((said.exit, said.report()["code"].as_str()), (1, Some("NO_SIGNATURE")));
    let layout = format!("oci:{}", stage.text("image"));
    let said = stage.verify(&["--allow-http", &registry.host(), "--signature-repository", &layout, &source]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(said.report()["subject"]["signatureRepository"], json!(layout));
    let signatures = HttpRegistry::serve(stage.scenario.store.clone());
    let elsewhere = signatures.reference("acme/signatures");
    let hosts = ["--allow-http", &registry.host(), "--allow-http", &signatures.host()];
    let said = stage.verify(&[&hosts[..], &["--signature-repository", &elsewhere, &source]].concat());
    assert_eq!(said.exit, 0, "{said:?}");
    let said = stage.verify(&["--signature-repository", "acme/UPPER", &stage.layout()]);
    assert_eq!(said.exit, 2);
    assert!(said.sentence().contains("--signature-repository"), "{said:?}");
}

#[test]
fn digest_says_what_a_tag_or_a_platform_is() {
    let stage = Stage::new(scenario::index_signed());
    let image = &stage.scenario.image;
    let said = veriseal(["digest", &stage.layout()]);
    assert_eq!((said.exit, said.out), (0, format!("{}\n", image.digest)));
    let said = veriseal(["digest", "--platform", "linux/arm64", &stage.layout()]);
    assert_eq!((said.exit, said.out), (0, format!("{}\n", image.platforms[1].1.digest)));
    let said = veriseal(["digest", "--platform", "all", &stage.layout()]);
    let lines = format!("linux/amd64 {}\nlinux/arm64 {}\n", image.platforms[0].1.digest, image.platforms[1].1.digest);
    assert_eq!((said.exit, said.out), (0, lines));
    let said = veriseal(["digest", "--platform", "linux/s390x", &stage.layout()]);
    assert_eq!((said.exit, said.out.as_str()), (1, ""));
    assert!(said.sentence().contains("PLATFORM_NOT_FOUND"), "{said:?}");
    let said = veriseal(["digest", &format!("oci:{}:none", stage.text("image"))]);
    assert_eq!((said.exit, said.out.as_str()), (3, ""));
    let said = veriseal(["digest", "oci:/no/such/layout"]);
    assert_eq!(said.exit, 2);
}

#[test]
fn tree_shows_what_is_attached_and_what_of_it_verifies() {
    let stage = Stage::new(scenario::good_beside_bad());
    // Nobody is named who may sign, so nothing is verified.
    let said = veriseal(["tree", "--output", "json", &stage.layout()]);
    assert_eq!(said.exit, 0, "{said:?}");
    let tree = said.report();
    assert_eq!((&tree["schema"], &tree["complete"]), (&json!("veriseal.tree/v1"), &json!(true)));
    assert_eq!(tree["digest"], json!(stage.scenario.image.digest));
    let statuses = |tree: &serde_json::Value| {
        let layouts = tree["subjects"][0]["layouts"].as_array().unwrap().clone();
        let items = layouts.iter().flat_map(|layout| layout["attached"].as_array().unwrap().clone());
        let mut statuses: Vec<_> =
            items.map(|item| (item["kind"].as_str().unwrap().to_owned(), item["status"].as_str().unwrap().to_owned())).collect();
        statuses.sort();
        statuses
    };
    let pairs =
        |of: &[(&str, &str)]| of.iter().map(|(kind, status)| ((*kind).to_owned(), (*status).to_owned())).collect::<Vec<_>>();
    let unseen = "not yet verified";
    assert_eq!(statuses(&tree), pairs(&[("bundle", unseen), ("bundle", unseen), ("bundle", unseen), ("simple signing", unseen)]));
    let said = stage.run("tree", &[&stage.layout()]);
    assert_eq!(said.exit, 0, "{said:?}");
    let no = "not verified";
    assert_eq!(
        statuses(&said.report()),
        pairs(&[("bundle", no), ("bundle", no), ("bundle", "verified"), ("simple signing", no)])
    );
    assert!(said.out.contains("SIGNER_KIND_MISMATCH"), "{}", said.out);
    assert!(said.out.contains(&stage.scenario.identity.subject_text()));
    // The text shows the same.
    let said = veriseal(["tree", &stage.layout()]);
    assert_eq!(said.out.matches("not yet verified").count(), 4, "{}", said.out);
}

#[test]
fn tree_shows_every_platform() {
    let mut scenario = scenario::index_signed();
    let arm64 = scenario.image.platforms[1].1.clone();
    let index = scenario.image.digest;
    scenario.image.digest = arm64.digest;
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.image.digest = index;
    scenario.store.attach_bundle(&arm64, &bundle);
    let stage = Stage::new(scenario);
    let tree = stage.run("tree", &[&stage.layout()]).report();
    let subjects = tree["subjects"].as_array().unwrap();
    let platforms: Vec<_> = subjects.iter().map(|subject| subject["platform"].clone()).collect();
    assert_eq!(platforms, [json!(null), json!("linux/amd64"), json!("linux/arm64")]);
    let attached = |number: usize| subjects[number]["layouts"].to_string().matches("\"verified\"").count();
    assert_eq!([attached(0), attached(1), attached(2)], [1, 0, 1]);
    let said = stage.run("tree", &["--platform", "linux/amd64", &stage.layout()]);
    assert_eq!(said.report()["subjects"].as_array().unwrap().len(), 2);
}

/// What could not be looked at is told, and by the exit status too.
#[test]
fn tree_that_is_not_complete_ends_with_3() {
    let mut scenario = scenario::unsigned();
    let entry = descriptor(OCI_INDEX, &veriseal::Digest::sha256(b"gone"), 4);
    let document = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry] });
    let index = scenario.store.put_json(OCI_INDEX, &document);
    scenario.store.tags.insert("nested".to_owned(), index.digest);
    let registry = HttpRegistry::serve(scenario.store);
    let said = veriseal(["tree", "--allow-http", &registry.host(), &registry.reference("acme/app:nested")]);
    assert_eq!(said.exit, 3, "{said:?}");
    assert!(said.out.contains("DANGLING"), "{}", said.out);
    let said = veriseal(["tree", "--allow-http", &registry.host(), &registry.reference("acme/app:none")]);
    assert_eq!((said.exit, said.out.as_str()), (3, ""));
}
