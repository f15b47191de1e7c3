//! Transparency logs.

use std::str::from_utf8;
use std::sync::LazyLock;
use veriseal::Limits;
use veriseal::format::log_entry::LogEntryBody;
use veriseal::tlog::checkpoint::SignedCheckpoint;
use veriseal::tlog::merkle;
use veriseal::tlog::note::VerifierKey;
use veriseal::tlog::witness::Witness;
use veriseal_testkit::merkle::{Tree, leaf_hash};

pub(crate) fn checkpoint_note(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Ok(signed) = SignedCheckpoint::parse(text, &Limits::DEFAULT) {
        assert!(text.starts_with(signed.checkpoint.origin), "an origin that is not the first line");
    }
    let _ = VerifierKey::parse(text);
    let _ = Witness::parse(text);
}

pub(crate) fn tlog_body(data: &[u8]) {
    if let Ok(body) = LogEntryBody::parse(data) {
        assert!(body.signature().is_none_or(|signature| !signature.is_empty()));
    }
}

type Hash = [u8; 32];

/// A tree of so many leaves with its proofs, each of which holds.
struct Known {
    root: Hash,
    /// Of each leaf.
    inclusion: Vec<Vec<Hash>>,
    /// From each smaller tree: its root, and the proof.
    consistency: Vec<(Hash, Vec<Hash>)>,
}

impl Known {
    fn new(size: u64) -> Self {
        let mut tree = Tree::default();
        for leaf in 0..size {
            tree.append(&leaf.to_be_bytes());
        }
        let root = tree.root();
        let inclusion = |index: u64| {
            let proof = tree.inclusion(index, size);
            merkle::verify_inclusion(index, size, &leaf_hash(&index.to_be_bytes()), &proof, &root).expect("the tree's own proof");
            proof
        };
        let consistency = |old: u64| {
            let (old_root, proof) = (tree.root_at(old), tree.consistency(old, size));
            merkle::verify_consistency(old, size, &old_root, &root, &proof).expect("the tree's own proof");
            (old_root, proof)
        };
        Self { root, inclusion: (0..size).map(inclusion).collect(), consistency: (1..=size).map(consistency).collect() }
    }
}

/// A tree of a few leaves: its own proofs hold, and no changed one does. The first three bytes choose the proofs, the rest a change.
pub(crate) fn merkle_proof(data: &[u8]) {
    // Made once: with a tree for each input nearly all of the time went into making it.
    static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| (1..=64).map(Known::new).collect());
    let [size, index, old, change, byte, bits, ..] = data else { return };
    let size = u64::from(size % 64) + 1;
    let (index, old) = (u64::from(*index) % size, u64::from(*old) % size + 1);
    let at = |number: u64| usize::try_from(number).expect("at most 64");
    let known = &KNOWN[at(size - 1)];
    let changed = |proof: &[Hash], number: u64| {
        let (mut other, mut number, mut of) = (proof.to_vec(), number, size);
        match change % 6 {
            0 => other.iter_mut().for_each(|hash| hash[usize::from(byte % 32)] ^= bits),
            1 => drop(other.pop()),
            2 => other.push([*byte; 32]),
            3 => other.reverse(),
            4 => number = number.wrapping_add(u64::from(*byte)),
            _ => of = of.wrapping_add(u64::from(*byte)),
        }
        (other, number, of)
    };
    let proof = &known.inclusion[at(index)];
    let (other, number, of) = changed(proof, index);
    if merkle::verify_inclusion(number, of, &leaf_hash(&index.to_be_bytes()), &other, &known.root).is_ok() {
        // Another size may give the same path; another leaf or another path never gives the root.
        assert!(other == *proof && number == index, "a proof of {index} in {size} holds for {number} in {of}");
    }
    let (old_root, proof) = &known.consistency[at(old - 1)];
    let (other, number, of) = changed(proof, old);
    if merkle::verify_consistency(number, of, old_root, &known.root, &other).is_ok() {
        assert!(other == *proof, "a proof from {old} to {size} holds from {number} to {of} with other hashes");
    }
}
