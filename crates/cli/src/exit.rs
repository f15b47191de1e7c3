//! [`Exit`]: what the process answers with, and which answer stands for several.

use std::process::ExitCode;
use veriseal::code::{Class, Code};
use veriseal::{Report, Verdict};

/// The exit status, in order of precedence: of several references the highest is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: the requirement holds.
    Accepted,
    /// 3: it could not be found out.
    Undecided,
    /// 1: it does not hold.
    Rejected,
    /// 2: what the user gave cannot be used.
    Usage,
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Rejected => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
        }
    }

    /// The answer to a report. A mistake of the caller that showed only while gathering, such as plain HTTP that was not
    /// allowed, is a mistake of usage.
    #[must_use]
    pub fn of_report(report: &Report) -> Self {
        match report.verdict() {
            Verdict::Accepted => Self::Accepted,
            _ if report.code().class() == Class::Usage => Self::Usage,
            Verdict::Rejected => Self::Rejected,
            _ => Self::Undecided,
        }
    }

    /// The answer to a failure before there is a report. What is not the caller's mistake could not be found out.
    #[must_use]
    pub fn of_code(code: Code) -> Self {
        match code.class() {
            Class::Usage => Self::Usage,
            Class::Rejected => Self::Rejected,
            _ => Self::Undecided,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_comes_before_rejected_before_undecided_before_accepted() {
        let order = [Exit::Usage, Exit::Rejected, Exit::Undecided, Exit::Accepted];
        assert!(order.is_sorted_by(|a, b| a > b));
        assert_eq!(order.map(Exit::number), [2, 1, 3, 0]);
    }

    #[test]
    fn no_failure_is_ever_answered_with_zero() {
        for code in Code::ALL {
            assert_ne!(Exit::of_code(*code), Exit::Accepted, "{code}");
        }
        assert_eq!(Exit::of_code(Code::KeyInvalid), Exit::Usage);
        assert_eq!(Exit::of_code(Code::Unavailable), Exit::Undecided);
        assert_eq!(Exit::of_code(Code::EvidenceForOtherImage), Exit::Rejected);
    }
}
