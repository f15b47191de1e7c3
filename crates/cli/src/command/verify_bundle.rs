//! `veriseal verify-bundle`: one bundle and one file, as the client protocol of sigstore-conformance asks
//! (`docs/cli_protocol.md` there).
//!
//! Ends with 0 or 1 only: whatever keeps the bundle from being verified is 1, with the reason on standard error.

use crate::arguments::VerifyBundleArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::{authority, clock, file, trust};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use veriseal::{
    AcceptedBlob, Artifact, ArtifactHasher, Claim, Code, Digest, Limits, NotAccepted, Policy, Requirement, Settings,
    SignatureRequirement, TrustRoot, Verifier,
};

/// Largest artifact that is read as a whole, for signatures that are made over the bytes themselves (pure Ed25519).
const MAX_ARTIFACT_BYTES: u64 = 256 * 1024 * 1024;

/// Verifies.
pub(crate) fn run(arguments: &VerifyBundleArguments, console: &mut Console) -> Exit {
    match verify(arguments) {
        Ok(accepted) => {
            console.note(format_args!("accepted: {}", accepted.digest()));
            Exit::Accepted
        }
        Err(reason) => {
            console.note(reason);
            Exit::Rejected
        }
    }
}

fn verify(arguments: &VerifyBundleArguments) -> Result<AcceptedBlob, String> {
    let verifier = Verifier::new(trust_root(arguments)?, policy(arguments)?);
    let bundle = file::read(&arguments.bundle, Limits::DEFAULT.bundle_bytes).map_err(|why| format!("--bundle {why}"))?;
    let now = clock::now();
    let path = Path::new(&arguments.artifact);
    if let Some(digest) = digest(path) {
        return verifier.verify_blob(&Artifact::digest(digest), &bundle, now).map_err(reason);
    }
    match verifier.verify_blob(&hash(path)?, &bundle, now) {
        // No prehash: the bytes themselves were signed.
        Err(not_accepted) if not_accepted.code() == Code::NeedsArtifactBytes => {
            let bytes = file::read(path, MAX_ARTIFACT_BYTES)?;
            verifier.verify_blob(&Artifact::bytes(&bytes), &bundle, now).map_err(reason)
        }
        outcome => outcome.map_err(reason),
    }
}

/// A statement of any type counts and a log entry is needed: what the suite expects of a verifier without a policy.
fn policy(arguments: &VerifyBundleArguments) -> Result<Policy, String> {
    let of = authority::authorities(&arguments.authority)?.into_iter().map(|authority| {
        let requirement = SignatureRequirement::new(authority).settings(Settings::default()).claim(Claim::AnyStatement);
        Requirement::signature(requirement)
    });
    Policy::new(Requirement::Any(of.collect())).map_err(|failure| failure.to_string())
}

fn trust_root(arguments: &VerifyBundleArguments) -> Result<TrustRoot, String> {
    match &arguments.trusted_root {
        Some(path) => trust::from_file(path, "--trusted-root"),
        None if arguments.staging => TrustRoot::sigstore_staging().map_err(|failure| failure.to_string()),
        None => TrustRoot::sigstore().map_err(|failure| failure.to_string()),
    }
}

/// A digest is written `sha256:` and 64 hex digits, and is no path on disk; everything else is a path.
fn digest(text: &Path) -> Option<Digest> {
    if text.exists() {
        return None;
    }
    text.to_str()?.parse().ok().filter(|digest| matches!(digest, Digest::Sha256(_)))
}

/// Takes the digests of a file in constant memory.
fn hash(path: &Path) -> Result<Artifact<'static>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", file::show(path));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = ArtifactHasher::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..read]);
    }
}

fn reason(not_accepted: NotAccepted) -> String {
    not_accepted.to_string()
}
