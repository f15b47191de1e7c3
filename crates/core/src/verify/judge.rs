//! Judging: every candidate against every authority, the policy over what held, and the account of it all. Pure.

use super::examined::{About, Examined};
use super::outcome::NotAccepted;
use super::proven::Proven;
use super::verifier::Verifier;
use super::{allowance, candidate};
use crate::check::Artifact;
use crate::check::candidate::{Bench, evaluate};
use crate::code::{Class, Code, Failure};
use crate::digest::Digest;
use crate::encoding::Few;
use crate::format::Signed;
use crate::gather::{Attached, Evidence, EvidenceOrigin, Layout, PlatformEvidence};
use crate::limits::Budget;
use crate::oci::{Reference, Repository};
use crate::policy::{
    Authority, Basis, Claim, Decision, Ending, LeafFacts, NodeOutcome, Policy, Requirement, Selection, VerifiedSignature, decide,
    unanchored_notices,
};
use crate::report::{
    Account, EvidenceReport, Headline, PlatformReport, Report, SubjectAccount, SubjectReport, TagReport, Verdict,
};
use crate::time::{Present, UnixTime};
use crate::trust::TrustRoot;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A trust root older than this is worth a notice: keys and logs change about once a year.
const OLD_TRUST_ROOT_SECONDS: i64 = 180 * 86_400;

/// What judging came to.
pub(super) enum Judgement {
    Accepted { proven: Box<Proven>, signatures: Vec<Arc<VerifiedSignature>>, report: Report, present: Present },
    NotAccepted(NotAccepted),
}

/// What is known of each leaf, by what the signatures are about.
#[derive(Default)]
struct Facts {
    /// Empty until there is a candidate.
    image: Vec<LeafFacts>,
    platforms: BTreeMap<usize, Vec<LeafFacts>>,
}

impl Facts {
    fn of(&self, about: About) -> &[LeafFacts] {
        match about {
            About::Image => &self.image,
            About::Platform(number) => self.platforms.get(&number).map(Vec::as_slice).unwrap_or_default(),
        }
    }

    /// With nothing known of any leaf where nothing was noted yet.
    fn of_mut(&mut self, about: About, verifier: &Verifier) -> &mut [LeafFacts] {
        let facts = match about {
            About::Image => &mut self.image,
            About::Platform(number) => self.platforms.entry(number).or_default(),
        };
        if facts.is_empty() {
            *facts = no_facts(verifier);
        }
        facts
    }

    fn all(&self) -> impl Iterator<Item = &LeafFacts> {
        self.image.iter().chain(self.platforms.values().flatten())
    }
}

/// All candidates, held against all leaves.
pub(super) struct Examination<'v> {
    verifier: &'v Verifier,
    pub(super) present: Present,
    facts: Facts,
    examined: Vec<Examined>,
    /// Why there could be attestations that nobody looked at.
    unseen: Option<Failure>,
    /// How many checks of refusals the report may still tell: policies have many leaves and images many candidates.
    checks_left: usize,
    /// Set while it is asked what will be left of the facts after a moment.
    after: Option<UnixTime>,
}

impl<'v> Examination<'v> {
    pub(super) fn new(verifier: &'v Verifier, now: UnixTime) -> Self {
        let checks_left = verifier.limits.report_checks;
        Self {
            verifier,
            present: Present::new(now),
            facts: Facts::default(),
            examined: Vec::new(),
            unseen: None,
            checks_left,
            after: None,
        }
    }

    /// Notes that there could be attestations which nobody looked at: then nothing is known about the newest, or about all. A
    /// policy that asks for neither is not concerned.
    pub(super) fn unseen(&mut self, why: impl FnOnce() -> Failure) {
        if self.verifier.policy.leaves().iter().any(|leaf| leaf.selection() != Selection::Any) {
            self.unseen.get_or_insert_with(why);
        }
    }

