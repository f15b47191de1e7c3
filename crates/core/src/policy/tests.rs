//! The bounds and the words of policies: each bound from both sides, each word as it stands in reports.

use super::*;
use crate::code::Code;
use crate::digest::{Digest, HashAlgorithm, sha256, sha256_parts};
use crate::encoding::{base64, hex};
use crate::key::PublicKey;
use crate::time::{UnixTime, Validity};
use crate::tlog::note::key_id;
use crate::tlog::witness::Witness;
use crate::x509::SubjectName;
use serde_json::json;

const P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
const ED25519: &str = "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn key(spki: &str, name: &str) -> KeyAuthority {
    KeyAuthority::new(PublicKey::from_spki(&hex::decode(spki).unwrap()).unwrap(), name)
}

fn signature() -> SignatureRequirement {
    SignatureRequirement::new(Authority::Key(key(P256, "a.pub")))
}

fn attestation() -> SignatureRequirement {
    signature().claim(Claim::Attestation { predicate_type: "https://example.com/p".to_owned() })
}

/// A witness of that name with a key of its own.
fn witness(name: &str) -> Witness {
    let secret = ed25519_dalek::SigningKey::from_bytes(&sha256(name.as_bytes()));
    let raw = [&[4_u8][..], secret.verifying_key().as_bytes()].concat();
    let id = key_id(&sha256_parts(&[name.as_bytes(), b"\n", &raw])).unwrap();
    Witness::parse(&format!("{name}+{}+{}", hex::encode(&id), base64::encode(&raw))).unwrap()
}

