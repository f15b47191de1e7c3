//! Mutants from a seed: how many were tried, and what became of them.

use crate::base::{Base, Outcome};
use crate::equivalent;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use veriseal_testkit::mutation::{DEEP_OPERATORS, OPERATORS, Operator, Random, Tree};

/// How many mutants are shown that should not have been accepted.
const SHOWN: usize = 20;

/// What a run found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) tried: u64,
    pub(crate) refused: u64,
    /// Accepted, and proven to mean the same: how many, by reason.
    pub(crate) equivalent: BTreeMap<&'static str, u64>,
    pub(crate) accepted: Vec<String>,
    pub(crate) panicked: Vec<String>,
    /// Mutants and those refused, by operator.
    operators: BTreeMap<&'static str, (u64, u64)>,
    codes: BTreeMap<&'static str, u64>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.refused += other.refused;
        other.equivalent.into_iter().for_each(|(reason, count)| *self.equivalent.entry(reason).or_default() += count);
        self.accepted.extend(other.accepted);
        self.panicked.extend(other.panicked);
        for (operator, (tried, refused)) in other.operators {
            let sums = self.operators.entry(operator).or_default();
            *sums = (sums.0 + tried, sums.1 + refused);
        }
        other.codes.into_iter().for_each(|(code, count)| *self.codes.entry(code).or_default() += count);
    }

    /// Whether nothing was accepted and nothing panicked, of nine in ten at least of those asked for: an operator may find
    /// nothing to change, but a run that tries next to nothing shows nothing.
    pub(crate) fn is_good(&self, asked: u64) -> bool {
        self.accepted.is_empty() && self.panicked.is_empty() && self.tried > 0 && self.tried >= asked / 10 * 9
    }

    pub(crate) fn print(&self) {
        println!("{:42} {:>9} {:>9} {:>10}", "operator", "mutants", "refused", "equivalent");
        for (operator, (tried, refused)) in &self.operators {
            println!("{operator:42} {tried:>9} {refused:>9} {:>10}", tried - refused);
        }
        println!("\nequivalent, and why");
        for (reason, count) in &self.equivalent {
            println!("{count:>9}  {reason}");
        }
        println!("\nrefused with {} codes", self.codes.len());
        let mut codes: Vec<_> = self.codes.iter().collect();
        codes.sort_by(|one, other| other.1.cmp(one.1));
        for (code, count) in codes.iter().take(12) {
            println!("{count:>9}  {code}");
        }
        for (what, list) in [("ACCEPTED", &self.accepted), ("PANICKED", &self.panicked)] {
            list.iter().take(SHOWN).for_each(|line| println!("{what} {line}"));
        }
    }
}

/// Makes and judges `count` mutants on that many threads. What comes of each depends on seed and number alone.
pub(crate) fn run(bases: &[Base], seed: u64, first: u64, count: u64, threads: usize) -> (Found, f64) {
    let trees: Vec<Tree> = bases.iter().map(|base| base.tree.clone()).collect();
    let next = AtomicU64::new(first);
    let begun = Instant::now();
    let work = || {
        let mut found = Found::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= first.saturating_add(count) {
                return found;
            }
            one(bases, &trees, seed, number, &mut found);
        }
    };
    let mut found = Found::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => found.add(part),
                Err(_) => found.panicked.push("a worker".to_owned()),
            }
        }
    });
    found.accepted.sort();
    (found, begun.elapsed().as_secs_f64())
}

fn operator_at(at: usize) -> &'static Operator {
    OPERATORS.get(at).unwrap_or_else(|| &DEEP_OPERATORS[at - OPERATORS.len()])
}

/// Each base meets each operator in turn. Where an operator finds nothing to change the next one is asked.
fn mutant(bases: &[Base], trees: &[Tree], seed: u64, number: u64) -> Option<(usize, usize, String)> {
    let at = usize::try_from(number).ok()?;
    let base = at.checked_rem(bases.len())?;
    let mut random = Random::new(seed, "mutation", number);
    let first = at / bases.len();
    let count = OPERATORS.len() + DEEP_OPERATORS.len();
    for step in 0..count {
        let operator = (first + step) % count;
        for _ in 0..4 {
            if let Some(text) = (operator_at(operator).apply)(&trees[base], trees, &mut random) {
                return Some((base, operator, text));
            }
        }
    }
    None
}

fn one(bases: &[Base], trees: &[Tree], seed: u64, number: u64, found: &mut Found) {
    let Some((base, operator, text)) = mutant(bases, trees, seed, number) else { return };
    let (base, operator) = (&bases[base], operator_at(operator));
    let outcome = base.judge(text.as_bytes());
    if matches!(outcome, Outcome::Nothing) {
        return;
    }
    found.tried += 1;
    let counts = found.operators.entry(operator.name).or_default();
    counts.0 += 1;
    match outcome {
        Outcome::Nothing => {}
        Outcome::Refused(code) => {
            found.refused += 1;
            counts.1 += 1;
            *found.codes.entry(code.name()).or_default() += 1;
        }
        Outcome::Panicked => found.panicked.push(format!("{number} {} {}", base.name, operator.name)),
        Outcome::Accepted(facts) => match equivalent::judge(bases, base, &facts, text.as_bytes()) {
            Ok(reason) => *found.equivalent.entry(reason).or_default() += 1,
            Err(why) => found.accepted.push(format!("{number} {} {}: {why}", base.name, operator.name)),
        },
    }
}

/// One mutant and what becomes of it, to look into.
pub(crate) fn only(bases: &[Base], seed: u64, number: u64) -> Result<String, String> {
    let trees: Vec<Tree> = bases.iter().map(|base| base.tree.clone()).collect();
    let (base, operator, text) = mutant(bases, &trees, seed, number).ok_or("there is no such mutant")?;
    let outcome = match bases[base].judge(text.as_bytes()) {
        Outcome::Accepted(facts) => format!("ACCEPTED for {facts:?}"),
        Outcome::Refused(code) => format!("refused with {}", code.name()),
        Outcome::Panicked => "PANICKED".to_owned(),
        Outcome::Nothing => "not asked".to_owned(),
    };
    Ok(format!("{text}\n{} {}\n{outcome}", bases[base].name, operator_at(operator).name))
}
