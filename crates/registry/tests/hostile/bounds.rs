//! Sizes, headers and time (K-DS-02, K-DS-16, INV-13).

use super::server::{Server, drip, head, reply};
use super::*;
use std::io::{Read as _, Write as _};
use std::time::Instant;

const OVER: usize = MAX as usize + 1;

/// Fault 19.
#[test]
fn a_body_of_exactly_the_bound_is_read_and_one_more_is_too_large() {
    for (length, fits) in [(OVER - 1, true), (OVER, false)] {
        let with_length = Server::start(move |_, _| reply(200, &[], &vec![b' '; length]));
        let without = Server::start(move |_, _| [head(200, &[]), vec![b' '; length]].concat());
        let chunked = Server::start(move |_, _| {
            let mut bytes = head(200, &[("Transfer-Encoding", "chunked")]);
            for chunk in vec![b' '; length].chunks(1000) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            [bytes, b"0\r\n\r\n".to_vec()].concat()
        });
        for server in [with_length, without, chunked] {
            let answer = fetch_tag(&server);
            if fits {
                assert_eq!(found(answer).len(), length);
            } else {
                assert_eq!(answer, Err(FetchError::TooLarge { max_bytes: MAX }));
                assert_eq!(server.seen().len(), 1);
            }
        }
    }
}

/// Fault 18: the server would send for ever; it is read up to the bound.
#[test]
fn an_endless_body_is_too_large_at_once() {
    let server = Server::raw(None, |_, _, stream| {
        let _ = stream.write_all(&head(200, &[]));
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert_eq!(fetch_tag(&server), Err(FetchError::TooLarge { max_bytes: MAX }));
}

/// Fault 28.
#[test]
fn a_blob_longer_than_its_descriptor_says_is_size_mismatch() {
    let server = Server::start(|_, _| reply(200, &[], b"{}\n"));
    assert_eq!(code(builder(&[&server]).build().unwrap().fetch(&blob(&server.name()))), Code::SizeMismatch);
    // Above the bound of the request it is the bound that counts.
    let server = Server::start(|_, _| reply(200, &[], &[b' '; OVER]));
    let large = request(&server.name(), What::Blob { digest: digest(), size: MAX + 1 });
    assert_eq!(code(builder(&[&server]).build().unwrap().fetch(&large)), Code::TooLarge);
}

/// Faults 16, 23.
#[test]
fn a_truncated_body_is_unavailable_and_tried_again() {
    let cut = || [head(200, &[("Content-Length", "10")]), b"{}".to_vec()].concat();
    let server = Server::start(move |_, _| cut());
    assert_eq!(code(fetch_tag(&server)), Code::Unavailable);
    assert_eq!(server.seen().len(), 3);
    let server = Server::start(move |_, count| if count == 0 { cut() } else { reply(200, &[], b"{}") });
    assert_eq!(found(fetch_tag(&server)), b"{}");
}

/// Fault 17.
#[test]
fn nothing_beyond_content_length_is_read() {
    let server = Server::start(|_, _| [head(200, &[("Content-Length", "2")]), b"{}garbage".to_vec()].concat());
    assert_eq!(found(fetch_tag(&server)), b"{}");
}

/// Faults 14, 15.
#[test]
fn a_flood_of_headers_is_response_invalid() {
    let long = Server::start(|_, _| reply(200, &[("X-Bomb", &"x".repeat(70 * 1024))], b"{}"));
    assert_eq!(code(fetch_tag(&long)), Code::ResponseInvalid);
    let huge = Server::start(|_, _| reply(200, &[("X-Bomb", &"x".repeat(1024 * 1024))], b"{}"));
    assert_eq!(code(fetch_tag(&huge)), Code::ResponseInvalid);
    let many = Server::start(|_, _| reply(200, &[("X-Bomb", "x"); 1000], b"{}"));
    assert_eq!(code(fetch_tag(&many)), Code::ResponseInvalid);
    let honest = Server::start(|_, _| reply(200, &[("X-Long", "x"); 60], b"{}"));
    assert_eq!(found(fetch_tag(&honest)), b"{}");
}

/// Faults 20, 21, 22.
#[test]
fn a_slow_registry_meets_the_deadline() {
    let deadline = Duration::from_millis(300);
    let silent = Server::raw(None, |_, _, stream| drip(stream, Duration::from_secs(3), 1));
    let stalled_after_head = Server::raw(None, |_, _, stream| {
        let _ = stream.write_all(&head(200, &[])).and_then(|()| stream.flush());
        std::thread::sleep(Duration::from_secs(3));
    });
    let dripping = Server::raw(None, |_, _, stream| {
        let _ = stream.write_all(&head(200, &[]));
        drip(stream, Duration::from_millis(20), 200);
    });
    for server in [silent, stalled_after_head, dripping] {
        let registry = builder(&[&server]).deadline(deadline).build().unwrap();
        let started = Instant::now();
        assert_eq!(code(registry.fetch(&tag(&server.name()))), Code::DeadlineExceeded);
        assert!(started.elapsed() < Duration::from_millis(1200));
    }
}

#[test]
fn the_deadline_of_a_call_is_shared_by_its_requests() {
    let server = Server::raw(None, |_, count, stream| {
        if count == 0 {
            let _ = stream.write_all(&reply(200, &[], b"{}"));
        } else {
            drip(stream, Duration::from_secs(3), 1);
        }
    });
    let call = builder(&[&server]).deadline(Duration::from_millis(300)).build().unwrap().call();
    assert_eq!(found(call.fetch(&tag(&server.name()))), b"{}");
    assert_eq!(code(call.fetch(&tag(&server.name()))), Code::DeadlineExceeded);
    let started = Instant::now();
    assert_eq!(code(call.fetch(&tag(&server.name()))), Code::DeadlineExceeded);
    assert!(started.elapsed() < Duration::from_millis(100), "a call that is over asks nothing more");
    assert_eq!(server.seen().len(), 2);
}

/// Bytes after an answer are no answer: a connection that has some is not asked again, or a registry behind a shared
/// front could have one request answered with what another put there.
#[test]
fn what_follows_an_answer_is_never_the_next_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut seen = Vec::new();
                let mut byte = [0];
                while stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    seen.push(byte[0]);
                    if seen.ends_with(b"\r\n\r\n") {
                        seen.clear();
                        // Kept open, with a second answer that nobody asked for.
                        let _ = stream.write_all(
                            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
                        );
                    }
                }
            });
        }
    });
    let registry = Registry::builder().only_these_roots().retry_pause(Duration::ZERO).allow_http(&name).build().unwrap();
    for _ in 0..20 {
        assert_eq!(found(registry.fetch(&tag(&name))), b"{}");
    }
}

/// K-OC-16: an IPv6 address with a port is a registry like any other.
#[test]
fn a_registry_on_an_ipv6_address_is_asked() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        println!("skipped: this machine has no IPv6 on loopback");
        return;
    };
    let name = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&reply(200, &[], b"{}"));
        }
    });
    let registry = Registry::builder().only_these_roots().allow_http(&name).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&name))), b"{}");
}
