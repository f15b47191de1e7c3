//! [`Evidence`]: the image, and the bytes that belong to it, each shown to match its digest.
//!
//! Holds what was found, where, and what could not be found out. Judges nothing: no signature here is more than a
//! candidate, and annotations are what the registry says.

use super::platforms::{Chosen, ListedManifest, PlatformChoice};
use crate::code::{Class, Code, Failure};
use crate::digest::{Content, Digest};
use crate::oci::{Descriptor, Reference, Repository, Tag};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

/// What belongs to one image, gathered from a registry or loaded from a file.
///
/// The same answers give the same evidence, in whatever order they arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Evidence {
    pub(super) reference: Reference,
    pub(super) subject: Subject,
    pub(super) tag: Option<(Tag, Digest)>,
    pub(super) moved: Option<TagMoved>,
    pub(super) signature_repository: Option<Repository>,
    pub(super) attached: Attached,
    pub(super) platforms: PlatformsFound,
    pub(super) origin: EvidenceOrigin,
    pub(super) complete: bool,
}

impl Evidence {
    /// What was asked for.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The image: always pinned to a digest that its bytes were shown to have.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The tag that was asked for and what it resolved to, once. Of loaded evidence a claim.
    #[must_use]
    pub fn tag(&self) -> Option<(&Tag, &Digest)> {
        self.tag.as_ref().map(|(tag, digest)| (tag, digest))
    }

    /// Set when the tag beside the digest that was asked for resolved to something else. Of loaded evidence a claim.
    #[must_use]
    pub fn moved(&self) -> Option<&TagMoved> {
        self.moved.as_ref()
    }

    /// The repository in which signatures were looked for, where that is not the image's. Of loaded evidence a claim.
    #[must_use]
    pub fn signature_repository(&self) -> Option<&Repository> {
        self.signature_repository.as_ref()
    }

    /// What belongs to what the reference names itself. The methods below are short for its own.
    #[must_use]
    pub fn attached(&self) -> &Attached {
        &self.attached
    }

    /// Where was looked, and what came of it. Of loaded evidence a claim.
    #[must_use]
    pub fn layouts(&self) -> &BTreeMap<Layout, LayoutState> {
        &self.attached.layouts
    }

    /// Everything that may be a signature or an attestation, ordered by layout and position.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.attached.candidates
    }

    /// How many referrers were of other kinds (SBOMs, Notary signatures, …) and not looked at.
    #[must_use]
    pub fn ignored_referrers(&self) -> usize {
        self.attached.ignored_referrers
    }

    /// What could not be found out, and what else is worth knowing. Of loaded evidence partly claims.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.attached.notes
    }

    /// The platforms that were asked for.
    #[must_use]
    pub fn platforms(&self) -> &PlatformsFound {
        &self.platforms
    }

    /// Whether this was gathered or loaded.
    #[must_use]
    pub fn origin(&self) -> EvidenceOrigin {
        self.origin
    }

    /// Whether everything that was asked for could be found out: nothing denied, failed, altered or truncated. When
    /// nothing is accepted and this is false, the outcome is undecided.
    ///
    /// Of loaded evidence this is at best a claim; see [`Evidence::proves_absence`].
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether "there is none" may be concluded: all was found out, and by this session itself. Loaded evidence never
    /// proves absence, since whoever carried it could leave something out (K-EV-02).
    #[must_use]
    pub fn proves_absence(&self) -> bool {
        self.complete && self.origin == EvidenceOrigin::Gathered
    }

    /// How many bytes of documents it holds.
    pub(crate) fn size(&self) -> usize {
        let of = |content: &Content| content.bytes().len();
        let platforms = self.platforms.manifests.iter();
        let listed = platforms.clone().filter_map(|platform| Some(of(platform.listed.as_ref().ok()?.manifest())));
        let attached = platforms.map(|platform| platform.attached.size());
        let own = of(&self.subject.document).saturating_add(self.attached.size());
        listed.chain(attached).chain(self.platforms.configuration.as_ref().map(of)).fold(own, usize::saturating_add)
    }

    /// Holds the evidence against the image that the caller means. Which image that is, the caller says and never the
    /// evidence (K-EV-01).
    ///
    /// # Errors
    /// [`Code::EvidenceForOtherImage`] when repository or digest differ.
    pub fn require_image(&self, repository: &Repository, digest: &Digest) -> Result<(), Failure> {
        if self.subject.repository == *repository && self.subject.digest() == digest {
            return Ok(());
        }
        let found = format!("{}@{}", self.subject.repository, self.subject.digest());
        Err(Failure::new(Code::EvidenceForOtherImage).expected(format_args!("{repository}@{digest}")).found(found))
    }
}

