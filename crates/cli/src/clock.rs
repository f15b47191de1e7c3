//! The one place where the time is read.

use std::time::{SystemTime, UNIX_EPOCH};
use veriseal::UnixTime;

/// The present, in whole seconds.
pub(crate) fn now() -> UnixTime {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        // Before the epoch nothing was signed yet: such a clock accepts nothing.
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    };
    UnixTime::from_seconds(seconds)
}

/// A point in time to measure from, for what is shown while something is under way; decides nothing.
#[cfg(feature = "network")]
pub(crate) fn started() -> std::time::Instant {
    std::time::Instant::now()
}
