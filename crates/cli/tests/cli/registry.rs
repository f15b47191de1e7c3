//! The registry options, against a registry on loopback.

use crate::stage::Stage;
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::http::Access;
use veriseal_testkit::scenario;

fn stage() -> (Stage, HttpRegistry) {
    let stage = Stage::new(scenario::key_signed());
    let registry = HttpRegistry::serve(stage.scenario.store.clone());
    (stage, registry)
}

#[test]
fn an_image_is_fetched_from_the_mirror_and_keeps_its_name() {
    let (stage, registry) = stage();
    let mirror = format!("{}={}/mirrored", scenario::REGISTRY, registry.host());
    let said = stage.verify(&["--allow-http", &registry.host(), "--mirror", &mirror, &stage.scenario.reference()]);
    assert_eq!((said.exit, said.err.as_str()), (0, ""), "{said:?}");
    assert_eq!(said.report()["subject"]["pinned"], stage.scenario.pinned());
    assert!(registry.requests().iter().all(|ask| ask.target.starts_with("/v2/mirrored/acme/app/")));
    // A mirror of something else is not asked.
    let other = format!("other.example={}", registry.host());
    let said =
        stage.verify(&["--allow-http", &registry.host(), "--mirror", &other, "--timeout", "1", &stage.scenario.reference()]);
    assert_eq!(said.exit, 3, "{said:?}");
}

#[test]
fn credentials_come_from_a_config_or_from_a_pull_secret() {
    let (stage, registry) = stage();
    registry.require(Some(Access::bearer("user", "pass")));
    let image = registry.reference("acme/app:v1");
    let verify = |more: &[&str]| stage.verify(&[&["--allow-http", &registry.host()], more, &[&image]].concat());
    assert_eq!(verify(&[]).exit, 3);

    let config = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNz"}}}}}}"#, registry.host());
    std::fs::write(stage.path("config.json"), &config).unwrap();
    assert_eq!(verify(&["--registry-config", &stage.text("config.json")]).exit, 0);

    let data = veriseal::encoding::base64::encode(config.as_bytes());
    let secret =
        format!(r#"{{"kind":"Secret","type":"kubernetes.io/dockerconfigjson","data":{{".dockerconfigjson":"{data}"}}}}"#);
    std::fs::write(stage.path("secret.json"), secret).unwrap();
    assert_eq!(verify(&["--pull-secret", &stage.text("secret.json")]).exit, 0);
    // One is not the other.
    assert_eq!(verify(&["--pull-secret", &stage.text("config.json")]).exit, 2);
}

/// K-CA-02: what is kept between two calls is content, never where a tag points or what is attached.
#[test]
fn a_cache_keeps_content_and_asks_for_tags_again() {
    let (stage, registry) = stage();
    let cache = stage.text("cache");
    let image = registry.reference("acme/app:v1");
    let requests = || {
        registry.clear_requests();
        let said = stage.verify(&["--allow-http", &registry.host(), "--cache", &cache, &image]);
        assert_eq!(said.exit, 0, "{said:?}");
        registry.requests().iter().map(|ask| ask.target.clone()).collect::<Vec<_>>()
    };
    let (first, second) = (requests(), requests());
    assert!(first.iter().any(|target| target.contains("/blobs/")));
    assert!(!second.iter().any(|target| target.contains("/blobs/")), "{second:?}");
    let lists = |targets: &[String]| targets.iter().filter(|target| !target.contains("/blobs/")).count();
    assert_eq!(lists(&first), lists(&second));
    registry.edit("acme/app", |store| store.tags.retain(|tag, _| !tag.ends_with(".sig")));
    let said = stage.verify(&["--allow-http", &registry.host(), "--cache", &cache, &image]);
    assert_eq!(said.report()["code"], "NO_SIGNATURE");
}
