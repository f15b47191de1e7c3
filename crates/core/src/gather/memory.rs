//! [`MemoryStore`]: a registry in memory, for tests and for embedders that hold content themselves.
//!
//! Behaves as the OCI distribution-spec asks: it computes referrers from the `subject` of what was put in, in the order
//! it was put in. Authenticates nobody and forgets nothing.

use super::fetch::{Fetch, FetchError, Request, Response, What};
use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Repository, Tag, media_type};
use std::collections::BTreeMap;

/// Manifests, tags and blobs of any number of repositories.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    repositories: BTreeMap<Repository, Stored>,
    has_referrers_api: bool,
    page_size: usize,
}

/// One repository.
#[derive(Clone, Debug, Default)]
struct Stored {
    manifests: Vec<StoredManifest>,
    tags: BTreeMap<Tag, Digest>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

#[derive(Clone, Debug)]
struct StoredManifest {
    media_type: String,
    digest: Digest,
    bytes: Vec<u8>,
}

impl MemoryStore {
    /// An empty store with a referrers API that never splits its answers.
    #[must_use]
    pub fn new() -> Self {
        Self { repositories: BTreeMap::new(), has_referrers_api: true, page_size: usize::MAX }
    }

    /// Turns the referrers API on or off. Without it every request for referrers is answered [`Response::NotFound`];
    /// see [`MemoryStore::put_fallback_tag`].
    #[must_use]
    pub fn with_referrers_api(mut self, has_referrers_api: bool) -> Self {
        self.has_referrers_api = has_referrers_api;
        self
    }

    /// Splits lists of referrers into pages of so many entries; 0 counts as 1.
    #[must_use]
    pub fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = page_size.max(1);
        self
    }

    /// Stores a blob and tells its descriptor.
    pub fn put_blob(&mut self, repository: &Repository, media_type: &str, bytes: impl Into<Vec<u8>>) -> Descriptor {
        let bytes = bytes.into();
        let descriptor = describe(media_type, &bytes);
        self.repository(repository).blobs.insert(descriptor.digest, bytes);
        descriptor
    }

    /// Stores a manifest or index, under a tag if there is one, and tells its descriptor. The bytes may be anything.
    pub fn put_manifest(
        &mut self,
        repository: &Repository,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
        tag: Option<Tag>,
    ) -> Descriptor {
        let bytes = bytes.into();
        let descriptor = describe(media_type, &bytes);
        let digest = descriptor.digest;
        let stored = self.repository(repository);
        if !stored.manifests.iter().any(|manifest| manifest.digest == digest) {
            stored.manifests.push(StoredManifest { media_type: media_type.to_owned(), digest, bytes });
        }
        if let Some(tag) = tag {
            stored.tags.insert(tag, digest);
        }
        descriptor
    }

    /// Points a tag to a digest, which may be one that is not stored.
    pub fn tag(&mut self, repository: &Repository, tag: Tag, digest: Digest) {
        self.repository(repository).tags.insert(tag, digest);
    }

    /// Removes a manifest or blob, so that what lists it is left dangling.
    pub fn remove(&mut self, repository: &Repository, digest: &Digest) {
        let stored = self.repository(repository);
        stored.manifests.retain(|manifest| manifest.digest != *digest);
        stored.blobs.remove(digest);
    }

    /// Writes the list of an image's referrers under its fallback tag, as clients do where there is no referrers API.
    pub fn put_fallback_tag(&mut self, repository: &Repository, subject: &Digest) -> Descriptor {
        let list = index(&self.referrers(repository, subject));
        self.put_manifest(repository, media_type::OCI_INDEX, list, Some(Tag::referrers_fallback(subject)))
    }

    /// The referrers of an image in the order in which they were stored, as a registry describes them.
    #[must_use]
    pub fn referrers(&self, repository: &Repository, subject: &Digest) -> Vec<Descriptor> {
        let Some(stored) = self.repositories.get(repository) else { return Vec::new() };
        let mut found = Vec::new();
        for manifest in &stored.manifests {
            let limits = Limits { manifest_bytes: u64::MAX, ..Limits::DEFAULT };
            let Ok(document) = Document::parse(&manifest.bytes, Some(&manifest.media_type), &limits) else { continue };
            if document.subject().is_none_or(|stated| stated.digest != *subject) {
                continue;
            }
            let mut descriptor = describe(&manifest.media_type, &manifest.bytes);
            match document {
                Document::Manifest(manifest) => {
                    descriptor.artifact_type = Some(manifest.effective_artifact_type().to_owned());
                    descriptor.annotations = manifest.annotations;
                }
                Document::Index(index) => {
                    descriptor.artifact_type = index.artifact_type;
                    descriptor.annotations = index.annotations;
                }
            }
            found.push(descriptor);
        }
        found
    }

