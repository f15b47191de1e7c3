//! [`Template`]: a certificate before it is signed.

use super::{Extension, Name};
use crate::der;
use crate::key::{Scheme, SigningKey};
use veriseal::time::UnixTime;

/// Every field of a certificate (RFC 5280 §4.1), free to be wrong.
#[derive(Clone, Debug)]
pub struct Template {
    /// Version as written: 2 means v3. `None` leaves the field out, which means v1.
    pub version: Option<u8>,
    /// The serial number: contents octets of the INTEGER, so negative and padded ones can be written.
    pub serial: Vec<u8>,
    /// How the issuer signs. Also written as the inner and the outer algorithm unless those say otherwise.
    pub scheme: Scheme,
    /// AlgorithmIdentifier inside the TBS certificate; `None` for that of `scheme`.
    pub inner_algorithm: Option<Vec<u8>>,
    /// AlgorithmIdentifier beside the signature; `None` for that of `scheme`.
    pub outer_algorithm: Option<Vec<u8>>,
    /// Issuer.
    pub issuer: Name,
    /// First valid second.
    pub not_before: UnixTime,
    /// Last valid second.
    pub not_after: UnixTime,
    /// Subject.
    pub subject: Name,
    /// SubjectPublicKeyInfo DER.
    pub public_key: Vec<u8>,
    /// Extensions in order; empty leaves the field out.
    pub extensions: Vec<Extension>,
}

impl Template {
    /// A version 3 template without extensions for `public_key`.
    #[must_use]
    pub fn new(issuer: Name, subject: Name, public_key: Vec<u8>, scheme: Scheme) -> Self {
        Self {
            version: Some(2),
            serial: vec![1],
            scheme,
            inner_algorithm: None,
            outer_algorithm: None,
            issuer,
            not_before: UnixTime::from_seconds(0),
            not_after: UnixTime::from_seconds(0),
            subject,
            public_key,
            extensions: Vec::new(),
        }
    }

    /// Sets the window.
    #[must_use]
    pub fn valid(mut self, not_before: UnixTime, not_after: UnixTime) -> Self {
        self.not_before = not_before;
        self.not_after = not_after;
        self
    }

    /// Replaces the extension of that type in place, or appends it.
    pub fn set(&mut self, extension: Extension) {
        match self.extensions.iter_mut().find(|found| found.oid == extension.oid) {
            Some(found) => *found = extension,
            None => self.extensions.push(extension),
        }
    }

    /// Removes all extensions of that type.
    pub fn remove(&mut self, oid: &str) {
        self.extensions.retain(|extension| extension.oid != oid);
    }

    /// The extension of that type.
    #[must_use]
    pub fn find(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// DER of the TBSCertificate.
    #[must_use]
    pub fn tbs(&self) -> Vec<u8> {
        let version = self.version.map(|version| der::context(0, &der::tlv(0x02, &[version]))).unwrap_or_default();
        let algorithm = self.inner_algorithm.clone().unwrap_or_else(|| self.scheme.algorithm_identifier());
        let validity = der::sequence(&[&der::time(self.not_before), &der::time(self.not_after)]);
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            let list: Vec<Vec<u8>> = self.extensions.iter().map(Extension::der).collect();
            der::context(3, &der::tlv(0x30, &list.concat()))
        };
        der::sequence(&[
            &version,
            &der::tlv(0x02, &self.serial),
            &algorithm,
            &self.issuer.der(),
            &validity,
            &self.subject.der(),
            &self.public_key,
            &extensions,
        ])
    }

    /// DER of the certificate, signed by `key`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let tbs = self.tbs();
        let signature = key.sign_with(self.scheme, &tbs);
        self.assemble(&tbs, &signature)
    }

    /// DER of a certificate from a TBS and a signature made elsewhere.
    #[must_use]
    pub fn assemble(&self, tbs: &[u8], signature: &[u8]) -> Vec<u8> {
        let algorithm = self.outer_algorithm.clone().unwrap_or_else(|| self.scheme.algorithm_identifier());
        der::sequence(&[tbs, &algorithm, &der::bit_string(signature)])
    }
}
