//! `plain`: the targets without an engine, on any toolchain: seeds, and simple mutations of them from a number.
//!
//! ```text
//! plain [--executions N] [--seed N] [--first N] [--seconds N] [TARGET…]   runs them; prints a line for each
//! plain --list                                                          the names of all
//! plain --write-seeds FOLDER                                            writes the seeds as FOLDER/TARGET/NN
//! ```
//!
//! What panics is shown with target, seed and number, by which it can be run again; so is what hangs, and what takes more memory
//! than anything here may. Beside the seeds it starts from what lies in fuzz/corpus.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use veriseal_fuzz::{TARGETS, seeds};

/// What takes longer hangs. Far above what any input takes, since others may use the machine.
const HANG: Duration = Duration::from_secs(20);

/// The most memory that all targets together may ever have held, in KiB.
const MOST_MEMORY: u64 = 512 * 1024;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let (mut executions, mut seed, mut first, mut seconds, mut names) = (1000_u64, 1_u64, 0_u64, u64::MAX, Vec::new());
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).ok_or("a number is missing");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--executions" => executions = number(arguments.next())?,
            "--seed" => seed = number(arguments.next())?,
            "--first" => first = number(arguments.next())?,
            "--seconds" => seconds = number(arguments.next())?,
            "--write-seeds" => return write_seeds(Path::new(&arguments.next().ok_or("a folder is missing")?)),
            "--list" => {
                TARGETS.iter().for_each(|(name, _)| println!("{name}"));
                return Ok(());
            }
            name if TARGETS.iter().any(|(known, _)| *known == name) => names.push(name.to_owned()),
            other => return Err(format!("no target and no option is called {other}")),
        }
    }
    for (name, target) in TARGETS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        let mut seeds = seeds(name);
        seeds.extend(corpus(name));
        seeds.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        seeds.dedup();
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        let mut done = 0;
        while done < executions && begun.elapsed().as_secs() < seconds {
            let number = first + done;
            let input = mutated(&seeds, seed, number);
            let at = Instant::now();
            let outcome = std::panic::catch_unwind(|| target(&input));
            slowest = slowest.max(at.elapsed());
            let again = || format!("plain --seed {seed} --first {number} --executions 1 {name}");
            if outcome.is_err() {
                return Err(format!("{name} failed: {}", again()));
            }
            if at.elapsed() > HANG {
                return Err(format!("{name} took {:.1} s: {}", at.elapsed().as_secs_f64(), again()));
            }
            done += 1;
        }
        let memory = peak_memory();
        if memory > MOST_MEMORY {
            return Err(format!("{name}: {memory} KiB of memory, between {first} and {}", first + done));
        }
        println!(
            "{name}: {done} executions from {} seeds, {:.1} s, slowest {:.0} ms, peak {} MiB, no failure",
            seeds.len(),
            begun.elapsed().as_secs_f64(),
            slowest.as_secs_f64() * 1000.0,
            memory / 1024,
        );
    }
    Ok(())
}

/// What lies in fuzz/corpus for a target: inputs that reached something new once.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    // The order of a folder is nobody's, and numbers name inputs.
    files.sort();
    files.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// The most memory that this process has held, in KiB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn write_seeds(folder: &Path) -> Result<(), String> {
    for (name, _) in TARGETS {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut seeds = seeds(name);
        seeds.sort_by_key(Vec::len);
        seeds.dedup();
        for (number, seed) in seeds.iter().enumerate() {
            let path = folder.join(format!("{number:02}"));
            std::fs::write(&path, seed).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// The input of this number: a seed, with up to eight changes.
fn mutated(seeds: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd129_0b26_8a3c_51f7));
    let mut bytes = random.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..random.below(9) {
        let at = random.below(bytes.len() + 1);
        let end = bytes.len().min(at + random.below(16));
        match random.below(7) {
            0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = random.byte()),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                // A piece of another seed.
                let other = random.pick(seeds).cloned().unwrap_or_default();
                let from = random.below(other.len() + 1);
                let to = other.len().min(from + random.below(64));
                bytes.splice(at..end, other.get(from..to).unwrap_or_default().iter().copied());
            }
            _ => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].bytes())),
        }
    }
    bytes
}

/// Words that readers stumble over.
const TOKENS: [&str; 14] = [
    "null",
    "[]",
    "{}",
    "\"\"",
    "0",
    "-1",
    "18446744073709551616",
    "1e400",
    "\\u0000",
    "\u{feff}",
    "==",
    "sha256:",
    "\r\n",
    "\0",
];

/// SplitMix64: enough to choose with, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}
