use super::super::forge::{Forge, extension, subject_alt_name};
use super::super::fulcio::FulcioExtensions;
use super::super::{SubjectName, oid};
use crate::code::{Code, Failure};
use crate::encoding::der::{element, tag};
use crate::encoding::hex;
use const_oid::ObjectIdentifier;

fn subject(names: &[Vec<u8>]) -> Result<SubjectName, Failure> {
    SubjectName::from_certificate(&Forge::new("", 2, "ca", 1).with(subject_alt_name(names)).make())
}

fn code(names: &[Vec<u8>]) -> Code {
    subject(names).unwrap_err().code()
}

fn other_name(kind: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    element(0xa0, &[element(tag::OID, kind.as_bytes()), element(0xa0, &value)].concat())
}

/// Spec 04 §2, K-X-17: the kind belongs to the name.
#[test]
fn a_certificate_names_one_subject_with_its_kind() {
    let email = subject(&[element(0x81, b"x")]).unwrap();
    let uri = subject(&[element(0x86, b"x")]).unwrap();
    let other = subject(&[other_name(&oid::FULCIO_OTHER_NAME, element(tag::UTF8_STRING, b"x"))]).unwrap();
    assert_eq!(email, SubjectName::Email("x".into()));
    assert_eq!(uri, SubjectName::Uri("x".into()));
    assert_eq!(other, SubjectName::OtherName("x".into()));
    assert!(email != uri && uri != other && email != other);
    assert_eq!((email.kind(), uri.kind(), other.kind()), ("email", "uri", "othername"));
}

/// Vector of spec 13 §6.
#[test]
fn the_other_name_of_the_specification_is_read() {
    let value = hex::decode("3023a021060a2b0601040183bf300107a0130c11616c696365216578616d706c652e636f6d").unwrap();
    let certificate = Forge::new("", 2, "ca", 1).with(extension(&oid::SUBJECT_ALT_NAME, true, &value)).make();
    assert_eq!(SubjectName::from_certificate(&certificate).unwrap(), SubjectName::OtherName("alice!example.com".into()));
}

