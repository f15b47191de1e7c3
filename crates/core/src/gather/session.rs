//! [`Session`]: gathers the evidence of one image without doing any I/O.
//!
//! Asks for the image, for each layout in which signatures are kept, and then for the candidates that these list; proves
//! on arrival that bytes have the digest and size they were asked by. Only what concerns the image itself is fatal:
//! whatever fails in one layout is noted and hides nothing of another. Does not retry, does not judge.

mod candidates;
mod lists;
mod part;
mod platforms;
mod referrers;

use self::candidates::{Blob, BlobKey, SlotKey};
use self::part::Part;
use self::referrers::ReadReferrer;
use super::evidence::{Evidence, EvidenceOrigin, Layout, Note, PlatformEvidence, PlatformsFound, Subject, TagMoved, sort_notes};
use super::fetch::{FetchError, Request, RequestId, Response, What};
use super::platforms::{PlatformChoice, Walk};
use super::rules::check_content;
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Reference, Repository, Tag};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// What to gather of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// Whether signatures are looked for at all; without, only the image and its platforms are.
    pub signatures: bool,
    /// Whether attestations of the `.att` tag are gathered too. Bundles of the referrers always are, since only their
    /// content tells signatures from attestations.
    pub attestations: bool,
    /// Which platforms are looked for, and their signatures with them.
    pub platforms: PlatformChoice,
    /// Where signatures are kept in place of the image's repository, as with cosign's `COSIGN_REPOSITORY`: tags and
    /// referrers are looked for there and nowhere else.
    pub signature_repository: Option<Repository>,
}

impl Default for Wanted {
    /// The signatures of what the reference names, in its own repository.
    fn default() -> Self {
        Self { signatures: true, attestations: false, platforms: PlatformChoice::index(), signature_repository: None }
    }
}

impl Wanted {
    /// Signatures, and attestations of the `.att` tag too.
    #[must_use]
    pub fn with_attestations() -> Self {
        Self { attestations: true, ..Self::default() }
    }

    /// The image alone: what a tag points to, without looking for signatures.
    #[must_use]
    pub fn image_only() -> Self {
        Self { signatures: false, ..Self::default() }
    }

    /// The same for these platforms.
    #[must_use]
    pub fn for_platforms(self, platforms: PlatformChoice) -> Self {
        Self { platforms, ..self }
    }

