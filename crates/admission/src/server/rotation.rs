//! [`RotatingFile`]: a file that is put aside when it is large enough, so that a log never fills a disk.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Appends to a file; before it would grow beyond a size it becomes `<name>.1`, what was there `<name>.2`, and so on. What
/// is written by one call is never torn over two files.
///
/// Not synchronised to disk: a crash of the machine may take the last lines with it.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    kept: u32,
    file: File,
    size: u64,
}

impl RotatingFile {
    /// Opens a file for appending; it may grow to `max_bytes`, and `kept` older ones stay beside it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path, max_bytes: u64, kept: u32) -> io::Result<Self> {
        let (file, size) = append(path)?;
        Ok(Self { path: path.to_owned(), max_bytes, kept, file, size })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..self.kept).rev() {
            rename(&self.numbered(number), &self.numbered(number.saturating_add(1)))?;
        }
        if self.kept > 0 {
            rename(&self.path, &self.numbered(1))?;
        } else {
            std::fs::remove_file(&self.path)?;
        }
        (self.file, self.size) = append(&self.path)?;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(length) > self.max_bytes {
            self.rotate()?;
        }
        // All or an error, so that a caller's further call for the rest cannot fall into the next file.
        let written = self.file.write_all(bytes);
        self.size = self.size.saturating_add(length);
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut file = RotatingFile::open(&path, 10, 2).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n", "a line longer than all\n", "six\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(read("audit.log").as_deref(), Some("six\n"));
        assert_eq!(read("audit.log.1").as_deref(), Some("a line longer than all\n"));
        assert_eq!(read("audit.log.2").as_deref(), Some("four\nfive\n"));
        assert_eq!(read("audit.log.3"), None);
    }

    #[test]
    fn what_was_there_before_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        std::fs::write(&path, "12345678\n").unwrap();
        let mut file = RotatingFile::open(&path, 10, 0).unwrap();
        file.write_all(b"x\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"x\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "none is kept");
    }
}
