//! [`SigningKey`] and [`Scheme`]: the keys that a virtual Sigstore signs with, and how.
//!
//! Every signature is deterministic: RFC 6979 for ECDSA, RFC 8032 for Ed25519, PKCS#1 v1.5 for RSA, and a salt from the
//! key's own [`Seed`] for RSA-PSS. A [`Scheme`] may be any that the key can compute, also those that a verifier must refuse.

use crate::der;
use crate::random::Seed;
use ed25519_dalek::Signer as _;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use signature::hazmat::PrehashSigner as _;
use veriseal::digest::HashAlgorithm;

/// What kind of key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA with a 1024-bit modulus: one fixed key, too short to be accepted by anybody.
    Rsa1024,
    /// RSA with a 2048-bit modulus: one fixed key.
    Rsa2048,
    /// RSA with a 4096-bit modulus: one fixed key.
    Rsa4096,
}

/// A signature scheme: algorithm and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// ECDSA over the hash, DER encoded.
    Ecdsa(HashAlgorithm),
    /// Ed25519 over the message (RFC 8032 §5.1).
    Ed25519,
    /// Ed25519ph over the message's SHA-512, empty context.
    Ed25519ph,
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(HashAlgorithm),
    /// RSASSA-PSS with MGF1 of the same hash and a salt of the hash's length.
    RsaPss(HashAlgorithm),
}

