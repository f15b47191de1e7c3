//! What the testkit makes, held against cosign: the product's tests are made with it, so maker and checker could share a
//! misreading that only a foreign verifier shows.

use crate::stage::{Cosign, Stage};
use crate::{Failed, Tally, number};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Bundles in a folder and images in a registry, both made by the testkit's examples.
pub struct Testkit {
    folder: PathBuf,
    /// The flags that name the signer of whatever has a certificate.
    identity: Vec<String>,
    images: Vec<Image>,
    server: Child,
    /// The registry serves until this is closed.
    _open: ChildStdin,
}

/// One scenario.
struct Image {
    reference: String,
    name: String,
    by_key: bool,
    /// The predicate type that is asked for, where it is an attestation.
    attestation: Option<String>,
    /// The code that veriseal answers, as the testkit's own tests hold it.
    verdict: String,
}

impl Drop for Testkit {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What a bundle holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Message,
    Statement,
}
use Content::{Message, Statement};

/// Bundles of the example `materials` by their file names, and the digest that cosign must be told of: with a key it takes
/// SHA-256 for every curve. Left out is the message that a bare Ed25519 key signed: it is Ed25519ph, which cosign takes for
/// pure Ed25519 there, but knows under a certificate.
const BUNDLES: &[(&str, &str, Content, &str)] = &[
    ("keyless_message_v0_1", "v1-bundle-v01", Message, ""),
    ("keyless_message_v0_2", "v1-bundle-v02", Message, ""),
    ("keyless_message_v0_3", "v1", Message, ""),
    ("keyless_message_with_timestamp", "v1-tsa", Message, ""),
    ("keyless_message_in_rekor_v2", "v2", Message, ""),
    ("keyless_dsse", "dsse-v1", Statement, ""),
    ("keyless_dsse_logged_as_intoto", "dsse-v1-intoto", Statement, ""),
    ("keyless_dsse_in_rekor_v2", "dsse-v2", Statement, ""),
    ("keyless_message_p384", "keyless-p384", Message, ""),
    ("keyless_message_p384_in_rekor_v2", "keyless-p384-v2", Message, ""),
    ("keyless_message_p521", "keyless-p521", Message, ""),
    ("keyless_message_p521_in_rekor_v2", "keyless-p521-v2", Message, ""),
    ("keyless_message_ed25519ph", "keyless-ed25519", Message, ""),
    ("keyless_message_ed25519ph_in_rekor_v2", "keyless-ed25519-v2", Message, ""),
    ("keyless_message_rsa2048", "keyless-rsa2048", Message, ""),
    ("keyless_message_rsa2048_in_rekor_v2", "keyless-rsa2048-v2", Message, ""),
    ("key_message_p256", "p256", Message, ""),
    ("key_message_p384", "p384", Message, "sha384"),
    ("key_message_p521", "p521", Message, "sha512"),
    ("key_message_rsa2048", "rsa2048", Message, ""),
    ("key_message_rsa4096", "rsa4096", Message, ""),
    ("key_dsse_p256", "p256-dsse", Statement, ""),
    ("key_dsse_p384", "p384-dsse", Statement, "sha384"),
    ("key_dsse_p521", "p521-dsse", Statement, "sha512"),
    ("key_dsse_ed25519", "ed25519-dsse", Statement, ""),
    ("key_dsse_rsa2048", "rsa2048-dsse", Statement, ""),
    ("key_dsse_rsa4096", "rsa4096-dsse", Statement, ""),
];

/// Accepted by cosign and not by veriseal: `cosign verify` takes an attestation of any predicate for a signature.
const ONLY_COSIGN: &str = "attestation_only";

