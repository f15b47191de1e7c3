//! [`Policy`] and [`Requirement`]: the tree of what must hold.

use super::authority::Authority;
use super::domain::domains;
use super::exception::Exception;
use super::facts::{Clause, Clauses};
use super::predicate::{PredicateMatch, Selection};
use super::settings::{Settings, TlogMode};
use crate::code::{Code, Failure};
use crate::digest::sha256;
use crate::encoding::hex;
use crate::trust::TrustRoot;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Deepest nesting of a requirement.
const MAX_DEPTH: usize = 16;
/// Most leaves of a policy.
const MAX_LEAVES: usize = 1000;
/// Most clauses about one predicate.
const MAX_PREDICATE: usize = 100;
/// Longest age that can be asked for, in seconds: 100 years.
const MAX_AGE: u64 = 100 * 365 * 86_400;
/// cosign's own statement that an image is signed (cosign `specs/BUNDLE_SPEC.md`).
pub(crate) const COSIGN_SIGN_V1: &str = "https://sigstore.dev/cosign/sign/v1";

/// One node of what must hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Requirement {
    /// Every child must hold.
    All(Vec<Requirement>),
    /// Some child must hold.
    Any(Vec<Requirement>),
    /// At least this many children must hold, each by a signer of its own.
    AtLeast {
        /// How many.
        count: usize,
        /// Of which.
        of: Vec<Requirement>,
    },
    /// A signature by an authority.
    Signature(Box<SignatureRequirement>),
}

/// What a signature must say to count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// "Signed": a simple-signing payload, a message signature, or a statement with the predicate
    /// `https://sigstore.dev/cosign/sign/v1`. Any other attestation says something else and does not count (K-P-01).
    #[default]
    Signed,
    /// An attestation of exactly this predicate type.
    Attestation {
        /// The statement's `predicateType`, compared byte for byte.
        predicate_type: String,
    },
    /// A signature or a statement of any predicate type about the artifact: what a bundle verifier without a policy asks.
    /// Weaker, since a statement may say anything, even that the artifact is bad; never right for admitting images.
    AnyStatement,
}

/// A leaf: an authority, what it must say and what must come with it.
#[derive(Clone, Debug)]
pub struct SignatureRequirement {
    authority: Authority,
    claim: Claim,
    settings: Settings,
    trust: Option<Arc<TrustRoot>>,
    predicate: Vec<PredicateMatch>,
    max_age: Option<u64>,
    selection: Selection,
}

impl SignatureRequirement {
    /// A signature by `authority` with the default settings.
    #[must_use]
    pub fn new(authority: Authority) -> Self {
        Self {
            authority,
            claim: Claim::Signed,
            settings: Settings::default(),
            trust: None,
            predicate: Vec::new(),
            max_age: None,
            selection: Selection::Any,
        }
    }

    /// Demands besides that the attestation's predicate says this. Every clause is held against one predicate.
    #[must_use]
    pub fn saying(mut self, clause: PredicateMatch) -> Self {
        self.predicate.push(clause);
        self
    }

    /// Demands besides that the attestation is at most so many seconds old, by the earliest time that is authenticated
    /// for it. An attestation without an authenticated time has no age and does not count.
    ///
    /// With a key anybody can have an old attestation logged or stamped anew and show only the new time; the certificate of
    /// an identity ends that minutes after signing.
    #[must_use]
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Which of several attestations of the type by the authority must satisfy the requirement.
    ///
    /// Other than [`Selection::Any`] needs complete gathering: where something could not be gathered, and of saved
    /// evidence always, it is undecided ([`Code::AbsenceNotProved`]).
    #[must_use]
    pub fn selecting(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// What the predicate must say.
    #[must_use]
    pub fn predicate(&self) -> &[PredicateMatch] {
        &self.predicate
    }

    /// The greatest age, in seconds.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.max_age
    }

