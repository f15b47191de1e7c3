//! The fields of the document, and what each claims.

use super::platforms::SavedPlatforms;
use crate::code::{Class, Code, Failure};
use crate::digest::{Content, Digest};
use crate::encoding::json;
use crate::gather::evidence::{Attached, CandidateKind, Layout, LayoutState, Note, Subject, TagMoved};
use crate::limits::Limits;
use crate::oci::{Document, Reference, Repository, Tag};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most candidates, and most notes, that are read at all.
const MAX_READ: usize = 10_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedDocument {
    pub(super) format: String,
    pub(super) image: SavedImage,
    pub(super) claims: SavedClaims,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    pub(super) candidates: Vec<SavedCandidate>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) platforms: Option<SavedPlatforms>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedRepository {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) registry: Option<String>,
    pub(super) path: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedImage {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) registry: Option<String>,
    pub(super) path: String,
    pub(super) digest: Digest,
    pub(super) media_type: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedClaims {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) asked_tag: Option<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) asked_digest: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) tag_digest: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) signature_repository: Option<SavedRepository>,
    pub(super) layouts: BTreeMap<String, String>,
    pub(super) ignored_referrers: usize,
    pub(super) complete: bool,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, MAX_READ>")]
    pub(super) notes: Vec<SavedNote>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedNote {
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) layout: Option<String>,
    pub(super) failure: SavedFailure,
    pub(super) hides_candidates: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedCandidate {
    pub(super) layout: String,
    pub(super) position: usize,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) layer: Option<usize>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) manifest: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) blob: Option<Digest>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<SavedFailure>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SavedFailure {
    pub(super) code: String,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) expected: Option<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) found: Option<String>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
}

pub(super) fn invalid(found: impl std::fmt::Display) -> Failure {
    Failure::new(Code::EvidenceInvalid).found(found)
}

pub(super) fn layout_named(name: &str) -> Result<Layout, Failure> {
    Layout::ALL.iter().copied().find(|layout| layout.name() == name).ok_or_else(|| invalid(name).expected("the name of a layout"))
}

impl SavedFailure {
    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            code: failure.code().name().to_owned(),
            expected: failure.expected_text().map(str::to_owned),
            found: failure.found_text().map(str::to_owned),
            at: failure.at_text().map(str::to_owned),
        }
    }

    /// The failure that is claimed. No claim of a file may say "accepted".
    pub(super) fn load(&self) -> Result<Failure, Failure> {
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
    pub(super) fn all(attached: &Attached, keep: &mut dyn FnMut(&Content) -> Digest) -> Vec<Self> {
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
    pub(super) fn of(repository: &Repository) -> Self {
        Self { registry: repository.registry().map(str::to_owned), path: repository.path().to_owned() }
    }

    pub(super) fn load(&self) -> Result<Repository, Failure> {
        let Some(registry) = &self.registry else { return Ok(Repository::layout(&self.path)) };
        let name = format!("{registry}/{}", self.path);
        let parsed = name.parse::<Repository>().ok().filter(|parsed| parsed.to_string() == name);
        parsed.ok_or_else(|| invalid(&name).expected("a repository in canonical form"))
    }
}

impl SavedImage {
    pub(super) fn load(&self, blob: &mut dyn FnMut(&Digest) -> Option<Vec<u8>>, limits: &Limits) -> Result<Subject, Failure> {
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
    pub(super) fn load_reference(
        &self,
        subject: &Subject,
    ) -> Result<(Reference, Option<(Tag, Digest)>, Option<TagMoved>), Failure> {
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

pub(super) fn load_layouts(saved: &BTreeMap<String, String>) -> Result<BTreeMap<Layout, LayoutState>, Failure> {
    let mut layouts = BTreeMap::new();
    for (layout, state) in saved {
        let found = LayoutState::ALL.iter().copied().find(|known| known.name() == state);
        layouts.insert(layout_named(layout)?, found.ok_or_else(|| invalid(state).expected("the state of a layout"))?);
    }
    Ok(layouts)
}

impl SavedNote {
    pub(super) fn load(&self) -> Result<Note, Failure> {
        Ok(Note {
            layout: self.layout.as_deref().map(layout_named).transpose()?,
            failure: self.failure.load()?,
            hides_candidates: self.hides_candidates,
        })
    }
}
