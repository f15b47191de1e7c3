//! Where veriseal's bytes come from: OCI registries over HTTPS, and OCI layouts on disk.
//!
//! [`Registry`] and [`OciLayout`] implement [`veriseal::gather::Fetch`]. They bound what they read and say why
//! something could not be found out; they verify nothing, since the core hashes and judges whatever they return.
//! Deliberately absent: writing to registries, running credential helpers, reading the environment, and any way to
//! turn TLS verification off.
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

pub mod challenge;
mod credentials;
pub mod evidence;
mod exchange;
mod layout;
pub mod link;
mod origin;
mod reach;
mod realm;
mod registry;
mod secret;
mod tls;
mod token;
mod transport;

pub use credentials::Credentials;
pub use layout::OciLayout;
pub use registry::{Call, Registry, RegistryBuilder};
pub use secret::Secret;
