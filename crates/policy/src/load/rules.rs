//! The rules of a policy: `images`.

use super::Loader;
use crate::error::LoadError;
use crate::fields::{Fields, list, text, word};
use crate::image_pattern::ImagePattern;
use crate::node::{Node, Value};
use crate::rule::{Action, Pin, Rule};
use std::collections::BTreeMap;
use veriseal::gather::PlatformChoice;
use veriseal::oci::Platform;
use veriseal::{Digest, Exception, Failure, Policy, UnixTime, Verifier};

/// Most rules of a policy.
const MAX_RULES: usize = 200;

impl Loader<'_, '_> {
    pub(super) fn rules(&mut self, node: &Node) -> Result<Vec<Rule>, LoadError> {
        let items = list(node, "images")?;
        if items.len() > MAX_RULES {
            return Err(LoadError::invalid(node.at, "images", format!("at most {MAX_RULES} rules"), items.len()));
        }
        items.iter().enumerate().map(|(index, item)| self.rule(item, &format!("images[{index}]"))).collect()
    }

    fn rule(&mut self, node: &Node, path: &str) -> Result<Rule, LoadError> {
        self.own = None;
        self.places = BTreeMap::new();
        let fields = Fields::of(node, "rule", path)?;
        let field = fields.path_of("match");
        let mut patterns = Vec::new();
        for (index, item) in list(fields.need("match")?, &field)?.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let pattern = ImagePattern::new(text(item, &field)?);
            let pattern = pattern.map_err(|failure| LoadError::refused(item.at, &field, &failure))?;
            patterns.push((pattern, item.at));
        }
        let (kind, value) = fields.one_of(&["require", "allow", "deny"])?;
        let field = fields.path_of(kind);
        let action = match kind {
            "require" => {
                let requirement = self.requirement(value, &field)?;
                let policy = Policy::new(requirement).map_err(|failure| LoadError::refused(value.at, &field, &failure))?;
                let root = self.own.clone().ok_or_else(|| LoadError::invalid(value.at, &field, "an authority", "none"))?;
                Action::Verify(Box::new(Verifier::new(root, policy)))
            }
            "allow" => {
                let exception = allow(value, &field)?;
                let root = veriseal::TrustRoot::builder("none").build();
                Action::Verify(Box::new(Verifier::new(root, Policy::exception(exception))))
            }
            _ => {
                let deny = Fields::of(value, "deny", &field)?;
                Action::Deny { reason: text(deny.need("reason")?, &deny.path_of("reason"))?.to_owned() }
            }
        };
        let pin = self.pin(&fields, kind)?;
        let platforms = platforms(&fields, kind)?;
        let places = std::mem::take(&mut self.places);
        Ok(Rule { name: path.to_owned(), at: fields.at, patterns, action, pin, places }.for_platforms(platforms))
    }

    fn pin(&self, fields: &Fields<'_>, kind: &str) -> Result<Pin, LoadError> {
        let Some(node) = fields.get("pin")? else { return Ok(Pin::default()) };
        let field = fields.path_of("pin");
        if kind == "deny" {
            return Err(
                LoadError::invalid(node.at, &field, "no pin beside deny", "pin").hint("every image is refused, pinned or not")
            );
        }
        word(node, &field, &[("resolve", Pin::Resolve), ("require-digest", Pin::RequireDigest)])
    }
}

fn platforms(fields: &Fields<'_>, kind: &str) -> Result<PlatformChoice, LoadError> {
    let Some(node) = fields.get("platforms")? else { return Ok(PlatformChoice::index()) };
    let field = fields.path_of("platforms");
    if kind == "deny" {
        return Err(LoadError::invalid(node.at, &field, "no platforms beside deny", "platforms"));
    }
    let Value::List(_) = &node.value else {
        let all = word(node, &field, &[("index", false), ("all", true)])?;
        return Ok(if all { PlatformChoice::all() } else { PlatformChoice::index() });
    };
    let mut of: Vec<Platform> = Vec::new();
    for (index, item) in list(node, &field)?.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let platform = text(item, &field)?.parse();
        of.push(platform.map_err(|failure| LoadError::refused(item.at, &field, &failure))?);
    }
    // The same platforms are the same rule.
    of.sort_unstable();
    PlatformChoice::named(of).map_err(|failure| LoadError::refused(node.at, &field, &failure))
}

fn allow(node: &Node, path: &str) -> Result<Exception, LoadError> {
    let fields = Fields::of(node, "allow", path)?;
    let field = fields.path_of("digests");
    let mut digests = Vec::new();
    for (index, item) in list(fields.need("digests")?, &field)?.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let digest: Digest =
            text(item, &field)?.parse().map_err(|failure: Failure| LoadError::refused(item.at, &field, &failure))?;
        if digests.contains(&digest) {
            return Err(LoadError::invalid(item.at, &field, "each digest once", digest));
        }
        digests.push(digest);
    }
    let reason = text(fields.need("reason")?, &fields.path_of("reason"))?;
    let until = end_of_day(fields.need("until")?, &fields.path_of("until"))?;
    Exception::new(digests, reason, until).map_err(|failure| LoadError::refused(node.at, path, &failure))
}

/// The last second of a day, UTC.
fn end_of_day(node: &Node, field: &str) -> Result<UnixTime, LoadError> {
    let day = text(node, field)?;
    let is_day = day.len() == 10;
    let end = if is_day { UnixTime::parse_rfc3339(&format!("{day}T23:59:59Z")).ok() } else { None };
    end.ok_or_else(|| {
        LoadError::invalid(node.at, field, "a day such as 2027-01-31", day).hint("the exception ends at the end of this day, UTC")
    })
}
