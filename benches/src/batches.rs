//! Batches: what many threads share, by one thread and by several.
//!
//! What a second thread gains shows only while two processors are free, so that beside each figure stands what others took of
//! them during the very batch; and calls a second of processor time, which a host that takes processors away does not change (but
//! threads that wait for each other do not change it either). What two threads gain where nothing is shared, by primitives alone,
//! is measured in turn with them: of a machine whose processors share something nobody gets more.

use crate::contest::round;
use crate::floor::{Floor, Means};
use crate::machine::{Taken, Watch};
use crate::material::{Key, Set};
use crate::native::{Memory, Ours};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use veriseal::crypto::Backend;
use veriseal_testkit::KeyKind;

/// What one thread should take for a batch, in seconds: long enough that the system's hundredths say something.
const LONG: f64 = 0.4;
/// What one call of the SHA-256 that stands beside the others takes in.
const HASHED: usize = 10 << 10;

/// One thing to do, by one thread and by more.
pub struct Row {
    pub name: &'static str,
    /// Whether nothing of veriseal's is in it: what the machine gives to two threads.
    pub control: bool,
    /// By rising number of threads, the first by one.
    pub batches: Vec<Batch>,
}

/// The fastest of several batches.
#[derive(Clone, Copy)]
pub struct Batch {
    pub threads: usize,
    pub calls_a_second: f64,
    pub taken: Option<Taken>,
    /// Of all batches together, not of the fastest.
    pub calls_a_processor_second: Option<f64>,
}

/// A thing that batches are made of.
pub struct Work<'w> {
    pub name: &'static str,
    pub control: bool,
    /// Does so many calls with so many threads.
    pub run: Box<dyn Fn(usize, usize) + 'w>,
}

/// Calls of one verifier, as `verify_many` shares it, and beside them primitives that share nothing.
pub fn run(set: &Set, rounds: usize) -> Vec<Row> {
    let ways = [
        ("prepared keys", Memory::Nothing),
        ("the same, signatures seen before", Memory::Signatures),
        ("the same, verdicts given before", Memory::Verdicts),
    ];
    let samples = set.samples.len();
    let work = |(name, memory)| {
        let ours = Ours::with_memory(set, true, memory);
        Work::new(name, false, move |number| assert!(ours.run(number % samples), "the sample is accepted"))
    };
    let mut works: Vec<Work<'_>> = ways.into_iter().map(work).collect();
    works.extend(controls(set));
    measure(&works, samples, &[1, 2], rounds)
}

/// The primitives that one verification consists of, and two of them alone.
fn controls(set: &Set) -> Vec<Work<'_>> {
    let samples = set.samples.len();
    let floor = Floor::new(set, Means::Tables(Backend::AwsLcRs));
    let checks = set.samples.iter().flat_map(|sample| &sample.checks);
    let fresh = checks.filter_map(|check| match &check.key {
        Err(key @ Key { kind: KeyKind::P256, .. }) => {
            Some((ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.bytes).expect("a testkit key"), check))
        }
        _ => None,
    });
    let fresh: Vec<_> = fresh.collect();
    let hashed: Vec<u8> = (0..HASHED).map(|index| (index % 251) as u8).collect();
    vec![
        Work::new("primitives alone, prepared keys", true, move |number| {
            assert!(floor.run(number % samples), "the signatures hold");
        }),
        Work::new("P-256 by AWS-LC alone", true, move |number| {
            let (key, check) = &fresh[number % fresh.len()];
            assert!(key.verify_sig(&check.message, &check.signature).is_ok(), "the signature holds");
        }),
        Work::new("SHA-256 of 10 KiB alone", true, move |_| {
            black_box(veriseal::digest::sha256(black_box(&hashed)));
        }),
    ]
}

