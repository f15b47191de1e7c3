//! The table of stable codes: each with a number, a name, what it means and who must act.
//!
//! Names and numbers never change their meaning; new ones are added, and old ones stay reserved. docs/codes.md is
//! generated from this table.

mod failure;
mod table;

pub use failure::{Failure, bounded, bounded_bytes};
pub use table::{Class, Code, Who};
