//! The account of one verify call: what was asked, what was found, every check with its rule and outcome.
//!
//! Decides nothing. Its JSON is versioned and the same from every language (schema in `docs/report.schema.json`).

mod account;
mod document;
mod render;

pub(crate) use account::{Account, CandidateAccount, Headline, SubjectAccount};
pub use account::{Report, Verdict};
pub(crate) use document::{EvidenceReport, PlatformReport, SubjectReport, TagReport};
pub use render::Style;
