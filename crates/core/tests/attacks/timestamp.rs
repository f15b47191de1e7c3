//! Attacks on timestamps: K-X-04 to K-X-09.

use crate::kit::{Case, timestamp_authority};
use veriseal::policy::Settings;
use veriseal::{Code, HashAlgorithm, UnixTime, Validity};
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::tsa::{MESSAGE_DIGEST, Timestamp, attribute};
use veriseal_testkit::x509::extension::{CODE_SIGNING, EXTENDED_KEY_USAGE, KEY_CERT_SIGN, TIME_STAMPING};
use veriseal_testkit::x509::{Extension, Name, Template};
use veriseal_testkit::{Bundle, KeyKind, Seed, TimestampAuthority, TrustedRoot, der};

/// A key-signed, logged bundle whose policy wants one timestamp besides: the token alone decides.
fn case() -> (Case, Bundle) {
    let mut case = Case { settings: Settings { timestamps: 1, ..Settings::default() }, ..Case::key() };
    let bundle = case.message();
    (case, bundle)
}

fn with_token(case: &Case, bundle: &Bundle, response: Vec<u8>) -> Code {
    case.code(&Bundle { timestamps: vec![response], ..bundle.clone() })
}

/// The answer to a token of the trusted authority with something changed before it was signed.
fn token(edit: impl FnOnce(&mut Timestamp)) -> Code {
    let (case, bundle) = case();
    let mut timestamp = case.sigstore.tsa.timestamp(bundle.signature(), NOW);
    edit(&mut timestamp);
    with_token(&case, &bundle, timestamp.response())
}

/// The answer where the authority itself is another one, and trusted: without its leaf in the trust root, so that the leaf
/// of the token is judged by what it says.
fn authority(edit: impl FnOnce(&mut TimestampAuthority)) -> Code {
    let (mut case, bundle) = case();
    let mut authority = case.sigstore.tsa.clone();
    edit(&mut authority);
    case.trusted = Some(root_only(&case, &authority));
    with_token(&case, &bundle, authority.respond(bundle.signature(), NOW))
}

fn root_only(case: &Case, authority: &TimestampAuthority) -> TrustedRoot {
    let mut root = case.sigstore.trusted_root();
    root.timestamp_authorities.clear();
    let mut root = root.tsa(authority);
    root.timestamp_authorities[0].chain = vec![authority.root.der.clone()];
    root
}

#[test]
fn a_token_is_about_this_signature_and_was_granted() {
    assert_eq!(token(|_| {}), Code::Accepted);
    assert_eq!(authority(|_| {}), Code::Accepted);
    assert_eq!(token(|token| token.imprint[0] ^= 1), Code::TimestampImprintMismatch);
    assert_eq!(token(|token| token.imprint = veriseal::digest::sha256(b"another").to_vec()), Code::TimestampImprintMismatch);
    assert_eq!(token(|token| token.status = 2), Code::TimestampNotGranted);
    assert_eq!(token(|token| token.status = 1), Code::TimestampNotGranted);
    let (case, bundle) = case();
    let mut trailing = case.sigstore.tsa.respond(bundle.signature(), NOW);
    trailing.push(0);
    assert_eq!(with_token(&case, &bundle, trailing), Code::TimestampMalformed);
}

/// K-X-04 (CVE-2026-39984): the certificate that verified the signature is the one every rule is held against, whatever
/// stands beside it and in whatever order.
#[test]
fn certificates_beside_the_signers_change_nothing() {
    let (mut case, bundle) = case();
    let own = case.sigstore.tsa.clone();
    let attacker = timestamp_authority(666);
    let with_bag = |case: &Case, signer: &TimestampAuthority, bag: Vec<Vec<u8>>| {
        let mut timestamp = signer.timestamp(bundle.signature(), NOW);
        timestamp.certificates = bag;
        with_token(case, &bundle, timestamp.response())
    };
    let bag = [own.leaf.clone(), own.root.der.clone(), attacker.leaf.clone(), attacker.root.der.clone()];
    for trusted in [case.sigstore.trusted_root(), root_only(&case, &own)] {
        case.trusted = Some(trusted);
        for shift in 0..bag.len() {
            let mut bag = bag.to_vec();
            bag.rotate_left(shift);
            assert_eq!(with_bag(&case, &own, bag.clone()), Code::Accepted, "{shift}");
            bag.reverse();
            assert_eq!(with_bag(&case, &own, bag.clone()), Code::Accepted, "{shift}");
            // Signed by the attacker, the trusted certificate lies beside and vouches for nothing.
            assert_eq!(with_bag(&case, &attacker, bag), Code::TimestampUntrusted, "{shift}");
        }
        // The attacker signs and names the trusted certificate as its own.
        let mut forged = attacker.timestamp(bundle.signature(), NOW);
        forged.issuer = own.template.issuer.clone();
        forged.signer_serial = own.template.serial.clone();
        forged.signing_certificate = Some(veriseal::digest::sha256(&own.leaf).to_vec());
        forged.certificates = vec![own.leaf.clone()];
        assert_eq!(with_token(&case, &bundle, forged.response()), Code::TimestampSignatureInvalid);
    }
}

