//! [`PolicyFile`]: the rules, which of them is about an image, and the verdict.

use crate::error::{LoadError, Position};
use crate::image_pattern::ImagePattern;
use crate::rule::{Action, Mode, Pin, Rule};
use std::cmp::Ordering;
use std::sync::Arc;
use veriseal::crypto::SignatureCache;
use veriseal::digest::sha256;
use veriseal::gather::{Evidence, Fetch};
use veriseal::{
    Accepted, Code, Digest, Failure, NotAccepted, Policy, Reference, Repository, TrustRoot, UnixTime, VerdictCache, Verifier,
};

/// Most rules, and most patterns of all rules: finding out which of them meet costs the square of it.
const MAX_PATTERNS: usize = 200;

/// Rules for images. Immutable, `Send + Sync`.
///
/// Exactly one rule is about an image, that with the most specific pattern; an image without a rule is denied.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    name: String,
    mode: Mode,
    rules: Vec<Rule>,
    /// Refuses what no rule verifies. Its policy is never asked.
    gate: Verifier,
    weakened: Vec<Failure>,
    /// The Kubernetes namespaces that admission is about; `None`: all.
    namespaces: Option<Vec<String>>,
    fingerprint: [u8; 32],
    /// Trust roots that the document defines and no authority trusts.
    pub(crate) unused_roots: Vec<(String, Position)>,
}

/// What follows from a verdict where a decision is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Whether the image is kept out.
    pub deny: bool,
    /// Whether it would be kept out in mode `enforce`.
    pub would_deny: bool,
}

impl PolicyFile {
    /// Puts rules together.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] where there is no rule, where two patterns are equally specific for some image, and where a
    /// pattern can never apply because more specific ones are about all its images.
    pub fn new(name: &str, mode: Mode, rules: Vec<Rule>) -> Result<Self, LoadError> {
        let rules: Vec<Rule> =
            rules.into_iter().enumerate().map(|(index, rule)| Rule { name: format!("images[{index}]"), ..rule }).collect();
        check(&rules)?;
        let canonical: Vec<_> = rules.iter().map(Rule::canonical).collect();
        let fingerprint = sha256(format!("veriseal policy file v1\n{} {canonical:?}", mode.name()).as_bytes());
        let internal = |failure: Failure| LoadError::new(Position::default(), failure);
        let nothing = veriseal::Exception::new(
            [Digest::sha256(b"")],
            "no image has this digest, and nothing is ever judged here",
            UnixTime::from_seconds(0),
        )
        .map_err(internal)?;
        let trust = TrustRoot::builder("none").build();
        let gate = Verifier::new(trust, Policy::exception(nothing));
        Ok(Self {
            name: name.to_owned(),
            mode,
            rules,
            gate,
            weakened: Vec::new(),
            namespaces: None,
            fingerprint,
            unused_roots: Vec::new(),
        })
    }

    /// The same policy with a memory of what its rules accepted; see [`VerdictCache`]. Rules about references, modes and
    /// whatever else stands above a rule's verifier are asked each time.
    #[must_use]
    pub fn with_verdict_cache(self, cache: &Arc<VerdictCache>) -> Self {
        self.with_verifiers(|verifier| verifier.with_verdict_cache(Arc::clone(cache)))
    }

    /// The same policy with tables of multiples for the keys of its rules and trust roots
    /// ([`Verifier::with_key_tables`]): for programs that verify many images.
    #[must_use]
    pub fn with_key_tables(self) -> Self {
        self.with_verifiers(Verifier::with_key_tables)
    }

    /// The same policy with a memory of good signatures of the keys of its rules and trust roots
    /// ([`Verifier::with_signature_cache`]).
    #[must_use]
    pub fn with_signature_cache(self, cache: &Arc<SignatureCache>) -> Self {
        self.with_verifiers(|verifier| verifier.with_signature_cache(cache))
    }

