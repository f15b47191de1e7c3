//! `veriseal admission review`: recorded requests against a registry on loopback.

use crate::stage::{Said, Stage, veriseal};
use serde_json::json;
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::scenario::{self, Scenario};

struct Review {
    stage: Stage,
    registry: HttpRegistry,
}

impl Review {
    fn new(scenario: Scenario, admission: &str) -> Self {
        let stage = Stage::new(scenario);
        let policy = format!(
            "apiVersion: veriseal/v1\ntrust:\n  test: {{trustedRoot: root.json}}\nimages:\n  - match: [\"**\"]\n    \
             require: {{signature: {{key: {{file: key.pub, trust: test}}}}}}\n{admission}"
        );
        std::fs::write(stage.path("policy.yaml"), policy).unwrap();
        let registry = HttpRegistry::serve(stage.scenario.store.clone());
        Self { stage, registry }
    }

    fn run(&self, more: &[&str]) -> Said {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "app" },
            "spec": { "containers": [{ "name": "app", "image": self.registry.reference("acme/app:v1") }] },
        });
        let review = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "1", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "namespace": "test-app",
                "operation": "CREATE", "object": pod,
            },
        });
        std::fs::write(self.stage.path("review.json"), review.to_string()).unwrap();
        let now = self.stage.scenario.now.to_string();
        let (review, policy, host) = (self.stage.text("review.json"), self.stage.text("policy.yaml"), self.registry.host());
        let fixed = ["admission", "review", &review, "--policy", &policy, "--verification-time", &now, "--allow-http", &host];
        veriseal(fixed.iter().chain(more))
    }
}

#[test]
fn a_signed_image_is_admitted_and_pinned() {
    let review = Review::new(scenario::key_signed(), "");
    let said = review.run(&[]);
    assert_eq!((said.exit, said.err.as_str()), (0, ""), "{said:?}");
    let response = said.report()["response"].clone();
    assert_eq!((&response["uid"], &response["allowed"]), (&json!("1"), &json!(true)));
    let patch = veriseal::encoding::base64::decode(response["patch"].as_str().unwrap()).unwrap();
    let pinned = format!("{}/acme/app@{}", review.registry.host(), review.stage.scenario.image.digest);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&patch).unwrap()[1]["value"], json!(pinned));
    assert_eq!(review.run(&["--validating"]).exit, 1, "by tag");
}

#[test]
fn an_unsigned_image_is_denied() {
    let said = Review::new(scenario::unsigned(), "").run(&[]);
    assert_eq!(said.exit, 1, "{said:?}");
    let response = said.report()["response"].clone();
    assert_eq!(response["allowed"], json!(false));
    assert!(response["status"]["message"].as_str().unwrap().contains("no signatures found"));
}

#[test]
fn namespaces_limit_what_is_reviewed() {
    let outside = Review::new(scenario::unsigned(), "admission: {namespaces: [other]}\n").run(&[]);
    assert_eq!(outside.exit, 0, "{outside:?}");
    assert!(outside.report()["response"]["warnings"][0].as_str().unwrap().contains("OUT_OF_SCOPE"));
    assert_eq!(Review::new(scenario::unsigned(), "admission: {namespaces: [other, test-app]}\n").run(&[]).exit, 1);
}

#[test]
fn a_request_that_cannot_be_read_is_denied_and_a_policy_that_cannot_is_usage() {
    let review = Review::new(scenario::key_signed(), "admission: {namespaces: []}\n");
    assert_eq!(review.run(&[]).exit, 2);
    let review = Review::new(scenario::key_signed(), "");
    let (policy, junk) = (review.stage.text("policy.yaml"), review.stage.text("root.json"));
    let said = veriseal(["admission", "review", &junk, "--policy", &policy]);
    assert_eq!((said.exit, said.report()["response"]["allowed"].as_bool()), (1, Some(false)), "{said:?}");
}
