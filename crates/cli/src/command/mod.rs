//! One module a subcommand.

pub(crate) mod codes;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod judge;
pub(crate) mod verify;
pub(crate) mod verify_bundle;
