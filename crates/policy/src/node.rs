//! [`Node`]: a document as a tree in which everything knows its place, the same from YAML and from JSON.
//!
//! Bounded while it is read: depth, number of nodes, aliases. Doubled keys are errors in both.

mod json;
#[cfg(feature = "yaml")]
mod yaml;

pub(crate) use json::parse as parse_json;
#[cfg(feature = "yaml")]
pub(crate) use yaml::parse as parse_yaml;

use crate::error::Position;

/// Deepest nesting of a document. Reading YAML recurses, and a level takes up to 40 kB of stack where nothing is optimised:
/// this leaves room in the 2 MB of a thread.
const MAX_DEPTH: usize = 32;
/// Most nodes of a document, aliases counted as often as they are used.
const MAX_NODES: usize = 10_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: Position,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// A number that is no integer of 64 bits: nothing in a policy is one.
    Number,
}

impl Value {
    /// What it is, for a person.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => format!("the number {value}"),
            Self::Text(text) => text.clone(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
            Self::Number => "a number".to_owned(),
        }
    }
}
