//! [`Check`]: one thing that was looked at, by which rule, and what came of it. The account that a report shows.

use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::time::{UnixTime, Validity};
use crate::x509::{FulcioExtensions, SubjectName};
use std::sync::Arc;

macro_rules! rules {
    ($($variant:ident = $name:literal, $source:literal, $asks:literal;)*) => {
        /// A rule that evidence is held against.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]

        pub(crate) enum Rule {
            $(#[doc = $asks] $variant,)*
        }

        impl Rule {
            /// Stable name.
            #[must_use]
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The standard that the rule comes from.
            #[must_use]
            pub(crate) const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source,)* }
            }

            /// What it asks, for a person.
            #[must_use]
            pub(crate) const fn asks(self) -> &'static str {
                match self { $(Self::$variant => $asks,)* }
            }
        }
    };
}

rules! {
    Signature = "signature", "Sigstore client spec §4.5", "the signature verifies with the signer's key";
    KeyWindow = "keyWindow", "Sigstore client spec §4.5", "the key was valid when it signed";
    Certificate = "certificate", "RFC 5280 §6, Fulcio certificate specification", "the certificate leads to a trusted authority at every authenticated time";
    Sct = "sct", "RFC 6962 §3.2", "the certificate was logged in a trusted CT log";
    EntryBinding = "entryBinding", "Sigstore client spec §4.4", "the log entry is about this signature, key and digest";
    Promise = "signedEntryTimestamp", "Rekor v1 specification", "the log promised to include the entry";
    Inclusion = "inclusionProof", "RFC 6962 §2.1.1", "the entry is included under the log's signed checkpoint";
    Tlog = "tlog", "Sigstore client spec §4.4", "as many distinct logs as needed hold the signature";
    Witnesses = "witnesses", "C2SP tlog-cosignature", "as many witnesses as needed cosigned the checkpoint";
    Timestamp = "timestamp", "RFC 3161", "a timestamp authority stamped the signature";
    Timestamps = "timestamps", "Sigstore client spec §4.2", "as many distinct timestamp authorities as needed stamped the signature";
    Time = "time", "Sigstore client spec §4.2", "the times at which the signature is known to have existed are not in the future";
    Subject = "subject", "OCI image-spec, in-toto statement v1", "what was signed is this artifact";
    Claim = "claim", "cosign BUNDLE_SPEC, in-toto statement v1", "the statement is of the kind that is asked for";
    Issuer = "issuer", "Sigstore client spec §4.3", "the expected issuer vouched for the identity";
    Identity = "identity", "Sigstore client spec §4.3", "the signer is the expected identity";
    Extensions = "extensions", "Fulcio OID information", "the certificate's extensions have the expected values";
    SubjectDn = "subjectDn", "RFC 5280 §4.1.2.6", "the certificate's distinguished name has the expected attributes";
    PolicyOids = "policyOids", "RFC 5280 §4.2.1.4", "the certificate was issued under the expected policies";
    Predicate = "where", "in-toto statement v1, RFC 6901", "the predicate says what is asked for";
    MaxAge = "maxAge", "veriseal docs/policy.md", "the attestation is not older than allowed";
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]

pub(crate) enum Outcome {
    /// It holds.
    Passed(Detail),
    /// It does not hold, and the candidate does not count.
    Failed(Failure),
    /// This one piece could not be counted; others may.
    NotCounted(Failure),
    /// The policy said to leave it out. Stands among what is weakened.
    Ignored(Code),
}

/// What a passed check found, kept as it is: it becomes text only when somebody asks to see it, escaped and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]

pub(crate) enum Detail {
    /// Nothing to add.
    None,
    /// A moment.
    At(UnixTime),
    /// So many of so many needed.
    Count {
        /// Found.
        found: usize,
        /// Needed.
        needed: usize,
    },
    /// An index in a log, and the time it states where that is authenticated.
    Entry {
        /// Index of the entry.
        index: u64,
        /// Authenticated time.
        at: Option<UnixTime>,
    },
    /// A digest.
    Digest(Digest),
    /// A window.
    Window(Validity),
    /// Until when it holds.
    Until(UnixTime),
    /// The name of an authority or a log.
    Name(Arc<str>),
    /// The certificate's subject.
    Subject(SubjectName),
    /// The certificate's issuer of identities, among what else it states.
    Issuer(FulcioExtensions),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::At(at) => write!(f, "{at}"),
            Self::Count { found: 0, needed: 0 } => f.write_str("none, and none needed"),
            Self::Count { found, needed } => write!(f, "{found} found, {needed} needed"),
            Self::Entry { index, at: Some(at) } => write!(f, "entry {index}, {at}"),
            Self::Entry { index, at: None } => write!(f, "entry {index}"),
            Self::Digest(digest) => write!(f, "{digest}"),
            Self::Window(window) => write!(f, "{window}"),
            Self::Until(at) => write!(f, "until {at}"),
            Self::Name(name) => f.write_str(name),
            Self::Subject(subject) => f.write_str(subject.value()),
            Self::Issuer(stated) => f.write_str(stated.issuer().unwrap_or_default()),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// The rule.
    pub(crate) rule: Rule,
    /// What came of it.
    pub(crate) outcome: Outcome,
}

