//! Faults 31–40: what the documents say.

use super::*;
use serde_json::json;
use veriseal::digest::Digest;
use veriseal_testkit::image::{ImageBuilder, OCI_INDEX, OCI_MANIFEST, descriptor};
use veriseal_testkit::scenario::{self, Scenario, index_signed, key_signed, keyless_bundle};
use veriseal_testkit::signer::Signer;
use veriseal_testkit::store::{BUNDLE, Store, tag_of};

fn honest(_: &Ask<'_>, _: &mut dyn Stream) -> bool {
    false
}

/// K-OC-03: one resolution a call; what was seen is what is pinned.
#[test]
fn fault_31_the_tag_moves_between_requests() {
    let other = ImageBuilder::new("bad").tagged(&mut Store::new(), "v1");
    let moved = move |ask: &Ask<'_>, stream: &mut dyn Stream| {
        let decides = ask.kind == Kind::Image && ask.authorized && ask.before > 0;
        if decides {
            let _ = stream.write_all(&reply(200, &[("Docker-Content-Digest", &other.digest.to_string())], b"{}"));
        }
        decides
    };
    for (stand, _) in by_tag(31, key_signed, moved) {
        let asked =
            stand.server.seen().iter().filter(|seen| seen.target.ends_with("/v1") && seen.authorization().is_some()).count();
        assert_eq!(asked, 1);
    }
}

/// K-OC-04.
#[test]
fn fault_32_manifests_and_layers_at_once() {
    for media_type in [OCI_MANIFEST, OCI_INDEX] {
        let mut document =
            json!({ "schemaVersion": 2, "layers": [], "manifests": [], "config": descriptor("a/b", &Digest::sha256(b""), 0) });
        document["mediaType"] = json!(media_type);
        let bytes = document.to_string();
        by_tag(32, key_signed, at(Kind::Image, reply(200, &[("Content-Type", media_type)], bytes.as_bytes())));
    }
}

/// K-DS-01: accepted, and said.
#[test]
fn fault_33_10000_referrers_beside_one_good_signature() {
    let flooded = || {
        let mut scenario = key_signed();
        for n in 0..10_000_u32 {
            let mut entry = descriptor(OCI_MANIFEST, &Digest::sha256(&n.to_be_bytes()), 500);
            entry["artifactType"] = json!(BUNDLE);
            scenario.store.referrers.entry(scenario.image.digest).or_default().push(entry);
        }
        scenario
    };
    for (_, outcome) in by_tag(33, flooded, honest) {
        assert!(outcome.report.gathering_codes().contains(&Code::CandidatesTruncated), "{}", outcome.report.to_json());
    }
}

/// K-DS-16.
#[test]
fn fault_34_pages_without_end() {
    let page = |next: &str| {
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }).to_string();
        reply(200, &[("Content-Type", OCI_INDEX), ("Link", &format!("<{next}>; rel=\"next\""))], index.as_bytes())
    };
    let unsigned = || Scenario { authority: scenario::Authority::Key, ..scenario::unsigned() };
    by_tag(34, unsigned, move |ask, stream| {
        let decides = ask.kind == Kind::Referrers && ask.authorized;
        if decides {
            let number: usize = ask.seen.target.split_once("?n=").map_or(0, |(_, number)| number.parse().unwrap());
            let _ = stream.write_all(&page(&format!("?n={}", number + 1)));
        }
        decides
    });
    // A page that leads to itself, or back to one before, is none.
    for next in ["", "?n=1"] {
        let stand = Stand::start(false, unsigned(), move |ask, stream| {
            let decides = ask.kind == Kind::Referrers && ask.authorized;
            if decides {
                let _ = stream.write_all(&page(next));
            }
            decides
        });
        let outcome = stand.verify(&stand.by_tag());
        assert_eq!(outcome.report.code(), Code::ResponseInvalid, "{}", outcome.report.to_json());
        assert!(outcome.requests <= 6);
    }
}