    /// Holds one candidate against every leaf. `artifact` is what it is about.
    pub(super) fn examine(
        &mut self,
        about: About,
        layout: &'static str,
        digest: Option<Digest>,
        parsed: Result<Signed, Failure>,
        artifact: &Artifact<'_>,
    ) {
        let number = self.examined.len().saturating_add(1);
        let mut examined = Examined::new(about, layout, digest);
        match parsed {
            Err(failure) => examined.reason = Some(failure),
            Ok(signed) => {
                examined.format = Some(signed.format);
                let (limits, present) = (&self.verifier.limits, &self.present);
                let leaves = self.verifier.policy.leaves().iter().zip(self.verifier.keys.iter());
                let facts = self.facts.of_mut(about, self.verifier);
                for (index, ((leaf, key), facts)) in leaves.zip(facts).enumerate() {
                    let bench = Bench { trust: leaf.trust_root().unwrap_or(&self.verifier.trust), limits, present };
                    // A budget of its own, so that neither candidates before this one nor other leaves decide what
                    // becomes of it.
                    let mut budget = Budget::new(limits);
                    let evaluation = evaluate(&signed, leaf, key.as_ref(), artifact, bench, &mut budget);
                    match (&evaluation.result, evaluation.attests) {
                        (Ok(verified), _) => {
                            if facts.held.is_empty() {
                                // Mostly there is one; a first push alone would make room for four.
                                facts.held.reserve_exact(1);
                            }
                            facts.held.push((number, Arc::clone(verified)));
                        }
                        (Err(_), Some(at)) => facts.against.push((number, at)),
                        (Err(_), None) => {}
                    }
                    examined.take(index, evaluation, &mut self.checks_left);
                }
            }
        }
        if self.examined.is_empty() {
            self.examined.reserve_exact(1);
        }
        self.examined.push(examined);
    }

    /// Whether bundles may carry chains for some leaf; each leaf looks again for itself.
    pub(super) fn allows_chain(&self) -> bool {
        self.verifier.policy.leaves().iter().any(|leaf| leaf.configured().allow_chain)
    }

