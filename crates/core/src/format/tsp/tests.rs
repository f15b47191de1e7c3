//! Each rule of a token, kept and broken.

use super::fixtures::*;
use super::*;
use crate::digest::HashAlgorithm;
use crate::encoding::der::element;
use crate::key::PublicKey;
use crate::limits::MAX_CHAIN;
use ed25519_dalek::SigningKey;
use std::time::Duration;

#[test]
fn a_token_is_taken_apart_and_verified() {
    let good = Pieces::good();
    let response = good.response();
    let token = TimestampToken::parse_response(&response).unwrap();
    let claimed = token.claimed();
    assert_eq!(claimed.gen_time.to_string(), "2025-06-12T12:02:20.25Z");
    assert_eq!(claimed.accuracy, Some(Duration::from_micros(1_002_768)));
    assert_eq!((claimed.serial, claimed.nonce), ([0x80].as_slice(), Some([9].as_slice())));
    assert_eq!(claimed.policy, &oid_der("1.3.6.1.4.1.57264.2")[2..]);
    token.check_imprint(DATA).unwrap();
    assert_eq!(token.check_imprint(b"other bytes").unwrap_err().code(), Code::TimestampImprintMismatch);
    assert_eq!(token.scheme(), Scheme::Ed25519);
    assert_eq!(token.certificates(), [good.certificates[0].as_slice()]);
    assert_eq!(token.check_signing_certificate(&good.certificates[0]).unwrap(), SigningCertificate::V2);
    token.verify_signature(&prepared(&signing_key())).unwrap();

    let bare = good.token();
    let token = TimestampToken::parse_token(&bare).unwrap();
    token.verify_signature(&prepared(&signing_key())).unwrap();
    // The format decides which of the two it is, not what the bytes look like.
    assert_eq!(TimestampToken::parse_token(&response).unwrap_err().code(), Code::TimestampMalformed);
    assert_eq!(code(&bare), Err(Code::TimestampMalformed));
}

