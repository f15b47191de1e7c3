//! Whether a timestamp authority stamped the signature (RFC 3161): [`ValidTimestamp`].

use super::candidate::Bench;
use crate::code::{Code, Failure};
use crate::limits::Budget;
use crate::time::UnixTime;

/// Proof that a trusted authority stamped the signature.
#[derive(Debug)]
pub(super) struct ValidTimestamp {
    at: UnixTime,
    authority: String,
    identity: String,
}

impl ValidTimestamp {
    pub(super) fn at(&self) -> UnixTime {
        self.at
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// What thresholds count as one.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }
}

/// Verifies one response over the signature's bytes.
pub(super) fn verify(
    _response: &[u8],
    _signature: &[u8],
    _bench: Bench<'_>,
    _budget: &mut Budget,
) -> Result<ValidTimestamp, Failure> {
    Err(Failure::new(Code::NotYetSupported).found("an RFC 3161 timestamp"))
}
