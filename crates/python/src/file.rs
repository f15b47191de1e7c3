//! Reading the files that the caller names, bounded.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use veriseal::code::bounded;
use veriseal::{Code, Failure};

/// Content that is given as it is, or the path of a file that holds it.
#[derive(FromPyObject)]
pub(crate) enum Input {
    /// `bytes` or `bytearray`.
    Bytes(PyBackedBytes),
    /// `str` or `os.PathLike`.
    Path(PathBuf),
}

impl Input {
    /// The bytes and the name for reports.
    pub(crate) fn read(&self, max: u64, code: Code) -> Result<(Vec<u8>, String), Failure> {
        match self {
            Self::Bytes(bytes) => Ok((bytes.to_vec(), String::new())),
            Self::Path(path) => Ok((read(path, max, code)?, show(path))),
        }
    }
}

/// The bytes of a file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64, code: Code) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::new(code).found(error).at(path.display());
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(Failure::new(code).expected(format_args!("at most {max} bytes")).found("more").at(path.display()));
    }
    Ok(bytes)
}

/// A path fit for a report.
pub(crate) fn show(path: &Path) -> String {
    bounded(&path.display().to_string())
}
