//! [`CtLog`]: a certificate transparency log that signs certificate timestamps (RFC 6962 §3.2).

use crate::der;
use crate::key::{KeyKind, SigningKey};
use crate::random::Seed;
use crate::x509::{Extension, Template, extension};
use veriseal::time::{UnixTime, Validity};

/// A log that promises inclusion. It keeps no tree: Sigstore's verifiers look at the promise only.
#[derive(Clone, Debug)]
pub struct CtLog {
    /// The log's key.
    pub key: SigningKey,
    /// Base URL in the trusted root.
    pub url: String,
    /// When the key may sign, as the trusted root says.
    pub window: Validity,
    /// Extension bytes of the timestamps made, such as a `leaf_index` of static-ct-api; empty for a classic log.
    pub extensions: Vec<u8>,
}

/// A signed certificate timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sct {
    /// 0 is v1.
    pub version: u8,
    /// SHA-256 of the log key's SPKI.
    pub log_id: [u8; 32],
    /// Milliseconds since the epoch.
    pub timestamp: u64,
    /// Extension bytes.
    pub extensions: Vec<u8>,
    /// 4 is SHA-256.
    pub hash_algorithm: u8,
    /// 3 is ECDSA, 1 is RSA.
    pub signature_algorithm: u8,
    /// The signature.
    pub signature: Vec<u8>,
}

impl CtLog {
    /// A P-256 log.
    #[must_use]
    pub fn new(url: &str, seed: &Seed, window: Validity) -> Self {
        Self { key: SigningKey::new(KeyKind::P256, seed), url: url.to_owned(), window, extensions: Vec::new() }
    }

    /// The timestamp over a precertificate: its TBS without SCT list, and the SPKI of its issuer.
    #[must_use]
    pub fn sign_precertificate(&self, tbs: &[u8], issuer_spki: &[u8], at: UnixTime) -> Sct {
        let timestamp = milliseconds(at);
        let issuer_key_hash = veriseal::digest::sha256(issuer_spki);
        let message = precertificate_message(timestamp, &issuer_key_hash, tbs, &self.extensions);
        let rsa = matches!(self.key.kind(), KeyKind::Rsa1024 | KeyKind::Rsa2048 | KeyKind::Rsa4096);
        Sct {
            version: 0,
            log_id: self.key.id(),
            timestamp,
            extensions: self.extensions.clone(),
            hash_algorithm: 4,
            signature_algorithm: if rsa { 1 } else { 3 },
            signature: self.key.sign(&message),
        }
    }

    /// Logs a template and returns the timestamp; embed it with [`sct_list`].
    #[must_use]
    pub fn submit(&self, template: &Template, issuer_spki: &[u8], at: UnixTime) -> Sct {
        let mut precertificate = template.clone();
        precertificate.remove(extension::SCT_LIST);
        self.sign_precertificate(&precertificate.tbs(), issuer_spki, at)
    }
}

impl Sct {
    /// The TLS encoding (RFC 6962 §3.2).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.version];
        out.extend(self.log_id);
        out.extend(self.timestamp.to_be_bytes());
        out.extend((self.extensions.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.extensions);
        out.extend([self.hash_algorithm, self.signature_algorithm]);
        out.extend((self.signature.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.signature);
        out
    }
}

/// The `leaf_index` extension of static-ct-api.
#[must_use]
pub fn leaf_index(index: u64) -> Vec<u8> {
    let mut out = vec![0, 0, 5];
    out.extend_from_slice(&index.to_be_bytes()[3..]);
    out
}

/// What an SCT over a precertificate signs (RFC 6962 §3.2).
#[must_use]
pub fn precertificate_message(timestamp: u64, issuer_key_hash: &[u8; 32], tbs: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend(timestamp.to_be_bytes());
    out.extend([0, 1]);
    out.extend(issuer_key_hash);
    out.extend_from_slice(&(tbs.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(tbs);
    out.extend((extensions.len() as u16).to_be_bytes());
    out.extend_from_slice(extensions);
    out
}

/// The SCT list extension of a certificate.
#[must_use]
pub fn sct_list(scts: &[Sct]) -> Extension {
    let mut list = Vec::new();
    for sct in scts {
        let encoded = sct.encode();
        list.extend((encoded.len() as u16).to_be_bytes());
        list.extend(encoded);
    }
    let mut out = (list.len() as u16).to_be_bytes().to_vec();
    out.extend(list);
    Extension::new(extension::SCT_LIST, false, der::octet_string(&out))
}

/// Milliseconds since the epoch, as SCTs carry time.
#[must_use]
pub fn milliseconds(at: UnixTime) -> u64 {
    at.seconds().max(0) as u64 * 1000 + u64::from(at.nanos() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::digest::sha256;
    use veriseal::encoding::hex::encode as hex;

    /// Spec vectors: the signed structure of an SCT.
    #[test]
    fn the_signed_structure_of_the_vectors_is_reproduced() {
        let message = precertificate_message(1_700_000_000_123, &sha256(b"issuer"), &[0x30, 3, 2, 1, 1], &leaf_index(0x70));
        assert_eq!(hex(&sha256(&message)), "cda16f13690d32230161ca3e08c9f76656618b77e2163c525c24a478cb7af670");
        assert_eq!(hex(&leaf_index(0x70)), "0000050000000070");
    }
}
