//! What the checks stand on: a registry, a key pair, images, cosign to sign them and veriseal to judge them.

use crate::Failed;
use crate::registry::{INDEX, MANIFEST, Registry};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Which cosign: they differ in flags and in what they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cosign {
    /// 2.x: a simple-signing signature under the tag `sha256-<hex>.sig`.
    Two,
    /// 3.x: a bundle as a referrer.
    Three,
}

/// All that one run of the checks needs.
pub struct Stage {
    folder: PathBuf,
    pub registry: Registry,
    veriseal: PathBuf,
    cosign: [Option<PathBuf>; 2],
}

/// What veriseal said about one image.
pub struct Said {
    pub exit: i32,
    pub report: Value,
    pub text: String,
}

impl Stage {
    /// Makes two key pairs: `cosign`, which signs, and `other`, which does not.
    pub fn set(folder: &Path, registry: Registry, veriseal: PathBuf, cosign: [Option<PathBuf>; 2]) -> Result<Self, Failed> {
        let stage = Self { folder: folder.to_path_buf(), registry, veriseal, cosign };
        let any = stage.cosign.iter().flatten().next().ok_or_else(|| Failed("no cosign".into()))?;
        for name in ["cosign", "other"] {
            stage.run(any, ["generate-key-pair", "--output-key-prefix", name])?;
        }
        if let Some(three) = &stage.cosign[1] {
            stage.run(three, ["signing-config", "create", "--out", "signing-config.json"])?;
        }
        Ok(stage)
    }

    pub fn has(&self, cosign: Cosign) -> bool {
        self.cosign[cosign as usize].is_some()
    }

