//! Which accepted mutants are no holes: those that differ from the original only where nobody decides anything.
//!
//! Two things must hold together. What was accepted adds nothing to what the original was accepted for (`Facts`); and every
//! place where the documents differ stands in the list below, with its reason. A mutant of a document that must itself be
//! refused is never equivalent to anything.

use veriseal::encoding::base64;
use veriseal_testkit::mutation::Tree;

/// Places that decide nothing: the end of the path, with `*` for an index, and the reason.
const REASONS: &[(&str, &str)] =
    &[("/verificationMaterial/publicKey", "a hint selects no key: the policy names the one that counts")];

/// The one reason for documents that say the same.
pub(crate) const SAME: &str = "the same JSON, written otherwise";

/// The reasons for which the mutant means what the original means; the place without one where there is such.
pub(crate) fn reasons(original: &Tree, mutant: &[u8]) -> Result<Vec<&'static str>, String> {
    let mutant = Tree::parse(mutant).ok_or("no JSON any more")?;
    let mut places = Vec::new();
    differences(original, &mutant, "", &mut places);
    if places.is_empty() {
        return Ok(vec![SAME]);
    }
    places.into_iter().map(|place| reason(&place).ok_or(place)).collect()
}

fn reason(place: &str) -> Option<&'static str> {
    let general: String = place
        .split('/')
        .map(|step| if step.bytes().all(|b| b.is_ascii_digit()) && !step.is_empty() { "*" } else { step })
        .collect::<Vec<_>>()
        .join("/");
    REASONS.iter().find(|(end, _)| general.ends_with(end)).map(|(_, reason)| *reason)
}

/// The paths at which the documents differ; inside of JSON in base64 too. Members may stand in any order.
fn differences(one: &Tree, other: &Tree, path: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Tree::Object(ones), Tree::Object(others)) => {
            for (name, value) in ones {
                match other.member(name) {
                    Some(there) => differences(value, there, &format!("{path}/{name}"), found),
                    None => found.push(format!("{path}/{name}")),
                }
            }
            found.extend(others.iter().filter(|(name, _)| one.member(name).is_none()).map(|(name, _)| format!("{path}/{name}")));
        }
        (Tree::List(ones), Tree::List(others)) => {
            for (at, value) in ones.iter().enumerate() {
                match others.get(at) {
                    Some(there) => differences(value, there, &format!("{path}/{at}"), found),
                    None => found.push(format!("{path}/{at}")),
                }
            }
            found.extend((ones.len()..others.len()).map(|at| format!("{path}/{at}")));
        }
        _ if one == other => {}
        _ => match (inner(one), inner(other)) {
            (Some(one), Some(other)) => differences(&one, &other, &format!("{path}/#"), found),
            _ => found.push(path.to_owned()),
        },
    }
}

/// The JSON that a text holds in base64.
fn inner(tree: &Tree) -> Option<Tree> {
    let Tree::Text(text) = tree else { return None };
    base64::decode(text).filter(|bytes| bytes.first() == Some(&b'{')).and_then(|bytes| Tree::parse(&bytes))
}