    fn with_verifiers(mut self, change: impl Fn(Verifier) -> Verifier) -> Self {
        for rule in &mut self.rules {
            if let Action::Verify(verifier) = &mut rule.action {
                **verifier = change((**verifier).clone());
            }
        }
        self
    }

    /// Limits admission to these Kubernetes namespaces, by name. Verification outside of admission does not know namespaces.
    #[must_use]
    pub fn with_namespaces(mut self, namespaces: Vec<String>) -> Self {
        let canonical = format!("veriseal policy namespaces v1\n{namespaces:?}");
        self.fingerprint = sha256(&[&self.fingerprint[..], canonical.as_bytes()].concat());
        self.namespaces = Some(namespaces);
        self
    }

    /// The Kubernetes namespaces that admission is limited to; `None` where it is about all.
    #[must_use]
    pub fn namespaces(&self) -> Option<&[String]> {
        self.namespaces.as_deref()
    }

    /// Whether admission in this namespace is reviewed under this policy. Objects without a namespace always are.
    #[must_use]
    pub fn reviews_namespace(&self, namespace: &str) -> bool {
        namespace.is_empty() || self.namespaces.as_ref().is_none_or(|known| known.iter().any(|known| known == namespace))
    }

    /// Its name: that of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether denials are enforced.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// SHA-256 over everything that decides: patterns, requirements, the bytes of keys and trust roots, mode. Not over
    /// paths and comments.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The rule that is about a repository and the pattern by which it is; `None` where there is none, and the image is
    /// denied.
    #[must_use]
    pub fn rule_for(&self, repository: &Repository) -> Option<(&Rule, &ImagePattern)> {
        self.matching(repository).into_iter().next()
    }

    /// Every rule and pattern that match, the one that applies first.
    #[must_use]
    pub fn matching(&self, repository: &Repository) -> Vec<(&Rule, &ImagePattern)> {
        let all = self.rules.iter().flat_map(|rule| rule.patterns().map(move |pattern| (rule, pattern)));
        let mut matching: Vec<_> = all.filter(|(_, pattern)| pattern.matches(repository)).collect();
        matching.sort_by(|(_, left), (_, right)| left.compare(right));
        matching
    }

    /// The verifier of an image's rule, or why the image is refused before anything is gathered.
    ///
    /// # Errors
    /// [`Code::NoRule`], [`Code::ImageDenied`], [`Code::DigestRequired`].
    pub fn verifier_for(&self, reference: &Reference) -> Result<Verifier, Failure> {
        let Some((rule, _)) = self.rule_for(reference.repository()) else {
            return Err(Failure::new(Code::NoRule).found(reference.repository()).at(&self.name));
        };
        let at = format!("{} {}", self.name, rule.name);
        if let Action::Deny { reason } = &rule.action {
            return Err(Failure::new(Code::ImageDenied).found(reason).at(at));
        }
        if rule.pin == Pin::RequireDigest && reference.digest().is_none() {
            return Err(Failure::new(Code::DigestRequired).found(reference).at(at));
        }
        match &rule.action {
            Action::Verify(verifier) => Ok(self.declared((**verifier).clone())),
            Action::Deny { reason } => Err(Failure::new(Code::ImageDenied).found(reason).at(at)),
        }
    }

    /// Gathers and judges one image.
    ///
    /// # Errors
    /// [`NotAccepted`] with the account of every check.
    pub fn verify(&self, reference: &Reference, fetch: &dyn Fetch, now: UnixTime) -> Result<Accepted, NotAccepted> {
        match self.verifier_for(reference) {
            Ok(verifier) => verifier.verify(reference, fetch, now),
            Err(failure) => Err(self.refuse(reference, failure, now)),
        }
    }

    /// Judges evidence that was gathered or saved before.
    ///
    /// # Errors
    /// [`NotAccepted`] with the account of every check.
    pub fn judge(
        &self,
        repository: &Repository,
        digest: &Digest,
        evidence: &Evidence,
        now: UnixTime,
    ) -> Result<Accepted, NotAccepted> {
        let reference = Reference::new(repository.clone(), None, Some(*digest));
        match self.verifier_for(&reference) {
            Ok(verifier) => verifier.judge(repository, digest, evidence, now),
            Err(failure) => Err(self.refuse(&reference, failure, now)),
        }
    }

