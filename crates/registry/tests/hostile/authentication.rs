//! Challenges, tokens and where credentials go (K-OC-10, K-OC-12, faults 8, 41, 43).

use super::server::{Seen, Server, reply};
use super::*;

/// A registry whose token service answers with `token`, and that wants `Bearer good`.
fn with_tokens(token: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |seen, _| {
        let host = seen.header("host").unwrap();
        if seen.target.starts_with("/token") {
            return token(seen);
        }
        match seen.authorization() {
            Some("Bearer good") => reply(200, &[], b"{}"),
            _ => {
                let challenge =
                    format!(r#"Bearer realm="http://{host}/token?a=b",service="reg",scope="repository:other/app:pull,push aws""#);
                reply(401, &[("WWW-Authenticate", &challenge)], b"")
            }
        }
    })
}

fn good(_: &Seen) -> Vec<u8> {
    reply(200, &[], br#"{"token":"good","expires_in":300}"#)
}

fn tokens_asked(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.target.starts_with("/token")).count()
}

#[test]
fn a_token_is_fetched_with_the_password_and_for_this_repository_alone() {
    let server = with_tokens(good);
    assert_eq!(found(fetch_tag(&server)), b"{}");
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].authorization(), None);
    assert_eq!(seen[1].target, "/token?a=b&service=reg&scope=repository%3Ans%2Fapp%3Apull&scope=aws");
    assert_eq!(seen[1].authorization(), Some(CANARY_BASIC));
    assert_eq!(seen[2].authorization(), Some("Bearer good"));
}

