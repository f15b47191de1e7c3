//! `cargo xtask deny`: what deny.toml asks of all dependencies, by cargo-deny: licences, sources, no crate twice; and that none has
//! a known vulnerability, those of fuzzing, benchmarks and comparisons included, where the database of advisories is there or can
//! be fetched.
//!
//! `VERISEAL_ADVISORY_DB` names a local git repository of the database, for machines that reach no other.

use crate::stage::{Run, minutes};
use crate::{cargo, output, root, target};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What needs nothing from outside.
const OFFLINE: [&str; 3] = ["licenses", "bans", "sources"];

/// Every workspace: an advisory may hit a tool as well as the product.
const WORKSPACES: [&str; 5] =
    ["Cargo.toml", "fuzz/Cargo.toml", "benches/Cargo.toml", "interop/Cargo.toml", "interop/differential/Cargo.toml"];

/// What cargo-deny says when it was the database that was missing, and not a vulnerability that was found.
const NO_DATABASE: &str = "failed to fetch advisory database";

const DATABASE: &str = "VERISEAL_ADVISORY_DB";

/// What cargo-deny calls its copy of the database that it usually fetches: it takes no address of a file.
const COPY: &str = "advisory-db-3157b0e258782691";

/// As a command; `total: …` is its last line.
pub(crate) fn run() -> Result<ExitCode, String> {
    let version = version().ok_or("no cargo-deny: `cargo install cargo-deny --locked`")?;
    let config = root().join("deny.toml");
    output(deny(WORKSPACES[0], &config).args(OFFLINE))?;
    let local = std::env::var_os(DATABASE).map(PathBuf::from);
    let (config, of) = match &local {
        Some(database) => (with_database(&config, database)?, format!(", of {}", newest(database)?)),
        None => (config, String::new()),
    };
    for manifest in WORKSPACES {
        let mut advisories = deny(manifest, &config);
        if local.is_some() {
            // Or it fetches the database anew; what is not here yet of the crates comes before.
            output(&mut cargo(&["fetch", "--quiet", "--locked", "--manifest-path", manifest]))?;
            advisories = deny_offline(manifest, &config);
        }
        let advisories = advisories.arg("advisories").output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&advisories.stderr);
        match (advisories.status.success(), said.contains(NO_DATABASE)) {
            (true, _) => println!("{manifest}: no advisory but those with a reason in deny.toml"),
            (false, true) => {
                println!(
                    "total: licences, bans and sources hold ({version}); there is no database of advisories here ({DATABASE})"
                );
                return Ok(ExitCode::SUCCESS);
            }
            (false, false) => return Err(format!("{manifest}: {}", said.trim())),
        }
    }
    println!("total: licences, bans, sources hold, advisories{of} in {} workspaces ({version})", WORKSPACES.len());
    Ok(ExitCode::SUCCESS)
}

/// As a stage, where cargo-deny is installed.
pub(crate) fn stage(run: &mut Run) {
    match version() {
        Some(version) => {
            let mut deny = deny(WORKSPACES[0], &root().join("deny.toml"));
            run.stage(&format!("licences, bans, sources ({version})"), minutes(2), deny.args(OFFLINE));
        }
        None => run.skip("licences, bans, sources", "there is no cargo-deny"),
    }
}

fn version() -> Option<String> {
    output(&mut cargo(&["deny", "--version"])).ok().map(|said| said.trim().to_owned())
}

fn deny(manifest: &str, config: &Path) -> Command {
    with(&["--log-level", "warn"], manifest, config)
}

fn deny_offline(manifest: &str, config: &Path) -> Command {
    with(&["--log-level", "warn", "--offline"], manifest, config)
}

fn with(options: &[&str], manifest: &str, config: &Path) -> Command {
    let mut command = cargo(&["deny", "--all-features", "--manifest-path", manifest]);
    command.args(options).arg("--config").arg(config).args(["check", "--hide-inclusion-graph"]);
    command
}

/// deny.toml with a copy of the database on this machine, in a folder of its own.
fn with_database(config: &Path, database: &Path) -> Result<PathBuf, String> {
    let text = std::fs::read_to_string(config).map_err(|error| error.to_string())?;
    let folder = target()?.join("advisories");
    let copies = folder.join("databases");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    std::fs::create_dir_all(&copies).map_err(|error| error.to_string())?;
    output(Command::new("git").args(["clone", "--quiet"]).arg(database).arg(copies.join(COPY)))?;
    let path = folder.join("deny.toml");
    std::fs::write(&path, settings(&text, &copies)?).map_err(|error| error.to_string())?;
    Ok(path)
}

/// The settings with the copies below this folder, however old they are: the day is said with the result.
fn settings(text: &str, copies: &Path) -> Result<String, String> {
    let (before, after) = text.split_once("[advisories]\n").ok_or("deny.toml has no section [advisories]")?;
    let copies = copies.display();
    Ok(format!("{before}[advisories]\ndb-path = \"{copies}\"\nmaximum-db-staleness = \"P10Y\"\n{after}"))
}

/// The day of the newest commit of a database.
fn newest(database: &Path) -> Result<String, String> {
    let said = output(Command::new("git").arg("-C").arg(database).args(["log", "-1", "--format=%cs"]))?;
    Ok(said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_database_is_set_in_the_section_of_advisories_and_the_rest_stays() {
        let text = "[graph]\n\n[advisories]\nyanked = \"deny\"\n\n[bans]\n";
        let made = settings(text, Path::new("/copies")).unwrap();
        let expected =
            "[graph]\n\n[advisories]\ndb-path = \"/copies\"\nmaximum-db-staleness = \"P10Y\"\nyanked = \"deny\"\n\n[bans]\n";
        assert_eq!(made, expected);
        assert!(settings("[bans]\n", Path::new("/copies")).is_err());
    }
}
