//! [`PythonFetch`]: any object with a method `fetch(request)` as a source.

use crate::fetch;
use crate::watch::Watch;
use pyo3::prelude::*;
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Code, Failure};

/// The caller's fetcher during one call. Never trusted: the core measures and hashes what it returns.
pub(crate) struct PythonFetch<'w> {
    pub(crate) object: Py<PyAny>,
    pub(crate) watch: &'w Watch,
}

impl Fetch for PythonFetch<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        Python::attach(|py| {
            let asked = Bound::new(py, fetch::Request(request.clone()));
            match asked.and_then(|asked| self.object.bind(py).call_method1("fetch", (asked,))) {
                Ok(answer) => fetch::response(&answer).ok_or_else(|| no_answer(&answer)),
                Err(raised) => Err(match fetch::failure(py, &raised) {
                    Some(failure) => {
                        self.watch.note_cause(raised);
                        failure
                    }
                    None => {
                        self.watch.end(raised);
                        FetchError::Cancelled
                    }
                }),
            }
        })
    }
}

/// Something that is neither `Found` nor `NotFound`: a mistake in the fetcher, never "there is none".
pub(crate) fn no_answer(answer: &Bound<'_, PyAny>) -> FetchError {
    let name = answer.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    FetchError::Unavailable(Failure::new(Code::SourceInvalid).expected("Found or NotFound").found(name).at("fetch"))
}
