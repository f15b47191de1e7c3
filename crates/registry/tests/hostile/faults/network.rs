//! Faults 41–44: the network, and credentials.

use super::*;
use crate::server::Server;
use crate::stand::verifier;
use crate::tls::{Authority, authority, config};
use crate::{CANARY, assert_no_canary};
use std::io::Read as _;
use veriseal::Reference;
use veriseal_registry::{Credentials, Registry, Secret};
use veriseal_testkit::scenario::{Scenario, key_signed};

/// K-OC-10.
#[test]
fn fault_41_a_realm_on_a_foreign_host() {
    for scheme in ["http", "https"] {
        for (stand, _) in by_tag(41, key_signed, move |ask, stream| {
            let challenge = format!(r#"Bearer realm="{scheme}://{}/token",service="x""#, ask.elsewhere);
            stream.write_all(&reply(401, &[("WWW-Authenticate", &challenge)], b"")).is_ok()
        }) {
            assert!(stand.elsewhere.seen().is_empty());
        }
    }
}

/// K-OC-11.
#[test]
fn fault_42_redirects() {
    let redirect = |location: fn(&Ask<'_>) -> String| {
        by_tag(42, key_signed, move |ask, stream| {
            let decides = ask.authorized || ask.kind == Kind::Other;
            if decides {
                let _ = stream.write_all(&reply(307, &[("Location", &location(ask))], b""));
            }
            decides
        })
    };
    // A chain of a hundred, and a circle.
    redirect(|ask| format!("/hop/{}", ask.seen.target.len()));
    redirect(|_| "/v2/acme/app/manifests/v1".to_owned());
    for location in [
        |_: &Ask<'_>| "http://169.254.169.254/latest/meta-data".to_owned(),
        |_: &Ask<'_>| "https://169.254.169.254/latest/meta-data".to_owned(),
        |_: &Ask<'_>| "https://[fe80::1]/x".to_owned(),
        |_: &Ask<'_>| "file:///etc/passwd".to_owned(),
    ] {
        for (stand, outcome) in redirect_or_plain(location) {
            assert!(outcome.requests <= 2);
            assert!(stand.elsewhere.seen().is_empty());
        }
    }
    // From https to http, to a host where plain HTTP is allowed for itself.
    let stand = Stand::start(true, key_signed(), |ask, stream| {
        ask.authorized && stream.write_all(&reply(302, &[("Location", &format!("http://{}/x", ask.elsewhere))], b"")).is_ok()
    });
    hold(42, &stand.verify(&stand.by_tag()));
    assert!(stand.elsewhere.seen().is_empty());
}

/// An unnamed plain host is the user's mistake where the registry speaks plain HTTP itself, else a refused redirect.
fn redirect_or_plain(location: fn(&Ask<'_>) -> String) -> Vec<(Stand, Outcome)> {
    [false, true]
        .map(|with_tls| {
            let stand = Stand::start(with_tls, key_signed(), move |ask, stream| {
                ask.authorized && stream.write_all(&reply(302, &[("Location", &location(ask))], b"")).is_ok()
            });
            let outcome = stand.verify(&stand.by_tag());
            let code = outcome.report.code();
            assert!(code == Code::RedirectRefused || (!with_tls && code == Code::PlainHttpRefused), "{code}");
            (stand, outcome)
        })
        .into()
}

/// A redirect to another host is followed without the credentials.
#[test]
fn a_blob_behind_a_redirect_is_fetched_without_the_credentials() {
    let scenario = key_signed();
    let store = scenario.store.clone();
    let storage = Server::start(move |seen, _| {
        assert_eq!(seen.authorization(), None);
        let digest = seen.target.trim_start_matches('/').parse().unwrap();
        reply(200, &[], &store.blobs[&digest])
    });
    let location = storage.other_name();
    let stand = Stand::start(false, scenario, move |ask, stream| {
        let decides = ask.kind == Kind::Blob && ask.authorized;
        if decides {
            let digest = ask.seen.target.rsplit('/').next().unwrap();
            let _ = stream.write_all(&reply(307, &[("Location", &format!("http://{location}/{digest}"))], b""));
        }
        decides
    });
    let registry = stand.builder().allow_http(&storage.other_name()).build().unwrap();
    let outcome = stand.verify_with(&stand.by_tag(), &registry);
    assert_eq!(outcome.report.code(), Code::Accepted, "{}", outcome.report.to_json());
    assert_eq!(storage.seen().len(), 1);
    assert_no_canary(&storage);
}

#[test]
fn fault_43_tokens_of_10_mb_or_with_line_breaks() {
    for body in [format!(r#"{{"token":"{}"}}"#, "a".repeat(10 << 20)), r#"{"token":"a\r\nX-Evil: 1"}"#.to_owned()] {
        by_tag(43, key_signed, move |ask, stream| {
            let host = ask.seen.header("host").unwrap();
            let scheme = if ask.with_tls { "https" } else { "http" };
            let challenge = format!(r#"Bearer realm="{scheme}://{host}/token""#);
            let answer = match ask.kind {
                Kind::Other => reply(200, &[], body.as_bytes()),
                _ => reply(401, &[("WWW-Authenticate", &challenge)], b""),
            };
            let _ = stream.write_all(&answer);
            true
        });
    }
}

/// K-OC-14.
#[test]
fn fault_44_tls_that_does_not_hold() {
    let trusted = authority();
    let foreign = authority();
    let servers = [
        config(&trusted, "127.0.0.1", |params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }),
        config(&trusted, "127.0.0.2", |_| {}),
        config(&foreign, "127.0.0.1", |_| {}),
    ];
    for tls in servers {
        let server = Server::raw(Some(tls), |_, _, stream| drop(stream.write_all(&reply(200, &[], b"{}"))));
        hold(44, &verify(&server, &trusted));
        assert!(server.seen().is_empty(), "nothing is asked of whom nobody vouches for");
    }
}

/// HTTP/2 is not spoken, whatever the server does: its frames are no answer.
#[test]
fn frames_of_http_2_are_response_invalid() {
    let trusted = authority();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0_u8];
    for frame in [[0, 0, 0, 0, 0, 0, 0, 0, 1_u8], [0, 0, 0, 9, 0, 0, 0, 0, 1]] {
        let server = Server::raw(Some(config(&trusted, "127.0.0.1", |_| {})), move |_, _, stream| {
            let _ = stream.write_all(&settings);
            while stream.write_all(&frame.repeat(1000)).is_ok() {}
        });
        let outcome = verify(&server, &trusted);
        assert_eq!(outcome.report.code(), Code::ResponseInvalid, "{}", outcome.report.to_json());
        assert_eq!(server.seen().len(), 1);
    }
}

fn verify(server: &Server, trusted: &Authority) -> Outcome {
    let password = Credentials::Password { username: "victim".to_owned(), password: Secret::new(CANARY) };
    let builder = Registry::builder().only_these_roots().root_certificate_pem(trusted.pem().as_bytes()).deadline(DEADLINE);
    let registry = builder.credentials(&server.name(), password).build().unwrap();
    let reference: Reference = format!("{}/acme/app:v1", server.name()).parse().unwrap();
    let scenario = key_signed();
    let started = std::time::Instant::now();
    let report = verifier(&scenario).verify(&reference, &registry, scenario.now).unwrap_err().report().clone();
    assert_no_canary(server);
    Outcome { report, elapsed: started.elapsed(), requests: server.seen().len(), bytes: 0 }
}

/// A TLS server that never answers the handshake costs the time to connect, no more.
#[test]
fn a_handshake_that_is_not_answered_ends_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(stream.read_to_end(&mut Vec::new())));
        }
    });
    let stand = Stand::start(true, key_signed(), |_, _| false);
    let registry = stand.builder().connect_timeout(std::time::Duration::from_millis(200)).build().unwrap();
    let outcome = stand.verify_with(&format!("{name}/acme/app:v1"), &registry);
    assert_eq!(outcome.report.code(), Code::Unavailable, "{}", outcome.report.to_json());
    assert!(outcome.elapsed < DEADLINE);
}

