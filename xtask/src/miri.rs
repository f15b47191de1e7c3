//! `cargo xtask miri`: the tests of crates/ffi that are written in Rust and need no other program, under miri, which sees undefined
//! behaviour that no sanitizer does.
//!
//! Needs a nightly toolchain with miri. Without the registry client and AWS-LC: miri runs no code of other languages.

use crate::{nightly, output, target};
use std::process::ExitCode;

/// Whether miri is here; the error says how to get it.
pub(crate) fn there() -> Result<(), String> {
    nightly::sources()?;
    let known = output(nightly::command("cargo").args(["miri", "--version"]));
    known.map(drop).map_err(|_| "no miri: `rustup component add miri --toolchain nightly`".to_owned())
}

/// Runs them; `total: …` is the last line.
pub(crate) fn run() -> Result<ExitCode, String> {
    there()?;
    let mut test = nightly::command("cargo");
    test.args([
        "miri",
        "test",
        "--package",
        "veriseal-ffi",
        "--no-default-features",
        "--lib",
        "--test",
        "handles",
        "--target-dir",
    ]);
    // It reads its own sources, and leaks on purpose what an export was told to write to; what is never freed, valgrind says.
    test.arg(target()?.join("miri")).env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-ignore-leaks");
    // Every export panics there on purpose, and miri takes seconds to find out where each did.
    test.env("RUST_BACKTRACE", "0");
    let said = output(&mut test)?;
    print!("{said}");
    let passed: u64 =
        said.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<u64>().ok()).sum();
    if passed == 0 {
        return Err("no test ran under miri".to_owned());
    }
    println!("total: {passed} tests of the C interface under miri, no undefined behaviour");
    Ok(ExitCode::SUCCESS)
}
