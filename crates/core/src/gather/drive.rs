//! The blocking loop over a [`Session`].
//!
//! Asks one thing after another. Whoever wants several requests under way at once, deadlines or cancellation drives the
//! session itself.

use super::fetch::Fetch;
use super::session::Session;

/// Answers every request of `session` from `fetch`, one by one, until nothing is left to ask.
///
/// Ends after at most [`Limits::requests`](crate::limits::Limits::requests) requests. What failed is inside the session:
/// [`Session::finish`] tells.
pub fn drive(session: &mut Session, fetch: &dyn Fetch) {
    while let Some(request) = session.next_request() {
        let answer = fetch.fetch(&request);
        if session.supply(request.id, answer).is_err() {
            // The id came from this very session, so it is open; to go on after a refusal could loop.
            return;
        }
    }
}
