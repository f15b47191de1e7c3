//! What the C programs work on, made by the testkit in a folder of their own.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use veriseal_testkit::ImageBuilder;
use veriseal_testkit::scenario::{self, Scenario};

/// A folder with trust root, keys, policy, image layouts and a bundle.
pub(crate) struct Materials {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) image: String,
    pub(crate) pinned: String,
    pub(crate) now: String,
}

impl Materials {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut signed = scenario::key_signed();
        write(&signed, folder.path(), "signed");
        scenario::unsigned().store.write_layout(folder.path().join("unsigned")).unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        put("other.pem", signed.sigstore.key("other").public_pem().as_bytes());
        let bundle = signed.bundle(&signed.key_signer());
        put("bundle.json", &bundle.to_bytes());
        put("bundle.digest", signed.image.digest.to_string().as_bytes());
        let mut index = scenario::key_signed();
        index.image = ImageBuilder::multi_arch("app", &["amd64", "arm64"]).tagged(&mut index.store, scenario::TAG);
        let bundle = index.bundle(&index.key_signer());
        index.store.attach_bundle(&index.image, &bundle);
        index.store.write_layout(folder.path().join("index")).unwrap();
        put("policy.yaml", policy(&["registry.testkit.example/acme/**"]).as_bytes());
        Self { image: signed.reference(), pinned: signed.pinned(), now: signed.now.seconds().to_string(), folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The arguments of every program.
    pub(crate) fn arguments(&self) -> Vec<String> {
        vec![self.path().display().to_string(), self.image.clone(), self.pinned.clone(), self.now.clone()]
    }
}

/// Layout, trust root and key of a scenario.
pub(crate) fn write(scenario: &Scenario, folder: &Path, name: &str) -> PathBuf {
    let layout = folder.join(name);
    scenario.store.write_layout(&layout).unwrap();
    std::fs::write(folder.join("trusted_root.json"), scenario.trusted_root()).unwrap();
    std::fs::write(folder.join("key.pem"), &scenario.key_pem).unwrap();
    layout
}

/// A policy file that asks for the scenario's key for these images and denies all others.
pub(crate) fn policy(patterns: &[&str]) -> String {
    format!(
        "apiVersion: veriseal/v1\ntrust:\n  testkit: {{trustedRoot: trusted_root.json}}\nimages:\n  - match: {patterns:?}\n    \
         require:\n      signature: {{key: {{file: key.pem, trust: testkit}}}}\n  - match: [\"**\"]\n    \
         deny: {{reason: not one of ours}}\n"
    )
}
