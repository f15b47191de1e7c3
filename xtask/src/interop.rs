//! `cargo xtask interop`: the veriseal command against the real cosign, 2.x and 3.x, and Debian's docker-registry.
//!
//! The checks themselves are in `interop/`, a workspace of its own. Here is only what they need: the command is built, cosign
//! is found or installed into a cache folder outside the checkout. What the testkit makes goes before cosign too, and in
//! `interop/differential/`, another workspace, before sigstore-verify together with real bundles and mutations of them.

use crate::stage::{Run, minutes};
use crate::{cargo, output, root, target};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// One cosign: where an environment variable may name it, its module, and the version that is installed where it does not.
struct Cosign {
    variable: &'static str,
    folder: &'static str,
    module: &'static str,
    version: &'static str,
}

const COSIGN: [Cosign; 2] = [
    Cosign { variable: "COSIGN2", folder: "cosign2", module: "github.com/sigstore/cosign/v2/cmd/cosign", version: "v2.6.5" },
    Cosign { variable: "COSIGN3", folder: "cosign3", module: "github.com/sigstore/cosign/v3/cmd/cosign", version: "v3.1.3" },
];

/// How many mutations are made. They take ten seconds; more, and other ones, with the program's own flags.
const MUTATIONS: &str = "10000";

/// For everything together, most of it for compiling cosign and sigstore-verify the first time. What runs then takes two
/// minutes.
const BUDGET: Duration = minutes(20);

/// What is left of the budget: no stage gets more.
#[derive(Clone, Copy)]
struct Clock(Instant, Duration);

impl Clock {
    fn minutes(self, most: u64) -> Duration {
        self.1.saturating_sub(self.0.elapsed()).min(minutes(most))
    }
}

pub(crate) fn run(run: &mut Run) {
    let clock = Clock(Instant::now(), run.left(BUDGET));
    if clock.1 < minutes(3) {
        return run.skip("interop", "no time is left for it: `cargo xtask interop`");
    }
    if let Err(reason) = differential(run, clock) {
        run.skip("differential", &reason);
    }
    if let Err(reason) = prepared(run, clock) {
        run.skip("interop", &reason);
    }
}

/// veriseal and sigstore-verify side by side.
fn differential(run: &mut Run, clock: Clock) -> Result<(), String> {
    let target = target()?;
    let manifest = root().join("interop/differential/Cargo.toml");
    let command = |arguments: &[&str], last: &[&str]| {
        let mut command = cargo(arguments);
        command.arg("--manifest-path").arg(&manifest).args(last).env("CARGO_TARGET_DIR", &target);
        command
    };
    let mut build = command(&["build", "--quiet", "--locked", "--release"], &[]);
    if !run.stage("build differential", clock.minutes(8), &mut build) {
        return Ok(());
    }
    // In the release profile, too: then the C code below sigstore-verify is not compiled a second time.
    let lints = ["clippy", "--quiet", "--locked", "--release", "--all-targets"];
    run.stage("lints of differential", clock.minutes(2), &mut command(&lints, &["--", "-D", "warnings"]));
    let mut tests = command(&["test", "--quiet", "--locked", "--release"], &[]);
    run.stage("tests of differential", clock.minutes(2), &mut tests);
    let program = target.join("release").join("differential").with_extension(std::env::consts::EXE_EXTENSION);
    run.stage("testkit against sigstore-verify", clock.minutes(1), Command::new(&program).arg("testkit"));
    run.stage("differential", clock.minutes(2), Command::new(&program).args(["--mutations", MUTATIONS]));
    Ok(())
}

fn prepared(run: &mut Run, clock: Clock) -> Result<(), String> {
    if !on_path("docker-registry") {
        return Err("there is no docker-registry: `apt-get install docker-registry`".to_string());
    }
    let mut found = Vec::new();
    for cosign in &COSIGN {
        match cosign.find_or_install(run, clock) {
            Ok(program) => found.push((cosign.variable, program)),
            Err(reason) => run.skip(&format!("interop with cosign {}", cosign.version), &reason),
        }
    }
    if found.is_empty() {
        return Err("there is no cosign to hold it against".to_string());
    }
    let target = target()?;
    let command = ["build", "--package", "veriseal-cli", "--bin", "veriseal"];
    let built = run.stage("build the command", clock.minutes(5), &mut cargo(&command));
    let examples = ["build", "--package", "veriseal-testkit", "--example", "materials", "--example", "registry"];
    let built = built && run.stage("build the testkit's examples", clock.minutes(3), &mut cargo(&examples));
    let manifest = root().join("interop/Cargo.toml");
    let mut checked = cargo(&["clippy", "--quiet", "--locked", "--manifest-path"]);
    checked.arg(&manifest).args(["--", "-D", "warnings"]).env("CARGO_TARGET_DIR", &target);
    run.stage("lints of interop", clock.minutes(3), &mut checked);
    let mut build = cargo(&["build", "--quiet", "--locked", "--manifest-path"]);
    build.arg(&manifest).env("CARGO_TARGET_DIR", &target);
    if !(built && run.stage("build interop", clock.minutes(4), &mut build)) {
        // Said and counted by the stage that failed.
        return Ok(());
    }
    let program = |name: &str| target.join("debug").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let example = |name: &str| program(&format!("examples/{name}"));
    let mut checks = Command::new(program("interop"));
    checks.env("MATERIALS", example("materials")).env("REGISTRY", example("registry"));
    checks.env("VERISEAL", program("veriseal")).env("INTEROP_FOLDER", target.join("interop")).envs(found);
    match referrers(run, clock) {
        Ok(program) => {
            checks.env("REFERRERS", program);
        }
        Err(reason) => run.skip("interop with a referrers API", &reason),
    }
    run.stage("interop", clock.minutes(5), &mut checks);
    Ok(())
}

/// A registry with the referrers API, built from `interop/referrers` into the cache.
fn referrers(run: &mut Run, clock: Clock) -> Result<PathBuf, String> {
    if !on_path("go") {
        return Err("there is no Go to build it with".to_string());
    }
    let program = cache().ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("veriseal/bin/referrers/referrers");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(".").env("GOFLAGS", "-p=2").current_dir(root().join("interop/referrers"));
    run.prepare("build the registry with the referrers API", clock.minutes(3), &mut build)?;
    Ok(program)
}

impl Cosign {
    fn find_or_install(&self, run: &mut Run, clock: Clock) -> Result<PathBuf, String> {
        if let Some(named) = std::env::var_os(self.variable) {
            return Ok(PathBuf::from(named));
        }
        let folder = cache().ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("veriseal/bin").join(self.folder);
        let program = folder.join("cosign");
        if self.is_at(&program) {
            return Ok(program);
        }
        if !on_path("go") {
            return Err(format!("{} is not set and there is no Go to install it with", self.variable));
        }
        let mut install = Command::new("go");
        install.arg("install").arg(format!("{}@{}", self.module, self.version));
        install.env("GOBIN", &folder).env("GOFLAGS", "-p=2").current_dir(std::env::temp_dir());
        run.prepare(&format!("install cosign {}", self.version), clock.minutes(6), &mut install)?;
        if self.is_at(&program) { Ok(program) } else { Err(format!("what was installed is not cosign {}", self.version)) }
    }

    fn is_at(&self, program: &Path) -> bool {
        output(Command::new(program).arg("version")).is_ok_and(|said| said.contains(self.version))
    }
}

fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
}

fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}
