//! The thresholds of Connaisseur's published images, asked for by policy files.

use crate::kit::report;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use veriseal::gather::MemoryStore;
use veriseal::oci::{Repository, Tag, media_type};
use veriseal::{Code, Digest, Reference, UnixTime};
use veriseal_policy::{Format, LoadError, PolicyFile};

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The folder of vectors, or `None`, and why, when it is absent.
fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("VERISEAL_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    if folder.join("MANIFEST.json").is_file() {
        return Some(folder);
    }
    println!("skipped: no vectors at {} (set VERISEAL_VECTORS)", folder.display());
    None
}

/// A published case: the image and its signatures as a registry would serve them.
struct Published {
    folder: PathBuf,
    store: MemoryStore,
    repository: Repository,
    digest: Digest,
    case: Value,
}

impl Published {
    fn new(folder: &Path, case: &Value) -> Self {
        let read = |path: &Value| std::fs::read(folder.join(path.as_str().unwrap())).unwrap();
        let repository = "registry.example/testimage".parse::<Reference>().unwrap().repository().clone();
        let (mut store, inputs) = (MemoryStore::new(), &case["inputs"]);
        let image = read(&inputs["image_manifest"]);
        let kind = serde_json::from_slice::<Value>(&image).unwrap()["mediaType"].as_str().unwrap().to_owned();
        let digest = store.put_manifest(&repository, &kind, image, None).digest;
        for file in std::fs::read_dir(folder.join(inputs["payload_blobs_dir"].as_str().unwrap())).unwrap() {
            store.put_blob(&repository, SIMPLE_SIGNING, std::fs::read(file.unwrap().path()).unwrap());
        }
        if inputs["signature_manifest"].is_string() {
            let tag: Tag = format!("{}.sig", digest.to_string().replace(':', "-")).parse().unwrap();
            store.put_manifest(&repository, media_type::OCI_MANIFEST, read(&inputs["signature_manifest"]), Some(tag));
        }
        Self { folder: folder.to_path_buf(), store, repository, digest, case: case.clone() }
    }

    /// The policy file of the case: each key by its path, as a user would write it.
    fn policy(&self) -> Value {
        let inputs = &self.case["inputs"];
        // Connaisseur signed them with `--tlog-upload=false`.
        let leaf = |path: &Value| json!({ "signature": { "key": path, "tlog": "ignored" } });
        let list = |name: &str| inputs[name].as_array().cloned().unwrap_or_default();
        let node = match (list("required"), &inputs["threshold"]) {
            (required, _) if !required.is_empty() => json!({ "all": required.iter().map(leaf).collect::<Vec<_>>() }),
            (_, Value::Null) => leaf(&inputs["key"]),
            (_, threshold) => json!({ "atLeast": threshold, "of": list("keys").iter().map(leaf).collect::<Vec<_>>() }),
        };
        json!({ "apiVersion": "veriseal/v1", "images": [{ "match": ["registry.example/*"], "require": node }] })
    }

    fn load(&self, policy: &Value) -> Result<PolicyFile, LoadError> {
        let mut read = |path: &str| std::fs::read(self.folder.join(path)).map_err(|error| error.to_string());
        PolicyFile::parse(policy.to_string().as_bytes(), Format::Json, "policy.json", &mut read)
    }

    fn code(&self, policy: &Value) -> Code {
        let policy = match self.load(policy) {
            Ok(policy) => policy,
            Err(error) => return error.code(),
        };
        let reference = Reference::new(self.repository.clone(), None, Some(self.digest));
        report(&policy.verify(&reference, &self.store, UnixTime::from_seconds(1_790_000_000))).code()
    }
}

fn published() -> Vec<Published> {
    let Some(folder) = vectors() else { return Vec::new() };
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("MANIFEST.json")).unwrap()).unwrap();
    let cases = manifest["cases"].as_array().unwrap().iter().filter(|case| {
        let id = case["id"].as_str().unwrap_or_default();
        id.starts_with("connaisseur/cosign-") && !id.contains("keyless")
    });
    cases.map(|case| Published::new(&folder, case)).collect()
}

/// K-PO-11: a threshold above the number of keys does not load, which is a refusal of every image.
#[test]
fn published_thresholds_are_answered_as_expected() {
    let published = published();
    for one in &published {
        let id = one.case["id"].as_str().unwrap();
        let code = one.code(&one.policy());
        assert_eq!(code == Code::Accepted, one.case["expected"] == "accept", "{id}: {code}");
        assert_eq!(code == Code::PolicyInvalid, id == "connaisseur/cosign-threshold-3-of-alice-bob", "{id}: {code}");
    }
    assert!(published.is_empty() || published.len() == 7, "{}", published.len());
}

/// K-PO-11: the image is signed by three keys; a key under two names, or named twice, is one.
#[test]
fn a_published_key_counts_once_however_often_it_is_named() {
    let published = published();
    let Some(three) = published.iter().find(|one| one.case["id"] == "connaisseur/cosign-threshold-2-of-alice-bob") else {
        return;
    };
    let folder = "connaisseur/test/testdata/cosign";
    let leaf = |name: &str| json!({ "signature": { "key": format!("{folder}/{name}.key"), "tlog": "ignored" } });
    let least = |count: usize, names: &[&str]| {
        let of: Vec<_> = names.iter().map(|name| leaf(name)).collect();
        three.code(&json!({
            "apiVersion": "veriseal/v1",
            "images": [{ "match": ["**"], "require": { "atLeast": count, "of": of } }],
        }))
    };
    assert_eq!(least(3, &["alice", "bob", "charlie"]), Code::Accepted);
    assert_eq!(least(3, &["alice", "bob", "bob"]), Code::PolicyInvalid);
    assert_eq!(least(2, &["alice", "../cosign/alice"]), Code::PolicyInvalid);
    assert_eq!(least(0, &["alice"]), Code::PolicyInvalid);
    assert_eq!(least(4, &["alice", "bob", "charlie"]), Code::PolicyInvalid);
}
