//! [`Explanation`]: which rule is about an image, and why that one.

use crate::policy_file::PolicyFile;
use crate::rule::{Action, Rule};
use serde::Serialize;
use std::fmt::Write as _;
use veriseal::policy::Selection;
use veriseal::{Authority, Claim, Identity, Reference, Requirement, SctMode, SignatureRequirement, TlogMode};

/// Which rule is about an image, and why that one. Nothing is fetched and nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The reference in canonical form.
    pub image: String,
    /// The policy's name.
    pub policy: String,
    /// The rule that applies, such as `images[0]`; none where the image is denied because there is none.
    pub rule: Option<String>,
    /// Line of the rule.
    pub line: Option<usize>,
    /// The pattern by which it applies.
    pub pattern: Option<String>,
    /// Rules that match as well, with the less specific pattern by which they do.
    pub passed_over: Vec<(String, String)>,
    /// `require`, `allow` or `deny`.
    pub action: &'static str,
    /// `resolve` or `require-digest`; none where nothing is let in.
    pub pin: Option<&'static str>,
    /// `index`, `all` or the platforms; none where nothing is let in.
    pub platforms: Option<String>,
    /// What is asked for, a line each, indented by its depth.
    pub asks: Vec<String>,
}

impl PolicyFile {
    /// Which rule is about the image, and why that one.
    #[must_use]
    pub fn explain(&self, reference: &Reference) -> Explanation {
        let mut matching = self.matching(reference.repository()).into_iter();
        let applied = matching.next();
        let mut asks = Vec::new();
        let action = match applied {
            Some((rule, _)) => describe(rule, &mut asks),
            None => {
                asks.push("no rule is about this image, so it is denied".to_owned());
                "deny"
            }
        };
        Explanation {
            image: reference.to_string(),
            policy: self.name().to_owned(),
            rule: applied.map(|(rule, _)| rule.name().to_owned()),
            line: applied.map(|(rule, _)| rule.position().line),
            pattern: applied.map(|(_, pattern)| pattern.to_string()),
            passed_over: matching.map(|(rule, pattern)| (rule.name().to_owned(), pattern.to_string())).collect(),
            action,
            pin: applied.filter(|_| action != "deny").map(|(rule, _)| rule.pin().name()),
            platforms: applied.and_then(|(rule, _)| rule.platforms()).map(ToString::to_string),
            asks,
        }
    }
}

fn describe(rule: &Rule, asks: &mut Vec<String>) -> &'static str {
    match rule.action() {
        Action::Deny { reason } => {
            asks.push(format!("denied: {reason}"));
            "deny"
        }
        Action::Verify(verifier) => match verifier.policy().excepted() {
            Some(exception) => {
                asks.push(format!("no signature: {}", exception.reason()));
                asks.push(format!("until {}", exception.until()));
                asks.extend(exception.digests().iter().map(|digest| format!("only {digest}")));
                "allow"
            }
            None => {
                let name = &verifier.trust_root().origin().name;
                requirement(verifier.policy().requirement(), 0, name, asks);
                "require"
            }
        },
    }
}

fn requirement(node: &Requirement, depth: usize, trust: &str, asks: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let (line, children) = match node {
        Requirement::All(of) => (format!("all of {}", of.len()), of.as_slice()),
        Requirement::Any(of) => (format!("any of {}", of.len()), of.as_slice()),
        Requirement::AtLeast { count, of } => (format!("at least {count} of {}, by different signers", of.len()), of.as_slice()),
        Requirement::Signature(leaf) => (leaf_line(leaf, trust), &[][..]),
        _ => ("something that this version cannot describe".to_owned(), &[][..]),
    };
    asks.push(format!("{indent}{line}"));
    for child in children {
        requirement(child, depth.saturating_add(1), trust, asks);
    }
}

