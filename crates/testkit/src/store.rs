//! [`Store`]: one repository's blobs, manifests, tags and referrers, in memory.
//!
//! It answers [`veriseal::gather::Fetch`], is written as an OCI image layout, and is served by the registry of this crate.
//! It holds what it is given: bytes that do not match their digest are stored and handed out as they are.

use crate::bundle::{Bundle, Content};
use crate::image::{EMPTY, Image, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, descriptor};
use crate::simple_signing::{Layer, SimpleSignature};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::gather::{Fetch, FetchError, Request, Response, What};

/// Artifact type of a bundle referrer.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A repository in memory. All of it is public.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Blobs by the digest they are asked for by.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    /// Manifests and indexes by the digest they are asked for by.
    pub manifests: BTreeMap<Digest, Manifest>,
    /// Tags.
    pub tags: BTreeMap<String, Digest>,
    /// What a referrers request lists: descriptors by subject, in the order in which they were attached.
    pub referrers: BTreeMap<Digest, Vec<Value>>,
    /// Whether the referrers API exists. Without it [`Store::attach_bundle`] keeps the fallback tag's index.
    pub referrers_api: bool,
    /// Most descriptors on one page of the referrers API; all on one page when `None`.
    pub page_size: Option<usize>,
}

/// A stored manifest or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its media type: the `Content-Type` of the answer.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Store {
    /// An empty repository without referrers API.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty repository with referrers API.
    #[must_use]
    pub fn with_referrers_api() -> Self {
        Self { referrers_api: true, ..Self::default() }
    }

    /// Stores a blob under its SHA-256 digest and returns its descriptor.
    pub fn put_blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes);
        self.blobs.insert(digest, bytes.to_vec());
        descriptor(media_type, &digest, bytes.len() as u64)
    }

    /// Stores a manifest or index under its SHA-256 digest.
    pub fn put_manifest(&mut self, media_type: &str, bytes: &[u8]) -> Image {
        let digest = Digest::sha256(bytes);
        self.manifests.insert(digest, Manifest { media_type: media_type.to_owned(), bytes: bytes.to_vec() });
        Image { digest, size: bytes.len() as u64, media_type: media_type.to_owned(), platforms: Vec::new() }
    }

    /// Stores a manifest or index given as JSON.
    pub fn put_json(&mut self, media_type: &str, document: &Value) -> Image {
        self.put_manifest(media_type, document.to_string().as_bytes())
    }

    /// The manifest that a tag points to.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Option<&Manifest> {
        self.manifests.get(self.tags.get(tag)?)
    }

    /// Adds a signature to the image's `.sig` manifest.
    pub fn attach_signature(&mut self, image: &Digest, signature: &SimpleSignature) -> Image {
        self.attach_layers(image, "sig", &[signature.layer()])
    }

    /// Adds layers to the manifest at `sha256-<hex>.<suffix>`, made when it is not there: one layer per signature.
    pub fn attach_layers(&mut self, image: &Digest, suffix: &str, layers: &[Layer]) -> Image {
        let tag = format!("{}.{suffix}", tag_of(image));
        let mut descriptors = match self.tagged(&tag).and_then(|found| serde_json::from_slice::<Value>(&found.bytes).ok()) {
            Some(Value::Object(mut manifest)) => match manifest.remove("layers") {
                Some(Value::Array(layers)) => layers,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        descriptors.extend(layers.iter().map(|layer| self.put_layer(layer)));
        let diff_ids: Vec<&Value> = descriptors.iter().map(|descriptor| &descriptor["digest"]).collect();
        let config = json!({
            "architecture": "",
            "config": {},
            "created": "0001-01-01T00:00:00Z",
            "os": "",
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.put_blob(OCI_CONFIG, config.to_string().as_bytes()),
            "layers": descriptors,
        });
        let stored = self.put_json(OCI_MANIFEST, &manifest);
        self.tags.insert(tag, stored.digest);
        stored
    }

    /// Attaches legacy layers as a referrer, as cosign 2 does with `--registry-referrers-mode=oci-1-1`. `kind` is `sig`,
    /// `att` or `sbom`.
    pub fn attach_layers_as_referrer(&mut self, image: &Image, kind: &str, layers: &[Layer]) -> Image {
        let artifact_type = format!("application/vnd.dev.cosign.artifact.{kind}.v1+json");
        let descriptors: Vec<Value> = layers.iter().map(|layer| self.put_layer(layer)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.put_blob(&artifact_type, b"{}"),
            "layers": descriptors,
            "subject": descriptor(&image.media_type, &image.digest, image.size),
        });
        let stored = self.put_json(OCI_MANIFEST, &manifest);
        let mut entry = descriptor(OCI_MANIFEST, &stored.digest, stored.size);
        entry["artifactType"] = json!(artifact_type);
        self.add_referrer(&image.digest, entry);
        stored
    }

    fn put_layer(&mut self, layer: &Layer) -> Value {
        let mut descriptor = self.put_blob(&layer.media_type, &layer.bytes);
        descriptor["annotations"] = json!(layer.annotations);
        descriptor
    }

    /// Attaches a bundle as cosign v3 does: a manifest with the image as subject.
    pub fn attach_bundle(&mut self, image: &Image, bundle: &Bundle) -> Image {
        let mut annotations = json!({ "org.opencontainers.image.created": "2026-01-15T12:00:00Z" });
        match &bundle.content {
            Content::Message { .. } => annotations["dev.sigstore.bundle.content"] = json!("message-signature"),
            Content::Dsse(envelope) => {
                annotations["dev.sigstore.bundle.content"] = json!("dsse-envelope");
                if let Ok(statement) = serde_json::from_slice::<Value>(&envelope.payload) {
                    annotations["dev.sigstore.bundle.predicateType"] = statement["predicateType"].clone();
                }
            }
        }
        self.attach_bundle_bytes(image, &bundle.to_bytes(), annotations)
    }

    /// Attaches any bytes as a bundle, with any annotations.
    pub fn attach_bundle_bytes(&mut self, image: &Image, bytes: &[u8], annotations: Value) -> Image {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": BUNDLE,
            "config": self.put_blob(EMPTY, b"{}"),
            "layers": [self.put_blob(BUNDLE, bytes)],
            "annotations": annotations,
            "subject": descriptor(&image.media_type, &image.digest, image.size),
        });
        let stored = self.put_json(OCI_MANIFEST, &manifest);
        let mut entry = descriptor(OCI_MANIFEST, &stored.digest, stored.size);
        entry["artifactType"] = json!(BUNDLE);
        entry["annotations"] = annotations;
        self.add_referrer(&image.digest, entry);
        stored
    }

    /// Lists a descriptor as referrer of a subject, once; without referrers API the fallback tag's index is written anew.
    pub fn add_referrer(&mut self, subject: &Digest, entry: Value) {
        let listed = self.referrers.entry(*subject).or_default();
        if !listed.contains(&entry) {
            listed.push(entry);
        }
        if !self.referrers_api {
            self.write_fallback(subject);
        }
    }

    /// Writes the fallback tag's index from the list of referrers.
    pub fn write_fallback(&mut self, subject: &Digest) -> Image {
        let index = self.referrers_index(self.referrers.get(subject).map_or(&[], Vec::as_slice));
        let stored = self.put_json(OCI_INDEX, &index);
        self.tags.insert(tag_of(subject), stored.digest);
        stored
    }

    fn referrers_index(&self, entries: &[Value]) -> Value {
        json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries })
    }

    /// One page of the referrers API: the index, and the number of the next page. `None` where there is no such API.
    #[must_use]
    pub fn referrers_page(&self, subject: &Digest, page: usize) -> Option<(Vec<u8>, Option<usize>)> {
        if !self.referrers_api {
            return None;
        }
        let all = self.referrers.get(subject).map_or(&[][..], Vec::as_slice);
        let size = self.page_size.unwrap_or(usize::MAX).max(1);
        let start = page.saturating_mul(size).min(all.len());
        let end = start.saturating_add(size).min(all.len());
        let next = (end < all.len()).then_some(page + 1);
        Some((self.referrers_index(&all[start..end]).to_string().into_bytes(), next))
    }

    /// Answers what gathering may ask for. The repository that is asked for does not matter: there is only one.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`] when the answer has more than `max_bytes`.
    pub fn answer(&self, what: &What, max_bytes: u64) -> Result<Response, FetchError> {
        let manifest = |digest: Option<&Digest>| {
            let found = digest.and_then(|digest| self.manifests.get(digest));
            found.map(|found| (Some(found.media_type.clone()), found.bytes.clone(), None))
        };
        let found = match what {
            What::ManifestByTag(tag) => manifest(self.tags.get(tag.as_str())),
            What::Manifest(digest) => manifest(Some(digest)),
            What::Blob { digest, .. } => self.blobs.get(digest).map(|bytes| (None, bytes.clone(), None)),
            What::Referrers { subject, page } => {
                let page = page.as_deref().map_or(0, |page| page.parse().unwrap_or(usize::MAX));
                self.referrers_page(subject, page)
                    .map(|(bytes, next)| (Some(OCI_INDEX.to_owned()), bytes, next.map(|next| next.to_string())))
            }
            other => {
                let failure = Failure::new(Code::Unavailable).found(format_args!("a request unknown to the testkit: {other:?}"));
                return Err(FetchError::Unavailable(failure));
            }
        };
        match found {
            None => Ok(Response::NotFound),
            Some((_, bytes, _)) if bytes.len() as u64 > max_bytes => Err(FetchError::TooLarge { max_bytes }),
            Some((media_type, bytes, next)) => Ok(Response::Found { media_type, bytes, next }),
        }
    }
}

