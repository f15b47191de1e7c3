//! The candidates: fetching what the lists named.
//!
//! Shares the requests that are left out over the layouts and proves size and digest of what arrives. Whatever is wrong
//! with one candidate makes that one unusable and no other.

use super::super::evidence::{CandidateKind, Layout};
use super::super::fetch::What;
use super::super::rules::{Referrer, Use, check_stated_size, read_referrer};
use super::lists::{Entry, EntryKind};
use super::{Ask, Found, Session};
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::limits::MAX_GATHERED_BYTES;
use crate::oci::{Descriptor, media_type};
use std::collections::BTreeMap;

/// A candidate in the making.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) layout: Layout,
    pub(super) position: usize,
    pub(super) digest: Option<Digest>,
    pub(super) manifest: Option<Content>,
    pub(super) state: SlotState,
}

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
    Awaited(Vec<usize>),
    Arrived(Result<Content, Failure>),
}

/// Requests and bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    requests: usize,
    bytes: u64,
}

impl Cost {
    /// What is left of this, or the code of what does not suffice.
    fn without(self, cost: &Self) -> Result<Self, Code> {
        Ok(Self {
            requests: self.requests.checked_sub(cost.requests).ok_or(Code::RequestsExhausted)?,
            bytes: self.bytes.checked_sub(cost.bytes).ok_or(Code::CandidatesTruncated)?,
        })
    }
}

