//! Manifests and indexes (OCI image-spec `manifest.md`, `image-index.md`; Docker schema 2).
//!
//! Decides which of the two a document is, and refuses one that could be read as both (CVE-2021-41190, K-OC-04). Does
//! not check any digest and does not tell whether what is listed exists.

use super::descriptor::WireDescriptor;
use super::{Descriptor, media_type};
use crate::code::{Code, Failure};
use crate::encoding::json;
use crate::limits::Limits;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Most layers of a manifest (cosign refuses more; an image of Docker has at most 127).
pub const MAX_LAYERS: usize = 1000;
/// Most entries of a list that are read at all; what lies beyond is counted only (K-DS-01).
const MAX_READ: usize = 10_000;

/// The fields of the specifications, whose spelling in another case is refused (K-P-09).
const NAMES: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "digest",
    "size",
    "platform",
    "architecture",
    "os",
    "variant",
    "fsLayers",
    "history",
    "blobs",
];

/// A manifest: one configuration and layers. Claimed, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// Media type of this document: its own statement, else what it was announced as, else by its shape.
    pub media_type: String,
    /// What kind of artifact this is, where the manifest says so.
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, at most [`MAX_LAYERS`].
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is about. Claimed: a signature binds by its own content.
    pub subject: Option<Descriptor>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// The artifact type, or the configuration's media type where there is none, as the distribution-spec has
    /// registries compute it ("Listing Referrers").
    #[must_use]
    pub fn effective_artifact_type(&self) -> &str {
        match self.artifact_type.as_deref() {
            Some(artifact_type) if !artifact_type.is_empty() => artifact_type,
            _ => &self.config.media_type,
        }
    }
}

/// An index: a list of manifests. Claimed, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// Media type of this document: its own statement, else what it was announced as, else by its shape.
    pub media_type: String,
    /// What kind of artifact this is, where the index says so.
    pub artifact_type: Option<String>,
    /// The manifests listed, at most [`Limits::index_entries`].
    pub manifests: Vec<Descriptor>,
    /// The manifest that this index is about.
    pub subject: Option<Descriptor>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What stands behind a tag or digest in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "one is made at a time and taken apart at once")]
pub enum Document {
    /// An image manifest or another artifact.
    Manifest(Manifest),
    /// An index of manifests.
    Index(Index),
}

impl Document {
    /// Reads a manifest or index. `announced` is the media type that came with it: of its descriptor, or of the
    /// response (parameters are ignored).
    ///
    /// Unknown fields are tolerated, as the image-spec asks; doubled keys are not, nor known keys in another case.
    ///
    /// # Errors
    /// - [`Code::TooLarge`], [`Code::TooManyEntries`]: beyond the limits.
    /// - [`Code::ManifestInvalid`]: not JSON, or a required field is missing or wrong.
    /// - [`Code::ManifestAmbiguous`]: fields of a manifest and of an index.
    /// - [`Code::MediaTypeMismatch`]: it states another media type than was announced.
    /// - [`Code::MediaTypeUnsupported`]: of another kind, schema 1 among them.
    pub fn parse(bytes: &[u8], announced: Option<&str>, limits: &Limits) -> Result<Self, Failure> {
        let (media_type, wire) = read(bytes, announced, limits)?;
        let subject = wire.subject.map(Descriptor::try_from).transpose()?;
        let annotations = wire.annotations.unwrap_or_default();
        let artifact_type = wire.artifact_type;
        Ok(if is_index(&media_type) {
            let manifests = wire.manifests.flatten().unwrap_or_default().all(limits.index_entries)?;
            Self::Index(Index { media_type, artifact_type, manifests, subject, annotations })
        } else {
            let config = Descriptor::try_from(wire.config.ok_or_else(|| missing("config"))?)?;
            let layers = wire.layers.ok_or_else(|| missing("layers"))?.all(MAX_LAYERS)?;
            Self::Manifest(Manifest { media_type, artifact_type, config, layers, subject, annotations })
        })
    }

    /// The media type of the document.
    #[must_use]
    pub fn media_type(&self) -> &str {
        match self {
            Self::Manifest(manifest) => &manifest.media_type,
            Self::Index(index) => &index.media_type,
        }
    }

