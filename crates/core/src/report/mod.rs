//! The account of one verify call: what was asked, what was found, every check with its rule and outcome.
//!
//! Decides nothing. Its JSON is versioned and the same from every language (schema in `docs/report.schema.json`).

mod document;
mod render;

pub(crate) use document::{
    CandidateReport, EvaluationReport, EvidenceReport, Headline, PlatformReport, ReportParts, SubjectReport, TagReport,
    TrustReport,
};
pub use document::{Report, Verdict};
pub use render::Style;
