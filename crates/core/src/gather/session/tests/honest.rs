//! What honest registries answer.

use super::*;

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
