//! Who may vouch: keys, and identities with their issuers.

use super::Loader;
use crate::error::LoadError;
use crate::fields::{Fields, list, text, word};
use crate::node::{Node, Value};
use std::sync::Arc;
use veriseal::policy::SubjectKind;
use veriseal::{Authority, Identity, KeyAuthority, KeylessAuthority, PublicKey, StringMatch, TrustRoot, UnixTime, Validity};

/// Most identities of one authority.
const MAX_IDENTITIES: usize = 100;
/// Names that people use for extensions, and what Fulcio's documents call them.
const EXTENSION_ALIASES: &[(&str, &str)] =
    &[("sourceRepositoryVisibility", "sourceRepositoryVisibilityAtSigning"), ("githubWorkflowSha", "githubWorkflowSHA")];
const KINDS: [(&str, SubjectKind); 3] =
    [("email", SubjectKind::Email), ("uri", SubjectKind::Uri), ("othername", SubjectKind::OtherName)];

impl Loader<'_, '_> {
    pub(super) fn key(&mut self, node: &Node, path: &str) -> Result<(Authority, Arc<TrustRoot>), LoadError> {
        if let Value::Text(_) = &node.value {
            let (key, name) = self.key_file(node, path)?;
            return Ok((Authority::Key(KeyAuthority::new(key, &name)), self.root(None, path)?));
        }
        let fields = Fields::of(node, "key", path)?;
        let (source, value) = fields.one_of(&["file", "pem"])?;
        let field = fields.path_of(source);
        let (key, name) = if source == "file" {
            self.key_file(value, &field)?
        } else {
            let key = PublicKey::from_pem(text(value, &field)?.as_bytes());
            let key = key.map_err(|failure| LoadError::refused(value.at, &field, &failure))?;
            let name = key.hint();
            (key, name)
        };
        let mut moments = [None, None];
        for (moment, name) in moments.iter_mut().zip(["notBefore", "notAfter"]) {
            if let Some(node) = fields.get(name)? {
                let field = fields.path_of(name);
                let parsed = UnixTime::parse_rfc3339(text(node, &field)?);
                let parsed = parsed.map_err(|failure| LoadError::refused(node.at, &field, &failure))?;
                *moment = Some(parsed);
            }
        }
        let [start, end] = moments;
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(LoadError::invalid(node.at, path, "notBefore before notAfter", format!("{start} after {end}")));
        }
        let authority = KeyAuthority::new(key, &name).valid_within(Validity { start, end });
        let root = self.root(fields.get("trust")?, &fields.path_of("trust"))?;
        Ok((Authority::Key(authority), root))
    }

    fn key_file(&mut self, node: &Node, field: &str) -> Result<(PublicKey, String), LoadError> {
        let name = text(node, field)?.to_owned();
        if let Some(known) = self.keys.get(&name) {
            return Ok((known.clone(), name));
        }
        let pem = self.file(node, field)?;
        let key = PublicKey::from_pem(&pem).map_err(|failure| LoadError::refused(node.at, field, &failure))?;
        self.keys.insert(name.clone(), key.clone());
        Ok((key, name))
    }

    pub(super) fn keyless(&mut self, node: &Node, path: &str) -> Result<(Authority, Arc<TrustRoot>), LoadError> {
        let fields = Fields::of(node, "keyless", path)?;
        let root = self.root(fields.get("trust")?, &fields.path_of("trust"))?;
        let mut identities = Vec::new();
        if let Some(several) = fields.get("identities")? {
            if let Some(name) = fields.names().find(|name| !["trust", "identities"].contains(name)) {
                let expected = "either one identity or identities";
                return Err(LoadError::invalid(several.at, path, expected, format!("{name} beside identities")));
            }
            let field = fields.path_of("identities");
            let items = list(several, &field)?;
            if items.len() > MAX_IDENTITIES {
                return Err(LoadError::invalid(several.at, &field, format!("at most {MAX_IDENTITIES}"), items.len()));
            }
            for (index, item) in items.iter().enumerate() {
                identities.push(self.identity(&Fields::of(item, "identity", &format!("{field}[{index}]"))?)?);
            }
        } else {
            identities.push(self.identity(&fields)?);
        }
        let keyless = KeylessAuthority::new(identities).map_err(|failure| LoadError::refused(node.at, path, &failure))?;
        Ok((Authority::Keyless(keyless), root))
    }

    /// An issuer and a subject: one without the other would be anybody.
    fn identity(&mut self, fields: &Fields<'_>) -> Result<Identity, LoadError> {
        let (issuer_node, subject_node) = (fields.need("issuer")?, fields.need("identity")?);
        let issuer = self.patterns.string_match(issuer_node, &fields.path_of("issuer"))?;
        let field = fields.path_of("identity");
        let subject = self.patterns.string_match(subject_node, &field)?;
        let stated = fields.get("subjectKind")?.map(|node| word(node, &fields.path_of("subjectKind"), &KINDS)).transpose()?;
        let evident = kind_of(&subject);
        let kind = match (stated, evident) {
            (Some(stated), Some(evident)) if stated != evident => {
                let expected = format!("subjectKind: {}, which is what the identity looks like", evident.name());
                return Err(LoadError::invalid(subject_node.at, &field, expected, stated.name()));
            }
            (Some(kind), _) | (None, Some(kind)) => kind,
            (None, None) => {
                return Err(LoadError::invalid(
                    subject_node.at,
                    &field,
                    "subjectKind beside it: email, uri or othername",
                    "a pattern that could match names of several kinds",
                ));
            }
        };
        let identity = Identity::new(subject, issuer).map_err(|failure| LoadError::refused(fields.at, &fields.path, &failure))?;
        let mut identity = identity.kind(kind);
        if let Some(node) = fields.get("extensions")? {
            let path = fields.path_of("extensions");
            let Value::Map(entries) = &node.value else {
                return Err(LoadError::invalid(node.at, &path, "a mapping of extensions to values", node.value.describe()));
            };
            if entries.is_empty() {
                return Err(LoadError::invalid(node.at, &path, "at least one extension", "none"));
            }
            for (key, value) in entries {
                let written = text(key, &path)?;
                let name = EXTENSION_ALIASES.iter().find(|(alias, _)| *alias == written).map_or(written, |(_, name)| name);
                let field = format!("{path}.{written}");
                let value = self.patterns.string_match(value, &field)?;
                identity = identity.extension(name, value).map_err(|failure| LoadError::refused(key.at, &path, &failure))?;
            }
        }
        self.certificate(fields, identity)
    }

    /// What certificates of an authority of one's own state besides.
    fn certificate(&mut self, fields: &Fields<'_>, mut identity: Identity) -> Result<Identity, LoadError> {
        if let Some(node) = fields.get("subjectDn")? {
            let path = fields.path_of("subjectDn");
            let Value::Map(entries) = &node.value else {
                return Err(LoadError::invalid(node.at, &path, "a mapping of attributes to values", node.value.describe()));
            };
            if entries.is_empty() {
                return Err(LoadError::invalid(node.at, &path, "at least one attribute", "none"));
            }
            for (key, value) in entries {
                let of = text(key, &path)?;
                let value = self.patterns.string_match(value, &format!("{path}.{of}"))?;
                identity = identity.subject_dn(of, value).map_err(|failure| LoadError::refused(key.at, &path, &failure))?;
            }
        }
        if let Some(node) = fields.get("policyOids")? {
            let path = fields.path_of("policyOids");
            for (index, item) in list(node, &path)?.iter().enumerate() {
                let field = format!("{path}[{index}]");
                identity =
                    identity.policy_oid(text(item, &field)?).map_err(|failure| LoadError::refused(item.at, &field, &failure))?;
            }
        }
        Ok(identity)
    }
}

/// The kind of name that a value can only be, where it can be only one: by a scheme at its very beginning, or of an exact
/// value by its `@` or `!`.
fn kind_of(value: &StringMatch) -> Option<SubjectKind> {
    let (text, exact) = match value {
        StringMatch::Exact(text) => (text.as_str(), true),
        StringMatch::Glob(glob) => (glob.as_str(), false),
        // Without a choice in it, whatever matches begins as the pattern does, up to the last character shown here.
        StringMatch::Pattern(pattern) => {
            let source = pattern.as_str();
            let from_scheme = source.strip_prefix('^').unwrap_or(source).starts_with("https://");
            return (from_scheme && !source.contains('|')).then_some(SubjectKind::Uri);
        }
        _ => return None,
    };
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    match exact {
        _ if is_scheme => Some(SubjectKind::Uri),
        true if text.contains('@') && !text.contains(['!', ':']) => Some(SubjectKind::Email),
        true if text.contains('!') && !text.contains(['@', ':']) => Some(SubjectKind::OtherName),
        _ => None,
    }
}
