//! Attacks on whom a certificate names: K-X-17 and K-X-18.

use crate::kit::{Case, identity, trusted_identity};
use veriseal::Code;
use veriseal::policy::{Authority, KeylessAuthority, StringMatch};
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::x509::extension::{FULCIO_ARC, SUBJECT_ALT_NAME};
use veriseal_testkit::x509::{Extension, GeneralName, Template};
use veriseal_testkit::{Identity, Signer, der};

const ISSUER: &str = "https://accounts.example.com";

/// The answer to a bundle by a certificate of this template.
fn code_of(case: &Case, template: &Template) -> Code {
    let leaf = case.sigstore.fulcio.finish(template, &[&case.sigstore.ct_log], NOW);
    let signer = Signer::certificate(case.signer.key.clone(), leaf, case.sigstore.fulcio.chain());
    let mut case = Case { signer, ..case.clone() };
    let bundle = case.message();
    case.code(&bundle)
}

fn template(case: &Case, identity: &Identity) -> Template {
    case.sigstore.fulcio.template(identity, &case.signer.key.spki(), NOW)
}

/// A case whose policy names this identity.
fn trusting(identity: &Identity) -> Case {
    Case { authority: trusted_identity(identity), ..Case::keyless() }
}

/// The answer of a policy for `text` to a certificate with these names.
fn names(text: &str, names: &[GeneralName]) -> Code {
    let wanted = Identity::uri(text, ISSUER);
    let case = trusting(&wanted);
    let mut template = template(&case, &wanted);
    template.set(Extension::subject_alt_name(true, names));
    code_of(&case, &template)
}

/// K-X-17 (the class of CVE-2009-2408): a name that two readers could read as two names is no name.
#[test]
fn a_subject_with_control_characters_or_bad_text_is_refused() {
    let address = "dev@example.com";
    assert_eq!(names(address, &[GeneralName::Email(address.to_owned())]), Code::Accepted);
    for hostile in ["dev@example.com\0.evil.example", "dev@example.com\r\n", "\ndev@example.com", "dev@example.com\u{7f}", ""] {
        for kind in [GeneralName::Email as fn(String) -> GeneralName, GeneralName::Uri, GeneralName::Username] {
            assert_eq!(names(address, &[kind(hostile.to_owned())]), Code::SubjectAlternativeName, "{hostile:?}");
        }
    }
    // Latin-1 in an IA5String, broken UTF-8 in a UTF8String.
    let latin1 = GeneralName::Other(der::context_primitive(1, b"d\xe9v@example.com"));
    assert_eq!(names(address, &[latin1]), Code::SubjectAlternativeName);
    let username = |value: &[u8]| {
        let typed = [der::oid(&format!("{FULCIO_ARC}.7")), der::context(0, value)].concat();
        GeneralName::Other(der::context(0, &typed))
    };
    assert_eq!(names("dev!example.com", &[username(&der::utf8("dev!example.com"))]), Code::Accepted);
    assert_eq!(names("dev!example.com", &[username(&der::tlv(0x0c, b"d\xe9v!example.com"))]), Code::SubjectAlternativeName);
    assert_eq!(names("dev!example.com", &[username(&der::ia5("dev!example.com"))]), Code::SubjectAlternativeName);
    assert_eq!(names("dev!example.com", &[username(b"dev!example.com")]), Code::SubjectAlternativeName);
    let other_type = [der::oid("1.2.3.4"), der::context(0, &der::utf8("dev!example.com"))].concat();
    let other_type = GeneralName::Other(der::context(0, &other_type));
    assert_eq!(names("dev!example.com", &[other_type]), Code::SubjectAlternativeName);
}

