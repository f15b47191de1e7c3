//! What a registry lists, hides, denies and floods (K-OC-06, K-OC-07, K-DS-01): one good signature counts wherever it is
//! kept, and where none was found nothing that could not be looked at passes for "none".

use crate::kit::Case;
use serde_json::json;
use veriseal::gather::{Fetch, FetchError, Request, Response, What};
use veriseal::{Code, Limits, NotAccepted, Policy, Reference, Report, Repository, Requirement, SignatureRequirement, Verifier};
use veriseal_testkit::image::{OCI_MANIFEST, descriptor};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::store::tag_of;
use veriseal_testkit::{Bundle, Image, ImageBuilder, Signer, SimpleSignature, Store, sign_simple};

const SIMPLE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";

struct World {
    case: Case,
    store: Store,
    image: Image,
}

impl World {
    fn new(referrers_api: bool) -> Self {
        let mut store = Store { referrers_api, ..Store::default() };
        let image = ImageBuilder::new("app").tagged(&mut store, "v1");
        Self { case: Case::key(), store, image }
    }

    fn simple_by(&mut self, signer: &Signer) -> SimpleSignature {
        let signature = sign_simple(&self.image.digest, &format!("{REGISTRY}/{REPOSITORY}"), &[], signer);
        signature.logged(&mut self.case.sigstore.rekor, self.case.sigstore.now)
    }

    fn simple(&mut self) -> SimpleSignature {
        self.simple_by(&self.case.signer.clone())
    }

    fn bundle_by(&mut self, signer: &Signer) -> Bundle {
        Bundle::image(&self.image.digest, signer).logged_v1(&mut self.case.sigstore.rekor, self.case.sigstore.now)
    }

    fn bundle(&mut self) -> Bundle {
        self.bundle_by(&self.case.signer.clone())
    }

    fn stranger(&self) -> Signer {
        Signer::key(self.case.sigstore.key("stranger"))
    }

    fn reference(&self) -> Reference {
        format!("{REGISTRY}/{REPOSITORY}@{}", self.image.digest).parse().unwrap()
    }

    fn outcome(&self, verifier: &Verifier, fetch: &dyn Fetch) -> (&'static str, Report) {
        match verifier.verify(&self.reference(), fetch, self.case.now) {
            Ok(accepted) => {
                assert_eq!(accepted.pinned(), &self.reference());
                ("accepted", accepted.report().clone())
            }
            Err(NotAccepted::Rejected(report)) => ("rejected", report),
            Err(NotAccepted::Undecided(report)) => ("undecided", report),
        }
    }

    fn verify(&self, fetch: &dyn Fetch) -> (&'static str, Code, Vec<Code>) {
        let (word, report) = self.outcome(&self.case.verifier(), fetch);
        (word, report.code(), report.gathering_codes())
    }
}

/// A store whose answers to some requests are others.
struct Altered<'a, F>(&'a Store, F);

impl<F: Fn(&What) -> Option<Result<Response, FetchError>> + Send + Sync> Fetch for Altered<'_, F> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        (self.1)(&request.what).unwrap_or_else(|| self.0.fetch(request))
    }
}

fn is_tag(what: &What, suffix: &str) -> bool {
    matches!(what, What::ManifestByTag(tag) if tag.as_str().ends_with(suffix))
}

fn is_referrers(what: &What) -> bool {
    matches!(what, What::Referrers { .. })
}

/// What can go wrong with one layout, and the code that it is told by.
fn troubles() -> Vec<(Result<Response, FetchError>, Code)> {
    let page = Response::Found { media_type: Some("text/html".to_owned()), bytes: b"<html>".to_vec(), next: None };
    vec![
        (Err(FetchError::Denied("403".to_owned())), Code::Denied),
        (Err(FetchError::Throttled { retry_after: None }), Code::Throttled),
        (Err(FetchError::TooLarge { max_bytes: 1 }), Code::TooLarge),
        (Err(FetchError::Unavailable(Code::DeadlineExceeded.into())), Code::DeadlineExceeded),
        (Err(FetchError::Cancelled), Code::Cancelled),
        (Ok(page), Code::ManifestInvalid),
    ]
}

