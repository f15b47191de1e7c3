//! Attacks on algorithms, digests and encodings: K-CR-06, K-CR-07, K-CR-08 and K-CR-09.

use crate::kit::{ARTIFACT, Case, digest, trusted_key};
use serde_json::{Value, json};
use veriseal::encoding::base64;
use veriseal::policy::{Settings, TlogMode};
use veriseal::{Code, Digest, HashAlgorithm, NotAccepted, PublicKey};
use veriseal_testkit::bundle::Material;
use veriseal_testkit::dsse::{self, Statement};
use veriseal_testkit::simple_signing::{CERTIFICATE, Payload, SIGNATURE};
use veriseal_testkit::{Bundle, ImageBuilder, KeyKind, Scheme, Signer, SimpleSignature, Store, der, pem};

use HashAlgorithm::{Sha256, Sha384, Sha512};

/// A policy that trusts a key of this kind, without log: the signature alone decides.
fn case_of(kind: KeyKind) -> Case {
    let mut case = Case { settings: Settings { tlog: TlogMode::IfPresent, ..Settings::default() }, ..Case::key() };
    let key = case.sigstore.key_of(kind, "release");
    case.authority = trusted_key(&key);
    case.signer = Signer::key(key);
    case
}

fn message(case: &Case, signature: Vec<u8>) -> Code {
    case.code(&Bundle::message(None, signature, &case.signer))
}

/// K-CR-06 (TOB-6): the algorithm follows from the trusted key. What somebody else computes with that key's bytes, or
/// with another hash, does not verify.
#[test]
fn only_the_schemes_of_the_trusted_key_count() {
    use KeyKind::{Ed25519, P256, P384, P521, Rsa2048};
    let rows = [
        (P256, Scheme::Ecdsa(Sha256), Code::Accepted),
        (P256, Scheme::Ecdsa(Sha384), Code::SignatureInvalid),
        (P256, Scheme::Ecdsa(Sha512), Code::SignatureInvalid),
        (P384, Scheme::Ecdsa(Sha384), Code::Accepted),
        (P384, Scheme::Ecdsa(Sha512), Code::SignatureInvalid),
        // Older signers used SHA-256 with every curve.
        (P384, Scheme::Ecdsa(Sha256), Code::Accepted),
        (P521, Scheme::Ecdsa(Sha512), Code::Accepted),
        (P521, Scheme::Ecdsa(Sha256), Code::Accepted),
        (P521, Scheme::Ecdsa(Sha384), Code::SignatureInvalid),
        (Ed25519, Scheme::Ed25519ph, Code::Accepted),
        (Ed25519, Scheme::Ed25519, Code::Accepted),
        (Rsa2048, Scheme::RsaPkcs1(Sha256), Code::Accepted),
        (Rsa2048, Scheme::RsaPkcs1(Sha512), Code::SignatureInvalid),
        (Rsa2048, Scheme::RsaPss(Sha256), Code::SignatureInvalid),
    ];
    for (kind, scheme, code) in rows {
        let case = case_of(kind);
        assert_eq!(message(&case, case.signer.key.sign_with(scheme, ARTIFACT)), code, "{kind:?} {scheme:?}");
    }
    // Over an envelope Ed25519 is pure: nothing has hashed the payload before.
    let case = case_of(Ed25519);
    for (scheme, code) in [(Scheme::Ed25519, Code::Accepted), (Scheme::Ed25519ph, Code::SignatureInvalid)] {
        let signer = case.signer.clone().with_scheme(scheme);
        assert_eq!(case.code(&Bundle::image(&digest(), &signer)), code, "{scheme:?}");
    }
}

