//! Whether the certificate was logged in a trusted CT log (RFC 6962 §3.2): [`ValidSct`].
//!
//! Takes the *verified* issuer from the path: found by name alone, another authority's certificate of that name could
//! stand in (K-TL-18).

use super::candidate::Bench;
use super::path::ValidPath;
use crate::code::{Code, Failure};
use crate::limits::Budget;
use crate::trust::CtLog;
use crate::x509::sct::{PrecertificateEntry, SignedCertificateTimestamp, embedded};

/// Proof that a trusted CT log promised to log the certificate.
#[derive(Debug)]
pub(super) struct ValidSct<'t> {
    log: &'t CtLog,
}

impl<'t> ValidSct<'t> {
    fn assertion(log: &'t CtLog) -> Self {
        Self { log }
    }

    pub(super) fn log(&self) -> &'t CtLog {
        self.log
    }
}

/// Verifies the embedded timestamps; one from a trusted log suffices.
pub(super) fn verify<'t>(path: &ValidPath, bench: Bench<'t>, budget: &mut Budget) -> Result<ValidSct<'t>, Failure> {
    let Some(first) = path.paths().first() else { return Err(Code::Internal.into()) };
    let timestamps = embedded(first.leaf())?;
    // Of any path: the key that signed the leaf is the issuer's in all of them.
    let entry = PrecertificateEntry::of(first)?;
    let mut reason = None;
    for timestamp in &timestamps {
        match verify_one(timestamp, &entry, bench, budget) {
            Ok(Some(sct)) => return Ok(sct),
            Ok(None) => {}
            Err(failure) if failure.code() == Code::BudgetExhausted => return Err(failure),
            Err(failure) => reason = Some(failure),
        }
    }
    Err(reason.unwrap_or_else(|| {
        Failure::new(Code::SctLogUnknown)
            .expected("a CT log of the trusted root")
            .found(format_args!("{} unknown", timestamps.len()))
    }))
}

/// `None` for a log that is not trusted: it neither counts nor speaks against the certificate.
fn verify_one<'t>(
    timestamp: &SignedCertificateTimestamp<'_>,
    entry: &PrecertificateEntry<'_>,
    bench: Bench<'t>,
    budget: &mut Budget,
) -> Result<Option<ValidSct<'t>>, Failure> {
    let mut reason = None;
    for log in bench.trust.ct_logs.iter().filter(|log| log.log_id == *timestamp.log_id()) {
        if !log.validity.contains(timestamp.timestamp()) {
            reason =
                Some(Failure::new(Code::SctOutsideWindow).expected(log.validity).found(timestamp.timestamp()).at(log.base_url()));
            continue;
        }
        budget.spend_signature()?;
        match timestamp.verify(&log.key, entry) {
            Ok(()) => return Ok(Some(ValidSct::assertion(log))),
            Err(failure) => reason = Some(failure.at(log.base_url())),
        }
    }
    reason.map_or(Ok(None), Err)
}
