//! [`Difference`]: what changes for images when one policy takes the place of another. Judges nothing: evidence may satisfy
//! both requirements, or neither.

use crate::policy_file::PolicyFile;
use crate::rule::Rule;
use serde::Serialize;
use std::fmt::Write as _;
use veriseal::Reference;

/// What changes for one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The reference in canonical form.
    pub image: String,
    /// What the first policy does about it.
    pub before: Vec<String>,
    /// What the second does.
    pub after: Vec<String>,
}

/// What changes between two policies for a list of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Images for which something changes.
    pub changes: Vec<Change>,
    /// How many images were compared.
    pub compared: usize,
    /// The modes, where they differ.
    pub mode: Option<(&'static str, &'static str)>,
}

impl PolicyFile {
    /// What changes for these images where `other` takes the place of this policy.
    ///
    /// Two rules are the same where they ask for the same by the same keys and roots, wherever they stand and whatever their
    /// patterns and files are called.
    #[must_use]
    pub fn difference(&self, other: &Self, images: &[Reference]) -> Difference {
        let changes = images.iter().filter_map(|image| {
            let rule_of = |policy: &Self| policy.rule_for(image.repository()).map(|(rule, _)| effect(rule));
            (rule_of(self) != rule_of(other)).then(|| Change {
                image: image.to_string(),
                before: summary(self, image),
                after: summary(other, image),
            })
        });
        let modes = (self.mode().name(), other.mode().name());
        Difference { changes: changes.collect(), compared: images.len(), mode: (modes.0 != modes.1).then_some(modes) }
    }
}

/// What tells two rules apart, their patterns left out.
fn effect(rule: &Rule) -> String {
    let bare = Rule { patterns: Vec::new(), ..rule.clone() };
    bare.canonical()
}

fn summary(policy: &PolicyFile, image: &Reference) -> Vec<String> {
    let explained = policy.explain(image);
    let pin = explained.pin.filter(|pin| *pin != "resolve").map(|pin| format!("pin: {pin}"));
    let platforms = explained.platforms.filter(|platforms| platforms != "index").map(|of| format!("platforms: {of}"));
    std::iter::once(explained.action.to_owned()).chain(explained.asks).chain(pin).chain(platforms).collect()
}

impl Difference {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.mode.is_none()
    }

    /// The difference for a person, ending in a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        if let Some((before, after)) = self.mode {
            let _ = writeln!(out, "mode: {before} becomes {after}");
        }
        for change in &self.changes {
            let _ = writeln!(out, "{}", change.image);
            for line in &change.before {
                let _ = writeln!(out, "  - {line}");
            }
            for line in &change.after {
                let _ = writeln!(out, "  + {line}");
            }
        }
        let _ = writeln!(out, "{} of {} images change", self.changes.len(), self.compared);
        out
    }

    /// The difference as JSON, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
