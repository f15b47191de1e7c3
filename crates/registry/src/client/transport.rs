//! The HTTP client and the thread it runs on: one hop of one request, bounded.
//!
//! Follows no redirect, keeps no cookie, undoes no compression and reads no proxy from the environment: what is to
//! happen with an answer is decided in [`crate::client::exchange`]. A thread of its own with a single-threaded runtime lets
//! blocking callers do without a runtime, and callers inside somebody else's runtime do without a conflict.

use crate::client::fault::{Fault, chain, connection_fault};
use crate::client::observer::{Event, Observer};
use crate::client::origin::Origin;
use crate::client::reach::{AddressRefused, Reach};
use crate::client::tls::{HostConfig, TlsPlan};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, redirect};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::{FetchError, RequestId};

/// Most bytes of an answer's headers, names and values.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Most bytes that are set aside for a body before it has come: a manifest's bound by default.
const MAX_RESERVED: u64 = 4 * 1024 * 1024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 128;
/// How long the caller's thread waits beyond the deadline for the transport to say that it passed.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// How long each step of one request may take, beside the deadline of the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Connecting, name resolution and TLS included.
    pub(crate) connect: Duration,
    /// From request to the head of the answer, connecting included.
    pub(crate) first_byte: Duration,
    /// A body must bring `pace_bytes` in each window of this length (a slow drip otherwise holds a call to its end).
    pub(crate) pace_window: Duration,
    /// 1 KiB/s over the window by default.
    pub(crate) pace_bytes: u64,
}

impl Timeouts {
    pub(crate) const DEFAULT: Self = Self {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(10),
        pace_window: Duration::from_secs(10),
        pace_bytes: 10 * 1024,
    };
}

/// What a transport is made of.
pub(crate) struct Plan {
    pub(crate) tls: TlsPlan,
    pub(crate) user_agent: String,
    pub(crate) proxy: Option<Url>,
    pub(crate) timeouts: Timeouts,
    pub(crate) observer: Option<Arc<dyn Observer>>,
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
    /// Of every host that has none of its own.
    general: Clients,
    /// By `host[:port]`: those with TLS settings of their own.
    hosts: BTreeMap<String, Clients>,
    timeouts: Timeouts,
    observer: Option<Arc<dyn Observer>>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

struct Clients {
    /// For what the user asks of a host that the user named.
    direct: Client,
    /// For where a registry sent us, by [`Reach::place`].
    guarded: [Client; 3],
}

impl Clients {
    fn new(plan: &Plan, own: &rustls::ClientConfig, stranger: &rustls::ClientConfig) -> Result<Self, Failure> {
        let [public, private, loopback] = Reach::ALL.map(|reach| client(plan, stranger, Some(reach)));
        Ok(Self { direct: client(plan, own, None)?, guarded: [public?, private?, loopback?] })
    }
}

impl Transport {
    /// Builds the clients and starts the thread.
    pub(crate) fn start(plan: &Plan) -> Result<Self, Failure> {
        let general = Clients::new(plan, &plan.tls.general, &plan.tls.general)?;
        let own = |(host, config): (&String, &HostConfig)| Ok((host.clone(), Clients::new(plan, &config.own, &config.stranger)?));
        let hosts = plan.tls.hosts.iter().map(own).collect::<Result<_, Failure>>()?;
        let (timeouts, observer) = (plan.timeouts, plan.observer.clone());
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
        Ok(Self { handle, general, hosts, timeouts, observer, _stop: stop })
    }

    /// Starts a future on the transport's thread. Its answer comes out of `sender` with its id, whatever becomes of it;
    /// dropping what is returned stops it.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        id: RequestId,
        sender: mpsc::Sender<(RequestId, Result<T, FetchError>)>,
        future: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Underway {
        let mut reply = Reply { id, sender, told: false };
        let task = self.handle.spawn(async move {
            let answer = future.await;
            reply.told = true;
            // Nobody waits any more where the call was dropped.
            let _ = reply.sender.send((id, answer));
        });
        Underway(task.abort_handle())
    }

    /// Runs a future on the transport's thread and blocks until it is done or its deadline is well past.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        future: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Result<T, FetchError> {
        let (sender, receiver) = mpsc::channel();
        let _underway = self.begin(RequestId::from_number(0), sender, future);
        receiver.recv_timeout(patience(deadline)).map_or_else(|_| Err(silent()), |(_, answer)| answer)
    }

