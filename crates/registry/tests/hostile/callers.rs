//! From which threads and runtimes it may be called.

use super::server::{Server, drip, reply};
use super::*;
use std::thread;

fn server() -> Server {
    Server::start(|_, _| reply(200, &[], b"{}"))
}

#[tokio::test]
async fn a_blocking_call_inside_a_single_threaded_runtime_answers() {
    let server = server();
    let registry = builder(&[&server]).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
    // Nor does dropping it here panic, as dropping a runtime inside a runtime would.
    drop(registry);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocking_call_inside_a_threaded_runtime_answers() {
    let server = server();
    let call = builder(&[&server]).build().unwrap().call();
    assert_eq!(found(call.fetch(&tag(&server.name()))), b"{}");
    assert_eq!(found(call.fetch_async(&tag(&server.name())).await), b"{}");
}

#[test]
fn an_awaiting_call_needs_no_particular_runtime() {
    let server = server();
    let registry = builder(&[&server]).build().unwrap();
    let request = tag(&server.name());
    let mut future = std::pin::pin!(registry.fetch_async(&request));
    // A waker that does nothing and a loop: the poorest executor there is.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let answer = loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => break answer,
            std::task::Poll::Pending => thread::yield_now(),
        }
    };
    assert_eq!(found(answer), b"{}");
}

#[test]
fn many_threads_share_one_registry() {
    let server = server();
    let registry = builder(&[&server]).build().unwrap();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| found(registry.fetch(&tag(&server.name()))))).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), b"{}");
        }
    });
}

#[test]
fn one_slow_request_does_not_hold_up_another() {
    let slow = Server::raw(None, |_, _, stream| drip(stream, Duration::from_secs(3), 1));
    let fast = server();
    let registry = builder(&[&slow, &fast]).deadline(Duration::from_millis(500)).build().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| code(registry.fetch(&tag(&slow.name()))));
        assert_eq!(found(registry.fetch(&tag(&fast.name()))), b"{}");
        assert_eq!(waiting.join().unwrap(), Code::DeadlineExceeded);
    });
}

#[test]
fn a_registry_and_a_call_can_be_shared() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Registry>();
    shared::<veriseal_registry::Call>();
}

#[test]
fn a_proxy_that_was_given_is_asked_for_everything() {
    let proxy = Server::start(|seen, _| {
        assert_eq!(seen.target, "http://reg.example:5000/v2/ns/app/manifests/v1");
        reply(200, &[], b"{}")
    });
    let builder = Registry::builder().only_these_roots().allow_http("reg.example:5000");
    let registry = builder.proxy(&format!("http://{}", proxy.name())).build().unwrap();
    assert_eq!(found(registry.fetch(&tag("reg.example:5000"))), b"{}");
}

/// Runs itself again with proxies in the environment that lead nowhere.
#[test]
fn a_proxy_of_the_environment_is_not_used() {
    if std::env::var_os("HTTP_PROXY").is_none() {
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["callers::a_proxy_of_the_environment_is_not_used", "--exact"])
            .envs([
                ("HTTP_PROXY", "http://127.0.0.1:1"),
                ("http_proxy", "http://127.0.0.1:1"),
                ("ALL_PROXY", "http://127.0.0.1:1"),
            ])
            .output()
            .unwrap();
        assert!(again.status.success(), "{again:?}");
        return;
    }
    let server = server();
    assert_eq!(found(builder(&[&server]).build().unwrap().fetch(&tag(&server.name()))), b"{}");
}
