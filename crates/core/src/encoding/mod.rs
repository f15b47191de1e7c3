//! Strict decoders for the encodings that evidence arrives in: hex, base64, PEM, JSON.
//!
//! Parse, don't repair: white space, missing padding, doubled keys and trailing data are errors, so that two parsers can
//! never read two things in one document. Does not know what the decoded bytes mean.

pub mod base64;
pub mod der;
mod few;
pub mod hex;
pub mod json;
mod objects;
pub mod pem;

pub use few::Few;
