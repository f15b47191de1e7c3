//! Content in memory, the least recently used first out.

use super::Scope;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use veriseal::digest::Digest;

type Key = (Scope, Digest);

/// At most so many bytes of content.
pub(super) struct Memory {
    max_bytes: u64,
    bytes: u64,
    /// Counts uses; the time of this cache.
    now: u64,
    content: HashMap<Key, (Arc<[u8]>, u64)>,
    by_use: BTreeMap<u64, Key>,
}

impl Memory {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { max_bytes, bytes: 0, now: 0, content: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, scope: &Scope, digest: &Digest) -> Option<Arc<[u8]>> {
        let key = (scope.clone(), *digest);
        let (content, used) = self.content.get_mut(&key)?;
        self.now = self.now.saturating_add(1);
        self.by_use.remove(used);
        *used = self.now;
        let content = Arc::clone(content);
        self.by_use.insert(self.now, key);
        Some(content)
    }

    pub(super) fn put(&mut self, scope: &Scope, digest: &Digest, content: Arc<[u8]>) {
        let size = size(&content);
        if size > self.max_bytes {
            return;
        }
        self.remove(scope, digest);
        while self.bytes.saturating_add(size) > self.max_bytes {
            let Some((_, (scope, digest))) = self.by_use.first_key_value().map(|(used, key)| (*used, key.clone())) else {
                return;
            };
            self.remove(&scope, &digest);
        }
        self.now = self.now.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size);
        self.by_use.insert(self.now, (scope.clone(), *digest));
        self.content.insert((scope.clone(), *digest), (content, self.now));
    }

    pub(super) fn remove(&mut self, scope: &Scope, digest: &Digest) {
        if let Some((content, used)) = self.content.remove(&(scope.clone(), *digest)) {
            self.by_use.remove(&used);
            self.bytes = self.bytes.saturating_sub(size(&content));
        }
    }
}

/// What content counts as: its bytes and about what holding it takes.
fn size(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX).saturating_add(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_makes_room() {
        let scope = Scope::new(&["a"]);
        let digest = |n: u8| Digest::sha256(&[n]);
        let mut memory = Memory::new(3 * 300);
        let content: Arc<[u8]> = vec![0; 100].into();
        for n in 0..3 {
            memory.put(&scope, &digest(n), Arc::clone(&content));
        }
        assert!(memory.get(&scope, &digest(0)).is_some());
        memory.put(&scope, &digest(3), Arc::clone(&content));
        assert!(memory.get(&scope, &digest(1)).is_none());
        for n in [0, 2, 3] {
            assert!(memory.get(&scope, &digest(n)).is_some(), "{n}");
        }
        // What is put again takes its own place.
        memory.put(&scope, &digest(3), Arc::clone(&content));
        assert_eq!(memory.content.len(), 3);
        assert_eq!(memory.bytes, 900);
        // What is larger than all of it moves nothing out.
        memory.put(&scope, &digest(4), vec![0; 1000].into());
        assert_eq!(memory.content.len(), 3);
        assert_eq!(memory.by_use.len(), 3);
    }
}
