//! Whether an identity is wider than it looks.

use veriseal::policy::ValueMatch;
use veriseal::{Identity, StringMatch};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// Identities that anyone can obtain, by the issuers that give them to anyone. Whoever writes a policy for one of these
/// names it exactly; a pattern that matches one lets everybody in.
const ANYONE: [(&str, &str); 6] = [
    (GITHUB, "https://github.com/veriseal-lint-anyone/anything/.github/workflows/any.yml@refs/heads/main"),
    ("https://gitlab.com", "https://gitlab.com/veriseal-lint-anyone/anything//.gitlab-ci.yml@refs/heads/main"),
    ("https://accounts.google.com", "veriseal-lint-anyone@gmail.com"),
    ("https://github.com/login/oauth", "veriseal-lint-anyone@gmail.com"),
    ("https://login.microsoftonline.com", "veriseal-lint-anyone@outlook.com"),
    ("https://oidc.veriseal-lint-anyone.example", "https://veriseal-lint-anyone.example/anything"),
];

/// What may follow the fixed beginning of a GitHub identity where a stranger's pull request ran.
const PULL_REQUEST: [&str; 4] = [
    "refs/pull/1/merge",
    "@refs/pull/1/merge",
    ".github/workflows/any.yml@refs/pull/1/merge",
    "any/.github/workflows/any.yml@refs/pull/1/merge",
];

pub(super) fn lint(identity: &Identity, mut warn: impl FnMut(&'static str, String)) {
    let (subject, issuer) = (identity.subject(), identity.issuer());
    if !matches!(issuer, StringMatch::Exact(_)) {
        warn("ISSUER_PATTERN", format!("{issuer}: every issuer that matches can vouch for every name; name issuers exactly"));
    }
    if let Some((by, anyone)) = ANYONE.iter().find(|(by, anyone)| issuer.matches(by) && subject.matches(anyone)) {
        warn("ANYONE", format!("{subject} matches {anyone}, which anyone can obtain from {by}"));
    } else if issuer.matches(GITHUB) && !matches!(subject, StringMatch::Exact(_)) {
        let start = beginning(subject);
        let by = PULL_REQUEST.iter().map(|rest| format!("{start}{rest}")).find(|probe| subject.matches(probe));
        if let Some(probe) = by {
            warn("PULL_REQUESTS", format!("{subject} matches {probe}: whoever opens a pull request may run there; name the ref"));
        }
    }
    if let StringMatch::Pattern(pattern) | StringMatch::Both(_, pattern) = subject {
        let source = pattern.as_str();
        if source.starts_with(".*") || source.starts_with("^.*") {
            warn("UNANCHORED", format!("{source} lets anything stand before; begin with the scheme and the host"));
        }
        if let Some(host) = open_dot(source) {
            warn("OPEN_DOT", format!("in {host} a dot stands for any character; write \\."));
        }
    }
    if let StringMatch::Glob(glob) = subject
        && glob.as_str().starts_with("**")
    {
        warn("UNANCHORED", format!("{} lets anything stand before; begin with the scheme and the host", glob.as_str()));
    }
    if let StringMatch::Glob(glob) = subject
        && host_of(glob.as_str()).is_some_and(|host| host.contains('*'))
    {
        warn("OPEN_HOST", format!("{} leaves the host open", glob.as_str()));
    }
}

/// A pattern about a value of a predicate that lets anything stand before what it means.
pub(super) fn open_start(value: &ValueMatch) -> Option<String> {
    match value {
        ValueMatch::Text(StringMatch::Pattern(pattern)) => {
            let source = pattern.as_str();
            // Wholly open is a way to ask that there is some text.
            let is_open = source.trim_start_matches('^').starts_with(".*") && source.trim_matches(['^', '$']) != ".*";
            is_open.then(|| source.to_owned())
        }
        ValueMatch::Text(StringMatch::Glob(glob)) => {
            (glob.as_str().starts_with("**") && glob.as_str() != "**").then(|| glob.as_str().to_owned())
        }
        ValueMatch::OneOf(of) => of.iter().find_map(open_start),
        ValueMatch::Contains(wanted) => open_start(wanted),
        _ => None,
    }
}

/// What every match begins with: the text up to the first wildcard.
fn beginning(value: &StringMatch) -> String {
    let text = value.to_string();
    match value {
        StringMatch::Glob(glob) => glob.as_str().split('*').next().unwrap_or_default().to_owned(),
        StringMatch::Pattern(pattern) => {
            let literal = pattern.as_str().trim_start_matches('^').replace(r"\.", ".").replace(r"\-", "-").replace(r"\/", "/");
            let end = literal.find(['(', '[', '*', '+', '?', '\\', '{', '|', '$']).unwrap_or(literal.len());
            let head = literal.get(..end).unwrap_or_default();
            // A dot before a star is a wildcard too.
            head.strip_suffix('.').unwrap_or(head).to_owned()
        }
        _ => text,
    }
}

fn host_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split('/').next()
}

/// The host part of a pattern in which a dot is not escaped.
fn open_dot(source: &str) -> Option<&str> {
    let host = host_of(source)?;
    let bytes = host.as_bytes();
    let is_open =
        |index: usize| bytes.get(index) == Some(&b'.') && (index == 0 || bytes.get(index.saturating_sub(1)) != Some(&b'\\'));
    (0..bytes.len()).any(is_open).then_some(host)
}