/// A private key. Not a secret: anyone with the seed has it too.
#[derive(Clone)]
pub struct SigningKey {
    kind: KeyKind,
    seed: Seed,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl SigningKey {
    /// The key of that kind that belongs to the seed. RSA keys are the same for every seed: making one takes seconds.
    #[must_use]
    pub fn new(kind: KeyKind, seed: &Seed) -> Self {
        let rsa = |der: &[u8]| {
            let key = rsa::RsaPrivateKey::from_pkcs1_der(der).expect("the embedded key parses");
            Secret::Rsa(Box::new(key))
        };
        let secret = match kind {
            // A candidate is out of the scalar field with negligible probability; then the next one is taken.
            KeyKind::P256 => Secret::P256(first(seed, 32, |bytes| p256::ecdsa::SigningKey::from_slice(bytes).ok())),
            KeyKind::P384 => Secret::P384(first(seed, 48, |bytes| p384::ecdsa::SigningKey::from_slice(bytes).ok())),
            KeyKind::P521 => Secret::P521(first(seed, 66, |bytes| {
                let mut bytes = bytes.to_vec();
                bytes[0] = 0;
                p521::ecdsa::SigningKey::from_slice(&bytes).ok()
            })),
            KeyKind::Ed25519 => Secret::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed.array()))),
            KeyKind::Rsa1024 => rsa(include_bytes!("../keys/rsa-1024.der")),
            KeyKind::Rsa2048 => rsa(include_bytes!("../keys/rsa-2048.der")),
            KeyKind::Rsa4096 => rsa(include_bytes!("../keys/rsa-4096.der")),
        };
        Self { kind, seed: seed.clone(), secret }
    }

    /// An Ed25519 key from its 32-byte secret (RFC 8032 §5.1.5).
    #[must_use]
    pub fn ed25519_from_secret(secret: [u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&secret);
        Self { kind: KeyKind::Ed25519, seed: Seed::new(0), secret: Secret::Ed25519(Box::new(key)) }
    }

    /// What kind of key this is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The scheme that Sigstore's algorithm registry gives this kind of key: the curve's own hash, SHA-256 for RSA, pure
    /// Ed25519.
    #[must_use]
    pub fn default_scheme(&self) -> Scheme {
        match self.kind {
            KeyKind::P256 => Scheme::Ecdsa(HashAlgorithm::Sha256),
            KeyKind::P384 => Scheme::Ecdsa(HashAlgorithm::Sha384),
            KeyKind::P521 => Scheme::Ecdsa(HashAlgorithm::Sha512),
            KeyKind::Ed25519 => Scheme::Ed25519,
            KeyKind::Rsa1024 | KeyKind::Rsa2048 | KeyKind::Rsa4096 => Scheme::RsaPkcs1(HashAlgorithm::Sha256),
        }
    }

    /// The name of this key with its default scheme in `PublicKeyDetails` (protobuf-specs `sigstore_common.proto`).
    /// Ed25519 has two; this is the pure one.
    #[must_use]
    pub fn details(&self) -> &'static str {
        match self.kind {
            KeyKind::P256 => "PKIX_ECDSA_P256_SHA_256",
            KeyKind::P384 => "PKIX_ECDSA_P384_SHA_384",
            KeyKind::P521 => "PKIX_ECDSA_P521_SHA_512",
            KeyKind::Ed25519 => "PKIX_ED25519",
            KeyKind::Rsa1024 | KeyKind::Rsa2048 => "PKIX_RSA_PKCS1V15_2048_SHA256",
            KeyKind::Rsa4096 => "PKIX_RSA_PKCS1V15_4096_SHA256",
        }
    }

    /// Signs `message` with the default scheme.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(self.default_scheme(), message)
    }

    /// Signs `message` with a scheme of the caller's choice.
    ///
    /// # Panics
    /// When this kind of key cannot compute the scheme.
    #[must_use]
    pub fn sign_with(&self, scheme: Scheme, message: &[u8]) -> Vec<u8> {
        match (scheme, &self.secret) {
            (Scheme::Ed25519, Secret::Ed25519(key)) => key.sign(message).to_bytes().to_vec(),
            (Scheme::Ed25519ph, Secret::Ed25519(key)) => {
                use sha2::Digest as _;
                let hash = sha2::Sha512::new().chain_update(message);
                key.sign_prehashed(hash, None).expect("an empty context is allowed").to_bytes().to_vec()
            }
            (Scheme::Ecdsa(hash) | Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash), _) => {
                self.sign_prehash(scheme, hash.hash(&[message]).as_bytes())
            }
            _ => panic!("a {:?} key cannot compute {scheme:?}", self.kind),
        }
    }

    /// Signs a hash that was taken elsewhere. Ed25519 has no such form here.
    ///
    /// # Panics
    /// When this kind of key cannot compute the scheme.
    #[must_use]
    pub fn sign_prehash(&self, scheme: Scheme, hash: &[u8]) -> Vec<u8> {
        match (scheme, &self.secret) {
            (Scheme::Ecdsa(_), Secret::P256(key)) => {
                let signature: p256::ecdsa::DerSignature = key.sign_prehash(hash).expect("RFC 6979 signing succeeds");
                signature.as_bytes().to_vec()
            }
            (Scheme::Ecdsa(_), Secret::P384(key)) => {
                let signature: p384::ecdsa::DerSignature = key.sign_prehash(hash).expect("RFC 6979 signing succeeds");
                signature.as_bytes().to_vec()
            }
            (Scheme::Ecdsa(_), Secret::P521(key)) => {
                let signature: p521::ecdsa::DerSignature = key.sign_prehash(hash).expect("RFC 6979 signing succeeds");
                signature.as_bytes().to_vec()
            }
            (Scheme::RsaPkcs1(algorithm), Secret::Rsa(key)) => {
                let padding = rsa::Pkcs1v15Sign {
                    hash_len: Some(algorithm.length()),
                    prefix: digest_info_prefix(algorithm).into_boxed_slice(),
                };
                key.sign(padding, hash).expect("the modulus holds the padding")
            }
            (Scheme::RsaPss(algorithm), Secret::Rsa(key)) => {
                let mut salt = self.seed.named("pss salt").stream();
                let signed = match algorithm {
                    HashAlgorithm::Sha256 => key.sign_with_rng(&mut salt, rsa::Pss::<sha2::Sha256>::new(), hash),
                    HashAlgorithm::Sha384 => key.sign_with_rng(&mut salt, rsa::Pss::<sha2::Sha384>::new(), hash),
                    HashAlgorithm::Sha512 => key.sign_with_rng(&mut salt, rsa::Pss::<sha2::Sha512>::new(), hash),
                };
                signed.expect("the modulus holds the padding")
            }
            _ => panic!("a {:?} key cannot compute {scheme:?} over a hash", self.kind),
        }
    }

    /// The public key as SubjectPublicKeyInfo DER (RFC 5280 §4.1.2.7).
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        der::sequence(&[&self.algorithm_identifier(), &der::bit_string(&self.public_bytes())])
    }

    /// The public key as PEM, `-----BEGIN PUBLIC KEY-----`.
    #[must_use]
    pub fn public_pem(&self) -> String {
        crate::pem::encode("PUBLIC KEY", &self.spki())
    }

    /// The private key as PKCS#8 PEM, for other tools to sign with.
    #[must_use]
    pub fn private_pem(&self) -> String {
        let ec = |scalar: &[u8]| der::sequence(&[&der::integer(1), &der::octet_string(scalar)]);
        let secret = match &self.secret {
            Secret::P256(key) => ec(&key.to_bytes()),
            Secret::P384(key) => ec(&key.to_bytes()),
            Secret::P521(key) => ec(&key.to_bytes()),
            Secret::Ed25519(key) => der::octet_string(&key.to_bytes()),
            Secret::Rsa(_) => match self.kind {
                KeyKind::Rsa1024 => include_bytes!("../keys/rsa-1024.der").to_vec(),
                KeyKind::Rsa4096 => include_bytes!("../keys/rsa-4096.der").to_vec(),
                _ => include_bytes!("../keys/rsa-2048.der").to_vec(),
            },
        };
        let der = der::sequence(&[&der::integer(0), &self.algorithm_identifier(), &der::octet_string(&secret)]);
        crate::pem::encode("PRIVATE KEY", &der)
    }

    /// SHA-256 of the SPKI: the id of CT logs and of Rekor v1 logs (RFC 6962 §3.2).
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        veriseal::digest::sha256(&self.spki())
    }

    /// What the BIT STRING of the SPKI holds: an uncompressed point, 32 bytes of Ed25519, or an `RSAPublicKey`.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.secret {
            Secret::P256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Secret::P384(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Secret::P521(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Secret::Ed25519(key) => key.verifying_key().to_bytes().to_vec(),
            Secret::Rsa(key) => der::sequence(&[&der::unsigned(&key.n_bytes()), &der::unsigned(&key.e_bytes())]),
        }
    }

    fn algorithm_identifier(&self) -> Vec<u8> {
        let ec = |curve: &str| der::sequence(&[&der::oid("1.2.840.10045.2.1"), &der::oid(curve)]);
        match self.kind {
            KeyKind::P256 => ec("1.2.840.10045.3.1.7"),
            KeyKind::P384 => ec("1.3.132.0.34"),
            KeyKind::P521 => ec("1.3.132.0.35"),
            KeyKind::Ed25519 => der::sequence(&[&der::oid("1.3.101.112")]),
            _ => der::sequence(&[&der::oid("1.2.840.113549.1.1.1"), &der::null()]),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?}, {})", self.kind, veriseal::encoding::hex::encode(&self.id()))
    }
}

