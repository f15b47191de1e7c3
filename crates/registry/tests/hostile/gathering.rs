//! A whole session over HTTP finds what the same session finds in memory.

use super::server::{Seen, Server, reply};
use super::*;
use serde_json::{Value, json};
use veriseal::gather::{Evidence, LayoutState, MemoryStore, Session, Wanted, drive};
use veriseal::limits::Limits;
use veriseal::oci::{Tag, media_type};

const LIMITS: Limits = Limits::DEFAULT;

fn gather(reference: &Reference, fetch: &dyn Fetch) -> Evidence {
    let mut session = Session::new(reference, &LIMITS, Wanted::with_attestations());
    drive(&mut session, fetch);
    session.finish().unwrap()
}

/// The store as a registry's API, for the repository `reg.example/ns/app`.
fn answer(store: &MemoryStore, seen: &Seen) -> Vec<u8> {
    let (path, page) =
        seen.target.split_once('?').map_or((seen.target.as_str(), None), |(path, page)| (path, Some(page.to_owned())));
    let [_, "v2", "ns", "app", kind, name] = path.split('/').collect::<Vec<_>>()[..] else { panic!("{path}") };
    let what = match (kind, name.parse::<Digest>()) {
        ("manifests", Ok(digest)) => What::Manifest(digest),
        ("manifests", Err(_)) => What::ManifestByTag(name.parse().unwrap()),
        ("blobs", Ok(digest)) => What::Blob { digest, size: MAX },
        ("referrers", Ok(subject)) => What::Referrers { subject, page },
        _ => panic!("{path}"),
    };
    match store.fetch(&Request::new(RequestId::from_number(0), repository("reg.example"), what, 1 << 20)).unwrap() {
        Response::NotFound => reply(404, &[("Content-Type", "application/json")], br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        Response::Found { media_type, bytes, next } => {
            let link = next.map(|page| format!(r#"<{path}?{page}>; rel="next""#));
            let mut headers = vec![("Content-Type", media_type.as_deref().unwrap_or("application/octet-stream"))];
            headers.extend(link.as_deref().map(|link| ("Link", link)));
            reply(200, &headers, &bytes)
        }
    }
}

fn store() -> MemoryStore {
    let repository = repository("reg.example");
    let mut store = MemoryStore::new();
    let config = store.put_blob(&repository, media_type::OCI_EMPTY, *b"{}");
    let manifest = |layers: Value, subject: Option<Value>| {
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        if let Some(subject) = subject {
            manifest["subject"] = subject;
            manifest["artifactType"] = media_type::BUNDLE_V03.into();
        }
        manifest.to_string().into_bytes()
    };
    let layer = store.put_blob(&repository, "application/octet-stream", *b"layer");
    let image = store.put_manifest(&repository, MANIFEST, manifest(json!([layer]), None), Some("v1".parse().unwrap()));
    let mut payload = json!(store.put_blob(&repository, media_type::SIMPLE_SIGNING, *b"{\"payload\":1}"));
    payload["annotations"] = json!({ media_type::ANNOTATION_SIGNATURE: "c2ln" });
    store.put_manifest(&repository, MANIFEST, manifest(json!([payload]), None), Some(Tag::cosign(&image.digest, "sig")));
    for number in 0..5 {
        let bundle = store.put_blob(&repository, media_type::BUNDLE_V03, format!("{{\"bundle\":{number}}}"));
        store.put_manifest(&repository, MANIFEST, manifest(json!([bundle]), Some(json!(image))), None);
    }
    store.put_fallback_tag(&repository, &image.digest);
    store
}

#[test]
fn a_session_over_http_finds_what_it_finds_in_memory() {
    for (with_api, requests) in [(true, None), (false, None), (true, Some(2))] {
        let mut store = store().with_referrers_api(with_api);
        if let Some(page_size) = requests {
            store = store.with_page_size(page_size);
        }
        let in_memory = gather(&"reg.example/ns/app:v1".parse().unwrap(), &store);
        let server = Server::start(move |seen, _| answer(&store, seen));
        let registry = builder(&[&server]).build().unwrap();
        let reference: Reference = format!("{}/ns/app:v1", server.name()).parse().unwrap();
        let over_http = gather(&reference, &registry.call());
        assert_eq!(over_http.candidates(), in_memory.candidates());
        assert_eq!(over_http.candidates().len(), 6);
        assert_eq!(over_http.layouts(), in_memory.layouts());
        assert!(over_http.is_complete(), "{:?}", over_http.notes());
        assert_eq!(server.seen().iter().filter(|seen| seen.target.ends_with("/manifests/v1")).count(), 1);
    }
}

/// A denied list is not an empty one: it is known to be unknown, and what another layout holds is still found.
#[test]
fn what_is_denied_in_one_layout_leaves_the_evidence_incomplete() {
    let store = store();
    for status in [403, 429, 500] {
        let store = store.clone();
        let server = Server::start(move |seen, _| {
            if seen.target.contains("/referrers/") { reply(status, &[("Retry-After", "100")], b"") } else { answer(&store, seen) }
        });
        let registry = builder(&[&server]).build().unwrap();
        let reference: Reference = format!("{}/ns/app:v1", server.name()).parse().unwrap();
        let evidence = gather(&reference, &registry.call());
        assert_eq!(evidence.candidates().len(), 1);
        assert!(!evidence.is_complete() && !evidence.proves_absence());
        assert_eq!(evidence.layouts()[&veriseal::gather::Layout::ReferrersApi], LayoutState::Unknown);
    }
}
