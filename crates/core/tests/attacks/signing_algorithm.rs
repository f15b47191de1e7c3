//! How a key signs follows from its kind, or from the policy where it says so; never from what came along.

use crate::kit::digest;
use veriseal::digest::HashAlgorithm::{self, Sha256, Sha384, Sha512};
use veriseal::policy::{Settings, SignatureRequirement, SigningAlgorithm, TlogMode};
use veriseal::{Artifact, Authority, Code, KeyAuthority, Policy, PublicKey, Requirement, TrustRoot, Verifier};
use veriseal_testkit::{Bundle, KeyKind, Scheme, Signer, Sigstore};

const KINDS: [KeyKind; 4] = [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Rsa2048];

fn answer(signer: &Signer, said: Option<SigningAlgorithm>) -> Code {
    let key = PublicKey::from_pem(signer.key.public_pem().as_bytes()).unwrap();
    let mut authority = KeyAuthority::new(key, "release.pub");
    if let Some(said) = said {
        authority = authority.signs_with(said).unwrap();
    }
    let settings = Settings { tlog: TlogMode::Ignored, ..Settings::default() };
    let leaf = SignatureRequirement::new(Authority::Key(authority)).settings(settings);
    let verifier = Verifier::new(TrustRoot::builder("empty").build(), Policy::new(Requirement::signature(leaf)).unwrap());
    let bundle = Bundle::image(&digest(), signer).to_bytes();
    match verifier.verify_blob(&Artifact::digest(digest()), &bundle, veriseal_testkit::sigstore::NOW) {
        Ok(_) => Code::Accepted,
        Err(not_accepted) => not_accepted.code(),
    }
}

fn signer(kind: KeyKind, hash: HashAlgorithm, pss: bool) -> Signer {
    let scheme = match (kind, pss) {
        (KeyKind::Rsa2048, true) => Scheme::RsaPss(hash),
        (KeyKind::Rsa2048, false) => Scheme::RsaPkcs1(hash),
        _ => Scheme::Ecdsa(hash),
    };
    Signer::key(Sigstore::new(7).key_of(kind, "release")).with_scheme(scheme)
}

#[test]
fn without_a_word_a_key_signs_with_the_hash_of_its_kind() {
    let usual = |kind| match kind {
        KeyKind::P384 => [Sha384, Sha256],
        KeyKind::P521 => [Sha512, Sha256],
        _ => [Sha256, Sha256],
    };
    for kind in KINDS {
        for hash in [Sha256, Sha384, Sha512] {
            let expected = if usual(kind).contains(&hash) { Code::Accepted } else { Code::SignatureInvalid };
            assert_eq!(answer(&signer(kind, hash, false), None), expected, "{kind:?} {hash}");
        }
    }
    assert_eq!(answer(&signer(KeyKind::Rsa2048, Sha256, true), None), Code::SignatureInvalid);
}

#[test]
fn with_a_word_a_key_signs_so_and_in_no_other_way() {
    for kind in KINDS {
        for said in [Sha256, Sha384, Sha512] {
            for hash in [Sha256, Sha384, Sha512] {
                let expected = if said == hash { Code::Accepted } else { Code::SignatureInvalid };
                assert_eq!(
                    answer(&signer(kind, hash, false), Some(SigningAlgorithm::Hash(said))),
                    expected,
                    "{kind:?} {said} {hash}"
                );
            }
        }
    }
    let pss = signer(KeyKind::Rsa2048, Sha384, true);
    assert_eq!(answer(&pss, Some(SigningAlgorithm::Pss(Sha384))), Code::Accepted);
    assert_eq!(answer(&pss, Some(SigningAlgorithm::Pss(Sha256))), Code::SignatureInvalid);
    assert_eq!(answer(&pss, Some(SigningAlgorithm::Hash(Sha384))), Code::SignatureInvalid);
}
