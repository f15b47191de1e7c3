//! [`veriseal_requirement`]: one signer, and what the signature must bring.

use crate::error::{Problem, veriseal_error};
use crate::handle::{Opaque, Out, borrow_mut, free};
use crate::input::{self, bytes, some_text, text};
use crate::status::{choose, veriseal_status};
use std::ffi::c_char;
use veriseal::{
    Authority, Claim, Code, Identity, KeyAuthority, KeylessAuthority, Pattern, PublicKey, Requirement, SctMode, Settings,
    SignatureRequirement, StringMatch, TlogMode, UnixTime, Validity,
};

/// Largest key file that is read, in bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// One signer (a key, or an identity with its issuer) and what the signature must bring. There is none without a signer.
///
/// Made and changed by one thread, then given to `veriseal_policy_new`, which copies it. Freed with
/// `veriseal_requirement_free`.
pub struct veriseal_requirement {
    _opaque: [u8; 0],
}

pub(crate) struct RequirementInner {
    authority: Authority,
    settings: Settings,
    claim: Claim,
}

impl RequirementInner {
    pub(crate) fn requirement(&self) -> Requirement {
        let leaf = SignatureRequirement::new(self.authority.clone());
        Requirement::signature(leaf.settings(self.settings.clone()).claim(self.claim.clone()))
    }
}

impl Opaque for veriseal_requirement {
    type Inner = RequirementInner;
    const TAG: u64 = 0x7665_7269_0000_0003;
}

/// A signature by a public key: one PEM block `PUBLIC KEY`, whose bytes are copied. `name` is what reports call it, such as
/// the name of its file; it may be empty.
///
/// DONE, or REFUSED with KEY_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_new_key(
    pem: *const u8,
    pem_len: usize,
    name: *const c_char,
    name_len: usize,
    out: *mut *mut veriseal_requirement,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `pem_len` and `name_len` readable bytes, as the header asks.
        let (pem, name) = unsafe { (bytes(pem, pem_len, "pem")?, text(name, name_len, "name")?) };
        key(pem, name, &out)
    })
}

/// A signature by the public key in a PEM file, which is read once, now. `path` is UTF-8.
///
/// DONE, or REFUSED with KEY_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_new_key_file(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut veriseal_requirement,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `path_len` readable bytes, as the header asks.
        let path = unsafe { some_text(path, path_len, "path") }?;
        key(&input::file(path, MAX_KEY_BYTES, Code::KeyInvalid)?, path, &out)
    })
}

/// A keyless signature by exactly this identity (the certificate's subject alternative name) under exactly this issuer.
/// Neither may be empty: an identity means nothing without the issuer that vouches for it.
///
/// DONE, or REFUSED with POLICY_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_new_keyless(
    identity: *const c_char,
    identity_len: usize,
    issuer: *const c_char,
    issuer_len: usize,
    out: *mut *mut veriseal_requirement,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `identity_len` readable bytes, as the header asks.
        let identity = unsafe { some_text(identity, identity_len, "identity") }?;
        // SAFETY: `issuer_len` readable bytes, as the header asks.
        let issuer = unsafe { some_text(issuer, issuer_len, "issuer") }?;
        keyless(StringMatch::Exact(identity.to_owned()), StringMatch::Exact(issuer.to_owned()), &out)
    })
}

/// A keyless signature by an identity and an issuer that match these patterns: regular expressions in linear time that
/// match the whole text.
///
/// DONE, or REFUSED with PATTERN_INVALID or POLICY_INVALID. `*out` is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_new_keyless_pattern(
    identity: *const c_char,
    identity_len: usize,
    issuer: *const c_char,
    issuer_len: usize,
    out: *mut *mut veriseal_requirement,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [out], {
        out.required("out")?;
        // SAFETY: `identity_len` readable bytes, as the header asks.
        let identity = Pattern::new(unsafe { some_text(identity, identity_len, "identity") }?)?;
        // SAFETY: `issuer_len` readable bytes, as the header asks.
        let issuer = Pattern::new(unsafe { some_text(issuer, issuer_len, "issuer") }?)?;
        keyless(StringMatch::Pattern(identity), StringMatch::Pattern(issuer), &out)
    })
}

