//! [`Settings`]: what an authority's signatures must bring besides the signature itself.
//!
//! The names are those of policy files. Whatever is weaker than the default is named so and stands in the report.

use crate::code::{Code, Failure};
use crate::tlog::witness::Witness;
use std::sync::Arc;

/// Whether a transparency-log entry is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlogMode {
    /// At least [`Settings::logs`] distinct logs must hold a valid entry that is bound to this signature.
    #[default]
    Required,
    /// An entry that is there must verify, but none need be there. Weaker: whoever strips the entry hides that there was
    /// none.
    IfPresent,
    /// Nothing of an entry is read and no time comes from it. Weaker.
    Ignored,
}

/// Whether a signed certificate timestamp is needed (keyless only).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SctMode {
    /// The certificate must carry one from a trusted CT log.
    #[default]
    Required,
    /// It is not looked at. Weaker; meant for a certificate authority of one's own.
    Ignored,
}

/// Witness cosignatures that a checkpoint must carry (C2SP tlog-cosignature).
#[derive(Clone, Debug)]
pub struct Witnesses {
    /// How many distinct witnesses.
    pub at_least: usize,
    /// The witnesses whose cosignatures count.
    pub of: Arc<[Witness]>,
}

impl Witnesses {
    /// The distinct keys, sorted: one key under two names is one witness (K-PO-11).
    fn keys(&self) -> Vec<[u8; 32]> {
        let mut keys: Vec<_> = self.of.iter().map(|witness| *witness.key().id()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn canonical(&self) -> String {
        let names: Vec<_> = self.of.iter().map(Witness::name).collect();
        format!("atLeast {} {names:?} {:?}", self.at_least, self.keys())
    }
}

/// The settings of one authority.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Transparency log entry.
    pub tlog: TlogMode,
    /// Distinct logs that must hold a valid entry, where `tlog` is required.
    pub logs: usize,
    /// Signed certificate timestamp.
    pub sct: SctMode,
    /// Distinct timestamp authorities that must have stamped the signature.
    pub timestamps: usize,
    /// Witnesses under the log's checkpoint.
    pub witnesses: Option<Witnesses>,
    /// Allows `x509CertificateChain` in v0.3 bundles (a certificate authority of one's own). Weaker.
    pub allow_chain: bool,
    /// Allows `intoto` 0.0.1 log entries for attestations in cosign's `.att` layout, as older cosigns wrote them. They
    /// hold no signature; what binds them is the hash that the log took of the whole envelope. Weaker.
    pub allow_intoto_v1: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tlog: TlogMode::Required,
            logs: 1,
            sct: SctMode::Required,
            timestamps: 0,
            witnesses: None,
            allow_chain: false,
            allow_intoto_v1: false,
        }
    }
}

impl Settings {
    /// Notices for whatever is weaker than the default.
    #[must_use]
    pub fn weakened(&self, keyless: bool) -> Vec<Code> {
        let mut weakened = Vec::new();
        match self.tlog {
            TlogMode::Required => {}
            TlogMode::IfPresent => weakened.push(Code::LogIfPresent),
            TlogMode::Ignored => weakened.push(Code::LogIgnored),
        }
        if keyless && self.sct == SctMode::Ignored {
            weakened.push(Code::SctIgnored);
        }
        if self.allow_chain {
            weakened.push(Code::ChainOptIn);
        }
        // Where the log is ignored no entry is taken, of whatever kind.
        if self.allow_intoto_v1 && self.tlog != TlogMode::Ignored {
            weakened.push(Code::IntotoV1OptIn);
        }
        weakened
    }

    /// What tells two settings apart.
    pub(crate) fn canonical(&self) -> String {
        let Self { tlog, logs, sct, timestamps, witnesses, allow_chain, allow_intoto_v1 } = self;
        let witnesses = witnesses.as_ref().map(Witnesses::canonical);
        format!("{tlog:?} {logs} {sct:?} {timestamps} {witnesses:?} {allow_chain} {allow_intoto_v1}")
    }

    pub(crate) fn validate(&self) -> Result<(), Failure> {
        let invalid = |field: &str| Failure::new(Code::PolicyInvalid).at(field);
        if self.tlog == TlogMode::Required && self.logs == 0 {
            return Err(invalid("logs").expected("at least 1 where tlog is required").found(0));
        }
        if self.tlog == TlogMode::Ignored && self.witnesses.is_some() {
            return Err(invalid("witnesses")
                .expected("tlog: required, since witnesses sign a log's checkpoint")
                .found("tlog: ignored"));
        }
        if let Some(witnesses) = &self.witnesses {
            let keys = witnesses.keys();
            if witnesses.at_least == 0 || witnesses.at_least > keys.len() {
                return Err(invalid("witnesses.atLeast")
                    .expected(format_args!("1 to {} (the number of distinct keys)", keys.len()))
                    .found(witnesses.at_least));
            }
        }
        Ok(())
    }
}
