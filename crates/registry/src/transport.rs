//! The HTTP client and the thread it runs on: one hop of one request, bounded.
//!
//! Follows no redirect, keeps no cookie, undoes no compression and reads no proxy from the environment: what is to
//! happen with an answer is decided in [`crate::exchange`]. A thread of its own with a single-threaded runtime lets
//! blocking callers do without a runtime, and callers inside somebody else's runtime do without a conflict.

use crate::reach::{AddressRefused, Reach};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, redirect};
use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::FetchError;

/// Connecting, name resolution and TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// From request to the head of the answer.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// A body must bring [`PACE_BYTES`] in each window of this length (a slow drip otherwise holds a call to its end).
const PACE_WINDOW: Duration = Duration::from_secs(10);
/// 1 KiB/s over the window.
const PACE_BYTES: u64 = 10 * 1024;
/// Most bytes of an answer's headers, names and values.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 128;
/// How long the caller's thread waits beyond the deadline for the transport to say that it passed.
const GRACE: Duration = Duration::from_secs(1);

/// What went wrong with one attempt, and whether another may help.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: FetchError,
    /// Set where the same request may be answered a moment later.
    pub(crate) again: bool,
}

impl Fault {
    pub(crate) fn last(failure: Failure) -> Self {
        Self { error: FetchError::Unavailable(failure), again: false }
    }

    pub(crate) fn passing(failure: Failure) -> Self {
        Self { error: FetchError::Unavailable(failure), again: true }
    }
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        Self { error, again: false }
    }
}

/// One request to one place.
pub(crate) struct Outgoing<'a> {
    pub(crate) url: &'a Url,
    pub(crate) accept: Option<&'static str>,
    pub(crate) authorization: Option<&'a HeaderValue>,
    /// A form to `POST`; without one it is a `GET`.
    pub(crate) form: Option<String>,
    /// `None` for the registry and its token service, which the user chose; else how far a redirect may lead.
    pub(crate) reach: Option<Reach>,
    pub(crate) deadline: Instant,
}

/// The clients and the thread that drives them. Dropping it ends the thread.
pub(crate) struct Transport {
    handle: Handle,
    /// For hosts that the user named.
    direct: Client,
    /// For hosts that a registry named, by [`Reach::place`].
    guarded: [Client; 3],
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Transport {
    /// Builds the clients and starts the thread.
    pub(crate) fn start(tls: &rustls::ClientConfig, user_agent: &str, proxy: Option<&Url>) -> Result<Self, Failure> {
        let direct = client(tls, user_agent, proxy, None)?;
        let [public, private, loopback] = Reach::ALL.map(|reach| client(tls, user_agent, proxy, Some(reach)));
        let guarded = [public?, private?, loopback?];
        let started = |error: std::io::Error| Failure::new(Code::Unavailable).found(error).at("starting the transport");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(started)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("veriseal-registry".to_owned())
            .spawn(move || {
                // Resolves when the sender is dropped, which is all that is ever done with it.
                let _ = runtime.block_on(stopped);
                // A name resolution that hangs must not keep the thread.
                runtime.shutdown_background();
            })
            .map_err(started)?;
        Ok(Self { handle, direct, guarded, _stop: stop })
    }

    /// Runs a future on the transport's thread and blocks until it is done or its deadline is well past.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        future: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Result<T, FetchError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let task = self.handle.spawn(async move {
            let _ = sender.send(future.await);
        });
        let patience = deadline.saturating_duration_since(Instant::now()).saturating_add(GRACE);
        receiver.recv_timeout(patience).unwrap_or_else(|error| {
            task.abort();
            Err(FetchError::Unavailable(match error {
                mpsc::RecvTimeoutError::Timeout => Failure::new(Code::DeadlineExceeded).found("a transport that does not answer"),
                // The task panicked, or the process was forked and the thread stayed behind.
                mpsc::RecvTimeoutError::Disconnected => Failure::new(Code::Internal).found("a transport that is gone"),
            }))
        })
    }

    /// Like [`Transport::run`] for callers that await, on whatever executor. Dropping the future cancels the work.
    pub(crate) async fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Result<T, FetchError> {
        struct Abort(tokio::task::AbortHandle);
        impl Drop for Abort {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let task = self.handle.spawn(future);
        let _abort = Abort(task.abort_handle());
        task.await
            .unwrap_or_else(|_| Err(FetchError::Unavailable(Failure::new(Code::Internal).found("a transport that is gone"))))
    }

    /// Sends one request and returns the head of the answer. Redirects come back as they are.
    pub(crate) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Response, Fault> {
        let client = outgoing.reach.and_then(|reach| self.guarded.get(reach.place())).unwrap_or(&self.direct);
        let mut request = match outgoing.form {
            None => client.get(outgoing.url.clone()),
            Some(form) => client.post(outgoing.url.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form),
        };
        // Digests are of what is stored, and a compressed answer is a way around every bound (K-DS-05).
        request = request.header(ACCEPT_ENCODING, "identity");
        if let Some(accept) = outgoing.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(authorization) = outgoing.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let patience = outgoing.deadline.min(Instant::now() + FIRST_BYTE);
        let response = match timeout_at(patience, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(connection_fault(error, outgoing.url)),
            Err(_) => {
                let failure = Failure::new(Code::DeadlineExceeded).expected("an answer within 10 s and the deadline of the call");
                return Err(Fault::last(failure.at(place(outgoing.url))));
            }
        };
        let header_bytes: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if header_bytes > MAX_HEADER_BYTES {
            let failure = Failure::new(Code::ResponseInvalid).expected("at most 64 KiB of headers");
            return Err(Fault::last(failure.at(place(outgoing.url))));
        }
        Ok(response)
    }
}

