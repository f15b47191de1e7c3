//! [`tried`]: the mutants that do not compile beside the others, each by itself, by cargo-mutants.

use super::{SLOW, at_head, ledger};
use crate::{output, root, target};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What cargo-mutants ends with where it ran: all caught, some missed, some timed out; and cut off.
const RAN: [i32; 4] = [0, 2, 3, 124];

/// Gives each mutant that is `unwoven` its outcome. What came of one stays until its file changes; what there is no time for
/// loses its outcome.
pub(super) fn tried(folder: &Path, found: &mut Value, until: Instant) -> Result<(), String> {
    let Some(found) = found.as_object_mut() else { return Err("outcomes that are no object".to_owned()) };
    let tree = folder.join("tree");
    at_head(&tree)?;
    let place = folder.join("alone.json");
    let mut known = ledger::read(&place)?;
    let mut asked = Vec::new();
    for name in found.iter().filter(|(_, outcome)| *outcome == "unwoven").map(|(name, _)| name) {
        let file = name.split(':').next().unwrap_or_default();
        let content = output(Command::new("git").arg("rev-parse").arg(format!("HEAD:{file}")).current_dir(&tree))?;
        asked.push((name.clone(), format!("{name} of {}", content.trim())));
    }
    let open: Vec<&str> = asked.iter().filter(|(_, key)| known[key].is_null()).map(|(name, _)| name.as_str()).collect();
    if !open.is_empty() {
        println!("{} mutants are tried by themselves", open.len());
        let outcomes = by_cargo_mutants(folder, &tree, &open, until)?;
        for (name, key) in &asked {
            if !outcomes[name].is_null() {
                known[key] = outcomes[name].clone();
            }
        }
        let text = serde_json::to_string_pretty(&known).map_err(|error| error.to_string())? + "\n";
        fs::write(&place, text).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    for (name, key) in asked {
        match &known[&key] {
            Value::Null => drop(found.remove(&name)),
            outcome => drop(found.insert(name, outcome.clone())),
        }
    }
    Ok(())
}

/// What comes of the mutants of those names, by the core's own quick tests: cargo-mutants builds no tests of another package.
fn by_cargo_mutants(folder: &Path, tree: &Path, names: &[&str], until: Instant) -> Result<Value, String> {
    let mut outcomes = json!({});
    let left = until.saturating_duration_since(Instant::now()).as_secs();
    if left == 0 {
        return Ok(outcomes);
    }
    let out = folder.join("alone");
    let _ = fs::remove_dir_all(&out);
    // Nothing is run but what coreutils stops: cargo-mutants has no budget of its own.
    let mut command = Command::new("timeout");
    command.args(["--signal", "INT", &left.to_string(), "nice", "-n", "10", "cargo", "mutants", "--package", "veriseal"]);
    command.args(["--in-place", "--no-shuffle", "--colors", "never", "--test-tool", "cargo", "--timeout", "150"]);
    command.args(["--build-timeout", "300", "--output"]).arg(&out);
    // Fields of structs it tries whatever they are called, so in no other files at least.
    let files: BTreeSet<&str> = names.iter().filter_map(|name| name.split(':').next()).collect();
    command.args(files.into_iter().flat_map(|file| ["--file", file]));
    command.args(names.iter().flat_map(|name| ["--re".to_owned(), pattern(name)]));
    command.args(["--cargo-arg=--lib", "--cargo-arg=--test=attacks", "--", "--"]);
    command.args(SLOW.iter().flat_map(|test| ["--skip", test])).current_dir(tree);
    // Where the dependencies are compiled already.
    command.env("CARGO_TARGET_DIR", target()?);
    if let Ok(vectors) = root().join("../shared/vectors").canonicalize() {
        command.env("VERISEAL_VECTORS", vectors);
    }
    let status = command.status().map_err(|error| format!("timeout: {error}"))?;
    if !status.code().is_some_and(|code| RAN.contains(&code)) {
        return Err(format!("cargo mutants failed: {status}"));
    }
    for outcome in ["missed", "unviable", "timeout", "caught"] {
        let text = fs::read_to_string(out.join("mutants.out").join(format!("{outcome}.txt"))).unwrap_or_default();
        for name in text.lines() {
            outcomes[name] = json!(outcome);
        }
    }
    Ok(outcomes)
}

/// A regular expression for this name alone.
fn pattern(name: &str) -> String {
    let escaped = name.chars().flat_map(|c| {
        // No more than that: behind a backslash `<` and `>` are the ends of words.
        let special = r".+*?()|[]{}^$\".contains(c).then_some('\\');
        special.into_iter().chain([c])
    });
    format!("^{}$", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_pattern_but_for_itself() {
        assert_eq!(pattern("a.rs:1:2: replace + with < in <'_>::f"), "^a\\.rs:1:2: replace \\+ with < in <'_>::f$");
    }
}
