//! [`SignatureCache`]: good signatures of long-lived keys, remembered.

use super::Scheme;
use crate::digest::sha256_parts;
use crate::key::PublicKey;
use crate::remembered::Memory;

/// Signatures of the keys of trust roots and policies that were found good, so that one which comes again is not checked
/// again: the checkpoint under many entries, the certificate and its timestamps that sign several artifacts.
///
/// Remembers the outcome of one computation by all that goes into it (key, scheme, what is signed, signature) as SHA-256,
/// and nothing of what follows from it: windows, identities and digests are held against every call. Bad signatures are not
/// remembered. A verdict never depends on it.
///
/// Bounded by a number of entries of about 100 bytes; the least recently used half goes when it is full. `Send + Sync`.
#[derive(Debug)]
pub struct SignatureCache(Memory<[u8; 32], ()>);

impl SignatureCache {
    /// A cache of at most so many signatures; of none where that is 0.
    #[must_use]
    pub const fn new(entries: usize) -> Self {
        Self(Memory::new(entries))
    }

    /// How often a check was saved.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.0.hits()
    }

    /// How often a signature had to be checked.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.0.misses()
    }

    /// Looks up one check, and remembers it where `check` finds the signature good.
    pub(super) fn checked<E>(
        &self,
        key: &PublicKey,
        scheme: Scheme,
        signed: &[u8],
        signature: &[u8],
        check: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes();
        let scheme = scheme.to_string();
        let id = sha256_parts(&[
            b"veriseal signature v1\n",
            key.id(),
            &length(scheme.as_bytes()),
            scheme.as_bytes(),
            &length(signed),
            signed,
            signature,
        ]);
        if self.0.find(&id, |()| true).is_none() {
            check()?;
            self.0.keep(id, ());
        }
        Ok(())
    }
}
