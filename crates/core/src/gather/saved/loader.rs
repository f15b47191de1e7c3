//! [`Loader`]: candidates from blobs, by the rules of gathering.

use super::document::{SavedCandidate, SavedNote, invalid, layout_named, load_layouts};
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::gather::evidence::{Attached, Candidate, CandidateKind, Layout, Note, sort_notes};
use crate::gather::rules::{Referrer, Use, check_content, check_stated_size, read_referrer};
use crate::limits::{Limits, MAX_GATHERED_BYTES};
use crate::oci::{Descriptor, Listing};
use std::collections::{BTreeMap, BTreeSet};

/// Reads candidates from blobs; each manifest and each blob is hashed and read once, however many candidates name it, so
/// that a small file does not become a large one in memory.
pub(super) struct Loader<'a> {
    pub(super) blob: &'a mut dyn FnMut(&Digest) -> Option<Vec<u8>>,
    pub(super) limits: &'a Limits,
    pub(super) image: Digest,
    pub(super) manifests: BTreeMap<Digest, Result<Content, Failure>>,
    pub(super) listings: BTreeMap<Digest, Result<Listing, Failure>>,
    pub(super) contents: BTreeMap<(Digest, u64), Result<Content, Failure>>,
    /// Bytes of blobs that may still be read.
    pub(super) left: u64,
}

impl Loader<'_> {
    /// What is attached to the manifest or index that is being looked at.
    ///
    /// # Errors
    /// As [`Loader::candidate`].
    pub(super) fn attached(
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
    pub(super) fn candidate(&mut self, layout: Layout, saved: SavedCandidate) -> Result<Candidate, Failure> {
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

    pub(super) fn manifest(&mut self, digest: &Digest) -> Result<Content, Failure> {
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
