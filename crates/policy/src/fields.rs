//! [`Fields`]: a mapping of the document whose fields are all known, and the table of what is known where.

use crate::error::{LoadError, Position};
use crate::node::{Node, Value};

/// Every object of a policy and its fields. docs/policy.schema.json says the same; a test holds them against each other.
pub const OBJECTS: &[(&str, &[&str])] = &[
    ("policy", &["apiVersion", "trust", "images", "mode", "admission"]),
    ("admission", &["namespaces"]),
    ("trustRoot", &["trustedRoot"]),
    ("rule", &["match", "require", "allow", "deny", "pin", "platforms"]),
    ("all", &["all"]),
    ("any", &["any"]),
    ("atLeast", &["atLeast", "of"]),
    ("signed", &["signature"]),
    ("attested", &["attestation"]),
    ("signature", &["key", "keyless", "tlog", "logs", "sct", "timestamps", "witnesses", "certificateChain"]),
    (
        "attestation",
        &[
            "predicateType",
            "where",
            "maxAge",
            "newest",
            "all",
            "key",
            "keyless",
            "tlog",
            "logs",
            "sct",
            "timestamps",
            "witnesses",
            "certificateChain",
        ],
    ),
    ("witnesses", &["atLeast", "of"]),
    ("key", &["file", "pem", "trust", "notBefore", "notAfter"]),
    ("keyless", &["trust", "issuer", "identity", "subjectKind", "extensions", "subjectDn", "policyOids", "identities"]),
    ("identity", &["issuer", "identity", "subjectKind", "extensions", "subjectDn", "policyOids"]),
    ("exact", &["exact"]),
    ("glob", &["glob"]),
    ("regex", &["regex"]),
    ("oneOf", &["oneOf"]),
    ("contains", &["contains"]),
    ("number", &["atLeast", "atMost"]),
    ("allow", &["digests", "reason", "until"]),
    ("deny", &["reason"]),
];

/// The same for files of cases, which are no part of a policy.
const CASES: &[(&str, &[&str])] =
    &[("cases", &["apiVersion", "policy", "cases"]), ("case", &["name", "image", "evidence", "time", "expect", "code"])];

/// A mapping whose fields are known.
#[derive(Debug)]
pub(crate) struct Fields<'n> {
    map: &'n [(Node, Node)],
    pub(crate) at: Position,
    pub(crate) path: String,
}

impl<'n> Fields<'n> {
    /// The fields of `node`, which is an `object`.
    pub(crate) fn of(node: &'n Node, object: &str, path: &str) -> Result<Self, LoadError> {
        let known = OBJECTS.iter().chain(CASES).find(|(name, _)| *name == object).map(|(_, fields)| *fields).unwrap_or_default();
        let Value::Map(map) = &node.value else {
            let expected = format!("a mapping of {}", known.join(", "));
            return Err(LoadError::invalid(node.at, path, expected, node.value.describe()));
        };
        for (index, (key, _)) in map.iter().enumerate() {
            let Value::Text(name) = &key.value else {
                return Err(LoadError::invalid(key.at, path, "the name of a field", key.value.describe()));
            };
            if !known.contains(&name.as_str()) {
                let error = LoadError::invalid(key.at, path, format!("one of {}", known.join(", ")), name);
                return Err(match closest(name, known) {
                    Some(meant) => error.hint(format_args!("{meant} may be meant")),
                    None => error,
                });
            }
            let is_doubled = map.iter().take(index).any(|(other, _)| matches!(&other.value, Value::Text(other) if other == name));
            if is_doubled {
                return Err(LoadError::invalid(key.at, path, "each field once", format!("{name} twice")));
            }
        }
        Ok(Self { map, at: node.at, path: path.to_owned() })
    }

