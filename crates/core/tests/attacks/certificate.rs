//! Attacks on certificate paths and key windows: K-X-01, K-X-02, K-X-03 and K-X-23.

use crate::kit::{ARTIFACT, Case, identity};
use serde_json::json;
use veriseal::policy::{Authority, KeyAuthority, Settings, TlogMode};
use veriseal::trust::{CertificateAuthority, TrustRootOrigin};
use veriseal::{Artifact, Code, Policy, PublicKey, Requirement, SignatureRequirement, TrustRoot, UnixTime, Validity, Verifier};
use veriseal_testkit::bundle::Material;
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::simple_signing::CHAIN;
use veriseal_testkit::x509::extension::CODE_SIGNING;
use veriseal_testkit::x509::{Authority as X509Authority, Name};
use veriseal_testkit::{
    Bundle, BundleVersion, Identity, ImageBuilder, KeyKind, Seed, Signer, Sigstore, Store, TimestampAuthority, pem, sign_simple,
};

fn at(minutes: i64) -> UnixTime {
    NOW.saturating_add_seconds(minutes * 60)
}

fn window(from: i64, to: i64) -> Validity {
    Validity::between(at(from), at(to))
}

/// K-X-01 (CVE-2026-24122): the whole path is held against the time, not only the leaf, and not at the leaf's beginning.
#[test]
fn every_certificate_of_the_path_must_be_valid_at_the_time() {
    let mut case = Case::keyless();
    // Counted in minutes from noon: root 12:00–14:00, intermediate 12:30–13:30, leaf 13:00–15:00.
    let name = |name: &str| Name::new("testkit.example", name);
    let root = X509Authority::root(name("root"), KeyKind::P384, &Seed::new(5).named("root"), window(0, 120));
    let seed = Seed::new(5).named("intermediate");
    let intermediate = root.subordinate(name("intermediate"), KeyKind::P384, &seed, window(30, 90), &[CODE_SIGNING]);
    (case.sigstore.fulcio.root, case.sigstore.fulcio.intermediate) = (root, intermediate);
    let template = case.sigstore.fulcio.template(&identity(), &case.signer.key.spki(), at(60)).valid(at(60), at(180));
    let leaf = case.sigstore.fulcio.finish(&template, &[&case.sigstore.ct_log], at(60));
    case.signer = Signer::certificate(case.signer.key.clone(), leaf, case.sigstore.fulcio.chain());
    case.sigstore.fulcio.window = Validity { start: Some(at(0)), end: None };
    let rows = [
        (60, Code::Accepted),
        (75, Code::Accepted),
        (90, Code::Accepted),
        (91, Code::CertificateNotValidAt),
        (119, Code::CertificateNotValidAt),
        (150, Code::CertificateNotValidAt),
        (59, Code::IntegratedTimeOutsideCertificate),
        (181, Code::IntegratedTimeOutsideCertificate),
    ];
    for (minute, code) in rows {
        let logged = Bundle::blob(ARTIFACT, &case.signer).logged_v1(&mut case.sigstore.rekor, at(minute));
        assert_eq!(case.code(&logged), code, "minute {minute}");
        let stamped =
            Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2).timestamped(&case.sigstore.tsa, at(minute));
        let code = if code == Code::Accepted { code } else { Code::CertificateNotValidAt };
        assert_eq!(case.code(&stamped), code, "minute {minute}");
    }
}

/// K-X-02 (CVE-2026-54787): a key's window is held against every known time, and against the present where none is known.
#[test]
fn a_key_counts_within_its_window_only() {
    let mut case = Case::key();
    let key = PublicKey::from_spki(&case.signer.key.spki()).unwrap();
    let trusted = |validity| Authority::Key(KeyAuthority::new(key.clone(), "release.pub").valid_within(validity));
    let logged = case.message();
    let stamped = logged.clone().timestamped(&case.sigstore.tsa, at(10));
    let unlogged = Bundle::blob(ARTIFACT, &case.signer);
    case.now = at(1000);
    let outside = Code::KeyOutsideWindow;
    let rows = [
        (Validity::default(), [Code::Accepted; 3]),
        // Logged at minute 0, stamped at minute 10, verified at minute 1000.
        (window(0, 0), [Code::Accepted, outside, outside]),
        (window(0, 10), [Code::Accepted, Code::Accepted, outside]),
        (window(0, 1000), [Code::Accepted; 3]),
        (window(1, 2000), [outside, outside, Code::Accepted]),
        (window(-9, -1), [outside; 3]),
        (Validity { start: None, end: Some(at(9)) }, [Code::Accepted, outside, outside]),
    ];
    for (validity, codes) in rows {
        case.authority = trusted(validity);
        case.settings = Settings::default();
        assert_eq!((case.code(&logged), case.code(&stamped)), (codes[0], codes[1]), "{validity}");
        case.settings = Settings { tlog: TlogMode::IfPresent, ..Settings::default() };
        assert_eq!(case.code(&unlogged), codes[2], "{validity}");
    }
}

