//! What stands in for the registry client and image layouts where they are not compiled in: every use is refused.

use crate::call::CallInner;
use crate::error::Problem;
use crate::registry::HostTls;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;
use veriseal::gather::{Evidence, FetchError, Request, Requests, Response};
use veriseal::{Code, Failure, Reference};

fn absent() -> Problem {
    Failure::new(Code::ConfigInvalid).expected("a library with the feature registry").found("one without it").into()
}

/// Settings that cannot be used.
#[derive(Default)]
pub(crate) struct RegistryInner(());

impl RegistryInner {
    pub(crate) fn allow_http(&mut self, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_credentials(&mut self, _: &str, _: &str, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_docker_config(&mut self, _: &[u8]) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn add_roots(&mut self, _: &[u8], _: bool) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_deadline(&mut self, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_proxy(&mut self, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_pull_secret(&mut self, _: &[u8]) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_identity_token(&mut self, _: &str, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_bearer_token(&mut self, _: &str, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn allow_realm(&mut self, _: &str, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn allow_redirect(&mut self, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn add_mirror(&mut self, _: &str, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_host_tls(&mut self, _: &str, given: &HostTls<'_>) -> Result<(), Problem> {
        let _ = (given.roots, given.only_these, given.certificate, given.key);
        Err(absent())
    }

    pub(crate) fn set_memory_cache(&mut self, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_cache_directory(&mut self, _: &str, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_answers_live(&mut self, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_timeouts(&mut self, _: u64, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_minimum_rate(&mut self, _: u64, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_retry_pause(&mut self, _: u64) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn set_user_agent(&mut self, _: &str) -> Result<(), Problem> {
        Err(absent())
    }

    pub(crate) fn build(&mut self) -> Result<Client, Problem> {
        Err(absent())
    }
}

/// There is none.
pub(crate) struct Client(Infallible);

impl Client {
    pub(crate) fn begin(&self) -> Begun {
        match self.0 {}
    }
}

/// There is none.
pub(crate) struct Begun(Infallible);

impl Begun {
    pub(crate) fn fetch(&self, _: &Request, _: Option<&CallInner>, _: Option<Instant>) -> Result<Response, FetchError> {
        match self.0 {}
    }
}

impl Begun {
    pub(crate) fn fetch_async(&self, _: Request) -> Pin<Box<dyn Future<Output = Result<Response, FetchError>> + '_>> {
        match self.0 {}
    }

    pub(crate) fn fetch_all(&self, _: &mut dyn Requests) {
        match self.0 {}
    }

    pub(crate) fn weakened(&self) -> Vec<Failure> {
        match self.0 {}
    }
}

/// There is none.
pub(crate) struct Layout(Infallible);

impl Layout {
    pub(crate) fn open(_: &str) -> Result<Self, Problem> {
        Err(absent())
    }

    pub(crate) fn reference(&self, _: &str) -> Result<Reference, Problem> {
        match self.0 {}
    }

    pub(crate) fn fetch(&self, _: &Request) -> Result<Response, FetchError> {
        match self.0 {}
    }
}

pub(crate) fn evidence_open(_: &str) -> Result<Evidence, Problem> {
    Err(absent())
}

pub(crate) fn evidence_save(_: &str, _: &Evidence) -> Result<(), Problem> {
    Err(absent())
}

pub(crate) fn evidence_read(_: &[u8]) -> Result<Evidence, Problem> {
    Err(absent())
}

pub(crate) fn evidence_archive(_: &Evidence) -> Vec<u8> {
    Vec::new()
}

/// On the calling thread: threads come with the registry.
pub(crate) fn in_order<T, R>(items: &[T], _: usize, work: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(work).collect()
}
