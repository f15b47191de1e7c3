//! [`Patterns`]: compiles the patterns of a policy, each once, within a bound for all of them.

use crate::error::LoadError;
use crate::fields::text;
use crate::node::{Node, Value};
use std::collections::HashMap;
use veriseal::policy::Glob;
use veriseal::{Code, Failure, Pattern, StringMatch};

/// Bytes that all patterns of a policy may compile to. A short text can ask for very much: `[a-z]{2000}` is 10 bytes.
const MAX_TOTAL: usize = 16 * 1024 * 1024;
/// What one pattern may compile to, tried in this order; an honest one has a few kB.
const STEPS: [usize; 4] = [16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024];

/// The patterns that were compiled, and how much more may be.
#[derive(Debug)]
pub(super) struct Patterns {
    known: HashMap<(bool, String), StringMatch>,
    left: usize,
}

impl Patterns {
    pub(super) fn new() -> Self {
        Self { known: HashMap::new(), left: MAX_TOTAL }
    }

    /// Text is meant exactly; `{glob: …}` and `{regex: …}` are patterns over the whole.
    pub(super) fn string_match(&mut self, node: &Node, path: &str) -> Result<StringMatch, LoadError> {
        let Value::Map(map) = &node.value else { return Ok(StringMatch::Exact(text(node, path)?.to_owned())) };
        let [(key, value)] = map.as_slice() else {
            return Err(LoadError::invalid(
                node.at,
                path,
                "text, or exactly one of exact, glob, regex",
                format!("{} fields", map.len()),
            ));
        };
        let kind = match &key.value {
            Value::Text(kind) if ["exact", "glob", "regex"].contains(&kind.as_str()) => kind.as_str(),
            other => return Err(LoadError::invalid(key.at, path, "exact, glob or regex", other.describe())),
        };
        let source = text(value, path)?;
        if kind == "exact" {
            return Ok(StringMatch::Exact(source.to_owned()));
        }
        self.compile(kind == "glob", source).map_err(|failure| LoadError::refused(value.at, path, &failure))
    }

    fn compile(&mut self, is_glob: bool, source: &str) -> Result<StringMatch, Failure> {
        let key = (is_glob, source.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let mut refused = None;
        for bytes in STEPS {
            if bytes > self.left {
                return Err(Failure::new(Code::PolicyInvalid)
                    .expected("patterns that take at most 16 MiB together")
                    .found(format_args!("more, at {source}")));
            }
            let compiled = match is_glob {
                true => Glob::within(source, bytes).map(StringMatch::Glob),
                false => Pattern::within(source, bytes).map(StringMatch::Pattern),
            };
            match compiled {
                Ok(compiled) => {
                    self.left = self.left.saturating_sub(bytes);
                    self.known.insert(key, compiled.clone());
                    return Ok(compiled);
                }
                Err(failure) => refused = Some(failure),
            }
        }
        Err(refused.unwrap_or_else(|| Code::PatternInvalid.into()))
    }
}
