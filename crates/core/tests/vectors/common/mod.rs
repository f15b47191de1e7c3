//! What the vector tests share: where the vectors are, and reading them.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;

/// The folder of vectors: `$VERISEAL_VECTORS`, or `shared/vectors` beside the workspace. `None`, and why, when absent.
pub(crate) fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("VERISEAL_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    if folder.join("MANIFEST.json").is_file() {
        Some(folder)
    } else {
        println!("skipped: no vectors at {} (set VERISEAL_VECTORS)", folder.display());
        None
    }
}

/// The one JSON document of a file.
pub(crate) fn json(path: &str) -> Option<serde_json::Value> {
    let mut documents = json_lines(path)?;
    assert_eq!(documents.len(), 1, "{path}");
    documents.pop()
}

/// The JSON documents of a file, one after another.
pub(crate) fn json_lines(path: &str) -> Option<Vec<serde_json::Value>> {
    let path = vectors()?.join(path);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::Deserializer::from_slice(&text).into_iter().collect::<Result<_, _>>().unwrap())
}
