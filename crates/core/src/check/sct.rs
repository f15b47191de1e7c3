//! Whether the certificate was logged in a trusted CT log (RFC 6962 §3.2): [`ValidSct`].
//!
//! Takes the *verified* issuer from the path: found by name alone, another authority's certificate of that name could
//! stand in (K-TL-18).

use super::candidate::Bench;
use super::path::ValidPath;
use crate::code::{Code, Failure};
use crate::limits::Budget;
use crate::x509::sct::{PrecertificateEntry, SignedCertificateTimestamp, embedded};

/// Proof that a trusted CT log promised to log the certificate.
#[derive(Debug)]
pub(super) struct ValidSct {
    log: String,
}

impl ValidSct {
    fn assertion(log: String) -> Self {
        Self { log }
    }

    pub(super) fn log(&self) -> &str {
        &self.log
    }
}

/// Verifies the embedded timestamps; one from a trusted log suffices.
pub(super) fn verify(path: &ValidPath<'_>, bench: Bench<'_>, budget: &mut Budget) -> Result<ValidSct, Failure> {
    let Some(first) = path.paths().first() else { return Err(Code::Internal.into()) };
    let timestamps = embedded(first.leaf())?;
    let mut entries: Vec<PrecertificateEntry> = Vec::new();
    for path in path.paths() {
        let entry = PrecertificateEntry::of(path)?;
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    let mut reason = Failure::new(Code::SctLogUnknown)
        .expected("a CT log of the trusted root")
        .found(format_args!("{} unknown", timestamps.len()));
    for timestamp in &timestamps {
        match verify_one(timestamp, &entries, bench, budget) {
            Ok(Some(sct)) => return Ok(sct),
            Ok(None) => {}
            Err(failure) if failure.code() == Code::BudgetExhausted => return Err(failure),
            Err(failure) => reason = failure,
        }
    }
    Err(reason)
}

/// `None` for a log that is not trusted: it neither counts nor speaks against the certificate.
fn verify_one(
    timestamp: &SignedCertificateTimestamp,
    entries: &[PrecertificateEntry],
    bench: Bench<'_>,
    budget: &mut Budget,
) -> Result<Option<ValidSct>, Failure> {
    let mut reason = None;
    for log in bench.trust.ct_logs.iter().filter(|log| log.log_id == *timestamp.log_id()) {
        if !log.validity.contains(timestamp.timestamp()) {
            reason =
                Some(Failure::new(Code::SctOutsideWindow).expected(log.validity).found(timestamp.timestamp()).at(log.base_url()));
            continue;
        }
        for entry in entries {
            budget.spend_signature()?;
            match timestamp.verify(&log.key, entry) {
                Ok(()) => return Ok(Some(ValidSct::assertion(log.base_url().to_owned()))),
                Err(failure) => reason = Some(failure.at(log.base_url())),
            }
        }
    }
    reason.map_or(Ok(None), Err)
}
