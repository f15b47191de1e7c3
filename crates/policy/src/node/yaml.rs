//! YAML 1.2 through serde-saphyr, with budgets: no merge keys, one document, few aliases.

use super::{MAX_DEPTH, MAX_NODES, Node, Value};
use crate::error::{LoadError, Position};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, MergeKeyPolicy, Spanned, Tagged};
use std::fmt;
use veriseal::code::bounded;
use veriseal::{Code, Failure};

/// Most aliases of a document; each counts as the nodes that it stands for besides (K-DS: alias bombs).
const MAX_ALIASES: usize = 64;

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, LoadError> {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_aliases: MAX_ALIASES,
        max_anchors: MAX_ALIASES,
        max_documents: 1,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        // `no` stays a word: only true and false are booleans.
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
    };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let position = error.location().map(position).unwrap_or_default();
        let message = error.without_snippet().to_string();
        LoadError::new(position, Failure::new(Code::PolicyInvalid).expected("a policy in YAML").found(message))
    })
}

fn position(location: Location) -> Position {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Position { line: number(location.line()), column: number(location.column()) }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(spanned, tag) = Tagged::<Spanned<Plain>>::deserialize(deserializer)?;
        // A tag would make another value of the same text, for one reader and not for the next.
        if let Some(tag) = tag {
            let at = position(spanned.referenced);
            return Err(D::Error::custom(format_args!("a tag {}, at line {} column {}", bounded(&tag), at.line, at.column)));
        }
        Ok(Self { value: spanned.value.0, at: position(spanned.referenced) })
    }
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of YAML")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Number, Value::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key()? {
            map.push((key, entries.next_value()?));
        }
        Ok(Value::Map(map))
    }
}
