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

// What honest registries answer.

#[test]
fn every_layout_is_gathered() {
    let (world, expected) = signed_every_way();
    let (rounds, evidence) = round_trips(&world.store, &world.by_digest());
    assert_eq!(rounds, 3);
    assert_eq!(usable(&evidence), expected);
    assert_eq!(troubles(&evidence), []);
    assert_eq!(evidence.ignored_referrers(), 1);
    assert!(evidence.is_complete() && evidence.proves_absence());
    assert_eq!(evidence.subject().digest(), &world.image.digest);
    assert_eq!(evidence.subject().media_type, media_type::OCI_MANIFEST);
    let [signature, bundle, attestation] = evidence.candidates() else { panic!() };
    assert!(matches!(&signature.kind, CandidateKind::SimpleSigning { payload, annotations }
        if payload.bytes() == b"payload" && annotations[media_type::ANNOTATION_SIGNATURE] == "c2ln"));
    assert!(matches!(&bundle.kind, CandidateKind::Bundle { bundle, media_type }
        if bundle.bytes() == b"bundle" && media_type == media_type::BUNDLE_V03));
    assert!(matches!(&attestation.kind, CandidateKind::Attestation { envelope, .. } if envelope.bytes() == b"envelope"));
    assert!(evidence.candidates().iter().all(|candidate| candidate.manifest.is_some()));
}

/// K-OC-03: one resolution, and the digest of these very bytes is what everything else is about.
#[test]
fn a_tag_is_resolved_exactly_once() {
    let (world, expected) = signed_every_way();
    let (rounds, _) = round_trips(&world.store, &world.by_tag());
    assert_eq!(rounds, 4);
    // The tag is moved as soon as it was read.
    let first = Mutex::new(true);
    let other = manifest("other/other", vec![], None, json!({}));
    let tag: Tag = TAG.parse().unwrap();
    let fetch = world.altered(move |request, answer| {
        if is_tag(request, &tag) && !std::mem::take(&mut *first.lock().unwrap()) {
            return found(media_type::OCI_MANIFEST, other.clone());
        }
        answer
    });
    let evidence = fetch.gather(&world.by_tag()).unwrap();
    assert_eq!(evidence.tag(), Some((&TAG.parse().unwrap(), &world.image.digest)));
    assert_eq!(usable(&evidence), expected);
    let resolutions = fetch.asked().into_iter().filter(|what| *what == What::ManifestByTag(TAG.parse().unwrap())).count();
    assert_eq!(resolutions, 1);
}

/// K-OC-16.
#[test]
fn beside_a_tag_the_digest_rules_and_a_move_is_told() {
    let (mut world, expected) = signed_every_way();
    let given = world.image.digest;
    let (rounds, evidence) = round_trips(&world.store, &world.by_both(given));
    assert_eq!((rounds, evidence.moved()), (3, None));
    assert_eq!(evidence.tag().unwrap().1, &given);
    let other = manifest("other/other", vec![], None, json!({}));
    let other = world.store.put_manifest(&world.repository, media_type::OCI_MANIFEST, other, Some(TAG.parse().unwrap()));
    let evidence = world.gather(&world.by_both(given), &Limits::DEFAULT).unwrap();
    let moved = evidence.moved().unwrap();
    assert_eq!((moved.tag.as_str(), moved.given, moved.found), (TAG, given, other.digest));
    assert_eq!(evidence.subject().digest(), &given);
    assert_eq!(usable(&evidence), expected);
    assert!(evidence.is_complete());
}

#[test]
fn a_tag_that_cannot_be_resolved_beside_a_digest_is_a_notice() {
    let (world, expected) = signed_every_way();
    let tag: Tag = TAG.parse().unwrap();
    for answer in [Ok(Response::NotFound), Err(FetchError::Denied("no".to_owned()))] {
        let tag = tag.clone();
        let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
        let evidence = fetch.gather(&world.by_both(world.image.digest)).unwrap();
        assert_eq!(usable(&evidence), expected);
        let [note] = evidence.notes() else { panic!() };
        assert_eq!((note.layout, note.failure.code(), note.hides_candidates), (None, Code::TagUnresolved, false));
        assert!(evidence.is_complete() && evidence.tag().is_none());
    }
}

#[test]
fn a_sha512_digest_is_compared_with_the_tag_by_its_own_algorithm() {
    let world = World::new();
    let bytes = manifest(media_type::OCI_CONFIG, vec![], None, json!({}));
    let long = crate::digest::HashAlgorithm::Sha512.hash(&[&bytes]);
    let evidence = world.gather(&world.by_both(long), &Limits::DEFAULT).unwrap();
    assert_eq!((evidence.subject().digest(), evidence.moved()), (&long, None));
}

/// GitLab takes the fallback tag for the digest and answers with the image.
#[test]
fn a_fallback_tag_that_is_the_image_itself_is_no_list() {
    let mut world = World::with(MemoryStore::new().with_referrers_api(false));
    world.store.tag(&world.repository, Tag::referrers_fallback(&world.image.digest), world.image.digest);
    let (_, evidence) = round_trips(&world.store, &world.by_digest());
    assert_eq!(evidence.layouts()[&Layout::ReferrersTag], LayoutState::NotFound);
    assert!(evidence.notes().is_empty(), "{:?}", evidence.notes());
}

