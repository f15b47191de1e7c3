//! What is damaged: bundles of every kind, layers, saved evidence and policies of the testkit, and real bundles where the
//! shared vectors are there. Beside the good ones stand an attacker's, of which no mutant may be accepted.

use crate::base::{Base, Judge, evidence_tree, layer_tree, pinned};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use veriseal::trust::TrustRootOrigin;
use veriseal::{
    Authority, Claim, Digest, KeyAuthority, KeylessAuthority, Policy, PublicKey, Requirement, SignatureRequirement, StringMatch,
    TrustRoot, UnixTime, Verifier,
};
use veriseal_testkit::dsse::{SLSA_PROVENANCE, Statement};
use veriseal_testkit::mutation::Tree;
use veriseal_testkit::simple_signing::Layer;
use veriseal_testkit::{
    Attestation, Bundle, BundleVersion, Identity, Image, ImageBuilder, KeyKind, Signer, Sigstore, Store, sign_simple,
};

pub(crate) const ARTIFACT: &[u8] = b"artifact\n";
const OTHER: &[u8] = b"another artifact\n";

/// Every base, always in the same order.
pub(crate) fn all() -> Result<Vec<Base>, String> {
    let mut made = Made::new()?;
    made.bundles()?;
    made.attackers_bundles()?;
    made.layers()?;
    made.evidence()?;
    made.policies()?;
    let mut bases = made.bases;
    bases.extend(real()?);
    Ok(bases)
}

/// Good bundles of the testkit, each of its own kind, about two artifacts: for the splice matrix.
pub(crate) fn kinds() -> Result<Vec<Base>, String> {
    let mut made = Made::new()?;
    made.bundles()?;
    Ok(made.bases)
}

struct Made {
    sigstore: Sigstore,
    trust: Arc<TrustRoot>,
    identity: Identity,
    /// A day after signing: certificates have expired.
    now: UnixTime,
    bases: Vec<Base>,
}

impl Made {
    fn new() -> Result<Self, String> {
        let sigstore = Sigstore::new(1);
        let trust = Arc::new(trust_root(&sigstore.trusted_root().to_bytes())?);
        let identity = Identity::github("acme/app", "release.yml", "refs/heads/main");
        let now = sigstore.now.saturating_add_seconds(86_400);
        Ok(Self { sigstore, trust, identity, now, bases: Vec::new() })
    }

    fn verifier(&self, authority: Authority, claim: Claim) -> Result<Arc<Verifier>, String> {
        verifier(Arc::clone(&self.trust), authority, claim)
    }

    fn keyless(&self) -> Result<Arc<Verifier>, String> {
        self.verifier(named(&self.identity)?, Claim::Signed)
    }

    /// Good for its artifact, and of no use for another one.
    fn add(&mut self, name: &str, bundle: &Bundle, verifier: &Arc<Verifier>) -> Result<(), String> {
        let tree = Tree::parse(&bundle.to_bytes()).ok_or("no JSON")?;
        for (artifact, good) in [(ARTIFACT, true), (OTHER, false)] {
            let name = if good { name.to_owned() } else { format!("{name} for another artifact") };
            let judge = Judge::Bundle { verifier: Arc::clone(verifier), artifact: artifact.to_vec() };
            self.bases.push(Base::new(&name, tree.clone(), judge, self.now, good)?);
        }
        Ok(())
    }

