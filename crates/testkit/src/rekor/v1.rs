//! [`RekorV1`]: promises with a time, and proofs under a checkpoint of the shard.

use super::{Body, InclusionProof, LogEntry};
use crate::json::canonical;
use crate::key::{KeyKind, SigningKey};
use crate::merkle::Tree;
use crate::note::{Checkpoint, Note};
use crate::random::Seed;
use serde_json::json;
use veriseal::encoding::{base64, hex};
use veriseal::time::{UnixTime, Validity};

/// A Rekor v1 log: one active shard whose entries have a global index that differs from their index in the tree.
#[derive(Clone, Debug)]
pub struct RekorV1 {
    /// The log's key.
    pub key: SigningKey,
    /// Host name: the note's key name and the first part of the origin.
    pub host: String,
    /// Tree id: the second part of the origin.
    pub tree_id: u64,
    /// Global index of the shard's first leaf.
    pub shard_start: u64,
    /// The shard's tree.
    pub tree: Tree,
    /// `validFor` in the trusted root.
    pub window: Validity,
}

impl RekorV1 {
    /// A log with a few entries of other people in it, so that proofs have hashes.
    #[must_use]
    pub fn new(seed: &Seed, window: Validity) -> Self {
        let mut tree = Tree::default();
        for number in 0..5 {
            tree.append(format!("entry {number} of somebody else").as_bytes());
        }
        Self {
            key: SigningKey::new(KeyKind::P256, &seed.named("rekor v1")),
            host: "rekor.testkit.example".to_owned(),
            tree_id: 3_904_496_407_287_907_110,
            shard_start: 1_000_000,
            tree,
            window,
        }
    }

    /// The log's id: SHA-256 of its SPKI.
    #[must_use]
    pub fn log_id(&self) -> [u8; 32] {
        self.key.id()
    }

    /// First line of the checkpoints: `host - tree id`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{} - {}", self.host, self.tree_id)
    }

    /// Appends a leaf at a moment and returns the entry with promise and proof.
    pub fn add(&mut self, body: Body, at: UnixTime) -> LogEntry {
        let index = self.tree.append(&body.bytes);
        let mut entry = LogEntry {
            log_index: (self.shard_start + index) as i64,
            log_id: self.log_id().to_vec(),
            kind: body.kind,
            version: body.version,
            integrated_time: Some(at.seconds()),
            set: None,
            proof: Some(self.prove(index)),
            body: body.bytes,
        };
        entry.set = Some(self.promise(&entry));
        entry
    }

    /// Signs the entry's body, time, id and index as they stand now, changed or not.
    #[must_use]
    pub fn promise(&self, entry: &LogEntry) -> Vec<u8> {
        let time = entry.integrated_time.unwrap_or_default();
        self.key.sign(&set_message(&entry.body, time, &entry.log_id, entry.log_index))
    }

    /// The proof of a leaf under the tree as it is now.
    #[must_use]
    pub fn prove(&self, index: u64) -> InclusionProof {
        let size = self.tree.size();
        InclusionProof {
            log_index: index as i64,
            root_hash: self.tree.root().to_vec(),
            tree_size: size as i64,
            hashes: self.tree.inclusion(index, size).iter().map(|hash| hash.to_vec()).collect(),
            checkpoint: Some(self.checkpoint().encode()),
        }
    }

    /// The signed checkpoint of the tree as it is now.
    #[must_use]
    pub fn checkpoint(&self) -> Note {
        let checkpoint =
            Checkpoint { origin: self.origin(), size: self.tree.size(), root: self.tree.root().to_vec(), extensions: Vec::new() };
        Note::new(checkpoint.text()).signed_by(&self.host, &self.key)
    }
}

/// What a signed entry timestamp signs: JCS of body, integratedTime, logID, logIndex.
#[must_use]
pub fn set_message(body: &[u8], integrated_time: i64, log_id: &[u8], log_index: i64) -> Vec<u8> {
    canonical(&json!({
        "body": base64::encode(body),
        "integratedTime": integrated_time,
        "logID": hex::encode(log_id),
        "logIndex": log_index,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::digest::sha256;

    /// Spec vectors: the bytes under a signed entry timestamp.
    #[test]
    fn the_set_bytes_of_the_vectors_are_reproduced() {
        let message = set_message(b"{}", 1_700_000_000, &[0xab; 32], 42);
        assert_eq!(hex::encode(&sha256(&message)), "b53128a8a0ec8fbfa7443e45a86ef96d0d1c3891020771b44054a8ded0e849f3");
    }
}
