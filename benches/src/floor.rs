//! The floor: the signature checks and hashes of a sample that nobody can leave out, and nothing else.
//!
//! Keys of trust root and policy are decoded beforehand, the signer's in the call, as in a verifier that has been running for a
//! while. Nothing is parsed, compared or written down.

use crate::material::{Check, Key, Sample, Set};
use aws_lc_rs::signature as native;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256, Sha384};
use std::hint::black_box;
use std::sync::Arc;
use veriseal::HashAlgorithm;
use veriseal::crypto::{Backend, KeyTables, PreparedKey, Scheme, verify_message};
use veriseal_testkit::KeyKind;

/// How the primitives are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// p256, p384 and ed25519-dalek.
    RustCrypto,
    /// aws-lc-rs for all.
    AwsLc,
    /// veriseal's tables for the keys known beforehand, the backend for the signer's.
    Tables(Backend),
}

/// A set's floor.
pub struct Floor<'s> {
    set: &'s Set,
    keys: Keys,
}

enum Keys {
    Pure(Vec<Pure>),
    Native(Vec<native::ParsedPublicKey>),
    Prepared(Backend, Vec<PreparedKey>),
}

enum Pure {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl<'s> Floor<'s> {
    pub fn new(set: &'s Set, means: Means) -> Self {
        let keys = match means {
            Means::RustCrypto => Keys::Pure(set.keys.iter().map(Pure::new).collect()),
            Means::AwsLc => {
                // Its algorithms name key and hash together; each key of a set is used with one hash.
                let scheme = |index: usize| {
                    let checks = set.samples.iter().flat_map(|sample| &sample.checks);
                    checks.into_iter().find(|check| check.key == Ok(index)).map_or(Scheme::Ed25519, |check| check.scheme)
                };
                let schemes: Vec<Scheme> = (0..set.keys.len()).map(scheme).collect();
                let parsed = set.keys.iter().zip(&schemes).map(|(key, scheme)| parsed(key, *scheme)).collect();
                Keys::Native(parsed)
            }
            Means::Tables(backend) => {
                let tables = Arc::new(KeyTables::new());
                let prepare = |key: &Key| {
                    let key = prepared(key, backend);
                    key.with_tables(&tables);
                    key
                };
                Keys::Prepared(backend, set.keys.iter().map(prepare).collect())
            }
        };
        Self { set, keys }
    }

    /// Whether every signature of the sample holds.
    pub fn run(&self, number: usize) -> bool {
        let sample = &self.set.samples[number];
        hash_rest(sample);
        sample.checks.iter().all(|check| self.holds(check))
    }

    fn holds(&self, check: &Check) -> bool {
        match (&self.keys, &check.key) {
            (Keys::Pure(keys), Ok(index)) => keys[*index].holds(check),
            (Keys::Pure(_), Err(key)) => Pure::new(key).holds(check),
            (Keys::Native(keys), Ok(index)) => keys[*index].verify_sig(&check.message, &check.signature).is_ok(),
            (Keys::Native(_), Err(key)) => native::UnparsedPublicKey::new(algorithm(key.kind, check.scheme), &key.bytes)
                .verify(&check.message, &check.signature)
                .is_ok(),
            (Keys::Prepared(_, keys), Ok(index)) => {
                verify_message(&keys[*index], check.scheme, &check.message, &check.signature).is_ok()
            }
            (Keys::Prepared(backend, _), Err(key)) => match backend {
                Backend::RustCrypto => Pure::new(key).holds(check),
                _ => native::UnparsedPublicKey::new(algorithm(key.kind, check.scheme), &key.bytes)
                    .verify(&check.message, &check.signature)
                    .is_ok(),
            },
        }
    }
}

fn hash_rest(sample: &Sample) {
    for bytes in &sample.hashed {
        black_box(Sha256::digest(bytes));
    }
}

/// A key made ready for veriseal's seam.
pub fn prepared(key: &Key, backend: Backend) -> PreparedKey {
    let key = veriseal::PublicKey::from_spki(&key.spki).expect("a testkit key");
    PreparedKey::with_backend(key, backend).expect("a testkit key")
}

fn parsed(key: &Key, scheme: Scheme) -> native::ParsedPublicKey {
    native::ParsedPublicKey::new(algorithm(key.kind, scheme), &key.bytes).expect("a testkit key")
}

fn algorithm(kind: KeyKind, scheme: Scheme) -> &'static dyn native::VerificationAlgorithm {
    match (kind, scheme) {
        (KeyKind::P256, Scheme::Ecdsa(HashAlgorithm::Sha256)) => &native::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P384, Scheme::Ecdsa(HashAlgorithm::Sha256)) => &native::ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, Scheme::Ecdsa(HashAlgorithm::Sha384)) => &native::ECDSA_P384_SHA384_ASN1,
        (KeyKind::Ed25519, _) => &native::ED25519,
        other => unreachable!("{other:?} is not in the material"),
    }
}

impl Pure {
    fn new(key: &Key) -> Self {
        match key.kind {
            KeyKind::P256 => Self::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(&key.bytes).expect("a testkit key")),
            KeyKind::P384 => Self::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(&key.bytes).expect("a testkit key")),
            KeyKind::Ed25519 => {
                let bytes = key.bytes.as_slice().try_into().expect("32 bytes");
                Self::Ed25519(ed25519_dalek::VerifyingKey::from_bytes(&bytes).expect("a testkit key"))
            }
            other => unreachable!("{other:?} is not in the material"),
        }
    }

    fn holds(&self, check: &Check) -> bool {
        let hash = match check.scheme {
            Scheme::Ecdsa(HashAlgorithm::Sha256) => Sha256::digest(&check.message).to_vec(),
            Scheme::Ecdsa(HashAlgorithm::Sha384) => Sha384::digest(&check.message).to_vec(),
            _ => Vec::new(),
        };
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_der(&check.signature)
                .is_ok_and(|signature| key.verify_prehash(&hash, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_der(&check.signature)
                .is_ok_and(|signature| key.verify_prehash(&hash, &signature).is_ok()),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(&check.signature)
                .is_ok_and(|signature| key.verify_strict(&check.message, &signature).is_ok()),
        }
    }
}
