//! [`Target`]: the address that a request is sent to, made of checked parts alone.

use crate::client::mirror::Mirrors;
use crate::client::origin::{Origin, base_url};
use std::collections::BTreeSet;
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::{Request, What};

/// Longest path of a repository in bytes, twice what the distribution specification advises.
const MAX_PATH: usize = 512;

/// Where a request goes: the registry of the repository, or its mirror.
pub(crate) struct Target {
    pub(crate) registry: String,
    pub(crate) path: String,
    pub(crate) url: Url,
    pub(crate) home: Origin,
}

impl Target {
    /// Checks every part that goes into the address, although the core's types have done so: nothing but the characters
    /// of the grammar may reach a path (K-OC-13).
    pub(crate) fn new(request: &Request, mirrors: &Mirrors, plain_http: &BTreeSet<String>) -> Result<Self, Failure> {
        let registry = request.repository.registry().ok_or_else(|| {
            Failure::new(Code::SourceInvalid).expected("a repository of a registry").found(request.repository.path())
        })?;
        let (registry, path) = mirrors.place(registry, request.repository.path());
        let invalid = |found: &str| Failure::new(Code::ReferenceInvalid).found(found);
        let in_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        if path.len() > MAX_PATH
            || !path.chars().all(in_path)
            || path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
        {
            return Err(invalid(&path));
        }
        let base = base_url(&registry, plain_http.contains(&registry))?;
        let home = Origin::of(&base).ok_or_else(|| invalid(&registry))?;
        let suffix = match &request.what {
            What::ManifestByTag(tag) => {
                let in_tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                let tag = tag.as_str();
                if tag.is_empty() || tag.len() > 128 || tag.starts_with(['.', '-']) || !tag.chars().all(in_tag) {
                    return Err(invalid(tag));
                }
                format!("manifests/{tag}")
            }
            What::Manifest(digest) => format!("manifests/{digest}"),
            What::Blob { digest, .. } => format!("blobs/{digest}"),
            What::Referrers { subject, page: None } => format!("referrers/{subject}"),
            What::Referrers { page: Some(page), .. } => {
                let url = page.starts_with('/').then(|| base.join(page).ok()).flatten();
                let url = url.filter(|url| Origin::of(url).as_ref() == Some(&home));
                let url =
                    url.ok_or_else(|| Failure::new(Code::ResponseInvalid).expected("a page of the same registry").found(page))?;
                return Ok(Self { registry, path, url, home });
            }
            other => {
                return Err(Failure::new(Code::SourceInvalid)
                    .expected("what a registry can answer")
                    .found(format_args!("{other:?}")));
            }
        };
        let url = base.join(&format!("v2/{path}/{suffix}")).map_err(|_| invalid(&path))?;
        Ok(Self { registry, path, url, home })
    }

    /// The path and query of the next page, which must be the registry's own and another one than this.
    pub(crate) fn next_page(&self, link: &str) -> Result<String, Failure> {
        let invalid = |found: &str| Failure::new(Code::ResponseInvalid).found(found).at("Link");
        let url = self.url.join(link).map_err(|_| invalid("a next page that is no URL"))?;
        if Origin::of(&url).as_ref() != Some(&self.home) || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("a next page on another host"));
        }
        let page = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        // `//host/…` would be read as another host when it comes back.
        if page.starts_with("//") || url == self.url {
            return Err(invalid("a next page that leads nowhere new"));
        }
        Ok(page)
    }
}
