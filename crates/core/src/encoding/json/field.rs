//! Fields that several formats have: int64 of protobuf JSON, bytes in base64, bounded lists.

use crate::code::bounded;
use crate::encoding::{Few, base64};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// First words of the message of [`bounded_vec`], by which its refusal is known again.
pub(super) const TOO_MANY: &str = "more than ";

/// A 64-bit integer as protobuf JSON writes it: a decimal string or a JSON integer, in its one canonical spelling.
///
/// For `#[serde(deserialize_with = "int64")]`. Floats, exponents, a plus sign, leading zeros, `-0` and white space are
/// errors. Negative values are kept: whether they make sense is the caller's to say.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Int64;
    impl Visitor<'_> for Int64 {
        type Value = i64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a 64-bit integer, as a number or a decimal string")
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<i64, E> {
            Ok(value)
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<i64, E> {
            i64::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
            decimal(text).ok_or_else(|| E::invalid_value(Unexpected::Str(&bounded(text)), &self))
        }
    }
    deserializer.deserialize_any(Int64)
}

/// The integer that `text` writes canonically: `0`, or digits without a leading zero, with `-` for negative ones.
#[must_use]
pub fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// Bytes in strict standard base64, for `#[serde(deserialize_with = "base64_bytes")]`.
///
/// # Errors
/// The deserializer's, for anything but a string in canonical base64 with padding.
pub fn base64_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Base64;
    impl Visitor<'_> for Base64 {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("standard base64 with padding")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
            // Only the head is quoted: the value may have megabytes.
            base64::decode(text).ok_or_else(|| E::invalid_value(Unexpected::Str(&bounded(text)), &self))
        }
    }
    deserializer.deserialize_str(Base64)
}

/// [`base64_bytes`] for what is short in honest documents: up to `N` bytes take no memory of their own.
///
/// # Errors
/// As for [`base64_bytes`].
pub(crate) fn base64_few<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<Few<u8, N>, D::Error> {
    struct Base64<const N: usize>;
    impl<const N: usize> Visitor<'_> for Base64<N> {
        type Value = Few<u8, N>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("standard base64 with padding")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Few<u8, N>, E> {
            base64::decode_few(text).ok_or_else(|| E::invalid_value(Unexpected::Str(&bounded(text)), &self))
        }
    }
    deserializer.deserialize_str(Base64)
}

/// An optional field that has a value where it stands: `null` is refused, so that absence has one spelling. For
/// `#[serde(default, deserialize_with = "present")]`.
///
/// # Errors
/// The deserializer's, for whatever is not a `T`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A list of at most `MAX` elements, for `#[serde(deserialize_with = "bounded_vec::<_, _, 32>")]`.
///
/// Fails as soon as one more begins, without reading it (K-DS-03), with [`JsonRule::TooMany`](super::JsonRule::TooMany).
///
/// # Errors
/// The deserializer's.
pub fn bounded_vec<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut found = Vec::new();
            each_of::<T, A>(&mut list, MAX, |element| {
                if found.is_empty() {
                    // Most lists have one; a first push alone would make room for four.
                    found.reserve_exact(1);
                }
                found.push(element);
            })?;
            Ok(found)
        }
    }
    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

/// Reads the elements of a list one by one, at most `max`: fails as soon as one more begins.
pub(crate) fn each_of<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    list: &mut A,
    max: usize,
    mut take: impl FnMut(T),
) -> Result<(), A::Error> {
    for _ in 0..max {
        match list.next_element()? {
            Some(element) => take(element),
            None => return Ok(()),
        }
    }
    list.next_element_seed(OneMore(max)).map(drop)
}

/// Refuses an element before its first byte is read.
struct OneMore(usize);

impl<'de> DeserializeSeed<'de> for OneMore {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(format_args!("{TOO_MANY}{} elements", self.0)))
    }
}
