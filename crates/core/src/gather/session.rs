//! [`Session`]: gathers the evidence of one image without doing any I/O.
//!
//! Asks for the image, for each layout in which signatures are kept, and then for the candidates that these list; proves
//! on arrival that bytes have the digest and size they were asked by. Only what concerns the image itself is fatal:
//! whatever fails in one layout is noted and hides nothing of another. Does not retry, does not judge.

mod candidates;
mod lists;

use self::candidates::{Blob, BlobKey, Slot, SlotState};
use self::lists::List;
use super::evidence::{
    Candidate, CandidateKind, Evidence, EvidenceOrigin, Layout, Note, Subject, TagMoved, nothing_hidden, sort_notes,
};
use super::fetch::{FetchError, Request, RequestId, Response, What};
use super::rules::check_content;
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Reference, Repository, Tag};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

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
        let parsed = Document::parse(document.bytes(), announced, &self.limits).map_err(|failure| {
            // Where no digest was given, only the registry says that these bytes are the image. What is no manifest at all,
            // such as the page of a proxy, is not its word.
            let is_its_word = failure.code() != Code::ManifestInvalid
                || self.reference.digest().is_some()
                || self.repository().registry().is_none();
            if is_its_word {
                failure
            } else {
                Failure::new(Code::ResponseInvalid).expected("an image manifest or index").found(failure)
            }
        });
        match parsed {
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
pub(in crate::gather) mod tests;
