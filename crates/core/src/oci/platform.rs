//! [`Platform`]: an entry's platform (OCI image-spec `image-index.md`), and when one is the one that is asked for.
//!
//! Compares names only. Whether an image really runs on the platform that an index states for it, nobody here knows.

use crate::code::{Code, Failure};
use std::fmt;
use std::str::FromStr;

/// Longest part of a platform that is asked for.
const MAX_PART: usize = 64;

/// A platform. In an index it is what whoever wrote the index says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize)]
#[non_exhaustive]
pub struct Platform {
    /// CPU architecture in Go's naming.
    pub architecture: String,
    /// Operating system in Go's naming.
    pub os: String,
    /// CPU variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Whether this is the platform that is asked for: operating system and architecture by letter, the variant too,
    /// where a missing one is the architecture's first choice (`amd64/v1`, `arm/v7`, `arm64/v8`), as runtimes have it. A
    /// variant that could run as well is not the one asked for. `os.version` and `os.features` are not looked at.
    #[must_use]
    pub fn is(&self, asked: &Self) -> bool {
        self.os == asked.os && self.architecture == asked.architecture && self.effective_variant() == asked.effective_variant()
    }

    /// Whether this is the platform of what nothing can run: BuildKit states it for attestations.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }

    fn effective_variant(&self) -> &str {
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => variant,
            _ => match self.architecture.as_str() {
                "amd64" => "v1",
                "arm" => "v7",
                "arm64" => "v8",
                _ => "",
            },
        }
    }
}

impl FromStr for Platform {
    type Err = Failure;

    /// Reads `os/arch` or `os/arch/variant`.
    ///
    /// # Errors
    /// [`Code::PlatformInvalid`] for anything else: parts are lower-case letters, digits, `.`, `_` and `-`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        let invalid = || Failure::new(Code::PlatformInvalid).expected("os/arch or os/arch/variant").found(text);
        let is_part = |part: &str| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
            (1..=MAX_PART).contains(&part.len()) && part.bytes().all(is_plain)
        };
        let mut parts = text.split('/');
        let (Some(os), Some(architecture), variant, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(invalid());
        };
        if ![Some(os), Some(architecture), variant].into_iter().flatten().all(is_part) {
            return Err(invalid());
        }
        let platform = Self { architecture: architecture.to_owned(), os: os.to_owned(), variant: variant.map(str::to_owned) };
        // Nothing can run it, so to ask for it is a mistake or a trap.
        if platform.is_unknown() { Err(invalid()) } else { Ok(platform) }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn a_missing_variant_is_the_first_choice_of_its_architecture() {
        for (one, other, same) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/amd64", "linux/amd64/v1", true),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm", "linux/arm/v6", false),
            ("linux/amd64", "linux/amd64/v3", false),
            ("linux/amd64", "linux/arm64", false),
            ("linux/amd64", "windows/amd64", false),
            ("linux/riscv64", "linux/riscv64/v1", false),
        ] {
            assert_eq!(platform(one).is(&platform(other)), same, "{one} {other}");
            assert_eq!(platform(other).is(&platform(one)), same, "{other} {one}");
        }
        let empty = Platform { variant: Some(String::new()), ..platform("linux/arm64") };
        assert!(empty.is(&platform("linux/arm64/v8")));
        assert_eq!(empty.to_string(), "linux/arm64");
    }

    #[test]
    fn what_is_no_platform_is_platform_invalid() {
        let long = format!("linux/{}", "a".repeat(65));
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/amd64/",
            "linux/amd64/v1/x",
            "Linux/amd64",
            "linux/amd 64",
            "unknown/unknown",
            &long,
        ] {
            assert_eq!(text.parse::<Platform>().unwrap_err().code(), Code::PlatformInvalid, "{text}");
        }
        assert_eq!(platform("linux/arm/v6").to_string(), "linux/arm/v6");
    }
}
