//! `cargo xtask mutants [--module M] [--alive] [--minutes N]`: code that is wrong on purpose, which some test must notice.
//!
//! cargo-mutants says which mutants there are. `veriseal-mutants` compiles all of them together and tries each; the few that only
//! compile by themselves are left to cargo-mutants ([`alone`]). What came of it says [`ledger`]. Works on HEAD, in clones below the
//! target folder, and goes on where the last run of the same commit ended; with `--alive`, what a test noticed at any commit stays.

mod alone;
mod ledger;

pub(crate) use ledger::standing;

use crate::prove::commit;
use crate::{cargo, output, root, target};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;
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

/// The tests that are asked: quick ones, of the core itself and of what is built on it. What looks at source files is not among them.
const TESTS: &[&str] = &[
    "veriseal:--lib,--test=attacks,--test=bounds,--test=vectors",
    "veriseal-policy:--lib,--test=leaves,--test=verdicts,--test=tools,--test=loader,--test=fields",
];

/// Tests of the core that are slow, and beside which there are quick ones about the same.
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
    "costly_candidates",
    "a_hundred_megabytes",
    "wycheproof",
];

/// What to try.
pub(crate) struct Wanted<'a> {
    /// The mutants of one module, or of all.
    pub(crate) module: Option<&'a str>,
    /// Only those that no test noticed.
    pub(crate) alive: bool,
    /// Begins with no further one afterwards.
    pub(crate) minutes: u64,
}

impl<'a> Wanted<'a> {
    /// What stands behind the command.
    pub(crate) fn read(arguments: &[&'a str]) -> Result<Self, String> {
        let mut wanted = Self { module: None, alive: false, minutes: 60 };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--alive" => wanted.alive = true,
                "--module" => wanted.module = Some(rest.next().ok_or("--module needs a name")?),
                "--minutes" => wanted.minutes = crate::number(rest.next().ok_or("--minutes needs a number")?)?,
                other => return Err(format!("{other}: [--module M] [--alive] [--minutes N]")),
            }
        }
        if let Some(name) = wanted.module.filter(|name| MODULES.iter().all(|(known, _)| known != name)) {
            return Err(format!("no module is called {name}"));
        }
        Ok(wanted)
    }
}

/// Tries them, then says where all modules stand; `total: …` is the last line.
pub(crate) fn run(wanted: &Wanted<'_>) -> Result<ExitCode, String> {
    output(&mut cargo(&["mutants", "--version"])).map_err(|_| "no cargo-mutants: `cargo install cargo-mutants --locked`")?;
    let folder = target()?.join("mutants");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let until = Instant::now() + Duration::from_secs(60 * wanted.minutes);
    let modules = || MODULES.iter().filter(|(name, _)| wanted.module.is_none_or(|wanted| wanted == *name));
    let (tree, woven) = (folder.join("tree"), folder.join("woven"));
    at_head(&tree)?;
    // What was woven and will be woven the same keeps its time, so that cargo need not build it again.
    let (now, stamp) = (format!("{} {:?}", commit(), wanted.module), folder.join("woven.of"));
    if !woven.exists() || fs::read_to_string(&stamp).map_or(true, |of| of != now) {
        at_head(&woven)?;
        fs::write(&stamp, &now).map_err(|error| error.to_string())?;
    }
    let files: Vec<&str> = modules().flat_map(|(_, files)| *files).copied().collect();
    let list = listed(&tree, &files)?;
    let (mutants, outcomes) = (folder.join("mutants.json"), folder.join("woven.json"));
    fs::write(&mutants, &list).map_err(|error| error.to_string())?;
    forget(&outcomes, &folder.join("woven.commit"), wanted.alive)?;
    let mut command = cargo(&["run", "--quiet", "--package", "veriseal-mutants", "--"]);
    command
        .args([&mutants, &tree, &woven, &outcomes])
        .arg(wanted.minutes.to_string())
        .args(TESTS.iter().map(|tests| format!("{tests}:{}", SLOW.join(","))));
    if let Ok(vectors) = root().join("../shared/vectors").canonicalize() {
        command.env("VERISEAL_VECTORS", vectors);
    }
    let status = command.env("CARGO_TARGET_DIR", target()?).status().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("the mutants could not be tried together".to_owned());
    }
    let mut found = ledger::read(&outcomes)?;
    alone::tried(&folder, &mut found, until)?;
    let list: Value = serde_json::from_str(&list).map_err(|error| error.to_string())?;
    for (name, files) in modules() {
        ledger::write(name, files, &list, &found)?;
    }
    standing()
}

/// A clone that is at HEAD and unchanged.
fn at_head(tree: &Path) -> Result<(), String> {
    if !tree.exists() {
        output(Command::new("git").args(["clone", "--quiet"]).arg(root()).arg(tree))?;
    }
    output(Command::new("git").args(["fetch", "--quiet"]).arg(root()).arg("HEAD").current_dir(tree))?;
    output(Command::new("git").args(["reset", "--quiet", "--hard", "FETCH_HEAD"]).current_dir(tree)).map(drop)
}

/// What cargo-mutants could do to these files.
fn listed(tree: &Path, files: &[&str]) -> Result<String, String> {
    let mut list = cargo(&["mutants", "--list", "--json", "--package", "veriseal", "--colors", "never"]);
    list.args(files.iter().flat_map(|file| ["--file".to_owned(), format!("crates/core/src/{file}")]));
    output(list.current_dir(tree))
}

/// Takes out of what is known what another commit's tests said; that something does not compile is looked at again by its name.
fn forget(outcomes: &Path, of: &Path, alive: bool) -> Result<(), String> {
    let same = fs::read_to_string(of).is_ok_and(|of| of == commit());
    let Value::Object(known) = ledger::read(outcomes)? else { return Err("outcomes that are no object".to_owned()) };
    let stays = |outcome: &Value| match outcome.as_str() {
        Some("unviable" | "unwoven") => true,
        Some("caught") => same || alive,
        _ => same && !alive,
    };
    let kept: Map<String, Value> = known.into_iter().filter(|(_, outcome)| stays(outcome)).collect();
    let text = serde_json::to_string_pretty(&kept).map_err(|error| error.to_string())?;
    fs::write(outcomes, text).map_err(|error| error.to_string())?;
    fs::write(of, commit()).map_err(|error| error.to_string())
}