    fn bundles(&mut self) -> Result<(), String> {
        let at = self.sigstore.now;
        let keyless = self.keyless()?;
        // Each by a key of its own: a body that the log holds twice has two true indices.
        let signer = |made: &Self, name: &str| made.sigstore.keyless_with(&made.identity, made.sigstore.key(name));
        let message = |made: &Self, name: &str| Bundle::blob(ARTIFACT, &signer(made, name));
        let envelope = |made: &Self, name: &str| Bundle::image(&Digest::sha256(ARTIFACT), &signer(made, name));
        for (name, version) in [
            ("keyless message v0.1", BundleVersion::V01),
            ("keyless message v0.2", BundleVersion::V02),
            ("keyless message v0.3", BundleVersion::V03),
        ] {
            let bundle = message(self, name).version(version).logged_v1(&mut self.sigstore.rekor, at);
            self.add(name, &bundle, &keyless)?;
        }
        let tsa = self.sigstore.tsa.clone();
        let bundle = message(self, "timestamped").logged_v1(&mut self.sigstore.rekor, at).timestamped(&tsa, at);
        self.add("keyless message with timestamp", &bundle, &keyless)?;
        let bundle = message(self, "v2").logged_v2(&mut self.sigstore.rekor2).timestamped(&tsa, at);
        self.add("keyless message in Rekor v2", &bundle, &keyless)?;
        let bundle = envelope(self, "envelope").logged_v1(&mut self.sigstore.rekor, at);
        self.add("keyless envelope", &bundle, &keyless)?;
        let bundle = envelope(self, "envelope v0.1").version(BundleVersion::V01).logged_v1(&mut self.sigstore.rekor, at);
        self.add("keyless envelope v0.1", &bundle, &keyless)?;
        let bundle = envelope(self, "intoto").logged_v1_as_intoto(&mut self.sigstore.rekor, at);
        self.add("keyless envelope logged as intoto", &bundle, &keyless)?;
        let bundle = envelope(self, "envelope v2").logged_v2(&mut self.sigstore.rekor2).timestamped(&tsa, at);
        self.add("keyless envelope in Rekor v2", &bundle, &keyless)?;
        let email = Identity::email("dev@example.com", "https://accounts.example.com");
        let bundle = Bundle::blob(ARTIFACT, &self.sigstore.keyless(&email)).logged_v1(&mut self.sigstore.rekor, at);
        let verifier = self.verifier(named(&email)?, Claim::Signed)?;
        self.add("keyless message by address", &bundle, &verifier)?;
        for (kind, envelope) in [
            (KeyKind::P256, false),
            (KeyKind::P384, true),
            (KeyKind::P521, false),
            (KeyKind::Ed25519, false),
            (KeyKind::Rsa2048, true),
        ] {
            let signer = Signer::key(self.sigstore.key_of(kind, "release"));
            let verifier = self.verifier(key(&signer)?, Claim::Signed)?;
            let bundle =
                if envelope { Bundle::image(&Digest::sha256(ARTIFACT), &signer) } else { Bundle::blob(ARTIFACT, &signer) };
            let name = format!("{} by {kind:?} key", if envelope { "envelope" } else { "message" });
            let logged = bundle.logged_v1(&mut self.sigstore.rekor, at);
            self.add(&name, &logged, &verifier)?;
            if kind == KeyKind::P256 {
                let signer = Signer::key(self.sigstore.key("release of another"));
                let bundle = Bundle::blob(ARTIFACT, &signer).logged_v2(&mut self.sigstore.rekor2).timestamped(&tsa, at);
                let verifier = self.verifier(key(&signer)?, Claim::Signed)?;
                self.add(&format!("{name} in Rekor v2"), &bundle, &verifier)?;
            }
        }
        Ok(())
    }

