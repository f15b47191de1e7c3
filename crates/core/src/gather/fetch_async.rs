//! [`AsyncFetch`]: the seam to the outside for callers that await, over the same [`Session`](super::Session).
//!
//! Needs no particular runtime and spawns nothing: [`drive_async`] polls the requests under way inside the one future that
//! it returns, so that dropping that future drops every request with it.

use super::fetch::{FetchError, Request, RequestId, Requests, Response};
use crate::code::Failure;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Most requests of one gathering under way at a time.
pub const MAX_IN_FLIGHT: usize = 16;

/// An awaited source of OCI content.
///
/// Shared between tasks. Cancel-safe: a future that is dropped before it is ready stops the work that it stands for and
/// leaves nothing behind that could change a later answer.
///
/// ```
/// use veriseal::gather::{AsyncFetch, FetchError, MemoryStore, Fetch, Request, Response};
///
/// struct Mine(MemoryStore);
///
/// impl AsyncFetch for Mine {
///     async fn fetch_async(&self, request: &Request) -> Result<Response, FetchError> {
///         self.0.fetch(request) // in earnest: await your own client, and keep to request.max_bytes
///     }
/// }
/// ```
pub trait AsyncFetch: Send + Sync {
    /// Answers one request.
    ///
    /// # Errors
    /// As [`Fetch::fetch`](super::Fetch::fetch).
    fn fetch_async(&self, request: &Request) -> impl Future<Output = Result<Response, FetchError>> + Send;

    /// As [`Fetch::weakened`](super::Fetch::weakened).
    fn weakened(&self) -> Vec<Failure> {
        Vec::new()
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Response, FetchError>> + Send + 'a>>;

/// Answers every request of a session from `fetch` until nothing is left to ask, at most [`MAX_IN_FLIGHT`] at a time.
///
/// Cancel-safe: dropping the future stops every request under way; the session is then unfinished, which its `finish`
/// says, and never taken for complete.
pub async fn drive_async<R: Requests + ?Sized, F: AsyncFetch>(session: &mut R, fetch: &F) {
    let mut open: Vec<(RequestId, Answering<'_>)> = Vec::new();
    loop {
        while open.len() < MAX_IN_FLIGHT {
            let Some(request) = session.next_request() else { break };
            let id = request.id;
            open.push((id, Box::pin(async move { fetch.fetch_async(&request).await })));
        }
        if open.is_empty() {
            return;
        }
        let (place, answer) = poll_fn(|context| {
            for (place, (_, answering)) in open.iter_mut().enumerate() {
                if let Poll::Ready(answer) = answering.as_mut().poll(context) {
                    return Poll::Ready((place, answer));
                }
            }
            Poll::Pending
        })
        .await;
        let (id, _) = open.swap_remove(place);
        if session.supply(id, answer).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;
    use crate::oci::{Reference, Tag};
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    /// So many requests at once; nothing follows from an answer.
    struct Many {
        left: u32,
        open: BTreeSet<u32>,
        answers: usize,
    }

    impl Requests for Many {
        fn next_request(&mut self) -> Option<Request> {
            self.left = self.left.checked_sub(1)?;
            self.open.insert(self.left);
            let reference: Reference = "reg.example/app:v1".parse().unwrap();
            let tag: Tag = "v1".parse().unwrap();
            let what = crate::gather::What::ManifestByTag(tag);
            Some(Request::new(RequestId(self.left), reference.repository().clone(), what, 1))
        }

        fn supply(&mut self, id: RequestId, _: Result<Response, FetchError>) -> Result<(), Failure> {
            self.answers += 1;
            if self.open.remove(&id.0) { Ok(()) } else { Err(Code::RequestUnknown.into()) }
        }
    }

    /// Each answer needs so many polls; counts how many are under way.
    struct Slow {
        polls: usize,
        under_way: AtomicUsize,
        most: AtomicUsize,
    }

    struct UnderWay<'a>(&'a AtomicUsize);

    impl Drop for UnderWay<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl AsyncFetch for Slow {
        async fn fetch_async(&self, _: &Request) -> Result<Response, FetchError> {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            let _under_way = UnderWay(&self.under_way);
            self.most.fetch_max(now, Ordering::SeqCst);
            let mut left = self.polls;
            poll_fn(|_| {
                left = left.saturating_sub(1);
                if left == 0 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            Ok(Response::NotFound)
        }
    }

    fn slow(polls: usize) -> Slow {
        Slow { polls, under_way: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    #[test]
    fn requests_are_under_way_together_up_to_the_bound() {
        for (requests, most) in [(3, 3), (100, MAX_IN_FLIGHT)] {
            let (mut many, slow) = (Many { left: requests, open: BTreeSet::new(), answers: 0 }, slow(5));
            {
                let mut driving = std::pin::pin!(drive_async(&mut many, &slow));
                let mut context = Context::from_waker(Waker::noop());
                while driving.as_mut().poll(&mut context).is_pending() {}
            }
            assert_eq!(many.answers, usize::try_from(requests).unwrap());
            assert_eq!(slow.most.load(Ordering::SeqCst), most);
        }
    }

    #[test]
    fn dropping_the_future_drops_every_request_under_way() {
        let (mut many, slow) = (Many { left: 5, open: BTreeSet::new(), answers: 0 }, slow(100));
        {
            let mut driving = Box::pin(drive_async(&mut many, &slow));
            let mut context = Context::from_waker(Waker::noop());
            assert!(driving.as_mut().poll(&mut context).is_pending());
            assert_eq!(slow.under_way.load(Ordering::SeqCst), 5);
        }
        assert_eq!(slow.under_way.load(Ordering::SeqCst), 0);
        assert_eq!(many.answers, 0);
        assert_eq!(many.open.len(), 5);
    }
}
