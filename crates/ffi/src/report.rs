//! [`veriseal_report`]: the account of every check.

use crate::handle::{Opaque, borrow, free};
use crate::input::veriseal_str;
use crate::status::veriseal_verdict;
use std::sync::{Arc, OnceLock};
use veriseal::report::Style;
use veriseal::{Accepted, AcceptedBlob, NotAccepted, Report};

/// The account of every check, whatever the verdict. It admits nothing: only an accepted handle does.
///
/// Immutable and thread-safe. Made by calls that judge, where the caller gave a place for it; freed with
/// `veriseal_report_free`.
pub struct veriseal_report {
    _opaque: [u8; 0],
}

pub(crate) struct ReportInner {
    outcome: Outcome,
    json: OnceLock<String>,
    text: OnceLock<String>,
}

/// Whoever owns the report, so that it is not copied.
pub(crate) enum Outcome {
    Image(Arc<Accepted>),
    Blob(Arc<AcceptedBlob>),
    Not(NotAccepted),
}

impl ReportInner {
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self { outcome, json: OnceLock::new(), text: OnceLock::new() }
    }

    fn report(&self) -> &Report {
        match &self.outcome {
            Outcome::Image(accepted) => accepted.report(),
            Outcome::Blob(accepted) => accepted.report(),
            Outcome::Not(not_accepted) => not_accepted.report(),
        }
    }
}

impl Opaque for veriseal_report {
    type Inner = ReportInner;
    const TAG: u64 = 0x7665_7269_0000_0005;
}

/// The verdict of a report; VERISEAL_VERDICT_UNDECIDED for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_report_verdict(report: *const veriseal_report) -> veriseal_verdict {
    value_boundary!(veriseal_verdict::Undecided, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(report, "report") }.map_or(veriseal_verdict::Undecided, |inner| inner.report().verdict().into())
    })
}

/// The number of the code that says most about the verdict; 0 for NULL. `veriseal_code_name` names it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_report_code(report: *const veriseal_report) -> u16 {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(report, "report") }.map_or(0, |inner| inner.report().code().number())
    })
}

/// The name of the code that says most about the verdict; empty for NULL. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_report_code_name(report: *const veriseal_report) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(report, "report") }.map_or(veriseal_str::EMPTY, |inner| inner.report().code().name().into())
    })
}

/// The report as one line of JSON (docs/report.schema.json), the same bytes as from every other language. Empty for NULL.
/// Made at the first call; lives as long as the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_report_json(report: *const veriseal_report) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(report, "report") }
            .map_or(veriseal_str::EMPTY, |inner| inner.json.get_or_init(|| inner.report().to_json()).as_str().into())
    })
}

/// The report as a tree in plain text for a person, ending in a newline; outside text in it is escaped. Empty for NULL.
/// Made at the first call; lives as long as the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_report_text(report: *const veriseal_report) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(report, "report") }
            .map_or(veriseal_str::EMPTY, |inner| inner.text.get_or_init(|| inner.report().to_text(Style::Plain)).as_str().into())
    })
}

/// Frees a report. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_report_free(report: *mut veriseal_report) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(report) }
    })
}
