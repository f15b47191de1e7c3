//! [`Document`]: the form in which an account is shown, made only when somebody asks to see it.

use super::account::{Account, CandidateAccount, Headline, SubjectAccount, Verdict};
use crate::check::candidate::Evaluation;
use crate::check::{Check, Outcome};
use crate::code::{Code, Failure};
use crate::encoding::hex;
use crate::policy::{Basis, LogFact, NodeOutcome, Requirement, SignatureRequirement, Signer, TimeSource, VerifiedSignature};
use crate::time::UnixTime;
use crate::trust::{TrustRoot, TrustRootOrigin};
use serde::Serialize;
use std::collections::BTreeMap;

/// Name and version of the JSON form. A new version comes only with a change that old readers would misread.
const SCHEMA: &str = "veriseal.report/v1";

/// A code with its meaning and the data that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reason {
    pub(crate) code: Code,
    pub(crate) message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    #[serde(skip)]
    failure: Failure,
}

impl Reason {
    pub(crate) fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl From<&Failure> for Reason {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code(),
            message: failure.code().meaning(),
            expected: failure.expected_text().map(str::to_owned),
            found: failure.found_text().map(str::to_owned),
            at: failure.at_text().map(str::to_owned),
            failure: failure.clone(),
        }
    }
}

/// The image or blob that was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubjectReport {
    pub(crate) asked: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    /// The reference to deploy; only where the verdict is `accepted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pinned: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<TagReport>,
    /// The digests that the counting signatures are about; only where the verdict is `accepted`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) signed: Vec<String>,
    /// Where signatures were looked for, where that is not `repository`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signature_repository: Option<String>,
    /// The platforms asked for, where it was not what the reference names itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform_choice: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) platforms: Vec<PlatformReport>,
}

/// The manifest of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlatformReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    pub(crate) digest: String,
    /// Nested indexes on the way to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) via: Vec<String>,
    /// Whether the requirement holds for it.
    pub(crate) accepted: bool,
    /// `manifest` where its own signatures suffice, `index` where those of the index are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<&'static str>,
    /// Why the manifest could not be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
}

/// What a tag pointed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagReport {
    pub(crate) tag: String,
    pub(crate) digest: String,
    /// Whether this is only the claim of a saved evidence file.
    pub(crate) claimed: bool,
}

/// Where the evidence came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EvidenceReport {
    /// `gathered`, `loaded` or `given`.
    pub(crate) origin: &'static str,
    /// Whether everything that was listed was looked at; a claim where the evidence was loaded.
    pub(crate) complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustReport {
    #[serde(flatten)]
    pub(crate) origin: TrustRootOrigin,
    pub(crate) fingerprint: String,
}

impl From<&TrustRoot> for TrustReport {
    fn from(trust: &TrustRoot) -> Self {
        Self { origin: trust.origin().clone(), fingerprint: hex::encode(trust.fingerprint()) }
    }
}

/// On what an acceptance rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(crate) enum BasisReport {
    Requirement,
    #[serde(rename_all = "camelCase")]
    Exception {
        reason: String,
        until: UnixTime,
    },
}

