//! [`Table`]: what both said, counted and grouped by cause.

use crate::case::{Answer, Case};
use crate::difference::{STRICTER, explain};
use std::collections::BTreeMap;
use veriseal_testkit::mutation::OPERATORS;

/// How many mutations of one operator ended how.
#[derive(Clone, Default)]
struct Row {
    both_accept: usize,
    both_reject: usize,
    only_theirs: usize,
    explained: usize,
    unexplained: usize,
    /// Why the operator fails.
    failures: Vec<String>,
}

/// At most so many failures of an operator are told.
const TOLD: usize = 20;

pub struct Table {
    rows: Vec<Row>,
    /// veriseal's code, where it alone rejects: how often in bundles and in mutations, and the first with sigstore-verify's words.
    only_theirs: BTreeMap<String, Count>,
    /// The cause, where it alone accepts.
    explained: BTreeMap<&'static str, Count>,
    panicked: usize,
}

#[derive(Default)]
struct Count {
    bundles: usize,
    mutations: usize,
}

impl Default for Table {
    fn default() -> Self {
        let rows = vec![Row::default(); OPERATORS.len()];
        Self { rows, only_theirs: BTreeMap::new(), explained: BTreeMap::new(), panicked: 0 }
    }
}

impl Table {
    /// Counts an unchanged bundle and answers why it fails.
    pub fn bundle(&mut self, case: &Case, ours: &Answer, theirs: &Answer) -> Option<String> {
        let said = || Some(format!("veriseal: {ours:?}; sigstore-verify: {theirs:?}"));
        if ours.accepted() != case.good || *ours == Answer::Panicked {
            return said();
        }
        match (ours, theirs.accepted()) {
            (Answer::Accepted, false) => match explain(case, &case.bundle, theirs) {
                Some(cause) => self.explained.entry(cause).or_default().bundles += 1,
                None => return said(),
            },
            (Answer::Rejected(code), true) => self.only_theirs.entry(code.clone()).or_default().bundles += 1,
            _ => {}
        }
        None
    }

    /// Counts a mutation, which is the text `bundle`.
    pub fn mutation(&mut self, number: u64, case: &Case, operator: usize, bundle: &[u8], [ours, theirs]: [&Answer; 2]) {
        let row = &mut self.rows[operator];
        let told = || format!("--only {number}: {}: veriseal: {ours:?}; sigstore-verify: {theirs:?}", case.name);
        if *theirs == Answer::Panicked {
            self.panicked += 1;
        }
        match (ours, theirs.accepted()) {
            (Answer::Accepted, true) => row.both_accept += 1,
            (Answer::Accepted, false) => match explain(case, bundle, theirs) {
                Some(cause) => {
                    row.explained += 1;
                    self.explained.entry(cause).or_default().mutations += 1;
                }
                None => {
                    row.unexplained += 1;
                    row.failures.push(told());
                }
            },
            (Answer::Rejected(code), true) => {
                row.only_theirs += 1;
                self.only_theirs.entry(code.clone()).or_default().mutations += 1;
            }
            (_, false) => row.both_reject += 1,
            (Answer::Panicked, true) => row.only_theirs += 1,
        }
        if *ours == Answer::Panicked {
            row.failures.push(format!("veriseal panicked: {}", told()));
        }
        if OPERATORS[operator].harmless && ours.accepted() != case.good {
            row.failures.push(format!("the meaning did not change, the answer did: {}", told()));
        }
    }

    pub fn mutations(&self) -> usize {
        let sum = |row: &Row| row.both_accept + row.both_reject + row.only_theirs + row.explained + row.unexplained;
        self.rows.iter().map(sum).sum()
    }

    pub fn accepted_by_both(&self) -> usize {
        self.rows.iter().map(|row| row.both_accept).sum()
    }

    /// Each operator with the reasons why it fails, the first of them.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        OPERATORS.iter().zip(&self.rows).map(|(operator, row)| (operator.name, &row.failures[..row.failures.len().min(TOLD)]))
    }

    /// Codes with which veriseal alone rejects and for which no reason is written down.
    pub fn without_reason(&self) -> Vec<&str> {
        self.only_theirs.keys().map(String::as_str).filter(|code| reason(code).is_none()).collect()
    }

    pub fn print(&self) {
        println!(
            "\n{:<46} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "mutations: accepted by", "both", "neither", "theirs", "ours", "ours (!)"
        );
        for (operator, row) in OPERATORS.iter().zip(&self.rows) {
            let Row { both_accept, both_reject, only_theirs, explained, unexplained, .. } = row;
            println!("{:<46} {both_accept:>8} {both_reject:>8} {only_theirs:>8} {explained:>8} {unexplained:>8}", operator.name);
        }
        println!("theirs: only sigstore-verify; ours: only veriseal, for a known cause; (!): for no known cause");
        println!("\n{:>8} {:>10}  veriseal alone accepts, because", "bundles", "mutations");
        for (cause, count) in &self.explained {
            println!("{:>8} {:>10}  {cause}", count.bundles, count.mutations);
        }
        println!("\n{:>8} {:>10}  sigstore-verify alone accepts; veriseal says", "bundles", "mutations");
        let mut codes: Vec<_> = self.only_theirs.iter().collect();
        codes.sort_by_key(|(_, count)| std::cmp::Reverse(count.mutations));
        for (code, count) in codes {
            println!(
                "{:>8} {:>10}  {code}: {}",
                count.bundles,
                count.mutations,
                reason(code).unwrap_or("no reason is written down")
            );
        }
        if self.panicked > 0 {
            println!("sigstore-verify panicked {} times: counted as rejections", self.panicked);
        }
        println!();
    }
}

fn reason(code: &str) -> Option<&'static str> {
    STRICTER.iter().find(|(known, _)| *known == code).map(|(_, reason)| *reason)
}
