//! Where an image's bytes come from: a registry, or an OCI layout on disk.

use crate::arguments::RegistryArguments;
use crate::console::Console;
use crate::progress::Progress;
use crate::registry;
use veriseal::gather::{Fetch, FetchError, Request, Requests, Response};
use veriseal::{Failure, Reference};
use veriseal_registry::{Call, OciLayout, Registry};

/// Opens sources. The registry client is made once, and only where some image is in a registry.
pub(crate) struct Sources {
    registry: Option<Registry>,
    progress: Option<Progress>,
}

impl Sources {
    /// Prepares what these references need. The error is one sentence for the user.
    pub(crate) fn prepare<'r>(
        references: impl Iterator<Item = &'r Reference>,
        arguments: &RegistryArguments,
        console: &Console,
    ) -> Result<Self, Failed> {
        let registries: Vec<_> = references.filter_map(|reference| reference.repository().registry()).collect();
        if registries.is_empty() {
            return Ok(Self { registry: None, progress: None });
        }
        let progress = console.shows_progress().then(Progress::start);
        let observer = progress.as_ref().map(Progress::observer);
        Ok(Self { registry: Some(registry::client(arguments, &registries, observer)?), progress })
    }

    /// The source of one image: a call with a deadline of its own, or a layout.
    pub(crate) fn open(&self, reference: &Reference) -> Result<Box<dyn Fetch + '_>, Failure> {
        match &self.registry {
            Some(registry) if reference.repository().registry().is_some() => {
                Ok(Box::new(Watched { call: registry.call(), progress: self.progress.as_ref() }))
            }
            _ => Ok(Box::new(OciLayout::open(reference.repository().path())?)),
        }
    }
}

/// Why the registry client could not be made.
pub(crate) enum Failed {
    /// An option, or a file that it names, cannot be used: one sentence.
    Option(String),
    /// The library refused.
    Registry(Failure),
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
