//! Running it: probes, metrics, reload, audit, the end.

use super::stand::{SIGNED, Stand, UNSIGNED, authority, https, pod};
use serde_json::json;
use std::time::Duration;
use veriseal_admission::server::{Audit, Certificates, Reload, RotatingFile, Settings, WhenFull};
use veriseal_testkit::http::{Action, Fault};
use veriseal_testkit::{HttpRegistry, Store};

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_are_answered() {
    let stand = Stand::new();
    let server = stand.start().await;
    assert_eq!(server.get("/healthz").await.0, 200);
    assert_eq!(server.get("/readyz").await.0, 200);
    assert_eq!(server.get("/mutate").await.0, 405);
    assert_eq!(server.get("/").await.0, 404);
    server.post("/mutate", &pod(SIGNED)).await;
    server.post("/mutate", &pod(UNSIGNED)).await;
    let policy = stand.path("require-signed-images.json").display().to_string();
    for (sample, value) in [
        ("veriseal_ready".to_owned(), "1"),
        ("veriseal_admission_requests_total{registration=\"mutating\",outcome=\"allowed\",reason=\"IMAGES\"}".to_owned(), "1"),
        (format!("veriseal_admission_images_total{{rule=\"{policy} images[0]\",code=\"ACCEPTED\",outcome=\"accepted\"}}"), "1"),
        (format!("veriseal_admission_images_total{{rule=\"{policy} images[0]\",code=\"NO_SIGNATURE\",outcome=\"denied\"}}"), "1"),
        ("veriseal_admission_duration_seconds_count{registration=\"mutating\"}".to_owned(), "2"),
        ("veriseal_admission_under_way".to_owned(), "0"),
        ("veriseal_current{what=\"policy\"}".to_owned(), "1"),
        ("veriseal_audit_lines_total".to_owned(), "2"),
    ] {
        // The writer of the log is on a thread of its own.
        while server.metric("veriseal_audit_waiting").await.as_deref() != Some("0") {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.metric(&sample).await.as_deref(), Some(value), "{sample}\n{}", server.get("/metrics").await.1);
    }
    let days = |of: &'static str| {
        let sample = format!("veriseal_expiry_days{{of=\"{of}\"}}");
        let server = &server;
        async move { server.metric(&sample).await }
    };
    // What the testkit trusts ends nine years after its moment; ours is a day later. The server's certificate ends in 4096.
    assert_eq!(days("trust").await.as_deref(), Some("3284.000"));
    assert!(days("certificate").await.is_some_and(|days| days.starts_with("75")));
    assert_eq!(days("policy").await, None, "nothing in it ends");
    server.stop().await;
}

