//! [`PredicateMatch`]: one value of an attestation's predicate and what it must be, and [`Selection`]: which attestations
//! of a type must satisfy it.
//!
//! Values are typed: text never equals a number, and a number never the text of it. What the pointer does not lead to
//! never matches, so a predicate that leaves a field out satisfies nothing.

use super::pattern::StringMatch;
use crate::code::{Code, Failure};
use serde_json::{Number, Value};
use std::cmp::Ordering;
use std::fmt;

/// Most bytes of a pointer.
const MAX_POINTER: usize = 1024;
/// Most values of one [`ValueMatch::OneOf`].
const MAX_VALUES: usize = 100;
/// Largest number that a policy compares with: what every reader of JSON holds exactly (RFC 8259 §6).
const MAX_NUMBER: i64 = 1 << 53;

/// What a value of a predicate must be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueMatch {
    /// Text that is so.
    Text(StringMatch),
    /// This truth value.
    Bool(bool),
    /// A number within these bounds, both included; at least one is there. Equal bounds mean exactly this number.
    Number {
        /// The least that counts.
        at_least: Option<i64>,
        /// The most that counts.
        at_most: Option<i64>,
    },
    /// Any of these.
    OneOf(Vec<ValueMatch>),
    /// A list of which some item is so. Never matches what is no list.
    Contains(Box<ValueMatch>),
}

impl ValueMatch {
    /// Text, byte for byte.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(StringMatch::Exact(text.to_owned()))
    }

    /// Exactly this number.
    #[must_use]
    pub fn number(number: i64) -> Self {
        Self::Number { at_least: Some(number), at_most: Some(number) }
    }

    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(text), Value::String(found)) => text.matches(found),
            (Self::Bool(wanted), Value::Bool(found)) => wanted == found,
            (Self::Number { at_least, at_most }, Value::Number(found)) => {
                at_least.is_none_or(|least| compare(found, least).is_some_and(Ordering::is_ge))
                    && at_most.is_none_or(|most| compare(found, most).is_some_and(Ordering::is_le))
            }
            (Self::OneOf(of), value) => of.iter().any(|one| one.matches(value)),
            (Self::Contains(wanted), Value::Array(items)) => items.iter().any(|item| wanted.matches(item)),
            // Another type than the one that is asked for: never converted.
            _ => false,
        }
    }

    /// `nested` where it stands in a list already: lists of lists cannot be meant.
    fn validate(&self, at: &str, nested: bool) -> Result<(), Failure> {
        let invalid = |expected: &str| Failure::new(Code::PolicyInvalid).expected(expected).at(at);
        match self {
            // An empty text is a value like any other here: `"parameters": ""` can be meant.
            Self::Text(_) | Self::Bool(_) => Ok(()),
            Self::Number { at_least: None, at_most: None } => Err(invalid("a least or a most")),
            Self::Number { at_least, at_most } => {
                let bounds = [at_least, at_most].into_iter().flatten();
                if bounds.clone().any(|bound| !(-MAX_NUMBER..=MAX_NUMBER).contains(bound)) {
                    return Err(invalid("a number of at most 2^53"));
                }
                match (at_least, at_most) {
                    (Some(least), Some(most)) if least > most => {
                        Err(invalid("atLeast that is no more than atMost").found(format_args!("{least} and {most}")))
                    }
                    _ => Ok(()),
                }
            }
            Self::OneOf(of) if of.is_empty() || of.len() > MAX_VALUES || nested => {
                Err(invalid("one list of 1 to 100 values").found(of.len()))
            }
            Self::OneOf(of) => of.iter().try_for_each(|one| one.validate(at, true)),
            Self::Contains(_) if nested => Err(invalid("contains that stands by itself")),
            Self::Contains(wanted) => match **wanted {
                Self::Contains(_) => Err(invalid("a value, not a list")),
                _ => wanted.validate(at, false),
            },
        }
    }
}

/// How a number of JSON compares with a bound, exactly. Integers beyond 64 bits are no longer integers to any reader that
/// we know of, and compare as what they were rounded to.
fn compare(found: &Number, bound: i64) -> Option<Ordering> {
    if let Some(number) = found.as_i64() {
        return Some(number.cmp(&bound));
    }
    if found.as_u64().is_some() {
        return Some(Ordering::Greater);
    }
    // Bounds are at most 2^53, which a double holds exactly.
    let bound: f64 = bound.to_string().parse().ok()?;
    found.as_f64()?.partial_cmp(&bound)
}

