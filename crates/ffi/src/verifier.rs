//! [`veriseal_verifier`]: trust and policy, prepared once, and the calls that judge images.

use crate::accepted::{settle, veriseal_accepted};
use crate::call::{CallInner, veriseal_call};
use crate::error::{Problem, veriseal_error};
use crate::handle::{Opaque, borrow, borrow_mut, free};
use crate::input::some_text;
use crate::policy::{PolicyInner, veriseal_policy};
use crate::report::veriseal_report;
use crate::source::veriseal_source;
use crate::status::veriseal_status;
use crate::trust_root::veriseal_trust_root;
use ::veriseal_policy::PolicyFile;
use std::ffi::c_char;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use veriseal::gather::{Evidence, Fetch, PlatformChoice};
use veriseal::{Accepted, Digest, Failure, NotAccepted, Reference, Report, Repository, UnixTime, Verifier};

/// Trust and policy, prepared once for any number of calls.
///
/// Set up by one thread; from then on immutable and thread-safe: share one between threads. Holds no clock and does no I/O
/// of its own. Freed with `veriseal_verifier_free` when no call uses it any more.
pub struct veriseal_verifier {
    _opaque: [u8; 0],
}

pub(crate) enum VerifierInner {
    Plain(Box<Verifier>),
    File(Arc<PolicyFile>),
}

impl Opaque for veriseal_verifier {
    type Inner = VerifierInner;
    const TAG: u64 = 0x7665_7269_0000_000c;
}

impl VerifierInner {
    /// The verifier that an image falls to, or why it is refused before anything is gathered.
    pub(crate) fn of(&self, reference: &Reference) -> Result<Verifier, Failure> {
        match self {
            Self::Plain(verifier) => Ok((**verifier).clone()),
            Self::File(file) => file.verifier_for(reference),
        }
    }

    pub(crate) fn refuse(&self, reference: &Reference, failure: Failure, now: UnixTime) -> NotAccepted {
        match self {
            Self::Plain(verifier) => verifier.refuse(reference, failure, now),
            Self::File(file) => file.refuse(reference, failure, now),
        }
    }

    /// The verifier, to be set up.
    fn plain(&mut self) -> Result<&mut Verifier, Problem> {
        match self {
            Self::Plain(verifier) => Ok(verifier),
            Self::File(_) => Err(Problem::argument("verifier", "one without a policy file, which says it itself", "one with")),
        }
    }

    pub(crate) fn verify(&self, reference: &Reference, fetch: &dyn Fetch, now: UnixTime) -> Result<Accepted, NotAccepted> {
        match self {
            Self::Plain(verifier) => verifier.verify(reference, fetch, now),
            Self::File(file) => file.verify(reference, fetch, now),
        }
    }

    pub(crate) fn judge(
        &self,
        repository: &Repository,
        digest: &Digest,
        evidence: &Evidence,
        now: UnixTime,
    ) -> Result<Accepted, NotAccepted> {
        match self {
            Self::Plain(verifier) => verifier.judge(repository, digest, evidence, now),
            Self::File(file) => file.judge(repository, digest, evidence, now),
        }
    }
}

/// Prepares a verifier. A policy that is a file names its own trust roots: then `trust_root` must be NULL. Any other policy
/// needs one.
///
/// DONE, or MISUSE. `*out` is the caller's; both inputs stay so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verifier_new(
    trust_root: *const veriseal_trust_root,
    policy: *const veriseal_policy,
    out: *mut *mut veriseal_verifier,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: NULL or a live handle, as the header asks.
        let verifier = match unsafe { borrow(policy, "policy") }? {
            PolicyInner::Plain(policy) => {
                // SAFETY: NULL or a live handle, as the header asks.
                let trust = unsafe { borrow(trust_root, "trust_root") }?;
                VerifierInner::Plain(Box::new(Verifier::new(Arc::clone(&trust.root), Arc::clone(policy))))
            }
            PolicyInner::File(file) if trust_root.is_null() => VerifierInner::File(Arc::clone(file)),
            PolicyInner::File(_) => {
                return Err(Problem::argument("trust_root", "NULL, since a policy file names its own", "a trust root"));
            }
        };
        out.put(verifier);
        Ok(veriseal_status::Done)
    })
}

/// Verifies one image: gathers from `source` and judges.
///
/// `reference` is `registry/repository[:tag][@digest]`, UTF-8. `call` may be NULL. `now` is the time as of which is judged,
/// in seconds since 1970-01-01T00:00:00Z: `veriseal_now()`, or another for tests and audits.
///
/// Where and only where the image was accepted, `*accepted` is not NULL: test that, not the status. `*report` is set for
/// ACCEPTED, REJECTED and UNDECIDED, `*error` for negative statuses; either place may be NULL. All are the caller's.
///
/// ```c
/// veriseal_accepted *accepted = NULL;
/// (void)veriseal_verify(verifier, source, image, strlen(image), NULL, veriseal_now(), &accepted, &report, &error);
/// if (accepted) { deploy(veriseal_accepted_pinned(accepted)); }
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verify(
    verifier: *const veriseal_verifier,
    source: *const veriseal_source,
    reference: *const c_char,
    reference_len: usize,
    call: *const veriseal_call,
    now: i64,
    accepted: *mut *mut veriseal_accepted,
    report: *mut *mut veriseal_report,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [accepted, report], {
        accepted.required("accepted")?;
        // SAFETY: NULL or live handles, as the header asks.
        let (verifier, source) = unsafe { (borrow(verifier, "verifier")?, borrow(source, "source")?) };
        // SAFETY: as above.
        let call = unsafe { optional_call(call) }?;
        // SAFETY: `reference_len` readable bytes, as the header asks.
        let reference = source.reference(unsafe { some_text(reference, reference_len, "reference") }?)?;
        let running = source.begin(call);
        let outcome = verifier.verify(&reference, &running, UnixTime::from_seconds(now));
        if let Some(call) = call {
            log_verdict(call, &reference, &outcome);
        }
        settle(outcome, &accepted, &report)
    })
}

