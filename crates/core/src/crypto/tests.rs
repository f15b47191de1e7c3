use super::fixtures::{self, MESSAGE, bytes};
use super::*;
use crate::key::PublicKey;
use HashAlgorithm::{Sha256, Sha384, Sha512};
use signature::hazmat::PrehashSigner;

/// DER of a P-256, P-384 or P-521 key.
fn ec_spki(kind: KeyKind, point: &[u8]) -> Vec<u8> {
    let head: &[u8] = match kind {
        KeyKind::EcdsaP256 => &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3,
            0x42, 0,
        ],
        KeyKind::EcdsaP384 => {
            &[0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22, 3, 0x62, 0]
        }
        KeyKind::EcdsaP521 => &[
            0x30, 0x81, 0x9b, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23, 3, 0x81, 0x86,
            0,
        ],
        _ => panic!(),
    };
    [head, point].concat()
}

fn ed25519_spki(point: &[u8]) -> Vec<u8> {
    [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], point].concat()
}

fn prepared(spki: &[u8]) -> PreparedKey {
    PreparedKey::new(PublicKey::from_spki(spki).unwrap()).unwrap()
}

fn rsa() -> PreparedKey {
    prepared(&bytes(fixtures::RSA_SPKI))
}

fn ed25519() -> (ed25519_dalek::SigningKey, PreparedKey) {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = prepared(&ed25519_spki(secret.verifying_key().as_bytes()));
    (secret, key)
}

macro_rules! ecdsa {
    ($name:ident, $krate:ident, $kind:expr, $size:literal) => {
        fn $name(hash: HashAlgorithm) -> (PreparedKey, Vec<u8>) {
            let mut secret = [0x11; $size];
            secret[0] = 0;
            let secret = $krate::ecdsa::SigningKey::from_slice(&secret).unwrap();
            let key = prepared(&ec_spki($kind, secret.verifying_key().to_sec1_point(false).as_bytes()));
            let signature: $krate::ecdsa::Signature = secret.sign_prehash(hash.hash(&[MESSAGE]).as_bytes()).unwrap();
            (key, signature.to_der().as_bytes().to_vec())
        }
    };
}
ecdsa!(p256, p256, KeyKind::EcdsaP256, 32);
ecdsa!(p384, p384, KeyKind::EcdsaP384, 48);
ecdsa!(p521, p521, KeyKind::EcdsaP521, 66);

#[test]
fn ecdsa_verifies_with_every_curve_and_hash() {
    for hash in [Sha256, Sha384, Sha512] {
        for make in [p256, p384, p521] {
            let (key, signature) = make(hash);
            let scheme = Scheme::Ecdsa(hash);
            assert_eq!(verify_message(&key, scheme, MESSAGE, &signature), Ok(()), "{key:?} {scheme}");
            assert_eq!(verify_prehash(&key, scheme, hash.hash(&[MESSAGE]).as_bytes(), &signature), Ok(()));
            assert_eq!(verify_message(&key, scheme, b"other", &signature), Err(SignatureError::Invalid));
        }
    }
}

