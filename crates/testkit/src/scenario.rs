//! [`Scenario`]: ready-made situations with the answer that a careful verifier gives.
//!
//! ```
//! let scenario = veriseal_testkit::scenario::keyless_bundle();
//! let (store, root, now) = (&scenario.store, scenario.trusted_root(), scenario.now);
//! # let _ = (store, root, now);
//! ```

mod attestation;

pub use attestation::*;

use crate::bundle::Bundle;
use crate::fulcio::{FulcioCa, Identity};
use crate::image::{Image, ImageBuilder};
use crate::signer::Signer;
use crate::sigstore::Sigstore;
use crate::simple_signing::{SimpleSignature, sign_simple};
use crate::store::Store;
use crate::x509::Name;
use serde_json::json;
use veriseal::code::Code;
use veriseal::time::UnixTime;

/// Registry part of every scenario's reference.
pub const REGISTRY: &str = "registry.testkit.example";
/// Repository of every scenario.
pub const REPOSITORY: &str = "acme/app";
/// Tag of every scenario.
pub const TAG: &str = "v1";

/// Whom the policy of a scenario names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The key [`Scenario::key_pem`].
    Key,
    /// The identity [`Scenario::identity`].
    Keyless,
}

/// A situation: what the registry holds, what the policy trusts, and what should come out.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, that of the function that makes it.
    pub name: &'static str,
    /// What the registry holds.
    pub store: Store,
    /// What the tag points to.
    pub image: Image,
    /// Another image that plays a part, if there is one.
    pub other: Option<Image>,
    /// The authorities. The trusted root holds all of them.
    pub sigstore: Sigstore,
    /// Whom the policy names.
    pub authority: Authority,
    /// The public key that the policy trusts when it names a key.
    pub key_pem: String,
    /// Subject and issuer that the policy trusts when it names an identity.
    pub identity: Identity,
    /// The predicate type of the attestation that the policy asks for; a signature where there is none.
    pub attestation: Option<&'static str>,
    /// The moment of verification.
    pub now: UnixTime,
    /// The verdict.
    pub verdict: Code,
    /// Why the candidate that came closest did not count.
    pub reason: Option<Code>,
}

impl Scenario {
    /// A sound start: an image under the tag, signed by nobody, and a policy that names the identity.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let sigstore = Sigstore::new(1);
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("app").tagged(&mut store, TAG);
        Self {
            name,
            store,
            image,
            other: None,
            authority: Authority::Keyless,
            key_pem: sigstore.key("release").public_pem(),
            identity: Identity::github("acme/app", "release.yml", "refs/heads/main"),
            attestation: None,
            // A day later: certificates have expired, as they always have when images are deployed.
            now: sigstore.now.saturating_add_seconds(86_400),
            sigstore,
            verdict: Code::NoSignature,
            reason: None,
        }
    }

    /// The reference that is verified, by tag.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{REGISTRY}/{REPOSITORY}:{TAG}")
    }

    /// The reference with the digest that the tag points to.
    #[must_use]
    pub fn pinned(&self) -> String {
        format!("{REGISTRY}/{REPOSITORY}@{}", self.image.digest)
    }

    /// Serves the store from a registry and gives the reference into it. Its host differs from the signed
    /// `docker-reference`.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn serve(&self) -> (crate::HttpRegistry, String) {
        let registry = crate::HttpRegistry::serve(self.store.clone());
        let reference = registry.reference(&format!("{REPOSITORY}:{TAG}"));
        (registry, reference)
    }

    /// `docker-reference` of the signatures made.
    #[must_use]
    pub fn docker_reference(&self) -> String {
        format!("{REGISTRY}/{REPOSITORY}")
    }

    /// The JSON of the trusted root.
    #[must_use]
    pub fn trusted_root(&self) -> Vec<u8> {
        self.sigstore.trusted_root().to_bytes()
    }

    /// The signer with the key that the policy names.
    #[must_use]
    pub fn key_signer(&self) -> Signer {
        Signer::key(self.sigstore.key("release"))
    }

    /// A signer with a certificate for the identity that the policy names.
    #[must_use]
    pub fn keyless_signer(&self) -> Signer {
        self.sigstore.keyless(&self.identity)
    }

    /// A logged simple signature over the image.
    #[must_use]
    pub fn simple(&mut self, signer: &Signer) -> SimpleSignature {
        let unlogged = sign_simple(&self.image.digest, &self.docker_reference(), &[], signer);
        unlogged.logged(&mut self.sigstore.rekor, self.sigstore.now)
    }

    /// A logged bundle over the image.
    #[must_use]
    pub fn bundle(&mut self, signer: &Signer) -> Bundle {
        Bundle::image(&self.image.digest, signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now)
    }

    fn by_key(self) -> Self {
        Self { authority: Authority::Key, ..self }
    }

    fn accepted(self) -> Self {
        Self { verdict: Code::Accepted, ..self }
    }

    fn refused(self, reason: Code) -> Self {
        Self { verdict: Code::NoMatchingSignature, reason: Some(reason), ..self }
    }
}

