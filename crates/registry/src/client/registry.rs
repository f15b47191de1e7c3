//! [`Registry`]: a [`Fetch`] over the OCI distribution API, and [`Call`], which gives the requests of one verify call one
//! deadline.

use crate::client::answers::Answers;
use crate::client::bounds::Bounds;
use crate::client::builder::{MAX_DEADLINE, RegistryBuilder, Settings};
use crate::client::exchange::Exchange;
use crate::client::token::Tokens;
use crate::client::transport::{Plan, Transport, patience, silent};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use veriseal::code::Failure;
use veriseal::gather::{AsyncFetch, Fetch, FetchError, MAX_IN_FLIGHT, Request, Requests, Response};

/// Container registries over HTTPS (OCI distribution-spec 1.1).
///
/// Cheap to clone and shared between threads; clones share connections and tokens. Needs no runtime and may be called
/// from inside one: the work is done on a thread of its own, which ends with the last clone. It neither reads the
/// environment nor, unless asked to, runs programs. Every answer is bounded and none is trusted: the core checks each
/// digest again.
///
/// As a [`Fetch`] it gives each gathering a deadline of its own, and each single request too; [`Registry::call`] gives
/// one deadline to whatever is asked through it.
#[derive(Clone)]
pub struct Registry {
    settings: Arc<Settings>,
    engine: Arc<Engine>,
    tokens: Arc<Tokens>,
    answers: Arc<Answers>,
}

impl Registry {
    /// A registry client with all defaults: HTTPS, the system's roots, no credentials, 30 s a call.
    ///
    /// # Errors
    /// As [`RegistryBuilder::build`].
    pub fn new() -> Result<Self, Failure> {
        Self::builder().build()
    }

    /// Starts a configuration.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    pub(crate) fn new_from(settings: Settings, engine: Engine, answers: Answers) -> Self {
        let (settings, engine, answers) = (Arc::new(settings), Arc::new(engine), Arc::new(answers));
        Self { settings, engine, tokens: Arc::default(), answers }
    }

    /// Starts a call: from now on the deadline runs, for all its requests together.
    #[must_use]
    pub fn call(&self) -> Call {
        Call { registry: Self { tokens: Arc::default(), ..self.clone() }, bounds: Arc::new(self.bounds()) }
    }

    /// Starts a call with a deadline of its own; one above a day counts as a day.
    #[must_use]
    pub fn call_within(&self, deadline: Duration) -> Call {
        Call { bounds: Arc::new(Bounds::start(deadline.min(MAX_DEADLINE))), ..self.call() }
    }

    /// [`Fetch::fetch`] for callers that await, on whatever executor.
    ///
    /// # Errors
    /// As [`Fetch::fetch`].
    pub async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        self.wait(request, &Arc::new(self.bounds())).await
    }

    fn bounds(&self) -> Bounds {
        Bounds::start(self.settings.deadline)
    }

    fn block(&self, request: &Request, bounds: &Arc<Bounds>) -> Result<Response, FetchError> {
        let transport = self.engine.transport(std::process::id())?;
        transport.run(bounds.deadline, self.exchange(request, bounds, &transport).run())
    }

    async fn wait(&self, request: &Request, bounds: &Arc<Bounds>) -> Result<Response, FetchError> {
        let transport = self.engine.transport(std::process::id())?;
        transport.spawn(self.exchange(request, bounds, &transport).run()).await
    }

    /// Answers all requests of a gathering, several under way at a time. The caller's thread waits and supplies; the
    /// transport's does the rest.
    fn block_all(&self, requests: &mut dyn Requests, bounds: &Arc<Bounds>) {
        let (sender, receiver) = mpsc::channel();
        let mut open = BTreeMap::new();
        // Why no more is asked: then every request is answered with it, so that the account says so of each.
        let mut over = None;
        loop {
            while open.len() < MAX_IN_FLIGHT {
                let Some(request) = requests.next_request() else { break };
                let id = request.id;
                let transport = match &over {
                    None => self.engine.transport(std::process::id()),
                    Some(error) => Err(FetchError::clone(error)),
                };
                match transport {
                    Ok(transport) => {
                        let answering = self.exchange(&request, bounds, &transport).run();
                        open.insert(id, transport.begin(id, sender.clone(), answering));
                    }
                    Err(error) => {
                        if requests.supply(id, Err(error)).is_err() {
                            return;
                        }
                    }
                }
            }
            if open.is_empty() {
                return;
            }
            match receiver.recv_timeout(patience(bounds.deadline)) {
                Ok((id, answer)) => {
                    open.remove(&id);
                    if requests.supply(id, answer).is_err() {
                        return;
                    }
                }
                Err(_) => {
                    over = Some(silent());
                    for (id, underway) in std::mem::take(&mut open) {
                        drop(underway);
                        if requests.supply(id, Err(silent())).is_err() {
                            return;
                        }
                    }
                }
            }
        }
    }

    fn exchange(&self, request: &Request, bounds: &Arc<Bounds>, transport: &Arc<Transport>) -> Exchange {
        Exchange {
            settings: Arc::clone(&self.settings),
            transport: Arc::clone(transport),
            tokens: Arc::clone(&self.tokens),
            answers: Arc::clone(&self.answers),
            bounds: Arc::clone(bounds),
            request: request.clone(),
        }
    }
}