/// K-X-17: a name of each kind has the form that only its kind has.
#[test]
fn a_name_without_the_form_of_its_kind_is_refused() {
    let email = GeneralName::Email as fn(String) -> GeneralName;
    for (kind, good, bad) in [
        (email, "dev@example.com", vec!["@example.com", "dev@", "dev", "mailto:dev@example.com", "a@b!example.com"]),
        (
            GeneralName::Uri,
            "spiffe+x.y-1://example.com/dev",
            vec!["a_b://example.com", "1a://example.com", "://example.com", "dev"],
        ),
        (GeneralName::Username, "dev!example.com", vec!["!example.com", "dev!", "dev", "a:dev!example.com", "dev!a@example.com"]),
    ] {
        assert_eq!(names(good, &[kind(good.to_owned())]), Code::Accepted, "{good}");
        for bad in bad {
            assert_eq!(names(bad, &[kind(bad.to_owned())]), Code::SubjectAlternativeName, "{bad}");
        }
    }
}

/// Of several identities the one that came closest explains the refusal, in whatever order they stand.
#[test]
fn the_closest_of_several_identities_is_told() {
    let mut case = Case::keyless();
    let bundle = case.message();
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let (subject, issuer) = (identity().subject_text(), identity().issuer);
    let named = |subject: &str, issuer: &str| veriseal::Identity::new(exact(subject), exact(issuer)).unwrap();
    let far = named(&subject, "https://elsewhere.example");
    let near = named("https://example.com/other", &issuer);
    for identities in [vec![far.clone(), near.clone()], vec![near.clone(), far.clone()]] {
        case.authority = Authority::Keyless(KeylessAuthority::new(identities).unwrap());
        assert_eq!(case.code(&bundle), Code::IdentityMismatch);
    }
    for identities in [vec![far.clone(), named(&subject, &issuer)], vec![named(&subject, &issuer), far]] {
        case.authority = Authority::Keyless(KeylessAuthority::new(identities).unwrap());
        assert_eq!(case.code(&bundle), Code::Accepted);
    }
}

/// INV-4: what was evaluated of an identity that does not match is no clause of the one that does.
#[test]
fn an_identity_that_fails_late_leaves_nothing_behind() {
    let mut case = Case::keyless();
    let bundle = case.message();
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let (subject, issuer) = (identity().subject_text(), identity().issuer);
    let named = || veriseal::Identity::new(exact(&subject), exact(&issuer)).unwrap();
    let any = StringMatch::Pattern(veriseal::policy::Pattern::new(".+").unwrap());
    let late = named().extension("sourceRepositoryURI", any).unwrap();
    case.authority = Authority::Keyless(KeylessAuthority::new(vec![late.clone()]).unwrap());
    assert_eq!(case.code(&bundle), Code::Accepted, "the certificate has the first of the two extensions");
    let late = late.extension("sourceRepositoryRef", exact("another")).unwrap();
    case.authority = Authority::Keyless(KeylessAuthority::new(vec![late, named()]).unwrap());
    assert_eq!(case.code(&bundle), Code::Accepted);
}

/// K-X-17: one certificate, one subject.
#[test]
fn a_certificate_with_no_or_several_names_is_refused() {
    let email = |text: &str| GeneralName::Email(text.to_owned());
    let address = "dev@example.com";
    assert_eq!(names(address, &[email(address), email("evil@example.com")]), Code::SubjectAlternativeName);
    assert_eq!(names(address, &[email(address), email(address)]), Code::SubjectAlternativeName);
    assert_eq!(
        names(address, &[email(address), GeneralName::Uri("https://example.com".to_owned())]),
        Code::SubjectAlternativeName
    );
    assert_eq!(names("example.com", &[GeneralName::Dns("example.com".to_owned())]), Code::SubjectAlternativeName);
    let wanted = Identity::email(address, ISSUER);
    let case = trusting(&wanted);
    let mut without = template(&case, &wanted);
    without.remove(SUBJECT_ALT_NAME);
    assert_eq!(code_of(&case, &without), Code::SubjectAlternativeName);
}

