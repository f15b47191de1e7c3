//! Every fuzz target without an engine: the same functions, over their seeds and mutations of these. A short slice of each; with
//! `--minutes`, for that long, from where docs/proof/ledger.json says that the last run ended.
//!
//! One target lives in a workspace of its own: `diff_sigstore` holds veriseal against `sigstore-verify` (interop/differential).

use crate::prove::{Ledger, commit};
use crate::stage::{Run, minutes};
use crate::{cargo, output, root, target};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// The workspace that compares with another verifier, and the target that its program is.
const DIFFERENTIAL: (&str, &str) = ("interop/differential/Cargo.toml", "diff_sigstore");

/// The seed of the executions that the ledger counts.
const SEED: u64 = 1;

/// How long one target runs before the next has its turn: so much is lost where a run is cut off.
const TURN: Duration = Duration::from_secs(30);

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

/// How many executions a target shall have had: fewer where each checks signatures.
pub(crate) fn goal(target: &str) -> u64 {
    let signatures = ["verify_bundle", "verify_image", "backends", "rfc3161_token", "capi_sequence", DIFFERENTIAL.1];
    if signatures.contains(&target) { 500_000 } else { 5_000_000 }
}

/// A target, and the program that runs it.
struct Target {
    name: String,
    program: PathBuf,
    /// What it must be told beside numbers.
    arguments: Vec<String>,
}

impl Target {
    fn executed(&self) -> Result<u64, String> {
        Ok(Ledger::read()?.nested("fuzz", &self.name, "executions"))
    }

    /// Runs it for at most so long, from where it stood, and writes down how many executions that were.
    fn turn(&self, time: Duration) -> Result<u64, String> {
        let first = self.executed()?;
        let mut run = Command::new(&self.program);
        run.args(["--seed", &SEED.to_string(), "--first", &first.to_string()]);
        run.args(["--seconds", &time.as_secs().max(1).to_string()]);
        let count = if self.name == DIFFERENTIAL.1 { "--mutations" } else { "--executions" };
        run.args([count, &(goal(&self.name) - first).to_string()]).args(&self.arguments);
        let ran = run.current_dir(root()).output().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let said = String::from_utf8_lossy(&ran.stdout);
        let Some((done, line)) = told(&said, &self.name).filter(|_| ran.status.success()) else {
            return Err(format!("{said}{}", String::from_utf8_lossy(&ran.stderr)));
        };
        println!("{}: {line}", self.name);
        let entry = json!({ "commit": commit(), "seed": SEED, "executions": first + done });
        Ledger::read()?.set_nested("fuzz", &self.name, &entry)?;
        Ok(done)
    }
}

/// How many executions a program tells of for a target, and the rest of the line.
fn told<'a>(said: &'a str, name: &str) -> Option<(u64, &'a str)> {
    let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
    Some((line.split_once(" executions")?.0.parse().ok()?, line))
}

/// Every target, or those of these names, by turns until the time is over or all are at their goal; `total: …` is the last line.
/// What fails is left out of later turns, and said.
pub(crate) fn long(minutes: u64, names: &[&str]) -> Result<ExitCode, String> {
    let targets = targets(names)?;
    // What building took is no share of it.
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let (mut now, mut failed) = (0, Vec::new());
    loop {
        let mut open = Vec::new();
        for target in targets.iter().filter(|target| !failed.contains(&target.name)) {
            if target.executed()? < goal(&target.name) {
                open.push(target);
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || open.is_empty() {
            break;
        }
        let turn = left.checked_div(u32::try_from(open.len()).unwrap_or(u32::MAX)).unwrap_or(left).min(TURN);
        for target in open {
            match target.turn(turn) {
                Ok(done) => now += done,
                Err(said) => {
                    println!("{} FAILED:\n{said}", target.name);
                    failed.push(target.name.clone());
                }
            }
        }
    }
    let (mut all, mut reached) = (0, 0);
    for target in &targets {
        let executed = target.executed()?;
        all += executed;
        reached += usize::from(executed >= goal(&target.name));
    }
    let failures = if failed.is_empty() { "no failure".to_owned() } else { format!("FAILED: {}", failed.join(", ")) };
    let count = targets.len();
    println!("total: {count} targets, {now} executions now, {all} in all, {reached} at their goal; {failures}");
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All targets, or those of these names, with programs that nobody builds anew while they run.
fn targets(wanted: &[&str]) -> Result<Vec<Target>, String> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name);
    let kept = target()?.join("fuzz-programs");
    std::fs::create_dir_all(&kept).map_err(|error| error.to_string())?;
    let plain = built(MANIFEST, &["--bin", "plain"], "plain", &kept)?;
    let names = output(Command::new(&plain).arg("--list"))?;
    let of_plain = |name: &str| Target { name: name.to_owned(), program: plain.clone(), arguments: vec![name.to_owned()] };
    let mut targets: Vec<Target> = names.lines().filter(|name| is_wanted(name)).map(of_plain).collect();
    let (manifest, name) = DIFFERENTIAL;
    if is_wanted(name) {
        match built(manifest, &["--locked"], "differential", &kept) {
            Ok(program) => targets.push(Target { name: name.to_owned(), program, arguments: Vec::new() }),
            // Its crates may be out of reach; the product's own never are.
            Err(reason) => println!("left out: {name}: {reason}"),
        }
    }
    if targets.is_empty() { Err(format!("no target is called {}", wanted.join(", "))) } else { Ok(targets) }
}

/// Builds a program of a workspace of its own, optimised, and copies it to where it stays as it is.
fn built(manifest: &str, arguments: &[&str], name: &str, kept: &std::path::Path) -> Result<PathBuf, String> {
    output(cargo(&["build", "--quiet", "--release", "--manifest-path", manifest]).args(arguments))?;
    let folder = root().join(manifest);
    let folder = folder.parent().ok_or("a manifest lies in a folder")?;
    let built = crate::target_of(folder)?.join("release").join(name);
    let program = kept.join(name);
    // Not over a program that runs, but beside it and into its place.
    let beside = kept.join(format!("{name}.new"));
    std::fs::copy(&built, &beside).map_err(|error| format!("{}: {error}", built.display()))?;
    std::fs::rename(&beside, &program).map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_told_by_the_line_of_the_target() {
        let said = "test a ... ok\nstrict_json_too: 3 executions\nstrict_json: 500 executions from 2 seeds, 0.1 s\n";
        assert_eq!(told(said, "strict_json"), Some((500, "500 executions from 2 seeds, 0.1 s")));
        assert_eq!(told("strict_json failed: plain --seed 1", "strict_json"), None);
    }
}