/// K-CR-06: no algorithm at all, and the public key taken for a secret (the `none` and `HS256` of JWS).
#[test]
fn a_signature_that_needs_no_private_key_does_not_verify() {
    for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let case = case_of(kind);
        assert_eq!(message(&case, Vec::new()), Code::SignatureMalformed, "{kind:?}");
        for keyed in [case.signer.key.spki(), case.signer.key.public_pem().into_bytes(), case.signer.key.public_bytes()] {
            assert_eq!(message(&case, hmac_sha256(&keyed, ARTIFACT).to_vec()), Code::SignatureInvalid, "{kind:?}");
        }
        assert_eq!(message(&case, digest().as_bytes().to_vec()), Code::SignatureInvalid, "{kind:?}");
        assert_eq!(message(&case, vec![0; 64]), Code::SignatureInvalid, "{kind:?}");
        let zeros = der::sequence(&[&der::integer(0), &der::integer(0)]);
        assert_eq!(message(&case, zeros), Code::SignatureInvalid, "{kind:?}");
    }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = if key.len() > 64 { veriseal::digest::sha256(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = veriseal::digest::sha256(&[pad(0x36), message.to_vec()].concat());
    veriseal::digest::sha256(&[pad(0x5c), inner.to_vec()].concat())
}

/// K-CR-06: a key says itself what it is. Bytes of which one would have to guess it are no key.
#[test]
fn bare_key_bytes_are_no_key() {
    for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let key = case_of(kind).signer.key;
        assert!(PublicKey::from_spki(&key.spki()).is_ok());
        assert_eq!(PublicKey::from_spki(&key.public_bytes()).unwrap_err().code(), Code::KeyInvalid, "{kind:?}");
        let labelled = pem::encode("PUBLIC KEY", &key.public_bytes());
        assert_eq!(PublicKey::from_pem(labelled.as_bytes()).unwrap_err().code(), Code::KeyInvalid, "{kind:?}");
        assert_eq!(PublicKey::from_pem(key.private_pem().as_bytes()).unwrap_err().code(), Code::KeyInvalid, "{kind:?}");
        let two = [key.public_pem(), key.public_pem()].concat();
        assert_eq!(PublicKey::from_pem(two.as_bytes()).unwrap_err().code(), Code::KeyInvalid, "{kind:?}");
    }
    let short = case_of(KeyKind::P256).sigstore.key_of(KeyKind::Rsa1024, "short").spki();
    assert_eq!(PublicKey::from_spki(&short).unwrap_err().code(), Code::KeyInvalid);
}

/// K-CR-07: a digest is an algorithm and exactly its length, in one spelling.
#[test]
fn a_digest_of_another_length_spelling_or_algorithm_is_refused() {
    let hex = "a1".repeat(32);
    assert!(format!("sha256:{hex}").parse::<Digest>().is_ok());
    let bad = [
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}0"),
        format!("sha256:{}", hex.repeat(2)),
        format!("sha512:{hex}"),
        format!("sha384:{hex}"),
        format!("sha256:{}", hex.to_uppercase()),
        format!("SHA256:{hex}"),
        format!("sha1:{}", &hex[..40]),
        format!("md5:{}", &hex[..32]),
        format!("sha256:{hex}\n"),
        format!(" sha256:{hex}"),
        hex,
    ];
    for text in &bad {
        assert_eq!(text.parse::<Digest>().unwrap_err().code(), Code::DigestInvalid, "{text}");
    }
    // The same inside a signed payload, where it was signed as it stands.
    let case = case_of(KeyKind::P256);
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    for (text, code) in bad.iter().map(|text| (text.clone(), Code::PayloadMalformed)).chain([
        (image.digest.to_string(), Code::Accepted),
        (digest().to_string(), Code::SignedOtherDigest),
        (Sha512.hash(&[&store.manifests[&image.digest].bytes]).to_string(), Code::Accepted),
    ]) {
        let payload = Payload { digest: text.clone(), ..Payload::new(&image.digest, "registry.example/app", &[]) };
        let mut store = store.clone();
        store.attach_signature(&image.digest, &SimpleSignature::of_payload(payload.to_bytes(), &case.signer));
        let (verdict, candidates) = case.image(&store, &image);
        assert_eq!(candidates.first().copied().unwrap_or(verdict), code, "{text}");
    }
}

