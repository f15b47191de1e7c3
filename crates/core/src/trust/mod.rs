//! What is trusted: logs, certificate authorities and timestamp authorities, each with its window, prepared once.
//!
//! Built from a Sigstore `trusted_root.json` (protobuf-specs `sigstore_trustroot.proto`) or piece by piece. Decides
//! nothing about an artifact; the check ladder holds evidence against it.

mod document;
pub mod embedded;
mod root;

pub(crate) use root::AuthorityIdentity;
pub use root::{CertificateAuthority, CtLog, TimestampAuthority, TransparencyLog, TrustRoot, TrustRootBuilder, TrustRootOrigin};

#[cfg(test)]
mod tests;
