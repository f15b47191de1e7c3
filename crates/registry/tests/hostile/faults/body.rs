//! Faults 16–30: bodies.

use super::*;
use crate::server::drip;
use crate::stand::STEP;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use veriseal::digest::Digest;
use veriseal_registry::Registry;
use veriseal_testkit::scenario::{Scenario, key_signed};

/// Serves the image with whatever the test makes of its bytes.
fn image(
    serve: impl Fn(&[u8], &mut dyn Stream) + Send + Sync + Clone + 'static,
) -> impl Fn(&Ask<'_>, &mut dyn Stream) -> bool + Send + Sync + Clone {
    let scenario = key_signed();
    let bytes = scenario.store.manifests[&scenario.image.digest].bytes.clone();
    move |ask, stream| {
        let decides = ask.kind == Kind::Image && ask.authorized;
        if decides {
            serve(&bytes, stream);
        }
        decides
    }
}

const TYPE: (&str, &str) = ("Content-Type", crate::MANIFEST);

fn long(length: u64) -> Vec<u8> {
    head(200, &[TYPE, ("Content-Length", &length.to_string())])
}

#[test]
fn fault_16_truncated() {
    by_tag(
        16,
        key_signed,
        image(|bytes, stream| {
            let _ = stream.write_all(&[&long(bytes.len() as u64), &bytes[..bytes.len() / 2]].concat());
        }),
    );
}

/// What comes after the stated length is not read, and nothing else is asked on that connection.
#[test]
fn fault_17_longer_than_content_length() {
    by_tag(
        17,
        key_signed,
        image(|bytes, stream| {
            let _ = stream.write_all(&[&long(bytes.len() as u64), bytes, b"HTTP/1.1 200 OK\r\n\r\nsmuggled"].concat());
        }),
    );
}

fn endless(stream: &mut dyn Stream) {
    while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
}

#[test]
fn fault_18_without_length_and_without_end() {
    by_tag(
        18,
        key_signed,
        image(|_, stream| {
            let _ = stream.write_all(&head(200, &[TYPE]));
            endless(stream);
        }),
    );
    by_tag(
        18,
        key_signed,
        image(|_, stream| {
            let _ = stream.write_all(&head(200, &[TYPE, ("Transfer-Encoding", "chunked")]));
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
            while stream.write_all(&chunk).is_ok() {}
        }),
    );
}

#[test]
fn fault_19_1_gib() {
    for (_, outcome) in by_tag(
        19,
        key_signed,
        image(|_, stream| {
            let _ = stream.write_all(&long(1 << 30));
            endless(stream);
        }),
    ) {
        assert_eq!(outcome.bytes, 0, "a length that is too large is not read at all");
    }
}

/// K-DS-16.
#[test]
fn fault_20_a_byte_now_and_then() {
    for (_, outcome) in by_tag(
        20,
        key_signed,
        image(|bytes, stream| {
            let _ = stream.write_all(&long(bytes.len() as u64));
            drip(stream, STEP / 10, 100);
        }),
    ) {
        assert!(outcome.elapsed < 3 * STEP, "{:?}: the rate is held, not the deadline, and not tried again", outcome.elapsed);
    }
}

#[test]
fn fault_21_stall_after_the_headers() {
    by_tag(
        21,
        key_signed,
        image(|bytes, stream| {
            let _ = stream.write_all(&long(bytes.len() as u64)).and_then(|()| stream.flush());
            std::thread::sleep(DEADLINE);
        }),
    );
}

#[test]
fn fault_22_stall_within_the_body() {
    by_tag(
        22,
        key_signed,
        image(|bytes, stream| {
            let _ = stream.write_all(&[&long(bytes.len() as u64), &bytes[..10]].concat()).and_then(|()| stream.flush());
            std::thread::sleep(DEADLINE);
        }),
    );
}

/// A connection that is closed with something unread is reset.
#[test]
fn fault_23_reset_within_the_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read_exact(&mut [0; 8]);
            let _ = stream.write_all(&[&long(1000), b"{}".as_slice()].concat());
        }
    });
    let stand = Stand::start(false, key_signed(), |_, _| false);
    let registry: Registry = stand.builder().allow_http(&name).build().unwrap();
    let mut outcome = stand.verify_with(&format!("{name}/acme/app:v1"), &registry);
    outcome.requests = connections.load(Ordering::SeqCst);
    hold(23, &outcome);
    assert_eq!(outcome.requests, 3);
}

