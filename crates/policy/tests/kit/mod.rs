//! What the tests share: one image that is signed by a key and by an identity and has provenance, and a policy that
//! accepts it. Every test changes the one thing that it is about.

#![allow(dead_code, reason = "every test binary uses its own part of this")]

use serde_json::{Value, json};
use std::collections::HashMap;
use veriseal::{Accepted, Code, NotAccepted, Reference, Report};
use veriseal_policy::{Format, LoadError, PolicyFile};
use veriseal_testkit::dsse::Statement;
use veriseal_testkit::scenario::Scenario;
use veriseal_testkit::x509::Name;
use veriseal_testkit::{Bundle, Signer};

pub(crate) const SLSA: &str = "https://slsa.dev/provenance/v1";
/// A certificate policy of the identity's certificate.
pub(crate) const POLICY: &str = "1.3.6.1.4.1.99999.1";

/// What the provenance of [`World::new`] says.
pub(crate) fn provenance() -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://testkit.example/build/v1",
            "externalParameters": { "level": 3, "debug": false, "branch": "main", "score": 7.5 },
        },
        "runDetails": { "builder": { "id": "https://builder.example/acme/v2" } },
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_3"],
    })
}

/// Attaches provenance that says this, signed and logged at the Sigstore's present.
pub(crate) fn attest(scenario: &mut Scenario, signer: &Signer, predicate: Value) {
    let statement = Statement::new(&scenario.image.digest, SLSA, predicate);
    let now = scenario.sigstore.now;
    let bundle = Bundle::statement(&statement, signer).logged_v1(&mut scenario.sigstore.rekor, now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
}

/// A world, and the files that a policy may name.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) files: HashMap<String, Vec<u8>>,
}

impl World {
    /// Signed by the key `release` and by the identity, with provenance by the identity.
    pub(crate) fn new() -> Self {
        let mut scenario = Scenario::new("policy");
        // As an authority of one's own would name the signer.
        let name = Name::new("Acme", "builder").with("2.5.4.11", "release").with("2.5.4.11", "build");
        let signer = scenario.sigstore.keyless_named(&scenario.identity, name, &[POLICY, "1.3.6.1.4.1.99999.2"]);
        let signature = scenario.bundle(&signer);
        scenario.store.attach_bundle(&scenario.image, &signature);
        let bundle = scenario.bundle(&scenario.key_signer());
        scenario.store.attach_bundle(&scenario.image, &bundle);
        attest(&mut scenario, &signer, provenance());
        Self::of(scenario)
    }

    pub(crate) fn of(scenario: Scenario) -> Self {
        let mut files = HashMap::new();
        files.insert("root.json".to_owned(), scenario.trusted_root());
        for name in ["release", "security", "third", "stranger"] {
            files.insert(format!("{name}.pub"), scenario.sigstore.key(name).public_pem().into_bytes());
        }
        Self { scenario, files }
    }

    /// A policy that asks for everything that is there.
    pub(crate) fn policy(&self) -> Value {
        let (issuer, subject) = (&self.scenario.identity.issuer, self.scenario.identity.subject_text());
        json!({
            "apiVersion": "veriseal/v1",
            "mode": "enforce",
            "admission": { "namespaces": ["test-app"] },
            "trust": { "test": { "trustedRoot": "root.json" } },
            "images": [{
                "match": ["registry.testkit.example/acme/*"],
                "require": { "all": [
                    { "signature": {
                        "keyless": {
                            "trust": "test", "issuer": issuer, "identity": subject, "subjectKind": "uri",
                            "extensions": { "sourceRepositoryVisibility": "public" },
                            "subjectDn": { "O": "Acme", "OU": "build" }, "policyOids": [POLICY],
                        },
                        "tlog": "required", "logs": 1, "sct": "required", "timestamps": 0, "certificateChain": "refused",
                    } },
                    { "any": [ self.key("release") ] },
                    { "atLeast": 1, "of": [ self.key("release") ] },
                    { "attestation": {
                        "predicateType": SLSA,
                        "where": {
                            "/buildDefinition/buildType": "https://testkit.example/build/v1",
                            "/buildDefinition/externalParameters/level": { "atLeast": 3, "atMost": 3 },
                            "/buildDefinition/externalParameters/branch": { "oneOf": ["main", "release"] },
                            "/verifiedLevels": { "contains": "SLSA_BUILD_LEVEL_3" },
                        },
                        "maxAge": "90d", "newest": true, "all": false,
                        "keyless": { "trust": "test", "identities": [{
                            "issuer": { "exact": issuer },
                            "identity": { "glob": "https://github.com/acme/*/.github/workflows/release.yml@refs/heads/*" },
                            "subjectKind": "uri",
                            "extensions": { "runnerEnvironment": { "regex": "github-.*" } },
                            "subjectDn": { "CN": "builder" }, "policyOids": ["1.3.6.1.4.1.99999.2"],
                        }] },
                        "tlog": "required", "logs": 1, "sct": "required", "timestamps": 0, "certificateChain": "refused",
                    } },
                ] },
                "pin": "resolve",
                "platforms": "index",
            }],
        })
    }

    /// A leaf for a key.
    pub(crate) fn key(&self, name: &str) -> Value {
        json!({ "signature": { "key": {
            "file": format!("{name}.pub"), "trust": "test",
            "notBefore": "2020-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
        } } })
    }

    /// A policy with one rule for every image.
    pub(crate) fn requiring(&self, node: &Value) -> Value {
        json!({
            "apiVersion": "veriseal/v1",
            "trust": { "test": { "trustedRoot": "root.json" } },
            "images": [{ "match": ["**"], "require": node }],
        })
    }

    pub(crate) fn load(&self, policy: &Value) -> Result<PolicyFile, LoadError> {
        self.load_text(&serde_json::to_string_pretty(policy).unwrap(), Format::Json)
    }

    pub(crate) fn load_text(&self, text: &str, format: Format) -> Result<PolicyFile, LoadError> {
        let mut read = |path: &str| self.files.get(path).cloned().ok_or_else(|| "no such file".to_owned());
        PolicyFile::parse(text.as_bytes(), format, "policy", &mut read)
    }

    pub(crate) fn verify(&self, policy: &PolicyFile) -> Result<Accepted, NotAccepted> {
        self.verify_as(policy, &self.scenario.reference())
    }

    pub(crate) fn verify_as(&self, policy: &PolicyFile, reference: &str) -> Result<Accepted, NotAccepted> {
        let reference: Reference = reference.parse().unwrap();
        policy.verify(&reference, &self.scenario.store, self.scenario.now)
    }

    /// The verdict of a policy that loads.
    pub(crate) fn code(&self, policy: &Value) -> Code {
        report(&self.verify(&self.load(policy).unwrap())).code()
    }
}

pub(crate) fn report(outcome: &Result<Accepted, NotAccepted>) -> &Report {
    match outcome {
        Ok(accepted) => accepted.report(),
        Err(not_accepted) => not_accepted.report(),
    }
}
