//! [`veriseal_source`]: where an image's bytes come from.

use crate::call::CallInner;
use crate::error::{Problem, veriseal_error};
use crate::fetcher::{Callback, veriseal_fetcher};
use crate::handle::{Opaque, borrow_mut, free};
use crate::input::some_text;
use crate::registry::{self, veriseal_registry};
use crate::request::RequestInner;
use crate::status::veriseal_status;
use std::ffi::c_char;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use veriseal::gather::{Fetch, FetchError, MAX_IN_FLIGHT, Request, Requests, Response};
use veriseal::{Failure, Reference};

/// Where an image's bytes come from: registries, an image layout on disk, or a caller's fetcher. Never trusted: whatever it
/// answers is measured and hashed again.
///
/// Immutable and thread-safe. Freed with `veriseal_source_free` when no call uses it any more.
pub struct veriseal_source {
    _opaque: [u8; 0],
}

pub(crate) enum SourceInner {
    Callback(CallbackSource),
    Registry(registry::Client),
    Layout(registry::Layout),
}

/// A caller's fetcher.
pub(crate) struct CallbackSource(Callback);

impl Opaque for veriseal_source {
    type Inner = SourceInner;
    const TAG: u64 = 0x7665_7269_0000_000a;
}

impl SourceInner {
    /// The reference that C names, as far as this source can answer for it. Only a layout is ever named by a path, so that
    /// a reference from outside never makes the library read a file.
    pub(crate) fn reference(&self, text: &str) -> Result<Reference, Problem> {
        match self {
            Self::Layout(layout) => layout.reference(text),
            Self::Callback(_) | Self::Registry(_) => Ok(text.parse::<Reference>()?),
        }
    }

    /// Starts one call: one deadline for all its requests.
    pub(crate) fn begin<'a>(&'a self, call: Option<&'a CallInner>) -> Running<'a> {
        self.begin_until(call, call.and_then(CallInner::until))
    }

    /// The same as a part of a longer call, which ends at `until`.
    pub(crate) fn begin_until<'a>(&'a self, call: Option<&'a CallInner>, until: Option<Instant>) -> Running<'a> {
        let registry = match self {
            Self::Registry(client) => Some(client.begin()),
            Self::Callback(_) | Self::Layout(_) => None,
        };
        Running { source: self, registry, call, until }
    }
}

/// A source during one call.
pub(crate) struct Running<'a> {
    source: &'a SourceInner,
    registry: Option<registry::Begun>,
    call: Option<&'a CallInner>,
    until: Option<Instant>,
}

impl Running<'_> {
    fn check(&self) -> Result<(), FetchError> {
        self.call.map_or(Ok(()), |call| call.signal.check(self.until))
    }

    fn answer(&self, request: &Request) -> Result<Response, FetchError> {
        self.check()?;
        let answer = match (self.source, &self.registry) {
            (SourceInner::Callback(CallbackSource(callback)), _) => callback.fetch(request, self.call, self.until),
            (SourceInner::Layout(layout), _) => layout.fetch(request),
            (SourceInner::Registry(_), Some(begun)) => begun.fetch(request, self.call, self.until),
            (SourceInner::Registry(_), None) => Err(FetchError::Cancelled),
        }?;
        // What came after the caller gave up is not believed to have come in time.
        self.check()?;
        Ok(answer)
    }

    fn log(&self, request: &Request, answer: &Result<Response, FetchError>) {
        let Some(call) = self.call else { return };
        let asked = RequestInner::new(request.clone()).describe();
        match answer {
            Ok(Response::Found { bytes, .. }) => call.log(1, &format!("{asked}: {} bytes", bytes.len())),
            Ok(Response::NotFound) => call.log(1, &format!("{asked}: none")),
            Err(error) => call.log(2, &format!("{asked}: {}", error.failure())),
        }
    }

    /// Several requests under way at once, all of which end with the cancellation and the deadline of the call.
    fn fetch_together(&self, begun: &registry::Begun, call: &CallInner, requests: &mut dyn Requests) {
        let watch = call.signal.watch();
        let waker = watch.waker();
        let mut open: Vec<UnderWay<'_>> = Vec::new();
        loop {
            while open.len() < MAX_IN_FLIGHT {
                let Some(request) = requests.next_request() else { break };
                let answer = begun.fetch_async(request.clone());
                open.push(UnderWay { request, answer });
            }
            if open.is_empty() {
                return;
            }
            let over = call.signal.check(self.until).err();
            let mut answered = Vec::new();
            open.retain_mut(|one| {
                let answer = match &over {
                    Some(error) => Err(error.clone()),
                    None => match one.answer.as_mut().poll(&mut Context::from_waker(&waker)) {
                        Poll::Ready(answer) => answer,
                        Poll::Pending => return true,
                    },
                };
                answered.push((one.request.clone(), answer));
                false
            });
            if answered.is_empty() {
                watch.park(self.until);
            }
            for (request, answer) in answered {
                self.log(&request, &answer);
                if requests.supply(request.id, answer).is_err() {
                    return;
                }
            }
        }
    }
}

