//! [`veriseal_error`]: why a call could not be made.

use crate::handle::{Opaque, borrow, free};
use crate::input::veriseal_str;
use crate::status::veriseal_status;
use veriseal::{Code, Failure};

/// Why a call could not be made: a stable code and a sentence.
///
/// Immutable and thread-safe. Made by calls that answer a negative status, where the caller gave a place for it; freed
/// with `veriseal_error_free`. A verdict is no error: REJECTED and UNDECIDED come with a report instead.
pub struct veriseal_error {
    _opaque: [u8; 0],
}

pub(crate) struct ErrorInner {
    failure: Failure,
    message: String,
}

impl Opaque for veriseal_error {
    type Inner = ErrorInner;
    const TAG: u64 = 0x7665_7269_0000_0001;
}

impl ErrorInner {
    pub(crate) fn new(failure: Failure, message: Option<String>) -> Self {
        let message = message.unwrap_or_else(|| failure.to_string());
        Self { failure, message }
    }
}

/// What ends a call with a negative status.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: veriseal_status,
    pub(crate) failure: Failure,
    pub(crate) message: Option<String>,
}

impl Problem {
    /// The call itself is wrong.
    pub(crate) fn misuse(failure: Failure) -> Self {
        Self { status: veriseal_status::Misuse, failure, message: None }
    }

    /// An argument is wrong.
    pub(crate) fn argument(name: &str, expected: &str, found: &str) -> Self {
        Self::misuse(Failure::new(Code::ArgumentInvalid).expected(expected).found(found).at(name))
    }

    pub(crate) fn internal(found: &str) -> Self {
        Self { status: veriseal_status::Internal, failure: Failure::new(Code::Internal).found(found), message: None }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self { status: veriseal_status::Refused, failure, message: None }
    }
}

impl From<::veriseal_policy::LoadError> for Problem {
    fn from(error: ::veriseal_policy::LoadError) -> Self {
        // With line, column and hint, which the failure alone does not have.
        Self { status: veriseal_status::Refused, failure: error.failure().clone(), message: Some(error.to_string()) }
    }
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_error_free(error: *mut veriseal_error) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(error) }
    })
}

/// The stable number of the error's code; 0 for NULL. docs/codes.md lists all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_error_code(error: *const veriseal_error) -> u16 {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(error, "error") }.map_or(0, |inner| inner.failure.code().number())
    })
}

/// The stable name of the error's code, such as `REFERENCE_INVALID`; empty for NULL. Static: never freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_error_code_name(error: *const veriseal_error) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(error, "error") }.map_or(veriseal_str::EMPTY, |inner| inner.failure.code().name().into())
    })
}

/// What is wrong, in one line fit for a log: code, meaning, what was expected and found, where. Outside text in it is
/// escaped and bounded. Empty for NULL. Lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_error_message(error: *const veriseal_error) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(error, "error") }.map_or(veriseal_str::EMPTY, |inner| inner.message.as_str().into())
    })
}
