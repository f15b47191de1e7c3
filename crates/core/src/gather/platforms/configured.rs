//! Whether an image that is no index is for the platforms that are asked for: its configuration says (OCI image-spec
//! `config.md`).
//!
//! Reads three names. That the configuration is the manifest's own is shown by whoever fetched it.

use super::PlatformChoice;
use crate::code::{Code, Failure};
use crate::encoding::json;
use crate::limits::Limits;
use crate::oci::Platform;

/// Holds the configuration of an image against each platform that is named.
///
/// # Errors
/// [`Code::PlatformNotFound`] for another platform, or where the configuration states none.
pub(in crate::gather) fn check_configured(config: &[u8], choice: &PlatformChoice, limits: &Limits) -> Result<(), Failure> {
    let stated = json::parse_tolerant::<Platform>(config, limits.json_depth);
    for asked in choice.platforms() {
        let not_found = || Failure::new(Code::PlatformNotFound).expected(asked);
        match &stated {
            Ok(stated) if stated.is(asked) => {}
            Ok(stated) => return Err(not_found().found(stated)),
            Err(_) => return Err(not_found().found("a configuration that states no platform")),
        }
    }
    Ok(())
}
