//! Every test of nine Wycheproof files (K-CR-01 to K-CR-06): what is `invalid` is refused, what is `valid` is accepted,
//! and each deviation stands in a list with its reason. A deviation that is no longer one fails too.

use std::collections::BTreeSet;
use std::sync::Arc;
use veriseal::code::Code;
use veriseal::crypto::{Backend, KeyTables, PreparedKey, Scheme, ecdsa_fixed_to_der, verify_message};
use veriseal::digest::HashAlgorithm::{Sha256, Sha512};
use veriseal::encoding::hex;
use veriseal::key::PublicKey;

/// Runs one file with every backend, and with tables of multiples; all have to answer alike.
fn run(file: &str, scheme: Scheme, deviations: &[(u64, &str)]) -> Option<usize> {
    let mut counts = BTreeSet::new();
    for backend in Backend::ALL {
        counts.insert(run_with(file, scheme, deviations, |key| PreparedKey::with_backend(key, *backend).unwrap())?);
    }
    // A pool has a bounded number of tables.
    let (mut pool, mut left) = (Arc::new(KeyTables::new()), 0);
    let tabled = |key| {
        if left == 0 {
            (pool, left) = (Arc::new(KeyTables::new()), 60);
        }
        left -= 1;
        let key = PreparedKey::new(key).unwrap();
        key.with_tables(&pool);
        // Tables come after a few uses.
        (0..5).for_each(|_| assert!(verify_message(&key, scheme, b"", b"").is_err()));
        key
    };
    counts.insert(run_with(file, scheme, deviations, tabled)?);
    assert_eq!(counts.len(), 1, "{file}");
    counts.pop_first()
}

/// `deviations` are the tests that we decide otherwise than the file says. Returns how many tests ran.
fn run_with(
    file: &str,
    scheme: Scheme,
    deviations: &[(u64, &str)],
    mut prepare: impl FnMut(PublicKey) -> PreparedKey,
) -> Option<usize> {
    let document = crate::common::json(&format!("wycheproof/testvectors_v1/{file}_test.json"))?;
    let mut met = BTreeSet::new();
    let mut count = 0;
    for group in document["testGroups"].as_array().unwrap() {
        let der = hex::decode(group["publicKeyDer"].as_str().unwrap()).unwrap();
        let key = PublicKey::from_spki(&der).map(&mut prepare);
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_u64().unwrap();
            let bytes = |name: &str| hex::decode(test[name].as_str().unwrap()).unwrap();
            let (message, signature) = (bytes("msg"), bytes("sig"));
            let accepted = match &key {
                Ok(key) if file.ends_with("p1363") => ecdsa_fixed_to_der(key.key().kind(), &signature)
                    .is_some_and(|der| verify_message(key, scheme, &message, &der).is_ok()),
                Ok(key) => verify_message(key, scheme, &message, &signature).is_ok(),
                Err(failure) => {
                    assert_eq!(failure.code(), Code::KeyInvalid);
                    false
                }
            };
            // `acceptable` means that both are right; here it is always refused.
            let expected = test["result"] == "valid";
            if accepted != expected {
                assert!(deviations.iter().any(|(known, _)| *known == id), "{file} {id}: accepted {accepted}, {test}");
                met.insert(id);
            }
            count += 1;
        }
    }
    assert_eq!(count, usize::try_from(document["numberOfTests"].as_u64().unwrap()).unwrap(), "{file}");
    assert_eq!(met, deviations.iter().map(|(id, _)| *id).collect(), "{file}: a deviation that is none any more");
    Some(count)
}

#[test]
fn ecdsa_p256_with_sha256() {
    assert!(matches!(run("ecdsa_secp256r1_sha256", Scheme::Ecdsa(Sha256), &[]), None | Some(484)));
}

#[test]
fn ecdsa_p256_with_fixed_width_signatures() {
    assert!(matches!(run("ecdsa_secp256r1_sha256_p1363", Scheme::Ecdsa(Sha256), &[]), None | Some(262)));
}

#[test]
fn ecdsa_p384_with_sha384() {
    let scheme = Scheme::Ecdsa(veriseal::digest::HashAlgorithm::Sha384);
    assert!(matches!(run("ecdsa_secp384r1_sha384", scheme, &[]), None | Some(504)));
}

#[test]
fn ecdsa_p521_with_sha512() {
    assert!(matches!(run("ecdsa_secp521r1_sha512", Scheme::Ecdsa(Sha512), &[]), None | Some(542)));
}

#[test]
fn ed25519() {
    assert!(matches!(run("ed25519", Scheme::Ed25519, &[]), None | Some(151)));
}

#[test]
fn rsa_pkcs1_with_sha256() {
    let small = "valid, but e = 3: keys with exponents below 65537 are refused";
    let deviations = [(258, small), (259, small)];
    assert!(matches!(run("rsa_signature_2048_sha256", Scheme::RsaPkcs1(Sha256), &deviations), None | Some(259)));
}

/// The file fixes the salt at 32 octets; Sigstore's signers use the longest that fits, so longer ones are accepted.
#[test]
fn rsa_pss_with_sha256() {
    let deviations = [(71, "a salt of 33 octets"), (72, "a salt of 222 octets")];
    assert!(matches!(run("rsa_pss_2048_sha256_mgf1_32", Scheme::RsaPss(Sha256), &deviations), None | Some(108)));
}

/// As above, for 64 octets.
#[test]
fn rsa_pss_with_sha512() {
    let deviations = [(141, "a salt of 65 octets"), (142, "a salt of 446 octets")];
    assert!(matches!(run("rsa_pss_4096_sha512_mgf1_64", Scheme::RsaPss(Sha512), &deviations), None | Some(179)));
}

/// ML-DSA is not supported yet: its keys are refused, whatever is signed.
#[test]
fn ml_dsa_keys_are_refused() {
    let Some(document) = crate::common::json("wycheproof/testvectors_v1/mldsa_65_verify_test.json") else { return };
    let mut count = 0;
    for group in document["testGroups"].as_array().unwrap() {
        count += group["tests"].as_array().unwrap().len();
        if let Some(der) = group["publicKeyDer"].as_str() {
            assert_eq!(PublicKey::from_spki(&hex::decode(der).unwrap()).unwrap_err().code(), Code::KeyInvalid);
        }
        let raw = hex::decode(group["publicKey"].as_str().unwrap()).unwrap();
        assert_eq!(PublicKey::from_spki(&raw).unwrap_err().code(), Code::KeyInvalid);
    }
    assert_eq!(count, 210);
}
