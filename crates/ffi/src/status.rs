//! The integers of the interface. None is 0, and none of them is an acceptance.

use crate::error::Problem;
use veriseal::{Failure, Verdict};

/// What a call came to.
///
/// No status is 0, so that neither `if (status)` nor `if (!status)` ever means success. ACCEPTED itself admits nothing:
/// only a non-NULL `veriseal_accepted *` or `veriseal_accepted_blob *` does, and only from it the pinned reference or
/// digest can be read. Treat a value that is not listed here as an error if it is negative, else as UNDECIDED.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum veriseal_status {
    /// The library met a state that should not exist (a panic, stopped at the boundary). Nothing was written but the
    /// error. The process goes on; report it as a defect.
    Internal = -3,
    /// An input cannot be used (a reference, a key, a policy, a file). The error says which and why.
    Refused = -2,
    /// The call itself is wrong: a NULL or foreign handle, a text that is no UTF-8, a wrong order of calls.
    Misuse = -1,
    /// The call did what it says. It decides nothing.
    Done = 1,
    /// Every configured check was made and held. The accepted handle is set.
    Accepted = 2,
    /// A requirement does not hold; asking again changes nothing. The accepted handle is NULL.
    Rejected = 3,
    /// It could not be found out (denied, unreachable, cancelled, too large); asking again may help. Keep the image out.
    /// The accepted handle is NULL.
    Undecided = 4,
}

/// What a report says, as its word `verdict` does.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_verdict {
    /// The requirement holds. A report admits nothing: it is the account, not the acceptance.
    Accepted = 1,
    /// It does not hold.
    Rejected = 2,
    /// It could not be found out.
    Undecided = 3,
}

impl From<Verdict> for veriseal_verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accepted => Self::Accepted,
            Verdict::Rejected => Self::Rejected,
            // Whatever else a later core may say is no acceptance.
            _ => Self::Undecided,
        }
    }
}

/// How a fetch ended: what a fetcher returns, and what is supplied to a session. Nothing is found by default: 0 and
/// every value that is not listed count as UNAVAILABLE.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_fetch_result {
    /// The content is in the sink.
    Found = 1,
    /// There is none: HTTP 404 and nothing else. A 401, 403 or 429 is not "none".
    NotFound = 2,
    /// HTTP 401 or 403.
    Denied = 3,
    /// HTTP 429; `veriseal_sink_set_retry_after` may say how long to wait.
    Throttled = 4,
    /// Everything else that is no answer: no connection, a timeout, HTTP 500.
    Unavailable = 5,
    /// There is more than `veriseal_request_max_bytes`.
    TooLarge = 6,
    /// The caller gave up.
    Cancelled = 7,
}

impl veriseal_fetch_result {
    /// By match and never by transmutation: C may pass any integer.
    pub(crate) const fn of(value: i32) -> Option<Self> {
        match value {
            1 => Some(Self::Found),
            2 => Some(Self::NotFound),
            3 => Some(Self::Denied),
            4 => Some(Self::Throttled),
            5 => Some(Self::Unavailable),
            6 => Some(Self::TooLarge),
            7 => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// Whether a transparency log entry is needed.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_tlog {
    /// The default: a trusted log must hold an entry that is bound to the signature.
    Required = 1,
    /// An entry that is there must verify, but none need be there. Weaker, and the report says so.
    IfPresent = 2,
    /// Nothing of an entry is read. Weaker, and the report says so.
    Ignored = 3,
}

/// Whether a keyless certificate must carry a signed certificate timestamp.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_sct {
    /// The default: one from a trusted log.
    Required = 1,
    /// It is not looked at. Weaker, and the report says so.
    Ignored = 2,
}

/// How several requirements make one policy.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_combine {
    /// One of them suffices.
    Any = 1,
    /// Each must hold.
    All = 2,
}

/// Whether a policy file wants its denials enforced. The verdict is the same in each mode.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_mode {
    /// Denied is denied.
    Enforce = 1,
    /// A denial may be let through with a warning.
    Warn = 2,
    /// A denial is only recorded.
    Audit = 3,
}

/// On what an acceptance rests.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_basis {
    /// The policy's requirement holds.
    Requirement = 1,
    /// An exception of the policy lets this digest in. Nothing but the digest was verified.
    Exception = 2,
}

/// What a request asks for, in the terms of the OCI distribution specification.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum veriseal_request_kind {
    /// `GET /v2/<name>/manifests/<tag>`.
    ManifestByTag = 1,
    /// `GET /v2/<name>/manifests/<digest>`.
    ManifestByDigest = 2,
    /// `GET /v2/<name>/referrers/<digest>`, or the further page that `veriseal_request_page` names.
    Referrers = 3,
    /// `GET /v2/<name>/blobs/<digest>`.
    Blob = 4,
    /// The only image of a layout; never asked for an image in a registry.
    OnlyImage = 5,
    /// Something that a later version asks for. Answer UNAVAILABLE.
    Other = 6,
}

/// What an integer from C stands for: by comparison and never by transmutation.
pub(crate) fn choose<T: Copy>(value: i32, choices: &[(i32, T)], name: &'static str) -> Result<T, Problem> {
    choices.iter().find(|(number, _)| *number == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(number, _)| number.to_string()).collect();
        let failure = Failure::new(veriseal::Code::ArgumentInvalid).expected(known.join(" or ")).found(value).at(name);
        Problem::misuse(failure)
    })
}
