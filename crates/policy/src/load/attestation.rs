//! What an attestation must say, how old it may be, and which of several must say it.

use super::patterns::Patterns;
use crate::error::LoadError;
use crate::fields::{Fields, flag, list, text};
use crate::node::{Node, Value};
use veriseal::policy::{PredicateMatch, Selection, ValueMatch};
use veriseal::{Claim, SignatureRequirement};

/// The predicates by which images are signed: as an attestation they would be asked for under another name.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";
/// Units of an age, in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// The claim, from the predicate type.
pub(super) fn claim(fields: &Fields<'_>) -> Result<Claim, LoadError> {
    let predicate = fields.need("predicateType")?;
    let field = fields.path_of("predicateType");
    let predicate_type = text(predicate, &field)?;
    if predicate_type == SIGNED {
        return Err(LoadError::invalid(predicate.at, &field, "the type of an attestation", predicate_type)
            .hint("ask for it with signature"));
    }
    if !predicate_type.contains(':') {
        return Err(LoadError::invalid(predicate.at, &field, "a URI, compared byte for byte", predicate_type));
    }
    Ok(Claim::Attestation { predicate_type: predicate_type.to_owned() })
}

/// Adds `where`, `maxAge`, `newest` and `all` to a leaf.
pub(super) fn clauses(
    fields: &Fields<'_>,
    mut leaf: SignatureRequirement,
    patterns: &mut Patterns,
) -> Result<SignatureRequirement, LoadError> {
    if let Some(node) = fields.get("where")? {
        let path = fields.path_of("where");
        let Value::Map(entries) = &node.value else {
            return Err(LoadError::invalid(node.at, &path, "a mapping of JSON pointers to values", node.value.describe()));
        };
        if entries.is_empty() {
            return Err(LoadError::invalid(node.at, &path, "at least one JSON pointer", "none"));
        }
        for (key, value) in entries {
            let pointer = text(key, &path)?;
            let field = format!("{path}.{pointer}");
            let clause = PredicateMatch::new(pointer, value_match(value, &field, patterns)?);
            leaf = leaf.saying(clause.map_err(|failure| LoadError::refused(key.at, &path, &failure))?);
        }
    }
    if let Some(node) = fields.get("maxAge")? {
        leaf = leaf.max_age(age(node, &fields.path_of("maxAge"))?);
    }
    let (newest, all) = (fields.get("newest")?, fields.get("all")?);
    let newest = newest.map(|node| flag(node, &fields.path_of("newest"))).transpose()?.unwrap_or(false);
    let every = all.map(|node| flag(node, &fields.path_of("all"))).transpose()?.unwrap_or(false);
    match (newest, every) {
        (true, true) => Err(LoadError::invalid(fields.at, &fields.path, "either newest or all", "both")),
        (true, false) => Ok(leaf.selecting(Selection::Newest)),
        (false, true) => Ok(leaf.selecting(Selection::All)),
        (false, false) => Ok(leaf),
    }
}

/// Text, numbers and truth values mean themselves; a mapping with one field says more.
fn value_match(node: &Node, path: &str, patterns: &mut Patterns) -> Result<ValueMatch, LoadError> {
    let Value::Map(map) = &node.value else { return scalar(node, path) };
    let named = |name: &str| map.iter().any(|(key, _)| matches!(&key.value, Value::Text(text) if text == name));
    if named("oneOf") {
        let fields = Fields::of(node, "oneOf", path)?;
        let field = fields.path_of("oneOf");
        let items = list(fields.need("oneOf")?, &field)?.iter().enumerate();
        let values = items.map(|(index, item)| value_match(item, &format!("{field}[{index}]"), patterns));
        return Ok(ValueMatch::OneOf(values.collect::<Result<_, _>>()?));
    }
    if named("contains") {
        let fields = Fields::of(node, "contains", path)?;
        let wanted = value_match(fields.need("contains")?, &fields.path_of("contains"), patterns)?;
        return Ok(ValueMatch::Contains(Box::new(wanted)));
    }
    if named("atLeast") || named("atMost") {
        let fields = Fields::of(node, "number", path)?;
        let bound = |name: &str| -> Result<Option<i64>, LoadError> {
            let Some(node) = fields.get(name)? else { return Ok(None) };
            match &node.value {
                Value::Integer(bound) => Ok(Some(*bound)),
                other => {
                    Err(LoadError::invalid(node.at, &fields.path_of(name), "a whole number without quotes", other.describe()))
                }
            }
        };
        return Ok(ValueMatch::Number { at_least: bound("atLeast")?, at_most: bound("atMost")? });
    }
    if !["exact", "glob", "regex"].iter().any(|name| named(name)) {
        let found: Vec<_> = map.iter().map(|(key, _)| key.value.describe()).take(4).collect();
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        let expected = "a value, or one of exact, glob, regex, oneOf, contains, atLeast, atMost";
        return Err(LoadError::invalid(node.at, path, expected, found));
    }
    patterns.string_match(node, path).map(ValueMatch::Text)
}

fn scalar(node: &Node, path: &str) -> Result<ValueMatch, LoadError> {
    match &node.value {
        Value::Text(text) => Ok(ValueMatch::text(text)),
        Value::Bool(value) => Ok(ValueMatch::Bool(*value)),
        Value::Integer(number) => Ok(ValueMatch::number(*number)),
        Value::Number => Err(LoadError::invalid(node.at, path, "a whole number", "another")
            .hint("fractions have no one form: compare with atLeast and atMost")),
        other => Err(LoadError::invalid(node.at, path, "text, a whole number, true or false", other.describe())),
    }
}

/// `90d`: a whole number and a unit.
fn age(node: &Node, path: &str) -> Result<u64, LoadError> {
    let invalid = |found: &str| LoadError::invalid(node.at, path, "an age such as 90d, 12h, 30m or 45s", found);
    let Value::Text(written) = &node.value else { return Err(invalid(&node.value.describe())) };
    let seconds = UNITS.iter().find_map(|(unit, seconds)| {
        let number = written.strip_suffix(*unit)?;
        let is_number = number.starts_with(|c: char| ('1'..='9').contains(&c)) && number.chars().all(|c| c.is_ascii_digit());
        if is_number { number.parse::<u64>().ok()?.checked_mul(*seconds) } else { None }
    });
    seconds.ok_or_else(|| invalid(written))
}