    /// Which attestations must satisfy the requirement.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.selection
    }

    /// Another trust root than the verifier's, for this authority alone: several stand side by side in one policy, and
    /// none vouches for what another one should.
    #[must_use]
    pub fn trusting(mut self, trust: impl Into<Arc<TrustRoot>>) -> Self {
        self.trust = Some(trust.into());
        self
    }

    /// The trust root of this authority, where it is not the verifier's.
    #[must_use]
    pub fn trust_root(&self) -> Option<&Arc<TrustRoot>> {
        self.trust.as_ref()
    }

    /// Other settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Another claim than "signed".
    #[must_use]
    pub fn claim(mut self, claim: Claim) -> Self {
        self.claim = claim;
        self
    }

    /// Who may vouch.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What it must say.
    #[must_use]
    pub fn claimed(&self) -> &Claim {
        &self.claim
    }

    /// What must come with it.
    #[must_use]
    pub fn configured(&self) -> &Settings {
        &self.settings
    }

    /// Names of all clauses that are configured here, for the `identity`-th identity of a keyless authority. What was
    /// evaluated must equal this set, or nothing is accepted (INV-4).
    pub(crate) fn clauses(&self, identity: Option<usize>) -> Clauses {
        let mut clauses = Clauses::new();
        self.each_clause(identity, |clause| clauses.insert(clause));
        clauses
    }

    /// Hands them out one by one, each once.
    pub(crate) fn each_clause(&self, identity: Option<usize>, mut each: impl FnMut(Clause)) {
        ["signature", "subject", "claim", "tlog", "timestamps"].into_iter().for_each(|clause| each(clause.into()));
        if self.settings.witnesses.is_some() {
            each("witnesses".into());
        }
        self.predicate.iter().for_each(|clause| each(clause.clause().into()));
        if self.max_age.is_some() {
            each("maxAge".into());
        }
        self.selection.name().into_iter().for_each(|name| each(name.into()));
        match &self.authority {
            Authority::Key(_) => each("keyWindow".into()),
            Authority::Keyless(keyless) => {
                ["certificate", "sct"].into_iter().for_each(|clause| each(clause.into()));
                if let Some(identity) = identity.and_then(|index| keyless.identities().get(index)) {
                    identity.clauses().for_each(each);
                }
            }
        }
    }

    fn validate(&self) -> Result<(), Failure> {
        self.settings.validate()?;
        let invalid = |expected: &str, field: &str| Failure::new(Code::PolicyInvalid).expected(expected).at(field);
        match &self.claim {
            Claim::Attestation { predicate_type } if predicate_type.is_empty() => {
                return Err(invalid("a predicate type", "attestation").found("an empty one"));
            }
            Claim::Attestation { .. } => {}
            _ => {
                let of_attestations = [
                    ("where", !self.predicate.is_empty()),
                    ("maxAge", self.max_age.is_some()),
                    ("newest", self.selection != Selection::Any),
                ];
                if let Some((field, _)) = of_attestations.iter().find(|(_, is_there)| *is_there) {
                    return Err(invalid("an attestation, which names a predicate type", field).found("a signature"));
                }
            }
        }
        if self.predicate.len() > MAX_PREDICATE {
            return Err(invalid("at most 100 clauses", "where").found(self.predicate.len()));
        }
        let mut pointers: Vec<_> = self.predicate.iter().map(PredicateMatch::pointer).collect();
        pointers.sort_unstable();
        if let Some(doubled) = pointers.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            return Err(invalid("each pointer once", "where").found(doubled));
        }
        if let Some(seconds) = self.max_age.filter(|seconds| !(1..=MAX_AGE).contains(seconds)) {
            return Err(invalid("1 second to 100 years", "maxAge").found(seconds));
        }
        if self.needs_time() && self.settings.tlog == TlogMode::Ignored && self.settings.timestamps == 0 {
            return Err(invalid("timestamps or tlog, since nothing else says when it was signed", "maxAge or newest")
                .found("tlog: ignored and no timestamps"));
        }
        Ok(())
    }

    /// Whether an attestation without an authenticated time can satisfy nothing here.
    pub(crate) fn needs_time(&self) -> bool {
        self.max_age.is_some() || self.selection == Selection::Newest
    }

    fn canonical(&self) -> String {
        // The authority's own canonical form is what thresholds count; here everything that can change a verdict belongs.
        let bounds = match &self.authority {
            Authority::Key(key) => format!(" within {} by {:?}", key.validity(), key.algorithm()),
            Authority::Keyless(_) => String::new(),
        };
        let trust = self.trust.as_ref().map(|trust| format!(" trust {}", hex::encode(trust.fingerprint())));
        let mut predicate: Vec<_> =
            self.predicate.iter().map(|clause| format!("{:?} {:?}", clause.pointer(), clause.value())).collect();
        predicate.sort_unstable();
        format!(
            "signature {}{bounds} claim {:?} where {predicate:?} maxAge {:?} {:?} settings {}{}",
            self.authority.canonical(),
            self.claim,
            self.max_age,
            self.selection,
            self.settings.canonical(),
            trust.unwrap_or_default()
        )
    }
}