    /// Bundles that are good in another world, or by somebody else in this one, for the artifact and the policy of this one.
    fn attackers_bundles(&mut self) -> Result<(), String> {
        let at = self.sigstore.now;
        let keyless = self.keyless()?;
        let mut elsewhere = Sigstore::new(2);
        let impostor = elsewhere.keyless(&self.identity);
        let stranger = self.sigstore.keyless(&Identity::github("mallory/app", "release.yml", "refs/heads/main"));
        let tsa = self.sigstore.tsa.clone();
        let bundles = [
            ("of another Sigstore", Bundle::blob(ARTIFACT, &impostor).logged_v1(&mut elsewhere.rekor, at)),
            ("by an impostor in the right log", Bundle::blob(ARTIFACT, &impostor).logged_v1(&mut self.sigstore.rekor, at)),
            ("by a stranger", Bundle::blob(ARTIFACT, &stranger).logged_v1(&mut self.sigstore.rekor, at).timestamped(&tsa, at)),
            (
                "envelope by a stranger",
                Bundle::image(&Digest::sha256(ARTIFACT), &stranger).logged_v1(&mut self.sigstore.rekor, at),
            ),
        ];
        for (name, bundle) in bundles {
            let judge = Judge::Bundle { verifier: Arc::clone(&keyless), artifact: ARTIFACT.to_vec() };
            let tree = Tree::parse(&bundle.to_bytes()).ok_or("no JSON")?;
            self.bases.push(Base::new(&format!("bundle {name}"), tree, judge, self.now, false)?);
        }
        let thief = Signer::key(self.sigstore.key("thief"));
        let verifier = self.verifier(key(&Signer::key(self.sigstore.key("release")))?, Claim::Signed)?;
        let bundle = Bundle::blob(ARTIFACT, &thief).logged_v1(&mut self.sigstore.rekor, at);
        let judge = Judge::Bundle { verifier, artifact: ARTIFACT.to_vec() };
        let tree = Tree::parse(&bundle.to_bytes()).ok_or("no JSON")?;
        self.bases.push(Base::new("bundle by another key", tree, judge, self.now, false)?);
        Ok(())
    }

    fn layers(&mut self) -> Result<(), String> {
        let at = self.sigstore.now;
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("app").build(&mut store);
        let signer = self.sigstore.keyless(&self.identity);
        let stranger = self.sigstore.keyless(&Identity::github("mallory/app", "release.yml", "refs/heads/main"));
        let second = self.sigstore.keyless_with(&self.identity, self.sigstore.key("second"));
        let by_key = Signer::key(self.sigstore.key("release"));
        let (keyless, keyed) = (self.keyless()?, self.verifier(key(&by_key)?, Claim::Signed)?);
        let provenance = Claim::Attestation { predicate_type: SLSA_PROVENANCE.to_owned() };
        let attested = self.verifier(named(&self.identity)?, provenance)?;
        let (tsa, other) = (self.sigstore.tsa.clone(), Digest::sha256(b"another image"));
        let mut simple = |digest: &Digest, signer: &Signer| {
            sign_simple(digest, "registry.testkit.example/acme/app", &[("env", "prod")], signer)
                .logged(&mut self.sigstore.rekor, at)
        };
        let statement = |digest: &Digest| Statement::new(digest, SLSA_PROVENANCE, json!({ "builder": { "id": "b" } }));
        let layers = [
            ("simple signature", simple(&image.digest, &signer).layer(), &keyless, true),
            ("simple signature with timestamp", simple(&image.digest, &second).timestamped(&tsa, at).layer(), &keyless, true),
            ("simple signature by key", simple(&image.digest, &by_key).layer(), &keyed, true),
            ("simple signature of another image", simple(&other, &signer).layer(), &keyless, false),
            ("simple signature by a stranger", simple(&image.digest, &stranger).layer(), &keyless, false),
        ];
        let attest = |digest: &Digest, signer: &Signer| Attestation::new(&statement(digest), signer);
        let attestations = [
            ("attestation", attest(&image.digest, &signer).logged(&mut self.sigstore.rekor, at).layer(), true),
            ("attestation of another image", attest(&other, &signer).logged(&mut self.sigstore.rekor, at).layer(), false),
            ("attestation by a stranger", attest(&image.digest, &stranger).logged(&mut self.sigstore.rekor, at).layer(), false),
        ];
        for (name, layer, verifier, good) in layers {
            self.add_layer(name, &layer, verifier, (&store, &image, "sig"), good)?;
        }
        for (name, layer, good) in attestations {
            self.add_layer(name, &layer, &attested, (&store, &image, "att"), good)?;
        }
        Ok(())
    }