/// What was found of the signatures and attestations of one manifest or index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attached {
    pub(super) layouts: BTreeMap<Layout, LayoutState>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) ignored_referrers: usize,
    pub(super) notes: Vec<Note>,
}

impl Attached {
    /// Where was looked, and what came of it. Of loaded evidence a claim.
    #[must_use]
    pub fn layouts(&self) -> &BTreeMap<Layout, LayoutState> {
        &self.layouts
    }

    /// Everything that may be a signature or an attestation, ordered by layout and position.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// How many referrers were of other kinds (SBOMs, Notary signatures, …) and not looked at.
    #[must_use]
    pub fn ignored_referrers(&self) -> usize {
        self.ignored_referrers
    }

    /// What could not be found out, and what else is worth knowing. Of loaded evidence partly claims.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn size(&self) -> usize {
        let of = |candidate: &Candidate| {
            let manifest = candidate.manifest.as_ref().map_or(0, |manifest| manifest.bytes().len());
            let blob = match &candidate.kind {
                CandidateKind::SimpleSigning { payload: blob, .. }
                | CandidateKind::Attestation { envelope: blob, .. }
                | CandidateKind::Bundle { bundle: blob, .. } => blob.bytes().len(),
                CandidateKind::Unusable(_) => 0,
            };
            manifest.saturating_add(blob)
        };
        self.candidates.iter().map(of).fold(0, usize::saturating_add)
    }

    /// Whether nothing that was asked for is hidden by a failure.
    pub(super) fn nothing_hidden(&self) -> bool {
        let could_not_be_read = |candidate: &Candidate| matches!(&candidate.kind, CandidateKind::Unusable(failure) if failure.code().class() != Class::Rejected);
        !self.notes.iter().any(|note| note.hides_candidates) && !self.candidates.iter().any(could_not_be_read)
    }
}

/// The platforms that were asked for, and what belongs to each. Empty where nothing but the reference itself was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlatformsFound {
    pub(super) choice: PlatformChoice,
    /// The configuration of an image that is no index, which states the platforms that are named.
    pub(super) configuration: Option<Content>,
    pub(super) manifests: Vec<PlatformEvidence>,
    /// What could not be read on the way through nested indexes: platforms may be missing.
    pub(super) failures: Vec<Failure>,
}

impl PlatformsFound {
    /// What was asked for.
    #[must_use]
    pub fn choice(&self) -> &PlatformChoice {
        &self.choice
    }

    /// The configuration of an image that is no index, which was found to state each platform that is named.
    #[must_use]
    pub fn configuration(&self) -> Option<&Content> {
        self.configuration.as_ref()
    }

    /// The manifests of the platforms, in the order of the index. None where the image is no index.
    #[must_use]
    pub fn manifests(&self) -> &[PlatformEvidence] {
        &self.manifests
    }

    /// Why nested indexes could not be read.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    pub(super) fn nothing_hidden(&self) -> bool {
        let is_whole = |manifest: &PlatformEvidence| manifest.listed.is_ok() && manifest.attached.nothing_hidden();
        self.failures.is_empty() && self.manifests.iter().all(is_whole)
    }
}

/// The manifest of one platform, and what belongs to it.
#[derive(Clone, Debug)]
pub struct PlatformEvidence {
    pub(super) chosen: Chosen,
    pub(super) listed: Result<ListedManifest, Failure>,
    pub(super) attached: Attached,
}

impl PlatformEvidence {
    /// What the index says of the manifest.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        self.chosen.descriptor()
    }

    /// The proof that the index lists it.
    ///
    /// # Errors
    /// Why it could not be had, or is not what is listed.
    pub fn listed(&self) -> Result<&ListedManifest, &Failure> {
        self.listed.as_ref()
    }

    /// Its signatures and attestations.
    #[must_use]
    pub fn attached(&self) -> &Attached {
        &self.attached
    }
}

impl PartialEq for PlatformEvidence {
    fn eq(&self, other: &Self) -> bool {
        self.descriptor() == other.descriptor() && self.listed == other.listed && self.attached == other.attached
    }
}

