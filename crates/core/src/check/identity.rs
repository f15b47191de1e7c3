//! Whether the signer is whom the policy names. Reads the identity only from a [`ValidPath`].

use super::path::ValidPath;
use super::trace::{Detail, Outcome, Rule, Trace};
use crate::code::{Code, Failure};
use crate::policy::{Clauses, KeylessAuthority};
use crate::x509::SubjectName;

/// Which identity matched, and which of its clauses were evaluated: all of them.
#[derive(Debug)]
pub(super) struct MatchedIdentity {
    pub(super) index: usize,
    pub(super) evaluated: Clauses,
}

/// Holds the certificate against the identities; any one suffices, wholly.
pub(super) fn verify(path: &ValidPath, authority: &KeylessAuthority, trace: &mut Trace) -> Result<MatchedIdentity, Failure> {
    if let Err(failure) = of_its_kind(path.subject()) {
        trace.push(Rule::Identity, Outcome::Failed(failure.clone()));
        return Err(failure);
    }
    let mut closest: Option<Failure> = None;
    let mut evaluated = Clauses::new();
    for (index, identity) in authority.identities().iter().enumerate() {
        // What was evaluated of another identity is no clause of this one.
        evaluated.clear();
        match identity.evaluate(path.certified(), &mut evaluated) {
            Ok(()) => {
                trace.passed(Rule::Issuer, Detail::Issuer(path.extensions().clone()));
                trace.passed(Rule::Identity, Detail::Subject(path.subject().clone()));
                for (name, _) in identity.extensions() {
                    trace.passed(Rule::Extensions, Detail::Text(name.clone()));
                }
                for (of, _) in identity.distinguished_name() {
                    trace.passed(Rule::SubjectDn, Detail::Text(of.clone()));
                }
                for oid in identity.policy_oids() {
                    trace.passed(Rule::PolicyOids, Detail::Text(oid.clone()));
                }
                return Ok(MatchedIdentity { index, evaluated });
            }
            Err(failure) => {
                if closest.as_ref().is_none_or(|known| closeness(known.code()) < closeness(failure.code())) {
                    closest = Some(failure);
                }
            }
        }
    }
    let failure = closest.unwrap_or_else(|| Code::IdentityMismatch.into());
    let rule = match failure.code() {
        Code::IssuerMismatch => Rule::Issuer,
        Code::ExtensionMismatch => Rule::Extensions,
        Code::SubjectDnMismatch => Rule::SubjectDn,
        Code::PolicyOidMismatch => Rule::PolicyOids,
        _ => Rule::Identity,
    };
    trace.push(rule, Outcome::Failed(failure.clone()));
    Err(failure)
}

/// Whether the text is one that only a name of its kind has: an address has an `@` and no colon, a URI a scheme, a Fulcio
/// user name a `!` before its domain. A policy compares text, so no text may be read as two kinds of name (K-X-17).
fn of_its_kind(subject: &SubjectName) -> Result<(), Failure> {
    let text = subject.value();
    let split = |at: char| text.rsplit_once(at).filter(|(before, behind)| !before.is_empty() && !behind.is_empty());
    let (holds, expected) = match subject {
        SubjectName::Email(_) => (
            !text.contains(':') && split('@').is_some_and(|(_, domain)| !domain.contains('!')),
            "an e-mail address: name@domain, without a colon",
        ),
        SubjectName::Uri(_) => (has_scheme(text), "a URI with a scheme"),
        SubjectName::OtherName(_) => (
            !text.contains(':') && split('!').is_some_and(|(_, domain)| !domain.contains('@')),
            "a Fulcio user name: name!domain, without a colon",
        ),
    };
    if holds { Ok(()) } else { Err(Failure::new(Code::SubjectAlternativeName).expected(expected).found(subject)) }
}

/// RFC 3986 §3.1.
fn has_scheme(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Of several identities the one that came closest is the one to explain.
fn closeness(code: Code) -> u8 {
    match code {
        Code::PolicyOidMismatch => 4,
        Code::SubjectDnMismatch => 3,
        Code::ExtensionMismatch => 2,
        Code::IdentityMismatch => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// K-X-17: the smallest text of each kind, and what is no longer one.
    #[test]
    fn a_name_has_the_form_of_its_kind() {
        type Kind = fn(Arc<str>) -> SubjectName;
        let kinds: [(Kind, &[&str], &[&str]); 3] = [
            (SubjectName::Email, &["a@b", "a!b@c", "a@b@c"], &["", "a", "@b", "a@", "a:b@c", "a@b:c", "a@b!c"]),
            (SubjectName::Uri, &["a:", "a+b-c.1:d", "Z:@"], &["", "a", ":a", "1a:b", "+a:b", "a b:c", "a@b:c", "\u{e4}:b"]),
            (SubjectName::OtherName, &["a!b", "a@b!c", "a!b!c"], &["", "a", "!b", "a!", "a:b!c", "a!b:c", "a!b@c"]),
        ];
        for (kind, good, bad) in kinds {
            for name in good {
                assert_eq!(of_its_kind(&kind((*name).into())), Ok(()), "{name}");
            }
            for name in bad {
                let failure = of_its_kind(&kind((*name).into())).unwrap_err();
                assert_eq!(failure.code(), Code::SubjectAlternativeName, "{name}");
            }
        }
    }

    #[test]
    fn the_identity_that_failed_last_came_closest() {
        let order = [
            Code::IssuerMismatch,
            Code::IdentityMismatch,
            Code::ExtensionMismatch,
            Code::SubjectDnMismatch,
            Code::PolicyOidMismatch,
        ];
        assert_eq!(order.map(closeness), [0, 1, 2, 3, 4]);
    }
}
