//! Whether the signer is whom the policy names. Reads the identity only from a [`ValidPath`].

use super::path::ValidPath;
use super::trace::{Detail, Outcome, Rule, Trace};
use crate::code::{Code, Failure};
use crate::policy::KeylessAuthority;
use std::collections::BTreeSet;

/// Which identity matched, and which of its clauses were evaluated: all of them.
#[derive(Debug)]
pub(super) struct MatchedIdentity {
    pub(super) index: usize,
    pub(super) evaluated: BTreeSet<String>,
}

/// Holds the certificate against the identities; any one suffices, wholly.
pub(super) fn verify(path: &ValidPath<'_>, authority: &KeylessAuthority, trace: &mut Trace) -> Result<MatchedIdentity, Failure> {
    let mut closest: Option<Failure> = None;
    for (index, identity) in authority.identities().iter().enumerate() {
        match identity.evaluate(path.subject(), path.extensions()) {
            Ok(evaluated) => {
                trace.passed(Rule::Issuer, Detail::Text(path.extensions().issuer().unwrap_or_default().to_owned()));
                trace.passed(Rule::Identity, Detail::Text(path.subject().value().to_owned()));
                for (name, _) in identity.extensions() {
                    trace.passed(Rule::Extensions, Detail::Text(name.clone()));
                }
                return Ok(MatchedIdentity { index, evaluated: evaluated.into_iter().collect() });
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
        _ => Rule::Identity,
    };
    trace.push(rule, Outcome::Failed(failure.clone()));
    Err(failure)
}

/// Of several identities the one that came closest is the one to explain.
fn closeness(code: Code) -> u8 {
    match code {
        Code::ExtensionMismatch => 2,
        Code::IdentityMismatch => 1,
        _ => 0,
    }
}
