//! The real bundles among the shared test vectors.

use crate::case::{Case, Evidence, Parts, Signed, Subject};
use serde_json::Value;
use std::path::{Path, PathBuf};
use veriseal::{UnixTime, Validity};

/// When the cases are judged that name no time.
const NOW: &str = "2026-08-22T00:00:00Z";

/// The folder of vectors: `$VERISEAL_VECTORS`, or `shared/vectors` beside the workspace. The error says why there is none.
pub fn folder() -> Result<PathBuf, String> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let folder = std::env::var_os("VERISEAL_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.join("MANIFEST.json").is_file() {
        return Ok(folder);
    }
    Err(format!("no vectors at {} (set VERISEAL_VECTORS)", folder.display()))
}

/// Every case of the kind `sigstore-bundle`.
pub fn cases(folder: &Path) -> Result<Vec<Case>, String> {
    let manifest: Value = serde_json::from_slice(&read(folder, "MANIFEST.json")?).map_err(|error| error.to_string())?;
    let listed = manifest["cases"].as_array().ok_or("MANIFEST.json lists no cases")?;
    listed.iter().filter(|case| case["kind"] == "sigstore-bundle").map(|case| one(folder, case)).collect()
}

fn one(folder: &Path, case: &Value) -> Result<Case, String> {
    let inputs = &case["inputs"];
    let text = |name: &str| inputs[name].as_str();
    let name = case["id"].as_str().ok_or("a case without id")?;
    let missing = |what: &str| format!("{name}: no {what}");
    let subject = match (text("artifact"), text("artifact_text"), text("digest")) {
        (Some(path), _, _) => Subject::Bytes(read(folder, path)?),
        (None, Some(text), _) => Subject::Bytes(text.as_bytes().to_vec()),
        (None, None, Some(digest)) => Subject::Digest(digest.parse().map_err(|failure| format!("{name}: {failure}"))?),
        (None, None, None) => Subject::Bytes(Vec::new()),
    };
    let signed = match (text("key"), text("identity")) {
        (Some(key), _) => Signed::WithKey { pem: read(folder, key)?, window: window(&inputs["key_validity"])? },
        (None, Some(subject)) => {
            Signed::By { subject: subject.to_owned(), issuer: text("issuer").ok_or_else(|| missing("issuer"))?.to_owned() }
        }
        (None, None) => Signed::ByAnybody,
    };
    // What these three are about shows only where the log is not asked for.
    let evidence = match name {
        "sigstore-go/public-key-validity-expired" => Evidence::Unlogged,
        "sigstore-java/github-private-optin" | "sigstore-java/github-private-wrong-digest" => Evidence::TimestampOnly,
        _ => Evidence::Usual,
    };
    let mut trusted_root = read(folder, text("trusted_root").ok_or_else(|| missing("trusted root"))?)?;
    if text("trusted_root_format").is_some() {
        let lines = String::from_utf8(trusted_root).map_err(|error| error.to_string())?;
        let line = lines.lines().find(|line| line.contains("fulcio.githubapp.com"));
        trusted_root = line.ok_or_else(|| missing("trusted root of GitHub"))?.as_bytes().to_vec();
    }
    let now = time(text("verification_time").unwrap_or(NOW))?;
    Case::new(Parts {
        name: name.to_owned(),
        bundle: read(folder, text("bundle").ok_or_else(|| missing("bundle"))?)?,
        subject,
        trusted_root: &trusted_root,
        signed,
        evidence,
        now,
        good: case["expected"] == "accept",
    })
}

fn window(value: &Value) -> Result<Validity, String> {
    let end = |at: usize| value[at].as_str().map(time).transpose();
    Ok(Validity { start: end(0)?, end: end(1)? })
}

fn time(text: &str) -> Result<UnixTime, String> {
    UnixTime::parse_rfc3339(text).map_err(|failure| failure.to_string())
}

fn read(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(folder.join(path)).map_err(|error| format!("{path}: {error}"))
}
