//! [`Artifact`]: what a signature must be about, by digest and, where at hand, by its bytes.

use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm, Hasher};
use std::hash::Hash as _;
use std::ops::Deref;

/// The thing under verification. A digest suffices for everything but pure Ed25519 message signatures.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    digests: Digests,
    bytes: Option<&'a [u8]>,
}

/// One digest an algorithm at most, the first of which names the artifact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digests {
    all: [Digest; 3],
    length: usize,
}

impl Digests {
    fn of(digests: impl IntoIterator<Item = Digest>) -> Self {
        let mut all = Self { all: [Digest::Sha256([0; 32]); 3], length: 0 };
        digests.into_iter().for_each(|digest| all.add(digest));
        all
    }

    /// Adds a digest of an algorithm that none of them has.
    fn add(&mut self, digest: Digest) {
        if self.iter().any(|known| known.algorithm() == digest.algorithm()) {
            return;
        }
        if let Some(place) = self.all.get_mut(self.length) {
            *place = digest;
            self.length = self.length.saturating_add(1);
        }
    }
}

impl Deref for Digests {
    type Target = [Digest];
    fn deref(&self) -> &[Digest] {
        self.all.get(..self.length).unwrap_or_default()
    }
}

impl<'a> Artifact<'a> {
    /// An artifact of which only the digest is known.
    #[must_use]
    pub fn digest(digest: Digest) -> Artifact<'static> {
        Artifact { digests: Digests::of([digest]), bytes: None }
    }

    /// An artifact by its bytes; every digest is taken from them.
    #[must_use]
    pub fn bytes(bytes: &'a [u8]) -> Self {
        Self { digests: Digests::of([Digest::sha256(bytes)]), bytes: Some(bytes) }
    }

    /// The bytes of `digest`, which the caller has shown to match.
    pub(crate) fn content(digest: Digest, bytes: &'a [u8]) -> Self {
        Self { digests: Digests::of([digest]), bytes: Some(bytes) }
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
    pub(crate) fn digests_with(&self, algorithms: impl IntoIterator<Item = HashAlgorithm>) -> Digests {
        let mut digests = self.digests;
        for algorithm in algorithms {
            if digests.iter().all(|digest| digest.algorithm() != algorithm) {
                self.digest_under(algorithm).into_iter().for_each(|digest| digests.add(digest));
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

/// Takes the digests of an artifact that arrives in pieces, in constant memory.
#[derive(Clone, Debug)]
pub struct ArtifactHasher {
    hashers: Vec<Hasher>,
}

impl Default for ArtifactHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl ArtifactHasher {
    /// Starts an empty artifact of which every digest is taken: whatever its bundle names it by can be held against it.
    #[must_use]
    pub fn new() -> Self {
        Self::of(&[HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512])
    }

    /// Starts an empty artifact of which these digests are taken, each once, the first of which names it: where it is known
    /// what its bundle names it by, a third to an eighth of the work. Of none it is SHA-256. What a bundle names it by beside
    /// these cannot be found out then ([`Code::NeedsArtifactBytes`]).
    #[must_use]
    pub fn of(algorithms: &[HashAlgorithm]) -> Self {
        let mut wanted: Vec<HashAlgorithm> = Vec::with_capacity(algorithms.len());
        for algorithm in algorithms {
            if !wanted.contains(algorithm) {
                wanted.push(*algorithm);
            }
        }
        if wanted.is_empty() {
            wanted.push(HashAlgorithm::Sha256);
        }
        Self { hashers: wanted.into_iter().map(Hasher::new).collect() }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    /// The artifact, known by these digests.
    #[must_use]
    pub fn finish(self) -> Artifact<'static> {
        Artifact { digests: Digests::of(self.hashers.into_iter().map(Hasher::finish)), bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_digests_that_are_named_are_taken() {
        let of = |algorithms: &[HashAlgorithm]| {
            let mut hasher = ArtifactHasher::of(algorithms);
            hasher.update(b"im");
            hasher.update(b"age");
            hasher.finish().digests().to_vec()
        };
        let (sha256, sha512) = (Digest::sha256(b"image"), HashAlgorithm::Sha512.hash(&[b"image"]));
        assert_eq!(of(&[HashAlgorithm::Sha512, HashAlgorithm::Sha512]), [sha512]);
        assert_eq!(of(&[HashAlgorithm::Sha512, HashAlgorithm::Sha256]), [sha512, sha256]);
        assert_eq!(of(&[]), [sha256]);
        let mut all = ArtifactHasher::new();
        all.update(b"image");
        let all = all.finish();
        assert_eq!((all.name(), all.digests().len()), (Some(&sha256), 3));
    }

    #[test]
    fn a_digest_that_was_not_taken_cannot_be_found_out() {
        let artifact = ArtifactHasher::of(&[HashAlgorithm::Sha256]).finish();
        let missing = artifact.digest_under(HashAlgorithm::Sha512);
        assert_eq!(missing.unwrap_err().code(), Code::NeedsArtifactBytes);
    }
}
