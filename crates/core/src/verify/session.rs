//! [`Session`]: gathering for one verify call, bound to the verifier that started it.

use crate::code::Failure;
use crate::gather::{self, Fetch, FetchError, Request, RequestId, Requests, Response};
use crate::oci::Reference;

/// Gathers what one verify call needs, without doing I/O itself: ask for the open requests, answer them in any order,
/// and give the session back to [`super::Verifier::conclude`].
///
/// Not shared between threads; cheap to make. Dropping it abandons the call.
#[derive(Debug)]
pub struct Session {
    pub(super) gathering: gather::Session,
    pub(super) fingerprint: [u8; 32],
    pub(super) asked: Reference,
    /// What the sources that it was driven by are weaker in.
    pub(super) weakened: Vec<Failure>,
}

impl Session {
    /// The next request to answer. Several may be open at once; `None` means that there is nothing to ask now.
    pub fn next_request(&mut self) -> Option<Request> {
        self.gathering.next_request()
    }

    /// Answers an open request.
    ///
    /// # Errors
    /// [`crate::Code::RequestUnknown`] for an id that is not open; the session is unchanged.
    pub fn supply(&mut self, id: RequestId, answer: Result<Response, FetchError>) -> Result<(), Failure> {
        self.gathering.supply(id, answer)
    }

    /// Whether everything has been asked and answered.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.gathering.is_done()
    }

    /// Answers every request from a blocking source, until done, as [`Fetch::fetch_all`] does. What the source is weaker in
    /// ([`Fetch::weakened`]) the report lists.
    pub fn drive(&mut self, fetch: &dyn Fetch) {
        self.weakened.extend(fetch.weakened());
        gather::drive(&mut self.gathering, fetch);
    }
}

impl Requests for Session {
    fn next_request(&mut self) -> Option<Request> {
        Self::next_request(self)
    }

    fn supply(&mut self, id: RequestId, answer: Result<Response, FetchError>) -> Result<(), Failure> {
        Self::supply(self, id, answer)
    }
}
