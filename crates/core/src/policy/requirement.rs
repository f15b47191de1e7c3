//! [`Policy`] and [`Requirement`]: the tree of what must hold.

use super::authority::Authority;
use super::settings::Settings;
use crate::code::{Code, Failure};
use crate::digest::sha256;
use std::collections::BTreeSet;

/// Deepest nesting of a requirement.
const MAX_DEPTH: usize = 16;
/// Most leaves of a policy.
const MAX_LEAVES: usize = 1000;
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
}

impl SignatureRequirement {
    /// A signature by `authority` with the default settings.
    #[must_use]
    pub fn new(authority: Authority) -> Self {
        Self { authority, claim: Claim::Signed, settings: Settings::default() }
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
    pub(crate) fn clauses(&self, identity: Option<usize>) -> BTreeSet<String> {
        let mut clauses: BTreeSet<String> = ["signature", "subject", "claim", "tlog", "timestamps"].map(str::to_owned).into();
        if self.settings.witnesses.is_some() {
            clauses.insert("witnesses".to_owned());
        }
        match &self.authority {
            Authority::Key(_) => {
                clauses.insert("keyWindow".to_owned());
            }
            Authority::Keyless(keyless) => {
                clauses.extend(["certificate".to_owned(), "sct".to_owned()]);
                if let Some(identity) = identity.and_then(|index| keyless.identities().get(index)) {
                    clauses.extend(identity.clauses());
                }
            }
        }
        clauses
    }

    fn validate(&self) -> Result<(), Failure> {
        self.settings.validate()?;
        match &self.claim {
            Claim::Attestation { predicate_type } if predicate_type.is_empty() => {
                Err(Failure::new(Code::PolicyInvalid).expected("a predicate type").found("an empty one").at("attestation"))
            }
            _ => Ok(()),
        }
    }

    fn canonical(&self) -> String {
        // The authority's own canonical form is what thresholds count; here everything that can change a verdict belongs.
        let bounds = match &self.authority {
            Authority::Key(key) => format!(" within {} by {:?}", key.validity(), key.algorithm()),
            Authority::Keyless(_) => String::new(),
        };
        format!("signature {}{bounds} claim {:?} settings {}", self.authority.canonical(), self.claim, self.settings.canonical())
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

    fn children(&self) -> &[Self] {
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
                let distinct: BTreeSet<_> = of.iter().map(Self::counted_as).collect();
                if *count == 0 || *count > distinct.len() {
                    return Err(Failure::new(Code::PolicyInvalid)
                        .expected(format_args!("1 to {} (the number of distinct authorities)", distinct.len()))
                        .found(count)
                        .at("atLeast"));
                }
            }
            Self::All(_) | Self::Any(_) => {}
        }
        self.children().iter().try_for_each(|child| child.validate(depth.saturating_add(1)))
    }

    /// What a threshold counts as one: the authority of a leaf (a key under two names is one), else the subtree.
    fn counted_as(&self) -> String {
        match self {
            Self::Signature(leaf) => leaf.authority.canonical(),
            other => other.canonical(),
        }
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

    fn collect_leaves<'a>(&'a self, leaves: &mut Vec<&'a SignatureRequirement>) {
        match self {
            Self::Signature(leaf) => leaves.push(leaf),
            other => other.children().iter().for_each(|child| child.collect_leaves(leaves)),
        }
    }
}

/// What must hold for an image. Constructible only when safe; immutable, `Send + Sync`.
#[derive(Clone, Debug)]
pub struct Policy {
    requirement: Requirement,
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
        let fingerprint = sha256(format!("veriseal policy v1\n{}", requirement.canonical()).as_bytes());
        let policy = Self { requirement, fingerprint };
        if policy.leaves().len() > MAX_LEAVES {
            return Err(Failure::new(Code::PolicyInvalid).expected(format_args!("at most {MAX_LEAVES} leaves")).at("require"));
        }
        Ok(policy)
    }

    /// The requirement.
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
    pub fn leaves(&self) -> Vec<&SignatureRequirement> {
        let mut leaves = Vec::new();
        self.requirement.collect_leaves(&mut leaves);
        leaves
    }

    /// Whether some leaf asks for an attestation, so that those must be gathered too.
    #[must_use]
    pub fn wants_attestations(&self) -> bool {
        self.leaves().iter().any(|leaf| matches!(leaf.claim, Claim::Attestation { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::HashAlgorithm;
    use crate::key::PublicKey;
    use crate::policy::{KeyAuthority, SigningAlgorithm, TlogMode};
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
