//! The ways to a verdict beside the common one: sessions, futures, tags, a trust root made by hand. None knows another answer.

use crate::kit::{ARTIFACT, Case, identity, trusted_key};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use veriseal::crypto::Scheme;
use veriseal::digest::HashAlgorithm;
use veriseal::gather::{AsyncFetch, FetchError, Request, Response};
use veriseal::policy::{Authority, KeylessAuthority, Settings, StringMatch, TlogMode};
use veriseal::trust::{CertificateAuthority, CtLog, TimestampAuthority, TransparencyLog};
use veriseal::x509::Certificate;
use veriseal::{
    Accepted, Artifact, Code, Failure, Limits, NotAccepted, Policy, PublicKey, Report, TrustRoot, Validity, Verifier,
};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::{Bundle, Image, ImageBuilder, KeyKind, Signer, Store, TrustedRoot};

fn unlogged() -> Case {
    Case { settings: Settings { tlog: TlogMode::Ignored, ..Settings::default() }, ..Case::key() }
}

/// A store with one image that is signed by the case's signer.
fn signed(case: &Case) -> (Store, Image) {
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").tagged(&mut store, "v1");
    store.attach_bundle(&image, &Bundle::image(&image.digest, &case.signer));
    (store, image)
}

fn report(outcome: Result<Accepted, NotAccepted>) -> Report {
    match outcome {
        Ok(accepted) => accepted.report().clone(),
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
    }
}

/// What was gathered for one policy says nothing under another: what that one had asked for may not be there.
#[test]
fn a_session_is_concluded_by_the_verifier_that_began_it_and_by_no_other() {
    let case = unlogged();
    let (store, image) = signed(&case);
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap();
    let driven = |verifier: &Verifier| {
        let mut session = verifier.session(&reference);
        session.drive(&store);
        assert!(session.is_done() && session.next_request().is_none());
        session
    };
    let verifier = case.verifier();
    assert_eq!(report(verifier.conclude(driven(&verifier), case.now)).code(), Code::Accepted);
    assert_eq!(report(case.verifier().conclude(driven(&verifier), case.now)).code(), Code::Accepted, "an equal one is the same");
    let other_policy = Case { authority: trusted_key(&case.sigstore.key("other")), ..case.clone() }.verifier();
    let limits = Limits { bundle_bytes: Limits::DEFAULT.bundle_bytes - 1, ..Limits::DEFAULT };
    let other_limits = Verifier::with_limits(
        crate::kit::trust(&case.root()),
        Policy::new(verifier.policy().requirement().clone()).unwrap(),
        limits,
    );
    let other_repository = case.verifier().with_signature_repository("registry.example/signatures".parse().unwrap());
    for other in [other_policy, other_limits, other_repository] {
        let refused = other.conclude(driven(&verifier), case.now).unwrap_err();
        assert!(matches!(refused, NotAccepted::Undecided(_)));
        assert_eq!(refused.code(), Code::SessionForOtherVerifier);
    }
}

#[test]
fn a_session_that_is_not_done_is_undecided() {
    let case = unlogged();
    let reference = format!("{REGISTRY}/{REPOSITORY}:v1").parse().unwrap();
    let verifier = case.verifier();
    let mut session = verifier.session(&reference);
    assert!(session.next_request().is_some() && !session.is_done());
    let refused = verifier.conclude(session, case.now).unwrap_err();
    assert!(matches!(refused, NotAccepted::Undecided(_)));
    assert_eq!(refused.code(), Code::SessionUnfinished);
}

/// The digest rules, whatever its tag points to by now; that the two differ is said.
#[test]
fn a_tag_that_points_elsewhere_than_its_digest_is_noticed_and_decides_nothing() {
    let case = unlogged();
    let (mut store, image) = signed(&case);
    let ask = |store: &Store| {
        let reference = format!("{REGISTRY}/{REPOSITORY}:v1@{}", image.digest);
        report(case.ask_image(&case.verifier(), store, &reference))
    };
    let before = ask(&store);
    assert_eq!((before.code(), before.notice_codes()), (Code::Accepted, vec![]));
    ImageBuilder::new("another").tagged(&mut store, "v1");
    let after = ask(&store);
    assert_eq!((after.code(), after.notice_codes()), (Code::Accepted, vec![Code::TagMoved]));
}

