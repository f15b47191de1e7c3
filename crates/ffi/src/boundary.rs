//! The panic boundary that every export begins with.
//!
//! A panic that left an export would unwind through frames of C, which is undefined; one that was swallowed would leave the
//! caller with whatever the outputs held before (K-AP-01). Here the outputs are NULL before anything runs, and are written
//! only after everything ran.

use crate::error::{ErrorInner, Problem, veriseal_error};
use crate::handle::Out;
use crate::status::veriseal_status;

/// What a caught panic leaves behind. Its own destructor might panic again.
pub(crate) type Caught<T> = std::thread::Result<T>;

/// The boundary of an export that answers a status: clears the outputs, runs the body, and writes the outputs where it
/// answered no error.
macro_rules! boundary {
    ($error:ident, [$($out:ident),*], $body:block) => {{
        // SAFETY: each place is NULL or room for one pointer of the caller's, as the header asks.
        $(let $out = unsafe { $crate::handle::Out::clear($out) };)*
        // SAFETY: as above.
        let failed = unsafe { $crate::handle::Out::clear($error) };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(
            || -> Result<$crate::status::veriseal_status, $crate::error::Problem> {
                $crate::boundary::reached();
                $body
            },
        ));
        let (status, _is_error) = $crate::boundary::settle(caught, failed);
        // Dropped unwritten where the call failed. Dropping can run code of the caller's, never a second write.
        $(if !_is_error { $out.commit(); })*
        status
    }};
}

/// The boundary of an export that answers a value: `$fallback` where the body panics.
macro_rules! value_boundary {
    ($fallback:expr, $body:block) => {{
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            $crate::boundary::reached();
            $body
        }));
        $crate::boundary::or_fallback(caught, $fallback)
    }};
}

/// The status of a call and whether it is an error, which is then written.
pub(crate) fn settle(caught: Caught<Result<veriseal_status, Problem>>, failed: Out<veriseal_error>) -> (veriseal_status, bool) {
    let problem = match caught {
        Ok(Ok(status)) => return (status, false),
        Ok(Err(problem)) => problem,
        Err(payload) => {
            std::mem::forget(payload);
            Problem::internal("a panic")
        }
    };
    failed.put(ErrorInner::new(problem.failure, problem.message));
    failed.commit();
    (problem.status, true)
}

pub(crate) fn or_fallback<T>(caught: Caught<T>, fallback: T) -> T {
    caught.unwrap_or_else(|payload| {
        std::mem::forget(payload);
        fallback
    })
}

/// Where tests let an export panic, behind its boundary.
#[cfg(not(test))]
pub(crate) const fn reached() {}

#[cfg(test)]
pub(crate) fn reached() {
    crate::tests::panics::reached();
}
