//! Saved, edited and loaded again.

use super::*;
use crate::gather::evidence::Layout;
use crate::gather::session::tests::{World, gather_from, layer_json, signed_every_way, troubled, troubles, usable};
use crate::oci::{Descriptor, Reference, Repository, media_type};
use proptest::prelude::*;
use serde_json::{Value, json};

fn load(saved: &SavedEvidence) -> Result<Evidence, Failure> {
    load_within(saved, &Limits::DEFAULT)
}

fn load_within(saved: &SavedEvidence, limits: &Limits) -> Result<Evidence, Failure> {
    Evidence::load(&saved.document, &mut |digest| saved.blobs.get(digest).map(|bytes| bytes.to_vec()), limits)
}

fn edited(saved: &SavedEvidence, edit: impl FnOnce(&mut Value)) -> SavedEvidence {
    let mut document: Value = serde_json::from_slice(&saved.document).unwrap();
    edit(&mut document);
    SavedEvidence { document: document.to_string().into_bytes(), blobs: saved.blobs.clone() }
}

fn loaded(mut evidence: Evidence) -> Evidence {
    evidence.origin = EvidenceOrigin::Loaded;
    evidence
}

#[test]
fn saved_evidence_loads_as_it_was_but_marked() {
    let (world, expected) = signed_every_way();
    for reference in [world.by_digest(), world.by_tag(), world.by_both(world.image.digest)] {
        let evidence = world.gather(&reference, &Limits::DEFAULT).unwrap();
        let saved = evidence.to_saved();
        let again = load(&saved).unwrap();
        assert_eq!(usable(&again), expected);
        assert_eq!(again.to_saved(), saved);
        assert!(again.is_complete() && !again.proves_absence());
        assert_eq!(again, loaded(evidence));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    /// Failures and notes come through as well.
    #[test]
    fn whatever_was_gathered_loads_as_it_was(seed: u64) {
        let (fetch, reference, limits) = troubled(seed);
        if let Ok(evidence) = gather_from(&fetch, &reference, &limits) {
            prop_assert_eq!(load(&evidence.to_saved()).unwrap(), loaded(evidence));
        }
    }
}

#[test]
fn a_moved_tag_is_kept_as_a_claim() {
    let mut world = World::new();
    let other = world.store.put_manifest(&world.repository, "a/b", "other", Some("v1".parse().unwrap()));
    let evidence = world.gather(&world.by_both(world.image.digest), &Limits::DEFAULT).unwrap();
    let again = load(&evidence.to_saved()).unwrap();
    assert_eq!(again.moved().unwrap().found, other.digest);
    assert_eq!(again.moved(), evidence.moved());
}

#[test]
fn a_layout_is_an_image_too() {
    let mut world = World::new();
    let layout = Repository::layout("oci/../dir");
    let image = world.image.digest;
    let bytes = world.evidence().subject().document.bytes().to_vec();
    world.store.put_manifest(&layout, media_type::OCI_MANIFEST, bytes, Some("v1".parse().unwrap()));
    let evidence = world.gather(&Reference::layout(layout.clone(), None, None), &Limits::DEFAULT).unwrap();
    let again = load(&evidence.to_saved()).unwrap();
    assert_eq!(again.require_image(&layout, &image), Ok(()));
    assert_eq!(again, loaded(evidence));
}

/// K-EV-01: which image is meant the caller says, and evidence for another one is of no use.
#[test]
fn evidence_for_another_image_is_refused() {
    let (world, _) = signed_every_way();
    let evidence = world.evidence();
    assert_eq!(evidence.require_image(&world.repository, &world.image.digest), Ok(()));
    let elsewhere: Repository = "reg.example/other".parse().unwrap();
    let code = |outcome: Result<(), Failure>| outcome.unwrap_err().code();
    assert_eq!(code(evidence.require_image(&elsewhere, &world.image.digest)), Code::EvidenceForOtherImage);
    let other = Digest::sha256(b"other");
    assert_eq!(code(evidence.require_image(&world.repository, &other)), Code::EvidenceForOtherImage);
    // Edited to name the repository that the caller means, it still does not get another digest.
    let saved = evidence.to_saved();
    let renamed = load(&edited(&saved, |document| document["image"]["path"] = json!("other"))).unwrap();
    assert_eq!(code(renamed.require_image(&world.repository, &world.image.digest)), Code::EvidenceForOtherImage);
    let digest = edited(&saved, |document| document["image"]["digest"] = json!(other));
    assert_eq!(load(&digest).unwrap_err().code(), Code::EvidenceInvalid);
}

/// K-EV-02: what is left out is gone, but its absence proves nothing; what is added must be in the bytes.
#[test]
fn candidates_left_out_or_added_prove_nothing() {
    let (world, expected) = signed_every_way();
    let saved = world.evidence().to_saved();
    let without = edited(&saved, |document| {
        document["candidates"].as_array_mut().unwrap().remove(0);
        document["claims"]["layouts"]["cosign-tag"] = json!("not-found");
    });
    let evidence = load(&without).unwrap();
    assert_eq!(usable(&evidence), expected[1..]);
    assert!(!evidence.proves_absence());
    // What the file itself calls incomplete stays so.
    let incomplete = edited(&saved, |document| document["claims"]["complete"] = json!(false));
    assert!(!load(&incomplete).unwrap().is_complete());
    // The same layer a second time, or a layer that the manifest does not have.
    let twice = edited(&saved, |document| {
        let first = document["candidates"][0].clone();
        document["candidates"].as_array_mut().unwrap().push(first);
    });
    assert_eq!(load(&twice).unwrap_err().code(), Code::EvidenceInvalid);
    let beyond = edited(&saved, |document| document["candidates"][0]["position"] = json!(1));
    assert_eq!(troubles(&load(&beyond).unwrap()), [(Some(Layout::CosignTag), Code::Dangling)]);
    // Another layout makes no other kind of evidence out of the same bytes.
    let moved = edited(&saved, |document| document["candidates"][0]["layout"] = json!("referrers-tag"));
    assert_eq!(troubles(&load(&moved).unwrap()), [(Some(Layout::ReferrersTag), Code::LayerUnsupported)]);
    let moved = edited(&saved, |document| document["candidates"][0]["layout"] = json!("attestation-tag"));
    assert_eq!(load(&moved).unwrap_err().code(), Code::EvidenceInvalid);
}

/// K-EV-03: a byte changed in any blob, or a missing one, makes unusable what depends on it and nothing else.
#[test]
fn an_altered_or_missing_blob_is_refused() {
    let (world, expected) = signed_every_way();
    let saved = world.evidence().to_saved();
    assert_eq!(saved.blobs.len(), 7);
    for digest in saved.blobs.keys() {
        for is_missing in [false, true] {
            let mut spoilt = saved.clone();
            let bytes = spoilt.blobs.remove(digest).unwrap();
            if !is_missing {
                let mut bytes = bytes.to_vec();
                *bytes.last_mut().unwrap() ^= 1;
                spoilt.blobs.insert(*digest, bytes.into());
            }
            if *digest == world.image.digest {
                assert_eq!(load(&spoilt).unwrap_err().code(), Code::EvidenceInvalid);
                continue;
            }
            let evidence = load(&spoilt).unwrap();
            let code = if is_missing { Code::Dangling } else { Code::DigestMismatch };
            assert_eq!(troubles(&evidence).iter().map(|(_, code)| *code).collect::<Vec<_>>(), [code]);
            assert_eq!(usable(&evidence).len(), expected.len() - 1);
            assert!(!evidence.is_complete());
        }
    }
}

/// K-EV-03: however many candidates name a blob, it is read once, so that a small file stays small in memory.
#[test]
fn a_blob_that_many_candidates_name_is_read_once() {
    let mut world = World::new();
    let layer = world.sign("payload", "0");
    world.sign_with_layers((0..50).map(|n: usize| layer_json(&layer, &n.to_string())).collect());
    let saved = world.evidence().to_saved();
    let mut asked = BTreeMap::<Digest, usize>::new();
    let mut blob = |digest: &Digest| {
        *asked.entry(*digest).or_default() += 1;
        saved.blobs.get(digest).map(|bytes| bytes.to_vec())
    };
    let evidence = Evidence::load(&saved.document, &mut blob, &Limits::DEFAULT).unwrap();
    assert_eq!(usable(&evidence).len(), 50);
    assert!(asked.values().all(|count| *count == 1), "{asked:?}");
}

/// K-EV-03: what all candidates state together is bounded as it was when gathering.
#[test]
fn all_candidates_together_are_bounded_at_load() {
    let mut world = World::new();
    let layer = world.sign("payload", "0");
    let most = MAX_GATHERED_BYTES / 16;
    let limits = Limits { payload_bytes: most, ..Limits::DEFAULT };
    let layers = (0..17).map(|n: u64| Descriptor { size: most - (16 - n), ..layer.clone() });
    world.sign_with_layers(layers.map(|layer| layer_json(&layer, "0")).collect());
    let saved = world.gather(&world.by_digest(), &limits).unwrap().to_saved();
    let mut saved = edited(&saved, |document| {
        let mut candidate = document["candidates"][0].clone();
        candidate.as_object_mut().unwrap().remove("failure");
        let numbered = |n: usize| {
            let mut candidate = candidate.clone();
            candidate["position"] = json!(n);
            candidate
        };
        document["candidates"] = (0..17).map(numbered).collect();
    });
    saved.blobs.insert(layer.digest, Arc::from(b"payload".as_slice()));
    let codes: Vec<_> = troubles(&load_within(&saved, &limits).unwrap()).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Code::SizeMismatch).count(), 16);
    assert!(codes.contains(&Code::CandidatesTruncated), "{codes:?}");
}