#[test]
fn without_the_api_the_fallback_tag_is_read() {
    let mut world = World::with(MemoryStore::new().with_referrers_api(false));
    let (_, bundle) = world.refer("bundle");
    let (rounds, evidence) = round_trips(&world.store, &world.by_digest());
    assert_eq!((rounds, usable(&evidence)), (2, vec![]));
    assert_eq!(evidence.layouts()[&Layout::ReferrersApi], LayoutState::NotFound);
    assert_eq!(evidence.layouts()[&Layout::ReferrersTag], LayoutState::NotFound);
    assert!(evidence.proves_absence());
    world.store.put_fallback_tag(&world.repository, &world.image.digest);
    let (rounds, evidence) = round_trips(&world.store, &world.by_digest());
    assert_eq!((rounds, usable(&evidence)), (4, vec![(Layout::ReferrersTag, bundle.digest)]));
    assert_eq!(evidence.layouts()[&Layout::ReferrersTag], LayoutState::Found);
}

#[test]
fn attestation_tags_are_asked_for_only_when_wanted() {
    let (world, expected) = signed_every_way();
    let mut session = Session::new(&world.by_digest(), &Limits::DEFAULT, Wanted::default());
    drive(&mut session, &world.store);
    let evidence = session.finish().unwrap();
    assert_eq!(usable(&evidence), expected[..2]);
    assert!(!evidence.layouts().contains_key(&Layout::AttestationTag));
}

#[test]
fn the_only_image_of_a_layout_needs_no_name() {
    let mut world = World::new();
    let layout = Repository::layout("dir");
    let bytes = manifest(media_type::OCI_CONFIG, vec![], None, json!({}));
    let image = world.store.put_manifest(&layout, media_type::OCI_MANIFEST, bytes, Some("any".parse().unwrap()));
    let reference = Reference::parse_source("oci:dir").unwrap();
    let evidence = world.gather(&reference, &Limits::DEFAULT).unwrap();
    assert_eq!((evidence.subject().digest(), evidence.tag()), (&image.digest, None));
}

/// K-OC-05: an index is its own subject, and evidence says that it is one.
#[test]
fn an_index_is_gathered_as_an_index() {
    let mut world = World::new();
    let list = index(&[serde_json::to_value(&world.image).unwrap()]);
    let list = world.store.put_manifest(&world.repository, media_type::OCI_INDEX, list, None);
    world.sign("for the child", "c2ln");
    let reference = Reference::new(world.repository.clone(), None, Some(list.digest));
    let evidence = world.gather(&reference, &Limits::DEFAULT).unwrap();
    assert_eq!(evidence.subject().media_type, media_type::OCI_INDEX);
    assert_eq!(usable(&evidence), []);
}

#[test]
fn pages_are_followed() {
    let mut world = World::with(MemoryStore::new().with_page_size(1));
    let bundles: Vec<_> =
        ["a", "b", "c"].into_iter().map(|bundle| (Layout::ReferrersApi, world.refer(bundle).1.digest)).collect();
    assert_eq!(usable(&world.evidence()), bundles);
}

// The image itself.

/// K-OC-01, K-OC-08: whatever a header says, the bytes of the image are hashed.
#[test]
fn trouble_with_the_image_itself_is_fatal() {
    let (world, _) = signed_every_way();
    let other = manifest("other/other", vec![], None, json!({}));
    let cases: Vec<(Answer, Code)> = vec![
        (Ok(Response::NotFound), Code::ImageNotFound),
        (Err(FetchError::Denied("no".to_owned())), Code::Denied),
        (Err(FetchError::Throttled { retry_after: None }), Code::Throttled),
        (Err(FetchError::Unavailable(Code::DeadlineExceeded.into())), Code::DeadlineExceeded),
        (Err(FetchError::Cancelled), Code::Cancelled),
        (Err(FetchError::TooLarge { max_bytes: 1 }), Code::TooLarge),
        (found(media_type::OCI_MANIFEST, vec![b' '; 4 * 1024 * 1024 + 1]), Code::TooLarge),
        (found(media_type::OCI_MANIFEST, other), Code::DigestMismatch),
        (found(media_type::OCI_MANIFEST, vec![]), Code::DigestMismatch),
    ];
    for (answer, code) in cases {
        let altered = answer.clone();
        let digest = world.image.digest;
        let fetch = world.altered(move |request, honest| match request.what {
            What::Manifest(asked) if asked == digest => altered.clone(),
            _ => honest,
        });
        assert_eq!(fetch.gather(&world.by_digest()).unwrap_err().code(), code, "{code}");
        if code != Code::DigestMismatch {
            let tag: Tag = TAG.parse().unwrap();
            let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
            assert_eq!(fetch.gather(&world.by_tag()).unwrap_err().code(), code, "{code}");
            assert_eq!(fetch.asked().len(), 1);
        }
    }
}