/// K-X-03 (TOB-11): an authority is one unit of chain and window; none lends to another.
#[test]
fn authorities_do_not_pool_chains_and_windows() {
    let mut case = Case::keyless();
    let bundle = case.message();
    assert_eq!(case.code(&bundle), Code::Accepted);
    // Retired before it signed; a neighbour of the same name is in office.
    let mut retired = case.sigstore.fulcio.clone();
    retired.window = window(-100, -1);
    let neighbour = Sigstore::new(2).fulcio;
    let mut root = case.sigstore.trusted_root();
    root.certificate_authorities.clear();
    case.trusted = Some(root.clone().fulcio(&retired));
    assert_eq!(case.code(&bundle), Code::CertificateUntrusted);
    // Of that name, but another key: the neighbour did not sign it.
    case.trusted = Some(root.clone().fulcio(&retired).fulcio(&neighbour));
    assert_eq!(case.code(&bundle), Code::CertificateSignatureInvalid);
    case.trusted = Some(root.clone().fulcio(&neighbour).fulcio(&case.sigstore.fulcio));
    assert_eq!(case.code(&bundle), Code::Accepted);
    case.trusted = Some(root);
    assert_eq!(case.code(&bundle), Code::NoAuthority);

    let mut case = Case::keyless();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2).timestamped(&case.sigstore.tsa, NOW);
    assert_eq!(case.code(&bundle), Code::Accepted);
    let retired = TimestampAuthority { window: window(-100, -1), ..case.sigstore.tsa.clone() };
    let mut root = case.sigstore.trusted_root();
    root.timestamp_authorities.clear();
    case.trusted = Some(root.clone().tsa(&retired).tsa(&crate::kit::timestamp_authority(7)));
    assert_eq!(case.code(&bundle), Code::TimestampOutsideWindow);
}

/// K-X-03, K-X-06: the reproducer's authority without certificates does not get into a trust root.
#[test]
fn an_authority_without_certificates_is_refused() {
    assert_eq!(CertificateAuthority::new("empty", Vec::new(), Validity::default()).unwrap_err().code(), Code::TrustRootInvalid);
    for list in ["certificateAuthorities", "timestampAuthorities"] {
        for chain in [json!({}), json!({ "certificates": [] }), json!({ "certificates": null }), json!(null)] {
            let mut root = Case::keyless().sigstore.trusted_root().to_json();
            let mut empty = root[list][0].clone();
            empty["certChain"] = chain.clone();
            root[list].as_array_mut().unwrap().push(empty);
            let parsed = TrustRoot::from_json(root.to_string().as_bytes(), TrustRootOrigin::default());
            assert_eq!(parsed.unwrap_err().code(), Code::TrustRootInvalid, "{list} {chain}");
        }
    }
}

/// The attacker's authority has the trusted one's names, so its certificates look like forgeries of that one.
const FORGED: Code = Code::CertificateSignatureInvalid;

/// An authority of the attacker with the names of the trusted one, and a certificate for the identity.
fn attacker(case: &Case) -> (Sigstore, Signer) {
    let evil = Sigstore::new(666);
    let leaf = evil.fulcio.issue(&identity(), &case.signer.key, &[&case.sigstore.ct_log], NOW);
    let signer = Signer::certificate(case.signer.key.clone(), leaf, evil.fulcio.chain());
    (evil, signer)
}

/// K-X-23: nothing that a bundle carries is an anchor, nor helps to reach one.
#[test]
fn certificates_in_a_bundle_are_never_anchors() {
    let mut case = Case::keyless();
    let (evil, signer) = attacker(&case);
    let bundle = Bundle::blob(ARTIFACT, &signer).logged_v1(&mut case.sigstore.rekor, NOW);
    assert_eq!(case.code(&bundle), FORGED);
    let leaf = signer.certificate.clone().unwrap();
    let (intermediate, root) = (evil.fulcio.intermediate.der.clone(), evil.fulcio.root.der.clone());
    let with_root = vec![leaf.clone(), intermediate.clone(), root.clone()];
    for version in [BundleVersion::V01, BundleVersion::V02] {
        let mut chained = bundle.clone().version(version);
        for chain in [vec![leaf.clone(), intermediate.clone()], with_root.clone(), vec![leaf.clone(), root.clone()]] {
            chained.material = Material::Chain(chain);
            assert_eq!(case.code(&chained), FORGED, "{version:?}");
        }
        chained.material = Material::Chain(Vec::new());
        assert_eq!(case.code(&chained), Code::BundleMalformed, "{version:?}");
    }
    let mut chained = Bundle { material: Material::Chain(with_root), ..bundle.clone() };
    assert_eq!(case.code(&chained), Code::BundleChainForbidden);
    case.settings.allow_chain = true;
    assert_eq!(case.code(&chained), Code::EmbeddedRootForbidden);
    chained.material = Material::Chain(vec![leaf, intermediate]);
    assert_eq!(case.code(&chained), FORGED);
    // A root as the signer's own certificate.
    let own_root = Signer::certificate(evil.fulcio.root.key.clone(), root, Vec::new());
    let bundle = Bundle::blob(ARTIFACT, &own_root).logged_v1(&mut case.sigstore.rekor, NOW);
    assert_eq!(case.code(&bundle), Code::CertificatePurpose);
}

