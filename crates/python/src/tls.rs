//! [`Tls`]: whom to believe at one host, and as whom to appear there.

use crate::error;
use crate::file::Input;
use crate::registry::MAX_CONFIG_BYTES;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use veriseal::{Code, Failure};

/// The TLS settings of one registry, mirror, token service or storage. Holds a secret where it has a key: never pickled.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Tls {
    roots: Option<Vec<u8>>,
    only_these_roots: bool,
    client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    pub(crate) fn settings(&self) -> veriseal_registry::Tls {
        let mut tls = veriseal_registry::Tls::new();
        if let Some(roots) = &self.roots {
            tls = tls.root_certificate_pem(roots);
        }
        if self.only_these_roots {
            tls = tls.only_these_roots();
        }
        match &self.client {
            Some((certificate, key)) => tls.client_certificate_pem(certificate, key),
            None => tls,
        }
    }
}

#[pymethods]
impl Tls {
    #[new]
    #[pyo3(signature = (*, root_certificates = None, only_these_roots = false, client_certificate = None, client_key = None))]
    fn new(
        py: Python<'_>,
        root_certificates: Option<Input>,
        only_these_roots: bool,
        client_certificate: Option<Input>,
        client_key: Option<Input>,
    ) -> PyResult<Self> {
        let read = |input: Input| {
            let read = input.read(MAX_CONFIG_BYTES, Code::ConfigInvalid);
            read.map(|(bytes, _)| bytes).map_err(|failure: Failure| error::unusable(py, &failure))
        };
        let client = match (client_certificate, client_key) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            (None, None) => None,
            _ => return Err(error::misuse(py, "client_certificate and client_key belong together: give both")),
        };
        Ok(Self { roots: root_certificates.map(read).transpose()?, only_these_roots, client })
    }

    fn __repr__(&self) -> &'static str {
        "<veriseal.Tls>"
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Tls is not pickled, since secrets do not belong into a pickle: make it where it is used"))
    }
}