/// K-OC-04.
#[test]
fn an_image_that_is_no_clear_document_is_fatal() {
    let world = World::new();
    let tag: Tag = TAG.parse().unwrap();
    let plain = manifest(media_type::OCI_CONFIG, vec![], None, json!({}));
    for (answer, code) in [
        (found(media_type::OCI_MANIFEST, manifest("a/b", vec![], None, json!({ "manifests": [] }))), Code::ManifestAmbiguous),
        (found(media_type::OCI_INDEX, plain.clone()), Code::MediaTypeMismatch),
        (found("text/html", plain), Code::MediaTypeMismatch),
        (found("text/html", "{\"schemaVersion\":2}"), Code::MediaTypeUnsupported),
    ] {
        let tag = tag.clone();
        let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
        assert_eq!(fetch.gather(&world.by_tag()).unwrap_err().code(), code);
    }
}

/// A proxy's page in place of the image is not the registry's word: it says nothing of the image, not even that it is bad.
#[test]
fn a_page_in_place_of_the_image_is_no_answer_of_the_registry() {
    let world = World::new();
    let tag: Tag = TAG.parse().unwrap();
    for (media_type, page) in [
        ("text/html", "<html>sign in</html>"),
        (media_type::OCI_MANIFEST, "<html>"),
        ("application/json", "{\"error\":\"sign in\"}"),
        (media_type::OCI_MANIFEST, ""),
    ] {
        let (tag, answer) = (tag.clone(), found(media_type, page));
        let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
        let code = fetch.gather(&world.by_tag()).unwrap_err().code();
        assert_eq!((code, code.class()), (Code::ResponseInvalid, Class::Undecided), "{page}");
    }
    // By digest the bytes speak for themselves: other ones are other ones, and the very ones are what was asked for.
    let answer = found("text/html", "<html>");
    let fetch = world.altered(move |request, honest| match request.what {
        What::Manifest(_) => answer.clone(),
        _ => honest,
    });
    assert_eq!(fetch.gather(&world.by_digest()).unwrap_err().code(), Code::DigestMismatch);
    let digest = Digest::sha256(b"<html>");
    let page: Reference = format!("{}@{digest}", world.by_digest().repository()).parse().unwrap();
    let answer = found("text/html", "<html>");
    let fetch = world.altered(move |request, honest| match request.what {
        What::Manifest(_) => answer.clone(),
        _ => honest,
    });
    assert_eq!(fetch.gather(&page).unwrap_err().code(), Code::ManifestInvalid);
}

#[test]
fn after_a_fatal_answer_the_rest_is_taken_and_ignored() {
    let (world, _) = signed_every_way();
    let mut session = Session::new(&world.by_digest(), &Limits::DEFAULT, Wanted::default());
    let requests: Vec<_> = std::iter::from_fn(|| session.next_request()).collect();
    let (image, rest) = requests.split_first().unwrap();
    session.supply(image.id, Ok(Response::NotFound)).unwrap();
    assert!(session.is_done());
    for request in rest {
        session.supply(request.id, world.store.fetch(request)).unwrap();
    }
    assert!(session.next_request().is_none());
    assert_eq!(session.finish().unwrap_err().failure.code(), Code::ImageNotFound);
    // What was only queued is not asked any more.
    let fetch = world.altered(|_, _| Ok(Response::NotFound));
    assert!(fetch.gather(&world.by_digest()).is_err());
    assert_eq!(fetch.asked().len(), 1);
}

// The protocol of the session.

#[test]
fn an_unknown_or_answered_id_is_request_unknown() {
    let world = World::new();
    let mut session = Session::new(&world.by_tag(), &Limits::DEFAULT, Wanted::default());
    let unknown = |session: &mut Session, id| session.supply(id, Ok(Response::NotFound)).unwrap_err().code();
    // Queued, but not given out yet.
    assert_eq!(unknown(&mut session, RequestId::from_number(0)), Code::RequestUnknown);
    let request = session.next_request().unwrap();
    assert_eq!(unknown(&mut session, RequestId::from_number(77)), Code::RequestUnknown);
    session.supply(request.id, world.store.fetch(&request)).unwrap();
    assert_eq!(unknown(&mut session, request.id), Code::RequestUnknown);
    drive(&mut session, &world.store);
    assert!(session.finish().is_ok());
}

#[test]
fn a_session_with_open_requests_is_unfinished() {
    let (world, _) = signed_every_way();
    let mut answered = 0;
    loop {
        let mut session = Session::new(&world.by_tag(), &Limits::DEFAULT, Wanted::default());
        for _ in 0..answered {
            let request = session.next_request().unwrap();
            session.supply(request.id, world.store.fetch(&request)).unwrap();
        }
        if session.is_done() {
            assert!(session.finish().is_ok());
            break;
        }
        let given = session.next_request().is_some();
        assert!(given && !session.is_done());
        assert_eq!(session.finish().unwrap_err().failure.code(), Code::SessionUnfinished);
        answered += 1;
    }
    assert_eq!(answered, 6);
}

// One layout in trouble.

