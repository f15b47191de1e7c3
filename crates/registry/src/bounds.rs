//! [`Bounds`]: what all requests of one call may take together.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use veriseal::code::{Code, Failure};

/// Most HTTP requests of one call to the registry and its token service, retries and authentication included. Redirects
/// to other hosts are bounded by request.
pub(crate) const MAX_REQUESTS: u32 = 256;

/// The deadline of a call, and how many requests it may still send.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) deadline: Instant,
    left: AtomicU32,
}

impl Bounds {
    /// Starts now.
    pub(crate) fn start(time: Duration) -> Self {
        Self { deadline: Instant::now() + time, left: AtomicU32::new(MAX_REQUESTS) }
    }

    /// Takes one request.
    ///
    /// # Errors
    /// [`Code::RequestsExhausted`] when none is left: what answers every try with a reason for another must not have us
    /// ask for ever.
    pub(crate) fn spend(&self) -> Result<(), Failure> {
        let spent = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match spent {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::new(Code::RequestsExhausted).expected(format_args!("at most {MAX_REQUESTS} requests"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_more_than_the_bound_is_requests_exhausted() {
        let bounds = Bounds::start(Duration::from_secs(1));
        for _ in 0..MAX_REQUESTS {
            assert!(bounds.spend().is_ok());
        }
        assert_eq!(bounds.spend().unwrap_err().code(), Code::RequestsExhausted);
        assert_eq!(bounds.spend().unwrap_err().code(), Code::RequestsExhausted);
    }
}