/// Once met, a requirement is met: what fails in another layout is told, not fatal.
#[test]
fn a_good_signature_counts_whatever_fails_beside_it() {
    let mut world = World::new(true);
    let signature = world.simple();
    world.store.attach_signature(&world.image.digest, &signature);
    let mut other = World::new(true);
    let bundle = other.bundle();
    other.store.attach_bundle(&other.image, &bundle);
    for (trouble, code) in troubles() {
        let hidden = Altered(&world.store, |what: &What| is_referrers(what).then(|| trouble.clone()));
        assert_eq!(world.verify(&hidden), ("accepted", Code::Accepted, vec![code]));
        let hidden = Altered(&other.store, |what: &What| is_tag(what, ".sig").then(|| trouble.clone()));
        assert_eq!(other.verify(&hidden), ("accepted", Code::Accepted, vec![code]));
    }
}

/// Where nothing was accepted, what could not be looked at might have been the signature.
#[test]
fn nothing_accepted_and_anything_hidden_is_undecided_by_its_code() {
    let unsigned = World::new(true);
    assert_eq!(unsigned.verify(&unsigned.store), ("rejected", Code::NoSignature, vec![]));
    let mut refused = World::new(true);
    let bad = refused.simple_by(&refused.stranger());
    refused.store.attach_signature(&refused.image.digest, &bad);
    assert_eq!(refused.verify(&refused.store), ("rejected", Code::NoMatchingSignature, vec![]));
    for (trouble, code) in troubles() {
        for world in [&unsigned, &refused] {
            let hidden = Altered(&world.store, |what: &What| is_referrers(what).then(|| trouble.clone()));
            assert_eq!(world.verify(&hidden), ("undecided", code, vec![code]));
        }
        let hidden = Altered(&unsigned.store, |what: &What| is_tag(what, ".sig").then(|| trouble.clone()));
        assert_eq!(unsigned.verify(&hidden), ("undecided", code, vec![code]));
    }
}

/// A dangling entry beside the good one is told; alone it is not "none".
#[test]
fn a_dangling_referrer_hides_nothing_and_is_not_none() {
    let mut world = World::new(true);
    let bundle = world.bundle();
    let first = world.store.attach_bundle(&world.image, &bundle);
    let second = world.store.attach_bundle_bytes(&world.image, &bundle.to_bytes(), json!({ "another": "one" }));
    world.store.manifests.remove(&first.digest);
    let (word, report) = world.outcome(&world.case.verifier(), &world.store);
    assert_eq!((word, report.candidate_codes()), ("accepted", vec![Code::Dangling]));
    world.store.manifests.remove(&second.digest);
    assert_eq!(world.verify(&world.store), ("undecided", Code::Dangling, vec![]));
}

/// K-DS-01: the flood is cut and told, and the good one beside it counts.
#[test]
fn ten_thousand_referrers_beside_one_good_signature_are_accepted_and_said() {
    let mut world = World::new(true);
    let signature = world.simple();
    for number in 0..10_000_u32 {
        let digest = veriseal::Digest::sha256(&number.to_be_bytes());
        let mut entry = descriptor(OCI_MANIFEST, &digest, 1000);
        entry["artifactType"] = json!("application/vnd.dev.sigstore.bundle.v0.3+json");
        world.store.referrers.entry(world.image.digest).or_default().push(entry);
    }
    let (word, code, gathering) = world.verify(&world.store);
    assert_eq!((word, code), ("undecided", Code::CandidatesTruncated));
    assert!(gathering.contains(&Code::CandidatesTruncated));
    world.store.attach_signature(&world.image.digest, &signature);
    let (word, _, gathering) = world.verify(&world.store);
    assert_eq!(word, "accepted");
    assert!(gathering.contains(&Code::CandidatesTruncated), "{gathering:?}");
}

