//! `cargo xtask test`: everything a change must pass, the quick and the telling first.

use crate::stage::Run;
use crate::{cargo, dependencies, root, wasm};
use std::process::ExitCode;
use std::time::Duration;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The budgets add up to 25 minutes: what two cores need from nothing, with room.
pub(crate) fn run() -> Result<ExitCode, String> {
    let mut run = Run::default();
    run.stage("format", minutes(1), &mut cargo(&["fmt", "--all", "--check"]));
    run.check("dependencies", || dependencies::check(&root()));
    run.stage("lints", minutes(6), &mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]));
    // With the documentation's own tests, and with the check that docs/codes.md is what the table says.
    run.stage("tests", minutes(12), &mut cargo(&["test", "--workspace", "--no-fail-fast"]));
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    run.stage("docs", minutes(3), docs.env("RUSTDOCFLAGS", "-D warnings"));
    match wasm::command() {
        Ok(mut command) => run.stage("wasm", minutes(3), &mut command),
        Err(reason) => run.skip("wasm", &reason),
    }
    Ok(run.finish())
}