/// Reads a body of at most `max_bytes`, whatever `Content-Length` claims (INV-13).
pub(crate) async fn body(mut response: Response, max_bytes: u64, deadline: Instant) -> Result<Vec<u8>, Fault> {
    let too_large = || Fault::from(FetchError::TooLarge { max_bytes });
    // The claim is believed only where it saves reading what would be refused.
    if response.content_length().is_some_and(|length| length > max_bytes) {
        return Err(too_large());
    }
    let at = place(response.url());
    let too_slow = |expected: &str| Fault::last(Failure::new(Code::DeadlineExceeded).expected(expected).at(&at));
    let mut bytes = Vec::new();
    let mut pace = Pace::start(Instant::now());
    loop {
        let chunk = match timeout_at(pace.due.min(deadline), response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Err(error)) => {
                let failure = Failure::new(Code::Unavailable).expected("a whole answer").found(chain(&error.without_url()));
                return Err(Fault::passing(failure.at(at)));
            }
            Err(_) if Instant::now() >= deadline => return Err(too_slow("a whole answer within the deadline")),
            Err(_) => Default::default(),
        };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let have = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if have.saturating_add(length) > max_bytes {
            return Err(too_large());
        }
        if !pace.keeps(length, Instant::now()) {
            return Err(too_slow("at least 1 KiB/s"));
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// Whether a body comes fast enough: [`PACE_BYTES`] in each [`PACE_WINDOW`].
struct Pace {
    /// When the window ends.
    due: Instant,
    bytes: u64,
}

impl Pace {
    fn start(now: Instant) -> Self {
        Self { due: now + PACE_WINDOW, bytes: 0 }
    }

    /// Counts what arrived, and judges a window that is over.
    fn keeps(&mut self, bytes: u64, now: Instant) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if now < self.due {
            return true;
        }
        let enough = self.bytes >= PACE_BYTES;
        *self = Self::start(now);
        enough
    }
}

/// Where a URL leads, without path and query: those of redirects often carry a signature.
pub(crate) fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn client(tls: &rustls::ClientConfig, user_agent: &str, proxy: Option<&Url>, reach: Option<Reach>) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .http1_only()
        .http1_max_headers(MAX_HEADERS)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // Named although off by default: another crate of the same program may turn the features on.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_proxy()
        .connect_timeout(CONNECT)
        .user_agent(user_agent);
    if let Some(reach) = reach {
        builder = builder.dns_resolver(Arc::new(Guard(reach)));
    }
    let invalid = |error: reqwest::Error| Failure::new(Code::ConfigInvalid).found(chain(&error.without_url())).at("HTTP client");
    if let Some(proxy) = proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(invalid)?);
    }
    builder.build().map_err(invalid)
}

