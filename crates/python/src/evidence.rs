//! [`Evidence`]: what was gathered for an image, to be saved, moved and judged elsewhere.

use crate::error;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use veriseal::Limits;
use veriseal::gather::EvidenceOrigin;
use veriseal_registry::evidence as saved;

/// The bytes that belong to an image, each shown to match its digest. Proves nothing yet: `Verifier.judge` does.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Evidence(pub(crate) veriseal::gather::Evidence);

#[pymethods]
impl Evidence {
    /// Loads what `save` wrote. Every byte is hashed again; what the file claims beyond its bytes is never believed.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let loaded = py.detach(|| saved::open(&path).and_then(|file| file.load(&Limits::DEFAULT)));
        loaded.map(Self).map_err(|failure| error::unusable(py, &failure))
    }

    /// Writes it to a path that ends in `.tar`, else to a folder of that name, complete or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| saved::save(&path, &self.0.to_saved())).map_err(|failure| error::unusable(py, &failure))
    }

    /// Loads the content of an archive: what `to_bytes` gave, or what `save` wrote to a path that ends in `.tar`.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, archive: PyBackedBytes) -> PyResult<Self> {
        let loaded = py.detach(|| saved::from_archive(archive.to_vec()).and_then(|file| file.load(&Limits::DEFAULT)));
        loaded.map(Self).map_err(|failure| error::unusable(py, &failure))
    }

    /// The archive that `save` would write, for a database or a wire. The same evidence gives the same bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| saved::to_archive(&self.0.to_saved())))
    }

    /// The image that it says it is about, pinned. Name to `judge` the image that is meant; do not take it from here.
    #[getter]
    fn image(&self) -> String {
        let subject = self.0.subject();
        format!("{}@{}", subject.repository, subject.digest())
    }

    /// `gathered` or `loaded`.
    #[getter]
    fn origin(&self) -> &'static str {
        match self.0.origin() {
            EvidenceOrigin::Gathered => "gathered",
            _ => "loaded",
        }
    }

    /// How many signatures were found, whether or not they hold.
    #[getter]
    fn candidates(&self) -> usize {
        self.0.candidates().len()
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.Evidence {} of {}>", self.origin(), self.image())
    }
}
