//! One layout in trouble, and one candidate in trouble: neither hides the others.

use super::*;

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
