//! [`decide`]: the tree over facts. Pure; every clause that was configured must have been evaluated.

use super::facts::{Clause, VerifiedSignature};
use super::predicate::Selection;
use super::requirement::{Policy, Requirement, SignatureRequirement};
use crate::code::{Code, Failure};
use crate::encoding::Few;
use crate::time::UnixTime;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known about one leaf.
#[derive(Clone, Debug)]
pub(crate) struct LeafFacts {
    /// The signatures that satisfy it, each with the number of its candidate.
    pub(crate) held: Vec<(usize, Arc<VerifiedSignature>)>,
    /// Attestations of its type by its authority that verify and do not say what is asked for, with their earliest
    /// authenticated time. They count against a leaf that is about the newest or about all.
    pub(crate) against: Vec<(usize, Option<UnixTime>)>,
    /// Whether there can be no other.
    pub(crate) complete: bool,
    /// The trust domain of its trust root.
    pub(crate) domain: usize,
}

impl LeafFacts {
    /// Nothing known, nothing excluded.
    pub(crate) fn none(domain: usize) -> Self {
        Self { held: Vec::new(), against: Vec::new(), complete: true, domain }
    }

    /// Adds what others know of the same leaf: all of it or, with `after`, what is left of it after that moment, evidence
    /// unchanged.
    pub(crate) fn add(&mut self, other: &Self, after: Option<UnixTime>) {
        self.against.extend(&other.against);
        for (number, signature) in &other.held {
            let ended = signature.ending.as_ref().filter(|ending| after.is_some_and(|moment| ending.last <= moment));
            match ended.map(|ending| ending.why.code()) {
                None => self.held.push((*number, Arc::clone(signature))),
                // Grown too old it is still an attestation of this type; a key out of its window has signed nothing.
                Some(Code::AttestationTooOld) => self.against.push((*number, signature.earliest())),
                Some(_) => {}
            }
        }
    }
}

/// What came of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeOutcome {
    /// Whether it holds.
    pub(crate) satisfied: bool,
    /// Candidates that satisfy it (leaves only).
    pub(crate) by: Few<usize, 2>,
    /// Why attestations that satisfy a leaf do not suffice.
    pub(crate) reason: Option<Failure>,
    pub(crate) children: Vec<NodeOutcome>,
}

impl NodeOutcome {
    /// The leaves, in the order of [`Policy::leaves`].
    pub(crate) fn leaves<'a>(&'a self, policy: &Policy) -> Vec<&'a NodeOutcome> {
        let mut leaves = Vec::with_capacity(policy.leaves().len());
        self.each_leaf(policy.requirement(), &mut |leaf| leaves.push(leaf));
        leaves
    }

    /// Hands out the leaves of what `requirement` came to, in the same order.
    pub(crate) fn each_leaf<'a>(&'a self, requirement: &Requirement, each: &mut impl FnMut(&'a NodeOutcome)) {
        match requirement {
            Requirement::Signature(_) => each(self),
            Requirement::All(of) | Requirement::Any(of) | Requirement::AtLeast { of, .. } => {
                of.iter().zip(&self.children).for_each(|(child, outcome)| outcome.each_leaf(child, each));
            }
        }
    }
}

/// What came of the whole tree.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) root: NodeOutcome,
    /// A clause that was configured but not evaluated: then nothing is accepted (INV-4).
    pub(crate) unevaluated: Option<Clause>,
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
    let (root, _) = walk.node(policy.requirement(), Wanted::Outcome);
    Decision { root, unevaluated: walk.unevaluated }
}

/// What is asked of a node. Signers are named for thresholds alone, which most policies have none of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Outcome,
    Signers,
}

/// Children count by distinct signers.
#[derive(Clone, Copy)]
struct Distinct;

struct Walk<'a> {
    facts: std::slice::Iter<'a, LeafFacts>,
    unevaluated: Option<Clause>,
}

