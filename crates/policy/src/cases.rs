//! [`Cases`]: what a policy should say about saved evidence, so that a change of it is tried before it is deployed.

use crate::error::{LoadError, Position};
use crate::fields::{Fields, list, text, word};
use crate::load::{Format, document};
use crate::node::Node;
use crate::policy_file::PolicyFile;
use serde::{Serialize, Serializer};
use std::fmt::Write as _;
use veriseal::code::bounded;
use veriseal::gather::Evidence;
use veriseal::{Accepted, Code, Failure, NotAccepted, Reference, UnixTime, Verdict};

/// Most cases of a file.
const MAX_CASES: usize = 1000;

/// Cases for one policy.
#[derive(Clone, Debug)]
pub struct Cases {
    policy: String,
    cases: Vec<Case>,
}

/// One image, its evidence, the time, and what should come of it.
#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    at: Position,
    image: Reference,
    evidence: Option<String>,
    time: UnixTime,
    expect: Verdict,
    code: Option<Code>,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseResult {
    /// Name of the case.
    pub name: String,
    /// Where it stands.
    #[serde(serialize_with = "shown")]
    pub position: Position,
    /// Whether it came as expected.
    pub passed: bool,
    /// Verdict and code that were expected.
    pub expected: String,
    /// Verdict and code that came.
    pub found: String,
}

fn shown<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(position)
}

impl CaseResult {
    /// The result as JSON, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Cases {
    /// Reads a file of cases:
    ///
    /// ```yaml
    /// apiVersion: veriseal.test/v1
    /// policy: policy.yaml
    /// cases:
    ///   - name: a release is let in
    ///     image: ghcr.io/acme/app@sha256:…
    ///     evidence: evidence/app.tar        # what verify --evidence-out saved; none for images without a rule
    ///     time: 2026-11-21T00:00:00Z
    ///     expect: accepted                  # or rejected, undecided
    ///     code: ACCEPTED                    # optional
    /// ```
    ///
    /// # Errors
    /// [`LoadError`] as for a policy.
    pub fn parse(bytes: &[u8], format: Format, name: &str) -> Result<Self, LoadError> {
        let read = || {
            let node = document(bytes, format)?;
            let fields = Fields::of(&node, "cases", "")?;
            let version = fields.need("apiVersion")?;
            if text(version, "apiVersion")? != "veriseal.test/v1" {
                return Err(LoadError::invalid(version.at, "apiVersion", "veriseal.test/v1", version.value.describe()));
            }
            let policy = text(fields.need("policy")?, "policy")?.to_owned();
            let items = list(fields.need("cases")?, "cases")?;
            if items.len() > MAX_CASES {
                return Err(LoadError::invalid(node.at, "cases", format!("at most {MAX_CASES}"), items.len()));
            }
            let cases = items.iter().enumerate().map(|(index, item)| case(item, &format!("cases[{index}]")));
            Ok(Self { policy, cases: cases.collect::<Result<_, _>>()? })
        };
        read().map_err(|error: LoadError| error.of_file(name))
    }

    /// Path of the policy, relative to the file of cases.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Judges every case. `open` gives the evidence at a path as it is written.
    ///
    /// # Errors
    /// What `open` answered for evidence that cannot be read: a case that is not tried is not passed over.
    pub fn run(
        &self,
        policy: &PolicyFile,
        open: &mut dyn FnMut(&str) -> Result<Evidence, Failure>,
    ) -> Result<Vec<CaseResult>, Failure> {
        self.cases.iter().map(|case| case.run(policy, open)).collect()
    }
}

impl Case {
    fn run(&self, policy: &PolicyFile, open: &mut dyn FnMut(&str) -> Result<Evidence, Failure>) -> Result<CaseResult, Failure> {
        let outcome = match (policy.verifier_for(&self.image), &self.evidence, self.image.digest()) {
            (Err(failure), _, _) => Err(policy.refuse(&self.image, failure, self.time)),
            (Ok(_), Some(path), Some(digest)) => policy.judge(self.image.repository(), digest, &open(path)?, self.time),
            (Ok(_), _, _) => {
                return Err(Failure::new(Code::EvidenceInvalid)
                    .expected("evidence and a digest, since a rule asks for signatures")
                    .at(&self.name));
            }
        };
        let (verdict, code) = said(&outcome);
        let passed = verdict == self.expect && self.code.is_none_or(|expected| expected == code);
        let expected = match self.code {
            Some(code) => format!("{} {code}", self.expect.name()),
            None => self.expect.name().to_owned(),
        };
        let found = format!("{} {code}", verdict.name());
        Ok(CaseResult { name: self.name.clone(), position: self.at, passed, expected, found })
    }
}

fn said(outcome: &Result<Accepted, NotAccepted>) -> (Verdict, Code) {
    match outcome {
        Ok(accepted) => (Verdict::Accepted, accepted.report().code()),
        Err(NotAccepted::Undecided(report)) => (Verdict::Undecided, report.code()),
        Err(not_accepted) => (Verdict::Rejected, not_accepted.code()),
    }
}

fn case(node: &Node, path: &str) -> Result<Case, LoadError> {
    let fields = Fields::of(node, "case", path)?;
    let refused = |node: &Node, name: &str, failure: &Failure| LoadError::refused(node.at, &fields.path_of(name), failure);
    let name = text(fields.need("name")?, &fields.path_of("name"))?;
    let image_node = fields.need("image")?;
    let image = Reference::parse_source(text(image_node, &fields.path_of("image"))?);
    let image = image.map_err(|failure| refused(image_node, "image", &failure))?;
    let evidence = fields.get("evidence")?.map(|node| text(node, &fields.path_of("evidence"))).transpose()?;
    let time_node = fields.need("time")?;
    let time = UnixTime::parse_rfc3339(text(time_node, &fields.path_of("time"))?);
    let time = time.map_err(|failure| refused(time_node, "time", &failure))?;
    let verdicts = [("accepted", Verdict::Accepted), ("rejected", Verdict::Rejected), ("undecided", Verdict::Undecided)];
    let expect = word(fields.need("expect")?, &fields.path_of("expect"), &verdicts)?;
    let code = match fields.get("code")? {
        Some(node) => {
            let written = text(node, &fields.path_of("code"))?;
            let known = Code::ALL.iter().find(|code| code.name() == written).copied();
            let unknown = || LoadError::invalid(node.at, &fields.path_of("code"), "the name of a code", written);
            Some(known.ok_or_else(unknown)?)
        }
        None => None,
    };
    Ok(Case { name: bounded(name), at: fields.at, image, evidence: evidence.map(str::to_owned), time, expect, code })
}

/// The results for a person: a line each, and how many failed.
#[must_use]
pub fn results_text(results: &[CaseResult]) -> String {
    let mut out = String::new();
    for CaseResult { name, position, passed, expected, found } in results {
        let _ = match passed {
            true => writeln!(out, "ok      {name}"),
            false => writeln!(out, "FAILED  {name} (line {}): expected {expected}, found {found}", position.line),
        };
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    let _ = writeln!(out, "{} cases, {failed} failed", results.len());
    out
}
