//! [`Observer`]: what a program may show of a call while it is under way. Decides nothing.

use std::time::Duration;
use veriseal::code::Code;

/// Something that happened on the way to an answer. Holds no secret: no header, no path, no query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An HTTP request is being sent, to a registry, its token service, or where a redirect led.
    Asking {
        /// Scheme, host and port.
        origin: &'a str,
    },
    /// Bytes of a body have come.
    Received {
        /// How many.
        bytes: u64,
    },
    /// An attempt failed in a way that may pass; another one follows.
    Waiting {
        /// Why.
        code: Code,
        /// How long until then.
        pause: Duration,
    },
    /// A request of the session has its answer.
    Answered {
        /// Whether it came out of the cache.
        cached: bool,
    },
}

/// Is told what happens. Called on the transport's own thread: it must return at once, and may not block.
pub trait Observer: Send + Sync {
    /// Takes note.
    fn observe(&self, event: &Event<'_>);
}
