//! The real bundles among the shared test vectors, where they are at hand.

use crate::material::{Sample, Set, Who};
use serde_json::Value;
use std::path::{Path, PathBuf};
use veriseal::UnixTime;

/// When the cases are judged that name no time.
const NOW: &str = "2026-08-22T00:00:00Z";
/// How often one bundle stands in its set: a turn of everybody.
const COPIES: usize = 20;

/// The folder of vectors: `$VERISEAL_VECTORS`, or `shared/vectors` beside the workspace.
pub fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let folder = std::env::var_os("VERISEAL_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    folder.join("MANIFEST.json").is_file().then_some(folder)
}

/// A set for each bundle that must be accepted with the defaults of both verifiers.
pub fn sets(folder: &Path) -> Result<Vec<Set>, String> {
    let manifest: Value = serde_json::from_slice(&read(folder, "MANIFEST.json")?).map_err(|error| error.to_string())?;
    let listed = manifest["cases"].as_array().ok_or("MANIFEST.json lists no cases")?;
    let wanted = |case: &&Value| {
        let inputs = &case["inputs"];
        case["kind"] == "sigstore-bundle"
            && case["expected"] == "accept"
            && inputs["trusted_root_format"].is_null()
            && inputs["key_validity"].is_null()
            && !(inputs["artifact"].is_null() && inputs["artifact_text"].is_null())
    };
    listed.iter().filter(wanted).map(|case| one(folder, case)).collect()
}

fn one(folder: &Path, case: &Value) -> Result<Set, String> {
    let inputs = &case["inputs"];
    let text = |name: &str| inputs[name].as_str();
    let name = case["id"].as_str().ok_or("a case without id")?;
    let missing = |what: &str| format!("{name}: no {what}");
    let artifact = match (text("artifact"), text("artifact_text")) {
        (Some(path), _) => read(folder, path)?,
        (None, text) => text.unwrap_or_default().as_bytes().to_vec(),
    };
    let who = match (text("key"), text("identity")) {
        (Some(key), _) => Who::Key { pem: String::from_utf8(read(folder, key)?).map_err(|error| error.to_string())? },
        (None, Some(subject)) => {
            Who::Identity { subject: subject.to_owned(), issuer: text("issuer").ok_or_else(|| missing("issuer"))?.to_owned() }
        }
        (None, None) => Who::Anybody,
    };
    let sample =
        Sample { bundle: read(folder, text("bundle").ok_or_else(|| missing("bundle"))?)?, artifact, ..Sample::default() };
    let now = text("verification_time").unwrap_or(NOW);
    Ok(Set {
        id: "real".to_owned(),
        name: name.to_owned(),
        image: false,
        trusted_root: read(folder, text("trusted_root").ok_or_else(|| missing("trusted root"))?)?,
        who,
        now: UnixTime::parse_rfc3339(now).map_err(|failure| failure.to_string())?,
        keys: Vec::new(),
        samples: vec![sample; COPIES],
    })
}

fn read(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(folder.join(path)).map_err(|error| format!("{path}: {error}"))
}