/// K-OC-06.
#[test]
fn fault_35_a_referrer_of_another_image() {
    let foreign = || {
        let mut scenario = Scenario::new("referrer of another image");
        let other = ImageBuilder::new("other").tagged(&mut scenario.store, "other");
        let bundle = scenario.bundle(&scenario.keyless_signer());
        scenario.store.attach_bundle(&other, &bundle);
        let listed = scenario.store.referrers.remove(&other.digest).unwrap();
        scenario.store.referrers.insert(scenario.image.digest, listed);
        scenario
    };
    for (_, outcome) in by_tag(35, foreign, honest) {
        assert_eq!(outcome.report.candidate_codes(), [Code::ReferrerForOtherSubject]);
    }
}

#[test]
fn fault_36_a_referrer_that_is_not_there() {
    by_tag(36, keyless_bundle, at(Kind::Manifest, reply(404, &[], b"")));
}

/// K-OC-05: an index is never walked for signatures, so neither depth nor a circle takes requests; a circle needs a
/// lie about a digest.
#[test]
fn fault_37_indexes_in_indexes() {
    let mut scenario = index_signed();
    let mut inner = scenario.image.clone();
    for _ in 0..100 {
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(OCI_INDEX, &inner.digest, inner.size)] });
        inner = scenario.store.put_json(OCI_INDEX, &index);
    }
    scenario.image = inner;
    scenario.store.tags.insert("v1".to_owned(), scenario.image.digest);
    let stand = Stand::start(false, scenario, honest);
    let outcome = stand.verify(&stand.by_tag());
    assert_eq!(outcome.report.code(), Code::NoSignature);
    assert!(outcome.requests <= 4);

    let outer = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }).to_string();
    by_digest(37, index_signed, at(Kind::Image, reply(200, &[("Content-Type", OCI_INDEX)], outer.as_bytes())));
}

#[test]
fn fault_38_the_tag_of_signatures_points_to_an_index() {
    let pointing = || {
        let mut scenario = key_signed();
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] });
        let index = scenario.store.put_json(OCI_INDEX, &index);
        scenario.store.tags.insert(format!("{}.sig", tag_of(&scenario.image.digest)), index.digest);
        scenario
    };
    by_tag(38, pointing, honest);
}

#[test]
fn fault_39_one_good_signature_among_31_bad_ones() {
    let beside = || {
        let mut scenario = Scenario { authority: scenario::Authority::Key, ..Scenario::new("one good among 31 bad") };
        for n in 0..31 {
            let stranger = Signer::key(scenario.sigstore.key(&format!("stranger {n}")));
            let bad = scenario.simple(&stranger);
            scenario.store.attach_signature(&scenario.image.digest, &bad);
        }
        let good = scenario.simple(&scenario.key_signer());
        scenario.store.attach_signature(&scenario.image.digest, &good);
        scenario
    };
    by_tag(39, beside, honest);
}

/// The payload is one blob, and one request.
#[test]
fn fault_40_the_same_signature_1000_times() {
    let repeated = || {
        let mut scenario = Scenario { authority: scenario::Authority::Key, ..Scenario::new("the same 1000 times") };
        let layer = scenario.simple(&scenario.key_signer()).layer();
        scenario.store.attach_layers(&scenario.image.digest, "sig", &vec![layer; 1000]);
        scenario
    };
    by_tag(40, repeated, honest);
}

/// K-OC-07: where a list does not say what something is, its manifest does.
#[test]
fn the_type_of_a_referrer_is_read_from_its_manifest() {
    for listed in [None, Some("")] {
        let mut scenario = keyless_bundle();
        let entry = &mut scenario.store.referrers.get_mut(&scenario.image.digest).unwrap()[0];
        match listed {
            None => drop(entry.as_object_mut().unwrap().remove("artifactType")),
            Some(listed) => entry["artifactType"] = json!(listed),
        }
        let stand = Stand::start(false, scenario, honest);
        let outcome = stand.verify(&stand.by_tag());
        assert_eq!(outcome.report.code(), Code::Accepted, "{listed:?}: {}", outcome.report.to_json());
    }
}
