//! The registry client and image layouts, compiled in.

use crate::call::CallInner;
use crate::error::Problem;
use crate::registry::HostTls;
use ::veriseal_registry::{Cache, Call, Credentials, OciLayout, Registry, RegistryBuilder, Tls, evidence};
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::{Duration, Instant};
use veriseal::gather::{Evidence, Fetch, FetchError, Request, Requests, Response};
use veriseal::{Code, Failure, Limits, Reference};

/// Settings until they are used.
pub(crate) struct RegistryInner(Option<RegistryBuilder>);

impl Default for RegistryInner {
    fn default() -> Self {
        Self(Some(Registry::builder()))
    }
}

impl RegistryInner {
    fn with(&mut self, change: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Result<(), Problem> {
        self.0 = Some(change(self.taken()?));
        Ok(())
    }

    fn taken(&mut self) -> Result<RegistryBuilder, Problem> {
        self.0.take().ok_or_else(|| Problem::argument("registry", "settings that are not used yet", "used ones"))
    }

    pub(crate) fn allow_http(&mut self, host: &str) -> Result<(), Problem> {
        self.with(|builder| builder.allow_http(host))
    }

    pub(crate) fn set_credentials(&mut self, host: &str, username: &str, password: &str) -> Result<(), Problem> {
        let credentials = Credentials::Password { username: username.to_owned(), password: password.into() };
        self.with(|builder| builder.credentials(host, credentials))
    }

    pub(crate) fn set_docker_config(&mut self, json: &[u8]) -> Result<(), Problem> {
        self.with(|builder| builder.docker_config_json(json))
    }

    pub(crate) fn add_roots(&mut self, pem: &[u8], only_these: bool) -> Result<(), Problem> {
        self.with(|builder| {
            let builder = builder.root_certificate_pem(pem);
            if only_these { builder.only_these_roots() } else { builder }
        })
    }

    pub(crate) fn set_deadline(&mut self, milliseconds: u64) -> Result<(), Problem> {
        self.with(|builder| builder.deadline(Duration::from_millis(milliseconds)))
    }

    pub(crate) fn set_proxy(&mut self, url: &str) -> Result<(), Problem> {
        self.with(|builder| builder.proxy(url))
    }

    pub(crate) fn set_pull_secret(&mut self, json: &[u8]) -> Result<(), Problem> {
        self.with(|builder| builder.pull_secret(json))
    }

    pub(crate) fn set_identity_token(&mut self, host: &str, token: &str) -> Result<(), Problem> {
        self.with(|builder| builder.credentials(host, Credentials::IdentityToken(token.into())))
    }

    pub(crate) fn set_bearer_token(&mut self, host: &str, token: &str) -> Result<(), Problem> {
        self.with(|builder| builder.credentials(host, Credentials::RegistryToken(token.into())))
    }

    pub(crate) fn allow_realm(&mut self, of: &str, host: &str) -> Result<(), Problem> {
        self.with(|builder| builder.allow_realm(of, host))
    }

    pub(crate) fn allow_redirect(&mut self, host: &str) -> Result<(), Problem> {
        self.with(|builder| builder.allow_redirect(host))
    }

    pub(crate) fn add_mirror(&mut self, of: &str, at: &str) -> Result<(), Problem> {
        self.with(|builder| builder.mirror(of, at))
    }

    pub(crate) fn set_host_tls(&mut self, host: &str, given: &HostTls<'_>) -> Result<(), Problem> {
        let mut tls = Tls::new();
        if !given.roots.is_empty() {
            tls = tls.root_certificate_pem(given.roots);
        }
        if given.only_these {
            tls = tls.only_these_roots();
        }
        // One without the other is said when the source is made, and never left out.
        if !given.certificate.is_empty() || !given.key.is_empty() {
            tls = tls.client_certificate_pem(given.certificate, given.key);
        }
        self.with(|builder| builder.tls(host, tls))
    }

    pub(crate) fn set_memory_cache(&mut self, max_bytes: u64) -> Result<(), Problem> {
        self.with(|builder| builder.cache(Cache::memory(max_bytes)))
    }

    pub(crate) fn set_cache_directory(&mut self, path: &str, max_bytes: u64) -> Result<(), Problem> {
        let cache = Cache::directory(path, max_bytes)?;
        self.with(|builder| builder.cache(cache))
    }

    pub(crate) fn set_answers_live(&mut self, milliseconds: u64) -> Result<(), Problem> {
        self.with(|builder| builder.answers_live(Duration::from_millis(milliseconds)))
    }

    pub(crate) fn set_timeouts(&mut self, connect: u64, first_byte: u64) -> Result<(), Problem> {
        let (connect, first_byte) = (Duration::from_millis(connect), Duration::from_millis(first_byte));
        self.with(|builder| builder.connect_timeout(connect).first_byte_timeout(first_byte))
    }

    pub(crate) fn set_minimum_rate(&mut self, bytes: u64, window: u64) -> Result<(), Problem> {
        self.with(|builder| builder.minimum_rate(bytes, Duration::from_millis(window)))
    }

    pub(crate) fn set_retry_pause(&mut self, milliseconds: u64) -> Result<(), Problem> {
        self.with(|builder| builder.retry_pause(Duration::from_millis(milliseconds)))
    }

    pub(crate) fn set_user_agent(&mut self, text: &str) -> Result<(), Problem> {
        self.with(|builder| builder.user_agent(text))
    }

    pub(crate) fn build(&mut self) -> Result<Client, Problem> {
        Ok(Client(self.taken()?.build()?))
    }
}

/// The client.
pub(crate) struct Client(Registry);

impl Client {
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.0.call())
    }
}