#[test]
fn trouble_in_one_layout_hides_nothing_of_another() {
    let (world, expected) = signed_every_way();
    let signature_tag = Tag::cosign(&world.image.digest, "sig");
    let list = index(&[]);
    let cases: Vec<(Answer, Code)> = vec![
        (Err(FetchError::Denied("403".to_owned())), Code::Denied),
        (Err(FetchError::Throttled { retry_after: None }), Code::Throttled),
        (Err(FetchError::Unavailable(Code::Unavailable.into())), Code::Unavailable),
        (Err(FetchError::TooLarge { max_bytes: 1 }), Code::TooLarge),
        (found(media_type::OCI_INDEX, list), Code::ManifestInvalid),
        (found("text/html", "<html>"), Code::ManifestInvalid),
        (found("text/html", "{\"schemaVersion\":2}"), Code::MediaTypeUnsupported),
        (found(media_type::OCI_MANIFEST, vec![]), Code::ManifestInvalid),
    ];
    for (answer, code) in cases {
        let (tag, altered) = (signature_tag.clone(), answer.clone());
        let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { altered.clone() } else { honest });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        assert_eq!(usable(&evidence), expected[1..]);
        assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), code)]);
        assert_eq!(evidence.layouts()[&Layout::CosignTag], LayoutState::Unknown);
        assert!(!evidence.is_complete());

        if matches!(&answer, Ok(Response::Found { media_type: Some(found), .. }) if found == media_type::OCI_INDEX) {
            continue;
        }
        let fetch = world.altered(move |request, honest| match request.what {
            What::Referrers { .. } => answer.clone(),
            _ => honest,
        });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        assert_eq!(usable(&evidence), [expected[0], expected[2]]);
        assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), code)]);
        // Being denied is not the absence of the API: the fallback tag would hide that.
        assert!(!evidence.layouts().contains_key(&Layout::ReferrersTag));
        assert!(!evidence.is_complete());
    }
}

#[test]
fn a_referrers_answer_that_is_no_oci_index_is_manifest_invalid() {
    let (world, expected) = signed_every_way();
    let plain = manifest("a/b", vec![], None, json!({}));
    for has_api in [true, false] {
        let mut world = world.clone();
        let tag = Tag::referrers_fallback(&world.image.digest);
        world.store.put_manifest(&world.repository, media_type::OCI_MANIFEST, plain.clone(), Some(tag));
        let plain = plain.clone();
        let fetch = world.altered(move |request, answer| match request.what {
            What::Referrers { .. } if has_api => found(media_type::OCI_MANIFEST, plain.clone()),
            What::Referrers { .. } => Ok(Response::NotFound),
            _ => answer,
        });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        let layout = if has_api { Layout::ReferrersApi } else { Layout::ReferrersTag };
        assert_eq!(troubles(&evidence), [(Some(layout), Code::ManifestInvalid)]);
        assert_eq!(usable(&evidence), [expected[0], expected[2]]);
    }
}

// One candidate in trouble.

/// K-OC-01: other bytes of the same length under the digest of a manifest or blob.
#[test]
fn altered_content_is_digest_mismatch_and_hides_no_other() {
    let (world, expected) = signed_every_way();
    let blobs: Vec<Digest> = expected.iter().map(|(_, digest)| *digest).collect();
    let referrer = world.store.referrers(&world.repository, &world.image.digest)[0].digest;
    for altered in blobs.into_iter().chain([referrer]) {
        let fetch = world.altered(move |request, answer| match (&request.what, answer) {
            (What::Blob { digest, .. } | What::Manifest(digest), Ok(Response::Found { media_type, mut bytes, next }))
                if *digest == altered =>
            {
                bytes[0] ^= 1;
                Ok(Response::Found { media_type, bytes, next })
            }
            (_, answer) => answer,
        });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        assert_eq!(usable(&evidence).len(), 2);
        let [(_, code)] = troubles(&evidence)[..] else { panic!() };
        assert_eq!(code, Code::DigestMismatch);
        assert!(!evidence.is_complete());
    }
}

#[test]
fn a_candidate_that_cannot_be_had_is_unusable() {
    let (world, expected) = signed_every_way();
    let blob = expected[0].1;
    for (answer, code) in [
        (Ok(Response::NotFound), Code::Dangling),
        (Err(FetchError::Denied("no".to_owned())), Code::Denied),
        (Err(FetchError::Unavailable(Code::Unavailable.into())), Code::Unavailable),
    ] {
        let fetch = world.altered(move |request, honest| match request.what {
            What::Blob { digest, .. } if digest == blob => answer.clone(),
            _ => honest,
        });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), code)]);
        assert_eq!(usable(&evidence), expected[1..]);
        assert!(!evidence.is_complete());
    }
    let mut world = world;
    let referrer = world.store.referrers(&world.repository, &world.image.digest)[0].clone();
    let list = vec![serde_json::to_value(&referrer).unwrap()];
    world.store.remove(&world.repository, &referrer.digest);
    let evidence = world.with_list(list).gather(&world.by_digest()).unwrap();
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::Dangling)]);
}

