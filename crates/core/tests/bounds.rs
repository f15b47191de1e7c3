//! Hostile sizes and counts are refused, and cheaply: K-DS-01, K-DS-03, K-DS-04 and K-DS-06. What one honest verification
//! allocates is counted as well, so that it cannot creep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::type_complexity)]

#[path = "attacks/kit/mod.rs"]
mod kit;

use allocation_counter::{AllocationInfo, measure};
use kit::document::text_with;
use kit::{ARTIFACT, Case};
use serde_json::{Value, json};
use veriseal::{Artifact, Code, Limits, NotAccepted, Policy, Requirement, SignatureRequirement, Verifier};
use veriseal_testkit::dsse::{COSIGN_SIGN, Statement};
use veriseal_testkit::{Bundle, BundleVersion, Identity, ImageBuilder, LogEntry, Seed, Signer, Store, Witness, sign_simple};

/// What one verification may have allocated at any moment, whatever it is given.
const CEILING: u64 = 32 * 1024 * 1024;

/// The answer, and what was allocated on the way to it.
fn measured(verifier: &Verifier, case: &Case, bundle: &[u8]) -> (Code, AllocationInfo) {
    let mut code = None;
    let artifact = Artifact::bytes(ARTIFACT);
    let info = measure(|| {
        code = Some(match verifier.verify_blob(&artifact, bundle, case.now) {
            Ok(_) => Code::Accepted,
            Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report.code(),
        });
    });
    (code.unwrap(), info)
}

/// The verifier of a case for which no bundle is too large: then only the counts stand between it and the attacker.
fn without_size_bound(case: &Case) -> Verifier {
    let leaf = SignatureRequirement::new(case.authority.clone()).settings(case.settings.clone());
    let policy = Policy::new(Requirement::signature(leaf)).unwrap();
    let limits = Limits { bundle_bytes: u64::MAX, ..Limits::DEFAULT };
    Verifier::with_limits(kit::trust(&case.sigstore.trusted_root()), policy, limits)
}

/// Refused by size as it comes, and by `code` where size is no object; both within the ceiling.
fn refused(name: &str, case: &Case, bundle: &[u8], code: Code) {
    let expected = if bundle.len() > 1024 * 1024 { Code::TooLarge } else { code };
    for (verifier, expected) in [(case.verifier(), expected), (without_size_bound(case), code)] {
        let (found, info) = measured(&verifier, case, bundle);
        assert_eq!(found, expected, "{name}");
        assert!(info.bytes_max <= CEILING, "{name}: {} bytes at once", info.bytes_max);
        assert!(info.bytes_total <= 2 * CEILING, "{name}: {} bytes in all", info.bytes_total);
    }
}

/// K-DS-03, K-DS-04: copies, of which sigstore-verify reads every one.
#[test]
fn ten_thousand_copies_are_refused_unread() {
    let mut case = Case::keyless();
    let bundle = case.message().timestamped(&case.sigstore.tsa, case.sigstore.now);
    let document = bundle.to_json();
    // Written as text: a value of that size would be what is measured.
    let copies = |list: &str, item: &Value, count: usize| {
        let mut document = document.clone();
        *document.pointer_mut(list).unwrap() = json!("list");
        let items = format!("{item},").repeat(count);
        document.to_string().replace("\"list\"", &format!("[{}]", items.trim_end_matches(','))).into_bytes()
    };
    let first = |list: &str| document.pointer(&format!("{list}/0")).unwrap().clone();
    for (list, count) in [
        ("/verificationMaterial/tlogEntries", 10_000),
        ("/verificationMaterial/timestampVerificationData/rfc3161Timestamps", 10_000),
        ("/verificationMaterial/tlogEntries/0/inclusionProof/hashes", 200_000),
    ] {
        refused(list, &case, &copies(list, &first(list), count), Code::BundleMalformed);
    }
    // Nothing but brackets, within the size of a bundle.
    refused("empty entries", &case, &copies("/verificationMaterial/tlogEntries", &json!({}), 300_000), Code::BundleMalformed);
    for count in [100_usize, 10_000] {
        let mut lines = bundle.clone();
        let note = &mut lines.entries[0].proof.as_mut().unwrap().checkpoint;
        let (text, line) = note.as_ref().unwrap().split_once("\n\n").unwrap();
        *note = Some(format!("{text}\n\n{}", line.repeat(count)));
        let code = if count == 100 { Code::TooManyEntries } else { Code::CheckpointMalformed };
        refused("checkpoint lines", &case, &lines.to_bytes(), code);
    }
}

