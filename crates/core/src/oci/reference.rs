//! Image references in the grammar of distribution/reference, normalised as Docker does.
//!
//! A parsed reference is always in canonical form, so that a policy never matches against a spelling
//! (`alpine` = `index.docker.io/alpine` = `docker.io/library/alpine:latest`). Host names are kept as written and never
//! resolved; whether anything exists under the name is not known here.

use crate::code::{Code, Failure};
use crate::digest::Digest;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Longest repository path and longest host, in characters (distribution/reference `RepositoryNameTotalLengthMax`).
const MAX_NAME: usize = 255;
/// Longest tag.
const MAX_TAG: usize = 128;
/// Longest reference: host, path, tag, digest and what stands between them fit easily.
const MAX_REFERENCE: usize = 1024;
/// Longest path of a layout, as `PATH_MAX` of common systems.
const MAX_LAYOUT_PATH: usize = 4096;
/// The registry that is meant where none is written.
const DOCKER_HUB: &str = "docker.io";
/// What starts the name of a layout in [`Reference::parse_source`].
const LAYOUT: &str = "oci:";

/// A normalised reference: repository, and a tag or a digest or both.
///
/// In a layout both may be missing, which means the only image of the layout. Where both stand the digest rules and
/// the tag is only compared with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// Puts a reference together. With neither tag nor digest the tag is `latest`, except in a layout.
    #[must_use]
    pub fn new(repository: Repository, tag: Option<Tag>, digest: Option<Digest>) -> Self {
        let is_open = tag.is_none() && digest.is_none() && repository.registry.is_some();
        let tag = if is_open { Some(Tag("latest".to_owned())) } else { tag };
        Self { repository, tag, digest }
    }

    /// An image of a layout; with neither tag nor digest the only one that the layout holds.
    ///
    /// The same as [`Reference::new`] over [`Repository::layout`].
    #[must_use]
    pub fn layout(repository: Repository, tag: Option<Tag>, digest: Option<Digest>) -> Self {
        Self::new(repository, tag, digest)
    }

    /// Parses what a person names as a source: a reference as [`FromStr`] takes it, or `oci:PATH[:TAG][@DIGEST]` for an
    /// OCI image layout (image-spec `image-layout.md`) at a path.
    ///
    /// After the last `/` of the path a `:` begins a tag and an `@` a digest.
    ///
    /// # Errors
    /// [`Code::ReferenceInvalid`] or [`Code::DigestInvalid`].
    pub fn parse_source(text: &str) -> Result<Self, Failure> {
        let Some(rest) = text.strip_prefix(LAYOUT) else { return text.parse() };
        let invalid = |expected: &str| Failure::new(Code::ReferenceInvalid).expected(expected).found(text);
        let (rest, digest) = match rest.rsplit_once('@') {
            Some((rest, digest)) if !digest.contains('/') => (rest, Some(digest.parse()?)),
            _ => (rest, None),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag.parse()?)),
            _ => (rest, None),
        };
        if path.is_empty() || path.len() > MAX_LAYOUT_PATH || path.contains(char::is_control) {
            return Err(invalid("oci: and the path of a layout"));
        }
        Ok(Self::layout(Repository::layout(path), tag, digest))
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

    /// The pinned form: the same repository with this digest and no tag, which can move.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { repository: self.repository.clone(), tag: None, digest: Some(digest) }
    }
}

impl fmt::Display for Reference {
    /// The canonical form; [`Reference::parse_source`] reads it back.
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

    /// Parses `[host[:port]/]path[:tag][@digest]` as Docker reads it. A layout is never read here.
    ///
    /// # Errors
    /// [`Code::ReferenceInvalid`] with a hint where one helps, or [`Code::DigestInvalid`] for what stands after `@`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        check_text(text)?;
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse::<Digest>().map_err(|failure| failure.at(text))?)),
            None => (text, None),
        };
        let (repository, tag) = parse_name(name, text)?;
        Ok(Self::new(repository, tag, digest))
    }
}

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
            None => write!(f, "{LAYOUT}{}", self.path),
        }
    }
}

impl FromStr for Repository {
    type Err = Failure;

    /// Parses `[host[:port]/]path`, normalised like a reference; a tag or digest is an error.
    ///
    /// # Errors
    /// [`Code::ReferenceInvalid`].
    fn from_str(text: &str) -> Result<Self, Failure> {
        check_text(text)?;
        match parse_name(text, text)? {
            (repository, None) => Ok(repository),
            (_, Some(_)) => Err(Failure::new(Code::ReferenceInvalid).expected("a repository without tag or digest").found(text)),
        }
    }
}

