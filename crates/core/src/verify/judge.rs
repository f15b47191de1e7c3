//! Judging: every candidate against every authority, the policy over what held, and the account of it all. Pure.

use super::examined::Examined;
use super::outcome::NotAccepted;
use super::verifier::Verifier;
use super::{allowance, candidate};
use crate::check::Artifact;
use crate::check::candidate::{Bench, evaluate};
use crate::code::{Class, Code, Failure};
use crate::format::{Format, Signed};
use crate::gather::{Evidence, EvidenceOrigin, Layout};
use crate::limits::Budget;
use crate::oci::{Reference, Repository};
use crate::policy::{
    Authority, Basis, Claim, Decision, LeafFacts, NodeOutcome, Requirement, Selection, VerifiedSignature, decide, horizon,
    unanchored_notices,
};
use crate::report::{
    CandidateReport, EvaluationReport, EvidenceReport, Headline, Report, ReportParts, SubjectReport, TagReport, TrustReport,
    Verdict,
};
use crate::time::UnixTime;
use crate::trust::TrustRoot;
use std::collections::{BTreeMap, BTreeSet};

/// A trust root older than this is worth a notice: keys and logs change about once a year.
const OLD_TRUST_ROOT_SECONDS: i64 = 180 * 86_400;

/// What judging came to.
pub(super) enum Judgement {
    Accepted { basis: Basis, signatures: Vec<VerifiedSignature>, report: Box<Report> },
    NotAccepted(NotAccepted),
}

/// All candidates, held against all leaves.
pub(super) struct Examination<'v> {
    verifier: &'v Verifier,
    now: UnixTime,
    facts: Vec<LeafFacts>,
    examined: Vec<Examined>,
    /// How many checks of refusals the report may still tell: policies have many leaves and images many candidates.
    checks_left: usize,
    /// Why there could be attestations that nobody looked at.
    unseen: Option<Failure>,
}

impl<'v> Examination<'v> {
    pub(super) fn new(verifier: &'v Verifier, now: UnixTime) -> Self {
        let leaves = verifier.policy.leaves().len();
        Self {
            verifier,
            now,
            facts: vec![LeafFacts::none(); leaves],
            examined: Vec::new(),
            checks_left: verifier.limits.report_checks,
            unseen: None,
        }
    }

    /// Notes that there could be attestations which nobody looked at: then nothing is known about the newest, or about all.
    pub(super) fn unseen(&mut self, why: Failure) {
        self.unseen.get_or_insert(why);
    }

    /// Holds one candidate against every leaf.
    pub(super) fn examine(
        &mut self,
        layout: &'static str,
        digest: Option<String>,
        parsed: Result<Signed, Failure>,
        artifact: &Artifact<'_>,
    ) {
        let number = self.examined.len().saturating_add(1);
        let mut examined = Examined::new(layout, digest);
        match parsed {
            Err(failure) => examined.reason = Some(failure),
            Ok(signed) => {
                examined.format = Some(signed.format);
                let (limits, now) = (&self.verifier.limits, self.now);
                let leaves = self.verifier.policy.leaves().into_iter().zip(self.verifier.keys.iter());
                for (index, ((leaf, key), facts)) in leaves.zip(&mut self.facts).enumerate() {
                    let bench = Bench { trust: leaf.trust_root().unwrap_or(&self.verifier.trust), limits, now };
                    // A budget of its own, so that neither candidates before this one nor other leaves decide what
                    // becomes of it.
                    let mut budget = Budget::new(limits);
                    let evaluation = evaluate(&signed, leaf, key.as_ref(), artifact, bench, &mut budget);
                    match (&evaluation.result, evaluation.attests) {
                        (Ok(verified), _) => facts.held.push((number, verified.clone())),
                        (Err(_), Some(at)) => facts.against.push((number, at)),
                        (Err(_), None) => {}
                    }
                    examined.take(index, evaluation, &mut self.checks_left);
                }
            }
        }
        self.examined.push(examined);
    }