impl Fetch for Store {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.answer(&request.what, request.max_bytes)
    }
}

/// The tag form of a digest: `sha256-<hex>`, the fallback tag and the stem of cosign's tags.
#[must_use]
pub fn tag_of(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageBuilder;

    fn digests(bytes: &[u8]) -> usize {
        serde_json::from_slice::<Value>(bytes).unwrap()["manifests"].as_array().unwrap().len()
    }

    #[test]
    fn referrers_are_paged_to_the_end_and_hidden_without_the_api() {
        let mut store = Store { page_size: Some(2), ..Store::with_referrers_api() };
        let image = ImageBuilder::new("app").tagged(&mut store, "v1");
        for number in 0..5 {
            store.attach_bundle_bytes(&image, format!("bundle {number}").as_bytes(), json!({}));
        }
        let (mut page, mut sizes) = (None, Vec::new());
        loop {
            let what = What::Referrers { subject: image.digest, page: page.clone() };
            let Response::Found { bytes, next, .. } = store.answer(&what, 1 << 20).unwrap() else { panic!("found") };
            sizes.push(digests(&bytes));
            page = next;
            if page.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [2, 2, 1]);
        assert!(!store.tags.contains_key(&tag_of(&image.digest)));
        store.referrers_api = false;
        let what = What::Referrers { subject: image.digest, page: None };
        assert_eq!(store.answer(&what, 1 << 20).unwrap(), Response::NotFound);
        store.write_fallback(&image.digest);
        assert_eq!(digests(&store.tagged(&tag_of(&image.digest)).unwrap().bytes), 5);
    }

    #[test]
    fn what_is_larger_than_the_bound_is_too_large() {
        let mut store = Store::new();
        let image = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut store, "v1");
        let tag = What::ManifestByTag("v1".parse().unwrap());
        assert!(matches!(store.answer(&tag, image.size).unwrap(), Response::Found { .. }));
        assert_eq!(store.answer(&tag, image.size - 1).unwrap_err(), FetchError::TooLarge { max_bytes: image.size - 1 });
        let other = What::ManifestByTag("v2".parse().unwrap());
        assert_eq!(store.answer(&other, 1 << 20).unwrap(), Response::NotFound);
    }

    #[test]
    fn the_signature_manifest_collects_layers() {
        let mut store = Store::new();
        let image = ImageBuilder::new("app").tagged(&mut store, "v1");
        let layer = |text: &str| Layer { media_type: "a/b".to_owned(), bytes: text.into(), annotations: BTreeMap::new() };
        store.attach_layers(&image.digest, "sig", &[layer("one")]);
        store.attach_layers(&image.digest, "sig", &[layer("two"), layer("three")]);
        let manifest = store.tagged(&format!("{}.sig", tag_of(&image.digest))).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest.bytes).unwrap();
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
    }
}
