//! The trust root that the user names: one that is compiled in, or a file.

use crate::file;
use std::path::Path;
use veriseal::TrustRoot;
use veriseal::trust::TrustRootOrigin;

/// Names of the embedded trust roots. A file of such a name is meant by `./NAME`.
const EMBEDDED: [&str; 3] = ["sigstore", "sigstore-staging", "github"];
/// Largest `trusted_root.json` that is read, in bytes; published ones have about 10 kB.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The trust root of that name or at that path; `option` is where the user named it.
pub(crate) fn load(name: &Path, option: &str) -> Result<TrustRoot, String> {
    let invalid = |failure: veriseal::Failure| format!("{option} {}: {failure}", file::show(name));
    match name.to_str().filter(|name| EMBEDDED.contains(name)) {
        Some("sigstore-staging") => TrustRoot::sigstore_staging().map_err(invalid),
        Some("github") => TrustRoot::github().map_err(invalid),
        Some(_) => TrustRoot::sigstore().map_err(invalid),
        None => from_file(name, option),
    }
}

/// The trust root in a file, whatever it is called.
pub(crate) fn from_file(path: &Path, option: &str) -> Result<TrustRoot, String> {
    let json = file::read(path, MAX_BYTES).map_err(|why| format!("{option} {why}"))?;
    let origin = TrustRootOrigin { name: file::show(path), ..TrustRootOrigin::default() };
    TrustRoot::from_json(&json, origin).map_err(|failure| format!("{option} {}: {failure}", file::show(path)))
}
