//! [`Session`]: gathers the evidence of one image without doing any I/O.
//!
//! Asks for the image, for each layout in which signatures are kept, and then for the candidates that these list; proves
//! on arrival that bytes have the digest and size they were asked by. Only what concerns the image itself is fatal:
//! whatever fails in one layout is noted and hides nothing of another. Does not retry, does not judge.

use super::evidence::{
    Candidate, CandidateKind, Evidence, EvidenceOrigin, Layout, LayoutState, Note, Subject, TagMoved, nothing_hidden, sort_notes,
};
use super::fetch::{FetchError, Request, RequestId, Response, What};
use super::rules::{Referrer, Use, check_content, check_stated_size, read_referrer};
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Listing, Reference, Repository, Tag, media_type};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// Longest name of a next page that is passed on.
const MAX_PAGE_NAME: usize = 4096;

/// What to gather besides signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether attestations of the `.att` tag are gathered too. Bundles of the referrers always are, since only their
    /// content tells signatures from attestations.
    pub attestations: bool,
}

/// Why there is no evidence: the image itself could not be had. What fails besides is a [`Note`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatherError {
    /// The reason.
    pub failure: Failure,
}

impl fmt::Display for GatherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.failure, f)
    }
}

impl std::error::Error for GatherError {}

impl From<Failure> for GatherError {
    fn from(failure: Failure) -> Self {
        Self { failure }
    }
}

/// The gathering of one image's evidence, as a state machine: take requests, supply answers, finish.
///
/// Several requests may be open at once and be answered in any order; the evidence is the same. A reference with a
/// digest takes at most three round trips, one with a tag alone four, where the registry has a referrers API.
#[derive(Debug)]
pub struct Session {
    reference: Reference,
    limits: Limits,
    wanted: Wanted,
    queue: VecDeque<(Request, Ask)>,
    open: BTreeMap<RequestId, (u64, Ask)>,
    /// Requests made or queued.
    made: usize,
    image: Image,
    tag: Option<(Tag, Digest)>,
    moved: Option<TagMoved>,
    lists: BTreeMap<Layout, List>,
    /// Lists that are not known to their end yet.
    lists_open: usize,
    slots: Vec<Slot>,
    blobs: BTreeMap<BlobKey, Blob>,
    ignored_referrers: usize,
    notes: Vec<Note>,
}

/// What an open request is for.
#[derive(Clone, Debug)]
enum Ask {
    /// The tag, or the only image: this is the image.
    Resolve,
    /// The tag beside a digest: only compared.
    Compare { tag: Tag, given: Digest },
    /// The image by its digest.
    Image(Digest),
    /// The manifest of a layout that is a tag.
    Tagged(Layout),
    /// A page of the referrers list.
    Page,
    /// A referrer's manifest, for this slot.
    Referrer { slot: usize, descriptor: Box<Descriptor>, is_certain: bool },
    /// A blob, for all slots that wait for it.
    Blob(BlobKey),
}

impl Ask {
    /// Content that was listed with a size is asked for with that size as the bound, so more of it is a wrong size.
    fn explain(&self, failure: Failure) -> Failure {
        let size = match self {
            Self::Referrer { descriptor, .. } => descriptor.size,
            Self::Blob((_, size)) => *size,
            Self::Resolve | Self::Compare { .. } | Self::Image(_) | Self::Tagged(_) | Self::Page => return failure,
        };
        if failure.code() == Code::TooLarge { Failure::new(Code::SizeMismatch).expected(size).found("more") } else { failure }
    }
}

#[derive(Debug)]
enum Image {
    Awaited,
    Found(Box<Subject>),
    Failed(Failure),
}

/// One layout's list of candidates, while it is being learned.
#[derive(Debug)]
struct List {
    state: LayoutState,
    manifest: Option<Content>,
    entries: VecDeque<Entry>,
    /// Entries seen, whether kept or not.
    seen: usize,
    /// What was taken from a referrers list already.
    taken: BTreeSet<BlobKey>,
    pages: usize,
    page_names: BTreeSet<String>,
    /// Candidates beyond the bound.
    truncated: usize,
}

#[derive(Debug)]
struct Entry {
    position: usize,
    what: EntryKind,
}

