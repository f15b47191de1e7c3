//! `cargo xtask tsan`: many threads on one verifier under ThreadSanitizer, in Rust with everything that threads share switched on,
//! and through C (K-AP-03).
//!
//! Needs a nightly toolchain with the sources of the standard library, which has to be instrumented too; everything is compiled
//! anew. So it is no part of `test`, where AddressSanitizer and valgrind look at threads. A race on purpose comes first: where that
//! is not seen, nothing else is believed.

use crate::{dist, nightly, output, target};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Each program with its arguments: threads, then how much each does. One verifier for long, then new ones, since what is made at
/// the first use is made once; then through C.
const PROGRAMS: &[(&str, &[&str])] =
    &[("one_verifier", &["32", "1", "1000"]), ("one_verifier", &["32", "8", "40"]), ("threads", &["32", "60"])];

/// The program with a race.
const RACE: &str = "race";

/// Whether ThreadSanitizer told of the race on purpose, and of it alone: a standard library that is not instrumented would make others.
fn is_seen(said: &str) -> bool {
    let races: Vec<&str> = said.lines().filter(|line| line.starts_with("SUMMARY: ThreadSanitizer: data race")).collect();
    matches!(races.as_slice(), [race] if race.contains("/race.rs:"))
}

pub(crate) fn run() -> Result<ExitCode, String> {
    let folder = build()?;
    let race = said(program(&folder, RACE).env("TSAN_OPTIONS", "halt_on_error=0"))?;
    if race.0 || !is_seen(&race.1) {
        return Err(format!("the race on purpose was not seen, so that nothing can be said: {}", race.1));
    }
    for (name, arguments) in PROGRAMS {
        let (well, said) = said(program(&folder, name).args(*arguments))?;
        if !well {
            return Err(format!("{name}: {said}"));
        }
        print!("{said}");
    }
    println!(
        "total: a race on purpose was seen; 32 threads verified 1000 times each on one verifier, and on 8 new ones, in Rust, and 60 times through C: no race"
    );
    Ok(ExitCode::SUCCESS)
}

/// Builds the programs and names the folder in which they are.
fn build() -> Result<PathBuf, String> {
    nightly::sources()?;
    let (host, folder) = (dist::host()?, target()?.join("tsan"));
    let mut build = nightly::command("cargo");
    build.args(["build", "--quiet", "--release", "-Zbuild-std", "--target", &host, "--target-dir"]).arg(&folder);
    build.args(["--package", "veriseal-testkit", "--package", "veriseal-ffi", "--example", RACE]);
    build.args(["--example", "one_verifier", "--example", "threads"]);
    // What is wrong is to be found again by its line.
    build.env("RUSTFLAGS", "-Zsanitizer=thread").env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    output(&mut build)?;
    Ok(folder.join(host).join("release/examples"))
}

fn program(folder: &std::path::Path, name: &str) -> Command {
    let mut command = Command::new(folder.join(name));
    command.env("TSAN_OPTIONS", "halt_on_error=1");
    command
}

/// Whether a program ended well, and what it said.
fn said(command: &mut Command) -> Result<(bool, String), String> {
    let ran = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let text = [ran.stdout, ran.stderr].concat();
    Ok((ran.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_race_on_purpose_is_seen_where_it_is_and_alone() {
        let race = "SUMMARY: ThreadSanitizer: data race /a/examples/race.rs:25:26 in {closure#0}\n";
        let other = "SUMMARY: ThreadSanitizer: data race /a/std/src/thread/lifecycle.rs:176:40 in drop\n";
        assert!(is_seen(&format!("WARNING\n{race}two threads added to 2\n")));
        assert!(!is_seen(other));
        assert!(!is_seen(&format!("{race}{other}")));
        assert!(!is_seen("two threads added to 2\n"));
    }
}
