//! The C interface, called in any sequence: each two bytes are one call and the handles that it gets, of the right kind or not.
//!
//! What the header forbids for good is left out: handles that were freed, lengths beyond the memory. Whatever is called, nothing is
//! accepted but the image that was signed.
#![allow(unsafe_code, reason = "this stands in for a program in C")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "every handle in the pool lives, and every length is that of its memory")]

use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::LazyLock;
use veriseal_ffi::*;
use veriseal_testkit::scenario::{self, Scenario};

/// The most calls of one input.
const MOST: usize = 200;

/// The most handles that live at once.
const POOL: usize = 48;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    TrustRoot,
    Requirement,
    Policy,
    Verifier,
    Session,
    Request,
    Sink,
    Accepted,
    Report,
}

struct World {
    scenario: Scenario,
    trusted_root: Vec<u8>,
    image: String,
    pinned: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let scenario = scenario::key_signed();
    World { trusted_root: scenario.trusted_root(), image: scenario.reference(), pinned: scenario.pinned(), scenario }
});

/// Every handle that lives.
struct Pool(Vec<(Kind, *mut c_void)>);

impl Pool {
    /// The newest of a kind; by some numbers NULL, or a handle of whatever kind.
    fn any<T>(&self, kind: Kind, choice: u8) -> *mut T {
        let whatever = self.0.get(usize::from(choice) % self.0.len().max(1));
        let fitting = || self.0.iter().rev().find(|(known, _)| *known == kind);
        match choice {
            0..=15 => null_mut(),
            16..=47 => whatever.map_or(null_mut(), |(_, handle)| handle.cast()),
            _ => fitting().map_or(null_mut(), |(_, handle)| handle.cast()),
        }
    }

    fn put<T>(&mut self, kind: Kind, status: veriseal_status, handle: *mut T) {
        let good = status == veriseal_status::Done || status == veriseal_status::Accepted;
        assert!(good || handle.is_null(), "a handle beside a status that is none of success");
        if handle.is_null() {
            return;
        }
        if self.0.len() == POOL {
            let (kind, oldest) = self.0.remove(0);
            unsafe { free(kind, oldest) };
        }
        self.0.push((kind, handle.cast()));
    }
}

unsafe fn free(kind: Kind, handle: *mut c_void) {
    unsafe {
        match kind {
            Kind::TrustRoot => veriseal_trust_root_free(handle.cast()),
            Kind::Requirement => veriseal_requirement_free(handle.cast()),
            Kind::Policy => veriseal_policy_free(handle.cast()),
            Kind::Verifier => veriseal_verifier_free(handle.cast()),
            Kind::Session => veriseal_session_free(handle.cast()),
            Kind::Request => veriseal_request_free(handle.cast()),
            Kind::Sink => veriseal_sink_free(handle.cast()),
            Kind::Accepted => veriseal_accepted_free(handle.cast()),
            Kind::Report => veriseal_report_free(handle.cast()),
        }
    }
}

/// A text, or the head of it.
fn text(text: &str, choice: u8) -> (*const c_char, usize) {
    let len = if choice.is_multiple_of(5) { usize::from(choice) % (text.len() + 1) } else { text.len() };
    (text.as_ptr().cast(), len)
}

