//! What a rule requires: nodes, leaves and their settings.

use super::{Loader, attestation};
use crate::error::LoadError;
use crate::fields::{Fields, count, list, text, word};
use crate::node::{Node, Value};
use crate::rule::explicit;
use std::sync::Arc;
use veriseal::policy::Witnesses;
use veriseal::tlog::witness::Witness;
use veriseal::{Authority, Claim, Policy, Requirement, SctMode, Settings, SignatureRequirement, TlogMode, TrustRoot};

/// Deepest nesting of requirements in a document: as much as its own bound on depth leaves room for. Builders may nest deeper.
const MAX_DEPTH: usize = 10;

impl Loader<'_, '_> {
    pub(super) fn requirement(&mut self, node: &Node, path: &str) -> Result<Requirement, LoadError> {
        self.node(node, path, 1)
    }

    fn node(&mut self, node: &Node, path: &str, depth: usize) -> Result<Requirement, LoadError> {
        if depth > MAX_DEPTH {
            return Err(LoadError::invalid(node.at, "require", format!("at most {MAX_DEPTH} levels"), "more"));
        }
        self.places.insert(path.to_owned(), node.at);
        let requirement = match kind(node, path)? {
            "all" => {
                let fields = Fields::of(node, "all", path)?;
                Requirement::All(self.children(&fields, "all", depth)?)
            }
            "any" => {
                let fields = Fields::of(node, "any", path)?;
                Requirement::Any(self.children(&fields, "any", depth)?)
            }
            "atLeast" => {
                let fields = Fields::of(node, "atLeast", path)?;
                let least = count(fields.need("atLeast")?, &fields.path_of("atLeast"))?;
                Requirement::AtLeast { count: least, of: self.children(&fields, "of", depth)? }
            }
            "attestation" => {
                let fields = Fields::of(node, "attested", path)?;
                self.leaf(fields.need("attestation")?, "attestation", &fields.path_of("attestation"))?
            }
            _ => {
                let fields = Fields::of(node, "signed", path)?;
                self.leaf(fields.need("signature")?, "signature", &fields.path_of("signature"))?
            }
        };
        // A list is refused where it stands; its children have been looked at before.
        if matches!(requirement, Requirement::AtLeast { .. } | Requirement::Signature(_)) {
            let whole = self.own.as_ref().map_or_else(|| requirement.clone(), |own| explicit(&requirement, own));
            Policy::new(whole).map_err(|failure| LoadError::refused(node.at, path, &failure))?;
        }
        Ok(requirement)
    }

    fn children(&mut self, fields: &Fields<'_>, name: &str, depth: usize) -> Result<Vec<Requirement>, LoadError> {
        let path = fields.path_of(name);
        let items = list(fields.need(name)?, &path)?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| self.node(item, &format!("{path}[{index}]"), depth.saturating_add(1)))
            .collect()
    }

    fn leaf(&mut self, node: &Node, object: &str, path: &str) -> Result<Requirement, LoadError> {
        let fields = Fields::of(node, object, path)?;
        let claim = if object == "attestation" { attestation::claim(&fields)? } else { Claim::Signed };
        let (kind, value) = fields.one_of(&["key", "keyless"])?;
        let field = fields.path_of(kind);
        let (authority, root) = match kind {
            "key" => self.key(value, &field)?,
            _ => self.keyless(value, &field)?,
        };
        let settings = settings(&fields, kind == "keyless", &root)?;
        if let (Authority::Keyless(_), true) = (&authority, root.certificate_authorities().is_empty()) {
            let found = format!("trust root {} without any", root.origin().name);
            return Err(LoadError::invalid(value.at, &field, "a trust root with certificate authorities", found));
        }
        let leaf = SignatureRequirement::new(authority).claim(claim).settings(settings);
        let leaf = if object == "attestation" { attestation::clauses(&fields, leaf, &mut self.patterns)? } else { leaf };
        let own = self.own.get_or_insert_with(|| root.clone());
        let leaf = if Arc::ptr_eq(own, &root) { leaf } else { leaf.trusting(root) };
        Ok(Requirement::signature(leaf))
    }
}