/// Each layout has its own allowance of what is verified: a flood of readable strangers' signatures starves no other.
#[test]
fn more_signatures_than_are_verified_starve_no_other_layout() {
    let mut world = World::new(true);
    let stranger = world.stranger();
    let limits = Limits { candidates_verified: 2, ..Limits::DEFAULT };
    let leaf = SignatureRequirement::new(world.case.authority.clone()).settings(world.case.settings.clone());
    let policy = Policy::new(Requirement::signature(leaf)).unwrap();
    let verifier = Verifier::with_limits(crate::kit::trust(&world.case.sigstore.trusted_root()), policy, limits);
    for _ in 0..3 {
        let bad = world.simple_by(&stranger);
        world.store.attach_signature(&world.image.digest, &bad);
    }
    let (word, report) = world.outcome(&verifier, &world.store);
    assert_eq!((word, report.code()), ("undecided", Code::CandidatesTruncated));
    let bundle = world.bundle();
    world.store.attach_bundle(&world.image, &bundle);
    let (word, report) = world.outcome(&verifier, &world.store);
    assert_eq!((word, report.gathering_codes()), ("accepted", vec![Code::CandidatesTruncated]));
}

/// cosign 2 with `--registry-referrers-mode=oci-1-1`: the `.sig` manifest is a referrer.
#[test]
fn cosign_signatures_behind_a_referrer_count() {
    for referrers_api in [true, false] {
        let mut world = World::new(referrers_api);
        let bad = world.simple_by(&world.stranger());
        let good = world.simple();
        let layers = [bad.layer(), good.layer()];
        let image = world.image.clone();
        world.store.attach_layers_as_referrer(&image, "sig", &layers);
        let (word, report) = world.outcome(&world.case.verifier(), &world.store);
        assert_eq!((word, report.candidate_codes()), ("accepted", vec![Code::SignatureInvalid]));
        // The same again in a later referrer, as cosign writes it, is no other candidate.
        world.store.attach_layers_as_referrer(&image, "sig", &[good.layer(), bad.layer()]);
        let (_, report) = world.outcome(&world.case.verifier(), &world.store);
        assert_eq!(report.candidate_codes(), [Code::SignatureInvalid]);
    }
}

/// K-OC-06: a referrer that is about another image does not count, whatever it carries.
#[test]
fn cosign_signatures_behind_a_referrer_of_another_image_do_not_count() {
    let mut world = World::new(true);
    let good = world.simple();
    let other = ImageBuilder::new("other").build(&mut world.store);
    world.store.attach_layers_as_referrer(&other, "sig", &[good.layer()]);
    let entries = world.store.referrers.remove(&other.digest).unwrap();
    world.store.referrers.insert(world.image.digest, entries);
    let (word, report) = world.outcome(&world.case.verifier(), &world.store);
    assert_eq!((word, report.candidate_codes()), ("rejected", vec![Code::ReferrerForOtherSubject]));
    // One that says it holds signatures and holds something else.
    world.store.referrers.clear();
    let layer = world.store.put_blob("application/octet-stream", b"x");
    let config = world.store.put_blob(SIMPLE, b"{}");
    let subject = descriptor(OCI_MANIFEST, &world.image.digest, world.image.size);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer], "subject": subject,
    });
    let stored = world.store.put_json(OCI_MANIFEST, &manifest);
    let mut entry = descriptor(OCI_MANIFEST, &stored.digest, stored.size);
    entry["artifactType"] = json!(SIMPLE);
    world.store.add_referrer(&world.image.digest, entry);
    let (word, report) = world.outcome(&world.case.verifier(), &world.store);
    assert_eq!((word, report.candidate_codes()), ("rejected", vec![Code::LayerUnsupported]));
}

/// K-OC-07: under the fallback tag every pusher writes the type that it likes; what counts stands in the manifest.
#[test]
fn the_fallback_tag_is_read_whatever_type_it_states() {
    for stated in [None, Some("application/vnd.oci.image.config.v1+json"), Some("application/vnd.cyclonedx+json"), Some("")] {
        let mut world = World::new(false);
        let bundle = world.bundle();
        let stored = world.store.attach_bundle(&world.image, &bundle);
        let mut entry = descriptor(OCI_MANIFEST, &stored.digest, stored.size);
        if let Some(stated) = stated {
            entry["artifactType"] = json!(stated);
        }
        world.store.referrers.insert(world.image.digest, vec![entry]);
        world.store.write_fallback(&world.image.digest);
        assert_eq!(world.verify(&world.store), ("accepted", Code::Accepted, vec![]), "{stated:?}");
    }
}