    /// Whether bundles may carry chains for some leaf; each leaf looks again for itself.
    pub(super) fn allows_chain(&self) -> bool {
        self.verifier.policy.leaves().iter().any(|leaf| leaf.configured().allow_chain)
    }

    /// Decides over everything that was examined.
    pub(super) fn decide(&mut self) -> Decision {
        for (index, (leaf, facts)) in self.verifier.policy.leaves().into_iter().zip(&mut self.facts).enumerate() {
            // What is not known of one candidate is not known of the newest of them either.
            let open = self.examined.iter().any(|examined| examined.undecided(index).is_some());
            facts.complete = leaf.selection() == Selection::Any || (self.unseen.is_none() && !open);
        }
        decide(&self.verifier.policy, &self.facts)
    }

    /// The signatures that satisfy some leaf, each once.
    pub(super) fn signatures(&self, decision: &Decision) -> Vec<VerifiedSignature> {
        let mut numbered: BTreeMap<usize, &VerifiedSignature> = BTreeMap::new();
        for (outcome, facts) in decision.root.leaves(&self.verifier.policy).into_iter().zip(&self.facts) {
            for (number, verified) in facts.held.iter().filter(|(number, _)| outcome.by.contains(number)) {
                numbered.entry(*number).or_insert(verified);
            }
        }
        numbered.into_values().cloned().collect()
    }

    /// When an acceptance ends by itself.
    pub(super) fn horizon(&self, decision: &Decision) -> Option<(UnixTime, Failure)> {
        if decision.accepted() { horizon(&self.verifier.policy, &self.facts) } else { None }
    }

    /// Why nothing was accepted, as far as the candidates tell: something that could not be found out, else the
    /// most telling of what was found.
    pub(super) fn why_not(&self, decision: &Decision) -> Failure {
        if let Some(clause) = &decision.unevaluated {
            return Failure::new(Code::ClauseNotEvaluated).found(clause);
        }
        if let Some(unknown) = self.unknown(decision) {
            return unknown;
        }
        let reasons = || self.examined.iter().filter_map(|examined| examined.reason.as_ref());
        if self.examined.is_empty() {
            return Code::NoSignature.into();
        }
        if some_leaf_holds(&decision.root) {
            return Failure::new(Code::PolicyNotMet).expected(&decision.root.asks);
        }
        if let Some(superseded) = first_reason(&decision.root) {
            return superseded.clone();
        }
        // The classic: the image was altered or re-tagged after it was signed.
        if let Some(other) = reasons().find(|failure| failure.code() == Code::SignedOtherDigest) {
            return other.clone();
        }
        Failure::new(Code::NoMatchingSignature).expected(asks(self.verifier.policy.requirement())).found(
            match self.examined.len() {
                1 => "1 signature that does not count".to_owned(),
                count => format!("{count} signatures that do not count"),
            },
        )
    }

    /// What could not be found out, where it would have mattered: where the requirement may hold if it had turned out
    /// well. Where it cannot hold either way, it is known not to.
    pub(super) fn unknown(&self, decision: &Decision) -> Option<Failure> {
        let leaves = self.verifier.policy.leaves();
        let outcomes = decision.root.leaves(&self.verifier.policy);
        let unknown = |index: usize| {
            let unseen = self.unseen.as_ref().filter(|_| {
                // Only where there is something that an unseen one could take away.
                let by_order = leaves.get(index).is_some_and(|leaf| leaf.selection() != Selection::Any);
                by_order && outcomes.get(index).is_some_and(|outcome| outcome.reason.is_some())
            });
            most_telling(self.examined.iter().filter_map(|examined| examined.undecided(index)).chain(unseen))
        };
        let unknown: Vec<_> = (0..self.facts.len()).map(unknown).collect();
        let open = may_hold(self.verifier.policy.requirement(), &decision.root, &mut unknown.iter());
        most_telling(unknown.iter().flatten().filter(|_| open))
    }

