//! [`all`]: each mutant against the tests that come by it.

use crate::listed::Mutant;
use crate::pool::each;
use crate::process::{Ended, run};
use crate::suite::Test;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many tests of a mutant are asked before all others: those that tell the most in the least time.
const FIRST: usize = 12;

/// What came of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A test failed.
    Caught,
    /// None did.
    Missed,
    /// None did, but not all of them ended.
    Timeout,
}

impl Outcome {
    /// As cargo-mutants calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Missed => "missed",
            Self::Timeout => "timeout",
        }
    }
}

/// Tries them all, as far as there is time, and tells what came of each; what did not end is tried again with ten times as much.
pub(crate) fn all(
    tests: &[Test],
    mutants: &[(u32, &Mutant)],
    until: Instant,
    tell: &(dyn Fn(&Mutant, Outcome) -> Result<(), String> + Sync),
) -> Result<(), String> {
    let found = each("tried", mutants, Some(until), |_, (number, mutant)| match one(tests, *number, mutant, 1) {
        Outcome::Timeout => Ok(false),
        outcome => tell(mutant, outcome).map(|()| true),
    });
    let mut late = Vec::new();
    for (at, ended) in found {
        if !ended? {
            late.extend(mutants.get(at));
        }
    }
    let again = each("tried again", &late, Some(until), |_, (number, mutant)| tell(mutant, one(tests, *number, mutant, 10)));
    again.into_iter().try_for_each(|(_, told)| told)
}

fn one(tests: &[Test], number: u32, mutant: &Mutant, patience: u32) -> Outcome {
    let mut reaching: Vec<&Test> = tests.iter().filter(|test| test.reaches.contains(&number)).collect();
    // A test that comes by few places is about one of them, and a quick one costs little.
    reaching.sort_by_key(|test| test.takes.as_millis() * test.reaches.len() as u128);
    let (first, others) = reaching.split_at(reaching.len().min(FIRST));
    let mut outcome = Outcome::Missed;
    for tests in [first, others] {
        let mut programs: BTreeMap<(&Path, &Path), Vec<&Test>> = BTreeMap::new();
        for test in tests {
            programs.entry((&test.program, &test.folder)).or_default().push(test);
        }
        for ((program, folder), tests) in programs {
            match asked(program, folder, &tests, number, patience) {
                Ended::Passed => {}
                Ended::Failed => return Outcome::Caught,
                Ended::TooLate => outcome = Outcome::Timeout,
            }
        }
    }
    println!("{}: {}", outcome.word(), mutant.name);
    outcome
}

fn asked(program: &Path, folder: &Path, tests: &[&Test], mutant: u32, patience: u32) -> Ended {
    let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    // Generous: the machine may have other things to do, and a mutant may be slow without being wrong.
    let usual: Duration = tests.iter().map(|test| test.takes).sum();
    let limit = (usual * 10 + Duration::from_secs(10)) * patience;
    let number = OsString::from(mutant.to_string());
    match run(program, folder, &names, ("VERISEAL_MUTANT", &number), limit) {
        Ok(ended) => ended,
        // A test that could not be run has noticed nothing.
        Err(reason) => {
            println!("mutant {mutant}: {reason}");
            Ended::TooLate
        }
    }
}
