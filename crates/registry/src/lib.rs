//! Where veriseal's bytes come from: OCI registries over HTTPS, and OCI layouts on disk.
//!
//! [`Registry`] and [`OciLayout`] implement [`veriseal::gather::Fetch`]. They bound what they read and say why
//! something could not be found out; they verify nothing, since the core hashes and judges whatever they return.
//! Deliberately absent: writing to registries, reading the environment, and any way to turn TLS verification off.
//! Credential helpers, which are programs, are run only with the feature `credential-helpers`, and where asked for.
//!
//! ```no_run
//! use veriseal::gather::{Session, Wanted, drive};
//! use veriseal::limits::Limits;
//! use veriseal_registry::Registry;
//!
//! let registry = Registry::builder().docker_config_json(&std::fs::read("config.json")?).build()?;
//! let mut session = Session::new(&"ghcr.io/org/app:v1".parse()?, &Limits::DEFAULT, Wanted::default());
//! // One call, one deadline for all its requests.
//! drive(&mut session, &registry.call());
//! let evidence = session.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "network")]
mod answer;
#[cfg(feature = "network")]
mod answers;
#[cfg(feature = "network")]
mod bounds;
#[cfg(feature = "network")]
mod builder;
#[cfg(feature = "network")]
mod cache;
#[cfg(feature = "network")]
pub mod challenge;
#[cfg(feature = "network")]
mod credentials;
pub mod evidence;
#[cfg(feature = "network")]
mod exchange;
#[cfg(feature = "network")]
mod fault;
#[cfg(feature = "network")]
mod headers;
#[cfg(feature = "credential-helpers")]
mod helper;
mod layout;
#[cfg(feature = "network")]
pub mod link;
#[cfg(feature = "network")]
mod mirror;
#[cfg(feature = "network")]
mod observer;
#[cfg(feature = "network")]
mod origin;
#[cfg(feature = "network")]
mod reach;
#[cfg(feature = "network")]
mod realm;
#[cfg(feature = "network")]
mod registry;
#[cfg(feature = "network")]
mod secret;
#[cfg(feature = "network")]
mod target;
#[cfg(feature = "network")]
mod tls;
#[cfg(feature = "network")]
mod token;
#[cfg(feature = "network")]
mod transport;

#[cfg(feature = "network")]
pub use builder::RegistryBuilder;
#[cfg(feature = "network")]
pub use cache::Cache;
#[cfg(feature = "network")]
pub use credentials::Credentials;
pub use layout::OciLayout;
#[cfg(feature = "network")]
pub use observer::{Event, Observer};
#[cfg(feature = "network")]
pub use registry::{Call, Registry};
#[cfg(feature = "network")]
pub use secret::Secret;
#[cfg(feature = "network")]
pub use tls::Tls;