    fn repository(&mut self, repository: &Repository) -> &mut Stored {
        self.repositories.entry(repository.clone()).or_default()
    }

    /// One page; its name is the number of its first entry.
    fn referrers_page(&self, repository: &Repository, subject: &Digest, page: Option<&str>) -> Response {
        let start = match page.map(str::parse::<usize>) {
            None => 0,
            Some(Ok(start)) => start,
            Some(Err(_)) => return Response::NotFound,
        };
        let all = self.referrers(repository, subject);
        let end = start.saturating_add(self.page_size).min(all.len());
        let next = (end < all.len()).then(|| end.to_string());
        let bytes = index(all.get(start..end).unwrap_or_default());
        Response::Found { media_type: Some(media_type::OCI_INDEX.to_owned()), bytes, next }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Fetch for MemoryStore {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        let Some(stored) = self.repositories.get(&request.repository) else { return Ok(Response::NotFound) };
        let response = match &request.what {
            What::ManifestByTag(tag) => stored.tags.get(tag).map_or(Response::NotFound, |digest| stored.manifest(digest)),
            What::Manifest(digest) => stored.manifest(digest),
            What::OnlyImage => stored.only_image()?,
            What::Referrers { .. } if !self.has_referrers_api => Response::NotFound,
            What::Referrers { subject, page } => self.referrers_page(&request.repository, subject, page.as_deref()),
            What::Blob { digest, .. } => stored.blob(digest),
        };
        match &response {
            Response::Found { bytes, .. } if u64::try_from(bytes.len()).is_ok_and(|length| length > request.max_bytes) => {
                Err(FetchError::TooLarge { max_bytes: request.max_bytes })
            }
            _ => Ok(response),
        }
    }
}

impl Stored {
    fn manifest(&self, digest: &Digest) -> Response {
        // Whoever asks by another algorithm is served too: the digest is computed then.
        let found = self.manifests.iter().find(|manifest| manifest.digest == *digest || digest.matches(&manifest.bytes));
        found.map_or(Response::NotFound, |manifest| Response::Found {
            media_type: Some(manifest.media_type.clone()),
            bytes: manifest.bytes.clone(),
            next: None,
        })
    }

    fn blob(&self, digest: &Digest) -> Response {
        let media_type = Some("application/octet-stream".to_owned());
        self.blobs.get(digest).map_or(Response::NotFound, |bytes| Response::Found {
            media_type,
            bytes: bytes.clone(),
            next: None,
        })
    }

