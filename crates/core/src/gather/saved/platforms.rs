//! The platforms of saved evidence.
//!
//! Which manifests the index lists is found again from the bytes: the file cannot add one, leave one out or take
//! another's place.

use super::document::{SavedCandidate, SavedFailure, SavedNote, invalid};
use super::loader::Loader;
use super::{saved_layouts, saved_notes};
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::encoding::json;
use crate::gather::evidence::{PlatformEvidence, PlatformsFound, Subject};
use crate::gather::platforms::{Chosen, PlatformChoice, Walk, check_configured};
use crate::gather::rules::{check_content, check_stated_size};
use crate::oci::{Document, Manifest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most manifests that are read at all.
const MAX_READ: usize = 10_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedPlatforms {
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    choice: Vec<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    configuration: Option<Digest>,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    failures: Vec<SavedFailure>,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    manifests: Vec<SavedManifest>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedManifest {
    digest: Digest,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    failure: Option<SavedFailure>,
    layouts: BTreeMap<String, String>,
    ignored_referrers: usize,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    notes: Vec<SavedNote>,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    candidates: Vec<SavedCandidate>,
}

impl SavedPlatforms {
    /// What is stored of the platforms; nothing where none were asked for. `keep` takes the bytes.
    pub(super) fn of(found: &PlatformsFound, keep: &mut dyn FnMut(&Content) -> Digest) -> Option<Self> {
        if found.choice.is_index() {
            return None;
        }
        let mut manifests = Vec::new();
        for manifest in &found.manifests {
            manifest.chosen.nested().iter().for_each(|index| {
                keep(index);
            });
            let failure = match &manifest.listed {
                Ok(listed) => {
                    keep(listed.manifest());
                    None
                }
                Err(failure) => Some(SavedFailure::of(failure)),
            };
            manifests.push(SavedManifest {
                digest: manifest.descriptor().digest,
                failure,
                layouts: saved_layouts(&manifest.attached),
                ignored_referrers: manifest.attached.ignored_referrers,
                notes: saved_notes(&manifest.attached),
                candidates: SavedCandidate::all(&manifest.attached, keep),
            });
        }
        Some(Self {
            choice: found.choice.words(),
            configuration: found.configuration.as_ref().map(&mut *keep),
            failures: found.failures.iter().map(SavedFailure::of).collect(),
            manifests,
        })
    }

    /// Finds the platforms again.
    ///
    /// # Errors
    /// [`Code::EvidenceInvalid`] where what is stored is not what the index lists.
    pub(super) fn load(self, subject: &Subject, loader: &mut Loader<'_>) -> Result<PlatformsFound, Failure> {
        let refused = |failure: Failure| invalid(&failure).at("platforms");
        let choice = PlatformChoice::from_words(self.choice.iter().map(String::as_str)).map_err(refused)?;
        if choice.is_index() {
            return Err(invalid("index").expected("all, or platforms").at("platforms"));
        }
        let mut failures: Vec<_> = self.failures.iter().map(SavedFailure::load).collect::<Result<_, _>>()?;
        let document = &subject.document;
        let index = match Document::parse(document.bytes(), Some(&subject.media_type), loader.limits).map_err(refused)? {
            Document::Index(index) => index,
            Document::Manifest(manifest) => {
                if !self.manifests.is_empty() {
                    return Err(invalid(self.manifests.len())
                        .expected("no manifests, since the image is no index")
                        .at("platforms"));
                }
                let configuration = configuration(self.configuration, &manifest, &choice, loader).map_err(refused)?;
                return Ok(PlatformsFound { choice, configuration, manifests: Vec::new(), failures });
            }
        };
        if let Some(digest) = self.configuration {
            return Err(invalid(digest).expected("no configuration, since the image is an index").at("platforms"));
        }
        let mut walk = Walk::start(&choice, document, &index, loader.limits);
        // The search bounds itself.
        while !walk.is_done() {
            for (number, descriptor) in walk.wanted() {
                let content = loader.manifest(&descriptor.digest);
                walk.supply(number, content.map(|content| (content.bytes().to_vec(), None)));
            }
        }
        let (chosen, unread) = walk.finish().map_err(refused)?;
        // What the file says of why is kept; that something is missing it cannot hide.
        if failures.is_empty() {
            failures = unread;
        }
        let stored: Vec<_> = self.manifests.iter().map(|manifest| manifest.digest).collect();
        let listed: Vec<_> = chosen.iter().map(|chosen| chosen.descriptor().digest).collect();
        if stored != listed {
            let found = format!("{} other manifests than the index lists, or in another order", stored.len());
            return Err(invalid(found).at("platforms"));
        }
        let mut manifests = Vec::new();
        for (chosen, saved) in chosen.into_iter().zip(self.manifests) {
            manifests.push(saved.load(chosen, loader)?);
        }
        loader.image = subject.digest;
        Ok(PlatformsFound { choice, configuration: None, manifests, failures })
    }
}

impl SavedManifest {
    fn load(self, chosen: Chosen, loader: &mut Loader<'_>) -> Result<PlatformEvidence, Failure> {
        loader.image = self.digest;
        let listed = match &self.failure {
            Some(failure) => Err(failure.load()?),
            None => {
                let content = loader.manifest(&self.digest);
                content.and_then(|content| chosen.prove(content.bytes().to_vec(), None, loader.limits))
            }
        };
        let attached = loader.attached(&self.layouts, &self.notes, self.ignored_referrers, self.candidates)?;
        Ok(PlatformEvidence { chosen, listed, attached })
    }
}

/// The configuration of an image that is no index, held against the platforms again.
fn configuration(
    stored: Option<Digest>,
    manifest: &Manifest,
    choice: &PlatformChoice,
    loader: &mut Loader<'_>,
) -> Result<Option<Content>, Failure> {
    if choice.platforms().is_empty() {
        return Ok(None);
    }
    let config = &manifest.config;
    if stored != Some(config.digest) {
        return Err(Failure::new(Code::Dangling).at(config.digest));
    }
    check_stated_size(config.size, loader.limits.manifest_bytes)?;
    let bytes = (loader.blob)(&config.digest).ok_or_else(|| Failure::new(Code::Dangling).at(config.digest))?;
    let content = check_content(&config.digest, config.size, bytes)?;
    check_configured(content.bytes(), choice, loader.limits)?;
    Ok(Some(content))
}
