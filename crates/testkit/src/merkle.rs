//! [`Tree`]: a Merkle tree by the recursive definition of RFC 6962 §2.1, slow and plain.
//!
//! Written from the definition, not from the iterative verification algorithm, so that the two can disagree.

use veriseal::digest::sha256_parts;

/// A tree that keeps all its leaf hashes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Leaf hashes in order.
    pub leaves: Vec<[u8; 32]>,
}

/// The hash of a leaf's data.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> [u8; 32] {
    sha256_parts(&[&[0], data])
}

/// The hash of an inner node.
#[must_use]
pub fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256_parts(&[&[1], left, right])
}

impl Tree {
    /// Appends a leaf and returns its index.
    pub fn append(&mut self, data: &[u8]) -> u64 {
        self.leaves.push(leaf_hash(data));
        self.size() - 1
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// MTH(D\[n\]) over all leaves.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        root(&self.leaves)
    }

    /// The root when the tree had its first `size` leaves.
    #[must_use]
    pub fn root_at(&self, size: u64) -> [u8; 32] {
        root(&self.leaves[..size as usize])
    }

    /// PATH(m, D\[n\]): the audit path of leaf `index` in the tree of the first `size` leaves.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Vec<[u8; 32]> {
        path(index as usize, &self.leaves[..size as usize])
    }

    /// PROOF(m, D\[n\]): that the tree of the first `old` leaves is a prefix of that of the first `new`.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Vec<[u8; 32]> {
        subproof(old as usize, &self.leaves[..new as usize], true)
    }
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256_parts(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

fn path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut hashes, sibling) =
        if index < left.len() { (path(index, left), root(right)) } else { (path(index - left.len(), right), root(left)) };
    hashes.push(sibling);
    hashes
}

fn subproof(old: usize, leaves: &[[u8; 32]], whole: bool) -> Vec<[u8; 32]> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut hashes, sibling) = if old <= left.len() {
        (subproof(old, left, whole), root(right))
    } else {
        (subproof(old - left.len(), right, false), root(left))
    };
    hashes.push(sibling);
    hashes
}

/// The largest power of two smaller than `length`.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::encoding::hex::encode as hex;

    #[test]
    fn the_roots_of_the_vectors_are_reproduced() {
        let mut tree = Tree::default();
        assert_eq!(hex(&leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        for byte in 0..7_u8 {
            tree.append(&[byte]);
        }
        assert_eq!(hex(&tree.root_at(3)), "3b6cccd7e3e023ff393006f030315ee7ad9eb111b022b41fba7e5b7a3973f688");
        assert_eq!(hex(&tree.root()), "3560191803028444b232018ac047fdb561c09c23a7a6876c85e08b5e4d48e9f3");
        assert_eq!(tree.inclusion(0, 1), Vec::<[u8; 32]>::new());
        assert_eq!(tree.inclusion(6, 7), vec![node_hash(&tree.leaves[4], &tree.leaves[5]), tree.root_at(4)]);
        assert_eq!(tree.consistency(7, 7), Vec::<[u8; 32]>::new());
        assert_eq!(tree.consistency(4, 7), vec![root(&tree.leaves[4..])]);
    }
}
