//! All public cases of kind `merkle`: RFC 6962 inclusion and consistency proofs of transparency-dev, and checkpoints of
//! sigstore-java. Each has its expected verdict, and each reject its expected code.

use serde_json::Value;
use std::path::PathBuf;
use veriseal::code::{Code, Failure};
use veriseal::digest::sha256;
use veriseal::encoding::base64;
use veriseal::limits::Limits;
use veriseal::tlog::checkpoint::SignedCheckpoint;
use veriseal::tlog::merkle::{Hash, hash_from_bytes, verify_consistency, verify_inclusion};

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

fn bytes(value: &Value) -> Vec<u8> {
    base64::decode(value.as_str().unwrap()).unwrap()
}

fn proof(case: &Value) -> Result<Vec<Hash>, Failure> {
    case["proof"].as_array().into_iter().flatten().map(|hash| hash_from_bytes(&bytes(hash))).collect()
}

fn inclusion(case: &Value) -> Result<(), Failure> {
    let leaf = hash_from_bytes(&bytes(&case["leafHash"]))?;
    let (index, size) = (case["leafIdx"].as_u64().unwrap(), case["treeSize"].as_u64().unwrap());
    verify_inclusion(index, size, &leaf, &proof(case)?, &hash_from_bytes(&bytes(&case["root"]))?)
}

fn consistency(case: &Value) -> Result<(), Failure> {
    // Four cases write ASCII instead of roots ("don't care 1"). Our type holds 32 bytes, so their hash stands in for them:
    // equal stay equal.
    let root = |name: &str| {
        let bytes = bytes(&case[name]);
        hash_from_bytes(&bytes).unwrap_or_else(|_| sha256(&bytes))
    };
    let (first, second) = (case["size1"].as_u64().unwrap(), case["size2"].as_u64().unwrap());
    verify_consistency(first, second, &root("root1"), &root("root2"), &proof(case)?)
}

/// What a rejected case is rejected with.
fn expected_code(id: &str) -> Code {
    if id.starts_with("sigstore-java/checkpoint-parse-") {
        Code::CheckpointMalformed
    } else if id.starts_with("merkle/consistency/") && !id.ends_with("-garbage") {
        Code::ConsistencyProofInvalid
    } else {
        // Also for a hash that is none ("garbage"): it is found before it is known what the proof is for.
        Code::InclusionProofInvalid
    }
}

/// K-TL-12, K-TL-13.
#[test]
fn every_public_merkle_case_has_its_verdict_and_code() {
    let Some(root) = vectors() else { return };
    let manifest: Value = serde_json::from_slice(&std::fs::read(root.join("MANIFEST.json")).unwrap()).unwrap();
    let mut counted = [0; 3];
    let mut wrong = Vec::new();
    for case in manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "merkle") {
        let id = case["id"].as_str().unwrap();
        let text = std::fs::read_to_string(root.join(case["path"].as_str().unwrap())).unwrap();
        let (kind, outcome) = if id.starts_with("sigstore-java/") {
            (0, SignedCheckpoint::parse(&text, &Limits::DEFAULT).map(|_| ()))
        } else {
            let case: Value = serde_json::from_str(&text).unwrap();
            if id.starts_with("merkle/inclusion/") { (1, inclusion(&case)) } else { (2, consistency(&case)) }
        };
        counted[kind] += 1;
        let found = outcome.map_err(|failure| failure.code());
        let expected = match case["expected"].as_str().unwrap() {
            "accept" => Ok(()),
            _ => Err(expected_code(id)),
        };
        if found != expected {
            wrong.push(format!("{id}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(counted.iter().sum::<usize>(), 109, "{counted:?}");
}
