//! What is raised: the classes of `veriseal._errors`, made from what the core says.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use veriseal::report::Style;
use veriseal::{Code, Failure, NotAccepted};
use veriseal_policy::LoadError;

/// Where the exceptions are: plain Python, since a native class could not extend `Exception` before CPython 3.12.
const MODULE: &str = "veriseal._errors";

/// A class of exceptions by its name.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    PyModule::import(py, MODULE)?.getattr(name)
}

/// Input that cannot be used: raised before anything is decided.
pub(crate) fn unusable(py: Python<'_>, failure: &Failure) -> PyErr {
    configuration(py, failure.code(), &failure.to_string())
}

/// A policy file that does not load.
pub(crate) fn unloadable(py: Python<'_>, error: &LoadError) -> PyErr {
    configuration(py, error.code(), &error.to_string())
}

/// Arguments that do not go together, in one sentence.
pub(crate) fn misuse(py: Python<'_>, sentence: &str) -> PyErr {
    configuration(py, Code::ConfigInvalid, &format!("{}: {sentence}", Code::ConfigInvalid))
}

fn configuration(py: Python<'_>, code: Code, message: &str) -> PyErr {
    made(class(py, "ConfigurationError").and_then(|class| class.call1((message, code.name()))))
}

/// The verdict as an exception. `cause` is what the caller's own fetcher raised on the way.
pub(crate) fn not_accepted(py: Python<'_>, outcome: &NotAccepted, cause: Option<PyErr>) -> PyErr {
    let name = match outcome {
        NotAccepted::Rejected(_) => "Rejected",
        NotAccepted::Undecided(_) => "Undecided",
    };
    let report = outcome.report();
    let arguments = (report.to_json(), report.to_text(Style::Plain));
    let error = made(class(py, name).and_then(|class| class.call1(arguments)));
    if cause.is_some() {
        error.set_cause(py, cause);
    }
    error
}

/// The exception that was made or, where making it failed, why: an exception in either case.
fn made(exception: PyResult<Bound<'_, PyAny>>) -> PyErr {
    exception.map_or_else(|error| error, PyErr::from_value)
}

/// Refuses to be pickled. The text says what to carry instead.
pub(crate) fn no_pickle<T>(what: &str) -> PyResult<T> {
    Err(PyTypeError::new_err(what.to_owned()))
}
