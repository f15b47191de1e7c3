//! Content in a directory: `<scope>/<algorithm>-<hex>`.
//!
//! Written beside and renamed, so that a name never holds half of something; read with a bound and hashed, so that
//! whatever else stands there is a miss, and removed. Of a size to within what other processes write at the same time.

use super::Scope;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;

/// How old a half-written file must be before it counts as left behind by a crash.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// Most files that are looked at when room is made.
const MAX_FILES: usize = 100_000;
/// How the name of a file ends that is being written.
const PART: &str = ".part";

/// The directory, and how much this process has written since room was made.
pub(super) struct Directory {
    path: PathBuf,
    max_bytes: u64,
    written: AtomicU64,
    /// Tells the files apart that this process is writing.
    next: AtomicU64,
}

impl Directory {
    pub(super) fn open(path: PathBuf, max_bytes: u64) -> Result<Self, Failure> {
        let unusable = |error: io::Error| Failure::new(Code::ConfigInvalid).found(error).at(path.display());
        create(&path).map_err(unusable)?;
        if !path.is_dir() {
            return Err(Failure::new(Code::ConfigInvalid).expected("a directory").at(path.display()));
        }
        // As if all were full: the first content that is written makes room.
        Ok(Self { path, max_bytes, written: AtomicU64::new(u64::MAX), next: AtomicU64::new(0) })
    }

