//! What is too much, takes too long, or cannot be written down: denied, with its code, and without harm to others.

use super::stand::{Log, Running, SIGNED, Stand, pod};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use veriseal_admission::server::{Audit, Bounds, Settings, WhenFull};
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::http::{Action, Fault};

fn bounds(bounds: Bounds) -> Settings {
    Settings { bounds, ..Stand::settings() }
}

fn message(response: &Value) -> &str {
    assert_eq!(response["allowed"], false, "{response}");
    response["status"]["message"].as_str().unwrap()
}

/// Until the registry was asked, so that a request is known to be under way.
async fn asked(registry: &HttpRegistry) {
    while registry.requests().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// A registry that takes questions and answers none, until it is dropped.
fn hanging(stand: &Stand) -> HttpRegistry {
    let registry = HttpRegistry::serve(stand.registry.store("x").unwrap());
    registry.fault(Fault::new("/v2/", Action::Hang));
    registry
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_beyond_the_bound_is_denied_as_overload() {
    let stand = Stand::new();
    let slow = hanging(&stand);
    let server = stand.start_with(bounds(Bounds { reviews: 1, ..Bounds::DEFAULT }), &[slow.host()]).await;
    let at_slow = pod(&slow.reference("rayanos/kyverno-cosign-demo:v1.0.1"));
    let (first, ()) = tokio::join!(server.post("/mutate", &at_slow), async {
        asked(&slow).await;
        let second = server.post("/validate", &pod(SIGNED)).await;
        assert!(message(&second).contains("ADMISSION_OVERLOADED"), "{second}");
        drop(slow);
    });
    // K-PO-09: a registry that goes away is no reason to let anything in.
    assert!(message(&first).contains("UNAVAILABLE"), "{first}");
    assert_eq!(server.post("/mutate", &pod(SIGNED)).await["allowed"], true, "the place was given back");
    let lines = server.stop().await;
    assert_eq!(lines[0]["reason"]["code"], "ADMISSION_OVERLOADED", "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_hangs_does_not_hold_up_the_others() {
    let stand = Stand::new();
    let slow = hanging(&stand);
    let server = stand.start_with(bounds(Bounds { images_per_registry: 1, ..Bounds::DEFAULT }), &[slow.host()]).await;
    let at_slow = pod(&slow.reference("rayanos/kyverno-cosign-demo:v1.0.1"));
    let (hung, ()) = tokio::join!(server.post("/mutate", &at_slow), async {
        asked(&slow).await;
        let beyond = server.post("/mutate", &at_slow).await;
        assert!(message(&beyond).contains("ADMISSION_OVERLOADED"), "{beyond}");
        assert_eq!(server.post("/mutate", &pod(SIGNED)).await["allowed"], true, "another registry is still asked");
        drop(slow);
    });
    assert!(message(&hung).contains("UNAVAILABLE"), "{hung}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_found_out_in_time_is_denied_by_name() {
    let stand = Stand::new();
    let slow = hanging(&stand);
    let settings = Settings { deadline: Duration::from_millis(800), ..Stand::settings() };
    let server = stand.start_with(settings, &[slow.host()]).await;
    let image = slow.reference("rayanos/kyverno-cosign-demo:v1.0.1");
    let response = server.post("/mutate", &pod(&image)).await;
    for part in ["DEADLINE_EXCEEDED", &image, "/spec/containers/0/image", "images[0]"] {
        assert!(message(&response).contains(part), "{part}: {response}");
    }
    assert_eq!(server.metric("veriseal_registry_errors_total{code=\"DEADLINE_EXCEEDED\"}").await.as_deref(), Some("1"));
    let lines = server.stop().await;
    assert_eq!(lines[0]["images"][0]["records"][0]["verdict"], "undecided", "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_image_may_be_given_less_time_than_the_request() {
    let stand = Stand::new();
    let slow = hanging(&stand);
    let settings = Settings { image_deadline: Duration::from_millis(300), ..Stand::settings() };
    let server = stand.start_with(settings, &[slow.host()]).await;
    let response = server.post("/mutate", &pod(&slow.reference("app:v1"))).await;
    assert!(message(&response).contains("DEADLINE_EXCEEDED"), "{response}");
    let lines = server.stop().await;
    assert!(lines[0]["microseconds"].as_u64().unwrap() < 30_000_000, "not the minute that the request may take: {lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_lets_pass_what_could_not_be_looked_at_too() {
    let stand = Stand::new();
    for (dry_run, allowed) in [(false, false), (true, true)] {
        let settings = Settings { dry_run, ..bounds(Bounds { reviews: 0, ..Bounds::DEFAULT }) };
        let server = stand.start_with(settings, &[]).await;
        let response = server.post("/mutate", &pod(SIGNED)).await;
        assert_eq!((&response["allowed"], response.get("patch")), (&json!(allowed), None));
        let told = if dry_run { &response["warnings"][0] } else { &response["status"]["message"] };
        assert!(told.as_str().unwrap().contains("ADMISSION_OVERLOADED"), "{response}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_beyond_the_room_is_denied_as_overload() {
    let stand = Stand::new();
    let server = stand.start_with(bounds(Bounds { evidence_bytes: 100, ..Bounds::DEFAULT }), &[]).await;
    let response = server.post("/mutate", &pod(SIGNED)).await;
    assert!(message(&response).contains("ADMISSION_OVERLOADED"), "{response}");
    server.stop().await;
}

/// What is answered to these bytes, sent on a connection of their own.
async fn raw(stand: &Stand, server: &Running, parts: &[&[u8]]) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(stand.authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    for part in parts {
        stream.write_all(part).await.unwrap();
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_three_mebibytes_is_not_read() {
    let stand = Stand::new();
    let server = stand.start().await;
    let head = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 3145729\r\n\r\n";
    assert_eq!(raw(&stand, &server, &[head]).await, "HTTP/1.1 413", "before any of it came");
    let largest = vec![b' '; 3 * 1024 * 1024];
    let answer = server.client.post(server.url("/mutate")).body(largest).send().await.unwrap();
    assert_eq!(answer.status(), 200, "answered, as no review");
    server.stop().await;
    let server = stand.start_with(bounds(Bounds { body_bytes: 100, ..Bounds::DEFAULT }), &[]).await;
    let answer = server.client.post(server.url("/mutate")).body(pod(SIGNED).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("ADMISSION_OVERLOADED"));
    server.stop().await;
}

/// A length that nobody said is bounded while it comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_bounded_too() {
    let stand = Stand::new();
    let server = stand.start().await;
    let head = b"POST /mutate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    let mebibyte = [b"100000\r\n".as_slice(), &[b' '; 0x10_0000], b"\r\n"].concat();
    let parts = [head, &mebibyte, &mebibyte, &mebibyte, b"1\r\n \r\n"];
    assert_eq!(raw(&stand, &server, &parts).await, "HTTP/1.1 413");
    server.stop().await;
}

/// A place for lines that takes none before it is told to.
struct Stuck(mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_cannot_be_written_down_is_denied() {
    for (when_full, deadline) in [(WhenFull::Deny, 60_000), (WhenFull::Wait, 1500)] {
        let stand = Stand::new();
        let (open, stuck) = mpsc::channel();
        let audit = Audit::start(Box::new(Stuck(stuck)), 1, when_full).unwrap();
        let settings = Settings { deadline: Duration::from_millis(deadline), ..Stand::settings() };
        let server = stand.start_writing(settings, &[], audit, Log::default()).await;
        let mut review = pod(SIGNED);
        review["request"]["operation"] = json!("DELETE");
        let mut answers = Vec::new();
        // One line may be with the writer, as soon as it takes it, and one waits: the second or the third finds no room.
        while answers.last().is_none_or(|answer: &Value| answer["allowed"] == true) {
            answers.push(server.post("/mutate", &review).await);
            assert!(answers.len() <= 3, "{answers:?}");
        }
        assert!(answers.len() > 1, "{answers:?}");
        assert!(message(&answers[answers.len() - 1]).contains("AUDIT_UNAVAILABLE"), "{answers:?}");
        assert_eq!(server.metric("veriseal_audit_denied_total").await.unwrap(), "1");
        drop(open);
        server.stop().await;
    }
}
