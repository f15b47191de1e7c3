//! What the tests share: running the command, and scenarios put on disk.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use veriseal_testkit::scenario::{Authority, Scenario};

/// What the command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The one JSON document on standard output.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// One JSON document a line.
    pub(crate) fn reports(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))).collect()
    }

    /// The only line on standard error.
    pub(crate) fn sentence(&self) -> &str {
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.err.trim_end()
    }
}

/// Runs the command. Its environment is empty, so that nothing of the machine decides anything.
pub(crate) fn veriseal(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_veriseal"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the command can be started");
    Said {
        exit: output.status.code().expect("the command was not ended by a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A scenario on disk: its layout, key and trusted root.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) scenario: Scenario,
}

impl Stage {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap(), scenario };
        stage.scenario.store.write_layout(stage.path("image")).unwrap();
        std::fs::write(stage.path("key.pub"), &stage.scenario.key_pem).unwrap();
        std::fs::write(stage.path("root.json"), stage.scenario.trusted_root()).unwrap();
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The layout as a source.
    pub(crate) fn layout(&self) -> String {
        format!("oci:{}:{}", self.path("image").display(), veriseal_testkit::scenario::TAG)
    }

    /// Whom the scenario's policy names.
    pub(crate) fn authority(&self) -> Vec<String> {
        match self.scenario.authority {
            Authority::Key => vec!["--key".to_owned(), self.text("key.pub")],
            Authority::Keyless => [
                ["--certificate-identity", &self.scenario.identity.subject_text()],
                ["--certificate-oidc-issuer", &self.scenario.identity.issuer],
            ]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        }
    }

    /// Authority, claim, trusted root, time and JSON: everything but the image.
    pub(crate) fn flags(&self) -> Vec<String> {
        let mut flags = self.authority();
        let now = self.scenario.now.to_string();
        let more = ["--trusted-root", &self.text("root.json"), "--verification-time", &now, "--output", "json"];
        flags.extend(more.map(str::to_owned));
        flags.extend(self.scenario.attestation.iter().flat_map(|name| ["--attestation".to_owned(), (*name).to_owned()]));
        flags
    }

    /// Runs a subcommand with the scenario's flags and further arguments.
    pub(crate) fn run(&self, subcommand: &str, more: &[&str]) -> Said {
        let mut arguments = vec![subcommand.to_owned()];
        arguments.extend(self.flags());
        arguments.extend(more.iter().map(|text| (*text).to_owned()));
        veriseal(arguments)
    }

    pub(crate) fn verify(&self, more: &[&str]) -> Said {
        self.run("verify", more)
    }
}

/// The folder of vectors, or `None`, and why, when it is absent.
pub(crate) fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("VERISEAL_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")), PathBuf::from);
    if folder.join("MANIFEST.json").is_file() {
        return Some(folder);
    }
    println!("skipped: no vectors at {} (set VERISEAL_VECTORS)", folder.display());
    None
}

/// The example images of the repository.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/images")
}
