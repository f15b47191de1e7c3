//! Platforms of an index, and cosign's signatures behind referrers: what is asked for, when, and in whatever order it is
//! answered. What it is worth is tested where it is judged (`tests/attacks/platforms.rs`).

use super::*;
use crate::gather::PlatformChoice;

const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// An index of two platforms, the second of which is in a nested index, each signed in both ways; the index too.
fn indexed(mut world: World) -> (World, Reference, [Descriptor; 2]) {
    let second = manifest(media_type::OCI_CONFIG, vec![], None, json!({ "annotations": { "the": "second" } }));
    let second = world.store.put_manifest(&world.repository, media_type::OCI_MANIFEST, second, None);
    let entry = |descriptor: &Descriptor, platform: Option<&str>| {
        let mut entry = serde_json::to_value(descriptor).unwrap();
        if let Some((os, architecture)) = platform.and_then(|platform| platform.split_once('/')) {
            entry["platform"] = json!({ "os": os, "architecture": architecture });
        }
        entry
    };
    let nested = index(&[entry(&second, Some(PLATFORMS[1]))]);
    let nested = world.store.put_manifest(&world.repository, media_type::OCI_INDEX, nested, None);
    let first = world.image.clone();
    let all = index(&[entry(&first, Some(PLATFORMS[0])), entry(&nested, None)]);
    let all = world.store.put_manifest(&world.repository, media_type::OCI_INDEX, all, Some("all".parse().unwrap()));
    for (number, image) in [&first, &second, &all].into_iter().enumerate() {
        world.image = image.clone();
        world.layers.clear();
        world.sign(&format!("payload {number}"), "c2ln");
        world.refer(&format!("bundle {number}"));
        behind_referrer(&mut world, &[(number, "one"), (number, "two"), (9, "shared")]);
    }
    let reference = Reference::new(world.repository.clone(), Some("all".parse().unwrap()), None);
    world.image = all;
    (world, reference, [first, second])
}

/// cosign's `.sig` manifest as a referrer, a layer each.
fn behind_referrer(world: &mut World, payloads: &[(usize, &str)]) -> Descriptor {
    let layers = payloads.iter().map(|(number, text)| {
        let layer = world.store.put_blob(&world.repository, media_type::SIMPLE_SIGNING, format!("{text} {number}"));
        layer_json(&layer, text)
    });
    let layers = layers.collect();
    world.refer_with(layers, Some(&world.image.clone()), media_type::COSIGN_SIGNATURES)
}

fn wanted(choice: &str) -> Wanted {
    Wanted::with_attestations().for_platforms(choice.parse().unwrap())
}

/// Answers all that is open at once, and counts how often.
fn rounds(fetch: &dyn Fetch, reference: &Reference, wanted: Wanted) -> (usize, Result<Evidence, Failure>) {
    let mut session = Session::new(reference, &Limits::DEFAULT, wanted);
    let mut rounds = 0;
    loop {
        let requests: Vec<_> = std::iter::from_fn(|| session.next_request()).collect();
        if requests.is_empty() {
            return (rounds, session.finish().map_err(|error| error.failure));
        }
        rounds += 1;
        for request in requests {
            session.supply(request.id, fetch.fetch(&request)).unwrap();
        }
    }
}

#[test]
fn the_platforms_of_an_index_are_gathered_with_what_is_attached_to_each() {
    let (world, reference, [first, second]) = indexed(World::new());
    let (_, evidence) = rounds(&world.store, &reference, wanted("all"));
    let evidence = evidence.unwrap();
    let found: Vec<_> = evidence.platforms().manifests().iter().map(|found| *found.listed().unwrap().digest()).collect();
    assert_eq!(found, [first.digest, second.digest]);
    assert_eq!(evidence.platforms().manifests()[1].listed().unwrap().via().len(), 1);
    let attached =
        [evidence.attached(), evidence.platforms().manifests()[0].attached(), evidence.platforms().manifests()[1].attached()];
    for attached in attached {
        // One under the tag, one bundle, and three layers behind a referrer.
        assert_eq!(attached.candidates().len(), 5);
        assert!(attached.candidates().iter().all(|candidate| !matches!(candidate.kind, CandidateKind::Unusable(_))));
        assert_eq!(attached.candidates().iter().filter_map(|candidate| candidate.layer).collect::<Vec<_>>(), [0, 1, 2]);
    }
    assert!(evidence.is_complete());
}

