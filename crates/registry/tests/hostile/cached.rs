//! The cache, and answers with a time to live: what is asked for again, and what is believed (K-CA-01, K-CA-02).

use super::server::{Server, reply};
use super::stand::{Stand, truth, verifier};
use super::*;
use std::path::Path;
use std::sync::{Arc, Mutex};
use veriseal_registry::Cache;
use veriseal_testkit::scenario::{REPOSITORY, Scenario, TAG, key_signed, keyless_bundle};
use veriseal_testkit::{ImageBuilder, Store};

/// A registry whose content can be changed between two calls.
fn changing(scenario: &Scenario) -> (Server, Arc<Mutex<Store>>) {
    let store = Arc::new(Mutex::new(scenario.store.clone()));
    let served = Arc::clone(&store);
    (Server::start(move |seen, _| truth(&served.lock().unwrap(), seen)), store)
}

fn asked(server: &Server, part: &str) -> usize {
    server.seen().iter().filter(|seen| seen.target.contains(part)).count()
}

fn by_tag(server: &Server) -> Reference {
    format!("{}/{REPOSITORY}:{TAG}", server.name()).parse().unwrap()
}

fn by_digest(server: &Server, scenario: &Scenario) -> Reference {
    format!("{}/{REPOSITORY}@{}", server.name(), scenario.image.digest).parse().unwrap()
}

fn caches(folder: &Path) -> [Cache; 2] {
    [Cache::memory(1 << 20), Cache::directory(folder.join("cache"), 1 << 20).unwrap()]
}

/// K-CA-02: content is fetched once, lists and tags every time.
#[test]
fn content_is_fetched_once_and_lists_every_time() {
    let folder = tempfile::tempdir().unwrap();
    for cache in caches(folder.path()) {
        let scenario = keyless_bundle();
        let (server, store) = changing(&scenario);
        let registry = builder(&[&server]).cache(cache).build().unwrap();
        let verify = || verifier(&scenario).verify(&by_digest(&server, &scenario), &registry, scenario.now);
        for calls in 1..=3 {
            assert!(verify().is_ok());
            assert_eq!(asked(&server, "/blobs/"), 1);
            assert_eq!(asked(&server, "/manifests/sha256:"), 2);
            assert_eq!(asked(&server, "/referrers/"), calls);
            assert_eq!(asked(&server, ".sig"), calls);
        }
        // The signature is withdrawn: seen at once, although its content is still here.
        store.lock().unwrap().referrers.clear();
        assert_eq!(verify().unwrap_err().report().code(), Code::NoSignature);
        // And the tag moves.
        let other = ImageBuilder::new("other").tagged(&mut store.lock().unwrap(), TAG);
        let outcome = verifier(&scenario).verify(&by_tag(&server), &registry, scenario.now);
        assert!(outcome.unwrap_err().report().to_json().contains(&other.digest.to_string()));
    }
}

/// K-CA-01: whatever was done to the files, the verdict is that of a registry without a cache.
#[test]
fn altered_files_are_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let scenario = key_signed();
    let (server, _) = changing(&scenario);
    let registry = builder(&[&server]).cache(Cache::directory(&path, 1 << 20).unwrap()).build().unwrap();
    let verify = || verifier(&scenario).verify(&by_digest(&server, &scenario), &registry, scenario.now).is_ok();
    assert!(verify());
    let files = |path: &Path| -> Vec<_> {
        let scopes = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        scopes.flat_map(|scope| std::fs::read_dir(scope).unwrap().map(|entry| entry.unwrap().path())).collect()
    };
    let entries = files(&path);
    assert_eq!(entries.len(), 2);
    // Each holds what belongs under the other's name.
    let (one, two) = (std::fs::read(&entries[0]).unwrap(), std::fs::read(&entries[1]).unwrap());
    std::fs::write(&entries[0], &two).unwrap();
    std::fs::write(&entries[1], &one).unwrap();
    assert!(verify());
    assert_eq!((asked(&server, "/blobs/"), asked(&server, "/manifests/sha256:")), (2, 2));
    assert_eq!(std::fs::read(&entries[0]).unwrap(), one);
    assert!(verify());
    assert_eq!((asked(&server, "/blobs/"), asked(&server, "/manifests/sha256:")), (2, 2));
    // A cache that cannot be written changes nothing.
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::write(&path, b"").unwrap();
    assert!(verify());
}

