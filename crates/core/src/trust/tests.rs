//! What a trust root says of itself, and each field of its document in turn, over the published roots.

use super::document::{NamedKind, key_details};
use super::root::LogIdentity;
use super::*;
use crate::code::Code;
use crate::crypto::Scheme;
use crate::digest::HashAlgorithm;
use crate::digest::HashAlgorithm::{Sha256, Sha384, Sha512};
use crate::encoding::hex;
use crate::key::{KeyKind, PublicKey};
use crate::time::{UnixTime, Validity};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn at(text: &str) -> UnixTime {
    UnixTime::parse_rfc3339(text).unwrap()
}

fn published() -> Value {
    serde_json::from_str(embedded::SIGSTORE.json).unwrap()
}

fn read(document: &Value) -> Result<TrustRoot, (Code, String)> {
    let origin = TrustRootOrigin { name: "test".to_owned(), ..TrustRootOrigin::default() };
    TrustRoot::from_json(document.to_string().as_bytes(), origin)
        .map_err(|failure| (failure.code(), failure.at_text().unwrap_or_default().to_owned()))
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<TrustRoot, (Code, String)> {
    let mut document = published();
    change(&mut document);
    read(&document)
}

#[test]
fn the_published_root_says_what_is_in_it() {
    let root = TrustRoot::sigstore().unwrap();
    let origin = root.origin();
    assert_eq!((origin.name.as_str(), origin.source.as_deref()), ("sigstore", Some(embedded::SOURCE)));
    assert_eq!(origin.date, Some(at(embedded::PUBLISHED)));
    let log = &root.logs()[0];
    let id = "c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d";
    assert_eq!((log.base_url(), hex::encode(log.log_id()).as_str()), ("https://rekor.sigstore.dev", id));
    assert_eq!((log.origin(), &*log.name()), (Some("rekor.sigstore.dev"), "https://rekor.sigstore.dev"));
    assert_eq!(log.validity(), &Validity { start: Some(at("2021-01-12T11:53:27Z")), end: None });
    assert_eq!(root.logs().len(), 2);
    let ct: Vec<_> = root.ct_logs().iter().map(CtLog::base_url).collect();
    assert_eq!(ct, ["https://ctfe.sigstore.dev/test", "https://ctfe.sigstore.dev/2022"]);
    let authorities: Vec<_> = root.certificate_authorities().iter().map(CertificateAuthority::uri).collect();
    assert_eq!(authorities, ["https://fulcio.sigstore.dev"; 2]);
    let stamping: Vec<_> = root.timestamp_authorities().iter().map(TimestampAuthority::uri).collect();
    assert_eq!(stamping, ["https://timestamp.sigstore.dev/api/v1/timestamp"]);
    assert!(root.skipped().is_empty());
    // Two logs, two certificate transparency logs, and each certificate: one, two and two.
    assert_eq!(root.keys().count(), 9);
    assert_eq!(TrustRoot::sigstore_staging().unwrap().origin().name, "sigstore-staging");
    assert_eq!(TrustRoot::github().unwrap().origin().name, "github");
    assert_eq!(TrustRoot::builder("mine").build().origin().name, "mine");
}

/// Of logs, certificate transparency logs, authorities, timestamp authorities and all of their certificates the next that ends.
#[test]
fn the_next_end_is_after_now_and_the_first_of_all() {
    let root = TrustRoot::sigstore().unwrap();
    let first = root.next_end(at("2022-01-01T00:00:00Z")).unwrap();
    assert_eq!(first, at("2022-10-31T23:59:59.999Z"));
    assert_eq!(root.next_end(first.just_before()), Some(first));
    assert!(root.next_end(first).unwrap() > first);
    assert_eq!(root.next_end(at("9999-01-01T00:00:00Z")), None);
    let stamps = changed(|document| {
        for field in ["tlogs", "ctlogs", "certificateAuthorities"] {
            document.as_object_mut().unwrap().remove(field);
        }
        document["timestampAuthorities"][0]["validFor"]["end"] = json!("2026-01-01T00:00:00Z");
    });
    assert_eq!(stamps.unwrap().next_end(at("2025-12-31T00:00:00Z")), Some(at("2026-01-01T00:00:00Z")));
    let logs = changed(|document| {
        for field in ["ctlogs", "certificateAuthorities", "timestampAuthorities"] {
            document.as_object_mut().unwrap().remove(field);
        }
        document["tlogs"][1]["publicKey"]["validFor"]["end"] = json!("2026-01-01T00:00:00Z");
    });
    assert_eq!(logs.unwrap().next_end(at("2025-12-31T00:00:00Z")), Some(at("2026-01-01T00:00:00Z")));
}

#[test]
fn everything_but_the_name_of_a_root_is_in_its_fingerprint() {
    let base = *read(&published()).unwrap().fingerprint();
    assert_eq!(base, *TrustRoot::sigstore().unwrap().fingerprint());
    let window = || json!({"start": "2021-01-12T11:53:27Z", "end": "2030-01-01T00:00:00Z"});
    let a_moment_later = json!({"start": "2021-01-12T11:53:27.000000001Z", "end": "2030-01-01T00:00:00Z"});
    let a_second_later = json!({"start": "2021-01-12T11:53:28Z", "end": "2030-01-01T00:00:00Z"});
    let changes: [(&str, Value); 15] = [
        ("/tlogs/0/baseUrl", json!("https://other")),
        ("/tlogs/0/logId/keyId", json!("AAAA")),
        ("/tlogs/0/checkpointKeyId", json!({"keyId": "AAAAAA=="})),
        ("/tlogs/0/publicKey/validFor", window()),
        ("/tlogs/0/publicKey/validFor", a_moment_later),
        ("/tlogs/0/publicKey/validFor", a_second_later),
        ("/tlogs/0/publicKey/rawBytes", published()["ctlogs"][0]["publicKey"]["rawBytes"].clone()),
        ("/tlogs/0/operator", json!("somebody")),
        ("/ctlogs/0/baseUrl", json!("https://other")),
        ("/ctlogs/0/publicKey/validFor", window()),
        ("/certificateAuthorities/0/uri", json!("https://other")),
        ("/certificateAuthorities/0/validFor", window()),
        ("/certificateAuthorities/0/operator", json!("somebody")),
        ("/certificateAuthorities/0/certChain", published()["certificateAuthorities"][1]["certChain"].clone()),
        ("/timestampAuthorities/0/uri", json!("https://other")),
    ];
    let mut prints = BTreeSet::from([base]);
    for (number, (pointer, value)) in changes.into_iter().enumerate() {
        let root = changed(|document| {
            let (place, field) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(place).unwrap()[field] = value;
        });
        prints.insert(*root.unwrap().fingerprint());
        assert_eq!(prints.len(), number + 2, "{pointer}");
    }
    // The same authority, for one purpose and for the other.
    let moved = changed(|document| {
        let authority = document["certificateAuthorities"][0].clone();
        document["timestampAuthorities"].as_array_mut().unwrap().push(authority);
    });
    assert!(prints.insert(*moved.unwrap().fingerprint()));
}

#[test]
fn what_moves_from_one_field_to_the_next_or_is_checked_otherwise_is_another_root() {
    let key = read(&published()).unwrap().logs()[0].key.key().clone();
    let root = |url: &str, id: &[u8], scheme: Scheme| {
        let log = TransparencyLog::new(url, id.to_vec(), key.clone(), scheme, Validity::default()).unwrap();
        *TrustRoot::builder("mine").log(log).build().fingerprint()
    };
    let sha256 = Scheme::Ecdsa(HashAlgorithm::Sha256);
    let roots = [
        root("ab", b"c", sha256),
        root("a", b"bc", sha256),
        root("ab", b"c", Scheme::Ecdsa(HashAlgorithm::Sha384)),
        root("ab", b"c", Scheme::RsaPkcs1(HashAlgorithm::Sha256)),
    ];
    assert_eq!(BTreeSet::from(roots).len(), roots.len());
}

#[test]
fn who_runs_a_log_or_an_authority_is_its_operator_or_else_its_key_or_address() {
    let root = read(&published()).unwrap();
    assert_eq!(root.logs()[0].identity(), LogIdentity::Key(root.logs()[0].key.key().id()));
    let uri = AuthorityIdentity::Uri("https://timestamp.sigstore.dev/api/v1/timestamp");
    assert_eq!(root.timestamp_authorities()[0].identity(), uri);
    let root = changed(|document| {
        document["tlogs"][0]["operator"] = json!("o");
        document["tlogs"][1]["operator"] = json!("");
        document["tlogs"][1]["baseUrl"] = json!("");
        document["timestampAuthorities"][0]["operator"] = json!("p");
    })
    .unwrap();
    assert_eq!(root.logs()[0].identity(), LogIdentity::Operator("o"));
    assert_eq!(root.logs()[1].identity(), LogIdentity::Key(root.logs()[1].key.key().id()));
    assert_eq!((&*root.logs()[1].name(), root.logs()[1].origin()), (&*hex::encode(root.logs()[1].log_id()), None));
    assert_eq!(root.timestamp_authorities()[0].identity(), AuthorityIdentity::Operator("p"));
    let root = changed(|document| {
        document["timestampAuthorities"][0]["operator"] = json!("");
        document["timestampAuthorities"][0]["uri"] = json!("");
    })
    .unwrap();
    let anchor = root.timestamp_authorities()[0].authority.anchor().unwrap();
    assert_eq!(root.timestamp_authorities()[0].identity(), AuthorityIdentity::Key(anchor.spki()));
    assert_eq!(root.certificate_authorities()[0].intermediates().len(), 0);
    assert_eq!(root.certificate_authorities()[1].intermediates().len(), 1);
}

#[test]
fn each_field_of_a_document_is_refused_at_its_place() {
    let chain = |count: usize| {
        let certificate = published()["certificateAuthorities"][0]["certChain"]["certificates"][0].clone();
        json!({"certificates": vec![certificate; count]})
    };
    let invalid: [(&str, Value, &str); 14] = [
        ("/mediaType", json!("application/json"), "mediaType"),
        ("/mediaType", Value::Null, "mediaType"),
        ("/tlogs/0/hashAlgorithm", json!("SHA2_384"), "tlogs[0].hashAlgorithm"),
        ("/tlogs/0/publicKey/validFor", Value::Null, "tlogs[0].publicKey.validFor"),
        ("/tlogs/0/publicKey/validFor", json!({}), "tlogs[0].publicKey.validFor.start"),
        ("/tlogs/0/publicKey/validFor/start", json!("x"), "tlogs[0].publicKey.validFor.start"),
        ("/tlogs/0/publicKey/rawBytes", json!("AAAA"), "tlogs[0].publicKey.rawBytes"),
        ("/tlogs/0/publicKey/keyDetails", json!("PKIX_ECDSA_P384_SHA_384"), "tlogs[0].publicKey.keyDetails"),
        ("/tlogs/0/logId/keyId", json!("?"), "tlogs[0].logId.keyId"),
        ("/tlogs/0/checkpointKeyId", json!({"keyId": "AAAA"}), "tlogs[0].checkpointKeyId.keyId"),
        ("/ctlogs/1/logId/keyId", json!("AAAA"), "ctlogs[1].logId.keyId"),
        ("/certificateAuthorities/0/certChain", json!({}), "certificateAuthorities[0].certChain"),
        ("/certificateAuthorities/0/certChain", chain(crate::limits::MAX_CHAIN + 1), "certificateAuthorities[0].certChain"),
        ("/timestampAuthorities/0/validFor/end", json!("x"), "timestampAuthorities[0].validFor.end"),
    ];
    for (pointer, value, place) in invalid {
        let (above, field) = pointer.rsplit_once('/').unwrap();
        let shown = format!("{pointer} {value}");
        let root = changed(|document| document.pointer_mut(above).unwrap()[field] = value);
        assert_eq!(root.map(drop).unwrap_err(), (Code::TrustRootInvalid, place.to_owned()), "{shown}");
    }
    let most = changed(|document| document["certificateAuthorities"][0]["certChain"] = chain(crate::limits::MAX_CHAIN)).unwrap();
    assert_eq!(most.certificate_authorities()[0].chain.len(), crate::limits::MAX_CHAIN);
    // A log whose kind of key nobody here knows is left out, and says so.
    let root = changed(|document| document["tlogs"][0]["publicKey"]["keyDetails"] = json!("PKIX_NEW")).unwrap();
    let skipped: Vec<_> = root.skipped().iter().map(|failure| (failure.code(), failure.at_text())).collect();
    assert_eq!(skipped, [(Code::TrustInstanceSkipped, Some("tlogs[0].publicKey.keyDetails"))]);
    assert_eq!(root.logs().len(), 1);
    let root = changed(|document| document["ctlogs"][0]["publicKey"]["keyDetails"] = json!("PKIX_NEW")).unwrap();
    assert_eq!((root.skipped().len(), root.ct_logs().len()), (1, 1));
    let root = changed(|document| document["tlogs"][0]["checkpointKeyId"] = json!({"keyId": "AQIDBAU="})).unwrap();
    assert_eq!(root.logs()[0].checkpoint_key_id, Some([1, 2, 3, 4]));
    let mut config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": published(),
        "signingConfig": {"x": 1},
    });
    assert_eq!(read(&config).unwrap().logs().len(), 2);
    // What is called otherwise may mean something else by it.
    for media_type in [json!("application/vnd.dev.sigstore.clienttrustconfig.v0.2+json"), json!(null)] {
        config["mediaType"] = media_type;
        assert_eq!(read(&config).unwrap_err().0, Code::TrustRootInvalid);
    }
}

