//! Sessions against a registry in memory, honest and hostile.

use super::*;
use crate::code::Class;
use crate::gather::evidence::LayoutState;
use crate::gather::{Candidate, CandidateKind, Fetch, MemoryStore, drive};
use crate::oci::media_type;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;

mod floods;
mod honest;
mod image;
mod order;
mod platforms;
mod trouble;

pub(in crate::gather) use order::troubled;

const TAG: &str = "v1";

/// An image in a repository, to which signatures are added.
#[derive(Clone)]
pub(in crate::gather) struct World {
    pub(in crate::gather) store: MemoryStore,
    pub(in crate::gather) repository: Repository,
    pub(in crate::gather) image: Descriptor,
    layers: Vec<Value>,
}

impl World {
    pub(in crate::gather) fn new() -> Self {
        Self::with(MemoryStore::new())
    }

    fn with(mut store: MemoryStore) -> Self {
        let repository: Repository = "reg.example/app".parse().unwrap();
        let image = manifest(media_type::OCI_CONFIG, vec![], None, json!({}));
        let image = store.put_manifest(&repository, media_type::OCI_MANIFEST, image, Some(TAG.parse().unwrap()));
        Self { store, repository, image, layers: Vec::new() }
    }

    pub(in crate::gather) fn by_digest(&self) -> Reference {
        Reference::new(self.repository.clone(), None, Some(self.image.digest))
    }

    pub(in crate::gather) fn by_tag(&self) -> Reference {
        Reference::new(self.repository.clone(), Some(TAG.parse().unwrap()), None)
    }

    pub(in crate::gather) fn by_both(&self, digest: Digest) -> Reference {
        Reference::new(self.repository.clone(), Some(TAG.parse().unwrap()), Some(digest))
    }

    fn put_tagged(&mut self, suffix: &str) -> Descriptor {
        let bytes = manifest(media_type::OCI_CONFIG, self.layers.clone(), None, json!({}));
        let tag = Tag::cosign(&self.image.digest, suffix);
        self.store.put_manifest(&self.repository, media_type::OCI_MANIFEST, bytes, Some(tag))
    }

    /// One more layer in the `.sig` manifest.
    pub(in crate::gather) fn sign(&mut self, payload: &str, signature: &str) -> Descriptor {
        let layer = self.store.put_blob(&self.repository, media_type::SIMPLE_SIGNING, payload);
        self.layers.push(layer_json(&layer, signature));
        self.put_tagged("sig");
        layer
    }

    /// Layers of the `.sig` manifest exactly as given.
    pub(in crate::gather) fn sign_with_layers(&mut self, layers: Vec<Value>) {
        self.layers = layers;
        self.put_tagged("sig");
    }

    pub(in crate::gather) fn attest(&mut self, envelope: &str) -> Descriptor {
        let layer = self.store.put_blob(&self.repository, media_type::DSSE_ENVELOPE, envelope);
        self.layers = vec![layer_json(&layer, "")];
        self.put_tagged("att");
        self.layers.clear();
        layer
    }

    /// A bundle referrer: descriptors of the manifest and of the bundle.
    pub(in crate::gather) fn refer(&mut self, bundle: &str) -> (Descriptor, Descriptor) {
        let layer = self.store.put_blob(&self.repository, media_type::BUNDLE_V03, bundle);
        let layers = vec![serde_json::to_value(&layer).unwrap()];
        (self.refer_with(layers, Some(&self.image.clone()), media_type::BUNDLE_V03), layer)
    }

    fn refer_with(&mut self, layers: Vec<Value>, subject: Option<&Descriptor>, artifact_type: &str) -> Descriptor {
        let bytes = manifest(media_type::OCI_EMPTY, layers, subject, json!({ "artifactType": artifact_type }));
        self.store.put_manifest(&self.repository, media_type::OCI_MANIFEST, bytes, None)
    }

    pub(in crate::gather) fn gather(&self, reference: &Reference, limits: &Limits) -> Result<Evidence, Failure> {
        gather_from(&self.store, reference, limits)
    }

    pub(in crate::gather) fn evidence(&self) -> Evidence {
        self.gather(&self.by_digest(), &Limits::DEFAULT).unwrap()
    }

    /// The store with an answer exchanged here and there.
    fn altered(&self, change: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static) -> Altered {
        Altered { store: self.store.clone(), change: Box::new(change), asked: Mutex::default() }
    }

