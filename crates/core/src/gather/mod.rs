//! How the bytes are got: a sans-IO session that asks, and the seam that answers.
//!
//! Knows where signatures are kept and what the OCI documents say, and shows of every byte that it matches its digest.
//! Knows nothing of signatures, trust or policy, and does no I/O.

mod drive;
mod evidence;
mod fetch;
mod fetch_async;
mod memory;
mod platforms;
mod rules;
mod saved;
mod session;

pub use drive::drive;
pub use evidence::{
    Attached, Candidate, CandidateKind, Evidence, EvidenceOrigin, Layout, LayoutState, Note, PlatformEvidence, PlatformsFound,
    Subject, TagMoved,
};
pub use fetch::{Fetch, FetchError, Request, RequestId, Requests, Response, What};
pub use fetch_async::{AsyncFetch, MAX_IN_FLIGHT, drive_async};
pub use memory::MemoryStore;
pub use platforms::{ListedManifest, PlatformChoice};
pub use saved::{SAVED_EVIDENCE_FORMAT, SAVED_EVIDENCE_MEDIA_TYPE, SavedEvidence};
pub use session::{GatherError, Session, Wanted};
