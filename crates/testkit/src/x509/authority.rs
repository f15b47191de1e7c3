//! [`Authority`]: a CA certificate with its key.

use super::extension::{CRL_SIGN, KEY_CERT_SIGN};
use super::{Extension, Name, Template};
use crate::key::{KeyKind, SigningKey};
use crate::random::Seed;
use veriseal::time::Validity;

/// A certification authority: what it is, its key, and the certificate that was issued to it.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The template of its certificate. After changing it, call [`Authority::reissue`].
    pub template: Template,
    /// The private key.
    pub key: SigningKey,
    /// The certificate.
    pub der: Vec<u8>,
}

impl Authority {
    /// A self-signed root: CA, keyCertSign and cRLSign, no extended key usage.
    #[must_use]
    pub fn root(name: Name, kind: KeyKind, seed: &Seed, valid: Validity) -> Self {
        let key = SigningKey::new(kind, &seed.named("key"));
        let mut template = Template::new(name.clone(), name, key.spki(), key.default_scheme());
        template.serial = serial(&seed.named("serial"));
        set_window(&mut template, valid);
        template.set(Extension::key_usage(KEY_CERT_SIGN | CRL_SIGN));
        template.set(Extension::basic_constraints(true, None));
        template.set(Extension::subject_key_id(&key_id(&key)));
        let der = template.sign(&key);
        Self { template, key, der }
    }

    /// A subordinate CA of this one, path length 0, restricted to `purposes` (extended key usage; none when empty).
    #[must_use]
    pub fn subordinate(&self, name: Name, kind: KeyKind, seed: &Seed, valid: Validity, purposes: &[&str]) -> Self {
        let key = SigningKey::new(kind, &seed.named("key"));
        let mut template = self.template_for(name, &key.spki());
        template.serial = serial(&seed.named("serial"));
        set_window(&mut template, valid);
        template.set(Extension::key_usage(KEY_CERT_SIGN | CRL_SIGN));
        if !purposes.is_empty() {
            template.set(Extension::extended_key_usage(purposes));
        }
        template.set(Extension::basic_constraints(true, Some(0)));
        template.set(Extension::subject_key_id(&key_id(&key)));
        template.set(Extension::authority_key_id(&key_id(&self.key)));
        let der = template.sign(&self.key);
        Self { template, key, der }
    }

    /// A template that this authority can sign: issuer and scheme set, no extensions, serial 1.
    #[must_use]
    pub fn template_for(&self, subject: Name, public_key: &[u8]) -> Template {
        Template::new(self.template.subject.clone(), subject, public_key.to_vec(), self.key.default_scheme())
    }

    /// Encodes and signs the own certificate again after the template was changed; `issuer` is the parent's key, or the
    /// own one for a root.
    pub fn reissue(&mut self, issuer: &SigningKey) {
        self.der = self.template.sign(issuer);
    }

    /// The key identifier that certificates of this authority carry.
    #[must_use]
    pub fn key_id(&self) -> Vec<u8> {
        key_id(&self.key)
    }
}

/// A positive 160-bit serial number.
pub(crate) fn serial(seed: &Seed) -> Vec<u8> {
    let mut bytes = seed.bytes(20);
    // The top bit clear makes it positive, the next one set makes it minimal.
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    bytes
}

/// The first 160 bits of the SHA-256 of the public key (RFC 7093 §2, method 1).
pub(crate) fn key_id(key: &SigningKey) -> Vec<u8> {
    veriseal::digest::sha256(&key.public_bytes())[..20].to_vec()
}

fn set_window(template: &mut Template, valid: Validity) {
    template.not_before = valid.start.unwrap_or(template.not_before);
    template.not_after = valid.end.unwrap_or(template.not_after);
}
