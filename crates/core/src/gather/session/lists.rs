//! The lists: what each layout says it holds.
//!
//! Reads `.sig` and `.att` manifests and referrers lists entry by entry (distribution-spec "Listing Referrers",
//! "Unavailable Referrers API"). Nothing listed is believed; it only tells what to fetch.

use super::super::evidence::{Layout, LayoutState, Note};
use super::super::fetch::What;
use super::super::rules::{Use, is_read};
use super::candidates::BlobKey;
use super::{Ask, Found, Session};
use crate::code::{Code, Failure};
use crate::digest::Content;
use crate::oci::{Descriptor, Listing, Tag, media_type};
use std::collections::{BTreeSet, VecDeque};

/// Longest name of a next page that is passed on.
const MAX_PAGE_NAME: usize = 4096;

/// One layout's list of candidates, while it is being learned.
#[derive(Debug)]
pub(super) struct List {
    pub(super) state: LayoutState,
    pub(super) manifest: Option<Content>,
    pub(super) entries: VecDeque<Entry>,
    /// Referrers of which the list says that they are of other kinds, where that is hearsay: looked at after the others.
    later: VecDeque<Entry>,
    /// Entries seen, whether kept or not.
    pub(super) seen: usize,
    /// What was taken from a referrers list already.
    pub(super) taken: BTreeSet<BlobKey>,
    pub(super) pages: usize,
    pub(super) page_names: BTreeSet<String>,
    /// Candidates beyond the bound.
    pub(super) truncated: usize,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) position: usize,
    pub(super) what: EntryKind,
}

#[derive(Debug)]
pub(super) enum EntryKind {
    Layer(Descriptor, Use),
    Referrer { descriptor: Descriptor, is_certain: bool },
    Unreadable(Failure),
}

impl List {
    pub(super) fn new() -> Self {
        Self {
            state: LayoutState::Unknown,
            manifest: None,
            entries: VecDeque::new(),
            later: VecDeque::new(),
            seen: 0,
            taken: BTreeSet::new(),
            pages: 0,
            page_names: BTreeSet::new(),
            truncated: 0,
        }
    }

    pub(super) fn push(&mut self, entry: Entry, max: usize) {
        if self.entries.len() < max {
            self.entries.push_back(entry);
        } else {
            self.truncated = self.truncated.saturating_add(1);
        }
    }

    fn push_later(&mut self, entry: Entry, max: usize) {
        if self.later.len() < max {
            self.later.push_back(entry);
        } else {
            self.truncated = self.truncated.saturating_add(1);
        }
    }

    fn take_later(&mut self, max: usize) {
        for entry in std::mem::take(&mut self.later) {
            self.push(entry, max);
        }
    }
}

impl Session {
    /// Asks for every list of a part.
    pub(super) fn start_lists(&mut self, part: usize) {
        let Some(subject) = self.parts.get(part).map(|part| part.subject) else { return };
        if self.wanted.signatures {
            self.start_list(part, Layout::CosignTag, What::ManifestByTag(Tag::cosign(&subject, "sig")));
            self.start_list(part, Layout::ReferrersApi, What::Referrers { subject, page: None });
            if self.wanted.attestations {
                self.start_list(part, Layout::AttestationTag, What::ManifestByTag(Tag::cosign(&subject, "att")));
            }
        }
        self.start_candidates();
    }

    pub(super) fn start_list(&mut self, part: usize, layout: Layout, what: What) {
        let ask = if layout == Layout::ReferrersApi { Ask::Page(part) } else { Ask::Tagged(part, layout) };
        let asked = self.ask_signatures(what, self.limits.manifest_bytes, ask);
        if asked.is_ok() {
            self.lists_open = self.lists_open.saturating_add(1);
        }
        if let Some(part) = self.parts.get_mut(part) {
            part.lists.insert(layout, List::new());
            if let Err(failure) = asked {
                part.note(layout, failure);
            }
        }
    }

    /// A list is known to its end, or never will be.
    pub(super) fn end_list(&mut self, part: usize, layout: Layout, outcome: Result<LayoutState, Failure>) {
        let max = self.limits.candidates_fetched;
        if let Some(part) = self.parts.get_mut(part) {
            if let Some(list) = part.lists.get_mut(&layout) {
                list.take_later(max);
            }
            match (outcome, part.lists.get_mut(&layout)) {
                (Ok(state), Some(list)) => list.state = state,
                (Ok(_), None) => {}
                (Err(failure), _) => part.note(layout, failure),
            }
        }
        self.lists_open = self.lists_open.saturating_sub(1);
        self.start_candidates();
    }

