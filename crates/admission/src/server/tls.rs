//! [`Certificates`]: the certificate that the webhook shows, read again while it runs.
//!
//! Certificates of webhooks are short-lived: cert-manager and others write new ones into a mounted secret. A new pair is
//! used from the next handshake on, and only where it is whole, belongs together and is valid now; otherwise the old one
//! stays, since a webhook that nobody can talk to keeps everything out.

use super::file::{self, Reload};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use veriseal::digest::sha256;
use veriseal::x509::Certificate;
use veriseal::{Code, Failure, Limits, UnixTime, Validity};

/// Largest file of certificates, or of a key, in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// A certificate with its chain and key, from two PEM files. Shared between threads.
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    validity: Validity,
    /// Over the bytes of both files.
    digest: [u8; 32],
}

impl Certificates {
    /// Reads both files: the chain with the server's own certificate first, and its key, not encrypted.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] where a file cannot be read, the key is not that of the certificate, or the certificate is
    /// not valid at `now`.
    pub fn load(certificate: &Path, key: &Path, now: UnixTime) -> Result<Arc<Self>, Failure> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let current = read(certificate, key, &provider, now)?;
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Arc::new(Self { certificate, key, provider, current: RwLock::new(current) }))
    }

    /// Reads both files again.
    #[must_use]
    pub fn reload(&self, now: UnixTime) -> Reload {
        match read(&self.certificate, &self.key, &self.provider, now) {
            Ok(read) if read.digest == self.current().digest => Reload::Unchanged,
            Ok(read) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
                Reload::Replaced
            }
            Err(failure) => Reload::Kept(failure.to_string()),
        }
    }

    /// When the certificate that is in use ends.
    #[must_use]
    pub fn end(&self) -> Option<UnixTime> {
        self.current().validity.end
    }

    /// TLS 1.2 and 1.3 with this certificate, for HTTP/1.1.
    pub(super) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, Failure> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| Failure::new(Code::ConfigInvalid).found(error))?;
        let resolver = Arc::clone(self);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().key)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider, now: UnixTime) -> Result<Current, Failure> {
    let invalid = |path: &Path| Failure::new(Code::ConfigInvalid).at(file::show(path));
    let (chain_pem, key_pem) = (file::read(certificate, MAX_PEM_BYTES)?, file::read(key, MAX_PEM_BYTES)?);
    let digest = sha256(&[sha256(&chain_pem), sha256(&key_pem)].concat());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain_pem)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(certificate).expected("certificates in PEM").found(error))?;
    let Some(leaf) = chain.first() else { return Err(invalid(certificate).expected("certificates in PEM").found("none")) };
    let leaf = Certificate::from_der(leaf, &Limits::DEFAULT).map_err(|failure| failure.at(file::show(certificate)))?;
    let validity = leaf.validity();
    if !validity.contains(now) {
        return Err(invalid(certificate).expected(format_args!("a certificate that is valid at {now}")).found(validity));
    }
    // The error of a key is not shown: a parser might quote what it stumbled over.
    let secret =
        PrivateKeyDer::from_pem_slice(&key_pem).map_err(|_| invalid(key).expected("a private key in PEM, not encrypted"))?;
    let key = CertifiedKey::from_der(chain, secret, provider)
        .map_err(|_| invalid(key).expected(format_args!("the key of {}", file::show(certificate))))?;
    Ok(Current { key: Arc::new(key), validity, digest })
}
