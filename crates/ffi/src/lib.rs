//! veriseal from C and C++. include/veriseal.h is generated from here and is the documentation for its users.
//!
//! Every rule of verification is in the crates that this one calls. What it adds are manners: opaque handles, strings with
//! their lengths, statuses that no idiom mistakes for success, and a panic boundary around each export. It is the one crate
//! of the project with `unsafe`: pointers become references in `handle` and `input` and nowhere else.
#![allow(non_camel_case_types)]
// The contract of every pointer stands once, at the top of the header; a section in each item would reach users of C as
// noise. Arguments come as C has them: a text is two.
#![allow(clippy::missing_safety_doc, clippy::too_many_arguments)]
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

#[cfg(panic = "abort")]
compile_error!("a panic must end at the boundary of an export: build with panic = \"unwind\"");

#[macro_use]
mod boundary;
mod accepted;
mod batch;
mod blob;
mod call;
mod code;
mod error;
mod evidence;
mod fetcher;
mod handle;
mod input;
mod policy;
mod registry;
mod registry_settings;
mod report;
mod request;
mod requirement;
mod session;
mod source;
mod status;
mod trust_root;
mod verifier;

pub use accepted::*;
pub use batch::*;
pub use blob::*;
pub use call::*;
pub use code::*;
pub use error::*;
pub use evidence::*;
pub use fetcher::*;
pub use input::{veriseal_bytes, veriseal_str};
pub use policy::*;
pub use registry::*;
pub use registry_settings::*;
pub use report::*;
pub use request::*;
pub use requirement::*;
pub use session::*;
pub use source::*;
pub use status::*;
pub use trust_root::*;
pub use verifier::*;

#[cfg(test)]
mod tests;
