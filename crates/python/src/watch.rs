//! [`Watch`]: looks between two requests of one call whether it should go on.

use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Code, Failure};

/// What happened on the Python side during one call.
#[derive(Default)]
pub(crate) struct Watch {
    deadline: Option<Instant>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The first exception of the caller's fetcher: why something is undecided.
    cause: Option<PyErr>,
    /// What ends the call, whatever its verdict would be.
    ended: Option<PyErr>,
}

impl Watch {
    /// A call that may take so long. Between requests only: what a request itself may take is its source's.
    pub(crate) fn within(timeout: Option<Duration>) -> Self {
        Self { deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)), seen: Mutex::default() }
    }

    /// Notes what a fetcher raised.
    pub(crate) fn note_cause(&self, raised: PyErr) {
        self.seen().cause.get_or_insert(raised);
    }

    /// Notes what must end the call.
    pub(crate) fn end(&self, raised: PyErr) {
        self.seen().ended.get_or_insert(raised);
    }

    /// What ended the call, or what a fetcher raised on the way.
    pub(crate) fn finish(self) -> Result<Option<PyErr>, PyErr> {
        let seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        match seen.ended {
            Some(ended) => Err(ended),
            None => Ok(seen.cause),
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source under a watch: after an interrupt or the deadline nothing more is asked for.
pub(crate) struct Watched<'w> {
    pub(crate) inner: &'w dyn Fetch,
    pub(crate) watch: &'w Watch,
}

impl Fetch for Watched<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        // Only the main thread gets signals; elsewhere this is quick and finds nothing.
        if let Err(interrupt) = Python::attach(|py| py.check_signals()) {
            self.watch.end(interrupt);
        }
        if self.watch.seen().ended.is_some() {
            return Err(FetchError::Cancelled);
        }
        if self.watch.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(FetchError::Unavailable(Failure::new(Code::DeadlineExceeded)));
        }
        self.inner.fetch(request)
    }
}