/// Every scenario.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![
        key_signed(),
        keyless(),
        key_signed_bundle(),
        keyless_bundle(),
        keyless_bundle_at_fallback_tag(),
        keyless_bundle_in_rekor_v2(),
        keyless_attestation_beside_signature(),
        index_signed(),
        good_beside_bad(),
        retagged(),
        unsigned(),
        attestation_only(),
        attestation_bundle(),
        attestation_layer(),
        attestation_layer_by_key(),
        attestation_layer_with_timestamp(),
        attestation_layer_of_another_image(),
        attestation_layer_of_another_type(),
        attestation_layer_of_another_key(),
        attestation_layer_without_log_entry(),
        attestation_layer_with_entry_of_another(),
        altered(),
        altered_bundle(),
        other_image_signed(),
        wrong_key(),
        wrong_identity(),
        wrong_issuer(),
        expired_certificate(),
        foreign_authority(),
        impostor_authority(),
        without_certificate_timestamp(),
        without_log_entry(),
        log_entry_of_another_signature(),
        unknown_log(),
    ]
}

/// The scenario of that name.
#[must_use]
pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// Signed with the key, in the legacy layout, logged.
#[must_use]
pub fn key_signed() -> Scenario {
    let mut scenario = Scenario::new("key_signed").by_key().accepted();
    let signature = scenario.simple(&scenario.key_signer());
    scenario.store.attach_signature(&scenario.image.digest, &signature);
    scenario
}

/// Signed by the identity, in the legacy layout, logged.
#[must_use]
pub fn keyless() -> Scenario {
    let mut scenario = Scenario::new("keyless").accepted();
    let signature = scenario.simple(&scenario.keyless_signer());
    scenario.store.attach_signature(&scenario.image.digest, &signature);
    scenario
}

