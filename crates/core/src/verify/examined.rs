//! [`Examined`]: one candidate, and what came of holding it against the leaves of the policy.

use crate::check::candidate::Evaluation;
use crate::code::{Class, Code, Failure};
use crate::digest::Digest;
use crate::format::Format;
use crate::policy::SignatureRequirement;
use crate::report::CandidateAccount;
use std::collections::BTreeMap;

/// What a candidate is attached to, and its signature therefore about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// The image: what the reference names.
    Image,
    /// One of its platforms, by number.
    Platform(usize),
}

/// A candidate that was looked at, or the reason why it could not be.
pub(super) struct Examined {
    pub(super) about: About,
    pub(super) layout: &'static str,
    pub(super) digest: Option<Digest>,
    pub(super) format: Option<Format>,
    /// Why it satisfies no leaf: that of the authority under which it got furthest up the ladder.
    pub(super) reason: Option<Failure>,
    /// Refusals that are not told, since the report tells enough of them.
    pub(super) left_out: usize,
    /// What is told, with the number of its leaf, ascending.
    told: Vec<(usize, Evaluation)>,
    /// Of what is not told: what could not be found out, with the number of its leaf, ascending.
    unknown: Vec<(usize, Failure)>,
    rungs: usize,
    satisfies: bool,
}

impl Examined {
    pub(super) fn new(about: About, layout: &'static str, digest: Option<Digest>) -> Self {
        let (told, unknown) = (Vec::new(), Vec::new());
        // Held against nothing is not found good.
        let reason = Some(Code::PolicyNotMet.into());
        Self { about, layout, digest, format: None, reason, left_out: 0, told, unknown, rungs: 0, satisfies: false }
    }

    /// Takes what came of it under one leaf; to be called in the order of the leaves. Whatever was accepted is told, refusals
    /// only while `checks_left` lasts.
    pub(super) fn take(&mut self, leaf: usize, evaluation: Evaluation, checks_left: &mut usize) {
        if self.told.is_empty() {
            // Most policies have one leaf; a first push alone would make room for four.
            self.told.reserve_exact(1);
        }
        let Err(failure) = &evaluation.result else {
            self.satisfies = true;
            self.reason = None;
            return self.told.push((leaf, evaluation));
        };
        let first = self.told.is_empty() && self.left_out == 0;
        let rungs = evaluation.checks.len();
        // Of leaves under which it gets equally far the lowest code is told, so that their order in the policy decides nothing.
        let is_lower = || self.reason.as_ref().is_none_or(|told| failure.code().number() < told.code().number());
        if !self.satisfies && (first || rungs > self.rungs || rungs == self.rungs && is_lower()) {
            self.rungs = rungs;
            self.reason = Some(failure.clone());
        }
        match checks_left.checked_sub(rungs.saturating_add(1)) {
            Some(left) => {
                *checks_left = left;
                self.told.push((leaf, evaluation));
            }
            None => {
                self.left_out = self.left_out.saturating_add(1);
                if failure.code().class() != Class::Rejected {
                    self.unknown.push((leaf, failure.clone()));
                }
            }
        }
    }

    /// Why it could not be found out whether this candidate satisfies the leaf of this number.
    pub(super) fn undecided(&self, leaf: usize) -> Option<&Failure> {
        let failure = if self.format.is_none() {
            self.reason.as_ref()?
        } else if let Ok(at) = self.told.binary_search_by_key(&leaf, |(leaf, _)| *leaf) {
            self.told.get(at)?.1.result.as_ref().err()?
        } else {
            let at = self.unknown.binary_search_by_key(&leaf, |(leaf, _)| *leaf).ok()?;
            &self.unknown.get(at)?.1
        };
        (failure.code().class() != Class::Rejected).then_some(failure)
    }

    /// What is told of it. `subjects` names what it may be about, where that may be several things.
    pub(super) fn into_account(self, subjects: &BTreeMap<About, Digest>) -> CandidateAccount {
        CandidateAccount {
            layout: self.layout,
            subject: subjects.get(&self.about).copied(),
            digest: self.digest,
            format: self.format.map(Format::name),
            reason: self.reason,
            evaluations: self.told,
            left_out: self.left_out,
        }
    }

    /// The evaluations that are told, each with its leaf.
    pub(super) fn told<'a>(
        &'a self,
        leaves: &'a [SignatureRequirement],
    ) -> impl Iterator<Item = (&'a SignatureRequirement, &'a Evaluation)> {
        self.told.iter().filter_map(|(leaf, evaluation)| Some((leaves.get(*leaf)?, evaluation)))
    }
}
