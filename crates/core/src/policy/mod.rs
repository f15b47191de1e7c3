//! What must hold: a tree of requirements whose leaves name an authority, and a decision over facts
//! that only checks can make.
//!
//! There is no empty policy and no optional identity: every constructor refuses what would accept anybody. Knows no
//! cryptography and reads no documents; files of policy are read by crates above the core.

mod authority;
mod decide;
mod domain;
mod exception;
mod facts;
mod glob;
mod identity;
mod pattern;
mod predicate;
mod requirement;
mod settings;

pub use authority::{Authority, KeyAuthority, KeylessAuthority, SigningAlgorithm};
pub(crate) use decide::{Decision, LeafFacts, NodeOutcome, decide, most_distinct};
pub(crate) use domain::domains;
pub use exception::{Basis, Exception};
pub use facts::{AuthenticatedTime, LogFact, Signer, TimeSource, VerifiedSignature};
pub(crate) use facts::{Clauses, Ending};
pub use glob::Glob;
pub(crate) use identity::Certified;
pub use identity::{Identity, SubjectKind, unanchored_notices};
pub use pattern::{Pattern, StringMatch};
pub use predicate::{PredicateMatch, Selection, ValueMatch};
pub(crate) use requirement::COSIGN_SIGN_V1;
pub use requirement::{Claim, Policy, Requirement, SignatureRequirement};
pub use settings::{SctMode, Settings, TlogMode, Witnesses};

#[cfg(test)]
mod tests;
