//! The order of the answers (INV-12).

use super::*;

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
