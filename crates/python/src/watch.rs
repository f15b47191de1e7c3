//! [`Watch`]: looks between two requests of one call whether it should go on.

use crate::hook;
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use veriseal::gather::{Fetch, FetchError, Request, RequestId, Requests, Response};
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

    /// Why the call should not go on, if it should not.
    fn stop(&self) -> Option<FetchError> {
        // Only the main thread gets signals; elsewhere this is quick and finds nothing.
        if let Err(interrupt) = Python::attach(|py| py.check_signals()) {
            self.end(interrupt);
        }
        if self.seen().ended.is_some() {
            return Some(FetchError::Cancelled);
        }
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        late.then(|| FetchError::Unavailable(Failure::new(Code::DeadlineExceeded)))
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
        hook::reached("fetch");
        match self.watch.stop() {
            Some(stop) => Err(stop),
            None => self.inner.fetch(request),
        }
    }

    // The source's own way, so that what it can have under way at once is.
    fn fetch_all(&self, requests: &mut dyn Requests) {
        self.inner.fetch_all(&mut Gate { requests, watch: self.watch });
    }

    fn weakened(&self) -> Vec<Failure> {
        self.inner.weakened()
    }
}

/// The requests of a session, answered here once the call should not go on.
struct Gate<'g> {
    requests: &'g mut dyn Requests,
    watch: &'g Watch,
}

impl Requests for Gate<'_> {
    fn next_request(&mut self) -> Option<Request> {
        loop {
            let request = self.requests.next_request()?;
            hook::reached("fetch");
            let Some(stop) = self.watch.stop() else { return Some(request) };
            // A refusal would leave the session unfinished, which is undecided; to go on after one could loop.
            self.requests.supply(request.id, Err(stop)).ok()?;
        }
    }

    fn supply(&mut self, id: RequestId, answer: Result<Response, FetchError>) -> Result<(), Failure> {
        self.requests.supply(id, answer)
    }
}
