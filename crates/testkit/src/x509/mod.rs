//! Certificates from templates in which every field is public, so that a test can break exactly one of them.
//!
//! RFC 5280. Nothing is checked: a template that makes no sense is encoded as it stands.

mod authority;
pub mod extension;
mod name;
mod template;

pub use authority::Authority;
pub(crate) use authority::serial;
pub use extension::{Extension, GeneralName};
pub use name::Name;
pub use template::Template;