/// Sets which platforms of an index are verified: `index` (the default: what the reference names, be it an index or a
/// manifest), `all`, or platforms between commas such as `linux/amd64,linux/arm64/v8`. Where one is named, its manifest is
/// what is pinned. Before the verifier is shared.
///
/// DONE; REFUSED with PLATFORM_INVALID; MISUSE for a verifier with a policy file, which says it itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verifier_set_platforms(
    verifier: *mut veriseal_verifier,
    platforms: *const c_char,
    platforms_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let plain = unsafe { borrow_mut(verifier, "verifier") }?.plain()?;
        // SAFETY: `platforms_len` readable bytes, as the header asks.
        let words = unsafe { some_text(platforms, platforms_len, "platforms") }?.split(',');
        *plain = plain.clone().with_platforms(PlatformChoice::from_words(words)?);
        Ok(veriseal_status::Done)
    })
}

/// Sets the repository in which signatures are kept, and no other, as with cosign's `COSIGN_REPOSITORY`. Images keep their
/// names in policies, reports and pinned references. Before the verifier is shared.
///
/// DONE; REFUSED with REFERENCE_INVALID; MISUSE for a verifier with a policy file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verifier_set_signature_repository(
    verifier: *mut veriseal_verifier,
    repository: *const c_char,
    repository_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let plain = unsafe { borrow_mut(verifier, "verifier") }?.plain()?;
        // SAFETY: `repository_len` readable bytes, as the header asks.
        let text = unsafe { some_text(repository, repository_len, "repository") }?;
        let repository: Repository = text.parse()?;
        *plain = plain.clone().with_signature_repository(repository);
        Ok(veriseal_status::Done)
    })
}

/// Lets keys have tables of multiples after a few uses: checks of their ECDSA signatures get at least twice as fast, for
/// 150 to 340 KB a key and at most 64 keys. For programs that verify many images; verdicts do not depend on it. Before the
/// verifier is shared.
///
/// DONE; MISUSE for a verifier with a policy file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verifier_use_key_tables(
    verifier: *mut veriseal_verifier,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let plain = unsafe { borrow_mut(verifier, "verifier") }?.plain()?;
        *plain = plain.clone().with_key_tables();
        Ok(veriseal_status::Done)
    })
}

/// SHA-256 over trust root, policy and limits into the 32 bytes at `out`: two verifiers with the same fingerprint give the same
/// verdicts. For a policy file over the file alone.
///
/// DONE, or MISUSE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verifier_fingerprint(
    verifier: *const veriseal_verifier,
    out: *mut u8,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        if out.is_null() {
            return Err(Problem::argument("out", "room for 32 bytes", "NULL"));
        }
        // SAFETY: NULL or a live handle, as the header asks.
        let fingerprint = match unsafe { borrow(verifier, "verifier") }? {
            VerifierInner::Plain(verifier) => verifier.fingerprint(),
            VerifierInner::File(file) => *file.fingerprint(),
        };
        // SAFETY: not NULL, and room for 32 bytes by the header's words.
        unsafe { out.cast::<[u8; 32]>().write(fingerprint) };
        Ok(veriseal_status::Done)
    })
}

/// Frees a verifier that no call uses any more. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verifier_free(verifier: *mut veriseal_verifier) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(verifier) }
    })
}

/// The system's clock in seconds since 1970-01-01T00:00:00Z. The library reads it nowhere else.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_now() -> i64 {
    value_boundary!(i64::MIN, {
        // A clock that cannot be read accepts nothing: before the epoch nothing was signed.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|after| i64::try_from(after.as_secs()).ok())
            .unwrap_or(i64::MIN)
    })
}

/// The call that C names, or none.
///
/// # Safety
/// NULL or a live handle.
pub(crate) unsafe fn optional_call<'a>(call: *const veriseal_call) -> Result<Option<&'a CallInner>, Problem> {
    if call.is_null() {
        return Ok(None);
    }
    // SAFETY: by the caller's promise.
    unsafe { borrow(call, "call") }.map(Some)
}

pub(crate) fn log_verdict(call: &CallInner, asked: &Reference, outcome: &Result<Accepted, NotAccepted>) {
    let report: &Report = match outcome {
        Ok(accepted) => {
            call.log(1, &format!("{asked}: ACCEPTED as {}", accepted.pinned()));
            accepted.report()
        }
        Err(not_accepted) => {
            call.log(2, &format!("{asked}: {not_accepted}"));
            not_accepted.report()
        }
    };
    for code in report.weakened_codes().into_iter().chain(report.notice_codes()) {
        call.log(2, &format!("{asked}: {}: {}", code.name(), code.meaning()));
    }
}
