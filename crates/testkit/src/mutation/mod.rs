//! Damaged copies of JSON documents and of the DER in them, a pure function of a seed: to see that a verifier refuses them.
//!
//! ```
//! use veriseal_testkit::mutation::{OPERATORS, Random, Tree};
//! let tree = Tree::parse(br#"{"name":"value","list":[1,2]}"#).unwrap();
//! let mutant = (OPERATORS[0].apply)(&tree, &[], &mut Random::new(1, "mutation", 7));
//! # let _ = mutant;
//! ```

pub mod der;
mod operators;
mod random;
mod tree;

pub use operators::{DEEP_OPERATORS, OPERATORS, Operator};
pub use random::Random;
pub use tree::{Path, Style, Tree};
