//! JSON (RFC 8259) with places. Syntax, doubled keys and depth are the core's strict reader's; this adds the tree.

use super::{MAX_DEPTH, MAX_NODES, Node, Value};
use crate::error::{LoadError, Position};
use veriseal::encoding::json;
use veriseal::{Code, Failure};

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, LoadError> {
    json::parse::<serde::de::IgnoredAny>(text.as_bytes(), MAX_DEPTH).map_err(|error| {
        let position = Position { line: error.line(), column: error.column() };
        let failure = Failure::new(Code::PolicyInvalid).expected("a policy in JSON").found(error.message());
        LoadError::new(position, failure)
    })?;
    let mut tree = Tree { bytes: text.as_bytes(), at: 0, line: 1, line_start: 0, nodes: 0 };
    tree.value()
}

/// Builds the tree of a text that is known to be JSON; what it cannot make sense of is an error all the same.
struct Tree<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    line_start: usize,
    nodes: usize,
}

impl Tree<'_> {
    fn position(&self) -> Position {
        Position { line: self.line, column: self.at.saturating_sub(self.line_start).saturating_add(1) }
    }

    fn error(&self, expected: &str) -> LoadError {
        LoadError::invalid(self.position(), "document", expected, "something else")
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                b'\n' => {
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.at.saturating_add(1);
                }
                b' ' | b'\t' | b'\r' => {}
                other => return Some(other),
            }
            self.at = self.at.saturating_add(1);
        }
        None
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.at = self.at.saturating_add(1);
        }
        is_next
    }

    fn value(&mut self) -> Result<Node, LoadError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(self.error(&format!("at most {MAX_NODES} values")));
        }
        let first = self.peek();
        let at = self.position();
        let value = match first {
            Some(b'{') => self.map()?,
            Some(b'[') => self.list()?,
            Some(b'"') => Value::Text(self.string()?),
            Some(_) => self.word()?,
            None => return Err(self.error("a value")),
        };
        Ok(Node { value, at })
    }

    fn map(&mut self) -> Result<Value, LoadError> {
        let mut map = Vec::new();
        self.take(b'{');
        while self.peek() != Some(b'}') {
            let key = self.value()?;
            if !self.take(b':') {
                return Err(self.error(":"));
            }
            map.push((key, self.value()?));
            if !self.take(b',') {
                break;
            }
        }
        if self.take(b'}') { Ok(Value::Map(map)) } else { Err(self.error("}")) }
    }

    fn list(&mut self) -> Result<Value, LoadError> {
        let mut list = Vec::new();
        self.take(b'[');
        while self.peek() != Some(b']') {
            list.push(self.value()?);
            if !self.take(b',') {
                break;
            }
        }
        if self.take(b']') { Ok(Value::List(list)) } else { Err(self.error("]")) }
    }

    fn string(&mut self) -> Result<String, LoadError> {
        let start = self.at;
        let mut end = start.saturating_add(1);
        while let Some(byte) = self.bytes.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end = end.saturating_add(2),
                _ => end = end.saturating_add(1),
            }
        }
        let quoted = self.bytes.get(start..=end).unwrap_or_default();
        let text = serde_json::from_slice(quoted).map_err(|_| self.error("a string"))?;
        self.at = end.saturating_add(1);
        Ok(text)
    }

    fn word(&mut self) -> Result<Value, LoadError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = rest.get(..length).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
        let value = match word {
            "" => return Err(self.error("a value")),
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => number.parse().map_or(Value::Number, Value::Integer),
        };
        self.at = self.at.saturating_add(length);
        Ok(value)
    }
}
