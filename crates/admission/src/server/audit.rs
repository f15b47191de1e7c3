//! [`Audit`]: every decision as a line of JSON, written down before it is given.
//!
//! Lines go through a bounded queue to one writer on a thread of its own. The writer keeps a line until it is written: where
//! the disk is full or nobody reads, the queue fills, and what cannot be queued is not decided in silence. It is denied at
//! once, or waits until the deadline and is denied then ([`WhenFull`]).

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use veriseal::{Code, Failure};

/// Lines that may wait for the writer.
pub const QUEUE: usize = 1024;
/// How long the writer waits before it tries a line again.
const PAUSE: Duration = Duration::from_secs(1);

/// What becomes of a decision that cannot be written down now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is denied at once ([`Code::AuditUnavailable`]).
    #[default]
    Deny,
    /// It waits for the writer until the deadline, and is denied then.
    Wait,
}

/// A place for the lines of an audit log.
#[derive(Debug)]
pub struct Audit {
    sender: Mutex<Option<mpsc::Sender<String>>>,
    when_full: WhenFull,
    state: Arc<State>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    written: AtomicU64,
    errors: AtomicU64,
    lost: AtomicU64,
    stopping: AtomicBool,
    wake: (Mutex<()>, Condvar),
}

/// What the log has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Lines written.
    pub lines: u64,
    /// Attempts that failed; each was made again.
    pub errors: u64,
    /// Lines that wait.
    pub waiting: u64,
    /// Lines that could not be written until the end of the process.
    pub lost: u64,
}

impl Audit {
    /// Starts a writer. `queue` lines may wait ([`QUEUE`]), one at least.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] where the system gives no thread.
    pub fn start(writer: Box<dyn Write + Send>, queue: usize, when_full: WhenFull) -> Result<Self, Failure> {
        let (sender, receiver) = mpsc::channel(queue.max(1));
        let state = Arc::<State>::default();
        let thread = std::thread::Builder::new().name("veriseal-audit".to_owned()).spawn({
            let state = Arc::clone(&state);
            move || write_all(receiver, writer, &state)
        });
        let thread = thread.map_err(|error| Failure::new(Code::ConfigInvalid).expected("a thread").found(error))?;
        Ok(Self { sender: Mutex::new(Some(sender)), when_full, state, writer: Mutex::new(Some(thread)) })
    }

    /// Takes a line, without its newline. What returned `Ok` is written, unless the process ends first, which
    /// [`Audit::finish`] prevents. Cancel-safe: a line whose future is dropped was not taken.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] where the queue is full and decisions do not wait, or the log is finished.
    pub async fn write(&self, line: String) -> Result<(), Failure> {
        let unavailable = |why: &str| Failure::new(Code::AuditUnavailable).found(why);
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return Err(unavailable("a log that is closed")) };
        match self.when_full {
            WhenFull::Deny => sender.try_send(line).map_err(|_| unavailable("a full queue")),
            WhenFull::Wait => sender.send(line).await.map_err(|_| unavailable("a log that is closed")),
        }
    }

    /// What the log has done so far.
    #[must_use]
    pub fn written(&self) -> Written {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = sender.as_ref().map_or(0, |sender| sender.max_capacity().saturating_sub(sender.capacity()));
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Written {
            lines: of(&self.state.written),
            errors: of(&self.state.errors),
            waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
            lost: of(&self.state.lost),
        }
    }

    /// Takes no more lines and waits until those that were taken are written. A line that fails now is tried once more and
    /// then counted as lost. Blocks.
    pub fn finish(&self) -> Written {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        {
            let _asleep_or_awake = self.state.wake.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.state.stopping.store(true, Ordering::SeqCst);
            self.state.wake.1.notify_all();
        }
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
        self.written()
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.finish();
    }
}

