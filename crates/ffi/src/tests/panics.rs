//! Panics at each export.

use crate::*;
use std::cell::Cell;
use std::collections::BTreeSet;

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// Panics where a test armed this thread.
pub(crate) fn reached() {
    if ARMED.get() {
        panic!("as the test wants");
    }
}

/// What is passed for a pointer: memory that is no handle, with something in it.
const JUNK: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// A place that was passed, and what must stand there after a panic.
struct Given {
    place: *const u64,
    is_output: bool,
    is_error: bool,
}

/// A value of a type of argument.
trait Argument {
    fn value(given: &mut Vec<Given>) -> Self;
}

impl<T> Argument for *mut T {
    fn value(given: &mut Vec<Given>) -> Self {
        let name = std::any::type_name::<T>();
        // Leaked, since nobody may free what the export was told to write to.
        let place: *mut u64 = Box::leak(Box::new([JUNK; 8])).as_mut_ptr();
        given.push(Given { place, is_output: name.starts_with("*mut"), is_error: name.contains("veriseal_error") });
        place.cast()
    }
}

impl<T> Argument for *const T {
    fn value(given: &mut Vec<Given>) -> Self {
        <*mut T>::value(given).cast_const()
    }
}

macro_rules! plain {
    ($($type:ty = $value:expr;)*) => { $(impl Argument for $type { fn value(_: &mut Vec<Given>) -> Self { $value } })* };
}
plain! { i32 = 1; u16 = 1; u32 = 1; i64 = 1; u64 = 1; usize = 8; bool = true; veriseal_log_fn = None; }

impl Argument for veriseal_fetcher {
    fn value(_: &mut Vec<Given>) -> Self {
        Self { context: std::ptr::null_mut(), fetch: None, drop: None }
    }
}

/// What an export answers, and what it must answer after a panic.
trait Answer {
    fn is_failure(&self) -> bool;
}

impl Answer for () {
    fn is_failure(&self) -> bool {
        true
    }
}
impl Answer for veriseal_status {
    fn is_failure(&self) -> bool {
        *self == veriseal_status::Internal
    }
}
impl Answer for veriseal_str {
    fn is_failure(&self) -> bool {
        self.len == 0 && !self.data.is_null()
    }
}
impl Answer for veriseal_bytes {
    fn is_failure(&self) -> bool {
        self.len == 0 && !self.data.is_null()
    }
}
impl<T> Answer for *const T {
    fn is_failure(&self) -> bool {
        self.is_null()
    }
}
impl Answer for veriseal_verdict {
    fn is_failure(&self) -> bool {
        *self == veriseal_verdict::Undecided
    }
}
impl Answer for veriseal_basis {
    fn is_failure(&self) -> bool {
        *self == veriseal_basis::Exception
    }
}
impl Answer for veriseal_mode {
    fn is_failure(&self) -> bool {
        *self == veriseal_mode::Enforce
    }
}
impl Answer for veriseal_request_kind {
    fn is_failure(&self) -> bool {
        *self == veriseal_request_kind::Other
    }
}
impl Answer for bool {
    /// Cancelled, and done: neither goes on.
    fn is_failure(&self) -> bool {
        *self
    }
}
macro_rules! zero {
    ($($type:ty)*) => { $(impl Answer for $type { fn is_failure(&self) -> bool { *self == 0 } })* };
}
zero! { u16 u32 u64 usize }
impl Answer for i64 {
    fn is_failure(&self) -> bool {
        *self == i64::MIN
    }
}

/// Calls an export that panics behind its boundary.
macro_rules! panicking {
    ($names:ident, $(($name:ident $(, $argument:tt)*),)*) => { $({
        $names.insert(stringify!($name).to_owned());
        let mut given: Vec<Given> = Vec::new();
        let given = &mut given;
        ARMED.set(true);
        // SAFETY: every pointer is to 64 bytes of its own, and the panic comes before anything is read from one.
        #[allow(unused_unsafe)]
        let answer = unsafe { $name($(panicking!(@value given $argument)),*) };
        ARMED.set(false);
        assert!(answer.is_failure(), "{}", stringify!($name));
        for given in given.iter() {
            // SAFETY: made by `Argument::value`, which leaks it.
            let found = unsafe { given.place.read() };
            match (given.is_output, given.is_error) {
                (true, true) => assert!(found != 0 && found != JUNK, "{}: no error was written", stringify!($name)),
                (true, false) => assert_eq!(found, 0, "{}: an output is not NULL", stringify!($name)),
                (false, _) => assert_eq!(found, JUNK, "{}: an input was written to", stringify!($name)),
            }
        }
    })* };
    (@value $given:ident _) => { Argument::value($given) };
}