impl Scheme {
    /// The AlgorithmIdentifier of certificates and CMS for this scheme (RFC 5758, RFC 8410, RFC 4055).
    #[must_use]
    pub fn algorithm_identifier(self) -> Vec<u8> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let plain = |oid: &str| der::sequence(&[&der::oid(oid)]);
        let with_null = |oid: &str| der::sequence(&[&der::oid(oid), &der::null()]);
        match self {
            Self::Ecdsa(Sha256) => plain("1.2.840.10045.4.3.2"),
            Self::Ecdsa(Sha384) => plain("1.2.840.10045.4.3.3"),
            Self::Ecdsa(Sha512) => plain("1.2.840.10045.4.3.4"),
            Self::Ed25519 | Self::Ed25519ph => plain("1.3.101.112"),
            Self::RsaPkcs1(Sha256) => with_null("1.2.840.113549.1.1.11"),
            Self::RsaPkcs1(Sha384) => with_null("1.2.840.113549.1.1.12"),
            Self::RsaPkcs1(Sha512) => with_null("1.2.840.113549.1.1.13"),
            Self::RsaPss(hash) => {
                let hash_id = with_null(hash_oid(hash));
                let mgf = der::sequence(&[&der::oid("1.2.840.113549.1.1.8"), &hash_id]);
                let salt = der::integer(hash.length() as u64);
                let parameters = der::sequence(&[&der::context(0, &hash_id), &der::context(1, &mgf), &der::context(2, &salt)]);
                der::sequence(&[&der::oid("1.2.840.113549.1.1.10"), &parameters])
            }
        }
    }

    /// The hash that the scheme takes of the message; SHA-512 for Ed25519.
    #[must_use]
    pub fn hash(self) -> HashAlgorithm {
        match self {
            Self::Ecdsa(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => hash,
            Self::Ed25519 | Self::Ed25519ph => HashAlgorithm::Sha512,
        }
    }
}

