//! The webhook around the decision (feature `server`): HTTPS, reload, bounds, metrics, audit.
//!
//! [`Server`] answers `POST /mutate` and `POST /validate` with what [`Reviewer`] decides, and `GET /healthz`, `/readyz` and
//! `/metrics`. It decides nothing itself, except that what it cannot take on, finish in time or write down is denied. Files,
//! clock, listener and the signal to stop are given to it, so that tests need neither time nor signals.
//!
//! Not here: authentication of the API server. Whoever reaches the port may ask for decisions, learns what a policy says of an
//! image and makes the server ask registries; a network policy keeps others out.

mod asking;
mod audit;
mod connection;
mod file;
mod line;
mod load;
mod metrics;
mod policies;
mod rotation;
mod routes;
mod run;
mod tls;

pub use audit::{Audit, QUEUE, WhenFull, Written};
pub use file::Reload;
pub use load::Bounds;
pub use metrics::Metrics;
pub use policies::{Loaded, Policies};
pub use rotation::RotatingFile;
pub use run::run;
pub use tls::Certificates;

use crate::request::AdmissionRequest;
use crate::response::Response;
use crate::review::{Registration, Reviewer};
use asking::Asking;
use load::Load;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use veriseal::encoding::hex;
use veriseal::{Code, Failure, Reference, Repository, UnixTime};
use veriseal_registry::Registry;

/// The clock that verification times are taken from.
pub type Clock = Arc<dyn Fn() -> UnixTime + Send + Sync>;
/// Where the server tells its operator something, a line at a time.
pub type Notes = Arc<dyn Fn(&str) + Send + Sync>;

/// What a server is made of.
pub struct Parts {
    /// What it decides by.
    pub policies: Policies,
    /// What it shows.
    pub certificates: Arc<Certificates>,
    /// What it asks for evidence. Make it with [`Metrics`] as its observer, and with a cache.
    pub registry: Registry,
    /// Where decisions are written down.
    pub audit: Audit,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// What time it is.
    pub clock: Clock,
    /// Where it tells of reloads.
    pub notes: Notes,
}

/// How a server behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Within which every request is answered; below the webhook's own `timeoutSeconds`, and a request that names a shorter
    /// one (`?timeout=10s`, as API servers do) is answered within four fifths of that.
    pub deadline: Duration,
    /// How long one image may take, within the deadline.
    pub image_deadline: Duration,
    /// How much may be under way.
    pub bounds: Bounds,
    /// Open connections; more wait to be accepted.
    pub connections: usize,
    /// Let everything pass that can be read, and say what would have been denied.
    pub dry_run: bool,
    /// Where signatures are looked for, if not beside the images.
    pub signatures: Option<Repository>,
    /// How often policies and certificate are read again; never where it is nothing.
    pub reload_every: Option<Duration>,
    /// How long requests are still taken after the signal to stop, while `/readyz` says no.
    pub stop_delay: Duration,
    /// How long requests under way may take to finish then.
    pub stop_patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(8),
            image_deadline: Duration::from_secs(8),
            bounds: Bounds::DEFAULT,
            connections: 1024,
            dry_run: false,
            signatures: None,
            reload_every: Some(Duration::from_secs(10)),
            stop_delay: Duration::from_secs(5),
            stop_patience: Duration::from_secs(15),
        }
    }
}

/// The webhook. Shared between threads.
pub struct Server {
    parts: Parts,
    settings: Settings,
    load: Arc<Load>,
    ready: AtomicBool,
    /// What was told last of each thing that is read again, so that the same is not told every few seconds.
    told: Mutex<[Option<String>; 2]>,
}

/// Until when the stages of one request must be done: each leaves a sixteenth of the time to the next, so that the account
/// of a slow registry is still written down and answered.
#[derive(Clone, Copy, Debug)]
struct Until {
    registries: Instant,
    review: Instant,
    answer: Instant,
}

impl Until {
    fn within(deadline: Duration) -> Self {
        let now = Instant::now();
        let step = deadline.checked_div(16).unwrap_or_default();
        let after = |time: Duration| now.checked_add(time).unwrap_or(now);
        Self {
            registries: after(deadline.saturating_sub(step.saturating_mul(2))),
            review: after(deadline.saturating_sub(step)),
            answer: after(deadline),
        }
    }
}

impl Server {
    /// Puts a server together. Nothing is opened yet.
    #[must_use]
    pub fn new(parts: Parts, settings: Settings) -> Arc<Self> {
        let load = Load::new(settings.bounds);
        Arc::new(Self { parts, settings, load, ready: AtomicBool::new(true), told: Mutex::default() })
    }

