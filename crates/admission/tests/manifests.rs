//! examples/kubernetes: held to what its README promises, and to the kinds that the reviewer knows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use veriseal_admission::KINDS;
use veriseal_policy::{Format, PolicyFile};

const OWN_NAMESPACE: &str = "veriseal-system";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/kubernetes")
}

/// Every object of a file.
fn objects(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

fn object(file: &str, kind: &str) -> Value {
    let found: Vec<Value> = objects(file).into_iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{file}: {kind}");
    found.into_iter().next().unwrap()
}

/// The webhook of each registration, mutating first.
fn webhooks() -> [Value; 2] {
    ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"].map(|kind| {
        let registration = object("webhooks.yaml", kind);
        assert_eq!(registration["webhooks"].as_array().unwrap().len(), 1);
        registration["webhooks"][0].clone()
    })
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn registrations_fail_closed_and_leave_out_our_own_namespace_alone() {
    for webhook in webhooks() {
        assert_eq!(webhook["failurePolicy"], "Fail");
        assert_eq!(webhook["matchPolicy"], "Equivalent");
        assert_eq!(webhook["sideEffects"], "None");
        assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
        let own = json!({ "matchExpressions": [
            { "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [OWN_NAMESPACE] },
        ] });
        assert_eq!(webhook["namespaceSelector"], own);
        for narrowing in ["objectSelector", "matchConditions"] {
            assert_eq!(webhook.get(narrowing), None, "what a user can write must not let an object past us");
        }
    }
    let [mutating, validating] = webhooks();
    assert_eq!(mutating["reinvocationPolicy"], "IfNeeded");
    assert_eq!(
        (mutating["clientConfig"]["service"]["path"].as_str(), validating["clientConfig"]["service"]["path"].as_str()),
        (Some("/mutate"), Some("/validate"))
    );
}

/// K-PO-08: a kind that is reviewed and not registered would never come before us.
#[test]
fn registrations_name_every_kind_that_is_reviewed_and_no_other() {
    let known: BTreeSet<(String, String, String)> = KINDS
        .iter()
        .map(|kind| kind.resource)
        .chain(["pods/ephemeralcontainers"])
        .map(|resource| {
            let kind = KINDS.iter().find(|kind| resource.split('/').next() == Some(kind.resource)).unwrap();
            (kind.group.to_owned(), kind.version.to_owned(), resource.to_owned())
        })
        .collect();
    for webhook in webhooks() {
        let mut registered = BTreeSet::new();
        for rule in webhook["rules"].as_array().unwrap() {
            assert_eq!(texts(&rule["operations"]), BTreeSet::from(["CREATE", "UPDATE"]));
            assert!(["*", "Namespaced"].contains(&rule["scope"].as_str().unwrap()));
            for group in texts(&rule["apiGroups"]) {
                for version in texts(&rule["apiVersions"]) {
                    for resource in texts(&rule["resources"]) {
                        registered.insert((group.to_owned(), version.to_owned(), resource.to_owned()));
                    }
                }
            }
        }
        assert_eq!(registered, known, "{}", webhook["name"]);
    }
}

#[test]
fn the_server_runs_more_than_once_and_with_few_rights() {
    let deployment = object("server.yaml", "Deployment");
    let spec = &deployment["spec"];
    assert!(spec["replicas"].as_u64().unwrap() >= 2);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    let context = &container["securityContext"];
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["capabilities"]["drop"], json!(["ALL"]));
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!((&get["path"], &get["scheme"]), (&json!(path), &json!("HTTPS")));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    assert_eq!(&spec["selector"]["matchLabels"], labels);
    assert_eq!(&object("server.yaml", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&object("server.yaml", "Service")["spec"]["selector"], labels);
    let namespace = object("namespace.yaml", "Namespace");
    assert_eq!(namespace["metadata"]["name"], OWN_NAMESPACE);
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn registrations_reach_the_server_and_wait_longer_than_it_takes() {
    let service = object("server.yaml", "Service");
    let deployment = object("server.yaml", "Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let arguments = texts(&container["args"]);
    let value = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name)).unwrap().to_owned();
    let deadline: u64 = value("--deadline=").parse().unwrap();
    for webhook in webhooks() {
        let client = &webhook["clientConfig"]["service"];
        assert_eq!(client["namespace"], service["metadata"]["namespace"]);
        assert_eq!(client["name"], service["metadata"]["name"]);
        assert_eq!(client["port"], service["spec"]["ports"][0]["port"]);
        assert!(webhook["timeoutSeconds"].as_u64().unwrap() > deadline, "an answer that comes too late is none");
    }
    assert_eq!(service["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"]);
    let port = container["ports"][0]["containerPort"].as_u64().unwrap();
    assert!(value("--listen=").ends_with(&format!(":{port}")));
    // What it reads lies under what is mounted, whole folders: a file mounted by subPath never changes.
    let mounts = container["volumeMounts"].as_array().unwrap();
    for name in ["--policy=", "--tls-cert=", "--tls-key="] {
        let path = value(name);
        let mount = mounts.iter().find(|mount| path.starts_with(mount["mountPath"].as_str().unwrap())).unwrap();
        assert_eq!((&mount["readOnly"], mount.get("subPath")), (&json!(true), None));
    }
}

#[test]
fn the_policy_loads() {
    let map = object("policy.yaml", "ConfigMap");
    let text = map["data"]["policy.yaml"].as_str().unwrap();
    let mut none = |name: &str| Err(format!("{name}: no file is mounted beside it"));
    let policy = PolicyFile::parse(text.as_bytes(), Format::Yaml, "policy.yaml", &mut none).unwrap();
    assert_eq!(policy.namespaces(), Some(["test-app".to_owned()].as_slice()));
    assert!(!policy.reviews_namespace("other"));
}
