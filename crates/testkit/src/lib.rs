//! A virtual Sigstore: authorities, logs, images and registries that exist only in memory, to test signature policies with.
//!
//! Everything is a pure function of a [`Seed`] and of the moments given: two runs make the same bytes on any machine.
//! No clock, no random source and no network beyond 127.0.0.1 is used. Every intermediate value is a struct with
//! public fields, so that a test changes exactly one of them and sees that its policy refuses. Nothing here verifies
//! anything, and nothing signed here may ever be trusted outside a test.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ct;
pub mod der;
pub mod fulcio;
pub mod key;
pub mod pem;
pub mod random;
pub mod x509;

pub use ct::CtLog;
pub use fulcio::{FulcioCa, Identity};
pub use key::{KeyKind, Scheme, SigningKey};
pub use random::Seed;
