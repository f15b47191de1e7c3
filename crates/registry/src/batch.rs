//! [`verify_many`]: many images in one call, on several threads.
//!
//! Each image is gathered and judged as if it were alone: none keeps another from being verified, and what one is answered
//! serves for no other. That the whole batch is fine is said nowhere; whoever deploys looks at each.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use veriseal::gather::Fetch;
use veriseal::{Accepted, NotAccepted, Reference, UnixTime, Verifier};

/// Threads of a batch, at least, where the caller names no number: verification waits for the network far longer than it
/// computes.
const THREADS: usize = 8;
/// The largest number of threads that is taken.
const MAX_THREADS: usize = 256;

/// Verifies many images on several threads. The answer has one outcome for each, in their order.
///
/// `threads` counts the calling thread, which works too; `None` stands for one a core and at least 8, and more than 256 for
/// 256. Where the system gives fewer, fewer do the work.
///
/// Given a [`Registry`](crate::Registry), each image has a deadline of its own; a [`Call`](crate::Call) gives one to all of
/// them together.
///
/// # Panics
/// Where `fetch` does, after what is under way has ended.
///
/// ```no_run
/// use veriseal::{Reference, UnixTime, Verifier};
/// use veriseal_registry::{Registry, verify_many};
///
/// # fn example(verifier: &Verifier, now: UnixTime) -> Result<(), veriseal::Failure> {
/// let images: Vec<Reference> = vec!["ghcr.io/org/app:v1".parse()?, "ghcr.io/org/base:v7".parse()?];
/// for (image, outcome) in images.iter().zip(verify_many(verifier, &images, &Registry::new()?, None, now)) {
///     match outcome {
///         Ok(accepted) => println!("{image}: deploy {}", accepted.pinned()),
///         Err(not_accepted) => println!("{image}: {not_accepted}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn verify_many(
    verifier: &Verifier,
    references: &[Reference],
    fetch: &dyn Fetch,
    threads: Option<NonZeroUsize>,
    now: UnixTime,
) -> Vec<Result<Accepted, NotAccepted>> {
    in_order(references, threads, |reference| verifier.verify(reference, fetch, now))
}

/// What `work` answers to each item, in the order of the items, done on several threads: [`verify_many`] for callers whose
/// verifier differs from image to image, such as those with a policy file.
///
/// # Panics
/// Where `work` does.
pub fn in_order<T: Sync, R: Send>(items: &[T], threads: Option<NonZeroUsize>, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done = thread::scope(|scope| {
        let more = 1..count(threads, items.len());
        // A thread that the system does not give is done without.
        let begun = |_| thread::Builder::new().name("veriseal-batch".to_owned()).spawn_scoped(scope, worker).ok();
        let begun: Vec<_> = more.map_while(begun).collect();
        let mut done = worker();
        for thread in begun {
            done.extend(thread.join().unwrap_or_else(|payload| resume_unwind(payload)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// How many threads work on so many items.
fn count(asked: Option<NonZeroUsize>, items: usize) -> usize {
    let cores = || thread::available_parallelism().map_or(THREADS, NonZeroUsize::get).max(THREADS);
    asked.map_or_else(cores, NonZeroUsize::get).min(MAX_THREADS).min(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::panic::catch_unwind;
    use std::sync::{Barrier, Mutex};
    use veriseal::trust::{TrustRoot, TrustRootOrigin};
    use veriseal::{Authority, KeyAuthority, Policy, PublicKey, Requirement};
    use veriseal_testkit::scenario::{self, Scenario};

    fn verifier(scenario: &Scenario) -> Verifier {
        let trust = TrustRoot::from_json(&scenario.trusted_root(), TrustRootOrigin::default()).unwrap();
        let key = KeyAuthority::new(PublicKey::from_pem(scenario.key_pem.as_bytes()).unwrap(), "release");
        Verifier::new(trust, Policy::new(Requirement::signed_by(Authority::Key(key))).unwrap())
    }

    fn threads(count: usize) -> Option<NonZeroUsize> {
        NonZeroUsize::new(count)
    }

    #[test]
    fn each_image_has_its_own_outcome_in_the_order_of_the_references() {
        let scenario = scenario::key_signed();
        let known: Reference = scenario.reference().parse().unwrap();
        let unknown: Reference = "registry.testkit.example/acme/app:none".parse().unwrap();
        let references: Vec<Reference> = (0..20).map(|at| if at % 3 == 0 { unknown.clone() } else { known.clone() }).collect();
        let verifier = verifier(&scenario);
        for threads in [threads(1), threads(5), None] {
            let outcomes = verify_many(&verifier, &references, &scenario.store, threads, scenario.now);
            assert_eq!(outcomes.len(), references.len());
            for (reference, outcome) in references.iter().zip(outcomes) {
                let alone = verifier.verify(reference, &scenario.store, scenario.now);
                let json = |outcome: &Result<Accepted, NotAccepted>| match outcome {
                    Ok(accepted) => accepted.report().to_json(),
                    Err(not_accepted) => not_accepted.report().to_json(),
                };
                assert_eq!(outcome.is_ok(), *reference == known);
                assert_eq!(json(&outcome), json(&alone));
            }
        }
    }

    /// All of them wait for each other, so that fewer threads would never end.
    #[test]
    fn as_many_threads_work_at_once_as_were_asked_for() {
        let (meeting, seen) = (Barrier::new(4), Mutex::new(BTreeSet::new()));
        let ids = in_order(&[1, 2, 3, 4], threads(4), |item| {
            meeting.wait();
            seen.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            *item
        });
        assert_eq!(ids, [1, 2, 3, 4]);
        assert_eq!(seen.into_inner().unwrap().len(), 4);
    }

    #[test]
    fn one_thread_is_the_callers_own() {
        let own = thread::current().id();
        assert!(in_order(&[(), (), ()], threads(1), |()| thread::current().id()).iter().all(|id| *id == own));
    }

    #[test]
    fn threads_are_no_more_than_items_and_no_more_than_256() {
        assert_eq!(count(threads(1000), 5), 5);
        assert_eq!(count(threads(usize::MAX), usize::MAX), MAX_THREADS);
        assert_eq!(count(threads(3), 100), 3);
        assert!(count(None, 100) >= THREADS);
        assert_eq!(count(None, 0), 0);
        assert!(in_order(&[] as &[u8], None, |_| 1).is_empty());
    }

    #[test]
    fn a_panic_in_one_is_the_callers_and_never_an_answer() {
        let caught = catch_unwind(|| in_order(&[1, 2, 3, 4, 5, 6], threads(3), |item| assert_ne!(*item, 5)));
        assert!(caught.is_err());
    }
}