#[test]
fn the_names_of_key_details_mean_what_protobuf_specs_says() {
    let rsa = |bits| KeyKind::Rsa { bits };
    let pkcs1 = |hash: HashAlgorithm| Scheme::RsaPkcs1(hash);
    let named = [
        ("PKCS1_RSA_PKCS1V5", pkcs1(Sha256), vec![rsa(2048), rsa(3072), rsa(4096)]),
        ("PKIX_RSA_PKCS1V5", pkcs1(Sha256), vec![rsa(2048), rsa(3072), rsa(4096)]),
        ("PKIX_RSA_PKCS1V15_2048_SHA256", pkcs1(Sha256), vec![rsa(2048)]),
        ("PKIX_RSA_PKCS1V15_3072_SHA256", pkcs1(Sha256), vec![rsa(3072)]),
        ("PKIX_RSA_PKCS1V15_4096_SHA256", pkcs1(Sha256), vec![rsa(4096)]),
        ("PKIX_RSA_PSS_2048_SHA256", Scheme::RsaPss(Sha256), vec![rsa(2048)]),
        ("PKIX_RSA_PSS_3072_SHA256", Scheme::RsaPss(Sha256), vec![rsa(3072)]),
        ("PKIX_RSA_PSS_4096_SHA256", Scheme::RsaPss(Sha256), vec![rsa(4096)]),
        ("PKIX_ECDSA_P256_SHA_256", Scheme::Ecdsa(Sha256), vec![KeyKind::EcdsaP256]),
        ("PKIX_ECDSA_P384_SHA_256", Scheme::Ecdsa(Sha256), vec![KeyKind::EcdsaP384]),
        ("PKIX_ECDSA_P521_SHA_256", Scheme::Ecdsa(Sha256), vec![KeyKind::EcdsaP521]),
        ("PKIX_ECDSA_P384_SHA_384", Scheme::Ecdsa(Sha384), vec![KeyKind::EcdsaP384]),
        ("PKIX_ECDSA_P521_SHA_512", Scheme::Ecdsa(Sha512), vec![KeyKind::EcdsaP521]),
        ("PKIX_ED25519", Scheme::Ed25519, vec![KeyKind::Ed25519]),
        ("PKIX_ED25519_PH", Scheme::Ed25519ph, vec![KeyKind::Ed25519]),
    ];
    let kinds = [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521, KeyKind::Ed25519, rsa(2048), rsa(3072), rsa(4096)];
    for (name, wanted, of) in named {
        let (_, scheme, kind) = key_details(name).unwrap();
        assert_eq!(scheme, wanted, "{name}");
        let matching: Vec<KeyKind> = kinds.into_iter().filter(|found| NamedKind::matches(&kind, *found)).collect();
        assert_eq!(matching, of, "{name}");
    }
    assert!(key_details("PKIX_ECDSA_P256_HMAC_SHA_256").is_none());
}

