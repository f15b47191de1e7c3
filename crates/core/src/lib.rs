//! veriseal (placeholder docs)
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]
pub mod code;
pub mod digest;
pub mod encoding;
pub mod gather;
pub mod limits;
pub mod oci;
pub mod time;
