//! [`Registry`]: a blocking [`Fetch`] over the OCI distribution API, and [`Call`], which gives the requests of one
//! verify call one deadline.

use crate::Secret;
use crate::credentials::{CredentialStore, Credentials};
use crate::exchange::Exchange;
use crate::origin::Origin;
use crate::realm::Realms;
use crate::tls;
use crate::token::Authorization;
use crate::transport::Transport;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::{Fetch, FetchError, Request, Response};

/// The whole life of a call by default.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest deadline that is taken; it also keeps additions to a point in time from overflowing.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
/// The first pause before a further try; the second is four times as long.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Most authorisations kept at a time.
const MAX_TOKENS: usize = 256;

/// Container registries over HTTPS (OCI distribution-spec 1.1).
///
/// Cheap to clone and shared between threads; clones share connections and tokens. Needs no runtime and may be called
/// from inside one: the work is done on a thread of its own, which ends with the last clone. It neither reads the
/// environment nor runs programs. Every answer is bounded and none is trusted: the core checks each digest again.
///
/// As a [`Fetch`] each request has the whole deadline; [`Registry::call`] gives one deadline to many.
#[derive(Clone)]
pub struct Registry {
    settings: Arc<Settings>,
    engine: Arc<Engine>,
    tokens: Arc<Tokens>,
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

    /// Starts a call: from now on the deadline runs, for all its requests together.
    #[must_use]
    pub fn call(&self) -> Call {
        let deadline = Instant::now() + self.settings.deadline;
        Call { registry: Self { tokens: Arc::default(), ..self.clone() }, deadline }
    }

    /// Starts a call with a deadline of its own; one above a day counts as a day.
    #[must_use]
    pub fn call_within(&self, deadline: Duration) -> Call {
        let deadline = Instant::now() + deadline.min(MAX_DEADLINE);
        Call { deadline, ..self.call() }
    }

    /// [`Fetch::fetch`] for callers that await, on whatever executor.
    ///
    /// # Errors
    /// As [`Fetch::fetch`].
    pub async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        self.wait(request, Instant::now() + self.settings.deadline).await
    }

    fn block(&self, request: &Request, deadline: Instant) -> Result<Response, FetchError> {
        let transport = self.engine.transport(std::process::id())?;
        transport.run(deadline, self.exchange(request, deadline, &transport).run())
    }

    async fn wait(&self, request: &Request, deadline: Instant) -> Result<Response, FetchError> {
        let transport = self.engine.transport(std::process::id())?;
        transport.spawn(self.exchange(request, deadline, &transport).run()).await
    }

    fn exchange(&self, request: &Request, deadline: Instant, transport: &Arc<Transport>) -> Exchange {
        Exchange {
            settings: Arc::clone(&self.settings),
            transport: Arc::clone(transport),
            tokens: Arc::clone(&self.tokens),
            request: request.clone(),
            deadline,
        }
    }
}

impl Fetch for Registry {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.block(request, Instant::now() + self.settings.deadline)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The requests of one verify call: one deadline, and tokens that no other call sees.
#[derive(Clone, Debug)]
pub struct Call {
    registry: Registry,
    deadline: Instant,
}

impl Call {
    /// [`Fetch::fetch`] for callers that await, on whatever executor. Dropping the future cancels the request.
    ///
    /// # Errors
    /// As [`Fetch::fetch`].
    pub async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        self.registry.wait(request, self.deadline).await
    }
}

impl Fetch for Call {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.registry.block(request, self.deadline)
    }
}

/// What the user decided.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) credentials: CredentialStore,
    pub(crate) realms: Realms,
    /// Hosts (`host[:port]`) that are spoken to without TLS.
    pub(crate) plain_http: BTreeSet<String>,
    pub(crate) retry_pause: Duration,
    /// Then the addresses of connections are the proxy's.
    pub(crate) has_proxy: bool,
    deadline: Duration,
}

/// The transport of this process, and what another one is made of.
///
/// A forked child has the memory of its parent but not the transport's thread: it gets a transport of its own, so that
/// servers that load first and fork then (as Python's often do) need not think of it.
struct Engine {
    tls: rustls::ClientConfig,
    user_agent: String,
    proxy: Option<Url>,
    current: Mutex<Option<(u32, Arc<Transport>)>>,
}

impl Engine {
    fn transport(&self, process: u32) -> Result<Arc<Transport>, FetchError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some((owner, transport)) if *owner == process => return Ok(Arc::clone(transport)),
            _ => {}
        }
        let transport = Transport::start(&self.tls, &self.user_agent, self.proxy.as_ref()).map_err(FetchError::Unavailable)?;
        let transport = Arc::new(transport);
        // The parent's is left alone: its connections are shared with the parent, which still uses them.
        std::mem::forget(current.replace((process, Arc::clone(&transport))));
        Ok(transport)
    }
}

/// Authorisations by origin and repository, each until it runs out.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<(Origin, String), Authorization>>);

