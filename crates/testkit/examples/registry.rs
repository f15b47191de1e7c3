//! Serves every scenario from a registry until standard input ends, for other tools to look at:
//! `cargo run -p veriseal-testkit --example registry -- <folder for the trusted root and the key>`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use veriseal_testkit::{HttpRegistry, scenario};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: registry <folder>");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut repositories = BTreeMap::new();
    let scenarios = scenario::all();
    for scenario in &scenarios {
        repositories.insert(scenario.name.to_owned(), scenario.store.clone());
        std::fs::write(folder.join("trusted_root.json"), scenario.trusted_root())?;
        std::fs::write(folder.join("cosign.pub"), &scenario.key_pem)?;
    }
    let registry = HttpRegistry::serve_repositories(repositories);
    for scenario in &scenarios {
        let reference = registry.reference(&format!("{}:{}", scenario.name, scenario::TAG));
        let attestation = scenario.attestation.unwrap_or("-");
        println!("{reference} {:?} {attestation} {}", scenario.authority, scenario.verdict);
    }
    // Whoever reads the list knows that it is over.
    println!();
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
