//! `veriseal verify-bundle`: the client protocol of sigstore-conformance.

use crate::stage::{Said, Stage, vectors, veriseal};
use serde_json::Value;
use std::fmt::Write as _;
use veriseal::digest::{HashAlgorithm, sha256};
use veriseal::encoding::hex;
use veriseal_testkit::{Bundle, KeyKind, Scheme, Signer, Sigstore, scenario};

/// Cases that ask for what the protocol cannot say: other settings than the default, or a digest that is not SHA-256.
const OUTSIDE_THE_PROTOCOL: &[&str] = &["sigstore-java/github-private-optin", "sigstore-go/npm-provenance-v0.1"];
/// Signed over a SHA-384 hash: the SHA-256 digest, which is all that the protocol has, is not enough.
const NEEDS_THE_FILE: &[&str] = &["sigstore-java/alg-ECDSA_P384_SHA_384"];

/// The arguments of a case of the vectors, without the artifact; `None` when it names neither key nor identity.
fn arguments(case: &Value, folder: &std::path::Path, scratch: &std::path::Path) -> Option<Vec<String>> {
    let inputs = &case["inputs"];
    let path = |name: &str| inputs[name].as_str().map(|path| folder.join(path).display().to_string());
    let mut arguments = vec!["verify-bundle".to_owned(), "--bundle".to_owned(), path("bundle").unwrap()];
    match (path("key"), inputs["identity"].as_str(), inputs["issuer"].as_str()) {
        (Some(key), ..) => arguments.extend(["--key".to_owned(), key]),
        (None, Some(identity), Some(issuer)) => {
            let named = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer];
            arguments.extend(named.map(str::to_owned));
        }
        _ => return None,
    }
    let mut root = path("trusted_root").unwrap();
    if !inputs["trusted_root_format"].is_null() {
        let lines = std::fs::read_to_string(&root).unwrap();
        let line = lines.lines().find(|line| line.contains("fulcio.githubapp.com")).unwrap();
        root = scratch.join("root.json").display().to_string();
        std::fs::write(&root, line).unwrap();
    }
    arguments.extend(["--trusted-root".to_owned(), root]);
    Some(arguments)
}