#[derive(Debug)]
enum EntryKind {
    Layer(Descriptor, Use),
    Referrer { descriptor: Descriptor, is_certain: bool },
    Unreadable(Failure),
}

/// A candidate in the making.
#[derive(Debug)]
struct Slot {
    layout: Layout,
    position: usize,
    digest: Option<Digest>,
    manifest: Option<Content>,
    state: SlotState,
}

#[derive(Debug)]
enum SlotState {
    Waiting(Option<Use>),
    Done(CandidateKind),
    /// A referrer of another kind.
    Ignored,
}

/// Layers often share a payload; with the same size it is one blob and one request.
type BlobKey = (Digest, u64);

#[derive(Debug)]
enum Blob {
    Awaited(Vec<usize>),
    Arrived(Result<Content, Failure>),
}

impl Session {
    /// Starts gathering what belongs to `reference`. Nothing is asked until [`Session::next_request`].
    #[must_use]
    pub fn new(reference: &Reference, limits: &Limits, wanted: Wanted) -> Self {
        let mut session = Self {
            reference: reference.clone(),
            limits: limits.clone(),
            wanted,
            queue: VecDeque::new(),
            open: BTreeMap::new(),
            made: 0,
            image: Image::Awaited,
            tag: None,
            moved: None,
            lists: BTreeMap::new(),
            lists_open: 0,
            slots: Vec::new(),
            blobs: BTreeMap::new(),
            ignored_referrers: 0,
            notes: Vec::new(),
        };
        session.start();
        session
    }

    /// The next thing to ask, if there is one now. After `None`, answers to open requests may bring more.
    pub fn next_request(&mut self) -> Option<Request> {
        let (request, ask) = self.queue.pop_front()?;
        self.open.insert(request.id, (request.max_bytes, ask));
        Some(request)
    }

    /// Takes the answer to an open request, whatever it is.
    ///
    /// # Errors
    /// [`Code::RequestUnknown`] for an id that was never given out or is answered already. Every other trouble is kept
    /// inside and told by [`Session::finish`].
    pub fn supply(&mut self, id: RequestId, answer: Result<Response, FetchError>) -> Result<(), Failure> {
        let (max_bytes, ask) =
            self.open.remove(&id).ok_or_else(|| Failure::new(Code::RequestUnknown).found(format_args!("request {}", id.0)))?;
        if matches!(self.image, Image::Failed(_)) {
            return Ok(());
        }
        let answer = Found::of(answer, max_bytes).map_err(|failure| ask.explain(failure));
        match ask {
            Ask::Resolve => self.take_resolved(answer),
            Ask::Compare { tag, given } => self.take_compared(tag, given, answer),
            Ask::Image(digest) => self.take_image(digest, answer),
            Ask::Tagged(Layout::ReferrersTag) => self.take_fallback(answer),
            Ask::Tagged(layout) => self.take_layers(layout, answer),
            Ask::Page => self.take_page(answer),
            Ask::Referrer { slot, descriptor, is_certain } => self.take_referrer(slot, &descriptor, is_certain, answer),
            Ask::Blob(key) => self.take_blob(key, answer),
        }
        Ok(())
    }

