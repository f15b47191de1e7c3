//! [`Fault`]: what went wrong with one attempt, and whether another may help.

use crate::client::reach::AddressRefused;
use crate::client::transport::place;
use std::error::Error;
use std::time::Duration;
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::FetchError;

/// What went wrong with one attempt, and whether another may help.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: FetchError,
    /// Set where the same request may be answered a moment later.
    pub(crate) again: bool,
    /// How long the server asked to wait before that.
    pub(crate) wait: Option<Duration>,
}

impl Fault {
    pub(crate) fn last(failure: Failure) -> Self {
        Self { error: FetchError::Unavailable(failure), again: false, wait: None }
    }

    pub(crate) fn passing(failure: Failure) -> Self {
        Self { error: FetchError::Unavailable(failure), again: true, wait: None }
    }

    /// 429, with what the server asks to wait.
    pub(crate) fn throttled(wait: Option<Duration>) -> Self {
        Self { error: FetchError::Throttled { retry_after: wait }, again: true, wait }
    }

    /// With what the server asks to wait.
    pub(crate) fn waiting(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        Self { error, again: false, wait: None }
    }
}

/// What became of a connection that gave no answer.
pub(crate) fn connection_fault(error: reqwest::Error, url: &Url) -> Fault {
    let error = error.without_url();
    let causes = causes(&error);
    let any = |is: fn(&(dyn Error + 'static)) -> bool| causes.iter().any(|cause| is(*cause));
    if any(|cause| cause.is::<AddressRefused>()) {
        return Fault::last(Failure::new(Code::RedirectRefused).found(AddressRefused).at(place(url)));
    }
    if any(answers_in_plain_text) {
        let failure = Failure::new(Code::PlainHttpRefused).expected("TLS").found("an answer that is not TLS");
        return Fault::last(failure.at(place(url)));
    }
    if any(is_malformed_answer) {
        return Fault::last(Failure::new(Code::ResponseInvalid).found(chain(&error)).at(place(url)));
    }
    let failure = Failure::new(Code::Unavailable).found(chain(&error)).at(place(url));
    // A certificate that does not verify will not verify a moment later.
    if any(|cause| tls_error(cause).is_some()) { Fault::last(failure) } else { Fault::passing(failure) }
}

/// An error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    causes
}

/// The TLS error in a cause. Errors of the operating system's kind hide what they carry from `source`, and may be packed
/// in one another.
fn tls_error<'a>(mut cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(found) = cause.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        cause = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

fn answers_in_plain_text(cause: &(dyn Error + 'static)) -> bool {
    matches!(tls_error(cause), Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)))
}

fn is_malformed_answer(cause: &(dyn Error + 'static)) -> bool {
    // hyper's own type is not part of the HTTP client's interface; its text for a head that cannot be parsed is stable
    // enough to choose between two codes that are both "could not find out".
    let text = cause.to_string();
    text.starts_with("invalid HTTP") || text.starts_with("message head is too large")
}

/// The text of an error and its causes, outermost first.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let inner = cause.to_string();
        if !text.ends_with(&inner) {
            text = if text.is_empty() { inner } else { format!("{text}: {inner}") };
        }
    }
    text
}
