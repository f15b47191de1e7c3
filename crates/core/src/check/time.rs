//! When the signature is known to have existed (Sigstore client spec §4.2): [`KnownTimes`].
//!
//! Every authenticated time counts, not the earliest: one compromised authority must not vouch for an expired certificate
//! (K-TL-07). Nothing may lie after the verification time, without grace (K-TL-08).

use super::log_entry::ValidLogEntry;
use super::timestamp::ValidTimestamp;
use crate::code::{Code, Failure};
use crate::policy::{AuthenticatedTime, TimeSource};
use crate::time::UnixTime;

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

/// Collects the authenticated times; none may lie after `now`.
pub(super) fn known(entries: &[ValidLogEntry<'_>], stamps: &[ValidTimestamp], now: UnixTime) -> Result<KnownTimes, Failure> {
    let mut times = Vec::with_capacity(entries.len().saturating_add(stamps.len()));
    for entry in entries {
        // A stated time without a promise authenticates nothing; it can still give a forgery away.
        if let Some(at) = entry.stated_at()
            && at > now
        {
            return Err(Failure::new(Code::IntegratedTimeInFuture).expected(format_args!("at most {now}")).found(at));
        }
        if let Some(at) = entry.promised_at() {
            times.push(AuthenticatedTime::assertion(at, TimeSource::Log(entry.log().name())));
        }
    }
    for stamp in stamps {
        if stamp.at() > now {
            return Err(Failure::new(Code::TimestampInFuture).expected(format_args!("at most {now}")).found(stamp.at()));
        }
        times.push(AuthenticatedTime::assertion(stamp.at(), TimeSource::TimestampAuthority(stamp.authority().to_owned())));
    }
    Ok(KnownTimes::assertion(times))
}

/// Leaves out the entries whose log key was not valid at every authenticated time. Entries with a promise were held
/// against their own time already; the others have none of their own (spec: Rekor v2 states no time).
pub(super) fn outside_log_window(entry: &ValidLogEntry<'_>, times: &KnownTimes) -> Option<Failure> {
    if entry.promised_at().is_some() {
        return None;
    }
    let outside = times.times().iter().find(|time| !entry.log().validity().contains(time.at()))?;
    Some(
        Failure::new(Code::LogKeyOutsideWindow)
            .expected(entry.log().validity())
            .found(outside.at())
            .at(format_args!("log {}", entry.log().name())),
    )
}
