//! [`Judge`]: one call over both kinds of policy, a single requirement and the rules of a file.

use crate::hook;
use crate::moment::Moment;
use std::sync::Arc;
use veriseal::gather::{Evidence, Fetch};
use veriseal::{Accepted, Code, Digest, Failure, NotAccepted, Reference, Repository, Session};
use veriseal_policy::PolicyFile;

/// What decides. Cheap to clone but where a moment was given.
#[derive(Clone)]
pub(crate) enum Judge {
    One(Arc<veriseal::Verifier>),
    File(Arc<PolicyFile>),
}

impl Judge {
    /// The same judge, whose reports say that the moment was given.
    pub(crate) fn at(&self, moment: &Moment) -> Self {
        match (self, &moment.given) {
            (_, None) => self.clone(),
            (Self::One(verifier), Some(given)) => {
                Self::One(Arc::new(veriseal::Verifier::clone(verifier).declare_weakened(given.clone())))
            }
            (Self::File(file), Some(given)) => Self::File(Arc::new(PolicyFile::clone(file).declare_weakened(given.clone()))),
        }
    }

    pub(crate) fn verify(&self, reference: &Reference, fetch: &dyn Fetch, moment: &Moment) -> Result<Accepted, NotAccepted> {
        let outcome = match self.at(moment) {
            Self::One(verifier) => verifier.verify(reference, fetch, moment.now),
            Self::File(file) => file.verify(reference, fetch, moment.now),
        };
        hook::reached("judged");
        outcome
    }

    pub(crate) fn judge(
        &self,
        repository: &Repository,
        digest: &Digest,
        evidence: &Evidence,
        moment: &Moment,
    ) -> Result<Accepted, NotAccepted> {
        let outcome = match self.at(moment) {
            Self::One(verifier) => verifier.judge(repository, digest, evidence, moment.now),
            Self::File(file) => file.judge(repository, digest, evidence, moment.now),
        };
        hook::reached("judged");
        outcome
    }

    /// Gathers without judging. What keeps the image itself from being had is a report like any other.
    pub(crate) fn gather(&self, reference: &Reference, fetch: &dyn Fetch, moment: &Moment) -> Result<Evidence, NotAccepted> {
        let verifier = self.verifier(reference, moment)?;
        verifier.gather(reference, fetch).map_err(|failure| verifier.refuse(reference, failure, moment.now))
    }

    /// A session, or none where a rule refuses the image before anything is gathered.
    pub(crate) fn session(&self, reference: &Reference) -> Option<Session> {
        match self {
            Self::One(verifier) => Some(verifier.session(reference)),
            Self::File(file) => file.verifier_for(reference).ok().map(|verifier| verifier.session(reference)),
        }
    }

    pub(crate) fn conclude(
        &self,
        reference: &Reference,
        session: Option<Session>,
        moment: &Moment,
    ) -> Result<Accepted, NotAccepted> {
        let verifier = self.verifier(reference, moment)?;
        match session {
            Some(session) => {
                let outcome = verifier.conclude(session, moment.now);
                hook::reached("judged");
                outcome
            }
            // Refused by the rules of another verifier, so that nothing was gathered.
            None => Err(verifier.refuse(reference, Failure::new(Code::SessionForOtherVerifier), moment.now)),
        }
    }

    fn verifier(&self, reference: &Reference, moment: &Moment) -> Result<veriseal::Verifier, NotAccepted> {
        match self.at(moment) {
            Self::One(verifier) => Ok(Arc::unwrap_or_clone(verifier)),
            Self::File(file) => file.verifier_for(reference).map_err(|failure| file.refuse(reference, failure, moment.now)),
        }
    }
}