/// K-OC-09: the size is held against the bytes before they are hashed, and an oversize is not even asked for.
#[test]
fn a_wrong_size_is_size_mismatch() {
    let mut world = World::new();
    let layer = world.sign("payload", "c2ln");
    for size in [0, layer.size - 1, layer.size + 1, 1_000_000] {
        let mut lying = layer_json(&layer, "c2ln");
        lying["size"] = json!(size);
        world.sign_with_layers(vec![lying]);
        assert_eq!(troubles(&world.evidence()), [(Some(Layout::CosignTag), Code::SizeMismatch)], "{size}");
    }
    let mut large = layer_json(&layer, "c2ln");
    large["size"] = json!(Limits::DEFAULT.payload_bytes + 1);
    world.sign_with_layers(vec![large]);
    let fetch = world.altered(|_, answer| answer);
    let evidence = fetch.gather(&world.by_digest()).unwrap();
    assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), Code::TooLarge)]);
    assert!(!fetch.asked().iter().any(|what| matches!(what, What::Blob { .. })));
    // A fetcher that ignores the bound is measured all the same, and other bytes of the wrong length are not hashed.
    let mut world = World::new();
    world.sign("payload", "c2ln");
    let fetch = world.altered(|request, answer| match request.what {
        What::Blob { .. } => found("a/b", "payload and more"),
        _ => answer,
    });
    assert_eq!(troubles(&fetch.gather(&world.by_digest()).unwrap()), [(Some(Layout::CosignTag), Code::SizeMismatch)]);
}

/// K-OC-09.
#[test]
fn a_layer_with_a_bad_descriptor_hides_no_good_one() {
    let mut world = World::new();
    let layer = world.sign("payload", "c2ln");
    let mut bad = layer_json(&layer, "bad");
    bad["digest"] = json!("blake3:00");
    let mut other = layer_json(&layer, "other");
    other["mediaType"] = json!("text/spdx+json");
    world.sign_with_layers(vec![bad, other, layer_json(&layer, "good")]);
    let evidence = world.evidence();
    assert_eq!(usable(&evidence), [(Layout::CosignTag, layer.digest)]);
    assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), Code::ManifestInvalid)]);
    assert_eq!(evidence.candidates()[1].position, 2);
    let [note] = evidence.notes() else { panic!() };
    assert_eq!((note.failure.code(), note.hides_candidates), (Code::LayerUnsupported, false));
    assert!(note.failure.found_text().unwrap().contains("text/spdx+json"));
}

/// K-OC-06: a referrer counts only for the image that its own manifest names.
#[test]
fn a_referrer_of_another_image_does_not_count() {
    let mut world = World::new();
    let (_, bundle) = world.refer("bundle");
    let layers = vec![serde_json::to_value(&bundle).unwrap()];
    let other = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256(b"other"), 5);
    for subject in [Some(&other), None] {
        let replayed = world.refer_with(layers.clone(), subject, media_type::BUNDLE_V03);
        let mut entry = serde_json::to_value(&replayed).unwrap();
        entry["artifactType"] = json!(media_type::BUNDLE_V03);
        let evidence = world.with_list(vec![entry]).gather(&world.by_digest()).unwrap();
        assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::ReferrerForOtherSubject)]);
        assert_eq!(usable(&evidence), []);
    }
}

/// K-OC-07: the kind of a referrer is the one in its own manifest.
#[test]
fn the_list_does_not_decide_what_a_referrer_is() {
    let mut world = World::new();
    let image = world.image.clone();
    let (good, bundle) = world.refer("bundle");
    let sbom = world.refer_with(vec![], Some(&image), "application/spdx+json");
    let entry = |descriptor: &Descriptor, artifact_type: Option<&str>| {
        let mut entry = serde_json::to_value(descriptor).unwrap();
        if let Some(artifact_type) = artifact_type {
            entry["artifactType"] = json!(artifact_type);
        }
        entry
    };
    // Announced without a type, with an empty one, or with the empty media type: looked at.
    for artifact_type in [None, Some(""), Some(media_type::OCI_EMPTY)] {
        let list = vec![entry(&sbom, artifact_type), entry(&good, artifact_type)];
        let evidence = world.with_list(list).gather(&world.by_digest()).unwrap();
        assert_eq!(usable(&evidence), [(Layout::ReferrersApi, bundle.digest)]);
        assert_eq!((troubles(&evidence), evidence.ignored_referrers()), (vec![], 1));
    }
    // Announced as a bundle, but none.
    let list = vec![entry(&sbom, Some(media_type::BUNDLE_V03)), entry(&good, Some(media_type::BUNDLE_V03))];
    let evidence = world.with_list(list).gather(&world.by_digest()).unwrap();
    assert_eq!(usable(&evidence), [(Layout::ReferrersApi, bundle.digest)]);
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::MediaTypeMismatch)]);
    // The same manifest announced as something else first does not hide it.
    let list = vec![entry(&good, Some("application/spdx+json")), entry(&good, Some(media_type::BUNDLE_V03))];
    let evidence = world.with_list(list).gather(&world.by_digest()).unwrap();
    assert_eq!(usable(&evidence), [(Layout::ReferrersApi, bundle.digest)]);
    // Its response says that it is something else.
    let html = world.with_list(vec![entry(&good, Some(media_type::BUNDLE_V03))]);
    let manifest = good.digest;
    let html = Altered {
        change: Box::new(move |request, answer| match ((html.change)(request, answer), &request.what) {
            (Ok(Response::Found { bytes, .. }), What::Manifest(digest)) if *digest == manifest => found("text/html", bytes),
            (answer, _) => answer,
        }),
        ..world.altered(|_, answer| answer)
    };
    let evidence = html.gather(&world.by_digest()).unwrap();
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::MediaTypeMismatch)]);
    // An index is no bundle referrer.
    let mut index = entry(&good, Some(media_type::BUNDLE_V03));
    index["mediaType"] = json!(media_type::OCI_INDEX);
    let evidence = world.with_list(vec![index]).gather(&world.by_digest()).unwrap();
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::MediaTypeUnsupported)]);
    // Its manifest is of another media type than the list says.
    let mut docker = entry(&good, Some(media_type::BUNDLE_V03));
    docker["mediaType"] = json!(media_type::DOCKER_MANIFEST);
    let evidence = world.with_list(vec![docker]).gather(&world.by_digest()).unwrap();
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::MediaTypeMismatch)]);
}

