//! The blocking way through a [`Session`].
//!
//! Whoever wants other deadlines or another way of cancelling drives the session itself; callers that await use
//! [`drive_async`](super::drive_async).

use super::fetch::{Fetch, FetchError, Request, RequestId, Requests, Response};
use super::session::Session;
use crate::code::Failure;

/// Answers every request of `session` from `fetch` until nothing is left to ask: one by one, or several at once where
/// the source can ([`Fetch::fetch_all`]).
///
/// Ends after at most [`Limits::requests`](crate::limits::Limits::requests) requests. What failed is inside the session:
/// [`Session::finish`] tells.
pub fn drive(session: &mut Session, fetch: &dyn Fetch) {
    fetch.fetch_all(session);
}

impl Requests for Session {
    fn next_request(&mut self) -> Option<Request> {
        Self::next_request(self)
    }

    fn supply(&mut self, id: RequestId, answer: Result<Response, FetchError>) -> Result<(), Failure> {
        Self::supply(self, id, answer)
    }
}
