//! [`Fault`]: what a registry answers in place of the truth.

use super::wire::{Answer, Ask};

/// A fault that decides requests whose target begins with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Beginning of the request's target (path and query).
    pub prefix: String,
    /// Only this method; every method when `None`.
    pub method: Option<String>,
    /// What happens.
    pub action: Action,
    /// How many requests it decides before it is spent; without end when `None`.
    pub times: Option<usize>,
    /// How many fitting requests it lets pass first.
    pub skip: usize,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Gives this answer.
    Answer(Answer),
    /// Closes the connection without an answer.
    Close,
    /// Never answers, until the client goes away or the registry is dropped.
    Hang,
}

impl Fault {
    /// A fault without end for every method.
    #[must_use]
    pub fn new(prefix: &str, action: Action) -> Self {
        Self { prefix: prefix.to_owned(), method: None, action, times: None, skip: 0 }
    }

    /// Answers a status with an empty body.
    #[must_use]
    pub fn status(prefix: &str, status: u16) -> Self {
        Self::new(prefix, Action::Answer(Answer::new(status)))
    }

    /// Redirects to another place.
    #[must_use]
    pub fn redirect(prefix: &str, location: &str) -> Self {
        Self::new(prefix, Action::Answer(Answer::new(307).header("location", location)))
    }

    /// Limits how often it decides.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets some requests pass first.
    #[must_use]
    pub fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    fn fits(&self, ask: &Ask) -> bool {
        ask.target.starts_with(&self.prefix) && self.method.as_ref().is_none_or(|method| *method == ask.method)
    }
}

/// The action of the first fault that fits, counted down.
pub(super) fn take(faults: &mut [Fault], ask: &Ask) -> Option<Action> {
    for fault in faults {
        if !fault.fits(ask) || fault.times == Some(0) {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.times = fault.times.map(|times| times - 1);
        return Some(fault.action.clone());
    }
    None
}