/// K-CR-07: the digest that a bundle states is a hint; where it can be compared it must be right.
#[test]
fn the_stated_digest_of_a_message_must_be_the_artifacts() {
    let case = case_of(KeyKind::P256);
    let bundle = Bundle::blob(ARTIFACT, &case.signer);
    let stated = |algorithm: &str, bytes: &[u8]| {
        let mut json = bundle.to_json();
        json["messageSignature"]["messageDigest"] = json!({ "algorithm": algorithm, "digest": base64::encode(bytes) });
        case.code_of(json.to_string().as_bytes())
    };
    let hash = |algorithm: HashAlgorithm| algorithm.hash(&[ARTIFACT]).as_bytes().to_vec();
    assert_eq!(stated("SHA2_256", &hash(Sha256)), Code::Accepted);
    assert_eq!(stated("SHA2_512", &hash(Sha512)), Code::Accepted);
    assert_eq!(stated("SHA2_256", &[7; 32]), Code::ArtifactDigestMismatch);
    assert_eq!(stated("SHA2_512", &[7; 64]), Code::ArtifactDigestMismatch);
    for (algorithm, length) in
        [("SHA2_256", 31), ("SHA2_256", 64), ("SHA2_512", 32), ("SHA2_256", 0), ("SHA3_256", 32), ("SHA1", 20), ("", 32)]
    {
        assert_eq!(stated(algorithm, &vec![7; length]), Code::BundleMalformed, "{algorithm} {length}");
    }
}

/// K-CR-07: a statement's digest under a name is that algorithm's, or the statement is broken.
#[test]
fn a_statement_with_a_digest_of_another_length_is_refused() {
    let case = case_of(KeyKind::P256);
    let with = |digests: &[(&str, String)]| {
        let mut statement = Statement::image_signature(&digest());
        statement.subjects[0].digests = digests.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        case.code(&Bundle::statement(&statement, &case.signer))
    };
    let (right, wrong) = (digest().hex(), Digest::sha256(b"x").hex());
    let right512 = Sha512.hash(&[ARTIFACT]).hex();
    assert_eq!(with(&[("sha256", right.clone())]), Code::Accepted);
    assert_eq!(with(&[("sha512", right512.clone())]), Code::Accepted);
    assert_eq!(with(&[("sha256", right.clone()), ("sha512", right512)]), Code::Accepted);
    // Two that disagree are about two artifacts.
    assert_eq!(with(&[("sha256", right.clone()), ("sha512", Sha512.hash(&[b"x"]).hex())]), Code::SignedOtherDigest);
    assert_eq!(with(&[("sha256", wrong)]), Code::SignedOtherDigest);
    assert_eq!(with(&[("sha512", right.clone())]), Code::StatementMalformed);
    assert_eq!(with(&[("sha256", right.to_uppercase())]), Code::StatementMalformed);
    assert_eq!(with(&[("sha256", right[1..].to_owned())]), Code::StatementMalformed);
    // Weak or unknown algorithms bind nothing, whatever their value.
    for name in ["sha1", "md5", "gitCommit", "SHA256", "sha-256"] {
        assert_eq!(with(&[(name, right.clone())]), Code::SignedOtherDigest, "{name}");
    }
}

/// K-CR-08 (GHSA-fx35-mq7g-6g98): a key where the certificate belongs would have no path and no identity to check.
#[test]
fn a_public_key_in_place_of_a_certificate_is_refused() {
    for mut case in [Case::key(), Case::keyless()] {
        let attacker = Signer::key(case.sigstore.key("attacker"));
        let (spki, key_pem) = (attacker.key.spki(), attacker.key.public_pem());
        let leaf = Case::keyless().signer.certificate.unwrap();
        let both = format!("{key_pem}{}", pem::encode("CERTIFICATE", &leaf));
        let reversed = format!("{}{key_pem}", pem::encode("CERTIFICATE", &leaf));
        let rows = [
            (key_pem.clone(), Code::AnnotationMalformed),
            (base64::encode(&spki), Code::AnnotationMalformed),
            (both, Code::AnnotationMalformed),
            (reversed, Code::AnnotationMalformed),
            // The key's bytes under the label of a certificate.
            (pem::encode("CERTIFICATE", &spki), Code::CertificateMalformed),
        ];
        let mut store = Store::new();
        let image = ImageBuilder::new("app").build(&mut store);
        for (text, code) in rows {
            let mut signature = veriseal_testkit::sign_simple(&image.digest, "registry.example/app", &[], &attacker)
                .logged(&mut case.sigstore.rekor, case.sigstore.now);
            signature.annotations.insert(CERTIFICATE.to_owned(), text.clone());
            let mut store = store.clone();
            store.attach_signature(&image.digest, &signature);
            assert_eq!(case.image(&store, &image), (Code::NoMatchingSignature, vec![code]), "{text}");
        }
        let mut bundle = Bundle::blob(ARTIFACT, &attacker).logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
        bundle.material = Material::Certificate(spki);
        assert_eq!(case.code(&bundle), Code::CertificateMalformed);
    }
    // A certificate where a key is trusted, and a key where an identity is: neither falls back to the other.
    let (mut key, mut keyless) = (Case::key(), Case::keyless());
    assert_eq!(key.code(&keyless.message()), Code::SignerKindMismatch);
    assert_eq!(keyless.code(&key.message()), Code::SignerKindMismatch);
}