/// K-X-04: two certificates with one issuer and serial number, which is how a token names its signer. The one that it
/// also names by its hash is meant, in whatever order they lie.
#[test]
fn a_certificate_that_poses_as_the_signers_is_not_it() {
    let (mut case, bundle) = case();
    let own = case.sigstore.tsa.clone();
    let attacker = timestamp_authority(666);
    let mut template = own.template.clone();
    template.public_key = attacker.key.spki();
    let twin = template.sign(&attacker.root.key);
    let honest = own.timestamp(bundle.signature(), NOW);
    let mut forged = honest.clone();
    forged.key = attacker.key.clone();
    forged.signing_certificate = Some(veriseal::digest::sha256(&twin).to_vec());
    let answer = |case: &Case, token: &Timestamp, bag: [&Vec<u8>; 2]| {
        let certificates = bag.map(Clone::clone).to_vec();
        with_token(case, &bundle, Timestamp { certificates, ..token.clone() }.response())
    };
    for (trusted, code) in [
        // The leaf is known: it is not what the forged token says it was signed with.
        (case.sigstore.trusted_root(), Code::TimestampAttributeInvalid),
        // It is not: the twin leads nowhere.
        (root_only(&case, &own), Code::TimestampUntrusted),
    ] {
        case.trusted = Some(trusted);
        for bag in [[&own.leaf, &twin], [&twin, &own.leaf]] {
            assert_eq!(answer(&case, &honest, bag), Code::Accepted);
            assert_eq!(answer(&case, &forged, bag), code);
        }
    }
}

/// K-X-04, K-X-05: the leaf that the trust root names is the only one, also under the same root.
#[test]
fn where_the_trust_root_names_the_leaf_no_other_will_do() {
    let (case, bundle) = case();
    let mut other = case.sigstore.tsa.clone();
    other.key = timestamp_authority(7).key;
    other.template.public_key = other.key.spki();
    other.template.serial[3] ^= 1;
    other.reissue();
    let response = other.respond(bundle.signature(), NOW);
    assert_eq!(with_token(&case, &bundle, response.clone()), Code::TimestampUntrusted);
    let trusted = Some(root_only(&case, &case.sigstore.tsa));
    assert_eq!(with_token(&Case { trusted, ..case.clone() }, &bundle, response), Code::Accepted);
    // A token without certificates: the trust root has the leaf, or nobody has.
    let bare = TimestampAuthority { embed: false, ..case.sigstore.tsa.clone() };
    let response = bare.respond(bundle.signature(), NOW);
    assert_eq!(with_token(&case, &bundle, response.clone()), Code::Accepted);
    let trusted = Some(root_only(&case, &case.sigstore.tsa));
    assert_eq!(with_token(&Case { trusted, ..case }, &bundle, response), Code::TimestampSignerNotFound);
}

/// K-X-04: where the trust root names the leaf, a damaged copy in the token changes nothing, whichever byte it is and whether
/// it can be read at all. Where it does not, the copy is the only one, and a damaged one is none.
#[test]
fn a_damaged_certificate_in_the_token_decides_nothing_where_the_leaf_is_known() {
    let (case, bundle) = case();
    let own = case.sigstore.tsa.clone();
    let bare = Case { trusted: Some(root_only(&case, &own)), ..case.clone() };
    let mut timestamp = own.timestamp(bundle.signature(), NOW);
    let mut without = Vec::new();
    for at in (1..own.leaf.len()).step_by(23) {
        let mut damaged = own.leaf.clone();
        damaged[at] ^= 0x21;
        timestamp.certificates = vec![damaged];
        let response = timestamp.response();
        // A token whose DER no longer holds together is refused as such, whoever is trusted.
        let code = with_token(&case, &bundle, response.clone());
        assert!(code == Code::Accepted || (at < 4 && code == Code::TimestampMalformed), "{at}: {code}");
        without.push(with_token(&bare, &bundle, response));
    }
    assert!(!without.contains(&Code::Accepted));
    // Where it can no longer be told whose certificate it is, there is none.
    assert!(without.contains(&Code::TimestampSignerNotFound), "{without:?}");
    // Still named by the token, but no certificate that is read: of another version.
    let at = own.leaf.windows(5).position(|part| part == [0xa0, 3, 2, 1, 2]).unwrap();
    let mut unreadable = own.leaf.clone();
    unreadable[at + 4] = 1;
    timestamp.certificates = vec![unreadable];
    assert_eq!(with_token(&case, &bundle, timestamp.response()), Code::Accepted);
    assert_eq!(with_token(&bare, &bundle, timestamp.response()), Code::TimestampMalformed);
}