    /// The manifest under the only tag that is not the tag of something belonging to an image.
    fn only_image(&self) -> Result<Response, FetchError> {
        let belongs = |tag: &Tag| {
            self.manifests.iter().any(|manifest| {
                let digest = &manifest.digest;
                [Tag::cosign(digest, "sig"), Tag::cosign(digest, "att"), Tag::referrers_fallback(digest)].contains(tag)
            })
        };
        let mut images: Vec<_> = self.tags.iter().filter(|(tag, _)| !belongs(tag)).map(|(_, digest)| digest).collect();
        images.sort();
        images.dedup();
        match images.as_slice() {
            [] => Ok(Response::NotFound),
            [digest] => Ok(self.manifest(digest)),
            _ => {
                let failure = Failure::new(Code::SourceInvalid).expected("a tag or digest").found("several images");
                Err(FetchError::Unavailable(failure))
            }
        }
    }
}

fn describe(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, Digest::sha256(bytes), u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}

/// An OCI index of these entries.
fn index(entries: &[Descriptor]) -> Vec<u8> {
    let document = serde_json::json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries });
    document.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::RequestId;

    fn ask(store: &MemoryStore, repository: &Repository, what: What) -> Result<Response, FetchError> {
        store.fetch(&Request::new(RequestId::from_number(0), repository.clone(), what, 10_000))
    }

    fn manifest(subject: Option<&Descriptor>, artifact_type: &str) -> Vec<u8> {
        let empty = describe(media_type::OCI_EMPTY, b"{}");
        let mut document = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "artifactType": artifact_type, "config": empty, "layers": [],
        });
        if let Some(subject) = subject {
            document["subject"] = serde_json::to_value(subject).unwrap();
        }
        document.to_string().into_bytes()
    }

    #[test]
    fn content_is_found_by_tag_and_digest_in_its_repository_only() {
        let (here, there) = (Repository::layout("here"), Repository::layout("there"));
        let mut store = MemoryStore::new();
        let image = store.put_manifest(&here, media_type::OCI_MANIFEST, "x", Some("v1".parse().unwrap()));
        let blob = store.put_blob(&here, "a/b", "blob");
        for what in [
            What::ManifestByTag("v1".parse().unwrap()),
            What::Manifest(image.digest),
            What::OnlyImage,
            What::Blob { digest: blob.digest, size: blob.size },
        ] {
            assert!(matches!(ask(&store, &here, what.clone()), Ok(Response::Found { .. })), "{what:?}");
            assert_eq!(ask(&store, &there, what), Ok(Response::NotFound));
        }
        assert_eq!(ask(&store, &here, What::ManifestByTag("v2".parse().unwrap())), Ok(Response::NotFound));
        let small = Request::new(RequestId::from_number(0), here.clone(), What::Manifest(image.digest), 0);
        assert_eq!(store.fetch(&small), Err(FetchError::TooLarge { max_bytes: 0 }));
        store.remove(&here, &image.digest);
        assert_eq!(ask(&store, &here, What::ManifestByTag("v1".parse().unwrap())), Ok(Response::NotFound));
    }

    #[test]
    fn referrers_come_from_subjects_in_order_and_in_pages() {
        let repository = Repository::layout("here");
        let mut store = MemoryStore::new().with_page_size(2);
        let image = store.put_manifest(&repository, media_type::OCI_MANIFEST, manifest(None, "i/i"), None);
        for artifact_type in ["a/a", "b/b", "c/c"] {
            store.put_manifest(&repository, media_type::OCI_MANIFEST, manifest(Some(&image), artifact_type), None);
        }
        let types: Vec<_> =
            store.referrers(&repository, &image.digest).into_iter().map(|referrer| referrer.artifact_type.unwrap()).collect();
        assert_eq!(types, ["a/a", "b/b", "c/c"]);
        let page = |page: Option<&str>| {
            let what = What::Referrers { subject: image.digest, page: page.map(str::to_owned) };
            match ask(&store, &repository, what).unwrap() {
                Response::Found { bytes, next, .. } => {
                    let Ok(Document::Index(index)) = Document::parse(&bytes, None, &Limits::DEFAULT) else { panic!() };
                    (index.manifests.len(), next)
                }
                Response::NotFound => panic!(),
            }
        };
        assert_eq!(page(None), (2, Some("2".to_owned())));
        assert_eq!(page(Some("2")), (1, None));
    }

    #[test]
    fn without_the_api_there_is_the_fallback_tag() {
        let repository = Repository::layout("here");
        let mut store = MemoryStore::new().with_referrers_api(false);
        let image = store.put_manifest(&repository, media_type::OCI_MANIFEST, manifest(None, "i/i"), None);
        store.put_manifest(&repository, media_type::OCI_MANIFEST, manifest(Some(&image), "a/a"), None);
        let what = What::Referrers { subject: image.digest, page: None };
        assert_eq!(ask(&store, &repository, what), Ok(Response::NotFound));
        store.put_fallback_tag(&repository, &image.digest);
        let tag = Tag::referrers_fallback(&image.digest);
        assert!(matches!(ask(&store, &repository, What::ManifestByTag(tag)), Ok(Response::Found { .. })));
    }

    #[test]
    fn several_images_leave_no_only_one() {
        let repository = Repository::layout("here");
        let mut store = MemoryStore::new();
        assert_eq!(ask(&store, &repository, What::OnlyImage), Ok(Response::NotFound));
        let image = store.put_manifest(&repository, media_type::OCI_MANIFEST, "x", Some("v1".parse().unwrap()));
        store.tag(&repository, "v1-again".parse().unwrap(), image.digest);
        let signature = Some(Tag::cosign(&image.digest, "sig"));
        store.put_manifest(&repository, media_type::OCI_MANIFEST, "sig", signature);
        assert!(matches!(ask(&store, &repository, What::OnlyImage), Ok(Response::Found { bytes, .. }) if bytes == b"x"));
        store.put_manifest(&repository, media_type::OCI_MANIFEST, "y", Some("v2".parse().unwrap()));
        let Err(FetchError::Unavailable(failure)) = ask(&store, &repository, What::OnlyImage) else { panic!() };
        assert_eq!(failure.code(), Code::SourceInvalid);
    }
}