    /// What the document says it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Manifest(manifest) => manifest.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }
}

/// A list of evidence, read so that one bad or one surplus entry does not hide the good ones: the layers of a `.sig`
/// manifest, or the entries of a referrers list.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// The first entries, each readable or not.
    pub(crate) entries: Vec<Result<Descriptor, Failure>>,
    /// How many entries there are beyond those.
    pub(crate) unread: usize,
}

impl Listing {
    /// The layers of a manifest.
    ///
    /// # Errors
    /// As [`Document::parse`], and [`Code::ManifestInvalid`] for an index.
    pub(crate) fn of_layers(bytes: &[u8], announced: Option<&str>, limits: &Limits) -> Result<Self, Failure> {
        let (media_type, wire) = read(bytes, announced, limits)?;
        if is_index(&media_type) {
            return Err(Failure::new(Code::ManifestInvalid).expected("an image manifest").found("an index"));
        }
        Ok(Self::new(wire.layers.ok_or_else(|| missing("layers"))?))
    }

    /// The entries of an OCI index that lists referrers (distribution-spec, "Listing Referrers").
    ///
    /// # Errors
    /// As [`Document::parse`], and [`Code::ManifestInvalid`] for anything but an OCI index.
    pub(crate) fn of_referrers(bytes: &[u8], announced: Option<&str>, limits: &Limits) -> Result<Self, Failure> {
        let (media_type, wire) = read(bytes, announced, limits)?;
        if media_type != media_type::OCI_INDEX {
            return Err(Failure::new(Code::ManifestInvalid).expected("an OCI index of referrers").found(media_type));
        }
        Ok(Self::new(wire.manifests.flatten().unwrap_or_default()))
    }

    fn new(entries: Entries) -> Self {
        Self { entries: entries.read.into_iter().map(Descriptor::try_from).collect(), unread: entries.unread }
    }
}

/// The fields of either document, as they stand.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: Option<i64>,
    #[serde(default, deserialize_with = "json::present")]
    media_type: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    artifact_type: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    config: Option<WireDescriptor>,
    #[serde(default, deserialize_with = "json::present")]
    layers: Option<Entries>,
    /// Writers in Go make `null` of an empty list; the outer `Option` still tells that the key stood there.
    #[serde(default, deserialize_with = "json::present")]
    manifests: Option<Option<Entries>>,
    #[serde(default, deserialize_with = "json::present")]
    subject: Option<WireDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
    /// Schema 1.
    #[serde(default, deserialize_with = "json::present")]
    fs_layers: Option<IgnoredAny>,
    /// Schema 1.
    #[serde(default, deserialize_with = "json::present")]
    history: Option<IgnoredAny>,
    /// The artifact manifest that was removed from the image-spec.
    #[serde(default, deserialize_with = "json::present")]
    blobs: Option<IgnoredAny>,
}

/// A list of descriptors of which only the first are kept.
#[derive(Debug, Default)]
struct Entries {
    read: Vec<WireDescriptor>,
    unread: usize,
}

