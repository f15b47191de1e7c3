//! [`Registry`], [`RegistryCall`] and [`OciLayout`]: the native sources.

use crate::cache::Cache;
use crate::error;
use crate::fetch::{self, Request};
use crate::file::{self, Input};
use crate::tls::Tls;
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
pub(crate) const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// The longest time that is taken, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// A deadline in seconds.
pub(crate) fn timeout(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    time(py, "timeout", seconds)
}

/// A time that has to be one.
fn time(py: Python<'_>, name: &str, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let found = pause(py, name, seconds)?;
    if found.is_some_and(|time| time.is_zero()) {
        return Err(out_of_bounds(py, name));
    }
    Ok(found)
}

/// A time that may be none at all.
fn pause(py: Python<'_>, name: &str, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let checked = |seconds: f64| match seconds {
        seconds if (0.0..=MAX_SECONDS).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(out_of_bounds(py, name)),
    };
    seconds.map(checked).transpose()
}

fn out_of_bounds(py: Python<'_>, name: &str) -> PyErr {
    let failure = Failure::new(Code::ConfigInvalid).expected("more than nothing and at most a day").at(name);
    error::unusable(py, &failure)
}

/// What a registry client was configured with, but for secrets.
struct Inputs {
    timeout: f64,
    allow_http: Vec<String>,
    docker_config: Option<PathBuf>,
    pull_secret: Option<PathBuf>,
    allow_realms: BTreeMap<String, String>,
    allow_redirects: Vec<String>,
    mirrors: BTreeMap<String, String>,
    only_these_roots: bool,
    user_agent: Option<String>,
    cache: Option<Py<Cache>>,
    answers_live: Option<f64>,
    connect_timeout: Option<f64>,
    first_byte_timeout: Option<f64>,
    minimum_rate: Option<(u64, f64)>,
    retry_pause: Option<f64>,
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
    #[pyo3(signature = (*, timeout = 30.0, allow_http = None, docker_config = None, pull_secret = None, credentials = None,
                        identity_tokens = None, bearer_tokens = None, allow_realms = None, allow_redirects = None,
                        mirrors = None, root_certificates = None, only_these_roots = false, tls = None, proxy = None,
                        user_agent = None, cache = None, answers_live = None, connect_timeout = None,
                        first_byte_timeout = None, minimum_rate = None, retry_pause = None))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn new(
        py: Python<'_>,
        timeout: f64,
        allow_http: Option<Vec<String>>,
        docker_config: Option<Input>,
        pull_secret: Option<Input>,
        credentials: Option<BTreeMap<String, (String, String)>>,
        identity_tokens: Option<BTreeMap<String, String>>,
        bearer_tokens: Option<BTreeMap<String, String>>,
        allow_realms: Option<BTreeMap<String, String>>,
        allow_redirects: Option<Vec<String>>,
        mirrors: Option<BTreeMap<String, String>>,
        root_certificates: Option<Input>,
        only_these_roots: bool,
        tls: Option<BTreeMap<String, Py<Tls>>>,
        proxy: Option<String>,
        user_agent: Option<String>,
        cache: Option<Py<Cache>>,
        answers_live: Option<f64>,
        connect_timeout: Option<f64>,
        first_byte_timeout: Option<f64>,
        minimum_rate: Option<(u64, f64)>,
        retry_pause: Option<f64>,
    ) -> PyResult<Self> {
        let unusable = |failure: Failure| error::unusable(py, &failure);
        let read = |input: &Input| input.read(MAX_CONFIG_BYTES, Code::ConfigInvalid).map(|(bytes, _)| bytes).map_err(unusable);
        let is_bytes = |input: &Option<Input>| matches!(input, Some(Input::Bytes(_)));
        let has_secrets = credentials.is_some()
            || identity_tokens.is_some()
            || bearer_tokens.is_some()
            || proxy.is_some()
            || root_certificates.is_some()
            || tls.is_some()
            || is_bytes(&docker_config)
            || is_bytes(&pull_secret);
        let deadline = time(py, "timeout", Some(timeout))?.unwrap_or_default();
        let mut builder = veriseal_registry::Registry::builder().deadline(deadline);
        let (allow_http, allow_redirects) = (allow_http.unwrap_or_default(), allow_redirects.unwrap_or_default());
        builder = allow_http.iter().fold(builder, |builder, host| builder.allow_http(host));
        builder = allow_redirects.iter().fold(builder, |builder, host| builder.allow_redirect(host));
        if let Some(config) = &docker_config {
            builder = builder.docker_config_json(&read(config)?);
        }
        if let Some(secret) = &pull_secret {
            builder = builder.pull_secret(&read(secret)?);
        }
        for (registry, (username, password)) in credentials.into_iter().flatten() {
            builder = builder.credentials(&registry, Credentials::Password { username, password: password.into() });
        }
        for (registry, token) in identity_tokens.into_iter().flatten() {
            builder = builder.credentials(&registry, Credentials::IdentityToken(token.into()));
        }
        for (registry, token) in bearer_tokens.into_iter().flatten() {
            builder = builder.credentials(&registry, Credentials::RegistryToken(token.into()));
        }
        let (allow_realms, mirrors) = (allow_realms.unwrap_or_default(), mirrors.unwrap_or_default());
        builder = allow_realms.iter().fold(builder, |builder, (registry, host)| builder.allow_realm(registry, host));
        builder = mirrors.iter().fold(builder, |builder, (of, at)| builder.mirror(of, at));
        if let Some(pem) = &root_certificates {
            builder = builder.root_certificate_pem(&read(pem)?);
        }
        if only_these_roots {
            builder = builder.only_these_roots();
        }
        for (host, tls) in tls.iter().flatten() {
            builder = builder.tls(host, tls.get().settings());
        }
        if let Some(proxy) = &proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(user_agent) = &user_agent {
            builder = builder.user_agent(user_agent);
        }
        if let Some(cache) = &cache {
            builder = builder.cache(cache.get().shared());
        }
        if let Some(live) = pause(py, "answers_live", answers_live)? {
            builder = builder.answers_live(live);
        }
        if let Some(within) = time(py, "connect_timeout", connect_timeout)? {
            builder = builder.connect_timeout(within);
        }
        if let Some(within) = time(py, "first_byte_timeout", first_byte_timeout)? {
            builder = builder.first_byte_timeout(within);
        }
        if let Some((bytes, seconds)) = minimum_rate {
            builder = builder.minimum_rate(bytes, time(py, "minimum_rate", Some(seconds))?.unwrap_or_default());
        }
        if let Some(wait) = pause(py, "retry_pause", retry_pause)? {
            builder = builder.retry_pause(wait);
        }
        let client = py.detach(|| builder.build()).map_err(unusable)?;
        let path = |input: Option<Input>| match input {
            Some(Input::Path(path)) => Some(path),
            _ => None,
        };
        let inputs = Inputs {
            timeout,
            allow_http,
            docker_config: path(docker_config),
            pull_secret: path(pull_secret),
            allow_realms,
            allow_redirects,
            mirrors,
            only_these_roots,
            user_agent,
            cache,
            answers_live,
            connect_timeout,
            first_byte_timeout,
            minimum_rate,
            retry_pause,
            has_secrets,
        };
        Ok(Self { client, inputs })
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
        let inputs = &self.inputs;
        if inputs.has_secrets {
            return Err(PyTypeError::new_err(
                "a Registry with credentials, proxy, certificates or TLS settings of its own is not pickled, since secrets do \
                 not belong into a pickle: name docker_config or pull_secret by its path, or make the Registry where it is used",
            ));
        }
        let arguments = PyDict::new(py);
        arguments.set_item("timeout", inputs.timeout)?;
        arguments.set_item("allow_http", &inputs.allow_http)?;
        arguments.set_item("docker_config", inputs.docker_config.as_ref().map(|path| path.as_os_str()))?;
        arguments.set_item("pull_secret", inputs.pull_secret.as_ref().map(|path| path.as_os_str()))?;
        arguments.set_item("allow_realms", &inputs.allow_realms)?;
        arguments.set_item("allow_redirects", &inputs.allow_redirects)?;
        arguments.set_item("mirrors", &inputs.mirrors)?;
        arguments.set_item("only_these_roots", inputs.only_these_roots)?;
        arguments.set_item("user_agent", &inputs.user_agent)?;
        arguments.set_item("cache", &inputs.cache)?;
        arguments.set_item("answers_live", inputs.answers_live)?;
        arguments.set_item("connect_timeout", inputs.connect_timeout)?;
        arguments.set_item("first_byte_timeout", inputs.first_byte_timeout)?;
        arguments.set_item("minimum_rate", inputs.minimum_rate)?;
        arguments.set_item("retry_pause", inputs.retry_pause)?;
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