/// K-CR-01: "psychic" signatures, and the edges of the range of r and s.
#[test]
fn ecdsa_r_and_s_lie_between_one_and_the_order() {
    let orders = [
        (p256(Sha256).0, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (p384(Sha256).0, "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
        (
            p521(Sha256).0,
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        ),
    ];
    for (key, order) in &orders {
        let order = crate::encoding::hex::decode(order).unwrap();
        let mut above = order.clone();
        *above.last_mut().unwrap() += 1;
        let integer = |magnitude: &[u8]| {
            let sign: &[u8] = if magnitude[0] >= 0x80 { &[0] } else { &[] };
            let value = [sign, magnitude].concat();
            [&[2, u8::try_from(value.len()).unwrap()], &value[..]].concat()
        };
        let zero = vec![0];
        for r in [&zero, &order, &above] {
            for s in [&zero, &order, &above] {
                let body = [integer(r), integer(s)].concat();
                let length = u8::try_from(body.len()).unwrap();
                let head: &[u8] = if length < 0x80 { &[0x30, length] } else { &[0x30, 0x81, length] };
                let signature = [head, &body[..]].concat();
                assert_eq!(verify_message(key, Scheme::Ecdsa(Sha256), MESSAGE, &signature), Err(SignatureError::Invalid));
                assert_eq!(verify_prehash(key, Scheme::Ecdsa(Sha256), &[0; 32], &signature), Err(SignatureError::Invalid));
            }
        }
    }
}

/// K-CR-02.
#[test]
fn an_ecdsa_signature_has_one_encoding() {
    let (key, good) = p256(Sha256);
    let verify = |signature: &[u8]| verify_message(&key, Scheme::Ecdsa(Sha256), MESSAGE, signature);
    assert_eq!(verify(&good), Ok(()));
    let mut trailing = good.clone();
    trailing.push(0);
    let mut long_form = vec![0x30, 0x81];
    long_form.extend(&good[1..]);
    for bad in [&trailing[..], &long_form, &good[..good.len() - 1], &[], &[0x30, 0]] {
        assert_eq!(verify(bad), Err(SignatureError::Invalid), "{bad:02x?}");
    }
}

#[test]
fn high_s_is_accepted_as_everywhere_in_sigstore() {
    let (key, good) = p256(Sha256);
    let low = p256::ecdsa::Signature::from_der(&good).unwrap();
    let other = p256::ecdsa::Signature::from_scalars(low.r().to_bytes(), (-low.s()).to_bytes()).unwrap();
    assert_ne!(other, low);
    for signature in [low, other] {
        assert_eq!(verify_message(&key, Scheme::Ecdsa(Sha256), MESSAGE, signature.to_der().as_bytes()), Ok(()));
    }
}

#[test]
fn rsa_pkcs1_verifies_with_its_own_hash_only() {
    let key = rsa();
    let signatures = [(Sha256, fixtures::PKCS1_SHA256), (Sha384, fixtures::PKCS1_SHA384), (Sha512, fixtures::PKCS1_SHA512)];
    for (signed, signature) in signatures {
        for hash in [Sha256, Sha384, Sha512] {
            let found = verify_message(&key, Scheme::RsaPkcs1(hash), MESSAGE, &bytes(signature));
            assert_eq!(found, if hash == signed { Ok(()) } else { Err(SignatureError::Invalid) });
        }
        assert_eq!(verify_message(&key, Scheme::RsaPss(signed), MESSAGE, &bytes(signature)), Err(SignatureError::Invalid));
    }
}

/// K-CR-04.
#[test]
fn a_pss_salt_is_at_least_as_long_as_the_hash() {
    let key = rsa();
    for (hash, signature) in [
        (Sha256, fixtures::PSS_SHA256_SALT_32),
        (Sha256, fixtures::PSS_SHA256_SALT_MAX),
        (Sha384, fixtures::PSS_SHA384_SALT_48),
        (Sha512, fixtures::PSS_SHA512_SALT_64),
    ] {
        let signature = bytes(signature);
        assert_eq!(verify_message(&key, Scheme::RsaPss(hash), MESSAGE, &signature), Ok(()));
        assert_eq!(verify_message(&key, Scheme::RsaPss(hash), b"other", &signature), Err(SignatureError::Invalid));
        assert_eq!(verify_message(&key, Scheme::RsaPkcs1(hash), MESSAGE, &signature), Err(SignatureError::Invalid));
    }
    for bad in [fixtures::PSS_SHA256_SALT_31, fixtures::PSS_SHA256_MGF1_SHA512] {
        assert_eq!(verify_message(&key, Scheme::RsaPss(Sha256), MESSAGE, &bytes(bad)), Err(SignatureError::Invalid));
    }
}

/// RFC 8017 §9.1.2 step 6: bits above the encoded message are zero; 2049 is where they fill an octet of their own.
#[test]
fn nothing_stands_above_a_pss_message() {
    for (key, good, bad) in [
        (fixtures::RSA_PSS_2048, fixtures::PSS_2048, fixtures::PSS_2048_HIGH_BIT),
        (fixtures::RSA_PSS_2049, fixtures::PSS_2049, fixtures::PSS_2049_HIGH_BIT),
    ] {
        let key = prepared(&bytes(key));
        let verify = |signature| verify_message(&key, Scheme::RsaPss(Sha256), MESSAGE, &bytes(signature));
        assert_eq!(verify(good), Ok(()));
        assert_eq!(verify(bad), Err(SignatureError::Invalid));
    }
}

#[test]
fn an_rsa_signature_has_the_length_of_the_modulus() {
    let key = rsa();
    for (scheme, text) in
        [(Scheme::RsaPkcs1(Sha256), fixtures::PKCS1_SHA256), (Scheme::RsaPss(Sha256), fixtures::PSS_SHA256_SALT_32)]
    {
        let good = bytes(text);
        let longer = [&[0], &good[..]].concat();
        let above = vec![0xff; good.len()];
        for bad in [&longer[..], &good[1..], &above, &[]] {
            assert_eq!(verify_message(&key, scheme, MESSAGE, bad), Err(SignatureError::Invalid));
        }
    }
}

/// K-CR-05.
#[test]
fn ed25519_and_ed25519ph_do_not_mix() {
    use signature::Signer;
    let (secret, key) = ed25519();
    let pure = secret.sign(MESSAGE).to_bytes();
    let mut hasher = <sha2::Sha512 as sha2::Digest>::new();
    sha2::Digest::update(&mut hasher, MESSAGE);
    let prehashed = secret.sign_prehashed(hasher, None).unwrap().to_bytes();
    let digest = Sha512.hash(&[MESSAGE]);

    assert_eq!(verify_message(&key, Scheme::Ed25519, MESSAGE, &pure), Ok(()));
    assert_eq!(verify_message(&key, Scheme::Ed25519ph, MESSAGE, &prehashed), Ok(()));
    assert_eq!(verify_prehash(&key, Scheme::Ed25519ph, digest.as_bytes(), &prehashed), Ok(()));
    assert_eq!(verify_message(&key, Scheme::Ed25519, MESSAGE, &prehashed), Err(SignatureError::Invalid));
    assert_eq!(verify_message(&key, Scheme::Ed25519ph, MESSAGE, &pure), Err(SignatureError::Invalid));
    assert_eq!(verify_message(&key, Scheme::Ed25519, digest.as_bytes(), &prehashed), Err(SignatureError::Invalid));
    assert_eq!(verify_prehash(&key, Scheme::Ed25519, digest.as_bytes(), &pure), Err(SignatureError::NeedsMessage));
    assert_eq!(SignatureError::NeedsMessage.failure().code(), Code::NeedsArtifactBytes);
}

/// RFC 8032 §7.3.
#[test]
fn the_ed25519ph_vector_of_the_rfc_verifies() {
    let hex = |text| crate::encoding::hex::decode(text).unwrap();
    let key = prepared(&ed25519_spki(&hex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")));
    let signature = hex(concat!(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41",
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    ));
    assert_eq!(verify_message(&key, Scheme::Ed25519ph, b"abc", &signature), Ok(()));
}

/// K-CR-06, K-CR-07: the scheme fits the key, the digest fits the scheme.
#[test]
fn a_scheme_that_does_not_fit_is_a_mismatch() {
    let mismatch = Err(SignatureError::SchemeMismatch);
    let (ec, signature) = p256(Sha256);
    let (_, ed) = ed25519();
    let rsa = rsa();
    for (key, wrong) in [
        (&ec, &[Scheme::RsaPkcs1(Sha256), Scheme::RsaPss(Sha256), Scheme::Ed25519, Scheme::Ed25519ph][..]),
        (&ed, &[Scheme::RsaPkcs1(Sha512), Scheme::RsaPss(Sha512), Scheme::Ecdsa(Sha512)]),
        (&rsa, &[Scheme::Ecdsa(Sha256), Scheme::Ed25519, Scheme::Ed25519ph]),
    ] {
        for scheme in wrong {
            assert_eq!(verify_message(key, *scheme, MESSAGE, &signature), mismatch, "{key:?} {scheme}");
            let digest = [0; 64];
            let length = scheme.hash().map_or(64, HashAlgorithm::length);
            assert_eq!(verify_prehash(key, *scheme, &digest[..length], &signature), mismatch, "{key:?} {scheme}");
        }
    }
    let digest = Sha256.hash(&[MESSAGE]);
    for wrong in [&digest.as_bytes()[..31], &[0; 33], &[0; 48], &[]] {
        assert_eq!(verify_prehash(&ec, Scheme::Ecdsa(Sha256), wrong, &signature), mismatch);
    }
    assert_eq!(SignatureError::SchemeMismatch.failure().code(), Code::AlgorithmUnsupported);
    assert_eq!(SignatureError::Invalid.failure().code(), Code::SignatureInvalid);
}

#[test]
fn every_scheme_of_a_key_fits_it() {
    for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521, KeyKind::Ed25519, KeyKind::Rsa { bits: 2048 }] {
        assert!(schemes_for_key(kind).iter().all(|scheme| scheme.fits(kind)));
    }
    assert_eq!(schemes_for_key(KeyKind::EcdsaP384), [Scheme::Ecdsa(Sha384), Scheme::Ecdsa(Sha256)]);
    assert_eq!(schemes_for_key(KeyKind::EcdsaP521), [Scheme::Ecdsa(Sha512), Scheme::Ecdsa(Sha256)]);
}

/// K-CR-05, K-CR-06, K-X-13, K-X-14, K-X-15: what no backend should ever see.
#[test]
fn keys_that_cannot_be_used_are_key_invalid() {
    let refused = |der: &[u8], words: &str| {
        let failure = PublicKey::from_spki(der).unwrap_err();
        assert_eq!(failure.code(), Code::KeyInvalid);
        assert!(failure.found_text().unwrap().contains(words), "{failure}");
    };
    refused(&bytes(fixtures::RSA_1024), "1024 bits");
    refused(&bytes(fixtures::RSA_2040), "2040 bits");
    refused(&bytes(fixtures::RSA_EXPONENT_3), "exponent");
    refused(&bytes(fixtures::P192), "the curve 1.2.840.10045.3.1.1");
    refused(&bytes(fixtures::SECP256K1), "the curve 1.3.132.0.10");
    refused(&bytes(fixtures::DSA), "the key algorithm 1.2.840.10040.4.1");
    refused(&bytes(fixtures::P256_EXPLICIT), "without a named curve");
    refused(&[], "truncated");
    refused(&vec![0x30; 5000], "5000 bytes");

    let (ec, _) = p256(Sha256);
    let good = ec.key().spki().to_vec();
    refused(&[&good[..], &[0]].concat(), "trailing");
    let mut off_curve = good.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    refused(&off_curve, "not on its curve");
    let mut hybrid = good.clone();
    hybrid[26] = 0x06;
    refused(&hybrid, "uncompressed");
    let mut unused = good.clone();
    unused[25] = 1;
    refused(&unused, "unused bits");
    let mut compressed = good[..26 + 33].to_vec();
    compressed[1] -= 32;
    compressed[24] -= 32;
    compressed[26] = 2;
    refused(&compressed, "uncompressed");

    let rsa_good = bytes(fixtures::RSA_SPKI);
    let mut even_modulus = rsa_good.clone();
    let at = even_modulus.len() - 6;
    even_modulus[at] &= 0xfe;
    refused(&even_modulus, "even RSA modulus");
    let mut even_exponent = rsa_good.clone();
    *even_exponent.last_mut().unwrap() = 0;
    refused(&even_exponent, "exponent");
}

/// K-CR-05: the eight points of small order, and encodings with y ≥ p.
#[test]
fn weak_or_non_canonical_ed25519_points_are_key_invalid() {
    for point in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let der = ed25519_spki(&crate::encoding::hex::decode(point).unwrap());
        assert_eq!(PublicKey::from_spki(&der).unwrap_err().code(), Code::KeyInvalid, "{point}");
    }
    let found = PublicKey::from_spki(&ed25519_spki(&[0; 31])).unwrap_err();
    assert_eq!(found.code(), Code::KeyInvalid);
}

/// Answers of every backend to one Ed25519 signature; one answer.
fn ed25519_answer(keys: &[PreparedKey], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let answers: Vec<_> = keys.iter().map(|key| verify_message(key, Scheme::Ed25519, message, signature)).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    answers[0]
}

/// k of RFC 8032 §5.1.7, step 2.
fn ed25519_k(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> curve25519_dalek::Scalar {
    let hash = Sha512.hash(&[r, key, message]);
    curve25519_dalek::Scalar::from_bytes_mod_order_wide(hash.as_bytes().try_into().unwrap())
}

fn ed25519_keys(point: &[u8; 32]) -> Vec<PreparedKey> {
    let key = PublicKey::from_spki(&ed25519_spki(point)).unwrap();
    Backend::ALL.iter().map(|backend| PreparedKey::with_backend(key.clone(), *backend).unwrap()).collect()
}

/// K-CR-05: the edges at which implementations of Ed25519 differ (Chalkias, Garillot, Nikolaenko 2020): R and the key with every
/// part of small order, with and without one of large order, for which the equation holds or holds only times eight.
#[test]
fn ed25519_signatures_with_parts_of_small_order_have_one_answer() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION};
    use curve25519_dalek::{EdwardsPoint, Scalar};
    let (secret, nonce) = (Scalar::from(0x1234_5678_9abc_def1_u64), Scalar::from(0x0fed_cba9_8765_4321_u64));
    let (mut good, mut bad, mut of_small_order) = (0, 0, 0);
    for of_key in EIGHT_TORSION {
        let key = BASE * secret + of_key;
        let key_bytes = key.compress().to_bytes();
        let keys = ed25519_keys(&key_bytes);
        for of_r in EIGHT_TORSION {
            for nonce in [nonce, Scalar::ZERO] {
                let r: EdwardsPoint = BASE * nonce + of_r;
                let r_bytes = r.compress().to_bytes();
                for message in [&b"1"[..], b"2", b"3", b""] {
                    let k = ed25519_k(&r_bytes, &key_bytes, message);
                    let s = nonce + k * secret;
                    let holds = BASE * s - key * k == r;
                    let expected = if holds && !r.is_small_order() { Ok(()) } else { Err(SignatureError::Invalid) };
                    let signature = [r_bytes, s.to_bytes()].concat();
                    assert_eq!(ed25519_answer(&keys, message, &signature), expected);
                    good += u32::from(expected.is_ok());
                    bad += u32::from(!holds);
                    of_small_order += u32::from(holds && expected.is_err());
                }
            }
        }
    }
    assert!(good > 20 && bad > 100 && of_small_order > 20, "{good} {bad} {of_small_order}");
}

/// K-CR-05: S and R in other encodings than their one, each of a signature for which the equation holds.
#[test]
fn ed25519_signatures_in_other_encodings_are_invalid() {
    use curve25519_dalek::Scalar;
    let secret = Scalar::from(0x1234_5678_9abc_def1_u64);
    let point = (curve25519_dalek::constants::ED25519_BASEPOINT_POINT * secret).compress().to_bytes();
    let keys = ed25519_keys(&point);
    let invalid = Err(SignatureError::Invalid);
    // R is the neutral point, in its encodings that are not canonical; S without a nonce.
    let mut with_sign = [0; 32];
    (with_sign[0], with_sign[31]) = (1, 0x80);
    let mut above = [0xff; 32];
    (above[0], above[31]) = (0xee, 0x7f);
    let mut both = above;
    both[31] = 0xff;
    for r in [with_sign, above, both] {
        let s = ed25519_k(&r, &point, MESSAGE) * secret;
        assert_eq!(ed25519_answer(&keys, MESSAGE, &[r, s.to_bytes()].concat()), invalid);
    }
    // No point at all: y = 2.
    let mut none = [0; 32];
    none[0] = 2;
    assert_eq!(ed25519_answer(&keys, MESSAGE, &[none, [1; 32]].concat()), invalid);

    let (secret, key) = ed25519();
    let keys = ed25519_keys(key.key().value().try_into().unwrap());
    let good = signature::Signer::sign(&secret, MESSAGE).to_bytes();
    assert_eq!(ed25519_answer(&keys, MESSAGE, &good), Ok(()));
    // S + L, S + 2·L and so on, as long as 256 bits suffice.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut more = good;
    for times in 0..14 {
        let mut carry = 0_u16;
        for (byte, of_order) in more[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(of_order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(carry, 0);
        assert_eq!(ed25519_answer(&keys, MESSAGE, &more), invalid, "{times}");
    }
    for bit in 0..512 {
        let mut flipped = good;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(ed25519_answer(&keys, MESSAGE, &flipped), invalid, "{bit}");
    }
    let longer = [&good[..], &[0]].concat();
    for other in [&good[..63], &longer, &good[..32], &good[..31], &[]] {
        assert_eq!(ed25519_answer(&keys, MESSAGE, other), invalid);
    }
    assert_eq!(ed25519_answer(&keys, b"other", &good), invalid);
}

/// How many signatures are compared: `VERISEAL_COMPARISONS`, or a few.
fn comparisons() -> u32 {
    std::env::var("VERISEAL_COMPARISONS").ok().and_then(|count| count.parse().ok()).unwrap_or(24)
}

/// A good signature, and every answer to it and to what becomes of it when a bit flips, from each backend and from a table.
#[test]
fn backends_and_tables_answer_alike() {
    let curves = [
        (KeyKind::EcdsaP256, Sha256, 32_usize),
        (KeyKind::EcdsaP384, Sha384, 48),
        // A digest that is shorter, and one that is longer than the order.
        (KeyKind::EcdsaP384, Sha256, 48),
        (KeyKind::EcdsaP256, Sha512, 32),
    ];
    let tables = std::sync::Arc::new(KeyTables::new());
    for (kind, hash, size) in curves {
        let scheme = Scheme::Ecdsa(hash);
        let secret = Sha512.hash(&[b"secret", hash.to_string().as_bytes()]);
        let secret = &secret.as_bytes()[..size];
        let sign = |prehash: &[u8]| match kind {
            KeyKind::EcdsaP256 => {
                let signature: p256::ecdsa::Signature =
                    p256::ecdsa::SigningKey::from_slice(secret).unwrap().sign_prehash(prehash).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
            _ => {
                let signature: p384::ecdsa::Signature =
                    p384::ecdsa::SigningKey::from_slice(secret).unwrap().sign_prehash(prehash).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
        };
        let point = match kind {
            KeyKind::EcdsaP256 => {
                let key = p256::ecdsa::SigningKey::from_slice(secret).unwrap();
                key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }
            _ => p384::ecdsa::SigningKey::from_slice(secret).unwrap().verifying_key().to_sec1_point(false).as_bytes().to_vec(),
        };
        let key = PublicKey::from_spki(&ec_spki(kind, &point)).unwrap();
        let tabled = PreparedKey::new(key.clone()).unwrap();
        tabled.with_tables(&tables);
        let mut keys = vec![tabled];
        keys.extend(Backend::ALL.iter().map(|backend| PreparedKey::with_backend(key.clone(), *backend).unwrap()));
        for number in 0..comparisons() {
            let prehash = hash.hash(&[&number.to_be_bytes()]);
            let good = sign(prehash.as_bytes());
            let mut bad = good.clone();
            let bit = usize::try_from(number).unwrap() * 7 % (bad.len() * 8);
            bad[bit / 8] ^= 1 << (bit % 8);
            for key in &keys {
                assert_eq!(verify_prehash(key, scheme, prehash.as_bytes(), &good), Ok(()), "{number}");
                let expected = Err(SignatureError::Invalid);
                assert_eq!(verify_prehash(key, scheme, prehash.as_bytes(), &bad), expected, "{number}");
            }
        }
        assert!(keys[0].has_table(), "the table was not used");
    }
}

/// One too many for the pool is verified without a table, and just as well.
#[test]
fn tables_are_bounded_in_number() {
    let tables = std::sync::Arc::new(KeyTables::new());
    (0..64).for_each(|_| assert!(tables.take_one()));
    let (key, good) = p256(Sha256);
    key.with_tables(&tables);
    for _ in 0..8 {
        assert_eq!(verify_message(&key, Scheme::Ecdsa(Sha256), MESSAGE, &good), Ok(()));
        assert_eq!(verify_message(&key, Scheme::Ecdsa(Sha256), b"other", &good), Err(SignatureError::Invalid));
    }
    assert!(!key.has_table());
}
