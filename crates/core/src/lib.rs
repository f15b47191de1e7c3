//! veriseal answers one question for a container image or any OCI artifact: *is this what our build produced, signed by
//! whom we trust, and may it run?*
//!
//! This crate is pure logic: it does no I/O, reads no clock and holds no global state. Gathering is a small state machine
//! ([`Session`]) that asks for bytes; judging is a pure function of evidence, trust, policy and time. [`Verifier::verify`]
//! joins both over a blocking source ([`gather::Fetch`]).
//!
//! Only a [`Verifier`] makes an [`Accepted`], and only where every configured check was made and held. Everything else is
//! a [`NotAccepted`] with a stable [`Code`] and a [`Report`] of every check.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod check;
pub mod code;
pub mod crypto;
pub mod digest;
pub mod encoding;
pub mod format;
pub mod gather;
pub mod key;
pub mod limits;
pub mod oci;
pub mod policy;
mod remembered;
pub mod report;
pub mod time;
pub mod tlog;
pub mod trust;
mod verify;
pub mod x509;

pub use check::{Artifact, ArtifactHasher};
pub use code::{Code, Failure};
pub use digest::{Content, Digest, HashAlgorithm};
pub use gather::PlatformChoice;
pub use key::PublicKey;
pub use limits::Limits;
pub use oci::{Platform, Reference, Repository};
pub use policy::{
    Authority, Basis, Claim, Exception, Identity, KeyAuthority, KeylessAuthority, Pattern, Policy, Requirement, SctMode,
    Settings, SignatureRequirement, StringMatch, TlogMode,
};
pub use report::{Report, Verdict};
pub use time::{UnixTime, Validity};
pub use trust::TrustRoot;
pub use verify::{Accepted, AcceptedBlob, AcceptedPlatform, NotAccepted, Session, VerdictCache, Verifier};

/// README's Rust example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
