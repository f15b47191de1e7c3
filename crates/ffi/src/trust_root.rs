//! [`veriseal_trust_root`]: whose certificates, logs and timestamps are believed.

use crate::error::veriseal_error;
use crate::handle::{Opaque, free};
use crate::input::{self, bytes, some_text, text};
use crate::status::veriseal_status;
use std::ffi::c_char;
use std::sync::Arc;
use veriseal::trust::TrustRootOrigin;
use veriseal::{Code, Failure, TrustRoot};

/// Largest `trusted_root.json` that is read from a file, in bytes.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Whose certificates, logs and timestamps are believed.
///
/// Immutable and thread-safe. Freed with `veriseal_trust_root_free`; a verifier made from it keeps what it needs, so that
/// it may be freed at once.
pub struct veriseal_trust_root {
    _opaque: [u8; 0],
}

pub(crate) struct TrustRootInner {
    pub(crate) root: Arc<TrustRoot>,
}

impl Opaque for veriseal_trust_root {
    type Inner = TrustRootInner;
    const TAG: u64 = 0x7665_7269_0000_0002;
}

/// A trust root that is compiled in: `sigstore` (the public good instance), `sigstore-staging` or `github`. Its date stands
/// in every report.
///
/// DONE, or REFUSED for another name. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_trust_root_new_embedded(
    name: *const c_char,
    name_len: usize,
    out: *mut *mut veriseal_trust_root,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `name_len` readable bytes, as the header asks.
        let root = match unsafe { some_text(name, name_len, "name") }? {
            "sigstore" => TrustRoot::sigstore(),
            "sigstore-staging" => TrustRoot::sigstore_staging(),
            "github" => TrustRoot::github(),
            other => Err(Failure::new(Code::TrustRootInvalid).expected("sigstore, sigstore-staging or github").found(other)),
        }?;
        out.put(TrustRootInner { root: Arc::new(root) });
        Ok(veriseal_status::Done)
    })
}

/// A trust root from the bytes of a Sigstore `trusted_root.json` (v0.1 or v0.2), which are copied. `name` is what reports
/// call it; it may be empty.
///
/// DONE, or REFUSED with TRUST_ROOT_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_trust_root_new_json(
    json: *const u8,
    json_len: usize,
    name: *const c_char,
    name_len: usize,
    out: *mut *mut veriseal_trust_root,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `json_len` and `name_len` readable bytes, as the header asks.
        let (json, name) = unsafe { (bytes(json, json_len, "json")?, text(name, name_len, "name")?) };
        out.put(TrustRootInner { root: Arc::new(parse(json, name)?) });
        Ok(veriseal_status::Done)
    })
}

/// A trust root from a file, which is read once, now. `path` is UTF-8.
///
/// DONE, or REFUSED with TRUST_ROOT_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_trust_root_new_file(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut veriseal_trust_root,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        let path = unsafe { some_text(path, path_len, "path") }?;
        let json = input::file(path, MAX_BYTES, Code::TrustRootInvalid)?;
        out.put(TrustRootInner { root: Arc::new(parse(&json, path)?) });
        Ok(veriseal_status::Done)
    })
}

/// Frees a trust root. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_trust_root_free(trust_root: *mut veriseal_trust_root) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(trust_root) }
    })
}

fn parse(json: &[u8], name: &str) -> Result<TrustRoot, Failure> {
    let origin = TrustRootOrigin { name: veriseal::code::bounded(name), ..TrustRootOrigin::default() };
    TrustRoot::from_json(json, origin)
}
