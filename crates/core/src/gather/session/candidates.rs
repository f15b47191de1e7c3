//! The candidates: fetching what the lists named.
//!
//! Shares the requests that are left out over the parts and their layouts and proves size and digest of what arrives.
//! Whatever is wrong with one candidate makes that one unusable and no other.

use super::super::evidence::{CandidateKind, Layout};
use super::super::fetch::What;
use super::super::rules::{Use, check_stated_size};
use super::lists::{Entry, EntryKind};
use super::{Ask, Found, Session};
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::limits::MAX_GATHERED_BYTES;
use crate::oci::Descriptor;
use std::collections::BTreeMap;

/// A candidate in the making.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) layout: Layout,
    pub(super) position: usize,
    pub(super) layer: Option<usize>,
    pub(super) digest: Option<Digest>,
    pub(super) manifest: Option<Content>,
    pub(super) state: SlotState,
}

/// A slot by the numbers of its part and of itself.
pub(super) type SlotKey = (usize, usize);

#[derive(Debug)]
pub(super) enum SlotState {
    Waiting(Option<Use>),
    Done(CandidateKind),
    /// A referrer of another kind.
    Ignored,
}

/// Layers often share a payload; with the same size it is one blob and one request.
pub(super) type BlobKey = (Digest, u64);

#[derive(Debug)]
pub(super) enum Blob {
    Awaited(Vec<SlotKey>),
    Arrived(Result<Content, Failure>),
}

/// Requests and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) requests: usize,
    pub(super) bytes: u64,
}

impl Cost {
    /// What is left of this, or the code of what does not suffice.
    pub(super) fn without(self, cost: &Self) -> Result<Self, Code> {
        Ok(Self {
            requests: self.requests.checked_sub(cost.requests).ok_or(Code::RequestsExhausted)?,
            bytes: self.bytes.checked_sub(cost.bytes).ok_or(Code::CandidatesTruncated)?,
        })
    }
}

/// How many candidates were left out, of which part and layout, and for want of what.
pub(super) type Skipped = BTreeMap<(usize, Layout, Code), usize>;

