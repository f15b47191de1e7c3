//! Merkle tree proofs of RFC 6962 §2.1 over SHA-256.
//!
//! Computes what a proof proves. Does not know whether the root is signed: compare with a checkpoint's root **and** size,
//! because a proof alone does not bind the size (see [`root_from_inclusion_proof`]).

use crate::code::{Code, Failure};
use crate::digest::sha256_parts;
use crate::encoding::hex;

/// The value of a leaf or node: SHA-256.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256(`00` ‖ data) (RFC 6962 §2.1). The prefix keeps a node from being passed off as a leaf.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    sha256_parts(&[&[0], data])
}

/// The hash of a node: SHA-256(`01` ‖ left ‖ right) (RFC 6962 §2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256_parts(&[&[1], left, right])
}

/// A hash of a proof from outside bytes.
///
/// # Errors
/// [`Code::InclusionProofInvalid`] when there are not exactly 32 of them.
pub fn hash_from_bytes(bytes: &[u8]) -> Result<Hash, Failure> {
    bytes.try_into().map_err(|_| {
        Failure::new(Code::InclusionProofInvalid)
            .expected("a SHA-256 hash of 32 bytes")
            .found(format_args!("{} bytes", bytes.len()))
    })
}

/// The root that `proof` leads to from the leaf at `index` in a tree of `size` leaves (RFC 6962 §2.1.1).
///
/// The result proves nothing until it is compared with a signed root, and `size` with the signed size: proofs of
/// neighbouring sizes may have the same shape (leaf 0 in 3 and in 4 leaves), so a proof does not bind the size by itself.
///
/// # Errors
/// [`Code::InclusionProofInvalid`] when `index` is not in the tree or the proof has not the one length that fits.
pub fn root_from_inclusion_proof(index: u64, size: u64, leaf: &Hash, proof: &[Hash]) -> Result<Hash, Failure> {
    let last = size.checked_sub(1).filter(|last| index <= *last).ok_or_else(|| {
        Failure::new(Code::InclusionProofInvalid)
            .expected("an index below the tree size")
            .found(format_args!("{index} of {size}"))
    })?;
    let shape = Shape::between(index, last);
    let (inner, border) = shape.split(proof).ok_or_else(|| {
        Failure::new(Code::InclusionProofInvalid)
            .expected(format_args!("a proof of {} hashes", shape.hashes()))
            .found(format_args!("{} hashes", proof.len()))
    })?;
    Ok(climb_border(climb(*leaf, index, inner), border))
}

/// Whether the leaf stands at `index` of the tree with this `size` and `root` (RFC 6962 §2.1.1). Both must be signed.
///
/// # Errors
/// [`Code::InclusionProofInvalid`] when the proof is none for this place, or leads to another root.
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), Failure> {
    let found = root_from_inclusion_proof(index, size, leaf, proof)?;
    if found == *root {
        Ok(())
    } else {
        Err(Failure::new(Code::InclusionProofInvalid)
            .expected(format_args!("root {}", hex::encode(root)))
            .found(format_args!("root {}", hex::encode(&found))))
    }
}

/// Whether the tree of `second_size` leaves with root `second_root` extends the tree of `first_size` leaves with root
/// `first_root` (RFC 6962 §2.1.2).
///
/// # Errors
/// [`Code::ConsistencyProofInvalid`] when it does not, when the proof has not the one length that fits, or when the first
/// tree is empty or larger than the second: from an empty tree nothing follows.
pub fn verify_consistency(
    first_size: u64,
    second_size: u64,
    first_root: &Hash,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), Failure> {
    let failure = || Failure::new(Code::ConsistencyProofInvalid);
    let first_last = first_size.checked_sub(1).filter(|_| first_size <= second_size).ok_or_else(|| {
        failure().expected("sizes with 0 < first <= second").found(format_args!("{first_size} and {second_size}"))
    })?;
    let wrong_length =
        || failure().expected("a proof of the length that fits both sizes").found(format_args!("{} hashes", proof.len()));
    if first_size == second_size {
        return if !proof.is_empty() {
            Err(wrong_length())
        } else if first_root != second_root {
            Err(failure().expected("equal roots for equal sizes"))
        } else {
            Ok(())
        };
    }
    let second_last = second_size.saturating_sub(1);
    // Levels below the largest subtree that ends at the first tree's edge need no hash of their own.
    let shift = first_size.trailing_zeros();
    let mut shape = Shape::between(first_last, second_last);
    shape.inner = shape.inner.checked_sub(shift).ok_or_else(wrong_length)?;
    let (seed, rest) = if first_size.is_power_of_two() {
        (*first_root, proof)
    } else {
        let (seed, rest) = proof.split_first().ok_or_else(wrong_length)?;
        (*seed, rest)
    };
    let (inner, border) = shape.split(rest).ok_or_else(wrong_length)?;
    let path = first_last.checked_shr(shift).unwrap_or(0);

    let mut first = seed;
    let mut steps = path;
    for sibling in inner {
        if steps & 1 == 1 {
            first = node_hash(sibling, &first);
        }
        steps >>= 1;
    }
    if climb_border(first, border) != *first_root {
        return Err(failure().expected("the root of the older tree").at("the proof's way to it"));
    }
    if climb_border(climb(seed, path, inner), border) != *second_root {
        return Err(failure().expected("the root of the newer tree").at("the proof's way to it"));
    }
    Ok(())
}

