//! [`Load`]: how much is under way, and what is refused because it would be too much.
//!
//! Three bounds, each of which is looked at and never waited for: requests under way, the bytes that they and their evidence
//! hold, and images under way at one registry. The last one keeps a registry that hangs from taking the places of all
//! others: what asks it beyond its share is denied at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests under way.
    pub reviews: u64,
    /// Images under way at one registry.
    pub images_per_registry: u64,
    /// Bytes of the bodies of all requests under way.
    pub body_bytes: u64,
    /// Bytes of the evidence of all requests under way.
    pub evidence_bytes: u64,
}

impl Bounds {
    /// 512 requests, a quarter of that for one registry, 32 MiB of bodies, 256 MiB of evidence.
    pub const DEFAULT: Self =
        Self { reviews: 512, images_per_registry: 128, body_bytes: 32 * 1024 * 1024, evidence_bytes: 256 * 1024 * 1024 };
}

/// What is under way.
#[derive(Debug)]
pub(super) struct Load {
    bounds: Bounds,
    reviews: AtomicU64,
    bodies: AtomicU64,
    evidence: AtomicU64,
    registries: Mutex<BTreeMap<String, u64>>,
}

impl Load {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        let none = || AtomicU64::new(0);
        Arc::new(Self { bounds, reviews: none(), bodies: none(), evidence: none(), registries: Mutex::default() })
    }

    /// A place for a request, until it is dropped.
    pub(super) fn review(self: &Arc<Self>) -> Option<Held> {
        self.hold(Which::Reviews, 1, self.bounds.reviews)
    }

    /// Room for a body, until it is dropped.
    pub(super) fn body(self: &Arc<Self>, bytes: u64) -> Option<Held> {
        self.hold(Which::Bodies, bytes, self.bounds.body_bytes)
    }

    /// Room for evidence, until it is dropped.
    pub(super) fn evidence(self: &Arc<Self>, bytes: u64) -> Option<Held> {
        self.hold(Which::Evidence, bytes, self.bounds.evidence_bytes)
    }

    /// A place at a registry, until it is dropped.
    pub(super) fn registry(self: &Arc<Self>, host: &str) -> Option<AtRegistry> {
        let mut registries = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = registries.get(host).copied().unwrap_or(0);
        if taken >= self.bounds.images_per_registry {
            return None;
        }
        registries.insert(host.to_owned(), taken.saturating_add(1));
        Some(AtRegistry { load: Arc::clone(self), host: host.to_owned() })
    }

    /// Requests under way.
    pub(super) fn reviews_under_way(&self) -> u64 {
        self.reviews.load(Ordering::Relaxed)
    }

    fn hold(self: &Arc<Self>, which: Which, amount: u64, most: u64) -> Option<Held> {
        let taken = self
            .count(which)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| held.checked_add(amount).filter(|sum| *sum <= most));
        taken.is_ok().then(|| Held { load: Arc::clone(self), which, amount })
    }

    fn count(&self, which: Which) -> &AtomicU64 {
        match which {
            Which::Reviews => &self.reviews,
            Which::Bodies => &self.bodies,
            Which::Evidence => &self.evidence,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Which {
    Reviews,
    Bodies,
    Evidence,
}

/// Some of a bound; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    load: Arc<Load>,
    which: Which,
    amount: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.count(self.which).fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// A place at a registry; given back when dropped.
#[derive(Debug)]
pub(super) struct AtRegistry {
    load: Arc<Load>,
    host: String,
}

impl Drop for AtRegistry {
    fn drop(&mut self) {
        let mut registries = self.load.registries.lock().unwrap_or_else(PoisonError::into_inner);
        let left = registries.get(&self.host).map_or(0, |taken| taken.saturating_sub(1));
        // Names come from requests: what is not asked any more is not remembered.
        if left == 0 {
            registries.remove(&self.host);
        } else if let Some(taken) = registries.get_mut(&self.host) {
            *taken = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_until_it_is_dropped() {
        let load = Load::new(Bounds { reviews: 2, images_per_registry: 1, body_bytes: 10, evidence_bytes: 10 });
        let (one, two) = (load.review().unwrap(), load.review().unwrap());
        assert!(load.review().is_none());
        drop(one);
        assert!(load.review().is_some(), "and given back at once");
        drop(two);
        assert_eq!(load.reviews_under_way(), 0);
        let most = load.body(10).unwrap();
        assert!(load.body(1).is_none());
        assert!(load.evidence(10).is_some(), "bounds of its own");
        drop(most);
        assert!(load.body(11).is_none() && load.body(u64::MAX).is_none());
    }

    #[test]
    fn one_registry_does_not_take_the_places_of_another() {
        let load = Load::new(Bounds { images_per_registry: 1, ..Bounds::DEFAULT });
        let held = load.registry("slow.example");
        assert!(held.is_some() && load.registry("slow.example").is_none());
        assert!(load.registry("other.example").is_some());
        drop(held);
        assert!(load.registry("slow.example").is_some());
        assert!(load.registries.lock().unwrap().is_empty(), "what nobody asks is forgotten");
    }
}