unsafe fn read(text: veriseal_str) -> String {
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn capi_sequence(data: &[u8]) {
    run(data);
}

/// How many times the image was accepted.
fn run(data: &[u8]) -> usize {
    let mut accepted = 0;
    let world = &*WORLD;
    let mut pool = Pool(Vec::new());
    for call in data.chunks_exact(2).take(MOST) {
        let mut error: *mut veriseal_error = null_mut();
        let status = unsafe { one(world, &mut pool, call[0], call[1], &raw mut error) };
        let code = status as i32;
        accepted += usize::from(status == veriseal_status::Accepted);
        assert!(code != 0, "a status of nothing");
        assert_eq!(error.is_null(), code > 0, "an error exactly where the call failed");
        unsafe { veriseal_error_free(error) };
    }
    for (kind, handle) in pool.0 {
        unsafe { free(kind, handle) };
    }
    accepted
}

unsafe fn one(world: &World, pool: &mut Pool, call: u8, choice: u8, error: *mut *mut veriseal_error) -> veriseal_status {
    // Handles after the first are drawn from the other half of the number.
    let second = choice.rotate_left(4);
    unsafe {
        match call % 12 {
            0 => {
                let (mut out, (name, len)) = (null_mut(), text("testkit", choice));
                let json = &world.trusted_root;
                let cut = json.len() - usize::from(choice < 16);
                let status = veriseal_trust_root_new_json(json.as_ptr(), cut, name, len, &raw mut out, error);
                pool.put(Kind::TrustRoot, status, out);
                status
            }
            1 => {
                let (mut out, (name, len)) = (null_mut(), text("release", choice));
                let pem = &world.scenario.key_pem;
                let status = veriseal_requirement_new_key(pem.as_ptr(), pem.len(), name, len, &raw mut out, error);
                pool.put(Kind::Requirement, status, out);
                status
            }
            2 => veriseal_requirement_set_tlog(pool.any(Kind::Requirement, choice), i32::from(choice % 6) - 1, error),
            3 => {
                let mut out = null_mut();
                let list: [*const veriseal_requirement; 2] =
                    [pool.any(Kind::Requirement, choice), pool.any(Kind::Requirement, second)];
                let count = usize::from(choice % 3);
                let status = veriseal_policy_new(list.as_ptr(), count, i32::from(choice % 4), &raw mut out, error);
                pool.put(Kind::Policy, status, out);
                status
            }
            4 => {
                let mut out = null_mut();
                let (trust, policy) = (pool.any(Kind::TrustRoot, choice), pool.any(Kind::Policy, second));
                let status = veriseal_verifier_new(trust, policy, &raw mut out, error);
                pool.put(Kind::Verifier, status, out);
                status
            }
            5 => {
                let (mut out, (image, len)) = (null_mut(), text(&world.image, choice));
                let status = veriseal_session_new(pool.any(Kind::Verifier, choice), image, len, &raw mut out, error);
                pool.put(Kind::Session, status, out);
                status
            }
            6 => {
                let mut out = null_mut();
                let status = veriseal_session_next(pool.any(Kind::Session, choice), &raw mut out, error);
                pool.put(Kind::Request, status, out);
                status
            }
            7 => {
                let (mut out, request) = (null_mut(), pool.any(Kind::Request, choice));
                let status = veriseal_sink_new(request, &raw mut out, error);
                if !out.is_null() {
                    fill(world, request, out, choice);
                }
                pool.put(Kind::Sink, status, out);
                status
            }
            8 => {
                let (session, request) = (pool.any(Kind::Session, choice), pool.any(Kind::Request, second));
                // By most numbers what there is; else whatever comes to hand.
                let there = if held(world, request).is_some() { 1 } else { 2 };
                let result = if choice >= 48 { there } else { i32::from(choice % 12) - 2 };
                veriseal_session_supply(session, request, result, pool.any(Kind::Sink, choice), error)
            }
            9 => {
                let (mut out, mut report) = (null_mut(), null_mut());
                let (verifier, session) = (pool.any(Kind::Verifier, choice), pool.any(Kind::Session, second));
                let now = world.scenario.now.seconds();
                let status = veriseal_session_conclude(verifier, session, now, &raw mut out, &raw mut report, error);
                assert_eq!(out.is_null(), status != veriseal_status::Accepted, "accepted exactly where there is an acceptance");
                if !out.is_null() {
                    assert_eq!(read(veriseal_accepted_pinned(out)), world.pinned, "something else was accepted");
                }
                pool.put(Kind::Accepted, status, out);
                veriseal_report_free(report);
                status
            }
            10 => {
                // Read as whatever it is not, too.
                let _ = veriseal_accepted_pinned(pool.any(Kind::Accepted, choice));
                let _ = veriseal_report_json(pool.any(Kind::Report, choice));
                let _ = veriseal_request_path(pool.any(Kind::Request, choice));
                let _ = veriseal_session_is_done(pool.any(Kind::Session, choice));
                veriseal_status::Done
            }
            _ => {
                if !pool.0.is_empty() {
                    let (kind, handle) = pool.0.remove(usize::from(choice) % pool.0.len());
                    free(kind, handle);
                }
                veriseal_status::Done
            }
        }
    }
}

/// What the registry holds for a request: media type and bytes.
unsafe fn held(world: &World, request: *const veriseal_request) -> Option<(String, Vec<u8>)> {
    let store = &world.scenario.store;
    let (asked, what) = unsafe { (read(veriseal_request_reference(request)), veriseal_request_what(request)) };
    let digest = asked.parse::<veriseal::Digest>().ok();
    if matches!(what, veriseal_request_kind::Referrers) {
        let list = store.referrers_page(&digest?, 0).map(|(bytes, _)| bytes);
        return list.filter(|_| store.referrers_api).map(|bytes| ("application/vnd.oci.image.index.v1+json".to_owned(), bytes));
    }
    if let Some(manifest) = digest.and_then(|digest| store.manifests.get(&digest)).or_else(|| store.tagged(&asked)) {
        return Some((manifest.media_type.clone(), manifest.bytes.clone()));
    }
    store.blobs.get(&digest?).map(|bytes| ("application/octet-stream".to_owned(), bytes.clone()))
}

/// Writes into a sink what the registry holds for a request, now and then with something of its own.
unsafe fn fill(world: &World, request: *const veriseal_request, sink: *mut veriseal_sink, choice: u8) {
    unsafe {
        let (media_type, bytes) = held(world, request).unwrap_or_default();
        let _ = veriseal_sink_set_media_type(sink, media_type.as_ptr().cast(), media_type.len());
        let _ = veriseal_sink_write(sink, bytes.as_ptr(), bytes.len());
        if choice.is_multiple_of(7) {
            let _ = veriseal_sink_write(sink, c"x".as_ptr().cast(), 1);
            let _ = veriseal_sink_write(sink, null(), 0);
        }
    }
}

/// The calls of a verification, in the order in which they belong.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let begin = [0, 99, 1, 99, 2, 99, 3, 49, 4, 0x99, 5, 99];
    let answer = [6, 99, 7, 99, 8, 0x99];
    let whole = |answers: usize| [&begin[..], &answer.repeat(answers), &[9, 0x99, 10, 99]].concat();
    vec![whole(0), whole(1), whole(4), whole(12), [whole(6), whole(6)].concat()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence that reaches no acceptance would show nothing about acceptances.
    #[test]
    fn the_calls_of_a_verification_accept_the_image() {
        assert_eq!(seeds().iter().map(|seed| run(seed)).max(), Some(2));
    }
}
