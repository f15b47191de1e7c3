//! [`Accepted`] and [`AcceptedBlob`]: the only successes. Nothing in Python can make one.

use crate::error;
use crate::hook;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;
use veriseal::policy::{Basis, VerifiedSignature};
use veriseal::report::{Report, Style};

/// The report as a `veriseal.Report`, a dictionary of its own for each caller.
fn parsed<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyAny>> {
    PyModule::import(py, "veriseal._report")?.getattr("parse")?.call1((report.to_json(),))
}

fn html(py: Python<'_>, report: &Report) -> PyResult<String> {
    parsed(py, report)?.call_method0("_repr_html_")?.extract()
}

/// What a signed in-toto statement says, as it was verified.
fn statements<'py>(py: Python<'py>, signatures: &[Arc<VerifiedSignature>]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let loads = PyModule::import(py, "json")?.getattr("loads")?;
    let statements = signatures.iter().filter_map(|signature| signature.statement()).map(|statement| {
        let entry = PyDict::new(py);
        entry.set_item("predicateType", &statement.predicate_type)?;
        entry.set_item("predicate", loads.call1((statement.predicate.to_string(),))?)?;
        Ok(entry.into_any())
    });
    statements.collect()
}

/// The requirement holds for an image. Only a `Verifier` makes one; it has no constructor, no subclass and no pickle.
///
/// Deploy `pinned`, never what was asked for: a tag may point elsewhere a moment later.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Accepted(veriseal::Accepted);

impl Accepted {
    pub(crate) fn of(accepted: veriseal::Accepted) -> Self {
        hook::reached("accepted");
        Self(accepted)
    }
}

#[pymethods]
impl Accepted {
    /// Repository and digest that were verified: `registry/repository@sha256:…`.
    #[getter]
    fn pinned(&self) -> String {
        self.0.pinned().to_string()
    }

    /// The digest that was verified.
    #[getter]
    fn digest(&self) -> Option<String> {
        self.0.pinned().digest().map(ToString::to_string)
    }

    /// Repository and digest of what the reference named: `pinned`, but where one platform of an index was asked for. Not
    /// for deployment: for asking again about the same thing.
    #[getter]
    fn resolved(&self) -> String {
        self.0.resolved().to_string()
    }

    /// The platforms that were asked for, each with its own pinned manifest; empty where none were.
    #[getter]
    fn platforms(&self) -> Vec<(Option<String>, String)> {
        let shown = |one: &veriseal::AcceptedPlatform| (one.platform().map(ToString::to_string), one.pinned().to_string());
        self.0.platforms().iter().map(shown).collect()
    }

    /// Always `ACCEPTED`.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.report().code().name()
    }

    /// On what the acceptance rests: `requirement`, or `exception`, which verified nothing but the digest.
    #[getter]
    fn basis(&self) -> &'static str {
        match self.0.basis() {
            Basis::Requirement => "requirement",
            _ => "exception",
        }
    }

    /// The account of every check (docs/report.schema.json). A dictionary of its own for each caller.
    #[getter]
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        parsed(py, self.0.report())
    }

    /// The account of every check as JSON: the same bytes from every language.
    #[getter]
    fn report_json(&self) -> String {
        self.0.report().to_json()
    }

    /// The in-toto statements among the signatures that satisfied the policy, each with `predicateType` and `predicate`.
    #[getter]
    fn statements<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        statements(py, self.0.signatures())
    }

    /// The account as a tree for people.
    fn explain(&self) -> String {
        self.0.report().to_text(Style::Plain)
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.Accepted {}>", self.0.pinned())
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        html(py, self.0.report())
    }

    fn __copy__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __deepcopy__(this: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        this
    }

    fn __reduce__(&self) -> PyResult<()> {
        error::no_pickle(
            "an Accepted is not pickled, since bytes are no verdict: carry .pinned or .report_json, and verify again",
        )
    }
}

/// The requirement holds for a blob. Only a `Verifier` makes one; it has no constructor, no subclass and no pickle.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct AcceptedBlob(veriseal::AcceptedBlob);

impl AcceptedBlob {
    pub(crate) fn of(accepted: veriseal::AcceptedBlob) -> Self {
        hook::reached("accepted");
        Self(accepted)
    }
}

#[pymethods]
impl AcceptedBlob {
    /// Digest of the blob that was verified.
    #[getter]
    fn digest(&self) -> String {
        self.0.digest().to_string()
    }

    /// Always `ACCEPTED`.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.report().code().name()
    }

    /// The account of every check (docs/report.schema.json). A dictionary of its own for each caller.
    #[getter]
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        parsed(py, self.0.report())
    }

    /// The account of every check as JSON: the same bytes from every language.
    #[getter]
    fn report_json(&self) -> String {
        self.0.report().to_json()
    }

    /// The in-toto statements among the signatures that satisfied the policy, each with `predicateType` and `predicate`.
    #[getter]
    fn statements<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        statements(py, self.0.signatures())
    }

    /// The account as a tree for people.
    fn explain(&self) -> String {
        self.0.report().to_text(Style::Plain)
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.AcceptedBlob {}>", self.0.digest())
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        html(py, self.0.report())
    }

    fn __copy__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __deepcopy__(this: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        this
    }

    fn __reduce__(&self) -> PyResult<()> {
        error::no_pickle(
            "an AcceptedBlob is not pickled, since bytes are no verdict: carry .digest or .report_json, and verify again",
        )
    }
}
