//! Reading the files that the server is configured with, bounded, and telling whether they changed.

use std::io::Read;
use std::path::Path;
use veriseal::code::bounded;
use veriseal::{Code, Failure};

/// The bytes of a file of at most `max` bytes.
pub(super) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    let unreadable = |why: &dyn std::fmt::Display| Failure::new(Code::ConfigInvalid).found(why).at(show(path));
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    // A pipe or a device could keep the reader waiting for ever.
    if !file.metadata().map_err(|error| unreadable(&error))?.is_file() {
        return Err(unreadable(&"something that is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(unreadable(&format_args!("more than {max} bytes")));
    }
    Ok(bytes)
}

/// A path fit for a log.
pub(super) fn show(path: &Path) -> String {
    bounded(&path.display().to_string())
}

/// What came of looking at files again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// They are what they were.
    Unchanged,
    /// The new content is in use.
    Replaced,
    /// The new content cannot be used, and why; the old one stays in use.
    Kept(String),
}
