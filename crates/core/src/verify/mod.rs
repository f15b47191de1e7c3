//! The roof: [`Verifier`] ties gathering and judging together and is the only maker of [`Accepted`].

mod allowance;
mod blob;
mod candidate;
mod examined;
mod judge;
mod outcome;
mod session;
mod verifier;

pub use outcome::{Accepted, AcceptedBlob, NotAccepted};
pub use session::Session;
pub use verifier::Verifier;
