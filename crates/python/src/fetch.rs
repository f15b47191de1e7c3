//! What gathering asks for and is told, as objects of Python.
//!
//! [`Found`] and [`NotFound`] can be made by anybody: whatever they claim is measured and hashed by the core.

use crate::error;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::time::Duration;
use veriseal::code::{Code, Failure};
use veriseal::gather::{self, FetchError, Response, What};

/// Longest wait that a fetcher may tell, in seconds: a day.
const MAX_WAIT: f64 = 86_400.0;

/// One thing that gathering needs.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Request(pub(crate) gather::Request);

#[pymethods]
impl Request {
    /// Names the request within its session.
    #[getter]
    fn id(&self) -> u32 {
        self.0.id.number()
    }

    /// Where to ask: `registry/repository`, or `oci:` and the path of a layout.
    #[getter]
    fn repository(&self) -> String {
        self.0.repository.to_string()
    }

    /// The registry (`host[:port]`); `None` for a layout.
    #[getter]
    fn registry(&self) -> Option<String> {
        self.0.repository.registry().map(str::to_owned)
    }

    /// The repository's name in its registry, or the path of the layout.
    #[getter]
    fn path(&self) -> String {
        self.0.repository.path().to_owned()
    }

    /// `manifest_by_tag`, `only_image`, `manifest`, `referrers` or `blob`.
    #[getter]
    fn kind(&self) -> &'static str {
        match &self.0.what {
            What::ManifestByTag(_) => "manifest_by_tag",
            What::OnlyImage => "only_image",
            What::Manifest(_) => "manifest",
            What::Referrers { .. } => "referrers",
            What::Blob { .. } => "blob",
            _ => "unknown",
        }
    }

    /// The tag, for `manifest_by_tag`.
    #[getter]
    fn tag(&self) -> Option<String> {
        match &self.0.what {
            What::ManifestByTag(tag) => Some(tag.to_string()),
            _ => None,
        }
    }

    /// The digest of what is wanted, for `manifest` and `blob`; the image's whose referrers are wanted, for `referrers`.
    #[getter]
    fn digest(&self) -> Option<String> {
        match &self.0.what {
            What::Manifest(digest) | What::Blob { digest, .. } | What::Referrers { subject: digest, .. } => {
                Some(digest.to_string())
            }
            _ => None,
        }
    }

    /// The size that a blob's descriptor states.
    #[getter]
    fn size(&self) -> Option<u64> {
        match &self.0.what {
            What::Blob { size, .. } => Some(*size),
            _ => None,
        }
    }

    /// The page of referrers, verbatim as the answer before named it in `next`; `None` for the first.
    #[getter]
    fn page(&self) -> Option<String> {
        match &self.0.what {
            What::Referrers { page, .. } => page.clone(),
            _ => None,
        }
    }

    /// Stop reading beyond this many bytes and raise `TooLarge`.
    #[getter]
    fn max_bytes(&self) -> u64 {
        self.0.max_bytes
    }

    fn __repr__(&self) -> String {
        let what = self.tag().or_else(|| self.digest()).unwrap_or_default();
        format!("<veriseal.Request {} {} {} {what}>", self.id(), self.kind(), self.repository())
    }
}

/// The content that was asked for, as it came.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Found {
    data: Py<PyBytes>,
    media_type: Option<String>,
    next: Option<String>,
}

#[pymethods]
impl Found {
    #[new]
    #[pyo3(signature = (data, media_type = None, next = None))]
    fn new(data: Py<PyBytes>, media_type: Option<String>, next: Option<String>) -> Self {
        Self { data, media_type, next }
    }

    /// The bytes exactly as they arrived.
    #[getter]
    fn data(&self, py: Python<'_>) -> Py<PyBytes> {
        self.data.clone_ref(py)
    }

    /// The media type that came with them (`Content-Type` without parameters), where one did.
    #[getter]
    fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// For referrers: where the next page is, if there is one.
    #[getter]
    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<veriseal.Found {} bytes>", self.data.as_bytes(py).len())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let arguments = (self.data.clone_ref(py), self.media_type.as_deref(), self.next.as_deref());
        Ok((py.get_type::<Self>().into_any(), arguments.into_pyobject(py)?))
    }
}

/// There is none: 404, or no such blob in a layout. Nothing else is: what could not be found out is raised.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct NotFound;

#[pymethods]
impl NotFound {
    #[new]
    fn new() -> Self {
        Self
    }

    fn __repr__(&self) -> &'static str {
        "<veriseal.NotFound>"
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((py.get_type::<Self>().into_any(), PyTuple::empty(py)))
    }
}

