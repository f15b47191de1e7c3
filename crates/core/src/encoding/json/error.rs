//! [`JsonError`]: which rule a document breaks, and where.

use super::field::TOO_MANY;
use crate::code::{Code, Failure, bounded};
use std::fmt;

/// What rule a document breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonRule {
    /// It is not JSON in UTF-8, or something stands before or after it.
    Syntax,
    /// A value has another type than the format says, is missing, or its field is unknown.
    Type,
    /// One key stands twice in an object.
    DuplicateKey,
    /// A known key is spelled in another case; some readers take it for the known one.
    KeyCase,
    /// Nesting deeper than the bound.
    Depth,
    /// A list longer than the bound.
    TooMany,
}

/// Why a document was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at line {line} column {column}")]
pub struct JsonError {
    rule: JsonRule,
    line: usize,
    column: usize,
    message: String,
}

impl JsonError {
    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> JsonRule {
        self.rule
    }

    /// Line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in bytes, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, escaped and bounded.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// This as a [`Failure`] with the code of the document that was read.
    #[must_use]
    pub fn failure(&self, code: Code) -> Failure {
        Failure::new(code).found(&self.message).at(format_args!("line {} column {}", self.line, self.column))
    }

    pub(super) fn at_offset(bytes: &[u8], offset: usize, rule: JsonRule, message: impl fmt::Display) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line = before.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1);
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count().saturating_add(1);
        Self { rule, line, column, message: bounded(&message.to_string()) }
    }

    pub(super) fn of_serde(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        let rule = match error.classify() {
            serde_json::error::Category::Data if message.starts_with(TOO_MANY) => JsonRule::TooMany,
            serde_json::error::Category::Data => JsonRule::Type,
            _ => JsonRule::Syntax,
        };
        Self { rule, line, column, message: bounded(message) }
    }
}

impl From<JsonError> for Failure {
    /// [`Code::JsonInvalid`], or [`Code::TooManyEntries`] for a list beyond its bound.
    fn from(error: JsonError) -> Self {
        error.failure(if error.rule == JsonRule::TooMany { Code::TooManyEntries } else { Code::JsonInvalid })
    }
}
