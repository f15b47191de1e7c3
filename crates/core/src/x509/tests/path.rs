use super::super::forge::{Forge, basic_constraints, extended_key_usage, extension, key_usage};
use super::super::{Certificate, Path, Purpose, oid};
use crate::code::Code;
use crate::crypto::fixtures;
use crate::encoding::base64;
use crate::encoding::der::{element, tag};
use crate::limits::{Budget, Limits};
use crate::time::UnixTime;
use const_oid::ObjectIdentifier;

const MIDYEAR: &str = "2026-07-01T00:00:00Z";

fn leaf(issuer: &str, signer: u8) -> Forge {
    Forge { serial: vec![42], ..Forge::leaf(issuer, signer) }
}

fn at(text: &str) -> UnixTime {
    UnixTime::parse_rfc3339(text).unwrap()
}

fn build(leaf: &Forge, intermediates: &[Forge], anchors: &[Forge], time: &str, purpose: Purpose) -> Result<Path, Code> {
    let limits = Limits::DEFAULT;
    let make = |forges: &[Forge]| forges.iter().map(Forge::make).collect::<Vec<Certificate>>();
    let budget = &mut Budget::new(&limits);
    Path::build(&leaf.make(), &make(intermediates), &make(anchors), at(time), purpose, budget, &limits)
        .map_err(|failure| failure.code())
}

fn code(leaf: &Forge, intermediates: &[Forge], anchors: &[Forge]) -> Option<Code> {
    build(leaf, intermediates, anchors, MIDYEAR, Purpose::CodeSigning).err()
}

fn root() -> Forge {
    Forge::ca("root", 1, "root", 1)
}

fn middle() -> Forge {
    Forge::ca("middle", 2, "root", 1)
}

#[test]
fn a_path_goes_from_leaf_to_anchor() {
    let path = build(&leaf("middle", 2), &[middle()], &[root()], MIDYEAR, Purpose::CodeSigning).unwrap();
    assert_eq!(path.certificates(), [leaf("middle", 2).make(), middle().make(), root().make()]);
    assert_eq!(path.leaf(), &leaf("middle", 2).make());
    assert_eq!(path.issuer(), &middle().make());
    assert_eq!(path.anchor(), &root().make());
    assert_eq!((path.at(), path.purpose()), (at(MIDYEAR), Purpose::CodeSigning));
    let direct = build(&leaf("root", 1), &[], &[root()], MIDYEAR, Purpose::CodeSigning).unwrap();
    assert_eq!(direct.issuer(), direct.anchor());
}

/// An intermediate may be the anchor (spec 04 §1).
#[test]
fn an_anchor_need_not_be_self_signed() {
    assert_eq!(code(&leaf("middle", 2), &[], &[middle()]), None);
}

/// K-X-23: what comes with the signature is never an anchor.
#[test]
fn a_root_among_the_intermediates_is_not_trusted() {
    let own = Forge::ca("evil", 9, "evil", 9);
    assert_eq!(code(&leaf("evil", 9), &[own], &[root()]), Some(Code::CertificateUntrusted));
    assert_eq!(code(&leaf("middle", 2), &[middle(), root()], &[root()]), None);
    assert_eq!(code(&leaf("middle", 2), &[], &[root()]), Some(Code::CertificateUntrusted));
    assert_eq!(code(&leaf("root", 1), &[], &[]), Some(Code::NoAuthority));
    // Nor is a leaf that is trusted in itself a path.
    assert_eq!(code(&leaf("root", 1), &[], &[leaf("root", 1)]), Some(Code::CertificateUntrusted));
}

#[test]
fn a_name_without_its_key_is_a_bad_signature() {
    let impostor = Forge::ca("root", 9, "root", 9);
    assert_eq!(code(&leaf("root", 9), &[], &[root()]), Some(Code::CertificateSignatureInvalid));
    // The right one beside the impostor is found in either order.
    assert_eq!(code(&leaf("root", 1), &[], &[impostor.clone(), root()]), None);
    assert_eq!(code(&leaf("root", 1), &[], &[root(), impostor]), None);
}

