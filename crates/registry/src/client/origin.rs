//! [`Origin`]: scheme, host and port, the unit that credentials and redirects are held to (RFC 6454 §4).

use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};
use veriseal::code::{Code, Failure};

/// The name under which Docker Hub is known in references.
pub(crate) const DOCKER_HUB: &str = "docker.io";
/// Names that mean Docker Hub in credential files; the last one serves its API.
const DOCKER_HUB_ALIASES: [&str; 3] = [DOCKER_HUB, "index.docker.io", DOCKER_HUB_API];
/// The host that serves Docker Hub's distribution API.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// Scheme, host and port of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    https: bool,
    host: Host<String>,
    port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Self { https, host: url.host()?.to_owned(), port: url.port_or_known_default()? })
    }

    /// Whether it speaks TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Whether both have the same host, whatever the port.
    pub(crate) fn has_host_of(&self, other: &Self) -> bool {
        self.host == other.host
    }

    /// The host without the port, an IPv6 address in brackets.
    pub(crate) fn host(&self) -> String {
        self.host.to_string()
    }

    /// The address, where the host is written as one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// `host[:port]` as a user names it: without the scheme's own port.
    pub(crate) fn authority(&self) -> String {
        if self.port == if self.https { 443 } else { 80 } { self.host() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.authority())
    }
}

/// Where the API of a registry is: `https://host[:port]/`, or `http` where `plain_http` says so.
///
/// # Errors
/// [`Code::ReferenceInvalid`] when the name is anything but a host and a port, or is not in the form that would be
/// asked (as `0x7f.1`, which means 127.0.0.1).
pub(crate) fn base_url(registry: &str, plain_http: bool) -> Result<Url, Failure> {
    let invalid = || Failure::new(Code::ReferenceInvalid).expected("a registry as host[:port]").found(registry);
    let name = if registry == DOCKER_HUB { DOCKER_HUB_API } else { registry };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c)) {
        return Err(invalid());
    }
    let scheme = if plain_http { "http" } else { "https" };
    let url = Url::parse(&format!("{scheme}://{name}/")).map_err(|_| invalid())?;
    let origin = Origin::of(&url).ok_or_else(invalid)?;
    let asked = name.to_ascii_lowercase();
    let same = asked == origin.host()
        || asked == format!("{}:{}", origin.host, origin.port)
        || (origin.address().is_some_and(|address| address.is_ipv6()) && asked.starts_with('['));
    if same { Ok(url) } else { Err(invalid()) }
}

/// The form under which a registry's name is compared: lower case, and one name for Docker Hub.
pub(crate) fn canonical_registry(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if DOCKER_HUB_ALIASES.contains(&name.as_str()) { DOCKER_HUB.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(registry: &str) -> String {
        base_url(registry, false).unwrap().to_string()
    }

    #[test]
    fn a_registry_name_becomes_its_api_address() {
        assert_eq!(url("docker.io"), "https://registry-1.docker.io/");
        assert_eq!(url("ghcr.io"), "https://ghcr.io/");
        assert_eq!(url("Reg.example:5000"), "https://reg.example:5000/");
        assert_eq!(url("reg.example:443"), "https://reg.example/");
        assert_eq!(url("[::1]:5000"), "https://[::1]:5000/");
        assert_eq!(url("[0:0::1]"), "https://[::1]/");
        assert_eq!(base_url("localhost:5000", true).unwrap().as_str(), "http://localhost:5000/");
    }

    /// K-OC-13, K-OC-16.
    #[test]
    fn what_is_not_host_and_port_is_reference_invalid() {
        for name in [
            "",
            "a/b",
            "user@reg.example",
            "reg.example?x",
            "reg.example#",
            "réseau.example",
            "0x7f.1",
            "2130706433",
            "a b",
            "a:b",
            "a:99999",
            "a\\b",
        ] {
            assert_eq!(base_url(name, false).unwrap_err().code(), Code::ReferenceInvalid, "{name}");
        }
    }

    #[test]
    fn docker_hub_has_one_name() {
        for name in ["docker.io", "index.docker.io", "registry-1.docker.io", "Index.Docker.IO"] {
            assert_eq!(canonical_registry(name), "docker.io");
        }
        assert_eq!(canonical_registry("notdocker.io"), "notdocker.io");
    }
}