/// K-DS-05.
#[test]
fn fault_24_gzip_bomb() {
    for encoding in ["gzip", "zstd", "br"] {
        for (_, outcome) in by_tag(
            24,
            key_signed,
            image(move |_, stream| {
                let _ = stream.write_all(&head(200, &[TYPE, ("Content-Encoding", encoding)]));
                endless(stream);
            }),
        ) {
            assert_eq!(outcome.bytes, 0);
        }
    }
}

#[test]
fn fault_25_malformed_chunks() {
    for chunk in ["zz\r\n{}\r\n", "5\r\n{}", "ffffffffffffffffffff\r\n{}"] {
        by_tag(
            25,
            key_signed,
            image(move |_, stream| {
                let _ = stream.write_all(&[&head(200, &[TYPE, ("Transfer-Encoding", "chunked")]), chunk.as_bytes()].concat());
            }),
        );
    }
}

/// K-OC-01, K-OC-02: over real HTTP, for the image, a signature's manifest and a payload.
#[test]
fn fault_26_content_of_another_digest() {
    by_digest(
        26,
        key_signed,
        image(|bytes, stream| {
            let other = String::from_utf8(bytes.to_vec()).unwrap().replace("\"schemaVersion\":2", "\"schemaVersion\": 2");
            let _ = stream.write_all(&reply(200, &[TYPE], other.as_bytes()));
        }),
    );
    for (kind, scenario) in
        [(Kind::Blob, key_signed as fn() -> Scenario), (Kind::Manifest, veriseal_testkit::scenario::keyless_bundle)]
    {
        by_tag(26, scenario, move |ask, stream| {
            let decides = ask.kind == kind && ask.authorized;
            if decides {
                let size = if kind == Kind::Blob { payload_size() } else { manifest_size(&scenario()) };
                let _ = stream.write_all(&reply(200, &[TYPE], &vec![b' '; size]));
            }
            decides
        });
    }
}

fn payload_size() -> usize {
    let scenario = key_signed();
    let payloads = scenario.store.blobs.values().filter(|bytes| bytes.windows(8).any(|part| part == b"critical"));
    payloads.map(Vec::len).next().unwrap()
}

fn manifest_size(scenario: &Scenario) -> usize {
    scenario.store.referrers[&scenario.image.digest][0]["size"].as_u64().unwrap() as usize
}

/// K-OC-08.
#[test]
fn fault_27_right_digest_in_the_header_and_a_wrong_body() {
    let digest = key_signed().image.digest.to_string();
    let other = Digest::sha256(b"x").to_string();
    by_tag(
        27,
        key_signed,
        image(move |bytes, stream| {
            let altered = [bytes, b" "].concat();
            let _ = stream.write_all(&reply(200, &[TYPE, ("Docker-Content-Digest", &digest)], &altered));
        }),
    );
    by_tag(
        27,
        key_signed,
        image(move |bytes, stream| {
            let _ = stream.write_all(&reply(200, &[TYPE, ("Docker-Content-Digest", &other)], bytes));
        }),
    );
}

/// K-OC-09: longer, and shorter, than its descriptor says.
#[test]
fn fault_28_size_that_is_not_the_descriptors() {
    for size in [1, 10_000] {
        by_tag(28, key_signed, at(Kind::Blob, reply(200, &[], &vec![b' '; size])));
    }
}

#[test]
fn fault_29_empty_body() {
    by_tag(29, key_signed, at(Kind::Image, reply(200, &[TYPE], b"")));
}

#[test]
fn fault_30_utf_16_or_a_byte_order_mark() {
    by_tag(
        30,
        key_signed,
        image(|bytes, stream| {
            let _ = stream.write_all(&reply(200, &[TYPE], &[b"\xef\xbb\xbf", bytes].concat()));
        }),
    );
    by_tag(
        30,
        key_signed,
        image(|bytes, stream| {
            let wide: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
            let _ = stream.write_all(&reply(200, &[TYPE], &[b"\xff\xfe", wide.as_slice()].concat()));
        }),
    );
}
