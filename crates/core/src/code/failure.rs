//! [`Failure`]: one reason, with what was expected, what was found and where.
//!
//! Holds bounded, escaped text only, since half of what it quotes comes from an attacker.

use super::Code;
use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Longest piece of outside text that an error quotes, in bytes before escaping.
const QUOTE_BYTES: usize = 512;

/// Why a check did not hold: a stable code, and the data that the person who must act needs.
///
/// Shown as `CODE: meaning (expected …, found …, at …)`. Text from outside is escaped (control and invisible
/// characters) and cut to 512 bytes a piece.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    code: Code,
    /// None where the code says it all, as of every acceptance.
    detail: Option<Box<Detail>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Detail {
    expected: Option<String>,
    found: Option<String>,
    at: Option<String>,
}

impl Failure {
    /// A failure with this code and no data yet.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, detail: None }
    }

    /// Adds what should have been there.
    #[must_use]
    pub fn expected(mut self, text: impl fmt::Display) -> Self {
        self.detail_mut().expected = Some(shown(text));
        self
    }

    /// Adds what was there instead.
    #[must_use]
    pub fn found(mut self, text: impl fmt::Display) -> Self {
        self.detail_mut().found = Some(shown(text));
        self
    }

    /// Adds where: a field, a path, a layout.
    #[must_use]
    pub fn at(mut self, text: impl fmt::Display) -> Self {
        self.detail_mut().at = Some(shown(text));
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What should have been there, escaped and bounded.
    #[must_use]
    pub fn expected_text(&self) -> Option<&str> {
        self.detail.as_ref()?.expected.as_deref()
    }

    /// What was there, escaped and bounded.
    #[must_use]
    pub fn found_text(&self) -> Option<&str> {
        self.detail.as_ref()?.found.as_deref()
    }

    /// Where it was, escaped and bounded.
    #[must_use]
    pub fn at_text(&self) -> Option<&str> {
        self.detail.as_ref()?.at.as_deref()
    }

    /// The data in one clause, without code and meaning: `expected …, found …, at …`. Empty when there is none.
    #[must_use]
    pub fn detail(&self) -> String {
        let texts = [("expected", self.expected_text()), ("found", self.found_text()), ("at", self.at_text())];
        let parts = texts.into_iter().filter_map(|(name, text)| Some(format!("{name} {}", text?)));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn detail_mut(&mut self) -> &mut Detail {
        self.detail.get_or_insert_default()
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.code.meaning())?;
        let detail = self.detail();
        if detail.is_empty() { Ok(()) } else { write!(f, " ({detail})") }
    }
}

impl std::error::Error for Failure {}

/// Outside text made fit for a terminal, a log line and a report: control, bidirectional and other invisible
/// characters are escaped, and what is longer than 512 bytes is cut at a character and marked with `…`.
#[must_use]
pub fn bounded(text: &str) -> String {
    shown(text)
}

/// [`bounded`] for what is still to be written as text: what lies beyond the bound is never made.
fn shown(text: impl fmt::Display) -> String {
    let mut out = Bounded { text: String::with_capacity(64), taken: 0 };
    // It refuses what lies beyond the bound, and the end of the text is marked already.
    let _ = write!(out, "{text}");
    out.text
}

/// Text as it is shown, and how much of the outside text stands in it.
struct Bounded {
    text: String,
    taken: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for c in part.chars() {
            let taken = self.taken.saturating_add(c.len_utf8());
            if taken > QUOTE_BYTES {
                self.text.push('…');
                return Err(fmt::Error);
            }
            self.taken = taken;
            if needs_escape(c) {
                self.text.extend(c.escape_unicode());
            } else {
                self.text.push(c);
            }
        }
        Ok(())
    }
}

/// [`bounded`] for bytes that should be text: what is not UTF-8 is replaced.
#[must_use]
pub fn bounded_bytes(bytes: &[u8]) -> String {
    let head = bytes.get(..QUOTE_BYTES.saturating_add(4)).unwrap_or(bytes);
    let text: Cow<'_, str> = String::from_utf8_lossy(head);
    bounded(&text)
}

fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped_and_bounded() {
        let failure = Failure::new(Code::ReferenceInvalid).found(format!("a\n\u{202e}{}", "x".repeat(5000)));
        let shown = failure.to_string();
        assert!(shown.contains(r"a\u{a}\u{202e}xxx"), "{shown}");
        assert!(shown.len() < 1024, "{}", shown.len());
        assert!(shown.ends_with("…)"), "{shown}");
    }

    #[test]
    fn the_parts_of_a_failure_are_all_shown() {
        let failure = Failure::new(Code::ReferenceInvalid).expected("a").found("b").at("c");
        assert!(failure.to_string().ends_with("(expected a, found b, at c)"), "{failure}");
    }
}
