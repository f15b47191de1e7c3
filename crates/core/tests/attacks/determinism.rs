//! INV-12: the same evidence gives the same verdict and the same code, in whatever order the candidates lie.

use crate::kit::{ARTIFACT, Case, trusted_key};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use veriseal::crypto::SignatureCache;
use veriseal::gather::{Fetch, FetchError, Request, Response, What};
use veriseal::policy::{Settings, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Artifact, Code, Digest, NotAccepted, Policy, Requirement, SignatureRequirement, TrustRoot, Verifier};
use veriseal_testkit::dsse::{SLSA_PROVENANCE, Statement};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::simple_signing::Layer;
use veriseal_testkit::store::tag_of;
use veriseal_testkit::{Bundle, Image, ImageBuilder, Signer, SimpleSignature, Store, sign_simple};

/// Every order of `count` things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for order in orders(count - 1) {
        for at in 0..count {
            let mut order = order.clone();
            order.insert(at, count - 1);
            found.push(order);
        }
    }
    found
}

fn unlogged() -> Case {
    Case { settings: Settings { tlog: TlogMode::IfPresent, ..Settings::default() }, ..Case::key() }
}

/// Layers that fail for different reasons.
fn bad_layers(case: &Case, image: &Image) -> Vec<Layer> {
    let stranger = Signer::key(case.sigstore.key("stranger"));
    let about = |digest: &Digest, signer: &Signer| sign_simple(digest, "registry.example/app", &[], signer);
    let mut unreadable = about(&image.digest, &case.signer);
    unreadable.annotations.insert("dev.cosignproject.cosign/signature".to_owned(), "not base64".to_owned());
    let malformed = SimpleSignature::of_payload(b"{}".to_vec(), &case.signer);
    vec![about(&image.digest, &stranger).layer(), malformed.layer(), unreadable.layer()]
}

fn with_layers(image: &Image, store: &Store, layers: &[Layer], order: &[usize]) -> Store {
    let mut store = store.clone();
    let ordered: Vec<Layer> = order.iter().map(|at| layers[*at].clone()).collect();
    store.attach_layers(&image.digest, "sig", &ordered);
    store
}

/// The one answer to all orders: verdict, and the set of the candidates' reasons.
fn one_answer(case: &Case, image: &Image, stores: impl Iterator<Item = Store>) -> (Code, BTreeSet<Code>) {
    let answers: BTreeSet<_> = stores
        .map(|store| {
            let (verdict, candidates) = case.image(&store, image);
            (verdict, candidates.into_iter().collect::<BTreeSet<_>>())
        })
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.into_iter().next().unwrap()
}

#[test]
fn the_order_of_signature_layers_does_not_matter() {
    let case = unlogged();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let mut layers = bad_layers(&case, &image);
    let bad = BTreeSet::from([Code::SignatureInvalid, Code::PayloadMalformed, Code::SignatureMalformed]);
    let all = orders(3);
    let answer = one_answer(&case, &image, all.iter().map(|order| with_layers(&image, &store, &layers, order)));
    assert_eq!(answer, (Code::NoMatchingSignature, bad.clone()));
    // A good signature of another image is the most telling of reasons, wherever it lies.
    layers.push(sign_simple(&Digest::sha256(b"other"), "registry.example/app", &[], &case.signer).layer());
    let all = orders(4);
    let answer = one_answer(&case, &image, all.iter().map(|order| with_layers(&image, &store, &layers, order)));
    let with_other = bad.union(&BTreeSet::from([Code::SignedOtherDigest])).copied().collect::<BTreeSet<_>>();
    assert_eq!(answer, (Code::SignedOtherDigest, with_other.clone()));
    // And a good one of this image counts, wherever it lies.
    layers[2] = sign_simple(&image.digest, "registry.example/app", &[], &case.signer).layer();
    let answer = one_answer(&case, &image, all.iter().map(|order| with_layers(&image, &store, &layers, order)));
    assert_eq!(answer.0, Code::Accepted);
}

/// A store whose list of referrers is given, in an order.
fn with_referrers(store: &Store, image: &Image, order: &[usize]) -> Store {
    let mut store = store.clone();
    let listed = store.referrers[&image.digest].clone();
    store.referrers.insert(image.digest, order.iter().map(|at| listed[*at].clone()).collect());
    store
}