impl Walk<'_> {
    /// The outcome of a node, and the signers that may stand for it in a threshold, where there is one.
    fn node(&mut self, requirement: &Requirement, wanted: Wanted) -> (NodeOutcome, BTreeSet<String>) {
        match requirement {
            Requirement::Signature(leaf) => self.leaf(leaf, wanted),
            Requirement::All(of) => self.branch(of, of.len(), None, wanted),
            Requirement::Any(of) => self.branch(of, 1, None, wanted),
            Requirement::AtLeast { count, of } => self.branch(of, *count, Some(Distinct), Wanted::Signers),
        }
    }

    fn leaf(&mut self, leaf: &SignatureRequirement, wanted: Wanted) -> (NodeOutcome, BTreeSet<String>) {
        let mut by = Few::new();
        let mut signers = BTreeSet::new();
        let none = LeafFacts::none(0);
        let facts = self.facts.next().unwrap_or(&none);
        let (counted, reason) = match select(leaf.selection(), facts) {
            Ok(counted) => (counted, None),
            Err(failure) => (Counted::None, Some(failure)),
        };
        for (candidate, signature) in facts.held.iter().filter(|(_, signature)| counted.includes(signature)) {
            if let Some(clause) = unevaluated(leaf, signature) {
                self.unevaluated.get_or_insert(clause);
                continue;
            }
            by.push(*candidate);
            if wanted == Wanted::Signers {
                signers.insert(signature.signer.counted_as(facts.domain));
            }
        }
        (NodeOutcome { satisfied: !by.is_empty(), by, reason, children: Vec::new() }, signers)
    }

    fn branch(
        &mut self,
        of: &[Requirement],
        needed: usize,
        distinct: Option<Distinct>,
        wanted: Wanted,
    ) -> (NodeOutcome, BTreeSet<String>) {
        // Every child is evaluated, also once the outcome is known: the report accounts for all of them.
        let outcomes: Vec<_> = of.iter().map(|child| self.node(child, wanted)).collect();
        let held: Vec<_> = outcomes.iter().filter(|(outcome, _)| outcome.satisfied).map(|(_, signers)| signers).collect();
        let count = distinct.map_or(held.len(), |Distinct| most_distinct(&held));
        let signers = held.into_iter().flatten().cloned().collect();
        let children = outcomes.into_iter().map(|(outcome, _)| outcome).collect();
        let satisfied = needed > 0 && count >= needed;
        (NodeOutcome { satisfied, by: Few::new(), reason: None, children }, signers)
    }
}

/// A clause that is configured and was not evaluated, or the other way round. None where the two are the same set.
fn unevaluated(leaf: &SignatureRequirement, signature: &VerifiedSignature) -> Option<Clause> {
    // Evaluated just now, over all of them; if it is not among what is configured, one of the two is wrong.
    let mut by_order = leaf.selection().name();
    let mut lacking = None;
    let mut others = Some(signature.evaluated.len());
    leaf.each_clause(signature.identity, |clause| {
        if by_order.is_some_and(|name| clause == name) {
            by_order = None;
        } else if signature.evaluated.contains(&clause) {
            // Each is named once, so that what is left was not configured.
            others = others.and_then(|others| others.checked_sub(1));
        } else {
            lacking.get_or_insert(clause);
        }
    });
    let stray = by_order.map(Clause::Borrowed).or(lacking);
    stray.or_else(|| {
        let configured = (others != Some(0)).then(|| leaf.clauses(signature.identity))?;
        // All that is configured was found: one too many is what is left, and accepts nothing even where it has no name.
        Some(signature.evaluated.iter().find(|clause| !configured.contains(clause)).cloned().unwrap_or_default())
    })
}

/// Which of a leaf's signatures count.
#[derive(Clone, Copy)]
enum Counted {
    Every,
    /// Those of this authenticated time.
    Of(Option<UnixTime>),
    None,
}

impl Counted {
    fn includes(self, signature: &VerifiedSignature) -> bool {
        match self {
            Self::Every => true,
            Self::Of(at) => signature.earliest() == at,
            Self::None => false,
        }
    }
}