/// The chain in the trust root may begin with an issuing authority in place of the leaf; where it does not, the token may
/// bring that authority along, as a helper.
#[test]
fn an_issuing_authority_comes_from_the_trust_root_or_from_the_token() {
    let (mut case, bundle) = case();
    let mut own = case.sigstore.tsa.clone();
    let root = own.root.clone();
    let name = Name::new("testkit.example", "timestamp intermediate");
    let year = |years: i64| NOW.saturating_add_seconds(years * 365 * 86_400);
    let years = Validity::between(year(-1), year(5));
    own.root = root.subordinate(name, KeyKind::P256, &Seed::new(9), years, &[TIME_STAMPING]);
    own.template.issuer = own.root.template.subject.clone();
    own.reissue();
    let bag = |certificates: &[&Vec<u8>]| {
        let mut timestamp = own.timestamp(bundle.signature(), NOW);
        timestamp.certificates = certificates.iter().map(|der| (*der).clone()).collect();
        timestamp.response()
    };
    let (alone, together) = (bag(&[&own.leaf]), bag(&[&own.leaf, &own.root.der]));
    for (chain, for_alone) in [
        (vec![own.root.der.clone(), root.der.clone()], Code::Accepted),
        (vec![own.leaf.clone(), own.root.der.clone(), root.der.clone()], Code::Accepted),
        (vec![root.der.clone()], Code::TimestampUntrusted),
    ] {
        let mut trusted = root_only(&case, &own);
        trusted.timestamp_authorities[0].chain = chain;
        case.trusted = Some(trusted);
        assert_eq!(with_token(&case, &bundle, alone.clone()), for_alone);
        assert_eq!(with_token(&case, &bundle, together.clone()), Code::Accepted);
    }
}

/// K-X-05: a timestamp leaf may stamp and nothing else.
#[test]
fn a_leaf_for_other_purposes_is_refused() {
    let leaf = |edit: fn(&mut Template)| {
        authority(|authority| {
            edit(&mut authority.template);
            authority.reissue();
        })
    };
    let usage = |critical, purposes: &[&str]| Extension { critical, ..Extension::extended_key_usage(purposes) };
    assert_eq!(leaf(|_| {}), Code::Accepted);
    assert_eq!(leaf(|leaf| leaf.remove(EXTENDED_KEY_USAGE)), Code::TimestampPurpose);
    let rows: [(bool, &[&str], Code); 5] = [
        (true, &[TIME_STAMPING], Code::Accepted),
        (false, &[TIME_STAMPING], Code::TimestampPurpose),
        (true, &[TIME_STAMPING, CODE_SIGNING], Code::TimestampPurpose),
        (true, &[CODE_SIGNING], Code::TimestampPurpose),
        (true, &["2.5.29.37.0"], Code::TimestampPurpose),
    ];
    for (critical, purposes, code) in rows {
        let found = authority(|authority| {
            authority.template.set(usage(critical, purposes));
            authority.reissue();
        });
        assert_eq!(found, code, "{critical} {purposes:?}");
    }
    assert_eq!(leaf(|leaf| leaf.set(Extension::basic_constraints(true, None))), Code::TimestampPurpose);
    assert_eq!(leaf(|leaf| leaf.set(Extension::key_usage(KEY_CERT_SIGN))), Code::TimestampPurpose);
}

