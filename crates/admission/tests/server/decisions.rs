//! What is admitted, pinned and denied: the scenario of the source article, and images that hide.

use super::stand::{SIGNED, Stand, UNSIGNED, patch, pod, recorded};
use serde_json::{Value, json};
use veriseal_admission::KINDS;

#[tokio::test(flavor = "multi_thread")]
async fn the_signed_image_of_the_article_is_admitted_and_pinned() {
    let stand = Stand::new();
    let server = stand.start().await;
    let review = pod(SIGNED);
    let response = server.post("/mutate?timeout=30s", &review).await;
    assert_eq!(response["allowed"], true, "{response}");
    let expected = json!([
        { "op": "test", "path": "/spec/containers/0/image", "value": SIGNED },
        { "op": "replace", "path": "/spec/containers/0/image", "value": stand.pinned() },
    ]);
    assert_eq!(patch(&response), expected);
    // What the mutating webhook made of it is what the validating one admits; the tag is not enough for that.
    let by_tag = server.post("/validate", &review).await;
    assert_eq!(by_tag["allowed"], false);
    assert!(by_tag["status"]["message"].as_str().unwrap().contains("DIGEST_REQUIRED"), "{by_tag}");
    let by_digest = server.post("/validate", &pod(&stand.pinned())).await;
    assert_eq!((&by_digest["allowed"], by_digest.get("patch")), (&json!(true), None), "{by_digest}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unsigned_image_of_the_article_is_denied_by_name_rule_and_reason() {
    let stand = Stand::new();
    let server = stand.start().await;
    for path in ["/mutate", "/validate"] {
        let digest = stand.registry.store("x").unwrap().tags["unsigned"];
        let image = if path == "/mutate" { UNSIGNED.to_owned() } else { format!("rayanos/kyverno-cosign-demo@{digest}") };
        let response = server.post(path, &pod(&image)).await;
        assert_eq!((&response["allowed"], response.get("patch")), (&json!(false), None));
        assert_eq!(response["status"]["code"], 403);
        let message = response["status"]["message"].as_str().unwrap();
        for part in
            [&image, "/spec/containers/0/image", "require-signed-images", "images[0]", "NO_SIGNATURE", "no signatures found"]
        {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(message.lines().count(), 1, "one line an image");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_pod_in_another_namespace_is_out_of_scope() {
    let stand = Stand::new();
    let server = stand.start().await;
    let mut review = pod(UNSIGNED);
    review["request"]["namespace"] = json!("other");
    for path in ["/mutate", "/validate"] {
        let response = server.post(path, &review).await;
        assert_eq!((&response["allowed"], response.get("patch")), (&json!(true), None));
        assert!(response["warnings"][0].as_str().unwrap().contains("OUT_OF_SCOPE"), "{response}");
        assert_eq!(response["auditAnnotations"]["decision"], "OUT_OF_SCOPE");
    }
    assert!(stand.registry.requests().is_empty());
    let lines = server.stop().await;
    assert_eq!(lines[0]["reason"]["code"], "OUT_OF_SCOPE");
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests_of_other_kinds_are_admitted_and_pinned() {
    let stand = Stand::new();
    let server = stand.start().await;
    for (name, path) in [
        ("deployment", "/spec/template/spec/containers/0/image"),
        ("cronjob", "/spec/jobTemplate/spec/template/spec/containers/0/image"),
        ("ephemeralcontainers", "/spec/containers/0/image"),
    ] {
        let response = server.post("/mutate", &recorded(name)).await;
        assert_eq!(response["allowed"], true, "{name}: {response}");
        assert_eq!(patch(&response)[0]["path"], path);
    }
    let mut debugging = recorded("ephemeralcontainers");
    debugging["request"]["object"]["spec"]["ephemeralContainers"][0]["image"] = json!(UNSIGNED);
    assert_eq!(server.post("/mutate", &debugging).await["allowed"], false);
    server.stop().await;
}

/// K-PO-08, over HTTPS: every kind and every place, each with an unsigned image in exactly one of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_image_is_found_wherever_it_hides() {
    let stand = Stand::new();
    let server = stand.start().await;
    let places = [
        "/containers/0/image",
        "/containers/1/image",
        "/initContainers/0/image",
        "/ephemeralContainers/0/image",
        "/volumes/0/image/reference",
    ];
    let mut denied = 0;
    for kind in KINDS {
        let spec = json!({
            "containers": [{ "name": "a", "image": SIGNED }, { "name": "b", "image": SIGNED }],
            "initContainers": [{ "name": "c", "image": SIGNED }],
            "ephemeralContainers": [{ "name": "d", "image": SIGNED }],
            "volumes": [{ "name": "v", "image": { "reference": SIGNED } }],
        });
        let names: Vec<&str> = kind.pod_spec.rsplit('/').filter(|name| !name.is_empty()).collect();
        let mut object = names.into_iter().fold(spec, |inner, name| json!({ name: inner }));
        object["apiVersion"] = json!(if kind.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group) });
        object["kind"] = json!(kind.kind);
        let review = |object: &Value| {
            let mut review = recorded("pod");
            review["request"]["kind"] = json!({ "group": kind.group, "version": kind.version, "kind": kind.kind });
            review["request"]["object"] = object.clone();
            review
        };
        let good = server.post("/mutate", &review(&object)).await;
        assert_eq!(good["allowed"], true, "{}: {good}", kind.kind);
        assert_eq!(patch(&good).as_array().unwrap().len(), 2 * places.len());
        for place in places {
            let mut bad = object.clone();
            *bad.pointer_mut(&format!("{}{place}", kind.pod_spec)).unwrap() = json!(UNSIGNED);
            let response = server.post("/mutate", &review(&bad)).await;
            assert_eq!(response["allowed"], false, "{} {place}", kind.kind);
            assert!(response["status"]["message"].as_str().unwrap().contains(place), "{} {place}", kind.kind);
            denied += 1;
        }
    }
    assert_eq!(denied, 45);
    assert_eq!(
        server
            .metric("veriseal_admission_requests_total{registration=\"mutating\",outcome=\"denied\",reason=\"IMAGES\"}")
            .await
            .as_deref(),
        Some("45")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_lets_pass_what_it_would_deny() {
    let stand = Stand::new();
    let server = stand.start_with(veriseal_admission::server::Settings { dry_run: true, ..Stand::settings() }, &[]).await;
    let response = server.post("/mutate", &pod(UNSIGNED)).await;
    assert_eq!((&response["allowed"], response.get("patch")), (&json!(true), None));
    assert!(response["warnings"][0].as_str().unwrap().contains("NO_SIGNATURE"), "{response}");
    let lines = server.stop().await;
    assert_eq!(lines[0]["images"][0]["wouldDeny"], true);
    assert_eq!(lines[0]["serverDryRun"], true);
}

/// The tag is asked for anew for every request: what a cache holds is by digest (K-PO-07: and a verdict that is remembered is
/// one that this process made).
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_is_seen_at_once_although_verdicts_are_remembered() {
    let stand = Stand::new();
    let server = stand.start().await;
    let first = server.post("/mutate", &pod(SIGNED)).await;
    assert_eq!(first["allowed"], true);
    assert_eq!(server.metric("veriseal_verdict_cache_total{result=\"hit\"}").await.as_deref(), Some("0"));
    assert_eq!(server.post("/mutate", &pod(SIGNED)).await, first);
    assert_eq!(server.metric("veriseal_verdict_cache_total{result=\"hit\"}").await.as_deref(), Some("1"));
    stand.registry.edit("x", |store| {
        let unsigned = store.tags["unsigned"];
        store.tags.insert("v1.0.1".to_owned(), unsigned);
    });
    assert_eq!(server.post("/mutate", &pod(SIGNED)).await["allowed"], false);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_looked_for_where_the_server_was_told() {
    let stand = Stand::new();
    let signatures = Some("docker.io/rayanos/signatures".parse().unwrap());
    let settings = veriseal_admission::server::Settings { signatures, ..Stand::settings() };
    let whole = stand.registry.store("x").unwrap();
    stand.registry.push("rayanos/signatures", whole.clone());
    let mut bare = whole;
    bare.referrers.clear();
    stand.registry.push("rayanos/kyverno-cosign-demo", bare);
    let server = stand.start_with(settings, &[]).await;
    let response = server.post("/mutate", &pod(SIGNED)).await;
    assert_eq!(response["allowed"], true, "{response}");
    assert_eq!(patch(&response)[1]["value"], stand.pinned());
    server.stop().await;
    let beside = stand.start().await;
    assert_eq!(beside.post("/mutate", &pod(SIGNED)).await["allowed"], false, "and nowhere else");
    beside.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_review_is_denied_over_https_too() {
    let stand = Stand::new();
    let server = stand.start().await;
    for body in ["", "[]", "{\"request\":{\"uid\":\"7\"}}"] {
        let answer = server.client.post(server.url("/mutate")).body(body).send().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["response"]["allowed"], false);
        assert!(answer["response"]["status"]["message"].as_str().unwrap().contains("ADMISSION_MALFORMED"), "{answer}");
    }
    assert_eq!(server.stop().await.len(), 3, "and is written down");
}
