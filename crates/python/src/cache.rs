//! [`Cache`]: content under its digest, kept between calls and shared by registry clients.

use crate::error;
use crate::file;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;

/// Where a cache keeps its content.
enum Place {
    Memory,
    Directory(PathBuf),
}

/// Content under its digest. Whatever comes out of it is hashed again; tags, lists and misses are never in it.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Cache {
    cache: veriseal_registry::Cache,
    place: Place,
    max_bytes: u64,
}

impl Cache {
    pub(crate) fn shared(&self) -> veriseal_registry::Cache {
        self.cache.clone()
    }
}

#[pymethods]
impl Cache {
    /// In memory, at most so many bytes. Its pickle is an empty one of the same size.
    #[staticmethod]
    fn memory(max_bytes: u64) -> Self {
        Self { cache: veriseal_registry::Cache::memory(max_bytes), place: Place::Memory, max_bytes }
    }

    /// In a directory, which is made where it does not exist, of about so many bytes. Processes may share it; whoever can
    /// read it can read what is in it.
    #[staticmethod]
    fn directory(py: Python<'_>, path: PathBuf, max_bytes: u64) -> PyResult<Self> {
        let cache = py.detach(|| veriseal_registry::Cache::directory(&path, max_bytes));
        let cache = cache.map_err(|failure| error::unusable(py, &failure))?;
        Ok(Self { cache, place: Place::Directory(path), max_bytes })
    }

    fn __repr__(&self) -> String {
        match &self.place {
            Place::Memory => format!("<veriseal.Cache in memory, {} bytes>", self.max_bytes),
            Place::Directory(path) => format!("<veriseal.Cache in {}, {} bytes>", file::show(path), self.max_bytes),
        }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let class = py.get_type::<Self>();
        Ok(match &self.place {
            Place::Memory => (class.getattr("memory")?, (self.max_bytes,).into_pyobject(py)?),
            Place::Directory(path) => (class.getattr("directory")?, (path.as_os_str(), self.max_bytes).into_pyobject(py)?),
        })
    }
}
