//! Whether an attestation says what is asked for and is not too old. Reads the predicate only from a [`BoundSubject`],
//! which comes from a signature that verifies, and its age only from authenticated times.

use super::subject_binding::{BoundSubject, Said};
use super::time::KnownTimes;
use super::trace::{Detail, Rule, Trace};
use crate::code::{Code, Failure};
use crate::policy::{AuthenticatedTime, Clauses, Ending, SignatureRequirement};
use crate::time::{Present, UnixTime};

/// The earliest authenticated time: later ones can be added to an old signature by anybody, and say nothing about its age.
///
/// # Errors
/// [`Code::NoAuthenticatedTime`] where the requirement needs one and there is none.
pub(super) fn earliest(times: &KnownTimes, leaf: &SignatureRequirement) -> Result<Option<UnixTime>, Failure> {
    let earliest = times.times().iter().map(AuthenticatedTime::at).min();
    if leaf.needs_time() && earliest.is_none() {
        return Err(Failure::new(Code::NoAuthenticatedTime).expected("a log entry or a timestamp that says when it was attested"));
    }
    Ok(earliest)
}

/// Holds the predicate and the age against the requirement; all of it must hold of this one attestation. Notes what it evaluated, and
/// tells when the attestation grows too old.
pub(super) fn verify(
    subject: &BoundSubject,
    leaf: &SignatureRequirement,
    earliest: Option<UnixTime>,
    present: &Present,
    evaluated: &mut Clauses,
    trace: &mut Trace,
) -> Result<Option<Ending>, Failure> {
    for clause in leaf.predicate() {
        let held = match subject.said() {
            Said::Statement(statement) => clause.evaluate(&statement.predicate),
            Said::Signed { .. } => Err(Failure::new(Code::PredicateMismatch).expected("a statement").found("a signature")),
        };
        trace.rung(Rule::Predicate, held, |()| Detail::Text(clause.pointer().to_owned()))?;
        evaluated.insert(clause.clause());
    }
    let mut ending = None;
    if let Some(seconds) = leaf.oldest() {
        let held = earliest.ok_or_else(|| Code::NoAuthenticatedTime.into()).and_then(|at| {
            let last = at.saturating_add_seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
            if !present.is_after(last) {
                return Ok(Ending { last, why: ended(at, last) });
            }
            Err(Failure::new(Code::AttestationTooOld)
                .expected(format_args!("attested at most {seconds} seconds before {}", present.exactly()))
                .found(at)
                .at("maxAge"))
        });
        ending = Some(trace.rung(Rule::MaxAge, held, |ending| Detail::Until(ending.last))?);
        evaluated.insert("maxAge");
    }
    Ok(ending)
}

fn ended(at: UnixTime, last: UnixTime) -> Failure {
    Failure::new(Code::AttestationTooOld)
        .expected(format_args!("until {last}"))
        .found(format_args!("attested at {at}"))
        .at("maxAge")
}