#[test]
fn a_bundle_referrer_has_exactly_one_layer_and_it_is_a_bundle() {
    let world = World::new();
    let image = world.image.clone();
    let bundle = |world: &mut World, text: &str| {
        let blob = world.store.put_blob(&world.repository, media_type::BUNDLE_V03, text);
        serde_json::to_value(blob).unwrap()
    };
    for count in [0, 2] {
        let mut world = world.clone();
        let layers = ["a", "b"].into_iter().take(count).map(|text| bundle(&mut world, text)).collect();
        world.refer_with(layers, Some(&image), media_type::BUNDLE_V03);
        assert_eq!(troubles(&world.evidence()), [(Some(Layout::ReferrersApi), Code::LayerUnsupported)], "{count}");
    }
    let mut world = world;
    let mut layer = bundle(&mut world, "a");
    layer["mediaType"] = json!("text/plain");
    world.refer_with(vec![layer], Some(&image), media_type::BUNDLE_V03);
    assert_eq!(troubles(&world.evidence()), [(Some(Layout::ReferrersApi), Code::LayerUnsupported)]);
}

#[test]
fn copies_are_gathered_once_and_near_copies_are_not_lost() {
    let mut world = World::new();
    let layer = world.sign("payload", "one");
    let mut spoilt = layer_json(&layer, "one");
    spoilt["annotations"][media_type::ANNOTATION_CERTIFICATE] = json!("spoilt");
    let mut sizes = layer_json(&layer, "one");
    sizes["size"] = json!(1);
    let mut layers = vec![spoilt, sizes];
    layers.extend(vec![layer_json(&layer, "one"); 500]);
    layers.push(layer_json(&layer, "two"));
    world.sign_with_layers(layers);
    let (first, bundle) = world.refer("bundle");
    let same_bundle = vec![serde_json::to_value(&bundle).unwrap()];
    let more = json!({ "artifactType": media_type::BUNDLE_V03, "annotations": { "n": "2" } });
    let second = manifest(media_type::OCI_EMPTY, same_bundle, Some(&world.image), more);
    let second = world.store.put_manifest(&world.repository, media_type::OCI_MANIFEST, second, None);
    let list = [&first, &first, &second].map(|entry| serde_json::to_value(entry).unwrap()).to_vec();
    let fetch = world.with_list(list);
    let evidence = fetch.gather(&world.by_digest()).unwrap();
    let positions: Vec<_> = evidence.candidates().iter().map(|candidate| (candidate.layout, candidate.position)).collect();
    let layers = [0, 1, 2, 502].map(|position| (Layout::CosignTag, position));
    assert_eq!(positions, [layers.as_slice(), &[(Layout::ReferrersApi, 0)]].concat());
    assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), Code::SizeMismatch)]);
    assert_eq!(fetch.asked().iter().filter(|what| **what == What::Manifest(first.digest)).count(), 1);
    // One request for the payload that three layers share, one for the lying size, one for the bundle.
    assert_eq!(fetch.asked().iter().filter(|what| matches!(what, What::Blob { .. })).count(), 3);
}

// Floods.

/// K-DS-16: pages that lead in a circle, or on for ever.
#[test]
fn pagination_ends() {
    let mut world = World::new();
    let (_, bundle) = world.refer("bundle");
    let same = world.store.clone();
    let first = move |request: &Request| {
        let what = match &request.what {
            What::Referrers { subject, .. } => What::Referrers { subject: *subject, page: None },
            other => other.clone(),
        };
        same.fetch(&Request::new(request.id, request.repository.clone(), what, request.max_bytes))
    };
    type Next = fn(Option<&str>) -> Option<String>;
    let circle: Next = |page| Some(if page == Some("a") { "b".to_owned() } else { "a".to_owned() });
    let myself: Next = |page| Some(page.unwrap_or("a").to_owned());
    let endless: Next = |page| Some(format!("{}x", page.unwrap_or_default()));
    let long: Next = |_| Some("x".repeat(5000));
    for (next, code, count) in [
        (circle, Code::ResponseInvalid, 3),
        (myself, Code::ResponseInvalid, 2),
        (endless, Code::CandidatesTruncated, 10),
        (long, Code::ResponseInvalid, 1),
    ] {
        let first = first.clone();
        let fetch = world.altered(move |request, answer| match &request.what {
            What::Referrers { page, .. } => match first(request) {
                Ok(Response::Found { media_type, bytes, .. }) => {
                    Ok(Response::Found { media_type, bytes, next: next(page.as_deref()) })
                }
                other => other,
            },
            _ => answer,
        });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), code)]);
        assert_eq!(usable(&evidence), [(Layout::ReferrersApi, bundle.digest)]);
        assert_eq!(fetch.asked().iter().filter(|what| matches!(what, What::Referrers { .. })).count(), count);
    }
}

