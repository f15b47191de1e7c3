//! [`Memory`]: what threads remember together, within a bound; and [`Remembered`], the map behind it, which forgets what was
//! not asked for lately.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A map that threads share, and how often it served. Where a thread panicked under its lock it remembers nothing any more.
#[derive(Debug)]
pub(crate) struct Memory<K, V> {
    entries: Mutex<Remembered<K, V>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<K: Ord, V: Clone> Memory<K, V> {
    /// As [`Remembered::new`].
    pub(crate) const fn new(entries: usize) -> Self {
        Self { entries: Mutex::new(Remembered::new(entries)), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// What is remembered, where it still holds; counted as a hit, else as a miss.
    pub(crate) fn find(&self, key: &K, holds: impl FnOnce(&V) -> bool) -> Option<V> {
        let found = self.entries.lock().ok().and_then(|mut entries| entries.get(key).cloned()).filter(holds);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    pub(crate) fn keep(&self, key: K, value: V) {
        if let Ok(mut entries) = self.entries.lock() {
            entries.insert(key, value);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.lock().map_or(0, |entries| entries.len())
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }
}

/// Two generations: what is asked for moves to the young one, and when that is full the old one is dropped. Holds at most
/// twice `of_a_generation` entries; every operation takes a logarithm of that.
#[derive(Debug)]
struct Remembered<K, V> {
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
    of_a_generation: usize,
}

impl<K: Ord, V> Remembered<K, V> {
    /// Of at most so many entries, rounded up to an even number; of none where that is 0.
    const fn new(entries: usize) -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new(), of_a_generation: entries.div_ceil(2) }
    }

    fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value);
        }
        self.young.get(key)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.of_a_generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        if self.of_a_generation > 0 {
            self.young.insert(key, value);
        }
    }

    fn len(&self) -> usize {
        self.young.len().saturating_add(self.old.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_bound() {
        for bound in [1, 2, 4, 5] {
            let mut map = Remembered::new(bound);
            for key in 0..100 {
                map.insert(key, key);
                assert_eq!(map.get(&key), Some(&key));
                assert!(map.len() <= bound + bound % 2, "{} of {bound}", map.len());
            }
        }
    }

    #[test]
    fn what_is_asked_for_stays() {
        let mut map = Remembered::new(4);
        map.insert(0, 'a');
        for key in 1..100 {
            map.insert(key, 'b');
            assert_eq!(map.get(&0), Some(&'a'), "beside {key}");
        }
        assert_eq!(map.get(&1), None);
    }

    #[test]
    fn of_no_entries_nothing_is_remembered() {
        let mut map = Remembered::new(0);
        map.insert(1, 1);
        assert_eq!(map.get(&1), None);
        assert_eq!(map.len(), 0);
    }
}
