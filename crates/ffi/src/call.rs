//! [`veriseal_call`]: the deadline, the cancellation and the log of calls that fetch.

use crate::error::veriseal_error;
use crate::handle::{Opaque, borrow, borrow_mut, free};
use crate::input::veriseal_str;
use crate::status::veriseal_status;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};
use veriseal::gather::FetchError;
use veriseal::{Code, Failure};

/// The deadline, the cancellation and the log of calls that fetch. Where a call takes one, NULL is fine.
///
/// Set up by one thread; then any number of calls may use it at once, and any thread may cancel them. Freed with
/// `veriseal_call_free` after the last of them returned.
pub struct veriseal_call {
    _opaque: [u8; 0],
}

#[derive(Default)]
pub(crate) struct CallInner {
    deadline: Option<Duration>,
    pub(crate) signal: Arc<Signal>,
    log: Option<Log>,
}

impl Opaque for veriseal_call {
    type Inner = CallInner;
    const TAG: u64 = 0x7665_7269_0000_0007;
}

/// Takes one line of log: no line break, outside text escaped, no secret. `level` is 1 for what happened and 2 for what is
/// worth a warning. `message` lives until it returns. Called on the threads that verify, possibly on several at once; it
/// must neither throw nor use handles of the running call.
pub type veriseal_log_fn = Option<unsafe extern "C" fn(context: *mut c_void, level: i32, message: veriseal_str)>;

struct Log {
    context: *mut c_void,
    log: unsafe extern "C" fn(*mut c_void, i32, veriseal_str),
}

// SAFETY: the header asks of the caller that context and function may be used from any thread, several at once.
unsafe impl Send for Log {}
// SAFETY: as above.
unsafe impl Sync for Log {}

impl CallInner {
    /// When a call that begins now must end.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.deadline.and_then(|deadline| Instant::now().checked_add(deadline))
    }

    pub(crate) fn log(&self, level: i32, message: &str) {
        if let Some(Log { context, log }) = &self.log {
            // SAFETY: the caller's function with the caller's context, as the header describes.
            unsafe { log(*context, level, message.into()) };
        }
    }
}

/// Whether calls are cancelled, and whom to wake then.
#[derive(Default)]
pub(crate) struct Signal {
    cancelled: AtomicBool,
    waiting: Mutex<Vec<Arc<Parker>>>,
}

impl Signal {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        for parker in self.waiting.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            parker.wake_by_ref_now();
        }
    }

    /// Why nothing is waited for any more.
    pub(crate) fn check(&self, until: Option<Instant>) -> Result<(), FetchError> {
        if self.is_cancelled() {
            return Err(FetchError::Cancelled);
        }
        if is_over(until) { Err(too_late()) } else { Ok(()) }
    }

    /// Lets this thread be woken by the cancellation while it waits for futures.
    pub(crate) fn watch(&self) -> Watch<'_> {
        let parker = Arc::new(Parker::default());
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&parker));
        Watch { signal: self, parker }
    }

    /// Waits for a future on this thread, but not beyond the cancellation or `until`. It is dropped then, which ends its
    /// request.
    #[cfg(feature = "registry")]
    pub(crate) fn wait<T>(
        &self,
        future: impl std::future::Future<Output = Result<T, FetchError>>,
        until: Option<Instant>,
    ) -> Result<T, FetchError> {
        let watch = self.watch();
        let waker = watch.waker();
        let mut future = std::pin::pin!(future);
        loop {
            self.check(until)?;
            let polled = future.as_mut().poll(&mut std::task::Context::from_waker(&waker));
            if let std::task::Poll::Ready(answer) = polled {
                return answer;
            }
            watch.park(until);
        }
    }
}

/// A thread that waits for futures.
pub(crate) struct Watch<'s> {
    signal: &'s Signal,
    parker: Arc<Parker>,
}

impl Watch<'_> {
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.parker))
    }

    /// Waits until a future may have got on, the call is cancelled, or `until`.
    pub(crate) fn park(&self, until: Option<Instant>) {
        self.parker.park(until);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut waiting = self.signal.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|other| !Arc::ptr_eq(other, &self.parker));
    }
}

pub(crate) fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}

pub(crate) fn too_late() -> FetchError {
    FetchError::Unavailable(Failure::new(Code::DeadlineExceeded).expected("an answer within the deadline of the call"))
}

/// What a waiting thread sleeps on.
#[derive(Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn park(&self, until: Option<Instant>) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken && !is_over(until) {
            woken = match until {
                None => self.changed.wait(woken).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    self.changed.wait_timeout(woken, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *woken = false;
    }

    fn wake_by_ref_now(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref_now();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_by_ref_now();
    }
}

/// A call without deadline of its own, not cancelled, without log.
///
/// DONE. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_call_new(out: *mut *mut veriseal_call, error: *mut *mut veriseal_error) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        out.put(CallInner::default());
        Ok(veriseal_status::Done)
    })
}

/// Sets how long each call may take from its start, in milliseconds; 0 means no time at all. What is not answered then is
/// DEADLINE_EXCEEDED and the verdict at best UNDECIDED. A registry's own deadline holds besides. A caller's fetcher is not
/// interrupted: it asks `veriseal_sink_is_cancelled`.
///
/// DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_call_set_deadline(
    call: *mut veriseal_call,
    milliseconds: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        unsafe { borrow_mut(call, "call") }?.deadline = Some(Duration::from_millis(milliseconds));
        Ok(veriseal_status::Done)
    })
}

/// Sets who takes the log; a NULL function takes none. `context` is passed on and stays the caller's: it must outlive the
/// calls.
///
/// DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_call_set_log(
    call: *mut veriseal_call,
    context: *mut c_void,
    log: veriseal_log_fn,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        unsafe { borrow_mut(call, "call") }?.log = log.map(|log| Log { context, log });
        Ok(veriseal_status::Done)
    })
}

/// Cancels the calls that use this handle and all that will: from any thread, while they run. They return soon, UNDECIDED.
///
/// DONE, or MISUSE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_call_cancel(call: *const veriseal_call, error: *mut *mut veriseal_error) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a live handle, as the header asks; only its atomic and its mutex are touched.
        unsafe { borrow(call, "call") }?.signal.cancel();
        Ok(veriseal_status::Done)
    })
}

/// Frees a call handle that no call uses any more. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_call_free(call: *mut veriseal_call) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(call) }
    })
}
