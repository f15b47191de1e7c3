//! X.509 certificates (RFC 5280): a read-only view over the bytes that arrived, bounded path building, SCTs.
//!
//! Nothing is ever re-encoded: signatures are checked over slices of the input. A [`Certificate`] is only parsed; what
//! was validated is another type, [`Path`]. No revocation and no policy tree live here.

pub mod algorithm;
pub mod certificate;
pub mod extension;
pub mod fulcio;
pub mod name;
mod name_constraints;
pub mod oid;
pub mod path;
pub mod san;
pub mod sct;
mod time;

pub use certificate::Certificate;
pub use fulcio::FulcioExtensions;
pub use name::DistinguishedName;
pub use path::{Path, Purpose};
pub use san::SubjectName;

#[cfg(test)]
mod forge;
#[cfg(test)]
mod tests;
