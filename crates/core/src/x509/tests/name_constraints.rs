use super::super::forge::{Forge, extension, name, name_constraints, subject_alt_name};
use super::super::{Path, Purpose, oid};
use crate::code::Code;
use crate::encoding::der::{element, tag};
use crate::limits::{Budget, Limits};
use crate::time::UnixTime;

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

fn named(kind: u8, value: &[u8]) -> Vec<u8> {
    element(kind, value)
}

/// The outcome for a leaf with these names below an anchor with these constraints.
fn judge(constraints: Vec<u8>, names: &[Vec<u8>], subject: &str) -> Option<Code> {
    let limits = Limits::DEFAULT;
    let leaf = Forge::new(subject, 200, "ca", 1);
    let leaf = if names.is_empty() { leaf } else { leaf.with(subject_alt_name(names)) };
    let anchor = Forge::ca("ca", 1, "ca", 1).with(constraints);
    let at = UnixTime::parse_rfc3339("2026-07-01T00:00:00Z").unwrap();
    let budget = &mut Budget::new(&limits);
    Path::build(&leaf.make(), &[], &[anchor.make()], at, Purpose::Any, budget, &limits).err().map(|failure| failure.code())
}

#[track_caller]
fn permitted(kind: u8, base: &[u8], inside: &[&[u8]], outside: &[&[u8]]) {
    for value in inside {
        let found = judge(name_constraints(&[named(kind, base)], &[]), &[named(kind, value)], "");
        assert_eq!(found, None, "{}", String::from_utf8_lossy(value));
    }
    for value in outside {
        let found = judge(name_constraints(&[named(kind, base)], &[]), &[named(kind, value)], "");
        assert_eq!(found, Some(Code::CertificateConstraint), "{}", String::from_utf8_lossy(value));
    }
}

#[track_caller]
fn excluded(kind: u8, base: &[u8], refused: &[&[u8]], left_alone: &[&[u8]]) {
    for value in refused {
        let found = judge(name_constraints(&[], &[named(kind, base)]), &[named(kind, value)], "");
        assert_eq!(found, Some(Code::CertificateConstraint), "{}", String::from_utf8_lossy(value));
    }
    for value in left_alone {
        let found = judge(name_constraints(&[], &[named(kind, base)]), &[named(kind, value)], "");
        assert_eq!(found, None, "{}", String::from_utf8_lossy(value));
    }
}

/// K-X-12.
#[test]
fn dns_names_are_compared_by_labels() {
    permitted(
        DNS,
        b"example.com",
        &[b"example.com", b"EXAMPLE.com", b"a.b.example.com", b"*.example.com"],
        &[
            b"badexample.com",
            b"example.com.evil",
            b"example.com.",
            b"com",
            b"a..example.com",
            b"*",
            b"",
            b"*.com",
            b"a\0.example.com",
        ],
    );
    permitted(DNS, b".example.com", &[b"a.example.com", b"*.example.com"], &[b"example.com", b"aexample.com"]);
    permitted(DNS, b"", &[b"anything.example"], &[]);
    excluded(
        DNS,
        b"int.example.com",
        &[b"int.example.com", b"INT.example.com", b"x.int.example.com", b"*.example.com", b"*.int.example.com", b"bad name"],
        &[b"ext.example.com", b"print.example.com"],
    );
    excluded(DNS, b".example.com", &[b"a.example.com", b"example.com"], &[b"example.org"]);
}

/// K-X-12: one mailbox, one host, or what is below a domain.
#[test]
fn email_addresses_are_compared_by_host_and_mailbox() {
    permitted(
        EMAIL,
        b"example.com",
        &[b"a@example.com", b"a@EXAMPLE.com"],
        &[b"a@b.example.com", b"a@example.com@evil.com", b"example.com", b"@example.com", b"\"a@example.com\"@evil.com"],
    );
    permitted(EMAIL, b".example.com", &[b"a@b.example.com"], &[b"a@example.com", b"a@bexample.com"]);
    permitted(EMAIL, b"a@example.com", &[b"a@example.COM"], &[b"b@example.com", b"A@example.com"]);
    excluded(EMAIL, b"a@example.com", &[b"a@example.com", b"A@example.com", b"not an address"], &[b"b@example.com"]);
    excluded(EMAIL, b"example.com", &[b"x@example.com"], &[b"x@sub.example.com"]);
}