/// K-X-23, K-PO-01: where one authority of a policy allows chains, the others do not.
#[test]
fn a_chain_counts_only_for_the_authority_that_allows_it() {
    let mut case = Case::keyless();
    let mut bundle = case.message();
    bundle.material = Material::Chain(vec![case.signer.certificate.clone().unwrap()]);
    let leaf = |identity: &Identity, allow_chain| {
        let settings = Settings { allow_chain, ..Settings::default() };
        Requirement::signature(SignatureRequirement::new(crate::kit::trusted_identity(identity)).settings(settings))
    };
    let other = Identity::email("other@example.com", "https://accounts.example.com");
    for (own, others, code) in [
        (false, false, Code::BundleChainForbidden),
        // The other one reads it, and asks for somebody else.
        (false, true, Code::IssuerMismatch),
        (true, false, Code::Accepted),
        (true, true, Code::Accepted),
    ] {
        let policy = Policy::new(Requirement::Any(vec![leaf(&identity(), own), leaf(&other, others)])).unwrap();
        let verifier = Verifier::new(crate::kit::trust(&case.sigstore.trusted_root()), policy);
        let found = verifier.verify_blob(&Artifact::bytes(ARTIFACT), &bundle.to_bytes(), case.now);
        let found = found.as_ref().map_or_else(|refused| refused.report().candidate_codes()[0], |_| Code::Accepted);
        assert_eq!(found, code, "{own} {others}");
    }
}

/// K-X-23 in the legacy layout, whose chain annotation holds a root as a matter of course.
#[test]
fn certificates_in_an_annotation_are_never_anchors() {
    let mut case = Case::keyless();
    let (evil, signer) = attacker(&case);
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good = sign_simple(&image.digest, "registry.example/app", &[], &case.signer).logged(&mut case.sigstore.rekor, NOW);
    let mut bad = sign_simple(&image.digest, "registry.example/app", &[], &signer).logged(&mut case.sigstore.rekor, NOW);
    let answer = |signature: &veriseal_testkit::SimpleSignature| {
        let mut store = store.clone();
        store.attach_signature(&image.digest, signature);
        case.image(&store, &image)
    };
    let untrusted = (Code::NoMatchingSignature, vec![FORGED]);
    assert_eq!(answer(&good), (Code::Accepted, vec![]));
    assert_eq!(answer(&bad), untrusted);
    for chain in [&[&evil.fulcio.root.der][..], &[&case.sigstore.fulcio.root.der, &evil.fulcio.root.der]] {
        let chain: Vec<Vec<u8>> = chain.iter().map(|der| (*der).clone()).collect();
        bad.annotations.insert(CHAIN.to_owned(), pem::certificates(&chain));
        assert_eq!(answer(&bad), untrusted);
    }
    // The other way round the attacker's chain beside a good certificate takes nothing away.
    let mut beside = good;
    beside.annotations.insert(CHAIN.to_owned(), pem::certificates(&evil.fulcio.chain()));
    assert_eq!(answer(&beside), (Code::Accepted, vec![]));
}

/// Of several authorities the one that tells more is heard, in whatever order they stand.
#[test]
fn a_foreign_authority_does_not_hide_what_the_own_one_says() {
    let mut case = Case::keyless();
    let mut foreign = veriseal_testkit::Sigstore::new(2).fulcio;
    foreign.intermediate.template.subject = Name::new("mallory.example", "intermediate");
    foreign.intermediate.reissue(&foreign.root.key);
    let late = case.sigstore.now.saturating_add_seconds(3600);
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2).timestamped(&case.sigstore.tsa, late);
    let mut root = case.sigstore.trusted_root().fulcio(&foreign);
    for _ in 0..2 {
        case.trusted = Some(root.clone());
        assert_eq!(case.code(&bundle), Code::CertificateNotValidAt);
        root.certificate_authorities.reverse();
    }
}