    /// What is known about each leaf from the signatures about these.
    fn facts(&self, scope: &[About]) -> Cow<'_, [LeafFacts]> {
        let leaves = self.verifier.policy.leaves();
        // Of one thing, as of now, and with no leaf whose order could be unknown: what was noted is all there is to know.
        if let ([about], None) = (scope, self.after)
            && leaves.iter().all(|leaf| leaf.selection() == Selection::Any)
        {
            return Cow::Borrowed(self.facts.of(*about));
        }
        let mut facts = no_facts(self.verifier);
        for found in scope.iter().map(|about| self.facts.of(*about)) {
            for (leaf, found) in facts.iter_mut().zip(found) {
                leaf.add(found, self.after);
            }
        }
        for (index, (leaf, facts)) in leaves.iter().zip(&mut facts).enumerate() {
            // What is not known of one candidate is not known of the newest of them either.
            let open = self.examined(scope).any(|examined| examined.undecided(index).is_some());
            facts.complete = leaf.selection() == Selection::Any || (self.unseen.is_none() && !open);
        }
        Cow::Owned(facts)
    }

    /// Decides the policy over the signatures about these.
    pub(super) fn decide(&self, scope: &[About]) -> Decision {
        decide(&self.verifier.policy, &self.facts(scope))
    }

    /// The signatures that satisfy some leaf in one of the decisions, each once.
    pub(super) fn signatures(&self, decided: &[(&[About], &Decision)]) -> Vec<Arc<VerifiedSignature>> {
        let mut numbers: Few<usize, 8> = Few::new();
        let mut signatures = Vec::with_capacity(1);
        for (scope, decision) in decided {
            let facts = self.facts(scope);
            let mut facts = facts.iter();
            decision.root.each_leaf(self.verifier.policy.requirement(), &mut |outcome| {
                let held = facts.next().map(|facts| facts.held.as_slice()).unwrap_or_default();
                for (number, signature) in held.iter().filter(|(number, _)| outcome.by.contains(number)) {
                    // In the order of their numbers.
                    if let Err(at) = numbers.binary_search(number) {
                        numbers.push(*number);
                        numbers.get_mut(at..).unwrap_or_default().rotate_right(1);
                        signatures.insert(at, Arc::clone(signature));
                    }
                }
            });
        }
        signatures
    }

    fn examined<'e>(&'e self, scope: &'e [About]) -> impl Iterator<Item = &'e Examined> {
        self.examined.iter().filter(|examined| scope.contains(&examined.about))
    }

    /// When an acceptance ends by itself: the first second at which `holds` is no longer true of what is left of the facts,
    /// and why. Facts only fall away as time passes, so there is one such moment and it can be searched for.
    pub(super) fn horizon(&mut self, holds: impl Fn(&Self) -> bool) -> Option<(UnixTime, Failure)> {
        let held = self.facts.all().flat_map(|leaf| &leaf.held);
        let mut endings: Vec<Ending> = held.filter_map(|(_, signature)| signature.ending.clone()).collect();
        endings.sort_by_key(|ending| (ending.last, ending.why.code()));
        let index = endings.partition_point(|ending| {
            self.after = Some(ending.last);
            holds(self)
        });
        self.after = None;
        let ending = endings.get(index)?;
        Some((UnixTime::from_seconds(ending.last.seconds().saturating_add(1)), ending.why.clone()))
    }

    /// Why nothing was accepted, as far as the candidates tell: something that could not be found out, else the
    /// most telling of what was found.
    pub(super) fn why_not(&self, decision: &Decision, scope: &[About]) -> Failure {
        if let Some(clause) = &decision.unevaluated {
            return Failure::new(Code::ClauseNotEvaluated).found(clause);
        }
        if let Some(unknown) = self.unknown(decision, scope) {
            return unknown;
        }
        let reasons = || self.examined(scope).filter_map(|examined| examined.reason.as_ref());
        let count = self.examined(scope).count();
        if count == 0 {
            return Code::NoSignature.into();
        }
        if some_leaf_holds(&decision.root) {
            return Failure::new(Code::PolicyNotMet).expected(self.verifier.policy.requirement().asks());
        }
        if let Some(superseded) = first_reason(&decision.root) {
            return superseded.clone();
        }
        // The classic: the image was altered or re-tagged after it was signed.
        if let Some(other) = reasons().find(|failure| failure.code() == Code::SignedOtherDigest) {
            return other.clone();
        }
        Failure::new(Code::NoMatchingSignature).expected(asks(self.verifier.policy.requirement())).found(match count {
            1 => "1 signature that does not count".to_owned(),
            count => format!("{count} signatures that do not count"),
        })
    }

    /// What could not be found out, where it would have mattered: where the requirement may hold if it had turned out
    /// well. Where it cannot hold either way, it is known not to.
    pub(super) fn unknown(&self, decision: &Decision, scope: &[About]) -> Option<Failure> {
        let leaves = self.verifier.policy.leaves();
        let outcomes = decision.root.leaves(&self.verifier.policy);
        let unknown = |index: usize| {
            let unseen = self.unseen.as_ref().filter(|_| {
                // Only where there is something that an unseen one could take away.
                let by_order = leaves.get(index).is_some_and(|leaf| leaf.selection() != Selection::Any);
                by_order && outcomes.get(index).is_some_and(|outcome| outcome.reason.is_some())
            });
            most_telling(self.examined(scope).filter_map(|examined| examined.undecided(index)).chain(unseen))
        };
        let unknown: Vec<_> = (0..leaves.len()).map(unknown).collect();
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
        decision: Decision,
        subject: SubjectAccount,
        evidence: Option<EvidenceReport>,
        extra: Extra,
    ) -> (Report, Present) {
        let leaves = self.verifier.policy.leaves();
        let mut notices = extra.notices;
        notices.extend(trust_notices(self.verifier, &self.present));
        let by_order = leaves.iter().filter_map(|leaf| Some((leaf, leaf.selection().name()?)));
        notices.extend(
            by_order.map(|(leaf, name)| Failure::new(Code::RegistryCouldWithhold).found(name).at(leaf.authority().describe())),
        );
        let mut left_out: usize = 0;
        for examined in &self.examined {
            for (leaf, evaluation) in examined.told(leaves) {
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
        let account = Account {
            headline,
            subject,
            evidence,
            trust: Arc::clone(&self.verifier.trust),
            policy: Arc::clone(&self.verifier.policy),
            basis: extra.basis,
            horizon: extra.horizon,
            requirement: self.verifier.policy.excepted().is_none().then_some(decision.root),
            candidates: self.examined.into_iter().map(|examined| examined.into_account(&extra.subjects)).collect(),
            weakened: extra.weakened,
            always_weakened: Arc::clone(&self.verifier.weakened),
            notices,
            gathering: extra.gathering,
        };
        (Report::new(account, self.present.now()), self.present)
    }
}

/// Nothing known of any leaf.
fn no_facts(verifier: &Verifier) -> Vec<LeafFacts> {
    verifier.domains.iter().map(|domain| LeafFacts::none(*domain)).collect()
}

/// What only the evidence of an image knows.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) basis: Option<Basis>,
    pub(super) horizon: Option<(UnixTime, Failure)>,
    pub(super) weakened: Vec<Failure>,
    pub(super) notices: Vec<Failure>,
    pub(super) gathering: Vec<(Option<&'static str>, Failure)>,
    /// What the candidates are about, where that may be several things.
    pub(super) subjects: BTreeMap<About, Digest>,
}

/// What could not be gathered.
#[derive(Default)]
struct Gathering {
    notes: Vec<(Option<&'static str>, Failure)>,
    /// The most telling of what may hide a signature.
    hidden: Option<Failure>,
}

impl Gathering {
    fn hide(&mut self, failure: &Failure) {
        self.hidden = most_telling(self.hidden.iter().chain(std::iter::once(failure)));
    }

    /// Holds everything that is attached to one manifest or index against every leaf.
    fn examine(&mut self, attached: &Attached, about: About, artifact: &Artifact<'_>, examination: &mut Examination<'_>) {
        for note in attached.notes() {
            self.notes.push((note.layout.map(Layout::name), note.failure.clone()));
            if note.hides_candidates {
                self.hide(&note.failure);
            }
        }
        // Where no signature is asked for none is judged: a candidate that was held against nothing has not been found good.
        if examination.verifier.policy.excepted().is_some() {
            return;
        }
        let verifier = examination.verifier;
        let mut truncated_in: BTreeSet<Layout> = BTreeSet::new();
        // Each layout has its own allowance, so that one cannot starve another.
        let left_out = allowance::left_out(verifier, attached.candidates(), artifact);
        for (index, candidate) in attached.candidates().iter().enumerate() {
            if left_out.contains(&index) {
                let most = verifier.limits.candidates_verified;
                let truncated =
                    Failure::new(Code::CandidatesTruncated).expected(format_args!("at most {most} verified in a layout"));
                if truncated_in.insert(candidate.layout) {
                    self.notes.push((Some(candidate.layout.name()), truncated.clone()));
                }
                self.hide(&truncated);
                continue;
            }
            let parsed = candidate::parse(candidate, &verifier.limits, examination.allows_chain());
            examination.examine(about, candidate.layout.name(), candidate::digest(candidate), parsed, artifact);
        }
    }
}

/// Judges the evidence of an image.
pub(super) fn image(verifier: &Verifier, evidence: &Evidence, now: UnixTime) -> Judgement {
    let subject = evidence.subject();
    let choice = &verifier.platforms;
    let platforms = if choice.is_index() { &[][..] } else { evidence.platforms().manifests() };
    let mut examination = Examination::new(verifier, now);
    let mut gathering = Gathering::default();
    let artifact = Artifact::content(subject.digest, subject.document.bytes());
    gathering.examine(evidence.attached(), About::Image, &artifact, &mut examination);
    for (number, platform) in platforms.iter().enumerate() {
        match platform.listed() {
            Ok(listed) => {
                let artifact = Artifact::content(*listed.digest(), listed.manifest().bytes());
                gathering.examine(platform.attached(), About::Platform(number), &artifact, &mut examination);
            }
            Err(failure) => {
                gathering.notes.push((None, failure.clone()));
                gathering.hide(failure);
            }
        }
    }
    if !choice.is_index() {
        for failure in evidence.platforms().failures() {
            gathering.notes.push((None, failure.clone()));
            gathering.hide(failure);
        }
    }
    if !evidence.proves_absence() || gathering.hidden.is_some() {
        let what = || "saved evidence, which could leave something out".to_owned();
        let found = || gathering.hidden.as_ref().map_or_else(what, Failure::to_string);
        examination.unseen(|| Failure::new(Code::AbsenceNotProved).found(found()));
    }
    let (proven, not_excepted) = match verifier.policy.excepted() {
        Some(exception) => {
            let listed = choice.single().and_then(|_| platforms.first()?.listed().ok());
            match Proven::exception(exception, subject, listed, examination.present.exactly()) {
                // That the manifest is listed must be known before an exception for the index covers it.
                Ok(_) if choice.single().is_some() && listed.is_none() && !platforms.is_empty() => {
                    (None, gathering.hidden.clone())
                }
                Ok(proven) => (Some(proven), None),
                Err(failure) => (None, Some(failure)),
            }
        }
        None => (prove(verifier, evidence, &examination), None),
    };
    let failing;
    let scopes: Vec<&[About]> = match &proven {
        Some(proven) => proven.scopes().iter().map(Vec::as_slice).collect(),
        None => {
            failing = failing_scope(verifier, platforms, &examination);
            vec![&failing]
        }
    };
    let scope = scopes.first().copied().unwrap_or(&[About::Image]);
    let decision = examination.decide(scope);
    let (verdict, failure) = match (not_excepted, gathering.hidden) {
        _ if proven.is_some() => (Verdict::Accepted, Code::Accepted.into()),
        // The digest is known whatever could not be gathered, and nothing else is asked for.
        (Some(failure), _) => (verdict(&failure), failure),
        // What could not be looked at might have been the signature: never "no signatures". That holds as well where what
        // came in place of a list is a document that breaks the rules, such as the page of a proxy.
        (None, Some(hidden)) if decision.unevaluated.is_none() => (Verdict::Undecided, hidden),
        _ => {
            let failure = match examination.why_not(&decision, scope) {
                // Whoever carried the file may have left the signature out (K-EV-02). Where it holds candidates they were
                // judged, by their bytes; of none nothing is known.
                none if none.code() == Code::NoSignature && evidence.origin() == EvidenceOrigin::Loaded => {
                    Code::AbsenceNotProved.into()
                }
                failure => failure,
            };
            let failure = match scope.last() {
                Some(About::Platform(number)) if failure.at_text().is_none() => {
                    platforms.get(*number).map_or(failure.clone(), |platform| failure.at(platform.descriptor().digest))
                }
                _ => failure,
            };
            (verdict(&failure), failure)
        }
    };
    let headline = Headline { verdict, failure };
    let further: Vec<Decision> = scopes.iter().skip(1).map(|scope| examination.decide(scope)).collect();
    let decided: Vec<_> = scopes.iter().copied().zip(std::iter::once(&decision).chain(&further)).collect();
    let signatures = examination.signatures(&decided);
    let subject_report = subject_report(verifier, evidence, proven.as_ref(), &signatures, &examination);
    let evidence_report = EvidenceReport {
        origin: match evidence.origin() {
            EvidenceOrigin::Gathered => "gathered",
            EvidenceOrigin::Loaded => "loaded",
        },
        complete: evidence.is_complete(),
    };
    let mut notices = image_notices(evidence, &signatures);
    if proven.as_ref().is_some_and(Proven::rests_on_platforms) {
        notices.push(Failure::new(Code::IndexNotSigned).at(subject.digest));
    }
    let basis = proven.as_ref().map(|proven| proven.basis().clone());
    let horizon = match &basis {
        Some(Basis::Exception { until, .. }) => {
            let why = Failure::new(Code::ExceptionExpired).expected(format_args!("until {until}"));
            Some((UnixTime::from_seconds(until.seconds().saturating_add(1)), why))
        }
        Some(Basis::Requirement) => examination.horizon(|later| prove(verifier, evidence, later).is_some()),
        None => None,
    };
    let excepted = basis.iter().filter_map(|basis| match basis {
        Basis::Exception { reason, until } => {
            Some(Failure::new(Code::ExceptionApplies).found(reason).at(format_args!("until {until}")))
        }
        Basis::Requirement => None,
    });
    let mut subjects = BTreeMap::new();
    if !platforms.is_empty() {
        subjects.insert(About::Image, subject.digest);
        let digests = platforms.iter().map(|platform| platform.descriptor().digest);
        subjects.extend(digests.enumerate().map(|(number, digest)| (About::Platform(number), digest)));
    }
    let extra =
        Extra { basis: basis.clone(), horizon, weakened: excepted.collect(), notices, gathering: gathering.notes, subjects };
    let (report, present) =
        examination.report(headline, decision, SubjectAccount::Image(subject_report), Some(evidence_report), extra);
    match (verdict, proven) {
        (Verdict::Accepted, Some(proven)) => Judgement::Accepted { proven: Box::new(proven), signatures, report, present },
        (Verdict::Undecided, _) => Judgement::NotAccepted(NotAccepted::Undecided(report)),
        _ => Judgement::NotAccepted(NotAccepted::Rejected(report)),
    }
}

/// What the requirement holds for, of what was asked for.
fn prove(verifier: &Verifier, evidence: &Evidence, examination: &Examination<'_>) -> Option<Proven> {
    let (subject, found) = (evidence.subject(), evidence.platforms());
    let choice = &verifier.platforms;
    match (choice.single(), found.manifests()) {
        // An image that is no index stated its platform itself.
        (Some(_), []) => found.configuration().and_then(|_| Proven::image(subject, examination)),
        (Some(_), [platform, ..]) => Proven::platform(subject, 0, platform.listed().ok()?, examination),
        (None, _) if choice.is_index() => Proven::image(subject, examination),
        (None, manifests) => Proven::image(subject, examination)
            .map(|proven| proven.covering(subject, manifests, examination))
            .or_else(|| Proven::every_platform(evidence, examination)),
    }
}

/// Whose signatures do not suffice: of the first thing that the policy does not hold for.
fn failing_scope(verifier: &Verifier, platforms: &[PlatformEvidence], examination: &Examination<'_>) -> Vec<About> {
    let with = |number| vec![About::Image, About::Platform(number)];
    if verifier.platforms.single().is_some() && !platforms.is_empty() {
        return with(0);
    }
    let fails = |number: &usize| !examination.decide(&with(*number)).accepted();
    (0..platforms.len()).find(fails).map_or_else(|| vec![About::Image], with)
}

/// The account where the image itself could not be had.
pub(super) fn nothing_gathered(verifier: &Verifier, asked: &Reference, failure: Failure, now: UnixTime) -> NotAccepted {
    refused(verifier, asked, failure.clone(), verdict(&failure), now)
}

/// The account of an image that nothing was gathered for.
pub(super) fn refused(verifier: &Verifier, asked: &Reference, failure: Failure, verdict: Verdict, now: UnixTime) -> NotAccepted {
    let subject =
        SubjectReport { asked: asked.to_string(), repository: Some(asked.repository().to_string()), ..SubjectReport::default() };
    let mut notices = trust_notices(verifier, &Present::new(now));
    dedup(&mut notices);
    let account = Account {
        headline: Headline { verdict, failure },
        subject: SubjectAccount::Image(subject),
        evidence: None,
        trust: Arc::clone(&verifier.trust),
        policy: Arc::clone(&verifier.policy),
        basis: None,
        horizon: None,
        requirement: None,
        candidates: Vec::new(),
        weakened: Vec::new(),
        always_weakened: Arc::clone(&verifier.weakened),
        notices,
        gathering: Vec::new(),
    };
    let report = Report::new(account, now);
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

fn subject_report(
    verifier: &Verifier,
    evidence: &Evidence,
    proven: Option<&Proven>,
    signatures: &[Arc<VerifiedSignature>],
    examination: &Examination<'_>,
) -> SubjectReport {
    let subject = evidence.subject();
    let claimed = evidence.origin() == EvidenceOrigin::Loaded;
    let signed: BTreeSet<_> = signatures.iter().map(|signature| signature.digest().to_string()).collect();
    let asked_for = !verifier.platforms.is_index();
    let platforms = evidence.platforms().manifests().iter().enumerate().filter(|_| asked_for).map(|(number, manifest)| {
        let listed = manifest.listed();
        let one = listed.ok().and_then(|listed| Proven::platform(subject, number, listed, examination));
        let is_signed_itself = one.as_ref().and_then(|one| Some(one.platforms().first()?.is_signed_itself()));
        PlatformReport {
            platform: manifest.descriptor().platform.as_ref().map(|platform| crate::code::bounded(&platform.to_string())),
            digest: manifest.descriptor().digest.to_string(),
            via: listed.map(|listed| listed.via().iter().map(ToString::to_string).collect()).unwrap_or_default(),
            accepted: one.is_some() || (verifier.policy.excepted().is_some() && proven.is_some()),
            signed: is_signed_itself.map(|itself| if itself { "manifest" } else { "index" }),
            reason: listed.err().map(Into::into),
        }
    });
    SubjectReport {
        asked: evidence.reference().to_string(),
        repository: Some(subject.repository.to_string()),
        digest: Some(subject.digest.to_string()),
        media_type: Some(crate::code::bounded(&subject.media_type)),
        pinned: proven.map(|proven| proven.pinned().to_string()),
        signed: if proven.is_some() { signed.into_iter().collect() } else { Vec::new() },
        tag: evidence.tag().map(|(tag, digest)| TagReport { tag: tag.to_string(), digest: digest.to_string(), claimed }),
        signature_repository: evidence.signature_repository().map(ToString::to_string),
        platform_choice: asked_for.then(|| verifier.platforms.to_string()),
        platforms: platforms.collect(),
    }
}

fn image_notices(evidence: &Evidence, signatures: &[Arc<VerifiedSignature>]) -> Vec<Failure> {
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

fn trust_notices(verifier: &Verifier, present: &Present) -> Vec<Failure> {
    let leaves = verifier.policy.leaves();
    let own = leaves.iter().filter_map(|leaf| leaf.trust_root());
    let roots = std::iter::once(&verifier.trust).chain(own);
    roots.flat_map(|trust| notices_of(trust, present)).collect()
}

fn notices_of(trust: &TrustRoot, present: &Present) -> Vec<Failure> {
    let origin = trust.origin();
    let old = origin.date.filter(|date| present.is_after(date.saturating_add_seconds(OLD_TRUST_ROOT_SECONDS)));
    let old = old.map(|date| {
        Failure::new(Code::TrustRootOld).expected("at most 180 days old").found(format_args!("published {date}")).at(&origin.name)
    });
    trust.skipped().iter().cloned().chain(old).collect()
}

/// What is weaker than the default in every verification: what was declared, and what the policy leaves out.
pub(super) fn weakened(declared: &[Failure], policy: &Policy) -> Arc<[Failure]> {
    let mut weakened: Vec<Failure> = declared.to_vec();
    for leaf in policy.leaves() {
        let mut codes = leaf.configured().weakened(matches!(leaf.authority(), Authority::Keyless(_)));
        if *leaf.claimed() == Claim::AnyStatement {
            codes.push(Code::AnyStatement);
        }
        weakened.extend(codes.into_iter().map(|code| Failure::new(code).at(leaf.authority().describe())));
    }
    dedup(&mut weakened);
    weakened.into()
}

fn dedup(failures: &mut Vec<Failure>) {
    if failures.len() < 2 {
        return;
    }
    let mut seen: Vec<Failure> = Vec::with_capacity(failures.len());
    for failure in failures.drain(..) {
        if !seen.contains(&failure) {
            seen.push(failure);
        }
    }
    *failures = seen;
}
