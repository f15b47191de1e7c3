//! [`veriseal_outcomes`]: what came of many images that were verified in one call.

use crate::accepted::{settled, veriseal_accepted};
use crate::call::{CallInner, veriseal_call};
use crate::error::{ErrorInner, Problem, veriseal_error};
use crate::handle::{Kept, Opaque, borrow, free};
use crate::input::{Texts, some_text};
use crate::registry;
use crate::report::veriseal_report;
use crate::source::veriseal_source;
use crate::status::veriseal_status;
use crate::verifier::{log_verdict, optional_call, veriseal_verifier};
use std::ffi::c_char;
use std::ptr;
use veriseal::UnixTime;

/// What came of many images: one outcome for each, in the order of the references. There is none for all of them together:
/// an image is accepted where and only where its own accepted handle is not NULL.
///
/// Immutable and thread-safe. Owns what it gives out. Freed with `veriseal_outcomes_free`.
pub struct veriseal_outcomes {
    _opaque: [u8; 0],
}

pub(crate) struct OutcomesInner(Vec<Outcome>);

/// What came of one image.
struct Outcome {
    status: veriseal_status,
    accepted: Option<Kept<veriseal_accepted>>,
    report: Option<Kept<veriseal_report>>,
    error: Option<Kept<veriseal_error>>,
}

impl Opaque for veriseal_outcomes {
    type Inner = OutcomesInner;
    const TAG: u64 = 0x7665_7269_0000_0010;
}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        let error = Kept::new(ErrorInner::new(problem.failure, problem.message));
        Self { status: problem.status, accepted: None, report: None, error: Some(error) }
    }
}

/// Verifies many images on several threads: each as `veriseal_verify` would, none of them dependent on another.
///
/// `references` and `reference_lens` are `count` texts and their lengths. `threads` counts the calling one, which works too; 0
/// stands for one a core and at least 8, and more than 256 for 256. The deadline and the cancellation of `call`, which may be
/// NULL, are those of all images together; a registry's own deadline is that of each. A caller's fetcher is called on several
/// threads at once. A library without the feature `registry` works on the calling thread alone.
///
/// DONE, whatever came of the images: it decides nothing. MISUSE. `*out` is the caller's.
///
/// ```c
/// veriseal_outcomes *outcomes = NULL;
/// (void)veriseal_verify_many(verifier, source, images, lens, count, NULL, 0, veriseal_now(), &outcomes, &error);
/// for (size_t at = 0; at < veriseal_outcomes_count(outcomes); at++) {
///     const veriseal_accepted *accepted = veriseal_outcomes_accepted(outcomes, at);
///     if (accepted) { deploy(veriseal_accepted_pinned(accepted)); }
/// }
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_verify_many(
    verifier: *const veriseal_verifier,
    source: *const veriseal_source,
    references: *const *const c_char,
    reference_lens: *const usize,
    count: usize,
    call: *const veriseal_call,
    threads: usize,
    now: i64,
    out: *mut *mut veriseal_outcomes,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: NULL or live handles, as the header asks.
        let (verifier, source) = unsafe { (borrow(verifier, "verifier")?, borrow(source, "source")?) };
        // SAFETY: as above.
        let call = unsafe { optional_call(call) }?;
        // SAFETY: `count` texts with their lengths, as the header asks.
        let texts = unsafe { Texts::new(references, reference_lens, count, "references") }?;
        let until = call.and_then(CallInner::until);
        let now = UnixTime::from_seconds(now);
        let one = |at: &usize| {
            let (data, len) = texts.at(*at);
            // SAFETY: `len` readable bytes at `data`, as the header asks.
            let verified = unsafe { some_text(data, len, "references") }.and_then(|text| {
                let reference = source.reference(text)?;
                let outcome = verifier.verify(&reference, &source.begin_until(call, until), now);
                if let Some(call) = call {
                    log_verdict(call, &reference, &outcome);
                }
                settled(outcome)
            });
            match verified {
                Ok((status, accepted, report)) => {
                    Outcome { status, accepted: accepted.map(Kept::new), report: Some(Kept::new(report)), error: None }
                }
                Err(problem) => Outcome::from(problem),
            }
        };
        let places: Vec<usize> = (0..count).collect();
        out.put(OutcomesInner(registry::in_order(&places, threads, one)));
        Ok(veriseal_status::Done)
    })
}

/// How many images there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_outcomes_count(outcomes: *const veriseal_outcomes) -> usize {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(outcomes, "outcomes") }.map_or(0, |inner| inner.0.len())
    })
}

/// What `veriseal_verify` would have answered for the image at `index`; MISUSE for NULL and beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_outcomes_status(outcomes: *const veriseal_outcomes, index: usize) -> veriseal_status {
    value_boundary!(veriseal_status::Internal, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { outcome(outcomes, index) }.map_or(veriseal_status::Misuse, |outcome| outcome.status)
    })
}

/// The acceptance of the image at `index`. NULL where it was not accepted, for NULL and beyond the last. Lives as long as the
/// outcomes and is never freed itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_outcomes_accepted(
    outcomes: *const veriseal_outcomes,
    index: usize,
) -> *const veriseal_accepted {
    value_boundary!(ptr::null(), {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { outcome(outcomes, index) }.and_then(|outcome| outcome.accepted.as_ref()).map_or(ptr::null(), Kept::pointer)
    })
}

/// The report of the image at `index`. NULL where its status is negative, for NULL and beyond the last. Lives as long as the
/// outcomes and is never freed itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_outcomes_report(outcomes: *const veriseal_outcomes, index: usize) -> *const veriseal_report {
    value_boundary!(ptr::null(), {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { outcome(outcomes, index) }.and_then(|outcome| outcome.report.as_ref()).map_or(ptr::null(), Kept::pointer)
    })
}

/// Why the image at `index` could not be asked about (no reference, say). NULL where its status is not negative, for NULL and
/// beyond the last. Lives as long as the outcomes and is never freed itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_outcomes_error(outcomes: *const veriseal_outcomes, index: usize) -> *const veriseal_error {
    value_boundary!(ptr::null(), {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { outcome(outcomes, index) }.and_then(|outcome| outcome.error.as_ref()).map_or(ptr::null(), Kept::pointer)
    })
}

/// Frees outcomes and all that was read from them. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_outcomes_free(outcomes: *mut veriseal_outcomes) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(outcomes) }
    })
}

/// # Safety
/// NULL or a live handle.
unsafe fn outcome<'a>(outcomes: *const veriseal_outcomes, index: usize) -> Option<&'a Outcome> {
    // SAFETY: by the caller's promise.
    unsafe { borrow(outcomes, "outcomes") }.ok().and_then(|inner| inner.0.get(index))
}
