//! What each status and header means.

use super::server::{Server, closed_port, head, reply};
use super::*;

fn server(answer: Vec<u8>) -> Server {
    Server::start(move |_, _| answer.clone())
}

#[test]
fn a_manifest_a_blob_and_referrers_are_asked_for_where_they_are() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/v2/ns/app/manifests/v1" => {
            reply(200, &[("Content-Type", "Application/vnd.oci.image.manifest.v1+json; charset=utf-8")], b"{}")
        }
        target if target == format!("/v2/ns/app/manifests/{}", digest()) => reply(200, &[("Content-Type", INDEX)], b"{ }"),
        target if target == format!("/v2/ns/app/blobs/{}", digest()) => reply(200, &[], b"{}"),
        target if target == format!("/v2/ns/app/referrers/{}", digest()) => reply(200, &[("Content-Type", INDEX)], b"[]"),
        target => panic!("{target}"),
    });
    let registry = builder(&[&server]).build().unwrap();
    let name = server.name();
    let media_type = Some(MANIFEST.to_owned());
    assert_eq!(registry.fetch(&tag(&name)), Ok(Response::Found { media_type, bytes: b"{}".to_vec(), next: None }));
    assert_eq!(found(registry.fetch(&request(&name, What::Manifest(digest())))), b"{ }");
    assert_eq!(registry.fetch(&blob(&name)), Ok(Response::Found { media_type: None, bytes: b"{}".to_vec(), next: None }));
    assert_eq!(found(registry.fetch(&referrers(&name, None))), b"[]");
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.method == "GET" && seen.header("accept-encoding") == Some("identity")));
    assert!(seen.iter().all(|seen| seen.header("user-agent").unwrap().starts_with("veriseal/")));
    let accept = seen[0].header("accept").unwrap();
    for media_type in veriseal::oci::media_type::MANIFESTS {
        assert!(accept.split(", ").any(|accepted| accepted == media_type), "{accept}");
    }
    assert_eq!(seen[3].header("accept"), Some(INDEX));
}

/// Faults 5, 7, 9, 10, 11.
#[test]
fn only_404_is_not_found() {
    assert_eq!(fetch_tag(&server(reply(404, &[], b"404 page not found"))), Ok(Response::NotFound));
    for (status, expected) in [
        (204, Code::ResponseInvalid),
        (206, Code::ResponseInvalid),
        (304, Code::ResponseInvalid),
        (400, Code::ResponseInvalid),
        (403, Code::Denied),
        (406, Code::ResponseInvalid),
        (410, Code::ResponseInvalid),
        (429, Code::Throttled),
        (451, Code::ResponseInvalid),
        (500, Code::Unavailable),
        (501, Code::ResponseInvalid),
        (503, Code::Unavailable),
    ] {
        assert_eq!(code(fetch_tag(&server(reply(status, &[], b"")))), expected, "{status}");
    }
}

