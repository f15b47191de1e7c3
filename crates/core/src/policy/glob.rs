//! [`Glob`]: a value with wildcards, matched as a whole.

use super::pattern::Pattern;
use crate::code::{Code, Failure};

/// What `*` stands for: any run of characters that does not leave a segment of a URL or an address. Besides `/` those are
/// the characters by which the rest of a URL becomes a query, a fragment or another host (`evil#.example`, K-PO-13).
const SEGMENT: &str = r"[^/?#@\\\s\x00-\x1f\x7f]*";
/// What `**` stands for.
const ACROSS: &str = r"[^\x00-\x1f\x7f]*";

/// Wildcards over the whole string: `*` within a segment, `**` across segments; everything else means itself.
///
/// A segment ends at `/`, and `*` stands for none of `/ ? # @ \` and white space either. Both may stand for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    source: String,
    compiled: Pattern,
}

impl Glob {
    /// Compiles a glob.
    ///
    /// # Errors
    /// [`Code::PatternInvalid`] when it is empty, holds `***`, or is longer than what a pattern may compile to.
    pub fn new(source: &str) -> Result<Self, Failure> {
        Self::within(source, usize::MAX)
    }

    /// Compiles a glob that may take at most `bytes`.
    ///
    /// # Errors
    /// As [`Glob::new`] and [`Pattern::within`].
    pub fn within(source: &str, bytes: usize) -> Result<Self, Failure> {
        let invalid = |expected: &str| Failure::new(Code::PatternInvalid).expected(expected).found(source);
        if source.is_empty() {
            return Err(invalid("a glob"));
        }
        if source.contains("***") {
            return Err(invalid("* within a segment or ** across segments"));
        }
        let across: Vec<String> =
            source.split("**").map(|part| part.split('*').map(regex::escape).collect::<Vec<_>>().join(SEGMENT)).collect();
        Ok(Self { source: source.to_owned(), compiled: Pattern::within(&across.join(ACROSS), bytes)? })
    }

    /// The glob as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.compiled.matches(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K-PO-02: nothing but the wildcards is wild, and `*` stays where it stands.
    #[test]
    fn a_star_stays_within_its_segment() {
        let glob = Glob::new("https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*").unwrap();
        assert!(glob.matches("https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2"));
        for hostile in [
            "https://github.com/acme/a/b/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/a?b/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/a#b/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/a@b/.github/workflows/release.yml@refs/tags/v1",
            "https://githubxcom/acme/app/.github/workflows/release.yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/release_yml@refs/tags/v1",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1/x",
            "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1\n",
            "https://evil.example/https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
        ] {
            assert!(!glob.matches(hostile), "{hostile:?}");
        }
    }

    #[test]
    fn two_stars_cross_segments_and_nothing_else_is_wild() {
        let glob = Glob::new("https://github.com/acme/**").unwrap();
        assert!(glob.matches("https://github.com/acme/a/b@refs/heads/main"));
        assert!(!glob.matches("https://github.com/acme-evil/a"));
        assert!(!glob.matches("https://github.com/acme/a\nb"));
        let literal = Glob::new(r"a.b+c?[d]\d").unwrap();
        assert!(literal.matches(r"a.b+c?[d]\d"));
        assert!(!literal.matches("axb+c?[d]5"));
    }

    #[test]
    fn a_glob_of_nothing_or_of_three_stars_is_refused() {
        for bad in ["", "***", "a/***/b"] {
            assert_eq!(Glob::new(bad).unwrap_err().code(), Code::PatternInvalid, "{bad:?}");
        }
    }
}
