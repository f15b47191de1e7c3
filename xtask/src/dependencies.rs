//! What every dependency must keep: the workspace's minimum Rust version, and a registry as its source.
//!
//! clippy's `incompatible_msrv` looks at the project's own use of the standard library; this looks at what it is built on.

use serde_json::Value;
use std::path::Path;

/// Checks the locked dependencies of the workspace in `folder`.
pub(crate) fn check(folder: &Path) -> Result<String, String> {
    judge(&crate::metadata(folder)?)
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
    fn a_dependency_from_elsewhere_fails() {
        let other =
            json!({"id": "x", "name": "x", "version": "1.0.0", "rust_version": null, "source": "git+https://example.com"});
        assert_eq!(judge(&with(other)), Err("x 1.0.0 comes from no registry".to_string()));
    }
}
