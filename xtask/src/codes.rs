//! `cargo xtask codes`: docs/codes.md from the table of codes.
//!
//! The text is made by a test of the core (`crates/core/tests/codes.rs`): the core is compiled for its tests anyway, and
//! linking it here would compile it before every run of every command.

use crate::cargo;
use std::process::{Command, ExitCode};

pub(crate) fn write() -> Result<ExitCode, String> {
    run(command().env("VERISEAL_WRITE_DOCS", "1"))
}

pub(crate) fn check() -> Result<ExitCode, String> {
    run(&mut command())
}

fn command() -> Command {
    cargo(&["test", "--quiet", "--package", "veriseal", "--test", "codes"])
}

fn run(command: &mut Command) -> Result<ExitCode, String> {
    let status = command.status().map_err(|error| error.to_string())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
