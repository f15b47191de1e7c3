//! `cargo xtask prove [--minutes N]`, `cargo xtask mutate` and `cargo xtask tables`: the attacks that run for as long as one lets
//! them.
//!
//! docs/proof/ledger.json says how far earlier runs came, so that the next tries what was not tried. What a part found stands in
//! its last line, `total: …`; a part that fails fails the whole. What has a tool of its own is a part where that is there. First
//! comes what takes as long as it takes; the rest of the time is shared by what can go on for ever.

use crate::{cargo, fuzz, known_attacks, output, root, target};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Mutants of one step: some half minute on two cores.
const STEP: u64 = 200_000;

/// Comparisons of one step: whole chunks of both curves, some twenty seconds on one core.
const TABLES_STEP: u64 = 25 * 2 * 4096;

/// The seed of the mutants and comparisons that the ledger counts.
const SEED: u64 = 1;

/// One row of the table.
struct Row {
    part: &'static str,
    /// What it found, or why it was left out.
    said: String,
    outcome: Outcome,
    /// What stands below it in the table.
    details: Vec<String>,
}

/// What a part found, and what it printed beside.
type Found = (String, Vec<String>);

#[derive(PartialEq)]
enum Outcome {
    Held,
    Failed,
    LeftOut,
}

/// A part with a tool of its own.
struct Part {
    name: &'static str,
    /// What must answer for it to be there; nothing where it needs nothing.
    tool: &'static [&'static str],
    /// The xtask command that runs it.
    command: &'static [&'static str],
    /// Whether what it prints belongs into the table.
    is_detailed: bool,
}

/// What takes as long as it takes.
const WHOLE: &[Part] = &[
    Part { name: "coverage", tool: &["llvm"], command: &["coverage"], is_detailed: false },
    Part { name: "dependencies", tool: &["cargo", "deny", "--version"], command: &["deny"], is_detailed: false },
    Part { name: "threads (tsan)", tool: &["nightly"], command: &["tsan"], is_detailed: false },
    Part { name: "memory (miri)", tool: &["miri"], command: &["miri"], is_detailed: false },
];

/// What takes as long as one lets it, with `--minutes`, and each one's share; the mutants of documents take what is left.
const SHARED: &[(Part, u64)] = &[
    (Part { name: "fuzz targets", tool: &[], command: &["fuzz"], is_detailed: false }, 4),
    (Part { name: "libFuzzer", tool: &["cargo", "fuzz", "--version"], command: &["fuzz", "--libfuzzer"], is_detailed: false }, 2),
    (Part { name: "mutated code", tool: &["cargo", "mutants", "--version"], command: &["mutants"], is_detailed: true }, 2),
];

/// The share of the mutants of documents.
const MUTANTS: u64 = 2;

/// Everything, for about so many minutes.
pub(crate) fn run(minutes: u64) -> Result<ExitCode, String> {
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let program = program()?;
    let mut rows = vec![of("known attacks", known_attacks::run().map(alone).map_err(alone))];
    rows.push(of("splices", total(Command::new(&program).arg("splice")).map(alone).map_err(alone)));
    rows.push(of("bombs", lines(Command::new(&program).arg("bombs"))));
    rows.push(of("tables", compared(&program, TABLES_STEP).map(alone).map_err(alone)));
    for part in WHOLE {
        rows.push(part.run(None));
    }
    let mut shares = MUTANTS + SHARED.iter().map(|(_, share)| share).sum::<u64>();
    for (part, share) in SHARED {
        let minutes = minutes_of(until.saturating_duration_since(Instant::now()), *share, shares);
        shares -= share;
        rows.push(part.run(Some(minutes)));
    }
    rows.push(mutants(&program, until)?);
    if let Some(row) = rows.iter_mut().find(|row| row.part == "fuzz targets") {
        row.details = executions()?;
    }
    println!("\n{:16} {:9} found", "part", "");
    for row in &rows {
        let word = match row.outcome {
            Outcome::Held => "held",
            Outcome::Failed => "FAILED",
            Outcome::LeftOut => "left out",
        };
        println!("{:16} {word:9} {}", row.part, row.said);
        row.details.iter().for_each(|line| println!("{:26} {line}", ""));
    }
    let failed = rows.iter().filter(|row| row.outcome == Outcome::Failed).count();
    let left_out = rows.iter().filter(|row| row.outcome == Outcome::LeftOut).count();
    println!("total: {} parts held, {failed} failed, {left_out} left out", rows.len() - failed - left_out);
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How many minutes so many of all shares are; one at least, so that no part is forgotten where time is short.
fn minutes_of(left: Duration, share: u64, shares: u64) -> u64 {
    (left.as_secs() * share).checked_div(60 * shares).unwrap_or(0).max(1)
}

impl Part {
    fn run(&self, minutes: Option<u64>) -> Row {
        if let Err(reason) = self.is_there() {
            return Row { part: self.name, said: reason, outcome: Outcome::LeftOut, details: Vec::new() };
        }
        let mut command = cargo(&["xtask"]);
        command.args(self.command);
        if let Some(minutes) = minutes {
            command.args(["--minutes", &minutes.to_string()]);
        }
        let mut row = of(self.name, lines(&mut command));
        if !self.is_detailed {
            row.details.clear();
        }
        row
    }

    fn is_there(&self) -> Result<(), String> {
        match self.tool {
            [] => Ok(()),
            ["llvm"] => crate::coverage::tools().map(drop),
            ["nightly"] => crate::nightly::sources(),
            ["miri"] => crate::miri::there(),
            [program, arguments @ ..] => match output(Command::new(program).args(arguments)) {
                Ok(_) => Ok(()),
                Err(_) => Err(format!("there is no {}", self.tool[..2].join("-"))),
            },
        }
    }
}

/// What has nothing below it.
fn alone(said: String) -> Found {
    (said, Vec::new())
}

fn of(part: &'static str, result: Result<Found, Found>) -> Row {
    let (outcome, (said, details)) = match result {
        Ok(found) => (Outcome::Held, found),
        Err(found) => (Outcome::Failed, found),
    };
    Row { part, said, outcome, details }
}

/// How often each fuzz target was run, by the ledger.
fn executions() -> Result<Vec<String>, String> {
    let ledger = Ledger::read()?;
    let mut names: Vec<&str> = ledger.names("fuzz").chain(ledger.names("libfuzzer")).collect();
    names.sort_unstable();
    names.dedup();
    let mut rows = vec![format!("{:20} {:>10} {:>10} {:>12}", "executions", "plain", "goal", "libFuzzer")];
    for name in names {
        let (plain, engine) = (ledger.nested("fuzz", name, "executions"), ledger.nested("libfuzzer", name, "executions"));
        rows.push(format!("{name:20} {plain:>10} {:>10} {engine:>12}", fuzz::goal(name)));
    }
    Ok(rows)
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
            Err(said) => return Ok(Row { part: "mutants", said, outcome: Outcome::Failed, details: Vec::new() }),
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
                details: Vec::new(),
            });
        }
    }
}

