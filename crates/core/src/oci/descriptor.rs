//! Descriptors (OCI image-spec `descriptor.md`).
//!
//! Reads what points to content. `data` and `urls` are deliberately not read: embedded content would be a second source
//! for the same digest, and foreign addresses have been used to send requests and credentials elsewhere (K-OC-09).

use super::platform::Platform;
use crate::code::{Code, Failure};
use crate::digest::Digest;
use std::collections::BTreeMap;

/// What a manifest or index says of one piece of content. Claimed, not checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", try_from = "WireDescriptor")]
#[non_exhaustive]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size in bytes; at most 2^63 - 1, as the specification's `int64`.
    pub size: u64,
    /// Artifact type, in indexes and referrer lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations; unauthenticated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Platform, in indexes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// A descriptor with the three required fields.
    #[must_use]
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
            platform: None,
        }
    }
}

/// A descriptor as it stands in the document, its digest not yet read: one entry with a digest that nobody here can
/// compute must not make the good one beside it unreadable.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireDescriptor {
    media_type: String,
    digest: String,
    size: i64,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    platform: Option<Platform>,
}

impl TryFrom<WireDescriptor> for Descriptor {
    type Error = Failure;

    /// Reads the digest and the size.
    ///
    /// # Errors
    /// [`Code::ManifestInvalid`] for a digest that cannot be computed or a negative size.
    fn try_from(wire: WireDescriptor) -> Result<Self, Failure> {
        let digest = wire
            .digest
            .parse()
            .map_err(|_| Failure::new(Code::ManifestInvalid).expected("a digest that can be computed").found(&wire.digest))?;
        let size = u64::try_from(wire.size)
            .map_err(|_| Failure::new(Code::ManifestInvalid).expected("a size that is not negative").found(wire.size))?;
        Ok(Self {
            media_type: wire.media_type,
            digest,
            size,
            artifact_type: wire.artifact_type,
            annotations: wire.annotations.unwrap_or_default(),
            platform: wire.platform,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(size: &str) -> Result<Descriptor, serde_json::Error> {
        let hex = "0".repeat(64);
        serde_json::from_str(&format!("{{\"mediaType\":\"a/b\",\"digest\":\"sha256:{hex}\",\"size\":{size}}}"))
    }

    /// K-OC-09.
    #[test]
    fn a_size_is_a_whole_number_and_not_negative() {
        assert_eq!(read("0").unwrap().size, 0);
        assert_eq!(read("9223372036854775807").unwrap().size, i64::MAX.unsigned_abs());
        for size in ["-1", "1.0", "1e3", "9223372036854775808", "\"1\"", "null"] {
            assert!(read(size).is_err(), "{size}");
        }
    }

    /// K-OC-09: neither `data` nor `urls` has a way in.
    #[test]
    fn embedded_data_and_foreign_addresses_are_not_read() {
        let text = format!(
            r#"{{"mediaType":"a/b","digest":"sha256:{}","size":2,"data":"e30=","urls":["http://169.254.169.254/"]}}"#,
            "0".repeat(64)
        );
        let descriptor: Descriptor = serde_json::from_str(&text).unwrap();
        let written = serde_json::to_string(&descriptor).unwrap();
        assert!(!written.contains("data") && !written.contains("urls"), "{written}");
    }
}