/// K-X-17.
#[test]
fn anything_but_one_plain_name_is_refused() {
    let email = element(0x81, b"a@example.com");
    let none = SubjectName::from_certificate(&Forge::new("a@example.com", 2, "ca", 1).make()).unwrap_err();
    assert_eq!(none.code(), Code::SubjectAlternativeName);
    for names in [
        vec![],
        vec![email.clone(), email.clone()],
        vec![email, element(0x86, b"https://example.com")],
        vec![element(0x82, b"example.com")],
        vec![element(0x87, &[127, 0, 0, 1])],
        vec![element(0x81, b"")],
        vec![element(0x81, b"a@example.com\0.evil.com")],
        vec![element(0x81, b"a@example.com\r\nx")],
        vec![element(0x81, "ä@example.com".as_bytes())],
        vec![element(0x86, b"https://example.com/\x7f")],
        vec![element(0x86, &[0xff])],
        vec![element(0x8f, b"x")],
        vec![other_name(&ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3"), element(tag::UTF8_STRING, b"x"))],
        vec![other_name(&oid::FULCIO_OTHER_NAME, element(tag::IA5_STRING, b"x"))],
        vec![other_name(&oid::FULCIO_OTHER_NAME, [element(tag::UTF8_STRING, b"x"), vec![5, 0]].concat())],
        vec![other_name(&oid::FULCIO_OTHER_NAME, element(tag::UTF8_STRING, b"x\0y"))],
        vec![other_name(&oid::FULCIO_OTHER_NAME, element(tag::UTF8_STRING, &[0xff]))],
    ] {
        assert_eq!(code(&names), Code::SubjectAlternativeName, "{names:02x?}");
    }
}

fn fulcio(number: u8) -> ObjectIdentifier {
    ObjectIdentifier::new(&format!("1.3.6.1.4.1.57264.1.{number}")).unwrap()
}

fn utf8(text: &str) -> Vec<u8> {
    element(tag::UTF8_STRING, text.as_bytes())
}

fn read(extensions: &[(u8, Vec<u8>)]) -> Result<FulcioExtensions, Code> {
    let forge = extensions
        .iter()
        .fold(Forge::leaf("ca", 1), |forge, (number, value)| forge.with(extension(&fulcio(*number), false, value)));
    FulcioExtensions::from_certificate(&forge.make()).map_err(|failure| failure.code())
}

/// Every number under its name: raw text up to .6, UTF8String from .8.
#[test]
fn every_extension_is_read_under_its_name() {
    let numbers: Vec<u8> = (2..=6).chain(8..=24).collect();
    let value = |number: u8| if number <= 6 { format!("v{number}").into_bytes() } else { utf8(&format!("v{number}")) };
    let all: Vec<(u8, Vec<u8>)> = numbers.iter().map(|number| (*number, value(*number))).collect();
    let found = read(&all).unwrap();
    let expected = [
        ("issuer", "v8"),
        ("githubWorkflowTrigger", "v2"),
        ("githubWorkflowSHA", "v3"),
        ("githubWorkflowName", "v4"),
        ("githubWorkflowRepository", "v5"),
        ("githubWorkflowRef", "v6"),
        ("buildSignerURI", "v9"),
        ("buildSignerDigest", "v10"),
        ("runnerEnvironment", "v11"),
        ("sourceRepositoryURI", "v12"),
        ("sourceRepositoryDigest", "v13"),
        ("sourceRepositoryRef", "v14"),
        ("sourceRepositoryIdentifier", "v15"),
        ("sourceRepositoryOwnerURI", "v16"),
        ("sourceRepositoryOwnerIdentifier", "v17"),
        ("buildConfigURI", "v18"),
        ("buildConfigDigest", "v19"),
        ("buildTrigger", "v20"),
        ("runInvocationURI", "v21"),
        ("sourceRepositoryVisibilityAtSigning", "v22"),
        ("deploymentEnvironment", "v23"),
        ("tokenSubject", "v24"),
    ];
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    assert_eq!(found.issuer(), Some("v8"));
    for name in FulcioExtensions::NAMES {
        assert!(found.get(name).is_some(), "{name}");
    }
    assert_eq!(FulcioExtensions::NAMES.len(), expected.len());
    assert_eq!(found.get("Issuer"), None);
    assert_eq!(read(&[]).unwrap().issuer(), None);
}

/// K-X-18.
#[test]
fn a_malformed_extension_is_refused() {
    for number in 8..=24 {
        for bad in [
            b"raw text".to_vec(),
            element(tag::PRINTABLE_STRING, b"x"),
            element(tag::UTF8_STRING, &[0xff]),
            [utf8("x"), vec![0]].concat(),
            utf8("x\0y"),
            vec![],
        ] {
            assert_eq!(read(&[(number, bad.clone())]), Err(Code::FulcioExtensionMalformed), "{number} {bad:02x?}");
        }
    }
    for number in 1..=6 {
        assert_eq!(read(&[(number, vec![0xff])]), Err(Code::FulcioExtensionMalformed), "{number}");
        assert_eq!(read(&[(number, b"x\0y".to_vec())]), Err(Code::FulcioExtensionMalformed), "{number}");
    }
    // Not ours to read: the type of a name, and numbers of the future.
    assert!(read(&[(7, vec![0xff]), (25, vec![0xff])]).is_ok());
}

/// K-X-18.
#[test]
fn two_issuers_must_agree() {
    let old = |issuer: &str| (1, issuer.as_bytes().to_vec());
    let new = |issuer: &str| (8, utf8(issuer));
    assert_eq!(read(&[old("https://a")]).unwrap().issuer(), Some("https://a"));
    for both in [[old("https://a"), new("https://a")], [new("https://a"), old("https://a")]] {
        assert_eq!(read(&both).unwrap().iter().collect::<Vec<_>>(), [("issuer", "https://a")]);
    }
    for both in [[old("https://a"), new("https://b")], [new("https://b"), old("https://a")]] {
        assert_eq!(read(&both), Err(Code::FulcioExtensionMalformed));
    }
}
