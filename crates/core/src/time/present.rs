//! [`Present`]: the time as of which is judged, which remembers for how long its answers stay what they are.

use super::{UnixTime, Validity};
use std::cell::Cell;

/// The verification time. Rules ask it questions; it notes the first and the last moment at which every question asked so far
/// would have had the same answer. A verdict that was reached through it is the verdict of every such moment, and so can be
/// remembered without a rule about time being forgotten: a rule cannot learn the time without asking.
#[derive(Debug)]
pub(crate) struct Present {
    now: UnixTime,
    first: Cell<UnixTime>,
    last: Cell<UnixTime>,
}

impl Present {
    pub(crate) fn new(now: UnixTime) -> Self {
        Self { now, first: Cell::new(UnixTime::FIRST), last: Cell::new(UnixTime::LAST) }
    }

    /// Whether the present is earlier than this moment: whether it lies in the future.
    pub(crate) fn is_before(&self, at: UnixTime) -> bool {
        let is_before = self.now < at;
        if is_before {
            self.no_later_than(at.just_before());
        } else {
            self.no_earlier_than(at);
        }
        is_before
    }

    /// Whether this moment is over.
    pub(crate) fn is_after(&self, at: UnixTime) -> bool {
        let is_after = at < self.now;
        if is_after {
            self.no_earlier_than(at.just_after());
        } else {
            self.no_later_than(at);
        }
        is_after
    }

    /// Whether the present lies inside, ends included.
    pub(crate) fn is_within(&self, window: &Validity) -> bool {
        let early = window.start.is_some_and(|start| self.is_before(start));
        let late = window.end.is_some_and(|end| self.is_after(end));
        !early && !late
    }

    /// The moment, for a report's own line of when it was judged and for nothing that is decided.
    pub(crate) fn now(&self) -> UnixTime {
        self.now
    }

    /// The moment itself. Whatever is made of it holds for this moment alone.
    pub(crate) fn exactly(&self) -> UnixTime {
        self.no_earlier_than(self.now);
        self.no_later_than(self.now);
        self.now
    }

    /// The first and the last moment at which everything that was asked has the same answer.
    pub(crate) fn unchanged(&self) -> (UnixTime, UnixTime) {
        (self.first.get(), self.last.get())
    }

    fn no_earlier_than(&self, at: UnixTime) {
        self.first.set(self.first.get().max(at));
    }

    fn no_later_than(&self, at: UnixTime) {
        self.last.set(self.last.get().min(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    /// Asks the same of the first and last moment, and of their neighbours outside.
    fn answers_stay_until(ask: impl Fn(&Present) -> bool, now: i64) {
        let present = Present::new(at(now));
        let answer = ask(&present);
        let (first, last) = present.unchanged();
        assert!(first <= at(now) && at(now) <= last);
        for inside in [first, last] {
            assert_eq!(ask(&Present::new(inside)), answer, "{inside} beside {now}");
        }
        if first != UnixTime::FIRST {
            assert_ne!(ask(&Present::new(first.just_before())), answer, "before {first}");
        }
        if last != UnixTime::LAST {
            assert_ne!(ask(&Present::new(last.just_after())), answer, "after {last}");
        }
        assert!((first, last) != (UnixTime::FIRST, UnixTime::LAST), "asking about a moment bounds something");
    }

    #[test]
    fn an_answer_is_the_same_up_to_its_bounds_and_another_just_beyond() {
        let window = Validity::between(at(10), at(20));
        for now in [9, 10, 11, 19, 20, 21] {
            answers_stay_until(|present| present.is_before(at(10)), now);
            answers_stay_until(|present| present.is_after(at(10)), now);
            answers_stay_until(|present| present.is_within(&window), now);
        }
    }

    #[test]
    fn a_window_without_ends_bounds_nothing() {
        let present = Present::new(at(5));
        assert!(present.is_within(&Validity::default()));
        assert_eq!(present.unchanged(), (UnixTime::FIRST, UnixTime::LAST));
    }

    #[test]
    fn what_shows_the_moment_holds_for_that_moment_alone() {
        let present = Present::new(at(5));
        assert_eq!(present.exactly(), at(5));
        assert_eq!(present.unchanged(), (at(5), at(5)));
    }

    #[test]
    fn several_answers_hold_as_long_as_all_of_them_do() {
        let present = Present::new(at(15));
        assert!(!present.is_before(at(12)));
        assert!(!present.is_after(at(18)));
        assert!(present.is_before(at(40)));
        assert_eq!(present.unchanged(), (at(12), at(18)));
    }
}
