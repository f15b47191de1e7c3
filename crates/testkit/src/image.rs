//! [`ImageBuilder`]: small, whole images whose bytes follow from their name (OCI image-spec).

use crate::store::Store;
use serde_json::{Value, json};
use veriseal::digest::{Digest, sha256};
use veriseal::encoding::hex;

/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// OCI layer, uncompressed.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// Docker schema 2 manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The empty JSON blob.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// An image that is in a [`Store`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Digest of the manifest or index.
    pub digest: Digest,
    /// Size of the manifest or index.
    pub size: u64,
    /// Media type of the manifest or index.
    pub media_type: String,
    /// The platform images of an index: architecture and image.
    pub platforms: Vec<(String, Image)>,
}

/// Describes an image. Two builders with equal fields build equal bytes.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    /// What distinguishes it: it is the content of the one file in its layer.
    pub name: String,
    /// Architectures: none for a plain manifest, else an index with one manifest each.
    pub architectures: Vec<String>,
    /// Docker's media types in place of OCI's.
    pub docker: bool,
    /// Members that are added to the top-level document or replace its own, as `annotations`.
    pub members: Vec<(String, Value)>,
}

impl ImageBuilder {
    /// An OCI image for one platform.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), architectures: Vec::new(), docker: false, members: Vec::new() }
    }

    /// An index with an image for each architecture.
    #[must_use]
    pub fn multi_arch(name: &str, architectures: &[&str]) -> Self {
        Self { architectures: architectures.iter().map(|name| (*name).to_owned()).collect(), ..Self::new(name) }
    }

    /// Puts blobs and manifests into the store, untagged.
    pub fn build(&self, store: &mut Store) -> Image {
        if self.architectures.is_empty() {
            return self.build_manifest(store, "amd64", &self.members);
        }
        let mut platforms = Vec::new();
        let mut entries = Vec::new();
        for architecture in &self.architectures {
            let image = self.build_manifest(store, architecture, &[]);
            let mut entry = descriptor(&image.media_type, &image.digest, image.size);
            entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
            entries.push(entry);
            platforms.push((architecture.clone(), image));
        }
        let media_type = if self.docker { DOCKER_LIST } else { OCI_INDEX };
        let mut index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": entries });
        for (name, value) in &self.members {
            index[name] = value.clone();
        }
        Image { platforms, ..store.put_json(media_type, &index) }
    }

    /// Builds and tags.
    pub fn tagged(&self, store: &mut Store, tag: &str) -> Image {
        let image = self.build(store);
        store.tags.insert(tag.to_owned(), image.digest);
        image
    }

    fn build_manifest(&self, store: &mut Store, architecture: &str, members: &[(String, Value)]) -> Image {
        let layer = tar("name", format!("{} for {architecture}\n", self.name).as_bytes());
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(&sha256(&layer)))] },
        });
        let config = config.to_string().into_bytes();
        let (media_type, config_type, layer_type) = if self.docker {
            (DOCKER_MANIFEST, "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar")
        } else {
            (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER)
        };
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": store.put_blob(config_type, &config),
            "layers": [store.put_blob(layer_type, &layer)],
        });
        for (name, value) in members {
            manifest[name] = value.clone();
        }
        store.put_json(media_type, &manifest)
    }
}

/// A descriptor as JSON.
#[must_use]
pub fn descriptor(media_type: &str, digest: &Digest, size: u64) -> Value {
    json!({ "mediaType": media_type, "digest": digest.to_string(), "size": size })
}

/// A POSIX tar archive with one file (IEEE Std 1003.1, `pax`, ustar format), dated 1970.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put = |offset: usize, text: &str| header[offset..offset + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = header.to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512) + 1024, 0);
    out
}