/// K-EV-03: the limits hold at load.
#[test]
fn limits_hold_at_load() {
    let mut world = World::new();
    let layer = world.sign("payload", "0");
    world.sign_with_layers((0..5).map(|n: usize| layer_json(&layer, &n.to_string())).collect());
    world.refer("bundle");
    world.attest("envelope");
    let saved = world.evidence().to_saved();
    let few = Limits { candidates_fetched: 3, ..Limits::DEFAULT };
    let evidence = load_within(&saved, &few).unwrap();
    assert_eq!(usable(&evidence).len(), 5);
    assert_eq!(troubles(&evidence), [(Some(Layout::CosignTag), Code::CandidatesTruncated)]);
    let small = Limits { payload_bytes: 6, bundle_bytes: 5, attestation_bytes: 7, ..Limits::DEFAULT };
    let evidence = load_within(&saved, &small).unwrap();
    assert_eq!(usable(&evidence), []);
    assert!(troubles(&evidence).iter().all(|(_, code)| *code == Code::TooLarge));
    let tiny = Limits { manifest_bytes: 100, ..Limits::DEFAULT };
    assert_eq!(load_within(&saved, &tiny).unwrap_err().code(), Code::EvidenceInvalid);
}

/// K-EV-01, K-EV-03: whatever contradicts the format or itself is no evidence.
#[test]
fn an_edited_document_is_evidence_invalid() {
    let (world, _) = signed_every_way();
    let saved = world.gather(&world.by_tag(), &Limits::DEFAULT).unwrap().to_saved();
    let other = json!(Digest::sha256(b"other"));
    type Edit = Box<dyn Fn(&mut Value)>;
    let set = |pointer: &'static str, value: Value| -> Edit {
        Box::new(move |document| *document.pointer_mut(pointer).unwrap() = value.clone())
    };
    let add = |pointer: &'static str, key: &'static str, value: Value| -> Edit {
        Box::new(move |document| document.pointer_mut(pointer).unwrap()[key] = value.clone())
    };
    let remove = |pointer: &'static str, key: &'static str| -> Edit {
        Box::new(move |document| {
            document.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        })
    };
    let note = |layout: &str, code: &str| json!({ "layout": layout, "failure": { "code": code }, "hidesCandidates": true });
    let edits = vec![
        set("/format", json!("veriseal.evidence/v2")),
        set("/image/registry", json!("")),
        set("/image/registry", json!("index.docker.io")),
        set("/image/path", json!("UPPER")),
        set("/image/path", json!("app:tag")),
        set("/image/digest", json!("sha256:00")),
        set("/image/digest", other.clone()),
        set("/image/mediaType", json!(media_type::OCI_INDEX)),
        set("/image/mediaType", json!(media_type::DOCKER_MANIFEST)),
        set("/image/mediaType", json!("application/vnd.oci.image.manifest.v1+json; x")),
        set("/claims/askedTag", json!("-")),
        set("/claims/tagDigest", other.clone()),
        add("/claims", "askedDigest", other.clone()),
        remove("/claims", "askedTag"),
        remove("/claims", "complete"),
        remove("/image", "mediaType"),
        set("/claims/layouts/cosign-tag", json!("maybe")),
        add("/claims/layouts", "other", json!("found")),
        add("/claims", "notes", json!([note("other", "DENIED")])),
        add("/claims", "notes", json!([note("cosign-tag", "ACCEPTED")])),
        add("/claims", "notes", json!([note("cosign-tag", "NO_SUCH_CODE")])),
        add("", "more", json!(1)),
        add("/image", "more", json!(1)),
        add("/candidates/0", "more", json!(1)),
        set("/candidates/0/blob", other.clone()),
        remove("/candidates/0", "blob"),
        remove("/candidates/0", "manifest"),
        set("/candidates/0/manifest", Value::Null),
        set("/candidates/0/layout", json!("other")),
        set("/candidates/0/position", json!(-1)),
        add("/candidates/0", "failure", json!({ "code": "ACCEPTED" })),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let outcome = load(&edited(&saved, edit));
        assert_eq!(outcome.unwrap_err().code(), Code::EvidenceInvalid, "edit {number}");
    }
    let text = String::from_utf8(saved.document.clone()).unwrap();
    for text in [
        String::new(),
        format!("{text}{{}}"),
        text.replacen("\"format\"", "\"format\":\"x\",\"f\\u006frmat\"", 1),
        text.replace("\"complete\": true", "\"complete\": true, \"complete\": true"),
    ] {
        let spoilt = SavedEvidence { document: text.into_bytes(), blobs: saved.blobs.clone() };
        assert_eq!(load(&spoilt).unwrap_err().code(), Code::EvidenceInvalid);
    }
}
