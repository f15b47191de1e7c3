//! The registry options, against a registry on loopback.

use crate::stage::Stage;
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::http::{Access, Clients};
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

/// The whole way over TLS, with an authority that no system knows.
#[test]
fn an_own_authority_is_trusted_where_it_is_named() {
    let stage = Stage::new(scenario::keyless_bundle());
    let (registry, tls) = HttpRegistry::serve_tls(stage.scenario.store.clone(), Clients::Anybody);
    registry.require(Some(Access::bearer("user", "pass")));
    std::fs::write(stage.path("ca.pem"), &tls.authority_pem).unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNz"}}}}}}"#, registry.host());
    std::fs::write(stage.path("config.json"), config).unwrap();
    let (ca, config) = (stage.text("ca.pem"), stage.text("config.json"));
    let image = registry.reference("acme/app:v1");
    let verify = |more: &[&str]| stage.verify(&[more, &["--timeout", "5", "--registry-config", &config, &image]].concat());
    let own = format!("{}={ca}", registry.host());
    for trusting in [vec!["--registry-ca", &ca, "--only-registry-ca"], vec!["--registry-ca", &own, "--only-registry-ca"]] {
        let said = verify(&trusting);
        assert_eq!((said.exit, said.err.as_str()), (0, ""), "{said:?}");
    }
    registry.clear_requests();
    let elsewhere = format!("reg.example={ca}");
    let said = verify(&["--registry-ca", &elsewhere, "--only-registry-ca"]);
    assert_eq!((said.exit, said.report()["code"].as_str()), (3, Some("UNAVAILABLE")), "{said:?}");
    assert!(registry.requests().is_empty());
}

#[test]
fn a_client_certificate_opens_a_registry_that_asks_for_one() {
    let stage = Stage::new(scenario::key_signed());
    let (registry, tls) = HttpRegistry::serve_tls(stage.scenario.store.clone(), Clients::WithCertificate);
    for (name, pem) in [("ca.pem", &tls.authority_pem), ("me.pem", &tls.client_certificate_pem), ("me.key", &tls.client_key_pem)]
    {
        std::fs::write(stage.path(name), pem).unwrap();
    }
    let (ca, certificate, key) = (stage.text("ca.pem"), stage.text("me.pem"), stage.text("me.key"));
    let image = registry.reference("acme/app:v1");
    let verify =
        |more: &[&str]| stage.verify(&[more, &["--timeout", "5", "--registry-ca", &ca, "--only-registry-ca", &image]].concat());
    assert_eq!(verify(&["--client-cert", &certificate, "--client-key", &key]).exit, 0);
    let named = format!("{}={certificate}", registry.host());
    assert_eq!(verify(&["--client-cert", &named, "--client-key", &key]).exit, 0);
    assert_eq!(verify(&[]).exit, 3);
    let other = format!("localhost={certificate}");
    assert_eq!(verify(&["--client-cert", &other, "--client-key", &key]).exit, 3);
}
