//! Field types of protobuf JSON, shared by the documents of this folder.

use crate::encoding::json;
use serde::{Deserialize, Deserializer};

/// Bytes in strict standard base64.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Base64Bytes(#[serde(deserialize_with = "json::base64_bytes")] pub(super) Vec<u8>);

/// An int64, written as a decimal string or a JSON integer.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct Int64(#[serde(deserialize_with = "json::int64")] pub(super) i64);

/// A list of at most `MAX` elements; protobuf JSON also writes an empty one as null.
pub(super) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(Vec<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            json::bounded_vec::<D, T, MAX>(deserializer).map(Self)
        }
    }
    Ok(Option::<Bounded<T, MAX>>::deserialize(deserializer)?.map(|list| list.0).unwrap_or_default())
}
