//! [`Cache`]: content under its digest, so that what was fetched once need not be fetched again.
//!
//! Holds nothing but bytes that matched their digest, and believes nothing of what it gives back: each is hashed again on
//! reading, and what does not match is a miss and removed (INV-17, K-CA-01). What cannot be proved by a digest (tags,
//! lists, "there is none") is never in it (K-CA-02). Entries belong to the credentials that they were fetched with. A
//! cache that fails changes no verdict.

mod directory;
mod memory;

use directory::Directory;
use memory::Memory;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use veriseal::code::Failure;
use veriseal::digest::{Digest, sha256_parts};

/// A store of content by digest. Cheap to clone; clones share it, and so may several [`Registry`](crate::Registry)s.
#[derive(Clone)]
pub struct Cache(Arc<Kind>);

enum Kind {
    Memory(Mutex<Memory>),
    Directory(Directory),
}

impl Cache {
    /// In memory, at most so many bytes; the least recently used content makes room.
    #[must_use]
    pub fn memory(max_bytes: u64) -> Self {
        Self(Arc::new(Kind::Memory(Mutex::new(Memory::new(max_bytes)))))
    }

    /// In a directory, which is made where it does not exist, of about `max_bytes`; the oldest content makes room.
    ///
    /// May be shared by processes: content is written beside and put in place at once, so that neither a crash nor
    /// another writer leaves half of it. Whoever can read the directory can read what is in it.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`](veriseal::code::Code::ConfigInvalid) where it cannot be made or is no directory.
    pub fn directory(path: impl Into<PathBuf>, max_bytes: u64) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Kind::Directory(Directory::open(path.into(), max_bytes)?))))
    }

    /// The content with this digest, if it is here, whole and not longer than `max_bytes`.
    pub(crate) async fn get(&self, scope: &Scope, digest: &Digest, max_bytes: u64) -> Option<Vec<u8>> {
        let (cache, scope, digest) = (self.clone(), scope.clone(), *digest);
        // Reading and hashing may take a while, and others are waiting on this thread.
        let reading = move || match &*cache.0 {
            Kind::Memory(memory) => {
                let found = memory.lock().unwrap_or_else(PoisonError::into_inner).get(&scope, &digest)?;
                if !digest.matches(&found) {
                    memory.lock().unwrap_or_else(PoisonError::into_inner).remove(&scope, &digest);
                    return None;
                }
                u64::try_from(found.len()).is_ok_and(|length| length <= max_bytes).then(|| found.to_vec())
            }
            Kind::Directory(directory) => directory.get(&scope, &digest, max_bytes),
        };
        tokio::task::spawn_blocking(reading).await.ok().flatten()
    }

    /// Keeps content that matches its digest; other content is not kept.
    pub(crate) async fn put(&self, scope: &Scope, digest: &Digest, bytes: &[u8]) {
        let (cache, scope, digest, bytes) = (self.clone(), scope.clone(), *digest, bytes.to_vec());
        let writing = move || {
            if !digest.matches(&bytes) {
                return;
            }
            match &*cache.0 {
                Kind::Memory(memory) => memory.lock().unwrap_or_else(PoisonError::into_inner).put(&scope, &digest, bytes.into()),
                // What could not be written is fetched again next time.
                Kind::Directory(directory) => drop(directory.put(&scope, &digest, &bytes)),
            }
        };
        let _ = tokio::task::spawn_blocking(writing).await;
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Kind::Memory(_) => "Cache(memory)",
            Kind::Directory(_) => "Cache(directory)",
        })
    }
}

/// Whose content it is: where it came from, and as whom it was fetched.
///
/// Without it, whoever shares a cache could learn, by digest alone, what only another may read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope(Digest);

impl Scope {
    /// A scope from its parts, whose lengths are told apart.
    pub(crate) fn new(parts: &[&str]) -> Self {
        let lengths: Vec<_> = parts.iter().map(|part| format!("{}:", part.len())).collect();
        let parts: Vec<_> = lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_bytes(), part.as_bytes()]).collect();
        let hash = sha256_parts(&[&[b"veriseal cache v1\n".as_slice()], parts.as_slice()].concat());
        Self(Digest::Sha256(hash))
    }

    /// The name of its folder.
    fn name(&self) -> String {
        self.0.hex()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_tells_its_parts_apart() {
        assert_eq!(Scope::new(&["a", "b"]), Scope::new(&["a", "b"]));
        for other in [&["ab"][..], &["a", "b", ""], &["", "a", "b"], &["b", "a"], &["a", "c"]] {
            assert_ne!(Scope::new(&["a", "b"]), Scope::new(other));
        }
    }

    /// K-CA-01.
    #[tokio::test]
    async fn content_is_found_again_in_its_own_scope_only() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (Scope::new(&["reg.example", "victim"]), Scope::new(&["reg.example", "anonymous"]));
        for cache in [Cache::memory(1000), Cache::directory(folder.path().join("cache"), 1000).unwrap()] {
            let digest = Digest::sha256(b"content");
            assert_eq!(cache.get(&own, &digest, 100).await, None);
            cache.put(&own, &digest, b"content").await;
            assert_eq!(cache.get(&own, &digest, 100).await.as_deref(), Some(b"content".as_slice()));
            assert_eq!(cache.get(&own, &digest, 7).await.as_deref(), Some(b"content".as_slice()));
            assert_eq!(cache.get(&own, &digest, 6).await, None, "{cache:?}");
            assert_eq!(cache.get(&other, &digest, 100).await, None);
            // What does not match its digest is not kept in the first place.
            let wrong = Digest::sha256(b"other");
            cache.put(&own, &wrong, b"content").await;
            assert_eq!(cache.get(&own, &wrong, 100).await, None);
        }
    }
}
