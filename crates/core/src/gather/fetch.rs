//! The seam to the outside: what gathering asks for, and what it may be told.
//!
//! Whatever implements [`Fetch`] is never trusted: bytes are hashed again on arrival, measured against `max_bytes` and
//! their media type is held against the descriptor. Nothing here does I/O.

use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::oci::{Repository, Tag};
use std::time::Duration;

/// Names one open request of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u32);

impl RequestId {
    /// The number, for embedders that carry it through another language.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// An id from its number; an unknown one is refused by the session.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// One thing that gathering needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Give it back with the answer.
    pub id: RequestId,
    /// Where to ask.
    pub repository: Repository,
    /// What to ask for.
    pub what: What,
    /// Stop reading beyond this many bytes and answer [`FetchError::TooLarge`].
    pub max_bytes: u64,
}

impl Request {
    /// A request as a session would make it, for the tests of a [`Fetch`].
    #[must_use]
    pub fn new(id: RequestId, repository: Repository, what: What, max_bytes: u64) -> Self {
        Self { id, repository, what, max_bytes }
    }
}

/// What a [`Request`] asks for, in the terms of the OCI distribution specification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// `GET /v2/<name>/manifests/<tag>`.
    ManifestByTag(Tag),
    /// The manifest or index of the only image that a layout holds. Asked for only where the repository is a layout and
    /// the reference has neither tag nor digest. Signatures that the layout lists beside it are no images; where several
    /// images remain, answer [`FetchError::Unavailable`] with [`Code::SourceInvalid`].
    OnlyImage,
    /// `GET /v2/<name>/manifests/<digest>`.
    Manifest(Digest),
    /// `GET /v2/<name>/referrers/<digest>`, or the page after, as the previous answer's `next` named it. Answer
    /// [`Response::NotFound`] where the registry has no such API; the fallback tag is then asked for.
    Referrers {
        /// The image whose referrers are wanted.
        subject: Digest,
        /// `None` for the first page, else the previous answer's `next`, verbatim.
        page: Option<String>,
    },
    /// `GET /v2/<name>/blobs/<digest>`.
    Blob {
        /// Digest of the blob.
        digest: Digest,
        /// Size that its descriptor states.
        size: u64,
    },
}

/// What was found. Only a plain "there is none" is [`Response::NotFound`]; being denied or failing is a [`FetchError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The content.
    Found {
        /// The media type that came with it (`Content-Type` without parameters), where one did.
        media_type: Option<String>,
        /// The bytes exactly as they arrived.
        bytes: Vec<u8>,
        /// For referrers: where the next page is, if there is one.
        next: Option<String>,
    },
    /// There is none: 404, or no such blob in a layout.
    NotFound,
}

/// Why something could not be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// 401 or 403.
    Denied(String),
    /// 429; the registry may say when to come back.
    Throttled {
        /// What the registry asked to wait.
        retry_after: Option<Duration>,
    },
    /// More bytes than `max_bytes`.
    TooLarge {
        /// The bound.
        max_bytes: u64,
    },
    /// Everything else that is not an answer, with its own code.
    Unavailable(Failure),
    /// The caller gave up.
    Cancelled,
}

impl FetchError {
    /// The reason with its stable code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Denied(text) => Failure::new(Code::Denied).found(text),
            Self::Throttled { retry_after: Some(wait) } => {
                Failure::new(Code::Throttled).found(format_args!("a request to wait {} s", wait.as_secs()))
            }
            Self::Throttled { retry_after: None } => Failure::new(Code::Throttled),
            Self::TooLarge { max_bytes } => Failure::new(Code::TooLarge).expected(format_args!("at most {max_bytes} bytes")),
            Self::Unavailable(failure) => failure.clone(),
            Self::Cancelled => Failure::new(Code::Cancelled),
        }
    }
}

/// What is to be asked, and where the answers go: a session as a source sees it.
///
/// Several requests may be taken before the first is answered, and the answers may come in any order.
pub trait Requests {
    /// The next thing to ask, if there is one now. After `None`, answers to open requests may bring more.
    fn next_request(&mut self) -> Option<Request>;

    /// Takes the answer to an open request.
    ///
    /// # Errors
    /// [`Code::RequestUnknown`] for an id that was never given out or is answered already.
    fn supply(&mut self, id: RequestId, answer: Result<Response, FetchError>) -> Result<(), Failure>;
}

/// A blocking source of OCI content: a registry, a layout, memory, a caller's callback.
///
/// Object-safe and shared between threads. An implementation keeps no state between calls that could change an answer
/// within one verify call.
pub trait Fetch: Send + Sync {
    /// Answers one request.
    ///
    /// # Errors
    /// [`FetchError`] for everything but "found" and a plain "there is none".
    fn fetch(&self, request: &Request) -> Result<Response, FetchError>;

    /// Answers every request of one gathering until none is left: one after another, unless the source can have several
    /// under way at once. What is left open makes the session unfinished, never complete.
    fn fetch_all(&self, requests: &mut dyn Requests) {
        while let Some(request) = requests.next_request() {
            let answer = self.fetch(&request);
            if requests.supply(request.id, answer).is_err() {
                // The id came from this very session, so it is open; to go on after a refusal could loop.
                return;
            }
        }
    }

    /// What of this source is weaker than asking anew each time, for the report: nothing, unless the caller said so to
    /// the source, such as with a time to live for tags ([`Code::AnswersReused`]).
    fn weakened(&self) -> Vec<Failure> {
        Vec::new()
    }
}
