//! The referrers of an image in a layout, which has no such list of its own (distribution-spec "Listing Referrers").
//!
//! Every small JSON blob is looked into, not only what `index.json` names: `cosign save` of version 3 leaves bundle
//! manifests in `blobs` that no index lists. What an index under the fallback tag lists is added. Descriptors are
//! claims; whoever reads the list fetches each by digest.

use super::index::LayoutIndex;
use super::store::{Store, blob_name};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::encoding::json as strict;
use veriseal::gather::FetchError;
use veriseal::limits::Limits;
use veriseal::oci::{Repository, Tag, media_type};

/// Most bytes that a scan reads.
const MAX_SCANNED_BYTES: u64 = 256 * 1024 * 1024;

/// What the manifests of a layout say they are about.
#[derive(Debug, Default)]
pub(super) struct Referrers {
    /// Subject by referrer.
    subjects: BTreeMap<Digest, Digest>,
    /// Descriptors by subject and referrer.
    lists: BTreeMap<Digest, BTreeMap<Digest, Value>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManifest {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<WireType>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    subject: Option<WireSubject>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireType {
    media_type: String,
}

#[derive(serde::Deserialize)]
struct WireSubject {
    digest: String,
}

impl Referrers {
    /// Looks into the blobs of a layout.
    ///
    /// # Errors
    /// [`Code::Dangling`] and [`Code::DigestMismatch`] when a manifest that `index.json` lists is missing or altered: what
    /// it was about cannot be known. [`Code::CandidatesTruncated`] beyond the bounds.
    pub(super) fn scan(store: &Store, index: &LayoutIndex) -> Result<Self, Failure> {
        let mut found = Self::default();
        let mut left = MAX_SCANNED_BYTES;
        let max_manifest = Limits::DEFAULT.manifest_bytes;
        let blobs = store.blobs()?;
        let is_document = |media_type: &str| media_type::MANIFESTS.iter().any(|known| media_type::same(known, media_type));
        for entry in index.entries().filter(|entry| is_document(&entry.media_type)) {
            let size = blobs.get(&entry.digest).ok_or_else(|| Failure::new(Code::Dangling).at(entry.digest))?;
            if *size > max_manifest {
                return Err(Failure::new(Code::TooLarge).expected(format_args!("at most {max_manifest} bytes")).at(entry.digest));
            }
        }
        for (digest, size) in blobs.into_iter().filter(|&(_, size)| size <= max_manifest) {
            let name = blob_name(&digest);
            let listed_as = index.media_type(&digest).filter(|media_type| is_document(media_type));
            // A manifest begins with a brace; layers and most other blobs are not read.
            if listed_as.is_none() && !store.begins_with_brace(&name)? {
                continue;
            }
            left = left.checked_sub(size).ok_or_else(|| {
                Failure::new(Code::CandidatesTruncated).expected(format_args!("at most {MAX_SCANNED_BYTES} bytes of manifests"))
            })?;
            let Some(bytes) = store.read(&name, max_manifest).map_err(|error| error.failure())? else { continue };
            if listed_as.is_some() && !digest.matches(&bytes) {
                return Err(Failure::new(Code::DigestMismatch).expected(digest).found(digest.algorithm().hash(&[&bytes])));
            }
            found.add(digest, &bytes, listed_as);
        }
        Ok(found)
    }

    /// What a manifest of the layout says it is about.
    pub(super) fn subject_of(&self, referrer: &Digest) -> Option<&Digest> {
        self.subjects.get(referrer)
    }

    /// The list as a registry would answer it.
    pub(super) fn list(
        &self,
        store: &Store,
        index: &LayoutIndex,
        subject: &Digest,
        max_bytes: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let listed = self.lists.get(subject);
        let mut manifests: Vec<Value> = listed.into_iter().flat_map(|list| list.values().cloned()).collect();
        let is_listed = |value: &Value| {
            let digest = value.get("digest").and_then(Value::as_str).and_then(|text| text.parse::<Digest>().ok());
            digest.is_some_and(|digest| listed.is_some_and(|list| list.contains_key(&digest)))
        };
        let fallback = fallback(store, index, subject, max_bytes)?;
        manifests.extend(fallback.into_iter().filter(|value| !is_listed(value)));
        let list =
            json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests }).to_string().into_bytes();
        if u64::try_from(list.len()).unwrap_or(u64::MAX) > max_bytes { Err(FetchError::TooLarge { max_bytes }) } else { Ok(list) }
    }

    fn add(&mut self, digest: Digest, bytes: &[u8], listed_as: Option<&str>) {
        // What does not parse is another kind of document; the core says so where a list names it as a manifest.
        let Ok(wire) = strict::parse_tolerant::<WireManifest>(bytes, Limits::DEFAULT.json_depth) else { return };
        let Some(subject) = wire.subject.and_then(|subject| subject.digest.parse::<Digest>().ok()) else { return };
        let by_shape = if wire.manifests.is_some() { media_type::OCI_INDEX } else { media_type::OCI_MANIFEST };
        let media_type = wire.media_type.as_deref().or(listed_as).unwrap_or(by_shape);
        let mut descriptor = json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() });
        let named = wire.artifact_type.filter(|artifact_type| !artifact_type.is_empty());
        if let Some(artifact_type) = named.or(wire.config.map(|config| config.media_type)) {
            descriptor["artifactType"] = artifact_type.into();
        }
        if let Some(annotations) = wire.annotations.filter(|annotations| !annotations.is_empty()) {
            descriptor["annotations"] = annotations.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        }
        self.subjects.insert(digest, subject);
        self.lists.entry(subject).or_default().insert(digest, descriptor);
    }
}

/// What the index under the fallback tag lists, as it stands there.
fn fallback(store: &Store, index: &LayoutIndex, subject: &Digest, max_bytes: u64) -> Result<Vec<Value>, FetchError> {
    let unnamed = Repository::layout("");
    let Some(entry) = index.tagged(&unnamed, &Tag::referrers_fallback(subject)).map_err(FetchError::Unavailable)? else {
        return Ok(Vec::new());
    };
    let bytes = store
        .read(&blob_name(&entry.digest), max_bytes)?
        .ok_or_else(|| FetchError::Unavailable(Failure::new(Code::Dangling).at(entry.digest)))?;
    if !entry.digest.matches(&bytes) {
        return Err(FetchError::Unavailable(Failure::new(Code::DigestMismatch).expected(entry.digest)));
    }
    #[derive(serde::Deserialize)]
    struct WireIndex {
        manifests: Option<Vec<Value>>,
    }
    let wire: WireIndex = strict::parse_tolerant(&bytes, Limits::DEFAULT.json_depth)
        .map_err(|error| FetchError::Unavailable(error.failure(Code::ManifestInvalid).at(entry.digest)))?;
    Ok(wire.manifests.unwrap_or_default())
}
