//! Transparency logs without I/O: Merkle proofs (RFC 6962), signed notes and checkpoints (C2SP), witness cosignatures.
//!
//! Knows how a log proves something, not which log is trusted: keys come from the trust root, never from here and never
//! from the network (K-TL-15).

pub mod checkpoint;
pub mod merkle;
pub mod note;
pub mod witness;

#[cfg(test)]
mod tests;
