//! References, descriptors, manifests and indexes of the OCI specifications.
//!
//! Parses claims strictly where they decide something and tolerates unknown fields as the image-spec asks. Checks no
//! digest and no signature: whoever fetches hashes.

mod descriptor;
mod manifest;
pub mod media_type;
mod platform;
mod reference;

pub use descriptor::Descriptor;
pub(crate) use manifest::Listing;
pub use manifest::{Document, Index, MAX_LAYERS, Manifest};
pub use platform::Platform;
pub use reference::{Reference, Repository, Tag};