#[test]
fn the_order_of_referrers_does_not_matter() {
    let case = unlogged();
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    let stranger = Signer::key(case.sigstore.key("stranger"));
    store.attach_bundle(&image, &Bundle::image(&image.digest, &stranger));
    store.attach_bundle(&image, &Bundle::statement(&Statement::new(&image.digest, SLSA_PROVENANCE, json!({})), &case.signer));
    store.attach_bundle_bytes(&image, b"{\"no\":\"bundle\"}", json!({}));
    let reasons = BTreeSet::from([Code::SignatureInvalid, Code::PredicateTypeMismatch, Code::BundleMalformed]);
    let answer = one_answer(&case, &image, orders(3).iter().map(|order| with_referrers(&store, &image, order)));
    assert_eq!(answer, (Code::NoMatchingSignature, reasons));
    store.attach_bundle(&image, &Bundle::image(&image.digest, &case.signer));
    let answer = one_answer(&case, &image, orders(4).iter().map(|order| with_referrers(&store, &image, order)));
    assert_eq!(answer.0, Code::Accepted);
}

/// Of several things that could not be found out the same one is told, whichever was met first.
#[test]
fn the_order_of_what_could_not_be_found_out_does_not_matter() {
    let case = unlogged();
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    let stored =
        ["dangling", "altered", "denied", "too large"].map(|name| store.attach_bundle_bytes(&image, name.as_bytes(), json!({})));
    store.manifests.remove(&stored[0].digest);
    store.manifests.get_mut(&stored[1].digest).unwrap().bytes.push(b' ');
    let denied = stored[2].digest;
    let large = stored[3].digest;
    let verifier = case.verifier();
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap();
    let answers: BTreeSet<_> = orders(4)
        .iter()
        .map(|order| {
            let faulty = Faulty { store: with_referrers(&store, &image, order), denied, large };
            verifier.verify(&reference, &faulty, case.now).unwrap_err().code()
        })
        .collect();
    assert_eq!(answers, BTreeSet::from([Code::Denied]));
}

/// Answers with an error for two digests.
struct Faulty {
    store: Store,
    denied: Digest,
    large: Digest,
}

impl Fetch for Faulty {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        match &request.what {
            What::Manifest(digest) if *digest == self.denied => Err(FetchError::Denied("no".to_owned())),
            What::Manifest(digest) if *digest == self.large => Err(FetchError::TooLarge { max_bytes: request.max_bytes }),
            _ => self.store.fetch(request),
        }
    }
}

/// The same for the candidates of a threshold: which signature is met first decides nothing.
#[test]
fn a_threshold_is_met_in_any_order() {
    let case = unlogged();
    let keys = ["one", "two", "three"].map(|name| case.sigstore.key(name));
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let layers: Vec<Layer> = [&keys[0], &keys[0], &keys[1]]
        .map(|key| sign_simple(&image.digest, "registry.example/app", &[], &Signer::key(key.clone())).layer())
        .to_vec();
    let leaf = |key| Requirement::signature(SignatureRequirement::new(trusted_key(key)).settings(case.settings.clone()));
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap();
    for (count, code) in [(1, Code::Accepted), (2, Code::Accepted), (3, Code::PolicyNotMet)] {
        for policy in orders(3) {
            let of = policy.iter().map(|at| leaf(&keys[*at])).collect();
            let policy = Policy::new(Requirement::AtLeast { count, of }).unwrap();
            let verifier = Verifier::new(crate::kit::trust(&case.sigstore.trusted_root()), policy);
            for order in orders(3) {
                let store = with_layers(&image, &store, &layers, &order);
                let found =
                    verifier.verify(&reference, &store, case.now).map_or_else(|refused| refused.code(), |_| Code::Accepted);
                assert_eq!(found, code, "{count} {order:?}");
            }
        }
    }
}

