//! Signed documents: bytes in, typed but untrusted values out.

pub mod log_entry;