/// A tag: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}` (distribution-spec, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag under which cosign stores what belongs to an image: `sha256-<hex>.sig` with the suffix `sig`, or
    /// `….att` with `att` (cosign `specs/SIGNATURE_SPEC.md`).
    ///
    /// A SHA-512 digest would not fit into a tag; it is cut, which no signing tool does, so nothing will be found.
    #[must_use]
    pub fn cosign(digest: &Digest, suffix: &str) -> Self {
        let room = MAX_TAG.saturating_sub(digest.algorithm().name().len()).saturating_sub(suffix.len()).saturating_sub(2);
        let hex: String = digest.hex().chars().take(room).collect();
        Self(format!("{}-{hex}.{suffix}", digest.algorithm()))
    }

    /// The tag that lists the referrers of an image where the registry has no referrers API: `sha256-<hex>`, the
    /// encoded part cut to 64 characters (distribution-spec, "Unavailable Referrers API").
    #[must_use]
    pub fn referrers_fallback(digest: &Digest) -> Self {
        let hex: String = digest.hex().chars().take(64).collect();
        Self(format!("{}-{hex}", digest.algorithm()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts_well && text.len() <= MAX_TAG && text.as_bytes().iter().all(inner) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Failure::new(Code::ReferenceInvalid)
                .expected("a tag of up to 128 letters, digits, _ . and -, not starting with . or -")
                .found(text))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is refused whole, before any part is looked at.
fn check_text(text: &str) -> Result<(), Failure> {
    let expected = if text.is_empty() {
        "a reference such as registry.example/repository:tag"
    } else if text.len() > MAX_REFERENCE {
        "at most 1024 characters"
    } else if !text.is_ascii() {
        // A look-alike letter of another script would name another registry than the one a person reads (K-OC-16).
        "ASCII characters only"
    } else if text.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()) {
        "no white space"
    } else if text.contains("://") {
        "a reference without a scheme such as https://"
    } else if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        // Docker reads it as an image id, which names nothing in a registry.
        "a repository name; 64 hex digits are an image id (a digest is written repository@sha256:…)"
    } else {
        return Ok(());
    };
    Err(Failure::new(Code::ReferenceInvalid).expected(expected).found(text))
}

/// Reads `[host[:port]/]path[:tag]`; `whole` is what the error quotes.
fn parse_name(name: &str, whole: &str) -> Result<(Repository, Option<Tag>), Failure> {
    let invalid = |expected: &str| Failure::new(Code::ReferenceInvalid).expected(expected).found(whole);
    let is_host =
        |part: &str| part == "localhost" || part.contains(['.', ':']) || part.bytes().any(|byte| byte.is_ascii_uppercase());
    let (host, rest) = match name.split_once('/') {
        Some((host, rest)) if is_host(host) => (host, rest),
        _ => (DOCKER_HUB, name),
    };
    let host = if host == "index.docker.io" { DOCKER_HUB } else { host };
    if !is_domain(host) {
        return Err(invalid("a registry host, with :port if need be"));
    }
    let (path, tag) = match rest.split_once(':') {
        Some((path, tag)) => (path, Some(tag.parse::<Tag>().map_err(|failure| failure.at(whole))?)),
        None => (rest, None),
    };
    let is_official = host == DOCKER_HUB && !path.contains('/');
    let path = if is_official { format!("library/{path}") } else { path.to_owned() };
    if !path.split('/').all(is_path_component) {
        let lower = path.to_ascii_lowercase();
        return Err(invalid(if lower != path && lower.split('/').all(is_path_component) {
            "a lower-case path: repository name must be lowercase"
        } else {
            "a repository path of a-z, 0-9 and single separators . _ __ - between them"
        }));
    }
    if path.len() > MAX_NAME {
        return Err(invalid("a repository path of at most 255 characters"));
    }
    Ok((Repository { registry: Some(host.to_owned()), path }, tag))
}

/// `host[:port]`, the host a domain name, an IPv4 address or an IPv6 address in brackets.
fn is_domain(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let is_address = !address.contains('.') && address.parse::<Ipv6Addr>().is_ok();
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    host.len() <= MAX_NAME && host.split('.').all(is_domain_component) && port.is_none_or(is_port)
}