/// K-DS-04, K-DS-06: what is not read is not kept either.
#[test]
fn a_hundred_megabytes_in_an_unknown_field_are_refused() {
    let mut case = Case::key();
    let document = case.message().to_json();
    for (object, length) in [("", 100_000_000), ("/verificationMaterial/tlogEntries/0", 10_000_000)] {
        let mark = text_with(&document, object, "\"unknown\":\"\"");
        let (before, behind) = mark.split_once("\"unknown\":\"").unwrap();
        let text = [before, "\"unknown\":\"", &"x".repeat(length), behind].concat();
        refused("unknown string", &case, text.as_bytes(), Code::BundleMalformed);
    }
    let text = text_with(&document, "", &format!("\"unknown\":{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000)));
    refused("nesting", &case, text.as_bytes(), Code::BundleMalformed);
    let text = text_with(&document, "", &format!("\"unknown\":{}", "1".repeat(10_000_000)));
    refused("digits", &case, text.as_bytes(), Code::BundleMalformed);
    // The same in a field that is known.
    let large = Value::String("x".repeat(2_000_000));
    let mut hint = document.clone();
    hint["verificationMaterial"]["publicKey"]["hint"] = large.clone();
    let (code, info) = measured(&case.verifier(), &case, hint.to_string().as_bytes());
    assert_eq!(code, Code::TooLarge);
    assert!(info.bytes_max < 64 * 1024, "{}", info.bytes_max);
    let mut version = document;
    version["mediaType"] = large;
    let (code, info) = measured(&case.verifier(), &case, version.to_string().as_bytes());
    assert_eq!(code, Code::TooLarge);
    assert!(info.bytes_max < 64 * 1024, "{}", info.bytes_max);
}

/// What an attacker writes comes back cut to what a log line bears, whatever its length.
#[test]
fn long_text_is_cut_in_the_report() {
    let mut case = Case::key();
    let mut document = case.message().to_json();
    document["mediaType"] = json!("\u{202e}x".repeat(100_000));
    let report = case.report_of(document.to_string().as_bytes());
    assert_eq!(report.code(), Code::BundleVersionUnsupported);
    assert!(report.to_json().len() < 16 * 1024, "{}", report.to_json().len());
    assert!(!report.to_json().contains('\u{202e}'));
}

/// A bundle by a stranger that costs as much to refuse as a bundle can: eight entries of one body under a trusted
/// checkpoint, each with as many signature lines of the log as are read.
fn costly(case: &mut Case) -> Bundle {
    let mallory = Identity::email("mallory@example.com", "https://mallory.example");
    let stranger = case.sigstore.keyless_with(&mallory, case.sigstore.key("mallory"));
    let bundle = Bundle::image(&kit::digest(), &stranger).logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
    let mut bundle = bundle.timestamped(&case.sigstore.tsa, case.sigstore.now);
    let mut entry = bundle.entries.remove(0);
    let proof = entry.proof.as_mut().unwrap();
    let note = proof.checkpoint.take().unwrap();
    let (text, line) = note.split_once("\n\n").unwrap();
    proof.checkpoint = Some(format!("{text}\n\n{}", line.repeat(64)));
    // The proof does not bind the global index, and without a promise nothing else does.
    entry.set = None;
    bundle.entries = (0..8).map(|index| LogEntry { log_index: index, ..entry.clone() }).collect();
    bundle.timestamps = vec![bundle.timestamps[0].clone(); 8];
    bundle
}

/// K-DS-01: hostile candidates, as many as are looked at, do not use up what the good one beside them needs.
#[test]
fn costly_candidates_do_not_starve_the_good_one() {
    let mut case = Case::keyless();
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    let costly = costly(&mut case).to_bytes();
    for number in 0..31 {
        store.attach_bundle_bytes(&image, &[&costly[..], &vec![b' '; number]].concat(), json!({}));
    }
    let good = Bundle::image(&image.digest, &case.signer).logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
    store.attach_bundle(&image, &good);
    let (verdict, candidates) = case.image(&store, &image);
    assert_eq!((verdict, candidates), (Code::Accepted, vec![Code::BudgetExhausted; 31]));
}

/// Many signatures by strangers and a policy of many keys: each pair costs a check.
#[test]
fn many_strangers_against_many_keys_do_not_starve_the_good_one() {
    let mut case = Case::key();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let by =
        |key: &veriseal_testkit::SigningKey| sign_simple(&image.digest, "registry.example/app", &[], &Signer::key(key.clone()));
    let mut layers: Vec<_> = (0..31).map(|number| by(&case.sigstore.key(&format!("stranger {number}"))).layer()).collect();
    layers.push(by(&case.signer.key).logged(&mut case.sigstore.rekor, case.sigstore.now).layer());
    store.attach_layers(&image.digest, "sig", &layers);
    let keys = (0..15).map(|number| kit::trusted_key(&case.sigstore.key(&format!("other {number}"))));
    let any = keys.chain([case.authority.clone()]).map(|authority| Requirement::signature(SignatureRequirement::new(authority)));
    let verifier =
        Verifier::new(kit::trust(&case.sigstore.trusted_root()), Policy::new(Requirement::Any(any.collect())).unwrap());
    let reference = format!("registry.example/app@{}", image.digest).parse().unwrap();
    let code = verifier.verify(&reference, &store, case.now).map_or_else(|refused| refused.code(), |_| Code::Accepted);
    assert_eq!(code, Code::Accepted);
}

/// More candidates than are looked at: nothing is known about the rest, and a good one among the first counts.
#[test]
fn ten_thousand_candidates_are_truncated() {
    let mut case = Case::key();
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    let stranger = Signer::key(case.sigstore.key("stranger"));
    // Each says that it is the signature of this image, so that none comes before another.
    for number in 0..150 {
        let statement = Statement::new(&image.digest, COSIGN_SIGN, json!({ "number": number }));
        store.attach_bundle(&image, &Bundle::statement(&statement, &stranger));
    }
    let mut listed = store.referrers[&image.digest].clone();
    let good = Bundle::image(&image.digest, &case.signer).logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
    store.attach_bundle(&image, &good);
    let good = store.referrers.get_mut(&image.digest).unwrap().pop().unwrap();
    // Copies of what was listed before are the same candidate; the many others were made up.
    let first = listed[0].clone();
    listed.extend((0..5_000).map(|number: u32| {
        let mut made_up = first.clone();
        made_up["digest"] = json!(veriseal::Digest::sha256(&number.to_be_bytes()).to_string());
        made_up
    }));
    listed.extend(vec![first; 4_850]);
    let answer = |list: Vec<Value>| {
        let mut store = store.clone();
        store.referrers.insert(image.digest, list);
        case.image(&store, &image)
    };
    let (verdict, candidates) = answer(listed.clone());
    assert_eq!(verdict, Code::CandidatesTruncated);
    assert_eq!(candidates.len(), Limits::DEFAULT.candidates_verified);
    listed.truncate(500);
    let at = |place: usize| {
        let mut listed = listed.clone();
        listed.insert(place, good.clone());
        answer(listed).0
    };
    assert_eq!([at(0), at(20), at(31)], [Code::Accepted; 3]);
    // Beyond the bound nobody knows: never "rejected".
    assert_eq!([at(32), at(400)], [Code::CandidatesTruncated; 2]);
}

/// What one verification allocates, in calls and bytes, and the most at once. The ceilings stand a little above what was
/// measured: whoever makes it cost more changes a number here, and says why.
#[test]
fn one_verification_allocates_no_more_than_it_did() {
    let mut key = Case::key();
    let mut keyless = Case::keyless();
    let witness = Witness::new("witness.example", &Seed::new(3));
    keyless.sigstore.rekor2.witnesses = vec![(witness, keyless.sigstore.now)];
    let v2 = Bundle::image(&kit::digest(), &keyless.signer).logged_v2(&mut keyless.sigstore.rekor2);
    let v2 = v2.timestamped(&keyless.sigstore.tsa, keyless.sigstore.now);
    let rows = [
        ("key, message, v0.1", key.clone(), key.message().version(BundleVersion::V01), 26, 6_600, 5_000),
        ("keyless, envelope, v0.3", keyless.clone(), keyless.envelope(), 41, 21_000, 16_384),
        ("keyless, envelope, Rekor v2, timestamp", keyless, v2, 46, 19_500, 16_384),
    ];
    for (name, case, bundle, calls, bytes, most) in rows {
        let (verifier, bundle) = (case.verifier(), bundle.to_bytes());
        // The first call may fill tables that live as long as the process.
        assert_eq!(measured(&verifier, &case, &bundle).0, Code::Accepted);
        let (code, info) = measured(&verifier, &case, &bundle);
        println!("{name}: {} allocations, {} bytes, at most {} at once", info.count_total, info.bytes_total, info.bytes_max);
        assert_eq!(code, Code::Accepted);
        let found = (info.count_total, info.bytes_total, info.bytes_max);
        assert!(
            found.0 <= calls && found.1 <= bytes && found.2 <= most,
            "{name}: {found:?}, expected {:?}",
            (calls, bytes, most)
        );
    }
}