impl Testkit {
    /// Lets the examples `materials` and `registry` make everything, under `folder`.
    pub fn make(materials: &Path, registry: &Path, folder: &Path) -> Result<Self, Failed> {
        let folder = folder.join("testkit");
        let made = Command::new(materials).arg(&folder).stdin(Stdio::null()).output()?;
        if !made.status.success() {
            return Err(Failed(format!("{}: {}", materials.display(), String::from_utf8_lossy(&made.stderr))));
        }
        std::fs::write(folder.join("another"), "another artifact\n")?;
        let identity = String::from_utf8_lossy(&made.stdout).split_whitespace().map(str::to_owned).collect();
        let mut server =
            Command::new(registry).arg(folder.join("images")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (stdin, stdout) = (server.stdin.take(), server.stdout.take());
        let mut testkit = match stdin {
            Some(open) => Self { folder, identity, images: Vec::new(), server, _open: open },
            None => return Err(Failed("the registry has no standard input".into())),
        };
        let lines = stdout.map(BufReader::new).ok_or_else(|| Failed("the registry has no standard output".into()))?.lines();
        // An empty line ends the list.
        for line in lines {
            let line = line?;
            if line.is_empty() {
                return Ok(testkit);
            }
            testkit.images.push(Image::read(&line).ok_or_else(|| Failed(format!("not a scenario: {line}")))?);
        }
        Err(Failed("the registry ended".into()))
    }

    /// Everything with one cosign.
    pub fn check(&self, stage: &Stage, cosign: Cosign, tally: &mut Tally) {
        for (name, file, content, digest) in BUNDLES {
            let outcome = self.bundle(stage, cosign, file, *content, digest);
            tally.count(&format!("cosign_{}::testkit_bundle::{name}", number(cosign)), outcome);
        }
        for image in &self.images {
            tally.count(&format!("cosign_{}::testkit_image::{}", number(cosign), image.name), self.image(stage, cosign, image));
        }
    }

    /// It is accepted for its artifact and refused for another.
    fn bundle(&self, stage: &Stage, cosign: Cosign, file: &str, content: Content, digest: &str) -> Result<(), Failed> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let key = path(&format!("{}.pub", file.trim_end_matches("-dsse")));
        let mut arguments: Vec<String> = match content {
            Message => vec!["verify-blob".into()],
            Statement => vec!["verify-blob-attestation".into(), "--type=https://sigstore.dev/cosign/sign/v1".into()],
        };
        arguments.extend(["--bundle".into(), path(&format!("{file}.json")), "--trusted-root".into(), path("trusted_root.json")]);
        if cosign == Cosign::Two {
            arguments.push("--new-bundle-format".into());
        }
        if file.ends_with("v2") {
            arguments.push("--use-signed-timestamps".into());
        }
        if !digest.is_empty() {
            arguments.push(format!("--signature-digest-algorithm={digest}"));
        }
        if Path::new(&key).is_file() {
            arguments.extend(["--key".into(), key]);
        } else {
            arguments.extend(self.identity.iter().cloned());
        }
        let with = |artifact: &str| arguments.iter().cloned().chain([path(artifact)]).collect::<Vec<_>>();
        stage.cosign_accepts(cosign, &with("artifact"), &[])?.map_err(|said| Failed(format!("refused: {said}")))?;
        match stage.cosign_accepts(cosign, &with("another"), &[])? {
            Ok(()) => Err(Failed("accepted for another artifact too".into())),
            Err(_) => Ok(()),
        }
    }

    /// cosign accepts what veriseal must accept, and refuses what it must refuse.
    fn image(&self, stage: &Stage, cosign: Cosign, image: &Image) -> Result<(), Failed> {
        let folder = self.folder.join("images");
        let path = |name: &str| folder.join(name).display().to_string();
        let mut arguments: Vec<String> = match &image.attestation {
            None => vec!["verify".into()],
            Some(predicate_type) => vec!["verify-attestation".into(), "--type".into(), predicate_type.clone()],
        };
        arguments.push("--allow-http-registry".into());
        let mut environment = Vec::new();
        if cosign == Cosign::Two && image.name.starts_with("attestation_layer") {
            // It takes no trusted root for attestations of this layout, but piece by piece what one holds.
            let piece = |name: &str| self.folder.join(name).display().to_string();
            environment =
                vec![("SIGSTORE_REKOR_PUBLIC_KEY", piece("rekor.pub")), ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", piece("ctlog.pub"))];
            if !image.by_key {
                arguments.extend([
                    "--ca-roots".into(),
                    piece("root.pem"),
                    "--ca-intermediates".into(),
                    piece("intermediate.pem"),
                ]);
            }
            if image.name.ends_with("_with_timestamp") {
                arguments.extend(["--timestamp-certificate-chain".into(), piece("tsa-chain.pem")]);
            }
        } else {
            arguments.extend(["--trusted-root".into(), path("trusted_root.json")]);
        }
        if image.by_key {
            arguments.extend(["--key".into(), path("cosign.pub")]);
        } else {
            arguments.extend(self.identity.iter().cloned());
        }
        if image.name.ends_with("_in_rekor_v2") || image.name.ends_with("_with_timestamp") {
            arguments.push("--use-signed-timestamps".into());
        }
        arguments.push(image.reference.clone());
        let wanted = image.verdict == "ACCEPTED" || image.name == ONLY_COSIGN;
        match (stage.cosign_accepts(cosign, &arguments, &environment)?, wanted) {
            (Ok(()), true) | (Err(_), false) => Ok(()),
            (Err(said), true) => Err(Failed(format!("refused: {said}"))),
            (Ok(()), false) => Err(Failed(format!("accepted, where veriseal answers {}", image.verdict))),
        }
    }
}

impl Image {
    /// `127.0.0.1:PORT/NAME:TAG AUTHORITY ATTESTATION VERDICT`; `-` where a signature is asked for.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (reference, authority, attestation, verdict) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let name = reference.split_once('/')?.1.split_once(':')?.0;
        let attestation = (attestation != "-").then(|| attestation.to_owned());
        let (reference, verdict) = (reference.into(), verdict.into());
        Some(Self { reference, name: name.into(), by_key: authority == "Key", attestation, verdict })
    }
}