/// At least so many checks by table that no earlier run made, in steps, with each step written down.
fn compared(program: &PathBuf, count: u64) -> Result<String, String> {
    let mut now = 0;
    loop {
        let mut ledger = Ledger::read()?;
        let first = ledger.number("tables", "executions");
        let step =
            ["--count", &TABLES_STEP.to_string(), "--seed", &SEED.to_string(), "--first", &first.to_string()].map(str::to_owned);
        let last = total(Command::new(program).arg("tables").args(step))?;
        now += TABLES_STEP;
        let all = first + TABLES_STEP;
        ledger.set("tables", &json!({ "commit": commit(), "seed": SEED, "executions": all, "wrong": 0 }))?;
        if now >= count {
            return Ok(format!("{now} now, {all} in all; the last: {last}"));
        }
    }
}

/// `cargo xtask tables [--count N]`: goes on where the ledger says.
pub(crate) fn tables(count: u64) -> Result<String, String> {
    compared(&program()?, count)
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

/// Shows what a program prints, as it prints it, and answers with what stands behind `total: ` in its last such line, and with the
/// other lines.
fn lines(command: &mut Command) -> Result<Found, Found> {
    let other = |reason: std::io::Error| (reason.to_string(), Vec::new());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).current_dir(root()).spawn().map_err(other)?;
    let (mut said, mut all) = (None, Vec::new());
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            match line.strip_prefix("total: ") {
                Some(total) => said = Some(total.to_owned()),
                None => all.push(line),
            }
        }
    }
    let status = child.wait().map_err(other)?;
    match (status.success(), said) {
        (true, Some(said)) => Ok((said, all)),
        (false, Some(said)) => Err((said, all)),
        (_, None) => Err((all.last().map_or("said nothing", String::as_str).to_owned(), all)),
    }
}

/// The same without the other lines.
pub(crate) fn total(command: &mut Command) -> Result<String, String> {
    lines(command).map(|(said, _)| said).map_err(|(said, _)| said)
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

    /// The names of a part's parts.
    fn names(&self, part: &str) -> impl Iterator<Item = &str> {
        self.0[part].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
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
    fn the_time_that_is_left_is_shared() {
        let left = Duration::from_secs(30 * 60);
        assert_eq!(minutes_of(left, 4, 10), 12);
        assert_eq!(minutes_of(left / 2, 2, 6), 5);
        assert_eq!(minutes_of(Duration::ZERO, 2, 4), 1);
    }

    #[test]
    fn what_a_part_prints_is_kept_without_its_total() {
        let shell = |script: &str| lines(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo a; echo total: 1; echo b"), Ok(("1".to_owned(), vec!["a".to_owned(), "b".to_owned()])));
    }

    #[test]
    fn the_total_is_the_last_line_that_says_so_and_a_failure_stays_one() {
        let shell = |script: &str| total(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo total: 1; echo total: 2; echo end"), Ok("2".to_owned()));
        assert_eq!(shell("echo total: 2; exit 1"), Err("2".to_owned()));
        assert_eq!(shell("echo nothing"), Err("nothing".to_owned()));
    }
}
