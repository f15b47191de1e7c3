//! The registry client and image layouts, compiled in.

use crate::call::CallInner;
use crate::error::Problem;
use ::veriseal_registry::{Call, Credentials, OciLayout, Registry, RegistryBuilder, evidence};
use std::future::Future;
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
