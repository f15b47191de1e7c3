//! Reading the files that the user names, bounded.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use veriseal::code::bounded;

/// The bytes of a file of at most `max` bytes, or why they cannot be had, in one clause that names the path.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", show(path));
    let file = File::open(path).map_err(unreadable)?;
    // Room for what the file says that it has, so that it is read at once and not in growing pieces; a pipe says nothing.
    let length = file.metadata().map_or(0, |about| about.len().min(max));
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(format!("{}: larger than {max} bytes", show(path)));
    }
    Ok(bytes)
}

/// A path fit for a terminal.
pub(crate) fn show(path: &Path) -> String {
    bounded(&path.display().to_string())
}