/// Batches of each work by so many threads in turn, `rounds` times; a batch is at least `least` calls.
pub fn measure(works: &[Work<'_>], least: usize, threads: &[usize], rounds: usize) -> Vec<Row> {
    let calls = |work: &Work<'_>| {
        (work.run)(least, 1);
        // Everything is seen and every table built: how many calls are long enough?
        let begun = Instant::now();
        (work.run)(least, 1);
        (least as f64 * LONG / begun.elapsed().as_secs_f64()).clamp(least as f64, 1e6) as usize
    };
    let calls: Vec<usize> = works.iter().map(calls).collect();
    let fresh = Batch { threads: 0, calls_a_second: 0.0, taken: None, calls_a_processor_second: None };
    let mut rows: Vec<Row> = works
        .iter()
        .map(|work| {
            let batches = threads.iter().map(|threads| Batch { threads: *threads, ..fresh }).collect();
            Row { name: work.name, control: work.control, batches }
        })
        .collect();
    let mut own = vec![vec![0.0; threads.len()]; works.len()];
    for round in 0..rounds {
        // All in turn, so that what disturbs the machine for long disturbs all.
        for step in 0..works.len() * threads.len() {
            let index = (round + step) % (works.len() * threads.len());
            let (row, column) = (index / threads.len(), index % threads.len());
            let (watch, begun) = (Watch::begin(), Instant::now());
            (works[row].run)(calls[row], threads[column]);
            let (seconds, taken) = (begun.elapsed().as_secs_f64(), watch.end());
            own[row][column] += taken.map_or(f64::NAN, |taken| taken.own_seconds);
            let batch = &mut rows[row].batches[column];
            let rate = calls[row] as f64 / seconds;
            if rate > batch.calls_a_second {
                (batch.calls_a_second, batch.taken) = (rate, taken);
            }
        }
    }
    for ((row, own), calls) in rows.iter_mut().zip(own).zip(calls) {
        for (batch, own) in row.batches.iter_mut().zip(own) {
            batch.calls_a_processor_second = Some((calls * rounds) as f64 / own).filter(|rate| rate.is_finite());
        }
    }
    rows
}

impl<'w> Work<'w> {
    /// Calls that threads take from one counter.
    fn new(name: &'static str, control: bool, call: impl Fn(usize) + Sync + 'w) -> Self {
        let run = move |calls: usize, threads: usize| {
            let next = AtomicUsize::new(0);
            let worker = || {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < calls) {
                    call(number);
                }
            };
            std::thread::scope(|scope| {
                (1..threads).for_each(|_| drop(scope.spawn(worker)));
                worker();
            });
        };
        Self { name, control, run: Box::new(run) }
    }
}

impl Row {
    /// What two threads do, to what one does.
    pub fn two_to_one(&self) -> f64 {
        let rate = |threads: usize| self.batches.iter().find(|batch| batch.threads == threads).map(|batch| batch.calls_a_second);
        rate(2).zip(rate(1)).map_or(f64::NAN, |(two, one)| two / one)
    }

    /// What others took of the processors while two threads were at their fastest.
    pub fn others(&self) -> String {
        let taken = self.batches.iter().find(|batch| batch.threads == 2).and_then(|batch| batch.taken);
        taken.map_or_else(String::new, |taken| format!(" ({:.0} % taken by others)", taken.host + taken.others))
    }

    pub fn print_head() {
        println!("  {:<42}{:>8}{:>12}{:>12}{:>7}{:>8}", "", "threads", "a second", "a proc. s", "host", "others");
    }

    pub fn print(&self) {
        for (place, batch) in self.batches.iter().enumerate() {
            let name = if place == 0 { self.name } else { "" };
            let processor = batch.calls_a_processor_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
            let share = |of: fn(&Taken) -> f64| {
                batch.taken.as_ref().map_or_else(|| "-".to_owned(), |taken| format!("{:.0} %", of(taken)))
            };
            let (host, others) = (share(|taken| taken.host), share(|taken| taken.others));
            let (threads, rate) = (batch.threads, batch.calls_a_second);
            println!("  {name:<42}{threads:>8}{rate:>12.0}{processor:>12}{host:>7}{others:>8}");
        }
        println!("  {:<42}{:>8}{:>12.2}", "", "two/one", self.two_to_one());
    }

    pub fn to_json(&self) -> Value {
        let batch = |batch: &Batch| {
            json!({
                "threads": batch.threads,
                "callsPerSecond": batch.calls_a_second.round(),
                "callsPerProcessorSecond": batch.calls_a_processor_second.map(f64::round),
                "meanwhile": batch.taken.as_ref().map(Taken::to_json),
            })
        };
        json!({
            "what": self.name, "control": self.control, "byThreads": self.batches.iter().map(batch).collect::<Vec<_>>(),
            "twoToOne": round(self.two_to_one()),
        })
    }
}
