//! Floods (K-DS-01): bounded, told, and shared fairly.

use super::*;

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