/// Which node it is, by the one field that says so.
fn kind(node: &Node, path: &str) -> Result<&'static str, LoadError> {
    const KINDS: [&str; 5] = ["all", "any", "atLeast", "signature", "attestation"];
    let Value::Map(map) = &node.value else {
        return Err(LoadError::invalid(
            node.at,
            path,
            format!("a mapping with one of {}", KINDS.join(", ")),
            node.value.describe(),
        ));
    };
    let is_there = |name: &&&str| map.iter().any(|(key, _)| matches!(&key.value, Value::Text(text) if text == **name));
    let found: Vec<_> = KINDS.iter().filter(is_there).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let names: Vec<_> = map.iter().map(|(key, _)| key.value.describe()).take(4).collect();
            Err(LoadError::invalid(node.at, path, format!("one of {}", KINDS.join(", ")), names.join(", ")))
        }
        several => {
            let several: Vec<_> = several.iter().map(|name| **name).collect();
            Err(LoadError::invalid(node.at, path, "one of them only", several.join(" and ")).hint("put them under all"))
        }
    }
}

fn settings(fields: &Fields<'_>, keyless: bool, root: &TrustRoot) -> Result<Settings, LoadError> {
    let mut settings = Settings::default();
    let modes = [("required", TlogMode::Required), ("if-present", TlogMode::IfPresent), ("ignored", TlogMode::Ignored)];
    if let Some(node) = fields.get("tlog")? {
        settings.tlog = word(node, &fields.path_of("tlog"), &modes)?;
    }
    if let Some(node) = fields.get("logs")? {
        let field = fields.path_of("logs");
        settings.logs = count(node, &field)?;
        if settings.tlog != TlogMode::Required {
            return Err(LoadError::invalid(
                node.at,
                &field,
                "tlog: required, since logs says how many are needed",
                "another tlog",
            ));
        }
        if settings.logs == 0 {
            return Err(LoadError::invalid(node.at, &field, "at least 1", "0").hint("tlog: ignored asks for none"));
        }
        most(node, &field, settings.logs, root.logs().len(), "transparency logs", root)?;
    }
    if settings.tlog == TlogMode::Required && root.logs().is_empty() {
        let found = format!("trust root {} without any", root.origin().name);
        return Err(LoadError::invalid(
            fields.at,
            &fields.path,
            "a trust root with transparency logs, since tlog is required",
            found,
        )
        .hint("tlog: ignored asks for none"));
    }
    if let Some(node) = fields.get("sct")? {
        let field = fields.path_of("sct");
        settings.sct = word(node, &field, &[("required", SctMode::Required), ("ignored", SctMode::Ignored)])?;
        if !keyless {
            return Err(LoadError::invalid(
                node.at,
                &field,
                "sct beside keyless only: a key has no certificate",
                "sct beside key",
            ));
        }
    }
    if keyless && settings.sct == SctMode::Required && root.ct_logs().is_empty() {
        let found = format!("trust root {} without any", root.origin().name);
        return Err(LoadError::invalid(
            fields.at,
            &fields.path,
            "a trust root with certificate transparency logs, since sct is required",
            found,
        )
        .hint("sct: ignored asks for none"));
    }
    if let Some(node) = fields.get("timestamps")? {
        let field = fields.path_of("timestamps");
        settings.timestamps = count(node, &field)?;
        most(node, &field, settings.timestamps, root.timestamp_authorities().len(), "timestamp authorities", root)?;
    }
    if let Some(node) = fields.get("witnesses")? {
        settings.witnesses = Some(witnesses(node, &fields.path_of("witnesses"))?);
    }
    if let Some(node) = fields.get("certificateChain")? {
        let field = fields.path_of("certificateChain");
        settings.allow_chain = word(node, &field, &[("refused", false), ("allowed", true)])?;
        if !keyless {
            return Err(LoadError::invalid(
                node.at,
                &field,
                "certificateChain beside keyless only",
                "certificateChain beside key",
            ));
        }
    }
    Ok(settings)
}

/// Refuses a number that no signature could reach.
fn most(node: &Node, field: &str, asked: usize, there: usize, of: &str, root: &TrustRoot) -> Result<(), LoadError> {
    if asked <= there {
        return Ok(());
    }
    let expected = format!("at most {there}, the number of {of} of trust root {}", root.origin().name);
    Err(LoadError::invalid(node.at, field, expected, asked))
}

fn witnesses(node: &Node, path: &str) -> Result<Witnesses, LoadError> {
    let fields = Fields::of(node, "witnesses", path)?;
    let at_least = count(fields.need("atLeast")?, &fields.path_of("atLeast"))?;
    let field = fields.path_of("of");
    let mut of = Vec::new();
    for (index, item) in list(fields.need("of")?, &field)?.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let witness = Witness::parse(text(item, &field)?);
        of.push(
            witness.map_err(|failure| LoadError::refused(item.at, &field, &failure).hint("a verifier key is name+id+base64"))?,
        );
    }
    Ok(Witnesses { at_least, of: of.into() })
}
