//! [`Part`]: one manifest or index whose signatures are gathered, the image or one of its platforms, and what is known so
//! far.
//!
//! Holds only; who fills it is in `lists`, `candidates` and `referrers`.

use super::super::evidence::{Attached, Candidate, CandidateKind, Layout, Note, sort_notes};
use super::super::platforms::{Chosen, ListedManifest};
use super::candidates::{Slot, SlotState};
use super::lists::List;
use crate::code::{Code, Failure};
use crate::digest::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// A manifest or index, what may be attached to it, and the proof of the manifest where it is a platform's.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) subject: Digest,
    /// Of a platform: what the index says, and the proof once the manifest is here.
    pub(super) platform: Option<(Chosen, Option<Result<ListedManifest, Failure>>)>,
    pub(super) lists: BTreeMap<Layout, List>,
    pub(super) slots: Vec<Slot>,
    pub(super) ignored_referrers: usize,
    pub(super) notes: Vec<Note>,
}

impl Part {
    pub(super) fn new(subject: Digest, chosen: Option<Chosen>) -> Self {
        Self {
            subject,
            platform: chosen.map(|chosen| (chosen, None)),
            lists: BTreeMap::new(),
            slots: Vec::new(),
            ignored_referrers: 0,
            notes: Vec::new(),
        }
    }

    /// Something that hides candidates of a layout.
    pub(super) fn note(&mut self, layout: Layout, failure: Failure) {
        self.notes.push(Note { layout: Some(layout), failure, hides_candidates: true });
    }

    /// What is attached, in an order that does not depend on which answer came first.
    pub(super) fn finish(self) -> Attached {
        let mut slots = self.slots;
        slots.sort_by_key(|slot| (slot.layout, slot.position, slot.layer));
        let mut taken = BTreeSet::new();
        let mut candidates = Vec::new();
        for slot in slots {
            let kind = match slot.state {
                SlotState::Done(kind) => kind,
                SlotState::Ignored => continue,
                SlotState::Waiting(_) => CandidateKind::Unusable(Code::Internal.into()),
            };
            // The same behind two referrers is one candidate. What is tagged was compared when it was listed.
            let same = match &kind {
                CandidateKind::Bundle { bundle, .. } => Some((*bundle.digest(), BTreeMap::new())),
                CandidateKind::SimpleSigning { payload: content, annotations }
                | CandidateKind::Attestation { envelope: content, annotations } => {
                    slot.layer.map(|_| (*content.digest(), annotations.clone()))
                }
                CandidateKind::Unusable(_) => None,
            };
            if same.is_some_and(|same| !taken.insert((slot.layout, same))) {
                continue;
            }
            let Slot { layout, position, layer, digest, manifest, .. } = slot;
            candidates.push(Candidate { layout, position, layer, digest, manifest, kind });
        }
        let mut notes = self.notes;
        sort_notes(&mut notes);
        Attached {
            layouts: self.lists.into_iter().map(|(layout, list)| (layout, list.state)).collect(),
            candidates,
            ignored_referrers: self.ignored_referrers,
            notes,
        }
    }
}
