//! veriseal (placeholder docs)
#![forbid(unsafe_code)]
pub mod code;
pub mod digest;
pub mod encoding;
pub mod format;
pub mod gather;
pub mod limits;
pub mod oci;
pub mod time;
pub mod tlog;
