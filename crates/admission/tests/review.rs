//! Whole admission requests against policies and testkit images: what runs, what is denied, what is pinned.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use veriseal::encoding::base64;
use veriseal::gather::{Fetch, FetchError, Request, Response as Fetched};
use veriseal::{Code, UnixTime};
use veriseal_admission::{Registration, Response, Reviewer};
use veriseal_policy::{Format, PolicyFile};
use veriseal_testkit::{Bundle, Identity, Image, ImageBuilder, Sigstore, Store};

const REPOSITORY: &str = "docker.io/rayanos/kyverno-cosign-demo";
const SIGNED: &str = "rayanos/kyverno-cosign-demo:v1.0.1";
const UNSIGNED: &str = "rayanos/kyverno-cosign-demo:unsigned";

/// One registry with an image that a workflow of `rayanoss` signed, and one that nobody did.
struct World {
    store: Store,
    signed: Image,
    root: Vec<u8>,
    now: UnixTime,
}

impl World {
    fn new() -> Self {
        let mut sigstore = Sigstore::new(1);
        let mut store = Store::with_referrers_api();
        let signed = ImageBuilder::new("signed").tagged(&mut store, "v1.0.1");
        ImageBuilder::new("unsigned").tagged(&mut store, "unsigned");
        let identity = Identity::github("rayanoss/kyverno-cosign-demo", "release.yml", "refs/heads/main");
        let signer = sigstore.keyless(&identity);
        let bundle = Bundle::image(&signed.digest, &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
        store.attach_bundle(&signed, &bundle);
        let root = sigstore.trusted_root().to_json().to_string().into_bytes();
        Self { store, signed, root, now: sigstore.now.saturating_add_seconds(86_400) }
    }

    fn policy(&self, mode: &str) -> PolicyFile {
        let policy = json!({
            "apiVersion": "veriseal/v1",
            "mode": mode,
            "trust": { "test": { "trustedRoot": "root.json" } },
            "images": [{
                "match": [format!("{REPOSITORY}*")],
                "require": { "signature": { "keyless": {
                    "trust": "test",
                    "issuer": "https://token.actions.githubusercontent.com",
                    "identity": { "glob": "https://github.com/rayanoss/**" },
                } } },
            }],
        });
        let mut read = |_: &str| Ok(self.root.clone());
        let policy = PolicyFile::parse(policy.to_string().as_bytes(), Format::Json, "require-signed-images", &mut read);
        policy.unwrap().with_namespaces(vec!["test-app".to_owned()])
    }

    fn pinned(&self) -> String {
        format!("{REPOSITORY}@{}", self.signed.digest)
    }

    fn review(&self, review: &Value) -> Response {
        let policies = [self.policy("enforce")];
        Reviewer::new(&policies, Registration::Mutating).review(review.to_string().as_bytes(), &self.store, self.now)
    }
}

fn pod(image: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "app" }, "spec": { "containers": [{ "name": "app", "image": image }] } })
}

fn request(kind: (&str, &str), namespace: &str, object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": kind.0, "version": "v1", "kind": kind.1 },
            "resource": { "group": kind.0, "version": "v1", "resource": "any" },
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": { "username": "someone" },
            "object": object,
            "oldObject": null,
        },
    })
}

fn answer(response: &Response) -> Value {
    let review: Value = serde_json::from_str(&response.to_json()).unwrap();
    assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(review["kind"], "AdmissionReview");
    review["response"].clone()
}

