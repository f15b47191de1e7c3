//! [`Sources`]: where the evidence of each image comes from, so that one review serves callers that block and callers that
//! await.

use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::task::Poll;
use veriseal::gather::{AsyncFetch, Fetch};
use veriseal::{Accepted, NotAccepted, Reference, UnixTime, Verifier};

/// Most images of one object that are asked about at a time: a pod of a hundred images is not to crowd out the others.
const MAX_IMAGES_AT_ONCE: usize = 8;

/// Opens the source of an image.
pub(crate) trait Sources: Sync {
    /// The source of one image.
    type One: Source;

    fn open(&self, reference: &Reference) -> Self::One;
}

/// The source of one image and its signatures.
pub(crate) trait Source: Send + Sync {
    fn verify(
        &self,
        verifier: &Verifier,
        reference: &Reference,
        now: UnixTime,
    ) -> impl Future<Output = Result<Accepted, NotAccepted>> + Send;
}

/// One blocking source for all images. Its futures are ready when they are first polled.
#[derive(Clone, Copy)]
pub(crate) struct Blocking<'f>(pub(crate) &'f dyn Fetch);

impl<'f> Sources for Blocking<'f> {
    type One = Blocking<'f>;

    fn open(&self, _: &Reference) -> Self {
        *self
    }
}

impl Source for Blocking<'_> {
    fn verify(
        &self,
        verifier: &Verifier,
        reference: &Reference,
        now: UnixTime,
    ) -> impl Future<Output = Result<Accepted, NotAccepted>> + Send {
        ready(verifier.verify(reference, self.0, now))
    }
}

/// A source an image, awaited.
pub(crate) struct Awaited<O>(pub(crate) O);

/// The source of one image, awaited.
pub(crate) struct One<F>(F);

impl<F: AsyncFetch, O: Fn(&Reference) -> F + Send + Sync> Sources for Awaited<O> {
    type One = One<F>;

    fn open(&self, reference: &Reference) -> One<F> {
        One((self.0)(reference))
    }
}

impl<F: AsyncFetch> Source for One<F> {
    async fn verify(&self, verifier: &Verifier, reference: &Reference, now: UnixTime) -> Result<Accepted, NotAccepted> {
        verifier.verify_async(reference, &self.0, now).await
    }
}

/// The results of all futures in their order, [`MAX_IMAGES_AT_ONCE`] of them under way at a time, within this one future.
pub(crate) async fn each<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting = futures.into_iter().enumerate();
    let mut open: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut done = Vec::new();
    loop {
        while open.len() < MAX_IMAGES_AT_ONCE {
            let Some((place, future)) = waiting.next() else { break };
            open.push((place, Box::pin(future)));
        }
        if open.is_empty() {
            done.sort_by_key(|(place, _)| *place);
            return done.into_iter().map(|(_, result)| result).collect();
        }
        let (index, result) = poll_fn(|context| {
            let ready = open.iter_mut().enumerate().find_map(|(index, (_, future))| match future.as_mut().poll(context) {
                Poll::Ready(result) => Some((index, result)),
                Poll::Pending => None,
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        let (place, _) = open.swap_remove(index);
        done.push((place, result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn results_come_in_order_and_never_more_at_once_than_allowed() {
        let (open, most) = (Cell::new(0_usize), Cell::new(0_usize));
        let slow = |number: usize| {
            let (open, most) = (&open, &most);
            let mut left = 3 + number % 5;
            let mut started = false;
            poll_fn(move |_| {
                if !started {
                    started = true;
                    open.set(open.get() + 1);
                    most.set(most.get().max(open.get()));
                }
                left -= 1;
                if left > 0 {
                    return Poll::Pending;
                }
                open.set(open.get() - 1);
                Poll::Ready(number)
            })
        };
        let mut all = pin!(each((0..40).map(slow).collect()));
        let results = loop {
            if let Poll::Ready(results) = all.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                break results;
            }
        };
        assert_eq!(results, (0..40).collect::<Vec<_>>());
        assert_eq!(most.get(), MAX_IMAGES_AT_ONCE);
    }
}
