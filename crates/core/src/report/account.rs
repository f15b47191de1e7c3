//! [`Report`]: the account of one verify call, as the checks left it.
//!
//! What is shown of it, its JSON and its text, is made when somebody asks for it: most calls end in a verdict that nobody
//! reads.

use super::document::{Document, EvidenceReport, SubjectReport};
use crate::check::candidate::Evaluation;
use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::policy::{Basis, NodeOutcome, Policy};
use crate::time::UnixTime;
use crate::trust::TrustRoot;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// The verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// The requirement holds.
    Accepted,
    /// It does not hold.
    Rejected,
    /// It could not be found out. Never a success.
    Undecided,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Undecided => "undecided",
        }
    }
}

/// The first line of a report.
#[derive(Clone, Debug)]
pub(crate) struct Headline {
    pub(crate) verdict: Verdict,
    pub(crate) failure: Failure,
}

/// One candidate, and what came of it.
#[derive(Debug)]
pub(crate) struct CandidateAccount {
    pub(crate) layout: &'static str,
    /// What it is attached to, where that may be the index or a platform's manifest.
    pub(crate) subject: Option<Digest>,
    pub(crate) digest: Option<Digest>,
    pub(crate) format: Option<&'static str>,
    /// Why it does not count, where it does not.
    pub(crate) reason: Option<Failure>,
    /// What is told, with the number of its leaf.
    pub(crate) evaluations: Vec<(usize, Evaluation)>,
    /// Refusals that are not told, since the report tells enough of them.
    pub(crate) left_out: usize,
}

/// Everything that is told but the time as of which it was judged.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) headline: Headline,
    pub(crate) subject: SubjectAccount,
    pub(crate) evidence: Option<EvidenceReport>,
    pub(crate) trust: Arc<TrustRoot>,
    pub(crate) policy: Arc<Policy>,
    /// On what the acceptance rests; only where the verdict is `accepted`.
    pub(crate) basis: Option<Basis>,
    pub(crate) horizon: Option<(UnixTime, Failure)>,
    pub(crate) requirement: Option<NodeOutcome>,
    pub(crate) candidates: Vec<CandidateAccount>,
    /// What is weaker than the default here, before what always is with this verifier.
    pub(crate) weakened: Vec<Failure>,
    pub(crate) always_weakened: Arc<[Failure]>,
    pub(crate) notices: Vec<Failure>,
    pub(crate) gathering: Vec<(Option<&'static str>, Failure)>,
}

impl Account {
    /// Everything that is weaker than the default.
    pub(super) fn all_weakened(&self) -> impl Iterator<Item = &Failure> {
        self.weakened.iter().chain(&*self.always_weakened)
    }
}

/// What was asked about.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an image has many more texts")]
pub(crate) enum SubjectAccount {
    /// A blob, by the digest that names it.
    Blob(Option<Digest>),
    Image(SubjectReport),
}

/// The account of one verify call. Immutable, cheap to clone.
#[derive(Clone, Debug)]
pub struct Report {
    account: Arc<Account>,
    time: UnixTime,
}

impl Report {
    pub(crate) fn new(account: Account, time: UnixTime) -> Self {
        Self { account: Arc::new(account), time }
    }

    /// The same account as of another moment at which every check has the same outcome.
    pub(crate) fn as_of(&self, time: UnixTime) -> Self {
        Self { account: Arc::clone(&self.account), time }
    }

    pub(super) fn document(&self) -> Document {
        Document::new(&self.account, self.time)
    }

    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.account.headline.verdict
    }

    /// The code that says most about the verdict.
    #[must_use]
    pub fn code(&self) -> Code {
        self.failure().code()
    }

    /// The code with its data.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.account.headline.failure
    }

    /// The expiry horizon: the first second at which this acceptance would be none though nothing changed but the time,
    /// and why: an exception that ends, a key without authenticated time that leaves its window, an attestation that grows
    /// too old. `None` where the verdict is no acceptance, and where it never ends by itself.
    ///
    /// Windows of certificates, logs and authorities are held against authenticated times, so none of a trust root's ends
    /// an acceptance. What others may do (move a tag, push or withhold an attestation) is not foreseen.
    #[must_use]
    pub fn horizon(&self) -> Option<(UnixTime, &Failure)> {
        self.account.horizon.as_ref().map(|(from, why)| (*from, why))
    }

    /// Codes of the candidates that do not count, in order.
    #[must_use]
    pub fn candidate_codes(&self) -> Vec<Code> {
        self.account.candidates.iter().filter_map(|candidate| candidate.reason.as_ref().map(Failure::code)).collect()
    }

    /// Codes of everything weaker than the default.
    #[must_use]
    pub fn weakened_codes(&self) -> Vec<Code> {
        self.account.all_weakened().map(Failure::code).collect()
    }

    /// Codes of the notices.
    #[must_use]
    pub fn notice_codes(&self) -> Vec<Code> {
        self.account.notices.iter().map(Failure::code).collect()
    }

    /// Codes of what could not be gathered.
    #[must_use]
    pub fn gathering_codes(&self) -> Vec<Code> {
        self.account.gathering.iter().map(|(_, failure)| failure.code()).collect()
    }

    /// The JSON form, one line, fields in a fixed order.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Only strings, integers and lists: nothing that serialising could refuse.
        serde_json::to_string(self).unwrap_or_else(|_| String::from("{}"))
    }

    /// The JSON form over several lines.
    #[must_use]
    pub fn to_json_pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|_| String::from("{}"))
    }
}

/// Two reports are equal where they show the same.
impl PartialEq for Report {
    fn eq(&self, other: &Self) -> bool {
        self.document() == other.document()
    }
}

impl Eq for Report {}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(serializer)
    }
}