    pub(super) fn get(&self, scope: &Scope, digest: &Digest, max_bytes: u64) -> Option<Vec<u8>> {
        let path = self.file(scope, digest);
        match read(&path, max_bytes) {
            Ok(Some(bytes)) if digest.matches(&bytes) => {
                // Used lately, so kept longer; where the time cannot be set it is dropped earlier.
                let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                Some(bytes)
            }
            // Longer than may be read now: what it is stays unknown, and it stays where it is.
            Ok(None) => None,
            Ok(Some(_)) => {
                let _ = fs::remove_file(&path);
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => {
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    pub(super) fn put(&self, scope: &Scope, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > self.max_bytes {
            return Ok(());
        }
        let due = self.written.load(Ordering::Relaxed).saturating_add(size) > self.max_bytes / 8;
        if due {
            self.written.store(0, Ordering::Relaxed);
            self.make_room(size)?;
        }
        self.written.fetch_add(size, Ordering::Relaxed);
        let path = self.file(scope, digest);
        let folder = self.path.join(scope.name());
        create(&folder)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let part = folder.join(format!(".{}-{number}{PART}", std::process::id()));
        let written = (|| {
            // `create_new` follows no link that somebody may have put there.
            let mut file = File::create_new(&part)?;
            file.write_all(bytes)?;
            drop(file);
            fs::rename(&part, &path)
        })();
        written.inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
    }

    fn file(&self, scope: &Scope, digest: &Digest) -> PathBuf {
        self.path.join(scope.name()).join(format!("{}-{}", digest.algorithm().name(), digest.hex()))
    }

    /// Removes the oldest content until seven eighths of the directory are enough for the rest, and what crashes left.
    fn make_room(&self, wanted: u64) -> io::Result<()> {
        let mut files = Vec::new();
        let now = SystemTime::now();
        for folder in fs::read_dir(&self.path)?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            for entry in fs::read_dir(folder.path())?.flatten().take(MAX_FILES.saturating_sub(files.len())) {
                let Ok(metadata) = entry.metadata() else { continue };
                let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let is_part = entry.file_name().to_string_lossy().ends_with(PART);
                if !is_part {
                    files.push((changed, metadata.len(), entry.path()));
                } else if now.duration_since(changed).is_ok_and(|age| age > ABANDONED) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        files.sort();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        let room = (self.max_bytes - self.max_bytes / 8).saturating_sub(wanted);
        for (_, size, path) in files {
            if total <= room {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total = total.saturating_sub(size);
            }
        }
        Ok(())
    }
}

/// Makes a directory for its owner alone: what a private registry serves is nobody else's business.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A file's bytes; `None` where there are more than `max_bytes`.
fn read(path: &Path, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    // Not what a link leads to, and not a pipe, which would keep us waiting.
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a file"));
    }
    if metadata.len() > max_bytes {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(u64::try_from(bytes.len()).is_ok_and(|length| length <= max_bytes).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(bytes: &[u8]) -> Digest {
        Digest::sha256(bytes)
    }

    fn scope() -> Scope {
        Scope::new(&["reg.example"])
    }

    fn files(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path.join(scope().name())).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// K-CA-01.
    #[test]
    fn what_was_altered_cut_or_swapped_is_a_miss_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Directory::open(folder.path().join("cache"), 1 << 20).unwrap();
        for spoil in [b"contenT".as_slice(), b"conten", b"", b"content "] {
            cache.put(&scope(), &digest(b"content"), b"content").unwrap();
            assert_eq!(cache.get(&scope(), &digest(b"content"), 100).as_deref(), Some(b"content".as_slice()));
            let path = cache.file(&scope(), &digest(b"content"));
            fs::write(&path, spoil).unwrap();
            assert_eq!(cache.get(&scope(), &digest(b"content"), 100), None);
            assert!(!path.exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_content_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Directory::open(folder.path().join("cache"), 1 << 20).unwrap();
        cache.put(&scope(), &digest(b"content"), b"content").unwrap();
        let path = cache.file(&scope(), &digest(b"content"));
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert_eq!(cache.get(&scope(), &digest(b"content"), 100), None);
        assert!(elsewhere.exists() && !path.exists());
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(folder.path().join("cache")).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_a_crash_left_half_written_is_never_read_and_removed_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Directory::open(path.clone(), 1 << 20).unwrap();
        cache.put(&scope(), &digest(b"content"), b"content").unwrap();
        let (old, young) = (path.join(scope().name()).join(".1-1.part"), path.join(scope().name()).join(".1-2.part"));
        fs::write(&old, b"con").unwrap();
        fs::write(&young, b"con").unwrap();
        File::open(&old).unwrap().set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
        // Another process starts: its first writing makes room.
        Directory::open(path, 1 << 20).unwrap().put(&scope(), &digest(b"more"), b"more").unwrap();
        assert!(!old.exists());
        assert!(young.exists());
        assert_eq!(cache.get(&scope(), &digest(b"content"), 100).as_deref(), Some(b"content".as_slice()));
    }

    #[test]
    fn the_oldest_makes_room_and_the_size_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Directory::open(path.clone(), 8000).unwrap();
        let content = |n: u32| vec![u8::try_from(n).unwrap(); 500];
        for n in 0..40 {
            cache.put(&scope(), &digest(&content(n)), &content(n)).unwrap();
            // As if a second lay between any two.
            let age = Duration::from_secs(u64::from(100 - n));
            File::open(cache.file(&scope(), &digest(&content(n)))).unwrap().set_modified(SystemTime::now() - age).unwrap();
            let total: u64 = files(&path).len() as u64 * 500;
            assert!(total <= 8000, "{total}");
        }
        assert_eq!(cache.get(&scope(), &digest(&content(0)), 1000), None);
        assert!(cache.get(&scope(), &digest(&content(39)), 1000).is_some());
        cache.put(&scope(), &digest(&[0; 9000]), &[0; 9000]).unwrap();
        assert_eq!(cache.get(&scope(), &digest(&[0; 9000]), 10_000), None);
    }

    #[test]
    fn many_writers_leave_whole_content_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let contents: Vec<Vec<u8>> = (0..8_u8).map(|n| vec![n; 10_000 + usize::from(n)]).collect();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    let cache = Directory::open(path.clone(), 60_000).unwrap();
                    for content in contents.iter().cycle().take(40) {
                        let _ = cache.put(&scope(), &digest(content), content);
                        let found = cache.get(&scope(), &digest(content), 100_000);
                        assert!(found.is_none_or(|found| found == *content));
                    }
                });
            }
        });
        assert!(files(&path).iter().all(|name| !name.ends_with(PART)));
    }

    #[test]
    fn what_is_no_directory_is_config_invalid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"").unwrap();
        assert_eq!(Directory::open(path, 1).err().unwrap().code(), Code::ConfigInvalid);
    }
}
