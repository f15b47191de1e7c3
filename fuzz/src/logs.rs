//! Transparency logs.

use std::str::from_utf8;
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

/// A tree of a few leaves: its own proofs hold, and no changed one does.
pub(crate) fn merkle_proof(data: &[u8]) {
    let [size, index, old, changes @ ..] = data else { return };
    let size = u64::from(size % 64) + 1;
    let (index, old) = (u64::from(*index) % size, u64::from(*old) % size + 1);
    let mut tree = Tree::default();
    for leaf in 0..size {
        tree.append(&leaf.to_be_bytes());
    }
    let (leaf, root) = (leaf_hash(&index.to_be_bytes()), tree.root());
    let proof = tree.inclusion(index, size);
    merkle::verify_inclusion(index, size, &leaf, &proof, &root).expect("the tree's own proof");
    merkle::verify_consistency(old, size, &tree.root_at(old), &root, &tree.consistency(old, size)).expect("the tree's own proof");
    let Some(change) = changes.first_chunk::<3>() else { return };
    let (mut other, mut at, mut of) = (proof.clone(), index, size);
    match change[0] % 6 {
        0 => other.iter_mut().for_each(|hash| hash[usize::from(change[1] % 32)] ^= change[2]),
        1 => drop(other.pop()),
        2 => other.push([change[1]; 32]),
        3 => other.reverse(),
        4 => at = at.wrapping_add(u64::from(change[1])),
        _ => of = of.wrapping_add(u64::from(change[1])),
    }
    if merkle::verify_inclusion(at, of, &leaf, &other, &root).is_ok() {
        // Another size may give the same path; another leaf or another path never gives the root.
        assert!(other == proof && at == index, "a proof of {index} in {size} holds for {at} in {of}");
    }
}
