//! Where a registry may send us (K-OC-11, fault 42).

use super::server::{Server, reply};
use super::*;

fn to(status: u16, location: &str) -> Vec<u8> {
    reply(status, &[("Location", location)], b"")
}

#[test]
fn a_redirect_at_home_keeps_the_authorization() {
    let server = Server::start(|seen, _| match (seen.target.as_str(), seen.authorization()) {
        (_, None) => reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""),
        ("/v2/ns/app/manifests/v1", _) => to(307, "/elsewhere?x=1"),
        ("/elsewhere?x=1", Some(CANARY_BASIC)) => reply(200, &[], b"{}"),
        (target, authorization) => panic!("{target} {authorization:?}"),
    });
    assert_eq!(found(fetch_tag(&server)), b"{}");
}

#[test]
fn a_redirect_to_another_host_goes_without_the_authorization_and_stays_so() {
    let storage = Server::start(|seen, _| {
        if seen.target == "/back" {
            to(302, &format!("http://{}/home", seen.header("x").unwrap_or("127.0.0.1:1")))
        } else {
            reply(200, &[], b"{}")
        }
    });
    let target = format!("http://{}/blob", storage.other_name());
    let server = Server::start(move |seen, _| match seen.authorization() {
        None => reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""),
        Some(_) => to(302, &target),
    });
    let registry = victim(&[&server, &storage], &server.name()).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
    assert_eq!(storage.seen().len(), 1);
    assert_no_canary(&storage);
}

#[test]
fn a_hop_back_to_the_registry_carries_no_authorization() {
    let address = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let home = std::sync::Arc::clone(&address);
    let storage = Server::start(move |_, _| to(302, &format!("http://{}/back", home.lock().unwrap())));
    let target = format!("http://{}/away", storage.other_name());
    let server = Server::start(move |seen, _| match (seen.target.as_str(), seen.authorization()) {
        ("/back", None) => reply(200, &[], b"{}"),
        ("/back", Some(_)) => panic!("the authorization came back"),
        (_, None) => reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""),
        (_, Some(_)) => to(302, &target),
    });
    *address.lock().unwrap() = server.name();
    let registry = victim(&[&server, &storage], &server.name()).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
    assert_no_canary(&storage);
}

#[test]
fn five_redirects_are_followed_and_a_sixth_is_redirect_refused() {
    for (hops, fits) in [(5, true), (6, false)] {
        let server =
            Server::start(move |_, count| if count < hops { to(302, &format!("/{count}")) } else { reply(200, &[], b"{}") });
        let answer = fetch_tag(&server);
        if fits {
            assert_eq!(found(answer), b"{}");
        } else {
            assert_eq!(code(answer), Code::RedirectRefused);
            assert_eq!(server.seen().len(), 6);
        }
    }
    let server = Server::start(|_, _| to(302, "/loop"));
    assert_eq!(code(fetch_tag(&server)), Code::RedirectRefused);
}

#[test]
fn a_redirect_to_where_it_must_not_lead_is_redirect_refused() {
    for location in [
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/x",
        "https://[::ffff:169.254.169.254]/x",
        "https://2852039166/x",
        "https://0.0.0.0/x",
        "https://victim:x@127.0.0.1:1/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://[",
    ] {
        let server = Server::start(move |_, _| to(302, location));
        assert_eq!(code(fetch_tag(&server)), Code::RedirectRefused, "{location}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_redirect_to_a_plain_host_that_was_not_named_is_refused() {
    let other = Server::start(|_, _| reply(200, &[], b"{}"));
    let target = format!("http://{}/x", other.other_name());
    let server = Server::start(move |_, _| to(302, &target));
    // `fetch_tag` names the first server alone.
    assert_eq!(code(fetch_tag(&server)), Code::PlainHttpRefused);
    assert!(other.seen().is_empty());
}

#[test]
fn a_redirect_without_a_location_is_response_invalid() {
    for answer in [reply(302, &[], b""), reply(307, &[("Location", "/a"), ("Location", "/b")], b"")] {
        let server = Server::start(move |_, _| answer.clone());
        assert_eq!(code(fetch_tag(&server)), Code::ResponseInvalid);
    }
    // Not a redirect that is followed.
    let server = Server::start(|_, _| to(300, "/a"));
    assert_eq!(code(fetch_tag(&server)), Code::ResponseInvalid);
}

/// Where the registry says that something is elsewhere and it is not, that is no plain "there is none".
#[test]
fn a_404_behind_a_redirect_to_another_host_is_response_invalid() {
    let storage = Server::start(|_, _| reply(404, &[], b"NoSuchKey"));
    let target = format!("http://{}/x", storage.other_name());
    let server = Server::start(move |_, _| to(302, &target));
    let registry = builder(&[&server, &storage]).build().unwrap();
    assert_eq!(code(registry.fetch(&blob(&server.name()))), Code::ResponseInvalid);
    // A registry without the referrers API may send us to a web page.
    assert_eq!(registry.fetch(&referrers(&server.name(), None)), Ok(Response::NotFound));
}

#[test]
fn a_challenge_by_another_host_is_not_answered() {
    let storage = Server::start(|_, _| reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""));
    let target = format!("http://{}/x", storage.other_name());
    let server = Server::start(move |_, _| to(302, &target));
    let registry = victim(&[&server, &storage], &server.name()).build().unwrap();
    assert_eq!(code(registry.fetch(&tag(&server.name()))), Code::Denied);
    assert_eq!(storage.seen().len(), 1);
    assert_no_canary(&storage);
}

/// Behind a proxy nobody knows where the registry is, so it counts as public, and this machine as out of reach.
#[test]
fn a_private_host_is_led_to_only_where_the_user_named_it() {
    let proxy = Server::start(|seen, _| match seen.target.as_str() {
        "http://reg.example:5000/v2/ns/app/manifests/v1" => to(302, "http://127.0.0.1:5001/x"),
        "http://127.0.0.1:5001/x" if seen.authorization().is_none() => reply(200, &[], b"{}"),
        target => panic!("{target}"),
    });
    let builder = || {
        let builder = Registry::builder().only_these_roots().allow_http("reg.example:5000").allow_http("127.0.0.1:5001");
        builder.proxy(&format!("http://{}", proxy.name()))
    };
    assert_eq!(code(builder().build().unwrap().fetch(&tag("reg.example:5000"))), Code::RedirectRefused);
    assert_eq!(proxy.seen().len(), 1);
    for other in ["127.0.0.1:5002", "127.0.0.1", "localhost:5001"] {
        let registry = builder().allow_redirect(other).build().unwrap();
        assert_eq!(code(registry.fetch(&tag("reg.example:5000"))), Code::RedirectRefused, "{other}");
    }
    let registry = builder().allow_redirect("127.0.0.1:5001").build().unwrap();
    assert_eq!(found(registry.fetch(&tag("reg.example:5000"))), b"{}");
    // Link-local addresses stay out of reach by whatever name.
    let proxy = Server::start(|_, _| to(302, "https://169.254.169.254/x"));
    let registry = Registry::builder().only_these_roots().allow_http("reg.example:5000").allow_redirect("169.254.169.254");
    let registry = registry.proxy(&format!("http://{}", proxy.name())).build().unwrap();
    assert_eq!(code(registry.fetch(&tag("reg.example:5000"))), Code::RedirectRefused);
}
