//! Many threads on one verifier and one source through the C interface, for ThreadSanitizer (`cargo xtask tsan`): K-AP-03.
//!
//! `threads THREADS ROUNDS` verifies a signed and an unsigned image by turns on each thread, some of them cancelled from
//! another thread, then all of them as one batch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::undocumented_unsafe_blocks, reason = "this stands in for a program in C")]

#[path = "../tests/support/materials.rs"]
mod materials;

use materials::Materials;
use std::ffi::c_char;
use std::ptr::{null, null_mut};
use veriseal_ffi::*;

/// The handles that the threads share.
struct Shared {
    verifier: *mut veriseal_verifier,
    signed: *mut veriseal_source,
    unsigned: *mut veriseal_source,
    image: String,
    now: i64,
}

// As the header promises of handles that are passed as const.
unsafe impl Sync for Shared {}

/// A call that another thread cancels.
struct Cancelled(*const veriseal_call);

// As the header promises of this function.
unsafe impl Sync for Cancelled {}

impl Cancelled {
    fn cancel(&self) {
        assert_eq!(unsafe { veriseal_call_cancel(self.0, null_mut()) }, veriseal_status::Done);
    }
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<usize>().expect("usage: threads THREADS ROUNDS"));
    let (threads, rounds) = (numbers.next().unwrap_or(32), numbers.next().unwrap_or(50));
    let materials = Materials::new();
    let shared = unsafe { shared(&materials) };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..rounds).for_each(|round| unsafe { verify(&shared, round) }));
        }
    });
    unsafe { batch(&shared, threads) };
    unsafe {
        veriseal_source_free(shared.signed);
        veriseal_source_free(shared.unsigned);
        veriseal_verifier_free(shared.verifier);
    }
    println!("{threads} threads verified {rounds} times each");
}

fn text(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

unsafe fn shared(materials: &Materials) -> Shared {
    let file = |name: &str| materials.path().join(name).display().to_string();
    let (mut trust, mut requirement, mut policy) = (null_mut(), null_mut(), null_mut());
    let (mut verifier, mut signed, mut unsigned) = (null_mut(), null_mut(), null_mut());
    let done = |status| assert_eq!(status, veriseal_status::Done);
    unsafe {
        let (root, key) = (file("trusted_root.json"), file("key.pem"));
        done(veriseal_trust_root_new_file(text(&root).0, root.len(), &mut trust, null_mut()));
        done(veriseal_requirement_new_key_file(text(&key).0, key.len(), &mut requirement, null_mut()));
        let list = [requirement.cast_const()];
        done(veriseal_policy_new(list.as_ptr(), 1, 1, &mut policy, null_mut()));
        done(veriseal_verifier_new(trust, policy, &mut verifier, null_mut()));
        done(veriseal_verifier_use_key_tables(verifier, null_mut()));
        for (name, source) in [("signed", &mut signed), ("unsigned", &mut unsigned)] {
            let path = file(name);
            done(veriseal_source_new_layout(text(&path).0, path.len(), source, null_mut()));
        }
        veriseal_policy_free(policy);
        veriseal_requirement_free(requirement);
        veriseal_trust_root_free(trust);
    }
    Shared { verifier, signed, unsigned, image: materials.image.clone(), now: materials.now.parse().unwrap() }
}

/// One call: of the signed image, of the unsigned one, or one that another thread cancels meanwhile.
unsafe fn verify(shared: &Shared, round: usize) {
    let (image, image_len) = text(&shared.image);
    let source = if round % 3 == 1 { shared.unsigned } else { shared.signed };
    let (mut accepted, mut report, mut call) = (null_mut(), null_mut(), null_mut());
    unsafe {
        assert_eq!(veriseal_call_new(&mut call, null_mut()), veriseal_status::Done);
        let is_cancelled = round % 3 == 2;
        let other = &Cancelled(call);
        std::thread::scope(|scope| {
            if is_cancelled {
                scope.spawn(|| other.cancel());
            }
            let status = veriseal_verify(
                shared.verifier,
                source,
                image,
                image_len,
                call,
                shared.now,
                &mut accepted,
                &mut report,
                null_mut(),
            );
            assert_eq!(accepted.is_null(), status != veriseal_status::Accepted);
            assert!(is_cancelled || (status == veriseal_status::Accepted) == round.is_multiple_of(3));
        });
        assert!(veriseal_report_json(report).len > 100);
        veriseal_report_free(report);
        veriseal_accepted_free(accepted);
        veriseal_call_free(call);
    }
}

unsafe fn batch(shared: &Shared, threads: usize) {
    let references = vec![text(&shared.image).0; 100];
    let lens = vec![shared.image.len(); 100];
    let mut outcomes = null_mut();
    unsafe {
        let status = veriseal_verify_many(
            shared.verifier,
            shared.signed,
            references.as_ptr(),
            lens.as_ptr(),
            100,
            null(),
            threads,
            shared.now,
            &mut outcomes,
            null_mut(),
        );
        assert_eq!(status, veriseal_status::Done);
        assert!((0..100).all(|at| !veriseal_outcomes_accepted(outcomes, at).is_null()));
        veriseal_outcomes_free(outcomes);
    }
}
