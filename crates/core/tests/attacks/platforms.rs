//! K-OC-05: what a signature of an index says of its platforms, what one of a platform does not say of its index, and
//! that nothing is pinned which was not proven.

use crate::kit::Case;
use serde_json::{Value, json};
use veriseal::gather::{Evidence, Fetch, FetchError, Request, Response, What};
use veriseal::{Accepted, Code, Digest, Limits, NotAccepted, PlatformChoice, Reference, Report, Verifier};
use veriseal_testkit::image::{OCI_INDEX, OCI_MANIFEST, descriptor};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::{Bundle, Image, ImageBuilder, Store};

/// An index of two platforms in a registry, unsigned.
struct World {
    case: Case,
    store: Store,
    index: Image,
}

impl World {
    fn new() -> Self {
        Self::of(ImageBuilder::multi_arch("app", &["amd64", "arm64"]))
    }

    fn of(builder: ImageBuilder) -> Self {
        let mut store = Store::with_referrers_api();
        let index = builder.tagged(&mut store, "v1");
        Self { case: Case::key(), store, index }
    }

    /// An index of exactly these entries, under the tag.
    fn listing(store: Store, entries: &[Value]) -> Self {
        let mut world = Self { case: Case::key(), store, index: ImageBuilder::new("other").build(&mut Store::new()) };
        let document = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
        world.index = world.store.put_json(OCI_INDEX, &document);
        world.store.tags.insert("v1".to_owned(), world.index.digest);
        world
    }

    fn sign(&mut self, image: &Image) {
        let case = &mut self.case;
        let bundle = Bundle::image(&image.digest, &case.signer).logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
        self.store.attach_bundle(image, &bundle);
    }

    fn sign_index(&mut self) {
        self.sign(&self.index.clone());
    }

    fn platform(&self, architecture: &str) -> Image {
        self.index.platforms.iter().find(|(name, _)| name == architecture).unwrap().1.clone()
    }

    fn verifier(&self, choice: &str) -> Verifier {
        self.case.verifier().with_platforms(choice.parse().unwrap())
    }

    fn from(&self, choice: &str, fetch: &dyn Fetch) -> Result<Accepted, NotAccepted> {
        let reference: Reference = format!("{REGISTRY}/{REPOSITORY}:v1").parse().unwrap();
        let outcome = self.verifier(choice).verify(&reference, fetch, self.case.now);
        // By tag or by digest makes no difference.
        let by_digest = reference.with_digest(self.index.digest);
        let again = self.verifier(choice).verify(&by_digest, fetch, self.case.now);
        assert_eq!(code(&again), code(&outcome));
        assert_eq!(again.as_ref().ok().map(Accepted::pinned), outcome.as_ref().ok().map(Accepted::pinned));
        // Nor does it make a difference whether the evidence was saved in between.
        if let Ok(evidence) = self.verifier(choice).gather(&by_digest, fetch) {
            let saved = evidence.to_saved();
            let loaded = load(&saved.document, &saved.blobs).unwrap();
            assert_eq!(loaded.to_saved(), saved);
            let judged = self.verifier(choice).judge(by_digest.repository(), &self.index.digest, &loaded, self.case.now);
            // But for absence, which no file shows.
            let expected = if code(&outcome) == Code::NoSignature { Code::AbsenceNotProved } else { code(&outcome) };
            assert_eq!(code(&judged), expected);
            assert_eq!(judged.as_ref().ok().map(Accepted::pinned), outcome.as_ref().ok().map(Accepted::pinned));
        }
        outcome
    }

    fn verify(&self, choice: &str) -> Result<Accepted, NotAccepted> {
        self.from(choice, &self.store)
    }

    fn code(&self, choice: &str) -> Code {
        code(&self.verify(choice))
    }

    /// The digest that is pinned.
    fn pinned(&self, choice: &str) -> Digest {
        *self.verify(choice).unwrap().pinned().digest().unwrap()
    }
}

type Blobs = std::collections::BTreeMap<Digest, std::sync::Arc<[u8]>>;

fn load(document: &[u8], blobs: &Blobs) -> Result<Evidence, veriseal::Failure> {
    Evidence::load(document, &mut |digest| blobs.get(digest).map(|bytes| bytes.to_vec()), &Limits::DEFAULT)
}

