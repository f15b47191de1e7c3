//! Scenarios with attestations: in the legacy layout and as bundles, asked for and not.

use super::Scenario;
use crate::bundle::Bundle;
use crate::dsse::{SLSA_PROVENANCE, Statement};
use crate::signer::Signer;
use crate::simple_signing::Attestation;
use serde_json::json;
use veriseal::code::Code;
use veriseal::digest::Digest;

impl Scenario {
    /// An attestation of the type that the policy asks for, about the image, in the legacy layout, without log entry.
    #[must_use]
    pub fn attestation_layer(&self, signer: &Signer) -> Attestation {
        Attestation::new(&self.provenance(), signer)
    }

    fn provenance(&self) -> Statement {
        let predicate = json!({
            "buildDefinition": { "buildType": "https://testkit.example/build/v1", "externalParameters": {} },
            "runDetails": { "builder": { "id": self.identity.subject_text() } },
        });
        Statement::new(&self.image.digest, SLSA_PROVENANCE, predicate)
    }

    fn attesting(name: &'static str) -> Self {
        Self { attestation: Some(SLSA_PROVENANCE), ..Self::new(name) }
    }

    fn with_layer(mut self, attestation: &Attestation) -> Self {
        self.store.attach_layers(&self.image.digest, "att", &[attestation.layer()]);
        self
    }
}

/// Provenance by the right identity in both layouts, but no signature: an attestation is none.
#[must_use]
pub fn attestation_only() -> Scenario {
    let mut scenario = Scenario::new("attestation_only").refused(Code::PredicateTypeMismatch);
    let signer = scenario.keyless_signer();
    let statement = scenario.provenance();
    let now = scenario.sigstore.now;
    let bundle = Bundle::statement(&statement, &signer).logged_v1(&mut scenario.sigstore.rekor, now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    let attestation = Attestation::new(&statement, &signer).logged(&mut scenario.sigstore.rekor, now);
    scenario.store.attach_layers(&scenario.image.digest, "att", &[attestation.layer()]);
    scenario
}

/// Provenance by the right identity as a bundle, and asked for.
#[must_use]
pub fn attestation_bundle() -> Scenario {
    let mut scenario = Scenario::attesting("attestation_bundle").accepted();
    let bundle = Bundle::statement(&scenario.provenance(), &scenario.keyless_signer());
    let bundle = bundle.logged_v1(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.store.attach_bundle(&scenario.image, &bundle);
    scenario
}

/// Provenance by the right identity in the legacy layout, and asked for.
#[must_use]
pub fn attestation_layer() -> Scenario {
    let mut scenario = Scenario::attesting("attestation_layer").accepted();
    let unlogged = scenario.attestation_layer(&scenario.keyless_signer());
    let attestation = unlogged.logged(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.with_layer(&attestation)
}

/// The same by the key, logged as `intoto` 0.0.2.
#[must_use]
pub fn attestation_layer_by_key() -> Scenario {
    let mut scenario = Scenario::attesting("attestation_layer_by_key").by_key().accepted();
    let unlogged = scenario.attestation_layer(&scenario.key_signer());
    let attestation = unlogged.logged_as_intoto(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.with_layer(&attestation)
}

/// The same with a timestamp, which is over the envelope.
#[must_use]
pub fn attestation_layer_with_timestamp() -> Scenario {
    let mut scenario = Scenario::attesting("attestation_layer_with_timestamp").accepted();
    let unlogged = scenario.attestation_layer(&scenario.keyless_signer());
    let attestation = unlogged.logged(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    let attestation = attestation.timestamped(&scenario.sigstore.tsa, scenario.sigstore.now);
    scenario.with_layer(&attestation)
}

/// Provenance of another image was copied to this image's `.att` tag.
#[must_use]
pub fn attestation_layer_of_another_image() -> Scenario {
    let scenario = Scenario::attesting("attestation_layer_of_another_image").refused(Code::StatementSubjectMismatch);
    let statement = Statement::new(&Digest::sha256(b"another image"), SLSA_PROVENANCE, json!({}));
    attested(scenario, &statement)
}

/// An attestation about the image that says something else.
#[must_use]
pub fn attestation_layer_of_another_type() -> Scenario {
    let scenario = Scenario::attesting("attestation_layer_of_another_type").refused(Code::PredicateTypeMismatch);
    let statement = Statement::new(&scenario.image.digest, "https://spdx.dev/Document", json!({}));
    attested(scenario, &statement)
}

fn attested(mut scenario: Scenario, statement: &Statement) -> Scenario {
    let unlogged = Attestation::new(statement, &scenario.keyless_signer());
    let attestation = unlogged.logged(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.with_layer(&attestation)
}

/// Provenance signed with a key that the policy does not name.
#[must_use]
pub fn attestation_layer_of_another_key() -> Scenario {
    let mut scenario = Scenario::attesting("attestation_layer_of_another_key").by_key().refused(Code::SignatureInvalid);
    let unlogged = scenario.attestation_layer(&Signer::key(scenario.sigstore.key("stranger")));
    let attestation = unlogged.logged(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    scenario.with_layer(&attestation)
}

/// Provenance that was never logged.
#[must_use]
pub fn attestation_layer_without_log_entry() -> Scenario {
    let scenario = Scenario::attesting("attestation_layer_without_log_entry").by_key().refused(Code::LogEntryMissing);
    let attestation = scenario.attestation_layer(&scenario.key_signer());
    scenario.with_layer(&attestation)
}

/// The log entry beside the envelope is valid and belongs to another envelope of the same signer.
#[must_use]
pub fn attestation_layer_with_entry_of_another() -> Scenario {
    let mut scenario = Scenario::attesting("attestation_layer_with_entry_of_another").refused(Code::EntryMismatchSignature);
    let signer = scenario.keyless_signer();
    let statement = Statement::new(&Digest::sha256(b"another image"), SLSA_PROVENANCE, json!({}));
    let other = Attestation::new(&statement, &signer).logged(&mut scenario.sigstore.rekor, scenario.sigstore.now);
    let attestation = Attestation { entry: other.entry, ..scenario.attestation_layer(&signer) };
    scenario.with_layer(&attestation)
}
