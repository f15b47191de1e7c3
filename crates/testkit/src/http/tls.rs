//! TLS for [`HttpRegistry`](super::HttpRegistry): an authority of its own, and certificates of it.
//!
//! The one thing of the testkit that does not follow from a seed: keys are made anew each time.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;

/// Who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Everybody.
    Anybody,
    /// Whoever shows a certificate of the registry's authority.
    WithCertificate,
}

/// What a client needs, as PEM.
#[derive(Clone, Debug)]
pub struct TlsMaterials {
    /// The authority that vouches for the registry, and that client certificates must be of.
    pub authority_pem: String,
    /// A client certificate.
    pub client_certificate_pem: String,
    /// Its key.
    pub client_key_pem: String,
}

/// Makes an authority and what both sides need.
pub(super) fn prepare(clients: Clients) -> Result<(Arc<ServerConfig>, TlsMaterials), Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let server_key = KeyPair::generate()?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names)?.signed_by(&server_key, &authority)?;

    let client_key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["client".to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client = params.signed_by(&client_key, &authority)?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match clients {
        Clients::Anybody => builder.with_no_client_auth(),
        Clients::WithCertificate => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    let config = builder.with_single_cert(vec![server.der().clone()], key)?;
    let materials = TlsMaterials {
        authority_pem: authority.pem(),
        client_certificate_pem: client.pem(),
        client_key_pem: client_key.serialize_pem(),
    };
    Ok((Arc::new(config), materials))
}
