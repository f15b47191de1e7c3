//! DER, PEM, base64, keys, and one implementation of signatures against another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::str::from_utf8;
use std::sync::{Arc, LazyLock};
use veriseal::crypto::{Backend, KeyTables, PreparedKey, Scheme, verify_message, verify_prehash};
use veriseal::digest::HashAlgorithm;
use veriseal::format::tsp::TimestampToken;
use veriseal::x509::{Certificate, DistinguishedName, FulcioExtensions, SubjectName};
use veriseal::{Limits, PublicKey};
use veriseal_testkit::{KeyKind, Seed, SigningKey};

const LIMITS: Limits = Limits::DEFAULT;

pub(crate) fn cert_der_profile(data: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(data, &LIMITS) {
        assert_eq!(certificate.der(), data, "a certificate that is not the bytes it was read from");
        let _ = SubjectName::from_certificate(&certificate);
        let _ = FulcioExtensions::from_certificate(&certificate);
        let _ = DistinguishedName::from_certificate(&certificate).to_string();
        if let Ok(key) = certificate.prepared_key() {
            let _ = certificate.verify_signed_by(key);
        }
    }
    let _ = Certificate::from_pem_chain(data, &LIMITS);
}

pub(crate) fn rfc3161_token(data: &[u8]) {
    static KEY: LazyLock<PreparedKey> = LazyLock::new(|| prepared(KeyKind::P384, Backend::RustCrypto));
    for token in [TimestampToken::parse_response(data), TimestampToken::parse_token(data)].into_iter().flatten() {
        assert!(token.verify_signature(&KEY).is_err(), "a token of nobody's key");
    }
}

pub(crate) fn public_key(data: &[u8]) {
    for key in [PublicKey::from_pem(data), PublicKey::from_spki(data), PublicKey::from_pkcs1_rsa(data)].into_iter().flatten() {
        for backend in Backend::ALL {
            PreparedKey::with_backend(key.clone(), *backend).expect("a key that was read can be used");
        }
    }
}

/// One text for some bytes, and the one that everybody writes.
pub(crate) fn base64_text(data: &[u8]) {
    let ours = veriseal::encoding::base64::decode(data);
    assert_eq!(ours, STANDARD.decode(data).ok(), "another answer than the common decoder's");
    if let (Some(bytes), Ok(text)) = (&ours, from_utf8(data)) {
        assert_eq!(&veriseal::encoding::base64::encode(bytes), text, "bytes with two texts");
    }
}

fn signing(kind: KeyKind) -> SigningKey {
    SigningKey::new(kind, &Seed::new(7))
}

fn prepared(kind: KeyKind, backend: Backend) -> PreparedKey {
    let key = PublicKey::from_spki(&signing(kind).spki()).expect("the testkit's own key");
    PreparedKey::with_backend(key, backend).expect("a sound key")
}

/// One key in every implementation, tables of multiples included.
fn implementations(kind: KeyKind) -> Vec<PreparedKey> {
    let mut all: Vec<_> = Backend::ALL.iter().map(|backend| prepared(kind, *backend)).collect();
    let tabled = prepared(kind, Backend::RustCrypto);
    tabled.with_tables(&Arc::new(KeyTables::new()));
    all.push(tabled);
    all
}

/// All implementations give one answer. The first byte chooses the key; then a digest (for Ed25519 the message) and a signature,
/// or a change to a good one.
pub(crate) fn backends(data: &[u8]) {
    type Known = (SigningKey, Vec<PreparedKey>);
    static KEYS: LazyLock<Vec<Known>> = LazyLock::new(|| {
        [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519].map(|kind| (signing(kind), implementations(kind))).into()
    });
    let [choice, rest @ ..] = data else { return };
    let Some((digest, rest)) = rest.split_first_chunk::<32>() else { return };
    let edwards = choice & 4 != 0;
    let Some((key, implementations)) = KEYS.get(if edwards { 2 } else { usize::from(choice % 2) }) else { return };
    let signature = if choice & 2 == 0 {
        rest.to_vec()
    } else {
        let mut good = match edwards {
            true => key.sign(digest),
            false => key.sign_prehash(veriseal_testkit::Scheme::Ecdsa(HashAlgorithm::Sha256), digest),
        };
        for change in rest.chunks_exact(2) {
            let length = good.len();
            if let Some(byte) = good.get_mut(usize::from(change[0]) % length) {
                *byte ^= change[1];
            }
        }
        good
    };
    let mut answers = implementations.iter().map(|one| {
        match edwards {
            true => verify_message(one, Scheme::Ed25519, digest, &signature),
            false => verify_prehash(one, Scheme::Ecdsa(HashAlgorithm::Sha256), digest, &signature),
        }
        .is_ok()
    });
    let first = answers.next().expect("one implementation at least");
    assert!(answers.all(|answer| answer == first), "implementations that do not agree");
}
