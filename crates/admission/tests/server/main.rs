//! The webhook over HTTPS, with recorded requests and testkit images in a registry on loopback.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod bounds;
mod decisions;
mod operation;
mod stand;