    /// The manifest of a `.sig` or `.att` tag: each layer is a candidate.
    pub(super) fn take_layers(&mut self, part: usize, layout: Layout, answer: Result<Option<Found>, Failure>) {
        let outcome = match answer {
            Ok(Some(found)) => self.read_layers(part, layout, found).map(|()| LayoutState::Found),
            Ok(None) => Ok(LayoutState::NotFound),
            Err(failure) => Err(failure),
        };
        self.end_list(part, layout, outcome);
    }

    fn read_layers(&mut self, part: usize, layout: Layout, found: Found) -> Result<(), Failure> {
        let listing = Listing::of_layers(&found.bytes, found.media_type.as_deref(), &self.limits)?;
        let max = self.limits.candidates_fetched;
        let Some(part) = self.parts.get_mut(part) else { return Ok(()) };
        let Some(list) = part.lists.get_mut(&layout) else { return Ok(()) };
        list.manifest = Some(Content::learn(found.bytes));
        list.truncated = listing.unread;
        let mut unsupported: Option<(String, usize)> = None;
        let mut layers = BTreeSet::new();
        for (position, entry) in listing.entries.into_iter().enumerate() {
            let what = match entry {
                Ok(layer) => match Use::of_layer(layout, &layer) {
                    // All annotations are compared, not the signature alone: a copy beside a spoilt certificate must not
                    // take the place of the good one.
                    Some(_) if !layers.insert((layer.digest, layer.size, layer.annotations.clone())) => continue,
                    Some(usage) => EntryKind::Layer(layer, usage),
                    None => {
                        let count = unsupported.as_ref().map_or(1, |(_, count)| count.saturating_add(1));
                        unsupported = Some((unsupported.map_or(layer.media_type, |(first, _)| first), count));
                        continue;
                    }
                },
                Err(failure) => EntryKind::Unreadable(failure),
            };
            list.push(Entry { position, what }, max);
        }
        if let Some((media_type, count)) = unsupported {
            part.notes.push(unsupported_layers(layout, &media_type, count));
        }
        Ok(())
    }

