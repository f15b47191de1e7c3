//! More settings of [`veriseal_registry`]: where content comes from, as whom it is asked for, what is kept of it, and how long
//! a step may take. docs/registry.md describes each by its Rust name.

use crate::error::veriseal_error;
use crate::handle::borrow_mut;
use crate::input::{bytes, some_text};
use crate::registry::{HostTls, veriseal_registry};
use crate::status::veriseal_status;
use std::ffi::c_char;

/// Credentials from a Kubernetes pull secret in JSON: a `Secret` of type `kubernetes.io/dockerconfigjson` or the older
/// `kubernetes.io/dockercfg`.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_pull_secret(
    registry: *mut veriseal_registry,
    json: *const u8,
    json_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `json_len` readable bytes, as the header asks.
        let json = unsafe { bytes(json, json_len, "json") }?;
        inner.set_pull_secret(json)?;
        Ok(veriseal_status::Done)
    })
}

/// An identity token (OAuth 2 refresh token) for a registry (`host[:port]`, or a path of it), which is traded for access
/// tokens at its token service. Copied and kept as a password is.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_identity_token(
    registry: *mut veriseal_registry,
    host: *const c_char,
    host_len: usize,
    token: *const c_char,
    token_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `host_len` readable bytes, as the header asks.
        let host = unsafe { some_text(host, host_len, "host") }?;
        // SAFETY: `token_len` readable bytes, as the header asks.
        let token = unsafe { some_text(token, token_len, "token") }?;
        inner.set_identity_token(host, token)?;
        Ok(veriseal_status::Done)
    })
}

/// A bearer token (RFC 6750) for the registry (`host[:port]`, or a path of it) itself. Copied and kept as a password is.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_bearer_token(
    registry: *mut veriseal_registry,
    host: *const c_char,
    host_len: usize,
    token: *const c_char,
    token_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `host_len` readable bytes, as the header asks.
        let host = unsafe { some_text(host, host_len, "host") }?;
        // SAFETY: `token_len` readable bytes, as the header asks.
        let token = unsafe { some_text(token, token_len, "token") }?;
        inner.set_bearer_token(host, token)?;
        Ok(veriseal_status::Done)
    })
}

/// Allows `host` as the token service of `of`, a registry whose own host it is not. It will get that registry's credentials.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_allow_realm(
    registry: *mut veriseal_registry,
    of: *const c_char,
    of_len: usize,
    host: *const c_char,
    host_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `of_len` readable bytes, as the header asks.
        let of = unsafe { some_text(of, of_len, "of") }?;
        // SAFETY: `host_len` readable bytes, as the header asks.
        let host = unsafe { some_text(host, host_len, "host") }?;
        inner.allow_realm(of, host)?;
        Ok(veriseal_status::Done)
    })
}

/// Lets redirects lead to `host` although it is inside a private network and the registry is not. It gets no credentials.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_allow_redirect(
    registry: *mut veriseal_registry,
    host: *const c_char,
    host_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `host_len` readable bytes, as the header asks.
        let host = unsafe { some_text(host, host_len, "host") }?;
        inner.allow_redirect(host)?;
        Ok(veriseal_status::Done)
    })
}

/// Fetches what lies under `of` from `at`, both as `host[:port][/path]`; the longest `of` decides. Images keep their names in
/// policies, reports and pinned references. What the mirror lacks is not asked for elsewhere.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_add_mirror(
    registry: *mut veriseal_registry,
    of: *const c_char,
    of_len: usize,
    at: *const c_char,
    at_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `of_len` readable bytes, as the header asks.
        let of = unsafe { some_text(of, of_len, "of") }?;
        // SAFETY: `at_len` readable bytes, as the header asks.
        let at = unsafe { some_text(at, at_len, "at") }?;
        inner.add_mirror(of, at)?;
        Ok(veriseal_status::Done)
    })
}

