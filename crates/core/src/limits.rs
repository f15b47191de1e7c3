//! Every bound on outside data, and the [`Budget`] that holding one candidate against one authority spends.
//!
//! Holds numbers only; the module that reads the data enforces them. A candidate over a bound is marked so and
//! skipped: it neither counts nor blocks the good one beside it.

use crate::code::{Code, Failure};

/// Most log entries the parser reads from one bundle, whatever [`Limits`] says.
pub const MAX_LOG_ENTRIES: usize = 32;
/// Most timestamps the parser reads from one bundle, whatever [`Limits`] says.
pub const MAX_TIMESTAMPS: usize = 32;
/// Most certificates the parser reads from one chain, whatever [`Limits`] says.
pub const MAX_CHAIN: usize = 16;
/// A Merkle path for a tree of 2^64 leaves has at most 64 hashes (RFC 6962 §2.1.1).
pub const MAX_PROOF_HASHES: usize = 64;

/// Most bytes that all candidates of one image may state together, whatever [`Limits`] says: what a session holds in
/// memory.
pub const MAX_GATHERED_BYTES: u64 = 256 * 1024 * 1024;

/// The bounds of one verify call. Lower any of them freely; raising one is a decision of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one Sigstore bundle (typical 6–30 kB).
    pub bundle_bytes: u64,
    /// Bytes of one manifest or index (notation and most registries allow 4 MiB).
    pub manifest_bytes: u64,
    /// Bytes of one simple-signing payload.
    pub payload_bytes: u64,
    /// Bytes of one attestation (DSSE envelope).
    pub attestation_bytes: u64,
    /// Bytes of one annotation that is read (certificate, chain, log bundle, timestamp).
    pub annotation_bytes: usize,
    /// Candidates fetched in one layout.
    pub candidates_fetched: usize,
    /// Candidates verified in one layout.
    pub candidates_verified: usize,
    /// Requests of one verify call over all layouts.
    pub requests: usize,
    /// Log entries counted in one candidate.
    pub log_entries: usize,
    /// Timestamps counted in one candidate.
    pub timestamps: usize,
    /// Bytes of one checkpoint.
    pub checkpoint_bytes: usize,
    /// Signature lines of one checkpoint; C2SP signed-note asks for at least 16.
    pub checkpoint_signatures: usize,
    /// Bytes of one DER certificate.
    pub certificate_bytes: usize,
    /// Certificates in one path, leaf and anchor included.
    pub path_length: usize,
    /// Intermediates offered to path building.
    pub intermediates: usize,
    /// Signature checks of one candidate held against one authority. Together with the number of candidates and of the
    /// policy's authorities this bounds the call; shared by all of them, it would let a hostile candidate use up what the
    /// good one needs.
    pub signature_checks: u32,
    /// Steps of path building of one candidate held against one authority.
    pub path_steps: u32,
    /// Subjects of one in-toto statement.
    pub statement_subjects: usize,
    /// Entries of one image index.
    pub index_entries: usize,
    /// Pages of one referrers list.
    pub referrer_pages: usize,
    /// JSON nesting.
    pub json_depth: usize,
    /// Checks of refusals that one report tells, each refusal counted as one more: a policy of hundreds of authorities and an
    /// image of a hundred candidates make many. What is accepted is always told.
    pub report_checks: usize,
}

impl Limits {
    /// The defaults, chosen so that every honest artifact seen in the wild fits several times over.
    pub const DEFAULT: Self = Self {
        bundle_bytes: 1024 * 1024,
        manifest_bytes: 4 * 1024 * 1024,
        payload_bytes: 1024 * 1024,
        attestation_bytes: 16 * 1024 * 1024,
        annotation_bytes: 256 * 1024,
        candidates_fetched: 100,
        candidates_verified: 32,
        requests: 256,
        log_entries: 8,
        timestamps: 8,
        checkpoint_bytes: 64 * 1024,
        checkpoint_signatures: 64,
        certificate_bytes: 64 * 1024,
        path_length: 6,
        intermediates: 10,
        signature_checks: 128,
        path_steps: 1000,
        statement_subjects: 1024,
        index_entries: 1000,
        referrer_pages: 10,
        json_depth: 64,
        report_checks: 16_384,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What one candidate, held against one authority, may still spend. Loops over outside data take from it.
#[derive(Debug)]
pub struct Budget {
    signature_checks: u32,
    path_steps: u32,
}

impl Budget {
    /// A full budget under `limits`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { signature_checks: limits.signature_checks, path_steps: limits.path_steps }
    }

    /// Takes one signature check.
    ///
    /// # Errors
    /// [`Code::BudgetExhausted`] when none is left.
    pub fn spend_signature(&mut self) -> Result<(), Failure> {
        self.signature_checks = self
            .signature_checks
            .checked_sub(1)
            .ok_or_else(|| Failure::new(Code::BudgetExhausted).found("more signature checks than one candidate may take"))?;
        Ok(())
    }

    /// Takes one step of path building.
    ///
    /// # Errors
    /// [`Code::BudgetExhausted`] when none is left.
    pub fn spend_path_step(&mut self) -> Result<(), Failure> {
        self.path_steps = self
            .path_steps
            .checked_sub(1)
            .ok_or_else(|| Failure::new(Code::BudgetExhausted).found("more path steps than one candidate may take"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_answers_budget_exhausted() {
        let limits = Limits { signature_checks: 1, path_steps: 1, ..Limits::DEFAULT };
        let mut budget = Budget::new(&limits);
        assert!(budget.spend_signature().is_ok());
        assert_eq!(budget.spend_signature().unwrap_err().code(), Code::BudgetExhausted);
        assert!(budget.spend_path_step().is_ok());
        assert_eq!(budget.spend_path_step().unwrap_err().code(), Code::BudgetExhausted);
    }
}