impl Requirement {
    /// A leaf.
    #[must_use]
    pub fn signature(requirement: SignatureRequirement) -> Self {
        Self::Signature(Box::new(requirement))
    }

    /// A leaf with the default settings.
    #[must_use]
    pub fn signed_by(authority: Authority) -> Self {
        Self::signature(SignatureRequirement::new(authority))
    }

    fn leaf(&self) -> Option<&SignatureRequirement> {
        if let Self::Signature(leaf) = self { Some(leaf) } else { None }
    }

    /// The requirements that it is made of.
    pub(crate) fn children(&self) -> &[Self] {
        match self {
            Self::All(of) | Self::Any(of) | Self::AtLeast { of, .. } => of,
            Self::Signature(_) => &[],
        }
    }

    fn validate(&self, depth: usize) -> Result<(), Failure> {
        if depth > MAX_DEPTH {
            return Err(Failure::new(Code::PolicyInvalid).expected(format_args!("at most {MAX_DEPTH} levels")).at("require"));
        }
        match self {
            Self::Signature(leaf) => return leaf.validate(),
            // An empty list would hold of every image, or of none; neither can be meant (K-PO-03, K-PO-10).
            Self::All(of) | Self::Any(of) if of.is_empty() => {
                return Err(Failure::new(Code::PolicyInvalid).expected("at least one requirement").found("none").at("require"));
            }
            Self::AtLeast { count, of } => {
                let distinct = distinct_authorities(of);
                if *count == 0 || *count > distinct {
                    return Err(Failure::new(Code::PolicyInvalid)
                        .expected(format_args!("1 to {distinct} (the number of distinct authorities)"))
                        .found(count)
                        .at("atLeast"));
                }
            }
            Self::All(_) | Self::Any(_) => {}
        }
        self.children().iter().try_for_each(|child| child.validate(depth.saturating_add(1)))
    }

    fn canonical(&self) -> String {
        let list = |of: &[Self]| of.iter().map(Self::canonical).collect::<Vec<_>>();
        match self {
            Self::All(of) => format!("all {:?}", list(of)),
            Self::Any(of) => format!("any {:?}", list(of)),
            Self::AtLeast { count, of } => format!("atLeast {count} {:?}", list(of)),
            Self::Signature(leaf) => leaf.canonical(),
        }
    }

    /// What it asks for by itself, in a few words.
    pub(crate) fn asks(&self) -> String {
        match self {
            Self::All(_) => "all of".to_owned(),
            Self::Any(_) => "any of".to_owned(),
            Self::AtLeast { count, .. } => format!("at least {count} of"),
            Self::Signature(leaf) => leaf.authority().describe(),
        }
    }

    fn collect_leaves<'a>(&'a self, leaves: &mut Vec<&'a SignatureRequirement>) {
        match self {
            Self::Signature(leaf) => leaves.push(leaf),
            other => other.children().iter().for_each(|child| child.collect_leaves(leaves)),
        }
    }
}

/// How many of these a threshold could count: a key under two names is one, and so is an identity within one trust domain.
/// Other nodes count each by itself. Roots that are not named are taken for a domain of their own here; deciding knows better.
fn distinct_authorities(of: &[Requirement]) -> usize {
    let roots: Vec<&TrustRoot> = of.iter().filter_map(|one| one.leaf()?.trust_root().map(Arc::as_ref)).collect();
    let mut domains = domains(&roots).into_iter();
    let counted = |one: &Requirement| match one {
        Requirement::Signature(leaf) => {
            let domain = leaf.trust_root().and_then(|_| domains.next());
            let domain = domain.filter(|_| leaf.authority.is_keyless());
            format!("{} of domain {domain:?}", leaf.authority.canonical())
        }
        other => other.canonical(),
    };
    of.iter().map(counted).collect::<BTreeSet<_>>().len()
}

