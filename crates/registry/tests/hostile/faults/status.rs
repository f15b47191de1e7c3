//! Faults 1–15: status and headers.

use super::*;
use veriseal_testkit::scenario::{key_signed, keyless_bundle_at_fallback_tag};

#[test]
fn fault_01_500_then_ok() {
    by_tag(1, key_signed, |ask, stream| {
        let fails = ask.authorized && ask.before == 0;
        if fails {
            let _ = stream.write_all(&reply(500, &[], b""));
        }
        fails
    });
}

#[test]
fn fault_02_429_with_a_long_retry_after() {
    for value in ["1000000000", "99999999999999999999999999", "Tue, 01 Jan 2999 00:00:00 GMT"] {
        by_tag(2, key_signed, at(Kind::Image, reply(429, &[("Retry-After", value)], b"")));
    }
}

#[test]
fn fault_03_503_for_ever() {
    by_tag(3, key_signed, at(Kind::Image, reply(503, &[], b"")));
    // One that asks for patience beyond the deadline is not asked again.
    for (_, outcome) in by_tag(3, key_signed, at(Kind::Image, reply(503, &[("Retry-After", "3600")], b""))) {
        assert_eq!(outcome.requests, 2);
    }
}

#[test]
fn fault_04_200_with_html() {
    by_tag(4, key_signed, at(Kind::Image, reply(200, &[("Content-Type", "text/html")], b"<html>sign in</html>")));
}

#[test]
fn fault_05_204() {
    by_tag(5, key_signed, at(Kind::Image, reply(204, &[], b"")));
}

#[test]
fn fault_06_404_on_referrers() {
    by_tag(6, keyless_bundle_at_fallback_tag, at(Kind::Referrers, reply(404, &[], b"404 page not found")));
}

#[test]
fn fault_07_404_on_the_manifest() {
    by_tag(7, key_signed, at(Kind::Image, reply(404, &[], b"")));
}

#[test]
fn fault_08_401_loop() {
    by_tag(8, key_signed, |_, stream| stream.write_all(&reply(401, &[("WWW-Authenticate", "Basic realm=x")], b"")).is_ok());
}

#[test]
fn fault_09_403() {
    by_tag(9, key_signed, at(Kind::Image, reply(403, &[], b"")));
}

#[test]
fn fault_10_304_that_nobody_asked_for() {
    by_tag(10, key_signed, at(Kind::Image, head(304, &[])));
}

#[test]
fn fault_11_206_that_nobody_asked_for() {
    by_tag(11, key_signed, |ask, stream| {
        let decides = ask.kind == Kind::Image && ask.authorized;
        if decides {
            let _ = stream.write_all(&reply(206, &[("Content-Range", "bytes 0-1/2")], b"{}"));
        }
        decides
    });
}

/// Answers the image itself, with other headers.
fn image(headers: &'static [(&'static str, &'static str)]) -> impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + Clone {
    let scenario = key_signed();
    let bytes = scenario.store.manifests[&scenario.image.digest].bytes.clone();
    at(Kind::Image, reply(200, headers, &bytes))
}

#[test]
fn fault_12_wrong_content_type() {
    by_tag(12, key_signed, image(&[("Content-Type", crate::INDEX)]));
}

/// The document says itself what it is.
#[test]
fn fault_13_missing_content_type() {
    by_tag(13, key_signed, image(&[]));
}

#[test]
fn fault_14_header_of_1_mb() {
    by_tag(14, key_signed, at(Kind::Image, reply(200, &[("X-Bomb", &"x".repeat(1 << 20))], b"{}")));
}

#[test]
fn fault_15_1000_headers() {
    by_tag(15, key_signed, at(Kind::Image, reply(200, &[("X-Bomb", "x"); 1000], b"{}")));
}
