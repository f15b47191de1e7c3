//! [`Mirrors`]: where the bytes of a repository are fetched instead of from its own registry.
//!
//! Only the place changes. The repository keeps its name for policy, report and pinned reference; credentials, TLS
//! settings and plain HTTP are those of the mirror. A mirror is believed no more than a registry is: what it serves is
//! held against digests and signatures, and what it lacks is lacking, since nothing falls back to another source.

use crate::client::origin::{DOCKER_HUB, canonical_registry};
use veriseal::code::{Code, Failure};

/// Repositories by prefix, and their mirrors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mirrors(Vec<Mirror>);

#[derive(Clone, Debug)]
struct Mirror {
    of: Place,
    at: Place,
}

/// A registry, or what lies under a path of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    registry: String,
    path: String,
}

impl Place {
    fn parse(text: &str) -> Result<Self, Failure> {
        let (registry, path) = text.split_once('/').unwrap_or((text, ""));
        let in_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        let good = !registry.is_empty()
            && registry.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
            && path.chars().all(in_path)
            && (path.is_empty() || path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
        if !good {
            return Err(Failure::new(Code::ConfigInvalid).expected("host[:port][/path]").found(text).at("mirror"));
        }
        let canonical = canonical_registry(registry);
        // The one name of Docker Hub; any other keeps the form in which a reference writes it, but for its case.
        let registry = if canonical == DOCKER_HUB { canonical } else { registry.to_ascii_lowercase() };
        Ok(Self { registry, path: path.to_owned() })
    }

    /// What is left of a repository's path below this place.
    fn rest<'p>(&self, registry: &str, path: &'p str) -> Option<&'p str> {
        if self.registry != canonical_registry(registry) {
            return None;
        }
        let rest = path.strip_prefix(self.path.as_str())?;
        if self.path.is_empty() {
            Some(rest)
        } else if rest.is_empty() {
            Some("")
        } else {
            rest.strip_prefix('/')
        }
    }
}

impl Mirrors {
    /// Fetches what lies under `of` from `at`, both as `host[:port][/path]`.
    pub(crate) fn add(&mut self, of: &str, at: &str) -> Result<(), Failure> {
        let (of, at) = (Place::parse(of)?, Place::parse(at)?);
        if self.0.iter().any(|known| known.of == of) {
            return Err(Failure::new(Code::ConfigInvalid).expected("one mirror a place").at("mirror"));
        }
        self.0.push(Mirror { of, at });
        Ok(())
    }

    /// Where the repository is fetched: its longest prefix decides.
    pub(crate) fn place(&self, registry: &str, path: &str) -> (String, String) {
        let fitting = self.0.iter().filter_map(|mirror| Some((mirror, mirror.of.rest(registry, path)?)));
        match fitting.max_by_key(|(mirror, _)| mirror.of.path.len()) {
            None => (registry.to_owned(), path.to_owned()),
            Some((mirror, rest)) => {
                let parts: Vec<_> = [mirror.at.path.as_str(), rest].into_iter().filter(|part| !part.is_empty()).collect();
                (mirror.at.registry.clone(), parts.join("/"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors() -> Mirrors {
        let mut mirrors = Mirrors::default();
        mirrors.add("docker.io", "mirror.example:5000/hub").unwrap();
        mirrors.add("reg.example/team", "mirror.example/t").unwrap();
        mirrors.add("reg.example/team/app", "localhost:5000/app").unwrap();
        mirrors
    }

    fn place(registry: &str, path: &str) -> String {
        let (registry, path) = mirrors().place(registry, path);
        format!("{registry}/{path}")
    }

    #[test]
    fn the_longest_prefix_by_whole_parts_decides() {
        assert_eq!(place("docker.io", "library/alpine"), "mirror.example:5000/hub/library/alpine");
        assert_eq!(place("reg.example", "team/other"), "mirror.example/t/other");
        assert_eq!(place("reg.example", "team/app"), "localhost:5000/app");
        assert_eq!(place("reg.example", "team/app/sub"), "localhost:5000/app/sub");
        assert_eq!(place("reg.example", "team/application"), "mirror.example/t/application");
        for (registry, path) in [("reg.example", "teams/app"), ("reg.example:5000", "team/app"), ("eg.example", "team/app")] {
            assert_eq!(place(registry, path), format!("{registry}/{path}"));
        }
    }

    #[test]
    fn what_is_no_place_is_config_invalid() {
        for (of, at) in
            [("", "m"), ("https://r", "m"), ("r/../x", "m"), ("r", "m/A"), ("r", "m//x"), ("r/", "m/"), ("docker.io", "m")]
        {
            let outcome = mirrors().add(of, at);
            if (of, at) == ("r/", "m/") {
                assert!(outcome.is_ok(), "an empty path is the registry itself");
            } else {
                assert_eq!(outcome.unwrap_err().code(), Code::ConfigInvalid, "{of} {at}");
            }
        }
    }
}
