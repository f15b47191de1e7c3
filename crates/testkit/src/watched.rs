//! [`Watched`]: a source of content that remembers what it was asked for, and fails where a test wants it to.

use std::sync::{Mutex, PoisonError};
use veriseal::gather::{Fetch, FetchError, Request, Response, What};

/// Decides one request: `None` lets it through to the source.
type Rule = Box<dyn Fn(&What) -> Option<Result<Response, FetchError>> + Send + Sync>;

/// Stands before another [`Fetch`].
pub struct Watched<F> {
    /// The source.
    pub inner: F,
    rules: Vec<Rule>,
    asked: Mutex<Vec<What>>,
}

impl<F: Fetch> Watched<F> {
    /// Lets everything through and remembers it.
    #[must_use]
    pub fn new(inner: F) -> Self {
        Self { inner, rules: Vec::new(), asked: Mutex::new(Vec::new()) }
    }

    /// Adds a rule; the first that gives an answer decides.
    #[must_use]
    pub fn rule(mut self, rule: impl Fn(&What) -> Option<Result<Response, FetchError>> + Send + Sync + 'static) -> Self {
        self.rules.push(Box::new(rule));
        self
    }

    /// Fails every request that fits.
    #[must_use]
    pub fn failing(self, error: FetchError, fits: impl Fn(&What) -> bool + Send + Sync + 'static) -> Self {
        self.rule(move |what| fits(what).then(|| Err(error.clone())))
    }

    /// What was asked for so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<What> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<F: Fetch> Fetch for Watched<F> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.what.clone());
        match self.rules.iter().find_map(|rule| rule(&request.what)) {
            Some(answer) => answer,
            None => self.inner.fetch(request),
        }
    }
}

impl<F: std::fmt::Debug> std::fmt::Debug for Watched<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("inner", &self.inner).field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}
