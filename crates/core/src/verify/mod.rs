//! The roof: [`Verifier`] ties gathering and judging together and is the only maker of [`Accepted`].

mod allowance;
mod blob;
mod candidate;
mod examined;
#[cfg(doctest)]
mod forgery;
mod judge;
mod outcome;
mod proven;
mod session;
mod verdict_cache;
mod verifier;

pub use outcome::{Accepted, AcceptedBlob, NotAccepted};
pub use proven::AcceptedPlatform;
pub use session::Session;
pub use verdict_cache::VerdictCache;
pub use verifier::Verifier;
