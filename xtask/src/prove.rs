//! `cargo xtask prove [--minutes N]` and `cargo xtask mutate`: the attacks that run for as long as one lets them.
//!
//! docs/proof/ledger.json says how far earlier runs came, so that the next tries what was not tried. What a part found stands in
//! its last line, `total: …`; a part that fails fails the whole. What has a tool of its own is a part
//! where that is there.

use crate::{cargo, known_attacks, output, root};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Mutants of one step: some half minute on two cores.
const STEP: u64 = 200_000;

/// The seed of the mutants that the ledger counts.
const SEED: u64 = 1;

/// One row of the table.
struct Row {
    part: &'static str,
    /// What it found, or why it was left out.
    said: String,
    outcome: Outcome,
}

#[derive(PartialEq)]
enum Outcome {
    Held,
    Failed,
    LeftOut,
}

/// Everything, for about so many minutes; the mutants take what the others leave.
pub(crate) fn run(minutes: u64) -> Result<ExitCode, String> {
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let program = program()?;
    let mut rows = vec![of("known attacks", known_attacks::run())];
    rows.push(of("splices", total(Command::new(&program).arg("splice"))));
    rows.push(of("bombs", total(Command::new(&program).arg("bombs"))));
    rows.push(mutants(&program, until)?);
    for (part, tool, arguments) in TOOLS {
        rows.push(with_tool(part, tool, arguments));
    }
    println!("\n{:16} {:9} found", "part", "");
    for row in &rows {
        let word = match row.outcome {
            Outcome::Held => "held",
            Outcome::Failed => "FAILED",
            Outcome::LeftOut => "left out",
        };
        println!("{:16} {word:9} {}", row.part, row.said);
    }
    let failed = rows.iter().any(|row| row.outcome == Outcome::Failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Parts with tools of their own: name, what must answer for it to be there, and the xtask command that runs it.
const TOOLS: &[(&str, &[&str], &[&str])] = &[
    ("fuzz targets", &[], &["fuzz", "--minutes", "2"]),
    ("coverage", &["llvm"], &["coverage"]),
    ("mutated code", &["cargo", "mutants", "--version"], &["mutants", "--minutes", "20"]),
    ("dependencies", &["cargo", "deny", "--version"], &["deny"]),
    ("threads (tsan)", &["rustup", "run", "nightly", "rustc", "--version"], &["tsan"]),
];

fn with_tool(part: &'static str, tool: &[&str], arguments: &[&str]) -> Row {
    let there = match tool {
        [] => true,
        ["llvm"] => crate::coverage::tools().is_ok(),
        [program, arguments @ ..] => output(Command::new(program).args(arguments)).is_ok(),
    };
    if !there {
        return Row { part, said: format!("there is no {}", tool.join(" ")), outcome: Outcome::LeftOut };
    }
    let mut command = cargo(&["xtask"]);
    of(part, total(command.args(arguments)))
}

fn of(part: &'static str, result: Result<String, String>) -> Row {
    match result {
        Ok(said) => Row { part, said, outcome: Outcome::Held },
        Err(said) => Row { part, said, outcome: Outcome::Failed },
    }
}

/// Mutants that no earlier run tried, one step after another, with each step written down.
fn mutants(program: &PathBuf, until: Instant) -> Result<Row, String> {
    let begun = Instant::now();
    let mut tried = 0;
    loop {
        let mut ledger = Ledger::read()?;
        let first = ledger.number("mutations", "executions");
        let step = ["--count", &STEP.to_string(), "--seed", &SEED.to_string(), "--first", &first.to_string()].map(str::to_owned);
        let said = total(Command::new(program).arg("mutate").args(step));
        let last = match said {
            Ok(said) => said,
            Err(said) => return Ok(Row { part: "mutants", said, outcome: Outcome::Failed }),
        };
        tried += STEP;
        ledger.set("mutations", &json!({ "commit": commit(), "seed": SEED, "executions": first + STEP, "accepted": 0 }))?;
        // The next step takes about as long as this one.
        let each = begun.elapsed().div_f64(f64::from(u32::try_from(tried / STEP).unwrap_or(u32::MAX)));
        if Instant::now() + each > until {
            let all = first + STEP;
            return Ok(Row {
                part: "mutants",
                said: format!("{tried} now, {all} in all; the last: {last}"),
                outcome: Outcome::Held,
            });
        }
    }
}

/// `cargo xtask mutate …`: what the program says, as it says it.
pub(crate) fn mutate(arguments: &[&str]) -> Result<ExitCode, String> {
    let status = Command::new(program()?).arg("mutate").args(arguments).status().map_err(|error| error.to_string())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The program, optimised: what it measures is what is shipped.
fn program() -> Result<PathBuf, String> {
    output(&mut cargo(&["build", "--quiet", "--release", "--package", "veriseal-proof"]))?;
    Ok(target()?.join("release/veriseal-proof"))
}

/// Where cargo builds the workspace.
pub(crate) fn target() -> Result<PathBuf, String> {
    let target = crate::metadata(&root())?["target_directory"].as_str().map(PathBuf::from);
    target.ok_or_else(|| "cargo metadata names no target folder".to_owned())
}

/// Shows what a program prints, and answers with what stands behind `total: ` in its last such line.
pub(crate) fn total(command: &mut Command) -> Result<String, String> {
    let output = command.stderr(Stdio::inherit()).current_dir(root()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let said = text.lines().rev().find_map(|line| line.strip_prefix("total: "));
    match (output.status.success(), said) {
        (true, Some(said)) => Ok(said.to_owned()),
        (false, Some(said)) => Err(said.to_owned()),
        (_, None) => Err(text.lines().last().unwrap_or("said nothing").to_owned()),
    }
}

/// The commit that is looked at, for what is written down.
pub(crate) fn commit() -> String {
    let said = output(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).current_dir(root()));
    said.unwrap_or_default().trim().to_owned()
}

/// How far earlier runs came.
pub(crate) struct Ledger(Value);

impl Ledger {
    fn path() -> PathBuf {
        root().join("docs/proof/ledger.json")
    }

    pub(crate) fn read() -> Result<Self, String> {
        let Ok(text) = fs::read_to_string(Self::path()) else { return Ok(Self(json!({}))) };
        serde_json::from_str(&text).map(Self).map_err(|error| format!("docs/proof/ledger.json: {error}"))
    }

    pub(crate) fn number(&self, part: &str, field: &str) -> u64 {
        self.0[part][field].as_u64().unwrap_or(0)
    }

    /// A number of a part's part.
    pub(crate) fn nested(&self, part: &str, name: &str, field: &str) -> u64 {
        self.0[part][name][field].as_u64().unwrap_or(0)
    }

    /// Writes down what a part's part did.
    pub(crate) fn set_nested(&mut self, part: &str, name: &str, entry: &Value) -> Result<(), String> {
        let mut all = self.0[part].clone();
        all[name] = entry.clone();
        self.set(part, &all)
    }

    /// Writes down what a part did, at once: a run that is cut off loses one step.
    pub(crate) fn set(&mut self, part: &str, entry: &Value) -> Result<(), String> {
        self.0[part] = entry.clone();
        let text = serde_json::to_string_pretty(&self.0).map_err(|error| error.to_string())? + "\n";
        fs::create_dir_all(root().join("docs/proof")).map_err(|error| error.to_string())?;
        fs::write(Self::path(), text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_last_line_that_says_so_and_a_failure_stays_one() {
        let shell = |script: &str| total(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo total: 1; echo total: 2; echo end"), Ok("2".to_owned()));
        assert_eq!(shell("echo total: 2; exit 1"), Err("2".to_owned()));
        assert_eq!(shell("echo nothing"), Err("nothing".to_owned()));
    }
}
