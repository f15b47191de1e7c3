//! Writing a [`Store`] as an OCI image layout directory (OCI image-spec `image-layout.md`).

use crate::image::descriptor;
use crate::store::Store;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::Path;
use veriseal::digest::Digest;

/// Annotation that names a tag in `index.json`.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

impl Store {
    /// Writes `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>`. Each tag is an entry of the index with its name
    /// as annotation; each manifest without a tag that has a `subject` is an entry without, with its artifact type and
    /// annotations, so that referrers can be found.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_layout(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        fs::create_dir_all(path.join("blobs"))?;
        fs::write(path.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        for (digest, bytes) in &self.blobs {
            write_blob(path, digest, bytes)?;
        }
        for (digest, manifest) in &self.manifests {
            write_blob(path, digest, &manifest.bytes)?;
        }
        fs::write(path.join("index.json"), self.layout_index().to_string())
    }

    /// The `index.json` of the layout.
    #[must_use]
    pub fn layout_index(&self) -> Value {
        let entry = |digest: &Digest| {
            let manifest = self.manifests.get(digest)?;
            Some(descriptor(&manifest.media_type, digest, manifest.bytes.len() as u64))
        };
        let mut entries = Vec::new();
        for (tag, digest) in &self.tags {
            if let Some(mut entry) = entry(digest) {
                entry["annotations"] = json!({ REF_NAME: tag });
                entries.push(entry);
            }
        }
        for (digest, manifest) in &self.manifests {
            let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
            let tagged = self.tags.values().any(|tagged| tagged == digest);
            if let (Some(mut entry), false, true) = (entry(digest), tagged, document["subject"].is_object()) {
                for member in ["artifactType", "annotations"] {
                    if !document[member].is_null() {
                        entry[member] = document[member].clone();
                    }
                }
                entries.push(entry);
            }
        }
        json!({ "schemaVersion": 2, "mediaType": crate::image::OCI_INDEX, "manifests": entries })
    }
}

fn write_blob(path: &Path, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
    let folder = path.join("blobs").join(digest.algorithm().name());
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(digest.hex()), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageBuilder;

    #[test]
    fn a_layout_holds_every_blob_and_names_every_tag() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut store, "v1");
        store.attach_bundle_bytes(&image, b"bundle", json!({ "a": "b" }));
        store.write_layout(folder.path()).unwrap();
        let index: Value = serde_json::from_slice(&fs::read(folder.path().join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"][0]["annotations"][REF_NAME], "v1");
        assert_eq!(index["manifests"][0]["digest"], image.digest.to_string());
        assert_eq!(index["manifests"][1]["artifactType"], crate::store::BUNDLE);
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
        let files = fs::read_dir(folder.path().join("blobs/sha256")).unwrap().count();
        assert_eq!(files, store.blobs.len() + store.manifests.len());
    }
}