#[test]
fn without_credentials_a_token_is_asked_for_anonymously() {
    let server = with_tokens(|_| reply(200, &[], br#"{"access_token":"good"}"#));
    assert_eq!(found(builder(&[&server]).build().unwrap().fetch(&tag(&server.name()))), b"{}");
    assert_eq!(server.seen()[1].authorization(), None);
}

#[test]
fn an_identity_token_is_traded_by_post() {
    let server = with_tokens(|seen| {
        assert_eq!(seen.method, "POST");
        let form: Vec<_> = url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect();
        let form: Vec<_> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            form,
            [
                ("grant_type", "refresh_token"),
                ("client_id", "veriseal"),
                ("service", "reg"),
                ("scope", "repository:ns/app:pull aws"),
                ("refresh_token", CANARY)
            ]
        );
        reply(200, &[], br#"{"access_token":"good"}"#)
    });
    let identity = Credentials::IdentityToken(Secret::new(CANARY));
    let registry = builder(&[&server]).credentials(&server.name(), identity).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
}

#[test]
fn a_registry_token_is_sent_to_the_registry_itself() {
    let server = with_tokens(|_| panic!("no token is needed"));
    let registry =
        builder(&[&server]).credentials(&server.name(), Credentials::RegistryToken(Secret::new("good"))).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
}

#[test]
fn a_password_answers_a_basic_challenge() {
    let server = Server::start(|seen, _| match seen.authorization() {
        Some(CANARY_BASIC) => reply(200, &[], b"{}"),
        _ => reply(401, &[("WWW-Authenticate", r#"Basic realm="x""#)], b""),
    });
    assert_eq!(found(fetch_tag(&server)), b"{}");
    assert_eq!(code(builder(&[&server]).build().unwrap().fetch(&tag(&server.name()))), Code::Denied);
}

#[test]
fn a_token_serves_all_requests_of_a_call_and_none_of_another() {
    let server = with_tokens(good);
    let registry = victim(&[&server], &server.name()).build().unwrap();
    let call = registry.call();
    for _ in 0..3 {
        assert_eq!(found(call.fetch(&tag(&server.name()))), b"{}");
    }
    assert_eq!(tokens_asked(&server), 1);
    assert_eq!(found(registry.call().fetch(&tag(&server.name()))), b"{}");
    assert_eq!(tokens_asked(&server), 2);
    let other: Reference = format!("{}/other/app:v1", server.name()).parse().unwrap();
    let other =
        Request::new(RequestId::from_number(1), other.repository().clone(), What::ManifestByTag("v1".parse().unwrap()), MAX);
    assert_eq!(found(call.fetch(&other)), b"{}");
    assert_eq!(tokens_asked(&server), 3);
}

#[test]
fn a_token_that_is_no_longer_taken_is_replaced_once() {
    let server = Server::start(|seen, count| {
        let host = seen.header("host").unwrap();
        let challenge = format!(r#"Bearer realm="http://{host}/token""#);
        match (seen.target.as_str(), seen.authorization()) {
            (target, _) if target.starts_with("/token") => reply(200, &[], format!(r#"{{"token":"t{count}"}}"#).as_bytes()),
            // The first token is good for one request.
            (_, Some("Bearer t1")) if count == 2 => reply(200, &[], b"1"),
            (_, Some("Bearer t4")) => reply(200, &[], b"2"),
            _ => reply(401, &[("WWW-Authenticate", &challenge)], b""),
        }
    });
    let call = builder(&[&server]).build().unwrap().call();
    assert_eq!(found(call.fetch(&tag(&server.name()))), b"1");
    assert_eq!(found(call.fetch(&tag(&server.name()))), b"2");
}

/// K-OC-10, fault 41.
#[test]
fn a_realm_on_another_host_gets_nothing_and_is_realm_refused() {
    let thief = Server::start(|_, _| reply(200, &[], br#"{"token":"good"}"#));
    for scheme in ["http", "https"] {
        let realm = format!("{scheme}://{}/token", thief.other_name());
        let server = Server::start(move |_, _| reply(401, &[("WWW-Authenticate", &format!(r#"Bearer realm="{realm}""#))], b""));
        for registry in [victim(&[&server, &thief], &server.name()), builder(&[&server, &thief])] {
            assert_eq!(code(registry.build().unwrap().fetch(&tag(&server.name()))), Code::RealmRefused);
        }
    }
    assert!(thief.seen().is_empty());
}

#[test]
fn a_realm_that_the_user_allowed_gets_the_credentials_of_that_registry() {
    let issuer = Server::start(|_, _| reply(200, &[], br#"{"token":"good"}"#));
    let realm = format!("http://{}/token", issuer.other_name());
    let server = Server::start(move |seen, _| match seen.authorization() {
        Some("Bearer good") => reply(200, &[], b"{}"),
        _ => reply(401, &[("WWW-Authenticate", &format!(r#"Bearer realm="{realm}""#))], b""),
    });
    let allowed = victim(&[&server, &issuer], &server.name()).allow_realm(&server.name(), &issuer.other_name());
    assert_eq!(found(allowed.build().unwrap().fetch(&tag(&server.name()))), b"{}");
    assert_eq!(issuer.seen()[0].authorization(), Some(CANARY_BASIC));
    let for_another = victim(&[&server, &issuer], &server.name()).allow_realm("other.example", &issuer.other_name());
    assert_eq!(code(for_another.build().unwrap().fetch(&tag(&server.name()))), Code::RealmRefused);
}

/// K-OC-12.
#[test]
fn credentials_of_another_port_stay_at_home() {
    let server = with_tokens(good);
    let other = format!("127.0.0.1:{}", server.address.port().wrapping_add(1));
    let registry = victim(&[&server], &other).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
    assert_no_canary(&server);
}

/// Fault 43.
#[test]
fn a_token_with_a_line_break_or_too_large_is_response_invalid() {
    for body in [
        br#"{"token":"good\r\nX-Evil: 1"}"#.to_vec(),
        br#"{"token":"a b"}"#.to_vec(),
        br#"{"token":""}"#.to_vec(),
        br#"{"token":7}"#.to_vec(),
        b"{}".to_vec(),
        b"<html>".to_vec(),
        format!(r#"{{"token":"{}"}}"#, "a".repeat(10 * 1024 * 1024)).into_bytes(),
    ] {
        let server = with_tokens(move |_| reply(200, &[], &body));
        assert_eq!(code(fetch_tag(&server)), Code::ResponseInvalid);
        assert_eq!(server.seen().len(), 2);
    }
    let packed = with_tokens(|_| reply(200, &[("Content-Encoding", "gzip")], br#"{"token":"good"}"#));
    assert_eq!(code(fetch_tag(&packed)), Code::ResponseInvalid);
}

#[test]
fn a_token_service_that_refuses_throttles_or_fails_says_so() {
    for (answer, expected) in [
        (reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""), Code::Denied),
        (reply(403, &[], b""), Code::Denied),
        (reply(404, &[], b""), Code::ResponseInvalid),
        (reply(429, &[("Retry-After", "100")], b""), Code::Throttled),
        (reply(503, &[], b""), Code::Unavailable),
        (reply(302, &[("Location", "/token2")], b""), Code::RedirectRefused),
    ] {
        let server = with_tokens(move |_| answer.clone());
        assert_eq!(code(fetch_tag(&server)), expected);
    }
}

/// Fault 8.
#[test]
fn a_registry_that_is_never_content_is_denied() {
    let server = with_tokens(|_| reply(200, &[], br#"{"token":"never-good"}"#));
    assert_eq!(code(fetch_tag(&server)), Code::Denied);
    assert_eq!(server.seen().len(), 3);
    let bare = Server::start(|_, _| reply(401, &[], b""));
    assert_eq!(code(fetch_tag(&bare)), Code::Denied);
    let strange = Server::start(|_, _| reply(401, &[("WWW-Authenticate", "Negotiate")], b""));
    assert_eq!(code(fetch_tag(&strange)), Code::Denied);
    let unreadable = Server::start(|_, _| reply(401, &[("WWW-Authenticate", r#"Bearer realm="x"#)], b""));
    assert_eq!(code(fetch_tag(&unreadable)), Code::ResponseInvalid);
    let no_realm = Server::start(|_, _| reply(401, &[("WWW-Authenticate", "Bearer service=x")], b""));
    assert_eq!(code(fetch_tag(&no_realm)), Code::ResponseInvalid);
    for server in [bare, strange, unreadable, no_realm] {
        assert_no_canary(&server);
    }
}

#[test]
fn a_helper_that_was_not_run_is_named_where_access_is_denied() {
    let server = Server::start(|_, _| reply(403, &[], b""));
    let config = br#"{"auths":{},"credsStore":"desktop"}"#;
    let registry = builder(&[&server]).docker_config_json(config).build().unwrap();
    let failure = failure(registry.fetch(&tag(&server.name())));
    assert_eq!(failure.code(), Code::Denied);
    assert!(failure.to_string().contains("credential helper desktop"), "{failure}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_config_invalid() {
    for builder in [
        Registry::builder().docker_config_json(b"{"),
        Registry::builder().root_certificate_pem(b"no PEM"),
        Registry::builder().root_certificate_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        Registry::builder().allow_http("http://x"),
        Registry::builder().deadline(Duration::ZERO),
        Registry::builder().proxy("no url"),
        Registry::builder().user_agent("a\r\nb"),
    ] {
        assert_eq!(builder.build().unwrap_err().code(), Code::ConfigInvalid);
    }
}