impl Tokens {
    pub(crate) fn get(&self, key: &(Origin, String)) -> Option<Authorization> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(key).filter(|known| known.until > Instant::now()).cloned()
    }

    pub(crate) fn put(&self, key: (Origin, String), authorization: Authorization) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            let now = Instant::now();
            tokens.retain(|_, known| known.until > now);
        }
        if tokens.len() < MAX_TOKENS {
            tokens.insert(key, authorization);
        }
    }

    pub(crate) fn forget(&self, key: &(Origin, String)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Configures a [`Registry`]. What cannot be used is said by [`RegistryBuilder::build`].
#[derive(Debug, Default)]
#[must_use]
pub struct RegistryBuilder {
    credentials: CredentialStore,
    realms: Realms,
    plain_http: BTreeSet<String>,
    deadline: Option<Duration>,
    retry_pause: Option<Duration>,
    proxy: Option<Secret>,
    user_agent: Option<String>,
    roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    only_these_roots: bool,
    problem: Option<Failure>,
}

impl RegistryBuilder {
    /// Speaks plain HTTP with this registry, named as in references (`host` or `host:port`). For no other host, and
    /// not as a fallback: a host that is named here is never asked over TLS.
    pub fn allow_http(mut self, host: &str) -> Self {
        self.plain_http.insert(host.to_ascii_lowercase());
        self
    }

    /// Credentials for a registry (`host[:port]`, exactly as in references), or for what lies under a path of it.
    pub fn credentials(mut self, registry: &str, credentials: Credentials) -> Self {
        let added = self.credentials.add(registry, credentials);
        self.note(added);
        self
    }

    /// Credentials from the content of a docker `config.json`, a podman `auth.json` or a Kubernetes
    /// `.dockerconfigjson`. Credential helpers that it names are not run; where a registry then denies access, the
    /// error names the helper.
    pub fn docker_config_json(mut self, json: &[u8]) -> Self {
        let added = self.credentials.add_docker_config(json);
        self.note(added);
        self
    }

    /// Allows `host[:port]` as the token service of `registry`, where it is neither the registry's own host nor known
    /// (Docker Hub, gitlab.com). It will get the registry's credentials.
    pub fn allow_realm(mut self, registry: &str, host: &str) -> Self {
        self.realms.allow(registry, host);
        self
    }

    /// Trusts these PEM certificates for TLS, beside the system's.
    pub fn root_certificate_pem(mut self, pem: &[u8]) -> Self {
        match tls::certificates(pem) {
            Ok(certificates) => self.roots.extend(certificates),
            Err(failure) => self.note(Err(failure)),
        }
        self
    }

    /// Trusts for TLS the given roots alone, not the system's.
    pub fn only_these_roots(mut self) -> Self {
        self.only_these_roots = true;
        self
    }

    /// How long a call may take, all its requests, retries and pauses together. 30 s by default, at most a day.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The pause before the first further try (250 ms by default); before the second it is four times as long.
    pub fn retry_pause(mut self, pause: Duration) -> Self {
        self.retry_pause = Some(pause);
        self
    }

    /// Sends everything through this HTTP proxy. The environment's proxy settings are not read.
    ///
    /// The proxy resolves names, so that redirects to names inside a private network are for the proxy to refuse.
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Some(Secret::new(url));
        self
    }

    /// The `User-Agent`, by default `veriseal/<version>`.
    pub fn user_agent(mut self, text: &str) -> Self {
        self.user_agent = Some(text.to_owned());
        self
    }

    /// Builds the client and starts its thread. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for anything above that cannot be used, and where neither the system nor the user has a
    /// root certificate; [`Code::Unavailable`] when the system gives no thread.
    pub fn build(self) -> Result<Registry, Failure> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let invalid = |at: &str| Failure::new(Code::ConfigInvalid).at(at);
        for host in &self.plain_http {
            crate::origin::base_url(host, true).map_err(|_| invalid("allow_http").expected("host[:port]").found(host))?;
        }
        let deadline = self.deadline.unwrap_or(DEADLINE);
        if deadline.is_zero() || deadline > MAX_DEADLINE {
            return Err(invalid("deadline").expected("more than nothing and at most a day"));
        }
        // A proxy's URL may hold a password: it is not shown.
        let proxy = match self.proxy.as_ref().map(|url| Url::parse(url.expose())) {
            None => None,
            Some(Ok(url)) if Origin::of(&url).is_some() => Some(url),
            Some(_) => return Err(invalid("proxy").expected("an http or https URL")),
        };
        let user_agent = self.user_agent.unwrap_or_else(|| format!("veriseal/{}", env!("CARGO_PKG_VERSION")));
        if user_agent.is_empty() || !user_agent.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(invalid("user_agent").expected("visible ASCII characters"));
        }
        let tls = tls::configuration(self.roots, self.only_these_roots)?;
        let has_proxy = proxy.is_some();
        let engine = Engine { tls, user_agent, proxy, current: Mutex::default() };
        engine.transport(std::process::id()).map_err(|error| error.failure())?;
        let settings = Settings {
            credentials: self.credentials,
            realms: self.realms,
            plain_http: self.plain_http,
            retry_pause: self.retry_pause.unwrap_or(RETRY_PAUSE),
            has_proxy,
            deadline,
        };
        Ok(Registry { settings: Arc::new(settings), engine: Arc::new(engine), tokens: Arc::default() })
    }

    /// Keeps the first problem for `build`.
    fn note(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.problem.get_or_insert(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_token_that_ran_out_is_not_used_and_their_number_is_bounded() {
        let header = reqwest::header::HeaderValue::from_static("Bearer t");
        let origin = Origin::of(&Url::parse("https://reg.example").unwrap()).unwrap();
        let key = |n: usize| (origin.clone(), n.to_string());
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        let tokens = Tokens::default();
        for n in 0..MAX_TOKENS {
            tokens.put(key(n), Authorization { header: header.clone(), until: if n == 0 { now } else { later } });
        }
        assert!(tokens.get(&key(0)).is_none());
        assert!(tokens.get(&key(1)).is_some());
        // The one that ran out makes room for one, and no more.
        tokens.put(key(1000), Authorization { header: header.clone(), until: later });
        tokens.put(key(1001), Authorization { header, until: later });
        assert!(tokens.get(&key(1000)).is_some());
        assert!(tokens.get(&key(1001)).is_none());
        tokens.forget(&key(1000));
        assert!(tokens.get(&key(1000)).is_none());
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