/// K-X-01, spec 04 §9: every certificate, both ends inclusive, to the fraction of a second.
#[test]
fn every_certificate_is_valid_at_the_time() {
    let short = |forge: Forge| Forge { not_before: "260201000000Z", not_after: "260228235959Z", ..forge };
    let paths = [
        (short(leaf("middle", 2)), middle(), root()),
        (leaf("middle", 2), short(middle()), root()),
        (leaf("middle", 2), middle(), short(root())),
    ];
    for (leaf, middle, root) in &paths {
        let code = |time| build(leaf, &[middle.clone()], &[root.clone()], time, Purpose::CodeSigning).err();
        assert_eq!(code("2026-02-01T00:00:00Z"), None);
        assert_eq!(code("2026-02-28T23:59:59Z"), None);
        for outside in ["2026-01-31T23:59:59Z", "2026-02-28T23:59:59.5Z", "2026-03-01T00:00:00Z"] {
            assert_eq!(code(outside), Some(Code::CertificateNotValidAt), "{outside}");
        }
    }
}

/// K-X-19: an issuer is a CA.
#[test]
fn an_issuer_is_a_certificate_authority() {
    let plain = Forge::new("middle", 2, "root", 1).with(key_usage(0x06));
    assert_eq!(code(&leaf("middle", 2), &[plain.clone()], &[root()]), Some(Code::CertificateConstraint));
    let not_ca = plain.with(basic_constraints(false, None));
    assert_eq!(code(&leaf("middle", 2), &[not_ca], &[root()]), Some(Code::CertificateConstraint));
    // Another leaf cannot issue.
    let other = Forge { serial: vec![7], ..Forge::new("middle", 2, "root", 1) }
        .with(key_usage(0x80))
        .with(extended_key_usage(false, &[oid::CODE_SIGNING]));
    assert_eq!(code(&leaf("middle", 2), &[other], &[root()]), Some(Code::CertificateConstraint));
    let anchor = Forge::new("root", 1, "root", 1).with(key_usage(0x06));
    assert_eq!(code(&leaf("root", 1), &[], &[anchor]), Some(Code::CertificateConstraint));
}

#[test]
fn an_issuer_may_sign_certificates() {
    let ca = |usage: Option<u8>| {
        let forge = Forge::new("middle", 2, "root", 1).with(basic_constraints(true, None));
        usage.into_iter().fold(forge, |forge, bits| forge.with(key_usage(bits)))
    };
    assert_eq!(code(&leaf("middle", 2), &[ca(Some(0x04))], &[root()]), None);
    assert_eq!(code(&leaf("middle", 2), &[ca(Some(0x02))], &[root()]), Some(Code::CertificatePurpose));
    assert_eq!(code(&leaf("middle", 2), &[ca(None)], &[root()]), Some(Code::CertificatePurpose));
    assert!(build(&leaf("middle", 2), &[ca(None)], &[root()], MIDYEAR, Purpose::Any).is_ok());
}

/// K-X-16: the leaf names the purpose itself.
#[test]
fn the_leaf_names_code_signing() {
    let with = |purposes: &[ObjectIdentifier]| {
        let forge = leaf("root", 1).without(&oid::EXTENDED_KEY_USAGE);
        if purposes.is_empty() { forge } else { forge.with(extended_key_usage(false, purposes)) }
    };
    let server = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
    assert_eq!(code(&with(&[oid::CODE_SIGNING]), &[], &[root()]), None);
    assert_eq!(code(&with(&[server, oid::CODE_SIGNING]), &[], &[root()]), None);
    for bad in [&[][..], &[oid::ANY_EXTENDED_KEY_USAGE], &[server], &[oid::TIME_STAMPING]] {
        assert_eq!(code(&with(bad), &[], &[root()]), Some(Code::CertificatePurpose), "{bad:?}");
    }
}

#[test]
fn the_leaf_may_sign_and_is_no_authority() {
    let base = || leaf("root", 1).without(&oid::KEY_USAGE);
    assert_eq!(code(&base(), &[], &[root()]), Some(Code::CertificatePurpose));
    assert_eq!(code(&base().with(key_usage(0x40)), &[], &[root()]), Some(Code::CertificatePurpose));
    assert_eq!(code(&base().with(key_usage(0xc0)), &[], &[root()]), None);
    let ca = leaf("root", 1).with(basic_constraints(true, None));
    assert_eq!(code(&ca, &[], &[root()]), Some(Code::CertificatePurpose));
    let explicit = leaf("root", 1).with(basic_constraints(false, None));
    assert_eq!(code(&explicit, &[], &[root()]), None);
}