/// Whom to believe at `host[:port]`, and as whom to appear there. `roots` are PEM certificates that vouch for this host,
/// beside those for every host or, with `only_these`, instead of them; none where `roots_len` is 0. `certificate` (PEM, the
/// leaf first) and `key` (PEM, unencrypted) are a client certificate that is shown to this host alone; none where both are empty.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_host_tls(
    registry: *mut veriseal_registry,
    host: *const c_char,
    host_len: usize,
    roots: *const u8,
    roots_len: usize,
    only_these: bool,
    certificate: *const u8,
    certificate_len: usize,
    key: *const u8,
    key_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `host_len` readable bytes, as the header asks.
        let host = unsafe { some_text(host, host_len, "host") }?;
        // SAFETY: `roots_len` readable bytes, as the header asks.
        let roots = unsafe { bytes(roots, roots_len, "roots") }?;
        // SAFETY: `certificate_len` readable bytes, as the header asks.
        let certificate = unsafe { bytes(certificate, certificate_len, "certificate") }?;
        // SAFETY: `key_len` readable bytes, as the header asks.
        let key = unsafe { bytes(key, key_len, "key") }?;
        inner.set_host_tls(host, &HostTls { roots, only_these, certificate, key })?;
        Ok(veriseal_status::Done)
    })
}

/// Keeps content under its digest in memory, at most `max_bytes`, for all calls over the source. Each use hashes it again; tags,
/// referrer lists and misses are asked for every time.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_memory_cache(
    registry: *mut veriseal_registry,
    max_bytes: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        inner.set_memory_cache(max_bytes)?;
        Ok(veriseal_status::Done)
    })
}

/// Keeps content under its digest in a directory, which is made where it does not exist, of about `max_bytes`. May be shared by
/// processes; whoever can read the directory can read what is in it. `path` is UTF-8.
///
/// DONE; REFUSED with CONFIG_INVALID where it cannot be made or is no directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_cache_directory(
    registry: *mut veriseal_registry,
    path: *const c_char,
    path_len: usize,
    max_bytes: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        let path = unsafe { some_text(path, path_len, "path") }?;
        inner.set_cache_directory(path, max_bytes)?;
        Ok(veriseal_status::Done)
    })
}

/// Takes answers about tags, referrer lists and misses again for so many milliseconds, at most a day. Weaker: a moved tag and a
/// new or removed signature are seen late by as much. The report lists it (ANSWERS_REUSED).
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_answers_live(
    registry: *mut veriseal_registry,
    milliseconds: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        inner.set_answers_live(milliseconds)?;
        Ok(veriseal_status::Done)
    })
}

/// How long connecting may take, TLS included (5 000 ms by default), and how long the head of an answer may (10 000 ms by
/// default, connecting included). Neither is tried again.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_timeouts(
    registry: *mut veriseal_registry,
    connect_milliseconds: u64,
    first_byte_milliseconds: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        inner.set_timeouts(connect_milliseconds, first_byte_milliseconds)?;
        Ok(veriseal_status::Done)
    })
}

/// How many bytes a body must bring in each window of time: 10 240 in 10 000 ms by default. Not tried again.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_minimum_rate(
    registry: *mut veriseal_registry,
    bytes: u64,
    window_milliseconds: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        inner.set_minimum_rate(bytes, window_milliseconds)?;
        Ok(veriseal_status::Done)
    })
}

/// The pause before the first further try, 250 ms by default; before the second it is four times as long.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_retry_pause(
    registry: *mut veriseal_registry,
    milliseconds: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        inner.set_retry_pause(milliseconds)?;
        Ok(veriseal_status::Done)
    })
}

/// The `User-Agent`, by default `veriseal/<version>`. Visible ASCII.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_user_agent(
    registry: *mut veriseal_registry,
    text: *const c_char,
    text_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(registry, "registry") }?;
        // SAFETY: `text_len` readable bytes, as the header asks.
        let text = unsafe { some_text(text, text_len, "text") }?;
        inner.set_user_agent(text)?;
        Ok(veriseal_status::Done)
    })
}
