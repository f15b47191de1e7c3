//! The ladder over one candidate and one authority: every rung in order, all of which must hold.

use super::artifact::Artifact;
use super::attestation;
use super::entry_binding::{Binding, Verifier};
use super::log_entry::{self, Context, Entry, ValidLogEntry};
use super::path::{self, ValidPath};
use super::signature::{self, ValidSignature};
use super::subject_binding::{self, BoundSubject, Said};
use super::time::{self, KnownTimes};
use super::timestamp::{self, ValidTimestamp};
use super::trace::{Check, Detail, Outcome, Rule, Trace};
use super::{identity, sct};
use crate::code::{Code, Failure};
use crate::crypto::PreparedKey;
use crate::format::signed::{Material, Signed};
use crate::limits::{Budget, Limits};
use crate::policy::{
    AuthenticatedTime, Authority, Clauses, Ending, KeyAuthority, KeylessAuthority, LogFact, SctMode, Settings,
    SignatureRequirement, Signer, SigningAlgorithm, TlogMode, VerifiedSignature, most_distinct,
};
use crate::time::{Present, UnixTime};
use crate::trust::TrustRoot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rules that stand for a configured clause of their own.
const CLAUSES: [Rule; 9] = [
    Rule::Signature,
    Rule::Subject,
    Rule::Claim,
    Rule::Tlog,
    Rule::Timestamps,
    Rule::Witnesses,
    Rule::KeyWindow,
    Rule::Certificate,
    Rule::Sct,
];

/// What a candidate is held against, the same for all of them.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'t> {
    pub(crate) trust: &'t TrustRoot,
    pub(crate) limits: &'t Limits,
    pub(crate) present: &'t Present,
}

/// What came of one candidate held against one authority.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) checks: Vec<Check>,
    /// Shared, since every decision over it takes the facts anew.
    pub(crate) result: Result<Arc<VerifiedSignature>, Failure>,
    /// The signer, once shown, also where a later rung failed: so that a person sees who it was.
    pub(crate) signer: Option<Arc<Signer>>,
    /// Set where it verifies as an attestation of the type that is asked for, whatever it says: with its earliest
    /// authenticated time. One that does not say what is asked for counts against a leaf about the newest or about all.
    pub(crate) attests: Option<Option<UnixTime>>,
}

/// Holds a candidate against one leaf of the policy. `prepared` is the leaf's key made ready, where it trusts a key.
pub(crate) fn evaluate(
    signed: &Signed,
    leaf: &SignatureRequirement,
    prepared: Option<&PreparedKey>,
    artifact: &Artifact<'_>,
    bench: Bench<'_>,
    budget: &mut Budget,
) -> Evaluation {
    let mut ladder = Ladder {
        signed,
        artifact,
        leaf,
        settings: leaf.configured(),
        bench,
        budget,
        trace: Trace::default(),
        signer: None,
        attests: None,
    };
    let result = match leaf.authority() {
        // Another leaf of the policy allowed it, or it would not have been read.
        _ if signed.needs_chain_opt_in && !leaf.configured().allow_chain => Err(Code::BundleChainForbidden.into()),
        Authority::Key(key) => ladder.key(key, prepared),
        Authority::Keyless(keyless) => ladder.keyless(keyless),
    };
    Evaluation {
        result: result.map(Arc::new),
        signer: ladder.signer,
        attests: ladder.attests,
        checks: ladder.trace.into_checks(),
    }
}

/// How many independent ones there are, each given by who runs it and by its key: one key under two names is one, and so
/// are two keys of one name (K-TL-09, K-PO-11). The most of whom no two share name or key.
fn distinct<N: Ord, K: Ord>(mut of: impl Iterator<Item = (N, K)>) -> usize {
    let Some(first) = of.next() else { return 0 };
    // One is independent of no other, and mostly there is one.
    let Some(second) = of.next() else { return 1 };
    let mut keys_of: BTreeMap<N, BTreeSet<K>> = BTreeMap::new();
    for (name, key) in [first, second].into_iter().chain(of) {
        keys_of.entry(name).or_default().insert(key);
    }
    most_distinct(&keys_of.values().collect::<Vec<_>>())
}

struct Ladder<'a, 'b> {
    signed: &'a Signed,
    artifact: &'a Artifact<'a>,
    leaf: &'a SignatureRequirement,
    settings: &'a Settings,
    bench: Bench<'a>,
    budget: &'b mut Budget,
    trace: Trace,
    signer: Option<Arc<Signer>>,
    attests: Option<Option<UnixTime>>,
}

