//! [`Listing`]: the tree itself, as text and as JSON.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use veriseal::code::bounded;
use veriseal::gather::{Attached, Candidate, CandidateKind, Evidence, LayoutState};
use veriseal::{Digest, Report};

/// Name and version of the JSON form.
const SCHEMA: &str = "veriseal.tree/v1";

/// What is attached to an image and its platforms.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing {
    schema: &'static str,
    image: String,
    digest: String,
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_repository: Option<String>,
    /// Whether everything could be looked at.
    complete: bool,
    subjects: Vec<Subject>,
}

/// The image, or a platform's manifest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    layouts: Vec<Kept>,
    /// Referrers of other kinds, such as SBOMs.
    other_referrers: usize,
    /// What could not be found out, and what else is worth knowing.
    notes: Vec<String>,
}

/// What one layout holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    layout: &'static str,
    state: &'static str,
    attached: Vec<Item>,
}

/// One signature or attestation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    kind: &'static str,
    /// `verified`, `not verified` or, where nobody was named who may sign, `not yet verified`.
    status: &'static str,
    /// Why it is not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Who signed, where that is known; without a verified signature it is a claim and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_type: Option<String>,
}

/// What a report says of the candidates of one subject and layout, in their order.
type Verdicts = BTreeMap<(String, String, String), Vec<Value>>;

impl Listing {
    /// The listing of what was gathered; `report` is about the same evidence.
    pub(super) fn new(evidence: &Evidence, report: Option<&Report>) -> Self {
        let image = evidence.subject().digest();
        let mut verdicts = report.map(|report| verdicts(report, image));
        let mut subjects = vec![subject(image, None, evidence.attached(), &mut verdicts)];
        for manifest in evidence.platforms().manifests() {
            let platform = manifest.descriptor().platform.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
            let mut one = subject(&manifest.descriptor().digest, Some(bounded(&platform)), manifest.attached(), &mut verdicts);
            one.notes.extend(manifest.listed().err().map(ToString::to_string));
            subjects.push(one);
        }
        if let Some(first) = subjects.first_mut() {
            first.notes.extend(evidence.platforms().failures().iter().map(ToString::to_string));
        }
        Self {
            schema: SCHEMA,
            image: evidence.reference().to_string(),
            digest: image.to_string(),
            media_type: bounded(&evidence.subject().media_type),
            signature_repository: evidence.signature_repository().map(ToString::to_string),
            complete: evidence.is_complete(),
            subjects,
        }
    }

    pub(super) fn to_json(&self) -> String {
        // Only strings, numbers and lists: nothing that serialising could refuse.
        serde_json::to_string_pretty(self).unwrap_or_else(|_| String::from("{}"))
    }

    pub(super) fn to_text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", self.image);
        if let Some(repository) = &self.signature_repository {
            let _ = writeln!(out, "signatures from {repository}");
        }
        let last = self.subjects.len().saturating_sub(1);
        for (index, subject) in self.subjects.iter().enumerate() {
            let (elbow, rest) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let what = subject.platform.as_deref().unwrap_or("what is named");
            let _ = writeln!(out, "{elbow}{} ({what})", subject.digest);
            subject.write(&mut out, rest);
        }
        out
    }
}

impl Subject {
    fn write(&self, out: &mut String, prefix: &str) {
        let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
        for kept in self.layouts.iter().filter(|kept| !kept.attached.is_empty()) {
            blocks.push((kept.layout.to_owned(), kept.attached.iter().map(Item::line).collect()));
        }
        if blocks.is_empty() {
            blocks.push(("nothing that is a signature or an attestation".to_owned(), Vec::new()));
        }
        if self.other_referrers > 0 {
            blocks.push((format!("{} referrers of other kinds", self.other_referrers), Vec::new()));
        }
        if !self.notes.is_empty() {
            blocks.push(("notes".to_owned(), self.notes.clone()));
        }
        let last = blocks.len().saturating_sub(1);
        for (index, (heading, lines)) in blocks.iter().enumerate() {
            let (elbow, rest) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let _ = writeln!(out, "{prefix}{elbow}{heading}");
            for (number, line) in lines.iter().enumerate() {
                let elbow = if number.saturating_add(1) == lines.len() { "└─ " } else { "├─ " };
                let _ = writeln!(out, "{prefix}{rest}{elbow}{line}");
            }
        }
    }
}

