//! JSON (RFC 8259) read so that no two readers can see two things in one document.
//!
//! A pass over the bytes refuses a doubled key at any depth (spelled with escapes or not), nesting beyond a bound,
//! endless numbers, a byte order mark and bad UTF-8; serde then refuses trailing data and wrong types. Whether unknown
//! fields are tolerated is the business of the type: protobuf JSON and saved files deny them, OCI documents must not
//! (image-spec `considerations.md`). Does not canonicalise and never writes back what it read.

mod error;
mod field;
mod scan;
#[cfg(test)]
mod tests;

pub use error::{JsonError, JsonRule};
pub use field::{base64_bytes, bounded_vec, decimal, int64, present};
pub(crate) use field::{base64_few, each_of};

use super::objects::Objects;
use scan::scan;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use std::marker::PhantomData;

/// Reads a document whose types say `#[serde(deny_unknown_fields)]`.
///
/// Doubled keys are refused at any depth, in maps too, which serde alone would overwrite silently (K-P-08).
///
/// # Errors
/// [`JsonError`] for everything that is not exactly one document of this type, nested at most `max_depth` deep.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], max_depth: usize) -> Result<T, JsonError> {
    parse_tolerant_named(bytes, max_depth, &[], &[])
}

/// [`parse`] for types in which no map stands: an object of more than `max_keys` holds what the type does not know. To compare
/// a flood of keys with each other costs many times what reading it does (K-DS-04).
///
/// # Errors
/// [`JsonError`] as for [`parse`].
pub fn parse_without_maps<'a, T: Deserialize<'a>>(bytes: &'a [u8], max_depth: usize, max_keys: usize) -> Result<T, JsonError> {
    parse_within(bytes, (max_depth, max_keys), &[], &[])
}

/// Reads a document whose types tolerate unknown fields. Everything else is as strict as in [`parse`].
///
/// A type with optional fields should be read with [`parse_tolerant_named`].
///
/// # Errors
/// [`JsonError`] as for [`parse`].
pub fn parse_tolerant<'a, T: Deserialize<'a>>(bytes: &'a [u8], max_depth: usize) -> Result<T, JsonError> {
    parse_tolerant_named(bytes, max_depth, &[], &[])
}

/// [`parse_tolerant`] that also refuses a key which is one of `names` in another case (`Layers`): readers written in Go
/// take it for the field, so they would see another document (K-P-09). Objects under a key of `free` hold keys of
/// the writer's own choice and are left out of this rule.
///
/// # Errors
/// [`JsonError`] as for [`parse`].
pub fn parse_tolerant_named<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    max_depth: usize,
    names: &[&str],
    free: &[&str],
) -> Result<T, JsonError> {
    parse_within(bytes, (max_depth, usize::MAX), names, free)
}

/// [`parse`] for what is read by a value and not by its type alone.
///
/// # Errors
/// [`JsonError`] as for [`parse`].
pub(crate) fn parse_seed<'a, S: DeserializeSeed<'a>>(bytes: &'a [u8], max_depth: usize, seed: S) -> Result<S::Value, JsonError> {
    read(checked(bytes, (max_depth, usize::MAX), &[], &[])?, seed)
}

fn parse_within<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    bounds: (usize, usize),
    names: &[&str],
    free: &[&str],
) -> Result<T, JsonError> {
    read(checked(bytes, bounds, names, free)?, PhantomData)
}

/// The text, of which everything was checked that serde does not.
fn checked<'a>(bytes: &'a [u8], bounds: (usize, usize), names: &[&str], free: &[&str]) -> Result<&'a str, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::at_offset(bytes, 0, JsonRule::Syntax, "a byte order mark"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError::at_offset(bytes, error.valid_up_to(), JsonRule::Syntax, "bytes that are not UTF-8"))?;
    scan(bytes, bounds, names, free)?;
    Ok(text)
}

fn read<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(Objects(&mut reader)).map_err(|error| JsonError::of_serde(&error))?;
    reader.end().map_err(|error| JsonError::of_serde(&error))?;
    Ok(value)
}
