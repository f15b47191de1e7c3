//! [`LoadError`]: why a policy does not load, where, and what to do.

use std::fmt;
use veriseal::code::bounded;
use veriseal::{Code, Failure};

/// A place in a document. Both are counted from 1; 0 where a policy was not read from text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column, in characters for YAML and in bytes for JSON.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a policy does not load. Shown as `FILE:LINE:COLUMN: CODE: … (expected …, found …, at FIELD); hint: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    pub(crate) inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) file: String,
    pub(crate) position: Position,
    pub(crate) failure: Failure,
    pub(crate) hint: Option<String>,
}

impl LoadError {
    pub(crate) fn new(position: Position, failure: Failure) -> Self {
        Self { inner: Box::new(Inner { file: String::new(), position, failure, hint: None }) }
    }

    /// A policy that cannot be used, at a field.
    pub(crate) fn invalid(position: Position, field: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::new(position, Failure::new(Code::PolicyInvalid).expected(expected).found(found).at(field))
    }

    /// What the core refused, at a field of the document.
    pub(crate) fn refused(position: Position, field: &str, failure: &Failure) -> Self {
        let mut located = Failure::new(failure.code());
        if let Some(expected) = failure.expected_text() {
            located = located.expected(expected);
        }
        if let Some(found) = failure.found_text() {
            located = located.found(found);
        }
        let at = failure.at_text().map_or_else(|| field.to_owned(), |at| format!("{field} ({at})"));
        Self::new(position, located.at(at))
    }

    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.inner.hint = Some(bounded(&hint.to_string()));
        self
    }

    pub(crate) fn of_file(mut self, name: &str) -> Self {
        self.inner.file = bounded(name);
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.inner.failure.code()
    }

    /// What is wrong, with its data.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.inner.failure
    }

    /// Where.
    #[must_use]
    pub fn position(&self) -> Position {
        self.inner.position
    }

    /// What to do about it, where more can be said than the code does.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { file, position, failure, hint } = &*self.inner;
        write!(f, "{file}:{position}: {failure}")?;
        hint.as_ref().map_or(Ok(()), |hint| write!(f, "; hint: {hint}"))
    }
}

impl std::error::Error for LoadError {}