/// A request under way.
struct UnderWay<'r> {
    request: Request,
    answer: Pin<Box<dyn Future<Output = Result<Response, FetchError>> + 'r>>,
}

impl Fetch for Running<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        let answer = self.answer(request);
        self.log(request, &answer);
        answer
    }

    fn fetch_all(&self, requests: &mut dyn Requests) {
        match (&self.registry, self.call) {
            (Some(begun), Some(call)) => self.fetch_together(begun, call, requests),
            (Some(begun), None) => begun.fetch_all(requests),
            (None, _) => {
                while let Some(request) = requests.next_request() {
                    let answer = self.fetch(&request);
                    if requests.supply(request.id, answer).is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn weakened(&self) -> Vec<Failure> {
        self.registry.as_ref().map(registry::Begun::weakened).unwrap_or_default()
    }
}

/// A caller's fetcher as a source. From this call on the library owns the fetcher's context: where the call fails, `drop` is
/// called before it returns.
///
/// DONE, or MISUSE where `fetch` is NULL. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_source_new_fetcher(
    fetcher: veriseal_fetcher,
    out: *mut *mut veriseal_source,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        let callback = Callback::new(fetcher);
        out.required("out")?;
        if !callback.is_complete() {
            return Err(Problem::argument("fetcher.fetch", "a function", "NULL"));
        }
        out.put(SourceInner::Callback(CallbackSource(callback)));
        Ok(veriseal_status::Done)
    })
}

/// The built-in registry client as a source, with the settings of `registry`, which are used up: it is still to be freed,
/// and a second use is MISUSE. NULL stands for the defaults.
///
/// DONE; REFUSED with CONFIG_INVALID, also where the library was built without the feature `registry`. `*out` is the
/// caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_source_new_registry(
    registry: *mut veriseal_registry,
    out: *mut *mut veriseal_source,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        let client = if registry.is_null() {
            registry::RegistryInner::default().build()?
        } else {
            // SAFETY: a handle that only this thread uses, as the header asks.
            unsafe { borrow_mut(registry, "registry") }?.build()?
        };
        out.put(SourceInner::Registry(client));
        Ok(veriseal_status::Done)
    })
}

/// An OCI image layout as a source: a directory, or an uncompressed tar archive of one. It answers for whatever image is
/// asked of it by `registry/repository:tag`; `oci:PATH[:TAG][@DIGEST]` with its own path names it as such. `path` is UTF-8.
///
/// DONE; REFUSED with SOURCE_INVALID, also where the library was built without the feature `registry`. `*out` is the
/// caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_source_new_layout(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut veriseal_source,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        let path = unsafe { some_text(path, path_len, "path") }?;
        out.put(SourceInner::Layout(registry::Layout::open(path)?));
        Ok(veriseal_status::Done)
    })
}

/// Frees a source that no call uses any more; a fetcher's `drop` is called. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_source_free(source: *mut veriseal_source) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(source) }
    })
}
