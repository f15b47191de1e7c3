//! What counts as a candidate: the rules that gathering and loading share.
//!
//! Decides by media types and by the `subject` of a referrer (cosign `specs/*.md`, `BUNDLE_SPEC.md`; distribution-spec
//! "Listing Referrers"). Does not look into any blob: what it holds is judged later.

use super::evidence::{CandidateKind, Layout};
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, media_type};
use std::collections::{BTreeMap, BTreeSet};

/// What a blob will be used as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    SimpleSigning(BTreeMap<String, String>),
    Attestation(BTreeMap<String, String>),
    Bundle(String),
}

impl Use {
    /// What a layer of a tagged manifest is; `None` for a media type that does not belong there.
    pub(super) fn of_layer(layout: Layout, layer: &Descriptor) -> Option<Self> {
        match (layout, layer.media_type.as_str()) {
            (Layout::CosignTag, media_type::SIMPLE_SIGNING) => Some(Self::SimpleSigning(layer.annotations.clone())),
            (Layout::AttestationTag, media_type::DSSE_ENVELOPE) => Some(Self::Attestation(layer.annotations.clone())),
            _ => None,
        }
    }

    /// The bound on its bytes.
    pub(super) fn max_bytes(&self, limits: &Limits) -> u64 {
        match self {
            Self::SimpleSigning(_) => limits.payload_bytes,
            Self::Attestation(_) => limits.attestation_bytes,
            Self::Bundle(_) => limits.bundle_bytes,
        }
    }

    /// The candidate that this blob makes.
    pub(super) fn of(self, content: Content) -> CandidateKind {
        match self {
            Self::SimpleSigning(annotations) => CandidateKind::SimpleSigning { payload: content, annotations },
            Self::Attestation(annotations) => CandidateKind::Attestation { envelope: content, annotations },
            Self::Bundle(media_type) => CandidateKind::Bundle { bundle: content, media_type },
        }
    }
}

/// Refuses content whose stated size is beyond `max`, before anything is fetched.
pub(super) fn check_stated_size(size: u64, max: u64) -> Result<(), Failure> {
    if size <= max {
        return Ok(());
    }
    Err(Failure::new(Code::TooLarge).expected(format_args!("at most {max} bytes")).found(size))
}

/// Bytes that have the stated size and digest. The size comes first: hashing is work that the sender would choose.
pub(super) fn check_content(digest: &Digest, size: u64, bytes: Vec<u8>) -> Result<Content, Failure> {
    let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if found != size {
        return Err(Failure::new(Code::SizeMismatch).expected(size).found(found).at(digest));
    }
    Content::check(digest, bytes).map_err(|failure| failure.at(digest))
}

/// Whether an artifact type is one that is read: for certain, or only where attestations are asked for.
pub(super) fn is_read(artifact_type: &str, attestations: bool) -> bool {
    artifact_type.starts_with(media_type::BUNDLE_PREFIX)
        || artifact_type == media_type::COSIGN_SIGNATURES
        || (attestations && artifact_type == media_type::COSIGN_ATTESTATIONS)
}

/// What a referrer's manifest turned out to be.
#[derive(Debug)]
pub(super) enum Referrer {
    /// It carries candidates in these layers.
    Layers(ReferrerLayers),
    /// It is of another kind, this.
    Other(String),
}

/// The layers of a referrer that are candidates; at least one.
#[derive(Debug)]
pub(super) struct ReferrerLayers {
    /// Each with its number, where there may be several.
    pub(super) layers: Vec<(Option<usize>, Descriptor, Use)>,
    /// Layers of other kinds: the first one's media type, and how many.
    pub(super) unsupported: Option<(String, usize)>,
}

/// Reads a referrer's manifest. What the list said of it is not believed: its kind and its subject are those that stand
/// in its own bytes (K-OC-06, K-OC-07).
///
/// # Errors
/// As [`Document::parse`]; [`Code::ReferrerForOtherSubject`]; [`Code::LayerUnsupported`] for a bundle beside other layers,
/// and where cosign's signatures or attestations should be and no layer is one.
pub(super) fn read_referrer(
    bytes: &[u8],
    announced: Option<&str>,
    image: &Digest,
    attestations: bool,
    limits: &Limits,
) -> Result<Referrer, Failure> {
    let manifest = match Document::parse(bytes, announced, limits)? {
        Document::Manifest(manifest) => manifest,
        Document::Index(index) => return Ok(Referrer::Other(index.media_type)),
    };
    if !is_read(manifest.effective_artifact_type(), attestations) {
        return Ok(Referrer::Other(manifest.effective_artifact_type().to_owned()));
    }
    let subject = manifest.subject.as_ref().map(|subject| subject.digest);
    if subject != Some(*image) {
        let found = subject.map_or_else(|| "none".to_owned(), |subject| subject.to_string());
        return Err(Failure::new(Code::ReferrerForOtherSubject).expected(image).found(found));
    }
    // The layers are those of the tag that cosign would otherwise write.
    let tagged = match manifest.effective_artifact_type() {
        media_type::COSIGN_SIGNATURES => Some(Layout::CosignTag),
        media_type::COSIGN_ATTESTATIONS => Some(Layout::AttestationTag),
        _ => None,
    };
    match tagged {
        Some(layout) => read_layers(layout, manifest.layers).map(Referrer::Layers),
        None => read_bundle(manifest.layers).map(Referrer::Layers),
    }
}

fn read_bundle(layers: Vec<Descriptor>) -> Result<ReferrerLayers, Failure> {
    let count = layers.len();
    let mut bundles = layers.into_iter().filter(|layer| layer.media_type.starts_with(media_type::BUNDLE_PREFIX));
    match (bundles.next(), bundles.next()) {
        (Some(layer), None) if count == 1 => {
            let usage = Use::Bundle(layer.media_type.clone());
            Ok(ReferrerLayers { layers: vec![(None, layer, usage)], unsupported: None })
        }
        _ => Err(Failure::new(Code::LayerUnsupported)
            .expected("exactly one layer, a Sigstore bundle")
            .found(format_args!("{count} layers"))),
    }
}

fn read_layers(layout: Layout, all: Vec<Descriptor>) -> Result<ReferrerLayers, Failure> {
    let mut layers = Vec::new();
    let mut unsupported: Option<(String, usize)> = None;
    let mut seen = BTreeSet::new();
    for (number, layer) in all.into_iter().enumerate() {
        match Use::of_layer(layout, &layer) {
            // As under the tag: annotations count, since they hold the signature.
            Some(_) if !seen.insert((layer.digest, layer.size, layer.annotations.clone())) => {}
            Some(usage) => layers.push((Some(number), layer, usage)),
            None => {
                let count = unsupported.as_ref().map_or(1, |(_, count)| count.saturating_add(1));
                unsupported = Some((unsupported.map_or(layer.media_type, |(first, _)| first), count));
            }
        }
    }
    if layers.is_empty() {
        let found = unsupported.map_or_else(|| "no layers".to_owned(), |(first, _)| first);
        return Err(Failure::new(Code::LayerUnsupported).expected("a layer of cosign's").found(found));
    }
    Ok(ReferrerLayers { layers, unsupported })
}