/// What a native source could not find out, carried by the exception that was raised for it, so that a fetcher which wraps
/// a native one loses nothing of the reason.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct FetchFailure(FetchError);

/// The answer of a native source as an object or an exception.
pub(crate) fn to_python(py: Python<'_>, answer: Result<Response, FetchError>) -> PyResult<Bound<'_, PyAny>> {
    match answer {
        Ok(Response::Found { media_type, bytes, next }) => {
            Ok(Bound::new(py, Found { data: PyBytes::new(py, &bytes).unbind(), media_type, next })?.into_any())
        }
        Ok(Response::NotFound) => Ok(Bound::new(py, NotFound)?.into_any()),
        Err(error) => Err(raised(py, error)?),
    }
}

fn raised(py: Python<'_>, failed: FetchError) -> PyResult<PyErr> {
    let message = failed.failure().to_string();
    let exception = match &failed {
        FetchError::Denied(_) => error::class(py, "Denied")?.call1((message,))?,
        FetchError::Throttled { retry_after } => {
            error::class(py, "Throttled")?.call1((message, retry_after.map(|wait| wait.as_secs_f64())))?
        }
        FetchError::TooLarge { max_bytes } => error::class(py, "TooLarge")?.call1((message, *max_bytes))?,
        FetchError::Cancelled => error::class(py, "Cancelled")?.call1((message,))?,
        FetchError::Unavailable(failure) if failure.code() == Code::DeadlineExceeded => {
            error::class(py, "DeadlineExceeded")?.call1((message,))?
        }
        _ => error::class(py, "Unavailable")?.call1((message,))?,
    };
    exception.setattr("_failure", Bound::new(py, FetchFailure(failed))?)?;
    Ok(PyErr::from_value(exception))
}

/// What an object that a fetcher returned says. Anything but [`Found`] and [`NotFound`] is no answer: `None` would otherwise
/// read as "there is none".
pub(crate) fn response(object: &Bound<'_, PyAny>) -> Option<Response> {
    if let Ok(found) = object.cast::<Found>() {
        let found = found.get();
        return Some(Response::Found {
            media_type: found.media_type.clone(),
            bytes: found.data.as_bytes(object.py()).to_vec(),
            next: found.next.clone(),
        });
    }
    object.cast::<NotFound>().ok().map(|_| Response::NotFound)
}

/// What an exception means for gathering; `None` for one that must end the call, such as `KeyboardInterrupt`.
pub(crate) fn failure(py: Python<'_>, raised: &PyErr) -> Option<FetchError> {
    let value = raised.value(py);
    let is = |name: &str| error::class(py, name).and_then(|class| value.is_instance(&class)).unwrap_or(false);
    if !value.is_instance_of::<PyException>() {
        return None;
    }
    if !is("FetchError") {
        // Only the name of the class: the text of a stranger's exception may hold a token or a URL with one. The
        // exception itself is the cause of what is raised.
        let name = value.get_type().name().map_or_else(|_| "an exception".to_owned(), |name| name.to_string());
        return Some(FetchError::Unavailable(Failure::new(Code::Unavailable).found(name).at("fetch")));
    }
    if let Ok(kept) = value.getattr("_failure").and_then(|kept| Ok(kept.extract::<Py<FetchFailure>>()?)) {
        return Some(kept.get().0.clone());
    }
    let text = || value.getattr("detail").and_then(|detail| detail.extract::<String>()).unwrap_or_default();
    Some(if is("Denied") {
        FetchError::Denied(text())
    } else if is("Throttled") {
        FetchError::Throttled { retry_after: value.getattr("retry_after").ok().and_then(|wait| seconds(&wait)) }
    } else if is("TooLarge") {
        let max_bytes = value.getattr("max_bytes").and_then(|bound| bound.extract()).unwrap_or_default();
        FetchError::TooLarge { max_bytes }
    } else if is("Cancelled") {
        FetchError::Cancelled
    } else if is("DeadlineExceeded") {
        FetchError::Unavailable(Failure::new(Code::DeadlineExceeded))
    } else {
        FetchError::Unavailable(Failure::new(Code::Unavailable).found(text()).at("fetch"))
    })
}

/// A number of seconds as a duration; `None` for none, for nonsense and for less than nothing.
pub(crate) fn seconds(object: &Bound<'_, PyAny>) -> Option<Duration> {
    let wait: f64 = object.extract().ok()?;
    (wait.is_finite() && wait >= 0.0).then(|| Duration::from_secs_f64(wait.min(MAX_WAIT)))
}
