//! [`KeyTables`]: what the tables of several keys share, and how much memory they may take together.

use super::comb::FixedBase;
use p256::NistP256;
use p384::NistP384;
use primeorder::AffinePoint;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many keys may have tables: a trust root names about ten, and a table takes 150 to 340 KB.
const MAX_TABLES: usize = 64;

/// How often a key is used without a table: building one takes as long as ten to twenty verifications.
pub(super) const USES_BEFORE: usize = 4;

/// Tables of multiples for the keys of a trust root and a policy, so that checking their ECDSA signatures (P-256, P-384)
/// takes no doublings: some six times faster in pure Rust, twice as fast as by AWS-LC.
///
/// Whether tables are there never changes an answer. They are built when a key has been used a few times, at most 64 of
/// them, and never freed before the keys are. Shared by the keys that [`PreparedKey::with_tables`] names.
///
/// [`PreparedKey::with_tables`]: super::PreparedKey::with_tables
pub struct KeyTables {
    p256: OnceLock<Option<FixedBase<NistP256>>>,
    p384: OnceLock<Option<FixedBase<NistP384>>>,
    left: AtomicUsize,
}

impl KeyTables {
    /// Without any table yet.
    #[must_use]
    pub fn new() -> Self {
        Self { p256: OnceLock::new(), p384: OnceLock::new(), left: AtomicUsize::new(MAX_TABLES) }
    }

    /// How many keys have a table by now.
    #[must_use]
    pub fn made(&self) -> usize {
        MAX_TABLES.saturating_sub(self.left.load(Ordering::Relaxed))
    }

    pub(super) fn p256(&self) -> Option<&FixedBase<NistP256>> {
        self.p256.get_or_init(|| FixedBase::new(&AffinePoint::GENERATOR)).as_ref()
    }

    pub(super) fn p384(&self) -> Option<&FixedBase<NistP384>> {
        self.p384.get_or_init(|| FixedBase::new(&AffinePoint::GENERATOR)).as_ref()
    }

    pub(super) fn take_one(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

impl Default for KeyTables {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for KeyTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyTables").field("left", &self.left).finish_non_exhaustive()
    }
}
