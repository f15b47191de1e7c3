//! `verify_many` over a registry on 127.0.0.1, and over the same images in memory.
//!
//! Both gather and judge every image in the call. The registry runs in this process, so that its work is in the figures, those of
//! processor time too: what a registry elsewhere leaves to the verifier lies between the two.

use crate::batches::{Row, Work, measure};
use crate::material::{Set, TAG};
use crate::native;
use std::num::NonZeroUsize;
use veriseal::gather::{Fetch, MemoryStore};
use veriseal::{Reference, Repository, UnixTime, Verifier};
use veriseal_registry::{Registry, verify_many};
use veriseal_testkit::HttpRegistry;

/// By one thread, by two, and by as many as `verify_many` takes by itself on a small machine, since it waits for answers.
const THREADS: [usize; 3] = [1, 2, 8];

/// Verifies the images of the set.
pub fn run(set: &Set, rounds: usize) -> Result<Vec<Row>, String> {
    let name = |number: usize| format!("acme/app-{number}");
    let stores = || set.samples.iter().enumerate().filter_map(|(number, sample)| Some((name(number), sample.store.as_ref()?)));
    let server = HttpRegistry::serve_repositories(stores().map(|(name, store)| (name, store.clone())).collect());
    let mut memory = MemoryStore::new();
    let mut references: Vec<Reference> = Vec::new();
    for (name, store) in stores() {
        let repository: Repository = format!("{}/{name}", server.host()).parse().map_err(|failure| format!("{failure}"))?;
        native::fill(&mut memory, &repository, store);
        references.push(server.reference(&format!("{name}:{TAG}")).parse().map_err(|failure| format!("{failure}"))?);
    }
    let registry = Registry::builder().allow_http(&server.host()).build().map_err(|failure| failure.to_string())?;
    let verifier = Verifier::new(native::trust(set), native::policy(set)).with_key_tables();
    let now = UnixTime::from_seconds(set.now.seconds());
    let works = [
        work("verify_many, images in memory", &references, &verifier, now, move |batch| batch(&memory)),
        work("verify_many, images in a registry", &references, &verifier, now, |batch| {
            batch(&registry);
            // Its log would grow with every batch.
            server.clear_requests();
        }),
    ];
    Ok(measure(&works, references.len(), &THREADS, rounds))
}

fn work<'w>(
    name: &'static str,
    references: &'w [Reference],
    verifier: &'w Verifier,
    now: UnixTime,
    over: impl Fn(&dyn Fn(&dyn Fetch)) + 'w,
) -> Work<'w> {
    let run = move |calls: usize, threads: usize| {
        let cycle: Vec<Reference> = references.iter().cycle().take(calls).cloned().collect();
        over(&|fetch| {
            for (image, outcome) in cycle.iter().zip(verify_many(verifier, &cycle, fetch, NonZeroUsize::new(threads), now)) {
                assert!(outcome.is_ok(), "{image} is accepted");
            }
        });
    };
    Work { name, control: false, run: Box::new(run) }
}
