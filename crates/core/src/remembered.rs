//! [`Remembered`]: a bounded map that forgets what was not asked for lately.

use std::collections::BTreeMap;

/// Two generations: what is asked for moves to the young one, and when that is full the old one is dropped. Holds at most
/// twice `of_a_generation` entries; every operation takes a logarithm of that.
#[derive(Debug)]
pub(crate) struct Remembered<K, V> {
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
    of_a_generation: usize,
}

impl<K: Ord, V> Remembered<K, V> {
    /// Of at most so many entries, rounded up to an even number; of none where that is 0.
    pub(crate) const fn new(entries: usize) -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new(), of_a_generation: entries.div_ceil(2) }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value);
        }
        self.young.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.of_a_generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        if self.of_a_generation > 0 {
            self.young.insert(key, value);
        }
    }

    pub(crate) fn len(&self) -> usize {
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
