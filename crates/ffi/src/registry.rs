//! [`veriseal_registry`]: settings of the built-in registry client, and what of it is compiled in.

#[cfg(not(feature = "registry"))]
#[path = "registry/absent.rs"]
mod builtin;
#[cfg(feature = "registry")]
#[path = "registry/present.rs"]
mod builtin;

pub(crate) use builtin::{Begun, Client, Layout, RegistryInner};
pub(crate) use builtin::{evidence_archive, evidence_open, evidence_read, evidence_save, in_order};

use crate::error::veriseal_error;
use crate::handle::{Opaque, borrow_mut, free};
use crate::input::{bytes, some_text};
use crate::status::veriseal_status;
use std::ffi::c_char;

/// The TLS settings of one host; what is empty is not set.
pub(crate) struct HostTls<'a> {
    pub(crate) roots: &'a [u8],
    pub(crate) only_these: bool,
    pub(crate) certificate: &'a [u8],
    pub(crate) key: &'a [u8],
}

/// Settings of the built-in registry client: HTTPS, the system's roots, no credentials and 30 s a call by default. It reads
/// no environment and runs no programs: credential helpers that a docker configuration names are never run from C.
///
/// Made and changed by one thread, then given to `veriseal_source_new_registry`. Freed with `veriseal_registry_free`.
pub struct veriseal_registry {
    _opaque: [u8; 0],
}

impl Opaque for veriseal_registry {
    type Inner = RegistryInner;
    const TAG: u64 = 0x7665_7269_0000_000b;
}

/// The default settings.
///
/// DONE. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_new(
    out: *mut *mut veriseal_registry,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        out.put(RegistryInner::default());
        Ok(veriseal_status::Done)
    })
}

/// Speaks plain HTTP with this registry (`host` or `host:port` as in references), and with no other.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_allow_http(
    registry: *mut veriseal_registry,
    host: *const c_char,
    host_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, and `host_len` readable bytes, as the header asks.
        let (inner, host) = unsafe { (borrow_mut(registry, "registry")?, some_text(host, host_len, "host")?) };
        inner.allow_http(host)?;
        Ok(veriseal_status::Done)
    })
}

/// A user name and a password or access token for a registry (`host[:port]`, or a path of it). They are copied, are sent
/// nowhere else, and stand in no report and no log.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_credentials(
    registry: *mut veriseal_registry,
    host: *const c_char,
    host_len: usize,
    username: *const c_char,
    username_len: usize,
    password: *const c_char,
    password_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, and `host_len` readable bytes, as the header asks.
        let (inner, host) = unsafe { (borrow_mut(registry, "registry")?, some_text(host, host_len, "host")?) };
        // SAFETY: `username_len` readable bytes, as the header asks.
        let username = unsafe { some_text(username, username_len, "username") }?;
        // SAFETY: `password_len` readable bytes, as the header asks.
        let password = unsafe { some_text(password, password_len, "password") }?;
        inner.set_credentials(host, username, password)?;
        Ok(veriseal_status::Done)
    })
}

/// Credentials from the content of a docker `config.json`, a podman `auth.json` or a Kubernetes `.dockerconfigjson`. Helpers
/// that it names are not run.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_docker_config(
    registry: *mut veriseal_registry,
    json: *const u8,
    json_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, and `json_len` readable bytes, as the header asks.
        let (inner, json) = unsafe { (borrow_mut(registry, "registry")?, bytes(json, json_len, "json")?) };
        inner.set_docker_config(json)?;
        Ok(veriseal_status::Done)
    })
}

/// Trusts the PEM certificates in `pem` for TLS, beside the system's or, with `only_these`, instead of them.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_add_roots(
    registry: *mut veriseal_registry,
    pem: *const u8,
    pem_len: usize,
    only_these: bool,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, and `pem_len` readable bytes, as the header asks.
        let (inner, pem) = unsafe { (borrow_mut(registry, "registry")?, bytes(pem, pem_len, "pem")?) };
        inner.add_roots(pem, only_these)?;
        Ok(veriseal_status::Done)
    })
}

/// How long one call may take with this client, in milliseconds, all requests, retries and pauses together; 30 000 by
/// default, at most a day. The deadline of a `veriseal_call` holds besides.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_deadline(
    registry: *mut veriseal_registry,
    milliseconds: u64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        unsafe { borrow_mut(registry, "registry") }?.set_deadline(milliseconds)?;
        Ok(veriseal_status::Done)
    })
}

/// Sends everything through this HTTP proxy. The environment's proxy settings are not read.
///
/// DONE. What cannot be used is said when the source is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_set_proxy(
    registry: *mut veriseal_registry,
    url: *const c_char,
    url_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, and `url_len` readable bytes, as the header asks.
        let (inner, url) = unsafe { (borrow_mut(registry, "registry")?, some_text(url, url_len, "url")?) };
        inner.set_proxy(url)?;
        Ok(veriseal_status::Done)
    })
}

/// Frees settings. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_registry_free(registry: *mut veriseal_registry) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(registry) }
    })
}
