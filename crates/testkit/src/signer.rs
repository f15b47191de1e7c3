//! [`Signer`]: a key, the scheme it signs with, and the certificate that speaks for it, if any.

use crate::key::{Scheme, SigningKey};
use crate::pem;

/// Who signs. Without a certificate it is a managed key.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The private key.
    pub key: SigningKey,
    /// The scheme of every signature made.
    pub scheme: Scheme,
    /// The leaf certificate, DER.
    pub certificate: Option<Vec<u8>>,
    /// The issuers of the leaf, nearest first, DER. Only the legacy layout and old bundles carry them.
    pub chain: Vec<Vec<u8>>,
}

impl Signer {
    /// A managed key with its default scheme.
    #[must_use]
    pub fn key(key: SigningKey) -> Self {
        let scheme = key.default_scheme();
        Self { key, scheme, certificate: None, chain: Vec::new() }
    }

    /// A key with a certificate.
    #[must_use]
    pub fn certificate(key: SigningKey, leaf: Vec<u8>, chain: Vec<Vec<u8>>) -> Self {
        Self { certificate: Some(leaf), chain, ..Self::key(key) }
    }

    /// The same signer with another scheme.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign_with(self.scheme, message)
    }

    /// What log entries of Rekor v1 name as the verifier: the certificate, else the public key, as PEM.
    #[must_use]
    pub fn verifier_pem(&self) -> String {
        match &self.certificate {
            Some(leaf) => pem::encode("CERTIFICATE", leaf),
            None => self.key.public_pem(),
        }
    }
}