/// K-X-07: content, attributes and signature are each bound; nothing of the three can be exchanged.
#[test]
fn a_changed_token_does_not_verify() {
    let key = prepared(&signing_key());
    let response = Pieces::good().response();
    let verify = |bytes: &[u8], key: &PreparedKey| {
        TimestampToken::parse_response(bytes).and_then(|token| token.verify_signature(key)).map_err(|failure| failure.code())
    };
    assert_eq!(verify(&response, &key), Ok(()));
    assert_eq!(verify(&response, &prepared(&SigningKey::from_bytes(&[8; 32]))), Err(Code::TimestampSignatureInvalid));
    let p256 = PublicKey::from_spki(
        &[
            crate::encoding::hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap(),
            crate::encoding::hex::decode("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5").unwrap(),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(verify(&response, &PreparedKey::new(p256).unwrap()), Err(Code::TimestampSignatureInvalid));
    let flip = |part: &[u8]| {
        let at = response.windows(part.len()).position(|window| window == part).unwrap();
        let mut changed = response.clone();
        changed[at + part.len() - 1] ^= 1;
        verify(&changed, &key)
    };
    let token = TimestampToken::parse_response(&response).unwrap();
    assert_eq!(flip(token.signature()), Err(Code::TimestampSignatureInvalid));
    assert_eq!(flip(b"20250612120220"), Err(Code::TimestampAttributeInvalid), "content without its digest");
    assert_eq!(flip(token.claimed().imprint.as_bytes()), Err(Code::TimestampAttributeInvalid));
    // An attribute that is not compared with anything here is still under the signature.
    let pinned = HashAlgorithm::Sha256.hash(&[token.certificates()[0]]);
    assert_eq!(flip(pinned.as_bytes()), Err(Code::TimestampSignatureInvalid));
}

#[test]
fn only_granted_responses_are_read() {
    let with = |status: Vec<Vec<u8>>| Pieces { status, ..Pieces::good() }.code();
    let text = seq(&[element(tag::UTF8_STRING, b"Operation Okay")]);
    assert_eq!(with(vec![int(0), text.clone()]), Ok(()));
    for status in 1..=5 {
        assert_eq!(with(vec![int(status)]), Err(Code::TimestampNotGranted), "{status}");
    }
    assert_eq!(code(&seq(&[seq(&[int(2), text, element(tag::BIT_STRING, &[7, 0x80])])])), Err(Code::TimestampNotGranted));
    for status in [vec![], vec![int(0xff)], vec![int(0), element(tag::BIT_STRING, &[7, 0x80])], vec![int(0), int(0)]] {
        assert_eq!(with(status), Err(Code::TimestampMalformed));
    }
    assert_eq!(code(&seq(&[seq(&[int(0)])])), Err(Code::TimestampMalformed), "granted without a token");
}

/// K-X-08, K-P-16.
#[test]
fn what_is_not_a_token_is_timestamp_malformed() {
    let good = Pieces::good();
    let signed_attributes = good.attributes.clone();
    for (pieces, why) in [
        (Pieces { content_type: "1.2.840.113549.1.7.1", ..good.clone() }, "content type data"),
        (Pieces { inner_type: "1.2.840.113549.1.7.1", ..good.clone() }, "inner type data"),
        (Pieces { version: int(1), ..good.clone() }, "version 1"),
        (Pieces { version: int(4), ..good.clone() }, "version 4"),
        (Pieces { algorithms: vec![seq(&[octets(b"")])], ..good.clone() }, "a list of something else than digest algorithms"),
        (Pieces { algorithms: vec![alg(SHA512), int(1)], ..good.clone() }, "a list of more than digest algorithms"),
        (Pieces { signers: 0, ..good.clone() }, "no signer"),
        (Pieces { signers: 2, ..good.clone() }, "two signers"),
        (Pieces { signer_version: int(2), ..good.clone() }, "signer version 2"),
        (Pieces { signer_version: int(3), ..good.clone() }, "version 3 with issuer and serial"),
        (Pieces { sid: element(tag::primitive(0), b"id"), ..good.clone() }, "version 1 with a key id"),
        (Pieces { sid: seq(&[name("ca"), int(5), int(5)]), ..good.clone() }, "long sid"),
        (Pieces { certificates: vec![explicit(1, &[])], ..good.clone() }, "attribute certificate"),
        (Pieces { unsigned: explicit(2, &[]), ..good.clone() }, "unknown field of signerInfo"),
        (Pieces { digest: octets(b""), ..good.clone() }, "digest algorithm of another type"),
        (Pieces { tst: good.tst[1..].to_vec(), ..good.clone() }, "no tstInfo version"),
        (Pieces { attributes: signed_attributes, tst: vec![int(1)], ..good.clone() }, "short tstInfo"),
    ] {
        assert_eq!(pieces.code(), Err(Code::TimestampMalformed), "{why}");
    }
    for algorithms in [vec![], vec![alg(SHA1), alg_with(SHA256, &NULL)]] {
        assert_eq!(Pieces { algorithms, ..good.clone() }.code(), Ok(()));
    }
    assert_eq!(Pieces { unsigned: explicit(1, b"any"), crls: explicit(1, b"any"), ..good.clone() }.code(), Ok(()));

    let response = good.response();
    assert_eq!(code(&[]), Err(Code::TimestampMalformed));
    assert_eq!(code(&[response.as_slice(), &[0]].concat()), Err(Code::TimestampMalformed), "trailing byte");
    assert_eq!(code(&seq(&[seq(&good.status), good.token(), NULL.to_vec()])), Err(Code::TimestampMalformed), "trailing element");
    let ber = [&[0x30, 0x80], &response[4..], &[0, 0]].concat();
    assert_eq!(code(&ber), Err(Code::TimestampMalformed), "BER indefinite length");
    let long = [&[0x30, 0x83, 0], &response[2..]].concat();
    assert_eq!(code(&long), Err(Code::TimestampMalformed), "length not in its shortest form");
    assert_eq!(code(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Err(Code::TimestampMalformed), "declared length");
    assert_eq!(code(&element(tag::SEQUENCE, &vec![0; MAX_TOKEN_BYTES])), Err(Code::TimestampMalformed), "too long");
    for end in 0..response.len() {
        assert_eq!(code(&response[..end]), Err(Code::TimestampMalformed), "cut at {end}");
    }
}

/// K-P-16: whatever byte is changed, the outcome is one of the stable codes.
#[test]
fn no_changed_byte_makes_it_panic() {
    let response = Pieces::good().response();
    for at in 0..response.len() {
        for mask in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = response.clone();
            changed[at] ^= mask;
            if let Ok(token) = TimestampToken::parse_response(&changed) {
                token.certificates().iter().for_each(|one| drop(token.check_signing_certificate(one)));
            }
        }
    }
}

#[test]
fn certificates_are_bounded() {
    let with = |count: usize| Pieces { certificates: vec![certificate("ca", 5, b"id"); count], ..Pieces::good() }.code();
    assert_eq!(with(0), Ok(()));
    assert_eq!(with(MAX_CHAIN), Ok(()));
    assert_eq!(with(MAX_CHAIN + 1), Err(Code::TooManyEntries));
}

/// K-X-07, K-X-08.
#[test]
fn signed_attributes_must_be_those_of_this_content() {
    let good = Pieces::good();
    let all = good.attributes.clone().unwrap();
    let digest = HashAlgorithm::Sha512.hash(&[&good.content()]);
    let extra = attribute("1.2.3.4", &[NULL.to_vec()]);
    assert_eq!(Pieces { attributes: Some([all.clone(), vec![extra.clone()]].concat()), ..good.clone() }.code(), Ok(()));
    let many: Vec<_> = (0..40).map(|arc| attribute(&format!("1.2.3.{arc}"), &[NULL.to_vec()])).collect();
    for (pieces, why) in [
        (Pieces { attributes: None, ..good.clone() }, "no attributes"),
        (Pieces { attributes: Some(vec![]), ..good.clone() }, "empty attributes"),
        (Pieces { attributes: Some(all[1..].to_vec()), ..good.clone() }, "no contentType"),
        (Pieces { attributes: Some(vec![all[0].clone(), all[2].clone()]), ..good.clone() }, "no messageDigest"),
        (good.clone().with_attribute(0, attribute(CONTENT_TYPE, &[oid_der("1.2.840.113549.1.7.1")])), "contentType data"),
        (good.clone().with_attribute(0, attribute(CONTENT_TYPE, &[])), "no value"),
        (good.clone().with_attribute(0, attribute(CONTENT_TYPE, &[oid_der(TST_INFO), oid_der(TST_INFO)])), "two values"),
        (good.clone().with_attribute(1, attribute(MESSAGE_DIGEST, &[octets(&[0; 64])])), "other digest"),
        (
            good.clone().with_attribute(
                1,
                attribute(MESSAGE_DIGEST, &[octets(HashAlgorithm::Sha256.hash(&[&good.content()]).as_bytes())]),
            ),
            "digest by another algorithm",
        ),
        (good.clone().with_attribute(1, attribute(MESSAGE_DIGEST, &[element(tag::BIT_STRING, digest.as_bytes())])), "other type"),
        (
            Pieces { attributes: Some([all.clone(), vec![attribute(MESSAGE_DIGEST, &[octets(&[1])])]].concat()), ..good.clone() },
            "messageDigest twice",
        ),
        (Pieces { attributes: Some([all.clone(), vec![all[0].clone()]].concat()), ..good.clone() }, "the same twice"),
        (
            Pieces { attributes: Some(vec![all[2].clone(), all[1].clone(), all[0].clone()]), sorted: false, ..good.clone() },
            "not in DER order",
        ),
        (Pieces { attributes: Some([all.clone(), many].concat()), ..good.clone() }, "too many"),
        (Pieces { attributes: Some([all, vec![NULL.to_vec()]].concat()), ..good.clone() }, "no attribute"),
    ] {
        assert_eq!(pieces.code(), Err(Code::TimestampAttributeInvalid), "{why}");
    }
}

/// K-X-05: SHA-1 counts nowhere.
#[test]
fn algorithms_are_those_that_count() {
    let good = Pieces::good();
    let hash = HashAlgorithm::Sha256.hash(&[DATA]);
    let imprint = |algorithm: Vec<u8>, value: &[u8]| good.clone().with_tst(2, seq(&[algorithm, octets(value)])).code();
    assert_eq!(imprint(alg(SHA256), hash.as_bytes()), Ok(()));
    assert_eq!(imprint(alg_with(SHA256, &NULL), hash.as_bytes()), Ok(()), "NULL means absent");
    assert_eq!(imprint(alg(SHA1), &[0; 20]), Err(Code::AlgorithmUnsupported));
    assert_eq!(imprint(alg_with(SHA256, &int(1)), hash.as_bytes()), Err(Code::AlgorithmUnsupported));
    assert_eq!(imprint(alg(SHA256), &[0; 64]), Err(Code::TimestampMalformed));
    assert_eq!(imprint(alg(SHA512), hash.as_bytes()), Err(Code::TimestampMalformed));

    assert_eq!(Pieces { digest: alg(SHA1), ..good.clone() }.code(), Err(Code::AlgorithmUnsupported));
    let scheme = |algorithm: Vec<u8>| {
        let response = Pieces { scheme: algorithm, ..good.clone() }.response();
        TimestampToken::parse_response(&response).map(|token| token.scheme()).map_err(|failure| failure.code())
    };
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    for (oid, expected) in [
        ("1.2.840.10045.4.3.2", Scheme::Ecdsa(Sha256)),
        ("1.2.840.10045.4.3.3", Scheme::Ecdsa(Sha384)),
        ("1.2.840.10045.4.3.4", Scheme::Ecdsa(Sha512)),
        ("1.2.840.113549.1.1.11", Scheme::RsaPkcs1(Sha256)),
        ("1.2.840.113549.1.1.12", Scheme::RsaPkcs1(Sha384)),
        ("1.2.840.113549.1.1.13", Scheme::RsaPkcs1(Sha512)),
        // The hash comes from digestAlgorithm, here SHA-512.
        ("1.2.840.113549.1.1.1", Scheme::RsaPkcs1(Sha512)),
        (ED25519, Scheme::Ed25519),
    ] {
        assert_eq!(scheme(alg(oid)), Ok(expected), "{oid}");
    }
    assert_eq!(scheme(alg_with("1.2.840.113549.1.1.13", &NULL)), Ok(Scheme::RsaPkcs1(Sha512)));
    for bad in [
        alg("1.2.840.10045.4.1"),
        alg("1.2.840.10045.4.3.1"),
        alg("1.2.840.113549.1.1.5"),
        alg("1.2.840.10040.4.3"),
        alg(SHA256),
        alg(RSA_PSS),
        alg_with("1.2.840.10045.4.3.2", &NULL),
        alg_with(ED25519, &NULL),
        alg_with("1.2.840.113549.1.1.11", &int(1)),
    ] {
        assert_eq!(scheme(bad.clone()), Err(Code::AlgorithmUnsupported), "{bad:02x?}");
    }
    // RFC 8419 §3: with attributes, Ed25519 goes with SHA-512.
    let mut sha256 = good.clone();
    sha256.digest = alg(SHA256);
    sha256.attributes.as_mut().unwrap()[1] = attribute(MESSAGE_DIGEST, &[octets(Sha256.hash(&[&good.content()]).as_bytes())]);
    assert_eq!(sha256.code(), Err(Code::AlgorithmUnsupported));
}

#[test]
fn pss_parameters_are_strict() {
    let good = Pieces::good();
    let mgf = |hash: &str| alg_with("1.2.840.113549.1.1.8", &alg(hash));
    let scheme = |parts: &[Vec<u8>]| {
        let response = Pieces { scheme: alg_with(RSA_PSS, &seq(parts)), ..good.clone() }.response();
        TimestampToken::parse_response(&response).map(|token| token.scheme()).map_err(|failure| failure.code())
    };
    let (hash, mask, salt) = (explicit(0, &alg(SHA256)), explicit(1, &mgf(SHA256)), explicit(2, &int(32)));
    assert_eq!(scheme(&[hash.clone(), mask.clone(), salt.clone()]), Ok(Scheme::RsaPss(HashAlgorithm::Sha256)));
    for bad in [
        vec![],
        vec![hash.clone(), mask.clone()],
        vec![mask.clone(), salt.clone()],
        vec![hash.clone(), salt.clone()],
        vec![explicit(0, &alg(SHA1)), explicit(1, &mgf(SHA1)), explicit(2, &int(20))],
        vec![hash.clone(), explicit(1, &mgf(SHA1)), salt.clone()],
        vec![hash.clone(), explicit(1, &mgf(SHA512)), salt.clone()],
        vec![hash.clone(), explicit(1, &alg_with(SHA256, &alg(SHA256))), salt.clone()],
        vec![hash.clone(), explicit(1, &alg("1.2.840.113549.1.1.8")), salt.clone()],
        vec![hash.clone(), mask.clone(), explicit(2, &int(20))],
        vec![hash.clone(), mask.clone(), explicit(2, &int(0xff))],
        vec![hash, mask, salt, explicit(3, &int(2))],
    ] {
        assert_eq!(scheme(&bad), Err(Code::AlgorithmUnsupported));
    }
}

#[test]
fn the_content_is_a_strict_tst_info() {
    let good = Pieces::good();
    let time = |text: &str| good.clone().with_tst(4, element(tag::GENERALIZED_TIME, text.as_bytes())).code();
    assert_eq!(time("20250612120220Z"), Ok(()));
    assert_eq!(time("20250612120220+0000"), Err(Code::TimestampMalformed));
    assert_eq!(good.clone().with_tst(4, element(tag::UTC_TIME, b"250612120220Z")).code(), Err(Code::TimestampMalformed));
    assert_eq!(good.clone().with_tst(0, int(2)).code(), Err(Code::TimestampMalformed));
    assert_eq!(good.clone().with_tst(3, element(tag::INTEGER, &[1; 65])).code(), Err(Code::TimestampMalformed));
    assert_eq!(good.clone().with_tst(3, element(tag::INTEGER, &[0, 1])).code(), Err(Code::TimestampMalformed));
    assert_eq!(good.clone().with_tst(6, element(tag::INTEGER, &[])).code(), Err(Code::TimestampMalformed), "nonce");

    let accuracy = |parts: &[Vec<u8>]| {
        let response = good.clone().with_tst(5, seq(parts)).response();
        TimestampToken::parse_response(&response).map(|token| token.claimed().accuracy.unwrap()).map_err(|failure| failure.code())
    };
    assert_eq!(accuracy(&[]), Ok(Duration::ZERO));
    assert_eq!(accuracy(&[element(tag::primitive(1), &[0, 0x80])]), Ok(Duration::from_micros(128)));
    assert_eq!(accuracy(&[element(tag::primitive(0), &[3, 0xe7])]), Ok(Duration::from_millis(999)));
    for bad in [
        vec![int(0xff)],
        vec![element(tag::primitive(0), &[0])],
        vec![element(tag::primitive(0), &[])],
        vec![element(tag::primitive(0), &[0x80])],
        vec![element(tag::primitive(0), &[0, 0x7f])],
        vec![element(tag::primitive(0), &[3, 0xe8])],
        vec![element(tag::primitive(1), &[1]), element(tag::primitive(0), &[1])],
        vec![element(tag::primitive(2), &[1])],
    ] {
        assert_eq!(accuracy(&bad), Err(Code::TimestampMalformed), "{bad:02x?}");
    }

    let ordering = |value: u8| good.clone().with_tst(6, [element(tag::BOOLEAN, &[value]), int(9)].concat()).code();
    assert_eq!((ordering(0), ordering(0xff), ordering(1)), (Ok(()), Ok(()), Err(Code::TimestampMalformed)));
    let extension = |critical: &[u8]| {
        let one = seq(&[oid_der("1.2.3"), critical.to_vec(), octets(b"x")]);
        good.clone().with_tst(7, explicit(1, &one)).code()
    };
    assert_eq!(extension(&[]), Ok(()));
    assert_eq!(extension(&element(tag::BOOLEAN, &[0xff])), Err(Code::TimestampMalformed), "critical");
    assert_eq!(good.clone().with_tst(7, explicit(2, &[])).code(), Err(Code::TimestampMalformed), "unknown field");
}

#[test]
fn a_pinned_certificate_is_the_one_that_is_pinned() {
    let good = Pieces::good();
    let (ours, other) = (certificate("ca", 5, b"key id"), certificate("ca", 5, b"other id"));
    let hash = |algorithm: HashAlgorithm| octets(algorithm.hash(&[&ours]).as_bytes());
    let serial = |issuer: &str, serial: u8| seq(&[seq(&[explicit(4, &name(issuer))]), int(serial)]);
    let check = |attribute: Option<(&str, Vec<u8>)>, certificate: &[u8]| {
        let mut pieces = good.clone();
        let list = pieces.attributes.as_mut().unwrap();
        list.truncate(2);
        list.extend(attribute.map(|(oid, value)| self::attribute(oid, &[value])));
        let response = pieces.response();
        let token = TimestampToken::parse_response(&response).unwrap();
        token.check_signing_certificate(certificate).map_err(|failure| failure.code())
    };
    let sha256 = hash(HashAlgorithm::Sha256);
    let explicit_sha512 = [alg(SHA512), hash(HashAlgorithm::Sha512)];
    for (id, expected) in [
        (vec![sha256.clone()], SigningCertificate::V2),
        (explicit_sha512.to_vec(), SigningCertificate::V2),
        (vec![sha256.clone(), serial("ca", 5)], SigningCertificate::V2),
    ] {
        assert_eq!(check(Some((V2, ess(&id))), &ours), Ok(expected));
        assert_eq!(check(Some((V2, ess(&id))), &other), Err(Code::TimestampAttributeInvalid));
    }
    assert_eq!(check(None, &other), Ok(SigningCertificate::Absent));
    assert_eq!(check(Some((V1, ess(&[octets(&[0; 20])]))), &ours), Ok(SigningCertificate::V1));
    assert_eq!(check(Some((V1, ess(&[octets(&[0; 20]), serial("ca", 5)]))), &ours), Ok(SigningCertificate::V1));
    let (wrong, invalid) = (octets(&[0; 32]), Err(Code::TimestampAttributeInvalid));
    for (oid, value) in [
        (V2, ess(std::slice::from_ref(&wrong))),
        (V2, ess(&[alg(SHA512), sha256.clone()])),
        (V2, ess(&[sha256.clone(), serial("ca", 6)])),
        (V2, ess(&[sha256.clone(), serial("other ca", 5)])),
        (V2, seq(&[seq(&[seq(&[wrong]), seq(std::slice::from_ref(&sha256))])])),
        (V2, seq(&[seq(&[])])),
        (V2, seq(&[])),
        (V2, sha256.clone()),
        (V1, ess(&[octets(&[0; 32])])),
        (V1, ess(&[octets(&[0; 20]), serial("ca", 6)])),
        (V1, ess(&[alg(SHA512), octets(&[0; 20])])),
    ] {
        assert_eq!(check(Some((oid, value.clone())), &ours), invalid, "{value:02x?}");
    }
    assert_eq!(check(Some((V2, ess(&[alg(SHA1), octets(&[0; 20])]))), &ours), Err(Code::AlgorithmUnsupported));
    assert_eq!(check(None, b"no certificate"), Err(Code::CertificateMalformed));
}

/// K-X-04: a name is no proof, and the order of the certificates decides nothing.
#[test]
fn the_signer_is_named_by_issuer_and_serial_or_key_id() {
    let candidates = [certificate("ca", 5, b"key id"), certificate("ca", 6, b"id 2"), certificate("other", 5, b"id 3")];
    let named = |pieces: &Pieces| {
        let response = pieces.response();
        let token = TimestampToken::parse_response(&response).unwrap();
        candidates.iter().map(|one| token.names_signer(one)).collect::<Vec<_>>()
    };
    let good = Pieces::good();
    assert_eq!(named(&good), [true, false, false]);
    let by_key = |id: &[u8]| Pieces { signer_version: int(3), sid: element(tag::primitive(0), id), ..good.clone() };
    assert_eq!(named(&by_key(b"id 2")), [false, true, false]);
    assert_eq!(named(&by_key(b"id 4")), [false, false, false]);
    let response = good.response();
    let token = TimestampToken::parse_response(&response).unwrap();
    assert!(!token.names_signer(b"no certificate"));
    assert!(matches!(token.signer_id(), SignerId::IssuerAndSerial { serial: [5], .. }));
}