    /// Why the one candidate there is was refused.
    pub(super) fn single_reason(&self) -> Option<Failure> {
        match self.examined.as_slice() {
            [only] => only.reason.clone().filter(|failure| failure.code().class() == Class::Rejected),
            _ => None,
        }
    }

    /// The account of it all.
    pub(super) fn report(
        self,
        headline: Headline,
        decision: &Decision,
        subject: SubjectReport,
        evidence: Option<EvidenceReport>,
        extra: Extra,
    ) -> Box<Report> {
        let leaves = self.verifier.policy.leaves();
        let mut notices = extra.notices;
        notices.extend(trust_notices(self.verifier, self.now));
        let mut left_out: usize = 0;
        let by_order = leaves.iter().filter_map(|leaf| Some((leaf, leaf.selection().name()?)));
        notices.extend(
            by_order.map(|(leaf, name)| Failure::new(Code::RegistryCouldWithhold).found(name).at(leaf.authority().describe())),
        );
        for examined in &self.examined {
            for (leaf, evaluation) in examined.told(&leaves) {
                if let (Authority::Keyless(keyless), Some(signer)) = (leaf.authority(), &evaluation.signer) {
                    notices.extend(keyless.identities().iter().flat_map(|identity| unanchored_notices(identity, signer)));
                }
            }
            left_out = left_out.saturating_add(examined.left_out);
        }
        dedup(&mut notices);
        if left_out > 0 {
            let most = self.verifier.limits.report_checks;
            let expected = format!("at most {most} checks of refusals");
            notices
                .push(Failure::new(Code::ReportTruncated).expected(expected).found(format_args!("{left_out} refusals left out")));
        }
        let candidates = self.examined.iter().enumerate().map(|(index, examined)| {
            let evaluations = examined.told(&leaves).map(|(leaf, evaluation)| {
                EvaluationReport::new(
                    leaf.authority().describe(),
                    leaf.trust_root().map(|trust| trust_report(trust)),
                    evaluation.signer.as_ref(),
                    &evaluation.checks,
                    evaluation.result.as_ref(),
                )
            });
            CandidateReport {
                number: index.saturating_add(1),
                layout: examined.layout,
                digest: examined.digest.clone(),
                format: examined.format.map(Format::name),
                accepted: examined.reason.is_none(),
                reason: examined.reason.as_ref().map(Into::into),
                evaluations: evaluations.collect(),
                left_out: examined.left_out,
            }
        });
        let parts = ReportParts {
            headline,
            subject,
            evidence,
            time: self.now,
            trust: trust_report(&self.verifier.trust),
            policy_fingerprint: crate::encoding::hex::encode(self.verifier.policy.fingerprint()),
            basis: extra.basis,
            horizon: extra.horizon,
            requirement: self.verifier.policy.excepted().is_none().then(|| (&decision.root).into()),
            candidates: candidates.collect(),
            weakened: extra.weakened.into_iter().chain(weakened(self.verifier)).collect(),
            notices,
            gathering: extra.gathering,
        };
        Box::new(Report::new(parts))
    }
}

/// What only the evidence of an image knows.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) basis: Option<Basis>,
    pub(super) horizon: Option<(UnixTime, Failure)>,
    pub(super) weakened: Vec<Failure>,
    pub(super) notices: Vec<Failure>,
    pub(super) gathering: Vec<(Option<&'static str>, Failure)>,
}