/// What must hold for an image. Constructible only when safe; immutable, `Send + Sync`.
#[derive(Clone, Debug)]
pub struct Policy {
    requirement: Requirement,
    /// Those of the requirement, in a row: each call asks for them several times.
    leaves: Vec<SignatureRequirement>,
    exception: Option<Exception>,
    fingerprint: [u8; 32],
}

impl Policy {
    /// A policy of this requirement.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for empty lists, thresholds of 0 or above the number of distinct authorities, settings
    /// that contradict each other, more than 16 levels or 1000 leaves.
    pub fn new(requirement: Requirement) -> Result<Self, Failure> {
        requirement.validate(1)?;
        let mut leaves = Vec::new();
        requirement.collect_leaves(&mut leaves);
        if leaves.len() > MAX_LEAVES {
            return Err(Failure::new(Code::PolicyInvalid).expected(format_args!("at most {MAX_LEAVES} leaves")).at("require"));
        }
        let leaves = leaves.into_iter().cloned().collect();
        let fingerprint = sha256(format!("veriseal policy v1\n{}", requirement.canonical()).as_bytes());
        Ok(Self { requirement, leaves, exception: None, fingerprint })
    }

    /// A policy that lets these digests in without a signature, and nothing else. What it accepts says so
    /// ([`Basis::Exception`](super::Basis::Exception)) and stands among what is weakened.
    #[must_use]
    pub fn exception(exception: Exception) -> Self {
        let fingerprint = sha256(format!("veriseal policy v1\n{}", exception.canonical()).as_bytes());
        // Any of nothing never holds, so no signature and no lack of one can satisfy it.
        Self { requirement: Requirement::Any(Vec::new()), leaves: Vec::new(), exception: Some(exception), fingerprint }
    }

    /// The exception, where the policy is one.
    #[must_use]
    pub fn excepted(&self) -> Option<&Exception> {
        self.exception.as_ref()
    }

    /// The requirement; of an exception the one that never holds.
    #[must_use]
    pub fn requirement(&self) -> &Requirement {
        &self.requirement
    }

    /// SHA-256 over what must hold. Equal policies have equal fingerprints, whatever their keys' files are called.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// All leaves, in the order of the tree.
    #[must_use]
    pub fn leaves(&self) -> &[SignatureRequirement] {
        &self.leaves
    }

