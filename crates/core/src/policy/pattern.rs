//! [`StringMatch`]: how a value of a certificate is compared, exactly or by a pattern over the whole string.

use super::glob::Glob;
use crate::code::{Code, Failure};
use regex::{Regex, RegexBuilder};
use std::fmt;

/// Bytes that a compiled pattern may take; what is larger is refused at construction (K-DS-07).
const PATTERN_BYTES: usize = 1024 * 1024;

/// A regular expression that must match the whole string (linear-time engine, ASCII classes).
///
/// Go tools leave patterns unanchored, so that `https://github.com/org` also matches `https://evil.example/?https://github.com/org`
/// (K-PO-02). Here the pattern is anchored on both ends, always; write `.*` where anything may stand.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    anchored: Regex,
    unanchored: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`Code::PatternInvalid`] when it is empty, does not parse, or compiles to more than 1 MiB.
    pub fn new(source: &str) -> Result<Self, Failure> {
        Self::within(source, PATTERN_BYTES)
    }

    /// Compiles a pattern that may take at most `bytes`, for whoever reads many of them from one source.
    ///
    /// # Errors
    /// As [`Pattern::new`], with the smaller of the two bounds.
    pub fn within(source: &str, bytes: usize) -> Result<Self, Failure> {
        if source.is_empty() {
            return Err(Failure::new(Code::PatternInvalid)
                .expected("a pattern")
                .found("an empty one, which would match only nothing"));
        }
        // Compiled on its own first, so that an unbalanced `)` cannot close the anchoring group.
        let ascii = ascii_classes(source);
        let unanchored = compile(&ascii, source, bytes)?;
        let anchored = compile(&format!(r"\A(?:{ascii})\z"), source, bytes)?;
        Ok(Self { source: source.to_owned(), anchored, unanchored })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.anchored.is_match(text)
    }

    /// Whether some part of `text` matches though the whole does not: what an unanchored tool would have accepted.
    #[must_use]
    pub fn would_match_unanchored(&self, text: &str) -> bool {
        !self.anchored.is_match(text) && self.unanchored.is_match(text)
    }
}

fn compile(pattern: &str, shown: &str, bytes: usize) -> Result<Regex, Failure> {
    RegexBuilder::new(pattern)
        .size_limit(bytes.min(PATTERN_BYTES))
        .build()
        .map_err(|error| Failure::new(Code::PatternInvalid).found(format_args!("{shown}: {error}")))
}

/// Rewrites the Perl classes to their ASCII meaning, which is what Go's engine gives them: in Unicode `\d` would also
/// match the digits of forty other scripts. The bracketed forms nest inside a class as well.
fn ascii_classes(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str(r"[\t\n\f\r ]"),
            Some('S') => out.push_str(r"[^\t\n\f\r ]"),
            Some('b') => out.push_str(r"(?-u:\b)"),
            Some('B') => out.push_str(r"(?-u:\B)"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

/// How a value is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StringMatch {
    /// Byte for byte.
    Exact(String),
    /// A pattern over the whole string.
    Pattern(Pattern),
    /// Both must hold.
    Both(String, Pattern),
    /// A glob over the whole string.
    Glob(Glob),
}

impl StringMatch {
    /// Whether `value` satisfies it.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == value,
            Self::Pattern(pattern) => pattern.matches(value),
            Self::Both(exact, pattern) => exact == value && pattern.matches(value),
            Self::Glob(glob) => glob.matches(value),
        }
    }

    /// The pattern in it, if there is one.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            // A glob is never read unanchored by other tools, so there is nothing to warn of.
            Self::Exact(_) | Self::Glob(_) => None,
            Self::Pattern(pattern) | Self::Both(_, pattern) => Some(pattern),
        }
    }

    /// Refuses what would match the empty string only by accident: an empty exact value.
    pub(crate) fn validate(&self, field: &str) -> Result<(), Failure> {
        match self {
            Self::Exact(exact) | Self::Both(exact, _) if exact.is_empty() => {
                Err(Failure::new(Code::PolicyInvalid).expected("a value").found("an empty one").at(field))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for StringMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Pattern(pattern) => write!(f, "pattern {}", pattern.as_str()),
            Self::Both(exact, pattern) => write!(f, "{exact} and pattern {}", pattern.as_str()),
            Self::Glob(glob) => write!(f, "glob {}", glob.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K-PO-02: the whole string, not a part of it.
    #[test]
    fn a_pattern_matches_the_whole_string() {
        let pattern = Pattern::new("https://github.com/org").unwrap();
        assert!(pattern.matches("https://github.com/org"));
        for hostile in [
            "https://github.com/org-evil",
            "https://evil.example/?https://github.com/org",
            "https://github.com/org\n",
            "\nhttps://github.com/org",
        ] {
            assert!(!pattern.matches(hostile), "{hostile:?}");
            assert!(pattern.would_match_unanchored(hostile), "{hostile:?}");
        }
        assert!(!pattern.would_match_unanchored("https://github.com/org"));
    }

    #[test]
    fn alternatives_stay_inside_the_anchors() {
        let pattern = Pattern::new("a|b").unwrap();
        assert!(pattern.matches("a") && pattern.matches("b"));
        assert!(!pattern.matches("ax") && !pattern.matches("xb"));
    }

    #[test]
    fn what_cannot_be_compiled_is_pattern_invalid() {
        for bad in ["", "a)(b", "(", r"\", "[", "(?:a{1000}){1000}"] {
            assert_eq!(Pattern::new(bad).unwrap_err().code(), Code::PatternInvalid, "{bad}");
        }
    }

    /// K-DS-07: the engine is linear, so this returns at once.
    #[test]
    fn nested_repetition_is_no_trap() {
        let pattern = Pattern::new("(a+)+$").unwrap();
        assert!(!pattern.matches(&format!("{}!", "a".repeat(50_000))));
    }

    /// Go's `\d` is ASCII only; a Unicode digit must not widen a pattern that was written for Go.
    #[test]
    fn classes_are_ascii() {
        let pattern = Pattern::new(r"v\d+").unwrap();
        assert!(pattern.matches("v12"));
        assert!(!pattern.matches("v\u{0661}"));
        let class = Pattern::new(r"[\w.]+\\d").unwrap();
        assert!(class.matches(r"a.b\d"));
        assert!(!class.matches("\u{00e9}\\d"));
    }
}