fn report(outcome: &Result<Accepted, NotAccepted>) -> &Report {
    match outcome {
        Ok(accepted) => accepted.report(),
        Err(not_accepted) => not_accepted.report(),
    }
}

fn code(outcome: &Result<Accepted, NotAccepted>) -> Code {
    report(outcome).code()
}

fn json_of(outcome: &Result<Accepted, NotAccepted>) -> Value {
    serde_json::from_str(&report(outcome).to_json()).unwrap()
}

fn entry(image: &Image, platform: Option<Value>) -> Value {
    let mut entry = descriptor(&image.media_type, &image.digest, image.size);
    if let Some(platform) = platform {
        entry["platform"] = platform;
    }
    entry
}

fn linux(architecture: &str) -> Option<Value> {
    Some(json!({ "architecture": architecture, "os": "linux" }))
}

/// A store with one thing answered otherwise.
struct Altered<'a>(&'a Store, Digest, Result<Response, FetchError>);

impl Fetch for Altered<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        if request.what == What::Manifest(self.1) { self.2.clone() } else { self.0.fetch(request) }
    }
}

/// K-OC-05.
#[test]
fn a_signed_index_covers_the_platforms_that_it_lists() {
    let mut world = World::new();
    world.sign_index();
    assert_eq!(world.pinned("index"), world.index.digest);
    for architecture in ["amd64", "arm64"] {
        let choice = format!("linux/{architecture}");
        assert_eq!(world.pinned(&choice), world.platform(architecture).digest);
        let outcome = world.verify(&choice);
        let accepted = outcome.as_ref().unwrap();
        assert_eq!(accepted.resolved().digest(), Some(&world.index.digest));
        let [platform] = accepted.platforms() else { panic!() };
        assert_eq!(platform.pinned(), accepted.pinned());
        assert!(!platform.is_signed_itself());
        assert_eq!(*accepted.signatures()[0].digest(), world.index.digest);
        // The report names which digest was signed.
        let json = json_of(&outcome);
        assert_eq!(json["subject"]["signed"], json!([world.index.digest]));
        assert_eq!(json["subject"]["digest"], json!(world.index.digest));
        assert_eq!(json["subject"]["platforms"][0]["signed"], "index");
        assert_eq!(json["candidates"][0]["subject"], json!(world.index.digest));
    }
    let outcome = world.verify("all");
    assert_eq!(*outcome.as_ref().unwrap().pinned().digest().unwrap(), world.index.digest);
    assert_eq!(outcome.as_ref().unwrap().platforms().len(), 2);
    assert!(!report(&outcome).notice_codes().contains(&Code::IndexNotSigned));
    assert_eq!(world.pinned("linux/amd64,linux/arm64"), world.index.digest);
}

/// K-OC-05, the other way round.
#[test]
fn a_signed_platform_is_no_signed_index() {
    let mut world = World::new();
    let amd64 = world.platform("amd64");
    world.sign(&amd64);
    assert_eq!(world.code("index"), Code::NoSignature);
    assert_eq!(world.pinned("linux/amd64"), amd64.digest);
    let outcome = world.verify("linux/amd64");
    assert!(outcome.as_ref().unwrap().platforms()[0].is_signed_itself());
    assert_eq!(json_of(&outcome)["subject"]["signed"], json!([amd64.digest]));
    // Of two platforms one is not signed.
    assert_eq!(world.code("linux/arm64"), Code::NoSignature);
    for choice in ["all", "linux/amd64,linux/arm64"] {
        let outcome = world.verify(choice);
        assert_eq!(code(&outcome), Code::NoSignature);
        let arm64 = world.platform("arm64").digest.to_string();
        assert_eq!(report(&outcome).failure().at_text(), Some(arm64.as_str()), "{choice}");
        let accepted: Vec<_> =
            json_of(&outcome)["subject"]["platforms"].as_array().unwrap().iter().map(|one| one["accepted"].clone()).collect();
        assert_eq!(accepted, [true, false]);
    }
}

#[test]
fn all_is_accepted_where_every_platform_is_signed_and_says_that_the_index_is_not() {
    let mut world = World::new();
    for architecture in ["amd64", "arm64"] {
        world.sign(&world.platform(architecture));
    }
    assert_eq!(world.code("index"), Code::NoSignature);
    let outcome = world.verify("all");
    let accepted = outcome.as_ref().unwrap();
    assert_eq!(*accepted.pinned().digest().unwrap(), world.index.digest);
    assert_eq!(accepted.signatures().len(), 2);
    assert!(accepted.platforms().iter().all(veriseal::AcceptedPlatform::is_signed_itself));
    assert_eq!(report(&outcome).notice_codes(), [Code::IndexNotSigned]);
}

