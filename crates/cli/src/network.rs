//! [`Network`]: the registry client of a run, and what of it is shown on a terminal.

use crate::arguments::RegistryArguments;
use crate::console::Console;
use crate::progress::Progress;
use crate::registry;
use crate::source::Failed;
use veriseal::Failure;
use veriseal::gather::{Fetch, FetchError, Request, Requests, Response};
use veriseal_registry::{Call, Registry};

/// Where registries are asked.
pub(crate) struct Network {
    registry: Registry,
    progress: Option<Progress>,
}

impl Network {
    /// Prepares to ask these registries. Nothing is sent.
    pub(crate) fn connect(arguments: &RegistryArguments, registries: &[&str], console: &Console) -> Result<Self, Failed> {
        let progress = console.shows_progress().then(Progress::start);
        let observer = progress.as_ref().map(Progress::observer);
        Ok(Self { registry: registry::client(arguments, registries, observer)?, progress })
    }

    /// A call with a deadline of its own.
    pub(crate) fn open(&self) -> Box<dyn Fetch + '_> {
        Box::new(Watched { call: self.registry.call(), progress: self.progress.as_ref() })
    }
}

/// A call that shows on the terminal how it is getting on.
struct Watched<'s> {
    call: Call,
    progress: Option<&'s Progress>,
}

impl Fetch for Watched<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        let _shown = self.progress.map(Progress::show);
        self.call.fetch(request)
    }

    fn fetch_all(&self, requests: &mut dyn Requests) {
        let _shown = self.progress.map(Progress::show);
        self.call.fetch_all(requests);
    }

    fn weakened(&self) -> Vec<Failure> {
        self.call.weakened()
    }
}
