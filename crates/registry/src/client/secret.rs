//! [`Secret`]: text that is never shown and is wiped when dropped.
//!
//! There is no `Display`, no serialisation and no comparison; `Debug` shows nothing of the content (INV-15).

use std::fmt;
use zeroize::Zeroizing;

/// A password or token. Can be given away only inside this crate.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the copy held here is wiped when dropped.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one place that puts it into a request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        let secret = Secret::new("s3cret");
        assert!(!format!("{secret:?}").contains("s3cret"));
        assert_eq!(secret.expose(), "s3cret");
    }
}
