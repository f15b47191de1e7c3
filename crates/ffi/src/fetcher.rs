//! [`veriseal_fetcher`]: a caller's own way to fetch, and the bounded [`veriseal_sink`] that it writes into.

use crate::call::{CallInner, Signal, is_over, too_late};
use crate::error::{Problem, veriseal_error};
use crate::handle::{Opaque, borrow, borrow_mut, free, make, take};
use crate::input::{bytes, text};
use crate::request::{RequestInner, veriseal_request};
use crate::status::{veriseal_fetch_result, veriseal_status};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::{Duration, Instant};
use veriseal::code::bounded;
use veriseal::gather::{FetchError, Request, Response};
use veriseal::{Code, Failure};

/// Longest media type and message, in bytes.
const MAX_TEXT: usize = 1024;
/// Longest name of a next page, in bytes.
const MAX_NEXT: usize = 8 * 1024;

/// Answers one request: writes the content into `sink` and returns a `veriseal_fetch_result`.
///
/// Called on the thread that verifies, on several at once where several verify. `request` and `sink` belong to the library
/// and live until it returns. It must not throw; what it writes is never trusted, but measured and hashed again.
pub type veriseal_fetch_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, request: *const veriseal_request, sink: *mut veriseal_sink) -> i32>;

/// Gives a context up.
pub type veriseal_drop_fn = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// A caller's own way to fetch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct veriseal_fetcher {
    /// Passed to both functions. May be used by several threads at once.
    pub context: *mut c_void,
    /// Answers a request. Not NULL.
    pub fetch: veriseal_fetch_fn,
    /// Called once, when the source is freed or could not be made, on whichever thread that happens. May be NULL.
    pub drop: veriseal_drop_fn,
}

/// Where the answer to one request is written. Enforces the request's bound.
///
/// In a fetcher it belongs to the library and lives until the fetcher returns; for a session the caller makes one with
/// `veriseal_sink_new` and frees it with `veriseal_sink_free`. Used by one thread at a time.
pub struct veriseal_sink {
    _opaque: [u8; 0],
}

pub(crate) struct SinkInner {
    max_bytes: u64,
    bytes: Vec<u8>,
    is_too_large: bool,
    media_type: Option<String>,
    next: Option<String>,
    retry_after: Option<Duration>,
    message: Option<String>,
    signal: Option<Arc<Signal>>,
    until: Option<Instant>,
}

impl Opaque for veriseal_sink {
    type Inner = SinkInner;
    const TAG: u64 = 0x7665_7269_0000_0009;
}

impl SinkInner {
    fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            bytes: Vec::new(),
            is_too_large: false,
            media_type: None,
            next: None,
            retry_after: None,
            message: None,
            signal: None,
            until: None,
        }
    }

    /// An empty one, for an answer without content.
    pub(crate) fn of(request: &Request) -> Self {
        Self::new(request.max_bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> veriseal_status {
        let total = self.bytes.len().checked_add(bytes.len()).and_then(|total| u64::try_from(total).ok());
        if self.is_too_large || total.is_none_or(|total| total > self.max_bytes) {
            // For good, and what was written is given back: half of a document is none.
            self.is_too_large = true;
            self.bytes = Vec::new();
            return veriseal_status::Refused;
        }
        self.bytes.extend_from_slice(bytes);
        veriseal_status::Done
    }

    fn is_cancelled(&self) -> bool {
        is_over(self.until) || self.signal.as_ref().is_some_and(|signal| signal.is_cancelled())
    }

    /// Takes the answer out, leaving an empty sink.
    pub(crate) fn answer(&mut self, result: i32) -> Result<Response, FetchError> {
        let max_bytes = self.max_bytes;
        let empty = Self { signal: self.signal.take(), until: self.until, ..Self::new(max_bytes) };
        let sink = std::mem::replace(self, empty);
        if sink.is_too_large {
            return Err(FetchError::TooLarge { max_bytes });
        }
        let unavailable = |found: String| FetchError::Unavailable(Failure::new(Code::Unavailable).found(found));
        use veriseal_fetch_result as Is;
        match Is::of(result) {
            Some(Is::Found) => Ok(Response::Found { media_type: sink.media_type, bytes: sink.bytes, next: sink.next }),
            Some(Is::NotFound) => Ok(Response::NotFound),
            Some(Is::Denied) => Err(FetchError::Denied(sink.message.unwrap_or_else(|| "denied".to_owned()))),
            Some(Is::Throttled) => Err(FetchError::Throttled { retry_after: sink.retry_after }),
            Some(Is::Unavailable) => Err(unavailable(sink.message.unwrap_or_else(|| "no answer".to_owned()))),
            Some(Is::TooLarge) => Err(FetchError::TooLarge { max_bytes }),
            Some(Is::Cancelled) => Err(FetchError::Cancelled),
            None => Err(unavailable(format!("a fetcher that answers {result}, which is no veriseal_fetch_result"))),
        }
    }
}

/// A fetcher that the library holds.
pub(crate) struct Callback {
    context: *mut c_void,
    fetch: Option<unsafe extern "C" fn(*mut c_void, *const veriseal_request, *mut veriseal_sink) -> i32>,
    drop: veriseal_drop_fn,
}

// SAFETY: the header asks of the caller that the context may be used by several threads at once.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    /// Takes the context over: from here on `drop` is called for it, whatever happens.
    pub(crate) fn new(fetcher: veriseal_fetcher) -> Self {
        Self { context: fetcher.context, fetch: fetcher.fetch, drop: fetcher.drop }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.fetch.is_some()
    }

    pub(crate) fn fetch(
        &self,
        request: &Request,
        call: Option<&CallInner>,
        until: Option<Instant>,
    ) -> Result<Response, FetchError> {
        let Some(fetch) = self.fetch else { return Err(FetchError::Cancelled) };
        let mut inner = SinkInner::new(request.max_bytes);
        inner.signal = call.map(|call| Arc::clone(&call.signal));
        inner.until = until;
        // As handles of their own, to which nothing here holds a reference while the caller's code runs.
        let sink = make::<veriseal_sink>(inner);
        let handle = make::<veriseal_request>(RequestInner::new(request.clone()));
        // SAFETY: the caller's function with the caller's context, and two live handles.
        let result = unsafe { fetch(self.context, handle, sink) };
        // SAFETY: made above; the fetcher has returned, and the header lets it keep neither.
        let (mut inner, _) = unsafe { (take(sink), take(handle)) };
        if is_over(until) && !call.is_some_and(|call| call.signal.is_cancelled()) {
            return Err(too_late());
        }
        inner.answer(result)
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: the caller's function with the caller's context, once.
            unsafe { drop(self.context) };
        }
    }
}