    fn add_layer(
        &mut self,
        name: &str,
        layer: &Layer,
        verifier: &Arc<Verifier>,
        (store, image, suffix): (&Store, &Image, &'static str),
        good: bool,
    ) -> Result<(), String> {
        let judge = Judge::Layer { verifier: Arc::clone(verifier), store: store.clone(), image: image.clone(), suffix };
        self.bases.push(Base::new(name, layer_tree(layer), judge, self.now, good)?);
        Ok(())
    }

    fn evidence(&mut self) -> Result<(), String> {
        let at = self.sigstore.now;
        let verifier = self.keyless()?;
        let signer = self.sigstore.keyless(&self.identity);
        let stranger = self.sigstore.keyless(&Identity::github("mallory/app", "release.yml", "refs/heads/main"));
        for (name, signer, good) in [("saved evidence", &signer, true), ("saved evidence by a stranger", &stranger, false)] {
            let mut store = Store::with_referrers_api();
            let image = ImageBuilder::new("app").build(&mut store);
            let bundle = Bundle::image(&image.digest, signer).logged_v1(&mut self.sigstore.rekor, at);
            store.attach_bundle(&image, &bundle);
            let simple = sign_simple(&image.digest, "registry.testkit.example/acme/app", &[], signer);
            store.attach_signature(&image.digest, &simple.logged(&mut self.sigstore.rekor, at));
            let reference = pinned(&image);
            let evidence = verifier.gather(&reference, &store).map_err(|failure| failure.to_string())?;
            let tree = evidence_tree(&evidence).ok_or("no JSON")?;
            let judge = Judge::Evidence { verifier: Arc::clone(&verifier), reference };
            self.bases.push(Base::new(name, tree, judge, self.now, good)?);
        }
        Ok(())
    }

    /// Policies that do not let in what a stranger signed: no damage to one may make it.
    fn policies(&mut self) -> Result<(), String> {
        let at = self.sigstore.now;
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("app").build(&mut store);
        let stranger = self.sigstore.keyless(&Identity::github("mallory/app", "release.yml", "refs/heads/main"));
        for signer in [stranger, Signer::key(self.sigstore.key("thief"))] {
            let bundle = Bundle::image(&image.digest, &signer).logged_v1(&mut self.sigstore.rekor, at);
            store.attach_bundle(&image, &bundle);
            let provenance = Statement::new(&image.digest, SLSA_PROVENANCE, json!({ "builder": { "id": "b" } }));
            let bundle = Bundle::statement(&provenance, &signer).logged_v1(&mut self.sigstore.rekor, at);
            store.attach_bundle(&image, &bundle);
        }
        let subject = self.identity.subject_text();
        let keyless = json!({ "trust": "own", "issuer": self.identity.issuer, "identity": subject });
        let glob = json!({ "trust": "own", "issuer": self.identity.issuer, "identity": { "glob": "https://github.com/acme/*/.github/workflows/release.yml@refs/heads/*" } });
        let pem = |name: &str| json!({ "pem": self.sigstore.key(name).public_pem(), "trust": "own" });
        let signature = |who: &str, value: Value| json!({ "signature": { who: value, "tlog": "required" } });
        let requirements = [
            ("a key", signature("key", pem("release"))),
            ("an identity", signature("keyless", keyless.clone())),
            ("a glob", signature("keyless", glob)),
            (
                "all and a threshold",
                json!({ "all": [
                    signature("keyless", keyless.clone()),
                    { "atLeast": 2, "of": [signature("key", pem("release")), signature("key", pem("second")), signature("key", pem("third"))] },
                ] }),
            ),
            (
                "an attestation",
                json!({ "attestation": {
                    "keyless": keyless,
                    "predicateType": SLSA_PROVENANCE,
                    "where": { "/builder/id": "b" },
                    "maxAge": "90d",
                } }),
            ),
        ];
        for (name, require) in requirements {
            let document = json!({
                "apiVersion": "veriseal/v1",
                "trust": { "own": { "trustedRoot": "root.json" } },
                "images": [
                    { "match": ["registry.testkit.example/acme/**"], "require": require, "pin": "resolve" },
                    { "match": ["**"], "deny": { "reason": "not ours" } },
                ],
                "mode": "enforce",
            });
            let tree = Tree::parse(document.to_string().as_bytes()).ok_or("no JSON")?;
            let judge = Judge::Policy {
                store: store.clone(),
                reference: pinned(&image),
                trusted_root: self.sigstore.trusted_root().to_bytes(),
            };
            self.bases.push(Base::new(&format!("policy with {name}"), tree, judge, self.now, false)?);
        }
        Ok(())
    }
}

/// Real bundles that must be accepted, from the shared vectors.
fn real() -> Result<Vec<Base>, String> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let folder = std::env::var_os("VERISEAL_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let read = |path: &str| std::fs::read(folder.join(path)).map_err(|error| format!("{path}: {error}"));
    let Ok(manifest) = read("MANIFEST.json") else {
        println!("no vectors at {}: without real bundles", folder.display());
        return Ok(Vec::new());
    };
    let manifest: Value = serde_json::from_slice(&manifest).map_err(|error| error.to_string())?;
    let mut bases = Vec::new();
    for case in manifest["cases"].as_array().into_iter().flatten() {
        let inputs = &case["inputs"];
        let text = |name: &str| inputs[name].as_str();
        let (Some(root), Some(bundle), Some(id)) = (text("trusted_root"), text("bundle"), case["id"].as_str()) else { continue };
        // These need other settings than the usual ones; the vector tests of the core hold them.
        let usual =
            text("trusted_root_format").is_none() && !id.contains("public-key-validity") && !id.contains("github-private");
        if case["kind"] != "sigstore-bundle" || case["expected"] != "accept" || !usual {
            continue;
        }
        let artifact = match (text("artifact"), text("artifact_text")) {
            (Some(path), _) => read(path)?,
            (None, Some(text)) => text.as_bytes().to_vec(),
            (None, None) => continue,
        };
        let authority = match (text("key"), text("identity"), text("issuer")) {
            (Some(path), _, _) => {
                let key = PublicKey::from_pem(&read(path)?).map_err(|failure| format!("{id}: {failure}"))?;
                Authority::Key(KeyAuthority::new(key, "key"))
            }
            (None, Some(identity), Some(issuer)) => exactly(identity, issuer)?,
            _ => continue,
        };
        let now = UnixTime::parse_rfc3339(text("verification_time").unwrap_or("2026-08-22T00:00:00Z"));
        let now = now.map_err(|failure| format!("{id}: {failure}"))?;
        let verifier = verifier(Arc::new(trust_root(&read(root)?)?), authority, Claim::AnyStatement)?;
        let Some(tree) = Tree::parse(&read(bundle)?) else { continue };
        let judge = Judge::Bundle { verifier, artifact };
        bases.push(Base::new(&format!("real {id}"), tree, judge, now, true)?);
    }
    Ok(bases)
}

fn trust_root(json: &[u8]) -> Result<TrustRoot, String> {
    TrustRoot::from_json(json, TrustRootOrigin::default()).map_err(|failure| failure.to_string())
}

fn verifier(trust: Arc<TrustRoot>, authority: Authority, claim: Claim) -> Result<Arc<Verifier>, String> {
    let leaf = SignatureRequirement::new(authority).claim(claim);
    let policy = Policy::new(Requirement::signature(leaf)).map_err(|failure| failure.to_string())?;
    Ok(Arc::new(Verifier::new(trust, policy).with_key_tables()))
}

fn named(identity: &Identity) -> Result<Authority, String> {
    exactly(&identity.subject_text(), &identity.issuer)
}

fn exactly(subject: &str, issuer: &str) -> Result<Authority, String> {
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let identity = veriseal::Identity::new(exact(subject), exact(issuer)).map_err(|failure| failure.to_string())?;
    Ok(Authority::Keyless(KeylessAuthority::new(vec![identity]).map_err(|failure| failure.to_string())?))
}

fn key(signer: &Signer) -> Result<Authority, String> {
    let key = PublicKey::from_spki(&signer.key.spki()).map_err(|failure| failure.to_string())?;
    Ok(Authority::Key(KeyAuthority::new(key, "release.pub")))
}
