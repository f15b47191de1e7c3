//! [`PlatformChoice`]: of an image for several platforms, what is verified and pinned.

use crate::code::{Code, Failure};
use crate::oci::Platform;
use std::fmt;
use std::str::FromStr;

/// Most platforms that can be named; an index of Docker's official images has about a dozen.
const MAX_NAMED: usize = 32;

/// Of an image for several platforms, what is verified and what is pinned.
///
/// | choice | accepted where | pinned |
/// |---|---|---|
/// | `index` (default) | the policy holds for what the reference names, be it an index or a manifest | that digest |
/// | one platform | the policy holds over the signatures of the platform's manifest and of the index that lists it | the manifest |
/// | `all` | the policy holds for the index, or for each manifest that it lists and at least one | the index |
/// | several platforms | as `all`, and the index lists each of them | the index |
///
/// A signature of a manifest counts for that manifest alone, never for the index around it; one of the index counts for
/// each manifest that it lists, since its bytes hold their digests. BuildKit's attestation manifests (platform
/// `unknown/unknown` and so annotated) are no platform. An image that is no index is its only platform; where platforms
/// are named, its configuration must state each of them.
///
/// Not checked: whether what an index calls `linux/arm64` is built for that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlatformChoice(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Kind {
    #[default]
    Index,
    All,
    /// Never empty, no two the same.
    Named(Vec<Platform>),
}

impl PlatformChoice {
    /// What the reference names itself.
    #[must_use]
    pub const fn index() -> Self {
        Self(Kind::Index)
    }

    /// Every platform.
    #[must_use]
    pub const fn all() -> Self {
        Self(Kind::All)
    }

    /// One platform.
    #[must_use]
    pub fn one(platform: Platform) -> Self {
        Self(Kind::Named(vec![platform]))
    }

    /// These platforms.
    ///
    /// # Errors
    /// [`Code::PlatformInvalid`] for none, for more than 32, or for the same twice.
    pub fn named(platforms: Vec<Platform>) -> Result<Self, Failure> {
        let invalid = |expected: &str| Failure::new(Code::PlatformInvalid).expected(expected);
        if platforms.is_empty() || platforms.len() > MAX_NAMED {
            return Err(invalid("1 to 32 platforms").found(platforms.len()));
        }
        for (at, platform) in platforms.iter().enumerate() {
            if platforms.iter().take(at).any(|before| before.is(platform)) {
                return Err(invalid("each platform once").found(platform));
            }
        }
        Ok(Self(Kind::Named(platforms)))
    }

    /// Whether this is `index`: nothing is looked for inside.
    #[must_use]
    pub fn is_index(&self) -> bool {
        self.0 == Kind::Index
    }

    /// The platform, where exactly one is named: then its manifest is pinned.
    #[must_use]
    pub fn single(&self) -> Option<&Platform> {
        match self.platforms() {
            [platform] => Some(platform),
            _ => None,
        }
    }

    /// The platforms that are named; none for `index` and `all`.
    #[must_use]
    pub fn platforms(&self) -> &[Platform] {
        match &self.0 {
            Kind::Named(platforms) => platforms,
            Kind::Index | Kind::All => &[],
        }
    }

    /// The choice as a list of words, as [`PlatformChoice::from_words`] reads them.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match &self.0 {
            Kind::Index => vec!["index".to_owned()],
            Kind::All => vec!["all".to_owned()],
            Kind::Named(platforms) => platforms.iter().map(ToString::to_string).collect(),
        }
    }

    /// Reads `index` alone, `all` alone, or platforms.
    ///
    /// # Errors
    /// [`Code::PlatformInvalid`].
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Failure> {
        // One more than can be right is enough to say that it is too many.
        let words: Vec<_> = words.into_iter().take(MAX_NAMED.saturating_add(1)).collect();
        match words.as_slice() {
            ["index"] => Ok(Self::index()),
            ["all"] => Ok(Self::all()),
            words => Self::named(words.iter().map(|word| word.parse()).collect::<Result<_, _>>()?),
        }
    }
}

impl FromStr for PlatformChoice {
    type Err = Failure;

    /// Reads `index`, `all`, or platforms with commas between them.
    ///
    /// # Errors
    /// [`Code::PlatformInvalid`].
    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::from_words(text.split(','))
    }
}

impl fmt::Display for PlatformChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_reads_what_it_writes() {
        for text in ["index", "all", "linux/amd64", "linux/amd64,linux/arm/v6"] {
            assert_eq!(text.parse::<PlatformChoice>().unwrap().to_string(), text);
        }
        assert_eq!(PlatformChoice::default(), PlatformChoice::index());
        assert!("linux/amd64".parse::<PlatformChoice>().unwrap().single().is_some());
        assert!("linux/amd64,linux/arm64".parse::<PlatformChoice>().unwrap().single().is_none());
    }

    #[test]
    fn what_is_no_choice_is_platform_invalid() {
        let many = vec!["linux/amd64"; 33].join(",");
        for text in ["", "All", "all,linux/amd64", "index,all", "linux/arm64,linux/arm64/v8", "linux/amd64,", &many] {
            assert_eq!(text.parse::<PlatformChoice>().unwrap_err().code(), Code::PlatformInvalid, "{text}");
        }
        assert_eq!(PlatformChoice::named(vec![]).unwrap_err().code(), Code::PlatformInvalid);
    }
}