/// Signed with the key, as a bundle, logged.
#[must_use]
pub fn key_signed_bundle() -> Scenario {
    let mut scenario = Scenario::new("key_signed_bundle").by_key().accepted();
    let bundle = scenario.bundle(&scenario.key_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Signed by the identity, as a bundle listed by the referrers API, logged in Rekor v1.
#[must_use]
pub fn keyless_bundle() -> Scenario {
    let mut scenario = Scenario::new("keyless_bundle").accepted();
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// The same in a registry without referrers API.
#[must_use]
pub fn keyless_bundle_at_fallback_tag() -> Scenario {
    let mut scenario = Scenario::new("keyless_bundle_at_fallback_tag").accepted();
    scenario.store.referrers_api = false;
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Signed by the identity, logged in Rekor v2, with the time from the timestamp authority.
#[must_use]
pub fn keyless_bundle_in_rekor_v2() -> Scenario {
    let mut scenario = Scenario::new("keyless_bundle_in_rekor_v2").accepted();
    let bundle = Bundle::image(&scenario.image.digest, &scenario.keyless_signer())
        .logged_v2(&mut scenario.sigstore.rekor2)
        .timestamped(&scenario.sigstore.tsa, scenario.sigstore.now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// A signature as a bundle, with provenance as a bundle and as a legacy attestation beside it.
#[must_use]
pub fn keyless_attestation_beside_signature() -> Scenario {
    let mut scenario = Scenario { name: "keyless_attestation_beside_signature", reason: None, ..attestation_only() }.accepted();
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// A multi-platform image whose index is signed.
#[must_use]
pub fn index_signed() -> Scenario {
    let mut scenario = Scenario::new("index_signed").accepted();
    scenario.image = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut scenario.store, TAG);
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Bad candidates in both layouts before a good one: the good one counts.
#[must_use]
pub fn good_beside_bad() -> Scenario {
    let mut scenario = Scenario::new("good_beside_bad").accepted();
    let stranger = Signer::key(scenario.sigstore.key("stranger"));
    let bad = scenario.simple(&stranger);
    scenario.store.attach_signature(&scenario.image.digest, &bad);
    let bad = scenario.bundle(&stranger);
    scenario.store.attach_bundle(&scenario.image, &bad);
    scenario.store.attach_bundle_bytes(&scenario.image, b"{\"no\":\"bundle\"}", json!({}));
    let good = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &good);
    scenario
}

/// The tag was moved to another image, which is signed too: a registry tells nothing about it, so it is accepted unless
/// the caller knows the digest of [`Scenario::other`], where the tag was before.
#[must_use]
pub fn retagged() -> Scenario {
    let mut scenario = Scenario { name: "retagged", ..keyless_bundle() };
    let moved_to = ImageBuilder::new("app, an older build").tagged(&mut scenario.store, TAG);
    scenario.other = Some(std::mem::replace(&mut scenario.image, moved_to));
    let bundle = scenario.bundle(&scenario.keyless_signer());
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Nothing but the image.
#[must_use]
pub fn unsigned() -> Scenario {
    Scenario::new("unsigned")
}

/// The good signature of another image was copied to this image's `.sig` tag.
#[must_use]
pub fn altered() -> Scenario {
    let mut scenario = Scenario::new("altered");
    scenario.verdict = Code::SignedOtherDigest;
    scenario.reason = Some(Code::SignedOtherDigest);
    let other = ImageBuilder::new("another app").build(&mut scenario.store);
    let unlogged = sign_simple(&other.digest, &scenario.docker_reference(), &[], &scenario.keyless_signer());
    let signature = unlogged.logged(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.store.attach_signature(&scenario.image.digest, &signature);
    scenario.other = Some(other);
    scenario
}

/// The good bundle of another image was attached to this one.
#[must_use]
pub fn altered_bundle() -> Scenario {
    let mut scenario = Scenario::new("altered_bundle");
    scenario.verdict = Code::SignedOtherDigest;
    scenario.reason = Some(Code::SignedOtherDigest);
    let other = ImageBuilder::new("another app").build(&mut scenario.store);
    let unlogged = Bundle::image(&other.digest, &scenario.keyless_signer());
    let bundle = unlogged.logged_v1(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario.other = Some(other);
    scenario
}

/// The tag was moved to an image that nobody signed; the image that it pointed to before still has its signature.
#[must_use]
pub fn other_image_signed() -> Scenario {
    let mut scenario = Scenario { name: "other_image_signed", verdict: Code::NoSignature, ..keyless_bundle() };
    let moved_to = ImageBuilder::new("something else").tagged(&mut scenario.store, TAG);
    scenario.other = Some(std::mem::replace(&mut scenario.image, moved_to));
    scenario
}

/// Signed with a key that the policy does not name.
#[must_use]
pub fn wrong_key() -> Scenario {
    let mut scenario = Scenario::new("wrong_key").by_key().refused(Code::SignatureInvalid);
    let stranger = Signer::key(scenario.sigstore.key("stranger"));
    let signature = scenario.simple(&stranger);
    scenario.store.attach_signature(&scenario.image.digest, &signature);
    scenario
}

/// Signed by somebody else with the same issuer.
#[must_use]
pub fn wrong_identity() -> Scenario {
    let mut scenario = Scenario::new("wrong_identity").refused(Code::IdentityMismatch);
    let stranger = scenario.sigstore.keyless(&Identity::github("mallory/app", "release.yml", "refs/heads/main"));
    let bundle = scenario.bundle(&stranger);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Signed by the same subject, vouched for by another issuer.
#[must_use]
pub fn wrong_issuer() -> Scenario {
    let mut scenario = Scenario::new("wrong_issuer").refused(Code::IssuerMismatch);
    let elsewhere = Identity { issuer: "https://issuer.mallory.example".to_owned(), ..scenario.identity.clone() };
    let stranger = scenario.sigstore.keyless(&elsewhere);
    let bundle = scenario.bundle(&stranger);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Logged an hour after the certificate was issued, long after it expired.
#[must_use]
pub fn expired_certificate() -> Scenario {
    let mut scenario = Scenario::new("expired_certificate").refused(Code::IntegratedTimeOutsideCertificate);
    let signer = scenario.keyless_signer();
    scenario.sigstore.now = scenario.sigstore.now.saturating_add_seconds(3600);
    let bundle = scenario.bundle(&signer);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// The certificate comes from a CA that is not in the trusted root.
#[must_use]
pub fn foreign_authority() -> Scenario {
    let mut foreign = Sigstore::new(2).fulcio;
    foreign.intermediate.template.subject = Name::new("mallory.example", "intermediate");
    foreign.intermediate.reissue(&foreign.root.key);
    signed_under(Scenario::new("foreign_authority").refused(Code::CertificateUntrusted), &foreign)
}

/// The certificate comes from a CA that bears the names of a trusted one.
#[must_use]
pub fn impostor_authority() -> Scenario {
    let impostor = Sigstore::new(2).fulcio;
    signed_under(Scenario::new("impostor_authority").refused(Code::CertificateSignatureInvalid), &impostor)
}

fn signed_under(mut scenario: Scenario, ca: &FulcioCa) -> Scenario {
    let key = scenario.sigstore.key("leaf");
    let leaf = ca.issue(&scenario.identity, &key, &[&scenario.sigstore.ct_log], scenario.sigstore.now);
    let bundle = scenario.bundle(&Signer::certificate(key, leaf, ca.chain()));
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// The certificate was never logged.
#[must_use]
pub fn without_certificate_timestamp() -> Scenario {
    let mut scenario = Scenario::new("without_certificate_timestamp").refused(Code::SctMissing);
    let key = scenario.sigstore.key("leaf");
    let leaf = scenario.sigstore.fulcio.issue(&scenario.identity, &key, &[], scenario.sigstore.now);
    let bundle = scenario.bundle(&Signer::certificate(key, leaf, scenario.sigstore.fulcio.chain()));
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// The signature has a time from the timestamp authority, but was never logged.
#[must_use]
pub fn without_log_entry() -> Scenario {
    let mut scenario = Scenario::new("without_log_entry").refused(Code::LogEntryMissing);
    let bundle = Bundle::image(&scenario.image.digest, &scenario.keyless_signer())
        .timestamped(&scenario.sigstore.tsa, scenario.sigstore.now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// The log entry in the bundle is valid and belongs to another signature of the same signer (CVE-2022-36056).
#[must_use]
pub fn log_entry_of_another_signature() -> Scenario {
    let mut scenario = Scenario::new("log_entry_of_another_signature").refused(Code::EntryMismatchSignature);
    let signer = scenario.keyless_signer();
    let other = Bundle::image(&veriseal::digest::Digest::sha256(b"another image"), &signer);
    let other = other.logged_v1(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    let bundle = Bundle { entries: other.entries, ..Bundle::image(&scenario.image.digest, &signer) };
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Logged in a log that the trusted root does not hold.
#[must_use]
pub fn unknown_log() -> Scenario {
    let mut scenario = Scenario::new("unknown_log").refused(Code::LogUnknown);
    let signer = scenario.keyless_signer();
    let mut log = Sigstore::new(2).rekor;
    let bundle = Bundle::image(&scenario.image.digest, &signer)
        .logged_v1(&mut log, scenario.sigstore.now)
        .timestamped(&scenario.sigstore.tsa, scenario.sigstore.now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tag_of;
    use std::collections::BTreeSet;

    #[test]
    fn scenarios_have_distinct_names_and_are_the_same_on_every_run() {
        let (first, second) = (all(), all());
        let names: BTreeSet<&str> = first.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), first.len());
        assert_eq!(named("unsigned").unwrap().image, unsigned().image);
        assert!(named("no such scenario").is_none());
        for (one, two) in first.iter().zip(&second) {
            assert_eq!(one.store.manifests, two.store.manifests, "{}", one.name);
            assert_eq!(one.store.blobs, two.store.blobs, "{}", one.name);
            assert_eq!(one.trusted_root(), two.trusted_root(), "{}", one.name);
        }
    }

    #[test]
    fn every_scenario_has_its_image_under_the_tag() {
        for scenario in all() {
            assert_eq!(scenario.store.tags[TAG], scenario.image.digest, "{}", scenario.name);
            assert_eq!(scenario.store.manifests[&scenario.image.digest].media_type, scenario.image.media_type);
            let tagged = |suffix| scenario.store.tags.contains_key(&format!("{}.{suffix}", tag_of(&scenario.image.digest)));
            let signed = tagged("sig") || tagged("att") || scenario.store.referrers.contains_key(&scenario.image.digest);
            let none = ["unsigned", "other_image_signed"].contains(&scenario.name);
            assert_eq!(signed, !none, "{}", scenario.name);
        }
    }
}