impl fmt::Display for ValueMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number { at_least, at_most } => match (at_least, at_most) {
                (Some(least), Some(most)) if least == most => write!(f, "the number {least}"),
                (Some(least), Some(most)) => write!(f, "{least} to {most}"),
                (Some(least), None) => write!(f, "at least {least}"),
                (None, Some(most)) => write!(f, "at most {most}"),
                (None, None) => f.write_str("no number"),
            },
            Self::OneOf(of) => {
                let of: Vec<_> = of.iter().map(ToString::to_string).collect();
                f.write_str(&of.join(" or "))
            }
            Self::Contains(wanted) => write!(f, "a list with {wanted}"),
        }
    }
}

/// One clause about a predicate: the value that a JSON pointer (RFC 6901) leads to, and what it must be.
///
/// All clauses of a requirement are held against one predicate of one attestation: two attestations never satisfy a
/// requirement together (K-PO-05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateMatch {
    pointer: String,
    value: ValueMatch,
}

impl PredicateMatch {
    /// A clause. The pointer begins at the predicate: `/buildDefinition/buildType`.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for a pointer that is none or empty (it would mean the whole predicate), for bounds that
    /// contradict each other, and for empty lists.
    pub fn new(pointer: &str, value: ValueMatch) -> Result<Self, Failure> {
        if !is_pointer(pointer) {
            return Err(Failure::new(Code::PolicyInvalid)
                .expected("a JSON pointer (RFC 6901) such as /buildDefinition/buildType")
                .found(pointer)
                .at("where"));
        }
        value.validate(&format!("where.{pointer}"), false)?;
        Ok(Self { pointer: pointer.to_owned(), value })
    }

    /// The pointer as written.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What the value must be.
    #[must_use]
    pub fn value(&self) -> &ValueMatch {
        &self.value
    }

    /// The name of the clause, by which evaluation reports it.
    pub(crate) fn clause(&self) -> String {
        format!("where.{}", self.pointer)
    }

    /// Holds the clause against a predicate.
    pub(crate) fn evaluate(&self, predicate: &Value) -> Result<(), Failure> {
        let found = predicate.pointer(&self.pointer);
        if found.is_some_and(|found| self.value.matches(found)) {
            return Ok(());
        }
        let found = match found {
            None => "no such value".to_owned(),
            Some(Value::Array(_)) => "a list".to_owned(),
            Some(Value::Object(_)) => "an object".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        Err(Failure::new(Code::PredicateMismatch).expected(&self.value).found(found).at(self.clause()))
    }
}

/// RFC 6901 §3: empty, or segments that each begin with `/`, in which `~` stands before 0 or 1 only.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && text.len() <= MAX_POINTER && escapes && !text.chars().any(char::is_control)
}

/// Which of several attestations of one type by one authority must satisfy a requirement.
///
/// Only attestations that verify take part, each by the earliest time that is authenticated for it: whoever may add
/// content to a registry must not be able to block an image with attestations of his own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// Some one.
    #[default]
    Any,
    /// The newest, by authenticated time; of several of one second every one. Needs complete gathering.
    Newest,
    /// Every one, and there is one. Needs complete gathering.
    All,
}