impl Entries {
    fn all(self, max: usize) -> Result<Vec<Descriptor>, Failure> {
        let count = self.read.len().saturating_add(self.unread);
        if count > max || self.unread > 0 {
            return Err(Failure::new(Code::TooManyEntries).expected(format_args!("at most {max}")).found(count));
        }
        self.read.into_iter().map(Descriptor::try_from).collect()
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of descriptors")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                while entries.read.len() < MAX_READ {
                    match list.next_element()? {
                        Some(entry) => entries.read.push(entry),
                        None => return Ok(entries),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    entries.unread = entries.unread.saturating_add(1);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

fn missing(field: &str) -> Failure {
    Failure::new(Code::ManifestInvalid).expected(format_args!("the field {field}")).found("none")
}

fn is_index(media_type: &str) -> bool {
    media_type == media_type::OCI_INDEX || media_type == media_type::DOCKER_LIST
}

/// The document's fields and its one media type, which is one of [`media_type::MANIFESTS`].
fn read(bytes: &[u8], announced: Option<&str>, limits: &Limits) -> Result<(String, Wire), Failure> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.manifest_bytes {
        let most = format!("at most {} bytes", limits.manifest_bytes);
        return Err(Failure::new(Code::TooLarge).expected(most).found(bytes.len()));
    }
    let wire: Wire = json::parse_tolerant_named(bytes, limits.json_depth, NAMES, &["annotations"])
        .map_err(|error| error.failure(Code::ManifestInvalid))?;
    match wire.schema_version {
        Some(2) => {}
        Some(1) => return Err(Failure::new(Code::MediaTypeUnsupported).expected("schema 2").found("schema 1")),
        Some(other) => return Err(Failure::new(Code::ManifestInvalid).expected("schemaVersion 2").found(other)),
        None => return Err(missing("schemaVersion")),
    }
    let announced = announced.map(media_type::without_parameters);
    if let (Some(stated), Some(announced)) = (&wire.media_type, announced)
        && !media_type::same(stated, announced)
    {
        return Err(Failure::new(Code::MediaTypeMismatch).expected(announced).found(stated));
    }
    let has_manifest_fields = wire.layers.is_some() || wire.config.is_some();
    let has_index_fields = wire.manifests.is_some();
    let has_old_fields = wire.fs_layers.is_some() || wire.history.is_some() || wire.blobs.is_some();
    let stated = wire.media_type.as_deref().or(announced);
    let media_type = match stated {
        Some(stated) => media_type::MANIFESTS
            .into_iter()
            .find(|known| media_type::same(known, stated))
            .ok_or_else(|| Failure::new(Code::MediaTypeUnsupported).expected("an OCI or Docker manifest").found(stated))?,
        // Only where nothing at all says what it is does the shape speak.
        None if has_index_fields => media_type::OCI_INDEX,
        None => media_type::OCI_MANIFEST,
    };
    let has_foreign_fields = if is_index(media_type) { has_manifest_fields } else { has_index_fields };
    if has_foreign_fields || has_old_fields {
        let found = if has_old_fields { "fields of another schema" } else { "fields of a manifest and of an index" };
        return Err(Failure::new(Code::ManifestAmbiguous).expected(media_type).found(found));
    }
    if is_index(media_type) && !has_index_fields {
        return Err(missing("manifests"));
    }
    Ok((media_type.to_owned(), wire))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#""config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;

    fn entry(size: &str) -> String {
        format!(r#"{{"mediaType":"a/b","digest":"sha256:{}","size":{size}}}"#, "0".repeat(64))
    }

    fn manifest(more: &str) -> String {
        format!(r#"{{"schemaVersion":2,{CONFIG},"layers":[{}]{more}}}"#, entry("7"))
    }

    fn index(more: &str) -> String {
        format!(r#"{{"schemaVersion":2,"manifests":[{}]{more}}}"#, entry("7"))
    }

    fn stating(media_type: &str) -> String {
        format!(r#","mediaType":"{media_type}""#)
    }

    fn parse(text: &str, announced: Option<&str>) -> Result<Document, Failure> {
        Document::parse(text.as_bytes(), announced, &Limits::DEFAULT)
    }

    fn code(text: &str, announced: Option<&str>) -> Code {
        parse(text, announced).unwrap_err().code()
    }

    #[test]
    fn a_manifest_is_read() {
        let text = manifest(&format!(
            r#","mediaType":"{}","artifactType":"x/y","subject":{},"annotations":{{"Size":"1","size":"2"}},"unknown":[1.5]"#,
            media_type::OCI_MANIFEST,
            entry("9")
        ));
        let Document::Manifest(manifest) = parse(&text, Some(media_type::OCI_MANIFEST)).unwrap() else { panic!() };
        assert_eq!(manifest.media_type, media_type::OCI_MANIFEST);
        assert_eq!(manifest.effective_artifact_type(), "x/y");
        assert_eq!(manifest.config.size, 2);
        assert_eq!(manifest.layers.len(), 1);
        assert_eq!(manifest.subject.unwrap().size, 9);
        assert_eq!(manifest.annotations["Size"], "1");
    }

    #[test]
    fn an_index_is_read() {
        let Document::Index(index) = parse(&index(&stating(media_type::DOCKER_LIST)), None).unwrap() else { panic!() };
        assert_eq!(index.media_type, media_type::DOCKER_LIST);
        assert_eq!(index.manifests.len(), 1);
        let empty = r#"{"schemaVersion":2,"manifests":null}"#;
        assert!(matches!(parse(empty, Some(media_type::OCI_INDEX)), Ok(Document::Index(index)) if index.manifests.is_empty()));
    }

    /// K-OC-04: nothing says what it is, so what came with it decides, and the shape last.
    #[test]
    fn a_missing_media_type_is_decided_by_the_announced_one() {
        for announced in [media_type::OCI_MANIFEST, media_type::DOCKER_MANIFEST] {
            assert_eq!(parse(&manifest(""), Some(announced)).unwrap().media_type(), announced);
            assert_eq!(code(&index(""), Some(announced)), Code::ManifestAmbiguous);
        }
        for announced in [media_type::OCI_INDEX, media_type::DOCKER_LIST] {
            assert_eq!(parse(&index(""), Some(announced)).unwrap().media_type(), announced);
            assert_eq!(code(&manifest(""), Some(announced)), Code::ManifestAmbiguous);
        }
        assert_eq!(parse(&manifest(""), None).unwrap().media_type(), media_type::OCI_MANIFEST);
        assert_eq!(parse(&index(""), None).unwrap().media_type(), media_type::OCI_INDEX);
    }

    /// K-OC-04.
    #[test]
    fn a_document_with_fields_of_both_kinds_is_ambiguous() {
        let layers = format!(r#","layers":[{}]"#, entry("7"));
        let manifests = format!(r#","manifests":[{}]"#, entry("7"));
        for announced in [None, Some(media_type::OCI_MANIFEST), Some(media_type::OCI_INDEX)] {
            for text in [
                manifest(&manifests),
                manifest(r#","manifests":null"#),
                index(&layers),
                index(&format!(",{CONFIG}")),
                manifest(r#","fsLayers":[]"#),
                manifest(r#","history":[]"#),
                manifest(r#","blobs":null"#),
                index(r#","fsLayers":[]"#),
            ] {
                assert_eq!(code(&text, announced), Code::ManifestAmbiguous, "{text} {announced:?}");
            }
        }
    }

    /// K-OC-04: OCI and Docker types of one shape are different, parameters and case are not.
    #[test]
    fn another_media_type_than_announced_is_a_mismatch() {
        let text = manifest(&stating(media_type::OCI_MANIFEST));
        for announced in [media_type::DOCKER_MANIFEST, media_type::OCI_INDEX, "application/json", "text/html", ""] {
            assert_eq!(code(&text, Some(announced)), Code::MediaTypeMismatch, "{announced}");
        }
        for announced in
            ["application/vnd.oci.image.manifest.v1+json; charset=utf-8", "Application/VND.oci.image.manifest.v1+json"]
        {
            assert!(parse(&text, Some(announced)).is_ok(), "{announced}");
        }
    }

    #[test]
    fn other_kinds_of_documents_are_unsupported() {
        for media_type in [
            "application/vnd.docker.distribution.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "application/vnd.oci.artifact.manifest.v1+json",
            "application/json",
            "",
        ] {
            assert_eq!(code(&manifest(&stating(media_type)), None), Code::MediaTypeUnsupported, "{media_type}");
            assert_eq!(code(&manifest(""), Some(media_type)), Code::MediaTypeUnsupported, "{media_type}");
        }
        assert_eq!(code(r#"{"schemaVersion":1,"fsLayers":[]}"#, None), Code::MediaTypeUnsupported);
    }

    /// K-P-08, K-P-09, K-OC-09 among them.
    #[test]
    fn what_is_no_manifest_is_manifest_invalid() {
        let layer = |layer: &str| manifest("").replace(&entry("7"), layer);
        for text in [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            manifest("") + "{}",
            format!("\u{feff}{}", manifest("")),
            manifest("").replace(":2,", ":3,"),
            manifest("").replace(":2,", ":2.0,"),
            manifest("").replace(":2,", ":\"2\","),
            manifest("").replace("\"layers\"", "\"other\""),
            manifest("").replace("\"config\"", "\"other\""),
            manifest(r#","mediaType":null"#),
            manifest(r#","subject":null"#),
            manifest(r#","subject":{}"#),
            manifest(r#","annotations":{"a":1}"#),
            manifest(r#","annotations":{"a":"1","\u0061":"2"}"#),
            manifest(r#","layers":[]"#),
            manifest(r#","Layers":[]"#),
            manifest(r#","MANIFESTS":[]"#),
            layer("null"),
            layer("{}"),
            layer(&entry("-1")),
            layer(&entry("7.0")),
            layer(&entry("9223372036854775808")),
            layer(&entry("7").replace("sha256", "blake3")),
            layer(&entry("7").replace("\"digest\"", "\"Digest\"")),
            layer(&entry("7").replace("\"size\"", "\"size\":7,\"s\\u0069ze\"")),
            format!("{}1{}", "[".repeat(100), "]".repeat(100)),
            r#"{"schemaVersion":2,"manifests":{}}"#.to_owned(),
        ] {
            assert_eq!(code(&text, None), Code::ManifestInvalid, "{text}");
        }
        assert_eq!(code(r#"{"schemaVersion":2}"#, Some(media_type::OCI_INDEX)), Code::ManifestInvalid);
    }

    #[test]
    fn bytes_and_entries_are_bounded() {
        let text = manifest("");
        let limits = Limits { manifest_bytes: text.len() as u64 - 1, ..Limits::DEFAULT };
        assert_eq!(Document::parse(text.as_bytes(), None, &limits).unwrap_err().code(), Code::TooLarge);
        let many = |text: &str, count: usize| text.replace(&entry("7"), &vec![entry("7"); count].join(","));
        assert!(parse(&many(&manifest(""), 1000), None).is_ok());
        assert_eq!(code(&many(&manifest(""), 1001), None), Code::TooManyEntries);
        assert!(parse(&many(&index(""), 1000), None).is_ok());
        assert_eq!(code(&many(&index(""), 1001), None), Code::TooManyEntries);
    }

    /// K-DS-01: the first entries of an endless list are still read, and the rest is counted.
    #[test]
    fn a_listing_keeps_the_good_entries_beside_bad_and_surplus_ones() {
        let bad = entry("7").replace("sha256", "blake3");
        let text = index("").replace(&entry("7"), &vec![entry("7"); MAX_READ].join(",")).replacen(&entry("7"), &bad, 1);
        let text = text.replace("]}", ",{\"never\":\"read\"},5]}");
        let listing = Listing::of_referrers(text.as_bytes(), None, &Limits::DEFAULT).unwrap();
        assert_eq!((listing.entries.len(), listing.unread), (MAX_READ, 2));
        assert_eq!(listing.entries[0].as_ref().unwrap_err().code(), Code::ManifestInvalid);
        assert!(listing.entries[1].is_ok());
        assert!(Listing::of_layers(manifest("").as_bytes(), None, &Limits::DEFAULT).is_ok());
        // No limit makes a document out of entries that were not read.
        let limits = Limits { index_entries: usize::MAX, ..Limits::DEFAULT };
        let text = text.replace("blake3", "sha256");
        assert_eq!(Document::parse(text.as_bytes(), None, &limits).unwrap_err().code(), Code::TooManyEntries);
    }

    #[test]
    fn a_listing_of_the_wrong_kind_is_manifest_invalid() {
        let limits = &Limits::DEFAULT;
        let code = |listing: Result<Listing, Failure>| listing.unwrap_err().code();
        assert_eq!(code(Listing::of_layers(index("").as_bytes(), None, limits)), Code::ManifestInvalid);
        assert_eq!(code(Listing::of_referrers(manifest("").as_bytes(), None, limits)), Code::ManifestInvalid);
        let list = index(&stating(media_type::DOCKER_LIST));
        assert_eq!(code(Listing::of_referrers(list.as_bytes(), None, limits)), Code::ManifestInvalid);
    }
}
