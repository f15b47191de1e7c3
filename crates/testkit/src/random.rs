//! [`Seed`]: all randomness of the testkit, a pure function of a number and a name.
//!
//! SHA-256 in counter mode. Reproducible by design and therefore worthless as a secret: whatever is made here must never
//! protect anything.

use sha2::{Digest as _, Sha256};

/// A source of reproducible bytes. Equal seeds and equal names give equal bytes on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed of that number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(hash(&[b"veriseal-testkit seed", &number.to_be_bytes()]))
    }

    /// An independent seed for one purpose, such as `"rekor key"`.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self(hash(&[b"named", &self.0, name.as_bytes()]))
    }

    /// The first `length` bytes of the stream.
    #[must_use]
    pub fn bytes(&self, length: usize) -> Vec<u8> {
        let mut stream = self.stream();
        (0..length).map(|_| stream.next_byte()).collect()
    }

    /// The first 32 bytes of the stream.
    #[must_use]
    pub fn array(&self) -> [u8; 32] {
        hash(&[b"block", &self.0, &0_u64.to_be_bytes()])
    }

    /// The stream itself, to draw from repeatedly.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream { seed: self.clone(), counter: 0, block: Vec::new() }
    }
}

/// Bytes drawn one after another from a [`Seed`]. Implements the generator traits that RSA-PSS signing asks for.
#[derive(Clone, Debug)]
pub struct Stream {
    seed: Seed,
    counter: u64,
    block: Vec<u8>,
}

impl Stream {
    /// The next byte.
    pub fn next_byte(&mut self) -> u8 {
        if self.block.is_empty() {
            self.block = hash(&[b"block", &self.seed.0, &self.counter.to_be_bytes()]).to_vec();
            self.block.reverse();
            self.counter = self.counter.wrapping_add(1);
        }
        self.block.pop().unwrap_or_default()
    }
}

impl rsa::rand_core::TryRng for Stream {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Self::Error> {
        destination.fill_with(|| self.next_byte());
        Ok(())
    }
}

// The marker only: predictable on purpose, see the module documentation.
impl rsa::rand_core::TryCryptoRng for Stream {}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_bytes_and_names_separate_them() {
        assert_eq!(Seed::new(1).bytes(100), Seed::new(1).bytes(100));
        assert_ne!(Seed::new(1).bytes(32), Seed::new(2).bytes(32));
        assert_ne!(Seed::new(1).named("a").bytes(32), Seed::new(1).named("b").bytes(32));
        assert_eq!(Seed::new(1).bytes(100)[..32], Seed::new(1).array());
        assert_eq!(Seed::new(7).bytes(64)[..40], Seed::new(7).bytes(40));
    }
}
