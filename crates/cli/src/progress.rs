//! [`Progress`]: one line on the terminal for whatever takes longer than a second, and nothing afterwards.

use crate::clock;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use veriseal_registry::{Event, Observer};

/// Nothing is shown before.
const FIRST: Duration = Duration::from_secs(1);
/// How often the line is drawn anew.
const EVERY: Duration = Duration::from_millis(250);

/// Draws the line from a thread of its own, which ends with it.
pub(crate) struct Progress {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When what is under way began.
    since: Option<Instant>,
    requests: u64,
    answered: u64,
    bytes: u64,
    now: String,
    drawn: bool,
    over: bool,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let drawing = Arc::clone(&shared);
        // Without a thread there is no line; that is no reason to verify nothing.
        let thread = std::thread::Builder::new().spawn(move || drawing.draw()).ok();
        Self { shared, thread }
    }

    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.shared) as Arc<dyn Observer>
    }

    /// Shows how things are until the returned value is dropped, which removes the line.
    pub(crate) fn show(&self) -> Shown<'_> {
        let mut state = self.shared.state();
        *state = State { since: Some(clock::started()), ..State::default() };
        drop(state);
        self.shared.changed.notify_all();
        Shown(&self.shared)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// While it lives, progress is shown.
pub(crate) struct Shown<'p>(&'p Shared);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.since = None;
        if std::mem::take(&mut state.drawn) {
            erase();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) {
        let mut state = self.state();
        while !state.over {
            if let Some(line) = state.since.and_then(|since| state.line(since.elapsed())) {
                // The lock is held, so that the line cannot appear after it was removed.
                let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
                state.drawn = true;
            }
            let waited = self.changed.wait_timeout(state, EVERY);
            state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}

fn erase() {
    let _ = write!(std::io::stderr(), "\r\x1b[K");
}

impl State {
    fn line(&self, elapsed: Duration) -> Option<String> {
        if elapsed < FIRST {
            return None;
        }
        let Self { requests, answered, now, .. } = self;
        let kib = self.bytes / 1024;
        Some(format!("veriseal: {} s, {requests} requests, {answered} answers, {kib} KiB; {now}", elapsed.as_secs()))
    }
}

impl Observer for Shared {
    fn observe(&self, event: &Event<'_>) {
        let mut state = self.state();
        match event {
            Event::Asking { origin } => {
                state.requests = state.requests.saturating_add(1);
                state.now = format!("asking {}", veriseal::code::bounded(origin));
            }
            Event::Received { bytes } => state.bytes = state.bytes.saturating_add(*bytes),
            Event::Waiting { code, pause } => state.now = format!("{code}, again in {} ms", pause.as_millis()),
            Event::Answered { .. } => state.answered = state.answered.saturating_add(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::Code;

    #[test]
    fn nothing_is_shown_within_the_first_second() {
        let shared = Shared::default();
        shared.observe(&Event::Asking { origin: "https://reg.example" });
        shared.observe(&Event::Received { bytes: 5000 });
        shared.observe(&Event::Answered { cached: false });
        assert_eq!(shared.state().line(Duration::from_millis(999)), None);
        let line = shared.state().line(Duration::from_millis(2500)).unwrap();
        assert_eq!(line, "veriseal: 2 s, 1 requests, 1 answers, 4 KiB; asking https://reg.example");
        shared.observe(&Event::Waiting { code: Code::Throttled, pause: Duration::from_secs(2) });
        let line = shared.state().line(FIRST).unwrap();
        assert_eq!(line, "veriseal: 1 s, 1 requests, 1 answers, 4 KiB; THROTTLED, again in 2000 ms");
    }

    #[test]
    fn what_is_shown_ends_with_the_value_and_the_thread_with_the_progress() {
        let progress = Progress::start();
        drop(progress.show());
        assert!(progress.shared.state().since.is_none());
        drop(progress);
    }
}
