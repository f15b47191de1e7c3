//! The TLS configuration: rustls with aws-lc-rs, no process-wide default installed.
//!
//! Roots are the operating system's (so that a company's own authority works as everywhere else) plus or instead of
//! them what the user gives. There is no way to turn verification off, for any host (K-OC-14).

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::Arc;
use veriseal::code::{Code, Failure};

/// Largest PEM text of root certificates that is read, in bytes.
const MAX_PEM_BYTES: usize = 4 * 1024 * 1024;

/// Reads one or more PEM certificates.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let invalid = || Failure::new(Code::ConfigInvalid).expected("PEM certificates").at("root certificates");
    if pem.len() > MAX_PEM_BYTES {
        return Err(invalid().found("more than 4 MiB"));
    }
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|error| invalid().found(error))?;
    if found.is_empty() { Err(invalid().found("none")) } else { Ok(found) }
}

/// The configuration with these extra roots, or with these alone.
pub(crate) fn configuration(roots: Vec<CertificateDer<'static>>, only_these: bool) -> Result<ClientConfig, Failure> {
    let invalid = |error: rustls::Error| Failure::new(Code::ConfigInvalid).found(error).at("root certificates");
    // Each is checked here: the platform's verifier would leave out what it cannot read.
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(invalid)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(invalid)?;
    let mut config = if only_these {
        builder.with_root_certificates(store).with_no_client_auth()
    } else {
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider).map_err(invalid)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