impl Selection {
    /// The word for it in policies and reports; none for the default.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Newest => Some("newest"),
            Self::All => Some("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Glob, Pattern};
    use super::*;
    use serde_json::json;

    fn holds(pointer: &str, value: ValueMatch, predicate: &Value) -> bool {
        PredicateMatch::new(pointer, value).unwrap().evaluate(predicate).is_ok()
    }

    fn between(at_least: Option<i64>, at_most: Option<i64>) -> ValueMatch {
        ValueMatch::Number { at_least, at_most }
    }

    #[test]
    fn a_pointer_leads_to_one_value_and_what_is_not_there_never_matches() {
        let predicate = json!({ "a": { "b/c": [ { "~d": "x" } ] }, "": "empty", "n": null });
        for (pointer, found) in [
            ("/a/b~1c/0/~0d", true),
            ("/", false),
            ("/a/b~1c/1/~0d", false),
            ("/a/b~1c/00/~0d", false),
            ("/a/b~1c/+0/~0d", false),
            ("/a/b~1c/-/~0d", false),
            ("/a/b/c/0/~0d", false),
            ("/A/b~1c/0/~0d", false),
            ("/a/b~1c/0/~0d/", false),
            ("/n", false),
        ] {
            assert_eq!(holds(pointer, ValueMatch::text("x"), &predicate), found, "{pointer}");
        }
        assert!(holds("/", ValueMatch::text("empty"), &predicate));
        assert!(!holds("/a", ValueMatch::text("x"), &Value::Null));
    }

    /// A number in quotes is no number, and `true` is no text.
    #[test]
    fn types_are_never_converted() {
        let predicate = json!({ "t": "1", "n": 1, "b": true, "z": null, "l": ["1"], "o": {} });
        for (pointer, text, number, truth) in [
            ("/t", true, false, false),
            ("/n", false, true, false),
            ("/b", false, false, true),
            ("/z", false, false, false),
            ("/l", false, false, false),
            ("/o", false, false, false),
        ] {
            let any = ValueMatch::OneOf(vec![ValueMatch::text("1"), ValueMatch::text("true"), ValueMatch::text("null")]);
            assert_eq!(holds(pointer, any, &predicate), text, "{pointer}");
            assert_eq!(holds(pointer, ValueMatch::number(1), &predicate), number, "{pointer}");
            assert_eq!(holds(pointer, ValueMatch::Bool(true), &predicate), truth, "{pointer}");
        }
    }

    #[test]
    fn patterns_are_over_the_whole_text() {
        let predicate = json!({ "id": "https://github.com/acme/app" });
        let glob = |text: &str| ValueMatch::Text(StringMatch::Glob(Glob::new(text).unwrap()));
        let regex = |text: &str| ValueMatch::Text(StringMatch::Pattern(Pattern::new(text).unwrap()));
        assert!(holds("/id", glob("https://github.com/acme/*"), &predicate));
        assert!(!holds("/id", glob("https://github.com/*"), &predicate));
        assert!(holds("/id", regex("https://github\\.com/acme/.*"), &predicate));
        assert!(!holds("/id", regex("github\\.com/acme"), &predicate));
    }

    #[test]
    fn numbers_compare_exactly() {
        for (found, least, most, expected) in [
            (json!(7.5), None, Some(7), false),
            (json!(7.5), None, Some(8), true),
            (json!(7.5), Some(7), None, true),
            (json!(7.0), Some(7), Some(7), true),
            (json!(-1), Some(0), None, false),
            (json!(9_007_199_254_740_993_i64), None, Some(1 << 53), false),
            (json!(u64::MAX), None, Some(1 << 53), false),
            (json!(u64::MAX), Some(1), None, true),
            (json!(1e300), Some(1), None, true),
            (json!(-1e300), None, Some(0), true),
            (json!(0.1), Some(0), Some(0), false),
        ] {
            assert_eq!(holds("/n", between(least, most), &json!({ "n": found })), expected, "{found} {least:?} {most:?}");
        }
    }

    #[test]
    fn a_list_contains_what_one_of_its_items_is() {
        let levels = json!({ "verifiedLevels": ["SLSA_BUILD_LEVEL_3", 2] });
        let contains = |wanted| ValueMatch::Contains(Box::new(wanted));
        assert!(holds("/verifiedLevels", contains(ValueMatch::text("SLSA_BUILD_LEVEL_3")), &levels));
        assert!(holds("/verifiedLevels", contains(ValueMatch::number(2)), &levels));
        assert!(!holds("/verifiedLevels", contains(ValueMatch::text("SLSA_BUILD_LEVEL_4")), &levels));
        assert!(!holds("/verifiedLevels/0", contains(ValueMatch::text("SLSA_BUILD_LEVEL_3")), &levels));
        assert!(!holds("/verifiedLevels", contains(ValueMatch::text("x")), &json!({ "verifiedLevels": [] })));
    }

    #[test]
    fn clauses_that_cannot_be_meant_are_policy_invalid() {
        let one = || ValueMatch::number(1);
        let long = format!("/{}", "a".repeat(MAX_POINTER));
        for pointer in ["", "a", "#/a", "/~", "/~2", "/a\n", &long] {
            assert_eq!(PredicateMatch::new(pointer, one()).unwrap_err().code(), Code::PolicyInvalid, "{pointer:?}");
        }
        for value in [
            between(None, None),
            between(Some(2), Some(1)),
            between(Some((1 << 53) + 1), None),
            ValueMatch::OneOf(Vec::new()),
            ValueMatch::OneOf(vec![one(); 101]),
            ValueMatch::OneOf(vec![ValueMatch::OneOf(vec![one()])]),
            ValueMatch::OneOf(vec![ValueMatch::Contains(Box::new(one()))]),
            ValueMatch::Contains(Box::new(ValueMatch::Contains(Box::new(one())))),
        ] {
            assert_eq!(PredicateMatch::new("/a", value.clone()).unwrap_err().code(), Code::PolicyInvalid, "{value:?}");
        }
    }
}