/// Nothing is not everything: an index without a platform is not verified by verifying all of them.
#[test]
fn an_index_that_lists_no_platform_is_not_accepted_for_all_of_them() {
    let world = World::listing(Store::with_referrers_api(), &[]);
    assert_eq!(world.code("all"), Code::NoSignature);
    assert_eq!(world.code("linux/amd64"), Code::PlatformNotFound);
}

#[test]
fn a_platform_that_is_not_listed_is_platform_not_found() {
    let mut world = World::new();
    world.sign_index();
    for choice in ["linux/s390x", "windows/amd64", "linux/arm64/v9", "linux/amd64,linux/s390x"] {
        let outcome = world.verify(choice);
        assert_eq!(code(&outcome), Code::PlatformNotFound, "{choice}");
        assert!(matches!(outcome, Err(NotAccepted::Rejected(_))));
        assert_eq!(report(&outcome).failure().found_text(), Some("linux/amd64, linux/arm64"));
    }
}

/// K-OC-05: a signature of an index covers what that index lists, not what another one does.
#[test]
fn a_manifest_of_another_index_is_not_covered() {
    let mut world = World::new();
    world.sign_index();
    // Another index that lists the same manifests and one more; the signature of the first is copied to it.
    let evil = ImageBuilder::new("evil").build(&mut world.store);
    let entries = [entry(&evil, linux("amd64")), entry(&world.platform("arm64"), linux("arm64"))];
    let mut swapped = World::listing(world.store.clone(), &entries);
    swapped.case = world.case.clone();
    let referrers = swapped.store.referrers[&world.index.digest].clone();
    swapped.store.referrers.insert(swapped.index.digest, referrers);
    for choice in ["index", "linux/amd64", "linux/arm64", "all"] {
        let outcome = swapped.verify(choice);
        assert_eq!(code(&outcome), Code::NoMatchingSignature, "{choice}");
        assert_eq!(report(&outcome).candidate_codes(), [Code::ReferrerForOtherSubject]);
    }
    // Even where the referrer names the right subject, what is signed is another index.
    let case = &mut swapped.case;
    let bundle = Bundle::image(&world.index.digest, &case.signer).logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
    swapped.store.referrers.clear();
    swapped.store.attach_bundle(&swapped.index, &bundle);
    for choice in ["index", "linux/amd64", "linux/arm64", "all"] {
        assert_eq!(swapped.code(choice), Code::SignedOtherDigest, "{choice}");
    }
}

/// K-OC-01, K-OC-09: the manifest must be the one that is listed, by size, digest and media type.
#[test]
fn other_bytes_in_place_of_a_listed_manifest_prove_nothing() {
    let mut world = World::new();
    world.sign_index();
    let amd64 = world.platform("amd64").digest;
    let other = ImageBuilder::new("evil").build(&mut Store::new());
    let mut evil = Store::new();
    ImageBuilder::new("evil").build(&mut evil);
    let bytes = evil.manifests[&other.digest].bytes.clone();
    let good = world.store.manifests[&amd64].bytes.clone();
    let same_size = {
        let mut bytes = good.clone();
        *bytes.last_mut().unwrap() = b' ';
        bytes
    };
    let found = |media_type: &str, bytes: &[u8]| {
        Ok(Response::Found { media_type: Some(media_type.to_owned()), bytes: bytes.to_vec(), next: None })
    };
    for (answer, expected) in [
        (found(OCI_MANIFEST, &[&bytes[..], b"\n\n\n"].concat()), Code::TooLarge),
        (found(OCI_MANIFEST, &bytes[..bytes.len() / 2]), Code::SizeMismatch),
        (found(OCI_MANIFEST, &same_size), Code::DigestMismatch),
        (found(OCI_INDEX, &good), Code::MediaTypeMismatch),
        (Ok(Response::NotFound), Code::Dangling),
        (Err(FetchError::Denied("403".to_owned())), Code::Denied),
    ] {
        let fetch = Altered(&world.store, amd64, answer);
        let outcome = world.from("linux/amd64", &fetch);
        assert_eq!(code(&outcome), expected);
        assert!(matches!(outcome, Err(NotAccepted::Undecided(_))));
        // The signed index is accepted as a whole and tells about it: nobody asked for that platform alone.
        let outcome = world.from("all", &fetch);
        let accepted = outcome.as_ref().unwrap();
        assert_eq!(report(&outcome).gathering_codes(), [expected]);
        assert_eq!(accepted.platforms().len(), 1);
        // The other platform is not concerned.
        assert_eq!(code(&world.from("linux/arm64", &fetch)), Code::Accepted);
    }
}

