//! Every setting of the built-in registry client from C: what happens with it, and what without.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/materials.rs"]
mod materials;
mod support;

use materials::Materials;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Build, compile, crate_folder};
use veriseal::encoding::base64;
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::http::{Access, Action, Clients, Fault, TlsMaterials};
use veriseal_testkit::scenario;

const CANARY: &str = "canary-secret";

/// The compiled program with what it works on, and a registry that serves the signed image.
struct Stand {
    materials: Materials,
    binary: PathBuf,
    registry: HttpRegistry,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Stand {
    fn over(registry: HttpRegistry) -> Self {
        let materials = Materials::new();
        let binary = compile(&crate_folder().join("tests/c/registry.c"), Build::Sanitized, materials.path());
        Self { materials, binary, registry, environment: Vec::new() }
    }

    fn plain() -> Self {
        Self::over(HttpRegistry::serve(scenario::key_signed().store))
    }

    fn tls(clients: Clients) -> (Self, TlsMaterials) {
        let (registry, materials) = HttpRegistry::serve_tls(scenario::key_signed().store, clients);
        (Self::over(registry), materials)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.materials.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// What each round printed, the code first.
    fn reports(&self, reference: &str, settings: &[&str]) -> Vec<String> {
        let mut command = Command::new(&self.binary);
        command.env_remove("LD_LIBRARY_PATH").env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.args(self.materials.arguments()).arg(reference).args(settings).output().unwrap();
        let (said, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}{error}");
        assert!(!said.contains("canary"), "{said}");
        said.lines().map(str::to_owned).collect()
    }

    /// The code of one verification of the served image.
    fn code(&self, settings: &[&str]) -> String {
        let reference = self.registry.reference("acme/app:v1");
        self.reports(&reference, settings)[0].split(' ').next().unwrap().to_owned()
    }

    /// The same where the registry may be spoken to without TLS.
    fn plain_code(&self, settings: &[&str]) -> String {
        self.code(&[["http", &self.registry.host()].as_slice(), settings].concat())
    }

    /// Requests of one run.
    fn requests(&self, settings: &[&str]) -> usize {
        self.registry.clear_requests();
        assert_eq!(self.plain_code(settings), "ACCEPTED");
        self.registry.requests().len()
    }
}

#[test]
fn plain_http_is_spoken_only_where_it_is_allowed() {
    let stand = Stand::plain();
    assert_eq!(stand.plain_code(&[]), "ACCEPTED");
    assert_ne!(stand.code(&[]), "ACCEPTED");
    assert_ne!(stand.code(&["http", "127.0.0.1:1"]), "ACCEPTED");
}

/// K-AP-05: none of them stands in a report, which the program looks for.
#[test]
fn credentials_open_a_registry_whichever_way_they_are_given() {
    let stand = Stand::plain();
    stand.registry.require(Some(Access::basic("user", CANARY)));
    let host = stand.registry.host();
    let auth = base64::encode(format!("user:{CANARY}").as_bytes());
    let config = format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#);
    let secret = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/dockerconfigjson","data":{{".dockerconfigjson":"{}"}}}}"#,
        base64::encode(config.as_bytes())
    );
    assert_eq!(stand.plain_code(&[]), "DENIED");
    assert_eq!(stand.plain_code(&["credentials", &host, "user", CANARY]), "ACCEPTED");
    assert_eq!(stand.plain_code(&["credentials", "127.0.0.1:1", "user", CANARY]), "DENIED");
    assert_eq!(stand.plain_code(&["docker-config", &config]), "ACCEPTED");
    assert_eq!(stand.plain_code(&["docker-config", r#"{"auths":{}}"#]), "DENIED");
    assert_eq!(stand.plain_code(&["pull-secret", &secret]), "ACCEPTED");
    assert_eq!(stand.plain_code(&["pull-secret", &config]), "REFUSED");
}

#[test]
fn tokens_are_sent_as_what_they_are() {
    let stand = Stand::plain();
    let host = stand.registry.host();
    stand.registry.require(Some(Access { token: CANARY.to_owned(), ..Access::bearer("user", "password") }));
    assert_eq!(stand.plain_code(&[]), "DENIED");
    assert_eq!(stand.plain_code(&["bearer-token", &host, CANARY]), "ACCEPTED");
    // An identity token is traded at the token service; this one knows passwords only.
    stand.registry.clear_requests();
    assert_eq!(stand.plain_code(&["identity-token", &host, CANARY]), "DENIED");
    let traded = |ask: &veriseal_testkit::http::Ask| {
        ask.path() == "/token" && String::from_utf8_lossy(&ask.body).contains(&format!("refresh_token={CANARY}"))
    };
    assert!(stand.registry.requests().iter().any(traded));
}

#[test]
fn another_token_service_is_asked_only_where_it_is_allowed() {
    let (stand, tokens) = (Stand::plain(), Stand::plain());
    // By another name: what is on the registry's own host is its own.
    let (host, service) = (stand.registry.host(), format!("localhost:{}", tokens.registry.address().port()));
    tokens.registry.require(Some(Access::anonymous_bearer()));
    let realm = Some(format!("http://{service}/token"));
    stand.registry.require(Some(Access { realm, ..Access::anonymous_bearer() }));
    assert_eq!(stand.plain_code(&["http", &service]), "REALM_REFUSED");
    assert!(tokens.registry.requests().is_empty());
    assert_eq!(stand.plain_code(&["http", &service, "realm", &host, &service]), "ACCEPTED");
    assert!(!tokens.registry.requests().is_empty());
}

#[test]
fn everything_goes_through_the_proxy_and_redirects_only_where_they_are_allowed() {
    let stand = Stand::plain();
    stand.registry.fault(Fault::redirect("http://reg.example", "https://127.0.0.1:1/x"));
    let proxy = format!("http://{}", stand.registry.host());
    let settings = ["http", "reg.example:5000", "proxy", &proxy, "retry-pause", "0"];
    let code = |more: &[&str]| stand.reports("reg.example:5000/acme/app:v1", &[&settings, more].concat())[0].clone();
    assert!(code(&[]).starts_with("REDIRECT_REFUSED"), "{}", code(&[]));
    assert!(stand.registry.requests().iter().all(|ask| ask.target.starts_with("http://reg.example:5000/v2/")));
    assert!(!stand.registry.requests().is_empty());
    let allowed = code(&["redirect", "127.0.0.1:1"]);
    assert!(!allowed.starts_with("REDIRECT_REFUSED"), "{allowed}");
    assert!(stand.registry.requests().iter().any(|ask| ask.method == "CONNECT"));
}

#[test]
fn what_is_mirrored_is_fetched_from_the_mirror_and_keeps_its_name() {
    let stand = Stand::plain();
    let host = stand.registry.host();
    let ask = |reference: &str, settings: &[&str]| stand.reports(reference, settings)[0].clone();
    let mirrored = ask("registry.invalid/acme/app:v1", &["http", &host, "mirror", "registry.invalid", &host]);
    assert!(mirrored.starts_with("ACCEPTED") && mirrored.contains("registry.invalid/acme/app@sha256:"), "{mirrored}");
    // Another registry's mirror: this one is asked itself, at an address that takes no name service and where nobody listens.
    let elsewhere = ask("127.0.0.1:1/acme/app:v1", &["http", &host, "mirror", "other.invalid", &host, "retry-pause", "0"]);
    assert!(elsewhere.starts_with("UNAVAILABLE"), "{elsewhere}");
}

/// The system's roots are those of `SSL_CERT_FILE` here.
#[test]
fn roots_are_trusted_beside_the_systems_or_instead() {
    let (mut stand, tls) = Stand::tls(Clients::Anybody);
    let (_, other) = HttpRegistry::serve_tls(scenario::unsigned().store, Clients::Anybody);
    let own = stand.file("own.crt", &tls.authority_pem);
    let other = stand.file("other.crt", &other.authority_pem);
    let quick = ["retry-pause", "0"];
    stand.environment = vec![("SSL_CERT_FILE", PathBuf::from(&other))];
    assert_eq!(stand.code(&quick), "UNAVAILABLE");
    assert_eq!(stand.code(&["roots", &own]), "ACCEPTED");
    assert_eq!(stand.code(&["only-roots", &own]), "ACCEPTED");
    stand.environment = vec![("SSL_CERT_FILE", PathBuf::from(&own))];
    assert_eq!(stand.code(&["roots", &other]), "ACCEPTED");
    assert_eq!(stand.code(&["only-roots", &other, "retry-pause", "0"]), "UNAVAILABLE");
    // For one host.
    let (host, none) = (stand.registry.host(), stand.file("none", ""));
    assert_eq!(stand.code(&["tls", &host, &other, &none, &none]), "ACCEPTED");
    assert_eq!(stand.code(&["only-tls", &host, &other, &none, &none, "retry-pause", "0"]), "UNAVAILABLE");
}

#[test]
fn a_client_certificate_is_shown_to_its_host() {
    let (stand, tls) = Stand::tls(Clients::WithCertificate);
    let host = stand.registry.host();
    let (root, none) = (stand.file("ca.crt", &tls.authority_pem), stand.file("none", ""));
    let certificate = stand.file("client.crt", &tls.client_certificate_pem);
    let key = stand.file("client.key", &tls.client_key_pem);
    assert_eq!(stand.code(&["only-tls", &host, &root, &certificate, &key]), "ACCEPTED");
    assert_eq!(stand.code(&["only-tls", &host, &root, &none, &none, "retry-pause", "0"]), "UNAVAILABLE");
    let other_host = ["only-roots", &root, "tls", "127.0.0.1:1", &none, &certificate, &key, "retry-pause", "0"];
    assert_eq!(stand.code(&other_host), "UNAVAILABLE");
    assert_eq!(stand.code(&["only-tls", &host, &root, &certificate, &none]), "REFUSED");
    assert_eq!(stand.code(&["only-tls", &host, &root, &none, &key]), "REFUSED");
}

#[test]
fn what_is_kept_is_not_asked_for_again() {
    let stand = Stand::plain();
    let folder = stand.materials.path().join("cache");
    let path = folder.display().to_string();
    let (once, twice) = (stand.requests(&[]), stand.requests(&["rounds", "2"]));
    assert_eq!(twice, 2 * once);
    assert!(stand.requests(&["rounds", "2", "memory-cache", "1000000"]) < twice);
    assert_eq!(stand.requests(&["rounds", "2", "memory-cache", "0"]), twice);
    assert_eq!(stand.requests(&["cache-directory", &path, "1000000"]), once);
    assert!(folder.read_dir().unwrap().next().is_some());
    // By another process.
    assert!(stand.requests(&["cache-directory", &path, "1000000"]) < once);
    let file = stand.file("file", "");
    assert_eq!(stand.plain_code(&["cache-directory", &file, "1000000"]), "REFUSED");
}

/// K-AP-04: hit and miss give the same report.
#[test]
fn what_comes_from_a_cache_is_judged_as_what_was_fetched() {
    let stand = Stand::plain();
    let (host, reference) = (stand.registry.host(), stand.registry.reference("acme/app:v1"));
    let fresh = stand.reports(&reference, &["http", &host]);
    let cached = stand.reports(&reference, &["http", &host, "rounds", "3", "memory-cache", "1000000"]);
    assert!(fresh[0].starts_with("ACCEPTED"));
    assert_eq!(cached, [fresh[0].as_str(); 3]);
}

#[test]
fn answers_are_taken_again_where_asked_for_and_the_report_says_so() {
    let stand = Stand::plain();
    let (host, reference) = (stand.registry.host(), stand.registry.reference("acme/app:v1"));
    let fresh = stand.reports(&reference, &["http", &host, "rounds", "2"]);
    assert!(fresh.iter().all(|report| !report.contains("ANSWERS_REUSED")));
    let again = stand.reports(&reference, &["http", &host, "rounds", "2", "answers-live", "60000"]);
    assert!(again[1].contains("ANSWERS_REUSED"), "{}", again[1]);
    assert_eq!(stand.plain_code(&["answers-live", "86400001"]), "REFUSED");
}

#[test]
fn each_step_has_its_bound() {
    let stand = Stand::plain();
    for zero in [["timeouts", "0", "1000"], ["timeouts", "1000", "0"], ["minimum-rate", "1", "0"]] {
        assert_eq!(stand.plain_code(&zero), "REFUSED", "{zero:?}");
    }
    assert_eq!(stand.plain_code(&["deadline", "0"]), "REFUSED");
    stand.registry.fault(Fault::new("/v2/", Action::Hang));
    // Were these not kept to, the program would wait for an hour, or as long as its defaults.
    assert_eq!(stand.plain_code(&["timeouts", "1000", "50", "deadline", "3600000"]), "DEADLINE_EXCEEDED");
    assert_eq!(stand.plain_code(&["deadline", "50"]), "DEADLINE_EXCEEDED");
}

#[test]
fn a_body_that_comes_too_slowly_is_given_up() {
    let stand = Stand::plain();
    let slow = Slow::start();
    let reference = format!("{}/acme/app:v1", slow.0);
    let settings = ["http", &slow.0, "minimum-rate", "1000", "50", "deadline", "3600000"];
    let report = stand.reports(&reference, &settings)[0].clone();
    assert!(report.starts_with("DEADLINE_EXCEEDED") && report.contains("minimum rate"), "{report}");
}

#[test]
fn a_further_try_comes_after_its_pause() {
    let stand = Stand::plain();
    stand.registry.fault(Fault::status("/v2/", 503).times(1));
    assert_eq!(stand.plain_code(&["retry-pause", "0"]), "ACCEPTED");
    stand.registry.clear_faults();
    stand.registry.fault(Fault::status("/v2/", 503).times(1));
    // No time is left for a pause of an hour.
    assert_ne!(stand.plain_code(&["retry-pause", "3600000", "deadline", "500"]), "ACCEPTED");
}

#[test]
fn the_registry_is_told_who_asks() {
    let stand = Stand::plain();
    assert_eq!(stand.plain_code(&["user-agent", "engine/7"]), "ACCEPTED");
    assert!(stand.registry.requests().iter().all(|ask| ask.header("user-agent") == Some("engine/7")));
    assert_eq!(stand.plain_code(&["user-agent", "a\nb"]), "REFUSED");
}

/// Every function that the header has for settings is called by the program.
#[test]
fn every_setting_is_tried_here() {
    let header = std::fs::read_to_string(support::header_path()).unwrap();
    let program = std::fs::read_to_string(Path::new(&crate_folder()).join("tests/c/registry.c")).unwrap();
    let names = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| {
        ["veriseal_registry_set_", "veriseal_registry_add_", "veriseal_registry_allow_"].iter().any(|part| word.starts_with(part))
    });
    let missing: Vec<&str> = names.filter(|name| !program.contains(&format!("{name}("))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// A server that begins a body and never goes on.
struct Slow(String);

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{");
                open.push(stream);
            }
        });
        Self(host)
    }
}