/// Other spellings of the same bytes.
fn respelled(bytes: &[u8]) -> Vec<String> {
    let text = base64::encode(bytes);
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    assert!(padding > 0 && text.contains(['+', '/']), "choose bytes that can be spelled otherwise: {text}");
    let last = text.len() - padding - 1;
    // The lowest bit behind the last whole byte.
    let mut loose = text.clone().into_bytes();
    loose[last] += 1;
    vec![
        String::from_utf8(loose).unwrap(),
        text.trim_end_matches('=').to_owned(),
        text.replace('+', "-").replace('/', "_"),
        format!("{text}\n"),
        format!(" {text}"),
        format!("{}\n{}", &text[..4], &text[4..]),
        format!("{text}="),
        format!("{text}{text}"),
    ]
}

/// K-CR-09: one signature, one spelling.
#[test]
fn base64_has_one_spelling() {
    let mut case = case_of(KeyKind::P256);
    // Signatures are deterministic: look for one that has both kinds of letters and a padding.
    let (artifact, bundle) = (0..)
        .map(|number: u32| format!("artifact {number}").into_bytes())
        .map(|artifact| (Bundle::blob(&artifact, &case.signer), artifact))
        .map(|(bundle, artifact)| (artifact, bundle))
        .find(|(_, bundle)| {
            let text = base64::encode(bundle.signature());
            text.ends_with('=') && text.contains(['+', '/'])
        })
        .unwrap();
    let verifier = case.verifier();
    let code = |bytes: &[u8]| match case.ask_blob(&verifier, &artifact, bytes) {
        Ok(_) => Code::Accepted,
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report.code(),
    };
    assert_eq!(code(&bundle.to_bytes()), Code::Accepted);
    for text in respelled(bundle.signature()) {
        let mut json = bundle.to_json();
        json["messageSignature"]["signature"] = json!(text);
        assert_eq!(code(json.to_string().as_bytes()), Code::BundleMalformed, "{text:?}");
    }
    let mut store = Store::new();
    let (image, signature) = (0..)
        .map(|number: u32| ImageBuilder::new(&format!("app {number}")).build(&mut store))
        .map(|image| (image.clone(), veriseal_testkit::sign_simple(&image.digest, "registry.example/app", &[], &case.signer)))
        .find(|(_, signature)| {
            let text = base64::encode(&signature.signature);
            text.ends_with('=') && text.contains(['+', '/'])
        })
        .unwrap();
    case.settings.tlog = TlogMode::IfPresent;
    for text in respelled(&signature.signature) {
        let (mut store, mut signature) = (store.clone(), signature.clone());
        signature.annotations.insert(SIGNATURE.to_owned(), text.clone());
        store.attach_signature(&image.digest, &signature);
        assert_eq!(case.image(&store, &image), (Code::NoMatchingSignature, vec![Code::SignatureMalformed]), "{text:?}");
    }
    store.attach_signature(&image.digest, &signature);
    assert_eq!(case.image(&store, &image), (Code::Accepted, vec![]));
}

/// K-CR-09 in an envelope: the payload's spelling is not signed, so there is only one.
#[test]
fn an_envelope_has_one_spelling() {
    let case = case_of(KeyKind::P256);
    let statement = (0..)
        .map(|number: u32| Statement::new(&digest(), dsse::COSIGN_SIGN, json!({ "n": "\u{3ff}".repeat(number as usize) })))
        .find(|statement| {
            let text = base64::encode(&statement.to_bytes());
            text.ends_with('=') && text.contains(['+', '/'])
        })
        .unwrap();
    let bundle = Bundle::statement(&statement, &case.signer);
    assert_eq!(case.code(&bundle), Code::Accepted);
    for text in respelled(&statement.to_bytes()) {
        let mut json: Value = bundle.to_json();
        json["dsseEnvelope"]["payload"] = json!(text);
        assert_eq!(case.code_of(json.to_string().as_bytes()), Code::BundleMalformed, "{text:?}");
    }
}
