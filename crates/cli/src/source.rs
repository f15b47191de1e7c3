//! Where an image's bytes come from: a registry, or an OCI layout on disk.

use crate::arguments::RegistryArguments;
use crate::console::Console;
use crate::network::Network;
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Failure, Reference, Repository};
use veriseal_registry::OciLayout;

/// Opens sources. The registry client is made once, and only where some image is in a registry.
pub(crate) struct Sources {
    network: Option<Network>,
}

impl Sources {
    /// Prepares what these references need. The error is one sentence for the user.
    pub(crate) fn prepare<'r>(
        references: impl Iterator<Item = &'r Reference>,
        signatures: Option<&'r Repository>,
        arguments: &RegistryArguments,
        console: &Console,
    ) -> Result<Self, Failed> {
        let repositories = references.map(Reference::repository).chain(signatures);
        let registries: Vec<_> = repositories.filter_map(Repository::registry).collect();
        if registries.is_empty() {
            return Ok(Self { network: None });
        }
        Ok(Self { network: Some(Network::connect(arguments, &registries, console)?) })
    }

    /// The source of one image, and of its signatures where these are elsewhere: a call with a deadline of its own, or a
    /// layout.
    pub(crate) fn open(&self, reference: &Reference, signatures: Option<&Repository>) -> Result<Box<dyn Fetch + '_>, Failure> {
        let image = reference.repository();
        let opened = self.open_repository(image)?;
        match signatures {
            // One registry client serves all registries, with one deadline.
            Some(other) if other != image && (other.registry().is_none() || image.registry().is_none()) => {
                Ok(Box::new(Elsewhere { image: opened, repository: other.clone(), signatures: self.open_repository(other)? }))
            }
            _ => Ok(opened),
        }
    }

    fn open_repository(&self, repository: &Repository) -> Result<Box<dyn Fetch + '_>, Failure> {
        match &self.network {
            Some(network) if repository.registry().is_some() => Ok(network.open()),
            _ => Ok(Box::new(OciLayout::open(repository.path())?)),
        }
    }
}

/// Signatures from another kind of place than the image.
struct Elsewhere<'s> {
    image: Box<dyn Fetch + 's>,
    repository: Repository,
    signatures: Box<dyn Fetch + 's>,
}

impl Fetch for Elsewhere<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        if request.repository == self.repository { self.signatures.fetch(request) } else { self.image.fetch(request) }
    }

    fn weakened(&self) -> Vec<Failure> {
        self.image.weakened().into_iter().chain(self.signatures.weakened()).collect()
    }
}

/// Why the registry client could not be made.
pub(crate) enum Failed {
    /// An option, or a file that it names, cannot be used: one sentence.
    Option(String),
    /// The library refused.
    #[cfg_attr(not(feature = "network"), allow(dead_code, reason = "only what asks a registry has need of it"))]
    Registry(Failure),
}

/// One sentence for the user.
impl From<Failed> for String {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Option(why) => why,
            Failed::Registry(failure) => failure.to_string(),
        }
    }
}
