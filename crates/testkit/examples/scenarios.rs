//! Writes every scenario into a folder, for programs in other languages: an OCI layout each, trusted root and key beside it,
//! and `scenarios.json`, which says who is trusted and what should come out:
//! `cargo run -p veriseal-testkit --example scenarios -- <folder>`.

use serde_json::json;
use std::path::Path;
use veriseal_testkit::scenario::{self, Authority, REGISTRY, REPOSITORY, TAG};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: scenarios <folder>");
    let folder = Path::new(&folder);
    let mut all = Vec::new();
    for scenario in scenario::all() {
        let own = folder.join(scenario.name);
        scenario.store.write_layout(own.join("layout"))?;
        std::fs::write(own.join("trusted_root.json"), scenario.trusted_root())?;
        std::fs::write(own.join("key.pub"), &scenario.key_pem)?;
        all.push(json!({
            "name": scenario.name,
            "authority": match scenario.authority { Authority::Key => "key", Authority::Keyless => "keyless" },
            "identity": scenario.identity.subject_text(),
            "issuer": scenario.identity.issuer,
            "attestation": scenario.attestation,
            "repository": format!("{REGISTRY}/{REPOSITORY}"),
            "tag": TAG,
            "digest": scenario.image.digest.to_string(),
            "now": scenario.now.to_string(),
            "verdict": scenario.verdict.name(),
            "reason": scenario.reason.map(|reason| reason.name()),
        }));
    }
    std::fs::write(folder.join("scenarios.json"), serde_json::Value::from(all).to_string())
}
