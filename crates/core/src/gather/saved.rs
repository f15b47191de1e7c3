//! Saved evidence: one JSON document and the blobs that it names, to judge again later or elsewhere.
//!
//! Loading trusts nothing: every blob is hashed again, every rule of gathering is applied to the bytes again, and what
//! a digest cannot prove stays a claim. Does not read or write files; whoever stores the parts puts them into an OCI
//! layout, an archive or a database.
//!
//! # The document, `veriseal.evidence/v1`
//!
//! Strict JSON: every field is named here, others are refused, optional ones are left out rather than `null`.
//!
//! | field | meaning |
//! |---|---|
//! | `format` | `veriseal.evidence/v1` |
//! | `image.registry` | registry of the image; left out for a layout |
//! | `image.path` | path of the repository, or label of the layout |
//! | `image.digest` | digest of the image's manifest or index, whose bytes are a blob |
//! | `image.mediaType` | media type of that document |
//! | `claims.askedTag`, `claims.askedDigest` | what was asked for |
//! | `claims.tagDigest` | what the asked tag resolved to |
//! | `claims.layouts` | for each layout asked (`cosign-tag`, `referrers-api`, `referrers-tag`, `attestation-tag`) what came of it: `found`, `not-found`, `unknown` |
//! | `claims.ignoredReferrers` | number of referrers of other kinds |
//! | `claims.complete` | whether all that was asked for could be found out |
//! | `claims.notes[]` | `layout` (left out for the image), `failure`, `hidesCandidates` |
//! | `candidates[]` | ordered by layout and position, none twice: |
//! | `….layout`, `….position` | where it was found: the layer of the tagged manifest, or the entry of the referrers list |
//! | `….manifest` | digest of the manifest that carries it, whose bytes are a blob |
//! | `….blob` | digest of the signature's blob, which must be the one that the manifest names |
//! | `….layer` | number of its layer, where a referrer carries cosign's signatures |
//! | `….failure` | why it was unusable; left out for usable ones |
//! | `claims.signatureRepository` | where signatures were looked for, where that is not the image's repository |
//! | `platforms` | left out where none were asked for |
//! | `platforms.choice[]` | `all`, or the platforms asked for |
//! | `platforms.configuration` | digest of the configuration of an image that is no index, whose bytes are a blob |
//! | `platforms.failures[]` | why nested indexes could not be read |
//! | `platforms.manifests[]` | one for each manifest that the choice takes from the index, in order: |
//! | `….digest` | digest of the manifest, whose bytes are a blob |
//! | `….failure` | why it could not be had |
//! | `….layouts`, `….ignoredReferrers`, `….notes[]`, `….candidates[]` | as above, of this manifest |
//! | `failure` | `code`, and `expected`, `found`, `at` where there is such text |
//!
//! Signature annotations, sizes and media types are not repeated: they are read from the manifests' bytes.

mod platforms;

use self::platforms::SavedPlatforms;
use super::evidence::{
    Attached, Candidate, CandidateKind, Evidence, EvidenceOrigin, Layout, LayoutState, Note, PlatformsFound, Subject, TagMoved,
    sort_notes,
};
use super::rules::{Referrer, Use, check_content, check_stated_size, read_referrer};
use crate::code::{Class, Code, Failure};
use crate::digest::{Content, Digest};
use crate::encoding::json;
use crate::limits::{Limits, MAX_GATHERED_BYTES};
use crate::oci::{Descriptor, Document, Listing, Reference, Repository, Tag};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The format that this version writes, and the only one that it reads.
pub const SAVED_EVIDENCE_FORMAT: &str = "veriseal.evidence/v1";
/// Media type of the document, for whoever stores it where media types are kept.
pub const SAVED_EVIDENCE_MEDIA_TYPE: &str = "application/vnd.veriseal.evidence.v1+json";
/// Most candidates, and most notes, that are read at all.
const MAX_READ: usize = 10_000;

/// Evidence taken apart for storage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedEvidence {
    /// The document; equal evidence gives equal bytes.
    pub document: Vec<u8>,
    /// The blobs that it names, as far as they were had.
    pub blobs: BTreeMap<Digest, Arc<[u8]>>,
}

