//! Which token service may get a registry's credentials (K-OC-10, INV-14).
//!
//! The registry names its token service in the challenge, so the name proves nothing: credentials go to the
//! registry's own host, to a pair that is known to belong together, or to a host that the user allowed for this
//! registry. Anything else is refused before a single byte is sent, with credentials or without: an anonymous request
//! to an address of a stranger's choice is a probe into our network.

use crate::client::origin::{Origin, canonical_registry};
use std::collections::BTreeSet;
use url::Url;
use veriseal::code::{Code, Failure};

/// Registries whose token service has another host, by common knowledge.
const KNOWN: [(&str, &str); 2] = [("docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];

/// The token services that the user allowed, as (registry, host).
#[derive(Clone, Debug, Default)]
pub(crate) struct Realms {
    allowed: BTreeSet<(String, String)>,
}

impl Realms {
    /// Allows `host[:port]` as the token service of `registry`.
    pub(crate) fn allow(&mut self, registry: &str, host: &str) {
        self.allowed.insert((canonical_registry(registry), host.to_ascii_lowercase()));
    }

    /// The address of the token service, where it may be asked.
    ///
    /// # Errors
    /// [`Code::RealmRefused`] for another host, another scheme than https while the registry has https, user
    /// information in the URL, or what is no URL; [`Code::PlainHttpRefused`] for http to a host that was not named.
    pub(crate) fn check(
        &self,
        registry: &str,
        home: &Origin,
        realm: &str,
        plain_http: &BTreeSet<String>,
    ) -> Result<Url, Failure> {
        let refused = || Failure::new(Code::RealmRefused).expected(format_args!("a token service of {registry}"));
        let mut url = Url::parse(realm).map_err(|_| refused().found("something that is no URL"))?;
        let origin = Origin::of(&url).ok_or_else(|| refused().found("something that is no http URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused().found("user information in the URL").at(&origin));
        }
        let registry = canonical_registry(registry);
        let known = origin.is_https() && KNOWN.contains(&(registry.as_str(), origin.authority().as_str()));
        if !origin.has_host_of(home) && !known && !self.allowed.contains(&(registry, origin.authority())) {
            return Err(refused().found(origin));
        }
        if !origin.is_https() {
            if home.is_https() {
                return Err(refused().found(origin));
            }
            if !plain_http.contains(&origin.authority()) {
                return Err(Failure::new(Code::PlainHttpRefused).at(origin));
            }
        }
        url.set_fragment(None);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::origin::base_url;

    fn check(registry: &str, plain: &[&str], realm: &str) -> Result<Url, Code> {
        let plain: BTreeSet<String> = plain.iter().map(|&name| name.to_owned()).collect();
        let home = Origin::of(&base_url(registry, plain.contains(registry)).unwrap()).unwrap();
        let mut realms = Realms::default();
        realms.allow("reg.example", "auth.example");
        realms.allow("reg.example", "auth.example:8443");
        realms.check(registry, &home, realm, &plain).map_err(|failure| failure.code())
    }

    #[test]
    fn the_own_host_a_known_pair_and_an_allowed_host_may_issue_tokens() {
        for (registry, realm) in [
            ("ghcr.io", "https://ghcr.io/token"),
            ("reg.example:5000", "https://reg.example/jwt/auth"),
            ("docker.io", "https://auth.docker.io/token"),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("reg.example", "https://auth.example/token"),
            ("reg.example", "https://AUTH.example:8443/token"),
        ] {
            assert!(check(registry, &[], realm).is_ok(), "{registry} {realm}");
        }
        assert!(check("localhost:5000", &["localhost:5000", "localhost:5001"], "http://localhost:5001/token").is_ok());
        assert!(check("localhost:5000", &["localhost:5000"], "https://localhost/token").is_ok());
    }

    /// K-OC-10.
    #[test]
    fn another_host_is_realm_refused() {
        for (registry, realm) in [
            ("ghcr.io", "https://evil.example/token"),
            ("ghcr.io", "https://ghcr.io.evil.example/token"),
            ("ghcr.io", "https://ghcr.io@evil.example/token"),
            ("ghcr.io", "https://user:pass@ghcr.io/token"),
            ("ghcr.io", "https://sub.ghcr.io/token"),
            ("ghcr.io", "http://ghcr.io/token"),
            ("ghcr.io", "https://auth.docker.io/token"),
            ("docker.io", "http://auth.docker.io/token"),
            ("docker.io", "https://auth.docker.io:8443/token"),
            ("docker.io", "https://docker.io.evil.example"),
            ("other.example", "https://auth.example/token"),
            ("reg.example", "https://auth.example:9443/token"),
            ("reg.example", "http://169.254.169.254/latest"),
            ("reg.example", "file:///etc/passwd"),
            ("reg.example", "token"),
            ("reg.example", ""),
        ] {
            assert_eq!(check(registry, &[], realm).unwrap_err(), Code::RealmRefused, "{registry} {realm}");
        }
    }

    #[test]
    fn a_plain_realm_needs_a_host_that_was_named() {
        assert_eq!(
            check("localhost:5000", &["localhost:5000"], "http://localhost:5001/token").unwrap_err(),
            Code::PlainHttpRefused
        );
        assert_eq!(check("localhost:5000", &["localhost:5000"], "http://127.0.0.1:5000/token").unwrap_err(), Code::RealmRefused);
    }
}
