//! The `veriseal` command: how large it is, and how long it takes from its start to a verdict over saved evidence.

use crate::material::{Set, TAG, Who};
use crate::scratch::Scratch;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Builds the command with and without the network, and measures both.
pub fn measure(set: &Set, starts: usize) -> Result<Value, String> {
    let folder = Scratch::new()?;
    let folder = folder.path();
    let whole = build(folder, "veriseal", &[])?;
    let lean = build(folder, "veriseal-offline", &["--no-default-features"])?;
    let size = |path: &Path| std::fs::metadata(path).map(|found| found.len()).map_err(|error| error.to_string());
    let evidence = evidence(folder, &whole, set)?;
    let judge = |program: &Path| {
        let mut command = Command::new(program);
        command
            .args(["judge", "--image", &evidence.image, "--output", "json"])
            .args(&evidence.options)
            .arg(folder.join("evidence"));
        command
    };
    let mut commands = vec![
        ("/bin/true", Command::new("/bin/true")),
        ("veriseal --version", Command::new(&whole)),
        ("veriseal judge", judge(&whole)),
        ("veriseal judge, built without network", judge(&lean)),
    ];
    commands[1].1.arg("--version");
    let mut best = vec![f64::INFINITY; commands.len()];
    let mut all: Vec<Vec<f64>> = vec![Vec::with_capacity(starts); commands.len()];
    for _ in 0..starts {
        for (index, (name, command)) in commands.iter_mut().enumerate() {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let begun = Instant::now();
            let status = command.status().map_err(|error| format!("{name}: {error}"))?;
            let taken = begun.elapsed().as_secs_f64() * 1e6;
            if !status.success() {
                return Err(format!("{name} ends with {status}"));
            }
            best[index] = best[index].min(taken);
            all[index].push(taken);
        }
    }
    let starts = commands.iter().zip(best).zip(&mut all).map(|(((name, _), best), all)| {
        all.sort_by(f64::total_cmp);
        let median = all.get(all.len() / 2).copied().unwrap_or_default();
        json!({ "command": name, "min": best.round(), "median": median.round() })
    });
    Ok(json!({
        "strippedBytes": { "veriseal": size(&whole)?, "veriseal without network": size(&lean)? },
        "startMicroseconds": starts.collect::<Vec<_>>(),
    }))
}

/// Builds the command as it is shipped: by the profile `dist`, which strips it.
fn build(folder: &Path, name: &str, options: &[&str]) -> Result<PathBuf, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--profile", "dist", "--locked", "--package", "veriseal-cli", "--message-format=json"]);
    let output = cargo.args(options).arg("--manifest-path").arg(manifest).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo: {error}"))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let found = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = found.filter_map(|message| message["executable"].as_str().map(str::to_owned)).next_back();
    let program = program.filter(|_| output.status.success()).ok_or_else(|| format!("{name} does not build"))?;
    // The next build puts its program in the same place.
    let copy = folder.join(name);
    std::fs::copy(&program, &copy).map_err(|error| format!("{program}: {error}"))?;
    Ok(copy)
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
