//! What the tests of attacks share: one virtual Sigstore, one good signature in every form, and asking for the code.
//!
//! Every test starts from [`Case`], which is accepted, and changes the one thing that it is about.

#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub(crate) mod document;
mod record;

#[allow(unused_imports, reason = "every test binary uses its own part of this")]
pub(crate) use record::{Answer, Asked, record_trusting};

use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use veriseal::policy::{Authority, Claim, KeyAuthority, KeylessAuthority, Settings, SignatureRequirement, StringMatch};
use veriseal::trust::TrustRootOrigin;
use veriseal::{
    Accepted, AcceptedBlob, Artifact, Code, Digest, NotAccepted, Policy, PublicKey, Report, Requirement, TrustRoot, UnixTime,
    Validity, Verifier,
};
use veriseal_testkit::json::canonical;
use veriseal_testkit::rekor::Body;
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::{
    Bundle, BundleVersion, Identity, Image, ImageBuilder, Seed, Signer, SigningKey, Sigstore, Store, TimestampAuthority,
    TrustedRoot,
};

/// What is signed, as a message and as the subject of statements.
pub(crate) const ARTIFACT: &[u8] = b"image";

/// Digest of [`ARTIFACT`].
pub(crate) fn digest() -> Digest {
    Digest::sha256(ARTIFACT)
}

/// Whom keyless policies name.
pub(crate) fn identity() -> Identity {
    Identity::github("acme/app", "release.yml", "refs/heads/main")
}

/// One world, one policy, one signer. Accepts its own bundles.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) sigstore: Sigstore,
    /// Who signs.
    pub(crate) signer: Signer,
    /// Whom the policy names.
    pub(crate) authority: Authority,
    pub(crate) settings: Settings,
    pub(crate) claim: Claim,
    /// What is trusted; all of the Sigstore unless changed.
    pub(crate) trusted: Option<TrustedRoot>,
    /// The verification time: a day after signing.
    pub(crate) now: UnixTime,
}

impl Case {
    /// Signed with a managed key.
    pub(crate) fn key() -> Self {
        let sigstore = Sigstore::new(1);
        let key = sigstore.key("release");
        let authority = trusted_key(&key);
        Self::of(sigstore, Signer::key(key), authority)
    }

    /// Signed by an identity.
    pub(crate) fn keyless() -> Self {
        let sigstore = Sigstore::new(1);
        let signer = sigstore.keyless(&identity());
        Self::of(sigstore, signer, trusted_identity(&identity()))
    }

    fn of(sigstore: Sigstore, signer: Signer, authority: Authority) -> Self {
        let now = sigstore.now.saturating_add_seconds(86_400);
        let (settings, claim) = (Settings::default(), Claim::Signed);
        Self { sigstore, signer, authority, settings, claim, trusted: None, now }
    }

    /// A message signature over the artifact, logged in the version 1 log.
    pub(crate) fn message(&mut self) -> Bundle {
        Bundle::blob(ARTIFACT, &self.signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now)
    }

    /// A statement that the artifact is signed, logged in the version 1 log.
    pub(crate) fn envelope(&mut self) -> Bundle {
        Bundle::image(&digest(), &self.signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now)
    }

    /// An image in a registry, with a bundle that says it is signed, logged in the version 1 log.
    pub(crate) fn signed_image(&mut self) -> (Store, Image) {
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("app").build(&mut store);
        let bundle = Bundle::image(&image.digest, &self.signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now);
        store.attach_bundle(&image, &bundle);
        (store, image)
    }

    /// An entry of the version 1 log whose body says something else than the content asks for; promise and proof hold.
    pub(crate) fn logged_as(&mut self, bundle: &Bundle, body: &Body, edit: impl FnOnce(&mut Value)) -> Bundle {
        let mut document = serde_json::from_slice(&body.bytes).unwrap();
        edit(&mut document);
        let body = Body { bytes: canonical(&document), ..body.clone() };
        Bundle { entries: vec![self.sigstore.rekor.add(body, self.sigstore.now)], ..bundle.clone() }
    }

