//! INV-12 over worlds drawn from a seed: images with good and bad signatures in every layout, policies of several leaves. The
//! order of what was signed and of what is asked for changes no verdict and no code; what is remembered, tabled or shared
//! between threads changes not one byte of a report.

use crate::kit::{ARTIFACT, Case, identity, trusted_identity, trusted_key};
use std::collections::BTreeSet;
use std::sync::Arc;
use veriseal::crypto::SignatureCache;
use veriseal::policy::{Authority, Settings, SignatureRequirement, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{
    Artifact, Code, NotAccepted, Policy, Reference, Report, Requirement, TrustRoot, UnixTime, Verdict, VerdictCache, Verifier,
};
use veriseal_testkit::dsse::{SLSA_PROVENANCE, Statement};
use veriseal_testkit::random::Stream;
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::simple_signing::Layer;
use veriseal_testkit::{Bundle, Image, ImageBuilder, Seed, Signer, Sigstore, Store, sign_simple};

/// How many worlds each property is tried in.
const WORLDS: u64 = 16;

/// Draws from a seed.
struct Draw(Stream);

impl Draw {
    fn of(number: u64, purpose: &str) -> Self {
        Self(Seed::new(number).named(purpose).stream())
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.0.next_byte()) % bound
    }

    fn shuffled<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut left = of.to_vec();
        let mut found = Vec::new();
        while !left.is_empty() {
            found.push(left.remove(self.below(left.len())));
        }
        found
    }
}

/// What is signed, and who may be asked for.
struct World {
    sigstore: Sigstore,
    image: Image,
    /// The image alone.
    bare: Store,
    layers: Vec<Layer>,
    bundles: Vec<Vec<u8>>,
    requirement: Requirement,
    now: UnixTime,
}

impl World {
    fn drawn(number: u64) -> Self {
        let mut sigstore = Case::key().sigstore;
        let mut draw = Draw::of(number, "world");
        let mut bare = Store::with_referrers_api();
        let image = ImageBuilder::new("app").build(&mut bare);
        let other = ImageBuilder::new("other").build(&mut bare);
        let keys = ["one", "two", "three", "stranger"].map(|name| sigstore.key(name));
        let signers: Vec<Signer> =
            keys.iter().map(|key| Signer::key(key.clone())).chain([sigstore.keyless(&identity())]).collect();
        let (mut layers, mut bundles) = (Vec::new(), Vec::new());
        for at in 0..2 + draw.below(4) {
            let signer = &signers[draw.below(signers.len())];
            let digest = if draw.below(5) == 0 { other.digest } else { image.digest };
            let now = sigstore.now;
            match draw.below(6) {
                0 | 1 => {
                    let mut layer = sign_simple(&digest, &format!("registry.example/{at}"), &[], signer).layer();
                    if draw.below(4) == 0 {
                        layer.annotations.insert("dev.cosignproject.cosign/signature".to_owned(), "no base64".to_owned());
                    }
                    layers.push(layer);
                }
                2 | 3 => bundles.push(Bundle::image(&digest, signer).logged_v1(&mut sigstore.rekor, now).to_bytes()),
                4 => {
                    let bundle = Bundle::image(&digest, signer).logged_v2(&mut sigstore.rekor2);
                    bundles.push(bundle.timestamped(&sigstore.tsa, now).to_bytes());
                }
                _ => {
                    let statement = Statement::new(&digest, SLSA_PROVENANCE, serde_json::json!({ "number": at }));
                    let mut bytes = Bundle::statement(&statement, signer).to_bytes();
                    let cut = bytes.len() - draw.below(2);
                    bytes.truncate(cut);
                    bundles.push(bytes);
                }
            }
        }
        let authorities: Vec<Authority> = keys[..3].iter().map(trusted_key).chain([trusted_identity(&identity())]).collect();
        let requirement = std::iter::repeat_with(|| requirement(&mut draw, &authorities, 2))
            .find(|requirement| Policy::new(requirement.clone()).is_ok())
            .unwrap();
        let now = sigstore.now.saturating_add_seconds(86_400);
        Self { sigstore, image, bare, layers, bundles, requirement, now }
    }

    fn store(&self, layers: &[Layer], bundles: &[Vec<u8>]) -> Store {
        let mut store = self.bare.clone();
        if !layers.is_empty() {
            store.attach_layers(&self.image.digest, "sig", layers);
        }
        for bundle in bundles {
            store.attach_bundle_bytes(&self.image, bundle, serde_json::json!({}));
        }
        store
    }

    fn reference(&self) -> Reference {
        format!("{REGISTRY}/{REPOSITORY}@{}", self.image.digest).parse().unwrap()
    }

    /// A verifier whose trust root is its own: what is tabled and remembered belongs to its keys.
    fn own_verifier(&self) -> Verifier {
        let trust = TrustRoot::from_json(&self.sigstore.trusted_root().to_bytes(), TrustRootOrigin::default()).unwrap();
        Verifier::new(trust, Policy::new(self.requirement.clone()).unwrap())
    }

    fn report(&self, verifier: &Verifier, store: &Store) -> Report {
        match verifier.verify(&self.reference(), store, self.now) {
            Ok(accepted) => accepted.report().clone(),
            Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
        }
    }
}

/// A tree of at most so many levels.
fn requirement(draw: &mut Draw, authorities: &[Authority], levels: usize) -> Requirement {
    if levels == 0 || draw.below(4) == 0 {
        let tlog = [TlogMode::Required, TlogMode::IfPresent, TlogMode::Ignored][draw.below(3)];
        let settings = Settings { tlog, timestamps: usize::from(draw.below(8) == 0), ..Settings::default() };
        let authority = authorities[draw.below(authorities.len())].clone();
        return Requirement::signature(SignatureRequirement::new(authority).settings(settings));
    }
    let of: Vec<Requirement> = (0..1 + draw.below(3)).map(|_| requirement(draw, authorities, levels - 1)).collect();
    match draw.below(3) {
        0 => Requirement::All(of),
        1 => Requirement::Any(of),
        _ => Requirement::AtLeast { count: 1 + draw.below(of.len()), of },
    }
}