    pub(super) fn take_page(&mut self, part: usize, answer: Result<Option<Found>, Failure>) {
        let layout = Layout::ReferrersApi;
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) if self.pages_read(part) > 0 => {
                let failure = Failure::new(Code::Dangling).found("no next page where one was announced");
                return self.end_list(part, layout, Err(failure));
            }
            // Only a plain "there is none" says that the registry has no such API.
            Ok(None) => return self.start_fallback(part),
            Err(failure) => return self.end_list(part, layout, Err(failure)),
        };
        let next = found.next.clone();
        let outcome = match self.read_referrers(part, layout, &found) {
            Ok(()) => match next {
                Some(next) => match self.ask_page(part, next) {
                    Ok(true) => return,
                    Ok(false) => Ok(LayoutState::Found),
                    Err(failure) => Err(failure),
                },
                None => Ok(LayoutState::Found),
            },
            Err(failure) => Err(failure),
        };
        self.end_list(part, layout, outcome);
    }

    fn pages_read(&self, part: usize) -> usize {
        let list = self.parts.get(part).and_then(|part| part.lists.get(&Layout::ReferrersApi));
        list.map_or(0, |list| list.pages)
    }

    /// Asks for the page after; false when enough candidates are known already.
    fn ask_page(&mut self, number: usize, next: String) -> Result<bool, Failure> {
        let (max_pages, max_candidates) = (self.limits.referrer_pages, self.limits.candidates_fetched);
        let Some(part) = self.parts.get_mut(number) else { return Err(Code::Internal.into()) };
        let subject = part.subject;
        let Some(list) = part.lists.get_mut(&Layout::ReferrersApi) else { return Err(Code::Internal.into()) };
        if next.len() > MAX_PAGE_NAME || !list.page_names.insert(next.clone()) {
            let expected = "a next page that is another one";
            return Err(Failure::new(Code::ResponseInvalid).expected(expected).found(next));
        }
        if list.entries.len() >= max_candidates {
            list.truncated = list.truncated.saturating_add(1);
            return Ok(false);
        }
        if list.pages >= max_pages {
            let expected = format!("at most {max_pages} pages");
            return Err(Failure::new(Code::CandidatesTruncated).expected(expected).found("another one"));
        }
        self.ask_signatures(What::Referrers { subject, page: Some(next) }, self.limits.manifest_bytes, Ask::Page(number))?;
        Ok(true)
    }

    fn start_fallback(&mut self, part: usize) {
        if let Some(subject) = self.parts.get(part).map(|part| part.subject) {
            self.start_list(part, Layout::ReferrersTag, What::ManifestByTag(Tag::referrers_fallback(&subject)));
        }
        self.end_list(part, Layout::ReferrersApi, Ok(LayoutState::NotFound));
    }

    pub(super) fn take_fallback(&mut self, part: usize, answer: Result<Option<Found>, Failure>) {
        let layout = Layout::ReferrersTag;
        let is_subject = |found: &Found| self.parts.get(part).is_some_and(|part| part.subject.matches(&found.bytes));
        let outcome = match answer {
            // Some registries (GitLab) take the tag `sha256-<hex>` for the digest and answer with the image itself; the
            // children of an index would then look like its referrers. That is no list, so there is none.
            Ok(Some(found)) if is_subject(&found) => Ok(LayoutState::NotFound),
            Ok(Some(found)) => self.read_referrers(part, layout, &found).map(|()| LayoutState::Found),
            Ok(None) => Ok(LayoutState::NotFound),
            Err(failure) => Err(failure),
        };
        self.end_list(part, layout, outcome);
    }

    fn read_referrers(&mut self, part: usize, layout: Layout, found: &Found) -> Result<(), Failure> {
        let listing = Listing::of_referrers(&found.bytes, found.media_type.as_deref(), &self.limits)?;
        let (max, attestations) = (self.limits.candidates_fetched, self.wanted.attestations);
        let Some(part) = self.parts.get_mut(part) else { return Ok(()) };
        let Some(list) = part.lists.get_mut(&layout) else { return Ok(()) };
        list.pages = list.pages.saturating_add(1);
        list.truncated = list.truncated.saturating_add(listing.unread);
        for entry in listing.entries {
            let position = list.seen;
            list.seen = list.seen.saturating_add(1);
            let what = match entry {
                Ok(descriptor) => {
                    // What the list says is a hint for what to leave alone; what is taken is read from its own manifest.
                    let artifact_type = descriptor.artifact_type.as_deref().unwrap_or_default();
                    let is_certain = is_read(artifact_type, attestations);
                    let is_open = artifact_type.is_empty() || artifact_type == media_type::OCI_EMPTY;
                    let is_manifest = [media_type::OCI_MANIFEST, media_type::DOCKER_MANIFEST].contains(&&*descriptor.media_type);
                    // A registry computes the type; under the fallback tag every pusher writes what it likes.
                    let is_hearsay = layout == Layout::ReferrersTag;
                    match (is_certain, is_open || is_hearsay, is_manifest) {
                        (true, _, true) | (_, true, true) => {
                            if !list.taken.insert((descriptor.digest, descriptor.size)) {
                                continue;
                            }
                            let what = EntryKind::Referrer { descriptor, is_certain };
                            if !is_certain && !is_open {
                                list.push_later(Entry { position, what }, max);
                                continue;
                            }
                            what
                        }
                        (true, _, false) => EntryKind::Unreadable(
                            Failure::new(Code::MediaTypeUnsupported).found(descriptor.media_type).at(descriptor.digest),
                        ),
                        _ => {
                            part.ignored_referrers = part.ignored_referrers.saturating_add(1);
                            continue;
                        }
                    }
                }
                Err(failure) => EntryKind::Unreadable(failure),
            };
            list.push(Entry { position, what }, max);
        }
        Ok(())
    }
}

/// Layers that are no signatures: worth knowing, but they hide nothing.
pub(super) fn unsupported_layers(layout: Layout, media_type: &str, count: usize) -> Note {
    let failure = Failure::new(Code::LayerUnsupported).found(format_args!("{count} layers such as {media_type}"));
    Note { layout: Some(layout), failure, hides_candidates: false }
}