/// An exception ends, and what it let in with it; retired logs do not count.
#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_end_is_told() {
    let stand = Stand::new();
    // Exceptions end with their day; it is noon.
    let at = |days: i64| stand.now.saturating_add_seconds(86_400 * days).to_string();
    let mut policy = stand.policy("enforce");
    let unsigned = stand.registry.store("x").unwrap().tags["unsigned"].to_string();
    policy["images"] = json!([
        { "match": ["docker.io/rayanos/*"], "allow": { "digests": [unsigned], "reason": "ticket 1", "until": at(20)[..10] } },
        { "match": ["docker.io/gone/*"], "allow": { "digests": [unsigned], "reason": "ticket 2", "until": at(-1)[..10] } },
        policy["images"][0].clone(),
    ]);
    stand.write_policy(&policy);
    let mut root: serde_json::Value = serde_json::from_slice(&std::fs::read(stand.path("root.json")).unwrap()).unwrap();
    root["tlogs"][0]["publicKey"]["validFor"]["end"] = json!(at(-1));
    root["ctlogs"][0]["publicKey"]["validFor"]["end"] = json!(at(30));
    std::fs::write(stand.path("root.json"), root.to_string()).unwrap();
    let server = stand.start().await;
    assert_eq!(server.post("/mutate", &pod(UNSIGNED)).await["allowed"], true);
    for (of, days) in [("policy", 20.5), ("trust", 30.0), ("acceptance", 20.5)] {
        let found = server.metric(&format!("veriseal_expiry_days{{of=\"{of}\"}}")).await;
        let found = found.unwrap_or_else(|| panic!("{of}")).parse::<f64>().unwrap();
        assert!(f64::abs(found - days) < 0.01, "{of}: {found}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_is_used_and_a_bad_one_keeps_the_old() {
    let stand = Stand::new();
    let server = stand.start().await;
    assert_eq!(server.server.reload()[0], Reload::Unchanged);
    assert_eq!(server.post("/mutate", &pod(UNSIGNED)).await["allowed"], false);
    for bad in [json!({}), json!({ "apiVersion": "veriseal/v1", "images": [] })] {
        stand.write_policy(&bad);
        assert!(matches!(server.server.reload()[0], Reload::Kept(_)));
        assert_eq!(server.post("/mutate", &pod(SIGNED)).await["allowed"], true);
        assert_eq!(server.post("/mutate", &pod(UNSIGNED)).await["allowed"], false);
    }
    assert_eq!(server.metric("veriseal_reloads_total{what=\"policy\",result=\"failed\"}").await.as_deref(), Some("2"));
    assert_eq!(server.metric("veriseal_current{what=\"policy\"}").await.as_deref(), Some("0"));
    assert!(server.notes.text().contains("policy: the old one stays in use"), "{}", server.notes.text());
    stand.write_policy(&json!({ "apiVersion": "veriseal/v1", "images": [{ "match": ["**"], "deny": { "reason": "closed" } }] }));
    assert_eq!(server.server.reload()[0], Reload::Replaced);
    assert_eq!(server.post("/mutate", &pod(SIGNED)).await["allowed"], false);
    assert_eq!(server.metric("veriseal_current{what=\"policy\"}").await.as_deref(), Some("1"));
    // What is remembered of one policy serves no other: the verdict of the first was warm all the time.
    // A file that the policy names is part of it.
    stand.write_policy(&stand.policy("enforce"));
    assert_eq!(server.server.reload()[0], Reload::Replaced);
    std::fs::write(stand.path("root.json"), "{}").unwrap();
    assert!(matches!(server.server.reload()[0], Reload::Kept(_)));
    assert_eq!(server.post("/mutate", &pod(SIGNED)).await["allowed"], true);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_and_a_broken_one_keeps_the_old() {
    let stand = Stand::new();
    let server = stand.start().await;
    let other = authority();
    let url = server.url("/healthz");
    let reach = |client: reqwest::Client| {
        let asking = client.get(&url).send();
        async move { asking.await.is_ok() }
    };
    assert!(reach(https(&stand.authority)).await && !reach(https(&other)).await);
    let key = std::fs::read(stand.path("tls.key")).unwrap();
    let ended = rcgen::date_time_ymd(2020, 1, 1);
    let break_it: [(&str, &dyn Fn()); 4] = [
        ("no certificate", &|| std::fs::write(stand.path("tls.crt"), "").unwrap()),
        ("the key of another", &|| {
            stand.write_certificate(&other, |_| {});
            std::fs::write(stand.path("tls.key"), &key).unwrap();
        }),
        ("no key", &|| {
            stand.write_certificate(&other, |_| {});
            std::fs::remove_file(stand.path("tls.key")).unwrap();
        }),
        ("ended", &|| stand.write_certificate(&other, |params| params.not_after = ended)),
    ];
    for (what, break_it) in break_it {
        break_it();
        assert!(matches!(server.server.reload()[1], Reload::Kept(_)), "{what}");
        assert!(reach(https(&stand.authority)).await, "{what}");
        assert_eq!(server.metric("veriseal_current{what=\"certificate\"}").await.as_deref(), Some("0"), "{what}");
    }
    stand.write_certificate(&other, |_| {});
    assert_eq!(server.server.reload()[1], Reload::Replaced);
    assert!(!reach(https(&stand.authority)).await && reach(https(&other)).await);
    // Connections that are open stay so.
    assert_eq!(server.metric("veriseal_current{what=\"certificate\"}").await.as_deref(), Some("1"));
    server.stop().await;
}

#[test]
fn a_certificate_that_cannot_be_used_is_no_start() {
    let stand = Stand::new();
    let load = || Certificates::load(&stand.path("tls.crt"), &stand.path("tls.key"), stand.now).map(drop);
    assert!(load().is_ok());
    stand.write_certificate(&stand.authority, |params| params.not_before = rcgen::date_time_ymd(2030, 1, 1));
    assert_eq!(load().unwrap_err().code(), veriseal::Code::ConfigInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_written_down_with_who_what_and_why() {
    let stand = Stand::new();
    let server = stand.start().await;
    server.post("/mutate", &pod(SIGNED)).await;
    server.post("/validate", &pod(UNSIGNED)).await;
    let lines = server.stop().await;
    assert_eq!(lines.len(), 2);
    let line = &lines[0];
    for (pointer, value) in [
        ("/schema", json!("veriseal.admission/v1")),
        ("/time", json!(stand.now.to_string())),
        ("/uid", pod(SIGNED)["request"]["uid"].clone()),
        ("/registration", json!("mutating")),
        ("/operation", json!("CREATE")),
        ("/user", json!("alice@example.com")),
        ("/requestDryRun", json!(false)),
        ("/object/kind", json!("Pod")),
        ("/object/namespace", json!("test-app")),
        ("/object/name", json!("demo")),
        ("/allowed", json!(true)),
        ("/images/0/image", json!(SIGNED)),
        ("/images/0/pinned", json!(stand.pinned())),
        ("/images/0/records/0/schema", json!("veriseal.record/v1")),
        ("/images/0/records/0/verdict", json!("ACCEPTED")),
    ] {
        let found = line.pointer(pointer);
        let same = found.is_some_and(|found| {
            *found == value || found.as_str().is_some_and(|text| Some(text.to_uppercase()) == value.as_str().map(str::to_owned))
        });
        assert!(same, "{pointer}: {line}");
    }
    assert_eq!((&lines[1]["registration"], &lines[1]["allowed"]), (&json!("validating"), &json!(false)));
    assert_eq!(lines[1]["images"][0]["code"], "DIGEST_REQUIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_rotates_under_the_server() {
    let stand = Stand::new();
    let file = RotatingFile::open(&stand.path("audit.log"), 4000, 3).unwrap();
    let audit = Audit::start(Box::new(file), 16, WhenFull::Deny).unwrap();
    let server = stand.start_writing(Stand::settings(), &[], audit, Default::default()).await;
    for _ in 0..4 {
        server.post("/mutate", &pod(UNSIGNED)).await;
    }
    server.stop().await;
    let mut lines = 0;
    for name in ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"] {
        let text = std::fs::read_to_string(stand.path(name)).unwrap_or_default();
        assert!(text.len() <= 4000, "{name}");
        lines += text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).unwrap().is_object()).count();
    }
    assert_eq!(lines, 4);
    assert!(stand.path("audit.log.1").is_file(), "four lines are more than one file may hold");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_finished_before_the_end() {
    let stand = Stand::new();
    let slow = HttpRegistry::serve(Store::new());
    slow.fault(Fault::new("/v2/", Action::Hang));
    let settings = Settings { stop_delay: Duration::from_secs(2), ..Stand::settings() };
    let mut server = stand.start_with(settings, &[slow.host()]).await;
    let stop = server.stop.take().unwrap();
    let review = pod(&slow.reference("app:v1"));
    let (answer, ()) = tokio::join!(server.post("/mutate", &review), async {
        while slow.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(stop);
        // Requests are still taken for a while, so that whoever was not told yet is answered; new ones are not wanted.
        while server.get("/readyz").await.0 == 200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.get("/healthz").await.0, 200);
        // Until nobody is let in any more.
        while https(&stand.authority).get(server.url("/healthz")).send().await.is_ok() {}
        assert!(!server.serving.is_finished(), "a request is under way");
        drop(slow);
    });
    assert!(answer["status"]["message"].as_str().unwrap().contains("UNAVAILABLE"), "{answer}");
    let log = server.log.clone();
    server.serving.await.unwrap().unwrap();
    assert_eq!(log.lines().len(), 1, "and the log is whole");
}
