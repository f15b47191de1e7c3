//! Whether a trusted log holds an entry (Rekor v1 promise and proof, Rekor v2 proof): [`ValidLogEntry`].
//!
//! Takes a [`BoundEntry`], so that nothing of an entry about something else is ever read. Times come only from a verified
//! promise of Rekor v1.

use super::entry_binding::{self, Binding, BoundEntry};
use super::trace::{Detail, Outcome, Rule, Trace};
use crate::code::{Code, Failure};
use crate::crypto::{verify_message, verify_prehash};
use crate::digest::Hasher;
use crate::format::log_entry::{set_message, set_parts};
use crate::format::signed::{InclusionProof, LogEntry};
use crate::limits::{Budget, Limits};
use crate::policy::{AuthenticatedTime, Witnesses};
use crate::time::{Present, UnixTime};
use crate::tlog::checkpoint::{LogVerifier, SignedCheckpoint};
use crate::tlog::merkle;
use crate::trust::{TransparencyLog, TrustRoot};

/// Proof that a trusted log holds an entry about the signature.
#[derive(Debug)]
pub(super) struct ValidLogEntry<'t> {
    log: &'t TransparencyLog,
    /// Other logs of the trust root that hold it as well: a key that stands there several times, with a window each.
    twins: Vec<&'t TransparencyLog>,
    index: u64,
    promised_at: Option<UnixTime>,
    stated_at: Option<UnixTime>,
    witnesses: Vec<[u8; 32]>,
}

impl<'t> ValidLogEntry<'t> {
    fn assertion(
        log: &'t TransparencyLog,
        twins: Vec<&'t TransparencyLog>,
        entry: &LogEntry,
        promised_at: Option<UnixTime>,
        witnesses: Vec<[u8; 32]>,
    ) -> Self {
        let stated_at = entry.integrated_time.map(UnixTime::from_seconds);
        Self { log, twins, index: shown_index(entry), promised_at, stated_at, witnesses }
    }

    /// Makes it the entry of the log whose window holds all these times, and the present where that is asked for.
    pub(super) fn within_window(&mut self, times: &[AuthenticatedTime], present: Option<&Present>) -> Result<(), Failure> {
        let outside = |log: &TransparencyLog| {
            let outside = times.iter().map(AuthenticatedTime::at).find(|at| !log.validity().contains(*at));
            outside.or_else(|| present.filter(|present| !present.is_within(log.validity())).map(Present::exactly))
        };
        let Some(at) = outside(self.log) else { return Ok(()) };
        let twin = self.twins.iter().copied().find(|twin| outside(twin).is_none());
        self.log = twin.ok_or_else(|| outside_window(self.log, at))?;
        Ok(())
    }

    pub(super) fn log(&self) -> &'t TransparencyLog {
        self.log
    }

    /// Index in the log, or in the tree where only the proof vouches for one.
    pub(super) fn index(&self) -> u64 {
        self.index
    }

    /// The time that the log's promise authenticates.
    pub(super) fn promised_at(&self) -> Option<UnixTime> {
        self.promised_at
    }

    /// The time that the entry merely states. Good for refusing, never for trusting.
    pub(super) fn stated_at(&self) -> Option<UnixTime> {
        self.stated_at
    }

    /// Keys of the distinct trusted witnesses under its checkpoint.
    pub(super) fn witnesses(&self) -> &[[u8; 32]] {
        &self.witnesses
    }
}

/// What came of one entry that was not refused outright.
pub(super) enum Entry<'t> {
    Valid(ValidLogEntry<'t>),
    /// It does not count, but does not speak against the signature either.
    NotCounted(Failure),
}

/// What entries are held against.
#[derive(Clone, Copy)]
pub(super) struct Context<'t> {
    pub(super) trust: &'t TrustRoot,
    pub(super) witnesses: Option<&'t Witnesses>,
    pub(super) limits: &'t Limits,
}

