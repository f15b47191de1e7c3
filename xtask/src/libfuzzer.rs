//! The fuzz targets under libFuzzer, which looks at what an input reaches and goes on from there: `cargo xtask fuzz --libfuzzer
//! --minutes N`, with AddressSanitizer. By cargo-fuzz and any toolchain that is told to act as a nightly one.
//!
//! What reached something new is kept below the target folder, where the next run begins; `cargo xtask fuzz --keep` takes into
//! fuzz/corpus what adds to it.

use crate::prove::{Ledger, commit};
use crate::{cargo, dist, output, root, target};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The most memory of a target, in MiB.
const MEMORY: &str = "-rss_limit_mb=512";

/// What takes longer hangs, in seconds.
const HANG: &str = "-timeout=20";

/// The longest input: some readers take a MiB, but what they do with the hundredth element they do with the third.
const LONGEST: &str = "-max_len=16384";

/// The most bytes that fuzz/corpus takes in for a target.
const KEPT: u64 = 24 * 1024;

/// Each target for its share of the time; `total: …` is the last line.
pub(crate) fn run(minutes: u64) -> Result<ExitCode, String> {
    let names = built()?;
    let share = (60 * minutes).checked_div(u64::try_from(names.len()).unwrap_or(1)).unwrap_or(0).max(1);
    let (mut now, mut failed) = (0, Vec::new());
    for name in &names {
        let found = found(name)?;
        let artifacts = root().join("fuzz/artifacts").join(name);
        fs::create_dir_all(&artifacts).map_err(|error| error.to_string())?;
        let mut run = engine(name)?;
        run.arg(&found).arg(corpus(name)).args([MEMORY, HANG, LONGEST, "-print_final_stats=1", "-verbosity=1"]);
        run.arg(format!("-max_total_time={share}")).arg(format!("-artifact_prefix={}/", artifacts.display()));
        let ran = run.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&ran.stderr);
        let Some(figures) = Figures::read(&said).filter(|_| ran.status.success()) else {
            println!(
                "{name} FAILED: {}",
                said.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
            );
            failed.push(name.clone());
            continue;
        };
        let Figures { executions, reached, memory } = figures;
        println!("{name}: {executions} executions, {reached} places reached, peak {memory} MiB");
        now += executions;
        let mut ledger = Ledger::read()?;
        let all = ledger.nested("libfuzzer", name, "executions") + executions;
        ledger.set_nested("libfuzzer", name, &json!({ "commit": commit(), "executions": all, "reached": reached }))?;
    }
    let ledger = Ledger::read()?;
    let all: u64 = names.iter().map(|name| ledger.nested("libfuzzer", name, "executions")).sum();
    let failures = if failed.is_empty() { "no failure".to_owned() } else { format!("FAILED: {}", failed.join(", ")) };
    println!("total: {} targets under libFuzzer, {now} executions now, {all} in all; {failures}", names.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes into fuzz/corpus what earlier runs found and what adds to what is there, the smallest of it first.
pub(crate) fn keep() -> Result<ExitCode, String> {
    let mut taken = 0;
    for name in &built()? {
        let folder = corpus(name);
        let before = files(&folder)?;
        output(engine(name)?.args(["-merge=1", "-set_cover_merge=1", LONGEST]).arg(&folder).arg(found(name)?))?;
        let mut new: Vec<_> = files(&folder)?.into_iter().filter(|(_, path)| before.iter().all(|(_, old)| old != path)).collect();
        new.sort();
        let mut bytes = 0;
        for (length, path) in new {
            bytes += length;
            if bytes > KEPT {
                fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            } else {
                taken += 1;
            }
        }
    }
    println!("{taken} inputs were taken into fuzz/corpus");
    Ok(ExitCode::SUCCESS)
}

/// Builds every target and names them.
fn built() -> Result<Vec<String>, String> {
    output(&mut cargo(&["fuzz", "--version"])).map_err(|_| "no cargo-fuzz: `cargo install cargo-fuzz --locked`")?;
    let mut build = cargo(&["fuzz", "build", "--features", "libfuzzer", "--target-dir"]);
    output(build.arg(folder()?).env("RUSTC_BOOTSTRAP", "1"))?;
    let names = output(&mut cargo(&["fuzz", "list"]))?;
    Ok(names.lines().filter(|name| *name != "plain").map(str::to_owned).collect())
}

fn folder() -> Result<PathBuf, String> {
    Ok(target()?.join("libfuzzer"))
}

/// The program of a target.
fn engine(name: &str) -> Result<Command, String> {
    let mut command = Command::new(folder()?.join(dist::host()?).join("release").join(name));
    // What was freed is held back so that a use of it is seen; by default as much as a target may have at all.
    command.current_dir(root()).env("ASAN_OPTIONS", "quarantine_size_mb=32");
    Ok(command)
}

fn corpus(name: &str) -> PathBuf {
    root().join("fuzz/corpus").join(name)
}

/// Where inputs are kept that reached something new.
fn found(name: &str) -> Result<PathBuf, String> {
    let folder = target()?.join("fuzz-corpus").join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// The files of a folder, with their length.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(entries.flatten().filter_map(|entry| Some((entry.metadata().ok()?.len(), entry.path()))).collect())
}

/// What libFuzzer tells of a run.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    executions: u64,
    /// Edges of the code.
    reached: u64,
    /// In MiB.
    memory: u64,
}

impl Figures {
    fn read(said: &str) -> Option<Self> {
        let stat = |name: &str| {
            let line = said.lines().rev().find_map(|line| line.strip_prefix(&format!("stat::{name}:")))?;
            line.trim().parse().ok()
        };
        let reached = said.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next()?.parse().ok())?;
        Some(Self { executions: stat("number_of_executed_units")?, reached, memory: stat("peak_rss_mb")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_figures_are_those_of_the_run() {
        let said = "#2\tINITED cov: 40 ft: 41 corp: 1/6b exec/s: 0 rss: 30Mb\n#95\tDONE   cov: 52 ft: 90 corp: 9/60b lim: 4\n\
                    stat::number_of_executed_units: 95\nstat::average_exec_per_sec:     95\nstat::peak_rss_mb:              41\n";
        assert_eq!(Figures::read(said), Some(Figures { executions: 95, reached: 52, memory: 41 }));
        assert_eq!(Figures::read("#2\tINITED cov: 40 ft: 41"), None, "a run that did not end");
    }
}
