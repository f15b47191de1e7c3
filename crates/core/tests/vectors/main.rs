//! Real material: every case of the shared vectors, with its expected verdict and code.
//!
//! One binary for all of them. Where the vectors are absent, each test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::type_complexity)]

mod common;

mod checkpoint;
mod dsse;
mod format;
mod fulcio;
mod merkle;
mod oci;
mod pkits;
mod sct;
mod sigstore_bundles;
mod simple_signing;
mod wycheproof;
