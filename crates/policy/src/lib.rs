//! Policy files: which images need which signatures, said once and loaded strictly.
//!
//! [`PolicyFile`] holds rules; exactly one of them, the most specific, is about an image. What a rule requires becomes a
//! [`veriseal::Policy`], and only a [`veriseal::Verifier`] decides over evidence: nothing here makes an acceptance. Loading
//! refuses whatever it does not understand with line, column and a hint, so that no clause is passed over.
//!
//! The crate does no I/O but in [`PolicyFile::load`]; [`PolicyFile::parse`] is given the files that a policy names.
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

mod cases;
mod compare;
mod error;
mod explain;
mod fields;
mod image_pattern;
mod lint;
mod load;
mod lock;
mod node;
mod policy_file;
mod record;
mod rule;

pub use cases::{Case, CaseResult, Cases, results_text};
pub use compare::{Change, Difference};
pub use error::{LoadError, Position};
pub use explain::Explanation;
pub use fields::OBJECTS;
pub use image_pattern::ImagePattern;
pub use lint::{Finding, Level, Lint};
pub use load::{Folder, Format};
pub use lock::Lock;
pub use policy_file::{Enforcement, PolicyFile};
pub use record::record;
pub use rule::{Action, Mode, Pin, Platforms, Rule};
