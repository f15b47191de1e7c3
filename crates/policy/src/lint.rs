//! [`Lint`]: what loads but is probably not meant.

mod identity;

use crate::error::Position;
use crate::policy_file::PolicyFile;
use crate::rule::{Action, Mode, Pin, Rule};
use serde::{Serialize, Serializer};
use std::fmt::Write as _;
use veriseal::key::KeyKind;
use veriseal::policy::Selection;
use veriseal::{Authority, Claim, Exception, Requirement, SctMode, SignatureRequirement, TlogMode, TrustRoot, UnixTime};

/// An exception or key that ends sooner is worth a note, in seconds.
const SOON: i64 = 30 * 86_400;
/// Fewer bits of an RSA key are worth a warning (NIST SP 800-57: 2048 bits are good until 2030).
const ENOUGH_RSA_BITS: u32 = 3072;

/// How much a finding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// Probably not meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that loads but is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How much it says.
    pub level: Level,
    /// Stable name, such as `ANYONE`.
    pub name: &'static str,
    /// Where: the path of a field.
    pub field: String,
    /// Where it stands.
    #[serde(serialize_with = "position")]
    pub position: Position,
    /// What is meant.
    pub message: String,
}

fn position<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(position)
}

/// The findings about a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lint {
    /// The policy's name.
    pub policy: String,
    /// In the order of the document.
    pub findings: Vec<Finding>,
}

impl Lint {
    /// 0 where there is no warning, else 1. A policy that does not load is 2, and has no lint.
    #[must_use]
    pub fn status(&self) -> u8 {
        u8::from(self.findings.iter().any(|finding| finding.level == Level::Warning))
    }

    /// The findings for a person, ending in a newline where there are any.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for Finding { level, name, field, position, message } in &self.findings {
            let level = if *level == Level::Warning { "warning" } else { "note" };
            let _ = writeln!(out, "{}:{position}: {level}: {name} at {field}: {message}", self.policy);
        }
        out
    }

    /// The findings as JSON, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl PolicyFile {
    /// What loads but is probably not meant, as of `now`.
    #[must_use]
    pub fn lint(&self, now: UnixTime) -> Lint {
        let mut findings = Findings { now, found: Vec::new() };
        if self.mode() != Mode::Enforce {
            let message = format!("mode {}: nothing is kept out", self.mode().name());
            findings.warn("NOT_ENFORCED", "mode", Position::default(), message);
        }
        for (name, at) in &self.unused_roots {
            let message = "no authority trusts this root: remove it, or name it where it is meant";
            findings.warn("UNUSED_TRUST_ROOT", &format!("trust.{name}"), *at, message);
        }
        for rule in self.rules() {
            findings.rule(rule);
        }
        Lint { policy: self.name().to_owned(), findings: findings.found }
    }
}

struct Findings {
    now: UnixTime,
    found: Vec<Finding>,
}

impl Findings {
    fn warn(&mut self, name: &'static str, field: &str, position: Position, message: impl Into<String>) {
        self.push(Level::Warning, name, field, position, message.into());
    }

    fn note(&mut self, name: &'static str, field: &str, position: Position, message: impl Into<String>) {
        self.push(Level::Note, name, field, position, message.into());
    }

    fn push(&mut self, level: Level, name: &'static str, field: &str, position: Position, message: String) {
        self.found.push(Finding { level, name, field: field.to_owned(), position, message });
    }

    fn rule(&mut self, rule: &Rule) {
        let Action::Verify(verifier) = rule.action() else { return };
        for (pattern, at) in &rule.patterns {
            let field = format!("{}.match", rule.name());
            if pattern.leaves_registry_open() && !pattern.is_everything() {
                self.warn("ANY_REGISTRY", &field, *at, format!("{pattern} leaves the registry open, and anyone can run one"));
            }
        }
        match verifier.policy().excepted() {
            Some(exception) => self.exception(rule, exception),
            None => {
                if rule.pin() == Pin::Resolve {
                    let message = "tags are taken: deploy the pinned reference of the report, or set pin: require-digest";
                    self.note("TAGS", &format!("{}.pin", rule.name()), rule.position(), message);
                }
                let path = format!("{}.require", rule.name());
                self.node(rule, verifier.policy().requirement(), &path, verifier.trust_root());
            }
        }
    }