    /// The same with signatures from this repository.
    #[must_use]
    pub fn signatures_in(self, repository: Option<Repository>) -> Self {
        Self { signature_repository: repository, ..self }
    }
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
/// digest takes at most three round trips, one with a tag alone four, where the registry has a referrers API; platforms
/// of an index whose digest is known take one more.
#[derive(Debug)]
pub struct Session {
    reference: Reference,
    limits: Limits,
    wanted: Wanted,
    queue: VecDeque<(Request, Ask)>,
    open: BTreeMap<RequestId, (u64, Ask)>,
    /// Requests made or queued.
    made: usize,
    /// Bytes that what was asked for by digest and size states together.
    stated_bytes: u64,
    image: Image,
    tag: Option<(Tag, Digest)>,
    moved: Option<TagMoved>,
    /// The search for platforms; also while the image that it starts from is not here yet.
    walk: Platforms,
    configuration: Option<Content>,
    walk_failures: Vec<Failure>,
    /// The image, once its digest is known, and then its platforms.
    parts: Vec<Part>,
    /// Notes about the image itself.
    notes: Vec<Note>,
    /// Lists that are not known to their end yet; the search for platforms counts as one.
    lists_open: usize,
    /// Referrers' manifests that are not here yet.
    referrers_open: usize,
    referrers_read: Vec<ReadReferrer>,
    blobs: BTreeMap<BlobKey, Blob>,
}

/// Where the search for platforms stands.
#[derive(Debug)]
enum Platforms {
    /// None are asked for.
    Unasked,
    /// The image is awaited.
    Waiting,
    /// Indexes or a configuration are awaited.
    Searching(Option<Box<Walk>>),
    /// All are known.
    Known,
}

/// The part that is the image.
const IMAGE: usize = 0;

/// What an open request is for.
#[derive(Clone, Debug)]
enum Ask {
    /// The tag, or the only image: this is the image.
    Resolve,
    /// The tag beside a digest: only compared.
    Compare { tag: Tag, given: Digest },
    /// The image by its digest.
    Image(Digest),
    /// The configuration of an image that is no index.
    Configuration(Box<Descriptor>),
    /// A nested index, by its number in the search.
    NestedIndex(usize),
    /// The manifest of a platform: a part.
    PlatformManifest(usize),
    /// The manifest of a layout that is a tag, for this part.
    Tagged(usize, Layout),
    /// A page of the referrers list of this part.
    Page(usize),
    /// A referrer's manifest, for this slot.
    Referrer { slot: SlotKey, descriptor: Box<Descriptor>, is_certain: bool },
    /// A blob, for all slots that wait for it.
    Blob(BlobKey),
}

impl Ask {
    /// Content that was listed with a size is asked for with that size as the bound, so more of it is a wrong size.
    fn explain(&self, failure: Failure) -> Failure {
        let size = match self {
            Self::Referrer { descriptor, .. } | Self::Configuration(descriptor) => descriptor.size,
            Self::Blob((_, size)) => *size,
            _ => return failure,
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
            stated_bytes: 0,
            image: Image::Awaited,
            tag: None,
            moved: None,
            walk: Platforms::Unasked,
            configuration: None,
            walk_failures: Vec::new(),
            parts: Vec::new(),
            notes: Vec::new(),
            lists_open: 0,
            referrers_open: 0,
            referrers_read: Vec::new(),
            blobs: BTreeMap::new(),
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
            Ask::Configuration(descriptor) => self.take_configuration(&descriptor, answer),
            Ask::NestedIndex(number) => self.take_nested_index(number, answer),
            Ask::PlatformManifest(part) => self.take_platform_manifest(part, answer),
            Ask::Tagged(part, Layout::ReferrersTag) => self.take_fallback(part, answer),
            Ask::Tagged(part, layout) => self.take_layers(part, layout, answer),
            Ask::Page(part) => self.take_page(part, answer),
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
        let mut parts = self.parts.into_iter();
        let mut attached = parts.next().map(Part::finish).unwrap_or_default();
        attached.notes.extend(self.notes);
        sort_notes(&mut attached.notes);
        let manifests = parts.filter_map(|mut part| {
            let (chosen, listed) = part.platform.take()?;
            let listed = listed.unwrap_or_else(|| Err(Code::Internal.into()));
            Some(PlatformEvidence { chosen, listed, attached: part.finish() })
        });
        let platforms = PlatformsFound {
            choice: self.wanted.platforms,
            configuration: self.configuration,
            manifests: manifests.collect(),
            failures: self.walk_failures,
        };
        Ok(Evidence {
            reference: self.reference,
            subject: *subject,
            tag: self.tag,
            moved: self.moved,
            signature_repository: self.wanted.signature_repository,
            complete: attached.nothing_hidden() && platforms.nothing_hidden(),
            attached,
            platforms,
            origin: EvidenceOrigin::Gathered,
        })
    }

    fn repository(&self) -> &Repository {
        self.reference.repository()
    }

    /// Queues a request to the image's repository, or says that there have been enough.
    fn ask(&mut self, what: What, max_bytes: u64, ask: Ask) -> Result<(), Failure> {
        self.ask_in(self.repository().clone(), what, max_bytes, ask)
    }

    /// The same for signatures, which may be kept elsewhere.
    fn ask_signatures(&mut self, what: What, max_bytes: u64, ask: Ask) -> Result<(), Failure> {
        let repository = self.wanted.signature_repository.as_ref().unwrap_or_else(|| self.repository()).clone();
        self.ask_in(repository, what, max_bytes, ask)
    }

    fn ask_in(&mut self, repository: Repository, what: What, max_bytes: u64, ask: Ask) -> Result<(), Failure> {
        if self.made >= self.limits.requests {
            return Err(Failure::new(Code::RequestsExhausted).expected(format_args!("at most {} requests", self.limits.requests)));
        }
        let id = RequestId(u32::try_from(self.made).map_err(|_| Failure::new(Code::RequestsExhausted))?);
        self.made = self.made.saturating_add(1);
        self.queue.push_back((Request::new(id, repository, what, max_bytes), ask));
        Ok(())
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
                    self.wait_for_platforms();
                    // The digest is known, so nothing else waits for the image.
                    self.start_image(digest);
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
        if self.parts.is_empty() {
            self.wait_for_platforms();
        }
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
        self.tag = self.reference.tag().map(|tag| (tag.clone(), digest));
        self.take_document(digest, content, found.media_type.as_deref());
    }

    fn take_image(&mut self, digest: Digest, answer: Result<Option<Found>, Failure>) {
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) => return self.fail(Failure::new(Code::ImageNotFound)),
            Err(failure) => return self.fail(failure),
        };
        match Content::check(&digest, found.bytes) {
            Ok(content) => self.take_document(digest, content, found.media_type.as_deref()),
            Err(failure) => self.fail(failure),
        }
    }

    /// The image is here.
    fn take_document(&mut self, digest: Digest, document: Content, announced: Option<&str>) {
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
                let subject = Subject { repository, digest, media_type, document: document.clone() };
                self.image = Image::Found(Box::new(subject));
                if self.parts.is_empty() {
                    self.start_image(digest);
                }
                self.start_platforms(&document, &parsed);
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn start_image(&mut self, digest: Digest) {
        self.parts.push(Part::new(digest, None));
        self.start_lists(IMAGE);
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

    /// Notes what the source is weaker in, for evidence that is judged later.
    pub(crate) fn note_source(&mut self, failure: Failure) {
        self.notes.push(Note { layout: None, failure, hides_candidates: false });
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