    /// Both, by name.
    pub(crate) fn both(&mut self) -> [(&'static str, Bundle); 2] {
        [("message", self.message()), ("envelope", self.envelope())]
    }

    /// What is trusted.
    pub(crate) fn root(&self) -> TrustedRoot {
        self.trusted.clone().unwrap_or_else(|| self.sigstore.trusted_root())
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let root = self.root();
        let leaf = SignatureRequirement::new(self.authority.clone()).settings(self.settings.clone()).claim(self.claim.clone());
        Verifier::new(trust(&root), Policy::new(Requirement::signature(leaf)).unwrap())
    }

    /// Asks the case's own verifier about a bundle. Every such question is one that C and Python answer too (`record`).
    pub(crate) fn ask_blob(&self, verifier: &Verifier, artifact: &[u8], bundle: &[u8]) -> Result<AcceptedBlob, NotAccepted> {
        let outcome = verifier.verify_blob(&Artifact::bytes(artifact), bundle, self.now);
        let answer = outcome.as_ref().map_or_else(Answer::Refused, |accepted| Answer::Accepted(accepted.report()));
        record::record(self, &Asked::Blob { artifact, bundle }, &answer);
        outcome
    }

    /// Asks the case's own verifier about an image in a store.
    pub(crate) fn ask_image(&self, verifier: &Verifier, store: &Store, reference: &str) -> Result<Accepted, NotAccepted> {
        let outcome = verifier.verify(&reference.parse().unwrap(), store, self.now);
        let answer = outcome.as_ref().map_or_else(Answer::Refused, |accepted| Answer::Accepted(accepted.report()));
        record::record(self, &Asked::Image { store, reference }, &answer);
        outcome
    }

    /// The answer to an image in a store: the code of the verdict, and those of the candidates that do not count.
    pub(crate) fn image(&self, store: &Store, image: &Image) -> (Code, Vec<Code>) {
        let report = self.image_report(store, image);
        (report.code(), report.candidate_codes())
    }

    pub(crate) fn image_report(&self, store: &Store, image: &Image) -> Report {
        let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest);
        match self.ask_image(&self.verifier(), store, &reference) {
            Ok(accepted) => accepted.report().clone(),
            Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
        }
    }

    /// The answer to a bundle's bytes.
    pub(crate) fn report_of(&self, bundle: &[u8]) -> Report {
        match self.ask_blob(&self.verifier(), ARTIFACT, bundle) {
            Ok(accepted) => accepted.report().clone(),
            Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
        }
    }

    pub(crate) fn code_of(&self, bundle: &[u8]) -> Code {
        self.report_of(bundle).code()
    }

    pub(crate) fn report(&self, bundle: &Bundle) -> Report {
        self.report_of(&bundle.to_bytes())
    }

    pub(crate) fn code(&self, bundle: &Bundle) -> Code {
        self.code_of(&bundle.to_bytes())
    }
}

/// A policy's trust in one key.
pub(crate) fn trusted_key(key: &SigningKey) -> Authority {
    Authority::Key(KeyAuthority::new(PublicKey::from_spki(&key.spki()).unwrap(), "release.pub"))
}

/// A policy's trust in one identity, exactly.
pub(crate) fn trusted_identity(identity: &Identity) -> Authority {
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let named = veriseal::Identity::new(exact(&identity.subject_text()), exact(&identity.issuer)).unwrap();
    Authority::Keyless(KeylessAuthority::new(vec![named]).unwrap())
}

/// Another timestamp authority than the Sigstore's: equal numbers give equal keys.
pub(crate) fn timestamp_authority(number: u64) -> TimestampAuthority {
    let year = |years: i64| NOW.saturating_add_seconds(years * 365 * 86_400);
    let authority = TimestampAuthority::new(&Seed::new(number), Validity::between(year(-1), year(9)));
    TimestampAuthority { uri: format!("https://timestamp{number}.testkit.example"), ..authority }
}

/// The trust root that a document makes. Preparing keys is the slow part of a debug build, so each is made once.
pub(crate) fn trust(root: &TrustedRoot) -> Arc<TrustRoot> {
    static KNOWN: LazyLock<Mutex<HashMap<Vec<u8>, Arc<TrustRoot>>>> = LazyLock::new(Mutex::default);
    let json = root.to_bytes();
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let made = known.entry(json.clone()).or_insert_with(|| {
        let origin = TrustRootOrigin { name: "testkit".to_owned(), ..TrustRootOrigin::default() };
        Arc::new(TrustRoot::from_json(&json, origin).unwrap())
    });
    Arc::clone(made)
}

/// Every version of the bundle format.
pub(crate) const VERSIONS: [BundleVersion; 4] =
    [BundleVersion::V01, BundleVersion::V02, BundleVersion::V03Old, BundleVersion::V03];