fn patch(answer: &Value) -> Value {
    assert_eq!(answer["patchType"], "JSONPatch");
    serde_json::from_slice(&base64::decode(answer["patch"].as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_signed_image_is_admitted_and_pinned() {
    let world = World::new();
    let answer = answer(&world.review(&request(("", "Pod"), "test-app", &pod(SIGNED))));
    assert_eq!(answer["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert_eq!(answer["allowed"], true);
    let expected = json!([
        { "op": "test", "path": "/spec/containers/0/image", "value": SIGNED },
        { "op": "replace", "path": "/spec/containers/0/image", "value": world.pinned() },
    ]);
    assert_eq!(patch(&answer), expected);
    assert_eq!(answer.get("status"), None);
    let noted: Value = serde_json::from_str(answer["auditAnnotations"]["image-0"].as_str().unwrap()).unwrap();
    assert_eq!(noted["code"], "ACCEPTED");
    assert_eq!(noted["pinned"], world.pinned());
}

#[test]
fn an_unsigned_image_is_denied_by_name_rule_and_reason() {
    let answer = answer(&World::new().review(&request(("", "Pod"), "test-app", &pod(UNSIGNED))));
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer.get("patch"), None);
    let message = answer["status"]["message"].as_str().unwrap();
    for part in [UNSIGNED, "/spec/containers/0/image", "require-signed-images images[0]", "NO_SIGNATURE", "no signatures found"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn another_namespace_is_out_of_scope_and_says_so() {
    let world = World::new();
    let response = world.review(&request(("", "Pod"), "other", &pod(UNSIGNED)));
    assert_eq!(response.reason().unwrap().code(), Code::OutOfScope);
    let answer = answer(&response);
    assert_eq!(answer["allowed"], true);
    assert!(answer["warnings"][0].as_str().unwrap().contains("OUT_OF_SCOPE"));
    // The name that counts is the API server's, not the object's.
    let mut object = pod(UNSIGNED);
    object["metadata"]["namespace"] = json!("other");
    assert!(!world.review(&request(("", "Pod"), "test-app", &object)).allowed());
    assert!(!world.review(&request(("", "Pod"), "", &object)).allowed());
}

/// K-PO-08: one unsigned image, hidden in each place of each kind in turn.
#[test]
fn an_unsigned_image_is_found_wherever_it_hides() {
    let world = World::new();
    let kinds = [
        ("", "Pod", "/spec"),
        ("", "ReplicationController", "/spec/template/spec"),
        ("", "PodTemplate", "/template/spec"),
        ("apps", "Deployment", "/spec/template/spec"),
        ("apps", "StatefulSet", "/spec/template/spec"),
        ("apps", "DaemonSet", "/spec/template/spec"),
        ("apps", "ReplicaSet", "/spec/template/spec"),
        ("batch", "Job", "/spec/template/spec"),
        ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
    ];
    let places = [
        "/containers/0/image",
        "/containers/1/image",
        "/initContainers/0/image",
        "/ephemeralContainers/0/image",
        "/volumes/0/image/reference",
    ];
    for (group, kind, at) in kinds {
        let spec = json!({
            "containers": [{ "name": "a", "image": SIGNED }, { "name": "b", "image": SIGNED }],
            "initContainers": [{ "name": "c", "image": SIGNED }],
            "ephemeralContainers": [{ "name": "d", "image": SIGNED }],
            "volumes": [{ "name": "v", "image": { "reference": SIGNED } }],
        });
        let mut object = at.rsplit('/').filter(|name| !name.is_empty()).fold(spec, |inner, name| json!({ name: inner }));
        object["apiVersion"] = json!(if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") });
        object["kind"] = json!(kind);
        let good = world.review(&request((group, kind), "test-app", &object));
        assert!(good.allowed(), "{kind}: {}", good.message());
        assert_eq!(good.patch().len(), 2 * places.len());
        for place in places {
            let mut bad = object.clone();
            *bad.pointer_mut(&format!("{at}{place}")).unwrap() = json!(UNSIGNED);
            let response = world.review(&request((group, kind), "test-app", &bad));
            assert!(!response.allowed(), "{kind} {place}");
            assert!(response.message().contains(&format!("{at}{place}")), "{kind} {place}");
            assert!(response.patch().is_empty());
        }
    }
}

#[test]
fn only_removal_and_status_pass_unseen() {
    let world = World::new();
    let with = |operation: &str, sub_resource: &str| {
        let mut review = request(("", "Pod"), "test-app", &pod(UNSIGNED));
        review["request"]["operation"] = json!(operation);
        review["request"]["subResource"] = json!(sub_resource);
        world.review(&review).allowed()
    };
    assert!(with("DELETE", ""));
    assert!(with("UPDATE", "status"));
    for (operation, sub_resource) in [
        ("CREATE", ""),
        ("UPDATE", ""),
        ("UPDATE", "ephemeralcontainers"),
        ("UPDATE", "resize"),
        ("CONNECT", "exec"),
        ("UPDATE", "Status"),
    ] {
        assert!(!with(operation, sub_resource), "{operation} {sub_resource}");
    }
    let exec = json!({ "apiVersion": "v1", "kind": "PodExecOptions" });
    let response = world.review(&request(("", "PodExecOptions"), "test-app", &exec));
    assert!(!response.allowed());
    assert_eq!(response.reason().unwrap().code(), Code::KindNotReviewed);
}

#[test]
fn an_update_is_reviewed_where_it_adds_or_changes_an_image() {
    let world = World::new();
    let update = |old: &Value, new: &Value| {
        let mut review = request(("", "Pod"), "test-app", new);
        review["request"]["operation"] = json!("UPDATE");
        review["request"]["oldObject"] = old.clone();
        world.review(&review).allowed()
    };
    let mut labelled = pod(UNSIGNED);
    labelled["metadata"]["labels"] = json!({ "a": "b" });
    assert!(update(&pod(UNSIGNED), &labelled), "nothing about its images changed");
    assert!(!update(&pod(SIGNED), &pod(UNSIGNED)));
    let mut added = pod(SIGNED);
    added["spec"]["ephemeralContainers"] = json!([{ "name": "debug", "image": UNSIGNED }]);
    assert!(!update(&pod(SIGNED), &added));
    // The same image in another role is another use of it.
    let mut moved = pod(SIGNED);
    moved["spec"]["volumes"] = json!([{ "name": "v", "image": { "reference": UNSIGNED } }]);
    let mut volume = pod(UNSIGNED);
    volume["spec"]["containers"][0]["image"] = json!(SIGNED);
    volume["spec"]["initContainers"] = json!([{ "name": "i", "image": UNSIGNED }]);
    assert!(!update(&moved, &volume));
    assert!(!update(&Value::Null, &pod(UNSIGNED)), "without an old object everything is new");
}

#[test]
fn the_validating_webhook_demands_digests_and_patches_nothing() {
    let world = World::new();
    let policies = [world.policy("enforce")];
    let reviewer = Reviewer::new(&policies, Registration::Validating);
    let review = |image: &str| {
        reviewer.review(request(("", "Pod"), "test-app", &pod(image)).to_string().as_bytes(), &world.store, world.now)
    };
    let by_tag = review(SIGNED);
    assert!(!by_tag.allowed());
    assert_eq!(by_tag.images()[0].failure.code(), Code::DigestRequired);
    let by_digest = review(&world.pinned());
    assert!(by_digest.allowed());
    assert!(by_digest.patch().is_empty());
}

#[test]
fn what_is_named_by_digest_is_left_as_it_is() {
    let world = World::new();
    let response = world.review(&request(("", "Pod"), "test-app", &pod(&world.pinned())));
    assert!(response.allowed() && response.patch().is_empty());
}

#[test]
fn warn_and_audit_let_pass_what_they_would_deny() {
    let world = World::new();
    for mode in ["warn", "audit"] {
        let policies = [world.policy(mode)];
        let review = request(("", "Pod"), "test-app", &pod(UNSIGNED)).to_string();
        let response = Reviewer::new(&policies, Registration::Mutating).review(review.as_bytes(), &world.store, world.now);
        assert!(response.allowed());
        let image = &response.images()[0];
        assert!(image.would_deny && !image.deny && image.pinned.is_none());
        assert!(response.patch().is_empty(), "what is not verified is not pinned");
        assert!(answer(&response)["warnings"][0].as_str().unwrap().contains("NO_SIGNATURE"));
        let record: Value = serde_json::from_str(&image.records[0]).unwrap();
        assert_eq!((&record["deny"], &record["wouldDeny"]), (&json!(false), &json!(true)));
    }
    let policies = [world.policy("enforce")];
    let review = request(("", "Pod"), "test-app", &pod(UNSIGNED)).to_string();
    let dry = Reviewer::new(&policies, Registration::Mutating).dry_run();
    assert!(dry.review(review.as_bytes(), &world.store, world.now).allowed());
}

/// Every policy that is about the namespace must accept, and what the first resolved is what the next one judges.
#[test]
fn every_policy_must_accept_the_same_digest() {
    let world = World::new();
    let enforce = world.policy("enforce");
    let denies = {
        let document = json!({ "apiVersion": "veriseal/v1", "images": [{ "match": ["**"], "deny": { "reason": "closed" } }] });
        PolicyFile::parse(document.to_string().as_bytes(), Format::Json, "closed", &mut |_| Err("none".to_owned())).unwrap()
    };
    let review = request(("", "Pod"), "test-app", &pod(SIGNED)).to_string();
    for policies in [[enforce.clone(), denies.clone()], [denies, enforce.clone()]] {
        let response = Reviewer::new(&policies, Registration::Mutating).review(review.as_bytes(), &world.store, world.now);
        assert!(!response.allowed());
        assert_eq!(response.images()[0].failure.code(), Code::ImageDenied);
        assert!(response.images()[0].pinned.is_none());
    }
    /// A registry whose tag points elsewhere from the second question on.
    struct Moving<'s>(&'s Store, &'s Store, AtomicU32);
    let mut moved = world.store.clone();
    let other = moved.tags["unsigned"];
    moved.tags.insert("v1.0.1".to_owned(), other);
    impl Fetch for Moving<'_> {
        fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
            let is_tag = matches!(&request.what, veriseal::gather::What::ManifestByTag(tag) if tag.as_str() == "v1.0.1");
            let moved = is_tag && self.2.fetch_add(1, Ordering::Relaxed) > 0;
            if moved { self.1.fetch(request) } else { self.0.fetch(request) }
        }
    }
    let policies = [enforce.clone(), enforce];
    let moving = Moving(&world.store, &moved, AtomicU32::new(0));
    let response = Reviewer::new(&policies, Registration::Mutating).review(review.as_bytes(), &moving, world.now);
    assert!(response.allowed(), "{}", response.message());
    assert_eq!(response.images()[0].pinned.as_ref().unwrap().to_string(), world.pinned());
}

/// One accepts the signed index, the other the manifest of a platform: there is no one digest that all accept.
#[test]
fn policies_that_accept_different_digests_of_an_index_deny_it() {
    let mut sigstore = Sigstore::new(1);
    let mut store = Store::with_referrers_api();
    let index = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut store, "v1");
    let signer = sigstore.keyless(&Identity::github("rayanoss/kyverno-cosign-demo", "release.yml", "refs/heads/main"));
    let bundle = Bundle::image(&index.digest, &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
    store.attach_bundle(&index, &bundle);
    let root = sigstore.trusted_root().to_json().to_string().into_bytes();
    let now = sigstore.now.saturating_add_seconds(86_400);
    let policy = |name: &str, platforms: Value| {
        let document = json!({
            "apiVersion": "veriseal/v1",
            "trust": { "test": { "trustedRoot": "root.json" } },
            "images": [{
                "match": ["**"],
                "platforms": platforms,
                "require": { "signature": { "keyless": {
                    "trust": "test",
                    "issuer": "https://token.actions.githubusercontent.com",
                    "identity": { "glob": "https://github.com/rayanoss/**" },
                } } },
            }],
        });
        let mut read = |_: &str| Ok(root.clone());
        PolicyFile::parse(document.to_string().as_bytes(), Format::Json, name, &mut read).unwrap()
    };
    let (whole, platform) = (policy("whole", json!("index")), policy("platform", json!(["linux/amd64"])));
    let review = |policies: &[PolicyFile]| {
        let review = request(("", "Pod"), "test-app", &pod("rayanos/app:v1")).to_string();
        Reviewer::new(policies, Registration::Mutating).review(review.as_bytes(), &store, now)
    };
    for policies in [[whole.clone(), platform.clone()], [platform.clone(), whole.clone()]] {
        let response = review(&policies);
        assert!(!response.allowed());
        assert_eq!(response.images()[0].failure.code(), Code::PolicyNotMet, "{}", response.message());
        assert!(response.images()[0].rule.starts_with(policies[1].name()), "{}", response.images()[0].rule);
        assert!(response.images()[0].pinned.is_none() && response.patch().is_empty());
    }
    let pinned = |policy: &PolicyFile| {
        let response = review(&[policy.clone(), policy.clone()]);
        assert!(response.allowed(), "{}", response.message());
        response.images()[0].pinned.as_ref().unwrap().to_string()
    };
    assert_eq!(pinned(&whole), format!("docker.io/rayanos/app@{}", index.digest));
    assert_eq!(pinned(&platform), format!("docker.io/rayanos/app@{}", index.platforms[0].1.digest));
}

#[test]
fn what_cannot_be_read_is_denied() {
    let world = World::new();
    let good = request(("", "Pod"), "test-app", &pod(SIGNED));
    let code = |review: &[u8]| {
        let policies = [world.policy("enforce")];
        let response = Reviewer::new(&policies, Registration::Mutating).review(review, &world.store, world.now);
        assert!(!response.allowed());
        response.reason().map_or_else(|| response.images()[0].failure.code(), veriseal::Failure::code)
    };
    assert_eq!(code(b""), Code::AdmissionMalformed);
    assert_eq!(code(b"[]"), Code::AdmissionMalformed);
    for (pointer, value) in [
        ("/apiVersion", json!("admission.k8s.io/v1beta1")),
        ("/kind", json!("AdmissionReviewList")),
        ("/request/uid", json!("")),
        ("/request/operation", json!("create")),
        ("/request", Value::Null),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert_eq!(code(bad.to_string().as_bytes()), Code::AdmissionMalformed, "{pointer}");
    }
    // Two readers would see two images.
    let doubled = good.to_string().replace("\"image\":", "\"image\":\"x\",\"image\":");
    assert_eq!(code(doubled.as_bytes()), Code::AdmissionMalformed);
    assert_eq!(code(request(("", "Pod"), "test-app", &Value::Null).to_string().as_bytes()), Code::ImageFieldMalformed);
    assert_eq!(code(request(("", "Pod"), "test-app", &pod("no reference")).to_string().as_bytes()), Code::ReferenceInvalid);
    assert_eq!(code(&vec![b' '; 4 << 20]), Code::AdmissionMalformed);
}

#[test]
fn without_any_policy_nothing_is_allowed() {
    let world = World::new();
    let review = request(("", "Pod"), "test-app", &pod(SIGNED)).to_string();
    let response = Reviewer::new(&[], Registration::Mutating).review(review.as_bytes(), &world.store, world.now);
    assert!(!response.allowed());
    assert_eq!(response.reason().unwrap().code(), Code::NoRule);
}

#[test]
fn an_image_that_stands_twice_is_asked_about_once() {
    let world = World::new();
    let mut object = pod(SIGNED);
    object["spec"]["initContainers"] = json!([{ "name": "i", "image": SIGNED }]);
    let response = world.review(&request(("", "Pod"), "test-app", &object));
    assert_eq!(response.images().len(), 1);
    assert_eq!(response.images()[0].fields.len(), 2);
    assert_eq!(response.patch().len(), 4);
}

/// K-PO-09: a registry that fails is no reason to let anything in.
#[test]
fn a_failing_registry_denies() {
    struct Failing;
    impl Fetch for Failing {
        fn fetch(&self, _: &Request) -> Result<Fetched, FetchError> {
            Err(FetchError::Denied("no".to_owned()))
        }
    }
    let world = World::new();
    let policies = [world.policy("enforce")];
    let review = request(("", "Pod"), "test-app", &pod(SIGNED)).to_string();
    let response = Reviewer::new(&policies, Registration::Mutating).review(review.as_bytes(), &Failing, world.now);
    assert!(!response.allowed());
    assert!(response.images()[0].deny);
    assert_eq!(response.images()[0].failure.code(), Code::Denied);
}