/// One deadline for everything: a registry that answers each request just in time cannot string many of them together.
#[test]
fn a_registry_that_answers_everything_late_meets_the_deadline_of_the_call() {
    let mut scenario =
        Scenario { authority: veriseal_testkit::scenario::Authority::Key, ..veriseal_testkit::scenario::unsigned() };
    for n in 0..100_u32 {
        let mut entry = veriseal_testkit::image::descriptor(crate::MANIFEST, &crate::Digest::sha256(&n.to_be_bytes()), 500);
        entry["artifactType"] = serde_json::json!(veriseal_testkit::store::BUNDLE);
        scenario.store.referrers.entry(scenario.image.digest).or_default().push(entry);
    }
    let stand = Stand::start(false, scenario, |ask, stream| {
        let decides = ask.kind == Kind::Manifest && ask.authorized;
        if decides {
            std::thread::sleep(crate::stand::STEP * 4 / 5);
            let _ = stream.write_all(&reply(503, &[], b""));
        }
        decides
    });
    let outcome = stand.verify(&stand.by_tag());
    assert!(outcome.report.candidate_codes().contains(&Code::DeadlineExceeded), "{}", outcome.report.to_json());
    assert_eq!(outcome.report.verdict(), veriseal::Verdict::Undecided);
    assert!(outcome.elapsed < DEADLINE + std::time::Duration::from_secs(1), "{:?}", outcome.elapsed);
}

/// The token service is within the deadline, and within the time to the first byte.
#[test]
fn a_token_service_that_does_not_answer_ends_in_time() {
    let stand = Stand::start(false, key_signed(), |ask, stream| {
        if ask.kind == Kind::Other {
            std::thread::sleep(DEADLINE);
        } else {
            let realm = format!(r#"Bearer realm="http://{}/token""#, ask.seen.header("host").unwrap());
            let _ = stream.write_all(&reply(401, &[("WWW-Authenticate", &realm)], b""));
        }
        true
    });
    let outcome = stand.verify(&stand.by_tag());
    assert_eq!(outcome.report.code(), Code::DeadlineExceeded, "{}", outcome.report.to_json());
    assert_eq!(outcome.requests, 2, "not tried again");
    assert!(outcome.elapsed < DEADLINE, "{:?}", outcome.elapsed);
}
