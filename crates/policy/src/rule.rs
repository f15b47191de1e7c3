//! [`Rule`]: images, and what is done about them.

use crate::error::Position;
use crate::image_pattern::ImagePattern;
use std::collections::BTreeMap;
use std::sync::Arc;
use veriseal::gather::PlatformChoice;
use veriseal::{Exception, Policy, Requirement, TrustRoot, Verifier};

/// Whether a denial is enforced where a decision is: the verdict itself is the same in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Denied is denied.
    #[default]
    Enforce,
    /// A denial is let through with a warning.
    Warn,
    /// A denial is only recorded.
    Audit,
}

impl Mode {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

/// How a reference comes to its digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pin {
    /// A tag is resolved once; what is accepted is pinned.
    #[default]
    Resolve,
    /// A reference without a digest is refused.
    RequireDigest,
}

impl Pin {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::RequireDigest => "require-digest",
        }
    }
}

/// What is done about the images of a rule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// A requirement must hold, or an exception apply: the verifier says.
    Verify(Box<Verifier>),
    /// Every image is refused.
    Deny {
        /// Why.
        reason: String,
    },
}

/// Images, and what is done about them.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) at: Position,
    pub(crate) patterns: Vec<(ImagePattern, Position)>,
    pub(crate) action: Action,
    pub(crate) pin: Pin,
    /// Where each field of the document stands, by its path.
    pub(crate) places: BTreeMap<String, Position>,
}

/// The requirement with a trust root at every leaf: only so is it known which authorities are distinct.
pub(crate) fn explicit(requirement: &Requirement, trust: &Arc<TrustRoot>) -> Requirement {
    let list = |of: &[Requirement]| of.iter().map(|one| explicit(one, trust)).collect();
    match requirement {
        Requirement::All(of) => Requirement::All(list(of)),
        Requirement::Any(of) => Requirement::Any(list(of)),
        Requirement::AtLeast { count, of } => Requirement::AtLeast { count: *count, of: list(of) },
        Requirement::Signature(leaf) if leaf.trust_root().is_none() => {
            Requirement::signature((**leaf).clone().trusting(trust.clone()))
        }
        other => other.clone(),
    }
}

impl Rule {
    fn new(patterns: Vec<ImagePattern>, action: Action) -> Self {
        Self {
            name: String::new(),
            at: Position::default(),
            patterns: patterns.into_iter().map(|pattern| (pattern, Position::default())).collect(),
            action,
            pin: Pin::default(),
            places: BTreeMap::new(),
        }
    }

    /// A rule that asks for signatures. `trust` vouches for every leaf that names no root of its own.
    ///
    /// # Errors
    /// As [`Policy::new`], and for thresholds above the number of authorities that are distinct under their trust roots.
    pub fn require(
        patterns: Vec<ImagePattern>,
        requirement: Requirement,
        trust: impl Into<Arc<TrustRoot>>,
    ) -> Result<Self, veriseal::Failure> {
        let trust = trust.into();
        Policy::new(explicit(&requirement, &trust))?;
        let verifier = Verifier::new(trust, Policy::new(requirement)?);
        Ok(Self::new(patterns, Action::Verify(Box::new(verifier))))
    }

    /// A rule that lets digests in without a signature.
    #[must_use]
    pub fn allow(patterns: Vec<ImagePattern>, exception: Exception, trust: impl Into<Arc<TrustRoot>>) -> Self {
        let verifier = Verifier::new(trust, Policy::exception(exception));
        Self::new(patterns, Action::Verify(Box::new(verifier)))
    }

    /// A rule that refuses every image.
    #[must_use]
    pub fn deny(patterns: Vec<ImagePattern>, reason: &str) -> Self {
        Self::new(patterns, Action::Deny { reason: reason.to_owned() })
    }

    /// How a reference comes to its digest.
    #[must_use]
    pub fn pinned_by(mut self, pin: Pin) -> Self {
        self.pin = pin;
        self
    }

    /// What of an image for several platforms is verified and pinned. Changes nothing about a rule that refuses every image.
    #[must_use]
    pub fn for_platforms(mut self, platforms: PlatformChoice) -> Self {
        if let Action::Verify(verifier) = &mut self.action {
            **verifier = (**verifier).clone().with_platforms(platforms);
        }
        self
    }

    /// Its name in reports: `images[0]`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// The images that it is about.
    pub fn patterns(&self) -> impl Iterator<Item = &ImagePattern> {
        self.patterns.iter().map(|(pattern, _)| pattern)
    }

    /// What is done about them.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// How a reference comes to its digest.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// What of an image for several platforms is verified and pinned; `None` where every image is refused.
    #[must_use]
    pub fn platforms(&self) -> Option<&PlatformChoice> {
        match &self.action {
            Action::Verify(verifier) => Some(verifier.platforms()),
            Action::Deny { .. } => None,
        }
    }

    /// What tells two rules apart.
    pub(crate) fn canonical(&self) -> String {
        let mut patterns: Vec<_> = self.patterns().map(ImagePattern::as_str).collect();
        patterns.sort_unstable();
        let action = match &self.action {
            // An exception asks nobody, so that it is the same under every trust root.
            Action::Verify(verifier) if verifier.policy().excepted().is_some() => {
                format!("allow {:02x?} platforms {}", verifier.policy().fingerprint(), verifier.platforms())
            }
            Action::Verify(verifier) => format!("verify {:02x?}", verifier.fingerprint()),
            Action::Deny { reason } => format!("deny {reason:?}"),
        };
        format!("rule {patterns:?} pin {} {action}", self.pin.name())
    }
}