/// A leaf in one line: what, by whom, under which trust root, with which settings.
fn leaf_line(leaf: &SignatureRequirement, trust: &str) -> String {
    let what = match leaf.claimed() {
        Claim::Signed => "a signature".to_owned(),
        Claim::Attestation { predicate_type } => format!("an attestation {predicate_type}"),
        _ => "any statement".to_owned(),
    };
    let trust = leaf.trust_root().map_or(trust, |root| &root.origin().name);
    let mut line = format!("{what} by ");
    match leaf.authority() {
        Authority::Key(key) => {
            line.push_str(&leaf.authority().describe());
            match (key.validity().start, key.validity().end) {
                (Some(start), Some(end)) => drop(write!(line, ", made from {start} to {end}")),
                (Some(start), None) => drop(write!(line, ", made from {start} on")),
                (None, Some(end)) => drop(write!(line, ", made until {end}")),
                (None, None) => {}
            }
        }
        Authority::Keyless(keyless) => {
            let identities: Vec<_> = keyless.identities().iter().map(identity).collect();
            let _ = write!(line, "keyless {}", identities.join(" or "));
        }
        other => line.push_str(&other.describe()),
    }
    for clause in leaf.predicate() {
        let _ = write!(line, ", where {} is {}", clause.pointer(), clause.value());
    }
    if let Some(seconds) = leaf.oldest() {
        let _ = write!(line, ", at most {} old", age(seconds));
    }
    match leaf.selection() {
        Selection::Newest => line.push_str(", the newest"),
        Selection::All => line.push_str(", every one"),
        _ => {}
    }
    let settings = leaf.configured();
    let tlog = match settings.tlog {
        TlogMode::Required => "required",
        TlogMode::IfPresent => "if-present",
        _ => "ignored",
    };
    let _ = write!(line, " (trust root {trust}, tlog {tlog}");
    if settings.logs > 1 {
        let _ = write!(line, ", {} logs", settings.logs);
    }
    if settings.sct == SctMode::Ignored {
        line.push_str(", sct ignored");
    }
    if settings.timestamps > 0 {
        let _ = write!(line, ", {} timestamps", settings.timestamps);
    }
    if let Some(witnesses) = &settings.witnesses {
        let _ = write!(line, ", {} of {} witnesses", witnesses.at_least, witnesses.of.len());
    }
    if settings.allow_chain {
        line.push_str(", certificate chains allowed");
    }
    line.push(')');
    line
}

/// One identity with everything that is asked of its certificate.
fn identity(identity: &Identity) -> String {
    let mut text = format!("{} by {}", identity.subject(), identity.issuer());
    let extensions = identity.extensions().iter().map(|(name, value)| format!("{name} {value}"));
    let names = identity.distinguished_name().iter().map(|(of, value)| format!("{of}={value}"));
    let policies = identity.policy_oids().iter().map(|oid| format!("policy {oid}"));
    let more: Vec<_> = extensions.chain(names).chain(policies).collect();
    if !more.is_empty() {
        let _ = write!(text, " with {}", more.join(" and "));
    }
    text
}

/// An age as a policy writes it, in its largest whole unit.
fn age(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3600), ("m", 60)];
    let whole = units.iter().find(|(_, unit)| seconds.is_multiple_of(*unit)).unwrap_or(&("s", 1));
    format!("{}{}", seconds.checked_div(whole.1).unwrap_or(seconds), whole.0)
}

impl Explanation {
    /// The explanation for a person, ending in a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.image);
        match (&self.rule, &self.pattern, self.line) {
            (Some(rule), Some(pattern), Some(line)) => {
                let _ = writeln!(out, "  rule {rule} of {} (line {line}), by its pattern {pattern}", self.policy);
            }
            _ => {
                let _ = writeln!(out, "  no rule of {}", self.policy);
            }
        }
        for (rule, pattern) in &self.passed_over {
            let _ = writeln!(out, "  not {rule}: {pattern} is less specific");
        }
        let _ = writeln!(out, "  {}", self.action);
        for line in &self.asks {
            let _ = writeln!(out, "    {line}");
        }
        if let Some(pin) = self.pin {
            let _ = writeln!(out, "  pin: {pin}");
        }
        if let Some(platforms) = self.platforms.as_ref().filter(|platforms| *platforms != "index") {
            let _ = writeln!(out, "  platforms: {platforms}");
        }
        out
    }

    /// The explanation as JSON, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
