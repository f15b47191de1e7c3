//! [`Code`]: the table of stable codes, for programs that explain them.

use pyo3::prelude::*;
use veriseal::code::{Class, Who};

/// A stable code: what a report, an exception and a log line name.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Code(veriseal::Code);

#[pymethods]
impl Code {
    /// The stable name, such as `NO_SIGNATURE`.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The stable number, never reused.
    #[getter]
    fn number(&self) -> u16 {
        self.0.number()
    }

    /// What it says about the verdict: `accepted`, `rejected`, `undecided`, `usage`, `notice` or `internal`.
    #[getter]
    fn kind(&self) -> &'static str {
        match self.0.class() {
            Class::Accepted => "accepted",
            Class::Rejected => "rejected",
            Class::Undecided => "undecided",
            Class::Usage => "usage",
            Class::Notice => "notice",
            _ => "internal",
        }
    }

    /// Who can do something about it.
    #[getter]
    fn who(&self) -> &'static str {
        match self.0.who() {
            Who::Nobody => "nobody",
            Who::Caller => "caller",
            Who::Signer => "signer",
            Who::Registry => "registry",
            Who::TrustOperator => "trust operator",
            _ => "authors",
        }
    }

    /// What it means, one clause.
    #[getter]
    fn meaning(&self) -> &'static str {
        self.0.meaning()
    }

    /// What to do, one sentence.
    #[getter]
    fn action(&self) -> &'static str {
        self.0.action()
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.Code {} {}>", self.0.number(), self.0.name())
    }
}

/// Every code, in the order of docs/codes.md.
#[pyfunction]
pub(crate) fn codes() -> Vec<Code> {
    veriseal::Code::ALL.iter().copied().map(Code).collect()
}