/// Two calls with equal input give equal reports, to the byte.
#[test]
fn the_same_call_gives_the_same_report() {
    let mut case = Case::keyless();
    let (mut store, image) = case.signed_image();
    store.attach_layers(&image.digest, "sig", &bad_layers(&case, &image));
    assert!(store.tags.contains_key(&format!("{}.sig", tag_of(&image.digest))));
    let reports: BTreeSet<_> = (0..3).map(|_| case.image_report(&store, &image).to_json()).collect();
    assert_eq!(reports.len(), 1);
    let report: Value = serde_json::from_str(reports.iter().next().unwrap()).unwrap();
    assert_eq!(report["verdict"], "accepted");
}

/// A signature that was found good is not checked again, and nothing else changes: the same bundle, its checkpoint under
/// another entry, and an altered signature beside a good one.
#[test]
fn remembered_signatures_save_checks_and_never_change_a_report() {
    for (mut case, hits) in [(Case::key(), 3), (Case::keyless(), 4)] {
        let good = case.message();
        let mut bad = good.clone();
        bad.entries[0].integrated_time = bad.entries[0].integrated_time.map(|seconds| seconds + 1);
        let cache = Arc::new(SignatureCache::new(64));
        // A trust root of its own: the memory belongs to its keys.
        let origin = TrustRootOrigin { name: "testkit".to_owned(), ..TrustRootOrigin::default() };
        let root = TrustRoot::from_json(&case.sigstore.trusted_root().to_bytes(), origin).unwrap();
        let policy = case.verifier().policy().requirement().clone();
        let plain = Verifier::new(crate::kit::trust(&case.sigstore.trusted_root()), Policy::new(policy.clone()).unwrap());
        let remembering = Verifier::new(root, Policy::new(policy).unwrap()).with_signature_cache(&cache);
        let code = |bundle: &Bundle| {
            let report =
                |verifier: &Verifier| match verifier.verify_blob(&Artifact::bytes(ARTIFACT), &bundle.to_bytes(), case.now) {
                    Ok(accepted) => accepted.report().clone(),
                    Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
                };
            let (fresh, found) = (report(&plain), report(&remembering));
            assert_eq!(found.to_json(), fresh.to_json());
            found.code()
        };
        assert_eq!((code(&good), cache.hits()), (Code::Accepted, 0));
        let misses = cache.misses();
        assert_eq!((code(&good), cache.misses()), (Code::Accepted, misses), "all of it is remembered");
        assert_eq!(cache.hits(), hits, "promise and checkpoint; the signature of a key, or certificate and SCT of an identity");
        assert_eq!(code(&bad), Code::SetInvalid);
        assert_eq!(code(&bad), Code::SetInvalid, "a bad one stays bad");
        assert_eq!(cache.misses(), misses + 2, "and is checked each time");
    }
}

/// A table of multiples is only another way to compute: with and without, before it is built and after, the whole report is
/// the same, of what is accepted and of what is not.
#[test]
fn tables_of_multiples_never_change_a_report() {
    for mut case in [Case::key(), Case::keyless()] {
        let bundle = case.message().to_bytes();
        let (plain, tabled) = (case.verifier(), case.verifier().with_key_tables());
        for artifact in [ARTIFACT, b"another"] {
            let report = |verifier: &Verifier| match verifier.verify_blob(&Artifact::bytes(artifact), &bundle, case.now) {
                Ok(accepted) => serde_json::to_string(accepted.report()).unwrap(),
                Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => serde_json::to_string(&report).unwrap(),
            };
            let expected = report(&plain);
            for _ in 0..8 {
                assert_eq!(report(&tabled), expected);
            }
        }
    }
}

/// K-AP-03: a verifier is shared by threads as it is, with tables that one of them builds while others use them.
#[test]
fn threads_that_share_a_verifier_get_the_same_reports() {
    let mut case = Case::keyless();
    let bundle = case.message().to_bytes();
    for verifier in [case.verifier(), case.verifier().with_key_tables()] {
        let report = |artifact: &[u8]| match verifier.verify_blob(&Artifact::bytes(artifact), &bundle, case.now) {
            Ok(accepted) => accepted.report().to_json(),
            Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report.to_json(),
        };
        let plain = [ARTIFACT, b"another"].map(|artifact| {
            match case.verifier().verify_blob(&Artifact::bytes(artifact), &bundle, case.now) {
                Ok(accepted) => accepted.report().to_json(),
                Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report.to_json(),
            }
        });
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| assert_eq!([report(ARTIFACT), report(b"another")], plain));
            }
        });
    }
}
