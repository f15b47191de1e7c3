//! Transparency logs with real Merkle trees: [`RekorV1`] and [`RekorV2`], and the [`LogEntry`] that both give out.

mod entry;
mod v1;
mod v2;

pub use entry::{Body, Verifier, dsse, hash_name, hashedrekord, hashedrekord_v2, intoto, intoto_v1};
pub use v1::{RekorV1, set_message};
pub use v2::RekorV2;

use crate::json::object;
use serde_json::{Value, json};
use veriseal::encoding::base64;

/// A log entry as a bundle carries it. Every field is free to be changed after the log made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Global index.
    pub log_index: i64,
    /// The log's id.
    pub log_id: Vec<u8>,
    /// `kindVersion.kind`.
    pub kind: String,
    /// `kindVersion.version`.
    pub version: String,
    /// Seconds since the epoch; version 1 only.
    pub integrated_time: Option<i64>,
    /// Signed entry timestamp; version 1 only.
    pub set: Option<Vec<u8>>,
    /// Proof of inclusion.
    pub proof: Option<InclusionProof>,
    /// The leaf's bytes.
    pub body: Vec<u8>,
}

/// A proof of inclusion with the checkpoint that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Index in the tree: of the shard for version 1.
    pub log_index: i64,
    /// Root hash.
    pub root_hash: Vec<u8>,
    /// Tree size.
    pub tree_size: i64,
    /// Audit path.
    pub hashes: Vec<Vec<u8>>,
    /// The signed note; `None` leaves the member out.
    pub checkpoint: Option<String>,
}

impl LogEntry {
    /// The entry in the JSON of a bundle: ProtoJSON, zero values left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let number = |value: i64| (value != 0).then(|| json!(value.to_string()));
        let proof = self.proof.as_ref().map(|proof| {
            let hashes: Vec<String> = proof.hashes.iter().map(|hash| base64::encode(hash)).collect();
            object([
                ("logIndex", number(proof.log_index)),
                ("rootHash", Some(json!(base64::encode(&proof.root_hash)))),
                ("treeSize", number(proof.tree_size)),
                ("hashes", (!hashes.is_empty()).then(|| json!(hashes))),
                ("checkpoint", proof.checkpoint.as_ref().map(|text| json!({ "envelope": text }))),
            ])
        });
        object([
            ("logIndex", number(self.log_index)),
            ("logId", Some(json!({ "keyId": base64::encode(&self.log_id) }))),
            ("kindVersion", Some(json!({ "kind": self.kind, "version": self.version }))),
            ("integratedTime", self.integrated_time.and_then(number)),
            ("inclusionPromise", self.set.as_ref().map(|set| json!({ "signedEntryTimestamp": base64::encode(set) }))),
            ("inclusionProof", proof),
            ("canonicalizedBody", Some(json!(base64::encode(&self.body)))),
        ])
    }

    /// The Rekor bundle of the legacy layout: the value of the annotation `dev.sigstore.cosign/bundle`.
    #[must_use]
    pub fn to_annotation(&self) -> Value {
        json!({
            "SignedEntryTimestamp": base64::encode(self.set.as_deref().unwrap_or_default()),
            "Payload": {
                "body": base64::encode(&self.body),
                "integratedTime": self.integrated_time.unwrap_or_default(),
                "logIndex": self.log_index,
                "logID": veriseal::encoding::hex::encode(&self.log_id),
            }
        })
    }
}