#[test]
fn the_exit_status_of_every_public_case_is_its_verdict_by_path_and_by_digest() {
    let Some(folder) = vectors() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("MANIFEST.json")).unwrap()).unwrap();
    let (mut wrong, mut count) = (String::new(), 0);
    for case in manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "sigstore-bundle") {
        let id = case["id"].as_str().unwrap();
        let Some(arguments) = arguments(case, &folder, scratch.path()) else { continue };
        let mut artifacts: Vec<String> = case["inputs"]["digest"].as_str().map(str::to_owned).into_iter().collect();
        if let Some(path) = case["inputs"]["artifact"].as_str() {
            let path = folder.join(path);
            artifacts.push(format!("sha256:{}", hex::encode(&sha256(&std::fs::read(&path).unwrap()))));
            artifacts.push(path.display().to_string());
        }
        if let Some(text) = case["inputs"]["artifact_text"].as_str() {
            let path = scratch.path().join("artifact");
            std::fs::write(&path, text).unwrap();
            artifacts.push(path.display().to_string());
        }
        for artifact in artifacts {
            count += 1;
            let needs_file = NEEDS_THE_FILE.contains(&id) && artifact.starts_with("sha256:");
            let accepted = case["expected"] == "accept" && !OUTSIDE_THE_PROTOCOL.contains(&id) && !needs_file;
            let said = veriseal(arguments.iter().chain([&artifact]));
            assert_eq!(said.out, "", "{id}");
            if said.exit != i32::from(!accepted) {
                writeln!(wrong, "{id} ({artifact}): {}", said.err.trim_end()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "of {count}:\n{wrong}");
    assert!(count > 110, "{count}");
}

struct Blob {
    folder: tempfile::TempDir,
    sigstore: Sigstore,
}

impl Blob {
    const ARTIFACT: &'static [u8] = b"artifact";

    fn new() -> Self {
        let blob = Self { folder: tempfile::tempdir().unwrap(), sigstore: Sigstore::new(1) };
        std::fs::write(blob.path("artifact"), Self::ARTIFACT).unwrap();
        std::fs::write(blob.path("root.json"), blob.sigstore.trusted_root().to_bytes()).unwrap();
        blob
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn signed(mut self, signer: &Signer, log: impl FnOnce(Bundle, &mut Sigstore) -> Bundle) -> Self {
        let bundle = log(Bundle::blob(Self::ARTIFACT, signer), &mut self.sigstore);
        std::fs::write(self.path("bundle.json"), bundle.to_bytes()).unwrap();
        std::fs::write(self.path("key.pub"), signer.key.public_pem()).unwrap();
        self
    }

    fn verify(&self, artifact: &str) -> Said {
        let (bundle, key, root) = (self.path("bundle.json"), self.path("key.pub"), self.path("root.json"));
        veriseal(["verify-bundle", "--bundle", &bundle, "--key", &key, "--trusted-root", &root, artifact])
    }
}

fn logged(bundle: Bundle, sigstore: &mut Sigstore) -> Bundle {
    let at = sigstore.now;
    bundle.logged_v1(&mut sigstore.rekor, at)
}

#[test]
fn a_file_signed_with_a_key_is_accepted_by_path_and_by_digest() {
    let signer = Signer::key(Sigstore::new(1).key("release"));
    let blob = Blob::new().signed(&signer, logged);
    let digest = format!("sha256:{}", hex::encode(&sha256(Blob::ARTIFACT)));
    for artifact in [&blob.path("artifact"), &digest] {
        let said = blob.verify(artifact);
        assert_eq!((said.exit, said.sentence()), (0, format!("veriseal: accepted: {digest}").as_str()));
    }
    std::fs::write(blob.path("artifact"), b"another").unwrap();
    let said = blob.verify(&blob.path("artifact"));
    assert_eq!(said.exit, 1);
    assert!(said.sentence().starts_with("veriseal: rejected: "), "{said:?}");
}

#[test]
fn a_key_signature_without_log_entry_is_not_enough() {
    let signer = Signer::key(Sigstore::new(1).key("release"));
    let blob = Blob::new().signed(&signer, |bundle, _| bundle);
    let said = blob.verify(&blob.path("artifact"));
    assert_eq!(said.exit, 1);
    assert!(said.sentence().contains("LOG_ENTRY_MISSING"), "{said:?}");
}

/// Ed25519ph needs SHA-512, which only the file can give.
#[test]
fn an_ed25519_signature_is_verified_over_the_file() {
    let signer = Signer::key(Sigstore::new(1).key_of(KeyKind::Ed25519, "release"));
    let blob = Blob::new().signed(&signer, logged);
    assert_eq!(blob.verify(&blob.path("artifact")).exit, 0);
    let said = blob.verify(&format!("sha256:{}", hex::encode(&sha256(Blob::ARTIFACT))));
    assert_eq!(said.exit, 1);
    assert!(said.sentence().contains("NEEDS_ARTIFACT_BYTES"), "{said:?}");
}

/// Pure Ed25519 signs the bytes themselves: no digest of them is enough, so the file is read a second time.
#[test]
fn a_pure_ed25519_signature_is_verified_over_the_bytes_of_the_file() {
    let signer = Signer::key(Sigstore::new(1).key_of(KeyKind::Ed25519, "release"));
    let digest = Some(HashAlgorithm::Sha512.hash(&[Blob::ARTIFACT]));
    let pure = signer.key.sign_with(Scheme::Ed25519, Blob::ARTIFACT);
    let blob = Blob::new().signed(&signer, |_, sigstore| logged(Bundle::message(digest, pure, &signer), sigstore));
    let said = blob.verify(&blob.path("artifact"));
    assert_eq!(said.exit, 0, "{said:?}");
    std::fs::write(blob.path("artifact"), b"another").unwrap();
    assert_eq!(blob.verify(&blob.path("artifact")).exit, 1);
}

/// A file whose name looks like a digest is a file (the protocol's own rule).
#[test]
fn a_path_comes_before_a_digest() {
    let signer = Signer::key(Sigstore::new(1).key("release"));
    let blob = Blob::new().signed(&signer, logged);
    let digest = format!("sha256:{}", hex::encode(&sha256(Blob::ARTIFACT)));
    std::fs::write(blob.path(&digest), b"another").unwrap();
    let run = |artifact: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_veriseal"))
            .current_dir(blob.folder.path())
            .args(["verify-bundle", "--bundle", "bundle.json", "--key", "key.pub", "--trusted-root", "root.json", artifact])
            .output();
        output.unwrap().status.code()
    };
    assert_eq!(run(&digest), Some(1));
    std::fs::remove_file(blob.path(&digest)).unwrap();
    assert_eq!(run(&digest), Some(0));
    assert_eq!(run(&digest.to_uppercase()), Some(1));
}

#[test]
fn whatever_is_wrong_ends_with_one_and_says_why() {
    let signer = Signer::key(Sigstore::new(1).key("release"));
    let blob = Blob::new().signed(&signer, logged);
    std::fs::write(blob.path("junk"), b"junk").unwrap();
    let (artifact, bundle) = (blob.path("artifact"), blob.path("bundle.json"));
    let (key, root, junk, none) = (blob.path("key.pub"), blob.path("root.json"), blob.path("junk"), blob.path("none"));
    for (arguments, reason) in [
        (vec!["--bundle", &bundle, "--key", &key, "--trusted-root", &root, &none], "No such file"),
        (vec!["--bundle", &none, "--key", &key, "--trusted-root", &root, &artifact], "--bundle"),
        (vec!["--bundle", &junk, "--key", &key, "--trusted-root", &root, &artifact], "rejected: "),
        (vec!["--bundle", &bundle, "--key", &junk, "--trusted-root", &root, &artifact], "KEY_INVALID"),
        (vec!["--bundle", &bundle, "--key", &none, "--trusted-root", &root, &artifact], "--key"),
        (vec!["--bundle", &bundle, "--key", &key, "--trusted-root", &junk, &artifact], "TRUST_ROOT_INVALID"),
        (vec!["--bundle", &bundle, "--key", &key, "--trusted-root", &none, &artifact], "--trusted-root"),
        (vec!["--bundle", &bundle, "--key", &key, &artifact], "LOG_UNKNOWN"),
        (vec!["--bundle", &bundle, "--key", &key, "--staging", &artifact], "LOG_UNKNOWN"),
        (vec!["--bundle", &bundle, "--trusted-root", &root, &artifact], "nobody is named"),
        (vec!["--bundle", &bundle, "--certificate-identity", "a", &artifact], "--certificate-oidc-issuer"),
        (vec!["--bundle", &bundle, "--certificate-oidc-issuer", "a", &artifact], "--certificate-identity"),
        (vec!["--bundle", &bundle, "--key", &key], "FILE_OR_DIGEST"),
        (vec!["--key", &key, &artifact], "--bundle"),
        (vec!["--no-such-option"], "--no-such-option"),
    ] {
        let said = veriseal(["verify-bundle"].iter().chain(&arguments));
        assert_eq!((said.exit, said.out.as_str()), (1, ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(reason), "{arguments:?}: {said:?}");
    }
    let given = ["verify-bundle", "--staging", "--bundle", &bundle, "--key", &key, "--trusted-root", &root, &artifact];
    assert_eq!(veriseal(given).exit, 0, "a trusted root that is given rules");
}

/// The other claim than that of images: an attestation of any type is a statement about the artifact.
#[test]
fn a_statement_of_any_type_counts() {
    let stage = Stage::new(scenario::attestation_only());
    let referrer = &stage.scenario.store.referrers[&stage.scenario.image.digest][0];
    let manifest = &stage.scenario.store.manifests[&referrer["digest"].as_str().unwrap().parse().unwrap()];
    let manifest: Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap();
    std::fs::write(stage.path("bundle.json"), &stage.scenario.store.blobs[&digest]).unwrap();
    let (bundle, root) = (stage.text("bundle.json"), stage.text("root.json"));
    let mut arguments = vec!["verify-bundle".to_owned(), "--bundle".to_owned(), bundle];
    arguments.extend(stage.authority());
    arguments.extend(["--trusted-root".to_owned(), root, stage.scenario.image.digest.to_string()]);
    let said = veriseal(arguments);
    assert_eq!(said.exit, 0, "{said:?}");
}