/// K-X-05: SHA-1 binds nothing any more. The imprint's algorithm is written where SHA-256 would be.
#[test]
fn a_sha1_imprint_is_refused() {
    let (case, bundle) = case();
    let good = case.sigstore.tsa.respond(bundle.signature(), NOW);
    let (sha256, sha1) = (der::oid("2.16.840.1.101.3.4.2.1"), der::oid("1.3.14.3.2.26"));
    assert!(good.windows(sha256.len()).any(|window| window == sha256));
    let timestamp = case.sigstore.tsa.timestamp(bundle.signature(), NOW);
    let imprint = der::sequence(&[&der::sequence(&[&sha1]), &der::octet_string(&[7; 20])]);
    let info = timestamp.info();
    let mut parts = children(&info);
    parts[2] = imprint;
    let response = resigned(&case.sigstore.tsa, &timestamp, &der::tlv(0x30, &parts.concat()));
    assert_eq!(with_token(&case, &bundle, response), Code::AlgorithmUnsupported);
    // The same surgery without a change still holds: the refusal is the algorithm's.
    let response = resigned(&case.sigstore.tsa, &timestamp, &info);
    assert_eq!(with_token(&case, &bundle, response), Code::Accepted);
}

/// K-X-05: the path's own rules, at the time that the token claims.
#[test]
fn the_authoritys_path_is_held_against_the_claimed_time() {
    let year = 365 * 86_400;
    let (mut case, bundle) = case();
    case.now = NOW.saturating_add_seconds(20 * year);
    let at = |at: UnixTime| with_token(&case, &bundle, case.sigstore.tsa.respond(bundle.signature(), at));
    assert_eq!(at(NOW.saturating_add_seconds(9 * year)), Code::Accepted);
    assert_eq!(at(NOW.saturating_add_seconds(9 * year + 1)), Code::TimestampCertificateNotValidAt);
    assert_eq!(at(NOW.saturating_add_seconds(-year - 1)), Code::TimestampCertificateNotValidAt);
}

/// K-X-06: without an authority in the trust root no token counts, and nothing breaks.
#[test]
fn a_trust_root_without_timestamp_authorities_trusts_none() {
    let (mut case, bundle) = case();
    let mut root = case.sigstore.trusted_root();
    root.timestamp_authorities.clear();
    case.trusted = Some(root);
    let response = case.sigstore.tsa.respond(bundle.signature(), NOW);
    assert_eq!(with_token(&case, &bundle, response.clone()), Code::TimestampUntrusted);
    case.settings = Settings::default();
    assert_eq!(with_token(&case, &bundle, response), Code::Accepted);
}

/// K-X-07 (rfc3161-client before 1.0.3): a good path is no good signature.
#[test]
fn the_signature_over_the_attributes_and_their_digest_of_the_content_are_checked() {
    let flipped = token(|token| {
        let attributes = token.standard_attributes();
        let mut signature = token.key.sign_with(token.scheme, &der::set_as_given(&attributes));
        *signature.last_mut().unwrap() ^= 1;
        token.signature = Some(signature);
    });
    assert_eq!(flipped, Code::TimestampSignatureInvalid);
    let other_content = token(|token| {
        // Attributes and signature are of an earlier token; the time was moved afterwards.
        let attributes = token.standard_attributes();
        token.signature = Some(token.key.sign_with(token.scheme, &der::set_as_given(&attributes)));
        token.attributes = Some(attributes);
        token.gen_time = der::generalized_text(NOW.saturating_add_seconds(-1));
    });
    assert_eq!(other_content, Code::TimestampAttributeInvalid);
    assert_eq!(token(|token| token.message_digest = Some(vec![0; 32])), Code::TimestampAttributeInvalid);
    let altered_attributes = token(|token| {
        let mut attributes = token.standard_attributes();
        token.signature = Some(token.key.sign_with(token.scheme, &der::set_as_given(&attributes)));
        // The signing time is signed and of no other meaning: only the signature notices.
        token.signing_time = Some(NOW.saturating_add_seconds(-1));
        attributes = token.standard_attributes();
        token.attributes = Some(attributes);
    });
    assert_eq!(altered_attributes, Code::TimestampSignatureInvalid);
    let of_another_certificate = |token: &mut Timestamp| token.signing_certificate = Some(vec![0; 32]);
    assert_eq!(token(of_another_certificate), Code::TimestampAttributeInvalid);
    let right = HashAlgorithm::Sha256.hash(&[b"any"]);
    let twice = token(|token| {
        let mut attributes = token.standard_attributes();
        attributes.push(attribute(MESSAGE_DIGEST, &der::octet_string(right.as_bytes())));
        attributes.sort();
        token.attributes = Some(attributes);
    });
    assert_eq!(twice, Code::TimestampAttributeInvalid);
    assert_eq!(token(|token| token.attributes = Some(Vec::new())), Code::TimestampAttributeInvalid);
}