/// Judges the evidence of an image.
pub(super) fn image(verifier: &Verifier, evidence: &Evidence, now: UnixTime) -> Judgement {
    let subject = evidence.subject();
    let artifact = Artifact::content(subject.digest, subject.document.bytes());
    let mut examination = Examination::new(verifier, now);
    let mut truncated_in: BTreeSet<Layout> = BTreeSet::new();
    let mut gathering: Vec<(Option<&'static str>, Failure)> =
        evidence.notes().iter().map(|note| (note.layout.map(Layout::name), note.failure.clone())).collect();
    let mut hidden = most_telling(evidence.notes().iter().filter(|note| note.hides_candidates).map(|note| &note.failure));
    // Where no signature is asked for none is judged: a candidate that was held against nothing has not been found good.
    let asked_for = if verifier.policy.excepted().is_some() { &[][..] } else { evidence.candidates() };
    // Each layout has its own allowance, so that one cannot starve another.
    let left_out = allowance::left_out(verifier, asked_for, &artifact);
    for (index, candidate) in asked_for.iter().enumerate() {
        if left_out.contains(&index) {
            let truncated = Failure::new(Code::CandidatesTruncated)
                .expected(format_args!("at most {} verified in a layout", verifier.limits.candidates_verified));
            if truncated_in.insert(candidate.layout) {
                gathering.push((Some(candidate.layout.name()), truncated.clone()));
            }
            hidden.get_or_insert(truncated);
            continue;
        }
        let parsed = candidate::parse(candidate, &verifier.limits, examination.allows_chain());
        examination.examine(candidate.layout.name(), candidate::digest(candidate), parsed, &artifact);
    }
    if !evidence.proves_absence() || hidden.is_some() {
        let found =
            hidden.as_ref().map_or_else(|| "saved evidence, which could leave something out".to_owned(), Failure::to_string);
        examination.unseen(Failure::new(Code::AbsenceNotProved).found(found));
    }
    let decision = examination.decide();
    let exception = verifier.policy.excepted().map(|exception| (exception, exception.applies(&subject.digest, now)));
    let basis = match &exception {
        Some((exception, Ok(()))) => Some(Basis::Exception { reason: exception.reason().to_owned(), until: exception.until() }),
        Some((_, Err(_))) => None,
        None => decision.accepted().then_some(Basis::Requirement),
    };
    let accepted = basis.is_some();
    let (verdict, failure) = match hidden {
        _ if accepted => (Verdict::Accepted, Code::Accepted.into()),
        // The digest is known whatever could not be gathered, and nothing else is asked for.
        _ if exception.is_some() => {
            let failure = exception.and_then(|(_, applies)| applies.err()).unwrap_or_else(|| Code::NotExcepted.into());
            (verdict(&failure), failure)
        }
        // What could not be looked at might have been the signature: never "no signatures". That holds as well where what
        // came in place of a list is a document that breaks the rules, such as the page of a proxy.
        Some(hidden) if decision.unevaluated.is_none() => (Verdict::Undecided, hidden),
        _ => {
            let failure = match examination.why_not(&decision) {
                // Whoever carried the file may have left the signature out (K-EV-02). Where it holds candidates they were
                // judged, by their bytes; of none nothing is known.
                none if none.code() == Code::NoSignature && evidence.origin() == EvidenceOrigin::Loaded => {
                    Code::AbsenceNotProved.into()
                }
                failure => failure,
            };
            (verdict(&failure), failure)
        }
    };
    let headline = Headline { verdict, failure };
    let subject = subject_report(evidence, accepted);
    let evidence_report = EvidenceReport {
        origin: match evidence.origin() {
            EvidenceOrigin::Gathered => "gathered",
            EvidenceOrigin::Loaded => "loaded",
        },
        complete: evidence.is_complete(),
    };
    let signatures = examination.signatures(&decision);
    let horizon = match &basis {
        Some(Basis::Exception { until, .. }) => {
            let why = Failure::new(Code::ExceptionExpired).expected(format_args!("until {until}"));
            Some((UnixTime::from_seconds(until.seconds().saturating_add(1)), why))
        }
        Some(Basis::Requirement) => examination.horizon(&decision),
        None => None,
    };
    let notices = image_notices(evidence, &signatures);
    let excepted = basis.iter().filter_map(|basis| match basis {
        Basis::Exception { reason, until } => {
            Some(Failure::new(Code::ExceptionApplies).found(reason).at(format_args!("until {until}")))
        }
        Basis::Requirement => None,
    });
    let extra = Extra { basis: basis.clone(), horizon, weakened: excepted.collect(), notices, gathering };
    let report = examination.report(headline, &decision, subject, Some(evidence_report), extra);
    match (verdict, basis) {
        (Verdict::Accepted, Some(basis)) => Judgement::Accepted { basis, signatures, report },
        (Verdict::Undecided, _) => Judgement::NotAccepted(NotAccepted::Undecided(report)),
        _ => Judgement::NotAccepted(NotAccepted::Rejected(report)),
    }
}

/// The account where the image itself could not be had.
pub(super) fn nothing_gathered(verifier: &Verifier, asked: &Reference, failure: Failure, now: UnixTime) -> NotAccepted {
    refused(verifier, asked, failure.clone(), verdict(&failure), now)
}

/// The account of an image that nothing was gathered for.
pub(super) fn refused(verifier: &Verifier, asked: &Reference, failure: Failure, verdict: Verdict, now: UnixTime) -> NotAccepted {
    let subject =
        SubjectReport { asked: asked.to_string(), repository: Some(asked.repository().to_string()), ..SubjectReport::default() };
    let mut notices = trust_notices(verifier, now);
    dedup(&mut notices);
    let report = Box::new(Report::new(ReportParts {
        headline: Headline { verdict, failure },
        subject,
        evidence: None,
        time: now,
        trust: trust_report(&verifier.trust),
        policy_fingerprint: crate::encoding::hex::encode(verifier.policy.fingerprint()),
        basis: None,
        horizon: None,
        requirement: None,
        candidates: Vec::new(),
        weakened: weakened(verifier),
        notices,
        gathering: Vec::new(),
    }));
    match verdict {
        Verdict::Rejected => NotAccepted::Rejected(report),
        _ => NotAccepted::Undecided(report),
    }
}

/// Only the code of acceptance accepts. A caller's mistake or a defect that surfaces here is never a success, and
/// nothing was shown to be false either.
pub(super) fn verdict(failure: &Failure) -> Verdict {
    match failure.code().class() {
        Class::Accepted => Verdict::Accepted,
        Class::Rejected => Verdict::Rejected,
        _ => Verdict::Undecided,
    }
}

/// Of several things that could not be found out the one with the lowest code, so that the answer does not depend on
/// the order in which they were met (INV-12).
fn most_telling<'a>(reasons: impl Iterator<Item = &'a Failure>) -> Option<Failure> {
    reasons.min_by_key(|failure| failure.code()).cloned()
}

