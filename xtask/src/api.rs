//! `cargo xtask api`: what each library crate offers to others, one line an item, in `docs/api/<crate>.txt`.
//!
//! Read from rustdoc's JSON. That is unstable, so that the listing is checked only where rustdoc writes the version that this
//! knows; the listing itself holds nothing of it. A change of the listing is a change that users see: it is looked at in the
//! same review, and named in CHANGELOG.md.

mod items;
mod render;

use crate::stage::{Run, minutes};
use crate::{cargo, root, target};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The crates that others depend on.
const CRATES: [&str; 5] = ["veriseal", "veriseal-registry", "veriseal-policy", "veriseal-admission", "veriseal-testkit"];
/// The version of rustdoc's JSON that is understood here (Rust 1.95).
const FORMAT: u64 = 57;
/// Set for this very program where cargo runs it in place of rustdoc.
const AS_RUSTDOC: &str = "VERISEAL_XTASK_AS_RUSTDOC";

/// Writes the listings.
pub(crate) fn write() -> Result<ExitCode, String> {
    for name in CRATES {
        let listing = listing(name)?.ok_or_else(|| unknown_format(name))?;
        let path = place(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(|error| error.to_string())?;
        std::fs::write(&path, listing).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares the listings with the code.
pub(crate) fn check(run: &mut Run) {
    let needed = minutes(4);
    if run.left(needed) < needed {
        return run.skip("public API", "no time is left for it: `cargo xtask api --check`");
    }
    for name in CRATES {
        let stage = format!("public API of {name}");
        match listing(name) {
            Ok(None) => run.skip(&stage, &unknown_format(name)),
            Ok(Some(listing)) => run.check(&stage, || compare(name, &listing)),
            Err(reason) => run.check(&stage, || Err(reason)),
        }
    }
}

/// Whether cargo runs this program as rustdoc: then it is rustdoc, with what is unstable allowed. The variable that allows it
/// is not set for cargo itself, since half of the dependencies would be built anew for it.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    std::env::var_os(AS_RUSTDOC)?;
    let rustdoc =
        Command::new("rustdoc").args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").env_remove(AS_RUSTDOC).status();
    Some(match rustdoc {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn compare(name: &str, listing: &str) -> Result<String, String> {
    let path = place(name);
    let committed = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if committed == listing {
        return Ok(format!("{} items", listing.lines().count()));
    }
    let gone = committed.lines().filter(|line| !listing.lines().any(|other| other == *line)).map(|line| format!("- {line}"));
    let new = listing.lines().filter(|line| !committed.lines().any(|other| other == *line)).map(|line| format!("+ {line}"));
    let shown: Vec<_> = gone.chain(new).take(20).collect();
    Err(format!("{} is not what the code offers; `cargo xtask api` writes it:\n{}", path.display(), shown.join("\n")))
}

/// The listing, or none where rustdoc writes another version of its JSON.
fn listing(name: &str) -> Result<Option<String>, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = cargo(&["rustdoc", "--quiet", "--all-features", "--lib", "--package", name, "--"]);
    command.args(["-Z", "unstable-options", "--output-format", "json"]);
    let output = command.env("RUSTDOC", own).env(AS_RUSTDOC, "1").output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_string());
    }
    let file = target()?.join("doc").join(format!("{}.json", name.replace('-', "_")));
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    if document["format_version"].as_u64() != Some(FORMAT) {
        return Ok(None);
    }
    let lines = items::lines(&document);
    if lines.is_empty() { Err(format!("{name} offers nothing")) } else { Ok(Some(lines.join("\n") + "\n")) }
}

fn unknown_format(name: &str) -> String {
    format!("rustdoc here does not write version {FORMAT} of its JSON for {name}")
}

fn place(name: &str) -> PathBuf {
    root().join("docs/api").join(format!("{name}.txt"))
}
