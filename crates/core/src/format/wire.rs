//! Field types of protobuf JSON, shared by the documents of this folder.

use crate::encoding::{Few, json};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Bytes in strict standard base64.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Base64Bytes(#[serde(deserialize_with = "json::base64_bytes")] pub(super) Vec<u8>);

/// As [`Base64Bytes`], of a length that is short in honest documents.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Base64Few<const N: usize>(#[serde(deserialize_with = "json::base64_few")] pub(super) Few<u8, N>);

/// A text. Beside `Option` serde would copy a `Cow`.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// An int64, written as a decimal string or a JSON integer.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct Int64(#[serde(deserialize_with = "json::int64")] pub(super) i64);

/// The hashes of a proof: those of 32 bytes, and where the first stands that has another length.
#[derive(Default)]
pub(super) struct Hashes {
    pub(super) all: Vec<[u8; 32]>,
    pub(super) odd: Option<(usize, usize)>,
}

/// At most `MAX` hashes; protobuf JSON also writes an empty list as null.
pub(super) fn hashes<'de, D: Deserializer<'de>, const MAX: usize>(deserializer: D) -> Result<Hashes, D::Error> {
    struct Bounded<const MAX: usize>;
    impl<'de, const MAX: usize> Visitor<'de> for Bounded<MAX> {
        type Value = Hashes;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }
        fn visit_unit<E: serde::de::Error>(self) -> Result<Hashes, E> {
            Ok(Hashes::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Hashes, A::Error> {
            // As many as the largest logs need.
            let mut hashes = Hashes { all: Vec::with_capacity(32), odd: None };
            json::each_of(&mut list, MAX, |hash: Base64Few<32>| match <[u8; 32]>::try_from(&*hash.0) {
                Ok(whole) => hashes.all.push(whole),
                Err(_) => {
                    hashes.odd.get_or_insert((hashes.all.len(), hash.0.len()));
                }
            })?;
            Ok(hashes)
        }
    }
    deserializer.deserialize_any(Bounded::<MAX>)
}

/// A list of at most `MAX` elements, the first `N` in place; protobuf JSON also writes an empty one as null.
pub(super) fn few<'de, D, T, const N: usize, const MAX: usize>(deserializer: D) -> Result<Few<T, N>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    struct Bounded<T, const N: usize, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Default, const N: usize, const MAX: usize> Visitor<'de> for Bounded<T, N, MAX> {
        type Value = Few<T, N>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }
        fn visit_unit<E: serde::de::Error>(self) -> Result<Few<T, N>, E> {
            Ok(Few::new())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T, N>, A::Error> {
            let mut found = Few::new();
            json::each_of(&mut list, MAX, |element| found.push(element))?;
            Ok(found)
        }
    }
    deserializer.deserialize_any(Bounded::<T, N, MAX>(PhantomData))
}

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