fn write_all(mut receiver: mpsc::Receiver<String>, mut writer: Box<dyn Write + Send>, state: &State) {
    while let Some(mut line) = receiver.blocking_recv() {
        line.push('\n');
        loop {
            // Every line that was taken is tried at least once after the end was asked for.
            let is_last = state.stopping.load(Ordering::SeqCst);
            // One call a line: a line that another process appends stands between two of ours, not within one.
            if writer.write_all(line.as_bytes()).and_then(|()| writer.flush()).is_ok() {
                state.written.fetch_add(1, Ordering::Relaxed);
                break;
            }
            state.errors.fetch_add(1, Ordering::Relaxed);
            if is_last {
                state.lost.fetch_add(1, Ordering::Relaxed);
                break;
            }
            let guard = state.wake.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.stopping.load(Ordering::SeqCst) {
                drop(state.wake.1.wait_timeout(guard, PAUSE));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::pin::pin;
    use std::sync::mpsc as blocking;
    use std::task::{Context, Poll, Waker};

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    /// Takes what is written once it is told to.
    struct Gated {
        gate: blocking::Receiver<io::Result<()>>,
        lines: blocking::Sender<String>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A gate that nobody holds any more is open.
            self.gate.recv().unwrap_or(Ok(()))?;
            let _ = self.lines.send(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated(queue: usize, when_full: WhenFull) -> (Audit, blocking::Sender<io::Result<()>>, blocking::Receiver<String>) {
        let (open, gate) = blocking::channel();
        let (lines, written) = blocking::channel();
        (Audit::start(Box::new(Gated { gate, lines }), queue, when_full).unwrap(), open, written)
    }

    #[test]
    fn every_line_that_was_taken_is_written_and_no_more_is_taken_than_can_wait() {
        let (audit, open, written) = gated(2, WhenFull::Deny);
        // The writer holds one at most; two may wait.
        let taken = (0..10).take_while(|number| now(audit.write(number.to_string())).unwrap().is_ok()).count();
        assert!((2..=3).contains(&taken), "{taken}");
        let refused = now(audit.write("x".to_owned()));
        if taken == 3 {
            assert_eq!(refused.unwrap().unwrap_err().code(), Code::AuditUnavailable);
        }
        drop(open);
        let done = audit.finish();
        let lines: Vec<String> = written.try_iter().collect();
        assert_eq!((done.lines, done.lost), (u64::try_from(lines.len()).unwrap(), 0));
        assert_eq!(lines.iter().take(2).map(String::as_str).collect::<Vec<_>>(), ["0\n", "1\n"]);
        assert_eq!(now(audit.write("late".to_owned())).unwrap().unwrap_err().code(), Code::AuditUnavailable);
    }

    #[test]
    fn decisions_that_wait_are_neither_taken_nor_refused_until_there_is_room() {
        let (audit, open, _written) = gated(1, WhenFull::Wait);
        let taken = (0..10).take_while(|number| now(audit.write(number.to_string())).is_some()).count();
        assert!((1..=2).contains(&taken), "{taken}");
        drop(open);
        assert_eq!(audit.finish().lost, 0);
    }

    #[test]
    fn a_line_that_failed_is_written_again() {
        let (audit, open, written) = gated(1, WhenFull::Deny);
        open.send(Err(io::Error::other("full"))).unwrap();
        assert!(now(audit.write("line".to_owned())).unwrap().is_ok());
        // The writer pauses after a failure; the end wakes it, and it tries once more.
        while audit.written().errors == 0 {
            std::thread::yield_now();
        }
        open.send(Ok(())).unwrap();
        let done = audit.finish();
        assert_eq!((done.errors, done.lines, done.lost), (1, 1, 0));
        assert_eq!(written.try_recv().unwrap(), "line\n");
    }

    #[test]
    fn a_line_that_fails_to_the_end_is_counted_as_lost() {
        let (audit, open, _written) = gated(1, WhenFull::Deny);
        for _ in 0..3 {
            open.send(Err(io::Error::other("full"))).unwrap();
        }
        assert!(now(audit.write("line".to_owned())).unwrap().is_ok());
        assert_eq!(audit.finish().lost, 1);
    }
}
