//! Where an image's bytes come from: a registry, or an OCI layout on disk.

use crate::arguments::VerifyArguments;
use crate::file;
use std::time::Duration;
use veriseal::gather::Fetch;
use veriseal::{Failure, Reference};
use veriseal_registry::{OciLayout, Registry};

/// Largest docker `config.json` that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Opens sources. The registry client is made once, and only where some image is in a registry.
pub(crate) struct Sources {
    registry: Option<Registry>,
}

impl Sources {
    /// Prepares what these references need. The error is one sentence for the user.
    pub(crate) fn prepare<'r>(
        references: impl Iterator<Item = &'r Reference>,
        arguments: &VerifyArguments,
    ) -> Result<Self, Failed> {
        let mut references = references;
        let remote = references.any(|reference| reference.repository().registry().is_some());
        Ok(Self { registry: if remote { Some(registry(arguments)?) } else { None } })
    }

    /// The source of one image: a call with a deadline of its own, or a layout.
    pub(crate) fn open(&self, reference: &Reference) -> Result<Box<dyn Fetch>, Failure> {
        match &self.registry {
            Some(registry) if reference.repository().registry().is_some() => Ok(Box::new(registry.call())),
            _ => Ok(Box::new(OciLayout::open(reference.repository().path())?)),
        }
    }
}

/// Why the registry client could not be made.
pub(crate) enum Failed {
    /// A file could not be read.
    File(String),
    /// The library refused.
    Registry(Failure),
}

fn registry(arguments: &VerifyArguments) -> Result<Registry, Failed> {
    let mut builder = Registry::builder().deadline(Duration::from_secs(arguments.timeout));
    for host in &arguments.allow_http {
        builder = builder.allow_http(host);
    }
    if let Some(path) = &arguments.registry_config {
        let json = file::read(path, MAX_CONFIG_BYTES).map_err(|why| Failed::File(format!("--registry-config {why}")))?;
        builder = builder.docker_config_json(&json);
    }
    builder.build().map_err(Failed::Registry)
}