#[test]
fn a_failing_later_page_keeps_what_came_before() {
    let mut world = World::with(MemoryStore::new().with_page_size(1));
    let (_, bundle) = world.refer("a");
    world.refer("b");
    for (answer, code) in [(Ok(Response::NotFound), Code::Dangling), (Err(FetchError::Denied(String::new())), Code::Denied)] {
        let fetch = world.altered(move |request, honest| match &request.what {
            What::Referrers { page: Some(_), .. } => answer.clone(),
            _ => honest,
        });
        let evidence = fetch.gather(&world.by_digest()).unwrap();
        assert_eq!(usable(&evidence), [(Layout::ReferrersApi, bundle.digest)]);
        assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), code)]);
        assert!(!evidence.layouts().contains_key(&Layout::ReferrersTag));
    }
}

/// K-DS-01: no more than the bound is fetched, the rest is told, and what is good within the bound still counts.
#[test]
fn ten_thousand_candidates_are_bounded() {
    let mut world = World::new();
    let layer = world.sign("payload", "good");
    let layers: Vec<_> = (0..9_000).map(|n| layer_json(&layer, &n.to_string())).collect();
    world.sign_with_layers(layers);
    let (good, bundle) = world.refer("bundle");
    let mut entries = vec![serde_json::to_value(&good).unwrap()];
    entries[0]["artifactType"] = json!(media_type::BUNDLE_V03);
    entries.extend((0..10_000).map(|n: u32| {
        let mut entry = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256(&n.to_be_bytes()), 700);
        entry.artifact_type = Some(media_type::BUNDLE_V03.to_owned());
        serde_json::to_value(entry).unwrap()
    }));
    let fetch = world.with_list(entries);
    let evidence = fetch.gather(&world.by_digest()).unwrap();
    let of = |layout: Layout| evidence.candidates().iter().filter(|candidate| candidate.layout == layout).count();
    assert_eq!(of(Layout::CosignTag), 100);
    assert!(of(Layout::ReferrersApi) <= 100 && of(Layout::ReferrersApi) >= 99, "{}", of(Layout::ReferrersApi));
    assert!(usable(&evidence).contains(&(Layout::ReferrersApi, bundle.digest)));
    assert!(fetch.asked().len() <= Limits::DEFAULT.requests);
    for layout in [Layout::CosignTag, Layout::ReferrersApi] {
        assert!(troubles(&evidence).contains(&(Some(layout), Code::CandidatesTruncated)), "{layout}");
    }
    assert!(!evidence.is_complete());
}

/// K-DS-01: other referrers, however many, take nothing from the signatures.
#[test]
fn ten_thousand_foreign_referrers_hide_no_bundle() {
    let mut world = World::new();
    let (good, bundle) = world.refer("bundle");
    let mut entries: Vec<_> = (0..9_999)
        .map(|n: u32| {
            let mut entry = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256(&n.to_be_bytes()), 700);
            entry.artifact_type = Some("application/spdx+json".to_owned());
            serde_json::to_value(entry).unwrap()
        })
        .collect();
    entries.push(serde_json::to_value(&good).unwrap());
    entries[9_999]["artifactType"] = json!(media_type::BUNDLE_V03);
    let evidence = world.with_list(entries).gather(&world.by_digest()).unwrap();
    assert_eq!(usable(&evidence), [(Layout::ReferrersApi, bundle.digest)]);
    assert_eq!((evidence.ignored_referrers(), evidence.is_complete()), (9_999, true));
}

/// K-DS-02: layers that only state to be large are not all asked for, and the small ones beside them are.
#[test]
fn the_bytes_of_all_candidates_together_are_bounded() {
    let mut world = World::new();
    let good = world.attest("envelope");
    let size = Limits::DEFAULT.attestation_bytes;
    let mut layers: Vec<_> = (0..50_u32)
        .map(|n| layer_json(&Descriptor::new(media_type::DSSE_ENVELOPE, Digest::sha256(&n.to_be_bytes()), size), ""))
        .collect();
    layers.push(layer_json(&good, ""));
    world.layers = layers;
    world.put_tagged("att");
    let fetch = world.altered(|_, answer| answer);
    let evidence = fetch.gather(&world.by_digest()).unwrap();
    let asked = fetch.asked().into_iter().filter(|what| matches!(what, What::Blob { size: asked, .. } if *asked == size));
    assert_eq!(asked.count(), 16);
    assert!(troubles(&evidence).contains(&(Some(Layout::AttestationTag), Code::CandidatesTruncated)));
    assert!(!evidence.is_complete());
    // The sixteen took all of it; with one less the good one fits.
    assert_eq!(usable(&evidence), []);
    world.layers.drain(..35);
    world.put_tagged("att");
    assert_eq!(usable(&world.evidence()), [(Layout::AttestationTag, good.digest)]);
}

