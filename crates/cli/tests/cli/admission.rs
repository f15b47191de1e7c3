//! `veriseal admission review`: recorded requests against a registry on loopback.

use crate::stage::{Said, Stage, veriseal};
use serde_json::{Value, json};
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
        std::fs::write(self.stage.path("review.json"), self.review().to_string()).unwrap();
        let now = self.stage.scenario.now.to_string();
        let (review, policy, host) = (self.stage.text("review.json"), self.stage.text("policy.yaml"), self.registry.host());
        let fixed = ["admission", "review", &review, "--policy", &policy, "--verification-time", &now, "--allow-http", &host];
        veriseal(fixed.iter().chain(more))
    }

    fn review(&self) -> Value {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "app" },
            "spec": { "containers": [{ "name": "app", "image": self.registry.reference("acme/app:v1") }] },
        });
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "1", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "namespace": "test-app",
                "operation": "CREATE", "object": pod,
            },
        })
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

#[test]
fn signatures_may_be_in_another_repository() {
    let review = Review::new(scenario::unsigned(), "");
    review.registry.push("signatures", scenario::key_signed().store);
    assert_eq!(review.run(&[]).exit, 1);
    let signed = Review::new(scenario::key_signed(), "");
    signed.registry.push("empty", Default::default());
    let elsewhere = signed.registry.reference("empty");
    let said = signed.run(&["--signature-repository", &elsewhere]);
    assert_eq!(said.exit, 1, "and are then looked for nowhere else: {said:?}");
    signed.registry.push("signatures", signed.stage.scenario.store.clone());
    let said = signed.run(&["--signature-repository", &signed.registry.reference("signatures")]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(signed.run(&["--signature-repository", "oci:x:tag"]).exit, 2);
}

#[cfg(all(unix, feature = "admission-server"))]
mod serve {
    use super::*;
    use rustls::pki_types::ServerName;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::{Child, ChildStderr, Command, Stdio};
    use std::sync::Arc;

    /// A certificate for 127.0.0.1, and a client that trusts it alone.
    fn certificate(stage: &Stage) -> Arc<rustls::ClientConfig> {
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(stage.path("tls.crt"), certified.cert.pem()).unwrap();
        std::fs::write(stage.path("tls.key"), certified.signing_key.serialize_pem()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certified.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// The running command; it does not outlive its test.
    struct Serving {
        child: Child,
        notes: BufReader<ChildStderr>,
        address: String,
        client: Arc<rustls::ClientConfig>,
    }

    impl Drop for Serving {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn arguments(review: &Review) -> Vec<String> {
        let stage = &review.stage;
        let fixed =
            ["admission", "serve", "--listen", "127.0.0.1:0", "--stop-delay", "0", "--policy", &stage.text("policy.yaml")];
        let tls = ["--tls-cert", &stage.text("tls.crt"), "--tls-key", &stage.text("tls.key")];
        let registry = ["--allow-http", &review.registry.host()];
        fixed.iter().chain(&tls).chain(&registry).map(|text| (*text).to_owned()).collect()
    }

    impl Serving {
        fn start(review: &Review, more: &[&str]) -> Self {
            let client = certificate(&review.stage);
            let mut command = Command::new(env!("CARGO_BIN_EXE_veriseal"));
            command
                .args(arguments(review))
                .args(more)
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let notes = BufReader::new(child.stderr.take().unwrap());
            let mut serving = Self { child, notes, address: String::new(), client };
            let line = serving.note();
            serving.address = line.strip_prefix("veriseal: listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
            serving
        }

        /// The next line on standard error.
        fn note(&mut self) -> String {
            let mut line = String::new();
            self.notes.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        }

        fn signal(&self, name: &str) {
            let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
            assert!(sent.success());
        }

        fn ask(&self, request: &str) -> String {
            let connection = rustls::ClientConnection::new(Arc::clone(&self.client), ServerName::try_from("127.0.0.1").unwrap());
            let socket = TcpStream::connect(&self.address).unwrap();
            let mut stream = rustls::StreamOwned::new(connection.unwrap(), socket);
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        }
    }

    #[test]
    fn serve_answers_over_https_until_it_is_told_to_stop() {
        let review = Review::new(scenario::unsigned(), "");
        let mut serving = Serving::start(&review, &[]);
        let body = review.review().to_string();
        let head = format!("POST /mutate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = serving.ask(&format!("{head}{body}"));
        let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(answer["response"]["allowed"], json!(false));
        assert!(answer["response"]["status"]["message"].as_str().unwrap().contains("no signatures found"), "{answer}");
        let ready = serving.ask("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(ready.starts_with("HTTP/1.1 200 OK"), "{ready}");
        serving.signal("TERM");
        assert_eq!(serving.child.wait().unwrap().code(), Some(0));
        let mut log = String::new();
        serving.child.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert_eq!((&lines[0]["schema"], &lines[0]["allowed"]), (&json!("veriseal.admission/v1"), &json!(false)));
    }

    #[test]
    fn a_hangup_reads_policies_and_certificate_again() {
        let review = Review::new(scenario::unsigned(), "");
        let mut serving = Serving::start(&review, &["--reload", "86400"]);
        std::fs::write(review.stage.path("policy.yaml"), "apiVersion: veriseal/v1\nimages: []\n").unwrap();
        serving.signal("HUP");
        let note = serving.note();
        assert!(note.starts_with("veriseal: policy: the old one stays in use: ") && note.contains("policy.yaml"), "{note}");
        certificate(&review.stage);
        serving.signal("HUP");
        assert_eq!(serving.note(), "veriseal: certificate: what is on disk is in use from now on");
    }

    #[test]
    fn what_cannot_be_used_is_no_start() {
        let review = Review::new(scenario::unsigned(), "");
        certificate(&review.stage);
        let run = |from: &str, to: &str| {
            let arguments: Vec<String> = arguments(&review).into_iter().map(|text| text.replace(from, to)).collect();
            veriseal(arguments)
        };
        for (from, to, names) in [
            ("policy.yaml", "root.json", "--policy"),
            ("policy.yaml", "nothing.yaml", "--policy"),
            ("tls.crt", "key.pub", "--tls-cert"),
            ("tls.key", "tls.crt", "--tls-cert"),
        ] {
            let said = run(from, to);
            assert_eq!(said.exit, 2, "{said:?}");
            assert!(said.err.starts_with(&format!("veriseal: {names}")), "{said:?}");
        }
        let layout = veriseal(arguments(&review).iter().map(String::as_str).chain(["--signature-repository", "oci:x"]));
        assert_eq!(layout.exit, 2, "{layout:?}");
    }
}
