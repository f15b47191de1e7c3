//! [`Session`]: gathering without I/O, for event loops.

use crate::error;
use crate::fetch::{self, Request};
use crate::python_fetch::no_answer;
use pyo3::exceptions::{PyBaseException, PyTypeError};
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};
use veriseal::gather::RequestId;
use veriseal::{Code, Failure, Reference};

/// What is left of a session until it is concluded.
pub(crate) struct Gathering {
    pub(crate) reference: Reference,
    /// None where a rule refused the image at once: there is nothing to ask.
    pub(crate) session: Option<veriseal::Session>,
}

/// Gathers what one verify call needs, without doing I/O itself: ask for the open requests, answer them in any order, and
/// give the session back to `Verifier.conclude`, once.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Session(Mutex<Option<Gathering>>);

impl Session {
    pub(crate) fn of(gathering: Gathering) -> Self {
        Self(Mutex::new(Some(gathering)))
    }

    /// Takes what was gathered; a session is concluded once.
    pub(crate) fn take(&self, py: Python<'_>) -> PyResult<Gathering> {
        self.lock().take().ok_or_else(|| error::misuse(py, "this session was concluded already"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Gathering>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Session {
    /// The next request to answer. Several may be open at once; `None` means that there is nothing to ask now.
    fn next_request(&self) -> Option<Request> {
        self.lock().as_mut()?.session.as_mut()?.next_request().map(Request)
    }

    /// Answers an open request with `Found`, `NotFound`, or the exception that kept it from being found out.
    fn supply(&self, py: Python<'_>, request: &Request, answer: &Bound<'_, PyAny>) -> PyResult<()> {
        let told = if answer.is_instance_of::<PyBaseException>() {
            let raised = PyErr::from_value(answer.clone());
            match fetch::failure(py, &raised) {
                Some(failure) => Err(failure),
                None => return Err(PyTypeError::new_err("an exception that ends the program is no answer to a request")),
            }
        } else {
            fetch::response(answer).ok_or_else(|| no_answer(answer))
        };
        let supplied = match self.lock().as_mut().and_then(|gathering| gathering.session.as_mut()) {
            Some(session) => session.supply(RequestId::from_number(request.0.id.number()), told),
            None => Err(Failure::new(Code::RequestUnknown).found(request.0.id.number())),
        };
        supplied.map_err(|failure| error::unusable(py, &failure))
    }

    /// Whether everything has been asked and answered. Says nothing about the verdict.
    fn is_done(&self) -> bool {
        self.lock().as_ref().is_none_or(|gathering| gathering.session.as_ref().is_none_or(veriseal::Session::is_done))
    }

    fn __reduce__(&self) -> PyResult<()> {
        error::no_pickle("a Session is not pickled: it belongs to one call")
    }
}
