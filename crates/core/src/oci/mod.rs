//! References, descriptors, manifests and indexes of the OCI specifications.

mod descriptor;
mod manifest;
mod reference;

pub use descriptor::{Descriptor, Platform};
pub use reference::{Reference, Repository, Tag};
