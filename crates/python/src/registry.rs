//! [`Registry`], [`RegistryCall`] and [`OciLayout`]: the native sources.

use crate::error;
use crate::fetch::{self, Request};
use crate::file::{self, Input};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use veriseal::gather::Fetch;
use veriseal::{Code, Failure};
use veriseal_registry::Credentials;

/// Largest docker `config.json` and largest file of certificates, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// A deadline in seconds.
pub(crate) fn timeout(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let checked = |seconds: f64| match seconds {
        seconds if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => {
            let failure = Failure::new(Code::ConfigInvalid).expected("more than nothing and at most a day").at("timeout");
            Err(error::unusable(py, &failure))
        }
    };
    seconds.map(checked).transpose()
}

/// What a registry client was configured with, but for secrets.
struct Inputs {
    timeout: f64,
    allow_http: Vec<String>,
    docker_config: Option<PathBuf>,
    allow_realms: BTreeMap<String, String>,
    user_agent: Option<String>,
    /// Secrets, or bytes that may hold some: then there is no pickle.
    has_secrets: bool,
}

/// Container registries over HTTPS. Cheap to share between threads; it neither reads the environment nor runs programs.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Registry {
    client: veriseal_registry::Registry,
    inputs: Inputs,
}

impl Registry {
    pub(crate) fn client(&self) -> &veriseal_registry::Registry {
        &self.client
    }
}

#[pymethods]
impl Registry {
    #[new]
    #[pyo3(signature = (*, timeout = 30.0, allow_http = None, docker_config = None, credentials = None,
                        allow_realms = None, root_certificates = None, only_these_roots = false, proxy = None,
                        user_agent = None))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn new(
        py: Python<'_>,
        timeout: f64,
        allow_http: Option<Vec<String>>,
        docker_config: Option<Input>,
        credentials: Option<BTreeMap<String, (String, String)>>,
        allow_realms: Option<BTreeMap<String, String>>,
        root_certificates: Option<Input>,
        only_these_roots: bool,
        proxy: Option<String>,
        user_agent: Option<String>,
    ) -> PyResult<Self> {
        let unusable = |failure: Failure| error::unusable(py, &failure);
        let has_secrets = credentials.is_some()
            || proxy.is_some()
            || root_certificates.is_some()
            || matches!(docker_config, Some(Input::Bytes(_)));
        let deadline = crate::registry::timeout(py, Some(timeout))?.unwrap_or_default();
        let mut builder = veriseal_registry::Registry::builder().deadline(deadline);
        let allow_http = allow_http.unwrap_or_default();
        for host in &allow_http {
            builder = builder.allow_http(host);
        }
        if let Some(config) = &docker_config {
            let (json, _) = config.read(MAX_CONFIG_BYTES, Code::ConfigInvalid).map_err(unusable)?;
            builder = builder.docker_config_json(&json);
        }
        for (registry, (username, password)) in credentials.into_iter().flatten() {
            builder = builder.credentials(&registry, Credentials::Password { username, password: password.into() });
        }
        let allow_realms = allow_realms.unwrap_or_default();
        for (registry, host) in &allow_realms {
            builder = builder.allow_realm(registry, host);
        }
        if let Some(pem) = &root_certificates {
            let (pem, _) = pem.read(MAX_CONFIG_BYTES, Code::ConfigInvalid).map_err(unusable)?;
            builder = builder.root_certificate_pem(&pem);
        }
        if only_these_roots {
            builder = builder.only_these_roots();
        }
        if let Some(proxy) = &proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(user_agent) = &user_agent {
            builder = builder.user_agent(user_agent);
        }
        let client = py.detach(|| builder.build()).map_err(unusable)?;
        let docker_config = match docker_config {
            Some(Input::Path(path)) => Some(path),
            _ => None,
        };
        Ok(Self { client, inputs: Inputs { timeout, allow_http, docker_config, allow_realms, user_agent, has_secrets } })
    }

    /// Starts a call: from now on the deadline runs, for all its requests together.
    #[pyo3(signature = (timeout = None))]
    fn call(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<RegistryCall> {
        let within = crate::registry::timeout(py, timeout)?;
        Ok(RegistryCall(within.map_or_else(|| self.client.call(), |within| self.client.call_within(within))))
    }

    /// Answers one request, which has the whole deadline to itself.
    fn fetch<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        fetch::to_python(py, py.detach(|| self.client.fetch(&request.0)))
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.Registry timeout {} s>", self.inputs.timeout)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let Inputs { timeout, allow_http, docker_config, allow_realms, user_agent, has_secrets } = &self.inputs;
        if *has_secrets {
            return Err(PyTypeError::new_err(
                "a Registry with credentials, proxy or certificates of its own is not pickled, since secrets do not belong \
                 into a pickle: name docker_config by its path, or make the Registry where it is used",
            ));
        }
        let arguments = PyDict::new(py);
        arguments.set_item("timeout", timeout)?;
        arguments.set_item("allow_http", allow_http)?;
        arguments.set_item("docker_config", docker_config.as_ref().map(|path| path.as_os_str()))?;
        arguments.set_item("allow_realms", allow_realms)?;
        arguments.set_item("user_agent", user_agent)?;
        let restore = PyModule::import(py, "veriseal._restore")?.getattr("registry")?;
        Ok((restore, (arguments,).into_pyobject(py)?))
    }
}

/// The requests of one verify call: one deadline, and tokens that no other call sees.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct RegistryCall(veriseal_registry::Call);

impl RegistryCall {
    pub(crate) fn call(&self) -> &veriseal_registry::Call {
        &self.0
    }
}

#[pymethods]
impl RegistryCall {
    /// Answers one request.
    fn fetch<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        fetch::to_python(py, py.detach(|| self.0.fetch(&request.0)))
    }
}

/// An OCI image layout on disk: a directory, or an uncompressed tar archive of one.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct OciLayout {
    layout: Arc<veriseal_registry::OciLayout>,
    path: PathBuf,
}

impl OciLayout {
    pub(crate) fn shared(&self) -> Arc<veriseal_registry::OciLayout> {
        Arc::clone(&self.layout)
    }
}

#[pymethods]
impl OciLayout {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let layout = py.detach(|| veriseal_registry::OciLayout::open(&path)).map_err(|failure| error::unusable(py, &failure))?;
        Ok(Self { layout: Arc::new(layout), path })
    }

    /// Answers one request, whatever repository it names.
    fn fetch<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        fetch::to_python(py, py.detach(|| self.layout.fetch(&request.0)))
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.OciLayout {}>", file::show(&self.path))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((py.get_type::<Self>().into_any(), (self.path.as_os_str(),).into_pyobject(py)?))
    }
}

/// A native source of one call, for a loop in Python.
#[pyclass(frozen, module = "veriseal", name = "_Opened")]
pub(crate) struct Opened(Box<dyn Fetch>);

impl Opened {
    pub(crate) fn of(fetch: Box<dyn Fetch>) -> Self {
        Self(fetch)
    }
}

#[pymethods]
impl Opened {
    fn fetch<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        fetch::to_python(py, py.detach(|| self.0.fetch(&request.0)))
    }
}
