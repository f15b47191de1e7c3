//! Tries mutants: wrong code which a test must notice. Started by `cargo xtask mutants`.
//!
//! ```text
//! veriseal-mutants LIST FROM TREE OUTCOMES MINUTES PACKAGE:TESTS:SKIPPED…
//! ```
//!
//! `LIST` is what `cargo mutants --list --json` says, `FROM` the workspace that was listed, `TREE` a clone of it
//! that is written over, `OUTCOMES` a JSON
//! object from a mutant's name to what came of it: `caught`, `missed`, `timeout`, `unviable` where it does not compile, or `unwoven`
//! where it may compile by itself and is left to cargo-mutants. What has an outcome is not tried again, and none is begun after so
//! many minutes. The tests that are asked are those of packages, as cargo calls them, without those in whose
//! names some text is: `veriseal:--lib,--test=attacks:slow,large`.
//!
//! A compiler's run for each mutant takes most of the time of mutation testing. Here there is one for all of them: each stands behind
//! a switch that an environment variable sets when a test starts ([`weave`]). And since a switch can say that it was reached, each
//! mutant is held only against the tests that come by it ([`suite`]).
#![forbid(unsafe_code)]

mod build;
mod listed;
mod pool;
mod process;
mod suite;
mod trial;
mod weave;

use build::Apart;
use listed::Mutant;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use suite::Target;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match &arguments[..] {
        [list, from, tree, outcomes, minutes, targets @ ..] if !targets.is_empty() => {
            run([list, from, tree, outcomes].map(|path| Path::new(*path)), minutes, targets)
        }
        _ => Err("LIST FROM TREE OUTCOMES MINUTES PACKAGE:TESTS:SKIPPED…".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("veriseal-mutants: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run([list, from, tree, outcomes]: [&Path; 4], minutes: &str, targets: &[&str]) -> Result<(), String> {
    let minutes: u64 = minutes.parse().map_err(|error| format!("{minutes}: {error}"))?;
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let targets = targets.iter().map(|target| Target::read(target)).collect::<Result<Vec<_>, _>>()?;
    let mutants = listed::read(&text(list)?)?;
    let known = Outcomes::read(outcomes)?;
    if mutants.iter().all(|mutant| known.of(mutant).is_some()) {
        return Ok(());
    }
    // What did not compile once will not now; whatever moved has another name and is looked at again.
    let with = |outcome: &str| {
        let of = |mutant: &Mutant| known.of(mutant).is_some_and(|known| known == outcome);
        (1..).zip(&mutants).filter(|(_, mutant)| of(mutant)).map(|(number, _)| number).collect::<BTreeSet<u32>>()
    };
    let mut apart = Apart { unviable: with("unviable"), unwoven: with("unwoven") };
    build::woven(&mutants, from, tree, &mut apart)?;
    let in_sets = [(&apart.unviable, "unviable"), (&apart.unwoven, "unwoven")];
    for (set, word) in in_sets {
        known.learn((1..).zip(&mutants).filter(|(number, _)| set.contains(number)).map(|(_, mutant)| (mutant, word)))?;
    }
    let tests = suite::traced(tree, &targets)?;
    let tried: Vec<(u32, &Mutant)> = (1..).zip(&mutants).filter(|(_, mutant)| known.of(mutant).is_none()).collect();
    let (unviable, unwoven) = (apart.unviable.len(), apart.unwoven.len());
    println!("{} of {} are tried, {unviable} compile nowhere, {unwoven} not beside the others", tried.len(), mutants.len());
    trial::all(&tests, &tried, until, &|mutant, outcome| known.learn([(mutant, outcome.word())]))
}

/// What came of mutants, by their names; written down at once, so that a run that is cut off loses nothing.
struct Outcomes<'a> {
    path: &'a Path,
    known: Mutex<Map<String, Value>>,
}

impl<'a> Outcomes<'a> {
    fn read(path: &'a Path) -> Result<Self, String> {
        let known = match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?,
            Err(_) => Map::new(),
        };
        Ok(Self { path, known: Mutex::new(known) })
    }

    fn of(&self, mutant: &Mutant) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&mutant.name).and_then(Value::as_str).map(str::to_owned)
    }

    fn learn<'m>(&self, found: impl IntoIterator<Item = (&'m Mutant, &'m str)>) -> Result<(), String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(found.into_iter().map(|(mutant, outcome)| (mutant.name.clone(), Value::from(outcome))));
        let text = serde_json::to_string_pretty(&*known).map_err(|error| error.to_string())? + "\n";
        fs::write(self.path, text).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