impl Fetch for Registry {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.block(request, &Arc::new(self.bounds()))
    }

    fn fetch_all(&self, requests: &mut dyn Requests) {
        self.call().fetch_all(requests);
    }

    fn weakened(&self) -> Vec<Failure> {
        self.answers.weakened()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The requests of one verify call: one deadline (queueing, tokens and retries included), at most 256 requests in all,
/// and tokens that no other call sees.
///
/// Blocking as a [`Fetch`], awaited as an [`AsyncFetch`]; both have up to [`MAX_IN_FLIGHT`] requests under way at a time.
///
/// ```no_run
/// use veriseal::{UnixTime, Verifier};
/// use veriseal_registry::Registry;
///
/// async fn admit(verifier: &Verifier, registry: &Registry, image: &str, now: UnixTime) -> bool {
///     let Ok(reference) = image.parse() else { return false };
///     // Dropping this future, as a timeout of the caller does, stops every request of it and leaves nothing behind.
///     verifier.verify_async(&reference, &registry.call(), now).await.is_ok()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    registry: Registry,
    bounds: Arc<Bounds>,
}

impl Call {
    /// [`Fetch::fetch`] for callers that await, on whatever executor. Dropping the future cancels the request.
    ///
    /// # Errors
    /// As [`Fetch::fetch`].
    pub async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        self.registry.wait(request, &self.bounds).await
    }
}

impl Fetch for Call {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.registry.block(request, &self.bounds)
    }

    fn fetch_all(&self, requests: &mut dyn Requests) {
        self.registry.block_all(requests, &self.bounds);
    }

    fn weakened(&self) -> Vec<Failure> {
        self.registry.answers.weakened()
    }
}

impl AsyncFetch for Call {
    async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        self.registry.wait(request, &self.bounds).await
    }

    fn weakened(&self) -> Vec<Failure> {
        self.registry.answers.weakened()
    }
}

/// The transport of this process, and what another one is made of.
///
/// A forked child has the memory of its parent but not the transport's thread: it gets a transport of its own, so that
/// servers that load first and fork then (as Python's often do) need not think of it.
pub(crate) struct Engine {
    plan: Plan,
    current: Mutex<Option<(u32, Arc<Transport>)>>,
}

impl Engine {
    /// Starts the transport of this process.
    pub(crate) fn new(plan: Plan) -> Result<Self, Failure> {
        let engine = Self { plan, current: Mutex::default() };
        engine.transport(std::process::id()).map_err(|error| error.failure())?;
        Ok(engine)
    }

    fn transport(&self, process: u32) -> Result<Arc<Transport>, FetchError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((owner, transport)) if *owner == process => return Ok(Arc::clone(transport)),
            _ => {}
        }
        let transport = Arc::new(Transport::start(&self.plan).map_err(FetchError::Unavailable)?);
        // The parent's is left alone: its connections are shared with the parent, which still uses them.
        std::mem::forget(current.replace((process, Arc::clone(&transport))));
        Ok(transport)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    #[test]
    fn a_forked_child_gets_a_transport_of_its_own() {
        let registry = Registry::builder().only_these_roots().build().unwrap();
        let own = std::process::id();
        let first = registry.engine.transport(own).unwrap();
        assert!(Arc::ptr_eq(&first, &registry.engine.transport(own).unwrap()));
        let child = registry.engine.transport(own.wrapping_add(1)).unwrap();
        assert!(!Arc::ptr_eq(&first, &child));
    }

    #[test]
    fn debug_of_a_registry_shows_no_secret() {
        let password = Credentials::Password { username: "victim".to_owned(), password: "s3cret".into() };
        let registry = Registry::builder().only_these_roots().proxy("http://user:s3cret@127.0.0.1:1");
        let registry = registry.credentials("reg.example", password);
        assert!(!format!("{registry:?}").contains("s3cret"));
        let registry = registry.build().unwrap();
        assert!(!format!("{registry:?}").contains("s3cret"));
        assert!(!format!("{:?}", registry.call()).contains("s3cret"));
    }
}