/// Sets whether a transparency log entry is needed: a `veriseal_tlog`. Required by default.
///
/// DONE, or MISUSE for another value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_set_tlog(
    requirement: *mut veriseal_requirement,
    tlog: i32,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        const CHOICES: &[(i32, TlogMode)] = &[(1, TlogMode::Required), (2, TlogMode::IfPresent), (3, TlogMode::Ignored)];
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(requirement, "requirement") }?;
        inner.settings.tlog = choose(tlog, CHOICES, "tlog")?;
        Ok(veriseal_status::Done)
    })
}

/// Sets whether a keyless certificate must carry a signed certificate timestamp: a `veriseal_sct`. Required by default.
///
/// DONE, or MISUSE for another value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_set_sct(
    requirement: *mut veriseal_requirement,
    sct: i32,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        const CHOICES: &[(i32, SctMode)] = &[(1, SctMode::Required), (2, SctMode::Ignored)];
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(requirement, "requirement") }?;
        inner.settings.sct = choose(sct, CHOICES, "sct")?;
        Ok(veriseal_status::Done)
    })
}

/// Sets how many distinct trusted timestamp authorities must have stamped the signature. 0 by default.
///
/// DONE. A number that cannot be reached never accepts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_set_timestamps(
    requirement: *mut veriseal_requirement,
    at_least: u32,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(requirement, "requirement") }?;
        inner.settings.timestamps = usize::try_from(at_least).unwrap_or(usize::MAX);
        Ok(veriseal_status::Done)
    })
}

/// Limits when a key may have signed, in seconds since 1970-01-01T00:00:00Z, both inclusive. Not for keyless.
///
/// DONE, or MISUSE for a keyless requirement and for an end before the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_set_key_validity(
    requirement: *mut veriseal_requirement,
    not_before: i64,
    not_after: i64,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(requirement, "requirement") }?;
        let Authority::Key(key) = &inner.authority else {
            return Err(Problem::argument("requirement", "one with a key", "a keyless one"));
        };
        if not_after < not_before {
            return Err(Problem::argument("not_after", "a time after not_before", "an earlier one"));
        }
        let validity = Validity::between(UnixTime::from_seconds(not_before), UnixTime::from_seconds(not_after));
        inner.authority = Authority::Key(key.clone().valid_within(validity));
        Ok(veriseal_status::Done)
    })
}

/// Asks for an attestation with this predicate type (such as `https://slsa.dev/provenance/v1`) instead of a signature. Its
/// predicate is not looked into. An empty type means any statement that the signer made about the artifact: weaker, and the
/// report says so.
///
/// DONE, or MISUSE for a text that is no UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_set_attestation(
    requirement: *mut veriseal_requirement,
    predicate_type: *const c_char,
    predicate_type_len: usize,
    error: *mut *mut veriseal_error,
) -> veriseal_status {
    boundary!(error, [], {
        // SAFETY: a handle that only this thread uses, as the header asks.
        let inner = unsafe { borrow_mut(requirement, "requirement") }?;
        // SAFETY: `predicate_type_len` readable bytes, as the header asks.
        inner.claim = match unsafe { text(predicate_type, predicate_type_len, "predicate_type") }? {
            "" => Claim::AnyStatement,
            predicate_type => Claim::Attestation { predicate_type: predicate_type.to_owned() },
        };
        Ok(veriseal_status::Done)
    })
}

/// Frees a requirement. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_requirement_free(requirement: *mut veriseal_requirement) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(requirement) }
    })
}

fn key(pem: &[u8], name: &str, out: &Out<veriseal_requirement>) -> Result<veriseal_status, Problem> {
    let key = KeyAuthority::new(PublicKey::from_pem(pem)?, name);
    Ok(put(Authority::Key(key), out))
}

fn keyless(identity: StringMatch, issuer: StringMatch, out: &Out<veriseal_requirement>) -> Result<veriseal_status, Problem> {
    let keyless = KeylessAuthority::new(vec![Identity::new(identity, issuer)?])?;
    Ok(put(Authority::Keyless(keyless), out))
}

fn put(authority: Authority, out: &Out<veriseal_requirement>) -> veriseal_status {
    out.put(RequirementInner { authority, settings: Settings::default(), claim: Claim::Signed });
    veriseal_status::Done
}