#[test]
fn the_serial_of_a_leaf_is_positive() {
    for serial in [0x00, 0x80] {
        let forge = Forge { serial: vec![serial], ..leaf("root", 1) };
        assert_eq!(code(&forge, &[], &[root()]), Some(Code::CertificateMalformed));
    }
}

/// An authority may issue only for the purposes that all those above it allow.
#[test]
fn extended_key_usage_nests() {
    let ca = |purposes: &[ObjectIdentifier]| middle().with(extended_key_usage(false, purposes));
    let leaf = leaf("middle", 2);
    assert_eq!(code(&leaf, &[ca(&[oid::CODE_SIGNING])], &[root()]), None);
    assert_eq!(code(&leaf, &[ca(&[oid::ANY_EXTENDED_KEY_USAGE])], &[root()]), None);
    assert_eq!(code(&leaf, &[ca(&[oid::TIME_STAMPING])], &[root()]), Some(Code::CertificatePurpose));
    let anchor = root().with(extended_key_usage(false, &[oid::TIME_STAMPING]));
    assert_eq!(code(&leaf, &[middle()], &[anchor]), Some(Code::CertificatePurpose));
}

/// K-X-05: RFC 3161 §2.3.
#[test]
fn a_timestamping_leaf_has_a_critical_usage_of_its_own() {
    let with = |critical, purposes: &[ObjectIdentifier]| {
        let forge = leaf("root", 1).without(&oid::EXTENDED_KEY_USAGE).with(extended_key_usage(critical, purposes));
        build(&forge, &[], &[root()], MIDYEAR, Purpose::TimeStamping).err()
    };
    assert_eq!(with(true, &[oid::TIME_STAMPING]), None);
    assert_eq!(with(false, &[oid::TIME_STAMPING]), Some(Code::CertificatePurpose));
    assert_eq!(with(true, &[oid::TIME_STAMPING, oid::CODE_SIGNING]), Some(Code::CertificatePurpose));
    assert_eq!(with(true, &[oid::CODE_SIGNING]), Some(Code::CertificatePurpose));
    let ca = root().with(extended_key_usage(true, &[oid::TIME_STAMPING]));
    let found = build(&ca, &[], &[root()], MIDYEAR, Purpose::TimeStamping).err();
    assert_eq!(found, Some(Code::CertificatePurpose));
}

/// K-X-19: anywhere, the anchor included. The poison of precertificates is one of them.
#[test]
fn an_unknown_critical_extension_is_refused_everywhere() {
    for text in ["1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.11129.2.4.3", "2.5.29.35", "2.5.29.31"] {
        let oid = ObjectIdentifier::new_unwrap(text);
        let value = if text == "2.5.29.35" { element(tag::SEQUENCE, &[]) } else { vec![5, 0] };
        let with = |forge: Forge, critical| forge.with(extension(&oid, critical, &value));
        for critical in [true, false] {
            let expected = critical.then_some(Code::CriticalExtensionUnknown);
            let leaf = leaf("middle", 2);
            assert_eq!(code(&with(leaf.clone(), critical), &[middle()], &[root()]), expected, "{text}");
            assert_eq!(code(&leaf, &[with(middle(), critical)], &[root()]), expected, "{text}");
            assert_eq!(code(&leaf, &[middle()], &[with(root(), critical)]), expected, "{text}");
        }
    }
}

