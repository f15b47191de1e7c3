//! What others build on: that the library crates can be published, and that they compile with every set of features.

use crate::stage::{Run, minutes};
use crate::{cargo, metadata, output, root, target};
use serde_json::Value;
use std::process::Command;

/// The stages.
pub(crate) fn run(run: &mut Run) {
    crate::deny::stage(run);
    // From nothing these compile most dependencies anew, in other sets of features.
    let needed = minutes(8);
    if run.left(needed) < needed {
        return run.skip("library crates", "no time is left for them: `cargo xtask library`");
    }
    let metadata = match metadata(&root()) {
        Ok(metadata) => metadata,
        Err(reason) => return run.check("library crates", || Err(reason)),
    };
    let crates = published(&metadata);
    if crates.is_empty() {
        return run.check("library crates", || Err("no crate of the workspace is published".to_string()));
    }
    // Together, since they depend on each other and none is on crates.io yet. What is packed is not compiled again: the paths
    // that it was packed from were.
    let mut publish = cargo(&["publish", "--dry-run", "--no-verify", "--allow-dirty", "--locked"]);
    for name in &crates {
        publish.args(["--package", name]);
    }
    run.stage("packages as they would be published", minutes(3), &mut publish);
    for name in crates.iter().map(String::as_str).chain(["veriseal-ffi"]) {
        for features in sets(&metadata, name) {
            let mut check = cargo(&["clippy", "--quiet", "--package", name]);
            check.args(&features).args(["--", "-D", "warnings"]);
            run.stage(&format!("{name} {}", features.join(" ")), minutes(3), &mut check);
        }
    }
    oldest(run, &metadata, &crates);
    let mut docs = cargo(&["doc", "--no-deps", "--all-features"]);
    for name in &crates {
        docs.args(["--package", name]);
    }
    // As docs.rs builds them, with every feature.
    run.stage("docs with all features", minutes(3), docs.env("RUSTDOCFLAGS", "-D warnings"));
}

/// The crates with the oldest Rust that they name, where rustup has it.
fn oldest(run: &mut Run, metadata: &Value, crates: &[String]) {
    let name = "crates with the oldest Rust";
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut versions =
        packages.filter(|package| package["name"] == "veriseal").filter_map(|package| package["rust_version"].as_str());
    let Some(version) = versions.next() else { return run.check(name, || Err("veriseal names no rust-version".to_string())) };
    // `1.89` is how rustup calls a toolchain that cargo names `1.89.0`.
    let toolchain = version.strip_suffix(".0").unwrap_or(version);
    let rustup = |arguments: &[&str]| {
        let mut command = Command::new("rustup");
        // What the cargo that runs this has set would call its own compiler.
        for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC"] {
            command.env_remove(name);
        }
        command.args(["run", toolchain]).args(arguments).current_dir(root());
        command
    };
    if output(&mut rustup(&["rustc", "--version"])).is_err() {
        return run.skip(name, &format!("rustup has no {toolchain}: `rustup toolchain install {toolchain}`"));
    }
    let needed = minutes(8);
    if run.left(needed) < needed {
        return run.skip(name, "no time is left for it: `cargo xtask library`");
    }
    let mut check = rustup(&["cargo", "check", "--quiet", "--locked"]);
    for name in crates {
        check.args(["--package", name]);
    }
    if let Ok(target) = target() {
        check.arg("--target-dir").arg(target.join("oldest"));
    }
    run.stage(name, needed, &mut check);
}

/// The crates of the workspace that may be published.
fn published(metadata: &Value) -> Vec<String> {
    let members = metadata["workspace_members"].as_array().cloned().unwrap_or_default();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let own = packages.filter(|package| members.contains(&package["id"]) && package["publish"].is_null());
    own.filter_map(|package| package["name"].as_str().map(str::to_string)).collect()
}

/// None, each alone, and all; once where that is the same.
fn sets(metadata: &Value, name: &str) -> Vec<Vec<String>> {
    let package = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == name && package["source"].is_null());
    let features = package.and_then(|package| package["features"].as_object());
    let names: Vec<&String> = features.into_iter().flatten().map(|(name, _)| name).filter(|name| *name != "default").collect();
    let set = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_string()).collect::<Vec<_>>();
    let mut sets = vec![set(&["--no-default-features"])];
    sets.extend(names.iter().map(|name| set(&["--no-default-features", "--features", name])));
    if names.len() > 1 {
        sets.push(set(&["--all-features"]));
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace() -> Value {
        let package = |name: &str, publish: Value, features: Value| json!({"id": name, "name": name, "source": null, "publish": publish, "features": features});
        json!({
            "workspace_members": ["a", "b", "tool"],
            "packages": [
                package("a", json!(null), json!({"default": ["x"], "x": [], "y": []})),
                package("b", json!(null), json!({})),
                package("tool", json!([]), json!({})),
                package("foreign", json!(null), json!({})),
            ],
        })
    }

    #[test]
    fn what_is_not_for_others_is_not_published() {
        assert_eq!(published(&workspace()), ["a", "b"]);
    }

    #[test]
    fn each_feature_is_compiled_alone_and_with_all_others() {
        let sets = |name| sets(&workspace(), name).iter().map(|set| set.join(" ")).collect::<Vec<_>>();
        let none = "--no-default-features";
        assert_eq!(
            sets("a"),
            [none, "--no-default-features --features x", "--no-default-features --features y", "--all-features"]
        );
        assert_eq!(sets("b"), [none]);
    }
}
