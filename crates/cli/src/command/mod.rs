//! One module a subcommand.

pub(crate) mod codes;
pub(crate) mod verify_bundle;
