//! What an attacker tries, by the ids of the known attacks, and what must not change a verdict.
//!
//! One binary for all of them: they share a virtual Sigstore, and link once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::type_complexity)]

mod kit;

mod algorithm;
mod attestation_layer;
mod binding;
mod certificate;
mod checkpoint;
mod determinism;
mod determinism_worlds;
mod entry_points;
mod horizon;
mod identity;
mod json;
mod json_paths;
mod loaded_evidence;
mod log_binding;
mod log_matrix;
mod log_threshold;
mod log_time;
mod notices;
mod platforms;
mod reasons;
mod registries;
mod sct;
mod several_leaves;
mod signing_algorithm;
mod statement;
mod structure;
mod timestamp;
mod verdict_cache;