/// How many hashes a proof has: `inner` where the sibling may stand on either side, then `border` along the tree's right
/// edge, where it always stands on the left.
struct Shape {
    inner: u32,
    border: u32,
}

impl Shape {
    fn between(index: u64, last: u64) -> Self {
        let inner = u64::BITS.saturating_sub((index ^ last).leading_zeros());
        Self { inner, border: index.checked_shr(inner).unwrap_or(0).count_ones() }
    }

    fn hashes(&self) -> u32 {
        self.inner.saturating_add(self.border)
    }

    /// The two parts of a proof that has exactly this shape. At most 64 hashes pass, whatever was delivered.
    fn split<'p>(&self, proof: &'p [Hash]) -> Option<(&'p [Hash], &'p [Hash])> {
        let (inner, hashes) = (usize::try_from(self.inner).ok()?, usize::try_from(self.hashes()).ok()?);
        (proof.len() == hashes).then(|| proof.split_at_checked(inner)).flatten()
    }
}

fn climb(mut hash: Hash, mut index: u64, inner: &[Hash]) -> Hash {
    for sibling in inner {
        hash = if index & 1 == 1 { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) };
        index >>= 1;
    }
    hash
}

fn climb_border(hash: Hash, border: &[Hash]) -> Hash {
    border.iter().fold(hash, |hash, sibling| node_hash(sibling, &hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 1024;

    /// RFC 6962 §2.1 as it is written: recursive, with no arithmetic in common with the code above.
    struct Reference(Vec<Option<Hash>>);

    impl Reference {
        fn new() -> Self {
            Self(vec![None; Self::at(MAX + 2, MAX + 2)])
        }

        fn at(from: u64, to: u64) -> usize {
            usize::try_from(from * (MAX + 2) + to).unwrap()
        }

        fn leaf(at: u64) -> Hash {
            leaf_hash(&at.to_be_bytes())
        }

        /// MTH(D[from:to]).
        fn root(&mut self, from: u64, to: u64) -> Hash {
            if let Some(hash) = self.0[Self::at(from, to)] {
                return hash;
            }
            let hash = if to - from == 1 {
                Self::leaf(from)
            } else {
                let k = split(to - from);
                let (left, right) = (self.root(from, from + k), self.root(from + k, to));
                node_hash(&left, &right)
            };
            self.0[Self::at(from, to)] = Some(hash);
            hash
        }

        /// PATH(m, D[from:to]).
        fn path(&mut self, m: u64, from: u64, to: u64) -> Vec<Hash> {
            let n = to - from;
            if n == 1 {
                return Vec::new();
            }
            let k = split(n);
            if m < k {
                let mut path = self.path(m, from, from + k);
                path.push(self.root(from + k, to));
                path
            } else {
                let mut path = self.path(m - k, from + k, to);
                path.push(self.root(from, from + k));
                path
            }
        }

        /// SUBPROOF(m, D[from:to], b).
        fn subproof(&mut self, m: u64, from: u64, to: u64, whole: bool) -> Vec<Hash> {
            let n = to - from;
            if m == n {
                return if whole { Vec::new() } else { vec![self.root(from, to)] };
            }
            let k = split(n);
            if m <= k {
                let mut proof = self.subproof(m, from, from + k, whole);
                proof.push(self.root(from + k, to));
                proof
            } else {
                let mut proof = self.subproof(m - k, from + k, to, false);
                proof.push(self.root(from, from + k));
                proof
            }
        }
    }

    /// The largest power of two smaller than n.
    fn split(n: u64) -> u64 {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    fn code(index: u64, size: u64, leaf: &Hash, proof: &[Hash]) -> Code {
        root_from_inclusion_proof(index, size, leaf, proof).unwrap_err().code()
    }

    #[test]
    fn the_published_values_are_reproduced() {
        assert_eq!(hex::encode(&leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex::encode(&leaf_hash(&[0])), "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
        let leaves: Vec<Hash> = (0..7u8).map(|value| leaf_hash(&[value])).collect();
        let two = node_hash(&leaves[0], &leaves[1]);
        let three = node_hash(&two, &leaves[2]);
        assert_eq!(hex::encode(&three), "3b6cccd7e3e023ff393006f030315ee7ad9eb111b022b41fba7e5b7a3973f688");
        let four = node_hash(&two, &node_hash(&leaves[2], &leaves[3]));
        let seven = node_hash(&four, &node_hash(&node_hash(&leaves[4], &leaves[5]), &leaves[6]));
        assert_eq!(hex::encode(&seven), "3560191803028444b232018ac047fdb561c09c23a7a6876c85e08b5e4d48e9f3");
    }

    /// K-TL-12: all 524 800 proofs of trees up to 1024 leaves lead to the root of the recursive definition.
    #[test]
    fn every_proof_up_to_1024_leaves_leads_to_the_root() {
        const THREADS: u64 = 4;
        let check = |first: u64| {
            let mut reference = Reference::new();
            for size in (first..=MAX).step_by(usize::try_from(THREADS).unwrap()) {
                let root = reference.root(0, size);
                for index in 0..size {
                    let proof = reference.path(index, 0, size);
                    let found = root_from_inclusion_proof(index, size, &Reference::leaf(index), &proof).unwrap();
                    assert_eq!(found, root, "{index} of {size}");
                }
            }
        };
        std::thread::scope(|scope| {
            for first in 1..=THREADS {
                scope.spawn(move || check(first));
            }
        });
    }

    /// K-TL-12. All indices up to 48 leaves, then a fixed sample with both edges.
    #[test]
    fn a_mutated_proof_does_not_lead_to_the_root() {
        let mut reference = Reference::new();
        for size in 1..=MAX {
            let indices: Vec<u64> =
                if size <= 48 { (0..size).collect() } else { vec![0, (size * 7919) % size.max(2), size / 3, size - 2, size - 1] };
            for index in indices.into_iter().filter(|index| *index < size) {
                mutate(&mut reference, index, size);
            }
        }
    }

    fn mutate(reference: &mut Reference, index: u64, size: u64) {
        let (root, leaf) = (reference.root(0, size), Reference::leaf(index));
        let proof = reference.path(index, 0, size);
        let rejected = |index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash| {
            verify_inclusion(index, size, leaf, proof, root).is_err_and(|failure| failure.code() == Code::InclusionProofInvalid)
        };
        verify_inclusion(index, size, &leaf, &proof, &root).unwrap();
        for at in 0..proof.len() {
            let mut changed = proof.clone();
            changed[at][usize::try_from(index % 32).unwrap()] ^= 1 << (size % 8);
            assert!(rejected(index, size, &leaf, &changed, &root), "flipped {at}: {index} of {size}");
            let mut shorter = proof.clone();
            shorter.remove(at);
            assert_eq!(code(index, size, &leaf, &shorter), Code::InclusionProofInvalid, "dropped {at}: {index} of {size}");
        }
        for at in 0..=proof.len() {
            for extra in [[0; 32], root, leaf] {
                let mut longer = proof.clone();
                longer.insert(at, extra);
                assert_eq!(code(index, size, &leaf, &longer), Code::InclusionProofInvalid, "added {at}: {index} of {size}");
            }
        }
        let mut other = leaf;
        other[0] ^= 1;
        assert!(rejected(index, size, &other, &proof, &root), "leaf: {index} of {size}");
        for moved in [index.wrapping_sub(1), index + 1] {
            assert!(rejected(moved, size, &leaf, &proof, &root), "index {moved} for {index} of {size}");
        }
        // The checkpoint signs root and size together, so the neighbour's size comes with the neighbour's root.
        for other_size in [size - 1, size + 1].into_iter().filter(|other| *other > 0) {
            let other_root = reference.root(0, other_size);
            assert!(rejected(index, other_size, &leaf, &proof, &other_root), "size {other_size} for {index} of {size}");
        }
    }

    /// Why the size must come from the signed checkpoint: the arithmetic alone cannot tell 3 leaves from 4.
    #[test]
    fn a_proof_alone_does_not_bind_the_size() {
        let mut reference = Reference::new();
        let proof = reference.path(0, 0, 3);
        let leaf = Reference::leaf(0);
        assert_eq!(root_from_inclusion_proof(0, 4, &leaf, &proof).unwrap(), reference.root(0, 3));
        assert_ne!(reference.root(0, 4), reference.root(0, 3));
    }

    /// K-TL-12.
    #[test]
    fn impossible_sizes_and_indices_are_refused_without_panic() {
        let hash = [7; 32];
        for (index, size) in [(0, 0), (1, 1), (u64::MAX, 0), (u64::MAX, u64::MAX), (5, 4), (u64::MAX, 1)] {
            assert_eq!(code(index, size, &hash, &[]), Code::InclusionProofInvalid, "{index} of {size}");
        }
        let longest = [hash; 64];
        assert!(root_from_inclusion_proof(u64::MAX - 1, u64::MAX, &hash, &longest[..63]).is_ok());
        assert!(root_from_inclusion_proof(0, u64::MAX, &hash, &longest).is_ok());
        assert_eq!(code(0, u64::MAX, &hash, &longest[..63]), Code::InclusionProofInvalid);
        assert!(root_from_inclusion_proof(1 << 63, u64::MAX, &hash, &longest).is_ok());
        // K-DS-04: a million hashes are refused by their number, before any is used.
        assert_eq!(code(0, u64::MAX, &hash, &vec![hash; 1_000_000]), Code::InclusionProofInvalid);
        assert!(verify_consistency(u64::MAX, u64::MAX, &hash, &hash, &[]).is_ok());
        for (first, second) in [(0, 0), (0, 1), (2, 1), (u64::MAX, 1), (1 << 63, u64::MAX), (u64::MAX - 1, u64::MAX)] {
            let failure = verify_consistency(first, second, &hash, &hash, &[]).unwrap_err();
            assert_eq!(failure.code(), Code::ConsistencyProofInvalid, "{first} to {second}");
        }
    }

    #[test]
    fn a_hash_has_32_bytes() {
        assert_eq!(hash_from_bytes(&[1; 32]).unwrap(), [1; 32]);
        for length in [0, 31, 33] {
            assert_eq!(hash_from_bytes(&vec![0; length]).unwrap_err().code(), Code::InclusionProofInvalid);
        }
    }

    #[test]
    fn consistency_holds_for_every_pair_up_to_128_and_for_no_mutation() {
        let mut reference = Reference::new();
        let invalid = |first: u64, second: u64, old: &Hash, new: &Hash, proof: &[Hash]| {
            verify_consistency(first, second, old, new, proof)
                .is_err_and(|failure| failure.code() == Code::ConsistencyProofInvalid)
        };
        for second in 1..=128 {
            let new = reference.root(0, second);
            for first in 1..=second {
                let old = reference.root(0, first);
                let proof = reference.subproof(first, 0, second, true);
                verify_consistency(first, second, &old, &new, &proof).unwrap();
                let mut longer = proof.clone();
                longer.push(new);
                assert!(invalid(first, second, &old, &new, &longer), "{first} to {second}");
                if first < second {
                    assert!(invalid(first, second, &new, &old, &proof), "{first} to {second}");
                    assert!(invalid(first, second, &old, &old, &proof), "{first} to {second}");
                    assert!(invalid(first, second, &new, &new, &proof), "{first} to {second}");
                    assert!(invalid(first, second, &old, &new, &proof[1..]), "{first} to {second}");
                }
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at][0] ^= 0x80;
                    assert!(invalid(first, second, &old, &new, &changed), "{first} to {second}");
                }
            }
        }
    }
}
