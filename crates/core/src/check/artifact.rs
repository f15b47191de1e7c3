//! [`Artifact`]: what a signature must be about, by digest and, where at hand, by its bytes.

use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm, Hasher};
use std::collections::BTreeSet;
use std::hash::Hash as _;

/// The thing under verification. A digest suffices for everything but pure Ed25519 message signatures.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    digests: Vec<Digest>,
    bytes: Option<&'a [u8]>,
}

impl<'a> Artifact<'a> {
    /// An artifact of which only the digest is known.
    #[must_use]
    pub fn digest(digest: Digest) -> Artifact<'static> {
        Artifact { digests: vec![digest], bytes: None }
    }

    /// An artifact by its bytes; every digest is taken from them.
    #[must_use]
    pub fn bytes(bytes: &'a [u8]) -> Self {
        Self { digests: vec![Digest::sha256(bytes)], bytes: Some(bytes) }
    }

    /// The bytes of `digest`, which the caller has shown to match.
    pub(crate) fn content(digest: Digest, bytes: &'a [u8]) -> Self {
        Self { digests: vec![digest], bytes: Some(bytes) }
    }

    /// The digest that names the artifact.
    #[must_use]
    pub fn name(&self) -> Option<&Digest> {
        self.digests.first()
    }

    /// All digests at hand.
    #[must_use]
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// Feeds what it is known by to a hasher: its digests, which were taken of its bytes, and whether these are at hand.
    pub(crate) fn known_by(&self, hasher: &mut impl std::hash::Hasher) {
        self.digests.hash(hasher);
        self.bytes.is_some().hash(hasher);
    }

    pub(crate) fn as_bytes(&self) -> Option<&'a [u8]> {
        self.bytes
    }

    /// The digests at hand and those under `algorithms`, taken now where the bytes are at hand: whatever a signed document
    /// names the artifact by is held against it, so that an answer does not depend on how the artifact was given.
    pub(crate) fn digests_with(&self, algorithms: &BTreeSet<HashAlgorithm>) -> Vec<Digest> {
        let mut digests = self.digests.clone();
        for &algorithm in algorithms {
            if digests.iter().all(|digest| digest.algorithm() != algorithm) {
                digests.extend(self.digest_under(algorithm));
            }
        }
        digests
    }

    /// The digest under `algorithm`, taken now where the bytes are at hand.
    pub(crate) fn digest_under(&self, algorithm: HashAlgorithm) -> Result<Digest, Failure> {
        let known = self.digests.iter().find(|digest| digest.algorithm() == algorithm).copied();
        known.or_else(|| self.bytes.map(|bytes| algorithm.hash(&[bytes]))).ok_or_else(|| {
            Failure::new(Code::NeedsArtifactBytes)
                .expected(format_args!("the artifact, or its {algorithm} digest"))
                .found("another digest only")
        })
    }
}

/// Takes all digests of an artifact that arrives in pieces, in constant memory.
#[derive(Clone, Debug)]
pub struct ArtifactHasher {
    hashers: [Hasher; 3],
}

impl Default for ArtifactHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl ArtifactHasher {
    /// Starts an empty artifact.
    #[must_use]
    pub fn new() -> Self {
        Self { hashers: [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512].map(Hasher::new) }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    /// The artifact, known by its SHA-256, SHA-384 and SHA-512.
    #[must_use]
    pub fn finish(self) -> Artifact<'static> {
        Artifact { digests: self.hashers.map(Hasher::finish).into(), bytes: None }
    }
}
