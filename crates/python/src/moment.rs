//! [`Moment`]: the time of a verdict. The present where none is given; the one place where a clock is read.

use crate::error;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString};
use std::time::{SystemTime, UNIX_EPOCH};
use veriseal::{Code, Failure, UnixTime};

/// A clock that stands still, for tests of the package that compare reports with those of other languages, where the time is
/// always an argument. Not for users: with it a report does not say that the time was given.
#[pyclass(frozen, module = "veriseal", name = "_Clock")]
pub(crate) struct Clock(UnixTime);

#[pymethods]
impl Clock {
    #[new]
    fn new(py: Python<'_>, at: &str) -> PyResult<Self> {
        UnixTime::parse_rfc3339(at).map(Self).map_err(|failure| error::unusable(py, &failure))
    }
}

/// The moment as of which is judged.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) now: UnixTime,
    /// What the report says about a moment that was given and not read from a clock.
    pub(crate) given: Option<Failure>,
}

impl Moment {
    /// From the argument `now`: nothing, an aware `datetime`, or text in RFC 3339.
    pub(crate) fn of(now: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(object) = now else { return Ok(Self { now: clock(), given: None }) };
        if let Ok(clock) = object.cast::<Clock>() {
            return Ok(Self { now: clock.get().0, given: None });
        }
        let now = time(object, "now")?;
        Ok(Self { now, given: Some(Failure::new(Code::TimeGiven).found(now).at("now")) })
    }
}

/// A moment from an aware `datetime` or from text in RFC 3339; `name` is the argument.
pub(crate) fn time(object: &Bound<'_, PyAny>, name: &str) -> PyResult<UnixTime> {
    let py = object.py();
    let text = if object.is_instance_of::<PyString>() { object.extract()? } else { rfc3339(object, name)? };
    UnixTime::parse_rfc3339(&text).map_err(|failure| error::unusable(py, &failure))
}

/// A naive `datetime` would be read in whatever zone the machine has: refused.
fn rfc3339(object: &Bound<'_, PyAny>, name: &str) -> PyResult<String> {
    let py = object.py();
    let module = PyModule::import(py, "datetime")?;
    if !object.is_instance(&module.getattr("datetime")?)? || object.call_method0("utcoffset")?.is_none() {
        return Err(PyTypeError::new_err(format!("{name} is a datetime with a time zone, or text in RFC 3339")));
    }
    let utc = module.getattr("timezone")?.getattr("utc")?;
    object.call_method1("astimezone", (utc,))?.call_method0("isoformat")?.extract()
}

/// The present, in whole seconds.
fn clock() -> UnixTime {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        // Before the epoch nothing was signed yet: such a clock accepts nothing.
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, i64::saturating_neg),
    };
    UnixTime::from_seconds(seconds)
}
