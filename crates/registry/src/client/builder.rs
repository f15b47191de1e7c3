//! [`RegistryBuilder`]: what a user decides about a registry client, checked before anything is sent.

use crate::Secret;
use crate::client::answers::Answers;
use crate::client::cache::Cache;
use crate::client::credentials::{CredentialStore, Credentials};
#[cfg(feature = "credential-helpers")]
use crate::client::helper::Helpers;
use crate::client::mirror::Mirrors;
use crate::client::observer::Observer;
use crate::client::origin::Origin;
use crate::client::realm::Realms;
use crate::client::registry::{Engine, Registry};
use crate::client::tls::{self, Tls, TlsPlan};
use crate::client::transport::{Plan, Timeouts};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use veriseal::code::{Code, Failure};

/// The whole life of a call by default.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest time that is taken; it also keeps additions to a point in time from overflowing.
pub(crate) const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
/// The first pause before a further try; the second is four times as long.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// What the user decided.
pub(crate) struct Settings {
    pub(crate) credentials: CredentialStore,
    pub(crate) realms: Realms,
    pub(crate) mirrors: Mirrors,
    /// Hosts (`host[:port]`) that are spoken to without TLS.
    pub(crate) plain_http: BTreeSet<String>,
    /// Hosts (`host[:port]`) inside a private network that redirects may lead to.
    pub(crate) redirects: BTreeSet<String>,
    pub(crate) retry_pause: Duration,
    /// Then the addresses of connections are the proxy's.
    pub(crate) has_proxy: bool,
    pub(crate) deadline: Duration,
    pub(crate) cache: Option<Cache>,
    /// Where credential helpers may be run.
    #[cfg(feature = "credential-helpers")]
    pub(crate) helpers: Option<Helpers>,
}