/// An entry that only says that it is an attestation is run all the same, so that it must be verified.
#[test]
fn only_what_no_runtime_can_run_is_left_out() {
    let mut store = Store::with_referrers_api();
    let app = ImageBuilder::new("app").build(&mut store);
    let other = ImageBuilder::new("attestation").build(&mut store);
    let annotated = |platform: Value| {
        let mut entry = entry(&other, Some(platform));
        entry["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": app.digest.to_string(),
        });
        entry
    };
    let unknown = json!({ "architecture": "unknown", "os": "unknown" });
    for (attestation, expected) in [
        (annotated(unknown.clone()), Code::Accepted),
        (annotated(json!({ "architecture": "amd64", "os": "linux" })), Code::NoSignature),
        (entry(&other, Some(unknown)), Code::NoSignature),
        (entry(&other, None), Code::NoSignature),
    ] {
        let mut world = World::listing(store.clone(), &[entry(&app, linux("amd64")), attestation]);
        world.sign(&app);
        assert_eq!(world.code("all"), expected);
        // The first entry of a platform is the one.
        assert_eq!(world.pinned("linux/amd64"), app.digest);
    }
}

#[test]
fn nested_indexes_are_searched_within_bounds() {
    let mut store = Store::with_referrers_api();
    let app = ImageBuilder::new("app").build(&mut store);
    let mut nested = app.clone();
    let mut entries = vec![entry(&app, linux("amd64"))];
    for depth in 1..=4 {
        let document = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
        nested = store.put_json(OCI_INDEX, &document);
        entries = vec![entry(&nested, None)];
        let mut world = World::listing(store.clone(), &entries);
        if depth <= 3 {
            world.sign_index();
            assert_eq!(world.pinned("linux/amd64"), app.digest, "{depth}");
            let json = json_of(&world.verify("linux/amd64"));
            assert_eq!(json["subject"]["platforms"][0]["via"].as_array().unwrap().len(), depth);
            // A nested index that cannot be had may hold the platform: that is not "not found".
            let gone = Altered(&world.store, nested.digest, Ok(Response::NotFound));
            assert_eq!(code(&world.from("linux/amd64", &gone)), Code::Dangling);
        } else {
            world.sign(&app);
            assert_eq!(world.code("linux/amd64"), Code::TooManyEntries);
            let outcome = world.verify("all");
            assert_eq!(code(&outcome), Code::TooManyEntries);
            assert!(matches!(outcome, Err(NotAccepted::Undecided(_))));
        }
    }
    assert_ne!(nested, app);
}

/// Runtimes take the nearest entry; one further down cannot take its place.
#[test]
fn the_first_entry_of_a_platform_is_the_one() {
    let mut store = Store::with_referrers_api();
    let first = ImageBuilder::new("first").build(&mut store);
    let second = ImageBuilder::new("second").build(&mut store);
    let below = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry(&second, linux("amd64"))] });
    let below = store.put_json(OCI_INDEX, &below);
    let entries = [entry(&below, None), entry(&first, linux("amd64")), entry(&second, linux("amd64"))];
    let mut world = World::listing(store, &entries);
    world.sign_index();
    assert_eq!(world.pinned("linux/amd64"), first.digest);
}

