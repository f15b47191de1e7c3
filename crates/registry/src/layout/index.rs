//! `oci-layout` and `index.json`, and what its entries are.
//!
//! Finds entries by tag; does not read what they point to. All of it is unauthenticated: a tag in a layout is what
//! whoever wrote the layout says.

use std::collections::{BTreeMap, BTreeSet};
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::encoding::json;
use veriseal::limits::Limits;
use veriseal::oci::{Repository, Tag, media_type};

/// Annotation in which containerd and Docker write an image's full name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// Most entries that an error names.
const MAX_CHOICES: usize = 10;

/// One entry of `index.json`.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Entry {
    pub(super) fn ref_name(&self) -> Option<&str> {
        self.annotations.get(media_type::ANNOTATION_REF_NAME).map(String::as_str)
    }

    fn kind(&self) -> Option<&str> {
        self.annotations.get(media_type::ANNOTATION_KIND).map(String::as_str)
    }

    /// Whether this is signatures, attestations or a list of referrers, by kind or by tag.
    fn is_attached(&self) -> bool {
        let by_kind = matches!(self.kind(), Some(media_type::KIND_SIGNATURES | media_type::KIND_ATTESTATIONS));
        by_kind || self.ref_name().is_some_and(|name| digest_of_tag(name.rsplit(':').next().unwrap_or(name)).is_some())
    }
}

/// The digest that a tag of the form `sha256-<hex>` or `sha256-<hex>.<suffix>` is about.
fn digest_of_tag(tag: &str) -> Option<Digest> {
    let (algorithm, rest) = tag.split_once('-')?;
    let hex = rest.split_once('.').map_or(rest, |(hex, _)| hex);
    format!("{algorithm}:{hex}").parse().ok()
}

/// The entries of `index.json` in their order. Those whose digest cannot be computed here are left out.
#[derive(Debug)]
pub(super) struct LayoutIndex {
    entries: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIndex {
    schema_version: i64,
    #[serde(default)]
    manifests: Option<Vec<WireEntry>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    media_type: String,
    digest: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

/// Checks the content of `oci-layout`.
pub(super) fn check_marker(bytes: &[u8]) -> Result<(), Failure> {
    let marker: Marker = json::parse_tolerant(bytes, Limits::DEFAULT.json_depth)
        .map_err(|error| Failure::new(Code::SourceInvalid).found(error).at("oci-layout"))?;
    if marker.image_layout_version == "1.0.0" {
        Ok(())
    } else {
        Err(Failure::new(Code::SourceInvalid)
            .expected("image layout version 1.0.0")
            .found(marker.image_layout_version)
            .at("oci-layout"))
    }
}

impl LayoutIndex {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let limits = Limits::DEFAULT;
        let invalid = || Failure::new(Code::SourceInvalid).at("index.json");
        let wire: WireIndex = json::parse_tolerant(bytes, limits.json_depth).map_err(|error| invalid().found(error))?;
        if wire.schema_version != 2 {
            return Err(invalid().expected("schemaVersion 2").found(wire.schema_version));
        }
        let listed = wire.manifests.unwrap_or_default();
        if listed.len() > limits.index_entries {
            return Err(invalid().expected(format_args!("at most {} entries", limits.index_entries)).found(listed.len()));
        }
        let entries = listed
            .into_iter()
            .filter_map(|entry| {
                let digest = entry.digest.parse().ok()?;
                Some(Entry { media_type: entry.media_type, digest, annotations: entry.annotations.unwrap_or_default() })
            })
            .collect();
        Ok(Self { entries })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The media type that is stated for a digest, where all entries that state one agree.
    pub(super) fn media_type(&self, digest: &Digest) -> Option<&str> {
        let mut stated = self.entries.iter().filter(|entry| entry.digest == *digest).map(|entry| entry.media_type.as_str());
        let first = stated.next()?;
        stated.all(|other| other == first).then_some(first)
    }

    /// Entries that may be images, one a digest.
    pub(super) fn images(&self) -> Vec<&Entry> {
        let mut seen = BTreeSet::new();
        let is_document = |entry: &&Entry| media_type::MANIFESTS.iter().any(|known| media_type::same(known, &entry.media_type));
        self.entries.iter().filter(is_document).filter(|entry| !entry.is_attached() && seen.insert(entry.digest)).collect()
    }

    /// The entry that a tag stands for.
    ///
    /// Looked for under the full name first, where a repository of a registry is asked for; then under the tag alone;
    /// then as the end of a full name; and last as what `cosign save` wrote without a name.
    ///
    /// # Errors
    /// [`Code::SourceInvalid`] when it stands for several digests: none of them is better than another.
    pub(super) fn tagged(&self, repository: &Repository, tag: &Tag) -> Result<Option<&Entry>, Failure> {
        let tag = tag.as_str();
        let full = repository.registry().map(|_| format!("{repository}:{tag}"));
        let is_full = |entry: &Entry| {
            full.is_some()
                && [entry.annotations.get(CONTAINERD_NAME).map(String::as_str), entry.ref_name()].contains(&full.as_deref())
        };
        let is_tag = |entry: &Entry| entry.ref_name() == Some(tag);
        let ends_in_tag =
            |entry: &Entry| entry.ref_name().and_then(|name| name.rsplit_once(':')).is_some_and(|(_, end)| end == tag);
        for matches in [&is_full as &dyn Fn(&Entry) -> bool, &is_tag, &ends_in_tag] {
            if let Some(found) = self.only(matches, tag)? {
                return Ok(Some(found));
            }
        }
        self.saved_by_cosign(tag)
    }

    /// `cosign save` writes one image, its signatures and its attestations, told apart by kind alone.
    fn saved_by_cosign(&self, tag: &str) -> Result<Option<&Entry>, Failure> {
        let is_image = |entry: &Entry| matches!(entry.kind(), Some(media_type::KIND_IMAGE | media_type::KIND_IMAGE_INDEX));
        let mut images = self.entries.iter().filter(|entry| is_image(entry)).map(|entry| entry.digest).collect::<BTreeSet<_>>();
        let (Some(image), None) = (images.pop_first(), images.pop_first()) else { return Ok(None) };
        for (suffix, kind) in [("sig", media_type::KIND_SIGNATURES), ("att", media_type::KIND_ATTESTATIONS)] {
            if Tag::cosign(&image, suffix).as_str() == tag {
                return self.only(&|entry| entry.kind() == Some(kind), tag);
            }
        }
        Ok(None)
    }

    fn only(&self, matches: &dyn Fn(&Entry) -> bool, tag: &str) -> Result<Option<&Entry>, Failure> {
        let mut found = self.entries.iter().filter(|entry| matches(entry));
        let first = found.next();
        match first.and_then(|first| found.find(|other| other.digest != first.digest)) {
            None => Ok(first),
            Some(_) => Err(Failure::new(Code::SourceInvalid)
                .expected(format_args!("one entry for {tag}"))
                .found(self.choices(self.entries.iter().filter(|entry| matches(entry))))
                .at("index.json")),
        }
    }

    /// Entries as an error shows them.
    pub(super) fn choices<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> String {
        let shown = |entry: &Entry| {
            let name = entry.annotations.get(CONTAINERD_NAME).map(String::as_str).or(entry.ref_name());
            name.map_or_else(|| entry.digest.to_string(), |name| format!("{name} ({})", entry.digest))
        };
        let mut names: Vec<_> = entries.take(MAX_CHOICES + 1).map(shown).collect();
        if names.len() > MAX_CHOICES {
            names.truncate(MAX_CHOICES);
            names.push("…".to_owned());
        }
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    }
}