impl Eq for PlatformEvidence {}

impl Hash for PlatformEvidence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.descriptor(), &self.listed, &self.attached).hash(state);
    }
}

/// The artifact that signatures are about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Subject {
    /// Where it lives.
    pub repository: Repository,
    /// The digest that it was asked for by, else the SHA-256 digest of its bytes.
    pub digest: Digest,
    /// Media type of its manifest or index.
    pub media_type: String,
    /// The bytes of its manifest or index.
    pub document: Content,
}

impl Subject {
    /// The digest of the manifest or index.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// A tag that no longer points to the digest given beside it. The digest rules; this is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TagMoved {
    /// The tag.
    pub tag: Tag,
    /// The digest that the caller gave, and that is judged.
    pub given: Digest,
    /// The digest that the tag resolved to.
    pub found: Digest,
}

/// Where signatures of an image are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// The tag `sha256-<hex>.sig` (cosign `specs/SIGNATURE_SPEC.md`).
    CosignTag,
    /// The referrers API (distribution-spec, "Listing Referrers").
    ReferrersApi,
    /// The tag `sha256-<hex>`, where there is no such API ("Unavailable Referrers API").
    ReferrersTag,
    /// The tag `sha256-<hex>.att` (cosign `specs/ATTESTATION_SPEC.md`).
    AttestationTag,
}

impl Layout {
    /// Every layout, in order.
    pub const ALL: &'static [Self] = &[Self::CosignTag, Self::ReferrersApi, Self::ReferrersTag, Self::AttestationTag];

    /// The stable name, as reports and saved evidence show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CosignTag => "cosign-tag",
            Self::ReferrersApi => "referrers-api",
            Self::ReferrersTag => "referrers-tag",
            Self::AttestationTag => "attestation-tag",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came of looking into a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayoutState {
    /// Something is there (perhaps an empty list).
    Found,
    /// A plain "there is none".
    NotFound,
    /// It could not be found out; a note says why.
    Unknown,
}

impl LayoutState {
    pub(super) const ALL: &'static [Self] = &[Self::Found, Self::NotFound, Self::Unknown];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NotFound => "not-found",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that may be a signature or attestation of the image. Nothing is verified but its digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Candidate {
    /// Where it was found.
    pub layout: Layout,
    /// Its number in that layout, from 0: the layer of the tagged manifest, or the entry of the referrers list.
    pub position: usize,
    /// The number of its layer, where a referrer carries cosign's signatures, one a layer.
    pub layer: Option<usize>,
    /// Digest of the blob that it consists of, where that is known.
    pub digest: Option<Digest>,
    /// The manifest that carries it, where that could be had.
    pub manifest: Option<Content>,
    /// What it is.
    pub kind: CandidateKind,
}

/// What a [`Candidate`] is, by the media type of its layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CandidateKind {
    /// A simple-signing payload; signature and signer stand in the annotations of its layer.
    SimpleSigning {
        /// The payload.
        payload: Content,
        /// The annotations of the layer.
        annotations: BTreeMap<String, String>,
    },
    /// A Sigstore bundle.
    Bundle {
        /// The bundle.
        bundle: Content,
        /// Media type of its layer.
        media_type: String,
    },
    /// A DSSE envelope of the `.att` tag; the signer stands in the annotations of its layer.
    Attestation {
        /// The envelope.
        envelope: Content,
        /// The annotations of the layer.
        annotations: BTreeMap<String, String>,
    },
    /// It cannot be looked at, and why. Never counts.
    Unusable(Failure),
}

/// Something that was noticed while gathering.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Note {
    /// The layout that it is about; `None` for the image itself.
    pub layout: Option<Layout>,
    /// What was noticed.
    pub failure: Failure,
    /// Whether candidates may be missing because of it: something was skipped, denied, failed or truncated. When nothing
    /// is accepted then, the outcome is undecided.
    pub hides_candidates: bool,
}

/// Where evidence came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvidenceOrigin {
    /// A session asked for all of it.
    Gathered,
    /// It was loaded; what it says of tags, absence and completeness are claims.
    Loaded,
}

/// Orders notes by content, so that their order does not depend on which answer came first.
pub(super) fn sort_notes(notes: &mut [Note]) {
    notes.sort_by_cached_key(|note| (note.layout, note.failure.code().number(), note.failure.detail(), note.hides_candidates));
}
