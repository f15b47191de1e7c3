//! A virtual Sigstore: authorities, logs, images and registries that exist only in memory, to test signature policies with.
//!
//! Everything is a pure function of a [`Seed`] and of the moments given: two runs make the same bytes on any machine.
//! No clock, no random source and no network beyond 127.0.0.1 is used. Every intermediate value is a struct with
//! public fields, so that a test changes exactly one of them and sees that its policy refuses. Nothing here verifies
//! anything, and nothing signed here may ever be trusted outside a test.
//!
//! The short way is a [`scenario`]: an image, signed or not, with the verdict that it deserves. The long way:
//!
//! ```
//! use veriseal_testkit::{Bundle, Identity, ImageBuilder, Sigstore, Store};
//!
//! let mut sigstore = Sigstore::new(1);
//! let mut store = Store::with_referrers_api();
//! let image = ImageBuilder::new("app").tagged(&mut store, "v1");
//!
//! let signer = sigstore.keyless(&Identity::github("acme/app", "release.yml", "refs/heads/main"));
//! let mut bundle = Bundle::image(&image.digest, &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
//! bundle.entries[0].log_index += 1; // the one thing that is wrong
//! store.attach_bundle(&image, &bundle);
//!
//! let trusted_root_json = sigstore.trusted_root().to_bytes();
//! // `store` is a `veriseal::gather::Fetch`; `HttpRegistry::serve(store)` is a registry.
//! # let _ = trusted_root_json;
//! ```
//!
//! | to get | see |
//! |---|---|
//! | keys, schemes, certificates with any mistake | [`key`], [`x509`], [`FulcioCa`], [`CtLog`] |
//! | log entries, proofs, checkpoints, witnesses, timestamps | [`rekor`], [`merkle`], [`note`], [`tsa`] |
//! | signatures | [`Bundle`], [`sign_simple`], [`Attestation`], [`dsse`] |
//! | what a verifier trusts | [`TrustedRoot`] |
//! | damaged copies of all this | [`mutation`] |
//! | where it all lies | [`Store`] in memory or as an OCI layout, `HttpRegistry`, [`Watched`] to fail on demand |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bundle;
pub mod ct;
pub mod der;
pub mod dsse;
pub mod fulcio;
#[cfg(feature = "http")]
pub mod http;
pub mod image;
pub mod json;
pub mod key;
pub mod layout;
pub mod merkle;
pub mod mutation;
pub mod note;
pub mod pem;
pub mod random;
pub mod rekor;
pub mod scenario;
pub mod signer;
pub mod sigstore;
pub mod simple_signing;
pub mod store;
pub mod trusted_root;
pub mod tsa;
pub mod watched;
pub mod x509;

pub use bundle::{Bundle, BundleVersion};
pub use ct::CtLog;
pub use fulcio::{FulcioCa, Identity};
#[cfg(feature = "http")]
pub use http::HttpRegistry;
pub use image::{Image, ImageBuilder};
pub use key::{KeyKind, Scheme, SigningKey};
pub use note::Witness;
pub use random::Seed;
pub use rekor::{LogEntry, RekorV1, RekorV2};
pub use scenario::Scenario;
pub use signer::Signer;
pub use sigstore::Sigstore;
pub use simple_signing::{Attestation, SimpleSignature, sign_simple};
pub use store::Store;
pub use trusted_root::TrustedRoot;
pub use tsa::TimestampAuthority;
pub use watched::Watched;
