//! [`Source`]: where the bytes of an image come from.

use crate::python_fetch::PythonFetch;
use crate::registry::{OciLayout, Registry, RegistryCall};
use crate::watch::{Watch, Watched};
use pyo3::prelude::*;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Code, Failure, Reference};

/// What the caller gave as `registry`.
pub(crate) enum Source {
    /// Nothing: layouts are read where a reference names one; a registry client with all defaults is made when the first
    /// image in a registry is asked for.
    Default(OnceLock<Result<veriseal_registry::Registry, Failure>>),
    /// A configured client.
    Registry(veriseal_registry::Registry),
    /// One call of a client, with its deadline running already.
    Call(veriseal_registry::Call),
    /// A layout.
    Layout(Arc<veriseal_registry::OciLayout>),
    /// Any object with `fetch(request)`.
    Python(Py<PyAny>),
}

impl Source {
    pub(crate) fn of(given: Option<&Bound<'_, PyAny>>) -> Self {
        let Some(object) = given else { return Self::Default(OnceLock::new()) };
        if let Ok(registry) = object.cast::<Registry>() {
            return Self::Registry(registry.get().client().clone());
        }
        if let Ok(call) = object.cast::<RegistryCall>() {
            return Self::Call(call.get().call().clone());
        }
        if let Ok(layout) = object.cast::<OciLayout>() {
            return Self::Layout(layout.get().shared());
        }
        Self::Python(object.clone().unbind())
    }

    /// Opens the source of one image and works with it, without the interpreter's lock.
    pub(crate) fn with<T: Send>(
        &self,
        py: Python<'_>,
        reference: &Reference,
        timeout: Option<Duration>,
        watch: &Watch,
        work: impl FnOnce(&dyn Fetch) -> T + Send,
    ) -> T {
        let object = match self {
            Self::Python(object) => Some(object.clone_ref(py)),
            _ => None,
        };
        py.detach(|| {
            let opened = match object {
                Some(object) => Box::new(PythonFetch { object, watch }),
                None => self.open(reference, timeout),
            };
            work(&Watched { inner: opened.as_ref(), watch })
        })
    }

    fn open(&self, reference: &Reference, timeout: Option<Duration>) -> Box<dyn Fetch> {
        let call = |registry: &veriseal_registry::Registry| -> Box<dyn Fetch> {
            Box::new(timeout.map_or_else(|| registry.call(), |timeout| registry.call_within(timeout)))
        };
        match self {
            Self::Default(_) if reference.repository().registry().is_none() => {
                match veriseal_registry::OciLayout::open(reference.repository().path()) {
                    Ok(layout) => Box::new(layout),
                    Err(failure) => Box::new(Failed(failure)),
                }
            }
            // Whoever names a registry client may take references from strangers: those must not name files of this machine.
            Self::Registry(_) if reference.repository().registry().is_none() => {
                Box::new(Failed(Failure::new(Code::SourceInvalid).expected("an image in a registry").found(reference)))
            }
            Self::Default(made) => match made.get_or_init(veriseal_registry::Registry::new) {
                Ok(registry) => call(registry),
                Err(failure) => Box::new(Failed(failure.clone())),
            },
            Self::Registry(registry) => call(registry),
            Self::Call(running) => Box::new(running.clone()),
            Self::Layout(layout) => Box::new(Shared(Arc::clone(layout))),
            Self::Python(_) => Box::new(Failed(Failure::new(Code::Internal).found("a fetcher that was not taken"))),
        }
    }

    /// A source that Python's own loop can ask, one request after another: what `veriseal.aio` uses.
    pub(crate) fn opened<'py>(
        &self,
        py: Python<'py>,
        reference: &Reference,
        timeout: Option<Duration>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Self::Python(object) = self {
            return Ok(object.bind(py).clone());
        }
        let opened = py.detach(|| self.open(reference, timeout));
        Ok(Bound::new(py, crate::registry::Opened::of(opened))?.into_any())
    }
}

/// A layout that several calls share.
struct Shared(Arc<veriseal_registry::OciLayout>);

impl Fetch for Shared {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.0.fetch(request)
    }
}

/// A source that could not be opened answers everything with the reason, so that there is a report that tells it.
struct Failed(Failure);

impl Fetch for Failed {
    fn fetch(&self, _: &Request) -> Result<Response, FetchError> {
        Err(FetchError::Unavailable(self.0.clone()))
    }
}
