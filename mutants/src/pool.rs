//! [`each`]: the same for every item, two at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many are done at once: tests that ask for time must not wait for each other.
const AT_ONCE: usize = 2;

/// What comes of each item, with its number and in that order, as far as there is time; now and then says how far it is.
pub(crate) fn each<T: Sync, R: Send>(
    what: &str,
    items: &[T],
    until: Option<Instant>,
    of: impl Fn(usize, &T) -> R + Sync,
) -> Vec<(usize, R)> {
    let (next, said) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while until.is_none_or(|until| Instant::now() < until) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { break };
                    let result = of(number, item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    if said.elapsed() > Duration::from_secs(30) {
                        *said = Instant::now();
                        println!("{what}: {} of {}", number + 1, items.len());
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_done_once_and_none_when_there_is_no_time() {
        let items: Vec<usize> = (0..100).collect();
        let done = each("doubled", &items, None, |number, item| (number, 2 * item));
        assert_eq!(done, items.iter().map(|item| (*item, (*item, 2 * item))).collect::<Vec<_>>());
        assert_eq!(each("doubled", &items, Some(Instant::now()), |_, item| *item), []);
    }
}