/// K-DS-01: what lies beyond the entries that are read at all may have been a signature.
#[test]
fn entries_that_are_not_read_are_told() {
    let mut world = World::new();
    let foreign = Descriptor::new("a/b", Digest::sha256(b""), 0);
    let mut layer = serde_json::to_value(&foreign).unwrap();
    world.sign_with_layers(vec![layer.clone(); 10_001]);
    layer["artifactType"] = json!("a/b");
    let evidence = world.with_list(vec![layer; 10_001]).gather(&world.by_digest()).unwrap();
    let truncated = |layout| (Some(layout), Code::CandidatesTruncated);
    assert_eq!(troubles(&evidence), [truncated(Layout::CosignTag), truncated(Layout::ReferrersApi)]);
}

#[test]
fn no_page_is_asked_for_when_enough_candidates_are_known() {
    let mut world = World::with(MemoryStore::new().with_page_size(2));
    for bundle in ["a", "b", "c"] {
        world.refer(bundle);
    }
    let limits = Limits { candidates_fetched: 2, ..Limits::DEFAULT };
    let fetch = world.altered(|_, answer| answer);
    let evidence = gather_from(&fetch, &world.by_digest(), &limits).unwrap();
    assert_eq!(usable(&evidence).len(), 2);
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::CandidatesTruncated)]);
    assert_eq!(fetch.asked().iter().filter(|what| matches!(what, What::Referrers { .. })).count(), 1);
}

#[test]
fn requests_are_bounded_and_shared_fairly() {
    let mut world = World::new();
    for n in 0..20 {
        world.sign(&format!("payload {n}"), "sig");
        world.refer(&format!("bundle {n}"));
    }
    for requests in 0..40 {
        let limits = Limits { requests, ..Limits::DEFAULT };
        let fetch = world.altered(|_, answer| answer);
        let outcome = gather_from(&fetch, &world.by_digest(), &limits);
        assert!(fetch.asked().len() <= requests, "{requests}");
        if requests == 0 {
            assert_eq!(outcome.unwrap_err().code(), Code::RequestsExhausted);
            continue;
        }
        let evidence = outcome.unwrap();
        assert!(troubles(&evidence).iter().any(|(_, code)| *code == Code::RequestsExhausted), "{requests}");
        assert!(!evidence.is_complete());
        if requests >= 10 {
            let layouts: BTreeSet<_> = usable(&evidence).into_iter().map(|(layout, _)| layout).collect();
            assert_eq!(layouts.len(), 2, "{requests}");
        }
    }
    let limits = Limits { requests: 4 + 20 + 40, ..Limits::DEFAULT };
    let evidence = world.gather(&world.by_digest(), &limits).unwrap();
    assert_eq!((usable(&evidence).len(), evidence.is_complete()), (40, true));
}

// Order.

/// A world with something of everything, in which `seed` chooses what is in trouble.
pub(in crate::gather) fn troubled(seed: u64) -> (Altered, Reference, Limits) {
    let (mut world, _) = signed_every_way();
    for n in 0..6 {
        world.sign(&format!("payload {}", n / 2), &n.to_string());
        world.refer(&format!("bundle {n}"));
    }
    let image = world.image.clone();
    world.refer_with(vec![], Some(&image), media_type::BUNDLE_V03);
    let has_api = !seed.is_multiple_of(3);
    world.store.put_fallback_tag(&world.repository, &image.digest);
    world.store = world.store.clone().with_referrers_api(has_api).with_page_size(3);
    let reference = match seed % 4 {
        0 => world.by_tag(),
        1 => world.by_both(image.digest),
        _ => world.by_digest(),
    };
    let requests = if seed.is_multiple_of(5) { 12 } else { 256 };
    let candidates_fetched = if seed.is_multiple_of(7) { 4 } else { 100 };
    let fetch = world.altered(move |request, answer| {
        let spread = match &request.what {
            What::Blob { digest, .. } => u64::from(digest.as_bytes()[0]) ^ seed,
            What::Manifest(digest) if *digest != image.digest => u64::from(digest.as_bytes()[1]) ^ seed,
            What::ManifestByTag(tag) if tag.as_str().ends_with(".sig") => seed / 8,
            What::Referrers { page: Some(_), .. } => seed / 16,
            _ => return answer,
        };
        match spread % 9 {
            0 => Err(FetchError::Denied("no".to_owned())),
            1 => Ok(Response::NotFound),
            2 => found(media_type::OCI_MANIFEST, "other"),
            _ => answer,
        }
    });
    (fetch, reference, Limits { requests, candidates_fetched, ..Limits::DEFAULT })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    /// INV-12: the order of the answers changes nothing, neither what is gathered nor what is noted.
    #[test]
    fn answers_in_any_order_give_the_same_evidence(seed: u64, choices: Vec<usize>) {
        let (fetch, reference, limits) = troubled(seed);
        let expected = gather_from(&fetch, &reference, &limits);
        let mut session = Session::new(&reference, &limits, Wanted::with_attestations());
        let mut open = Vec::new();
        let mut choices = choices.into_iter().cycle();
        loop {
            open.extend(std::iter::from_fn(|| session.next_request()));
            if open.is_empty() {
                break;
            }
            let request = open.swap_remove(choices.next().unwrap_or(0) % open.len());
            session.supply(request.id, fetch.fetch(&request)).unwrap();
        }
        prop_assert_eq!(session.finish().map_err(|error| error.failure), expected);
    }
}
