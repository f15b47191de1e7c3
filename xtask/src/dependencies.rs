//! What every dependency must keep: the workspace's minimum Rust version, and a registry as its source.
//!
//! clippy's `incompatible_msrv` looks at the project's own use of the standard library; this looks at what it is built on.

use serde_json::Value;
use std::path::Path;

/// Checks the locked dependencies of the workspace in `folder`.
pub(crate) fn check(folder: &Path) -> Result<String, String> {
    let metadata = crate::metadata(folder)?;
    Ok(format!("{}; {}", judge(&metadata)?, one_version(&metadata, "veriseal", &["syn"])?))
}

/// Looks for crates of which `package` needs two versions, other than those named: two parsers of one format, or two
/// implementations of one algorithm, may disagree.
fn one_version(metadata: &Value, package: &str, but: &[&str]) -> Result<String, String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (packages, nodes) = (list(&metadata["packages"]), list(&metadata["resolve"]["nodes"]));
    let known = |id: &Value| packages.iter().find(|package| package["id"] == *id);
    let mut ids = vec![packages.iter().find(|known| known["name"] == package).ok_or("no such package")?["id"].clone()];
    let mut at = 0;
    while let Some(id) = ids.get(at).cloned() {
        at += 1;
        let node = nodes.iter().find(|node| node["id"] == id);
        for dependency in node.map(|node| list(&node["deps"])).unwrap_or_default() {
            let is_normal = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            if is_normal && !ids.contains(&dependency["pkg"]) {
                ids.push(dependency["pkg"].clone());
            }
        }
    }
    let mut names: Vec<&str> = ids.iter().filter_map(known).map(|package| text(&package["name"])).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1] && !but.contains(&pair[0]));
    match twice {
        Some(pair) => Err(format!("{package} needs two versions of {}", pair[0])),
        None => Ok(format!("{} crates below {package}, each in one version", names.len())),
    }
}

fn judge(metadata: &Value) -> Result<String, String> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let members = metadata["workspace_members"].as_array().ok_or("cargo metadata lists no members")?;
    let (own, others): (Vec<_>, Vec<_>) = packages.iter().partition(|package| members.contains(&package["id"]));
    let bound = own
        .iter()
        .map(|package| version(&package["rust_version"]).ok_or(format!("{} states no rust-version", package["name"])))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .min()
        .ok_or("the workspace has no members")?;
    let mut broken = Vec::new();
    for package in &others {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        if version(&package["rust_version"]).is_some_and(|needs| needs > bound) {
            broken.push(format!("{name} needs Rust {}", text(&package["rust_version"])));
        }
        if !text(&package["source"]).starts_with("registry+") {
            broken.push(format!("{name} comes from no registry"));
        }
    }
    if broken.is_empty() {
        return Ok(format!("{} dependencies, none needs more than Rust {}.{}.{}", others.len(), bound[0], bound[1], bound[2]));
    }
    Err(broken.join("; "))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// `1.89` or `1.89.0`, so that it can be compared. A version that cannot be read counts as the highest.
fn version(value: &Value) -> Option<[u64; 3]> {
    let mut found = [0; 3];
    for (part, number) in value.as_str()?.split('.').zip(&mut found) {
        *number = part.parse().unwrap_or(u64::MAX);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(dependency: Value) -> Value {
        let own = json!({"id": "own", "name": "own", "rust_version": "1.89", "source": null});
        json!({"workspace_members": ["own"], "packages": [own, dependency]})
    }

    #[test]
    fn a_dependency_within_the_bound_passes() {
        for rust_version in [json!("1.89"), json!("1.89.0"), json!("1.56"), json!(null)] {
            let other = json!({"id": "x", "name": "x", "version": "1.0.0", "rust_version": rust_version, "source": "registry+y"});
            assert!(judge(&with(other)).is_ok());
        }
    }

    #[test]
    fn a_dependency_above_the_bound_fails() {
        for rust_version in ["1.90", "1.89.1", "2.0", "1.x"] {
            let other = json!({"id": "x", "name": "x", "version": "1.0.0", "rust_version": rust_version, "source": "registry+y"});
            assert_eq!(judge(&with(other)), Err(format!("x 1.0.0 needs Rust {rust_version}")));
        }
    }

    #[test]
    fn two_versions_of_a_crate_below_the_core_fail() {
        let package = |id: &str, name: &str| json!({"id": id, "name": name});
        let node = |id: &str, deps: &[&str], kind: Value| {
            let deps: Vec<Value> = deps.iter().map(|id| json!({"pkg": id, "dep_kinds": [{"kind": kind}]})).collect();
            json!({"id": id, "deps": deps})
        };
        let with = |kind: Value| {
            json!({
                "packages": [package("own", "own"), package("a", "a"), package("der 1", "der"), package("der 2", "der")],
                "resolve": {"nodes": [node("own", &["a", "der 1"], json!(null)), node("a", &["der 2"], kind)]},
            })
        };
        assert_eq!(one_version(&with(json!(null)), "own", &[]), Err("own needs two versions of der".to_string()));
        assert!(one_version(&with(json!(null)), "own", &["der"]).is_ok());
        assert!(one_version(&with(json!("dev")), "own", &[]).is_ok());
    }

    #[test]
    fn a_dependency_from_elsewhere_fails() {
        let other =
            json!({"id": "x", "name": "x", "version": "1.0.0", "rust_version": null, "source": "git+https://example.com"});
        assert_eq!(judge(&with(other)), Err("x 1.0.0 comes from no registry".to_string()));
    }
}
