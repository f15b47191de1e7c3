//! The registry client: one call over HTTPS, from a request of the core to its answer.

mod answer;
mod answers;
mod bounds;
mod builder;
mod cache;
pub mod challenge;
mod credentials;
mod exchange;
mod fault;
mod headers;
#[cfg(feature = "credential-helpers")]
mod helper;
pub mod link;
mod mirror;
mod observer;
mod origin;
mod reach;
mod realm;
mod registry;
mod secret;
mod target;
mod tls;
mod token;
mod transport;

pub use builder::RegistryBuilder;
pub use cache::Cache;
pub use credentials::Credentials;
pub use observer::{Event, Observer};
pub use registry::{Call, Registry};
pub use secret::Secret;
pub use tls::Tls;