/// K-X-17: the same text as another kind of name is another subject.
#[test]
fn an_address_is_no_uri_and_no_user_name() {
    let (address, uri, user) = ("dev@example.com", "https://example.com/dev", "dev!example.com");
    let kinds = [GeneralName::Email as fn(String) -> GeneralName, GeneralName::Uri, GeneralName::Username];
    for (text, right) in [(address, 0), (uri, 1), (user, 2)] {
        for (index, kind) in kinds.iter().enumerate() {
            let code = if index == right { Code::Accepted } else { Code::SubjectAlternativeName };
            assert_eq!(names(text, &[kind(text.to_owned())]), code, "{text} as kind {index}");
        }
    }
    // Text that looks like two kinds at once is of exactly one.
    assert_eq!(names("a!b@example.com", &[GeneralName::Email("a!b@example.com".to_owned())]), Code::Accepted);
    assert_eq!(names("a!b@example.com", &[GeneralName::Username("a!b@example.com".to_owned())]), Code::SubjectAlternativeName);
    assert_eq!(names("a@b!example.com", &[GeneralName::Username("a@b!example.com".to_owned())]), Code::Accepted);
    assert_eq!(names("a@b!example.com", &[GeneralName::Email("a@b!example.com".to_owned())]), Code::SubjectAlternativeName);
    assert_eq!(
        names("mailto:dev@example.com", &[GeneralName::Email("mailto:dev@example.com".to_owned())]),
        Code::SubjectAlternativeName
    );
}

/// K-X-18 (sigstore-rust #108): an extension that cannot be read is not an extension that is absent.
#[test]
fn each_malformed_fulcio_extension_is_refused() {
    let case = Case::keyless();
    let good = template(&case, &identity());
    assert_eq!(code_of(&case, &good), Code::Accepted);
    for arc in (1..=24).filter(|arc| *arc != 7) {
        let oid = format!("{FULCIO_ARC}.{arc}");
        let values: Vec<Vec<u8>> = if arc <= 6 {
            vec![b"\xff\xfe".to_vec(), b"a\0b".to_vec()]
        } else {
            vec![
                b"raw text".to_vec(),
                Vec::new(),
                der::ia5("text"),
                der::octet_string(b"text"),
                der::tlv(0x0c, b"\xff\xfe"),
                der::utf8("a\0b"),
                [der::utf8("text"), der::null()].concat(),
                [&[0x0c, 0x81, 4][..], b"text"].concat(),
            ]
        };
        // Every value for the first of each generation, one for the others: they are read by the same rule.
        let count = if [1, 8].contains(&arc) { values.len() } else { 1 };
        for value in values.into_iter().take(count) {
            let mut bad = good.clone();
            bad.set(Extension::new(&oid, false, value.clone()));
            assert_eq!(code_of(&case, &bad), Code::FulcioExtensionMalformed, "{oid} {value:02x?}");
        }
    }
    // .7 is the type of a name and no extension; later arcs belong to a later Fulcio.
    for arc in [7, 25] {
        let mut later = good.clone();
        later.set(Extension::new(&format!("{FULCIO_ARC}.{arc}"), false, b"raw".to_vec()));
        assert_eq!(code_of(&case, &later), Code::Accepted, "{arc}");
    }
}

/// K-X-18: two issuers that disagree leave the choice to the reader; one of them must not be the attacker's.
#[test]
fn issuers_that_disagree_are_refused() {
    let case = Case::keyless();
    let good = template(&case, &identity());
    for extension in [Extension::fulcio_raw(1, "https://evil.example"), Extension::fulcio(8, "https://evil.example")] {
        let mut bad = good.clone();
        bad.set(extension);
        assert_eq!(code_of(&case, &bad), Code::FulcioExtensionMalformed);
    }
    for arc in [1, 8] {
        let mut single = good.clone();
        single.remove(&format!("{FULCIO_ARC}.{arc}"));
        assert_eq!(code_of(&case, &single), Code::Accepted, "{arc}");
    }
    let mut none = good.clone();
    none.remove(&format!("{FULCIO_ARC}.1"));
    none.remove(&format!("{FULCIO_ARC}.8"));
    assert_eq!(code_of(&case, &none), Code::IssuerMismatch);
    let mut twice = good.clone();
    twice.extensions.push(Extension::fulcio(8, &identity().issuer));
    assert_eq!(code_of(&case, &twice), Code::CertificateMalformed);
}
