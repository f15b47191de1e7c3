//! The proof ladder: one file a rung, each taking the proof of the rung below.
//!
//! A payload can be read only from a [`signature::ValidSignature`], an identity only from a [`path::ValidPath`], a time
//! only from what authenticated it; none has a public constructor. Knows no report and fetches nothing.

mod artifact;
mod attestation;
pub(crate) mod candidate;
mod entry_binding;
mod identity;
mod log_entry;
mod path;
mod sct;
mod signature;
mod subject_binding;
mod time;
mod timestamp;
mod trace;

pub use artifact::{Artifact, ArtifactHasher};
pub(crate) use trace::{Check, Outcome};

#[cfg(test)]
mod tests;
