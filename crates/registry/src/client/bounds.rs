//! [`Bounds`]: what all requests of one call may take together.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use veriseal::code::{Code, Failure};

/// Most HTTP requests of one call to the registry and its token service, retries and authentication included. Redirects
/// to other hosts are bounded by request.
pub(crate) const MAX_REQUESTS: u32 = 256;

/// Most KiB of bodies of one call that are being read at a time, unless one alone is larger: several at once could else
/// hold many times what one may. Room for three manifests or lists whose length nobody said.
const MAX_READING_KIB: u32 = 12 * 1024;

/// The deadline of a call, how many requests it may still send, and the room for bodies under way.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) deadline: Instant,
    left: AtomicU32,
    reading: Semaphore,
}

impl Bounds {
    /// Starts now.
    pub(crate) fn start(time: Duration) -> Self {
        let reading = Semaphore::new(usize::try_from(MAX_READING_KIB).unwrap_or(Semaphore::MAX_PERMITS));
        Self { deadline: Instant::now() + time, left: AtomicU32::new(MAX_REQUESTS), reading }
    }

    /// Waits until there is room for a body of so many bytes, and keeps it until the returned value is dropped. A larger
    /// one than all the room there is waits for all of it.
    pub(crate) async fn room(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(1).min(MAX_READING_KIB);
        // The semaphore is never closed.
        self.reading.acquire_many(kib).await.ok()
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

    #[tokio::test]
    async fn bodies_wait_for_room() {
        let bounds = Bounds::start(Duration::from_secs(1));
        let one = bounds.room((4 << 20) - 1024).await.unwrap();
        let two = [bounds.room((4 << 20) - 1024).await, bounds.room(0).await];
        let mut large = std::pin::pin!(bounds.room(8 << 20));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(large.as_mut().poll(&mut context).is_pending());
        drop(one);
        drop(two);
        assert!(large.as_mut().poll(&mut context).is_ready());
        let bounds = Bounds::start(Duration::from_secs(1));
        assert!(bounds.room(u64::MAX).await.is_some());
    }
}