/// By tag no more than for the image alone, by digest one more: its signatures are asked for before it is known what it is.
#[test]
fn a_platform_costs_at_most_one_round_trip_more() {
    let (world, reference, [first, _]) = indexed(World::new());
    let by_digest = reference.with_digest(world.image.digest);
    let (by_tag_rounds, evidence) = rounds(&world.store, &reference, wanted(PLATFORMS[0]));
    assert_eq!((by_tag_rounds, *evidence.unwrap().platforms().manifests()[0].listed().unwrap().digest()), (4, first.digest));
    assert_eq!(rounds(&world.store, &by_digest, wanted(PLATFORMS[0])).0, 4);
    assert_eq!(rounds(&world.store, &by_digest, wanted("index")).0, 3);
    // A nested index is one more.
    assert_eq!(rounds(&world.store, &reference, wanted(PLATFORMS[1])).0, 5);
}

#[test]
fn without_signatures_nothing_but_the_image_is_asked_for() {
    let (world, reference, _) = indexed(World::new());
    let fetch = world.altered(|_, answer| answer);
    for (choice, requests) in [("index", 1), (PLATFORMS[0], 2), (PLATFORMS[1], 3)] {
        fetch.asked.lock().unwrap().clear();
        let wanted = Wanted::image_only().for_platforms(choice.parse::<PlatformChoice>().unwrap());
        assert!(rounds(&fetch, &reference, wanted).1.unwrap().candidates().is_empty());
        assert_eq!(fetch.asked().len(), requests, "{choice}");
    }
}

/// One referrer with more layers than may be fetched takes no place of the others.
#[test]
fn layers_behind_a_referrer_are_bounded_and_shared_fairly() {
    let mut world = World::new();
    let payloads: Vec<_> = (0..50).map(|number| (number, "flood")).collect();
    behind_referrer(&mut world, &payloads);
    let (_, bundle) = world.refer("bundle");
    let limits = Limits { candidates_fetched: 10, ..Limits::DEFAULT };
    let evidence = world.gather(&world.by_digest(), &limits).unwrap();
    assert_eq!(usable(&evidence).len(), 10);
    assert!(usable(&evidence).contains(&(Layout::ReferrersApi, bundle.digest)));
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::CandidatesTruncated)]);
    let limits = Limits { requests: 12, ..Limits::DEFAULT };
    let evidence = world.gather(&world.by_digest(), &limits).unwrap();
    assert!(usable(&evidence).contains(&(Layout::ReferrersApi, bundle.digest)));
    assert_eq!(troubles(&evidence), [(Some(Layout::ReferrersApi), Code::RequestsExhausted)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// INV-12, for platforms too: neither what is gathered nor what is noted depends on the order of the answers; and
    /// saved and loaded it is the same.
    #[test]
    fn platforms_in_any_order_give_the_same_evidence(seed: u64, choices: Vec<usize>) {
        let store = MemoryStore::new().with_page_size(2);
        let (world, reference, _) = indexed(World::with(store));
        let image = world.image.digest;
        let reference = if seed.is_multiple_of(2) { reference } else { reference.with_digest(image) };
        let fetch = world.altered(move |request, answer| {
            let spread = match &request.what {
                What::Blob { digest, .. } | What::Manifest(digest) if *digest != image => u64::from(digest.as_bytes()[0]) ^ seed,
                _ => return answer,
            };
            match spread % 11 {
                0 => Err(FetchError::Denied("no".to_owned())),
                1 => Ok(Response::NotFound),
                2 => found(media_type::OCI_MANIFEST, "other"),
                _ => answer,
            }
        });
        let requests = if seed.is_multiple_of(5) { 25 } else { 256 };
        let limits = Limits { requests, ..Limits::DEFAULT };
        let wanted = wanted(if seed.is_multiple_of(3) { PLATFORMS[1] } else { "all" });
        let mut first = Session::new(&reference, &limits, wanted.clone());
        drive(&mut first, &fetch);
        let expected = first.finish().map_err(|error| error.failure);
        let mut session = Session::new(&reference, &limits, wanted);
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
        prop_assert_eq!(session.finish().map_err(|error| error.failure), expected.clone());
        if let Ok(evidence) = expected {
            let saved = evidence.to_saved();
            let mut blob = |digest: &Digest| saved.blobs.get(digest).map(|bytes| bytes.to_vec());
            let loaded = Evidence::load(&saved.document, &mut blob, &Limits::DEFAULT).unwrap();
            prop_assert_eq!(loaded.to_saved(), saved);
        }
    }
}