#[test]
fn an_image_that_is_no_index_is_its_only_platform() {
    let mut world = World::of(ImageBuilder::new("app"));
    world.sign_index();
    for choice in ["index", "all", "linux/amd64", "linux/amd64/v1"] {
        assert_eq!(world.pinned(choice), world.index.digest, "{choice}");
    }
    // Its configuration says which.
    for choice in ["linux/arm64", "linux/amd64,linux/arm64"] {
        assert_eq!(world.code(choice), Code::PlatformNotFound, "{choice}");
    }
    let config = json!({ "os": "linux" });
    let config = world.store.put_blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
    let artifact = world.store.put_blob("application/vnd.example+json", br#"{"os":"linux","architecture":"amd64"}"#);
    for config in [config, artifact] {
        let manifest = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [] });
        world.index = world.store.put_json(OCI_MANIFEST, &manifest);
        world.store.tags.insert("v1".to_owned(), world.index.digest);
        world.sign_index();
        assert_eq!(world.code("all"), Code::Accepted);
        assert_eq!(world.code("linux/amd64"), Code::PlatformNotFound);
    }
}

#[test]
fn evidence_gathered_for_other_platforms_is_undecided() {
    let mut world = World::new();
    world.sign_index();
    let reference: Reference = format!("{REGISTRY}/{REPOSITORY}@{}", world.index.digest).parse().unwrap();
    let judge = |choice: &str, evidence: &Evidence| {
        world.verifier(choice).judge(reference.repository(), &world.index.digest, evidence, world.case.now)
    };
    let gather = |choice: &str| world.verifier(choice).gather(&reference, &world.store).unwrap();
    assert_eq!(code(&judge("linux/amd64", &gather("index"))), Code::EvidenceForOtherPlatforms);
    assert_eq!(code(&judge("linux/amd64", &gather("linux/arm64"))), Code::EvidenceForOtherPlatforms);
    assert_eq!(code(&judge("all", &gather("index"))), Code::EvidenceForOtherPlatforms);
    // What was gathered besides does no harm to what the reference names.
    let outcome = judge("index", &gather("all"));
    assert_eq!(outcome.as_ref().unwrap().pinned().digest(), Some(&world.index.digest));
    assert!(outcome.unwrap().platforms().is_empty());
}

/// K-EV-01, K-EV-02: a saved file cannot add, drop or exchange what an index lists.
#[test]
fn a_saved_file_cannot_change_what_the_index_lists() {
    let mut world = World::new();
    world.sign(&world.platform("amd64"));
    let reference: Reference = format!("{REGISTRY}/{REPOSITORY}@{}", world.index.digest).parse().unwrap();
    let saved = world.verifier("all").gather(&reference, &world.store).unwrap().to_saved();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut document: Value = serde_json::from_slice(&saved.document).unwrap();
        edit(&mut document);
        load(document.to_string().as_bytes(), &saved.blobs).map_err(|failure| failure.code())
    };
    let manifests = |document: &mut Value| document["platforms"]["manifests"].as_array().cloned().unwrap();
    let invalid = Code::EvidenceInvalid;
    assert_eq!(edited(&|document| document["platforms"]["manifests"] = json!([manifests(document)[0]])).unwrap_err(), invalid);
    let swap = |document: &mut Value| document["platforms"]["manifests"].as_array_mut().unwrap().swap(0, 1);
    assert_eq!(edited(&swap).unwrap_err(), invalid);
    assert_eq!(edited(&|document| document["platforms"]["choice"] = json!(["index"])).unwrap_err(), invalid);
    assert_eq!(edited(&|document| document["platforms"]["choice"] = json!(["linux/amd64"])).unwrap_err(), invalid);
    // A signature that is moved to the other manifest is not about it.
    let moved = edited(&|document| {
        let candidates = document["platforms"]["manifests"][0]["candidates"].clone();
        document["platforms"]["manifests"][1]["candidates"] = candidates;
    });
    let outcome = world.verifier("all").judge(reference.repository(), &world.index.digest, &moved.unwrap(), world.case.now);
    assert_eq!(code(&outcome), Code::NoMatchingSignature);
}

/// The choice is part of what a verifier is, so that a cache or a lock tells two apart.
#[test]
fn the_choice_is_in_the_fingerprint() {
    let world = World::new();
    let plain = world.case.verifier().fingerprint();
    assert_ne!(world.verifier("all").fingerprint(), plain);
    assert_ne!(world.verifier("all").fingerprint(), world.verifier("linux/amd64").fingerprint());
    let elsewhere = world.case.verifier().with_signature_repository("reg.example/signatures".parse().unwrap());
    assert_ne!(elsewhere.fingerprint(), plain);
    assert_eq!(world.case.verifier().platforms(), &PlatformChoice::index());
}
