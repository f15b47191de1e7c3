//! Signed documents: bytes in, typed but untrusted values out.

pub mod annotation;
pub mod attestation;
pub mod bundle;
pub mod dsse;
pub mod intoto;
pub mod log_entry;
pub mod signed;
pub mod simple_signing;
pub mod tsp;
mod wire;

pub use signed::{Format, Signed};
