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

mod batch;
#[cfg(feature = "network")]
mod client;
pub mod evidence;
mod layout;

pub use batch::{in_order, verify_many};
#[cfg(feature = "network")]
pub use client::{Cache, Call, Credentials, Event, Observer, Registry, RegistryBuilder, Secret, Tls, challenge, link};
pub use layout::OciLayout;
