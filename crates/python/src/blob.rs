//! Blobs: a file or bytes, with a Sigstore bundle.

use crate::file::{self, Input};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use veriseal::{AcceptedBlob, Artifact, ArtifactHasher, Code, Failure, NotAccepted, UnixTime, Verifier};

/// Largest artifact that is read as a whole, for signatures that are made over the bytes themselves (pure Ed25519).
const MAX_ARTIFACT_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes that are hashed at a time.
const CHUNK: usize = 64 * 1024;

/// Why there is no acceptance: input that cannot be read, or the verdict.
pub(crate) enum NotVerified {
    Unusable(Failure),
    Verdict(NotAccepted),
}

/// Verifies the artifact that a file or bytes are.
pub(crate) fn verify(verifier: &Verifier, artifact: &Input, bundle: &[u8], now: UnixTime) -> Result<AcceptedBlob, NotVerified> {
    match artifact {
        Input::Bytes(bytes) => verifier.verify_blob(&Artifact::bytes(bytes), bundle, now).map_err(NotVerified::Verdict),
        Input::Path(path) => match verifier.verify_blob(&hash(path)?, bundle, now) {
            // No prehash: the bytes themselves were signed.
            Err(not_accepted) if not_accepted.code() == Code::NeedsArtifactBytes => {
                let bytes = file::read(path, MAX_ARTIFACT_BYTES, Code::ArtifactUnreadable).map_err(NotVerified::Unusable)?;
                verifier.verify_blob(&Artifact::bytes(&bytes), bundle, now).map_err(NotVerified::Verdict)
            }
            outcome => outcome.map_err(NotVerified::Verdict),
        },
    }
}

/// Takes the digests of a file in constant memory.
fn hash(path: &Path) -> Result<Artifact<'static>, NotVerified> {
    let unreadable =
        |error: std::io::Error| NotVerified::Unusable(Failure::new(Code::ArtifactUnreadable).found(error).at(path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = ArtifactHasher::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(hasher.finish()),
            Some(bytes) => hasher.update(bytes),
        }
    }
}
