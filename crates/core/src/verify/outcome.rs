//! [`Accepted`] and [`NotAccepted`]: what a verify call returns. Neither can be made anywhere else.

use crate::code::Code;
use crate::digest::Digest;
use crate::oci::Reference;
use crate::policy::{Basis, VerifiedSignature};
use crate::report::Report;
use std::fmt;

/// The requirement holds for an image. Only a [`super::Verifier`] makes one.
///
/// Deploy [`Accepted::pinned`], never what was asked for: a tag may point elsewhere a moment later.
#[derive(Clone, Debug)]
pub struct Accepted {
    pinned: Reference,
    basis: Basis,
    signatures: Vec<VerifiedSignature>,
    report: Box<Report>,
}

impl Accepted {
    pub(super) fn assertion(pinned: Reference, basis: Basis, signatures: Vec<VerifiedSignature>, report: Box<Report>) -> Self {
        Self { pinned, basis, signatures, report }
    }

    /// On what the acceptance rests: the requirement, or an exception, which verified nothing but the digest.
    #[must_use]
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// Repository and digest that were verified.
    #[must_use]
    pub fn pinned(&self) -> &Reference {
        &self.pinned
    }

    /// The signatures that satisfied a leaf of the policy.
    #[must_use]
    pub fn signatures(&self) -> &[VerifiedSignature] {
        &self.signatures
    }

    /// The account of every check.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// The requirement holds for a blob. Only a [`super::Verifier`] makes one.
#[derive(Clone, Debug)]
pub struct AcceptedBlob {
    digest: Digest,
    signatures: Vec<VerifiedSignature>,
    report: Box<Report>,
}

impl AcceptedBlob {
    pub(super) fn assertion(digest: Digest, signatures: Vec<VerifiedSignature>, report: Box<Report>) -> Self {
        Self { digest, signatures, report }
    }

    /// Digest of the blob that was verified.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The signatures that satisfied a leaf of the policy.
    #[must_use]
    pub fn signatures(&self) -> &[VerifiedSignature] {
        &self.signatures
    }

    /// The account of every check.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// The requirement does not hold, or it could not be found out. Both fail closed.
#[derive(Clone, Debug)]
pub enum NotAccepted {
    /// It does not hold: asking again changes nothing.
    Rejected(Box<Report>),
    /// It could not be found out: asking again may help.
    Undecided(Box<Report>),
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
