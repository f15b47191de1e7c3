//! Credential helpers: programs, run only where asked for, for a bounded time, and never quoted.

use super::server::{Server, reply};
use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

/// Each as `docker-credential-<name>`.
const PROGRAMS: [(&str, &str); 6] = [
    ("good", r#"cat >"$0.asked"; echo run >>"$0.runs"; echo '{"ServerURL":"x","Username":"victim","Secret":"s3cret-canary"}'"#),
    ("token", r#"cat >/dev/null; echo '{"ServerURL":"x","Username":"<token>","Secret":"s3cret-canary"}'"#),
    ("none", r"cat >/dev/null; echo credentials not found in native keychain; exit 1"),
    ("broken", r"cat >/dev/null; echo s3cret-canary; echo s3cret-canary >&2; exit 1"),
    ("garbage", r"cat >/dev/null; echo s3cret-canary"),
    ("slow", r"exec sleep 5"),
];

fn server() -> Server {
    Server::start(|seen, _| match (seen.target.starts_with("/token"), seen.authorization()) {
        (true, _) if seen.body.contains("refresh_token=s3cret-canary") => reply(200, &[], br#"{"access_token":"good"}"#),
        (_, Some(CANARY_BASIC | "Bearer good")) => reply(200, &[], b"{}"),
        _ => {
            let realm = format!(r#"Bearer realm="http://{}/token""#, seen.header("host").unwrap());
            let scheme = if seen.target.contains("/tokens/") { realm } else { "Basic realm=x".to_owned() };
            reply(401, &[("WWW-Authenticate", &scheme)], b"")
        }
    })
}

fn named(helper: &str, server: &Server) -> RegistryBuilder {
    let config = format!(r#"{{"credHelpers":{{"{}":"{helper}"}}}}"#, server.name());
    builder(&[server]).docker_config_json(config.as_bytes())
}

/// Runs itself again with the programs in the `PATH`.
#[test]
fn helpers_are_run_where_asked_for_and_bounded() {
    if let Some(folder) = std::env::var_os("VERISEAL_TEST_HELPERS") {
        return with_programs(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in PROGRAMS {
        let path = folder.path().join(format!("docker-credential-{name}"));
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["helpers::helpers_are_run_where_asked_for_and_bounded", "--exact"])
        .env("PATH", path)
        .env("VERISEAL_TEST_HELPERS", folder.path())
        .output()
        .unwrap();
    assert!(again.status.success(), "{again:?}");
}

fn with_programs(folder: &Path) {
    let server = server();
    let request = tag(&server.name());

    // Not unless asked for.
    let refused = failure(named("good", &server).build().unwrap().fetch(&request));
    assert_eq!(refused.code(), Code::Denied);
    assert!(refused.to_string().contains("which is not run here"), "{refused}");
    assert!(!folder.join("docker-credential-good.runs").exists());

    // Once for many calls, with the registry's name, and shown nowhere.
    let registry = named("good", &server).run_credential_helpers().build().unwrap();
    for _ in 0..3 {
        assert_eq!(found(registry.call().fetch(&request)), b"{}");
    }
    assert_eq!(std::fs::read_to_string(folder.join("docker-credential-good.runs")).unwrap(), "run\n");
    assert_eq!(std::fs::read_to_string(folder.join("docker-credential-good.asked")).unwrap(), server.name());
    assert!(!format!("{registry:?}").contains(CANARY));

    // An identity token is traded, not sent.
    let reference: Reference = format!("{}/tokens/app:v1", server.name()).parse().unwrap();
    let traded =
        Request::new(RequestId::from_number(1), reference.repository().clone(), What::ManifestByTag("v1".parse().unwrap()), MAX);
    assert_eq!(found(named("token", &server).run_credential_helpers().build().unwrap().fetch(&traded)), b"{}");

    // What the caller gave comes first; what a file holds comes after.
    let given = Credentials::Password { username: "victim".to_owned(), password: CANARY.into() };
    let given = named("broken", &server).run_credential_helpers().credentials(&server.name(), given);
    assert_eq!(found(given.build().unwrap().fetch(&request)), b"{}");
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"dmljdGltOnMzY3JldC1jYW5hcnk="}}}}}}"#, server.name());
    let none = named("none", &server).docker_config_json(config.as_bytes()).run_credential_helpers();
    assert_eq!(found(none.build().unwrap().fetch(&request)), b"{}");

    // What fails is said without a word of what was printed.
    for helper in ["none", "broken", "garbage", "missing", "../evil", "a/b", ""] {
        let registry = named(helper, &server).run_credential_helpers().build().unwrap();
        let failure = failure(registry.fetch(&request));
        assert_eq!(failure.code(), Code::Denied, "{helper}: {failure}");
        assert!(!failure.to_string().contains(CANARY), "{failure}");
    }

    // One that does not answer costs the deadline.
    let started = Instant::now();
    let slow = named("slow", &server).run_credential_helpers().deadline(Duration::from_millis(500)).build().unwrap();
    assert_eq!(code(slow.fetch(&request)), Code::DeadlineExceeded);
    assert!(started.elapsed() < Duration::from_secs(3));
    // The process ends without waiting for it.
    drop(slow);
}