impl Session {
    /// Once every list is known, shares what is left of the requests, and of the bytes, out over the parts and their
    /// layouts, one candidate of each in turn, so that a flood in one starves no other and nothing depends on which list
    /// came first. The longest way, over the referrers, is no longer for having waited.
    pub(super) fn start_candidates(&mut self) {
        if self.lists_open > 0 {
            return;
        }
        let mut left = self.left();
        let mut skipped = Skipped::new();
        loop {
            let mut turn = Vec::new();
            for (number, part) in self.parts.iter_mut().enumerate() {
                for (&layout, list) in &mut part.lists {
                    if let Some(entry) = list.entries.pop_front() {
                        turn.push((number, layout, list.manifest.clone(), entry));
                    }
                }
            }
            if turn.is_empty() {
                break;
            }
            for (part, layout, manifest, entry) in turn {
                let cost = self.cost(&entry.what);
                match left.without(&cost) {
                    Ok(rest) => {
                        left = rest;
                        self.start_candidate(part, layout, manifest, entry);
                    }
                    Err(code) => {
                        let count = skipped.entry((part, layout, code)).or_default();
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        self.note_skipped(skipped);
        let expected = format!("at most {} candidates", self.limits.candidates_fetched);
        for part in &mut self.parts {
            let truncated: Vec<_> =
                part.lists.iter_mut().map(|(&layout, list)| (layout, std::mem::take(&mut list.truncated))).collect();
            for (layout, count) in truncated.into_iter().filter(|(_, count)| *count > 0) {
                let found = format!("{count} or more beyond");
                part.note(layout, Failure::new(Code::CandidatesTruncated).expected(&expected).found(found));
            }
        }
    }

    /// What may still be asked for.
    pub(super) fn left(&self) -> Cost {
        Cost {
            requests: self.limits.requests.saturating_sub(self.made),
            bytes: MAX_GATHERED_BYTES.saturating_sub(self.stated_bytes),
        }
    }

    pub(super) fn note_skipped(&mut self, skipped: Skipped) {
        for ((part, layout, code), count) in skipped {
            let expected = if code == Code::RequestsExhausted {
                format!("at most {} requests", self.limits.requests)
            } else {
                format!("at most {MAX_GATHERED_BYTES} bytes in all")
            };
            let found = format!("{count} candidates not fetched");
            if let Some(part) = self.parts.get_mut(part) {
                part.note(layout, Failure::new(code).expected(expected).found(found));
            }
        }
    }

    /// What a candidate may take at most. A size beyond its own bound costs nothing, since it is never asked for.
    fn cost(&self, what: &EntryKind) -> Cost {
        match what {
            EntryKind::Layer(layer, usage) => self.layer_cost(layer, usage),
            EntryKind::Referrer { descriptor, .. } => {
                let manifest = if descriptor.size <= self.limits.manifest_bytes { descriptor.size } else { 0 };
                Cost { requests: 2, bytes: manifest.saturating_add(self.limits.bundle_bytes) }
            }
            EntryKind::Unreadable(_) => Cost::default(),
        }
    }

    pub(super) fn layer_cost(&self, layer: &Descriptor, usage: &Use) -> Cost {
        if self.blobs.contains_key(&(layer.digest, layer.size)) {
            return Cost::default();
        }
        let bytes = if layer.size <= usage.max_bytes(&self.limits) { layer.size } else { 0 };
        Cost { requests: 1, bytes }
    }

    fn start_candidate(&mut self, part: usize, layout: Layout, manifest: Option<Content>, entry: Entry) {
        let position = entry.position;
        let slot = Slot { layout, position, layer: None, digest: None, manifest, state: SlotState::Waiting(None) };
        let Some(key) = self.add_slot(part, slot) else { return };
        match entry.what {
            EntryKind::Layer(layer, usage) => self.want_blob(key, &layer, usage),
            EntryKind::Referrer { descriptor, is_certain } => self.start_referrer(key, descriptor, is_certain),
            EntryKind::Unreadable(failure) => self.settle(key, SlotState::Done(CandidateKind::Unusable(failure))),
        }
    }

    pub(super) fn add_slot(&mut self, part: usize, slot: Slot) -> Option<SlotKey> {
        let slots = &mut self.parts.get_mut(part)?.slots;
        slots.push(slot);
        Some((part, slots.len().saturating_sub(1)))
    }

    pub(super) fn slot(&mut self, (part, slot): SlotKey) -> Option<&mut Slot> {
        self.parts.get_mut(part)?.slots.get_mut(slot)
    }

    pub(super) fn settle(&mut self, key: SlotKey, state: SlotState) {
        if let Some(slot) = self.slot(key) {
            slot.state = state;
        }
    }

    pub(super) fn want_blob(&mut self, slot: SlotKey, layer: &Descriptor, usage: Use) {
        let key = (layer.digest, layer.size);
        let max = usage.max_bytes(&self.limits);
        if let Some(slot) = self.slot(slot) {
            slot.digest = Some(layer.digest);
            slot.state = SlotState::Waiting(Some(usage));
        }
        if let Err(failure) = check_stated_size(layer.size, max) {
            return self.settle(slot, SlotState::Done(CandidateKind::Unusable(failure.at(layer.digest))));
        }
        match self.blobs.get_mut(&key) {
            Some(Blob::Awaited(waiting)) => waiting.push(slot),
            Some(Blob::Arrived(content)) => {
                let content = content.clone();
                self.give(slot, content);
            }
            None => {
                let what = What::Blob { digest: layer.digest, size: layer.size };
                match self.ask_signatures(what, layer.size, Ask::Blob(key)) {
                    Ok(()) => {
                        self.stated_bytes = self.stated_bytes.saturating_add(layer.size);
                        self.blobs.insert(key, Blob::Awaited(vec![slot]));
                    }
                    Err(failure) => self.settle(slot, SlotState::Done(CandidateKind::Unusable(failure.at(layer.digest)))),
                }
            }
        }
    }

    pub(super) fn take_blob(&mut self, key: BlobKey, answer: Result<Option<Found>, Failure>) {
        let (digest, size) = key;
        let content = answer.and_then(|found| Found::content(found, &digest, size)).map(|(content, _)| content);
        let content = content.map_err(|failure| failure.at(digest));
        if let Some(Blob::Awaited(waiting)) = self.blobs.insert(key, Blob::Arrived(content.clone())) {
            for slot in waiting {
                self.give(slot, content.clone());
            }
        }
    }

    fn give(&mut self, key: SlotKey, content: Result<Content, Failure>) {
        if let Some(slot) = self.slot(key)
            && let SlotState::Waiting(Some(usage)) = &slot.state
        {
            let kind = match content {
                Ok(content) => usage.clone().of(content),
                Err(failure) => CandidateKind::Unusable(failure),
            };
            slot.state = SlotState::Done(kind);
        }
    }
}
