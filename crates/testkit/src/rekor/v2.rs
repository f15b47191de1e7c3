//! [`RekorV2`]: a tile-based log without promises and without a time of its own.

use super::{Body, InclusionProof, LogEntry};
use crate::key::{KeyKind, SigningKey};
use crate::merkle::Tree;
use crate::note::{self, Checkpoint, Note, Witness};
use crate::random::Seed;
use veriseal::time::{UnixTime, Validity};

/// A Rekor v2 log.
#[derive(Clone, Debug)]
pub struct RekorV2 {
    /// The log's key, Ed25519.
    pub key: SigningKey,
    /// Host name: the origin and the note's key name.
    pub host: String,
    /// The tree.
    pub tree: Tree,
    /// `validFor` in the trusted root.
    pub window: Validity,
    /// Witnesses that cosign every checkpoint, each at its moment.
    pub witnesses: Vec<(Witness, UnixTime)>,
}

impl RekorV2 {
    /// A log with a few entries of other people in it.
    #[must_use]
    pub fn new(seed: &Seed, window: Validity) -> Self {
        let mut tree = Tree::default();
        for number in 0..3 {
            tree.append(format!("entry {number} of somebody else").as_bytes());
        }
        Self {
            key: SigningKey::new(KeyKind::Ed25519, &seed.named("rekor v2")),
            host: "log2026-1.rekor.testkit.example".to_owned(),
            tree,
            window,
            witnesses: Vec::new(),
        }
    }

    /// The log's id: the note key id in full, by type of key.
    #[must_use]
    pub fn log_id(&self) -> [u8; 32] {
        note::key_id(&self.host, &self.key)
    }

    /// Appends a leaf and returns the entry with its proof.
    pub fn add(&mut self, body: Body) -> LogEntry {
        let index = self.tree.append(&body.bytes);
        LogEntry {
            log_index: index as i64,
            log_id: self.log_id().to_vec(),
            kind: body.kind,
            version: body.version,
            integrated_time: None,
            set: None,
            proof: Some(self.prove(index)),
            body: body.bytes,
        }
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

    /// The checkpoint of the tree as it is now, signed and cosigned.
    #[must_use]
    pub fn checkpoint(&self) -> Note {
        let checkpoint = Checkpoint {
            origin: self.host.clone(),
            size: self.tree.size(),
            root: self.tree.root().to_vec(),
            extensions: Vec::new(),
        };
        let signed = Note::new(checkpoint.text()).signed_by(&self.host, &self.key);
        self.witnesses.iter().fold(signed, |note, (witness, at)| note.cosigned_by(witness, *at))
    }
}