/// Without a policy tree, a demand for one cannot be honoured, so it is refused, critical or not.
#[test]
fn a_demand_for_a_policy_is_refused() {
    let with = |oid: &ObjectIdentifier, critical, value: &[u8]| middle().with(extension(oid, critical, value));
    let policies = element(tag::SEQUENCE, &element(tag::SEQUENCE, &element(tag::OID, &[0x2a, 3])));
    let leaf = leaf("middle", 2);
    assert_eq!(code(&leaf, &[with(&oid::CERTIFICATE_POLICIES, true, &policies)], &[root()]), None);
    assert_eq!(code(&leaf, &[with(&oid::INHIBIT_ANY_POLICY, true, &[2, 1, 0])], &[root()]), None);
    assert_eq!(code(&leaf, &[with(&oid::POLICY_CONSTRAINTS, true, &[0x30, 3, 0x81, 1, 0])], &[root()]), None);
    for critical in [true, false] {
        let demand = with(&oid::POLICY_CONSTRAINTS, critical, &[0x30, 3, 0x80, 1, 0]);
        assert_eq!(code(&leaf, &[demand], &[root()]), Some(Code::CriticalExtensionUnknown));
    }
    let empty = with(&oid::POLICY_CONSTRAINTS, true, &[0x30, 0]);
    assert_eq!(code(&leaf, &[empty], &[root()]), Some(Code::CertificateMalformed));
    let mapping = |to: &[u8]| {
        let pair = [element(tag::OID, &[0x2a, 3]), element(tag::OID, to)].concat();
        with(&oid::POLICY_MAPPINGS, true, &element(tag::SEQUENCE, &element(tag::SEQUENCE, &pair)))
    };
    assert_eq!(code(&leaf, &[mapping(&[0x2a, 4])], &[root()]), None);
    assert_eq!(code(&leaf, &[mapping(&[0x55, 0x1d, 0x20, 0x00])], &[root()]), Some(Code::CertificateConstraint));
}

/// K-X-19, RFC 5280 §4.2.1.9.
#[test]
fn a_path_length_counts_intermediates_that_are_not_self_issued() {
    let limited = |forge: Forge, length| forge.without(&oid::BASIC_CONSTRAINTS).with(basic_constraints(true, Some(length)));
    let second = Forge::ca("second", 3, "middle", 2);
    let leaf = leaf("second", 3);
    assert_eq!(code(&leaf, &[middle(), second.clone()], &[root()]), None);
    assert_eq!(code(&leaf, &[limited(middle(), 1), second.clone()], &[root()]), None);
    assert_eq!(code(&leaf, &[limited(middle(), 0), second.clone()], &[root()]), Some(Code::CertificateConstraint));
    // An anchor's own bound holds as well.
    assert_eq!(code(&leaf, &[middle(), second.clone()], &[limited(root(), 2)]), None);
    assert_eq!(code(&leaf, &[middle(), second.clone()], &[limited(root(), 1)]), Some(Code::CertificateConstraint));
    // A tighter bound below does not loosen the one above.
    let wide = [limited(middle(), 0), limited(second, 9)];
    assert_eq!(code(&leaf, &wide, &[root()]), Some(Code::CertificateConstraint));
    // A self-issued certificate (new key under the old) is not counted.
    let rollover = Forge::ca("middle", 4, "middle", 2);
    let under_new = Forge { issuer: super::super::forge::name("middle"), signer: 4, ..self::leaf("middle", 4) };
    assert_eq!(code(&under_new, &[limited(middle(), 0), rollover], &[root()]), None);
}

#[test]
fn a_path_is_not_longer_than_the_limit() {
    let chain: Vec<Forge> = (2..=6).map(|n| Forge::ca(&format!("ca{n}"), n, &format!("ca{}", n - 1), n - 1)).collect();
    let anchor = Forge::ca("ca1", 1, "ca1", 1);
    // Six certificates: leaf, four intermediates, anchor.
    assert_eq!(code(&leaf("ca5", 5), &chain, &[anchor.clone()]), None);
    assert_eq!(code(&leaf("ca6", 6), &chain, &[anchor]), Some(Code::CertificateConstraint));
}

#[test]
fn too_many_intermediates_are_refused() {
    let many = vec![middle(); 11];
    assert_eq!(code(&leaf("middle", 2), &many[..10], &[root()]), None);
    assert_eq!(code(&leaf("middle", 2), &many, &[root()]), Some(Code::TooManyEntries));
}