    /// Whether nothing is left to ask or to wait for: all is known, or the image itself could not be had.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self.image {
            Image::Failed(_) => true,
            Image::Awaited | Image::Found(_) => self.queue.is_empty() && self.open.is_empty(),
        }
    }

    /// What was gathered.
    ///
    /// # Errors
    /// [`Code::SessionUnfinished`] while a request is unanswered; [`Code::ImageNotFound`] and whatever else kept the image
    /// itself from being had.
    pub fn finish(self) -> Result<Evidence, GatherError> {
        let is_done = self.is_done();
        let subject = match self.image {
            Image::Failed(failure) => return Err(failure.into()),
            Image::Found(subject) if is_done => subject,
            Image::Found(_) | Image::Awaited => {
                let open = self.queue.len().saturating_add(self.open.len());
                let failure = Failure::new(Code::SessionUnfinished).found(format_args!("{open} requests without answer"));
                return Err(failure.into());
            }
        };
        let mut slots = self.slots;
        slots.sort_by_key(|slot| (slot.layout, slot.position));
        let mut bundles = BTreeSet::new();
        let mut candidates = Vec::new();
        for slot in slots {
            let kind = match slot.state {
                SlotState::Done(kind) => kind,
                SlotState::Ignored => continue,
                SlotState::Waiting(_) => CandidateKind::Unusable(Code::Internal.into()),
            };
            // The same bundle behind two referrers is one candidate.
            if let CandidateKind::Bundle { bundle, .. } = &kind
                && !bundles.insert((slot.layout, *bundle.digest()))
            {
                continue;
            }
            let Slot { layout, position, digest, manifest, .. } = slot;
            candidates.push(Candidate { layout, position, digest, manifest, kind });
        }
        let mut notes = self.notes;
        sort_notes(&mut notes);
        Ok(Evidence {
            reference: self.reference,
            subject: *subject,
            tag: self.tag,
            moved: self.moved,
            layouts: self.lists.into_iter().map(|(layout, list)| (layout, list.state)).collect(),
            complete: nothing_hidden(&notes, &candidates),
            candidates,
            ignored_referrers: self.ignored_referrers,
            notes,
            origin: EvidenceOrigin::Gathered,
        })
    }

    fn repository(&self) -> &Repository {
        self.reference.repository()
    }

    /// Queues a request, or says that there have been enough.
    fn ask(&mut self, what: What, max_bytes: u64, ask: Ask) -> Result<(), Failure> {
        if self.made >= self.limits.requests {
            return Err(Failure::new(Code::RequestsExhausted).expected(format_args!("at most {} requests", self.limits.requests)));
        }
        let id = RequestId(u32::try_from(self.made).map_err(|_| Failure::new(Code::RequestsExhausted))?);
        self.made = self.made.saturating_add(1);
        self.queue.push_back((Request::new(id, self.repository().clone(), what, max_bytes), ask));
        Ok(())
    }

    fn note(&mut self, layout: Layout, failure: Failure) {
        self.notes.push(Note { layout: Some(layout), failure, hides_candidates: true });
    }

    fn fail(&mut self, failure: Failure) {
        let failure = if failure.at_text().is_none() { failure.at(&self.reference) } else { failure };
        self.image = Image::Failed(failure);
        self.queue.clear();
    }

    // The image.

    fn start(&mut self) {
        let max_bytes = self.limits.manifest_bytes;
        let (tag, digest) = (self.reference.tag().cloned(), self.reference.digest().copied());
        let asked = match (tag, digest) {
            (tag, Some(digest)) => {
                let asked = self.ask(What::Manifest(digest), max_bytes, Ask::Image(digest));
                if asked.is_ok() {
                    // The digest is known, so nothing else waits for the image.
                    self.start_lists(&digest);
                    if let Some(tag) = tag {
                        let compare = Ask::Compare { tag: tag.clone(), given: digest };
                        if let Err(failure) = self.ask(What::ManifestByTag(tag), max_bytes, compare) {
                            self.note_unresolved(&failure);
                        }
                    }
                }
                asked
            }
            (Some(tag), None) => self.ask(What::ManifestByTag(tag), max_bytes, Ask::Resolve),
            (None, None) => self.ask(What::OnlyImage, max_bytes, Ask::Resolve),
        };
        if let Err(failure) = asked {
            self.fail(failure);
        }
    }

    /// The one resolution of the tag: from here on the digest of these very bytes is the image (K-OC-03).
    fn take_resolved(&mut self, answer: Result<Option<Found>, Failure>) {
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) => return self.fail(Failure::new(Code::ImageNotFound)),
            Err(failure) => return self.fail(failure),
        };
        let content = Content::learn(found.bytes);
        let digest = *content.digest();
        if self.set_image(digest, content, found.media_type.as_deref()) {
            self.tag = self.reference.tag().map(|tag| (tag.clone(), digest));
            self.start_lists(&digest);
        }
    }

    fn take_image(&mut self, digest: Digest, answer: Result<Option<Found>, Failure>) {
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) => return self.fail(Failure::new(Code::ImageNotFound)),
            Err(failure) => return self.fail(failure),
        };
        match Content::check(&digest, found.bytes) {
            Ok(content) => {
                self.set_image(digest, content, found.media_type.as_deref());
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn set_image(&mut self, digest: Digest, document: Content, announced: Option<&str>) -> bool {
        match Document::parse(document.bytes(), announced, &self.limits) {
            Ok(parsed) => {
                let (repository, media_type) = (self.repository().clone(), parsed.media_type().to_owned());
                self.image = Image::Found(Box::new(Subject { repository, digest, media_type, document }));
                true
            }
            Err(failure) => {
                self.fail(failure);
                false
            }
        }
    }

    fn take_compared(&mut self, tag: Tag, given: Digest, answer: Result<Option<Found>, Failure>) {
        match answer {
            Ok(Some(found)) => {
                let found = if given.matches(&found.bytes) { given } else { *Content::learn(found.bytes).digest() };
                if found != given {
                    self.moved = Some(TagMoved { tag: tag.clone(), given, found });
                }
                self.tag = Some((tag, found));
            }
            Ok(None) => self.note_unresolved(&Failure::new(Code::ImageNotFound)),
            Err(failure) => self.note_unresolved(&failure),
        }
    }

    fn note_unresolved(&mut self, reason: &Failure) {
        let failure = Failure::new(Code::TagUnresolved).found(reason.code()).at(&self.reference);
        self.notes.push(Note { layout: None, failure, hides_candidates: false });
    }

    // The lists.

    fn start_lists(&mut self, digest: &Digest) {
        let max_bytes = self.limits.manifest_bytes;
        self.start_list(Layout::CosignTag, What::ManifestByTag(Tag::cosign(digest, "sig")), max_bytes);
        self.start_list(Layout::ReferrersApi, What::Referrers { subject: *digest, page: None }, max_bytes);
        if self.wanted.attestations {
            self.start_list(Layout::AttestationTag, What::ManifestByTag(Tag::cosign(digest, "att")), max_bytes);
        }
        self.start_candidates();
    }

    fn start_list(&mut self, layout: Layout, what: What, max_bytes: u64) {
        self.lists.insert(layout, List::new());
        let ask = if layout == Layout::ReferrersApi { Ask::Page } else { Ask::Tagged(layout) };
        match self.ask(what, max_bytes, ask) {
            Ok(()) => self.lists_open = self.lists_open.saturating_add(1),
            Err(failure) => self.note(layout, failure),
        }
    }

    /// A list is known to its end, or never will be.
    fn end_list(&mut self, layout: Layout, outcome: Result<LayoutState, Failure>) {
        match outcome {
            Ok(state) => {
                if let Some(list) = self.lists.get_mut(&layout) {
                    list.state = state;
                }
            }
            Err(failure) => self.note(layout, failure),
        }
        self.lists_open = self.lists_open.saturating_sub(1);
        self.start_candidates();
    }

    /// The manifest of a `.sig` or `.att` tag: each layer is a candidate.
    fn take_layers(&mut self, layout: Layout, answer: Result<Option<Found>, Failure>) {
        let outcome = match answer {
            Ok(Some(found)) => self.read_layers(layout, found).map(|()| LayoutState::Found),
            Ok(None) => Ok(LayoutState::NotFound),
            Err(failure) => Err(failure),
        };
        self.end_list(layout, outcome);
    }

    fn read_layers(&mut self, layout: Layout, found: Found) -> Result<(), Failure> {
        let listing = Listing::of_layers(&found.bytes, found.media_type.as_deref(), &self.limits)?;
        let max = self.limits.candidates_fetched;
        let Some(list) = self.lists.get_mut(&layout) else { return Ok(()) };
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
            let failure = Failure::new(Code::LayerUnsupported).found(format_args!("{count} layers such as {media_type}"));
            self.notes.push(Note { layout: Some(layout), failure, hides_candidates: false });
        }
        Ok(())
    }

    fn take_page(&mut self, answer: Result<Option<Found>, Failure>) {
        let layout = Layout::ReferrersApi;
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) if self.pages_read() > 0 => {
                return self.end_list(layout, Err(Failure::new(Code::Dangling).found("no next page where one was announced")));
            }
            // Only a plain "there is none" says that the registry has no such API.
            Ok(None) => return self.start_fallback(),
            Err(failure) => return self.end_list(layout, Err(failure)),
        };
        let next = found.next.clone();
        let outcome = match self.read_referrers(layout, &found) {
            Ok(()) => match next {
                Some(next) => match self.ask_page(next) {
                    Ok(true) => return,
                    Ok(false) => Ok(LayoutState::Found),
                    Err(failure) => Err(failure),
                },
                None => Ok(LayoutState::Found),
            },
            Err(failure) => Err(failure),
        };
        self.end_list(layout, outcome);
    }

    fn pages_read(&self) -> usize {
        self.lists.get(&Layout::ReferrersApi).map_or(0, |list| list.pages)
    }

    /// Asks for the page after; false when enough candidates are known already.
    fn ask_page(&mut self, next: String) -> Result<bool, Failure> {
        let (max_pages, max_candidates) = (self.limits.referrer_pages, self.limits.candidates_fetched);
        let Some(subject) = self.image_digest() else { return Err(Code::Internal.into()) };
        let Some(list) = self.lists.get_mut(&Layout::ReferrersApi) else { return Err(Code::Internal.into()) };
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
        self.ask(What::Referrers { subject, page: Some(next) }, self.limits.manifest_bytes, Ask::Page)?;
        Ok(true)
    }

    fn image_digest(&self) -> Option<Digest> {
        match &self.image {
            Image::Found(subject) => Some(subject.digest),
            Image::Awaited | Image::Failed(_) => self.reference.digest().copied(),
        }
    }

    fn start_fallback(&mut self) {
        if let Some(digest) = self.image_digest() {
            let what = What::ManifestByTag(Tag::referrers_fallback(&digest));
            self.start_list(Layout::ReferrersTag, what, self.limits.manifest_bytes);
        }
        self.end_list(Layout::ReferrersApi, Ok(LayoutState::NotFound));
    }

    fn take_fallback(&mut self, answer: Result<Option<Found>, Failure>) {
        let layout = Layout::ReferrersTag;
        let outcome = match answer {
            Ok(Some(found)) => self.read_referrers(layout, &found).map(|()| LayoutState::Found),
            Ok(None) => Ok(LayoutState::NotFound),
            Err(failure) => Err(failure),
        };
        self.end_list(layout, outcome);
    }

    fn read_referrers(&mut self, layout: Layout, found: &Found) -> Result<(), Failure> {
        let listing = Listing::of_referrers(&found.bytes, found.media_type.as_deref(), &self.limits)?;
        let max = self.limits.candidates_fetched;
        let Some(list) = self.lists.get_mut(&layout) else { return Ok(()) };
        list.pages = list.pages.saturating_add(1);
        list.truncated = list.truncated.saturating_add(listing.unread);
        for entry in listing.entries {
            let position = list.seen;
            list.seen = list.seen.saturating_add(1);
            let what = match entry {
                Ok(descriptor) => {
                    // What the list says is a hint for what to leave alone; what is taken is read from its own manifest.
                    let artifact_type = descriptor.artifact_type.as_deref().unwrap_or_default();
                    let is_certain = artifact_type.starts_with(media_type::BUNDLE_PREFIX);
                    let is_open = artifact_type.is_empty() || artifact_type == media_type::OCI_EMPTY;
                    let is_manifest = [media_type::OCI_MANIFEST, media_type::DOCKER_MANIFEST].contains(&&*descriptor.media_type);
                    match (is_certain, is_open, is_manifest) {
                        (true, _, true) | (_, true, true) => {
                            if !list.taken.insert((descriptor.digest, descriptor.size)) {
                                continue;
                            }
                            EntryKind::Referrer { descriptor, is_certain }
                        }
                        (true, _, false) => EntryKind::Unreadable(
                            Failure::new(Code::MediaTypeUnsupported).found(descriptor.media_type).at(descriptor.digest),
                        ),
                        _ => {
                            self.ignored_referrers = self.ignored_referrers.saturating_add(1);
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

    // The candidates.

    /// Once every list is known, shares what is left of the requests out over the layouts, one candidate of each in turn,
    /// so that a flood in one starves no other and nothing depends on which list came first. The longest way, over the
    /// referrers, is no longer for having waited.
    fn start_candidates(&mut self) {
        if self.lists_open > 0 {
            return;
        }
        let mut left = self.limits.requests.saturating_sub(self.made);
        let mut exhausted: BTreeMap<Layout, usize> = BTreeMap::new();
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
                if cost > left || exhausted.contains_key(&layout) {
                    let count = exhausted.entry(layout).or_default();
                    *count = count.saturating_add(1);
                } else {
                    left = left.saturating_sub(cost);
                    self.start_candidate(layout, manifest, entry);
                }
            }
        }
        for (layout, count) in exhausted {
            let found = format!("{count} candidates not fetched");
            let expected = format!("at most {} requests", self.limits.requests);
            self.note(layout, Failure::new(Code::RequestsExhausted).expected(expected).found(found));
        }
        let truncated: Vec<_> =
            self.lists.iter_mut().map(|(&layout, list)| (layout, std::mem::take(&mut list.truncated))).collect();
        for (layout, count) in truncated.into_iter().filter(|(_, count)| *count > 0) {
            let expected = format!("at most {} candidates", self.limits.candidates_fetched);
            let found = format!("{count} or more beyond");
            self.note(layout, Failure::new(Code::CandidatesTruncated).expected(expected).found(found));
        }
    }

    /// How many requests a candidate may take.
    fn cost(&self, what: &EntryKind) -> usize {
        match what {
            EntryKind::Layer(layer, _) => usize::from(!self.blobs.contains_key(&(layer.digest, layer.size))),
            EntryKind::Referrer { .. } => 2,
            EntryKind::Unreadable(_) => 0,
        }
    }

    fn start_candidate(&mut self, layout: Layout, manifest: Option<Content>, entry: Entry) {
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

    fn settle(&mut self, index: usize, state: SlotState) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.state = state;
        }
    }

    fn take_referrer(&mut self, index: usize, descriptor: &Descriptor, is_certain: bool, answer: Result<Option<Found>, Failure>) {
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

    fn read_referrer(
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

    fn want_blob(&mut self, index: usize, layer: &Descriptor, usage: Use) {
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

    fn take_blob(&mut self, key: BlobKey, answer: Result<Option<Found>, Failure>) {
        let (digest, size) = key;
        let content = answer.and_then(|found| Found::content(found, &digest, size)).map(|(content, _)| content);
        let content = content.map_err(|failure| failure.at(digest));
        if let Some(Blob::Awaited(waiting)) = self.blobs.insert(key, Blob::Arrived(content.clone())) {
            for index in waiting {
                self.give(index, content.clone());
            }
        }
    }

    fn give(&mut self, index: usize, content: Result<Content, Failure>) {
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

impl List {
    fn new() -> Self {
        Self {
            state: LayoutState::Unknown,
            manifest: None,
            entries: VecDeque::new(),
            seen: 0,
            taken: BTreeSet::new(),
            pages: 0,
            page_names: BTreeSet::new(),
            truncated: 0,
        }
    }

    fn push(&mut self, entry: Entry, max: usize) {
        if self.entries.len() < max {
            self.entries.push_back(entry);
        } else {
            self.truncated = self.truncated.saturating_add(1);
        }
    }
}

/// Content as it arrived, within the bound of its request.
struct Found {
    media_type: Option<String>,
    bytes: Vec<u8>,
    next: Option<String>,
}

impl Found {
    /// What was found, or nothing; being denied or failing is neither.
    fn of(answer: Result<Response, FetchError>, max_bytes: u64) -> Result<Option<Self>, Failure> {
        match answer {
            Ok(Response::Found { media_type, bytes, next }) => {
                if u64::try_from(bytes.len()).is_ok_and(|length| length <= max_bytes) {
                    Ok(Some(Self { media_type, bytes, next }))
                } else {
                    Err(FetchError::TooLarge { max_bytes }.failure())
                }
            }
            Ok(Response::NotFound) => Ok(None),
            Err(error) => Err(error.failure()),
        }
    }

    /// What was listed with this digest and size.
    fn content(found: Option<Self>, digest: &Digest, size: u64) -> Result<(Content, Option<String>), Failure> {
        let found = found.ok_or_else(|| Failure::new(Code::Dangling))?;
        Ok((check_content(digest, size, found.bytes)?, found.media_type))
    }
}

#[cfg(test)]
mod tests;