fn exact(text: &str) -> StringMatch {
    StringMatch::Exact(text.to_owned())
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

fn made(requirement: Requirement) -> Result<(), (Code, String)> {
    Policy::new(requirement).map(drop).map_err(|failure| (failure.code(), failure.at_text().unwrap_or_default().to_owned()))
}

fn refused(at: &str) -> Result<(), (Code, String)> {
    Err((Code::PolicyInvalid, at.to_owned()))
}

#[test]
fn an_algorithm_must_be_one_of_the_key() {
    let hash = SigningAlgorithm::Hash(HashAlgorithm::Sha384);
    let pss = SigningAlgorithm::Pss(HashAlgorithm::Sha256);
    assert_eq!(key(P256, "a").signs_with(hash).unwrap().algorithm(), Some(hash));
    assert_eq!(key(P256, "a").algorithm(), None);
    for (spki, algorithm) in [(P256, pss), (ED25519, hash), (ED25519, pss)] {
        assert_eq!(key(spki, "a").signs_with(algorithm).unwrap_err().code(), Code::PolicyInvalid);
    }
}

#[test]
fn an_authority_is_described_by_its_name_or_what_it_is() {
    let window = Validity::between(UnixTime::from_seconds(1), UnixTime::from_seconds(2));
    let named = key(P256, "a.pub").valid_within(window);
    assert_eq!((named.name(), named.validity()), ("a.pub", &window));
    assert_eq!(Authority::Key(named.clone()).describe(), "key a.pub");
    let unnamed = key(P256, "");
    assert_eq!(Authority::Key(unnamed.clone()).describe(), format!("key {}", unnamed.key().hint()));
    let identity = |subject: &str| Identity::new(exact(subject), exact("https://i")).unwrap();
    let keyless = Authority::Keyless(KeylessAuthority::new(vec![identity("a@b"), identity("c@d")]).unwrap());
    assert_eq!(keyless.describe(), "keyless a@b by https://i or c@d by https://i");
    assert!(keyless.is_keyless() && !Authority::Key(named.clone()).is_keyless());
    assert_eq!(KeylessAuthority::new(Vec::new()).unwrap_err().code(), Code::PolicyInvalid);
    let asks = |of: Requirement| of.asks();
    let one = || Requirement::signed_by(Authority::Key(key(P256, "a.pub")));
    assert_eq!(asks(Requirement::All(vec![one()])), "all of");
    assert_eq!(asks(Requirement::Any(vec![one()])), "any of");
    assert_eq!(asks(Requirement::AtLeast { count: 1, of: vec![one()] }), "at least 1 of");
    assert_eq!(asks(one()), "key a.pub");
}

#[test]
fn every_text_match_says_what_it_is_and_which_pattern_it_has() {
    let (a, glob) = (pattern("a+"), Glob::new("a*").unwrap());
    for (text, said, has) in [
        (exact("a"), "a", None),
        (StringMatch::Pattern(a.clone()), "pattern a+", Some(&a)),
        (StringMatch::Both("a".to_owned(), a.clone()), "a and pattern a+", Some(&a)),
        (StringMatch::Glob(glob), "glob a*", None),
    ] {
        assert_eq!((text.to_string().as_str(), text.pattern()), (said, has));
        assert!(text.matches("a") && !text.matches("b"));
        assert_eq!(text.validate("at"), Ok(()));
    }
    let both = StringMatch::Both("a".to_owned(), pattern("b"));
    assert!(!both.matches("a") && !both.matches("b"));
    for empty in [exact(""), StringMatch::Both(String::new(), a.clone())] {
        let failure = empty.validate("at").unwrap_err();
        assert_eq!((failure.code(), failure.at_text()), (Code::PolicyInvalid, Some("at")));
    }
    assert_eq!(format!("{a:?}"), "Pattern(\"a+\")");
    assert!(a == pattern("a+") && a != pattern("a"));
    assert!(a.would_match_unanchored("ba") && !a.would_match_unanchored("a") && !a.would_match_unanchored("b"));
}

#[test]
fn a_pattern_over_its_bound_is_refused() {
    assert_eq!(Pattern::within("a{100}", 100).unwrap_err().code(), Code::PatternInvalid);
    assert!(Pattern::within("a{100}", 100_000).is_ok());
    // Whatever a caller allows, a mebibyte is the most: this one needs more than half of it, and its double too much.
    assert_eq!(Pattern::new("(a{1000}){100}").unwrap_err().code(), Code::PatternInvalid);
    assert_eq!(Pattern::within("(a{1000}){100}", usize::MAX).unwrap_err().code(), Code::PatternInvalid);
    assert_eq!(Pattern::new("").unwrap_err().code(), Code::PatternInvalid);
}

#[test]
fn a_clause_says_in_words_what_a_value_must_be() {
    let number = |at_least, at_most| ValueMatch::Number { at_least, at_most };
    for (value, said) in [
        (ValueMatch::text("a"), "a"),
        (ValueMatch::Bool(true), "true"),
        (ValueMatch::number(3), "the number 3"),
        (number(Some(3), Some(4)), "3 to 4"),
        (number(Some(3), None), "at least 3"),
        (number(None, Some(4)), "at most 4"),
        (number(None, None), "no number"),
        (ValueMatch::OneOf(vec![ValueMatch::text("a"), ValueMatch::number(1)]), "a or the number 1"),
        (ValueMatch::Contains(Box::new(ValueMatch::text("a"))), "a list with a"),
    ] {
        assert_eq!(value.to_string(), said);
    }
}

#[test]
fn the_bounds_of_a_clause() {
    let clause = |value| PredicateMatch::new("/a", value).map(drop).map_err(|failure| failure.code());
    let number = |at_least, at_most| ValueMatch::Number { at_least, at_most };
    let texts = |count| ValueMatch::OneOf(vec![ValueMatch::text("a"); count]);
    let contains = |value| ValueMatch::Contains(Box::new(value));
    let most = 1_i64 << 53;
    for good in [
        number(Some(-most), Some(most)),
        number(Some(3), Some(3)),
        number(None, Some(most)),
        texts(1),
        texts(100),
        contains(ValueMatch::text("a")),
        contains(texts(2)),
        ValueMatch::text(""),
    ] {
        assert_eq!(clause(good.clone()), Ok(()), "{good}");
    }
    for bad in [
        number(Some(4), Some(3)),
        number(None, None),
        number(Some(-most - 1), None),
        number(None, Some(most + 1)),
        texts(0),
        texts(101),
        ValueMatch::OneOf(vec![texts(1)]),
        ValueMatch::OneOf(vec![contains(ValueMatch::text("a"))]),
        ValueMatch::OneOf(vec![number(None, None)]),
        contains(contains(ValueMatch::text("a"))),
        contains(number(None, None)),
    ] {
        assert_eq!(clause(bad.clone()), Err(Code::PolicyInvalid), "{bad}");
    }
    let pointer = |text: &str| PredicateMatch::new(text, ValueMatch::Bool(true)).map(drop).map_err(|failure| failure.code());
    for good in ["/", "/a/b", "/~0~1", &format!("/{}", "a".repeat(1023))] {
        assert_eq!(pointer(good), Ok(()), "{good}");
    }
    for bad in ["", "a", "/~", "/~2", "/a\n", &format!("/{}", "a".repeat(1024))] {
        assert_eq!(pointer(bad), Err(Code::PolicyInvalid), "{bad}");
    }
}

#[test]
fn a_number_is_compared_as_a_number_whatever_its_form() {
    let holds = |at_least, at_most, found: serde_json::Value| {
        PredicateMatch::new("/a", ValueMatch::Number { at_least, at_most }).unwrap().evaluate(&json!({ "a": found })).is_ok()
    };
    assert!(holds(Some(3), None, json!(3)) && holds(None, Some(3), json!(3)) && holds(Some(3), Some(3), json!(3.0)));
    assert!(!holds(Some(3), None, json!(2)) && !holds(None, Some(3), json!(4)));
    assert!(!holds(Some(3), None, json!(2.5)) && !holds(None, Some(3), json!(3.5)) && holds(Some(3), Some(4), json!(3.5)));
    // Above every bound.
    assert!(holds(Some(3), None, json!(u64::MAX)) && !holds(None, Some(3), json!(u64::MAX)));
    assert!(!holds(Some(3), None, json!("3")));
}

#[test]
fn what_an_attestation_is_asked_for_is_named_where_it_is_absent() {
    let clause = |value| PredicateMatch::new("/a", value).unwrap();
    let found = |predicate: serde_json::Value| {
        let failure = clause(ValueMatch::text("x")).evaluate(&predicate).unwrap_err();
        (failure.code(), failure.found_text().unwrap_or_default().to_owned(), failure.at_text().unwrap_or_default().to_owned())
    };
    for (predicate, said) in [
        (json!({}), "no such value"),
        (json!({"a": ["x"]}), "a list"),
        (json!({"a": {"x": "x"}}), "an object"),
        (json!({"a": "y"}), "y"),
        (json!({"a": 1}), "1"),
    ] {
        assert_eq!(found(predicate), (Code::PredicateMismatch, said.to_owned(), "where./a".to_owned()));
    }
    assert_eq!(
        (clause(ValueMatch::Bool(true)).pointer(), clause(ValueMatch::Bool(true)).value()),
        ("/a", &ValueMatch::Bool(true))
    );
}

#[test]
fn the_bounds_of_a_requirement() {
    let leaf = || Requirement::signature(signature());
    let nested = |levels: usize| (1..levels).fold(leaf(), |inner, _| Requirement::All(vec![inner]));
    assert_eq!(made(nested(16)), Ok(()));
    assert_eq!(made(nested(17)), refused("require"));
    let leaves = |count: usize| Requirement::Any(vec![leaf(); count]);
    assert_eq!(made(leaves(1000)), Ok(()));
    assert_eq!(made(leaves(1001)), refused("require"));
    assert_eq!(made(leaves(0)), refused("require"));
    assert_eq!(made(Requirement::All(Vec::new())), refused("require"));
    let at_least = |count| Requirement::AtLeast {
        count,
        of: vec![leaf(), leaf(), Requirement::signed_by(Authority::Key(key(ED25519, "b")))],
    };
    assert_eq!(made(at_least(2)), Ok(()));
    assert_eq!(made(at_least(3)), refused("atLeast"));
    assert_eq!(made(at_least(0)), refused("atLeast"));
    let inner = Requirement::AtLeast { count: 1, of: vec![Requirement::Any(Vec::new())] };
    assert_eq!(made(inner), refused("require"));
}

#[test]
fn the_bounds_of_an_attestation() {
    let made = |leaf| made(Requirement::signature(leaf));
    let clause = |number: usize| PredicateMatch::new(&format!("/{number}"), ValueMatch::Bool(true)).unwrap();
    let with = |count: usize| (0..count).map(clause).fold(attestation(), SignatureRequirement::saying);
    assert_eq!(made(with(100)), Ok(()));
    assert_eq!(made(with(101)), refused("where"));
    assert_eq!(made(attestation().saying(clause(1)).saying(clause(2)).saying(clause(1))), refused("where"));
    let century = 100 * 365 * 86_400;
    for (seconds, outcome) in [(0, refused("maxAge")), (1, Ok(())), (century, Ok(())), (century + 1, refused("maxAge"))] {
        assert_eq!(made(attestation().max_age(seconds)), outcome, "{seconds}");
    }
    assert_eq!(made(signature().claim(Claim::Attestation { predicate_type: String::new() })), refused("attestation"));
    assert_eq!(made(signature().saying(clause(1))), refused("where"));
    assert_eq!(made(signature().max_age(1)), refused("maxAge"));
    assert_eq!(made(signature().selecting(Selection::Newest)), refused("newest"));
    assert_eq!(made(signature().claim(Claim::AnyStatement).selecting(Selection::All)), refused("newest"));
    // Something must say when.
    let ignored = |timestamps| Settings { tlog: TlogMode::Ignored, timestamps, ..Settings::default() };
    assert_eq!(made(attestation().settings(ignored(0))), Ok(()));
    assert_eq!(made(attestation().max_age(1).settings(ignored(0))), refused("maxAge or newest"));
    assert_eq!(made(attestation().selecting(Selection::Newest).settings(ignored(0))), refused("maxAge or newest"));
    assert_eq!(made(attestation().max_age(1).settings(ignored(1))), Ok(()));
}

#[test]
fn the_bounds_of_settings() {
    let made = |settings| made(Requirement::signature(signature().settings(settings)));
    let usual = Settings::default;
    assert_eq!(made(Settings { logs: 0, ..usual() }), refused("logs"));
    assert_eq!(made(Settings { logs: 0, tlog: TlogMode::IfPresent, ..usual() }), Ok(()));
    assert_eq!(made(Settings { logs: 2, ..usual() }), Ok(()));
    let witnessed = |at_least, names: &[&str], tlog| {
        let witnesses = Witnesses { at_least, of: names.iter().map(|name| witness(name)).collect() };
        Settings { witnesses: Some(witnesses), tlog, ..usual() }
    };
    let (required, two) = (TlogMode::Required, &["a", "b"][..]);
    assert_eq!(made(witnessed(0, two, required)), refused("witnesses.atLeast"));
    assert_eq!(made(witnessed(1, two, required)), Ok(()));
    assert_eq!(made(witnessed(2, two, required)), Ok(()));
    assert_eq!(made(witnessed(3, two, required)), refused("witnesses.atLeast"));
    assert_eq!(made(witnessed(2, &["a", "a"], required)), refused("witnesses.atLeast"));
    assert_eq!(made(witnessed(1, two, TlogMode::IfPresent)), Ok(()));
    assert_eq!(made(witnessed(1, two, TlogMode::Ignored)), refused("witnesses"));
}

#[test]
fn what_is_weaker_than_usual_is_told() {
    let usual = Settings::default;
    for (settings, of_key, of_certificate) in [
        (usual(), vec![], vec![]),
        (Settings { tlog: TlogMode::IfPresent, ..usual() }, vec![Code::LogIfPresent], vec![Code::LogIfPresent]),
        (Settings { tlog: TlogMode::Ignored, ..usual() }, vec![Code::LogIgnored], vec![Code::LogIgnored]),
        (Settings { sct: SctMode::Ignored, ..usual() }, vec![], vec![Code::SctIgnored]),
        (Settings { allow_chain: true, ..usual() }, vec![Code::ChainOptIn], vec![Code::ChainOptIn]),
        (Settings { allow_intoto_v1: true, ..usual() }, vec![Code::IntotoV1OptIn], vec![Code::IntotoV1OptIn]),
        (Settings { allow_intoto_v1: true, tlog: TlogMode::Ignored, ..usual() }, vec![Code::LogIgnored], vec![Code::LogIgnored]),
    ] {
        assert_eq!((settings.weakened(false), settings.weakened(true)), (of_key, of_certificate), "{settings:?}");
    }
}

#[test]
fn an_exception_ends_after_its_last_second_and_is_of_its_digests_alone() {
    let (image, other) = (Digest::sha256(b"image"), Digest::sha256(b"other"));
    let until = UnixTime::from_seconds(100);
    let exception = Exception::new([image], "migration", until).unwrap();
    assert_eq!((exception.reason(), exception.until(), exception.digests().len()), ("migration", until, 1));
    assert!(exception.digests().contains(&image));
    assert_eq!(exception.applies(&image, until), Ok(()));
    let code = |digest, at| exception.applies(digest, at).map_err(|failure| failure.code());
    assert_eq!(code(&image, UnixTime::new(100, 999_999_999).unwrap()), Ok(()));
    assert_eq!(code(&image, UnixTime::from_seconds(101)), Err(Code::ExceptionExpired));
    assert_eq!(code(&other, until), Err(Code::NotExcepted));
    assert_eq!(Exception::new([], "migration", until).unwrap_err().code(), Code::PolicyInvalid);
    assert_eq!(Exception::new([image], " \n", until).unwrap_err().code(), Code::PolicyInvalid);
    let policy = Policy::exception(exception.clone());
    assert_eq!((policy.excepted(), policy.leaves().len(), policy.wants_attestations()), (Some(&exception), 0, false));
    let later = Policy::exception(Exception::new([image], "migration", UnixTime::from_seconds(101)).unwrap());
    assert_ne!(policy.fingerprint(), later.fingerprint());
}

#[test]
fn whatever_can_change_a_verdict_changes_the_fingerprint() {
    let clause = |text| PredicateMatch::new("/a", ValueMatch::text(text)).unwrap();
    let window = Validity::between(UnixTime::from_seconds(1), UnixTime::from_seconds(2));
    let keyless = |identity| SignatureRequirement::new(Authority::Keyless(KeylessAuthority::new(vec![identity]).unwrap()));
    let identity = || Identity::new(exact("a@b"), exact("https://i")).unwrap();
    let leaves = [
        signature(),
        attestation(),
        signature().claim(Claim::AnyStatement),
        attestation().saying(clause("x")),
        attestation().saying(clause("y")),
        attestation().max_age(1),
        attestation().max_age(2),
        attestation().selecting(Selection::Newest),
        attestation().selecting(Selection::All),
        signature().settings(Settings { logs: 2, ..Settings::default() }),
        SignatureRequirement::new(Authority::Key(key(P256, "a.pub").valid_within(window))),
        SignatureRequirement::new(Authority::Key(key(ED25519, "a.pub"))),
        keyless(identity()),
        keyless(identity().kind(SubjectKind::Email)),
        keyless(identity().extension("sourceRepositoryURI", exact("https://r")).unwrap()),
        keyless(identity().subject_dn("O", exact("o")).unwrap()),
        keyless(identity().policy_oid("1.2.3").unwrap()),
    ];
    let witnessed = |at_least, names: &[&str]| {
        let witnesses = Witnesses { at_least, of: names.iter().map(|name| witness(name)).collect() };
        signature().settings(Settings { witnesses: Some(witnesses), ..Settings::default() })
    };
    let leaves = leaves.into_iter().chain([witnessed(1, &["a"]), witnessed(1, &["b"])]);
    let leaves: Vec<_> = leaves.chain([witnessed(1, &["a", "b"]), witnessed(2, &["a", "b"])]).collect();
    let of = |requirement| *Policy::new(requirement).unwrap().fingerprint();
    let mut prints: Vec<_> = leaves.iter().cloned().map(|leaf| of(Requirement::signature(leaf))).collect();
    let one = || Requirement::signature(signature());
    prints.push(of(Requirement::All(vec![one()])));
    prints.push(of(Requirement::Any(vec![one()])));
    prints.push(of(Requirement::AtLeast { count: 1, of: vec![one()] }));
    let distinct: std::collections::BTreeSet<_> = prints.iter().collect();
    assert_eq!(distinct.len(), prints.len());
    // A name is for people.
    assert_eq!(of(one()), of(Requirement::signed_by(Authority::Key(key(P256, "b.pub")))));
    let policy = |leaf| Policy::new(Requirement::signature(leaf)).unwrap();
    assert!(policy(attestation()).wants_attestations() && !policy(signature()).wants_attestations());
    assert!(policy(signature()).excepted().is_none());
}

#[test]
fn a_requirement_says_what_it_was_made_of() {
    let settings = Settings { timestamps: 3, ..Settings::default() };
    let leaf = attestation().max_age(7).selecting(Selection::Newest).settings(settings);
    assert_eq!((leaf.oldest(), leaf.selection(), leaf.configured().timestamps), (Some(7), Selection::Newest, 3));
    assert_eq!((signature().oldest(), signature().selection()), (None, Selection::Any));
    assert_eq!(leaf.claimed(), &Claim::Attestation { predicate_type: "https://example.com/p".to_owned() });
    assert!(matches!(leaf.authority(), Authority::Key(key) if key.name() == "a.pub"));
    assert!(leaf.trust_root().is_none() && leaf.predicate().is_empty());
    let needs = [signature(), attestation(), attestation().max_age(1), attestation().selecting(Selection::Newest)];
    assert_eq!(needs.map(|leaf| leaf.needs_time()), [false, false, true, true]);
    assert!(!attestation().selecting(Selection::All).needs_time());
    assert_eq!([Selection::Any, Selection::Newest, Selection::All].map(Selection::name), [None, Some("newest"), Some("all")]);
    let kinds = [SubjectKind::Email, SubjectKind::Uri, SubjectKind::OtherName];
    assert_eq!(kinds.map(SubjectKind::name), ["email", "uri", "othername"]);
    let names = [SubjectName::Email, SubjectName::Uri, SubjectName::OtherName].map(|name| name("a".into()));
    assert_eq!(names.each_ref().map(SubjectKind::of), kinds);
}

#[test]
fn an_identity_says_what_it_was_made_of_and_takes_nothing_twice() {
    let identity = || Identity::new(exact("a@b"), exact("https://i")).unwrap();
    let all = identity().kind(SubjectKind::Email);
    let all = all
        .extension("sourceRepositoryURI", exact("r"))
        .unwrap()
        .subject_dn("O", exact("o"))
        .unwrap()
        .policy_oid("1.2.3")
        .unwrap();
    assert_eq!((all.subject(), all.issuer(), all.subject_kind()), (&exact("a@b"), &exact("https://i"), Some(SubjectKind::Email)));
    assert_eq!(all.extensions(), [("sourceRepositoryURI".to_owned(), exact("r"))]);
    assert_eq!(all.distinguished_name(), [("O".to_owned(), exact("o"))]);
    assert_eq!(all.policy_oids(), ["1.2.3"]);
    let clauses: Vec<_> = all.clauses().map(|clause| clause.into_owned()).collect();
    assert_eq!(
        clauses,
        ["issuer", "identity", "subjectKind", "extensions.sourceRepositoryURI", "subjectDn.O", "policyOids.1.2.3"]
    );
    let code = |made: Result<Identity, crate::code::Failure>| made.map(drop).map_err(|failure| failure.code());
    let invalid = Err(Code::PolicyInvalid);
    assert_eq!(code(all.clone().extension("sourceRepositoryURI", exact("s"))), invalid);
    assert_eq!(code(all.clone().extension("issuer2", exact("s"))), invalid);
    assert_eq!(code(all.clone().extension("sourceRepositoryRef", exact(""))), invalid);
    assert_eq!(code(all.clone().extension("sourceRepositoryRef", exact("s"))), Ok(()));
    assert_eq!(code(all.clone().subject_dn("O", exact("p"))), invalid);
    assert_eq!(code(all.clone().subject_dn("X", exact("p"))), invalid);
    assert_eq!(code(all.clone().subject_dn("OU", exact(""))), invalid);
    assert_eq!(code(all.clone().subject_dn("OU", exact("p"))), Ok(()));
    assert_eq!(code(all.clone().policy_oid("1.2.3")), invalid);
    assert_eq!(code(all.clone().policy_oid("1.2.03")), invalid);
    assert_eq!(code(all.clone().policy_oid("x")), invalid);
    assert_eq!(code(all.clone().policy_oid("1.2.4")), Ok(()));
    assert_eq!(code(Identity::new(exact(""), exact("i"))), invalid);
    assert_eq!(code(Identity::new(exact("a"), exact(""))), invalid);
}
