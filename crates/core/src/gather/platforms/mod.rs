//! Platforms of an image: which ones are asked for, how they are found in an index, and the proof that it lists them.
//!
//! Reads only documents whose digest was shown. Judges no signature: that a manifest is listed says nothing of whether
//! the list may be trusted.

mod choice;
mod configured;
mod listed;
mod walk;

pub use choice::PlatformChoice;
pub use listed::ListedManifest;

pub(super) use configured::check_configured;
pub(super) use listed::Chosen;
pub(super) use walk::Walk;