impl Item {
    fn line(&self) -> String {
        let digest = self.digest.as_deref().unwrap_or("no digest known");
        let mut line = format!("{} {digest}: {}", self.kind, self.status);
        for more in [&self.signer, &self.predicate_type, &self.reason].into_iter().flatten() {
            line.push_str(", ");
            line.push_str(more);
        }
        line
    }
}

fn subject(digest: &Digest, platform: Option<String>, attached: &Attached, verdicts: &mut Option<Verdicts>) -> Subject {
    let digest = digest.to_string();
    let layouts = attached.layouts().iter().map(|(layout, state)| {
        let of_layout = attached.candidates().iter().filter(|candidate| candidate.layout == *layout);
        let items = of_layout.map(|candidate| item(&digest, candidate, verdicts));
        Kept {
            layout: layout.name(),
            state: match state {
                LayoutState::Found => "found",
                LayoutState::NotFound => "not-found",
                _ => "unknown",
            },
            attached: items.collect(),
        }
    });
    let layouts = layouts.collect();
    let notes = attached.notes().iter().map(|note| match note.layout {
        Some(layout) => format!("{layout}: {}", note.failure),
        None => note.failure.to_string(),
    });
    Subject { layouts, platform, other_referrers: attached.ignored_referrers(), notes: notes.collect(), digest }
}

fn item(subject: &str, candidate: &Candidate, verdicts: &mut Option<Verdicts>) -> Item {
    let (kind, blob) = match &candidate.kind {
        CandidateKind::SimpleSigning { payload, .. } => ("simple signing", Some(payload.digest())),
        CandidateKind::Bundle { bundle, .. } => ("bundle", Some(bundle.digest())),
        CandidateKind::Attestation { envelope, .. } => ("attestation", Some(envelope.digest())),
        _ => ("unusable", candidate.manifest.as_ref().map(|manifest| manifest.digest())),
    };
    let digest = blob.map(ToString::to_string);
    let mut item = Item {
        digest: digest.clone().or_else(|| candidate.digest.map(|digest| digest.to_string())),
        kind,
        status: "not yet verified",
        reason: None,
        code: None,
        signer: None,
        predicate_type: None,
    };
    if let CandidateKind::Unusable(failure) = &candidate.kind {
        item.status = "not verified";
        (item.reason, item.code) = (Some(failure.to_string()), Some(failure.code().name().to_owned()));
    } else if let Some(verdicts) = verdicts {
        let key = (subject.to_owned(), candidate.layout.name().to_owned(), digest.unwrap_or_default());
        // One that the report does not name was beyond the number that is verified.
        let verdict = verdicts.get_mut(&key).filter(|list| !list.is_empty()).map(|list| list.remove(0));
        item.take(verdict.as_ref());
    }
    item
}

impl Item {
    fn take(&mut self, verdict: Option<&Value>) {
        let Some(verdict) = verdict else { return };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if verdict["accepted"] == true {
            self.status = "verified";
            let evaluations = verdict["evaluations"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(evaluation) = evaluations.iter().find(|evaluation| evaluation["accepted"] == true) {
                let signer = &evaluation["signer"];
                self.signer = text(&signer["subject"]).or_else(|| text(&signer["name"])).map(|name| format!("by {name}"));
                self.predicate_type = text(&evaluation["predicateType"]);
            }
        } else {
            self.status = "not verified";
            self.code = text(&verdict["reason"]["code"]);
            self.reason = text(&verdict["reason"]["message"]);
        }
    }
}

/// What the report says of each candidate.
fn verdicts(report: &Report, image: &Digest) -> Verdicts {
    let report: Value = serde_json::from_str(&report.to_json()).unwrap_or_default();
    let mut verdicts = Verdicts::new();
    for candidate in report["candidates"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let text = |field: &str| candidate[field].as_str().map(str::to_owned);
        let subject = text("subject").unwrap_or_else(|| image.to_string());
        let key = (subject, text("layout").unwrap_or_default(), text("digest").unwrap_or_default());
        verdicts.entry(key).or_default().push(candidate.clone());
    }
    verdicts
}
