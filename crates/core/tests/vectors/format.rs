//! What stands inside the public bundles and token files: log entry bodies, checkpoints with their proofs, statements and
//! timestamps. All of them parse but for the exceptions listed with their code; an exception that passes fails the test.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use veriseal::code::{Code, Failure};
use veriseal::crypto::PreparedKey;
use veriseal::digest::Digest;
use veriseal::encoding::base64;
use veriseal::format::intoto::Statement;
use veriseal::format::log_entry::LogEntryBody;
use veriseal::format::tsp::TimestampToken;
use veriseal::key::PublicKey;
use veriseal::limits::{Budget, Limits};
use veriseal::tlog::checkpoint::{LogVerifier, SignedCheckpoint, origin_of};
use veriseal::tlog::merkle::{hash_from_bytes, leaf_hash};
use veriseal::tlog::note::key_id;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("VERISEAL_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    if root.join("MANIFEST.json").is_file() {
        Some(root)
    } else {
        println!("no vectors at {}: nothing checked", root.display());
        None
    }
}

/// Every JSON document under the vectors that has a `verificationMaterial` somewhere, by a short name.
fn bundles(root: &Path) -> BTreeMap<String, Value> {
    fn walk(directory: &Path, root: &Path, found: &mut BTreeMap<String, Value>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if std::fs::metadata(&path).unwrap().len() < 1 << 20
                && let Ok(text) = std::fs::read_to_string(&path)
                && text.contains("verificationMaterial")
                && !path.ends_with("MANIFEST.json")
            {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                for (at, line) in std::iter::once(text.as_str()).chain(text.lines()).enumerate() {
                    if let Ok(value) = serde_json::from_str::<Value>(line) {
                        collect(&value, &format!("{name}#{at}"), found);
                        break;
                    }
                }
            }
        }
    }
    fn collect(value: &Value, name: &str, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) if map.contains_key("verificationMaterial") => {
                found.insert(format!("{name}/{}", found.len()), value.clone());
            }
            Value::Object(map) => map.values().for_each(|value| collect(value, name, found)),
            Value::Array(list) => list.iter().for_each(|value| collect(value, name, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    base64::decode(value.as_str()?)
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())).unwrap_or(0)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The logs of a trusted root: log id, key, base URL.
fn logs(path: &Path) -> Vec<(Vec<u8>, PreparedKey, String)> {
    let root: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    list(&root["tlogs"])
        .map(|log| {
            let key = PublicKey::from_spki(&bytes(&log["publicKey"]["rawBytes"]).unwrap()).unwrap();
            (bytes(&log["logId"]["keyId"]).unwrap(), PreparedKey::new(key).unwrap(), log["baseUrl"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// Checks one entry as far as this layer goes: body, checkpoint, the log's signature, inclusion.
fn entry(entry: &Value, logs: &[(Vec<u8>, PreparedKey, String)], checked: &mut usize) -> Result<(), Failure> {
    let body = bytes(&entry["canonicalizedBody"]).unwrap_or_default();
    let kind = LogEntryBody::parse(&body)?;
    let proof = &entry["inclusionProof"];
    let Some(envelope) = proof["checkpoint"]["envelope"].as_str() else { return Ok(()) };
    let signed = SignedCheckpoint::parse(envelope, &Limits::DEFAULT)?;
    let log_id = bytes(&entry["logId"]["keyId"]).unwrap();
    let (id, key, url) = logs.iter().find(|(id, ..)| *id == log_id).ok_or_else(|| Failure::from(Code::LogUnknown))?;
    let host = origin_of(url).unwrap();
    let verifier =
        if kind.is_rekor_v2() { LogVerifier::rekor_v2(host, key_id(id).unwrap(), key) } else { LogVerifier::rekor_v1(id, key)? };
    let valid = signed.verify(&verifier, &mut Budget::new(&Limits::DEFAULT))?;
    valid.require(number(&proof["treeSize"]), &hash_from_bytes(&bytes(&proof["rootHash"]).unwrap())?)?;
    let hashes = list(&proof["hashes"]).map(|hash| hash_from_bytes(&bytes(hash).unwrap())).collect::<Result<Vec<_>, _>>()?;
    valid.verify_inclusion(number(&proof["logIndex"]), &leaf_hash(&body), &hashes)?;
    *checked += 1;
    Ok(())
}

/// Entries that do not hold, by a part of the file's name. Every other one does.
const ENTRIES: [(&str, Code); 12] = [
    ("bundle-invalid-base64-signature_fail", Code::LogEntryMalformed),
    ("bundle-negative-log-index_fail", Code::LogEntryMalformed),
    ("bundle-unknown-version_fail", Code::LogEntryMalformed),
    ("checkpoint-wrong-roothash_fail", Code::CheckpointMismatch),
    ("inclusion-proof-corrupted-hash_fail", Code::InclusionProofInvalid),
    ("incorrect-public-key_fail", Code::InclusionProofInvalid),
    // The signature stands there in base64 once, not twice as Rekor stores it.
    ("intoto-log-entry-mismatch_fail", Code::LogEntryMalformed),
    ("rekor2-checkpoint-missing-origin_fail", Code::CheckpointMalformed),
    ("rekor2-checkpoint-missing-root-hash_fail", Code::CheckpointMalformed),
    ("rekor2-checkpoint-missing-size_fail", Code::CheckpointMalformed),
    // A log that no trusted root of the vectors holds.
    ("othername.sigstore.json", Code::LogUnknown),
    ("bundle.dsse.rekor-v2.bad-entry-type", Code::LogEntryKindUnsupported),
];

/// K-TL-10, K-TL-11, K-TL-17, K-TL-19.
#[test]
fn entries_of_public_bundles_are_in_their_logs() {
    let Some(root) = vectors() else { return };
    let known: Vec<_> = ["root-signing", "root-signing-staging"]
        .iter()
        .flat_map(|name| logs(&root.join(name).join("targets/trusted_root.json")))
        .collect();
    let mut found = Vec::new();
    let mut checked = 0;
    for (name, bundle) in bundles(&root) {
        let own = root.join(name.split('#').next().unwrap()).with_file_name("trusted_root.json");
        let own = if own.is_file() { Some(logs(&own)) } else { None };
        for one in list(&bundle["verificationMaterial"]["tlogEntries"]) {
            if let Err(failure) = entry(one, own.as_ref().unwrap_or(&known), &mut checked) {
                found.push((name.clone(), failure.code()));
            }
        }
    }
    expect(&found, &ENTRIES);
    assert!(checked >= 44, "{checked}");
}

/// Each exception occurs, with its code, and nothing else does.
fn expect(found: &[(String, Code)], expected: &[(&str, Code)]) {
    for (name, code) in found {
        assert!(expected.iter().any(|(part, expected)| name.contains(part) && expected == code), "{name}: {code}");
    }
    for (part, code) in expected {
        assert!(found.iter().any(|(name, found)| name.contains(part) && found == code), "{part}: no {code}");
    }
}

#[test]
fn statements_of_public_bundles_are_strict() {
    let Some(root) = vectors() else { return };
    let mut count = 0;
    for (name, bundle) in bundles(&root) {
        let Some(payload) = bytes(&bundle["dsseEnvelope"]["payload"]) else { continue };
        let statement = Statement::parse(&payload, &Limits::DEFAULT).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        statement.matches(&[Digest::sha256(b"another artifact")]).unwrap_err();
        count += 1;
    }
    assert!(count >= 27, "{count}");
}

/// Tokens: what is in bundles holds but for one that is about another signature; a response file of a client that named
/// SHA-256 over 64 bytes of SHA-512 does not, though its own project calls it valid: no imprint could ever match it.
const TOKENS: [(&str, Code); 4] = [
    ("rekor2-timestamp-payload-mismatch_fail", Code::TimestampImprintMismatch),
    ("valid/sigstore_tsa_response_with_embedded_certs", Code::TimestampMalformed),
    ("valid/sigstore_tsa_response_without_embedded_certs", Code::TimestampMalformed),
    ("invalid/sigstore_tsa_response_invalid", Code::TimestampMalformed),
];

/// K-X-07: everything that needs no trust, with the embedded certificate's key where there is one.
#[test]
fn public_timestamps_hold_but_for_the_known_ones() {
    let Some(root) = vectors() else { return };
    let mut found = Vec::new();
    let (mut parsed, mut verified) = (0, 0);
    let mut check = |name: &str, response: &[u8], signature: Option<&[u8]>| {
        let outcome = TimestampToken::parse_response(response).and_then(|token| {
            parsed += 1;
            signature.map(|signature| token.check_imprint(signature)).transpose()?;
            for certificate in token.certificates().iter().filter(|certificate| token.names_signer(certificate)) {
                token.check_signing_certificate(certificate)?;
                let certificate = Certificate::from_der(certificate).unwrap();
                let spki = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
                let key = PreparedKey::new(PublicKey::from_spki(&spki)?)?;
                token.verify_signature(&key)?;
                verified += 1;
            }
            Ok(())
        });
        if let Err(failure) = outcome {
            found.push((name.to_owned(), failure.code()));
        }
    };
    for (name, bundle) in bundles(&root) {
        let signature = bytes(&bundle["messageSignature"]["signature"]);
        let signature = signature.or_else(|| bytes(&bundle["dsseEnvelope"]["signatures"][0]["sig"])).unwrap_or_default();
        for timestamp in list(&bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]) {
            let text = timestamp["signedTimestamp"].as_str().unwrap();
            if name.contains("rekor2-timestamp-with-incorrect-time_fail") {
                assert_eq!(base64::decode(text), None, "newlines in base64 are refused");
            }
            check(&name, &base64::decode(text.replace('\n', "")).unwrap(), Some(&signature));
        }
    }
    let files = root.join("sigstore-java/sigstore-java/src/test/resources/dev/sigstore/samples/timestamp-response");
    for directory in ["valid", "invalid"] {
        for file in std::fs::read_dir(files.join(directory)).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "tsr") {
                let name = format!("{directory}/{}", file.file_name().unwrap().to_string_lossy());
                check(&name, &std::fs::read(&file).unwrap(), None);
            }
        }
    }
    expect(&found, &TOKENS);
    assert!((parsed, verified) >= (28, 15), "{parsed} parsed, {verified} verified");
}
