//! The referrers: from an entry of a list to the layers of its manifest.
//!
//! What the list says of a referrer is not believed. The layers are asked for once every referrer's manifest is here, so
//! that one with many layers starves no other and nothing depends on which answer came first.

use super::super::evidence::{CandidateKind, Layout};
use super::super::fetch::What;
use super::super::rules::{Referrer, Use, check_stated_size, read_referrer};
use super::candidates::{Skipped, Slot, SlotKey, SlotState};
use super::lists::unsupported_layers;
use super::{Ask, Found, Session};
use crate::code::{Code, Failure};
use crate::oci::{Descriptor, media_type};
use std::collections::{BTreeMap, VecDeque};

/// A referrer whose manifest was read, and the layers that it still has.
#[derive(Debug)]
pub(super) struct ReadReferrer {
    layout: Layout,
    position: usize,
    slot: SlotKey,
    layers: VecDeque<(Option<usize>, Descriptor, Use)>,
}

impl Session {
    pub(super) fn start_referrer(&mut self, slot: SlotKey, descriptor: Descriptor, is_certain: bool) {
        let (digest, size) = (descriptor.digest, descriptor.size);
        let ask = Ask::Referrer { slot, descriptor: Box::new(descriptor), is_certain };
        let asked = check_stated_size(size, self.limits.manifest_bytes)
            .and_then(|()| self.ask_signatures(What::Manifest(digest), size, ask));
        match asked {
            Ok(()) => {
                self.stated_bytes = self.stated_bytes.saturating_add(size);
                self.referrers_open = self.referrers_open.saturating_add(1);
            }
            Err(failure) => self.settle(slot, SlotState::Done(CandidateKind::Unusable(failure.at(digest)))),
        }
    }

    pub(super) fn take_referrer(
        &mut self,
        key: SlotKey,
        descriptor: &Descriptor,
        is_certain: bool,
        answer: Result<Option<Found>, Failure>,
    ) {
        let read = self.read_referrer(key, descriptor, answer);
        let Some((layout, position)) = self.slot(key).map(|slot| (slot.layout, slot.position)) else { return };
        match read {
            Ok(Referrer::Layers(read)) => {
                if let (Some((first, count)), Some(part)) = (read.unsupported, self.parts.get_mut(key.0)) {
                    part.notes.push(unsupported_layers(layout, &first, count));
                }
                self.referrers_read.push(ReadReferrer { layout, position, slot: key, layers: read.layers.into() });
            }
            Ok(Referrer::Other(found)) if is_certain => {
                let expected = descriptor.artifact_type.clone().unwrap_or_default();
                let failure = Failure::new(Code::MediaTypeMismatch).expected(expected).found(found).at(descriptor.digest);
                self.settle(key, SlotState::Done(CandidateKind::Unusable(failure)));
            }
            Ok(Referrer::Other(_)) => {
                if let Some(part) = self.parts.get_mut(key.0) {
                    part.ignored_referrers = part.ignored_referrers.saturating_add(1);
                }
                self.settle(key, SlotState::Ignored);
            }
            Err(failure) => self.settle(key, SlotState::Done(CandidateKind::Unusable(failure))),
        }
        self.referrers_open = self.referrers_open.saturating_sub(1);
        if self.referrers_open == 0 {
            self.start_layers();
        }
    }

    fn read_referrer(
        &mut self,
        key: SlotKey,
        descriptor: &Descriptor,
        answer: Result<Option<Found>, Failure>,
    ) -> Result<Referrer, Failure> {
        let content = answer.and_then(|found| Found::content(found, &descriptor.digest, descriptor.size));
        let (content, announced) = content.map_err(|failure| failure.at(descriptor.digest))?;
        if let Some(announced) = announced
            && !media_type::same(&announced, &descriptor.media_type)
        {
            let failure = Failure::new(Code::MediaTypeMismatch).expected(&descriptor.media_type).found(announced);
            return Err(failure.at(descriptor.digest));
        }
        let image = self.parts.get(key.0).map(|part| part.subject).ok_or(Code::Internal)?;
        let attestations = self.wanted.attestations;
        let referrer = read_referrer(content.bytes(), Some(&descriptor.media_type), &image, attestations, &self.limits);
        if let Some(slot) = self.slot(key) {
            slot.manifest = Some(content);
        }
        referrer.map_err(|failure| failure.at(descriptor.digest))
    }

    /// Asks for the layers, one of each referrer in turn; for the first of each there is always a request left.
    fn start_layers(&mut self) {
        let mut read = std::mem::take(&mut self.referrers_read);
        read.sort_by_key(|referrer| (referrer.position, referrer.slot.0, referrer.layout));
        let mut skipped = Skipped::new();
        let mut counts: BTreeMap<(usize, Layout), usize> = BTreeMap::new();
        for (number, part) in self.parts.iter().enumerate() {
            for slot in &part.slots {
                let count = counts.entry((number, slot.layout)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let mut is_first = true;
        while !read.is_empty() {
            for referrer in &mut read {
                let Some((layer, descriptor, usage)) = referrer.layers.pop_front() else { continue };
                let (part, layout) = (referrer.slot.0, referrer.layout);
                let count = counts.entry((part, layout)).or_default();
                if !is_first && *count >= self.limits.candidates_fetched {
                    // Counted with what the list holds beyond the bound.
                    let left_out = referrer.layers.len().saturating_add(1);
                    referrer.layers.clear();
                    if let Some(list) = self.parts.get_mut(part).and_then(|part| part.lists.get_mut(&layout)) {
                        list.truncated = list.truncated.saturating_add(left_out);
                    }
                    continue;
                }
                if let Err(code) = self.left().without(&self.layer_cost(&descriptor, &usage)) {
                    if is_first {
                        let failure = Failure::new(code).at(descriptor.digest);
                        self.settle(referrer.slot, SlotState::Done(CandidateKind::Unusable(failure)));
                    } else {
                        let count = skipped.entry((part, layout, code)).or_default();
                        *count = count.saturating_add(1);
                    }
                    continue;
                }
                if let Some(slot) = self.slot_of_layer(referrer.slot, layer, is_first) {
                    if !is_first {
                        *count = count.saturating_add(1);
                    }
                    self.want_blob(slot, &descriptor, usage);
                }
            }
            read.retain(|referrer| !referrer.layers.is_empty());
            is_first = false;
        }
        self.note_skipped(skipped);
        self.start_candidates();
    }

    /// The slot of the referrer for its first layer, else another one like it.
    fn slot_of_layer(&mut self, key: SlotKey, layer: Option<usize>, is_first: bool) -> Option<SlotKey> {
        let slot = self.slot(key)?;
        if is_first {
            slot.layer = layer;
            return Some(key);
        }
        let manifest = slot.manifest.clone();
        let (layout, position) = (slot.layout, slot.position);
        self.add_slot(key.0, Slot { layout, position, layer, digest: None, manifest, state: SlotState::Waiting(None) })
    }
}