/// The client during one call.
pub(crate) struct Begun(Call);

impl Begun {
    pub(crate) fn fetch(
        &self,
        request: &Request,
        call: Option<&CallInner>,
        until: Option<Instant>,
    ) -> Result<Response, FetchError> {
        match call {
            None => self.0.fetch(request),
            Some(call) => call.signal.wait(self.0.fetch_async(request), until),
        }
    }
}

impl Begun {
    pub(crate) fn fetch_async(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Response, FetchError>> + '_>> {
        Box::pin(async move { self.0.fetch_async(&request).await })
    }

    pub(crate) fn fetch_all(&self, requests: &mut dyn Requests) {
        self.0.fetch_all(requests);
    }

    pub(crate) fn weakened(&self) -> Vec<Failure> {
        Fetch::weakened(&self.0)
    }
}

/// An image layout.
pub(crate) struct Layout {
    layout: OciLayout,
    path: String,
}

impl Layout {
    pub(crate) fn open(path: &str) -> Result<Self, Problem> {
        Ok(Self { layout: OciLayout::open(path)?, path: path.to_owned() })
    }

    pub(crate) fn reference(&self, text: &str) -> Result<Reference, Problem> {
        let reference = Reference::parse_source(text)?;
        if reference.repository().registry().is_none() && reference.repository().path() != self.path {
            return Err(Failure::new(Code::ReferenceInvalid).expected(format_args!("oci:{}", self.path)).found(text).into());
        }
        Ok(reference)
    }

    pub(crate) fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        self.layout.fetch(request)
    }
}

pub(crate) fn evidence_open(path: &str) -> Result<Evidence, Problem> {
    Ok(evidence::open(path)?.load(&Limits::DEFAULT)?)
}

pub(crate) fn evidence_save(path: &str, saved: &Evidence) -> Result<(), Problem> {
    Ok(evidence::save(path, &saved.to_saved())?)
}

pub(crate) fn evidence_read(archive: &[u8]) -> Result<Evidence, Problem> {
    Ok(evidence::from_archive(archive.to_vec())?.load(&Limits::DEFAULT)?)
}

pub(crate) fn evidence_archive(saved: &Evidence) -> Vec<u8> {
    evidence::to_archive(&saved.to_saved())
}

pub(crate) fn in_order<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    ::veriseal_registry::in_order(items, NonZeroUsize::new(threads), work)
}