/// Who may not read something does not learn from the cache that somebody else has read it.
#[test]
fn content_belongs_to_the_credentials_that_fetched_it() {
    let cache = Cache::memory(1 << 20);
    let server = Server::start(|seen, _| match seen.authorization() {
        Some(CANARY_BASIC) => reply(200, &[], b"{}"),
        _ => reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""),
    });
    let own = victim(&[&server], &server.name()).cache(cache.clone()).build().unwrap();
    assert_eq!(found(own.fetch(&blob(&server.name()))), b"{}");
    assert_eq!(found(own.fetch(&blob(&server.name()))), b"{}");
    assert_eq!(server.seen().len(), 2);
    let stranger = builder(&[&server]).cache(cache.clone()).build().unwrap();
    assert_eq!(code(stranger.fetch(&blob(&server.name()))), Code::Denied);
    let other = Credentials::Password { username: "other".to_owned(), password: Secret::new(CANARY) };
    let other = builder(&[&server]).credentials(&server.name(), other).cache(cache).build().unwrap();
    assert_eq!(code(other.fetch(&blob(&server.name()))), Code::Denied);
}

/// A lying answer is not kept, and neither is a failure.
#[test]
fn only_what_matches_its_digest_is_kept() {
    let cache = Cache::memory(1 << 20);
    let server = Server::start(|_, count| reply(if count == 0 { 403 } else { 200 }, &[], if count < 2 { b"[]" } else { b"{}" }));
    let registry = builder(&[&server]).cache(cache).build().unwrap();
    let fetch = || registry.fetch(&blob(&server.name()));
    assert_eq!(code(fetch()), Code::Denied);
    assert_eq!(found(fetch()), b"[]");
    assert_eq!(found(fetch()), b"{}");
    assert_eq!(found(fetch()), b"{}");
    assert_eq!(server.seen().len(), 3);
}

/// The digest does not cover the media type: only what says itself what it is can be kept without it.
#[test]
fn a_manifest_is_kept_only_where_it_states_its_own_media_type() {
    let stated = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
    for (document, content_type, requests) in [
        (stated.clone(), Some(INDEX), 1),
        (stated.clone(), Some(MANIFEST), 2),
        (stated, None, 2),
        (
            r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(),
            Some("application/vnd.docker.distribution.manifest.list.v2+json"),
            2,
        ),
    ] {
        let digest = Digest::sha256(document.as_bytes());
        let server = Server::start(move |_, _| {
            let headers: Vec<_> = content_type.into_iter().map(|value| ("Content-Type", value)).collect();
            reply(200, &headers, document.as_bytes())
        });
        let registry = builder(&[&server]).cache(Cache::memory(1 << 20)).build().unwrap();
        for _ in 0..2 {
            found(registry.fetch(&request(&server.name(), What::Manifest(digest))));
        }
        assert_eq!(server.seen().len(), requests, "{content_type:?}");
    }
}

/// Tags, lists and misses live only as long as the caller said, and the report says so.
#[test]
fn answers_with_a_time_to_live_are_taken_again_and_reported() {
    let scenario = keyless_bundle();
    let (server, store) = changing(&scenario);
    let registry = builder(&[&server]).answers_live(Duration::from_secs(3600)).build().unwrap();
    let verify = |registry: &Registry| verifier(&scenario).verify(&by_tag(&server), registry, scenario.now);
    let first = verify(&registry).unwrap();
    assert_eq!(first.report().weakened_codes(), [Code::AnswersReused]);
    assert!(first.report().to_json().contains("up to 3600 s"));
    // However it is gone about, and in evidence that is judged later.
    let verifier = verifier(&scenario);
    let mut session = verifier.session(&by_tag(&server));
    session.drive(&registry);
    assert_eq!(verifier.conclude(session, scenario.now).unwrap().report().weakened_codes(), [Code::AnswersReused]);
    let evidence = verifier.gather(&by_tag(&server), &registry).unwrap();
    assert!(evidence.notes().iter().any(|note| note.failure.code() == Code::AnswersReused && !note.hides_candidates));
    store.lock().unwrap().referrers.clear();
    assert!(verify(&registry).is_ok(), "as old as the caller allowed");
    assert_eq!((asked(&server, "/manifests/v1"), asked(&server, "/referrers/"), asked(&server, ".sig")), (1, 1, 1));
    // Another client was not allowed it.
    let strict = builder(&[&server]).build().unwrap();
    let refused = verify(&strict).unwrap_err();
    assert_eq!(refused.report().code(), Code::NoSignature);
    assert!(refused.report().weakened_codes().is_empty());
}

/// A failure is never an answer that lives on.
#[test]
fn a_failure_is_asked_again() {
    let stand = Stand::start(false, key_signed(), |ask, stream| {
        ask.authorized && ask.before == 0 && stream.write_all(&reply(403, &[], b"")).is_ok()
    });
    let registry = stand.builder().answers_live(Duration::from_secs(3600)).build().unwrap();
    assert_eq!(stand.verify_with(&stand.by_tag(), &registry).report.code(), Code::Denied);
    // Each thing is refused once: the tag, then what it leads to.
    let codes: Vec<_> = (0..3).map(|_| stand.verify_with(&stand.by_tag(), &registry).report.code()).collect();
    assert_eq!(codes.last(), Some(&Code::Accepted), "{codes:?}");
}
