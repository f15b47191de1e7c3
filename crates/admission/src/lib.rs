//! Kubernetes admission: may the images of this object run, and if so by which digest?
//!
//! [`Reviewer::review`] is a function of one `AdmissionReview` (admission.k8s.io/v1), the policies, a source of evidence and
//! the time: no clock, no server, no state. Whatever it does not understand it denies: an unknown kind, an object that
//! cannot be read, an image field that is not text. It answers for every image of the object, wherever it stands
//! ([`images`]), and pins what is accepted by a JSON Patch whose every replacement is preceded by a test.
//!
//! The webhook around it is the module `server`, behind the feature of that name.
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

mod image;
mod request;
mod response;
mod review;
#[cfg(feature = "server")]
pub mod server;
mod source;

pub use image::{ImageField, KINDS, Kind, images};
pub use request::{AdmissionRequest, Operation};
pub use response::{ImageDecision, Response};
pub use review::{Registration, Reviewer};