/// What the list says is a signature comes first, so that others fill no place of it.
#[test]
fn other_kinds_under_the_fallback_tag_take_no_place_of_signatures() {
    let mut world = World::new(false);
    let bundle = world.bundle();
    for number in 0..300_u32 {
        let digest = veriseal::Digest::sha256(&number.to_be_bytes());
        let mut entry = descriptor(OCI_MANIFEST, &digest, 1000);
        entry["artifactType"] = json!("application/vnd.cyclonedx+json");
        world.store.add_referrer(&world.image.digest, entry);
    }
    let (word, code, _) = world.verify(&world.store);
    assert_eq!((word, code), ("undecided", Code::CandidatesTruncated));
    world.store.attach_bundle(&world.image, &bundle);
    let (word, _, gathering) = world.verify(&world.store);
    assert_eq!((word, gathering), ("accepted", vec![Code::CandidatesTruncated]));
}

/// Two repositories; whoever asks the wrong one finds nothing.
struct Two<'a> {
    image: &'a World,
    signatures: (Repository, &'a Store),
}

impl Fetch for Two<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        match () {
            () if request.repository == self.signatures.0 => self.signatures.1.fetch(request),
            () if request.repository == *self.image.reference().repository() => self.image.store.fetch(request),
            () => Ok(Response::NotFound),
        }
    }
}

/// cosign's `COSIGN_REPOSITORY`: found there and nowhere else, and the image keeps its name.
#[test]
fn signatures_in_another_repository_count_where_it_is_named() {
    let repository: Repository = "signatures.example/acme/all".parse().unwrap();
    for referrers_api in [true, false] {
        let mut world = World::new(referrers_api);
        let mut elsewhere = Store { referrers_api, ..Store::default() };
        let verifier = world.case.verifier().with_signature_repository(repository.clone());
        let check = |world: &World, store: &Store, expected: &str| {
            let fetch = Two { image: world, signatures: (repository.clone(), store) };
            let (word, report) = world.outcome(&verifier, &fetch);
            assert_eq!(word, expected);
            let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
            assert_eq!(json["subject"]["signatureRepository"], "signatures.example/acme/all");
            assert_eq!(json["subject"]["repository"], format!("{REGISTRY}/{REPOSITORY}"));
            assert_ne!(world.outcome(&world.case.verifier(), &fetch).0, "accepted");
            // Saved and loaded it is the same.
            let evidence = verifier.gather(&world.reference(), &fetch).unwrap();
            let saved = evidence.to_saved();
            let mut blob = |digest: &veriseal::Digest| saved.blobs.get(digest).map(|bytes| bytes.to_vec());
            let loaded = veriseal::gather::Evidence::load(&saved.document, &mut blob, &Limits::DEFAULT).unwrap();
            assert_eq!(loaded.to_saved(), saved);
            assert_eq!(loaded.signature_repository(), Some(&repository));
        };
        check(&world, &elsewhere, "rejected");
        let bundle = world.bundle();
        elsewhere.attach_bundle(&world.image, &bundle);
        check(&world, &elsewhere, "accepted");
        let mut tagged = Store { referrers_api, ..Store::default() };
        let signature = world.simple();
        tagged.attach_signature(&world.image.digest, &signature);
        assert!(tagged.tags.contains_key(&format!("{}.sig", tag_of(&world.image.digest))));
        check(&world, &tagged, "accepted");
        // Those in the image's own repository are not looked at then.
        world.store.attach_signature(&world.image.digest, &signature);
        let fetch = Two { image: &world, signatures: (repository.clone(), &Store::default()) };
        assert_eq!(world.outcome(&verifier, &fetch).0, "rejected");
        assert_eq!(world.outcome(&world.case.verifier(), &fetch).0, "accepted");
    }
}
