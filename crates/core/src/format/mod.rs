//! Signed documents: bytes in, typed but untrusted values out.

pub mod dsse;
pub mod intoto;
pub mod log_entry;
pub mod tsp;
