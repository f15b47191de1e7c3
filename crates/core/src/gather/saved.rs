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

mod document;
mod loader;
mod platforms;

use self::document::{SavedCandidate, SavedClaims, SavedDocument, SavedFailure, SavedImage, SavedNote, SavedRepository, invalid};
use self::loader::Loader;
use self::platforms::SavedPlatforms;
use super::evidence::{Attached, Evidence, EvidenceOrigin, Note, PlatformsFound};
use super::rules::check_stated_size;
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::encoding::json;
use crate::limits::{Limits, MAX_GATHERED_BYTES};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The format that this version writes, and the only one that it reads.
pub const SAVED_EVIDENCE_FORMAT: &str = "veriseal.evidence/v1";
/// Media type of the document, for whoever stores it where media types are kept.
pub const SAVED_EVIDENCE_MEDIA_TYPE: &str = "application/vnd.veriseal.evidence.v1+json";

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

#[cfg(test)]
mod tests;