impl Evidence {
    /// Takes the evidence apart for storage. [`Evidence::load`] puts it together again.
    #[must_use]
    pub fn to_saved(&self) -> SavedEvidence {
        let mut blobs = BTreeMap::new();
        let mut keep = |content: &Content| {
            blobs.insert(*content.digest(), content.shared());
            *content.digest()
        };
        keep(&self.subject.document);
        let candidates = SavedCandidate::all(&self.attached, &mut keep);
        let platforms = SavedPlatforms::of(&self.platforms, &mut keep);
        let repository = &self.subject.repository;
        let document = SavedDocument {
            format: SAVED_EVIDENCE_FORMAT.to_owned(),
            image: SavedImage {
                registry: repository.registry().map(str::to_owned),
                path: repository.path().to_owned(),
                digest: self.subject.digest,
                media_type: self.subject.media_type.clone(),
            },
            claims: SavedClaims {
                asked_tag: self.reference.tag().map(ToString::to_string),
                asked_digest: self.reference.digest().copied(),
                tag_digest: self.tag.as_ref().map(|(_, digest)| *digest),
                signature_repository: self.signature_repository.as_ref().map(SavedRepository::of),
                layouts: saved_layouts(&self.attached),
                ignored_referrers: self.attached.ignored_referrers,
                complete: self.complete,
                notes: saved_notes(&self.attached),
            },
            candidates,
            platforms,
        };
        // Strings, numbers, lists and maps with text keys: nothing here that JSON cannot write.
        let document = serde_json::to_vec_pretty(&document).unwrap_or_default();
        SavedEvidence { document, blobs }
    }

    /// Puts saved evidence together again, taking each blob from `blob` by its digest.
    ///
    /// Everything is hashed and measured again, and signatures are found in the manifests by the rules of gathering. A
    /// candidate whose bytes are missing, altered or beyond `limits` is unusable and hides no other. The result is marked
    /// [`EvidenceOrigin::Loaded`]: what it says of tags, absence and completeness are claims of the file.
    ///
    /// Which image the evidence is about must still be compared: [`Evidence::require_image`].
    ///
    /// # Errors
    /// [`Code::EvidenceInvalid`] when the document is not exactly of this format or contradicts itself, or when the
    /// image's own bytes are missing or altered.
    pub fn load(document: &[u8], blob: &mut dyn FnMut(&Digest) -> Option<Vec<u8>>, limits: &Limits) -> Result<Self, Failure> {
        let most = limits.manifest_bytes;
        check_stated_size(u64::try_from(document.len()).unwrap_or(u64::MAX), most)
            .map_err(|failure| invalid(failure.detail()))?;
        let saved: SavedDocument =
            json::parse(document, limits.json_depth).map_err(|error| error.failure(Code::EvidenceInvalid))?;
        if saved.format != SAVED_EVIDENCE_FORMAT {
            return Err(invalid(saved.format).expected(SAVED_EVIDENCE_FORMAT));
        }
        let subject = saved.image.load(blob, limits)?;
        let (reference, tag, moved) = saved.claims.load_reference(&subject)?;
        let signature_repository = saved.claims.signature_repository.as_ref().map(SavedRepository::load).transpose()?;
        let mut loader = Loader {
            blob,
            limits,
            image: subject.digest,
            manifests: BTreeMap::new(),
            listings: BTreeMap::new(),
            contents: BTreeMap::new(),
            left: MAX_GATHERED_BYTES,
        };
        let claims = &saved.claims;
        let attached = loader.attached(&claims.layouts, &claims.notes, claims.ignored_referrers, saved.candidates)?;
        let platforms = match saved.platforms {
            Some(platforms) => platforms.load(&subject, &mut loader)?,
            None => PlatformsFound::default(),
        };
        Ok(Self {
            reference,
            subject,
            tag,
            moved,
            signature_repository,
            complete: saved.claims.complete && attached.nothing_hidden() && platforms.nothing_hidden(),
            attached,
            platforms,
            origin: EvidenceOrigin::Loaded,
        })
    }
}

fn saved_layouts(attached: &Attached) -> BTreeMap<String, String> {
    attached.layouts.iter().map(|(layout, state)| (layout.name().to_owned(), state.name().to_owned())).collect()
}