/// The OID of a hash function (NIST CSOR), dotted.
#[must_use]
pub fn hash_oid(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::Sha256 => "2.16.840.1.101.3.4.2.1",
        HashAlgorithm::Sha384 => "2.16.840.1.101.3.4.2.2",
        HashAlgorithm::Sha512 => "2.16.840.1.101.3.4.2.3",
    }
}

/// DigestInfo up to the hash value (RFC 8017 §9.2, note 1).
fn digest_info_prefix(hash: HashAlgorithm) -> Vec<u8> {
    let algorithm = der::sequence(&[&der::oid(hash_oid(hash)), &der::null()]);
    let mut whole = der::sequence(&[&algorithm, &der::octet_string(&vec![0; hash.length()])]);
    whole.truncate(whole.len() - hash.length());
    whole
}

fn first<T>(seed: &Seed, length: usize, parse: impl Fn(&[u8]) -> Option<T>) -> T {
    let candidate = |attempt: u32| parse(&seed.named(&format!("candidate {attempt}")).bytes(length));
    (0..64).find_map(candidate).expect("one of many candidates is a scalar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::encoding::{base64, hex};

    #[test]
    fn the_ed25519_log_key_of_the_vectors_is_reproduced() {
        let secret: Vec<u8> = (0..32).collect();
        let key = SigningKey::ed25519_from_secret(secret.try_into().unwrap());
        assert_eq!(base64::encode(&key.spki()), "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=");
        assert_eq!(base64::encode(&key.id()), "oFCDfYUHBYLM9zlLCYiEfMMSy4glm4lImfbyOc8XkaU=");
    }

    #[test]
    fn signatures_are_deterministic_and_spki_has_the_standard_prefix() {
        let seed = Seed::new(1);
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa1024, KeyKind::Rsa2048] {
            let (one, two) = (SigningKey::new(kind, &seed), SigningKey::new(kind, &seed));
            assert_eq!(one.sign(b"message"), two.sign(b"message"), "{kind:?}");
            assert_ne!(one.sign(b"message"), one.sign(b"Message"), "{kind:?}");
        }
        let p256 = hex::encode(&SigningKey::new(KeyKind::P256, &seed).spki());
        assert!(p256.starts_with("3059301306072a8648ce3d020106082a8648ce3d03010703420004"));
        let p521 = SigningKey::new(KeyKind::P521, &seed);
        assert!(!p521.sign_with(Scheme::Ecdsa(HashAlgorithm::Sha256), b"short hash, long curve").is_empty());
        let rsa = SigningKey::new(KeyKind::Rsa2048, &seed);
        assert_eq!(
            rsa.sign_with(Scheme::RsaPss(HashAlgorithm::Sha256), b"m"),
            rsa.sign_with(Scheme::RsaPss(HashAlgorithm::Sha256), b"m")
        );
    }
}
