//! [`veriseal_policy`]: what must hold, built from requirements or read from a policy file.

use crate::error::{Problem, veriseal_error};
use crate::handle::{Opaque, borrow, free};
use crate::input::{bytes, some_text};
use crate::requirement::veriseal_requirement;
use crate::status::{choose, veriseal_mode, veriseal_status};
use ::veriseal_policy::{Format, Mode, PolicyFile};
use std::ffi::c_char;
use std::path::Path;
use std::sync::Arc;
use veriseal::{Policy, Requirement};

/// Most requirements of one policy that is built here.
const MAX_REQUIREMENTS: usize = 256;

/// What must hold. There is no empty policy.
///
/// Immutable and thread-safe. Freed with `veriseal_policy_free`; a verifier made from it keeps what it needs.
pub struct veriseal_policy {
    _opaque: [u8; 0],
}

#[derive(Clone)]
pub(crate) enum PolicyInner {
    /// One requirement for every image.
    Plain(Arc<Policy>),
    /// Rules by image, each with its own trust root.
    File(Arc<PolicyFile>),
}

impl Opaque for veriseal_policy {
    type Inner = PolicyInner;
    const TAG: u64 = 0x7665_7269_0000_0004;
}

/// A policy of `count` requirements, of which any or all must hold: a `veriseal_combine`. The requirements are copied and
/// stay the caller's.
///
/// DONE; MISUSE for no requirement at all, which would be nobody, or another value of `combine`; REFUSED with
/// POLICY_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_policy_new(
    requirements: *const *const veriseal_requirement,
    count: usize,
    combine: i32,
    out: *mut *mut veriseal_policy,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        let is_all = choose(combine, &[(1, false), (2, true)], "combine")?;
        if requirements.is_null() || !requirements.is_aligned() || count == 0 {
            return Err(Problem::argument("requirements", "at least one requirement", "none"));
        }
        if count > MAX_REQUIREMENTS {
            return Err(Problem::argument("count", "at most 256", "more"));
        }
        // SAFETY: not NULL, aligned, and `count` pointers by the header's words.
        let handles = unsafe { std::slice::from_raw_parts(requirements, count) };
        let mut of = Vec::with_capacity(count);
        for handle in handles {
            // SAFETY: NULL or a live handle, as the header asks.
            of.push(unsafe { borrow(*handle, "requirements") }?.requirement());
        }
        let requirement = match (is_all, of.len()) {
            (_, 1) => of.remove(0),
            (true, _) => Requirement::All(of),
            (false, _) => Requirement::Any(of),
        };
        out.put(PolicyInner::Plain(Arc::new(Policy::new(requirement)?)));
        Ok(veriseal_status::Done)
    })
}

/// A policy file from its bytes (docs/policy.md): JSON where `name` ends in `.json`, else YAML. It may name no other files;
/// keys stand in it as PEM. `name` is what errors and reports call it.
///
/// DONE, or REFUSED with POLICY_INVALID and line, column and hint in the message. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_policy_new_document(
    document: *const u8,
    document_len: usize,
    name: *const c_char,
    name_len: usize,
    out: *mut *mut veriseal_policy,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `document_len` and `name_len` readable bytes, as the header asks.
        let (document, name) = unsafe { (bytes(document, document_len, "document")?, some_text(name, name_len, "name")?) };
        let mut read = |_: &str| Err("a policy from memory names no files".to_owned());
        let file = PolicyFile::parse(document, Format::of_name(name), name, &mut read)?;
        out.put(PolicyInner::File(Arc::new(file)));
        Ok(veriseal_status::Done)
    })
}

/// A policy file from disk, with the keys and trust roots that it names beside it; all are read once, now. `path` is UTF-8.
///
/// DONE, or REFUSED with POLICY_INVALID and line, column and hint in the message. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_policy_new_file(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut veriseal_policy,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        let path = unsafe { some_text(path, path_len, "path") }?;
        out.put(PolicyInner::File(Arc::new(PolicyFile::load(Path::new(path))?)));
        Ok(veriseal_status::Done)
    })
}

/// Whether the policy wants its denials enforced: a `veriseal_mode`, always VERISEAL_MODE_ENFORCE for one that is no file, and
/// for NULL. In the other modes verdicts are the same; that a denial may be let through is for the caller to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_policy_mode(policy: *const veriseal_policy) -> veriseal_mode {
    value_boundary!(veriseal_mode::Enforce, {
        // SAFETY: NULL or a live handle, as the header asks.
        match unsafe { borrow(policy, "policy") } {
            Ok(PolicyInner::File(file)) => match file.mode() {
                Mode::Warn => veriseal_mode::Warn,
                Mode::Audit => veriseal_mode::Audit,
                _ => veriseal_mode::Enforce,
            },
            _ => veriseal_mode::Enforce,
        }
    })
}

/// Frees a policy. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_policy_free(policy: *mut veriseal_policy) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(policy) }
    })
}