impl<'a> Ladder<'a, '_> {
    fn key(&mut self, authority: &'a KeyAuthority, prepared: Option<&PreparedKey>) -> Result<VerifiedSignature, Failure> {
        let Some(key) = prepared else { return Err(Code::KeyInvalid.into()) };
        if let Material::Certificate { .. } = self.signed.material {
            // Falling back to the key would skip the certificate's whole trust path (K-CR-08).
            return Err(Failure::new(Code::SignerKindMismatch)
                .expected(format_args!("a signature by key {}", authority.name()))
                .found("a certificate"));
        }
        let signature = self.signature(key, authority.algorithm())?;
        self.signer = Some(Arc::new(Signer::Key { id: *authority.key().id(), name: authority.name().to_owned() }));
        let entries = self.entries(Verifier::Key(key))?;
        let stamps = self.timestamps()?;
        let (times, entries) = self.times(entries, &stamps)?;
        let ending = self.key_window(authority, &times, &entries)?;
        let subject = self.subject(&signature)?;
        self.verified(times, &entries, subject, None, Clauses::new(), ending)
    }

    fn keyless(&mut self, authority: &'a KeylessAuthority) -> Result<VerifiedSignature, Failure> {
        let Material::Certificate { leaf, .. } = &self.signed.material else {
            return Err(Failure::new(Code::SignerKindMismatch).expected("a certificate").found("a signature by a bare key"));
        };
        let key = leaf.prepared_key()?;
        let entries = self.entries(Verifier::Certificate(leaf.der(), key))?;
        let stamps = self.timestamps()?;
        let (times, entries) = self.times(entries, &stamps)?;
        let path = path::verify(leaf, &times, &entries, self.bench, self.budget);
        let path = self.trace.rung(Rule::Certificate, path, |path| Detail::Name(Arc::clone(path.authority())))?;
        self.signer = Some(Arc::new(path.signer()));
        self.sct(&path)?;
        let signature = self.signature(key, None)?;
        let subject = self.subject(&signature)?;
        let matched = identity::verify(&path, authority, &mut self.trace)?;
        self.verified(times, &entries, subject, Some(matched.index), matched.evaluated, None)
    }

    fn signature(&mut self, key: &PreparedKey, said: Option<SigningAlgorithm>) -> Result<ValidSignature<'a>, Failure> {
        let result = signature::verify(self.signed, key, said, self.artifact, self.budget);
        self.trace.rung(Rule::Signature, result, |_| Detail::None)
    }

    fn entries(&mut self, verifier: Verifier<'_>) -> Result<Vec<ValidLogEntry<'a>>, Failure> {
        if self.settings.tlog == TlogMode::Ignored {
            // Nothing of an entry is read, so that no time and no word of it can reach the verdict (K-TL-05).
            return Ok(Vec::new());
        }
        let (signed, artifact, allow_intoto_v1) = (self.signed, self.artifact, self.settings.allow_intoto_v1);
        let binding = Binding { signed, verifier, artifact, allow_intoto_v1 };
        let context = Context { trust: self.bench.trust, witnesses: self.settings.witnesses.as_ref(), limits: self.bench.limits };
        let claimed = self.signed.entries.as_ref().map_err(Clone::clone)?;
        let mut valid = Vec::with_capacity(claimed.len());
        for entry in claimed.iter() {
            match log_entry::verify(entry, binding, context, self.budget, &mut self.trace)? {
                Entry::Valid(entry) => valid.push(entry),
                // Tolerating a bad entry would make `if-present` mean nothing.
                Entry::NotCounted(failure) if self.settings.tlog == TlogMode::IfPresent => return Err(failure),
                Entry::NotCounted(failure) => self.trace.not_counted(Rule::Tlog, failure),
            }
        }
        Ok(valid)
    }

    fn timestamps(&mut self) -> Result<Vec<ValidTimestamp<'a>>, Failure> {
        let mut valid = Vec::with_capacity(self.signed.timestamps.len());
        for stamp in &self.signed.timestamps {
            let response = stamp.as_deref().map_err(Clone::clone);
            let verified =
                response.and_then(|response| timestamp::verify(response, self.signed.stamped(), self.bench, self.budget));
            match verified {
                Ok(stamp) => {
                    self.trace.passed(Rule::Timestamp, Detail::At(stamp.at()));
                    valid.push(stamp);
                }
                Err(failure) if failure.code() == Code::BudgetExhausted => return Err(failure),
                // It may be of an authority that is not known here: reported, not counted, not trusted.
                Err(failure) => self.trace.not_counted(Rule::Timestamp, failure),
            }
        }
        let found = distinct(valid.iter().map(|stamp| (stamp.identity(), stamp.key())));
        let needed = self.settings.timestamps;
        let enough = if found >= needed {
            Ok(())
        } else {
            Err(self.first_not_counted(Rule::Timestamp, Code::TimestampThreshold, found, needed))
        };
        self.trace.rung(Rule::Timestamps, enough, |()| Detail::Count { found, needed })?;
        Ok(valid)
    }

    /// The times, and the entries whose log was valid at all of them; then whether enough logs are left.
    fn times(
        &mut self,
        mut entries: Vec<ValidLogEntry<'a>>,
        stamps: &[ValidTimestamp<'_>],
    ) -> Result<(KnownTimes, Vec<ValidLogEntry<'a>>), Failure> {
        let times = time::known(&entries, stamps, self.bench.present);
        let needed = usize::from(self.leaf_is_keyless());
        let times = self.trace.rung(Rule::Time, times, |times| Detail::Count { found: times.times().len(), needed })?;
        // An identity needs a time, and is told below that there is none.
        let otherwise = (!self.leaf_is_keyless()).then_some(self.bench.present);
        let mut refused = None;
        entries.retain_mut(|entry| match time::within_log_window(entry, &times, otherwise) {
            Ok(()) => true,
            Err(failure) if self.settings.tlog == TlogMode::IfPresent => {
                refused.get_or_insert(failure);
                false
            }
            Err(failure) => {
                self.trace.not_counted(Rule::Tlog, failure);
                false
            }
        });
        if let Some(failure) = refused {
            return Err(failure);
        }
        self.tlog(&entries)?;
        self.witnesses(&entries)?;
        if times.times().is_empty() && self.leaf_is_keyless() {
            return Err(self.first_not_counted(Rule::Timestamp, Code::NoAuthenticatedTime, 0, 1));
        }
        Ok((times, entries))
    }

    fn tlog(&mut self, counted: &[ValidLogEntry<'_>]) -> Result<(), Failure> {
        let found = distinct(counted.iter().map(|entry| (entry.log().identity(), entry.log().key.key().id())));
        match self.settings.tlog {
            TlogMode::Ignored => self.trace.ignored(Rule::Tlog, Code::LogIgnored),
            TlogMode::IfPresent => self.trace.passed(Rule::Tlog, Detail::Count { found, needed: 0 }),
            TlogMode::Required => {
                let needed = self.settings.logs;
                let enough = match (found >= needed, self.signed.entries.as_ref().map_or(0, |entries| entries.len())) {
                    (true, _) => Ok(()),
                    (false, 0) => Err(Code::LogEntryMissing.into()),
                    (false, _) => Err(self.first_not_counted(Rule::Tlog, Code::LogThreshold, found, needed)),
                };
                self.trace.rung(Rule::Tlog, enough, |()| Detail::Count { found, needed })?;
            }
        }
        Ok(())
    }

    fn witnesses(&mut self, counted: &[ValidLogEntry<'_>]) -> Result<(), Failure> {
        let Some(wanted) = &self.settings.witnesses else { return Ok(()) };
        let distinct: BTreeSet<_> = counted.iter().flat_map(ValidLogEntry::witnesses).collect();
        let (found, needed) = (distinct.len(), wanted.at_least);
        let enough = if found >= needed {
            Ok(())
        } else {
            Err(Failure::new(Code::WitnessThreshold).expected(format_args!("{needed} distinct witnesses")).found(found))
        };
        self.trace.rung(Rule::Witnesses, enough, |()| Detail::Count { found, needed })
    }

    /// Where nothing counted, the reason of the first piece that did not says more than the threshold.
    fn first_not_counted(&self, rule: Rule, threshold: Code, found: usize, needed: usize) -> Failure {
        let reason = self.trace.not_counted_reasons(rule).next().filter(|_| found == 0);
        reason.cloned().unwrap_or_else(|| Failure::new(threshold).expected(needed).found(found))
    }

    fn key_window(
        &mut self,
        authority: &KeyAuthority,
        times: &KnownTimes,
        entries: &[ValidLogEntry<'_>],
    ) -> Result<Option<Ending>, Failure> {
        let known = times.times().iter().map(AuthenticatedTime::at);
        // Only where the present is held against the window can the window end what it let in.
        let end = authority.validity().end.filter(|_| times.times().is_empty());
        // Without an authenticated time the present is the only time that is not the signer's own word (K-X-02).
        let past = times.times().is_empty() && !self.bench.present.is_within(authority.validity());
        let present = past.then(|| self.bench.present.exactly());
        // A time that an entry only states is no ground for trust, but one that contradicts the window is one for refusing.
        let stated = entries.iter().filter_map(ValidLogEntry::stated_at);
        let outside = known.chain(present).chain(stated).find(|at| !authority.validity().contains(*at));
        let held =
            outside.map_or(Ok(()), |at| Err(Failure::new(Code::KeyOutsideWindow).expected(authority.validity()).found(at)));
        self.trace.rung(Rule::KeyWindow, held, |()| Detail::Window(*authority.validity()))?;
        let why = || {
            Failure::new(Code::KeyOutsideWindow)
                .expected(authority.validity())
                .found("no authenticated time")
                .at(format_args!("key {}", authority.name()))
        };
        Ok(end.map(|last| Ending { last, why: why() }))
    }

    fn sct(&mut self, path: &ValidPath) -> Result<(), Failure> {
        match self.settings.sct {
            SctMode::Ignored => {
                self.trace.ignored(Rule::Sct, Code::SctIgnored);
                Ok(())
            }
            SctMode::Required => {
                let result = sct::verify(path, self.bench, self.budget);
                self.trace.rung(Rule::Sct, result, |sct| Detail::Name(Arc::clone(&sct.log().base_url))).map(drop)
            }
        }
    }

    fn subject(&mut self, signature: &ValidSignature<'_>) -> Result<BoundSubject, Failure> {
        let bound = subject_binding::bind(signature, self.artifact, self.bench.limits);
        // The subject comes first: of another artifact nothing that it says is of interest here.
        let subject = self.trace.rung(Rule::Subject, bound, |subject| Detail::Digest(*subject.digest()))?;
        let claim = subject_binding::claim(&subject, self.leaf.claimed());
        self.trace.rung(Rule::Claim, claim, |()| Detail::None)?;
        Ok(subject)
    }

    fn verified(
        &mut self,
        times: KnownTimes,
        entries: &[ValidLogEntry<'_>],
        subject: BoundSubject,
        identity: Option<usize>,
        mut evaluated: Clauses,
        ending: Option<Ending>,
    ) -> Result<VerifiedSignature, Failure> {
        let attested = self.attestation(&times, &subject, &mut evaluated)?;
        let ending = ending.into_iter().chain(attested).min_by_key(|ending| ending.last);
        let signer =
            self.signer.clone().ok_or_else(|| Failure::new(Code::Internal).found("a verified signature without a signer"))?;
        evaluated.extend(CLAUSES.iter().filter(|rule| self.trace.holds(**rule)).map(|rule| rule.name()));
        let logs =
            entries.iter().map(|entry| LogFact::assertion(entry.log().name(), entry.index(), entry.witnesses().len())).collect();
        let digest = *subject.digest();
        let (statement, docker_reference) = match subject.into_said() {
            Said::Signed { docker_reference } => (None, docker_reference),
            Said::Statement(statement) => (Some(statement), None),
        };
        Ok(VerifiedSignature {
            signer,
            digest,
            times: times.into_times(),
            logs,
            statement,
            docker_reference,
            identity,
            evaluated,
            ending,
        })
    }

    /// Comes last, so that what fails here is known to be an attestation by this authority, only one that says something
    /// else.
    fn attestation(
        &mut self,
        times: &KnownTimes,
        subject: &BoundSubject,
        evaluated: &mut Clauses,
    ) -> Result<Option<Ending>, Failure> {
        let earliest = attestation::earliest(times, self.leaf);
        if let Err(failure) = &earliest {
            self.trace.push(Rule::Time, Outcome::Failed(failure.clone()));
        }
        let earliest = earliest?;
        self.attests = Some(earliest);
        attestation::verify(subject, self.leaf, earliest, self.bench.present, evaluated, &mut self.trace)
    }

    fn leaf_is_keyless(&self) -> bool {
        self.leaf.authority().is_keyless()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K-TL-09, K-PO-11: counting names and keys apart would find three here, but B and C are one key, and A is one name.
    #[test]
    fn no_two_that_share_name_or_key_count_as_two() {
        let count = |of: &[(&str, u8)]| distinct(of.iter().copied());
        assert_eq!(count(&[("A", 1), ("A", 2), ("A", 3), ("B", 3), ("C", 3)]), 2);
        assert_eq!(count(&[("A", 1), ("A", 2)]), 1);
        assert_eq!(count(&[("A", 1), ("B", 1)]), 1);
        assert_eq!(count(&[("A", 1), ("A", 2), ("B", 1)]), 2);
        assert_eq!(count(&[("A", 1), ("B", 2), ("C", 3)]), 3);
        assert_eq!(count(&[]), 0);
    }
}
