//! [`UnixTime`] and [`Validity`]: moments and windows, both ends inclusive.
//!
//! Knows the proleptic Gregorian calendar and RFC 3339 §5.6. Does not know what time it is: every moment is an
//! argument of the caller or an authenticated claim of a log or a timestamp authority.

mod present;

pub(crate) use present::Present;

use crate::code::{Code, Failure};
use std::fmt;

const NANOS: u32 = 1_000_000_000;
/// 9999-12-31T23:59:59Z, the last second that X.509 and RFC 3339 can write.
const LAST_SECOND: i64 = 253_402_300_799;
/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;

/// A moment: seconds since 1970-01-01T00:00:00Z, and nanoseconds into that second. Leap seconds do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    seconds: i64,
    nanos: u32,
}

impl UnixTime {
    /// The earliest moment there is.
    pub(crate) const FIRST: Self = Self { seconds: FIRST_SECOND, nanos: 0 };
    /// The latest moment there is.
    pub(crate) const LAST: Self = Self { seconds: LAST_SECOND, nanos: NANOS - 1 };

    /// The next moment, or this one where there is none.
    pub(crate) fn just_after(self) -> Self {
        match self.nanos.checked_add(1).filter(|nanos| *nanos < NANOS) {
            Some(nanos) => Self { nanos, ..self },
            None if self.seconds < LAST_SECOND => Self { seconds: self.seconds.saturating_add(1), nanos: 0 },
            None => self,
        }
    }

    /// The moment before, or this one where there is none.
    pub(crate) fn just_before(self) -> Self {
        match self.nanos.checked_sub(1) {
            Some(nanos) => Self { nanos, ..self },
            None if self.seconds > FIRST_SECOND => Self { seconds: self.seconds.saturating_sub(1), nanos: NANOS - 1 },
            None => self,
        }
    }

    /// A whole second. Out-of-range values are clamped to the years 1 to 9999, which every format here can write.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        let seconds = if seconds > LAST_SECOND {
            LAST_SECOND
        } else if seconds < FIRST_SECOND {
            FIRST_SECOND
        } else {
            seconds
        };
        Self { seconds, nanos: 0 }
    }

    /// Milliseconds since the epoch, as signed certificate timestamps carry them (RFC 6962 §3.2).
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        let seconds = i64::try_from(millis / 1000).unwrap_or(LAST_SECOND);
        let nanos = u32::try_from(millis % 1000).unwrap_or(0).saturating_mul(1_000_000);
        Self { nanos, ..Self::from_seconds(seconds) }
    }

    /// A second and nanoseconds into it.
    ///
    /// Returns `None` when `nanos` is a second or more, or the year is not within 1 to 9999.
    #[must_use]
    pub fn new(seconds: i64, nanos: u32) -> Option<Self> {
        (nanos < NANOS && (FIRST_SECOND..=LAST_SECOND).contains(&seconds)).then_some(Self { seconds, nanos })
    }

    /// A calendar date and time in UTC; `None` where the calendar has no such moment (leap seconds included).
    #[must_use]
    pub fn from_calendar(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32, nanos: u32) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if day == 0 || day > days_in_month(year, month) {
            return None;
        }
        let days = days_from_civil(year, month, day);
        let in_day =
            i64::from(hour).checked_mul(3600)?.checked_add(i64::from(minute).checked_mul(60)?)?.checked_add(i64::from(second))?;
        Self::new(days.checked_mul(86_400)?.checked_add(in_day)?, nanos)
    }

    /// Parses RFC 3339 §5.6: `2026-11-21T12:00:00Z`, a fraction of up to nine digits, `Z` or a numeric offset.
    ///
    /// # Errors
    /// [`Code::TimeInvalid`] for anything else, lower-case letters and leap seconds included.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Failure> {
        parse_rfc3339(text.as_bytes())
            .ok_or_else(|| Failure::new(Code::TimeInvalid).expected("an RFC 3339 time such as 2026-11-21T12:00:00Z").found(text))
    }

    /// Bytes that no other moment has, for fingerprints.
    pub(crate) fn to_bytes(self) -> impl Iterator<Item = u8> {
        self.seconds.to_be_bytes().into_iter().chain(self.nanos.to_be_bytes())
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds into the second.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// This moment moved by whole seconds, clamped to the years 1 to 9999.
    #[must_use]
    pub fn saturating_add_seconds(self, seconds: i64) -> Self {
        Self { nanos: self.nanos, ..Self::from_seconds(self.seconds.saturating_add(seconds)) }
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339 in UTC, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(86_400);
        let in_day = self.seconds.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", in_day / 3600, in_day / 60 % 60, in_day % 60)?;
        if self.nanos != 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl serde::Serialize for UnixTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A window of time; a missing end is open. Both ends belong to it (spec: X.509, `trusted_root.json`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Validity {
    /// First moment inside, or open.
    pub start: Option<UnixTime>,
    /// Last moment inside, or open.
    pub end: Option<UnixTime>,
}

impl Validity {
    /// A window with both ends.
    #[must_use]
    pub const fn between(start: UnixTime, end: UnixTime) -> Self {
        Self { start: Some(start), end: Some(end) }
    }

    /// Whether `at` lies inside, ends included.
    #[must_use]
    pub fn contains(&self, at: UnixTime) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at <= end)
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            Some(start) => write!(f, "{start}")?,
            None => f.write_str("the beginning")?,
        }
        f.write_str(" to ")?;
        match self.end {
            Some(end) => write!(f, "{end}"),
            None => f.write_str("no end"),
        }
    }
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; years 1 to 9999 cannot overflow.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let before: i64 = (1..month).map(|m| i64::from(days_in_month(year, m))).sum();
    days_before_year(year).saturating_add(before).saturating_add(i64::from(day)).saturating_sub(1)
}