/// Those of a leaf's signatures that count, or why none of them does.
fn select(selection: Selection, facts: &LeafFacts) -> Result<Counted, Failure> {
    let LeafFacts { held, against, complete, domain: _ } = facts;
    let superseded = |by: &[usize], of: &str| {
        let by: Vec<_> = by.iter().map(ToString::to_string).collect();
        Err(Failure::new(Code::AttestationSuperseded).expected(of).found(format_args!("number {} does not", by.join(", "))))
    };
    match selection {
        Selection::Any => Ok(Counted::Every),
        // Nothing is known that could be taken away: there is no attestation, and that is said elsewhere.
        _ if held.is_empty() => Ok(Counted::None),
        _ if !complete => Err(Code::AbsenceNotProved.into()),
        Selection::All if against.is_empty() => Ok(Counted::Every),
        Selection::All => {
            let by: Vec<_> = against.iter().map(|(number, _)| *number).collect();
            superseded(&by, "that every attestation of the type says what is asked for")
        }
        Selection::Newest => {
            // Without a time nothing is held here, and what is against has been asked for one as well.
            let newest = held.iter().filter_map(|(_, one)| one.earliest()).chain(against.iter().filter_map(|(_, at)| *at)).max();
            // Of two of one second nobody can say which came later, so both must satisfy.
            let by: Vec<_> = against.iter().filter(|(_, at)| at.is_none() || *at == newest).map(|(number, _)| *number).collect();
            if by.is_empty() {
                Ok(Counted::Of(newest))
            } else {
                superseded(&by, "that the newest attestation of the type says what is asked for")
            }
        }
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
    use super::super::facts::{AuthenticatedTime, Clauses, Signer, TimeSource};
    use super::super::{Authority, Claim, KeyAuthority, PredicateMatch, ValueMatch};
    use super::*;
    use crate::digest::Digest;
    use crate::encoding::hex;
    use crate::key::PublicKey;

    fn set(signers: &[&str]) -> BTreeSet<String> {
        signers.iter().map(|signer| (*signer).to_owned()).collect()
    }

    fn policy(more: impl Fn(SignatureRequirement) -> SignatureRequirement) -> Policy {
        let spki = hex::decode(
            "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        );
        let key = KeyAuthority::new(PublicKey::from_spki(&spki.unwrap()).unwrap(), "a.pub");
        let claim = Claim::Attestation { predicate_type: "https://example.com/p".to_owned() };
        let leaf = SignatureRequirement::new(Authority::Key(key)).claim(claim);
        Policy::new(Requirement::signature(more(leaf))).unwrap()
    }

    fn signed(at: i64, evaluated: Clauses) -> VerifiedSignature {
        let time = AuthenticatedTime::assertion(UnixTime::from_seconds(at), TimeSource::Log("log".into()));
        VerifiedSignature {
            signer: Arc::new(Signer::Key { id: [1; 32], name: "a.pub".to_owned() }),
            digest: Digest::sha256(b"image"),
            times: vec![time],
            logs: Vec::new(),
            statement: None,
            docker_reference: None,
            identity: None,
            evaluated,
            ending: None,
        }
    }

    fn decision(policy: &Policy, held: Vec<VerifiedSignature>, against: &[(usize, i64)], complete: bool) -> Decision {
        let against = against.iter().map(|(number, at)| (*number, Some(UnixTime::from_seconds(*at)))).collect();
        let held = held.into_iter().map(Arc::new).enumerate().collect();
        decide(policy, &[LeafFacts { held, against, complete, domain: 0 }])
    }

    /// INV-4: a clause that was configured and not evaluated accepts nothing, and neither does one that nobody configured.
    #[test]
    fn every_configured_clause_must_have_been_evaluated() {
        let clause = |pointer: &str| PredicateMatch::new(pointer, ValueMatch::Bool(true)).unwrap();
        let policy = policy(|leaf| leaf.saying(clause("/a")).saying(clause("/b")).max_age(60).selecting(Selection::Newest));
        let mut all = policy.leaves()[0].clauses(None);
        for name in
            ["signature", "subject", "claim", "tlog", "timestamps", "keyWindow", "where./a", "where./b", "maxAge", "newest"]
        {
            assert!(all.iter().any(|known| known == name), "{name}");
        }
        assert_eq!(all.iter().count(), 10);
        // This one is evaluated here, over all of them.
        all.remove("newest");
        assert!(decision(&policy, vec![signed(1, all.clone())], &[], true).accepted());
        for clause in all.iter() {
            let mut fewer = all.clone();
            fewer.remove(clause);
            let decision = decision(&policy, vec![signed(1, fewer)], &[], true);
            assert!(!decision.accepted(), "{clause}");
            assert_eq!(decision.unevaluated.as_deref(), Some(&**clause));
        }
        let more = all.iter().cloned().chain([Clause::Borrowed("unheard of")]).collect();
        let decided = decision(&policy, vec![signed(1, more)], &[], true);
        assert_eq!((decided.accepted(), decided.unevaluated.as_deref()), (false, Some("unheard of")));
        // One that was evaluated wholly does not make up for one that was not.
        let fewer = all.iter().skip(1).cloned().collect();
        assert!(!decision(&policy, vec![signed(1, all), signed(1, fewer)], &[], true).accepted());
    }

    #[test]
    fn what_counts_against_a_leaf_depends_on_its_order() {
        let cases = [
            (Selection::Any, [true, true, true, true]),
            (Selection::Newest, [true, false, false, false]),
            (Selection::All, [false, false, false, false]),
        ];
        for (selection, expected) in cases {
            let policy = policy(|leaf| leaf.selecting(selection));
            let mut evaluated = policy.leaves()[0].clauses(None);
            selection.name().map(|name| evaluated.remove(name));
            let held = || vec![signed(5, evaluated.clone())];
            // Something older, of the same second, newer, and something of which nobody knows.
            let older = decision(&policy, held(), &[(7, 4)], true);
            let same = decision(&policy, held(), &[(7, 5)], true);
            let newer = decision(&policy, held(), &[(7, 6)], true);
            let unknown = decision(&policy, held(), &[], false);
            assert_eq!([&older, &same, &newer, &unknown].map(Decision::accepted), expected, "{selection:?}");
            let code = |decision: &Decision| decision.root.reason.as_ref().map(Failure::code);
            let superseded = (selection != Selection::Any).then_some(Code::AttestationSuperseded);
            assert_eq!((code(&newer), code(&same)), (superseded, superseded), "{selection:?}");
            let not_proved = (selection != Selection::Any).then_some(Code::AbsenceNotProved);
            assert_eq!(code(&unknown), not_proved, "{selection:?}");
            assert!(decision(&policy, held(), &[], true).accepted(), "{selection:?}");
            assert!(!decision(&policy, Vec::new(), &[], true).accepted(), "{selection:?}");
        }
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