impl Settings {
    /// Whether credential helpers are run.
    pub(crate) fn runs_helpers(&self) -> bool {
        #[cfg(feature = "credential-helpers")]
        return self.helpers.is_some();
        #[cfg(not(feature = "credential-helpers"))]
        return false;
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("credentials", &self.credentials)
            .field("mirrors", &self.mirrors)
            .field("plain_http", &self.plain_http)
            .field("deadline", &self.deadline)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// Configures a [`Registry`]. What cannot be used is said by [`RegistryBuilder::build`].
#[derive(Default)]
#[must_use]
pub struct RegistryBuilder {
    credentials: CredentialStore,
    realms: Realms,
    plain_http: BTreeSet<String>,
    redirects: BTreeSet<String>,
    deadline: Option<Duration>,
    retry_pause: Option<Duration>,
    proxy: Option<Secret>,
    user_agent: Option<String>,
    roots: Vec<CertificateDer<'static>>,
    only_these_roots: bool,
    hosts: Vec<(String, Tls)>,
    mirrors: Mirrors,
    timeouts: Option<Timeouts>,
    cache: Option<Cache>,
    answers_live: Option<Duration>,
    observer: Option<Arc<dyn Observer>>,
    #[cfg(feature = "credential-helpers")]
    run_helpers: bool,
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
    /// `.dockerconfigjson`. What [`RegistryBuilder::credentials`] gave comes first. Credential helpers that it names are
    /// not run, unless asked for; where a registry then denies access, the error names the helper.
    pub fn docker_config_json(mut self, json: &[u8]) -> Self {
        let added = self.credentials.add_docker_config(json);
        self.note(added);
        self
    }

    /// Credentials from a Kubernetes pull secret in JSON: a `Secret` of type `kubernetes.io/dockerconfigjson`, or of the
    /// older `kubernetes.io/dockercfg`. Names are exact: one with a wildcard, which a kubelet takes, fits no registry.
    pub fn pull_secret(mut self, json: &[u8]) -> Self {
        let added = self.credentials.add_pull_secret(json);
        self.note(added);
        self
    }

    /// Runs the credential helpers that a configuration names (`credHelpers`, `credsStore`), as
    /// `docker-credential-<name>` from the `PATH`, once a registry asks for credentials and none are given for it.
    ///
    /// A helper has 10 s and no more than the call; one that does not answer is left to itself. Its answer is used for
    /// five minutes. What it prints is never shown.
    #[cfg(feature = "credential-helpers")]
    pub fn run_credential_helpers(mut self) -> Self {
        self.run_helpers = true;
        self
    }

    /// Fetches what lies under `of` from `at`, both as `host[:port][/path]`; the longest `of` decides.
    ///
    /// The image keeps its name for policy and report. Credentials, TLS settings and plain HTTP are those of the mirror.
    /// What the mirror lacks is not asked for elsewhere: a signature that was not mirrored is one that is not there.
    pub fn mirror(mut self, of: &str, at: &str) -> Self {
        let added = self.mirrors.add(of, at);
        self.note(added);
        self
    }

    /// Allows `host[:port]` as the token service of `registry`, where it is neither the registry's own host nor known
    /// (Docker Hub, gitlab.com). It will get the registry's credentials.
    pub fn allow_realm(mut self, registry: &str, host: &str) -> Self {
        self.realms.allow(registry, host);
        self
    }

    /// Lets redirects lead to this host although it is inside a private network and the registry is not, as storage behind
    /// a gateway can be. It gets no credentials, and link-local addresses are never led to.
    pub fn allow_redirect(mut self, host: &str) -> Self {
        match tls::authority(host) {
            Ok(authority) => drop(self.redirects.insert(authority)),
            Err(failure) => self.note(Err(failure)),
        }
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

    /// Whom to believe at `host[:port]`, and as whom to appear there: a registry, its mirror, its token service or its
    /// storage.
    pub fn tls(mut self, host: &str, tls: Tls) -> Self {
        self.hosts.push((host.to_owned(), tls));
        self
    }

    /// Keeps content under its digest. Tags, referrer lists and misses are asked for on every call nevertheless.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Takes answers about tags, referrer lists and misses again for so long, at most a day.
    ///
    /// Weaker: a moved tag, a new or a removed signature is seen late by as much. The report lists it
    /// ([`Code::AnswersReused`]).
    pub fn answers_live(mut self, live: Duration) -> Self {
        self.answers_live = Some(live);
        self
    }

    /// Tells this observer what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// How long connecting may take, name resolution and TLS included. 5 s by default.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.timeouts.get_or_insert(Timeouts::DEFAULT).connect = time;
        self
    }

    /// How long the head of an answer may take, connecting included. 10 s by default. Not tried again.
    pub fn first_byte_timeout(mut self, time: Duration) -> Self {
        self.timeouts.get_or_insert(Timeouts::DEFAULT).first_byte = time;
        self
    }

    /// How many bytes a body must bring in each window of time. 10 KiB in 10 s by default. Not tried again.
    pub fn minimum_rate(mut self, bytes: u64, window: Duration) -> Self {
        let timeouts = self.timeouts.get_or_insert(Timeouts::DEFAULT);
        (timeouts.pace_bytes, timeouts.pace_window) = (bytes, window);
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
            crate::client::origin::base_url(host, true).map_err(|_| invalid("allow_http").expected("host[:port]").found(host))?;
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
        let timeouts = self.timeouts.unwrap_or(Timeouts::DEFAULT);
        for time in [timeouts.connect, timeouts.first_byte, timeouts.pace_window] {
            if time.is_zero() || time > MAX_DEADLINE {
                return Err(invalid("timeouts").expected("more than nothing and at most a day"));
            }
        }
        if self.answers_live.is_some_and(|live| live > MAX_DEADLINE) {
            return Err(invalid("answers_live").expected("at most a day"));
        }
        // One who sets up TLS for a host and has it spoken to in plain text means something else.
        for (host, _) in &self.hosts {
            if self.plain_http.contains(&host.to_ascii_lowercase()) {
                return Err(invalid("tls").expected("a host that is not also allowed plain HTTP").found(host));
            }
        }
        let tls = TlsPlan::new(self.roots, self.only_these_roots, self.hosts)?;
        let has_proxy = proxy.is_some();
        let engine = Engine::new(Plan { tls, user_agent, proxy, timeouts, observer: self.observer })?;
        let settings = Settings {
            credentials: self.credentials,
            realms: self.realms,
            mirrors: self.mirrors,
            plain_http: self.plain_http,
            redirects: self.redirects,
            retry_pause: self.retry_pause.unwrap_or(RETRY_PAUSE),
            has_proxy,
            deadline,
            cache: self.cache,
            #[cfg(feature = "credential-helpers")]
            helpers: self.run_helpers.then(Helpers::default),
        };
        Ok(Registry::new_from(settings, engine, Answers::new(self.answers_live)))
    }

    /// Keeps the first problem for `build`.
    fn note(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.problem.get_or_insert(failure);
        }
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("credentials", &self.credentials)
            .field("mirrors", &self.mirrors)
            .field("plain_http", &self.plain_http)
            .field("hosts", &self.hosts)
            .field("proxy", &self.proxy)
            .field("deadline", &self.deadline)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
