//! [`PreparedKey`]: a key made ready once, and which implementation checks its signatures.

use super::comb::{self, FixedBase};
use super::signature_cache::SignatureCache;
use super::tables::{KeyTables, USES_BEFORE};
use super::{Scheme, SignatureError, rustcrypto};
use crate::code::Failure;
use crate::key::PublicKey;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// An implementation of the primitives. Both give the same answers; tests hold them against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Pure Rust; always there.
    RustCrypto,
    /// AWS-LC, in C and assembler, for ECDSA, RSA PKCS#1 v1.5 and pure Ed25519; the rest stays with RustCrypto. Faster for keys
    /// that are seen once.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
}

impl Backend {
    /// All that this build has.
    pub const ALL: &'static [Self] = &[
        Self::RustCrypto,
        #[cfg(feature = "aws-lc-rs")]
        Self::AwsLcRs,
    ];

    /// What keys are made ready for unless something else is asked for: `aws-lc-rs` where the feature is on.
    #[must_use]
    pub const fn default_of_build() -> Self {
        #[cfg(feature = "aws-lc-rs")]
        return Self::AwsLcRs;
        #[cfg(not(feature = "aws-lc-rs"))]
        return Self::RustCrypto;
    }

    /// Its name, as in the features and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RustCrypto => "rustcrypto",
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => "aws-lc-rs",
        }
    }
}

/// A key made ready once for many checks: its point decoded, or its modulus set up. `Send` and `Sync`; what it remembers
/// beyond the key (tables) never changes an answer.
pub struct PreparedKey {
    key: PublicKey,
    generic: rustcrypto::Key,
    #[cfg(feature = "aws-lc-rs")]
    native: Option<super::aws_lc::Key>,
    cache: OnceLock<Arc<SignatureCache>>,
    shared: OnceLock<Arc<KeyTables>>,
    uses: AtomicUsize,
    /// `None` inside where the allowance of tables was used up.
    table: OnceLock<Option<Table>>,
}

enum Table {
    P256(FixedBase<p256::NistP256>),
    P384(FixedBase<p384::NistP384>),
}

impl PreparedKey {
    /// Makes `key` ready for the default backend of this build.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`](crate::Code::KeyInvalid) when it is refused; keys from [`PublicKey::from_spki`] are not.
    pub fn new(key: PublicKey) -> Result<Self, Failure> {
        Self::with_backend(key, Backend::default_of_build())
    }

    /// Makes `key` ready for one backend.
    ///
    /// # Errors
    /// As [`PreparedKey::new`].
    pub fn with_backend(key: PublicKey, backend: Backend) -> Result<Self, Failure> {
        // What a key may be is decided in one place, whatever checks its signatures.
        let decoded = rustcrypto::Key::new(&key)?;
        Ok(Self::of(key, decoded, backend))
    }

    /// As [`PublicKey::from_spki`] and [`PreparedKey::new`], but the key is decoded once.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, Failure> {
        let (key, decoded) = PublicKey::decoded(der)?;
        Ok(Self::of(key, decoded, Backend::default_of_build()))
    }

    fn of(key: PublicKey, decoded: rustcrypto::Key, backend: Backend) -> Self {
        #[cfg(not(feature = "aws-lc-rs"))]
        let Backend::RustCrypto = backend;
        Self {
            #[cfg(feature = "aws-lc-rs")]
            native: (backend == Backend::AwsLcRs).then(|| super::aws_lc::Key::new(&key)),
            generic: decoded,
            key,
            cache: OnceLock::new(),
            shared: OnceLock::new(),
            uses: AtomicUsize::new(0),
            table: OnceLock::new(),
        }
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Lets this key have a table of multiples after a few uses; for keys of P-256 and P-384 that many signatures are
    /// checked with. The first `tables` named stay.
    pub fn with_tables(&self, tables: &Arc<KeyTables>) {
        self.shared.get_or_init(|| Arc::clone(tables));
    }

    /// Lets good signatures of this key be remembered; for keys that vouch for much. The first `cache` named stays.
    pub fn with_signature_cache(&self, cache: &Arc<SignatureCache>) {
        self.cache.get_or_init(|| Arc::clone(cache));
    }

    /// `scheme` fits the key and `prehash` the scheme; the scheme is not pure Ed25519.
    pub(super) fn verify_prehash(&self, scheme: Scheme, prehash: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let check = || self.check_prehash(scheme, prehash, signature);
        self.cache.get().map_or_else(check, |cache| cache.checked(&self.key, scheme, prehash, signature, check))
    }

    /// Pure Ed25519.
    pub(super) fn verify_message(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let check = || self.check_message(message, signature);
        self.cache.get().map_or_else(check, |cache| cache.checked(&self.key, Scheme::Ed25519, message, signature, check))
    }

    fn check_message(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        #[cfg(feature = "aws-lc-rs")]
        if let Some(answer) = self.native.as_ref().and_then(|native| native.verify_message(message, signature)) {
            return answer;
        }
        self.generic.verify_message(message, signature)
    }

    fn check_prehash(&self, scheme: Scheme, prehash: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if let Some(holds) = self.verify_by_table(prehash, signature) {
            return if holds { Ok(()) } else { Err(SignatureError::Invalid) };
        }
        #[cfg(feature = "aws-lc-rs")]
        if let Some(answer) = self.native.as_ref().and_then(|native| native.verify_prehash(scheme, prehash, signature)) {
            return answer;
        }
        self.generic.verify_prehash(scheme, prehash, signature)
    }

    /// `None` where there is no table (yet).
    fn verify_by_table(&self, prehash: &[u8], signature: &[u8]) -> Option<bool> {
        let shared = self.shared.get()?;
        let table = match self.table.get() {
            Some(table) => table,
            None if self.uses.fetch_add(1, Ordering::Relaxed) < USES_BEFORE => return None,
            None => self.table.get_or_init(|| self.build_table(shared)),
        };
        Some(match table.as_ref()? {
            Table::P256(table) => {
                let generator = shared.p256()?;
                p256::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| comb::verify(generator, table, prehash, &signature))
            }
            Table::P384(table) => {
                let generator = shared.p384()?;
                p384::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| comb::verify(generator, table, prehash, &signature))
            }
        })
    }

    #[cfg(test)]
    pub(super) fn has_table(&self) -> bool {
        matches!(self.table.get(), Some(Some(_)))
    }

    fn build_table(&self, shared: &KeyTables) -> Option<Table> {
        match &self.generic {
            rustcrypto::Key::P256(key) if shared.take_one() => Some(Table::P256(FixedBase::new(key.as_affine())?)),
            rustcrypto::Key::P384(key) if shared.take_one() => Some(Table::P384(FixedBase::new(key.as_affine())?)),
            _ => None,
        }
    }
}

impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared{:?}", self.key)
    }
}