    /// The path of a field.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field, where it is there. One without a value is an error: it would read as if it were not there.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&'n Node>, LoadError> {
        let found = self.map.iter().find(|(key, _)| matches!(&key.value, Value::Text(text) if text == name));
        match found {
            Some((key, Node { value: Value::Null, .. })) => {
                Err(LoadError::invalid(key.at, &self.path_of(name), "a value", "nothing")
                    .hint("remove the field or give it a value"))
            }
            Some((_, value)) => Ok(Some(value)),
            None => Ok(None),
        }
    }

    /// The field, which must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&'n Node, LoadError> {
        self.get(name)?.ok_or_else(|| LoadError::invalid(self.at, &self.path, format!("the field {name}"), "none"))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'n str> {
        self.map.iter().filter_map(|(key, _)| if let Value::Text(name) = &key.value { Some(name.as_str()) } else { None })
    }

    /// Exactly one of these fields.
    pub(crate) fn one_of(&self, names: &[&'static str]) -> Result<(&'static str, &'n Node), LoadError> {
        let mut found = Vec::new();
        for name in names {
            if let Some(node) = self.get(name)? {
                found.push((*name, node));
            }
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(LoadError::invalid(self.at, &self.path, format!("one of {}", names.join(", ")), "none")),
            several => {
                let several: Vec<_> = several.iter().map(|(name, _)| *name).collect();
                let expected = format!("only one of {}", names.join(", "));
                Err(LoadError::invalid(self.at, &self.path, expected, several.join(" and ")))
            }
        }
    }
}

/// Text that is not empty.
pub(crate) fn text<'n>(node: &'n Node, path: &str) -> Result<&'n str, LoadError> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text),
        Value::Text(_) => Err(LoadError::invalid(node.at, path, "text", "an empty one")),
        Value::Bool(_) | Value::Integer(_) | Value::Number => {
            Err(LoadError::invalid(node.at, path, "text", node.value.describe()).hint("put it in quotes"))
        }
        other => Err(LoadError::invalid(node.at, path, "text", other.describe())),
    }
}

/// A list with at least one item: an empty one would mean nobody or everybody, and neither can be meant.
pub(crate) fn list<'n>(node: &'n Node, path: &str) -> Result<&'n [Node], LoadError> {
    match &node.value {
        Value::List(items) if !items.is_empty() => Ok(items),
        Value::List(_) => Err(LoadError::invalid(node.at, path, "a list with at least one item", "an empty list")),
        other => Err(LoadError::invalid(node.at, path, "a list", other.describe())),
    }
}

/// A number that is not negative.
pub(crate) fn count(node: &Node, path: &str) -> Result<usize, LoadError> {
    match &node.value {
        Value::Integer(value) => usize::try_from(*value).ok(),
        _ => None,
    }
    .ok_or_else(|| LoadError::invalid(node.at, path, "a number, 0 or more", node.value.describe()))
}

/// True or false.
pub(crate) fn flag(node: &Node, path: &str) -> Result<bool, LoadError> {
    match &node.value {
        Value::Bool(value) => Ok(*value),
        other => Err(LoadError::invalid(node.at, path, "true or false", other.describe())),
    }
}

/// One of several words.
pub(crate) fn word<T: Copy>(node: &Node, path: &str, words: &[(&str, T)]) -> Result<T, LoadError> {
    let found = match &node.value {
        Value::Text(text) => words.iter().find(|(word, _)| word == text).map(|(_, value)| *value),
        _ => None,
    };
    found.ok_or_else(|| {
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        LoadError::invalid(node.at, path, names.join(" or "), node.value.describe())
    })
}

/// The known word that differs least, where it differs little.
fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > 64 {
        return None;
    }
    let best = known.iter().map(|known| (distance(&word.to_ascii_lowercase(), &known.to_ascii_lowercase()), *known)).min()?;
    (best.0 <= 2).then_some(best.1)
}

/// Levenshtein distance of short words.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, l) in left.chars().enumerate() {
        let mut next = vec![index.saturating_add(1)];
        for (column, r) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&row, column).saturating_add(usize::from(l != *r));
            let removed = at(&row, column.saturating_add(1)).saturating_add(1);
            let added = at(&next, column).saturating_add(1);
            next.push(replaced.min(removed).min(added));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
