//! Where tests let a native call panic (K-AP-01). The shipped wheel has none of it: it is built without the feature `panics`.

/// A place that a call passes.
#[cfg(not(feature = "panics"))]
pub(crate) const fn reached(_: &str) {}

#[cfg(feature = "panics")]
pub(crate) use armed::{panic_at, reached};

#[cfg(feature = "panics")]
mod armed {
    use pyo3::prelude::*;
    use std::sync::{Mutex, PoisonError};

    static AT: Mutex<Option<String>> = Mutex::new(None);

    /// Lets the next call that passes this place panic there.
    #[pyfunction(name = "_panic_at")]
    pub(crate) fn panic_at(place: String) {
        *AT.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    #[expect(clippy::panic, reason = "this is what tests ask for")]
    pub(crate) fn reached(place: &str) {
        let fits = AT.lock().unwrap_or_else(PoisonError::into_inner).take_if(|at| at == place).is_some();
        if fits {
            panic!("as the test wants");
        }
    }
}
