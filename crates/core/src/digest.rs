//! [`Digest`] and [`Content`]: typed hash values, and bytes that were shown to match one.
//!
//! OCI image-spec `descriptor.md#digests`: registered algorithms with strict lower-case hex. Does not fetch anything
//! and does not accept an algorithm that it cannot compute.

use crate::code::{Code, Failure};
use crate::encoding::hex;
use sha2::Digest as _;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The hash functions in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Bytes of a value.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The name in OCI digests and in-toto digest sets: `sha256`, `sha384`, `sha512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The algorithm of that name, exact and lower-case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Hashes the parts as if they were one message.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> Digest {
        fn run<H: sha2::Digest>(parts: &[&[u8]]) -> sha2::digest::Output<H> {
            let mut hasher = H::new();
            for part in parts {
                hasher.update(part);
            }
            hasher.finalize()
        }
        match self {
            Self::Sha256 => Digest::Sha256(run::<sha2::Sha256>(parts).into()),
            Self::Sha384 => Digest::Sha384(run::<sha2::Sha384>(parts).into()),
            Self::Sha512 => Digest::Sha512(run::<sha2::Sha512>(parts).into()),
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hash being taken over bytes that arrive in pieces.
#[derive(Clone, Debug)]
pub struct Hasher(HasherState);

#[derive(Clone, Debug)]
enum HasherState {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Starts an empty hash.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self(match algorithm {
            HashAlgorithm::Sha256 => HasherState::Sha256(sha2::Sha256::new()),
            HashAlgorithm::Sha384 => HasherState::Sha384(sha2::Sha384::new()),
            HashAlgorithm::Sha512 => HasherState::Sha512(sha2::Sha512::new()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            HasherState::Sha256(hasher) => hasher.update(bytes),
            HasherState::Sha384(hasher) => hasher.update(bytes),
            HasherState::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The value over all bytes added.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            HasherState::Sha256(hasher) => Digest::Sha256(hasher.finalize().into()),
            HasherState::Sha384(hasher) => Digest::Sha384(hasher.finalize().into()),
            HasherState::Sha512(hasher) => Digest::Sha512(hasher.finalize().into()),
        }
    }
}

/// Text is hashed as the bytes that it is.
impl fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.update(text.as_bytes());
        Ok(())
    }
}

/// SHA-256 over one message.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// SHA-256 over parts taken as one message.
#[must_use]
pub fn sha256_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// A digest: algorithm and value of that algorithm's length. Equality is on typed bytes, never on text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::Sha256(sha256(bytes))
    }

    /// A digest from its raw value.
    ///
    /// Returns `None` when the length is not the algorithm's.
    #[must_use]
    pub fn from_bytes(algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Self> {
        Some(match algorithm {
            HashAlgorithm::Sha256 => Self::Sha256(bytes.try_into().ok()?),
            HashAlgorithm::Sha384 => Self::Sha384(bytes.try_into().ok()?),
            HashAlgorithm::Sha512 => Self::Sha512(bytes.try_into().ok()?),
        })
    }

    /// A digest from its value in hex, of exactly the algorithm's length.
    pub(crate) fn from_hex(algorithm: HashAlgorithm, text: &str, case: hex::Case) -> Option<Self> {
        let mut bytes = [0; 64];
        let bytes = bytes.get_mut(..algorithm.length())?;
        hex::decode_into(text, case, bytes)?;
        Self::from_bytes(algorithm, bytes)
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        match self {
            Self::Sha256(_) => HashAlgorithm::Sha256,
            Self::Sha384(_) => HashAlgorithm::Sha384,
            Self::Sha512(_) => HashAlgorithm::Sha512,
        }
    }

    /// The raw value.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(value) => value,
            Self::Sha384(value) => value,
            Self::Sha512(value) => value,
        }
    }

    /// The value in lower-case hex, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// Whether `bytes` hash to this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.algorithm().hash(&[bytes]) == *self
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm())?;
        hex::write(f, self.as_bytes())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Failure;

    /// Parses `algorithm:hex`, lower-case and of exact length. Anything else, path tricks included, is
    /// [`Code::DigestInvalid`].
    fn from_str(text: &str) -> Result<Self, Failure> {
        let invalid = || Failure::new(Code::DigestInvalid).expected("sha256: and 64 lower-case hex digits").found(text);
        let (name, value) = text.split_once(':').ok_or_else(invalid)?;
        let algorithm = HashAlgorithm::from_name(name).ok_or_else(invalid)?;
        Self::from_hex(algorithm, value, hex::Case::Lower).ok_or_else(invalid)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Bytes together with the digest they were shown to have. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    digest: Digest,
    bytes: Arc<[u8]>,
}

/// By the digest alone, which was shown to be that of the bytes.
impl std::hash::Hash for Content {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Content {
    /// Bytes that must have the digest `expected`.
    ///
    /// # Errors
    /// [`Code::DigestMismatch`] when they hash to something else.
    pub fn check(expected: &Digest, bytes: impl Into<Arc<[u8]>>) -> Result<Self, Failure> {
        let bytes = bytes.into();
        let found = expected.algorithm().hash(&[&bytes]);
        if found == *expected {
            Ok(Self { digest: found, bytes })
        } else {
            Err(Failure::new(Code::DigestMismatch).expected(expected).found(found))
        }
    }

    /// Bytes whose digest is learned here, as when a tag is resolved. Always SHA-256.
    #[must_use]
    pub fn learn(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { digest: Digest::sha256(&bytes), bytes }
    }

    /// The digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The bytes themselves, exactly as they arrived.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({}, {} bytes)", self.digest, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_OBJECT: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn content_is_made_only_from_matching_bytes() {
        let digest: Digest = EMPTY_OBJECT.parse().unwrap();
        assert_eq!(Content::check(&digest, *b"{}").unwrap().bytes(), b"{}");
        assert_eq!(Content::check(&digest, *b"{ }").unwrap_err().code(), Code::DigestMismatch);
        assert_eq!(Content::learn(*b"{}").digest(), &digest);
    }

    #[test]
    fn a_digest_round_trips_in_each_algorithm() {
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
            let digest = algorithm.hash(&[b"a", b"b"]);
            assert_eq!(digest, algorithm.hash(&[b"ab"]));
            assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"b");
            assert_eq!(hasher.finish(), digest);
        }
    }

    /// K-OC-13, K-CR-07.
    #[test]
    fn what_is_not_a_digest_is_digest_invalid() {
        let hex = "0".repeat(64);
        for text in [
            String::new(),
            hex.clone(),
            format!("sha256:{}", "0".repeat(63)),
            format!("sha256:{}", "0".repeat(65)),
            format!("sha256:{}", "0".repeat(128)),
            format!("sha512:{hex}"),
            format!("sha256:{}", "A".repeat(64)),
            format!("SHA256:{hex}"),
            format!("sha256:{}é", "0".repeat(62)),
            format!("md5:{}", "0".repeat(32)),
            format!("sha1:{}", "0".repeat(40)),
            "sha256:../../../../etc/passwd".to_owned(),
            format!(" sha256:{hex}"),
            format!("sha256:{hex}\n"),
            format!("sha256::{hex}"),
        ] {
            assert_eq!(text.parse::<Digest>().unwrap_err().code(), Code::DigestInvalid, "{text}");
        }
    }
}
