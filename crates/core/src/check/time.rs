//! When the signature is known to have existed (Sigstore client spec §4.2): [`KnownTimes`].
//!
//! Every authenticated time counts, not the earliest: one compromised authority must not vouch for an expired certificate
//! (K-TL-07). Nothing may lie after the verification time, without grace (K-TL-08).

use super::log_entry::ValidLogEntry;
use super::timestamp::ValidTimestamp;
use crate::code::{Code, Failure};
use crate::policy::{AuthenticatedTime, TimeSource};
use crate::time::Present;
use std::sync::Arc;

/// The authenticated times of a signature; possibly none.
#[derive(Debug)]
pub(super) struct KnownTimes {
    times: Vec<AuthenticatedTime>,
}

impl KnownTimes {
    fn assertion(times: Vec<AuthenticatedTime>) -> Self {
        Self { times }
    }

    pub(super) fn times(&self) -> &[AuthenticatedTime] {
        &self.times
    }

    pub(super) fn into_times(self) -> Vec<AuthenticatedTime> {
        self.times
    }
}

/// Collects the authenticated times; none may lie in the future.
pub(super) fn known(entries: &[ValidLogEntry<'_>], stamps: &[ValidTimestamp], present: &Present) -> Result<KnownTimes, Failure> {
    let mut times = Vec::with_capacity(entries.len().saturating_add(stamps.len()));
    for entry in entries {
        // A stated time without a promise authenticates nothing; it can still give a forgery away.
        if let Some(at) = entry.stated_at()
            && present.is_before(at)
        {
            let expected = format!("at most {}", present.exactly());
            return Err(Failure::new(Code::IntegratedTimeInFuture).expected(expected).found(at));
        }
        if let Some(at) = entry.promised_at() {
            times.push(AuthenticatedTime::assertion(at, TimeSource::Log(entry.log().name())));
        }
    }
    for stamp in stamps {
        if present.is_before(stamp.at()) {
            let expected = format!("at most {}", present.exactly());
            return Err(Failure::new(Code::TimestampInFuture).expected(expected).found(stamp.at()));
        }
        times.push(AuthenticatedTime::assertion(stamp.at(), TimeSource::TimestampAuthority(Arc::clone(stamp.authority()))));
    }
    Ok(KnownTimes::assertion(times))
}

/// Whether the log's key of an entry was valid at every authenticated time. One with a promise was held against its own time
/// already; the others have none of their own (spec: Rekor v2 states no time). Where there is none, `otherwise` takes its place: the
/// present, which is the only time that is not somebody's own word (as for a signer's key, K-X-02), so that the key of a log
/// that was retired vouches for nothing new.
pub(super) fn within_log_window(
    entry: &mut ValidLogEntry<'_>,
    times: &KnownTimes,
    otherwise: Option<&Present>,
) -> Result<(), Failure> {
    if entry.promised_at().is_some() {
        return Ok(());
    }
    entry.within_window(times.times(), otherwise.filter(|_| times.times().is_empty()))
}
