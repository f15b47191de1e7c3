//! Leaves of policies over real evidence: what attestations say, how old they are and which of them count; names of
//! certificates; when an acceptance ends by itself; thresholds of published vectors.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]

#[path = "../kit/mod.rs"]
mod kit;

mod attestations;
mod certificates;
mod horizon;
mod thresholds;
