//! `Registry` against registries that misbehave: each fault with the exact outcome, and a canary that must not leave.
//!
//! The faults are those of the fault list (§4.3 of the attack catalogue); what only the core can see (wrong bytes for a
//! digest, documents of two kinds, …) is tested there.

mod answers;
mod authentication;
mod bounds;
mod cached;
mod callers;
mod faults;
mod gathering;
#[cfg(all(unix, feature = "credential-helpers"))]
mod helpers;
mod memory;
mod redirects;
mod rounds;
mod server;
mod stand;
mod tls;

use server::Server;
use std::time::Duration;
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::gather::{Fetch, FetchError, Request, RequestId, Response, What};
use veriseal::oci::{Reference, Repository};
use veriseal_registry::{Credentials, Registry, RegistryBuilder, Secret};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The password that must reach nobody but the registry and its token service.
pub const CANARY: &str = "s3cret-canary";
/// `victim:s3cret-canary`.
pub const CANARY_BASIC: &str = "Basic dmljdGltOnMzY3JldC1jYW5hcnk=";
const MAX: u64 = 4096;

pub fn repository(registry: &str) -> Repository {
    format!("{registry}/ns/app:v1").parse::<Reference>().unwrap().repository().clone()
}

pub fn request(registry: &str, what: What) -> Request {
    Request::new(RequestId::from_number(7), repository(registry), what, MAX)
}

pub fn tag(registry: &str) -> Request {
    request(registry, What::ManifestByTag("v1".parse().unwrap()))
}

pub fn digest() -> Digest {
    Digest::sha256(b"{}")
}

pub fn blob(registry: &str) -> Request {
    request(registry, What::Blob { digest: digest(), size: 2 })
}

pub fn referrers(registry: &str, page: Option<&str>) -> Request {
    request(registry, What::Referrers { subject: digest(), page: page.map(str::to_owned) })
}

/// Plain HTTP to these servers, no pause between tries, no reading of the system's roots.
pub fn builder(servers: &[&Server]) -> RegistryBuilder {
    let mut builder = Registry::builder().only_these_roots().retry_pause(Duration::ZERO).deadline(Duration::from_secs(5));
    for server in servers {
        builder = builder.allow_http(&server.name()).allow_http(&server.other_name());
    }
    builder
}

pub fn victim(servers: &[&Server], registry: &str) -> RegistryBuilder {
    let password = Credentials::Password { username: "victim".to_owned(), password: Secret::new(CANARY) };
    builder(servers).credentials(registry, password)
}

/// Fetches the tag `v1` of the first server with its credentials.
pub fn fetch_tag(server: &Server) -> Result<Response, FetchError> {
    victim(&[server], &server.name()).build().unwrap().fetch(&tag(&server.name()))
}

pub fn found(answer: Result<Response, FetchError>) -> Vec<u8> {
    match answer {
        Ok(Response::Found { bytes, .. }) => bytes,
        other => panic!("{other:?}"),
    }
}

/// The failure of an answer that must be one; the canary is nowhere in it.
pub fn failure(answer: Result<Response, FetchError>) -> Failure {
    let error = answer.unwrap_err();
    assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    assert!(!format!("{error:?}").contains("dmljdGlt"), "{error:?}");
    error.failure()
}

pub fn code(answer: Result<Response, FetchError>) -> Code {
    failure(answer).code()
}

/// No request carried the canary, in any form.
pub fn assert_no_canary(server: &Server) {
    for seen in server.seen() {
        let text = format!("{seen:?}");
        assert!(!text.contains(CANARY) && !text.contains("dmljdGlt"), "{text}");
    }
}