/// Whether a node holds or would, were every leaf to hold of which something could not be found out (in the order of
/// [`crate::policy::Policy::leaves`]). Whether a threshold would still lack distinct signers then, nobody can say.
fn may_hold(node: &Requirement, outcome: &NodeOutcome, unknown: &mut std::slice::Iter<'_, Option<Failure>>) -> bool {
    let of = match node {
        Requirement::Signature(_) => return outcome.satisfied | unknown.next().is_some_and(Option::is_some),
        Requirement::All(of) | Requirement::Any(of) | Requirement::AtLeast { of, .. } => of,
    };
    // No short cut: every leaf takes its own.
    let open = of.iter().zip(&outcome.children).filter(|(child, outcome)| may_hold(child, outcome, unknown)).count();
    match node {
        Requirement::Any(_) => open > 0,
        Requirement::AtLeast { count, .. } => open >= *count,
        Requirement::All(_) | Requirement::Signature(_) => open == of.len(),
    }
}

/// Why attestations that satisfy a leaf by themselves do not suffice.
fn first_reason(node: &NodeOutcome) -> Option<&Failure> {
    node.reason.as_ref().or_else(|| node.children.iter().find_map(first_reason))
}

fn some_leaf_holds(node: &NodeOutcome) -> bool {
    !node.by.is_empty() || node.children.iter().any(some_leaf_holds)
}

fn asks(requirement: &Requirement) -> String {
    match requirement {
        Requirement::Signature(leaf) => leaf.authority().describe(),
        Requirement::All(of) => format!("all of {} requirements", of.len()),
        Requirement::Any(of) => of.iter().map(asks).collect::<Vec<_>>().join(" or "),
        Requirement::AtLeast { count, of } => format!("at least {count} of {} requirements", of.len()),
    }
}