/// Addresses in the subject count as well, with or without others in the alternative names.
#[test]
fn email_addresses_in_the_subject_are_constrained() {
    let attribute = [element(tag::OID, oid::EMAIL_ADDRESS.as_bytes()), element(tag::IA5_STRING, b"a@evil.com")].concat();
    let subject = element(tag::SEQUENCE, &element(tag::SET, &element(tag::SEQUENCE, &attribute)));
    let limits = Limits::DEFAULT;
    let at = UnixTime::parse_rfc3339("2026-07-01T00:00:00Z").unwrap();
    let anchor = Forge::ca("ca", 1, "ca", 1).with(name_constraints(&[named(EMAIL, b"example.com")], &[])).make();
    let names = subject_alt_name(&[named(EMAIL, b"a@example.com")]);
    for forge in [Forge::new("", 200, "ca", 1), Forge::new("", 200, "ca", 1).with(names)] {
        let leaf = Forge { subject: subject.clone(), ..forge }.make();
        let found = Path::build(&leaf, &[], &[anchor.clone()], at, Purpose::Any, &mut Budget::new(&limits), &limits);
        assert_eq!(found.unwrap_err().code(), Code::CertificateConstraint);
    }
}

/// K-X-12, RUSTSEC-2026-0098.
#[test]
fn uris_are_compared_by_host() {
    permitted(
        URI,
        b"example.com",
        &[b"https://example.com", b"https://EXAMPLE.com:443/x?y#z", b"https://user@example.com/"],
        &[
            b"https://a.example.com/",
            b"https://example.com.evil/",
            b"https://evil.com/example.com",
            b"https://evil.com#@example.com/",
            b"https://evil.com\\@example.com/",
            b"https://example.com:x/",
            b"https://evil.com@x@example.com/",
            b"urn:example.com",
            b"https:///path",
            b"spiffe://other/x",
        ],
    );
    permitted(URI, b".example.com", &[b"https://a.example.com/"], &[b"https://example.com/"]);
    excluded(
        URI,
        b"evil.com",
        &[b"https://evil.com/", b"https://EVIL.com", b"urn:x", b"https://10.0.0.1/", b"https://[::1]/"],
        &[b"https://good.com/"],
    );
}

