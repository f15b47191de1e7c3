//! [`TrustRoot`]: the logs, certificate authorities and timestamp authorities that are believed.

use crate::error;
use crate::file::{self, Input};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Code, Failure};

/// Largest `trusted_root.json` that is read, in bytes; published ones have about 10 kB.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Prepared once a process: the embedded bytes never change.
type Prepared = OnceLock<Result<Arc<veriseal::TrustRoot>, Failure>>;
static SIGSTORE: Prepared = OnceLock::new();
static SIGSTORE_STAGING: Prepared = OnceLock::new();
static GITHUB: Prepared = OnceLock::new();

/// What it was made of, so that another process can make it again.
#[derive(Clone)]
enum Origin {
    Embedded(&'static str),
    Json { name: String, json: Arc<[u8]> },
}

/// Whom to believe: transparency logs, certificate authorities, timestamp authorities. Immutable, shared between threads.
#[pyclass(frozen, module = "veriseal")]
#[derive(Clone)]
pub(crate) struct TrustRoot {
    inner: Arc<veriseal::TrustRoot>,
    origin: Origin,
}

impl TrustRoot {
    pub(crate) fn shared(&self) -> Arc<veriseal::TrustRoot> {
        Arc::clone(&self.inner)
    }

    pub(crate) fn public() -> Result<Self, Failure> {
        Self::embedded("sigstore", &SIGSTORE, veriseal::TrustRoot::sigstore)
    }

    fn embedded(
        name: &'static str,
        prepared: &Prepared,
        make: fn() -> Result<veriseal::TrustRoot, Failure>,
    ) -> Result<Self, Failure> {
        let inner = prepared.get_or_init(|| make().map(Arc::new)).clone()?;
        Ok(Self { inner, origin: Origin::Embedded(name) })
    }

    fn read(json: Vec<u8>, name: String) -> Result<Self, Failure> {
        let origin = TrustRootOrigin { name: name.clone(), ..TrustRootOrigin::default() };
        let inner = Arc::new(veriseal::TrustRoot::from_json(&json, origin)?);
        Ok(Self { inner, origin: Origin::Json { name, json: json.into() } })
    }
}

#[pymethods]
impl TrustRoot {
    /// The public-good instance of Sigstore, as embedded in this version.
    #[staticmethod]
    fn sigstore(py: Python<'_>) -> PyResult<Self> {
        Self::public().map_err(|failure| error::unusable(py, &failure))
    }

    /// The staging instance of Sigstore.
    #[staticmethod]
    fn sigstore_staging(py: Python<'_>) -> PyResult<Self> {
        Self::embedded("sigstore_staging", &SIGSTORE_STAGING, veriseal::TrustRoot::sigstore_staging)
            .map_err(|failure| error::unusable(py, &failure))
    }

    /// GitHub's own instance, used for attestations of private repositories.
    #[staticmethod]
    fn github(py: Python<'_>) -> PyResult<Self> {
        Self::embedded("github", &GITHUB, veriseal::TrustRoot::github).map_err(|failure| error::unusable(py, &failure))
    }

    /// A Sigstore `trusted_root.json`.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let json = file::read(&path, MAX_BYTES, Code::TrustRootInvalid).map_err(|failure| error::unusable(py, &failure))?;
        Self::read(json, file::show(&path)).map_err(|failure| error::unusable(py, &failure))
    }

    /// The content of a Sigstore `trusted_root.json`; `name` is what reports call it.
    #[staticmethod]
    #[pyo3(signature = (json, name = "given"))]
    fn from_json(py: Python<'_>, json: Input, name: &str) -> PyResult<Self> {
        match json {
            Input::Bytes(bytes) => Self::read(bytes.to_vec(), name.to_owned()).map_err(|failure| error::unusable(py, &failure)),
            Input::Path(_) => Err(error::misuse(py, "from_json takes bytes; for a file there is from_file")),
        }
    }

    /// What reports call it.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.origin().name
    }

    /// SHA-256 over all that is trusted, in hex.
    #[getter]
    fn fingerprint(&self) -> String {
        veriseal::encoding::hex::encode(self.inner.fingerprint())
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.TrustRoot {}>", veriseal::code::bounded(self.name()))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let restore = PyModule::import(py, "veriseal._restore")?;
        match &self.origin {
            Origin::Embedded(name) => Ok((restore.getattr("embedded_trust_root")?, (*name,).into_pyobject(py)?)),
            Origin::Json { name, json } => {
                Ok((restore.getattr("trust_root")?, (PyBytes::new(py, json), name).into_pyobject(py)?))
            }
        }
    }
}
