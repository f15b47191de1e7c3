//! A race on purpose, which `cargo xtask tsan` must be told of before it believes that there is none elsewhere: two threads that
//! change one number, without anything between them.
#![allow(clippy::undocumented_unsafe_blocks, clippy::arithmetic_side_effects, reason = "it is wrong on purpose")]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Unguarded(UnsafeCell<u64>);

// Nothing guards it: that is the mistake which is to be seen.
unsafe impl Sync for Unguarded {}

fn main() {
    let number = Unguarded(UnsafeCell::new(0));
    let there = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (number, there) = (&number, &there);
            scope.spawn(move || {
                // Orders nothing, but lets both run at once.
                there.fetch_add(1, Ordering::Relaxed);
                while there.load(Ordering::Relaxed) < 2 {
                    std::thread::yield_now();
                }
                unsafe { *number.0.get() += 1 };
            });
        }
    });
    println!("two threads added to {}", number.0.into_inner());
}