    /// Reads policies and certificate again. What cannot be used changes nothing, is counted and told. Blocks.
    pub fn reload(&self) -> [Reload; 2] {
        let now = (self.parts.clock)();
        let results = [self.parts.policies.reload(), self.parts.certificates.reload(now)];
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for ((what, result), told) in ["policy", "certificate"].into_iter().zip(&results).zip(told.iter_mut()) {
            match result {
                Reload::Unchanged => self.parts.metrics.reloaded(what, "unchanged", true),
                Reload::Replaced => self.parts.metrics.reloaded(what, "replaced", true),
                Reload::Kept(_) => self.parts.metrics.reloaded(what, "failed", false),
            }
            let message = match result {
                Reload::Unchanged => None,
                Reload::Replaced => Some(format!("{what}: what is on disk is in use from now on")),
                Reload::Kept(why) => Some(format!("{what}: the old one stays in use: {why}")),
            };
            if message.is_some() && *told != message {
                message.iter().for_each(|message| (self.parts.notes)(message));
            }
            *told = message;
        }
        results
    }

    /// Decides one request. `until` bounds it; the decision is written down before it is returned.
    async fn decide(self: &Arc<Self>, registration: Registration, body: &[u8], until: Until) -> Response {
        let started = Instant::now();
        let now = (self.parts.clock)();
        let parsed = AdmissionRequest::parse(body);
        let response = match &parsed {
            Ok(request) => self.review(registration, request, until, now).await,
            Err(failure) => Response::refused(body, failure.clone()),
        };
        let request = parsed.as_ref().ok();
        let line = line::line(request, registration, &response, now, started.elapsed(), self.settings.dry_run);
        let written = timeout_at(until.answer, self.parts.audit.write(line)).await;
        let response = match written {
            Ok(Ok(())) => response,
            Ok(Err(failure)) => self.unrecorded(response, failure),
            Err(_) => self.unrecorded(response, Failure::new(Code::AuditUnavailable).found("a full queue until the deadline")),
        };
        self.parts.metrics.decided(registration, &response, started.elapsed(), now);
        response
    }

    async fn review(
        self: &Arc<Self>,
        registration: Registration,
        request: &AdmissionRequest,
        until: Until,
        now: UnixTime,
    ) -> Response {
        let Some(_place) = self.load.review() else {
            let most = self.settings.bounds.reviews;
            let failure = Failure::new(Code::AdmissionOverloaded).expected(format_args!("at most {most} requests under way"));
            return self.refused(request, failure);
        };
        // One set of policies from beginning to end, whatever is loaded meanwhile.
        let loaded = self.parts.policies.current();
        let mut reviewer = Reviewer::new(loaded.policies(), registration);
        if let Some(repository) = &self.settings.signatures {
            reviewer = reviewer.with_signature_repository(repository);
        }
        if self.settings.dry_run {
            reviewer = reviewer.dry_run();
        }
        let open = |reference: &Reference| self.open(reference, until);
        match timeout_at(until.review, reviewer.review_async(request, open, now)).await {
            Ok(response) => response,
            Err(_) => {
                let within = format!("a decision within {} ms", self.settings.deadline.as_millis());
                self.refused(request, Failure::new(Code::DeadlineExceeded).expected(within))
            }
        }
    }

    /// The source of one image: a call of its own, with what is left of the time.
    fn open(&self, reference: &Reference, until: Until) -> Asking {
        let host = reference.repository().registry().unwrap_or_default();
        let call = match self.load.registry(host) {
            Some(place) => {
                let left = until.registries.saturating_duration_since(Instant::now()).min(self.settings.image_deadline);
                Ok((self.parts.registry.call_within(left), place))
            }
            None => {
                let most = self.settings.bounds.images_per_registry;
                let expected = format!("at most {most} images of one registry under way");
                Err(Failure::new(Code::AdmissionOverloaded).expected(expected).at(host))
            }
        };
        Asking::new(call, &self.load, &self.parts.metrics)
    }

    /// The answer to a request that was read and could not be taken on or finished.
    fn refused(&self, request: &AdmissionRequest, failure: Failure) -> Response {
        Response::whole(request.uid(), self.settings.dry_run, Some(failure))
    }

    /// What nobody can look up later is not admitted.
    fn unrecorded(&self, response: Response, failure: Failure) -> Response {
        self.parts.metrics.unrecorded();
        Response::whole(response.uid(), self.settings.dry_run, Some(failure))
    }

    /// Whether requests are wanted.
    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    /// The page of `/metrics`.
    #[must_use]
    pub fn metrics(&self) -> String {
        let now = (self.parts.clock)();
        let loaded = self.parts.policies.current();
        let named = loaded.policies().iter().map(|policy| (policy.name().to_owned(), hex::encode(policy.fingerprint())));
        self.parts.metrics.text(&metrics::Reading {
            now,
            certificate: self.parts.certificates.end(),
            trust: loaded.next_end_of_trust(now),
            policy: loaded.next_end_of_policy(now),
            policies: named.collect(),
            under_way: self.load.reviews_under_way(),
            audit: self.parts.audit.written(),
            verdicts: (self.parts.policies.verdicts().hits(), self.parts.policies.verdicts().misses()),
            ready: self.is_ready(),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}
