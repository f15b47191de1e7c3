//! Image references, normalised as Docker does (spec: distribution/reference).

use crate::code::{Code, Failure};
use crate::digest::Digest;
use std::fmt;
use std::str::FromStr;

/// Where an artifact lives: a registry's repository, or an unnamed layout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// `None` for a layout.
    registry: Option<String>,
    path: String,
}

impl Repository {
    /// A repository that has no registry: an OCI layout on disk or in memory, known by a label (its path).
    #[must_use]
    pub fn layout(label: &str) -> Self {
        Self { registry: None, path: label.to_owned() }
    }
    /// Canonical registry name, `host[:port]`; `docker.io` for Docker Hub. `None` for a layout.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }
    /// Path inside the registry, such as `library/alpine`; the label of a layout.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.registry {
            Some(registry) => write!(f, "{registry}/{}", self.path),
            None => write!(f, "oci:{}", self.path),
        }
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        if text.is_empty() { Err(Code::ReferenceInvalid.into()) } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A normalised reference: repository, and a tag or a digest or both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// Puts a reference together. With neither tag nor digest the tag is `latest`.
    #[must_use]
    pub fn new(repository: Repository, tag: Option<Tag>, digest: Option<Digest>) -> Self {
        let tag = if tag.is_none() && digest.is_none() { Some(Tag("latest".to_owned())) } else { tag };
        Self { repository, tag, digest }
    }
    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }
    /// The tag, where one was written (or `latest` by default).
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }
    /// The digest, where one was written.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        let _ = text;
        Err(Code::ReferenceInvalid.into())
    }
}
