//! [`Accepted`] and [`NotAccepted`]: what a verify call returns. Neither can be made anywhere else.

use super::proven::{AcceptedPlatform, Proven};
use crate::code::Code;
use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::{Basis, VerifiedSignature};
use crate::report::Report;
use crate::time::UnixTime;
use std::fmt;
use std::sync::Arc;

/// What every acceptance can tell, whatever it is of. The types themselves stay apart: one is of no use where the other is
/// asked for.
macro_rules! account {
    () => {
        /// The signatures that satisfied a leaf of the policy.
        #[must_use]
        pub fn signatures(&self) -> &[Arc<VerifiedSignature>] {
            &self.signatures
        }

        /// The account of every check.
        #[must_use]
        pub fn report(&self) -> &Report {
            &self.report
        }
    };
}

/// The requirement holds for an image. Only a [`super::Verifier`] makes one.
///
/// Deploy [`Accepted::pinned`], never what was asked for: a tag may point elsewhere a moment later.
#[derive(Clone, Debug)]
pub struct Accepted {
    proven: Arc<Proven>,
    signatures: Vec<Arc<VerifiedSignature>>,
    report: Report,
}

impl Accepted {
    pub(super) fn assertion(proven: Proven, signatures: Vec<Arc<VerifiedSignature>>, report: Report) -> Self {
        Self { proven: Arc::new(proven), signatures, report }
    }

    /// The same acceptance as of another moment at which every check has the same outcome.
    pub(super) fn as_of(&self, now: UnixTime) -> Self {
        Self { report: self.report.as_of(now), ..self.clone() }
    }

    /// On what the acceptance rests: the requirement, or an exception, which verified nothing but the digest.
    #[must_use]
    pub fn basis(&self) -> &Basis {
        self.proven.basis()
    }

    /// Repository and digest that were verified: those of the image or, where one platform was asked for, of its manifest
    /// ([`crate::gather::PlatformChoice`]).
    #[must_use]
    pub fn pinned(&self) -> &Reference {
        self.proven.pinned()
    }

    /// Repository and digest of what the reference named. It is [`Accepted::pinned`] but where one platform of an index was
    /// asked for: then it is the index, of which no more is proven than that it lists that platform. Not for deployment:
    /// for asking again about the same thing.
    #[must_use]
    pub fn resolved(&self) -> &Reference {
        self.proven.resolved()
    }

    /// The platforms that were asked for, each with its own pinned manifest. Empty where none were, and where the image is
    /// no index or was let in by an exception. Where the index itself is signed, a platform whose manifest could not be
    /// had is left out.
    #[must_use]
    pub fn platforms(&self) -> &[AcceptedPlatform] {
        self.proven.platforms()
    }

    account!();
}

/// The requirement holds for a blob. Only a [`super::Verifier`] makes one.
#[derive(Clone, Debug)]
pub struct AcceptedBlob {
    digest: Digest,
    signatures: Vec<Arc<VerifiedSignature>>,
    report: Report,
}

impl AcceptedBlob {
    pub(super) fn assertion(digest: Digest, signatures: Vec<Arc<VerifiedSignature>>, report: Report) -> Self {
        Self { digest, signatures, report }
    }

    /// The same acceptance as of another moment at which every check has the same outcome.
    pub(super) fn as_of(&self, now: UnixTime) -> Self {
        Self { report: self.report.as_of(now), ..self.clone() }
    }

    /// Digest of the blob that was verified.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    account!();
}

/// The requirement does not hold, or it could not be found out. Both fail closed.
#[derive(Clone, Debug)]
pub enum NotAccepted {
    /// It does not hold: asking again changes nothing.
    Rejected(Report),
    /// It could not be found out: asking again may help.
    Undecided(Report),
}

impl NotAccepted {
    /// The account of every check.
    #[must_use]
    pub fn report(&self) -> &Report {
        match self {
            Self::Rejected(report) | Self::Undecided(report) => report,
        }
    }

    /// The code that says most about it.
    #[must_use]
    pub fn code(&self) -> Code {
        self.report().code()
    }
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.report().verdict().name(), self.report().failure())
    }
}

impl std::error::Error for NotAccepted {}