    /// What comes of it when the referrers list is this one.
    fn with_list(&self, entries: Vec<Value>) -> Altered {
        let list = index(&entries);
        self.altered(move |request, answer| match request.what {
            What::Referrers { .. } => found(media_type::OCI_INDEX, list.clone()),
            _ => answer,
        })
    }
}

pub(in crate::gather) fn layer_json(layer: &Descriptor, signature: &str) -> Value {
    let mut layer = serde_json::to_value(layer).unwrap();
    layer["annotations"] = json!({ media_type::ANNOTATION_SIGNATURE: signature });
    layer
}

fn manifest(config_type: &str, layers: Vec<Value>, subject: Option<&Descriptor>, more: Value) -> Vec<u8> {
    let config = Descriptor::new(config_type, Digest::sha256(b"{}"), 2);
    let mut document = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers });
    if let Some(subject) = subject {
        document["subject"] = serde_json::to_value(subject).unwrap();
    }
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    document.to_string().into_bytes()
}

fn index(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries }).to_string().into_bytes()
}

type Answer = Result<Response, FetchError>;

fn found(media_type: &str, bytes: impl Into<Vec<u8>>) -> Answer {
    Ok(Response::Found { media_type: Some(media_type.to_owned()), bytes: bytes.into(), next: None })
}

type Change = dyn Fn(&Request, Answer) -> Answer + Send + Sync;

pub(in crate::gather) struct Altered {
    store: MemoryStore,
    change: Box<Change>,
    asked: Mutex<Vec<What>>,
}

impl Fetch for Altered {
    fn fetch(&self, request: &Request) -> Answer {
        self.asked.lock().unwrap().push(request.what.clone());
        (self.change)(request, self.store.fetch(request))
    }
}

impl Altered {
    fn asked(&self) -> Vec<What> {
        self.asked.lock().unwrap().clone()
    }

    fn gather(&self, reference: &Reference) -> Result<Evidence, Failure> {
        gather_from(self, reference, &Limits::DEFAULT)
    }
}

pub(in crate::gather) fn gather_from(fetch: &dyn Fetch, reference: &Reference, limits: &Limits) -> Result<Evidence, Failure> {
    let mut session = Session::new(reference, limits, Wanted::with_attestations());
    drive(&mut session, fetch);
    assert!(session.is_done());
    session.finish().map_err(|error| error.failure)
}

/// Answers all that is open at once, and counts how often.
fn round_trips(fetch: &dyn Fetch, reference: &Reference) -> (usize, Evidence) {
    let mut session = Session::new(reference, &Limits::DEFAULT, Wanted::with_attestations());
    let mut rounds = 0;
    loop {
        let requests: Vec<_> = std::iter::from_fn(|| session.next_request()).collect();
        if requests.is_empty() {
            return (rounds, session.finish().unwrap());
        }
        rounds += 1;
        for request in requests {
            session.supply(request.id, fetch.fetch(&request)).unwrap();
        }
    }
}

fn is_tag(request: &Request, tag: &Tag) -> bool {
    matches!(&request.what, What::ManifestByTag(asked) if asked == tag)
}

/// Layout and code of each note that hides something, and the code of each unusable candidate.
pub(in crate::gather) fn troubles(evidence: &Evidence) -> Vec<(Option<Layout>, Code)> {
    let notes = evidence.notes().iter().filter(|note| note.hides_candidates).map(|note| (note.layout, note.failure.code()));
    let unusable = evidence.candidates().iter().filter_map(|candidate| match &candidate.kind {
        CandidateKind::Unusable(failure) => Some((Some(candidate.layout), failure.code())),
        _ => None,
    });
    notes.chain(unusable).collect()
}

pub(in crate::gather) fn usable(evidence: &Evidence) -> Vec<(Layout, Digest)> {
    let is_usable = |candidate: &&Candidate| !matches!(candidate.kind, CandidateKind::Unusable(_));
    evidence.candidates().iter().filter(is_usable).map(|candidate| (candidate.layout, candidate.digest.unwrap())).collect()
}

pub(in crate::gather) fn signed_every_way() -> (World, Vec<(Layout, Digest)>) {
    let mut world = World::new();
    let attestation = world.attest("envelope");
    let signature = world.sign("payload", "c2ln");
    let (_, bundle) = world.refer("bundle");
    world.refer_with(vec![], Some(&world.image.clone()), media_type::NOTARY_SIGNATURE);
    let expected = vec![
        (Layout::CosignTag, signature.digest),
        (Layout::ReferrersApi, bundle.digest),
        (Layout::AttestationTag, attestation.digest),
    ];
    (world, expected)
}