/// A sink for the answer to a request of a session.
///
/// DONE. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_new(
    request: *const veriseal_request,
    out: *mut *mut veriseal_sink,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: NULL or a live handle, as the header asks.
        let request = unsafe { borrow(request, "request") }?;
        out.put(SinkInner::new(request.request.max_bytes));
        Ok(veriseal_status::Done)
    })
}

/// Adds bytes to the answer; they are copied.
///
/// DONE; REFUSED beyond the request's bound, whereupon the answer is TOO_LARGE whatever the fetcher returns, and it may as
/// well stop; MISUSE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_write(sink: *mut veriseal_sink, data: *const u8, data_len: usize) -> veriseal_status {
    value_boundary!(veriseal_status::Internal, {
        // SAFETY: a handle that only this thread uses, and `data_len` readable bytes, as the header asks.
        let given = unsafe { borrow_mut(sink, "sink").and_then(|sink| Ok((sink, bytes(data, data_len, "data")?))) };
        given.map_or_else(|problem| problem.status, |(sink, data)| sink.write(data))
    })
}

/// Sets the media type of the answer: the header `Content-Type`, without parameters.
///
/// DONE; MISUSE for one that is no UTF-8 or longer than 1024 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_set_media_type(
    sink: *mut veriseal_sink,
    media_type: *const c_char,
    media_type_len: usize,
) -> veriseal_status {
    value_boundary!(veriseal_status::Internal, {
        // SAFETY: a handle that only this thread uses, and `media_type_len` readable bytes, as the header asks.
        unsafe { set(sink, media_type, media_type_len, MAX_TEXT, |sink, text| sink.media_type = text) }
    })
}

/// For referrers: where the next page is, as the registry's header `Link` says. It comes back in `veriseal_request_page`.
///
/// DONE; MISUSE for one that is no UTF-8 or longer than 8192 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_set_next(
    sink: *mut veriseal_sink,
    next: *const c_char,
    next_len: usize,
) -> veriseal_status {
    value_boundary!(veriseal_status::Internal, {
        // SAFETY: a handle that only this thread uses, and `next_len` readable bytes, as the header asks.
        unsafe { set(sink, next, next_len, MAX_NEXT, |sink, text| sink.next = text) }
    })
}

/// For DENIED and UNAVAILABLE: why, for the report. It is escaped and cut to 512 bytes. No secrets.
///
/// DONE; MISUSE for one that is no UTF-8 or longer than 1024 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_set_message(
    sink: *mut veriseal_sink,
    message: *const c_char,
    message_len: usize,
) -> veriseal_status {
    value_boundary!(veriseal_status::Internal, {
        // SAFETY: a handle that only this thread uses, and `message_len` readable bytes, as the header asks.
        unsafe { set(sink, message, message_len, MAX_TEXT, |sink, text| sink.message = text.map(|text| bounded(&text))) }
    })
}

/// For THROTTLED: how many seconds the registry asked to wait.
///
/// DONE, or MISUSE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_set_retry_after(sink: *mut veriseal_sink, seconds: u64) -> veriseal_status {
    value_boundary!(veriseal_status::Internal, {
        // SAFETY: a handle that only this thread uses, as the header asks.
        match unsafe { borrow_mut(sink, "sink") } {
            Ok(inner) => {
                inner.retry_after = Some(Duration::from_secs(seconds));
                veriseal_status::Done
            }
            Err(problem) => problem.status,
        }
    })
}

/// Whether the call was cancelled or is over its deadline, so that a fetcher may stop and return CANCELLED. True for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_is_cancelled(sink: *const veriseal_sink) -> bool {
    value_boundary!(true, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(sink, "sink") }.map_or(true, SinkInner::is_cancelled)
    })
}

/// Frees a sink of `veriseal_sink_new`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_sink_free(sink: *mut veriseal_sink) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(sink) }
    })
}

/// # Safety
/// A handle that only this thread uses, or NULL, and `len` readable bytes.
unsafe fn set(
    sink: *mut veriseal_sink,
    data: *const c_char,
    len: usize,
    max: usize,
    put: impl FnOnce(&mut SinkInner, Option<String>),
) -> veriseal_status {
    if len > max {
        return Problem::argument("text", "a shorter one", "a longer one").status;
    }
    // SAFETY: by the caller's promise.
    let given = unsafe { borrow_mut(sink, "sink").and_then(|sink| Ok((sink, text(data, len, "text")?))) };
    match given {
        Ok((sink, text)) => {
            put(sink, Some(text.to_owned()).filter(|text| !text.is_empty()));
            veriseal_status::Done
        }
        Err(problem) => problem.status,
    }
}