#[test]
fn addresses_are_compared_under_their_mask() {
    let v4 = [10, 1, 0, 0, 255, 255, 0, 0];
    permitted(IP, &v4, &[&[10, 1, 2, 3]], &[&[10, 2, 0, 0], &[10, 1, 2], &[0; 16]]);
    excluded(IP, &v4, &[&[10, 1, 2, 3]], &[&[10, 2, 0, 0], &[0; 16]]);
    let v6: Vec<u8> =
        [[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [255, 255, 255, 240, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
            .concat();
    permitted(
        IP,
        &v6,
        &[&[0x20, 1, 0x0d, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
        &[&[0x20, 1, 0x0d, 0xc8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    );
    // A mask with holes cannot be evaluated, so it refuses.
    permitted(IP, &[10, 1, 0, 0, 255, 0, 255, 0], &[], &[&[10, 1, 0, 0]]);
    excluded(IP, &[10, 1, 0, 0, 255, 0, 255, 0], &[&[192, 168, 0, 1]], &[]);
    excluded(IP, &[10, 1, 0, 0, 0xf1, 0, 0, 0], &[&[192, 168, 0, 1]], &[]);
}

#[test]
fn directory_names_constrain_the_subject() {
    let directory = |text: &str| element(0xa4, &name(text));
    assert_eq!(judge(name_constraints(&[directory("me")], &[]), &[], "me"), None);
    assert_eq!(judge(name_constraints(&[directory("me")], &[]), &[], "ME "), None);
    assert_eq!(judge(name_constraints(&[directory("me")], &[]), &[], "you"), Some(Code::CertificateConstraint));
    assert_eq!(judge(name_constraints(&[], &[directory("me")]), &[], "Me"), Some(Code::CertificateConstraint));
    assert_eq!(judge(name_constraints(&[], &[directory("me")]), &[directory("me")], ""), Some(Code::CertificateConstraint));
    // Fulcio's leaves have no subject, so a constraint on it says nothing about them.
    assert_eq!(judge(name_constraints(&[directory("me")], &[]), &[named(EMAIL, b"a@b")], ""), None);
}

#[test]
fn names_of_other_kinds_are_not_constrained() {
    assert_eq!(judge(name_constraints(&[named(DNS, b"example.com")], &[]), &[named(EMAIL, b"a@evil.com")], "x"), None);
}

/// K-X-12: what cannot be evaluated is refused, whether or not a name of the kind is there.
#[test]
fn constraints_that_cannot_be_evaluated_are_refused() {
    let other = element(0xa0, &[element(tag::OID, &[0x2a, 3]), element(0xa0, &[5, 0])].concat());
    for base in [other, element(0x88, &[0x2a, 3]), element(0xa3, &[]), element(0xa5, &[]), element(0x8f, &[])] {
        for constraints in [name_constraints(&[base.clone()], &[]), name_constraints(&[], &[base.clone()])] {
            assert_eq!(judge(constraints, &[named(EMAIL, b"a@b")], ""), Some(Code::CertificateConstraint));
        }
    }
    let minimum = |number: u8| [named(DNS, b"example.com"), vec![0x80, 1, number]].concat();
    assert_eq!(judge(name_constraints(&[minimum(0)], &[]), &[], "x"), None);
    assert_eq!(judge(name_constraints(&[minimum(1)], &[]), &[], "x"), Some(Code::CertificateConstraint));
    let maximum = [named(DNS, b"example.com"), vec![0x81, 1, 9]].concat();
    assert_eq!(judge(name_constraints(&[maximum], &[]), &[], "x"), Some(Code::CertificateConstraint));
    let empty = extension(&oid::NAME_CONSTRAINTS, true, &element(tag::SEQUENCE, &[]));
    assert_eq!(judge(empty, &[], "x"), Some(Code::CertificateConstraint));
}

/// Constraints of several authorities all hold; those that are not critical too; self-issued intermediates are passed by.
#[test]
fn constraints_add_up_along_the_path() {
    let limits = Limits::DEFAULT;
    let at = UnixTime::parse_rfc3339("2026-07-01T00:00:00Z").unwrap();
    let judge = |mail: &[u8], middle: Forge| {
        let anchor = Forge::ca("ca", 1, "ca", 1).with(name_constraints(&[named(EMAIL, b".example.com")], &[]));
        let leaf = Forge::new("", 200, "middle", 2).with(subject_alt_name(&[named(EMAIL, mail)]));
        let budget = &mut Budget::new(&limits);
        Path::build(&leaf.make(), &[middle.make()], &[anchor.make()], at, Purpose::Any, budget, &limits).err().map(|f| f.code())
    };
    let middle = || Forge::ca("middle", 2, "ca", 1);
    let tighter = || {
        let constraints = element(tag::SEQUENCE, &element(0xa0, &element(tag::SEQUENCE, &named(EMAIL, b"a.example.com"))));
        middle().with(extension(&oid::NAME_CONSTRAINTS, false, &constraints))
    };
    assert_eq!(judge(b"x@b.example.com", middle()), None);
    assert_eq!(judge(b"x@a.example.com", tighter()), None);
    assert_eq!(judge(b"x@b.example.com", tighter()), Some(Code::CertificateConstraint));
    // The one below cannot widen what the one above permits.
    let wider = middle().with(name_constraints(&[named(EMAIL, b"evil.com")], &[]));
    assert_eq!(judge(b"x@evil.com", wider), Some(Code::CertificateConstraint));
}

/// RFC 5280 §6.1.3 (b): intermediates are constrained too, unless they are self-issued.
#[test]
fn the_names_of_intermediates_are_constrained() {
    let limits = Limits::DEFAULT;
    let at = UnixTime::parse_rfc3339("2026-07-01T00:00:00Z").unwrap();
    let anchor = Forge::ca("ca", 1, "ca", 1).with(name_constraints(&[], &[element(0xa4, &name("ca"))])).make();
    let judge = |middle: &str, signer: u8| {
        let middle_ca = Forge::ca(middle, signer, "ca", 1).make();
        let leaf = Forge::new("x", 200, middle, signer).make();
        let budget = &mut Budget::new(&limits);
        Path::build(&leaf, &[middle_ca], &[anchor.clone()], at, Purpose::Any, budget, &limits).err().map(|f| f.code())
    };
    assert_eq!(judge("middle", 2), None);
    assert_eq!(judge("CA", 2), Some(Code::CertificateConstraint));
    assert_eq!(judge("ca", 2), None);
}

/// K-X-11: thousands of names against thousands of subtrees.
#[test]
fn the_cost_of_constraints_is_bounded() {
    let names: Vec<Vec<u8>> = (0..3000).map(|n: u32| named(DNS, format!("{n:x}.a").as_bytes())).collect();
    let subtrees: Vec<Vec<u8>> = (0..3000).map(|n: u32| named(DNS, format!("{n:x}.b").as_bytes())).collect();
    assert_eq!(judge(name_constraints(&[], &subtrees), &names, ""), Some(Code::CertificateConstraint));
    assert_eq!(judge(name_constraints(&[], &subtrees[..10]), &names, ""), None);
}
