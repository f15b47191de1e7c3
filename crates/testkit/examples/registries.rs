//! Serves one signed image from registries that each want something of their clients, for tests of clients in other
//! languages: `cargo run -p veriseal-testkit --features tls --example registries -- <folder for keys and certificates>`.
//!
//! Says on one line of JSON where each of them is, then answers lines of the input until that ends: `requests NAME` with what
//! was asked of it since the last time, `busy NAME` with nothing, after which its next answer is 503.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::http::{Access, Action, Ask, Clients, Fault};
use veriseal_testkit::scenario;

/// Stands in no report, no error and no log.
const SECRET: &str = "canary-secret";

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: registries <folder>");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let signed = scenario::key_signed();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.join(name), content);
    write("trusted_root.json", &signed.trusted_root())?;
    write("key.pub", signed.key_pem.as_bytes())?;
    let plain = || HttpRegistry::serve(signed.store.clone());
    let asking = |access: Access| {
        let registry = plain();
        registry.require(Some(access));
        registry
    };
    let faulty = |fault: Fault| {
        let registry = plain();
        registry.fault(fault);
        registry
    };
    let tokens = asking(Access::anonymous_bearer());
    // Not by its address, which would be the registry's own host.
    let realm = Some(format!("http://localhost:{}/token", tokens.address().port()));
    let mut registries = BTreeMap::from([
        ("plain", plain()),
        ("basic", asking(Access::basic("user", SECRET))),
        ("bearer", asking(Access { token: SECRET.to_owned(), ..Access::bearer("user", "password") })),
        ("realm", asking(Access { realm, ..Access::anonymous_bearer() })),
        ("tokens", tokens),
        ("hanging", faulty(Fault::new("/v2/", Action::Hang))),
        ("leading", faulty(Fault::redirect("http://reg.example", "https://127.0.0.1:1/x"))),
    ]);
    for (name, clients) in [("tls", Clients::Anybody), ("mtls", Clients::WithCertificate)] {
        let (registry, materials) = HttpRegistry::serve_tls(signed.store.clone(), clients);
        write(&format!("{name}-ca.pem"), materials.authority_pem.as_bytes())?;
        write(&format!("{name}-client.pem"), materials.client_certificate_pem.as_bytes())?;
        write(&format!("{name}-client.key"), materials.client_key_pem.as_bytes())?;
        registries.insert(name, registry);
    }
    let hosts: BTreeMap<&str, String> = registries.iter().map(|(name, registry)| (*name, registry.host())).collect();
    say(&json!({ "hosts": hosts, "now": signed.now.to_string(), "digest": signed.image.digest.to_string() }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (command, name) = line.split_once(' ').unwrap_or((&line, ""));
        let registry = registries.get(name).unwrap_or_else(|| panic!("no registry {name}"));
        match command {
            "requests" => {
                say(&registry.requests().iter().map(asked).collect())?;
                registry.clear_requests();
            }
            "busy" => {
                registry.clear_faults();
                registry.fault(Fault::status("/v2/", 503).times(1));
                say(&Value::Null)?;
            }
            other => panic!("no command {other}"),
        }
    }
    Ok(())
}

fn asked(ask: &Ask) -> Value {
    let headers: BTreeMap<&str, &str> = ask.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    json!({ "method": ask.method, "target": ask.target, "headers": headers, "body": String::from_utf8_lossy(&ask.body) })
}

fn say(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