impl Session {
    /// Once every list is known, shares what is left of the requests, and of the bytes, out over the layouts, one candidate of each in turn,
    /// so that a flood in one starves no other and nothing depends on which list came first. The longest way, over the
    /// referrers, is no longer for having waited.
    pub(super) fn start_candidates(&mut self) {
        if self.lists_open > 0 {
            return;
        }
        let mut left = Cost { requests: self.limits.requests.saturating_sub(self.made), bytes: MAX_GATHERED_BYTES };
        let mut skipped: BTreeMap<(Layout, Code), usize> = BTreeMap::new();
        loop {
            let mut turn = Vec::new();
            for (&layout, list) in &mut self.lists {
                if let Some(entry) = list.entries.pop_front() {
                    turn.push((layout, list.manifest.clone(), entry));
                }
            }
            if turn.is_empty() {
                break;
            }
            for (layout, manifest, entry) in turn {
                let cost = self.cost(&entry.what);
                match left.without(&cost) {
                    Ok(rest) => {
                        left = rest;
                        self.start_candidate(layout, manifest, entry);
                    }
                    Err(code) => {
                        let count = skipped.entry((layout, code)).or_default();
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        for ((layout, code), count) in skipped {
            let expected = if code == Code::RequestsExhausted {
                format!("at most {} requests", self.limits.requests)
            } else {
                format!("at most {MAX_GATHERED_BYTES} bytes in all")
            };
            let found = format!("{count} candidates not fetched");
            self.note(layout, Failure::new(code).expected(expected).found(found));
        }
        let truncated: Vec<_> =
            self.lists.iter_mut().map(|(&layout, list)| (layout, std::mem::take(&mut list.truncated))).collect();
        for (layout, count) in truncated.into_iter().filter(|(_, count)| *count > 0) {
            let expected = format!("at most {} candidates", self.limits.candidates_fetched);
            let found = format!("{count} or more beyond");
            self.note(layout, Failure::new(Code::CandidatesTruncated).expected(expected).found(found));
        }
    }

    /// What a candidate may take at most. A size beyond its own bound costs nothing, since it is never asked for.
    fn cost(&self, what: &EntryKind) -> Cost {
        let stated = |size: u64, max: u64| if size <= max { size } else { 0 };
        match what {
            EntryKind::Layer(layer, _) if self.blobs.contains_key(&(layer.digest, layer.size)) => Cost::default(),
            EntryKind::Layer(layer, usage) => Cost { requests: 1, bytes: stated(layer.size, usage.max_bytes(&self.limits)) },
            EntryKind::Referrer { descriptor, .. } => {
                let manifest = stated(descriptor.size, self.limits.manifest_bytes);
                Cost { requests: 2, bytes: manifest.saturating_add(self.limits.bundle_bytes) }
            }
            EntryKind::Unreadable(_) => Cost::default(),
        }
    }

    pub(super) fn start_candidate(&mut self, layout: Layout, manifest: Option<Content>, entry: Entry) {
        let index = self.slots.len();
        let position = entry.position;
        self.slots.push(Slot { layout, position, digest: None, manifest, state: SlotState::Waiting(None) });
        match entry.what {
            EntryKind::Layer(layer, usage) => self.want_blob(index, &layer, usage),
            EntryKind::Referrer { descriptor, is_certain } => {
                let (digest, size) = (descriptor.digest, descriptor.size);
                let ask = Ask::Referrer { slot: index, descriptor: Box::new(descriptor), is_certain };
                let asked = check_stated_size(size, self.limits.manifest_bytes)
                    .and_then(|()| self.ask(What::Manifest(digest), size, ask));
                if let Err(failure) = asked {
                    self.settle(index, SlotState::Done(CandidateKind::Unusable(failure.at(digest))));
                }
            }
            EntryKind::Unreadable(failure) => self.settle(index, SlotState::Done(CandidateKind::Unusable(failure))),
        }
    }

    pub(super) fn settle(&mut self, index: usize, state: SlotState) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.state = state;
        }
    }

    pub(super) fn take_referrer(
        &mut self,
        index: usize,
        descriptor: &Descriptor,
        is_certain: bool,
        answer: Result<Option<Found>, Failure>,
    ) {
        match self.read_referrer(index, descriptor, answer) {
            Ok(Referrer::Bundle(layer)) => {
                let usage = Use::Bundle(layer.media_type.clone());
                self.want_blob(index, &layer, usage);
            }
            Ok(Referrer::Other(found)) if is_certain => {
                let expected = descriptor.artifact_type.clone().unwrap_or_default();
                let failure = Failure::new(Code::MediaTypeMismatch).expected(expected).found(found).at(descriptor.digest);
                self.settle(index, SlotState::Done(CandidateKind::Unusable(failure)));
            }
            Ok(Referrer::Other(_)) => {
                self.ignored_referrers = self.ignored_referrers.saturating_add(1);
                self.settle(index, SlotState::Ignored);
            }
            Err(failure) => self.settle(index, SlotState::Done(CandidateKind::Unusable(failure))),
        }
    }

    pub(super) fn read_referrer(
        &mut self,
        index: usize,
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
        let image = self.image_digest().ok_or(Code::Internal)?;
        let referrer = read_referrer(content.bytes(), Some(&descriptor.media_type), &image, &self.limits);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.manifest = Some(content);
        }
        referrer.map_err(|failure| failure.at(descriptor.digest))
    }

    pub(super) fn want_blob(&mut self, index: usize, layer: &Descriptor, usage: Use) {
        let key = (layer.digest, layer.size);
        let max = usage.max_bytes(&self.limits);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.digest = Some(layer.digest);
            slot.state = SlotState::Waiting(Some(usage));
        }
        if let Err(failure) = check_stated_size(layer.size, max) {
            return self.settle(index, SlotState::Done(CandidateKind::Unusable(failure.at(layer.digest))));
        }
        match self.blobs.get_mut(&key) {
            Some(Blob::Awaited(waiting)) => waiting.push(index),
            Some(Blob::Arrived(content)) => {
                let content = content.clone();
                self.give(index, content);
            }
            None => {
                let what = What::Blob { digest: layer.digest, size: layer.size };
                match self.ask(what, layer.size, Ask::Blob(key)) {
                    Ok(()) => {
                        self.blobs.insert(key, Blob::Awaited(vec![index]));
                    }
                    Err(failure) => self.settle(index, SlotState::Done(CandidateKind::Unusable(failure.at(layer.digest)))),
                }
            }
        }
    }

    pub(super) fn take_blob(&mut self, key: BlobKey, answer: Result<Option<Found>, Failure>) {
        let (digest, size) = key;
        let content = answer.and_then(|found| Found::content(found, &digest, size)).map(|(content, _)| content);
        let content = content.map_err(|failure| failure.at(digest));
        if let Some(Blob::Awaited(waiting)) = self.blobs.insert(key, Blob::Arrived(content.clone())) {
            for index in waiting {
                self.give(index, content.clone());
            }
        }
    }

    pub(super) fn give(&mut self, index: usize, content: Result<Content, Failure>) {
        if let Some(slot) = self.slots.get_mut(index)
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