    /// Whether some leaf asks for an attestation, so that those must be gathered too.
    #[must_use]
    pub fn wants_attestations(&self) -> bool {
        self.leaves.iter().any(|leaf| matches!(leaf.claim, Claim::Attestation { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::HashAlgorithm;
    use crate::key::PublicKey;
    use crate::policy::{KeyAuthority, SigningAlgorithm, TlogMode, ValueMatch};
    use crate::time::{UnixTime, Validity};

    fn key() -> KeyAuthority {
        let spki = crate::encoding::hex::decode(
            "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        );
        KeyAuthority::new(PublicKey::from_spki(&spki.unwrap()).unwrap(), "a.pub")
    }

    fn leaf(key: KeyAuthority) -> Requirement {
        Requirement::signed_by(Authority::Key(key))
    }

    fn attestation(more: impl Fn(SignatureRequirement) -> SignatureRequirement) -> Requirement {
        let claim = Claim::Attestation { predicate_type: "https://example.com/p".to_owned() };
        Requirement::signature(more(SignatureRequirement::new(Authority::Key(key())).claim(claim)))
    }

    /// What is about attestations stands beside nothing else, and nothing is asked for that can never be.
    #[test]
    fn clauses_about_predicates_need_an_attestation_and_age_needs_a_time() {
        let clause = |pointer: &str| PredicateMatch::new(pointer, ValueMatch::Bool(true)).unwrap();
        let ignored = |timestamps| Settings { tlog: TlogMode::Ignored, timestamps, ..Settings::default() };
        let signature = || SignatureRequirement::new(Authority::Key(key()));
        for bad in [
            Requirement::signature(signature().saying(clause("/a"))),
            Requirement::signature(signature().max_age(1)),
            Requirement::signature(signature().selecting(Selection::Newest)),
            Requirement::signature(signature().selecting(Selection::All)),
            attestation(|leaf| leaf.saying(clause("/a")).saying(clause("/a"))),
            attestation(|leaf| (0..101).fold(leaf, |leaf, index| leaf.saying(clause(&format!("/{index}"))))),
            attestation(|leaf| leaf.max_age(0)),
            attestation(|leaf| leaf.max_age(u64::MAX)),
            attestation(|leaf| leaf.max_age(1).settings(ignored(0))),
            attestation(|leaf| leaf.selecting(Selection::Newest).settings(ignored(0))),
        ] {
            assert_eq!(Policy::new(bad.clone()).unwrap_err().code(), Code::PolicyInvalid, "{bad:?}");
        }
        assert!(Policy::new(attestation(|leaf| leaf.max_age(1).settings(ignored(1)))).is_ok());
        assert!(Policy::new(attestation(|leaf| leaf.selecting(Selection::All).settings(ignored(0)))).is_ok());
    }

    /// Everything that can change a verdict changes the fingerprint; a file's name does not.
    #[test]
    fn a_fingerprint_tells_policies_apart_by_what_must_hold() {
        let window = Validity { start: None, end: Some(UnixTime::from_seconds(1)) };
        let ignored = Settings { tlog: TlogMode::Ignored, ..Settings::default() };
        let attested = Claim::Attestation { predicate_type: "https://example.com/p".to_owned() };
        let policies = [
            leaf(key()),
            leaf(key().valid_within(window)),
            leaf(key().signs_with(SigningAlgorithm::Hash(HashAlgorithm::Sha512)).unwrap()),
            Requirement::signature(SignatureRequirement::new(Authority::Key(key())).settings(ignored)),
            Requirement::signature(SignatureRequirement::new(Authority::Key(key())).claim(attested)),
            Requirement::Any(vec![leaf(key())]),
            Requirement::All(vec![leaf(key())]),
            Requirement::AtLeast { count: 1, of: vec![leaf(key())] },
            attestation(|leaf| leaf.saying(PredicateMatch::new("/a", ValueMatch::number(1)).unwrap())),
            attestation(|leaf| leaf.saying(PredicateMatch::new("/a", ValueMatch::text("1")).unwrap())),
            attestation(|leaf| leaf.max_age(1)),
            attestation(|leaf| leaf.max_age(2)),
            attestation(|leaf| leaf.selecting(Selection::Newest)),
            attestation(|leaf| leaf.selecting(Selection::All)),
        ];
        let prints: BTreeSet<_> = policies.iter().map(|policy| *Policy::new(policy.clone()).unwrap().fingerprint()).collect();
        assert_eq!(prints.len(), policies.len());
        let renamed = KeyAuthority::new(key().key().clone(), "b.pub");
        assert_eq!(Policy::new(leaf(renamed)).unwrap().fingerprint(), Policy::new(leaf(key())).unwrap().fingerprint());
    }

    /// K-PO-03, K-PO-11: nothing that holds of everything, and no threshold that can never be met or always is.
    #[test]
    fn requirements_that_cannot_be_meant_are_policy_invalid() {
        let nested = (0..MAX_DEPTH).fold(leaf(key()), |inner, _| Requirement::All(vec![inner]));
        for bad in [
            Requirement::All(vec![]),
            Requirement::Any(vec![]),
            Requirement::AtLeast { count: 0, of: vec![leaf(key())] },
            Requirement::AtLeast { count: 2, of: vec![leaf(key())] },
            Requirement::AtLeast { count: 2, of: vec![leaf(key()), leaf(KeyAuthority::new(key().key().clone(), "again.pub"))] },
            Requirement::Any(vec![leaf(key()), Requirement::All(vec![])]),
            nested,
        ] {
            assert_eq!(Policy::new(bad).unwrap_err().code(), Code::PolicyInvalid);
        }
        assert_eq!(key().signs_with(SigningAlgorithm::Pss(HashAlgorithm::Sha256)).unwrap_err().code(), Code::PolicyInvalid);
    }
}