fn saved_notes(attached: &Attached) -> Vec<SavedNote> {
    let note = |note: &Note| SavedNote {
        layout: note.layout.map(|layout| layout.name().to_owned()),
        failure: SavedFailure::of(&note.failure),
        hides_candidates: note.hides_candidates,
    };
    attached.notes.iter().map(note).collect()
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedDocument {
    format: String,
    image: SavedImage,
    claims: SavedClaims,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    candidates: Vec<SavedCandidate>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    platforms: Option<SavedPlatforms>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedRepository {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    registry: Option<String>,
    path: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedImage {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    registry: Option<String>,
    path: String,
    digest: Digest,
    media_type: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedClaims {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    asked_tag: Option<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    asked_digest: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    tag_digest: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    signature_repository: Option<SavedRepository>,
    layouts: BTreeMap<String, String>,
    ignored_referrers: usize,
    complete: bool,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    notes: Vec<SavedNote>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedNote {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    layout: Option<String>,
    failure: SavedFailure,
    hides_candidates: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedCandidate {
    layout: String,
    position: usize,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    layer: Option<usize>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    manifest: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    blob: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    failure: Option<SavedFailure>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedFailure {
    code: String,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

fn invalid(found: impl std::fmt::Display) -> Failure {
    Failure::new(Code::EvidenceInvalid).found(found)
}

fn layout_named(name: &str) -> Result<Layout, Failure> {
    Layout::ALL.iter().copied().find(|layout| layout.name() == name).ok_or_else(|| invalid(name).expected("the name of a layout"))
}

impl SavedFailure {
    fn of(failure: &Failure) -> Self {
        Self {
            code: failure.code().name().to_owned(),
            expected: failure.expected_text().map(str::to_owned),
            found: failure.found_text().map(str::to_owned),
            at: failure.at_text().map(str::to_owned),
        }
    }

    /// The failure that is claimed. No claim of a file may say "accepted".
    fn load(&self) -> Result<Failure, Failure> {
        let code = Code::ALL.iter().copied().find(|code| code.name() == self.code && code.class() != Class::Accepted);
        let mut failure = Failure::new(code.ok_or_else(|| invalid(&self.code).expected("the code of a failure"))?);
        if let Some(text) = &self.expected {
            failure = failure.expected(text);
        }
        if let Some(text) = &self.found {
            failure = failure.found(text);
        }
        if let Some(text) = &self.at {
            failure = failure.at(text);
        }
        Ok(failure)
    }
}

impl SavedCandidate {
    /// The candidates without their bytes, which `keep` takes.
    fn all(attached: &Attached, keep: &mut dyn FnMut(&Content) -> Digest) -> Vec<Self> {
        let mut candidates = Vec::new();
        for candidate in &attached.candidates {
            let failure = match &candidate.kind {
                CandidateKind::SimpleSigning { payload: content, .. }
                | CandidateKind::Attestation { envelope: content, .. }
                | CandidateKind::Bundle { bundle: content, .. } => {
                    keep(content);
                    None
                }
                CandidateKind::Unusable(failure) => Some(SavedFailure::of(failure)),
            };
            candidates.push(Self {
                layout: candidate.layout.name().to_owned(),
                position: candidate.position,
                layer: candidate.layer,
                manifest: candidate.manifest.as_ref().map(&mut *keep),
                blob: candidate.digest,
                failure,
            });
        }
        candidates
    }
}

impl SavedRepository {
    fn of(repository: &Repository) -> Self {
        Self { registry: repository.registry().map(str::to_owned), path: repository.path().to_owned() }
    }

    fn load(&self) -> Result<Repository, Failure> {
        let Some(registry) = &self.registry else { return Ok(Repository::layout(&self.path)) };
        let name = format!("{registry}/{}", self.path);
        let parsed = name.parse::<Repository>().ok().filter(|parsed| parsed.to_string() == name);
        parsed.ok_or_else(|| invalid(&name).expected("a repository in canonical form"))
    }
}

impl SavedImage {
    fn load(&self, blob: &mut dyn FnMut(&Digest) -> Option<Vec<u8>>, limits: &Limits) -> Result<Subject, Failure> {
        let repository = SavedRepository { registry: self.registry.clone(), path: self.path.clone() }.load()?;
        let image = |failure: Failure| invalid(&failure).at("the image");
        let bytes = blob(&self.digest).ok_or_else(|| image(Failure::new(Code::Dangling).at(self.digest)))?;
        let document = Content::check(&self.digest, bytes).map_err(image)?;
        let parsed = Document::parse(document.bytes(), Some(&self.media_type), limits).map_err(image)?;
        if parsed.media_type() != self.media_type {
            return Err(invalid(&self.media_type).expected(parsed.media_type()).at("the image"));
        }
        Ok(Subject { repository, digest: self.digest, media_type: self.media_type.clone(), document })
    }
}

impl SavedClaims {
    /// What was asked for, what its tag resolved to, and whether that is another digest.
    #[allow(clippy::type_complexity, reason = "taken apart at once by the only caller")]
    fn load_reference(&self, subject: &Subject) -> Result<(Reference, Option<(Tag, Digest)>, Option<TagMoved>), Failure> {
        let contradiction = |found: &Digest| invalid(found).expected(subject.digest).at("claims");
        let tag = self.asked_tag.as_deref().map(str::parse::<Tag>).transpose().map_err(|failure| invalid(failure.detail()))?;
        if let Some(asked) = self.asked_digest.filter(|asked| *asked != subject.digest) {
            return Err(contradiction(&asked));
        }
        let resolved = match (&tag, self.tag_digest) {
            (Some(tag), Some(digest)) => Some((tag.clone(), digest)),
            (_, None) => None,
            (None, Some(digest)) => return Err(contradiction(&digest)),
        };
        let moved = match &resolved {
            Some((tag, found)) if *found != subject.digest => {
                let given = self.asked_digest.ok_or_else(|| contradiction(found))?;
                Some(TagMoved { tag: tag.clone(), given, found: *found })
            }
            _ => None,
        };
        Ok((Reference::new(subject.repository.clone(), tag, self.asked_digest), resolved, moved))
    }
}

fn load_layouts(saved: &BTreeMap<String, String>) -> Result<BTreeMap<Layout, LayoutState>, Failure> {
    let mut layouts = BTreeMap::new();
    for (layout, state) in saved {
        let found = LayoutState::ALL.iter().copied().find(|known| known.name() == state);
        layouts.insert(layout_named(layout)?, found.ok_or_else(|| invalid(state).expected("the state of a layout"))?);
    }
    Ok(layouts)
}

impl SavedNote {
    fn load(&self) -> Result<Note, Failure> {
        Ok(Note {
            layout: self.layout.as_deref().map(layout_named).transpose()?,
            failure: self.failure.load()?,
            hides_candidates: self.hides_candidates,
        })
    }
}

/// Reads candidates from blobs; each manifest and each blob is hashed and read once, however many candidates name it, so
/// that a small file does not become a large one in memory.
struct Loader<'a> {
    blob: &'a mut dyn FnMut(&Digest) -> Option<Vec<u8>>,
    limits: &'a Limits,
    image: Digest,
    manifests: BTreeMap<Digest, Result<Content, Failure>>,
    listings: BTreeMap<Digest, Result<Listing, Failure>>,
    contents: BTreeMap<(Digest, u64), Result<Content, Failure>>,
    /// Bytes of blobs that may still be read.
    left: u64,
}

impl Loader<'_> {
    /// What is attached to the manifest or index that is being looked at.
    ///
    /// # Errors
    /// As [`Loader::candidate`].
    fn attached(
        &mut self,
        layouts: &BTreeMap<String, String>,
        notes: &[SavedNote],
        ignored_referrers: usize,
        saved: Vec<SavedCandidate>,
    ) -> Result<Attached, Failure> {
        let layouts = load_layouts(layouts)?;
        let mut notes: Vec<_> = notes.iter().map(SavedNote::load).collect::<Result<_, _>>()?;
        let max = self.limits.candidates_fetched;
        let mut counts: BTreeMap<Layout, usize> = BTreeMap::new();
        let mut places = BTreeSet::new();
        let mut candidates = Vec::new();
        for candidate in saved {
            let layout = layout_named(&candidate.layout)?;
            if !places.insert((layout, candidate.position, candidate.layer)) {
                return Err(invalid(format_args!("candidate {} of {layout} twice", candidate.position)));
            }
            let count = counts.entry(layout).or_default();
            *count = count.saturating_add(1);
            if *count <= max {
                candidates.push(self.candidate(layout, candidate)?);
            }
        }
        for (layout, count) in counts.into_iter().filter(|(_, count)| *count > max) {
            let failure = Failure::new(Code::CandidatesTruncated).expected(format_args!("at most {max} candidates")).found(count);
            notes.push(Note { layout: Some(layout), failure, hides_candidates: true });
        }
        candidates.sort_by_key(|candidate| (candidate.layout, candidate.position, candidate.layer));
        sort_notes(&mut notes);
        Ok(Attached { layouts, candidates, ignored_referrers, notes })
    }

    /// # Errors
    /// [`Code::EvidenceInvalid`] when document and manifest contradict each other; all else makes it unusable.
    fn candidate(&mut self, layout: Layout, saved: SavedCandidate) -> Result<Candidate, Failure> {
        let manifest = saved.manifest.map(|digest| self.manifest(&digest));
        let content = manifest.as_ref().and_then(|manifest| manifest.as_ref().ok()).cloned();
        let kind = match (saved.failure, manifest) {
            (Some(failure), _) => CandidateKind::Unusable(failure.load()?),
            (None, None) => return Err(invalid("a candidate without manifest").at(layout)),
            (None, Some(Err(failure))) => CandidateKind::Unusable(failure),
            (None, Some(Ok(manifest))) => match self.layer(layout, saved.position, saved.layer, &manifest) {
                Ok((layer, _)) if saved.blob != Some(layer.digest) => {
                    let found = saved.blob.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
                    return Err(invalid(found).expected(layer.digest).at("the blob of a candidate"));
                }
                Ok((layer, usage)) => match self.content(&layer, &usage) {
                    Ok(content) => usage.of(content),
                    Err(failure) => CandidateKind::Unusable(failure),
                },
                Err(failure) => CandidateKind::Unusable(failure),
            },
        };
        Ok(Candidate { layout, position: saved.position, layer: saved.layer, digest: saved.blob, manifest: content, kind })
    }

    fn manifest(&mut self, digest: &Digest) -> Result<Content, Failure> {
        if let Some(known) = self.manifests.get(digest) {
            return known.clone();
        }
        let content = match (self.blob)(digest) {
            Some(bytes) => check_stated_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX), self.limits.manifest_bytes)
                .and_then(|()| Content::check(digest, bytes)),
            None => Err(Failure::new(Code::Dangling)),
        };
        let content = content.map_err(|failure| failure.at(digest));
        self.manifests.insert(*digest, content.clone());
        content
    }

    /// The layer of a manifest that makes this candidate.
    fn layer(
        &mut self,
        layout: Layout,
        position: usize,
        number: Option<usize>,
        manifest: &Content,
    ) -> Result<(Descriptor, Use), Failure> {
        match layout {
            Layout::CosignTag | Layout::AttestationTag => {
                if let Some(number) = number {
                    return Err(invalid(number).expected("no number of a layer beside its position").at(layout));
                }
                let limits = self.limits;
                let read = || Listing::of_layers(manifest.bytes(), None, limits);
                let listing = self.listings.entry(*manifest.digest()).or_insert_with(read);
                let listing = listing.as_ref().map_err(Clone::clone)?;
                let layer = listing.entries.get(position).ok_or_else(|| Failure::new(Code::Dangling).at(manifest.digest()))?;
                let layer = layer.as_ref().map_err(Clone::clone)?;
                let unsupported = || Failure::new(Code::LayerUnsupported).found(&layer.media_type);
                Ok((layer.clone(), Use::of_layer(layout, layer).ok_or_else(unsupported)?))
            }
            Layout::ReferrersApi | Layout::ReferrersTag => {
                match read_referrer(manifest.bytes(), None, &self.image, true, self.limits)? {
                    Referrer::Layers(read) => {
                        let layer = read.layers.into_iter().find(|(known, ..)| *known == number);
                        let (_, layer, usage) = layer.ok_or_else(|| Failure::new(Code::Dangling).at(manifest.digest()))?;
                        Ok((layer, usage))
                    }
                    Referrer::Other(found) => Err(Failure::new(Code::LayerUnsupported).found(found)),
                }
            }
        }
    }

    fn content(&mut self, layer: &Descriptor, usage: &Use) -> Result<Content, Failure> {
        check_stated_size(layer.size, usage.max_bytes(self.limits)).map_err(|failure| failure.at(layer.digest))?;
        let key = (layer.digest, layer.size);
        if let Some(known) = self.contents.get(&key) {
            return known.clone();
        }
        let content = match self.left.checked_sub(layer.size) {
            Some(left) => {
                self.left = left;
                let bytes = (self.blob)(&layer.digest).ok_or_else(|| Failure::new(Code::Dangling).at(layer.digest));
                bytes.and_then(|bytes| check_content(&layer.digest, layer.size, bytes))
            }
            None => Err(Failure::new(Code::CandidatesTruncated)
                .expected(format_args!("at most {MAX_GATHERED_BYTES} bytes in all"))
                .at(layer.digest)),
        };
        self.contents.insert(key, content.clone());
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::session::tests::{World, gather_from, layer_json, signed_every_way, troubled, troubles, usable};
    use crate::oci::media_type;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn load(saved: &SavedEvidence) -> Result<Evidence, Failure> {
        load_within(saved, &Limits::DEFAULT)
    }

    fn load_within(saved: &SavedEvidence, limits: &Limits) -> Result<Evidence, Failure> {
        Evidence::load(&saved.document, &mut |digest| saved.blobs.get(digest).map(|bytes| bytes.to_vec()), limits)
    }

    fn edited(saved: &SavedEvidence, edit: impl FnOnce(&mut Value)) -> SavedEvidence {
        let mut document: Value = serde_json::from_slice(&saved.document).unwrap();
        edit(&mut document);
        SavedEvidence { document: document.to_string().into_bytes(), blobs: saved.blobs.clone() }
    }

    fn loaded(mut evidence: Evidence) -> Evidence {
        evidence.origin = EvidenceOrigin::Loaded;
        evidence
    }

    #[test]
    fn saved_evidence_loads_as_it_was_but_marked() {
        let (world, expected) = signed_every_way();
        for reference in [world.by_digest(), world.by_tag(), world.by_both(world.image.digest)] {
            let evidence = world.gather(&reference, &Limits::DEFAULT).unwrap();
            let saved = evidence.to_saved();
            let again = load(&saved).unwrap();
            assert_eq!(usable(&again), expected);
            assert_eq!(again.to_saved(), saved);
            assert!(again.is_complete() && !again.proves_absence());
            assert_eq!(again, loaded(evidence));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

        /// Failures and notes come through as well.
        #[test]
        fn whatever_was_gathered_loads_as_it_was(seed: u64) {
            let (fetch, reference, limits) = troubled(seed);
            if let Ok(evidence) = gather_from(&fetch, &reference, &limits) {
                prop_assert_eq!(load(&evidence.to_saved()).unwrap(), loaded(evidence));
            }
        }
    }

    #[test]
    fn a_moved_tag_is_kept_as_a_claim() {
        let mut world = World::new();
        let other = world.store.put_manifest(&world.repository, "a/b", "other", Some("v1".parse().unwrap()));
        let evidence = world.gather(&world.by_both(world.image.digest), &Limits::DEFAULT).unwrap();
        let again = load(&evidence.to_saved()).unwrap();
        assert_eq!(again.moved().unwrap().found, other.digest);
        assert_eq!(again.moved(), evidence.moved());
    }

    #[test]
    fn a_layout_is_an_image_too() {
        let mut world = World::new();
        let layout = Repository::layout("oci/../dir");
        let image = world.image.digest;
        let bytes = world.evidence().subject().document.bytes().to_vec();
        world.store.put_manifest(&layout, media_type::OCI_MANIFEST, bytes, Some("v1".parse().unwrap()));
        let evidence = world.gather(&Reference::layout(layout.clone(), None, None), &Limits::DEFAULT).unwrap();
        let again = load(&evidence.to_saved()).unwrap();
        assert_eq!(again.require_image(&layout, &image), Ok(()));
        assert_eq!(again, loaded(evidence));
    }

    /// K-EV-01: which image is meant the caller says, and evidence for another one is of no use.
    #[test]
    fn evidence_for_another_image_is_refused() {
        let (world, _) = signed_every_way();
        let evidence = world.evidence();
        assert_eq!(evidence.require_image(&world.repository, &world.image.digest), Ok(()));
        let elsewhere: Repository = "reg.example/other".parse().unwrap();
        let code = |outcome: Result<(), Failure>| outcome.unwrap_err().code();
        assert_eq!(code(evidence.require_image(&elsewhere, &world.image.digest)), Code::EvidenceForOtherImage);
        let other = Digest::sha256(b"other");
        assert_eq!(code(evidence.require_image(&world.repository, &other)), Code::EvidenceForOtherImage);
        // Edited to name the repository that the caller means, it still does not get another digest.
        let saved = evidence.to_saved();
        let renamed = load(&edited(&saved, |document| document["image"]["path"] = json!("other"))).unwrap();
        assert_eq!(code(renamed.require_image(&world.repository, &world.image.digest)), Code::EvidenceForOtherImage);
        let digest = edited(&saved, |document| document["image"]["digest"] = json!(other));
        assert_eq!(load(&digest).unwrap_err().code(), Code::EvidenceInvalid);
    }

    /// K-EV-02: what is left out is gone, but its absence proves nothing; what is added must be in the bytes.
    #[test]
    fn candidates_left_out_or_added_prove_nothing() {
        let (world, expected) = signed_every_way();
        let saved = world.evidence().to_saved();
        let without = edited(&saved, |document| {
            document["candidates"].as_array_mut().unwrap().remove(0);
            document["claims"]["layouts"]["cosign-tag"] = json!("not-found");
        });
        let evidence = load(&without).unwrap();
        assert_eq!(usable(&evidence), expected[1..]);
        assert!(!evidence.proves_absence());
        // What the file itself calls incomplete stays so.
        let incomplete = edited(&saved, |document| document["claims"]["complete"] = json!(false));
        assert!(!load(&incomplete).unwrap().is_complete());
        // The same layer a second time, or a layer that the manifest does not have.
        let twice = edited(&saved, |document| {
            let first = document["candidates"][0].clone();
            document["candidates"].as_array_mut().unwrap().push(first);
        });
        assert_eq!(load(&twice).unwrap_err().code(), Code::EvidenceInvalid);
        let beyond = edited(&saved, |document| document["candidates"][0]["position"] = json!(1));
        assert_eq!(troubles(&load(&beyond).unwrap()), [(Some(Layout::CosignTag), Code::Dangling)]);
        // Another layout makes no other kind of evidence out of the same bytes.
        let moved = edited(&saved, |document| document["candidates"][0]["layout"] = json!("referrers-tag"));
        assert_eq!(troubles(&load(&moved).unwrap()), [(Some(Layout::ReferrersTag), Code::LayerUnsupported)]);
        let moved = edited(&saved, |document| document["candidates"][0]["layout"] = json!("attestation-tag"));
        assert_eq!(load(&moved).unwrap_err().code(), Code::EvidenceInvalid);
    }

    /// K-EV-03: a byte changed in any blob, or a missing one, makes unusable what depends on it and nothing else.
    #[test]
    fn an_altered_or_missing_blob_is_refused() {
        let (world, expected) = signed_every_way();
        let saved = world.evidence().to_saved();
        assert_eq!(saved.blobs.len(), 7);
        for digest in saved.blobs.keys() {
            for is_missing in [false, true] {
                let mut spoilt = saved.clone();
                let bytes = spoilt.blobs.remove(digest).unwrap();
                if !is_missing {
                    let mut bytes = bytes.to_vec();
                    *bytes.last_mut().unwrap() ^= 1;
                    spoilt.blobs.insert(*digest, bytes.into());
                }
                if *digest == world.image.digest {
                    assert_eq!(load(&spoilt).unwrap_err().code(), Code::EvidenceInvalid);
                    continue;
                }
                let evidence = load(&spoilt).unwrap();
                let code = if is_missing { Code::Dangling } else { Code::DigestMismatch };
                assert_eq!(troubles(&evidence).iter().map(|(_, code)| *code).collect::<Vec<_>>(), [code]);
                assert_eq!(usable(&evidence).len(), expected.len() - 1);
                assert!(!evidence.is_complete());
            }
        }
    }

    /// K-EV-03: however many candidates name a blob, it is read once, so that a small file stays small in memory.
    #[test]
    fn a_blob_that_many_candidates_name_is_read_once() {
        let mut world = World::new();
        let layer = world.sign("payload", "0");
        world.sign_with_layers((0..50).map(|n: usize| layer_json(&layer, &n.to_string())).collect());
        let saved = world.evidence().to_saved();
        let mut asked = BTreeMap::<Digest, usize>::new();
        let mut blob = |digest: &Digest| {
            *asked.entry(*digest).or_default() += 1;
            saved.blobs.get(digest).map(|bytes| bytes.to_vec())
        };
        let evidence = Evidence::load(&saved.document, &mut blob, &Limits::DEFAULT).unwrap();
        assert_eq!(usable(&evidence).len(), 50);
        assert!(asked.values().all(|count| *count == 1), "{asked:?}");
    }

    /// K-EV-03: what all candidates state together is bounded as it was when gathering.
    #[test]
    fn all_candidates_together_are_bounded_at_load() {
        let mut world = World::new();
        let layer = world.sign("payload", "0");
        let most = MAX_GATHERED_BYTES / 16;
        let limits = Limits { payload_bytes: most, ..Limits::DEFAULT };
        let layers = (0..17).map(|n: u64| Descriptor { size: most - (16 - n), ..layer.clone() });
        world.sign_with_layers(layers.map(|layer| layer_json(&layer, "0")).collect());
        let saved = world.gather(&world.by_digest(), &limits).unwrap().to_saved();
        let mut saved = edited(&saved, |document| {
            let mut candidate = document["candidates"][0].clone();
            candidate.as_object_mut().unwrap().remove("failure");
            let numbered = |n: usize| {
                let mut candidate = candidate.clone();
                candidate["position"] = json!(n);
                candidate
            };
            document["candidates"] = (0..17).map(numbered).collect();
        });
        saved.blobs.insert(layer.digest, Arc::from(b"payload".as_slice()));
        let codes: Vec<_> = troubles(&load_within(&saved, &limits).unwrap()).into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes.iter().filter(|code| **code == Code::SizeMismatch).count(), 16);
        assert!(codes.contains(&Code::CandidatesTruncated), "{codes:?}");
    }

    /// K-EV-03: the limits hold at load.
    #[test]
    fn limits_hold_at_load() {
        let mut world = World::new();
        let layer = world.sign("payload", "0");
        world.sign_with_layers((0..5).map(|n: usize| layer_json(&layer, &n.to_string())).collect());
        world.refer("bundle");
        world.attest("envelope");
        let saved = world.evidence().to_saved();
        let few = Limits { candidates_fetched: 3, ..Limits::DEFAULT };
        let evidence = load_within(&saved, &few).unwrap();
        assert_eq!(usable(&evidence).len(), 5);
        assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), Code::CandidatesTruncated)]);
        let small = Limits { payload_bytes: 6, bundle_bytes: 5, attestation_bytes: 7, ..Limits::DEFAULT };
        let evidence = load_within(&saved, &small).unwrap();
        assert_eq!(usable(&evidence), []);
        assert!(troubles(&evidence).iter().all(|(_, code)| *code == Code::TooLarge));
        let tiny = Limits { manifest_bytes: 100, ..Limits::DEFAULT };
        assert_eq!(load_within(&saved, &tiny).unwrap_err().code(), Code::EvidenceInvalid);
    }

    /// K-EV-01, K-EV-03: whatever contradicts the format or itself is no evidence.
    #[test]
    fn an_edited_document_is_evidence_invalid() {
        let (world, _) = signed_every_way();
        let saved = world.gather(&world.by_tag(), &Limits::DEFAULT).unwrap().to_saved();
        let other = json!(Digest::sha256(b"other"));
        type Edit = Box<dyn Fn(&mut Value)>;
        let set = |pointer: &'static str, value: Value| -> Edit {
            Box::new(move |document| *document.pointer_mut(pointer).unwrap() = value.clone())
        };
        let add = |pointer: &'static str, key: &'static str, value: Value| -> Edit {
            Box::new(move |document| document.pointer_mut(pointer).unwrap()[key] = value.clone())
        };
        let remove = |pointer: &'static str, key: &'static str| -> Edit {
            Box::new(move |document| {
                document.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
            })
        };
        let note = |layout: &str, code: &str| json!({ "layout": layout, "failure": { "code": code }, "hidesCandidates": true });
        let edits = vec![
            set("/format", json!("veriseal.evidence/v2")),
            set("/image/registry", json!("")),
            set("/image/registry", json!("index.docker.io")),
            set("/image/path", json!("UPPER")),
            set("/image/path", json!("app:tag")),
            set("/image/digest", json!("sha256:00")),
            set("/image/digest", other.clone()),
            set("/image/mediaType", json!(media_type::OCI_INDEX)),
            set("/image/mediaType", json!(media_type::DOCKER_MANIFEST)),
            set("/image/mediaType", json!("application/vnd.oci.image.manifest.v1+json; x")),
            set("/claims/askedTag", json!("-")),
            set("/claims/tagDigest", other.clone()),
            add("/claims", "askedDigest", other.clone()),
            remove("/claims", "askedTag"),
            remove("/claims", "complete"),
            remove("/image", "mediaType"),
            set("/claims/layouts/cosign-tag", json!("maybe")),
            add("/claims/layouts", "other", json!("found")),
            add("/claims", "notes", json!([note("other", "DENIED")])),
            add("/claims", "notes", json!([note("cosign-tag", "ACCEPTED")])),
            add("/claims", "notes", json!([note("cosign-tag", "NO_SUCH_CODE")])),
            add("", "more", json!(1)),
            add("/image", "more", json!(1)),
            add("/candidates/0", "more", json!(1)),
            set("/candidates/0/blob", other.clone()),
            remove("/candidates/0", "blob"),
            remove("/candidates/0", "manifest"),
            set("/candidates/0/manifest", Value::Null),
            set("/candidates/0/layout", json!("other")),
            set("/candidates/0/position", json!(-1)),
            add("/candidates/0", "failure", json!({ "code": "ACCEPTED" })),
        ];
        for (number, edit) in edits.into_iter().enumerate() {
            let outcome = load(&edited(&saved, edit));
            assert_eq!(outcome.unwrap_err().code(), Code::EvidenceInvalid, "edit {number}");
        }
        let text = String::from_utf8(saved.document.clone()).unwrap();
        for text in [
            String::new(),
            format!("{text}{{}}"),
            text.replacen("\"format\"", "\"format\":\"x\",\"f\\u006frmat\"", 1),
            text.replace("\"complete\": true", "\"complete\": true, \"complete\": true"),
        ] {
            let spoilt = SavedEvidence { document: text.into_bytes(), blobs: saved.blobs.clone() };
            assert_eq!(load(&spoilt).unwrap_err().code(), Code::EvidenceInvalid);
        }
    }
}