/// K-AP-01: the answer is a failure, every output is NULL, and the process goes on.
#[test]
fn a_panic_in_any_export_is_an_internal_error_with_outputs_null() {
    let mut names = BTreeSet::new();
    panicking! { names,
        (veriseal_accepted_pinned, _),
        (veriseal_accepted_digest, _),
        (veriseal_accepted_basis, _),
        (veriseal_accepted_resolved, _),
        (veriseal_accepted_platform_count, _),
        (veriseal_accepted_platform_name, _, _),
        (veriseal_accepted_platform_pinned, _, _),
        (veriseal_verifier_set_platforms, _, _, _, _),
        (veriseal_verifier_set_signature_repository, _, _, _, _),
        (veriseal_verifier_use_key_tables, _, _),
        (veriseal_accepted_signature_count, _),
        (veriseal_accepted_free, _),
        (veriseal_verify_blob, _, _, _, _, _, _, _, _, _),
        (veriseal_verify_digest, _, _, _, _, _, _, _, _, _),
        (veriseal_accepted_blob_digest, _),
        (veriseal_accepted_blob_free, _),
        (veriseal_call_new, _, _),
        (veriseal_call_set_deadline, _, _, _),
        (veriseal_call_set_log, _, _, _, _),
        (veriseal_call_cancel, _, _),
        (veriseal_call_free, _),
        (veriseal_version),
        (veriseal_code_count),
        (veriseal_code_at, _),
        (veriseal_code_name, _),
        (veriseal_code_meaning, _),
        (veriseal_code_action, _),
        (veriseal_code_by_name, _, _),
        (veriseal_error_free, _),
        (veriseal_error_code, _),
        (veriseal_error_code_name, _),
        (veriseal_error_message, _),
        (veriseal_evidence_gather, _, _, _, _, _, _, _),
        (veriseal_evidence_new_file, _, _, _, _),
        (veriseal_evidence_save, _, _, _, _),
        (veriseal_judge, _, _, _, _, _, _, _, _),
        (veriseal_evidence_free, _),
        (veriseal_sink_new, _, _, _),
        (veriseal_sink_write, _, _, _),
        (veriseal_sink_set_media_type, _, _, _),
        (veriseal_sink_set_next, _, _, _),
        (veriseal_sink_set_message, _, _, _),
        (veriseal_sink_set_retry_after, _, _),
        (veriseal_sink_is_cancelled, _),
        (veriseal_sink_free, _),
        (veriseal_policy_new, _, _, _, _, _),
        (veriseal_policy_new_document, _, _, _, _, _, _),
        (veriseal_policy_new_file, _, _, _, _),
        (veriseal_policy_mode, _),
        (veriseal_policy_free, _),
        (veriseal_registry_new, _, _),
        (veriseal_registry_allow_http, _, _, _, _),
        (veriseal_registry_set_credentials, _, _, _, _, _, _, _, _),
        (veriseal_registry_set_docker_config, _, _, _, _),
        (veriseal_registry_add_roots, _, _, _, _, _),
        (veriseal_registry_set_deadline, _, _, _),
        (veriseal_registry_set_proxy, _, _, _, _),
        (veriseal_registry_free, _),
        (veriseal_registry_set_pull_secret, _, _, _, _),
        (veriseal_registry_set_identity_token, _, _, _, _, _, _),
        (veriseal_registry_set_bearer_token, _, _, _, _, _, _),
        (veriseal_registry_allow_realm, _, _, _, _, _, _),
        (veriseal_registry_allow_redirect, _, _, _, _),
        (veriseal_registry_add_mirror, _, _, _, _, _, _),
        (veriseal_registry_set_host_tls, _, _, _, _, _, _, _, _, _, _, _),
        (veriseal_registry_set_memory_cache, _, _, _),
        (veriseal_registry_set_cache_directory, _, _, _, _, _),
        (veriseal_registry_set_answers_live, _, _, _),
        (veriseal_registry_set_timeouts, _, _, _, _),
        (veriseal_registry_set_minimum_rate, _, _, _, _),
        (veriseal_registry_set_retry_pause, _, _, _),
        (veriseal_registry_set_user_agent, _, _, _, _),
        (veriseal_verify_many, _, _, _, _, _, _, _, _, _, _),
        (veriseal_outcomes_count, _),
        (veriseal_outcomes_status, _, _),
        (veriseal_outcomes_accepted, _, _),
        (veriseal_outcomes_report, _, _),
        (veriseal_outcomes_error, _, _),
        (veriseal_outcomes_free, _),
        (veriseal_evidence_new_archive, _, _, _, _),
        (veriseal_evidence_archive, _),
        (veriseal_report_verdict, _),
        (veriseal_report_code, _),
        (veriseal_report_code_name, _),
        (veriseal_report_json, _),
        (veriseal_report_text, _),
        (veriseal_report_free, _),
        (veriseal_request_id, _),
        (veriseal_request_what, _),
        (veriseal_request_registry, _),
        (veriseal_request_repository, _),
        (veriseal_request_reference, _),
        (veriseal_request_path, _),
        (veriseal_request_page, _),
        (veriseal_request_max_bytes, _),
        (veriseal_request_free, _),
        (veriseal_requirement_new_key, _, _, _, _, _, _),
        (veriseal_requirement_new_key_file, _, _, _, _),
        (veriseal_requirement_new_keyless, _, _, _, _, _, _),
        (veriseal_requirement_new_keyless_pattern, _, _, _, _, _, _),
        (veriseal_requirement_set_tlog, _, _, _),
        (veriseal_requirement_set_sct, _, _, _),
        (veriseal_requirement_set_timestamps, _, _, _),
        (veriseal_requirement_set_key_validity, _, _, _, _),
        (veriseal_requirement_set_attestation, _, _, _, _),
        (veriseal_requirement_free, _),
        (veriseal_session_new, _, _, _, _, _),
        (veriseal_session_next, _, _, _),
        (veriseal_session_supply, _, _, _, _, _),
        (veriseal_session_is_done, _),
        (veriseal_session_conclude, _, _, _, _, _, _),
        (veriseal_session_free, _),
        (veriseal_source_new_fetcher, _, _, _),
        (veriseal_source_new_registry, _, _, _),
        (veriseal_source_new_layout, _, _, _, _),
        (veriseal_source_free, _),
        (veriseal_trust_root_new_embedded, _, _, _, _),
        (veriseal_trust_root_new_json, _, _, _, _, _, _),
        (veriseal_trust_root_new_file, _, _, _, _),
        (veriseal_trust_root_free, _),
        (veriseal_verifier_new, _, _, _, _),
        (veriseal_verify, _, _, _, _, _, _, _, _, _),
        (veriseal_verifier_fingerprint, _, _, _),
        (veriseal_verifier_free, _),
        (veriseal_now),
    }
    assert_eq!(names, exported());
}

