//! [`Network`] in a command that was built without one.

use crate::arguments::RegistryArguments;
use crate::console::Console;
use crate::source::Failed;
use veriseal::gather::Fetch;

/// There is none.
pub(crate) enum Network {}

impl Network {
    /// Refuses: whoever names a registry means one.
    pub(crate) fn connect(_: &RegistryArguments, registries: &[&str], _: &Console) -> Result<Self, Failed> {
        let named = veriseal::code::bounded(&registries.join(", "));
        Err(Failed::Option(format!("{named}: this command was built without network: name an OCI layout (oci:PATH)")))
    }

    pub(crate) fn open(&self) -> Box<dyn Fetch + '_> {
        match *self {}
    }
}
