//! The native half of the Python package `veriseal`: classes over the core, the policy files and the registry client.
//!
//! Decides nothing: an `Accepted` of Python holds an [`veriseal::Accepted`], which only a [`veriseal::Verifier`] makes, and has
//! no constructor. Whatever is not accepted is raised. The interpreter's lock is let go while bytes are fetched and judged.
#![forbid(unsafe_code)]

#[cfg(panic = "abort")]
compile_error!("a panic must become an exception: build with panic = \"unwind\"");

mod accepted;
mod blob;
mod cache;
mod code;
mod error;
mod evidence;
mod fetch;
mod file;
mod hook;
mod judge;
mod moment;
mod policy;
mod python_fetch;
mod registry;
mod session;
mod source;
mod tls;
mod trust;
mod verifier;
mod watch;

#[pyo3::pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::accepted::{Accepted, AcceptedBlob};
    #[pymodule_export]
    use crate::cache::Cache;
    #[pymodule_export]
    use crate::code::{Code, codes};
    #[pymodule_export]
    use crate::evidence::Evidence;
    #[pymodule_export]
    use crate::fetch::{FetchFailure, Found, NotFound, Request};
    #[cfg(feature = "panics")]
    #[pymodule_export]
    use crate::hook::panic_at;
    #[pymodule_export]
    use crate::moment::Clock;
    #[pymodule_export]
    use crate::policy::{Pattern, Policy};
    #[pymodule_export]
    use crate::registry::{OciLayout, Registry, RegistryCall};
    #[pymodule_export]
    use crate::session::Session;
    #[pymodule_export]
    use crate::tls::Tls;
    #[pymodule_export]
    use crate::trust::TrustRoot;
    #[pymodule_export]
    use crate::verifier::Verifier;

    /// Version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
