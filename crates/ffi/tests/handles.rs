//! A verification through the exports from its first handle to its last, in Rust alone, so that it runs under miri too
//! (`cargo xtask miri`), which runs no C.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::as_conversions)]
#![allow(clippy::undocumented_unsafe_blocks, reason = "this stands in for a program in C")]

use std::ffi::c_char;
use std::ptr::null_mut;
use veriseal::Digest;
use veriseal_ffi::*;
use veriseal_testkit::scenario::{self, Scenario};

fn text(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

unsafe fn read(text: veriseal_str) -> String {
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The verifier of a scenario that is signed with a key.
unsafe fn verifier(scenario: &Scenario) -> *mut veriseal_verifier {
    let (mut trust, mut requirement, mut policy, mut verifier) = (null_mut(), null_mut(), null_mut(), null_mut());
    let done = |status| assert_eq!(status, veriseal_status::Done);
    let (root, (name, name_len)) = (scenario.trusted_root(), text("testkit"));
    let pem = scenario.key_pem.as_bytes();
    unsafe {
        done(veriseal_trust_root_new_json(root.as_ptr(), root.len(), name, name_len, &raw mut trust, null_mut()));
        done(veriseal_requirement_new_key(pem.as_ptr(), pem.len(), name, name_len, &raw mut requirement, null_mut()));
        let list = [requirement.cast_const()];
        done(veriseal_policy_new(list.as_ptr(), 1, 1, &raw mut policy, null_mut()));
        done(veriseal_verifier_new(trust, policy, &raw mut verifier, null_mut()));
        // A verifier holds what it was made of.
        veriseal_policy_free(policy);
        veriseal_requirement_free(requirement);
        veriseal_trust_root_free(trust);
    }
    verifier
}

/// What the scenario's registry holds for a request: media type and bytes.
unsafe fn held(scenario: &Scenario, request: *const veriseal_request) -> Option<(String, Vec<u8>)> {
    let store = &scenario.store;
    let (asked, what) = unsafe { (read(veriseal_request_reference(request)), veriseal_request_what(request)) };
    let digest = asked.parse::<Digest>().ok();
    if matches!(what, veriseal_request_kind::Referrers) {
        let (bytes, _) = store.referrers_page(&digest?, 0)?;
        return Some(("application/vnd.oci.image.index.v1+json".to_owned(), bytes));
    }
    if let Some(manifest) = digest.and_then(|digest| store.manifests.get(&digest)).or_else(|| store.tagged(&asked)) {
        return Some((manifest.media_type.clone(), manifest.bytes.clone()));
    }
    Some(("application/octet-stream".to_owned(), store.blobs.get(&digest?)?.clone()))
}

/// Answers every request of a session.
unsafe fn drive(scenario: &Scenario, session: *mut veriseal_session) {
    unsafe {
        while !veriseal_session_is_done(session) {
            let (mut request, mut sink) = (null_mut(), null_mut());
            assert_eq!(veriseal_session_next(session, &raw mut request, null_mut()), veriseal_status::Done);
            assert_eq!(veriseal_sink_new(request, &raw mut sink, null_mut()), veriseal_status::Done);
            let there = held(scenario, request);
            // Found, and not found.
            let result = if there.is_some() { 1 } else { 2 };
            if let Some((media_type, bytes)) = there {
                let (media_type, len) = text(&media_type);
                let _ = veriseal_sink_set_media_type(sink, media_type, len);
                // In two pieces, as a network gives them.
                let (one, other) = bytes.split_at(bytes.len() / 2);
                let _ = veriseal_sink_write(sink, one.as_ptr(), one.len());
                let _ = veriseal_sink_write(sink, other.as_ptr(), other.len());
            }
            let status = veriseal_session_supply(session, request, result, sink, null_mut());
            assert_eq!(status, veriseal_status::Done);
            veriseal_sink_free(sink);
            veriseal_request_free(request);
        }
    }
}

/// The status of a whole verification, and what it pinned.
fn verified(scenario: &Scenario) -> (veriseal_status, Option<String>) {
    unsafe {
        let verifier = verifier(scenario);
        let (mut session, mut accepted, mut report) = (null_mut(), null_mut(), null_mut());
        let reference = scenario.reference();
        let (image, len) = text(&reference);
        assert_eq!(veriseal_session_new(verifier, image, len, &raw mut session, null_mut()), veriseal_status::Done);
        drive(scenario, session);
        let now = scenario.now.seconds();
        let status = veriseal_session_conclude(verifier, session, now, &raw mut accepted, &raw mut report, null_mut());
        veriseal_session_free(session);
        veriseal_verifier_free(verifier);
        assert!(veriseal_report_json(report).len > 100);
        veriseal_report_free(report);
        let pinned = (!accepted.is_null()).then(|| read(veriseal_accepted_pinned(accepted)));
        veriseal_accepted_free(accepted);
        (status, pinned)
    }
}

#[test]
fn a_signed_image_is_accepted_and_pinned_and_an_unsigned_one_is_not() {
    let signed = scenario::key_signed();
    assert_eq!(verified(&signed), (veriseal_status::Accepted, Some(signed.pinned())));
    let mut unsigned = Scenario::new("unsigned");
    unsigned.authority = scenario::Authority::Key;
    assert_eq!(verified(&unsigned), (veriseal_status::Rejected, None));
}

/// K-AP-07: what is wrong is told by an error that can be read and freed, and by no handle.
#[test]
fn what_is_no_trust_root_leaves_an_error_and_no_handle() {
    let (name, len) = text("testkit");
    for json in [&b"{"[..], b"", b"\xff\xfe", b"null"] {
        let (mut trust, mut error) = (std::ptr::dangling_mut(), null_mut());
        unsafe {
            let status = veriseal_trust_root_new_json(json.as_ptr(), json.len(), name, len, &raw mut trust, &raw mut error);
            assert!((status as i32) < 0 && trust.is_null() && !error.is_null());
            assert!(veriseal_error_message(error).len > 0);
            veriseal_error_free(error);
        }
    }
}

/// K-AP-07: a handle of one kind is not taken for one of another, and NULL is for none.
#[test]
fn a_handle_of_another_kind_and_null_are_refused() {
    let (name, len) = text("testkit");
    unsafe {
        // An error is a handle that needs no key, whose making takes miri minutes.
        let (mut trust, mut other, mut request) = (null_mut(), null_mut(), std::ptr::dangling_mut());
        let _ = veriseal_trust_root_new_json(b"{".as_ptr(), 1, name, len, &raw mut trust, &raw mut other);
        assert!(!other.is_null());
        for session in [null_mut(), other.cast::<veriseal_session>()] {
            let mut error = null_mut();
            let status = veriseal_session_next(session, &raw mut request, &raw mut error);
            assert!((status as i32) < 0 && request.is_null() && !error.is_null());
            veriseal_error_free(error);
        }
        veriseal_error_free(other);
    }
}