/// The same tree, the children of every node in another order.
fn reordered(requirement: &Requirement, draw: &mut Draw) -> Requirement {
    let mut of = |children: &[Requirement]| {
        let children = draw.shuffled(children);
        children.iter().map(|child| reordered(child, draw)).collect::<Vec<_>>()
    };
    match requirement {
        Requirement::All(children) => Requirement::All(of(children)),
        Requirement::Any(children) => Requirement::Any(of(children)),
        Requirement::AtLeast { count, of: children } => Requirement::AtLeast { count: *count, of: of(children) },
        leaf => leaf.clone(),
    }
}

/// What must not depend on any order.
fn answer(report: &Report) -> (Verdict, Code) {
    (report.verdict(), report.code())
}

/// Of two leaves under which a signature gets equally far, the lower code is the reason; of a blob with one signature that is
/// the code of the verdict.
#[test]
fn the_order_of_leaves_does_not_choose_the_code_of_a_blob() {
    let case = Case::keyless();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).to_bytes();
    let leaf = |tlog| {
        let settings = Settings { tlog, ..Settings::default() };
        Requirement::signature(SignatureRequirement::new(case.authority.clone()).settings(settings))
    };
    let codes = [[TlogMode::Required, TlogMode::IfPresent], [TlogMode::IfPresent, TlogMode::Required]].map(|order| {
        let policy = Policy::new(Requirement::Any(order.map(leaf).to_vec())).unwrap();
        let verifier = Verifier::new(crate::kit::trust(&case.root()), policy);
        verifier.verify_blob(&Artifact::bytes(ARTIFACT), &bundle, case.now).unwrap_err().code()
    });
    assert_eq!(codes, [Code::LogEntryMissing; 2]);
}

#[test]
fn neither_the_order_of_signatures_nor_that_of_requirements_changes_a_verdict() {
    let mut verdicts = BTreeSet::new();
    for number in 0..WORLDS {
        let world = World::drawn(number);
        let trust = crate::kit::trust(&world.sigstore.trusted_root());
        let plain = Verifier::new(Arc::clone(&trust), Policy::new(world.requirement.clone()).unwrap());
        let expected = answer(&world.report(&plain, &world.store(&world.layers, &world.bundles)));
        let mut draw = Draw::of(number, "orders");
        for _ in 0..4 {
            let store = world.store(&draw.shuffled(&world.layers), &draw.shuffled(&world.bundles));
            let policy = Policy::new(reordered(&world.requirement, &mut draw)).unwrap();
            let verifier = Verifier::new(Arc::clone(&trust), policy);
            assert_eq!(
                answer(&world.report(&verifier, &store)),
                expected,
                "world {number}: {:?}",
                verifier.policy().requirement()
            );
        }
        verdicts.insert(expected.1);
    }
    // Worlds that all come out alike would show nothing.
    assert!(verdicts.contains(&Code::Accepted) && verdicts.len() >= 3, "{verdicts:?}");
}

#[test]
fn nothing_that_is_remembered_or_tabled_changes_a_report() {
    let mut hits = (0, 0);
    for number in 0..WORLDS / 2 {
        let world = World::drawn(number);
        let store = world.store(&world.layers, &world.bundles);
        let expected = world.report(&world.own_verifier(), &store).to_json();
        let (signatures, verdicts) = (Arc::new(SignatureCache::new(64)), Arc::new(VerdictCache::new(8)));
        let tiny = (Arc::new(SignatureCache::new(1)), Arc::new(VerdictCache::new(1)));
        let own = || world.own_verifier();
        for (name, verifier) in [
            ("tables", own().with_key_tables()),
            ("signatures", own().with_signature_cache(&signatures)),
            ("verdicts", own().with_verdict_cache(Arc::clone(&verdicts))),
            ("all", own().with_key_tables().with_signature_cache(&signatures).with_verdict_cache(Arc::clone(&verdicts))),
            ("all, with no room", own().with_signature_cache(&tiny.0).with_verdict_cache(Arc::clone(&tiny.1))),
        ] {
            // Cold, then warm; and after another answer to another time.
            let earlier = world.sigstore.now.saturating_add_seconds(-1);
            for round in 0..3 {
                assert_eq!(world.report(&verifier, &store).to_json(), expected, "world {number}, {name}, round {round}");
                let _ = verifier.verify(&world.reference(), &store, earlier);
            }
        }
        hits = (hits.0 + signatures.hits(), hits.1 + verdicts.hits());
    }
    assert!(hits.0 > 0 && hits.1 > 0, "what was never remembered shows nothing: {hits:?}");
}

/// K-AP-03: from one to eight threads on one verifier, each of them cold for some and warm for others.
#[test]
fn no_number_of_threads_changes_a_report() {
    for number in 0..WORLDS / 4 {
        let world = World::drawn(number);
        let store = world.store(&world.layers, &world.bundles);
        let expected = world.report(&world.own_verifier(), &store).to_json();
        for threads in 1..=8 {
            let (signatures, verdicts) = (Arc::new(SignatureCache::new(16)), Arc::new(VerdictCache::new(2)));
            let verifier = world.own_verifier().with_key_tables().with_signature_cache(&signatures).with_verdict_cache(verdicts);
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        for _ in 0..2 {
                            assert_eq!(world.report(&verifier, &store).to_json(), expected, "world {number}, {threads} threads");
                        }
                    });
                }
            });
        }
    }
}
