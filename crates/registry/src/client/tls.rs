//! [`Tls`]: whom to believe, and as whom to appear, where TLS is spoken; rustls with aws-lc-rs, no process-wide default.
//!
//! Roots are the operating system's (so that a company's own authority works as everywhere else) plus or instead of
//! them what the user gives, for all hosts or for one. There is no way to turn verification off, for any host (K-OC-14).
//! A client certificate is a credential: it belongs to one host and is shown to no other, nor to that host where a
//! registry's redirect led there.

use crate::client::origin::{Origin, base_url};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use veriseal::code::{Code, Failure};

/// Largest PEM text that is read, in bytes.
const MAX_PEM_BYTES: usize = 4 * 1024 * 1024;

/// The TLS settings of one registry, token service or storage host, for [`RegistryBuilder::tls`](crate::RegistryBuilder::tls).
///
/// What cannot be used is said by [`RegistryBuilder::build`](crate::RegistryBuilder::build).
#[derive(Default)]
#[must_use]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    only_these_roots: bool,
    identity: Option<Identity>,
    problem: Option<Failure>,
}

/// A client certificate with its chain, and its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Tls {
    /// The settings of every other host, so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these PEM certificates for this host, beside what is trusted for every host.
    pub fn root_certificate_pem(mut self, pem: &[u8]) -> Self {
        match certificates(pem) {
            Ok(certificates) => self.roots.extend(certificates),
            Err(failure) => self.note(failure),
        }
        self
    }

    /// Trusts for this host its own roots alone: neither the system's nor those of every host.
    pub fn only_these_roots(mut self) -> Self {
        self.only_these_roots = true;
        self
    }

    /// Shows this certificate (PEM, with its chain, the leaf first) to the host when it asks for one. `key` is its
    /// unencrypted private key: PEM as PKCS #8, PKCS #1 or SEC 1.
    pub fn client_certificate_pem(mut self, certificate: &[u8], key: &[u8]) -> Self {
        match Identity::parse(certificate, key) {
            Ok(identity) => self.identity = Some(identity),
            Err(failure) => self.note(failure),
        }
        self
    }

    fn note(&mut self, failure: Failure) {
        self.problem.get_or_insert(failure);
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.len())
            .field("only_these_roots", &self.only_these_roots)
            .field("client_certificate", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

impl Identity {
    fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, Failure> {
        let chain = certificates(certificate).map_err(|failure| failure.at("client certificate"))?;
        // The parser's message is not passed on: whatever it says, it says it about a secret.
        let key = (key.len() <= MAX_PEM_BYTES).then(|| PrivateKeyDer::from_pem_slice(key).ok()).flatten();
        let key = key.ok_or_else(|| Failure::new(Code::ConfigInvalid).expected("a PEM private key").at("client key"))?;
        Ok(Self { chain, key })
    }
}

/// Reads one or more PEM certificates.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let invalid = || Failure::new(Code::ConfigInvalid).expected("PEM certificates").at("root certificates");
    if pem.len() > MAX_PEM_BYTES {
        return Err(invalid().found("more than 4 MiB"));
    }
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|error| invalid().found(error))?;
    if found.is_empty() { Err(invalid().found("none")) } else { Ok(found) }
}

/// The configurations of all hosts.
pub(crate) struct TlsPlan {
    /// Of every host that has none of its own.
    pub(crate) general: ClientConfig,
    /// By `host[:port]`, as [`Origin::authority`] writes it.
    pub(crate) hosts: BTreeMap<String, HostConfig>,
}

/// The configurations of one host.
pub(crate) struct HostConfig {
    /// With its client certificate, for the user's own requests to it.
    pub(crate) own: ClientConfig,
    /// Without, for requests to which a registry sent us: they must not be able to act in the user's name.
    pub(crate) stranger: ClientConfig,
}

impl TlsPlan {
    /// Prepares the configurations of every host, and of those with settings of their own.
    pub(crate) fn new(roots: Vec<CertificateDer<'static>>, only_these: bool, hosts: Vec<(String, Tls)>) -> Result<Self, Failure> {
        let mut own = BTreeMap::new();
        for (name, tls) in hosts {
            if let Some(problem) = tls.problem {
                return Err(problem);
            }
            let authority = authority(&name)?;
            let (trusted, only) = if tls.only_these_roots {
                (tls.roots, true)
            } else {
                (roots.iter().cloned().chain(tls.roots).collect(), only_these)
            };
            // Built twice, not cloned: a clone shares its sessions, and a resumed session is still the user's.
            let config = HostConfig {
                own: configuration(trusted.clone(), only, tls.identity)?,
                stranger: configuration(trusted, only, None)?,
            };
            if own.insert(authority, config).is_some() {
                return Err(Failure::new(Code::ConfigInvalid).expected("one TLS configuration a host").found(name).at("tls"));
            }
        }
        Ok(Self { general: configuration(roots, only_these, None)?, hosts: own })
    }
}

/// The form in which a host's name is compared with where a request goes.
pub(crate) fn authority(name: &str) -> Result<String, Failure> {
    let origin = base_url(name, false).ok().and_then(|url| Origin::of(&url));
    let invalid = || Failure::new(Code::ConfigInvalid).expected("a host as host[:port]").found(name);
    Ok(origin.ok_or_else(invalid)?.authority())
}

/// A configuration with these extra roots, or with these alone.
fn configuration(
    roots: Vec<CertificateDer<'static>>,
    only_these: bool,
    identity: Option<Identity>,
) -> Result<ClientConfig, Failure> {
    let invalid = |error: rustls::Error| Failure::new(Code::ConfigInvalid).found(error).at("root certificates");
    // Each is checked here: the platform's verifier would leave out what it cannot read.
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(invalid)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(invalid)?;
    let builder = if only_these {
        builder.with_root_certificates(store)
    } else {
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider).map_err(invalid)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key }) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| Failure::new(Code::ConfigInvalid).found(error).at("client certificate"))?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_where_requests_go() {
        assert_eq!(authority("Reg.example:443").unwrap(), "reg.example");
        assert_eq!(authority("docker.io").unwrap(), "registry-1.docker.io");
        assert_eq!(authority("[::1]:5000").unwrap(), "[::1]:5000");
        for name in ["", "https://reg.example", "reg.example/team", "a b"] {
            assert_eq!(authority(name).unwrap_err().code(), Code::ConfigInvalid, "{name}");
        }
    }

    #[test]
    fn a_client_key_that_cannot_be_read_is_not_shown() {
        let pem = b"-----BEGIN PRIVATE KEY-----\ns3cret%%\n-----END PRIVATE KEY-----\n";
        let certificate = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        let tls = Tls::new().client_certificate_pem(certificate.cert.pem().as_bytes(), pem);
        let failure = tls.problem.unwrap();
        assert_eq!(failure.code(), Code::ConfigInvalid);
        assert!(!failure.to_string().contains("s3cret"), "{failure}");
    }
}