fn days_before_year(year: i64) -> i64 {
    let y = year.saturating_sub(1);
    let leaps = (y / 4).saturating_sub(y / 100).saturating_add(y / 400);
    y.saturating_mul(365).saturating_add(leaps).saturating_sub(719_162)
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // The estimate is off by at most one year either way; the loops settle it.
    let mut year = days.saturating_mul(400).div_euclid(146_097).saturating_add(1970);
    while days_before_year(year) > days {
        year = year.saturating_sub(1);
    }
    while days_before_year(year.saturating_add(1)) <= days {
        year = year.saturating_add(1);
    }
    let mut left = days.saturating_sub(days_before_year(year));
    let mut month = 1;
    while month < 12 && left >= i64::from(days_in_month(year, month)) {
        left = left.saturating_sub(i64::from(days_in_month(year, month)));
        month = month.saturating_add(1);
    }
    (year, month, u32::try_from(left).unwrap_or(0).saturating_add(1))
}

/// Reads exactly `digits` ASCII digits at the front.
pub(crate) fn take_digits(bytes: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_at_checked(digits)?;
    let mut value = 0_u32;
    for byte in head {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value = value.checked_mul(10)?.checked_add(u32::from(digit))?;
    }
    Some((value, rest))
}

/// Reads a fraction `.digits` of one to nine digits at the front as nanoseconds.
pub(crate) fn take_fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let rest = bytes.strip_prefix(b".")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let (value, rest) = take_digits(rest, digits)?;
    let scale = 10_u32.checked_pow(u32::try_from(9_usize.checked_sub(digits)?).ok()?)?;
    Some((value.checked_mul(scale)?, rest))
}