/// K-X-10: a thousand authorities of one name that certify each other.
#[test]
fn path_building_stays_within_its_budget() {
    let count = 1000_u32;
    let mut cross = Vec::new();
    for n in 0..count {
        let mut forge = Forge::ca("x", 2 + u8::try_from(n % 100).unwrap(), "x", 2 + u8::try_from((n * 7 + 1) % 100).unwrap());
        forge.serial = vec![1, u8::try_from(n / 256).unwrap(), u8::try_from(n % 256).unwrap()];
        cross.push(forge.make());
    }
    let limits = Limits { intermediates: 1000, ..Limits::DEFAULT };
    let leaf = leaf("x", 2).make();
    let anchor = Forge::ca("unreachable", 250, "unreachable", 250).make();
    let refused = |limits: &Limits, budget: &mut Budget| {
        Path::build(&leaf, &cross, &[anchor.clone()], at(MIDYEAR), Purpose::CodeSigning, budget, limits).unwrap_err().code()
    };
    assert_eq!(refused(&Limits::DEFAULT, &mut Budget::new(&limits)), Code::TooManyEntries);
    assert_eq!(refused(&limits, &mut Budget::new(&limits)), Code::BudgetExhausted);
    // Four for each of five keys, so that branches multiply by four at each step: every pair is checked at most once.
    let twins: Vec<Certificate> = (0..20_u8)
        .map(|n| Forge { serial: vec![1, n], ..Forge::ca("x", 2 + n / 4, "x", 2 + (n / 4 + 1 + n % 4) % 5) }.make())
        .collect();
    let limits = Limits { intermediates: 20, path_steps: 10_000, signature_checks: 20 + 20 * 16, ..Limits::DEFAULT };
    let mut budget = Budget::new(&limits);
    let found = Path::build(&leaf, &twins, &[anchor], at(MIDYEAR), Purpose::CodeSigning, &mut budget, &limits);
    assert_eq!(found.unwrap_err().code(), Code::CertificateSignatureInvalid);
}

/// A dead end does not hide the way out: cross-signed twins of one authority.
#[test]
fn path_building_backtracks() {
    let dead_end = Forge::ca("middle", 2, "nowhere", 9);
    let expired = Forge { not_after: "260201000000Z", serial: vec![5], ..middle() };
    for intermediates in [[dead_end.clone(), expired.clone(), middle()], [middle(), expired, dead_end]] {
        assert_eq!(code(&leaf("middle", 2), &intermediates, &[root()]), None);
    }
}

/// Key identifiers order candidates; wrong ones neither help nor hurt.
#[test]
fn key_identifiers_are_hints_only() {
    let ski = |id: &[u8]| extension(&oid::SUBJECT_KEY_IDENTIFIER, false, &element(tag::OCTET_STRING, id));
    let aki = |id: &[u8]| extension(&oid::AUTHORITY_KEY_IDENTIFIER, false, &element(tag::SEQUENCE, &element(0x80, id)));
    let wrong = Forge::ca("root", 9, "root", 9).with(ski(b"named"));
    let right = root().with(ski(b"other"));
    assert_eq!(code(&leaf("root", 1).with(aki(b"named")), &[], &[wrong, right]), None);
}

#[test]
fn an_issuer_with_an_unsupported_key_is_named_as_such() {
    let dsa = Forge { spki: base64::decode(fixtures::DSA).unwrap(), ..middle() };
    assert_eq!(code(&leaf("middle", 2), &[dsa], &[root()]), Some(Code::AlgorithmUnsupported));
}

/// The constant relations of a trust root cost one check; a fresh leaf costs one each time.
#[test]
fn known_signatures_are_not_checked_again() {
    let limits = Limits::DEFAULT;
    let (middle, root) = (middle().make(), root().make());
    let spend = |checks: u32| {
        let mut budget = Budget::new(&Limits { signature_checks: checks, ..Limits::DEFAULT });
        let leaf = leaf("middle", 2).make();
        let (intermediates, anchors) = ([middle.clone()], [root.clone()]);
        Path::build(&leaf, &intermediates, &anchors, at(MIDYEAR), Purpose::CodeSigning, &mut budget, &limits)
            .err()
            .map(|f| f.code())
    };
    assert_eq!(spend(1), Some(Code::BudgetExhausted));
    assert_eq!(spend(2), None);
    assert_eq!(spend(1), None);
    assert_eq!(spend(0), Some(Code::BudgetExhausted));
}
