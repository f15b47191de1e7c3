//! [`veriseal_accepted`]: the one thing that means success for an image.

use crate::error::Problem;
use crate::handle::{Opaque, Out, borrow, free};
use crate::input::veriseal_str;
use crate::report::{Outcome, ReportInner, veriseal_report};
use crate::status::{veriseal_basis, veriseal_status};
use std::sync::Arc;
use veriseal::{Accepted, Basis, NotAccepted};

/// An image that was accepted: every configured check was made and held. Only the library makes one, and only calls that
/// judge give one out; there is no other way to a pinned reference.
///
/// Immutable and thread-safe. Freed with `veriseal_accepted_free`.
pub struct veriseal_accepted {
    _opaque: [u8; 0],
}

pub(crate) struct AcceptedInner {
    accepted: Arc<Accepted>,
    pinned: String,
    digest: String,
    resolved: String,
    /// Name and pinned reference.
    platforms: Vec<(String, String)>,
}

impl Opaque for veriseal_accepted {
    type Inner = AcceptedInner;
    const TAG: u64 = 0x7665_7269_0000_0006;
}

/// Writes what judging an image came to.
pub(crate) fn settle(
    outcome: Result<Accepted, NotAccepted>,
    accepted: &Out<veriseal_accepted>,
    report: &Out<veriseal_report>,
) -> Result<veriseal_status, Problem> {
    let (status, found, account) = settled(outcome)?;
    report.put(account);
    if let Some(found) = found {
        accepted.put(found);
    }
    Ok(status)
}

/// What judging an image came to.
pub(crate) fn settled(
    outcome: Result<Accepted, NotAccepted>,
) -> Result<(veriseal_status, Option<AcceptedInner>, ReportInner), Problem> {
    let found = match outcome {
        Ok(found) => found,
        Err(not_accepted) => {
            return Ok((status_of(&not_accepted), None, ReportInner::new(Outcome::Not(not_accepted))));
        }
    };
    let pinned = found.pinned();
    let digest = pinned.digest().ok_or_else(|| Problem::internal("an acceptance without a digest"))?.to_string();
    let pinned = pinned.to_string();
    let resolved = found.resolved().to_string();
    let named = found.platforms().iter();
    let platforms = named.map(|of| (of.platform().map(ToString::to_string).unwrap_or_default(), of.pinned().to_string()));
    let platforms = platforms.collect();
    let found = Arc::new(found);
    let report = ReportInner::new(Outcome::Image(Arc::clone(&found)));
    let accepted = AcceptedInner { accepted: found, pinned, digest, resolved, platforms };
    Ok((veriseal_status::Accepted, Some(accepted), report))
}

pub(crate) const fn status_of(not_accepted: &NotAccepted) -> veriseal_status {
    match not_accepted {
        NotAccepted::Rejected(_) => veriseal_status::Rejected,
        NotAccepted::Undecided(_) => veriseal_status::Undecided,
    }
}

/// The reference to deploy: repository and digest that were verified, never the tag that was asked for. Where one platform
/// was asked for, that of its manifest. Empty for NULL and
/// for anything that is no accepted handle. Lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_pinned(accepted: *const veriseal_accepted) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(accepted, "accepted") }.map_or(veriseal_str::EMPTY, |inner| inner.pinned.as_str().into())
    })
}

/// The digest that was verified, such as `sha256:…`. Empty for NULL. Lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_digest(accepted: *const veriseal_accepted) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(accepted, "accepted") }.map_or(veriseal_str::EMPTY, |inner| inner.digest.as_str().into())
    })
}

/// Repository and digest of what the reference named: that of the index where one platform was asked for, else the same as
/// `veriseal_accepted_pinned`. For asking again about the same thing, not for deployment. Empty for NULL. Lives as long as the
/// handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_resolved(accepted: *const veriseal_accepted) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(accepted, "accepted") }.map_or(veriseal_str::EMPTY, |inner| inner.resolved.as_str().into())
    })
}

/// How many platforms were asked for and accepted; 0 where none were asked for, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_platform_count(accepted: *const veriseal_accepted) -> usize {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(accepted, "accepted") }.map_or(0, |inner| inner.platforms.len())
    })
}

/// Which platform the one at `index` is, such as `linux/amd64`, as the image's index says; empty where it does not say, and
/// beyond the last. Lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_platform_name(accepted: *const veriseal_accepted, index: usize) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        let platform = unsafe { borrow(accepted, "accepted") }.ok().and_then(|inner| inner.platforms.get(index));
        platform.map_or(veriseal_str::EMPTY, |(name, _)| name.as_str().into())
    })
}

/// The pinned reference of the platform at `index`; empty beyond the last. Lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_platform_pinned(accepted: *const veriseal_accepted, index: usize) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        let platform = unsafe { borrow(accepted, "accepted") }.ok().and_then(|inner| inner.platforms.get(index));
        platform.map_or(veriseal_str::EMPTY, |(_, pinned)| pinned.as_str().into())
    })
}

/// On what the acceptance rests: VERISEAL_BASIS_EXCEPTION where a policy file let this digest in without a signature, and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_basis(accepted: *const veriseal_accepted) -> veriseal_basis {
    value_boundary!(veriseal_basis::Exception, {
        // SAFETY: NULL or a live handle, as the header asks.
        match unsafe { borrow(accepted, "accepted") }.map(|inner| inner.accepted.basis()) {
            Ok(Basis::Requirement) => veriseal_basis::Requirement,
            _ => veriseal_basis::Exception,
        }
    })
}

/// How many signatures satisfied a requirement of the policy; 0 for an exception and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_signature_count(accepted: *const veriseal_accepted) -> usize {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(accepted, "accepted") }.map_or(0, |inner| inner.accepted.signatures().len())
    })
}

/// Frees an accepted handle. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_accepted_free(accepted: *mut veriseal_accepted) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(accepted) }
    })
}
