//! [`Asking`]: one image's call to a registry, within what the server can hold.

use super::load::{AtRegistry, Held, Load};
use super::metrics::Metrics;
use std::sync::{Arc, Mutex, PoisonError};
use veriseal::gather::{AsyncFetch, FetchError, Request, Response};
use veriseal::{Code, Failure};
use veriseal_registry::Call;

/// A call with its place at the registry and the room for what it brings; or why there is none, which every question is
/// answered with, so that the report of the image says so.
pub(super) struct Asking {
    call: Result<(Call, AtRegistry), Failure>,
    load: Arc<Load>,
    evidence: Mutex<Vec<Held>>,
    metrics: Arc<Metrics>,
}

impl Asking {
    pub(super) fn new(call: Result<(Call, AtRegistry), Failure>, load: &Arc<Load>, metrics: &Arc<Metrics>) -> Self {
        Self { call, load: Arc::clone(load), evidence: Mutex::default(), metrics: Arc::clone(metrics) }
    }

    async fn ask(&self, request: &Request) -> Result<Response, FetchError> {
        let call = match &self.call {
            Ok((call, _)) => call,
            Err(failure) => return Err(FetchError::Unavailable(failure.clone())),
        };
        let answer = call.fetch_async(request).await?;
        if let Response::Found { bytes, .. } = &answer {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let Some(held) = self.load.evidence(length) else {
                let failure = Failure::new(Code::AdmissionOverloaded).expected("room for the evidence of all requests under way");
                return Err(FetchError::Unavailable(failure));
            };
            self.evidence.lock().unwrap_or_else(PoisonError::into_inner).push(held);
        }
        Ok(answer)
    }
}

impl AsyncFetch for Asking {
    async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
        let answer = self.ask(request).await;
        if let Err(error) = &answer {
            self.metrics.registry_error(error.failure().code());
        }
        answer
    }

    fn weakened(&self) -> Vec<Failure> {
        self.call.as_ref().map_or_else(|_| Vec::new(), |(call, _)| AsyncFetch::weakened(call))
    }
}