fn parse_rfc3339(bytes: &[u8]) -> Option<UnixTime> {
    let (year, rest) = take_digits(bytes, 4)?;
    let (month, rest) = take_digits(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = take_digits(rest.strip_prefix(b"-")?, 2)?;
    let (hour, rest) = take_digits(rest.strip_prefix(b"T")?, 2)?;
    let (minute, rest) = take_digits(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = take_digits(rest.strip_prefix(b":")?, 2)?;
    let (nanos, rest) = if rest.starts_with(b".") { take_fraction(rest)? } else { (0, rest) };
    let offset = match rest {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, rest) = take_digits(rest, 2)?;
            let (minutes, rest) = take_digits(rest.strip_prefix(b":")?, 2)?;
            if !rest.is_empty() || hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours).checked_mul(3600)?.checked_add(i64::from(minutes).checked_mul(60)?)?;
            if *sign == b'+' { seconds } else { seconds.checked_neg()? }
        }
        _ => return None,
    };
    let local = UnixTime::from_calendar(i64::from(year), month, day, hour, minute, second, nanos)?;
    UnixTime::new(local.seconds.checked_sub(offset)?, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixTime {
        UnixTime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn rfc3339_round_trips() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-21T12:00:00Z", 1_795_262_400),
            ("9999-12-31T23:59:59Z", LAST_SECOND),
            ("0001-01-01T00:00:00Z", FIRST_SECOND),
            ("1969-12-31T23:59:59Z", -1),
        ] {
            assert_eq!(at(text).seconds(), seconds, "{text}");
            assert_eq!(at(text).to_string(), text);
        }
        assert_eq!(at("2022-10-31T23:59:59.999Z").nanos(), 999_000_000);
        assert_eq!(at("2022-10-31T23:59:59.999Z").to_string(), "2022-10-31T23:59:59.999Z");
        assert_eq!(at("2021-12-18T13:28:12.99008-06:00"), at("2021-12-18T19:28:12.99008Z"));
    }

    #[test]
    fn every_day_of_the_calendar_round_trips() {
        let mut days = days_from_civil(1, 1, 1);
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in [1, days_in_month(year, month)] {
                    let found = days_from_civil(year, month, day);
                    assert!(found >= days);
                    days = found;
                    assert_eq!(civil_from_days(found), (year, month, day));
                }
            }
        }
    }

    #[test]
    fn what_is_not_rfc3339_is_time_invalid() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T12:00:00",
            "2026-11-21t12:00:00Z",
            "2026-11-21 12:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-12-31T23:59:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00Zx",
            "+026-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
        ] {
            assert_eq!(UnixTime::parse_rfc3339(text).unwrap_err().code(), Code::TimeInvalid, "{text}");
        }
    }

    #[test]
    fn both_ends_of_a_window_belong_to_it() {
        let window = Validity::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        assert!(window.contains(at("2026-01-01T00:00:00Z")));
        assert!(window.contains(at("2026-01-02T00:00:00Z")));
        assert!(!window.contains(at("2025-12-31T23:59:59.999Z")));
        assert!(!window.contains(at("2026-01-02T00:00:00.001Z")));
        assert!(Validity::default().contains(at("0001-01-01T00:00:00Z")));
    }

    #[test]
    fn moments_have_neighbours_but_for_the_first_and_the_last() {
        let second = UnixTime::from_seconds(5);
        assert_eq!(second.just_after(), UnixTime { seconds: 5, nanos: 1 });
        assert_eq!(second.just_before(), UnixTime { seconds: 4, nanos: 999_999_999 });
        for moment in [second, second.just_after(), second.just_before(), UnixTime::from_seconds(-1)] {
            assert_eq!(moment.just_before().just_after(), moment);
            assert_eq!(moment.just_after().just_before(), moment);
        }
        assert_eq!(UnixTime::LAST, UnixTime { seconds: LAST_SECOND, nanos: 999_999_999 });
        assert_eq!(UnixTime::LAST.just_after(), UnixTime::LAST);
        assert_eq!(UnixTime::LAST.just_before().just_after(), UnixTime::LAST);
        assert_eq!(UnixTime::FIRST, UnixTime { seconds: FIRST_SECOND, nanos: 0 });
        assert_eq!(UnixTime::FIRST.just_before(), UnixTime::FIRST);
        assert_eq!(UnixTime::FIRST.just_after().just_before(), UnixTime::FIRST);
    }

    #[test]
    fn what_lies_beyond_the_calendar_is_its_end() {
        let at = UnixTime::from_seconds;
        assert_eq!(
            (at(LAST_SECOND).seconds(), at(LAST_SECOND + 1).seconds(), at(i64::MAX).seconds()),
            (LAST_SECOND, LAST_SECOND, LAST_SECOND)
        );
        assert_eq!(
            (at(FIRST_SECOND).seconds(), at(FIRST_SECOND - 1).seconds(), at(i64::MIN).seconds()),
            (FIRST_SECOND, FIRST_SECOND, FIRST_SECOND)
        );
        assert_eq!((FIRST_SECOND, at(7).nanos(), at(7).seconds()), (-62_135_596_800, 0, 7));
        assert_eq!(UnixTime::from_millis(1_234), UnixTime { seconds: 1, nanos: 234_000_000 });
        assert_eq!(UnixTime::new(1, 999_999_999), Some(UnixTime { seconds: 1, nanos: 999_999_999 }));
        assert_eq!(UnixTime::new(1, 1_000_000_000), None);
        assert_eq!(UnixTime { seconds: 1, nanos: 5 }.saturating_add_seconds(2), UnixTime { seconds: 3, nanos: 5 });
        assert_eq!(UnixTime { seconds: 1, nanos: 5 }.saturating_add_seconds(-2), UnixTime { seconds: -1, nanos: 5 });
    }

    #[test]
    fn the_largest_fields_of_rfc3339_are_read() {
        assert_eq!(at("1970-01-01T00:00:00.123456789Z").nanos(), 123_456_789);
        assert_eq!(at("1970-01-01T23:59:59Z").seconds(), 86_399);
        assert_eq!(at("1970-01-01T23:59:00+23:59").seconds(), 0);
        assert_eq!(at("1970-01-01T00:00:00-23:59").seconds(), 86_340);
        assert_eq!(at("1970-12-31T00:00:00Z").seconds(), 364 * 86_400);
        for text in ["1970-01-01T00:00:00+00:60", "1970-01-01T00:00:00-24:00", "1970-01-32T00:00:00Z", "1970-04-31T00:00:00Z"] {
            assert_eq!(UnixTime::parse_rfc3339(text).unwrap_err().code(), Code::TimeInvalid, "{text}");
        }
    }

    #[test]
    fn a_window_says_where_it_is_open() {
        let (start, end) = (Some(at("2026-01-01T00:00:00Z")), Some(at("2026-01-02T00:00:00Z")));
        assert_eq!(Validity { start, end }.to_string(), "2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z");
        assert_eq!(Validity::default().to_string(), "the beginning to no end");
    }

    /// Leap years by the rule of four, of a hundred and of four hundred.
    #[test]
    fn a_leap_year_has_a_day_more() {
        let lengths = [1900, 1999, 2000, 2004, 2100, 2400].map(|year| days_in_month(year, 2));
        assert_eq!(lengths, [28, 28, 29, 29, 28, 29]);
        assert_eq!((1..=12).map(|month| days_in_month(2001, month)).sum::<u32>(), 365);
    }
}
