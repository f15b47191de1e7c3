//! `cargo xtask deny`: what deny.toml asks of all dependencies, by cargo-deny: licences, sources, no crate twice; and that none has
//! a known vulnerability, where the database of advisories is there or can be fetched.

use crate::stage::{Run, minutes};
use crate::{cargo, output};
use std::process::{Command, ExitCode};

/// What needs nothing from outside.
const OFFLINE: [&str; 3] = ["licenses", "bans", "sources"];

/// What cargo-deny says when it was the database that was missing, and not a vulnerability that was found.
const NO_DATABASE: &str = "failed to fetch advisory database";

/// As a command; `total: …` is its last line.
pub(crate) fn run() -> Result<ExitCode, String> {
    let version = version().ok_or("no cargo-deny: `cargo install cargo-deny --locked`")?;
    output(deny().args(OFFLINE))?;
    let advisories = deny().arg("advisories").output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&advisories.stderr);
    match (advisories.status.success(), said.contains(NO_DATABASE)) {
        (true, _) => println!("total: licences, bans, sources and advisories hold ({version})"),
        (false, true) => println!("total: licences, bans and sources hold ({version}); there is no database of advisories here"),
        (false, false) => return Err(said.trim().to_owned()),
    }
    Ok(ExitCode::SUCCESS)
}

/// As a stage, where cargo-deny is installed.
pub(crate) fn stage(run: &mut Run) {
    match version() {
        Some(version) => drop(run.stage(&format!("licences, bans, sources ({version})"), minutes(2), deny().args(OFFLINE))),
        None => run.skip("licences, bans, sources", "there is no cargo-deny"),
    }
}

fn version() -> Option<String> {
    output(&mut cargo(&["deny", "--version"])).ok().map(|said| said.trim().to_owned())
}

fn deny() -> Command {
    cargo(&["deny", "--all-features", "--log-level", "warn", "check", "--hide-inclusion-graph"])
}