/// Resolves names and gives away only addresses within reach.
struct Guard(Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<_> = found.iter().copied().filter(|address| reach.permits(address.ip())).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err(Box::new(AddressRefused) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn connection_fault(error: reqwest::Error, url: &Url) -> Fault {
    let error = error.without_url();
    let causes = causes(&error);
    let any = |is: fn(&(dyn Error + 'static)) -> bool| causes.iter().any(|cause| is(*cause));
    if any(|cause| cause.is::<AddressRefused>()) {
        return Fault::last(Failure::new(Code::RedirectRefused).found(AddressRefused).at(place(url)));
    }
    if any(answers_in_plain_text) {
        let failure = Failure::new(Code::PlainHttpRefused).expected("TLS").found("an answer that is not TLS");
        return Fault::last(failure.at(place(url)));
    }
    if any(is_malformed_answer) {
        return Fault::last(Failure::new(Code::ResponseInvalid).found(chain(&error)).at(place(url)));
    }
    let failure = Failure::new(Code::Unavailable).found(chain(&error)).at(place(url));
    // A certificate that does not verify will not verify a moment later.
    if any(|cause| tls_error(cause).is_some()) { Fault::last(failure) } else { Fault::passing(failure) }
}

/// An error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    causes
}

/// The TLS error in a cause. Errors of the operating system's kind hide what they carry from `source`, and may be packed
/// in one another.
fn tls_error<'a>(mut cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(found) = cause.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        cause = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

fn answers_in_plain_text(cause: &(dyn Error + 'static)) -> bool {
    matches!(tls_error(cause), Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)))
}

fn is_malformed_answer(cause: &(dyn Error + 'static)) -> bool {
    // hyper's own type is not part of the HTTP client's interface; its text for a head that cannot be parsed is stable
    // enough to choose between two codes that are both "could not find out".
    let text = cause.to_string();
    text.starts_with("invalid HTTP") || text.starts_with("message head is too large")
}

/// The text of an error and its causes, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let inner = cause.to_string();
        if !text.ends_with(&inner) {
            text = if text.is_empty() { inner } else { format!("{text}: {inner}") };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K-DS-16, fault 20.
    #[test]
    fn a_body_slower_than_1_kib_a_second_does_not_keep_pace() {
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let mut pace = Pace::start(start);
        assert!(pace.keeps(1, second(9)));
        assert!(!pace.keeps(PACE_BYTES - 2, second(10)));
        let mut pace = Pace::start(start);
        assert!(pace.keeps(PACE_BYTES, second(10)));
        // What was fast before does not count for the next window.
        assert!(pace.keeps(1, second(19)));
        assert!(!pace.keeps(1, second(20)));
    }

    /// K-OC-11: held where the connection is made, so that a name which resolves elsewhere next time gains nothing.
    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_is_not_resolved_for_a_redirect() {
        let resolve = |reach: Reach| Guard(reach).resolve("localhost".parse().unwrap());
        assert!(resolve(Reach::Loopback).await.unwrap().next().is_some());
        for reach in [Reach::Public, Reach::Private] {
            let error = resolve(reach).await.err().unwrap();
            assert!(error.is::<AddressRefused>(), "{error}");
        }
    }

    #[tokio::test]
    async fn a_refused_name_is_redirect_refused() {
        let tls = crate::tls::configuration(Vec::new(), true).unwrap();
        let transport = Transport::start(&tls, "test", None).unwrap();
        let url = Url::parse("https://localhost:1/x").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        for (reach, expected) in [(Reach::Public, Code::RedirectRefused), (Reach::Loopback, Code::Unavailable)] {
            let outgoing = Outgoing { url: &url, accept: None, authorization: None, form: None, reach: Some(reach), deadline };
            let fault = transport.send(outgoing).await.err().unwrap();
            assert_eq!(fault.error.failure().code(), expected);
        }
    }
}