    fn exception(&mut self, rule: &Rule, exception: &Exception) {
        let field = format!("{}.allow.until", rule.name());
        if exception.until() < self.now {
            self.warn(
                "EXPIRED",
                &field,
                rule.position(),
                format!("the exception ended at {}: the rule denies", exception.until()),
            );
        } else if exception.until() < self.now.saturating_add_seconds(SOON) {
            self.note("ENDS_SOON", &field, rule.position(), format!("the exception ends at {}", exception.until()));
        }
    }

    fn node(&mut self, rule: &Rule, node: &Requirement, path: &str, trust: &TrustRoot) {
        let (name, of) = match node {
            Requirement::Signature(leaf) => return self.leaf(rule, leaf, path, trust),
            Requirement::All(of) => ("all", of),
            Requirement::Any(of) => ("any", of),
            Requirement::AtLeast { of, .. } => ("of", of),
            _ => return,
        };
        for (index, child) in of.iter().enumerate() {
            self.node(rule, child, &format!("{path}.{name}[{index}]"), trust);
        }
    }

    fn leaf(&mut self, rule: &Rule, leaf: &SignatureRequirement, path: &str, trust: &TrustRoot) {
        let at = rule.places.get(path).copied().unwrap_or(rule.position());
        let trust = leaf.trust_root().map_or(trust, |root| root);
        let settings = leaf.configured();
        match settings.tlog {
            TlogMode::IfPresent => self.warn(
                "TLOG_IF_PRESENT",
                path,
                at,
                "whoever strips the log entry hides that it was never logged: if-present protects nothing against removal",
            ),
            TlogMode::Ignored => {
                self.warn("TLOG_IGNORED", path, at, "back-dating and secret signatures cannot be noticed without a log");
            }
            _ => {}
        }
        if settings.allow_chain {
            self.warn("CHAIN_ALLOWED", path, at, "certificates inside bundles are taken along; only for a CA of your own");
        }
        if let (Claim::Attestation { .. }, []) = (leaf.claimed(), leaf.predicate()) {
            let message = "any attestation of this type by the authority counts, whatever it says: where asks for more";
            self.note("ANY_PREDICATE", path, at, message);
        }
        for clause in leaf.predicate() {
            if let Some(text) = identity::open_start(clause.value()) {
                let message = format!("{}: {text} lets anything stand before", clause.pointer());
                self.warn("UNANCHORED", path, at, message);
            }
        }
        if let Some(name) = leaf.selection().name() {
            let message = format!("{name}: a registry can withhold an attestation, and saved evidence is never enough");
            self.warn("WITHHOLDING", path, at, message);
        }
        match leaf.authority() {
            Authority::Key(key) => {
                if leaf.oldest().is_some() || leaf.selection() == Selection::Newest {
                    let message = "anybody can have an old signature by a key logged anew, which makes it look newer";
                    self.warn("AGE_BY_KEY", path, at, message);
                }
                if let KeyKind::Rsa { bits } = key.key().kind()
                    && bits < ENOUGH_RSA_BITS
                {
                    self.warn("WEAK_KEY", path, at, format!("{} is an RSA key of {bits} bits; use 3072 or more", key.name()));
                }
                match key.validity().end {
                    Some(end) if end < self.now => {
                        self.warn("KEY_ENDED", path, at, format!("{} was good until {end}: nothing newer counts", key.name()));
                    }
                    Some(end) if end < self.now.saturating_add_seconds(SOON) => {
                        self.note("ENDS_SOON", path, at, format!("{} is good until {end}", key.name()));
                    }
                    _ => {}
                }
            }
            Authority::Keyless(keyless) => {
                if settings.sct == SctMode::Ignored && trust.origin().source.is_some() {
                    self.warn("SCT_IGNORED", path, at, "a public certificate authority without certificate transparency");
                }
                for identity in keyless.identities() {
                    identity::lint(identity, |name, message| self.warn(name, path, at, message));
                }
            }
            _ => {}
        }
    }
}
