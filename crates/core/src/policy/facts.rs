//! What checks established about one signature: the only thing that a policy sees.
//!
//! Every type here has private fields and is made only in [`crate::check`]: holding one means that the checks were made.

use crate::code::Failure;
use crate::digest::Digest;
use crate::encoding::Few;
use crate::format::intoto::Statement;
use crate::time::UnixTime;
use crate::x509::{DistinguishedName, FulcioExtensions, SubjectName};
use std::borrow::Cow;
use std::sync::Arc;

/// The name of a clause of a policy; most are fixed.
pub(crate) type Clause = Cow<'static, str>;

/// A set of clauses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clauses {
    /// Ascending, each once.
    names: Vec<Clause>,
}

impl Clauses {
    /// An empty set, with room for the clauses of most leaves.
    pub(crate) fn new() -> Self {
        Self { names: Vec::with_capacity(16) }
    }

    pub(crate) fn insert(&mut self, clause: impl Into<Clause>) {
        let clause = clause.into();
        if let Err(at) = self.names.binary_search(&clause) {
            self.names.insert(at, clause);
        }
    }

    /// Whether it was in the set, from which it is taken.
    #[cfg(test)]
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let Ok(at) = self.names.binary_search_by(|known| (**known).cmp(name)) else { return false };
        self.names.remove(at);
        true
    }

    pub(crate) fn contains(&self, clause: &Clause) -> bool {
        self.names.binary_search(clause).is_ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn clear(&mut self) {
        self.names.clear();
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Clause> {
        self.names.iter()
    }
}

impl<C: Into<Clause>> Extend<C> for Clauses {
    fn extend<I: IntoIterator<Item = C>>(&mut self, clauses: I) {
        clauses.into_iter().for_each(|clause| self.insert(clause));
    }
}

#[cfg(test)]
impl<C: Into<Clause>> FromIterator<C> for Clauses {
    fn from_iter<I: IntoIterator<Item = C>>(clauses: I) -> Self {
        let mut set = Self::new();
        set.extend(clauses);
        set
    }
}

/// Who signed, as shown by a trusted key or a verified certificate path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signer {
    /// A trusted key.
    Key {
        /// SHA-256 of its SPKI.
        id: [u8; 32],
        /// Its name in the policy.
        name: String,
    },
    /// A certificate with a verified path.
    Certificate {
        /// Its one subject alternative name.
        subject: SubjectName,
        /// Its Fulcio extensions.
        extensions: FulcioExtensions,
        /// SHA-256 of its DER.
        fingerprint: [u8; 32],
        /// Name of the authority whose path holds.
        authority: Arc<str>,
        /// SHA-256 of the DER of each certificate above it on that path, the anchor last.
        chain: Few<[u8; 32], 3>,
        /// Its distinguished name, attribute by attribute; empty in Fulcio's certificates.
        distinguished_name: DistinguishedName,
        /// The certificate policies that it was issued under, as dotted numbers.
        policies: Vec<String>,
    },
}

impl Signer {
    /// What thresholds count as one signer: a key is one wherever it is trusted, an identity in each trust domain.
    pub(crate) fn counted_as(&self, domain: usize) -> String {
        match self {
            Self::Key { id, .. } => format!("key {id:02x?}"),
            Self::Certificate { subject, extensions, .. } => {
                format!("certificate {:?} {:?} of domain {domain}", subject, extensions.issuer())
            }
        }
    }
}

/// What authenticated a time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeSource {
    /// A log's signed entry timestamp.
    Log(Arc<str>),
    /// A timestamp authority.
    TimestampAuthority(Arc<str>),
}

/// A time at which the signature is known to have existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatedTime {
    at: UnixTime,
    source: TimeSource,
}

impl AuthenticatedTime {
    pub(crate) fn assertion(at: UnixTime, source: TimeSource) -> Self {
        Self { at, source }
    }

    /// The time.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// Who says so.
    #[must_use]
    pub fn source(&self) -> &TimeSource {
        &self.source
    }
}

/// A log that holds a verified entry bound to the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFact {
    log: Arc<str>,
    index: u64,
    witnesses: usize,
}

impl LogFact {
    pub(crate) fn assertion(log: Arc<str>, index: u64, witnesses: usize) -> Self {
        Self { log, index, witnesses }
    }

    /// Name of the log.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Index of the entry.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Distinct trusted witnesses under its checkpoint.
    #[must_use]
    pub fn witnesses(&self) -> usize {
        self.witnesses
    }
}

/// The last moment at which a fact holds by itself, and why no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) last: UnixTime,
    pub(crate) why: Failure,
}

/// One signature of which every configured check holds.
#[derive(Clone, Debug)]
pub struct VerifiedSignature {
    pub(crate) signer: Arc<Signer>,
    pub(crate) digest: Digest,
    pub(crate) times: Vec<AuthenticatedTime>,
    pub(crate) logs: Vec<LogFact>,
    pub(crate) statement: Option<Arc<Statement>>,
    pub(crate) docker_reference: Option<String>,
    /// Which identity of a keyless authority matched.
    pub(crate) identity: Option<usize>,
    /// The clauses that were evaluated, to be held against those configured.
    pub(crate) evaluated: Clauses,
    /// What ends it while nothing of the evidence changes; most signatures never end.
    pub(crate) ending: Option<Ending>,
}

impl VerifiedSignature {
    /// The earliest authenticated time: it is at least that old, whatever newer times were added to it.
    #[must_use]
    pub fn earliest(&self) -> Option<UnixTime> {
        self.times.iter().map(AuthenticatedTime::at).min()
    }

    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The digest that the signed content names, shown to be the artifact's.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// When it is known to have existed.
    #[must_use]
    pub fn times(&self) -> &[AuthenticatedTime] {
        &self.times
    }

    /// The logs that hold it.
    #[must_use]
    pub fn logs(&self) -> &[LogFact] {
        &self.logs
    }

    /// The in-toto statement that was signed, where one was.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        self.statement.as_deref()
    }

    /// The repository that a simple-signing payload names.
    #[must_use]
    pub fn docker_reference(&self) -> Option<&str> {
        self.docker_reference.as_deref()
    }
}