/// The checks of one candidate against one authority, in the order in which they were made.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    checks: Vec<Check>,
}

impl Default for Trace {
    /// With room for the checks of one signature.
    fn default() -> Self {
        Self { checks: Vec::with_capacity(16) }
    }
}

impl Trace {
    pub(crate) fn passed(&mut self, rule: Rule, detail: Detail) {
        self.checks.push(Check { rule, outcome: Outcome::Passed(detail) });
    }

    pub(crate) fn not_counted(&mut self, rule: Rule, failure: Failure) {
        self.checks.push(Check { rule, outcome: Outcome::NotCounted(failure) });
    }

    pub(crate) fn ignored(&mut self, rule: Rule, code: Code) {
        self.checks.push(Check { rule, outcome: Outcome::Ignored(code) });
    }

    pub(crate) fn push(&mut self, rule: Rule, outcome: Outcome) {
        self.checks.push(Check { rule, outcome });
    }

    /// Notes the outcome of a rung and hands its proof on.
    pub(crate) fn rung<T>(
        &mut self,
        rule: Rule,
        result: Result<T, Failure>,
        detail: impl FnOnce(&T) -> Detail,
    ) -> Result<T, Failure> {
        match &result {
            Ok(proof) => self.passed(rule, detail(proof)),
            Err(failure) => self.checks.push(Check { rule, outcome: Outcome::Failed(failure.clone()) }),
        }
        result
    }

    /// Whether a check of this rule was made and held, or was left out because the policy says so.
    pub(crate) fn holds(&self, rule: Rule) -> bool {
        self.checks.iter().any(|check| check.rule == rule && matches!(check.outcome, Outcome::Passed(_) | Outcome::Ignored(_)))
    }

    /// Why pieces under this rule were not counted.
    pub(crate) fn not_counted_reasons(&self, rule: Rule) -> impl Iterator<Item = &Failure> + '_ {
        self.checks.iter().filter_map(move |check| match &check.outcome {
            Outcome::NotCounted(failure) if check.rule == rule => Some(failure),
            _ => None,
        })
    }

    pub(crate) fn into_checks(self) -> Vec<Check> {
        self.checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_check_found_is_said_in_a_line() {
        let at = UnixTime::from_seconds(0);
        for (detail, said) in [
            (Detail::None, ""),
            (Detail::At(at), "1970-01-01T00:00:00Z"),
            (Detail::Count { found: 0, needed: 0 }, "none, and none needed"),
            (Detail::Count { found: 0, needed: 1 }, "0 found, 1 needed"),
            (Detail::Count { found: 1, needed: 0 }, "1 found, 0 needed"),
            (Detail::Entry { index: 3, at: Some(at) }, "entry 3, 1970-01-01T00:00:00Z"),
            (Detail::Entry { index: 3, at: None }, "entry 3"),
            (Detail::Text("a".to_owned()), "a"),
        ] {
            assert_eq!(detail.to_string(), said);
        }
    }

    #[test]
    fn a_rule_holds_where_it_passed_or_was_left_out_and_not_where_it_failed() {
        let mut trace = Trace::default();
        assert!(!trace.holds(Rule::Sct));
        trace.passed(Rule::Time, Detail::None);
        trace.not_counted(Rule::Tlog, Code::LogUnknown.into());
        trace.not_counted(Rule::Timestamp, Code::TimestampUntrusted.into());
        trace.push(Rule::Claim, Outcome::Failed(Code::PredicateMismatch.into()));
        assert!(!trace.holds(Rule::Sct));
        trace.ignored(Rule::Sct, Code::SctIgnored);
        let held = [Rule::Time, Rule::Sct, Rule::Tlog, Rule::Claim].map(|rule| trace.holds(rule));
        assert_eq!(held, [true, true, false, false]);
        let reasons: Vec<Code> = trace.not_counted_reasons(Rule::Timestamp).map(Failure::code).collect();
        assert_eq!(reasons, [Code::TimestampUntrusted]);
    }
}
