//! The other verifiers, fed with the same bytes and asked for the same identity or key.

use crate::material::{Set, Who};
use sigstore_verify::types::{Artifact, ArtifactDigest, Bundle, DerPublicKey, HashAlgorithm};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, Verifier};

/// The crate `sigstore-verify`, with aws-lc-rs.
pub struct SigstoreVerify<'s> {
    set: &'s Set,
    verifier: Verifier,
    policy: Policy,
}

enum Policy {
    Certificate(Box<VerificationPolicy>),
    Key(Box<PublicKeyVerificationPolicy>),
}

impl<'s> SigstoreVerify<'s> {
    pub fn new(set: &'s Set) -> Result<Self, String> {
        let policy = match &set.who {
            Who::Identity { subject, issuer } => {
                Policy::Certificate(Box::new(VerificationPolicy::new(subject.as_str(), issuer.as_str())))
            }
            Who::Anybody => Policy::Certificate(Box::new(VerificationPolicy::any_identity())),
            Who::Key { pem } => {
                let key = DerPublicKey::from_pem(pem).map_err(|error| error.to_string())?;
                Policy::Key(Box::new(PublicKeyVerificationPolicy::new(key)))
            }
        };
        Ok(Self { set, verifier: verifier(&set.trusted_root)?, policy })
    }

    /// Whether the sample is accepted; the bundle is parsed in the call.
    pub fn run(&self, number: usize) -> bool {
        self.verdict(number).is_ok()
    }

    pub fn verdict(&self, number: usize) -> Result<(), String> {
        let sample = &self.set.samples[number];
        let text = str::from_utf8(&sample.bundle).map_err(|error| error.to_string())?;
        let bundle = Bundle::from_json(text).map_err(|error| error.to_string())?;
        let artifact = if self.set.image {
            // It knows no images: it is given the digest that the registry's answer hashed to.
            let digest = veriseal::digest::sha256(&sample.artifact).to_vec();
            let digest = ArtifactDigest::new(HashAlgorithm::Sha2256, digest).map_err(|error| error.to_string())?;
            Artifact::from_digest(digest)
        } else {
            Artifact::from_blob(&sample.artifact)
        };
        let result = match &self.policy {
            Policy::Certificate(policy) => self.verifier.verify(artifact, &bundle, policy.as_ref()),
            Policy::Key(policy) => self.verifier.verify(artifact, &bundle, policy.as_ref()),
        };
        result.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Its trust root and verifier from JSON.
pub fn verifier(trusted_root: &[u8]) -> Result<Verifier, String> {
    let text = str::from_utf8(trusted_root).map_err(|error| error.to_string())?;
    let root = sigstore_verify::trust_root::TrustedRoot::from_json(text).map_err(|error| error.to_string())?;
    Verifier::new(&root).map_err(|error| error.to_string())
}

/// The crate `sigstore`. It checks neither promise nor proof nor checkpoint: what it saves by that is no speed.
#[cfg(feature = "sigstore-rs")]
pub mod sigstore_rs {
    use crate::material::{Set, Who};
    use serde_json::Value;
    use sigstore::bundle::verify::blocking::Verifier;
    use sigstore::bundle::verify::policy::Identity;
    use sigstore::trust::ManualTrustRoot;
    use veriseal::encoding::base64;

    pub struct SigstoreRs<'s> {
        set: &'s Set,
        verifier: Verifier,
        policy: Identity,
    }

    impl<'s> SigstoreRs<'s> {
        pub fn new(set: &'s Set) -> Result<Self, String> {
            let Who::Identity { subject, issuer } = &set.who else {
                return Err("it verifies bundles of certificates only, and asks for one identity".to_owned());
            };
            let root: Value = serde_json::from_slice(&set.trusted_root).map_err(|error| error.to_string())?;
            let bytes = |value: &Value| value.as_str().and_then(base64::decode).unwrap_or_default();
            let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
            let logs = |name: &str| {
                let named = |log: &Value| {
                    let id = veriseal::encoding::hex::encode(&bytes(&log["logId"]["keyId"]));
                    (id, bytes(&log["publicKey"]["rawBytes"]))
                };
                list(&root[name]).iter().map(named).collect()
            };
            let authorities = list(&root["certificateAuthorities"]);
            let certificates = authorities.iter().flat_map(|authority| list(&authority["certChain"]["certificates"]));
            let trust = ManualTrustRoot {
                fulcio_certs: certificates.map(|certificate| bytes(&certificate["rawBytes"]).into()).collect(),
                rekor_keys: logs("tlogs"),
                ctfe_keys: logs("ctlogs"),
            };
            let verifier = Verifier::new(Default::default(), trust).map_err(|error| error.to_string())?;
            Ok(Self { set, verifier, policy: Identity::new(subject.as_str(), issuer.as_str()) })
        }

        pub fn run(&self, number: usize) -> bool {
            self.verdict(number).is_ok()
        }

        pub fn verdict(&self, number: usize) -> Result<(), String> {
            let sample = &self.set.samples[number];
            let bundle = serde_json::from_slice(&sample.bundle).map_err(|error| error.to_string())?;
            let verdict = self.verifier.verify(sample.artifact.as_slice(), bundle, &self.policy, true);
            verdict.map_err(|error| error.to_string())
        }
    }
}
