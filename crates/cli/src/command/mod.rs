//! One module a subcommand.

pub(crate) mod admission;
#[cfg(feature = "admission-server")]
mod admission_serve;
pub(crate) mod codes;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod digest;
pub(crate) mod judge;
pub(crate) mod policy;
pub(crate) mod policy_verdict;
pub(crate) mod tree;
pub(crate) mod verify;
pub(crate) mod verify_bundle;
