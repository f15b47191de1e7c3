//! [`veriseal_session`]: one verification in steps, for event loops.

use crate::accepted::{settle, veriseal_accepted};
use crate::error::{Problem, veriseal_error};
use crate::fetcher::veriseal_sink;
use crate::handle::{Opaque, borrow, borrow_mut, free};
use crate::input::some_text;
use crate::report::veriseal_report;
use crate::request::{RequestInner, veriseal_request};
use crate::status::veriseal_status;
use crate::verifier::veriseal_verifier;
use std::ffi::c_char;
use veriseal::{Reference, Session, UnixTime};

/// One verification in steps: ask for the open requests, answer them in any order, conclude. It does no I/O.
///
/// Used by one thread at a time. Freed with `veriseal_session_free`, concluded or not.
pub struct veriseal_session {
    _opaque: [u8; 0],
}

pub(crate) struct SessionInner {
    asked: Reference,
    state: State,
}

enum State {
    Gathering(Box<Session>),
    /// A policy file refuses the image before anything is gathered.
    Refused(veriseal::Failure),
    Concluded,
}

impl SessionInner {
    fn gathering(&mut self) -> Result<Option<&mut Session>, Problem> {
        match &mut self.state {
            State::Gathering(session) => Ok(Some(session)),
            State::Refused(_) => Ok(None),
            State::Concluded => Err(Problem::argument("session", "one that is not concluded", "a concluded one")),
        }
    }
}

impl Opaque for veriseal_session {
    type Inner = SessionInner;
    const TAG: u64 = 0x7665_7269_0000_000d;
}

/// Starts the verification of one image.
///
/// DONE; REFUSED with REFERENCE_INVALID. `*out` is the caller's; the verifier stays so and is named again to conclude.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_session_new(
    verifier: *const veriseal_verifier,
    reference: *const c_char,
    reference_len: usize,
    out: *mut *mut veriseal_session,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: NULL or a live handle, as the header asks.
        let verifier = unsafe { borrow(verifier, "verifier") }?;
        // SAFETY: `reference_len` readable bytes, as the header asks.
        let asked = unsafe { some_text(reference, reference_len, "reference") }?.parse::<Reference>()?;
        let state = match verifier.of(&asked) {
            Ok(verifier) => State::Gathering(Box::new(verifier.session(&asked))),
            Err(failure) => State::Refused(failure),
        };
        out.put(SessionInner { asked, state });
        Ok(veriseal_status::Done)
    })
}

/// The next request to answer, into `*request`; NULL where there is nothing to ask now. After that, answers to open requests
/// may bring more: a session is done when `veriseal_session_is_done` says so.
///
/// DONE, or MISUSE for a concluded session. `*request` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_session_next(
    session: *mut veriseal_session,
    request: *mut *mut veriseal_request,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [request], {
        request.required("request")?;
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(session, "session") }?;
        if let Some(next) = inner.gathering()?.and_then(Session::next_request) {
            request.put(RequestInner::new(next));
        }
        Ok(veriseal_status::Done)
    })
}

/// Answers an open request: `result` is a `veriseal_fetch_result`, and the content is taken out of `sink`, which stays the
/// caller's and is empty then. `sink` may be NULL where nothing was found; with FOUND that is MISUSE.
///
/// DONE; REFUSED with REQUEST_UNKNOWN for a request that is not open in this session, which is unchanged then; MISUSE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_session_supply(
    session: *mut veriseal_session,
    request: *const veriseal_request,
    result: i32,
    sink: *mut veriseal_sink,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: handles that only this thread uses, as the header asks.
        let (inner, request) = unsafe { (borrow_mut(session, "session")?, borrow(request, "request")?) };
        let gathering = inner.gathering()?;
        let answer = if sink.is_null() {
            if result == 1 {
                return Err(Problem::argument("sink", "the content, since the result is FOUND", "NULL"));
            }
            crate::fetcher::SinkInner::of(&request.request).answer(result)
        } else {
            // SAFETY: a handle that only this thread uses, as the header asks.
            unsafe { borrow_mut(sink, "sink") }?.answer(result)
        };
        match gathering {
            Some(gathering) => gathering.supply(request.request.id, answer)?,
            None => return Err(veriseal::Failure::new(veriseal::Code::RequestUnknown).into()),
        }
        Ok(veriseal_status::Done)
    })
}

/// Whether everything was asked and answered. True for NULL and for a concluded session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_session_is_done(session: *const veriseal_session) -> bool {
    value_boundary!(true, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(session, "session") }.map_or(true, |inner| match &inner.state {
            State::Gathering(session) => session.is_done(),
            State::Refused(_) | State::Concluded => true,
        })
    })
}

/// Judges what the session gathered, with the verifier that started it or one with the same fingerprint. As
/// `veriseal_verify` otherwise; a session that is not done is UNDECIDED. The session is used up and still to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_session_conclude(
    verifier: *const veriseal_verifier,
    session: *mut veriseal_session,
    now: i64,
    accepted: *mut *mut veriseal_accepted,
    report: *mut *mut veriseal_report,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [accepted, report], {
        accepted.required("accepted")?;
        // SAFETY: handles as the header asks.
        let (verifier, inner) = unsafe { (borrow(verifier, "verifier")?, borrow_mut(session, "session")?) };
        inner.gathering()?;
        let now = UnixTime::from_seconds(now);
        let outcome = match (std::mem::replace(&mut inner.state, State::Concluded), verifier.of(&inner.asked)) {
            (State::Gathering(session), Ok(verifier)) => verifier.conclude(*session, now),
            (State::Refused(failure), _) | (_, Err(failure)) => Err(verifier.refuse(&inner.asked, failure, now)),
            (State::Concluded, _) => return Err(Problem::internal("a session concluded twice")),
        };
        settle(outcome, &accepted, &report)
    })
}

/// Frees a session. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_session_free(session: *mut veriseal_session) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(session) }
    })
}
