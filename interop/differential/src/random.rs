//! [`Random`]: choices that are a pure function of a seed, a name and a number, so that each mutation can be made again alone.

use veriseal_testkit::Seed;
use veriseal_testkit::random::Stream;

pub struct Random(Stream);

impl Random {
    pub fn new(seed: u64, name: &str, number: u64) -> Self {
        Self(Seed::new(seed).named(name).named(&number.to_string()).stream())
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let drawn = (0..4).fold(0, |drawn, _| drawn << 8 | usize::from(self.0.next_byte()));
        drawn.checked_rem(end).unwrap_or(0)
    }

    /// One of several.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of several, or none where there are none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    pub fn byte(&mut self) -> u8 {
        self.0.next_byte()
    }
}
