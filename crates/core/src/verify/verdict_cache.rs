//! [`VerdictCache`]: acceptances remembered, so that the same evidence is not verified again.

use super::outcome::{Accepted, AcceptedBlob};
use super::verifier::Verifier;
use crate::check::Artifact;
use crate::crypto::Backend;
use crate::gather::Evidence;
use crate::policy::Authority;
use crate::remembered::Memory;
use crate::time::{Present, UnixTime};
use sha2::{Digest as _, Sha256};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Evidence larger than this is verified each time, so that the most an entry holds is known.
const MAX_EVIDENCE_BYTES: usize = 1024 * 1024;

/// Acceptances of one or several [`Verifier`]s, by everything that they depend on: reference and digest, every byte of the
/// evidence and what could not be gathered, policy, trust root, limits, platforms, backend and version of this crate.
///
/// Only what a verifier accepted gets in, and only a verifier takes it out, for the very same inputs. A remembered verdict is
/// given for the times at which every rule about time has the same outcome, to the nanosecond, and not beyond; a verdict
/// and a report never differ from what verifying again would give. Refusals are never remembered. Evidence is gathered each
/// time: tags are resolved, and signatures listed, on every call.
///
/// Bounded by a number of entries; the least recently used half goes when it is full. An entry holds what a report tells and
/// the verified statements, a few times the size of its evidence, which is at most 1 MiB. `Send + Sync`: threads share one.
///
/// ```
/// use std::sync::Arc;
/// use veriseal::{Authority, KeyAuthority, Policy, PublicKey, Requirement, TrustRoot, VerdictCache, Verifier};
///
/// # fn main() -> Result<(), veriseal::Failure> {
/// # let pem = b"-----BEGIN PUBLIC KEY-----
/// # MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
/// # -----END PUBLIC KEY-----";
/// # let key = Authority::Key(KeyAuthority::new(PublicKey::from_pem(pem)?, "release.pub"));
/// # let policy = Policy::new(Requirement::signed_by(key))?;
/// let cache = Arc::new(VerdictCache::new(1024));
/// let verifier = Verifier::new(TrustRoot::sigstore()?, policy).with_verdict_cache(Arc::clone(&cache));
/// assert_eq!((cache.hits(), cache.misses()), (0, 0));
/// # let _ = verifier;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct VerdictCache(Memory<Key, Entry>);

/// SHA-256 over everything that a verdict depends on but the time.
type Key = [u8; 32];

#[derive(Clone, Debug)]
struct Entry {
    /// First and last moment at which the verdict is what it is.
    unchanged: (UnixTime, UnixTime),
    verdict: Verdict,
}

#[derive(Clone, Debug)]
enum Verdict {
    Image(Accepted),
    Blob(AcceptedBlob),
}

impl VerdictCache {
    /// A cache of at most so many acceptances; of none where that is 0.
    #[must_use]
    pub const fn new(entries: usize) -> Self {
        Self(Memory::new(entries))
    }

    /// How often a remembered verdict was given.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.0.hits()
    }

    /// How often there was none to give.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.0.misses()
    }

    /// How many verdicts are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, key: &Key, now: UnixTime) -> Option<Verdict> {
        let holds = |Entry { unchanged: (first, last), .. }: &Entry| *first <= now && now <= *last;
        self.0.find(key, holds).map(|entry| entry.verdict)
    }

    fn put(&self, key: Key, present: &Present, verdict: Verdict) {
        self.0.keep(key, Entry { unchanged: present.unchanged(), verdict });
    }
}

/// A cache as one verifier uses it.
#[derive(Clone, Debug)]
pub(super) struct Remembering {
    cache: Arc<VerdictCache>,
    /// What reports name and the verifier's fingerprint leaves out: the names of keys and trust roots.
    names: Key,
}

impl Remembering {
    pub(super) fn new(cache: Arc<VerdictCache>, verifier: &Verifier) -> Self {
        let mut names = KeyHasher::new("veriseal names v1");
        verifier.trust.origin().hash(&mut names);
        for leaf in verifier.policy.leaves() {
            leaf.authority().describe().hash(&mut names);
            if let Authority::Key(key) = leaf.authority() {
                key.name().hash(&mut names);
            }
            leaf.trust_root().map(|trust| trust.origin()).hash(&mut names);
        }
        Self { cache, names: names.key() }
    }

    /// The place of this evidence under this verifier; none where it is too large.
    pub(super) fn image(&self, verifier: &Verifier, evidence: &Evidence) -> Option<Place<'_>> {
        if evidence.size() > MAX_EVIDENCE_BYTES {
            return None;
        }
        let mut hasher = self.hasher("veriseal image verdict v1", verifier);
        evidence.hash(&mut hasher);
        Some(Place { cache: &self.cache, key: hasher.key() })
    }

    /// The place of this blob and bundle under this verifier; none where they are too large.
    pub(super) fn blob(&self, verifier: &Verifier, artifact: &Artifact<'_>, bundle: &[u8]) -> Option<Place<'_>> {
        if bundle.len() > MAX_EVIDENCE_BYTES {
            return None;
        }
        let mut hasher = self.hasher("veriseal blob verdict v1", verifier);
        artifact.known_by(&mut hasher);
        bundle.hash(&mut hasher);
        Some(Place { cache: &self.cache, key: hasher.key() })
    }

    fn hasher(&self, kind: &str, verifier: &Verifier) -> KeyHasher {
        let mut hasher = KeyHasher::new(kind);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        Backend::default_of_build().hash(&mut hasher);
        verifier.fingerprint().hash(&mut hasher);
        verifier.weakened.hash(&mut hasher);
        self.names.hash(&mut hasher);
        hasher
    }
}

/// Where a verdict is remembered.
pub(super) struct Place<'c> {
    cache: &'c VerdictCache,
    key: Key,
}

impl Place<'_> {
    pub(super) fn image(&self, now: UnixTime) -> Option<Accepted> {
        match self.cache.get(&self.key, now)? {
            Verdict::Image(accepted) => Some(accepted.as_of(now)),
            Verdict::Blob(_) => None,
        }
    }

    pub(super) fn blob(&self, now: UnixTime) -> Option<AcceptedBlob> {
        match self.cache.get(&self.key, now)? {
            Verdict::Blob(accepted) => Some(accepted.as_of(now)),
            Verdict::Image(_) => None,
        }
    }

    pub(super) fn keep_image(&self, accepted: &Accepted, present: &Present) {
        self.cache.put(self.key, present, Verdict::Image(accepted.clone()));
    }

    pub(super) fn keep_blob(&self, accepted: &AcceptedBlob, present: &Present) {
        self.cache.put(self.key, present, Verdict::Blob(accepted.clone()));
    }
}

/// Feeds whatever is hashed to SHA-256: what derives [`Hash`] leaves no field out, and nobody finds two that collide.
struct KeyHasher(Sha256);

impl KeyHasher {
    fn new(kind: &str) -> Self {
        let mut hasher = Self(Sha256::new());
        kind.hash(&mut hasher);
        hasher
    }

    fn key(self) -> Key {
        self.0.finalize().into()
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: the key is the whole digest.
    fn finish(&self) -> u64 {
        0
    }
}