fn subject_report(evidence: &Evidence, accepted: bool) -> SubjectReport {
    let subject = evidence.subject();
    let pinned = Reference::new(subject.repository.clone(), None, Some(subject.digest));
    let claimed = evidence.origin() == EvidenceOrigin::Loaded;
    SubjectReport {
        asked: evidence.reference().to_string(),
        repository: Some(subject.repository.to_string()),
        digest: Some(subject.digest.to_string()),
        media_type: Some(crate::code::bounded(&subject.media_type)),
        pinned: accepted.then(|| pinned.to_string()),
        tag: evidence.tag().map(|(tag, digest)| TagReport { tag: tag.to_string(), digest: digest.to_string(), claimed }),
    }
}

fn image_notices(evidence: &Evidence, signatures: &[VerifiedSignature]) -> Vec<Failure> {
    let mut notices = Vec::new();
    if let Some(moved) = evidence.moved() {
        notices.push(Failure::new(Code::TagMoved).expected(moved.given).found(moved.found).at(format_args!("tag {}", moved.tag)));
    }
    if evidence.origin() == EvidenceOrigin::Loaded {
        notices
            .push(Failure::new(Code::ClaimOfFile).found("which tag pointed where, what was not found, that nothing is missing"));
    }
    let repository = &evidence.subject().repository;
    for signature in signatures {
        // A layout has no name that a signer could have meant.
        if let Some(named) = signature.docker_reference()
            && repository.registry().is_some()
            && !names(named, repository)
        {
            notices.push(Failure::new(Code::DockerReferenceDiffers).expected(repository).found(named));
        }
    }
    notices
}

/// Whether a payload's `docker-reference` names this repository, with or without a tag.
fn names(docker_reference: &str, repository: &Repository) -> bool {
    docker_reference.parse::<Reference>().is_ok_and(|reference| reference.repository() == repository)
}

fn trust_notices(verifier: &Verifier, now: UnixTime) -> Vec<Failure> {
    let leaves = verifier.policy.leaves();
    let own = leaves.iter().filter_map(|leaf| leaf.trust_root());
    let roots = std::iter::once(&verifier.trust).chain(own);
    roots.flat_map(|trust| notices_of(trust, now)).collect()
}

fn notices_of(trust: &TrustRoot, now: UnixTime) -> Vec<Failure> {
    let origin = trust.origin();
    let old = origin.date.filter(|date| date.saturating_add_seconds(OLD_TRUST_ROOT_SECONDS) < now);
    let old = old.map(|date| {
        Failure::new(Code::TrustRootOld).expected("at most 180 days old").found(format_args!("published {date}")).at(&origin.name)
    });
    trust.skipped().iter().cloned().chain(old).collect()
}

fn trust_report(trust: &TrustRoot) -> TrustReport {
    TrustReport { origin: trust.origin().clone(), fingerprint: crate::encoding::hex::encode(trust.fingerprint()) }
}

fn weakened(verifier: &Verifier) -> Vec<Failure> {
    let mut weakened: Vec<Failure> = verifier.weakened.clone();
    for leaf in verifier.policy.leaves() {
        let mut codes = leaf.configured().weakened(matches!(leaf.authority(), Authority::Keyless(_)));
        if *leaf.claimed() == Claim::AnyStatement {
            codes.push(Code::AnyStatement);
        }
        weakened.extend(codes.into_iter().map(|code| Failure::new(code).at(leaf.authority().describe())));
    }
    dedup(&mut weakened);
    weakened
}

fn dedup(failures: &mut Vec<Failure>) {
    let mut seen: Vec<Failure> = Vec::with_capacity(failures.len());
    for failure in failures.drain(..) {
        if !seen.contains(&failure) {
            seen.push(failure);
        }
    }
    *failures = seen;
}
