//! [`veriseal_evidence`]: what was gathered of one image, to be judged now or elsewhere.

use crate::accepted::{settle, veriseal_accepted};
use crate::call::veriseal_call;
use crate::error::{Problem, veriseal_error};
use crate::handle::{Opaque, borrow, free};
use crate::input::{bytes, some_text, veriseal_bytes};
use crate::registry;
use crate::report::veriseal_report;
use crate::source::veriseal_source;
use crate::status::veriseal_status;
use crate::verifier::{optional_call, veriseal_verifier};
use std::ffi::c_char;
use std::sync::OnceLock;
use veriseal::code::Class;
use veriseal::gather::Evidence;
use veriseal::{Code, Failure, Reference, UnixTime};

/// What was gathered of one image: bytes that match their digests, not yet judged.
///
/// Immutable and thread-safe. Freed with `veriseal_evidence_free`.
pub struct veriseal_evidence {
    _opaque: [u8; 0],
}

pub(crate) struct EvidenceInner {
    evidence: Evidence,
    archive: OnceLock<Vec<u8>>,
}

impl EvidenceInner {
    fn new(evidence: Evidence) -> Self {
        Self { evidence, archive: OnceLock::new() }
    }
}

impl Opaque for veriseal_evidence {
    type Inner = EvidenceInner;
    const TAG: u64 = 0x7665_7269_0000_000e;
}

/// Gathers what `veriseal_verify` would look at, without judging it. `call` may be NULL.
///
/// DONE; REJECTED or UNDECIDED where the image itself could not be had, with the reason in `*error`; REFUSED. `*out` is the
/// caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_evidence_gather(
    verifier: *const veriseal_verifier,
    source: *const veriseal_source,
    reference: *const c_char,
    reference_len: usize,
    call: *const veriseal_call,
    out: *mut *mut veriseal_evidence,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: NULL or live handles, as the header asks.
        let (verifier, source) = unsafe { (borrow(verifier, "verifier")?, borrow(source, "source")?) };
        // SAFETY: as above.
        let call = unsafe { optional_call(call) }?;
        // SAFETY: `reference_len` readable bytes, as the header asks.
        let reference = source.reference(unsafe { some_text(reference, reference_len, "reference") }?)?;
        let gathered = verifier.of(&reference).and_then(|verifier| verifier.gather(&reference, &source.begin(call)));
        let evidence = gathered.map_err(|failure| {
            let status = match failure.code().class() {
                Class::Rejected => veriseal_status::Rejected,
                Class::Usage => veriseal_status::Refused,
                _ => veriseal_status::Undecided,
            };
            Problem { status, failure, message: None }
        })?;
        out.put(EvidenceInner::new(evidence));
        Ok(veriseal_status::Done)
    })
}

/// Loads evidence that was saved, from a directory or a `.tar` archive. Every byte is hashed again; what else it claims is
/// used for nothing. `path` is UTF-8.
///
/// DONE; REFUSED with EVIDENCE_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_evidence_new_file(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut veriseal_evidence,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        let path = unsafe { some_text(path, path_len, "path") }?;
        out.put(EvidenceInner::new(registry::evidence_open(path)?));
        Ok(veriseal_status::Done)
    })
}

/// Loads evidence out of memory: the content of an archive that `veriseal_evidence_save` wrote, or what
/// `veriseal_evidence_archive` gave. Believed no more than a file is. It is copied.
///
/// DONE; REFUSED with EVIDENCE_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_evidence_new_archive(
    archive: *const u8,
    archive_len: usize,
    out: *mut *mut veriseal_evidence,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `archive_len` readable bytes, as the header asks.
        let archive = unsafe { bytes(archive, archive_len, "archive") }?;
        out.put(EvidenceInner::new(registry::evidence_read(archive)?));
        Ok(veriseal_status::Done)
    })
}

/// The `.tar` archive that `veriseal_evidence_save` would write, for a database or a wire. Empty for NULL, and where the library
/// was built without the feature `registry`. Made at the first call; lives as long as the evidence.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_evidence_archive(evidence: *const veriseal_evidence) -> veriseal_bytes {
    value_boundary!(veriseal_bytes::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(evidence, "evidence") }.map_or(veriseal_bytes::EMPTY, |inner| {
            inner.archive.get_or_init(|| registry::evidence_archive(&inner.evidence)).as_slice().into()
        })
    })
}

/// Saves evidence to a path that ends in `.tar`, else to a directory of that name, which may not exist yet with content.
/// Complete or not at all. `path` is UTF-8.
///
/// DONE; REFUSED with EVIDENCE_UNWRITABLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_evidence_save(
    evidence: *const veriseal_evidence,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: NULL or a live handle, as the header asks.
        let inner = unsafe { borrow(evidence, "evidence") }?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        registry::evidence_save(unsafe { some_text(path, path_len, "path") }?, &inner.evidence)?;
        Ok(veriseal_status::Done)
    })
}

/// Judges evidence without fetching anything. `image` names repository and digest (`registry/repository@sha256:…`, or
/// `oci:PATH@sha256:…` for evidence of a layout): which image the evidence must be about, the caller says and never the evidence.
///
/// As `veriseal_verify`; REJECTED with EVIDENCE_FOR_OTHER_IMAGE where repository or digest differ, REFUSED with DIGEST_REQUIRED
/// where `image` has no digest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_judge(
    verifier: *const veriseal_verifier,
    evidence: *const veriseal_evidence,
    image: *const c_char,
    image_len: usize,
    now: i64,
    accepted: *mut *mut veriseal_accepted,
    report: *mut *mut veriseal_report,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [accepted, report], {
        accepted.required("accepted")?;
        // SAFETY: NULL or live handles, as the header asks.
        let (verifier, inner) = unsafe { (borrow(verifier, "verifier")?, borrow(evidence, "evidence")?) };
        // SAFETY: `image_len` readable bytes, as the header asks.
        let image = Reference::parse_source(unsafe { some_text(image, image_len, "image") }?)?;
        let digest = image.digest().ok_or_else(|| Failure::new(Code::DigestRequired).found(&image).at("image"))?;
        let outcome = verifier.judge(image.repository(), digest, &inner.evidence, UnixTime::from_seconds(now));
        settle(outcome, &accepted, &report)
    })
}

/// Frees evidence. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_evidence_free(evidence: *mut veriseal_evidence) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(evidence) }
    })
}