/// Verifies one entry. An error refuses the candidate.
pub(super) fn verify<'t>(
    entry: &LogEntry,
    binding: Binding<'_>,
    context: Context<'t>,
    budget: &mut Budget,
    trace: &mut Trace,
) -> Result<Entry<'t>, Failure> {
    // One id may stand several times, as a key does that has several windows: each is tried.
    let mut named = context.trust.logs.iter().filter(|log| *log.log_id == *entry.log_id).peekable();
    if named.peek().is_none() {
        return Ok(Entry::NotCounted(
            Failure::new(Code::LogUnknown).found(format_args!("log id {}", crate::encoding::hex::encode(&entry.log_id))),
        ));
    }
    let bound = trace.rung(Rule::EntryBinding, entry_binding::bind(entry, binding), |_| Detail::None)?;
    match (&entry.promise, &entry.proof) {
        (None, None) => {
            return Err(Failure::new(Code::InclusionProofMissing)
                .expected("an inclusion proof or a signed entry timestamp")
                .found("neither"));
        }
        (Some(_), _) if bound.is_rekor_v2() => return Ok(Entry::NotCounted(Code::SetUnexpected.into())),
        _ => {}
    }
    if bound.is_rekor_v2() && entry.integrated_time.is_some() {
        return Err(Failure::new(Code::LogEntryMalformed)
            .expected("no integrated time in a Rekor v2 entry")
            .at("integratedTime"));
    }
    let mut valid: Option<(&TransparencyLog, Held)> = None;
    let mut twins = Vec::new();
    let mut closest: Option<NotHeld> = None;
    for log in named {
        match held_by(&bound, log, context, budget) {
            Ok(_) if valid.is_some() => twins.push(log),
            Ok(held) => valid = Some((log, held)),
            Err(not_held) if not_held.failure().code() == Code::BudgetExhausted => return Err(not_held.into_failure()),
            Err(not_held) if closest.as_ref().is_none_or(|known| known.rung() < not_held.rung()) => closest = Some(not_held),
            Err(_) => {}
        }
    }
    let included = |trace: &mut Trace| {
        if let Some(proof) = &entry.proof {
            trace.passed(Rule::Inclusion, Detail::Entry { index: proof.log_index, at: None });
        }
    };
    match (valid, closest) {
        (Some((log, held)), _) => {
            included(trace);
            if let Some(at) = held.promised_at {
                trace.passed(Rule::Promise, Detail::Entry { index: entry.log_index, at: Some(at) });
            }
            Ok(Entry::Valid(ValidLogEntry::assertion(log, twins, entry, held.promised_at, held.witnesses)))
        }
        (None, Some(NotHeld::Promise(failure))) => {
            included(trace);
            Ok(Entry::NotCounted(failure))
        }
        (None, Some(NotHeld::Inclusion(failure))) => {
            trace.push(Rule::Inclusion, Outcome::Failed(failure.clone()));
            Err(failure)
        }
        (None, None) => Err(Failure::new(Code::Internal).found("a log that was not tried")),
    }
}

/// What one log vouches for.
struct Held {
    promised_at: Option<UnixTime>,
    witnesses: Vec<[u8; 32]>,
}

/// Why one log does not vouch for an entry.
pub(super) enum NotHeld {
    /// The proof does not hold, which speaks against the candidate.
    Inclusion(Failure),
    /// The promise does not hold, which only does not speak for it.
    Promise(Failure),
}

impl NotHeld {
    fn failure(&self) -> &Failure {
        match self {
            Self::Inclusion(failure) | Self::Promise(failure) => failure,
        }
    }

    fn into_failure(self) -> Failure {
        match self {
            Self::Inclusion(failure) | Self::Promise(failure) => failure,
        }
    }

    /// How far up it got: of several logs of one id the reason of the furthest is told.
    pub(super) fn rung(&self) -> u8 {
        match self {
            Self::Inclusion(_) => 0,
            Self::Promise(failure) if failure.code() == Code::LogKeyOutsideWindow => 2,
            Self::Promise(_) => 1,
        }
    }
}

fn held_by(bound: &BoundEntry<'_>, log: &TransparencyLog, context: Context<'_>, budget: &mut Budget) -> Result<Held, NotHeld> {
    let entry = bound.entry();
    let witnesses = match &entry.proof {
        Some(proof) => included(bound, proof, log, context, budget).map_err(NotHeld::Inclusion)?,
        None => Vec::new(),
    };
    let promise = entry.promise.as_ref().map(|promise| promised(bound, promise, log, budget));
    Ok(Held { promised_at: promise.transpose().map_err(NotHeld::Promise)?, witnesses })
}

/// The index that something vouches for: the promise the one in the log as a whole, the proof the one in its tree.
fn shown_index(entry: &LogEntry) -> u64 {
    match (&entry.promise, &entry.proof) {
        (None, Some(proof)) => proof.log_index,
        _ => entry.log_index,
    }
}

