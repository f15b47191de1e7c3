//! A short slice of every fuzz target, without an engine: the same functions, over their seeds and mutations of these. With
//! `--minutes`, for that long, from where docs/proof/ledger.json says that the last run ended.

use crate::prove::{Ledger, commit};
use crate::stage::{Run, minutes};
use crate::{cargo, output, root};
use serde_json::json;
use std::process::{Command, ExitCode};

const MANIFEST: &str = "fuzz/Cargo.toml";

/// The stage.
pub(crate) fn run(run: &mut Run) {
    // From nothing it compiles its dependencies anew, optimised and with assertions.
    let needed = minutes(6);
    if run.left(needed) < needed {
        return run.skip("fuzz targets", "no time is left for them: `cargo xtask fuzz`");
    }
    run.stage(
        "lints of the fuzz targets",
        minutes(4),
        &mut cargo(&["clippy", "--manifest-path", MANIFEST, "--", "-D", "warnings"]),
    );
    run.stage("fuzz targets", minutes(5), &mut cargo(&["test", "--manifest-path", MANIFEST]));
    let mut plain = cargo(&["run", "--quiet", "--manifest-path", MANIFEST, "--bin", "plain", "--", "--executions", "500"]);
    run.stage("500 executions of each", minutes(5), &mut plain);
}

/// The seed of the executions that the ledger counts.
const SEED: u64 = 1;

/// How many executions a target shall have had: fewer where each checks signatures.
fn goal(target: &str) -> u64 {
    let signatures = ["verify_bundle", "verify_image", "backends", "rfc3161_token", "capi_sequence"];
    if signatures.contains(&target) { 500_000 } else { 5_000_000 }
}

/// Every target for its share of the time; `total: …` is the last line.
pub(crate) fn long(minutes: u64) -> Result<ExitCode, String> {
    output(&mut cargo(&["build", "--quiet", "--release", "--manifest-path", MANIFEST, "--bin", "plain"]))?;
    let program = crate::metadata(&root().join("fuzz"))?["target_directory"].as_str().map(std::path::PathBuf::from);
    let program = program.ok_or("cargo metadata names no target folder")?.join("release/plain");
    let names = output(Command::new(&program).arg("--list"))?;
    let names: Vec<&str> = names.lines().collect();
    // Those that lack most take what the others do not need.
    let mut open: Vec<&str> = Vec::new();
    for name in &names {
        if Ledger::read()?.nested("fuzz", name, "executions") < goal(name) {
            open.push(name);
        }
    }
    let share = (60 * minutes).checked_div(u64::try_from(open.len()).unwrap_or(1)).unwrap_or(0).max(1);
    let mut now = 0;
    for name in &open {
        let mut ledger = Ledger::read()?;
        let first = ledger.nested("fuzz", name, "executions");
        let left = (goal(name) - first).to_string();
        let mut run = Command::new(&program);
        run.args(["--seed", &SEED.to_string(), "--first", &first.to_string(), "--seconds", &share.to_string()]);
        let said = output(run.args(["--executions", &left, name]).current_dir(root()))?;
        print!("{said}");
        let done: u64 = said
            .strip_prefix(&format!("{name}: "))
            .and_then(|rest| rest.split(' ').next()?.parse().ok())
            .ok_or_else(|| format!("{name} said: {said}"))?;
        now += done;
        ledger.set_nested("fuzz", name, &json!({ "commit": commit(), "seed": SEED, "executions": first + done }))?;
    }
    let ledger = Ledger::read()?;
    let all: u64 = names.iter().map(|name| ledger.nested("fuzz", name, "executions")).sum();
    let reached = names.iter().filter(|name| ledger.nested("fuzz", name, "executions") >= goal(name)).count();
    let count = names.len();
    println!("total: {count} targets, {now} executions now, {all} in all, {reached} targets at their goal; no failure");
    Ok(ExitCode::SUCCESS)
}