#[test]
fn what_is_built_holds_what_it_was_built_of() {
    let of = TrustRoot::sigstore().unwrap();
    let key = || PublicKey::from_spki(of.logs()[0].key.key().spki()).unwrap();
    let window = Validity::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    let log = TransparencyLog::new("https://log", vec![1, 2, 3, 4], key(), Scheme::Ecdsa(Sha256), window).unwrap();
    let ct = CtLog::new("https://ct", key(), Scheme::Ecdsa(Sha256), window).unwrap();
    assert_eq!((log.log_id(), log.validity(), &ct.log_id), (&[1, 2, 3, 4][..], &window, key().id()));
    let chain = || of.certificate_authorities()[1].chain.clone();
    let authority = CertificateAuthority::new("https://ca", chain(), window).unwrap();
    let stamping = TimestampAuthority::new("https://tsa", chain(), window).unwrap();
    let root =
        TrustRoot::builder("mine").log(log).ct_log(ct).certificate_authority(authority).timestamp_authority(stamping).build();
    assert_eq!((root.logs().len(), root.ct_logs().len()), (1, 1));
    assert_eq!((root.certificate_authorities().len(), root.timestamp_authorities().len()), (1, 1));
    assert_eq!(root.next_end(at("2026-01-01T00:00:00Z")), Some(at("2026-01-02T00:00:00Z")));
    assert_ne!(root.fingerprint(), TrustRoot::builder("mine").build().fingerprint());
    assert_eq!(CertificateAuthority::new("https://ca", Vec::new(), window).unwrap_err().code(), Code::TrustRootInvalid);
}
