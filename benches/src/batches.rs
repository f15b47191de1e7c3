//! Batches: one verifier that threads share, as `verify_many` shares it, by one thread and by two.
//!
//! What a second thread gains shows only while two processors are free, so that beside each figure stands what others took of
//! them during the very batch; and calls a second of processor time, which a host that takes processors away does not change (but
//! threads that wait for each other do not change it either).

use crate::contest::round;
use crate::machine::{Taken, Watch};
use crate::material::Set;
use crate::native::{Memory, Ours};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What one thread should take for a batch, in seconds: long enough that the system's hundredths say something.
const LONG: f64 = 0.4;

/// One way to verify, by one thread and by two.
pub struct Row {
    pub name: &'static str,
    pub one: Batch,
    pub two: Batch,
}

/// The fastest of several batches.
#[derive(Clone, Copy)]
pub struct Batch {
    pub calls_a_second: f64,
    pub taken: Option<Taken>,
    /// Of all batches together, not of the fastest.
    pub calls_a_processor_second: Option<f64>,
}

/// Batches of the set's signatures, each way `rounds` times, one thread and two in turn.
pub fn run(set: &Set, rounds: usize) -> Vec<Row> {
    let ways = [
        ("prepared keys", Memory::Nothing),
        ("the same, signatures seen before", Memory::Signatures),
        ("the same, verdicts given before", Memory::Verdicts),
    ];
    let row = |(name, memory)| {
        let ours = Ours::with_memory(set, true, memory);
        let samples = set.samples.len();
        batch(&ours, samples, samples, 1);
        // Everything is seen and every table built: how many calls are long enough?
        let begun = Instant::now();
        batch(&ours, samples, samples, 1);
        let calls = (samples as f64 * LONG / begun.elapsed().as_secs_f64()).clamp(samples as f64, 1e6) as usize;
        let mut best = [f64::INFINITY; 2];
        let mut during = [None; 2];
        let mut own = [0.0; 2];
        for round in 0..rounds {
            for step in 0..2 {
                let index = (round + step) % 2;
                let (watch, begun) = (Watch::begin(), Instant::now());
                batch(&ours, samples, calls, index + 1);
                let (seconds, taken) = (begun.elapsed().as_secs_f64(), watch.end());
                own[index] += taken.map_or(f64::NAN, |taken| taken.own_seconds);
                if seconds < best[index] {
                    (best[index], during[index]) = (seconds, taken);
                }
            }
        }
        let [one, two] = [0, 1].map(|index| Batch {
            calls_a_second: calls as f64 / best[index],
            taken: during[index],
            calls_a_processor_second: Some((calls * rounds) as f64 / own[index]).filter(|rate| rate.is_finite()),
        });
        Row { name, one, two }
    };
    ways.into_iter().map(row).collect()
}

/// So many calls, taken from one counter by so many threads.
fn batch(ours: &Ours<'_>, samples: usize, calls: usize, threads: usize) {
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < calls) {
            assert!(ours.run(number % samples), "the sample is accepted");
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(worker)));
        worker();
    });
}

impl Row {
    pub fn two_to_one(&self) -> f64 {
        self.two.calls_a_second / self.one.calls_a_second
    }

    pub fn print_head() {
        println!("  {:<42}{:>8}{:>12}{:>12}{:>7}{:>8}", "", "threads", "a second", "a proc. s", "host", "others");
    }

    pub fn print(&self) {
        for (threads, batch) in [(1, &self.one), (2, &self.two)] {
            let name = if threads == 1 { self.name } else { "" };
            let processor = batch.calls_a_processor_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
            let share = |of: fn(&Taken) -> f64| {
                batch.taken.as_ref().map_or_else(|| "-".to_owned(), |taken| format!("{:.0} %", of(taken)))
            };
            let (host, others) = (share(|taken| taken.host), share(|taken| taken.others));
            println!("  {name:<42}{threads:>8}{:>12.0}{processor:>12}{host:>7}{others:>8}", batch.calls_a_second);
        }
        println!("  {:<42}{:>8}{:>12.2}", "", "two/one", self.two_to_one());
    }

    pub fn to_json(&self) -> Value {
        let batch = |batch: &Batch| {
            json!({
                "callsPerSecond": batch.calls_a_second.round(),
                "callsPerProcessorSecond": batch.calls_a_processor_second.map(f64::round),
                "meanwhile": batch.taken.as_ref().map(Taken::to_json),
            })
        };
        json!({ "what": self.name, "one": batch(&self.one), "two": batch(&self.two), "twoToOne": round(self.two_to_one()) })
    }
}
