use super::super::forge::{Forge, basic_constraints, extension, key_usage, name};
use super::super::{Certificate, oid};
use crate::code::Code;
use crate::crypto::PreparedKey;
use crate::crypto::fixtures;
use crate::encoding::der::{element, tag};
use crate::encoding::{base64, hex};
use crate::key::PublicKey;
use crate::limits::Limits;
use const_oid::ObjectIdentifier;

fn parse(der: &[u8]) -> Result<Certificate, Code> {
    Certificate::from_der(der, &Limits::DEFAULT).map_err(|failure| failure.code())
}

#[track_caller]
fn malformed(forge: &Forge, words: &str) {
    let failure = forge.parse().unwrap_err();
    assert_eq!(failure.code(), Code::CertificateMalformed);
    assert!(failure.found_text().unwrap().contains(words), "{failure}");
}

#[test]
fn every_part_is_a_slice_of_the_input() {
    let forge = Forge::leaf("ca", 1);
    let certificate = forge.make();
    assert_eq!(certificate.der(), forge.der());
    assert_eq!(certificate.tbs(), forge.tbs());
    assert_eq!(certificate.issuer(), name("ca"));
    assert_eq!(certificate.subject(), name(""));
    assert_eq!(certificate.spki(), forge.spki);
    assert_eq!(certificate.serial(), [200]);
    assert!(!certificate.has_positive_serial());
    assert_eq!(certificate.validity().to_string(), "2026-01-01T00:00:00Z to 2026-12-31T23:59:59Z");
    assert_eq!(certificate.extensions().count(), 3);
    assert!(certificate.key_usage().unwrap().digital_signature());
    assert_eq!(certificate.public_key().unwrap().spki(), forge.spki);
}

#[test]
fn a_version_other_than_3_is_malformed() {
    for version in [&[0xa0, 3, 2, 1, 1][..], &[0xa0, 3, 2, 1, 0], &[0xa0, 3, 2, 1, 3], &[]] {
        malformed(&Forge { version: version.to_vec(), ..Forge::leaf("ca", 1) }, "version 3");
    }
}

/// RFC 5280 §4.1.1.2.
#[test]
fn different_inner_and_outer_algorithms_are_malformed() {
    let mut forge = Forge::leaf("ca", 1);
    *forge.outer_algorithm.last_mut().unwrap() = 3;
    malformed(&forge, "two different signature algorithms");
}

/// K-X-19.
#[test]
fn an_extension_twice_is_malformed() {
    malformed(&Forge::leaf("ca", 1).with(key_usage(0x80)), "stands twice");
    let private = |last: u32| {
        let oid = ObjectIdentifier::new(&format!("1.3.6.1.4.1.99999.{last}")).unwrap();
        extension(&oid, false, b"")
    };
    let many = |count| (0..count).fold(Forge::new("x", 2, "ca", 1), |forge, last| forge.with(private(last)));
    assert!(many(64).parse().is_ok());
    malformed(&many(65), "more than 64 extensions");
}

#[test]
fn serial_numbers_have_at_most_20_octets() {
    let with = |serial: &[u8]| Forge { serial: serial.to_vec(), ..Forge::leaf("ca", 1) };
    assert!(with(&[0x7f; 20]).make().has_positive_serial());
    assert!(with(&[&[0x00], &[0x80; 20][..]].concat()).make().has_positive_serial());
    assert!(!with(&[0]).make().has_positive_serial());
    assert!(!with(&[0x80]).make().has_positive_serial());
    malformed(&with(&[0x7f; 21]), "20 octets");
    malformed(&with(&[]), "empty INTEGER");
    malformed(&with(&[0, 1]), "shortest form");
}

/// K-X-24.
#[test]
fn times_have_one_form_and_an_order() {
    malformed(&Forge { not_after: "20261231235959Z", ..Forge::leaf("ca", 1) }, "GeneralizedTime before 2050");
    malformed(&Forge { not_after: "251231235959Z", ..Forge::leaf("ca", 1) }, "ends before it begins");
    malformed(&Forge { not_after: "26123123595 Z", ..Forge::leaf("ca", 1) }, "malformed time");
    assert!(Forge { not_after: "99991231235959Z", ..Forge::leaf("ca", 1) }.parse().is_ok());
}

#[test]
fn an_empty_issuer_is_malformed() {
    malformed(&Forge { issuer: name(""), ..Forge::leaf("ca", 1) }, "empty issuer");
}

#[test]
fn malformed_standard_extensions_are_malformed() {
    for (oid, value) in [
        (oid::BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 1][..]),
        (oid::KEY_USAGE, &[3, 2, 0, 0]),
        (oid::EXTENDED_KEY_USAGE, &[0x30, 0]),
        (oid::AUTHORITY_KEY_IDENTIFIER, &[0x04, 0]),
        (oid::SUBJECT_KEY_IDENTIFIER, &[0x30, 0]),
    ] {
        let forge = Forge::new("x", 2, "ca", 1).with(extension(&oid, false, value));
        assert_eq!(forge.parse().unwrap_err().code(), Code::CertificateMalformed, "{oid}");
    }
    malformed(&Forge::new("x", 2, "ca", 1).with(basic_constraints(false, Some(0))), "path length");
}

