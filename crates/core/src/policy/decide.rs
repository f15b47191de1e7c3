//! [`decide`]: the tree over facts. Pure; every clause that was configured must have been evaluated.

use super::facts::VerifiedSignature;
use super::requirement::{Policy, Requirement, SignatureRequirement};
use std::collections::BTreeSet;

/// The signatures that satisfy one leaf, each with the number of its candidate.
pub(crate) type LeafFacts = Vec<(usize, VerifiedSignature)>;

/// What came of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeOutcome {
    /// What the node asks for, in a few words.
    pub(crate) asks: String,
    /// Whether it holds.
    pub(crate) satisfied: bool,
    /// Candidates that satisfy it (leaves only).
    pub(crate) by: Vec<usize>,
    pub(crate) children: Vec<NodeOutcome>,
}

/// What came of the whole tree.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) root: NodeOutcome,
    /// A clause that was configured but not evaluated: then nothing is accepted (INV-4).
    pub(crate) unevaluated: Option<String>,
}

impl Decision {
    /// Whether the requirement holds and everything configured was evaluated.
    pub(crate) fn accepted(&self) -> bool {
        self.root.satisfied && self.unevaluated.is_none()
    }
}

/// Decides a policy over the facts of its leaves, in the order of [`Policy::leaves`]. Facts for fewer leaves than the
/// policy has satisfy nothing.
pub(crate) fn decide(policy: &Policy, facts: &[LeafFacts]) -> Decision {
    let mut walk = Walk { facts: facts.iter(), unevaluated: None };
    let (root, _) = walk.node(policy.requirement());
    Decision { root, unevaluated: walk.unevaluated }
}

struct Walk<'a> {
    facts: std::slice::Iter<'a, LeafFacts>,
    unevaluated: Option<String>,
}

impl Walk<'_> {
    /// The outcome of a node, and the signers that may stand for it in a threshold.
    fn node(&mut self, requirement: &Requirement) -> (NodeOutcome, BTreeSet<String>) {
        match requirement {
            Requirement::Signature(leaf) => self.leaf(leaf),
            Requirement::All(of) => self.branch("all of", of, of.len(), false),
            Requirement::Any(of) => self.branch("any of", of, 1, false),
            Requirement::AtLeast { count, of } => self.branch(&format!("at least {count} of"), of, *count, true),
        }
    }

    fn leaf(&mut self, leaf: &SignatureRequirement) -> (NodeOutcome, BTreeSet<String>) {
        let mut by = Vec::new();
        let mut signers = BTreeSet::new();
        for (candidate, signature) in self.facts.next().map_or(&[][..], Vec::as_slice) {
            let configured = leaf.clauses(signature.identity);
            if configured == signature.evaluated {
                by.push(*candidate);
                signers.insert(signature.signer.canonical());
            } else {
                let missing = configured.symmetric_difference(&signature.evaluated).next().cloned();
                self.unevaluated = self.unevaluated.take().or(missing);
            }
        }
        let asks = leaf.authority().describe();
        (NodeOutcome { asks, satisfied: !by.is_empty(), by, children: Vec::new() }, signers)
    }

    fn branch(&mut self, asks: &str, of: &[Requirement], needed: usize, distinct: bool) -> (NodeOutcome, BTreeSet<String>) {
        // Every child is evaluated, also once the outcome is known: the report accounts for all of them.
        let outcomes: Vec<_> = of.iter().map(|child| self.node(child)).collect();
        let held: Vec<_> = outcomes.iter().filter(|(outcome, _)| outcome.satisfied).map(|(_, signers)| signers).collect();
        let count = if distinct { most_distinct(&held) } else { held.len() };
        let signers = held.into_iter().flatten().cloned().collect();
        let children = outcomes.into_iter().map(|(outcome, _)| outcome).collect();
        let satisfied = needed > 0 && count >= needed;
        (NodeOutcome { asks: asks.to_owned(), satisfied, by: Vec::new(), children }, signers)
    }
}

/// The most children that can each be given one of its own (a maximum matching): one signer never counts for two
/// (INV-7), and a greedy choice never hides a count that is there.
pub(crate) fn most_distinct<T: Ord>(children: &[&BTreeSet<T>]) -> usize {
    let signers: Vec<&T> = children.iter().copied().flatten().collect::<BTreeSet<_>>().into_iter().collect();
    let mut given: Vec<Option<usize>> = vec![None; signers.len()];
    (0..children.len()).filter(|&child| give(child, children, &signers, &mut given, &mut vec![false; signers.len()])).count()
}

fn give<T: Ord>(child: usize, children: &[&BTreeSet<T>], signers: &[&T], given: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for (index, signer) in signers.iter().enumerate() {
        if !children.get(child).is_some_and(|own| own.contains(*signer)) || seen.get(index).copied().unwrap_or(true) {
            continue;
        }
        if let Some(mark) = seen.get_mut(index) {
            *mark = true;
        }
        let holder = given.get(index).copied().flatten();
        if holder.is_none_or(|holder| give(holder, children, signers, given, seen)) {
            if let Some(place) = given.get_mut(index) {
                *place = Some(child);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(signers: &[&str]) -> BTreeSet<String> {
        signers.iter().map(|signer| (*signer).to_owned()).collect()
    }

    #[test]
    fn one_signer_never_counts_for_two() {
        let (a, ab, b) = (set(&["a"]), set(&["a", "b"]), set(&["b"]));
        assert_eq!(most_distinct(&[&a, &a]), 1);
        assert_eq!(most_distinct(&[&ab, &a]), 2);
        assert_eq!(most_distinct(&[&a, &ab, &b]), 2);
        assert_eq!(most_distinct::<String>(&[]), 0);
        assert_eq!(most_distinct(&[&set(&[])]), 0);
    }
}
