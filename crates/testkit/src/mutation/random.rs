//! [`Random`]: choices that are a pure function of a seed, a name and a number, so that each mutation can be made again alone.

use crate::random::{Seed, Stream};

/// Draws from a stream of the testkit.
#[derive(Debug)]
pub struct Random(Stream);

impl Random {
    /// The draws for thing `number` of that name.
    #[must_use]
    pub fn new(seed: u64, name: &str, number: u64) -> Self {
        Self(Seed::new(seed).named(name).named(&number.to_string()).stream())
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let drawn = (0..4).fold(0, |drawn, _| drawn << 8 | usize::from(self.0.next_byte()));
        drawn.checked_rem(end).unwrap_or(0)
    }

    /// One of several.
    ///
    /// # Panics
    /// Where there are none.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of several, or none where there are none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.0.next_byte()
    }
}