/// Fault 1, 3.
#[test]
fn a_passing_fault_is_tried_again_twice() {
    for times in 0..=3 {
        let server = Server::start(move |_, count| if count < times { reply(500, &[], b"") } else { reply(200, &[], b"{}") });
        let answer = fetch_tag(&server);
        if times <= 2 {
            assert_eq!(found(answer), b"{}");
            assert_eq!(server.seen().len(), times + 1);
        } else {
            assert_eq!(code(answer), Code::Unavailable);
            assert_eq!(server.seen().len(), 3);
        }
    }
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for status in [400, 403, 404, 204] {
        let server = server(reply(status, &[], b""));
        let _ = fetch_tag(&server);
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

/// Fault 2.
#[test]
fn throttling_says_how_long_the_registry_asked_to_wait() {
    for (value, expected) in [("1000000000", Some(1_000_000_000)), ("17", Some(17)), ("soon", None), ("-1", None), ("", None)] {
        let server = server(reply(429, &[("Retry-After", value)], b""));
        let retry_after = expected.map(Duration::from_secs);
        assert_eq!(fetch_tag(&server), Err(FetchError::Throttled { retry_after }), "{value}");
        // More than the call has left is not waited for.
        assert_eq!(server.seen().len(), if expected.is_some() { 1 } else { 3 }, "{value}");
    }
    let server =
        Server::start(|_, count| if count == 0 { reply(429, &[("Retry-After", "0")], b"") } else { reply(200, &[], b"{}") });
    assert_eq!(found(fetch_tag(&server)), b"{}");
}

/// K-OC-08, fault 27: the header is never trusted, and a contradiction is not overlooked.
#[test]
fn a_digest_header_that_contradicts_the_body_is_digest_mismatch() {
    let other = Digest::sha256(b"other").to_string();
    let own = digest().to_string();
    let answer = |value: &str| fetch_tag(&server(reply(200, &[("Docker-Content-Digest", value)], b"{}")));
    assert_eq!(found(answer(&own)), b"{}");
    assert_eq!(code(answer(&other)), Code::DigestMismatch);
    assert_eq!(code(answer("sha256:../../etc/passwd")), Code::ResponseInvalid);
    let twice = reply(200, &[("Docker-Content-Digest", &own), ("Docker-Content-Digest", &other)], b"{}");
    assert_eq!(code(fetch_tag(&server(twice))), Code::ResponseInvalid);
}

/// K-DS-05, fault 24.
#[test]
fn a_compressed_answer_is_response_invalid() {
    for encoding in ["gzip", "zstd", "deflate", "identity, gzip"] {
        assert_eq!(code(fetch_tag(&server(reply(200, &[("Content-Encoding", encoding)], b"{}")))), Code::ResponseInvalid);
    }
    assert_eq!(found(fetch_tag(&server(reply(200, &[("Content-Encoding", "Identity")], b"{}")))), b"{}");
}

/// Faults 4, 12, 13: the core compares the media type; the fetcher says what came.
#[test]
fn the_content_type_is_passed_on_and_may_not_stand_twice() {
    let answer = |headers: &[(&str, &str)]| fetch_tag(&server(reply(200, headers, b"x")));
    let media_type = |answer| match answer {
        Ok(Response::Found { media_type, .. }) => media_type,
        other => panic!("{other:?}"),
    };
    assert_eq!(media_type(answer(&[("Content-Type", "Application/JSON; charset=utf-8")])).as_deref(), Some("application/json"));
    assert_eq!(code(answer(&[("Content-Type", "text/html; charset=utf-8")])), Code::ResponseInvalid);
    assert_eq!(media_type(answer(&[])), None);
    assert_eq!(code(answer(&[("Content-Type", MANIFEST), ("Content-Type", INDEX)])), Code::ResponseInvalid);
}

/// Fault 6.
#[test]
fn a_registry_without_the_referrers_api_is_not_found_on_the_first_page_only() {
    for answer in [
        reply(404, &[], b""),
        reply(400, &[], b""),
        reply(406, &[], b""),
        reply(200, &[("Content-Type", "text/html")], b"<html>"),
        reply(200, &[], b"{}"),
    ] {
        let server = server(answer);
        let registry = builder(&[&server]).build().unwrap();
        assert_eq!(registry.fetch(&referrers(&server.name(), None)), Ok(Response::NotFound));
        assert_eq!(code(registry.fetch(&referrers(&server.name(), Some("/v2/ns/app/referrers/x?n=2")))), Code::ResponseInvalid);
    }
    for (status, expected) in
        [(403, Code::Denied), (429, Code::Throttled), (500, Code::Unavailable), (204, Code::ResponseInvalid)]
    {
        let server = server(reply(status, &[], b""));
        assert_eq!(code(builder(&[&server]).build().unwrap().fetch(&referrers(&server.name(), None))), expected, "{status}");
    }
}

/// Fault 34 is bounded by the core; here the links are read and kept at home.
#[test]
fn the_next_page_is_named_by_path_and_asked_verbatim() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/v2/ns/app/referrers/next?last=a%2Fb&n=2" => reply(200, &[("Content-Type", INDEX)], b"2"),
        _ => reply(200, &[("Content-Type", INDEX), ("Link", r#"<next?last=a%2Fb&n=2>; rel="next""#)], b"1"),
    });
    let registry = builder(&[&server]).build().unwrap();
    let Ok(Response::Found { next: Some(next), .. }) = registry.fetch(&referrers(&server.name(), None)) else { panic!() };
    assert_eq!(next, "/v2/ns/app/referrers/next?last=a%2Fb&n=2");
    assert_eq!(found(registry.fetch(&referrers(&server.name(), Some(&next)))), b"2");
}

#[test]
fn a_next_page_elsewhere_or_unreadable_is_response_invalid() {
    let own = format!("/v2/ns/app/referrers/{}", digest());
    for link in [
        "<https://evil.example/v2/x>; rel=next".to_owned(),
        "<//evil.example/v2/x>; rel=next".to_owned(),
        "<http://victim:x@127.0.0.1/v2/x>; rel=next".to_owned(),
        format!("<{own}>; rel=next"),
        // A path that would be another host when it comes back.
        "</..//evil.example/v2/x>; rel=next".to_owned(),
        "<?n=2; rel=next".to_owned(),
        "</a>; rel=next, </b>; rel=next".to_owned(),
    ] {
        let server = server(reply(200, &[("Content-Type", INDEX), ("Link", &link)], b"1"));
        assert_eq!(
            code(builder(&[&server]).build().unwrap().fetch(&referrers(&server.name(), None))),
            Code::ResponseInvalid,
            "{link}"
        );
    }
    let server = server(reply(200, &[], b""));
    let registry = builder(&[&server]).build().unwrap();
    for page in ["//evil.example/x", "https://evil.example/x", "next", ""] {
        assert_eq!(code(registry.fetch(&referrers(&server.name(), Some(page)))), Code::ResponseInvalid, "{page}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn an_absolute_next_page_of_the_same_origin_is_followed() {
    let server = Server::start(|seen, _| {
        let link = format!("<http://{}/v2/other?n=2>; rel=next", seen.header("host").unwrap());
        reply(200, &[("Content-Type", INDEX), ("Link", &link)], b"1")
    });
    let answer = builder(&[&server]).build().unwrap().fetch(&referrers(&server.name(), None));
    assert!(matches!(answer, Ok(Response::Found { next: Some(next), .. }) if next == "/v2/other?n=2"));
}

#[test]
fn what_cannot_be_reached_is_unavailable() {
    let name = format!("127.0.0.1:{}", closed_port());
    let registry = Registry::builder().allow_http(&name).retry_pause(Duration::ZERO).build().unwrap();
    let failure = failure(registry.fetch(&tag(&name)));
    assert_eq!(failure.code(), Code::Unavailable);
    assert!(failure.to_string().contains(&name), "{failure}");
}

/// Fault 25, and answers that are not HTTP at all.
#[test]
fn what_is_not_http_is_not_an_answer() {
    for bytes in [b"SSH-2.0-x\r\n\r\n".to_vec(), b"HTTP/1.1 abc\r\n\r\n".to_vec()] {
        assert_eq!(code(fetch_tag(&server(bytes))), Code::ResponseInvalid);
    }
    let mut chunked = head(200, &[("Transfer-Encoding", "chunked")]);
    chunked.extend_from_slice(b"zz\r\n{}\r\n");
    assert_eq!(code(fetch_tag(&server(chunked))), Code::Unavailable);
    assert_eq!(code(fetch_tag(&server(Vec::new()))), Code::Unavailable);
}

/// K-OC-13: nothing is sent for a request that cannot be put into an address.
#[test]
fn a_layout_or_an_only_image_is_not_asked_of_a_registry() {
    let registry = Registry::new().unwrap();
    let layout = Request::new(RequestId::from_number(1), Repository::layout("a/layout"), What::Manifest(digest()), MAX);
    assert_eq!(code(registry.fetch(&layout)), Code::SourceInvalid);
    assert_eq!(code(registry.fetch(&request("reg.example", What::OnlyImage))), Code::SourceInvalid);
}
