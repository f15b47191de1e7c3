//! [`all`]: each mutant against the tests that come by it.

use crate::listed::Mutant;
use crate::pool::each;
use crate::process::{Ended, run};
use crate::suite::Test;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many tests of a mutant are asked before all others: those that tell the most in the least time.
const FIRST: usize = 24;

/// How much longer than usual tests may take together, however many they are.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// What came of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A test failed.
    Caught,
    /// None did.
    Missed,
    /// None did before one that did not end.
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

/// Tries them all, as far as there is time, and tells what came of each: first against the tests that are the most likely to notice,
/// so that it soon shows what is left; what does not end is tried again with four times as much time.
pub(crate) fn all(
    tests: &[Test],
    mutants: &[(u32, &Mutant)],
    until: Instant,
    tell: &(dyn Fn(&Mutant, Outcome) -> Result<(), String> + Sync),
) -> Result<(), String> {
    let mut trials: Vec<Trial<'_>> = mutants.iter().map(|(number, mutant)| Trial::new(tests, *number, mutant)).collect();
    // What few tests reach costs little.
    trials.sort_by_key(|trial| trial.tests.len());
    let quickly = each("tried", &trials, Some(until), |_, trial| match trial.held(0..FIRST, 1) {
        Outcome::Caught => tell(trial.mutant, Outcome::Caught).map(|()| None),
        outcome => Ok(Some(outcome)),
    });
    let (mut open, mut late) = (Vec::new(), Vec::new());
    for (at, outcome) in quickly {
        match outcome? {
            Some(Outcome::Timeout) => late.extend(trials.get(at)),
            Some(_) => open.extend(trials.get(at)),
            None => {}
        }
    }
    open.iter().for_each(|trial| println!("noticed by none of its first tests: {}", trial.mutant.name));
    let wholly = each("tried wholly", &open, Some(until), |_, trial| match trial.held(FIRST..usize::MAX, 1) {
        Outcome::Timeout => Ok(true),
        outcome => tell(trial.mutant, outcome).map(|()| false),
    });
    for (at, is_late) in wholly {
        if is_late? {
            late.extend(open.get(at));
        }
    }
    let again = each("tried again", &late, Some(until), |_, trial| {
        let outcome = match trial.held(0..FIRST, 4) {
            Outcome::Missed => trial.held(FIRST..usize::MAX, 4),
            outcome => outcome,
        };
        tell(trial.mutant, outcome)
    });
    again.into_iter().try_for_each(|(_, told)| told)
}

/// A mutant, and the tests that come by it: those before others that come by few places, and are about one of them, and that are quick.
struct Trial<'a> {
    number: u32,
    mutant: &'a Mutant,
    tests: Vec<&'a Test>,
}

impl<'a> Trial<'a> {
    fn new(tests: &'a [Test], number: u32, mutant: &'a Mutant) -> Self {
        let mut tests: Vec<&Test> = tests.iter().filter(|test| test.reaches.contains(&number)).collect();
        tests.sort_by_key(|test| test.takes.as_millis() * test.reaches.len() as u128);
        Self { number, mutant, tests }
    }

    /// What some of the tests say, which have so many times the usual patience.
    fn held(&self, which: Range<usize>, patience: u32) -> Outcome {
        let all = self.tests.len();
        let mut programs: BTreeMap<(&Path, &Path), Vec<&Test>> = BTreeMap::new();
        for test in self.tests.get(which.start.min(all)..which.end.min(all)).unwrap_or_default() {
            programs.entry((&test.program, &test.folder)).or_default().push(test);
        }
        for ((program, folder), tests) in programs {
            match asked(program, folder, &tests, self.number, patience) {
                Ended::Passed => {}
                Ended::Failed => return Outcome::Caught,
                // Most likely it never will, and neither will the next.
                Ended::TooLate => {
                    println!("does not end: {}", self.mutant.name);
                    return Outcome::Timeout;
                }
            }
        }
        Outcome::Missed
    }
}

fn asked(program: &Path, folder: &Path, tests: &[&Test], mutant: u32, patience: u32) -> Ended {
    let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    // Generous: the machine may have other things to do, and a mutant may be slow without being wrong.
    let usual: Duration = tests.iter().map(|test| test.takes).sum();
    let limit = ((usual * 10).min(usual + LONGEST_WAIT) + Duration::from_secs(10)) * patience;
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
