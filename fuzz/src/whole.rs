//! Whole verifications: what is accepted must be one of the signatures that were made.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use veriseal::format::bundle;
use veriseal::gather::Evidence;
use veriseal::policy::{Identity, StringMatch};
use veriseal::trust::{TrustRoot, TrustRootOrigin};
use veriseal::{
    Artifact, Authority, Digest, KeyAuthority, KeylessAuthority, Limits, Policy, PublicKey, Requirement, UnixTime, Verifier,
};
use veriseal_testkit::scenario::{self, Scenario};
use veriseal_testkit::{Bundle, Signer, Sigstore};

const ARTIFACT: &[u8] = b"image";

/// One virtual Sigstore, what it signed, and a verifier that trusts it.
pub(crate) struct World {
    pub(crate) bundles: Vec<Vec<u8>>,
    /// The bytes of every signature that was made.
    signatures: BTreeSet<Vec<u8>>,
    verifier: Verifier,
    now: UnixTime,
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut sigstore = Sigstore::new(1);
    let identity = veriseal_testkit::Identity::github("acme/app", "release.yml", "refs/heads/main");
    let (key, now) = (sigstore.key("release"), sigstore.now);
    let public = PublicKey::from_spki(&key.spki()).expect("the testkit's own key");
    let mut bundles = Vec::new();
    let digest = Digest::sha256(ARTIFACT);
    for signer in [sigstore.keyless(&identity), Signer::key(key)] {
        let (message, statement) = (Bundle::blob(ARTIFACT, &signer), Bundle::image(&digest, &signer));
        for unlogged in [message, statement] {
            bundles.push(unlogged.clone().logged_v1(&mut sigstore.rekor, now));
            bundles.push(unlogged.logged_v2(&mut sigstore.rekor2).timestamped(&sigstore.tsa, now));
        }
    }
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let identity = Identity::new(exact(&identity.subject_text()), exact(&identity.issuer)).expect("an identity");
    let authorities = [
        Authority::Keyless(KeylessAuthority::new(vec![identity]).expect("an identity")),
        Authority::Key(KeyAuthority::new(public, "release.pub")),
    ];
    let requirement = Requirement::Any(authorities.map(Requirement::signed_by).into());
    let trust = TrustRoot::from_json(&sigstore.trusted_root().to_bytes(), TrustRootOrigin::default()).expect("a trust root");
    World {
        signatures: bundles.iter().map(|bundle| bundle.signature().to_vec()).collect(),
        bundles: bundles.iter().map(Bundle::to_bytes).collect(),
        verifier: Verifier::new(trust, Policy::new(requirement).expect("a policy")),
        now: now.saturating_add_seconds(3600),
    }
});

/// A bundle as it stands: accepted only where its signature is one that was made.
pub(crate) fn verify_bundle(data: &[u8]) {
    let world = &*WORLD;
    if world.verifier.verify_blob(&Artifact::bytes(ARTIFACT), data, world.now).is_ok() {
        let signed = bundle::parse(data, &Limits::DEFAULT, false).expect("what was accepted can be read");
        assert!(world.signatures.contains(&*signed.signature), "an accepted signature that nobody made");
        assert!(world.verifier.verify_blob(&Artifact::bytes(b"another"), data, world.now).is_err(), "any artifact at all");
    }
}

/// The evidence of a scenario, saved: its document as it stands, its blobs as they were.
pub(crate) static SCENARIOS: LazyLock<Vec<(Scenario, Verifier, Vec<u8>)>> = LazyLock::new(|| {
    let of = |scenario: Scenario| {
        let exact = |text: String| StringMatch::Exact(text);
        let authority = match scenario.authority {
            scenario::Authority::Key => {
                Authority::Key(KeyAuthority::new(PublicKey::from_pem(scenario.key_pem.as_bytes()).ok()?, "release"))
            }
            scenario::Authority::Keyless => {
                let identity =
                    Identity::new(exact(scenario.identity.subject_text()), exact(scenario.identity.issuer.clone())).ok()?;
                Authority::Keyless(KeylessAuthority::new(vec![identity]).ok()?)
            }
        };
        let trust = TrustRoot::from_json(&scenario.trusted_root(), TrustRootOrigin::default()).ok()?;
        let verifier = Verifier::new(trust, Policy::new(Requirement::signed_by(authority)).ok()?);
        let evidence = verifier.gather(&scenario.pinned().parse().ok()?, &scenario.store).ok()?;
        let document = evidence.to_saved().document;
        Some((scenario, verifier, document))
    };
    scenario::all().into_iter().filter(|scenario| scenario.attestation.is_none()).filter_map(of).collect()
});

/// The first byte names a scenario, the rest is a document of evidence over its blobs. Whatever the document claims, a
/// scenario that is not accepted by its own registry is not accepted by it.
pub(crate) fn verify_image(data: &[u8]) {
    let Some((first, document)) = data.split_first() else { return };
    let Some((scenario, verifier, _)) = SCENARIOS.get(usize::from(*first) % SCENARIOS.len().max(1)) else { return };
    let store = &scenario.store;
    let mut blob = |digest: &Digest| {
        store.blobs.get(digest).cloned().or_else(|| store.manifests.get(digest).map(|manifest| manifest.bytes.clone()))
    };
    let Ok(evidence) = Evidence::load(document, &mut blob, &Limits::DEFAULT) else { return };
    let Ok(reference) = scenario.pinned().parse::<veriseal::Reference>() else { return };
    let Some(digest) = reference.digest() else { return };
    let judged = verifier.judge(reference.repository(), digest, &evidence, scenario.now);
    if judged.is_ok() {
        assert_eq!(scenario.verdict, veriseal::Code::Accepted, "{}: accepted by what a file claims", scenario.name);
    }
}