/// A pattern is about the whole value. Where it would fit a part of it, its author is told why it does not fit.
#[test]
fn a_pattern_that_fits_a_part_is_no_match_and_is_noticed() {
    let mut case = Case::keyless();
    let bundle = case.message();
    let (subject, issuer) = (identity().subject_text(), identity().issuer);
    let exact = |text: &str| StringMatch::Exact(text.to_owned());
    let pattern = |text: &str| StringMatch::Pattern(veriseal::Pattern::new(text).unwrap());
    for (subject, issuer, code, notices) in [
        (pattern("https://github.com/acme/.*"), exact(&issuer), Code::Accepted, vec![]),
        (pattern("https://github.com/acme/"), exact(&issuer), Code::IdentityMismatch, vec![Code::PatternUnanchored]),
        (pattern("https://github.com/other/"), exact(&issuer), Code::IdentityMismatch, vec![]),
        (exact(&subject), pattern("https://token"), Code::IssuerMismatch, vec![Code::PatternUnanchored]),
    ] {
        let named = veriseal::Identity::new(subject, issuer).unwrap();
        case.authority = Authority::Keyless(KeylessAuthority::new(vec![named]).unwrap());
        let report = case.report(&bundle);
        assert_eq!((report.code(), report.notice_codes()), (code, notices));
    }
}

/// Answers from a store, each at the second asking.
struct Slow<'a>(&'a Store);

impl AsyncFetch for Slow<'_> {
    async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        let mut asked = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.0.answer(&request.what, request.max_bytes)
    }

    fn weakened(&self) -> Vec<Failure> {
        vec![Code::AnswersReused.into()]
    }
}

/// Waiting for answers changes nothing in what is made of them, and what a source is weaker in is told.
#[test]
fn an_awaiting_caller_gets_the_report_of_a_blocking_one() {
    let case = unlogged();
    let (store, image) = signed(&case);
    let (verifier, reference) = (case.verifier(), format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap());
    let slow = Slow(&store);
    let mut future = pin!(verifier.verify_async(&reference, &slow, case.now));
    let mut context = Context::from_waker(Waker::noop());
    let awaited = (0..1000).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    });
    let awaited = report(awaited.expect("an end"));
    assert_eq!(awaited.weakened_codes(), [Code::AnswersReused, Code::LogIgnored]);
    let declared = verifier.clone().declare_weakened(Code::AnswersReused.into());
    assert_eq!(awaited.to_json(), report(declared.verify(&reference, &store, case.now)).to_json());
    assert_eq!(awaited.code(), Code::Accepted);
}

/// The parts of a trust root, each left out where its number is given.
fn by_hand(root: &TrustedRoot, without: Option<usize>) -> TrustRoot {
    let key = |spki: &[u8]| PublicKey::from_spki(spki).unwrap();
    let scheme = Scheme::Ecdsa(HashAlgorithm::Sha256);
    let certificates =
        |chain: &[Vec<u8>]| chain.iter().map(|der| Certificate::from_der(der, &Limits::DEFAULT).unwrap()).collect::<Vec<_>>();
    let window = |window: Option<Validity>| window.unwrap_or_default();
    let mut builder = TrustRoot::builder("testkit");
    if without != Some(0) {
        for log in &root.tlogs {
            let (id, key) = (log.log_id.clone(), key(&log.public_key));
            builder = builder.log(TransparencyLog::new(&log.base_url, id, key, scheme, window(log.valid_for)).unwrap());
        }
    }
    for authority in root.certificate_authorities.iter().filter(|_| without != Some(1)) {
        let chain = certificates(&authority.chain);
        let made = CertificateAuthority::new(&authority.uri, chain, window(authority.valid_for)).unwrap();
        assert_eq!(made.uri(), authority.uri);
        builder = builder.certificate_authority(made);
    }
    for log in root.ctlogs.iter().filter(|_| without != Some(2)) {
        let made = CtLog::new(&log.base_url, key(&log.public_key), scheme, window(log.valid_for)).unwrap();
        assert_eq!(made.base_url(), log.base_url);
        builder = builder.ct_log(made);
    }
    for authority in root.timestamp_authorities.iter().filter(|_| without != Some(3)) {
        let chain = certificates(&authority.chain);
        let made = TimestampAuthority::new(&authority.uri, chain, window(authority.valid_for)).unwrap();
        assert_eq!(made.uri(), authority.uri);
        builder = builder.timestamp_authority(made);
    }
    builder.build()
}

