//! `cargo xtask mutants [--module M] [--minutes N]`: code that is wrong on purpose, by cargo-mutants, which some test must notice.
//!
//! Works in a clone of its own below the target folder and goes on where the last run ended. First the core's own quick tests are
//! asked, then, of what these let live, those of policy files. docs/proof/mutants/MODULE.json tells what came of a module, what was
//! not tried included; docs/proof/mutants/survivors.json says of each mutant that lives why it changes nothing that matters.

use crate::prove::{commit, target};
use crate::{cargo, output, root};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// The modules whose tests are tried so, with their files below crates/core/src.
const MODULES: &[(&str, &[&str])] = &[
    ("decide", &["policy/decide.rs", "policy/domain.rs", "policy/exception.rs", "policy/facts.rs", "policy/glob.rs"]),
    ("present", &["time/present.rs"]),
    ("tlog", &["tlog/**"]),
    (
        "policy",
        &[
            "policy/requirement.rs",
            "policy/settings.rs",
            "policy/authority.rs",
            "policy/pattern.rs",
            "policy/predicate.rs",
            "policy/identity.rs",
        ],
    ),
    ("check", &["check/**"]),
    ("trust", &["trust/**"]),
    ("time", &["time.rs"]),
];

/// Tests of the core that are slow and about other modules.
const SLOW: &[&str] = &[
    "every_proof_up_to_1024",
    "a_mutated_proof_does",
    "crypto::comb",
    "tests::floods",
    "in_any_order_give_the_same_evidence",
    "of_two_broken_arrows",
    "a_report_of_many_leaves",
    "path_building_stays",
    "determinism_worlds",
];

/// What cargo-mutants ends with where it ran: all caught, some missed, some timed out; and cut off.
const RAN: [i32; 4] = [0, 2, 3, 124];

/// Tries for about so many minutes, then says where all modules stand; `total: …` is the last line.
pub(crate) fn run(module: Option<&str>, minutes: u64) -> Result<ExitCode, String> {
    output(&mut cargo(&["mutants", "--version"])).map_err(|_| "no cargo-mutants: `cargo install cargo-mutants --locked`")?;
    if let Some(name) = module.filter(|name| MODULES.iter().all(|(known, _)| known != name)) {
        return Err(format!("no module is called {name}"));
    }
    let folder = target()?.join("mutants");
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    for (name, files) in MODULES.iter().filter(|(name, _)| module.is_none_or(|wanted| wanted == *name)) {
        if minutes > 0 && Instant::now() < until {
            tried(&folder, name, files, until)?;
        }
        collect(&folder, name, files)?;
    }
    standing()
}