fn is_domain_component(text: &str) -> bool {
    let ends_well = !text.starts_with('-') && !text.ends_with('-');
    !text.is_empty() && ends_well && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A port in its one spelling: without leading zeros, since `:05000` would be a second name of `:5000`.
fn is_port(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_plain && text.parse::<u16>().is_ok()
}

/// `[a-z0-9]+ ( separator [a-z0-9]+ )*`, a separator being `.`, `_`, `__` or dashes.
fn is_path_component(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_well = text.starts_with(is_plain) && text.ends_with(is_plain);
    let mut separators = text.split(is_plain).filter(|run| !run.is_empty());
    ends_well && separators.all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn normal(text: &str) -> String {
        text.parse::<Reference>().unwrap().to_string()
    }

    /// K-OC-16, and the tables of the specifications.
    #[test]
    fn references_are_normalised_as_docker_does() {
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3.20", "docker.io/library/alpine:3.20"),
            ("ubuntu", "docker.io/library/ubuntu:latest"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
            ("docker.io/library/ubuntu", "docker.io/library/ubuntu:latest"),
            ("sigstore/cosign", "docker.io/sigstore/cosign:latest"),
            ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
            ("index.docker.io/a/b:c", "docker.io/a/b:c"),
            ("registry-1.docker.io/library/alpine", "registry-1.docker.io/library/alpine:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("localhost:5000", "docker.io/library/localhost:5000"),
            ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
            ("[::1]:5000/x", "[::1]:5000/x:latest"),
            ("[2001:db8::1]/x:y", "[2001:db8::1]/x:y"),
            ("Foo/bar", "Foo/bar:latest"),
            ("xn--7o8h.com:8080/myimage:tag", "xn--7o8h.com:8080/myimage:tag"),
            ("a.b/c_d/e__f/g---h/i.j", "a.b/c_d/e__f/g---h/i.j:latest"),
            ("library/alpine", "docker.io/library/alpine:latest"),
            ("oci:foo", "docker.io/library/oci:foo"),
        ] {
            assert_eq!(normal(text), expected, "{text}");
            assert_eq!(normal(expected), expected);
        }
    }

    /// K-OC-16: the digest is kept beside the tag, and no `latest` is invented beside a digest.
    #[test]
    fn a_digest_stands_alone_or_beside_a_tag() {
        assert_eq!(normal(&format!("ubuntu@sha256:{HEX}")), format!("docker.io/library/ubuntu@sha256:{HEX}"));
        let both: Reference = format!("reg.example/app:v1@sha256:{HEX}").parse().unwrap();
        assert_eq!(both.repository().to_string(), "reg.example/app");
        assert_eq!(both.repository().registry(), Some("reg.example"));
        assert_eq!(both.tag().unwrap().as_str(), "v1");
        assert_eq!(both.digest().unwrap().hex(), HEX);
        let pinned = both.with_digest(*both.digest().unwrap());
        assert_eq!(pinned.to_string(), format!("reg.example/app@sha256:{HEX}"));
        let sha512 = format!("reg.example/app@sha512:{HEX}{HEX}");
        assert_eq!(normal(&sha512), sha512);
    }

    /// K-OC-16: everything else is refused, look-alikes included.
    #[test]
    fn what_is_no_reference_is_reference_invalid() {
        let long = format!("reg.example/{}", "a".repeat(256));
        let cases = [
            "",
            HEX,
            "docker.io/library/",
            "docker.io/",
            "/alpine",
            "a//b",
            "UPPER",
            "ghcr.io/Org/app",
            "-a",
            "a-",
            "a:",
            "a:-b",
            "a:.b",
            ":a",
            " alpine",
            "alpine ",
            "alpine\n",
            "al pine",
            "аlpine",
            "ghcr.io/org/app:tаg",
            "ghcr。io/app",
            "https://ghcr.io/org/app",
            "reg.example:/app",
            "reg.example:x/app",
            "reg.example:05000/app",
            "reg.example:65536/app",
            "reg.example:+1/app",
            "reg..example/app",
            ".example/app",
            "-reg.example/app",
            "reg_x.example/app",
            "[::1/app",
            "[::1]5000/app",
            "[::1]:/app",
            "[fe80::1%eth0]/app",
            "[::ffff:127.0.0.1]/app",
            "[1.2.3.4]:5000/app",
            "reg.example/a..b",
            "reg.example/a___b",
            "reg.example/a._b",
            "reg.example/a.-b",
            "reg.example/.a",
            "reg.example/a.",
            "reg.example/../a",
            "reg.example/a%2fb",
            "reg.example/a:b:c",
            "reg.example/a:b/c",
            &long,
        ];
        for text in cases {
            assert_eq!(text.parse::<Reference>().unwrap_err().code(), Code::ReferenceInvalid, "{text}");
        }
        assert!(format!("reg.example/{}", "a".repeat(255)).parse::<Reference>().is_ok());
        let host = |length: usize| format!("{}.example/a", "a".repeat(length - 8));
        assert!(host(255).parse::<Reference>().is_ok() && host(256).parse::<Reference>().is_err());
        assert!("x".repeat(129).parse::<Tag>().is_err());
        assert!("x".repeat(128).parse::<Tag>().is_ok());
    }

    /// K-OC-13: a digest that is none stops the reference before any I/O.
    #[test]
    fn a_bad_digest_is_digest_invalid() {
        for digest in ["", "sha256:", "sha256:../../x", "sha256:%2e%2e", "sha256:ABC", "md5:00", "sha256:a@sha256:b"] {
            let text = format!("reg.example/app@{digest}");
            assert_eq!(text.parse::<Reference>().unwrap_err().code(), Code::DigestInvalid, "{text}");
        }
        let upper = format!("reg.example/app@sha256:{}", HEX.to_uppercase());
        assert_eq!(upper.parse::<Reference>().unwrap_err().code(), Code::DigestInvalid);
    }

    #[test]
    fn an_upper_case_path_gets_a_hint() {
        let failure = "ghcr.io/Org/app".parse::<Reference>().unwrap_err();
        assert!(failure.to_string().contains("repository name must be lowercase"), "{failure}");
        assert_eq!(failure.found_text(), Some("ghcr.io/Org/app"));
        let other = "ghcr.io/Org/app_".parse::<Reference>().unwrap_err();
        assert!(!other.to_string().contains("lowercase"), "{other}");
    }

    #[test]
    fn a_repository_has_neither_tag_nor_digest() {
        assert_eq!("alpine".parse::<Repository>().unwrap().to_string(), "docker.io/library/alpine");
        assert_eq!("reg.example:5000/a/b".parse::<Repository>().unwrap().path(), "a/b");
        for text in ["alpine:3", "a@b", &format!("alpine@sha256:{HEX}"), HEX, "", "reg.example/"] {
            assert_eq!(text.parse::<Repository>().unwrap_err().code(), Code::ReferenceInvalid, "{text}");
        }
    }

    #[test]
    fn a_source_may_be_a_layout() {
        let digest = format!("sha256:{HEX}");
        for (text, path, tag, has_digest) in [
            ("oci:image".to_owned(), "image", None, false),
            ("oci:./out/image.tar".to_owned(), "./out/image.tar", None, false),
            ("oci:/srv/a:v1".to_owned(), "/srv/a", Some("v1"), false),
            (format!("oci:a/b@{digest}"), "a/b", None, true),
            (format!("oci:a/b:v1@{digest}"), "a/b", Some("v1"), true),
            ("oci:/store/a:b@c/d".to_owned(), "/store/a:b@c/d", None, false),
            ("oci:Ünï/ö".to_owned(), "Ünï/ö", None, false),
        ] {
            let reference = Reference::parse_source(&text).unwrap();
            assert_eq!(reference.repository().registry(), None);
            assert_eq!(reference.repository().path(), path);
            assert_eq!(reference.tag().map(Tag::as_str), tag);
            assert_eq!(reference.digest().is_some(), has_digest);
            assert_eq!(reference.to_string(), text);
        }
        assert_eq!(Reference::parse_source("alpine").unwrap(), "alpine".parse().unwrap());
        for text in ["oci:", "oci::v1", "oci:a:", "oci:a\nb", "oci:a:b c", &format!("oci:{}", "a/".repeat(3000))] {
            assert_eq!(Reference::parse_source(text).unwrap_err().code(), Code::ReferenceInvalid, "{text}");
        }
        assert_eq!(Reference::parse_source("oci:a@b").unwrap_err().code(), Code::DigestInvalid);
    }

    #[test]
    fn tags_of_what_belongs_to_an_image() {
        let digest: Digest = format!("sha256:{HEX}").parse().unwrap();
        assert_eq!(Tag::cosign(&digest, "sig").as_str(), format!("sha256-{HEX}.sig"));
        assert_eq!(Tag::cosign(&digest, "att").as_str(), format!("sha256-{HEX}.att"));
        assert_eq!(Tag::referrers_fallback(&digest).as_str(), format!("sha256-{HEX}"));
        let long: Digest = format!("sha512:{HEX}{HEX}").parse().unwrap();
        assert_eq!(Tag::referrers_fallback(&long).as_str(), format!("sha512-{HEX}"));
        for tag in [Tag::cosign(&digest, "sig"), Tag::cosign(&long, "sig"), Tag::referrers_fallback(&long)] {
            assert!(tag.as_str().parse::<Tag>().is_ok(), "{tag}");
        }
    }
}