/// K-X-08 (RUSTSEC-2026-0046, -0047): one signer, and attributes that it signed.
#[test]
fn a_token_has_exactly_one_signer_with_signed_attributes() {
    let (case, bundle) = case();
    let response = case.sigstore.tsa.respond(bundle.signature(), NOW);
    let stranger = timestamp_authority(666).respond(bundle.signature(), NOW);
    let (own, other) = (signer_info(&response), signer_info(&stranger));
    let with = |infos: &[&Vec<u8>]| {
        let infos: Vec<Vec<u8>> = infos.iter().map(|info| (*info).clone()).collect();
        with_token(&case, &bundle, with_signers(&response, &der::set_of(&infos)))
    };
    assert_eq!(with(&[&own]), Code::Accepted);
    for infos in [&[][..], &[&own, &own], &[&own, &other], &[&other, &own]] {
        assert_eq!(with(infos), Code::TimestampMalformed, "{}", infos.len());
    }
    let mut fields = children(&own);
    let attributes = fields.iter().position(|field| field[0] == 0xa0).unwrap();
    fields.remove(attributes);
    let unsigned = der::tlv(0x30, &fields.concat());
    assert_eq!(with(&[&unsigned]), Code::TimestampAttributeInvalid);
    // A signature over the bare content, as CMS has it without attributes, is none over a time.
    let content = case.sigstore.tsa.timestamp(bundle.signature(), NOW).info();
    let signature = case.sigstore.tsa.key.sign_with(case.sigstore.tsa.timestamp(b"", NOW).scheme, &content);
    *fields.last_mut().unwrap() = der::octet_string(&signature);
    assert_eq!(with(&[&der::tlv(0x30, &fields.concat())]), Code::TimestampAttributeInvalid);
}

/// K-X-09: nothing that an unverified token says is told to anybody.
#[test]
fn no_field_of_an_unverified_token_reaches_the_report() {
    let (case, bundle) = case();
    let told = UnixTime::parse_rfc3339("2025-07-08T09:10:11Z").unwrap();
    let tell = |response| {
        let report = case.report(&Bundle { timestamps: vec![response], ..bundle.clone() });
        (report.code(), report.to_json())
    };
    let (code, json) = tell(case.sigstore.tsa.respond(bundle.signature(), told));
    assert_eq!(code, Code::Accepted);
    assert!(json.contains("2025-07-08"), "{json}");
    let mut forged = case.sigstore.tsa.timestamp(bundle.signature(), told);
    forged.signature = Some(vec![1; 70]);
    let unknown = timestamp_authority(666).respond(bundle.signature(), told);
    let foreign = case.sigstore.tsa.respond(b"another signature", told);
    for response in [forged.response(), unknown, foreign] {
        let (code, json) = tell(response);
        assert_ne!(code, Code::Accepted);
        assert!(!json.contains("2025-07-08"), "{json}");
    }
}

/// The elements inside a DER element.
fn children(element: &[u8]) -> Vec<Vec<u8>> {
    let header = |at: &[u8]| match at[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            (2 + count, at[2..2 + count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    let (start, length) = header(element);
    let (mut inside, mut found) = (&element[start..start + length], Vec::new());
    while !inside.is_empty() {
        let (start, length) = header(inside);
        found.push(inside[..start + length].to_vec());
        inside = &inside[start + length..];
    }
    found
}

/// The fields of the SignedData in a response.
fn signed_data(response: &[u8]) -> Vec<Vec<u8>> {
    let token = &children(response)[1];
    children(&children(&children(token)[1])[0])
}

fn signer_info(response: &[u8]) -> Vec<u8> {
    children(signed_data(response).last().unwrap())[0].clone()
}

/// The response with other signers.
fn with_signers(response: &[u8], signers: &[u8]) -> Vec<u8> {
    let mut fields = signed_data(response);
    *fields.last_mut().unwrap() = signers.to_vec();
    response_of(&fields)
}

fn response_of(fields: &[Vec<u8>]) -> Vec<u8> {
    let token = der::sequence(&[&der::oid("1.2.840.113549.1.7.2"), &der::context(0, &der::tlv(0x30, &fields.concat()))]);
    der::sequence(&[&der::sequence(&[&der::integer(0)]), &token])
}

/// A response around other content, honestly signed.
fn resigned(authority: &TimestampAuthority, like: &Timestamp, info: &[u8]) -> Vec<u8> {
    let mut timestamp = like.clone();
    timestamp.message_digest = Some(veriseal::digest::sha256(info).to_vec());
    timestamp.key = authority.key.clone();
    let mut fields = signed_data(&timestamp.response());
    let content = der::context(0, &der::octet_string(info));
    fields[2] = der::sequence(&[&der::oid(&timestamp.content_type), &content]);
    response_of(&fields)
}