/// A trust root that is put together vouches for what the document does, and for nothing where a part is missing.
#[test]
fn a_trust_root_made_by_hand_vouches_for_what_its_document_does() {
    let mut case = Case::keyless();
    case.settings.timestamps = 1;
    let root = case.sigstore.trusted_root();
    let bundle = case.message().timestamped(&case.sigstore.tsa, case.sigstore.now).to_bytes();
    let code = |trust: TrustRoot| {
        let policy = Policy::new(case.verifier().policy().requirement().clone()).unwrap();
        match Verifier::new(trust, policy).verify_blob(&Artifact::bytes(ARTIFACT), &bundle, case.now) {
            Ok(accepted) => accepted.report().code(),
            Err(refused) => refused.code(),
        }
    };
    assert_eq!(code(by_hand(&root, None)), Code::Accepted);
    let missing = [Code::LogUnknown, Code::NoAuthority, Code::SctLogUnknown, Code::TimestampUntrusted];
    for (without, expected) in missing.into_iter().enumerate() {
        assert_eq!(code(by_hand(&root, Some(without))), expected);
    }
    assert_eq!(code(TrustRoot::builder("nothing").build()), Code::TimestampUntrusted);
    let whole = by_hand(&root, None);
    assert_eq!(
        (whole.logs().len(), whole.certificate_authorities().len(), whole.ct_logs().len(), whole.timestamp_authorities().len()),
        (root.tlogs.len(), root.certificate_authorities.len(), root.ctlogs.len(), root.timestamp_authorities.len())
    );
    assert!(CertificateAuthority::new("https://ca.example", Vec::new(), Validity::default()).is_err());
}

/// Version 2 of the log names the algorithm of the key: each kind has one name, and the name of another is refused.
#[test]
fn a_version_2_entry_names_the_algorithm_of_the_key_that_signed() {
    for (kind, other) in [
        (KeyKind::P256, "PKIX_ECDSA_P384_SHA_384"),
        (KeyKind::P384, "PKIX_ECDSA_P256_SHA_256"),
        (KeyKind::P521, "PKIX_ECDSA_P384_SHA_384"),
        (KeyKind::Ed25519, "PKIX_ED25519"),
        (KeyKind::Rsa2048, "PKIX_RSA_PKCS1V15_4096_SHA256"),
        (KeyKind::Rsa4096, "PKIX_RSA_PKCS1V15_2048_SHA256"),
    ] {
        let mut case = Case::key();
        let key = case.sigstore.key_of(kind, "release");
        case.authority = trusted_key(&key);
        case.signer = Signer::key(key);
        let bundle = Bundle::blob(ARTIFACT, &case.signer);
        let stamped = |bundle: Bundle, case: &Case| bundle.timestamped(&case.sigstore.tsa, case.sigstore.now);
        let good = stamped(bundle.clone().logged_v2(&mut case.sigstore.rekor2), &case);
        assert_eq!(case.code(&good), Code::Accepted, "{kind:?}");
        let mut body = bundle.body_v2();
        let text = String::from_utf8(body.bytes.clone()).unwrap();
        let at = text.find("PKIX_").unwrap();
        let end = at + text[at..].find('"').unwrap();
        body.bytes = format!("{}{other}{}", &text[..at], &text[end..]).into_bytes();
        let altered = Bundle { entries: vec![case.sigstore.rekor2.add(body)], ..bundle };
        assert_eq!(case.code(&stamped(altered, &case)), Code::EntryMismatchField, "{kind:?} as {other}");
    }
}
