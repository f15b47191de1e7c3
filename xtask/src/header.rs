//! `cargo xtask header`: include/veriseal.h from the exports of crates/ffi.
//!
//! A test of that crate makes the text (`crates/ffi/tests/header.rs`), so that a header that differs fails wherever the tests
//! run, and cbindgen, pinned by the lock file, is not compiled before every command of xtask.

use crate::cargo;
use std::process::{Command, ExitCode};

pub(crate) fn write() -> Result<ExitCode, String> {
    run(command().env("VERISEAL_WRITE_DOCS", "1"))
}

pub(crate) fn check() -> Result<ExitCode, String> {
    run(&mut command())
}

fn command() -> Command {
    cargo(&["test", "--quiet", "--package", "veriseal-ffi", "--test", "header", "the_committed_header_is_the_generated_one"])
}

fn run(command: &mut Command) -> Result<ExitCode, String> {
    let status = command.status().map_err(|error| error.to_string())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
