//! [`ListedManifest`]: the proof that an index lists a manifest.

use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::gather::rules::check_content;
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Platform, media_type};

/// An entry of an index, reached from the image downwards over documents that were each shown to have the digest that
/// the one above states. Made by [`super::Walk`] alone.
#[derive(Clone, Debug, Hash)]
pub(in crate::gather) struct Chosen {
    /// The image's own index first, then nested ones; the last lists the entry. Never empty.
    trail: Vec<Content>,
    descriptor: Descriptor,
}

impl Chosen {
    /// `trail` must be such documents, from the image to the one in whose entries `descriptor` stands.
    pub(super) fn assertion(trail: Vec<Content>, descriptor: Descriptor) -> Self {
        Self { trail, descriptor }
    }

    pub(in crate::gather) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The indexes on the way, the image's own left out.
    pub(in crate::gather) fn nested(&self) -> &[Content] {
        self.trail.get(1..).unwrap_or_default()
    }

    /// Shows that these bytes are the manifest that is listed: the size first, then the digest, then that it is the
    /// document that the entry announces.
    ///
    /// # Errors
    /// [`Code::SizeMismatch`], [`Code::DigestMismatch`], [`Code::MediaTypeMismatch`], and as [`Document::parse`].
    pub(in crate::gather) fn prove(
        &self,
        bytes: Vec<u8>,
        announced: Option<&str>,
        limits: &Limits,
    ) -> Result<ListedManifest, Failure> {
        let Descriptor { digest, size, media_type: stated, platform, .. } = &self.descriptor;
        let located = |failure: Failure| if failure.at_text().is_none() { failure.at(digest) } else { failure };
        let manifest = check_content(digest, *size, bytes).map_err(located)?;
        if let Some(announced) = announced
            && !media_type::same(announced, stated)
        {
            return Err(Failure::new(Code::MediaTypeMismatch).expected(stated).found(announced).at(digest));
        }
        match Document::parse(manifest.bytes(), Some(stated), limits).map_err(located)? {
            Document::Manifest(_) => {}
            Document::Index(_) => {
                return Err(Failure::new(Code::MediaTypeMismatch).expected(stated).found("an index").at(digest));
            }
        }
        let index = self.trail.first().map(|index| *index.digest()).ok_or(Code::Internal)?;
        let via = self.nested().iter().map(|index| *index.digest()).collect();
        Ok(ListedManifest { index, via, platform: platform.clone(), media_type: stated.clone(), manifest })
    }
}

/// Proof that an index lists a manifest: from the index down, every document was shown to have the digest and size that
/// the one above states for it.
///
/// Says nothing of whether the index or the manifest is signed. Cannot be made outside gathering and loading.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListedManifest {
    index: Digest,
    via: Vec<Digest>,
    platform: Option<Platform>,
    media_type: String,
    manifest: Content,
}

impl ListedManifest {
    /// Digest of the index.
    #[must_use]
    pub fn index(&self) -> &Digest {
        &self.index
    }

    /// Digests of the indexes between the two, where it is listed in a nested one.
    #[must_use]
    pub fn via(&self) -> &[Digest] {
        &self.via
    }

    /// Digest of the manifest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        self.manifest.digest()
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Content {
        &self.manifest
    }

    /// Media type of the manifest.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The platform that the index states for it.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        self.platform.as_ref()
    }
}