    /// Pushes an image whose only file holds `text`, under `tag`; answers its digest.
    pub fn push(&self, repository: &str, tag: &str, text: &str) -> Result<String, Failed> {
        let layer = self.registry.put_blob(repository, text.as_bytes())?;
        // Not a tar archive: nobody unpacks it, and no verifier may care.
        let config =
            json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [layer]}});
        let config = config.to_string();
        let config_digest = self.registry.put_blob(repository, config.as_bytes())?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": text.len()}],
        });
        self.registry.put_manifest(repository, tag, MANIFEST, manifest.to_string().as_bytes())
    }

    /// Pushes an index over images already there; answers its digest.
    pub fn push_index(&self, repository: &str, tag: &str, images: &[&str]) -> Result<String, Failed> {
        let mut entries = Vec::new();
        for (image, architecture) in images.iter().zip(["amd64", "arm64"]) {
            let size = self.registry.manifest(repository, image)?.len();
            let platform = json!({"os": "linux", "architecture": architecture});
            entries.push(json!({"mediaType": MANIFEST, "digest": image, "size": size, "platform": platform}));
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        self.registry.put_manifest(repository, tag, INDEX, index.to_string().as_bytes())
    }

    /// Signs `repository@digest` with the key pair, without a log.
    pub fn sign(&self, cosign: Cosign, repository: &str, digest: &str) -> Result<(), Failed> {
        self.sign_with(cosign, repository, digest, &[], &[])
    }

    /// The same with further flags and variables.
    pub fn sign_with(
        &self,
        cosign: Cosign,
        repository: &str,
        digest: &str,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<(), Failed> {
        let program = self.cosign[cosign as usize].as_ref().ok_or_else(|| Failed("no such cosign".into()))?;
        let image = format!("{}/{repository}@{digest}", self.registry.host);
        let without_log: &[&str] = match cosign {
            Cosign::Two => &["--tlog-upload=false"],
            Cosign::Three => &["--signing-config", "signing-config.json"],
        };
        let arguments = ["sign", "--key", "cosign.key", "--yes", "--allow-http-registry"].iter().chain(without_log).chain(flags);
        let mut command = self.command(program);
        command.args(arguments.copied().chain([image.as_str()])).envs(environment.iter().copied());
        run(&mut command)
    }

    /// Attests provenance of `repository@digest` with the key pair, without a log.
    pub fn attest(&self, cosign: Cosign, repository: &str, digest: &str) -> Result<(), Failed> {
        let program = self.cosign[cosign as usize].as_ref().ok_or_else(|| Failed("no such cosign".into()))?;
        let image = format!("{}/{repository}@{digest}", self.registry.host);
        let predicate = json!({
            "buildDefinition": {"buildType": "https://interop.example/build/v1", "externalParameters": {}},
            "runDetails": {"builder": {"id": "https://interop.example/builder"}},
        });
        fs::write(self.folder.join("predicate.json"), predicate.to_string())?;
        let without_log: &[&str] = match cosign {
            Cosign::Two => &["--tlog-upload=false"],
            Cosign::Three => &["--signing-config", "signing-config.json"],
        };
        let what = ["--predicate", "predicate.json", "--type", "slsaprovenance1"];
        let arguments =
            ["attest", "--key", "cosign.key", "--yes", "--allow-http-registry"].iter().chain(&what).chain(without_log);
        self.run(program, arguments.copied().chain([image.as_str()]))?;
        Ok(())
    }

    /// Puts what was said of `signed` where that of `other` would be, the way its cosign stores it: a signature (`sig`) or
    /// an attestation (`att`).
    pub fn move_signature(&self, cosign: Cosign, kind: &str, repository: &str, signed: &str, other: &str) -> Result<(), Failed> {
        let tag = |digest: &str| digest.replace(':', "-");
        if cosign == Cosign::Two {
            let manifest = self.registry.manifest(repository, &format!("{}.{kind}", tag(signed)))?;
            self.registry.put_manifest(repository, &format!("{}.{kind}", tag(other)), MANIFEST, &manifest)?;
            return Ok(());
        }
        let fallback: Value = parse(&self.registry.manifest(repository, &tag(signed))?)?;
        let bundle = fallback["manifests"][0]["digest"].as_str().ok_or_else(|| Failed("the fallback index is empty".into()))?;
        // The outer manifest is unsigned, so an attacker lets it name the other image; only the statement still tells.
        let manifest = String::from_utf8_lossy(&self.registry.manifest(repository, bundle)?).replace(signed, other);
        let moved = self.registry.put_manifest(repository, "moved", MANIFEST, manifest.as_bytes())?;
        let kind = &fallback["manifests"][0]["artifactType"];
        let entry = json!({"mediaType": MANIFEST, "digest": moved, "size": manifest.len(), "artifactType": kind});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
        self.registry.put_manifest(repository, &tag(other), INDEX, index.to_string().as_bytes())?;
        Ok(())
    }

    /// `veriseal verify` of a reference in the registry without regard to logs, with further flags.
    pub fn verify(&self, reference: &str, flags: &[&str]) -> Result<Said, Failed> {
        self.verify_with_log(reference, "ignored", flags)
    }

    /// `veriseal verify` of a reference in the registry.
    pub fn verify_with_log(&self, reference: &str, log: &str, flags: &[&str]) -> Result<Said, Failed> {
        self.verify_source(&format!("{}/{reference}", self.registry.host), log, flags)
    }

    /// `veriseal verify` of a reference anywhere.
    pub fn verify_source(&self, source: &str, log: &str, flags: &[&str]) -> Result<Said, Failed> {
        let arguments = [&["verify", "--output", "json", "--tlog", log], flags, &[source]].concat();
        self.veriseal(&arguments)
    }

    /// Any veriseal command.
    pub fn veriseal(&self, arguments: &[&str]) -> Result<Said, Failed> {
        let output = self
            .command(&self.veriseal)
            .args(arguments)
            .output()
            .map_err(|error| Failed(format!("{}: {error}", self.veriseal.display())))?;
        let text = said(&output);
        let exit = output.status.code().ok_or_else(|| Failed(format!("veriseal was ended by a signal: {text}")))?;
        Ok(Said { exit, report: parse(&output.stdout).unwrap_or(Value::Null), text })
    }

    /// Any program of the machine; answers what it printed.
    pub fn program(&self, name: &str, arguments: &[&str]) -> Result<String, Failed> {
        let mut command = self.command(Path::new(name));
        let output = command.args(arguments).output().map_err(|error| Failed(format!("{name}: {error}")))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(Failed(format!("{name} {}: {}", arguments.join(" "), said(&output))))
        }
    }

    /// Where the checks work.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The flags for a registry on loopback and the key that signs.
    pub fn trusting(&self, key: &'static str) -> [&str; 4] {
        ["--allow-http", &self.registry.host, "--key", key]
    }

    /// Whether a cosign command succeeds, and otherwise what it says. That it cannot be used so is no answer.
    pub fn cosign_accepts(
        &self,
        cosign: Cosign,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> Result<Result<(), String>, Failed> {
        let program = self.cosign[cosign as usize].as_ref().ok_or_else(|| Failed("no such cosign".into()))?;
        let mut command = self.command(program);
        command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().map_err(|error| Failed(format!("{}: {error}", program.display())))?;
        match said(&output) {
            _ if output.status.success() => Ok(Ok(())),
            said if ["unsupported: ", "unknown flag", "unknown command"].iter().any(|words| said.contains(words)) => {
                Err(Failed(said))
            }
            said => Ok(Err(said)),
        }
    }

    fn run(&self, program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), Failed> {
        run(self.command(program).args(arguments))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("COSIGN_PASSWORD", "").env("HOME", &self.folder).stdin(Stdio::null());
        command
    }
}

fn run(command: &mut Command) -> Result<(), Failed> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Failed(format!("{program}: {error}")))?;
    if output.status.success() { Ok(()) } else { Err(Failed(format!("{program}: {}", said(&output)))) }
}

fn parse(bytes: &[u8]) -> Result<Value, Failed> {
    serde_json::from_slice(bytes).map_err(|error| Failed(error.to_string()))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Makes `folder` empty.
pub fn empty(folder: &Path) -> Result<(), Failed> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}