    /// The report of an image that is refused before anything is gathered.
    #[must_use]
    pub fn refuse(&self, reference: &Reference, failure: Failure, now: UnixTime) -> NotAccepted {
        self.declared(self.gate.clone()).refuse(reference, failure, now)
    }

    /// What follows from a verdict where a decision is enforced. What could not be found out is denied like what is false.
    #[must_use]
    pub fn enforcement(&self, outcome: &Result<Accepted, NotAccepted>) -> Enforcement {
        let would_deny = outcome.is_err();
        Enforcement { deny: would_deny && self.mode == Mode::Enforce, would_deny }
    }

    /// Adds something that is weaker than the default to what every report lists, such as a verification time that was
    /// given ([`Code::TimeGiven`]).
    #[must_use]
    pub fn declare_weakened(mut self, what: Failure) -> Self {
        self.weakened.push(what);
        self
    }

    fn declared(&self, verifier: Verifier) -> Verifier {
        let verifier = self.weakened.iter().cloned().fold(verifier, Verifier::declare_weakened);
        match self.mode {
            Mode::Enforce => verifier,
            mode => verifier
                .declare_weakened(Failure::new(Code::NotEnforced).found(format_args!("mode: {}", mode.name())).at(&self.name)),
        }
    }
}

/// A pattern, its rule, and where it stands.
struct Placed<'r> {
    rule: &'r Rule,
    pattern: &'r ImagePattern,
    at: Position,
}

fn check(rules: &[Rule]) -> Result<(), LoadError> {
    let placed: Vec<Placed<'_>> =
        rules.iter().flat_map(|rule| rule.patterns.iter().map(move |(pattern, at)| Placed { rule, pattern, at: *at })).collect();
    if let Some(rule) = rules.iter().find(|rule| rule.patterns.is_empty()) {
        return Err(LoadError::invalid(rule.at, &rule.name, "at least one pattern", "none"));
    }
    if rules.is_empty() {
        return Err(LoadError::invalid(Position::default(), "images", "at least one rule", "none"));
    }
    if let Some(one_too_many) = placed.get(MAX_PATTERNS) {
        let expected = format!("at most {MAX_PATTERNS} patterns in all rules");
        return Err(LoadError::invalid(one_too_many.at, &one_too_many.rule.name, expected, placed.len()));
    }
    for (index, one) in placed.iter().enumerate() {
        for other in placed.iter().take(index) {
            if one.pattern.compare(other.pattern) == Ordering::Equal && one.pattern.meets(other.pattern) {
                let expected = format!("patterns of which one is more specific than {} of {}", other.pattern, other.rule.name);
                return Err(LoadError::invalid(one.at, &format!("{}.match", one.rule.name), expected, one.pattern)
                    .hint("some image matches both, and neither says more about it"));
            }
        }
    }
    let longest = placed.iter().map(|one| one.pattern.length()).max().unwrap_or(0);
    for one in &placed {
        let is_nearer =
            |other: &&Placed<'_>| other.pattern.compare(one.pattern) == Ordering::Less && other.pattern.meets(one.pattern);
        let more_specific: Vec<_> = placed.iter().filter(is_nearer).collect();
        if more_specific.is_empty() {
            continue;
        }
        let names = one.pattern.generic_names(longest);
        let applies = names.iter().any(|name| !more_specific.iter().any(|other| other.pattern.matches_generic(name)));
        if !applies {
            let by: Vec<_> = more_specific.iter().map(|other| other.pattern.as_str()).take(4).collect();
            let expected = "a pattern that is the most specific for some image";
            return Err(LoadError::invalid(one.at, &format!("{}.match", one.rule.name), expected, one.pattern)
                .hint(format_args!("every image of it falls under {}", by.join(" or "))));
        }
    }
    Ok(())
}