/// Enterprise CAs write the default; the bytes stay as they are, so nothing depends on re-encoding.
#[test]
fn an_explicit_critical_false_is_read_but_true_must_be_ff() {
    let with = |flag: u8| {
        let value = element(tag::OCTET_STRING, b"");
        let fields = [&element(tag::OID, &[0x2a, 3])[..], &[1, 1, flag], &value].concat();
        Forge::new("x", 2, "ca", 1).with(element(tag::SEQUENCE, &fields))
    };
    let certificate = with(0).make();
    assert!(!certificate.extensions().next().unwrap().critical);
    assert_eq!(certificate.tbs(), with(0).tbs());
    assert!(with(0xff).make().extensions().next().unwrap().critical);
    malformed(&with(1), "neither 00 nor FF");
}

#[test]
fn trailing_and_missing_bytes_are_malformed() {
    let good = Forge::leaf("ca", 1).der();
    assert!(parse(&good).is_ok());
    assert_eq!(parse(&[&good[..], &[0]].concat()).unwrap_err(), Code::CertificateMalformed);
    for end in [0, 1, 10, good.len() - 1] {
        assert_eq!(parse(&good[..end]).unwrap_err(), Code::CertificateMalformed);
    }
    let limits = Limits { certificate_bytes: good.len() - 1, ..Limits::DEFAULT };
    assert_eq!(Certificate::from_der(&good, &limits).unwrap_err().code(), Code::CertificateMalformed);
}

/// Whatever byte is changed, parsing answers, and the signature does not hold.
#[test]
fn no_changed_byte_goes_unnoticed() {
    let good = Forge::leaf("ca", 1).der();
    let issuer = PreparedKey::new(PublicKey::from_spki(&super::super::forge::spki(1)).unwrap()).unwrap();
    assert_eq!(parse(&good).unwrap().verify_signed_by(&issuer), Ok(()));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        if let Ok(certificate) = parse(&bad) {
            assert!(certificate.verify_signed_by(&issuer).is_err(), "octet {at}");
        }
    }
}

/// K-X-13, K-X-14, K-X-15: keys that nothing here verifies with.
#[test]
fn a_certificate_with_an_unusable_key_parses_but_gives_no_key() {
    for text in [fixtures::DSA, fixtures::P192, fixtures::P256_EXPLICIT, fixtures::RSA_1024, fixtures::SECP256K1] {
        let forge = Forge { spki: base64::decode(text).unwrap(), ..Forge::leaf("ca", 1) };
        let certificate = forge.make();
        assert_eq!(certificate.public_key().unwrap_err().code(), Code::AlgorithmUnsupported);
    }
    let forge = Forge { spki: element(tag::SEQUENCE, &[]), ..Forge::leaf("ca", 1) };
    assert_eq!(forge.make().public_key().unwrap_err().code(), Code::AlgorithmUnsupported);
}

#[test]
fn a_weak_or_unknown_signature_algorithm_never_verifies() {
    let issuer = PreparedKey::new(PublicKey::from_spki(&super::super::forge::spki(1)).unwrap()).unwrap();
    for (algorithm, code) in [
        // sha1WithRSAEncryption, ecdsa-with-SHA1, dsa-with-sha256.
        ("300d06092a864886f70d0101050500", Code::AlgorithmUnsupported),
        ("300906072a8648ce3d0401", Code::AlgorithmUnsupported),
        ("300b0609608648016503040302", Code::AlgorithmUnsupported),
        // Fit for RSA and Ed25519, not for the issuer's key.
        ("300d06092a864886f70d01010b0500", Code::CertificateSignatureInvalid),
        ("300506032b6570", Code::CertificateSignatureInvalid),
        // The hash is part of what is stated.
        ("300a06082a8648ce3d040303", Code::CertificateSignatureInvalid),
    ] {
        let algorithm = hex::decode(algorithm).unwrap();
        let forge = Forge { inner_algorithm: algorithm.clone(), outer_algorithm: algorithm, ..Forge::leaf("ca", 1) };
        assert_eq!(forge.make().verify_signed_by(&issuer).unwrap_err().code(), code);
    }
}

#[test]
fn a_good_signature_is_remembered_for_its_key_alone() {
    let certificate = Forge::leaf("ca", 1).make();
    let key = |number| PreparedKey::new(PublicKey::from_spki(&super::super::forge::spki(number)).unwrap()).unwrap();
    let (right, wrong) = (key(1), key(2));
    assert_eq!(certificate.verify_signed_by(&wrong).unwrap_err().code(), Code::CertificateSignatureInvalid);
    assert!(!certificate.known_signed_by(right.key()));
    assert_eq!(certificate.verify_signed_by(&right), Ok(()));
    assert!(certificate.clone().known_signed_by(right.key()));
    assert_eq!(certificate.verify_signed_by(&wrong).unwrap_err().code(), Code::CertificateSignatureInvalid);
}

/// K-CR-10.
#[test]
fn a_pem_chain_holds_certificates_only() {
    let pem = |label: &str, der: &[u8]| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(der));
    let (leaf, ca) = (Forge::leaf("ca", 1), Forge::ca("ca", 1, "ca", 1));
    let read = |text: &str| Certificate::from_pem_chain(text.as_bytes(), &Limits::DEFAULT).map_err(|failure| failure.code());
    let text = pem("CERTIFICATE", &leaf.der()) + &pem("CERTIFICATE", &ca.der());
    assert_eq!(read(&text).unwrap(), [leaf.make(), ca.make()]);
    for bad in [
        String::new(),
        pem("PUBLIC KEY", &ca.spki),
        pem("CERTIFICATE", &leaf.der()) + &pem("PUBLIC KEY", &ca.spki),
        pem("CERTIFICATE", &ca.spki),
        pem("CERTIFICATE", &leaf.der()).repeat(17),
    ] {
        assert_eq!(read(&bad).unwrap_err(), Code::CertificateMalformed);
    }
}
