//! [`Exception`]: what lets an image in without a signature, and [`Basis`], which says that it did.

use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::time::UnixTime;
use std::collections::BTreeSet;

/// What lets an image in without a signature: a decision of people, with a reason and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    digests: BTreeSet<Digest>,
    reason: String,
    until: UnixTime,
}

impl Exception {
    /// An exception for exactly these digests, which holds up to and including the second `until`.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] without a digest (it would be for every image) or without a reason.
    pub fn new(digests: impl IntoIterator<Item = Digest>, reason: &str, until: UnixTime) -> Result<Self, Failure> {
        let digests: BTreeSet<Digest> = digests.into_iter().collect();
        let invalid = |field: &str| Failure::new(Code::PolicyInvalid).found("none").at(field);
        if digests.is_empty() {
            return Err(invalid("allow.digests").expected("at least one digest"));
        }
        if reason.trim().is_empty() {
            return Err(invalid("allow.reason").expected("the reason of the exception"));
        }
        Ok(Self { digests, reason: reason.to_owned(), until })
    }

    /// The digests that are let in.
    #[must_use]
    pub fn digests(&self) -> &BTreeSet<Digest> {
        &self.digests
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The last second.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// Whether the image is let in at that time.
    ///
    /// # Errors
    /// [`Code::NotExcepted`] for another digest, [`Code::ExceptionExpired`] after the end.
    pub fn applies(&self, digest: &Digest, now: UnixTime) -> Result<(), Failure> {
        if !self.digests.contains(digest) {
            let named: Vec<_> = self.digests.iter().map(ToString::to_string).collect();
            return Err(Failure::new(Code::NotExcepted).expected(named.join(" or ")).found(digest));
        }
        if now.seconds() > self.until.seconds() {
            return Err(Failure::new(Code::ExceptionExpired)
                .expected(format_args!("until {}", self.until))
                .found(now)
                .at(format_args!("exception: {}", self.reason)));
        }
        Ok(())
    }

    pub(super) fn canonical(&self) -> String {
        let digests: Vec<_> = self.digests.iter().map(ToString::to_string).collect();
        format!("exception {digests:?} reason {:?} until {}", self.reason, self.until)
    }
}

/// On what an acceptance rests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// The requirement holds.
    Requirement,
    /// No signature was asked for: an exception let the image in.
    Exception {
        /// Why.
        reason: String,
        /// The last second of the exception.
        until: UnixTime,
    },
}
