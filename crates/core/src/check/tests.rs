//! Rungs that no bundle can be made to miss, since its reader refuses it before, and the order of reasons.

use super::artifact::Artifact;
use super::entry_binding::{Binding, Verifier, same_key_details};
use super::log_entry::{Context, Entry, NotHeld, is_v1_origin, verify};
use super::timestamp::{rank, timestamp_code};
use super::trace::Trace;
use crate::code::{Code, Failure};
use crate::crypto::PreparedKey;
use crate::digest::Digest;
use crate::encoding::hex;
use crate::format::bundle;
use crate::key::PublicKey;
use crate::limits::{Budget, Limits};
use crate::trust::{TrustRoot, TrustRootOrigin};
use veriseal_testkit::{Bundle, Signer, Sigstore};

fn trust(sigstore: &Sigstore) -> TrustRoot {
    TrustRoot::from_json(&sigstore.trusted_root().to_bytes(), TrustRootOrigin::default()).unwrap()
}

/// K-TL-05: an entry that nothing vouches for is no entry, whoever read it and however.
#[test]
fn an_entry_without_promise_and_proof_is_refused() {
    let mut sigstore = Sigstore::new(1);
    let key = sigstore.key("release");
    let now = sigstore.now;
    let bytes = Bundle::blob(b"image", &Signer::key(key.clone())).logged_v1(&mut sigstore.rekor, now).to_bytes();
    let signed = bundle::parse(&bytes, &Limits::DEFAULT, false).unwrap();
    let prepared = PreparedKey::from_spki(&key.spki()).unwrap();
    let (artifact, trust) = (Artifact::bytes(b"image"), trust(&sigstore));
    let code = |promised: bool, proved: bool| {
        let mut entry = signed.entries.as_ref().unwrap()[0].clone();
        entry.promise = entry.promise.filter(|_| promised);
        entry.proof = entry.proof.filter(|_| proved);
        let binding =
            Binding { signed: &signed, verifier: Verifier::Key(&prepared), artifact: &artifact, allow_intoto_v1: false };
        let context = Context { trust: &trust, witnesses: None, limits: &Limits::DEFAULT };
        match verify(&entry, binding, context, &mut Budget::new(&Limits::DEFAULT), &mut Trace::default()) {
            Ok(Entry::Valid(_)) => Code::Accepted,
            Ok(Entry::NotCounted(failure)) | Err(failure) => failure.code(),
        }
    };
    assert_eq!(code(true, true), Code::Accepted);
    assert_eq!(code(true, false), Code::Accepted);
    assert_eq!(code(false, true), Code::Accepted);
    assert_eq!(code(false, false), Code::InclusionProofMissing);
}

/// rekor-v2 spec: which name goes with which key and digest. RSA of other lengths has none.
#[test]
fn the_key_details_of_an_entry_are_those_of_key_and_digest() {
    // A modulus of so many bits; only its length is looked at.
    let rsa = |bits: usize| {
        let mut modulus = vec![0_u8, 0x80];
        modulus.resize(bits / 8, 0x55);
        modulus.push(0x01);
        let integer = [&[0x02, 0x82][..], &u16::try_from(modulus.len()).unwrap().to_be_bytes(), &modulus].concat();
        let inner = [integer, hex::decode("0203010001").unwrap()].concat();
        let der = [&[0x30, 0x82][..], &u16::try_from(inner.len()).unwrap().to_be_bytes(), &inner].concat();
        PreparedKey::new(PublicKey::from_pkcs1_rsa(&der).unwrap()).unwrap()
    };
    let (sha256, sha512) = (Digest::sha256(b""), crate::digest::HashAlgorithm::Sha512.hash(&[b""]));
    for (bits, name) in [
        (2048, "PKIX_RSA_PKCS1V15_2048_SHA256"),
        (3072, "PKIX_RSA_PKCS1V15_3072_SHA256"),
        (4096, "PKIX_RSA_PKCS1V15_4096_SHA256"),
    ] {
        let key = rsa(bits);
        assert_eq!(same_key_details(name, &key, &sha256), Ok(()), "{name}");
        for (name, digest) in [(name, &sha512), ("PKIX_RSA_PKCS1V15_8192_SHA256", &sha256)] {
            assert_eq!(same_key_details(name, &key, digest).unwrap_err().code(), Code::EntryMismatchField, "{name}");
        }
    }
    let other = rsa(2560);
    for name in ["PKIX_RSA_PKCS1V15_2048_SHA256", "PKIX_RSA_PKCS1V15_3072_SHA256", "PKIX_RSA_PKCS1V15_2560_SHA256"] {
        assert_eq!(same_key_details(name, &other, &sha256).unwrap_err().code(), Code::EntryMismatchField, "{name}");
    }
}

#[test]
fn of_several_reasons_the_one_that_says_more_is_told() {
    let ranks = [Code::TimestampSignerNotFound, Code::TimestampUntrusted, Code::TimestampPurpose].map(rank);
    assert_eq!(ranks, [0, 1, 2]);
    let held = [
        NotHeld::Inclusion(Code::LogKeyOutsideWindow.into()),
        NotHeld::Promise(Code::SetInvalid.into()),
        NotHeld::Promise(Code::LogKeyOutsideWindow.into()),
    ];
    assert_eq!(held.map(|reason| reason.rung()), [0, 1, 2]);
}

#[test]
fn what_is_wrong_with_the_path_of_an_authority_is_said_in_the_terms_of_timestamps() {
    let said = [
        (Code::BudgetExhausted, Code::BudgetExhausted),
        (Code::CertificateNotValidAt, Code::TimestampCertificateNotValidAt),
        (Code::CertificatePurpose, Code::TimestampPurpose),
        (Code::CertificateUntrusted, Code::TimestampUntrusted),
    ];
    for (of_path, of_timestamp) in said {
        assert_eq!(timestamp_code(Failure::new(of_path)).code(), of_timestamp);
    }
}

#[test]
fn a_rekor_v1_origin_ends_in_the_number_of_its_tree() {
    for (origin, is_one) in [
        ("rekor.sigstore.dev - 2605736670972794746", true),
        ("a - b - 1", true),
        ("rekor.sigstore.dev", false),
        ("rekor.sigstore.dev - ", false),
        ("rekor.sigstore.dev - 1x", false),
        ("rekor.sigstore.dev -1", false),
    ] {
        assert_eq!(is_v1_origin(origin), is_one, "{origin}");
    }
}