/// Where all modules stand, from what is written down.
pub(crate) fn standing() -> Result<ExitCode, String> {
    let folder = place();
    let excused = read(&folder.join("survivors.json"))?;
    let (mut all, mut caught, mut missed, mut open) = (0, 0, 0, 0);
    let mut unlisted = Vec::new();
    for (name, _) in MODULES {
        let entry = read(&folder.join(format!("{name}.json")))?;
        let number = |field: &str| entry[field].as_u64().unwrap_or(0);
        println!(
            "{name:8} {} mutants: {} caught, {} alive, {} timed out, {} not compiled, {} not tried",
            number("mutants"),
            number("caught"),
            number("missed"),
            number("timeout"),
            number("unviable"),
            number("not tried")
        );
        all += number("mutants");
        caught += number("caught");
        missed += number("missed");
        open += number("not tried");
        let survivors = entry["survivors"].as_array().into_iter().flatten().filter_map(Value::as_str);
        unlisted.extend(survivors.filter(|name| excused[*name].as_str().is_none_or(str::is_empty)).map(str::to_owned));
    }
    unlisted.iter().for_each(|name| println!("alive without a reason: {name}"));
    let ratio = (1000 * caught).checked_div(caught + missed).unwrap_or(0);
    println!(
        "total: {caught} of {} caught ({}.{} %), {} alive without a reason; {open} of {all} not tried",
        caught + missed,
        ratio / 10,
        ratio % 10,
        unlisted.len()
    );
    Ok(if unlisted.is_empty() && caught > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn place() -> PathBuf {
    root().join("docs/proof/mutants")
}

fn tried(folder: &Path, name: &str, files: &[&str], until: Instant) -> Result<(), String> {
    let tree = folder.join("tree");
    if !tree.exists() {
        output(Command::new("git").args(["clone", "--quiet"]).arg(root()).arg(&tree))?;
    }
    output(Command::new("git").args(["fetch", "--quiet"]).arg(root()).arg("HEAD").current_dir(&tree))?;
    output(Command::new("git").args(["reset", "--quiet", "--hard", "FETCH_HEAD"]).current_dir(&tree))?;
    let skipped: Vec<&str> = SLOW.iter().flat_map(|test| ["--skip", test]).collect();
    // Package, what of it is compiled and run, and what of that is left out.
    let passes: [(&str, [&str; 2], &[&str]); 2] = [
        ("veriseal", ["--cargo-arg=--lib", "--cargo-arg=--test=attacks"], &skipped),
        ("veriseal-policy", ["--cargo-arg=--test=leaves", "--cargo-arg=--test=verdicts"], &[]),
    ];
    for (package, tests, skipped) in passes {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            break;
        }
        // Nothing is run but what coreutils stops: cargo-mutants has no budget of its own.
        let mut command = Command::new("timeout");
        command.args(["--signal", "INT", &left.to_string(), "nice", "-n", "10", "cargo", "mutants", "--package", "veriseal"]);
        command.args(["--in-place", "--iterate", "--no-shuffle", "--colors", "never", "--test-tool", "cargo"]);
        command
            .args(["--timeout", "150", "--build-timeout", "300", "--test-package", package, "--output"])
            .arg(folder.join(name));
        command.args(files.iter().flat_map(|file| ["--file".to_owned(), format!("crates/core/src/{file}")]));
        command.args(tests).args(["--", "--"]).args(skipped).current_dir(&tree);
        command.env("CARGO_TARGET_DIR", folder.join("target")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        if let Ok(vectors) = root().join("../shared/vectors").canonicalize() {
            command.env("VERISEAL_VECTORS", vectors);
        }
        let status = command.status().map_err(|error| format!("timeout: {error}"))?;
        if !status.code().is_some_and(|code| RAN.contains(&code)) {
            return Err(format!("cargo mutants of {name} failed: {status}"));
        }
    }
    Ok(())
}

/// Writes down what came of a module, where anything was tried.
fn collect(folder: &Path, name: &str, files: &[&str]) -> Result<(), String> {
    let folder = folder.join(name);
    let known = folder.join("outcomes.json");
    let mut outcomes = read(&known)?;
    // cargo-mutants keeps what the run before the last said; of what several runs tried, that it was noticed once is enough.
    for (file, outcome) in [("missed", "missed"), ("unviable", "unviable"), ("timeout", "timeout"), ("caught", "caught")] {
        for run in ["mutants.out.old", "mutants.out"] {
            let text = fs::read_to_string(folder.join(run).join(format!("{file}.txt"))).unwrap_or_default();
            for mutant in text.lines() {
                if outcome == "caught" || outcomes[mutant] != "caught" {
                    outcomes[mutant] = json!(outcome);
                }
            }
        }
    }
    let mut list = cargo(&["mutants", "--list", "--package", "veriseal", "--colors", "never"]);
    list.args(files.iter().flat_map(|file| ["--file".to_owned(), format!("crates/core/src/{file}")]));
    let all: BTreeSet<String> = output(&mut list)?.lines().map(str::to_owned).collect();
    // What is not in the code any more says nothing of it.
    let tried: BTreeMap<&String, &str> =
        all.iter().filter_map(|mutant| Some((mutant, outcomes[mutant.as_str()].as_str()?))).collect();
    if tried.is_empty() {
        return Ok(());
    }
    let number = |outcome: &str| tried.values().filter(|found| **found == outcome).count();
    let survivors: BTreeSet<String> =
        tried.iter().filter(|(_, outcome)| **outcome == "missed").map(|(mutant, _)| without_line(mutant)).collect();
    let entry = json!({
        "commit": commit(),
        "mutants": all.len(),
        "caught": number("caught"),
        "missed": number("missed"),
        "timeout": number("timeout"),
        "unviable": number("unviable"),
        "not tried": all.len() - tried.len(),
        "survivors": survivors,
    });
    let write = |path: &Path, value: &Value| {
        let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())? + "\n";
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(place()).map_err(|error| error.to_string())?;
    write(&known, &outcomes)?;
    write(&place().join(format!("{name}.json")), &entry)
}

/// `file:12:3: what` without the place, which moves with every change above it.
fn without_line(name: &str) -> String {
    let Some((place, what)) = name.split_once(": ") else { return name.to_owned() };
    format!("{}: {what}", place.split(':').next().unwrap_or(place))
}

/// A JSON file; an empty object where there is none.
fn read(path: &Path) -> Result<Value, String> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(Value::Object(Map::new())) };
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_file_and_change_wherever_it_stands() {
        let name = "crates/core/src/policy/decide.rs:36:106: replace <= with > in LeafFacts::add";
        assert_eq!(without_line(name), "crates/core/src/policy/decide.rs: replace <= with > in LeafFacts::add");
    }

    #[test]
    fn every_survivor_that_is_written_down_has_a_reason_and_no_other_is_excused() {
        let excused = read(&place().join("survivors.json")).unwrap();
        let mut alive = BTreeSet::new();
        for (name, _) in MODULES {
            let entry = read(&place().join(format!("{name}.json"))).unwrap();
            alive.extend(entry["survivors"].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)));
        }
        for name in &alive {
            assert!(excused[name].as_str().is_some_and(|reason| !reason.is_empty()), "{name} lives without a reason");
        }
        for name in excused.as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(alive.contains(name), "{name} is excused, but does not live");
        }
    }
}
