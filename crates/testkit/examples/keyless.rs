//! Writes an OCI layout with a keyless image, and the trusted root that goes with it, into a folder:
//! `cargo run -p veriseal-testkit --example keyless -- examples/images`. Made from a fixed seed: the same bytes each time.

use std::path::Path;
use veriseal_testkit::scenario;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: keyless <folder>");
    let folder = Path::new(&folder);
    let scenario = scenario::named("keyless_bundle").expect("a scenario of that name");
    scenario.store.write_layout(folder.join("keyless"))?;
    std::fs::write(folder.join("keyless-trusted-root.json"), scenario.trusted_root())?;
    println!(
        "--certificate-identity {} --certificate-oidc-issuer {}",
        scenario.identity.subject_text(),
        scenario.identity.issuer
    );
    Ok(())
}