    /// Like [`Transport::run`] for callers that await, on whatever executor. Dropping the future cancels the work.
    pub(crate) async fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Result<T, FetchError> {
        let task = self.handle.spawn(future);
        let _underway = Underway(task.abort_handle());
        task.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Tells whoever watches.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer.observe(event);
        }
    }

    /// Sends one request and returns the head of the answer. Redirects come back as they are.
    pub(crate) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Response, Fault> {
        let authority = Origin::of(outgoing.url).map(|origin| origin.authority());
        let clients = authority.and_then(|authority| self.hosts.get(&authority)).unwrap_or(&self.general);
        let client = outgoing.reach.and_then(|reach| clients.guarded.get(reach.place())).unwrap_or(&clients.direct);
        self.tell(&Event::Asking { origin: &place(outgoing.url) });
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
        let patience = outgoing.deadline.min(Instant::now() + self.timeouts.first_byte);
        let response = match timeout_at(patience, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(connection_fault(error, outgoing.url)),
            Err(_) => {
                let failure = Failure::new(Code::DeadlineExceeded)
                    .expected("the head of an answer in time, and within the deadline of the call");
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

    /// Reads a body of at most `max_bytes`, whatever `Content-Length` claims (INV-13).
    pub(crate) async fn body(&self, mut response: Response, max_bytes: u64, deadline: Instant) -> Result<Vec<u8>, Fault> {
        let too_large = || Fault::from(FetchError::TooLarge { max_bytes });
        // The claim is believed only where it saves reading what would be refused.
        if response.content_length().is_some_and(|length| length > max_bytes) {
            return Err(too_large());
        }
        let at = place(response.url());
        let too_slow = |expected: &str| Fault::last(Failure::new(Code::DeadlineExceeded).expected(expected).at(&at));
        // As large as it may become, which costs nothing until it is filled; growing would take up to three times as much.
        let most = response.content_length().unwrap_or(max_bytes).min(MAX_RESERVED);
        let mut bytes = Vec::with_capacity(usize::try_from(most).unwrap_or(0));
        let mut pace = Pace::start(self.timeouts, Instant::now());
        loop {
            let chunk = match timeout_at(pace.due.min(deadline), response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => {
                    bytes.shrink_to_fit();
                    return Ok(bytes);
                }
                Ok(Err(error)) => {
                    let failure = Failure::new(Code::Unavailable).expected("a whole answer").found(chain(&error.without_url()));
                    return Err(Fault::passing(failure.at(at)));
                }
                Err(_) if Instant::now() >= deadline => return Err(too_slow("a whole answer within the deadline")),
                Err(_) => Default::default(),
            };
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.tell(&Event::Received { bytes: length });
            let have = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if have.saturating_add(length) > max_bytes {
                return Err(too_large());
            }
            if !pace.keeps(length, Instant::now()) {
                return Err(too_slow("a body that comes at the minimum rate"));
            }
            bytes.extend_from_slice(&chunk);
        }
    }
}

/// Work on the transport's thread that ends when this is dropped.
pub(crate) struct Underway(tokio::task::AbortHandle);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers in any case: a task that panics, or a thread that ends, must not leave its caller waiting.
struct Reply<T> {
    id: RequestId,
    sender: mpsc::Sender<(RequestId, Result<T, FetchError>)>,
    told: bool,
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if !self.told {
            let _ = self.sender.send((self.id, Err(gone())));
        }
    }
}

fn gone() -> FetchError {
    FetchError::Unavailable(Failure::new(Code::Internal).found("a transport that is gone"))
}

/// What a caller is told whom the transport has left waiting well beyond the deadline.
pub(crate) fn silent() -> FetchError {
    FetchError::Unavailable(Failure::new(Code::DeadlineExceeded).found("a transport that does not answer"))
}

/// How long the caller's thread waits for a call with this deadline.
pub(crate) fn patience(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).saturating_add(GRACE)
}

/// Whether a body comes fast enough: so many bytes in each window.
struct Pace {
    timeouts: Timeouts,
    /// When the window ends.
    due: Instant,
    bytes: u64,
}

impl Pace {
    fn start(timeouts: Timeouts, now: Instant) -> Self {
        Self { timeouts, due: now + timeouts.pace_window, bytes: 0 }
    }

    /// Counts what arrived, and judges a window that is over.
    fn keeps(&mut self, bytes: u64, now: Instant) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if now < self.due {
            return true;
        }
        let enough = self.bytes >= self.timeouts.pace_bytes;
        *self = Self::start(self.timeouts, now);
        enough
    }
}

/// Where a URL leads, without path and query: those of redirects often carry a signature.
pub(crate) fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn client(plan: &Plan, tls: &rustls::ClientConfig, reach: Option<Reach>) -> Result<Client, Failure> {
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
        .connect_timeout(plan.timeouts.connect)
        .user_agent(&plan.user_agent);
    if let Some(reach) = reach {
        builder = builder.dns_resolver(Arc::new(Guard(reach)));
    }
    let invalid = |error: reqwest::Error| Failure::new(Code::ConfigInvalid).found(chain(&error.without_url())).at("HTTP client");
    if let Some(proxy) = &plan.proxy {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// K-DS-16, fault 20.
    #[test]
    fn a_body_slower_than_1_kib_a_second_does_not_keep_pace() {
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let mut pace = Pace::start(Timeouts::DEFAULT, start);
        assert!(pace.keeps(1, second(9)));
        assert!(!pace.keeps(Timeouts::DEFAULT.pace_bytes - 2, second(10)));
        let mut pace = Pace::start(Timeouts::DEFAULT, start);
        assert!(pace.keeps(Timeouts::DEFAULT.pace_bytes, second(10)));
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
        let tls = TlsPlan::new(Vec::new(), true, Vec::new()).unwrap();
        let plan = Plan { tls, user_agent: "test".to_owned(), proxy: None, timeouts: Timeouts::DEFAULT, observer: None };
        let transport = Transport::start(&plan).unwrap();
        let url = Url::parse("https://localhost:1/x").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        for (reach, expected) in [(Reach::Public, Code::RedirectRefused), (Reach::Loopback, Code::Unavailable)] {
            let outgoing = Outgoing { url: &url, accept: None, authorization: None, form: None, reach: Some(reach), deadline };
            let fault = transport.send(outgoing).await.err().unwrap();
            assert_eq!(fault.error.failure().code(), expected);
        }
    }
}
