//! The `veriseal` command: how large it is, and how long it takes from its start to a verdict over saved evidence.

use crate::material::{Set, TAG, Who};
use crate::scratch::Scratch;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What `cargo xtask dist command` makes, of what the machine can build, and what is said of it.
const BUILDS: [(&str, &str); 3] = [
    ("veriseal", "with network"),
    ("veriseal-offline-aws-lc", "without network, AWS-LC"),
    ("veriseal-offline", "without network, pure Rust"),
];

/// One build of the command.
pub struct Built {
    pub name: &'static str,
    pub bytes: u64,
    /// `veriseal --version`: what starting alone takes.
    pub version: Start,
    /// `veriseal judge`: from the start to the verdict over one keyless image.
    pub judge: Start,
}

/// Microseconds from the start of a process to its end.
#[derive(Clone, Copy)]
pub struct Start {
    pub min: f64,
    pub median: f64,
}

/// What was measured of the command.
pub struct Measured {
    /// `/bin/true`: what any process takes.
    pub nothing: Start,
    pub builds: Vec<Built>,
}

/// Builds the command in every way, and starts each `starts` times, all in turn.
pub fn measure(set: &Set, starts: usize) -> Result<Measured, String> {
    let folder = Scratch::new()?;
    let folder = folder.path();
    let built = build()?;
    let programs = BUILDS.iter().map(|(program, name)| (built.join(program), *name));
    let programs: Vec<(PathBuf, &str)> = programs.filter(|(program, _)| program.exists()).collect();
    let (first, _) = programs.first().ok_or("there is no build")?;
    let evidence = evidence(folder, first, set)?;
    let mut commands = vec![Command::new("/bin/true")];
    for (program, _) in &programs {
        let mut version = Command::new(program);
        version.arg("--version");
        commands.push(version);
        let mut judge = Command::new(program);
        judge.args(["judge", "--image", &evidence.image, "--output", "json"]).args(&evidence.options);
        judge.arg(folder.join("evidence"));
        commands.push(judge);
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::with_capacity(starts); commands.len()];
    for round in 0..starts {
        for step in 0..commands.len() {
            // In another order each round: whoever comes after a large program finds other caches.
            let index = (round + step) % commands.len();
            let command = &mut commands[index];
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let begun = Instant::now();
            let status = command.status().map_err(|error| error.to_string())?;
            times[index].push(begun.elapsed().as_secs_f64() * 1e6);
            if !status.success() {
                return Err(format!("{command:?} ends with {status}"));
            }
        }
    }
    let mut started = times.iter_mut().map(|times| {
        times.sort_by(f64::total_cmp);
        let at = |place: usize| times.get(place).copied().unwrap_or(f64::NAN);
        Start { min: at(0), median: at(times.len() / 2) }
    });
    let mut next = || started.next().ok_or("a command was not started");
    let nothing = next()?;
    let mut builds = Vec::new();
    for (program, name) in &programs {
        let bytes = std::fs::metadata(program).map_err(|error| error.to_string())?.len();
        builds.push(Built { name, bytes, version: next()?, judge: next()? });
    }
    Ok(Measured { nothing, builds })
}

impl Measured {
    pub fn print(&self) {
        println!("\nthe command, built as it is shipped; from start to end, milliseconds: min (median)");
        println!("  {:<34}{:>12}{:>20}{:>20}{:>20}", "", "bytes", "--version", "judge", "above /bin/true");
        let cell = |start: Start| format!("{:.2} ({:.2})", start.min / 1000.0, start.median / 1000.0);
        println!("  {:<34}{:>12}{:>20}", "/bin/true", "", cell(self.nothing));
        for built in &self.builds {
            let above = cell(built.above(self.nothing));
            println!("  {:<34}{:>12}{:>20}{:>20}{above:>20}", built.name, built.bytes, cell(built.version), cell(built.judge));
        }
    }

    pub fn to_json(&self) -> Value {
        let start = |start: Start| json!({ "min": start.min.round(), "median": start.median.round() });
        let build = |built: &Built| {
            json!({
                "build": built.name, "bytes": built.bytes,
                "versionMicroseconds": start(built.version), "judgeMicroseconds": start(built.judge),
            })
        };
        json!({ "nothingMicroseconds": start(self.nothing), "builds": self.builds.iter().map(build).collect::<Vec<_>>() })
    }
}

impl Built {
    /// What judging takes more than doing nothing.
    pub fn above(&self, nothing: Start) -> Start {
        Start { min: self.judge.min - nothing.min, median: self.judge.median - nothing.median }
    }
}

/// Builds the command as it is shipped; in which folder.
fn build() -> Result<PathBuf, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["run", "--quiet", "--locked", "--package", "xtask", "--manifest-path"])
        .arg(manifest)
        .args(["--", "dist", "command"]);
    let output = cargo.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().filter(|line| line.contains("left out")).for_each(|line| println!("{line}"));
    let folder = said.lines().next_back().filter(|_| output.status.success());
    folder.map(PathBuf::from).ok_or_else(|| "the command does not build as it is shipped".to_owned())
}

struct Evidence {
    image: String,
    options: Vec<String>,
}

/// What `verify --evidence-out` saves of the first image of the set, which lies in an OCI layout.
fn evidence(folder: &Path, program: &Path, set: &Set) -> Result<Evidence, String> {
    let failed = |error: std::io::Error| error.to_string();
    let store = set.samples.first().and_then(|sample| sample.store.as_ref()).ok_or("a set of images is needed")?;
    let layout = folder.join("layout");
    store.write_layout(&layout).map_err(failed)?;
    let root = folder.join("trusted_root.json");
    std::fs::write(&root, &set.trusted_root).map_err(failed)?;
    let Who::Identity { subject, issuer } = &set.who else { return Err("a set of identities is needed".to_owned()) };
    let text = |path: &Path| path.display().to_string();
    let options = [
        "--trusted-root",
        &text(&root),
        "--certificate-identity",
        subject,
        "--certificate-oidc-issuer",
        issuer,
        "--verification-time",
        &set.now.to_string(),
    ]
    .map(str::to_owned)
    .to_vec();
    let digest = store.tags.get(TAG).ok_or("a tagged image is needed")?;
    let image = format!("oci:{}", text(&layout));
    let mut verify = Command::new(program);
    verify.arg("verify").args(&options).arg("--evidence-out").arg(folder.join("evidence")).arg(format!("{image}:{TAG}"));
    let output = verify.output().map_err(failed)?;
    if !output.status.success() {
        return Err(format!("veriseal verify: {}", String::from_utf8_lossy(&output.stdout)));
    }
    Ok(Evidence { image: format!("{image}@{digest}"), options })
}

/// Crates that a program with the core alone has, and one with the command's.
pub fn crates() -> Result<Value, String> {
    let core = tree(&["--package", "veriseal"])?;
    let command = tree(&["--package", "veriseal-cli"])?;
    let lean = tree(&["--package", "veriseal-cli", "--no-default-features"])?;
    let built_only = core.iter().filter(|name| name.contains("(proc-macro)")).count();
    Ok(json!({
        "core": core.len(),
        "coreOfTheseOnlyWhileBuilding": built_only,
        "command": command.len(),
        "commandWithoutDefaultFeatures": lean.len(),
    }))
}

fn tree(options: &[&str]) -> Result<std::collections::BTreeSet<String>, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--quiet", "--locked", "--edges", "normal", "--prefix", "none", "--no-dedupe"]);
    let output = cargo.args(options).arg("--manifest-path").arg(manifest).output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
