//! [`Console`]: where reports and notes go, and whether they are coloured.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use veriseal::report::Style;

/// Standard output for reports, standard error for everything else.
pub struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    style: Style,
    broken: bool,
    /// Only a network keeps somebody waiting.
    #[cfg_attr(not(feature = "network"), allow(dead_code, reason = "only what asks a registry has need of it"))]
    progress: bool,
}

impl Console {
    /// The console of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let style = style(io::stdout().is_terminal(), std::env::var_os("NO_COLOR").as_deref());
        Self { progress: io::stderr().is_terminal(), ..Self::new(Box::new(io::stdout()), Box::new(io::stderr()), style) }
    }

    /// Any two places.
    #[must_use]
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>, style: Style) -> Self {
        Self { out, err, style, broken: false, progress: false }
    }

    /// Whether somebody sits before standard error who may want to see that something is going on.
    #[cfg(feature = "network")]
    pub(crate) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// How reports are decorated.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Prints to standard output as it is.
    pub(crate) fn print(&mut self, text: impl Display) {
        let written = write!(self.out, "{text}").and_then(|()| self.out.flush());
        if let Err(error) = written
            && !self.broken
        {
            self.broken = true;
            self.note(format_args!("standard output cannot be written: {error}"));
        }
    }

    /// Prints one line to standard error, with the name of the program. Where even that fails there is nobody to tell.
    pub(crate) fn note(&mut self, text: impl Display) {
        let _ = writeln!(self.err, "veriseal: {text}");
    }

    /// Prints to standard error as it is.
    pub(crate) fn print_err(&mut self, text: impl Display) {
        let _ = write!(self.err, "{text}");
    }

    /// Whether something could not be printed to standard output.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }
}

/// Colours only on a terminal, and only where `NO_COLOR` is unset or empty (no-color.org).
fn style(is_terminal: bool, no_color: Option<&OsStr>) -> Style {
    let refused = no_color.is_some_and(|value| !value.is_empty());
    if is_terminal && !refused { Style::Colour } else { Style::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_user_did_not_refuse_them() {
        assert_eq!(style(true, None), Style::Colour);
        assert_eq!(style(true, Some(OsStr::new(""))), Style::Colour);
        assert_eq!(style(true, Some(OsStr::new("1"))), Style::Plain);
        assert_eq!(style(false, None), Style::Plain);
    }
}