/// The exports that stand in the sources.
fn exported() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split("#[unsafe(no_mangle)]").skip(1) {
            let name = part.split(" fn ").nth(1).unwrap().split('(').next().unwrap();
            names.insert(name.to_owned());
        }
    }
    names
}

/// A panic after the body has prepared its answer leaves nothing of it behind.
#[test]
fn what_a_body_prepared_before_it_panicked_is_not_written() {
    unsafe extern "C" fn late(out: *mut *mut veriseal_call, error: *mut *mut veriseal_error) -> veriseal_status {
        boundary!(error, [out], {
            out.put(CallInnerForTests::default());
            panic!("late");
        })
    }
    let mut out = std::ptr::dangling_mut();
    let mut error = std::ptr::null_mut();
    // SAFETY: two places of this frame.
    let status = unsafe { late(&mut out, &mut error) };
    assert_eq!(status, veriseal_status::Internal);
    assert!(out.is_null() && !error.is_null());
    // SAFETY: made by the call above.
    unsafe { veriseal_error_free(error) };
}

use crate::call::CallInner as CallInnerForTests;

/// The thread-safety that the header promises.
#[test]
fn handles_that_are_shared_may_be() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    use crate::handle::Opaque;
    shared::<<veriseal_trust_root as Opaque>::Inner>();
    shared::<<veriseal_policy as Opaque>::Inner>();
    shared::<<veriseal_verifier as Opaque>::Inner>();
    shared::<<veriseal_source as Opaque>::Inner>();
    shared::<<veriseal_call as Opaque>::Inner>();
    shared::<<veriseal_accepted as Opaque>::Inner>();
    shared::<<veriseal_accepted_blob as Opaque>::Inner>();
    shared::<<veriseal_report as Opaque>::Inner>();
    shared::<<veriseal_error as Opaque>::Inner>();
    shared::<<veriseal_evidence as Opaque>::Inner>();
    shared::<<veriseal_request as Opaque>::Inner>();
    shared::<<veriseal_outcomes as Opaque>::Inner>();
    sent::<<veriseal_requirement as Opaque>::Inner>();
    sent::<<veriseal_registry as Opaque>::Inner>();
    sent::<<veriseal_session as Opaque>::Inner>();
    sent::<<veriseal_sink as Opaque>::Inner>();
}

/// Every type has a tag of its own: a handle of one type is never taken for another.
#[test]
fn tags_are_distinct_and_never_zero() {
    use crate::handle::Opaque;
    let tags = [
        veriseal_trust_root::TAG,
        veriseal_policy::TAG,
        veriseal_verifier::TAG,
        veriseal_source::TAG,
        veriseal_call::TAG,
        veriseal_accepted::TAG,
        veriseal_accepted_blob::TAG,
        veriseal_report::TAG,
        veriseal_error::TAG,
        veriseal_evidence::TAG,
        veriseal_request::TAG,
        veriseal_requirement::TAG,
        veriseal_registry::TAG,
        veriseal_session::TAG,
        veriseal_sink::TAG,
        veriseal_outcomes::TAG,
    ];
    assert_eq!(tags.iter().collect::<BTreeSet<_>>().len(), tags.len());
    assert!(!tags.contains(&0));
}