impl From<&Basis> for BasisReport {
    fn from(basis: &Basis) -> Self {
        match basis {
            Basis::Requirement => Self::Requirement,
            Basis::Exception { reason, until } => Self::Exception { reason: crate::code::bounded(reason), until: *until },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeReport {
    pub(crate) asks: String,
    pub(crate) satisfied: bool,
    /// Numbers of the candidates that satisfy it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) by: Vec<usize>,
    /// Why those that satisfy it by themselves do not suffice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<NodeReport>,
}

impl NodeReport {
    fn new(requirement: &Requirement, node: &NodeOutcome) -> Self {
        Self {
            asks: crate::code::bounded(&requirement.asks()),
            satisfied: node.satisfied,
            by: node.by.to_vec(),
            reason: node.reason.as_ref().map(Reason::from),
            children: requirement.children().iter().zip(&node.children).map(|(child, node)| Self::new(child, node)).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(crate) enum SignerReport {
    #[serde(rename_all = "camelCase")]
    Key { id: String, name: String },
    #[serde(rename_all = "camelCase")]
    Certificate {
        subject: String,
        subject_kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
        fingerprint: String,
        authority: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        chain: Vec<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        extensions: BTreeMap<String, String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        subject_dn: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        policy_oids: Vec<String>,
    },
}

impl From<&Signer> for SignerReport {
    fn from(signer: &Signer) -> Self {
        let bounded = crate::code::bounded;
        match signer {
            Signer::Key { id, name } => Self::Key { id: hex::encode(id), name: bounded(name) },
            Signer::Certificate { subject, extensions, fingerprint, authority, chain, distinguished_name, policies } => {
                Self::Certificate {
                    subject: bounded(subject.value()),
                    subject_kind: subject.kind(),
                    issuer: extensions.issuer().map(bounded),
                    fingerprint: hex::encode(fingerprint),
                    authority: bounded(authority),
                    chain: chain.iter().map(|print| hex::encode(print)).collect(),
                    extensions: crate::x509::FulcioExtensions::NAMES
                        .iter()
                        .filter_map(|name| extensions.get(name).map(|value| ((*name).to_owned(), bounded(value))))
                        .collect(),
                    subject_dn: (!distinguished_name.is_empty()).then(|| bounded(&distinguished_name.to_string())),
                    policy_oids: policies.clone(),
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimeReport {
    pub(crate) at: UnixTime,
    pub(crate) source: String,
    pub(crate) source_kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogReport {
    pub(crate) log: String,
    pub(crate) index: u64,
    pub(crate) witnesses: usize,
}

impl From<&LogFact> for LogReport {
    fn from(fact: &LogFact) -> Self {
        Self { log: crate::code::bounded(fact.log()), index: fact.index(), witnesses: fact.witnesses() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckReport {
    pub(crate) rule: &'static str,
    pub(crate) asks: &'static str,
    pub(crate) source: &'static str,
    /// `passed`, `failed`, `notCounted` or `ignored`.
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
}

impl From<&Check> for CheckReport {
    fn from(check: &Check) -> Self {
        let (outcome, detail, reason) = match &check.outcome {
            Outcome::Passed(detail) => {
                ("passed", Some(crate::code::bounded(&detail.to_string())).filter(|text| !text.is_empty()), None)
            }
            Outcome::Failed(failure) => ("failed", None, Some(Reason::from(failure))),
            Outcome::NotCounted(failure) => ("notCounted", None, Some(Reason::from(failure))),
            Outcome::Ignored(code) => ("ignored", None, Some(Reason::from(&Failure::new(*code)))),
        };
        Self { rule: check.rule.name(), asks: check.rule.asks(), source: check.rule.source(), outcome, detail, reason }
    }
}

/// One candidate held against one authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EvaluationReport {
    pub(crate) authority: String,
    /// The trust root of this authority, where it is not the verifier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trust_root: Option<TrustReport>,
    pub(crate) accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<SignerReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predicate_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docker_reference: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) times: Vec<TimeReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) logs: Vec<LogReport>,
    /// The clauses of the policy that were evaluated and hold: where it counts, all that are configured (INV-4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) clauses: Vec<String>,
    pub(crate) checks: Vec<CheckReport>,
}

impl EvaluationReport {
    fn new(leaf: &SignatureRequirement, evaluation: &Evaluation) -> Self {
        let bounded = crate::code::bounded;
        let verified = evaluation.result.as_deref().ok();
        Self {
            authority: bounded(&leaf.authority().describe()),
            trust_root: leaf.trust_root().map(|trust| (&**trust).into()),
            accepted: verified.is_some(),
            signer: evaluation.signer.as_deref().map(SignerReport::from),
            reason: evaluation.result.as_ref().err().map(Reason::from),
            digest: verified.map(|verified| verified.digest().to_string()),
            predicate_type: verified.and_then(VerifiedSignature::statement).map(|statement| bounded(&statement.predicate_type)),
            docker_reference: verified.and_then(VerifiedSignature::docker_reference).map(bounded),
            times: verified.map(|verified| verified.times().iter().map(time_report).collect()).unwrap_or_default(),
            logs: verified.map(|verified| verified.logs().iter().map(LogReport::from).collect()).unwrap_or_default(),
            clauses: verified
                .map(|verified| verified.evaluated.iter().map(|clause| bounded(clause)).collect())
                .unwrap_or_default(),
            checks: evaluation.checks.iter().map(CheckReport::from).collect(),
        }
    }
}

fn time_report(time: &crate::policy::AuthenticatedTime) -> TimeReport {
    let (source_kind, source) = match time.source() {
        TimeSource::Log(name) => ("log", name),
        TimeSource::TimestampAuthority(name) => ("timestampAuthority", name),
    };
    TimeReport { at: time.at(), source: crate::code::bounded(source), source_kind }
}

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CandidateReport {
    pub(crate) number: usize,
    pub(crate) layout: &'static str,
    /// What it is attached to, where that may be the index or a platform's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<&'static str>,
    pub(crate) accepted: bool,
    /// Why it does not count, where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    pub(crate) evaluations: Vec<EvaluationReport>,
    /// Refusals that are not told, since the report tells enough of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) left_out: usize,
}

impl CandidateReport {
    fn new(number: usize, candidate: &CandidateAccount, leaves: &[SignatureRequirement]) -> Self {
        Self {
            number,
            layout: candidate.layout,
            subject: candidate.subject.as_ref().map(ToString::to_string),
            digest: candidate.digest.as_ref().map(ToString::to_string),
            format: candidate.format,
            accepted: candidate.reason.is_none(),
            reason: candidate.reason.as_ref().map(Into::into),
            evaluations: candidate
                .evaluations
                .iter()
                .filter_map(|(leaf, evaluation)| Some(EvaluationReport::new(leaves.get(*leaf)?, evaluation)))
                .collect(),
            left_out: candidate.left_out,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GatheringReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layout: Option<&'static str>,
    #[serde(flatten)]
    pub(crate) reason: Reason,
}

/// When the verdict changes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HorizonReport {
    /// The first second at which it is another.
    pub(crate) from: UnixTime,
    pub(crate) reason: Reason,
}

/// The account in the form in which it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    schema: &'static str,
    version: &'static str,
    pub(super) verdict: Verdict,
    #[serde(flatten)]
    pub(super) reason: Reason,
    action: &'static str,
    pub(super) subject: SubjectReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<EvidenceReport>,
    pub(super) verification_time: UnixTime,
    pub(super) trust_root: TrustReport,
    policy_fingerprint: String,
    /// On what the acceptance rests; only where the verdict is `accepted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) basis: Option<BasisReport>,
    /// When the acceptance ends though nothing changes but the time; none where it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) horizon: Option<HorizonReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requirement: Option<NodeReport>,
    pub(super) candidates: Vec<CandidateReport>,
    /// What is weaker than the default.
    pub(super) weakened: Vec<Reason>,
    pub(super) notices: Vec<Reason>,
    /// What could not be gathered.
    pub(super) gathering: Vec<GatheringReport>,
}

impl Document {
    pub(super) fn new(account: &Account, time: UnixTime) -> Self {
        let reasons = |failures: &[Failure]| failures.iter().map(Reason::from).collect();
        let Headline { verdict, failure } = &account.headline;
        let leaves = account.policy.leaves();
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            verdict: *verdict,
            reason: Reason::from(failure),
            action: failure.code().action(),
            subject: match &account.subject {
                SubjectAccount::Image(subject) => subject.clone(),
                SubjectAccount::Blob(digest) => {
                    let digest = digest.map(|digest| digest.to_string());
                    SubjectReport { asked: digest.clone().unwrap_or_default(), digest, ..SubjectReport::default() }
                }
            },
            evidence: account.evidence.clone(),
            verification_time: time,
            trust_root: (&*account.trust).into(),
            policy_fingerprint: hex::encode(account.policy.fingerprint()),
            basis: account.basis.as_ref().map(BasisReport::from),
            horizon: account.horizon.as_ref().map(|(from, why)| HorizonReport { from: *from, reason: Reason::from(why) }),
            requirement: account.requirement.as_ref().map(|node| NodeReport::new(account.policy.requirement(), node)),
            candidates: account
                .candidates
                .iter()
                .enumerate()
                .map(|(index, candidate)| CandidateReport::new(index.saturating_add(1), candidate, leaves))
                .collect(),
            weakened: account.all_weakened().map(Reason::from).collect(),
            notices: reasons(&account.notices),
            gathering: account
                .gathering
                .iter()
                .map(|(layout, failure)| GatheringReport { layout: *layout, reason: Reason::from(failure) })
                .collect(),
        }
    }
}