/// Rekor v1's promise: a signature over body, time, log and index (spec: Rekor `SignedEntryTimestamp`).
fn promised(bound: &BoundEntry<'_>, promise: &[u8], log: &TransparencyLog, budget: &mut Budget) -> Result<UnixTime, Failure> {
    let entry = bound.entry();
    let time = entry
        .integrated_time
        .ok_or_else(|| Failure::new(Code::SetInvalid).expected("an integrated time beside the promise").found("none"))?;
    budget.spend_signature()?;
    let verified = match log.scheme.hash() {
        Some(hash) => {
            let mut hasher = Hasher::new(hash);
            set_parts(&entry.body, time, &entry.log_id, entry.log_index, |part| hasher.update(part));
            verify_prehash(&log.key, log.scheme, hasher.finish().as_bytes(), promise)
        }
        None => {
            let message = set_message(&entry.body, time, &entry.log_id, entry.log_index);
            verify_message(&log.key, log.scheme, &message, promise)
        }
    };
    verified.map_err(|_| Failure::new(Code::SetInvalid).at(format_args!("log {}", log.name())))?;
    let at = UnixTime::from_seconds(time);
    if log.validity.contains(at) { Ok(at) } else { Err(outside_window(log, at)) }
}

fn outside_window(log: &TransparencyLog, at: UnixTime) -> Failure {
    Failure::new(Code::LogKeyOutsideWindow).expected(log.validity).found(at).at(format_args!("log {}", log.name()))
}

/// The inclusion proof under the log's checkpoint (RFC 6962 §2.1.1, C2SP tlog-checkpoint). Returns the keys of the
/// witnesses that cosigned.
fn included(
    bound: &BoundEntry<'_>,
    proof: &InclusionProof,
    log: &TransparencyLog,
    context: Context<'_>,
    budget: &mut Budget,
) -> Result<Vec<[u8; 32]>, Failure> {
    let signed = SignedCheckpoint::parse(&proof.checkpoint, context.limits)?;
    let origin = signed.checkpoint.origin;
    if is_v1_origin(origin) == bound.is_rekor_v2() {
        // A v2 body under a v1 checkpoint (or the reverse) would escape the rules of both.
        return Err(Failure::new(Code::CheckpointMismatch)
            .expected(if bound.is_rekor_v2() { "a Rekor v2 origin (a host)" } else { "a Rekor v1 origin (host - tree id)" })
            .found(origin)
            .at("checkpoint origin"));
    }
    let checkpoint = signed.verify(&log_verifier(log, bound.is_rekor_v2())?, budget)?;
    let entry = bound.entry();
    let stated_root = <[u8; 32]>::try_from(&*proof.root_hash);
    if bound.is_rekor_v2() {
        // The log has one tree: a second index beside the entry's own must agree with it.
        if proof.log_index != entry.log_index {
            return Err(Failure::new(Code::InclusionProofInvalid)
                .expected(entry.log_index)
                .found(proof.log_index)
                .at("inclusionProof.logIndex"));
        }
        // Root and size beside the checkpoint are hints; where they are given they must agree.
        let root = if proof.root_hash.is_empty() { *checkpoint.root() } else { stated_root.map_err(|_| root_length(proof))? };
        let size = if proof.tree_size == 0 { checkpoint.size() } else { proof.tree_size };
        checkpoint.require(size, &root)?;
    } else {
        checkpoint.require(proof.tree_size, &stated_root.map_err(|_| root_length(proof))?)?;
    }
    checkpoint.verify_inclusion(proof.log_index, &merkle::leaf_hash(&entry.body), &proof.hashes)?;
    match context.witnesses {
        None => Ok(Vec::new()),
        Some(witnesses) => {
            let cosignatures = checkpoint.cosignatures(&witnesses.of, budget)?;
            Ok(cosignatures.iter().map(|cosignature| *cosignature.witness().key().id()).collect())
        }
    }
}

fn root_length(proof: &InclusionProof) -> Failure {
    Failure::new(Code::CheckpointMismatch)
        .expected("a root hash of 32 bytes")
        .found(proof.root_hash.len())
        .at("inclusionProof.rootHash")
}

fn log_verifier(log: &TransparencyLog, rekor_v2: bool) -> Result<LogVerifier<'_>, Failure> {
    let unusable = |found: &dyn std::fmt::Display| {
        Failure::new(Code::CheckpointSignatureInvalid)
            .expected("a key that signs checkpoints of this kind")
            .found(found)
            .at(format_args!("log {}", log.name()))
    };
    if !rekor_v2 {
        return LogVerifier::rekor_v1(&log.log_id, &log.key).map_err(|failure| unusable(&failure));
    }
    let key_id = log.checkpoint_key_id.or_else(|| log.log_id.first_chunk::<4>().copied());
    let key_id = key_id.ok_or_else(|| unusable(&"a log id shorter than 4 bytes"))?;
    let origin = log.origin().ok_or_else(|| unusable(&"a base URL without a host"))?;
    Ok(LogVerifier::rekor_v2(origin, key_id, &log.key))
}

/// Rekor v1's origins end in the tree's id: `rekor.sigstore.dev - 2605736670972794746`.
pub(super) fn is_v1_origin(origin: &str) -> bool {
    origin.rsplit_once(" - ").is_some_and(|(_, id)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}
