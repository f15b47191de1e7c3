//! [`veriseal_accepted_blob`]: the one thing that means success for a blob with its bundle.

use crate::accepted::status_of;
use crate::error::{Problem, veriseal_error};
use crate::handle::{Opaque, Out, borrow, free};
use crate::input::{bytes, some_text, veriseal_str};
use crate::report::{Outcome, ReportInner, veriseal_report};
use crate::status::veriseal_status;
use crate::verifier::{VerifierInner, veriseal_verifier};
use std::ffi::c_char;
use std::sync::Arc;
use veriseal::{Artifact, Digest, UnixTime};

/// A blob that was accepted with its bundle. Only the library makes one.
///
/// Immutable and thread-safe. Freed with `veriseal_accepted_blob_free`.
pub struct veriseal_accepted_blob {
    _opaque: [u8; 0],
}

pub(crate) struct AcceptedBlobInner {
    digest: String,
}

impl Opaque for veriseal_accepted_blob {
    type Inner = AcceptedBlobInner;
    const TAG: u64 = 0x7665_7269_0000_000f;
}

/// Verifies a blob with its Sigstore bundle, both from memory. `now` as for `veriseal_verify`.
///
/// Where and only where the blob was accepted, `*accepted` is not NULL: test that, not the status. `*report` is set for
/// ACCEPTED, REJECTED and UNDECIDED, `*error` for negative statuses; either place may be NULL. All are the caller's. A verifier
/// with a policy file is MISUSE: its rules are about images.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verify_blob(
    verifier: *const veriseal_verifier,
    blob: *const u8,
    blob_len: usize,
    bundle: *const u8,
    bundle_len: usize,
    now: i64,
    accepted: *mut *mut veriseal_accepted_blob,
    report: *mut *mut veriseal_report,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [accepted, report], {
        accepted.required("accepted")?;
        // SAFETY: NULL or a live handle, as the header asks.
        let verifier = unsafe { borrow(verifier, "verifier") }?;
        // SAFETY: `blob_len` and `bundle_len` readable bytes, as the header asks.
        let (blob, bundle) = unsafe { (bytes(blob, blob_len, "blob")?, bytes(bundle, bundle_len, "bundle")?) };
        judge(verifier, &Artifact::bytes(blob), bundle, now, &accepted, &report)
    })
}

/// As `veriseal_verify_blob`, for a blob of which only the digest is at hand: `sha256:` and 64 lower-case hex digits, or
/// `sha384:`, `sha512:`. What can only be verified over the bytes is UNDECIDED with NEEDS_ARTIFACT_BYTES.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verify_digest(
    verifier: *const veriseal_verifier,
    digest: *const c_char,
    digest_len: usize,
    bundle: *const u8,
    bundle_len: usize,
    now: i64,
    accepted: *mut *mut veriseal_accepted_blob,
    report: *mut *mut veriseal_report,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [accepted, report], {
        accepted.required("accepted")?;
        // SAFETY: NULL or a live handle, as the header asks.
        let verifier = unsafe { borrow(verifier, "verifier") }?;
        // SAFETY: `digest_len` and `bundle_len` readable bytes, as the header asks.
        let (digest, bundle) = unsafe { (some_text(digest, digest_len, "digest")?, bytes(bundle, bundle_len, "bundle")?) };
        let digest: Digest = digest.parse()?;
        judge(verifier, &Artifact::digest(digest), bundle, now, &accepted, &report)
    })
}

/// The digest of the blob that was verified, such as `sha256:…`. Empty for NULL. Lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_blob_digest(accepted: *const veriseal_accepted_blob) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(accepted, "accepted") }.map_or(veriseal_str::EMPTY, |inner| inner.digest.as_str().into())
    })
}

/// Frees an accepted blob. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_blob_free(accepted: *mut veriseal_accepted_blob) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(accepted) }
    })
}

fn judge(
    verifier: &VerifierInner,
    artifact: &Artifact<'_>,
    bundle: &[u8],
    now: i64,
    accepted: &Out<veriseal_accepted_blob>,
    report: &Out<veriseal_report>,
) -> Result<veriseal_status, Problem> {
    let VerifierInner::Plain(verifier) = verifier else {
        return Err(Problem::argument("verifier", "one without a policy file, whose rules are about images", "one with"));
    };
    match verifier.verify_blob(artifact, bundle, UnixTime::from_seconds(now)) {
        Ok(found) => {
            let digest = found.digest().to_string();
            report.put(ReportInner::new(Outcome::Blob(Arc::new(found))));
            accepted.put(AcceptedBlobInner { digest });
            Ok(veriseal_status::Accepted)
        }
        Err(not_accepted) => {
            let status = status_of(&not_accepted);
            report.put(ReportInner::new(Outcome::Not(not_accepted)));
            Ok(status)
        }
    }
}
