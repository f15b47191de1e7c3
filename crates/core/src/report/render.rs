//! A report as a tree that a person reads at a glance: verdict, pinned reference, who, when, which checks, and for each
//! candidate that does not count the exact reason.

use super::account::{Report, Verdict};
use super::document::{
    BasisReport, CandidateReport, CheckReport, Document, EvaluationReport, HorizonReport, NodeReport, PlatformReport, Reason,
    SignerReport,
};
use std::fmt::Write as _;

/// How text is decorated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// No decoration.
    Plain,
    /// ANSI colours, for a terminal.
    Colour,
}

#[derive(Clone, Copy)]
enum Paint {
    Good,
    Bad,
    Unsure,
    Dim,
}

impl Style {
    fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Unsure => "33",
            Paint::Dim => "2",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// A line and what hangs below it.
struct Node {
    line: String,
    below: Vec<Node>,
}

impl Node {
    fn leaf(line: impl Into<String>) -> Self {
        Self { line: line.into(), below: Vec::new() }
    }

    fn branch(line: impl Into<String>, below: Vec<Self>) -> Self {
        Self { line: line.into(), below }
    }

    fn write(&self, out: &mut String, prefix: &str) {
        let last = self.below.len().saturating_sub(1);
        for (index, node) in self.below.iter().enumerate() {
            let (elbow, rest) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{prefix}{elbow}{}", node.line);
            node.write(out, &format!("{prefix}{rest}"));
        }
    }
}

impl Report {
    /// The report as a tree of text, ending in a newline.
    #[must_use]
    pub fn to_text(&self, style: Style) -> String {
        let mut out = String::new();
        self.document().headline(style).write_all(&mut out);
        out
    }
}

impl Document {
    fn headline(&self, style: Style) -> Node {
        let (word, paint) = match self.verdict {
            Verdict::Accepted => ("ACCEPTED", Paint::Good),
            Verdict::Rejected => ("REJECTED", Paint::Bad),
            Verdict::Undecided => ("UNDECIDED", Paint::Unsure),
        };
        let name = self.subject.pinned.as_deref().unwrap_or(&self.subject.asked);
        let mut below = Vec::new();
        if self.verdict != Verdict::Accepted {
            below.push(Node::branch(
                format!("why: {}", reason_text(&self.reason)),
                vec![Node::leaf(format!("what to do: {}", self.reason.code.action()))],
            ));
        }
        if let Some(BasisReport::Exception { reason, until }) = &self.basis {
            below.push(Node::leaf(
                style.paint(Paint::Unsure, &format!("by an exception until {until}, not by a signature: {reason}")),
            ));
        }
        if let Some(HorizonReport { from, reason }) = &self.horizon {
            below.push(Node::leaf(style.paint(Paint::Unsure, &format!("no longer from {from}: {}", reason.message))));
        }
        if self.subject.pinned.is_some() && self.subject.asked != name {
            below.push(Node::leaf(format!("asked for: {}", self.subject.asked)));
        } else if let Some(digest) = &self.subject.digest
            && !name.contains(digest.as_str())
        {
            below.push(Node::leaf(format!("digest: {digest}")));
        }
        if let Some(tag) = &self.subject.tag
            && tag.claimed
        {
            below.push(Node::leaf(format!("the file claims that tag {} pointed to {}", tag.tag, tag.digest)));
        }
        if let Some(repository) = &self.subject.signature_repository {
            below.push(Node::leaf(format!("signatures from: {repository}")));
        }
        if let Some(choice) = &self.subject.platform_choice {
            let platforms = self.subject.platforms.iter().map(|platform| platform_line(platform, style));
            below.push(Node::branch(format!("platforms: {choice}"), platforms.collect()));
        }
        for candidate in self.candidates.iter().filter(|candidate| candidate.accepted) {
            below.push(accepted_candidate(candidate, style));
        }
        if let Some(requirement) = &self.requirement
            && !requirement.children.is_empty()
        {
            below.push(Node::branch("requirement", vec![requirement_node(requirement, style)]));
        }
        let refused: Vec<_> = self
            .candidates
            .iter()
            .filter(|candidate| !candidate.accepted)
            .map(|candidate| refused_candidate(candidate, style))
            .collect();
        if !refused.is_empty() {
            let heading = if self.verdict == Verdict::Accepted { "did not count" } else { "looked at" };
            below.push(Node::branch(heading, refused));
        }
        let list = |heading: &str, reasons: Vec<String>| {
            (!reasons.is_empty()).then(|| Node::branch(heading, reasons.into_iter().map(Node::leaf).collect()))
        };
        let gathering = self.gathering.iter().map(|note| match note.layout {
            Some(layout) => format!("{layout}: {}", reason_text(&note.reason)),
            None => reason_text(&note.reason),
        });
        below.extend(list("gathering", gathering.collect()));
        below.extend(list(
            &style.paint(Paint::Unsure, "weaker than the default"),
            self.weakened.iter().map(reason_text).collect(),
        ));
        below.extend(list("notices", self.notices.iter().map(reason_text).collect()));
        let origin = &self.trust_root.origin;
        let published = origin
            .date
            .map(|date| format!(", published {}", date.to_string().split('T').next().unwrap_or_default()))
            .unwrap_or_default();
        below.push(Node::leaf(
            style.paint(Paint::Dim, &format!("trust root: {}{published}; verified at {}", origin.name, self.verification_time)),
        ));
        Node::branch(format!("{} {name}", style.paint(paint, word)), below)
    }
}

impl Node {
    fn write_all(&self, out: &mut String) {
        let _ = writeln!(out, "{}", self.line);
        self.write(out, "");
    }
}

fn platform_line(platform: &PlatformReport, style: Style) -> Node {
    let mark = if platform.accepted { style.paint(Paint::Good, "✓") } else { style.paint(Paint::Bad, "✗") };
    let name = platform.platform.as_deref().unwrap_or("no platform stated");
    let how = match (platform.signed, &platform.reason) {
        (_, Some(reason)) => format!(": {}", reason_text(reason)),
        (Some("manifest"), None) => ": its manifest is signed".to_owned(),
        (Some(_), None) => ": listed by the signed index".to_owned(),
        (None, None) => String::new(),
    };
    let via = platform.via.iter().map(|digest| Node::leaf(format!("by way of the index {digest}")));
    Node::branch(format!("{mark} {name} {}{how}", platform.digest), via.collect())
}

fn reason_text(reason: &Reason) -> String {
    reason.failure().to_string()
}

fn accepted_candidate(candidate: &CandidateReport, style: Style) -> Node {
    let mut below = Vec::new();
    for evaluation in candidate.evaluations.iter().filter(|evaluation| evaluation.accepted) {
        below.extend(evaluation_lines(evaluation, style));
    }
    let format = candidate.format.unwrap_or("unknown");
    let subject = candidate.subject.as_ref().map(|subject| format!(", of {subject}")).unwrap_or_default();
    Node::branch(format!("signature {} ({format}, {}{subject})", candidate.number, candidate.layout), below)
}

fn evaluation_lines(evaluation: &EvaluationReport, style: Style) -> Vec<Node> {
    let mut lines = Vec::new();
    if let Some(signer) = &evaluation.signer {
        lines.push(Node::leaf(format!("signed by: {}", signer_text(signer))));
    }
    match evaluation.times.as_slice() {
        [] => lines.push(Node::leaf("signed when: not known (no authenticated time)")),
        times => lines.extend(
            times
                .iter()
                .map(|time| Node::leaf(format!("signed when: {} ({} {})", time.at, source_kind(time.source_kind), time.source))),
        ),
    }
    for log in &evaluation.logs {
        lines.push(Node::leaf(format!("logged in: {} at index {}", log.log, log.index)));
    }
    if let Some(predicate) = &evaluation.predicate_type {
        lines.push(Node::leaf(format!("statement: {predicate}")));
    }
    lines.push(Node::branch("checks", evaluation.checks.iter().map(|check| check_line(check, style)).collect()));
    lines
}

fn source_kind(kind: &str) -> &str {
    if kind == "log" { "log" } else { "timestamp authority" }
}

fn signer_text(signer: &SignerReport) -> String {
    match signer {
        SignerReport::Key { id, name } if name.is_empty() => format!("key {id}"),
        SignerReport::Key { id, name } => format!("key {name} (SHA-256 {id})"),
        SignerReport::Certificate { subject, issuer: Some(issuer), .. } => format!("{subject}, vouched for by {issuer}"),
        SignerReport::Certificate { subject, .. } => subject.clone(),
    }
}

fn check_line(check: &CheckReport, style: Style) -> Node {
    let (mark, paint) = match check.outcome {
        "passed" => ("✓", Paint::Good),
        "failed" => ("✗", Paint::Bad),
        "ignored" => ("-", Paint::Unsure),
        _ => ("·", Paint::Unsure),
    };
    let mark = style.paint(paint, mark);
    let text = match (&check.reason, &check.detail) {
        (Some(reason), _) if check.outcome == "ignored" => format!("{}: left out ({})", check.rule, reason.code),
        (Some(reason), _) => format!("{}: {}", check.rule, reason_text(reason)),
        (None, Some(detail)) => format!("{}: {} ({detail})", check.rule, check.asks),
        (None, None) => format!("{}: {}", check.rule, check.asks),
    };
    Node::leaf(format!("{mark} {text}"))
}

fn refused_candidate(candidate: &CandidateReport, style: Style) -> Node {
    let format = candidate.format.map(|format| format!("{format}, ")).unwrap_or_default();
    let why = candidate.reason.as_ref().map_or_else(String::new, reason_text);
    let subject = candidate.subject.as_ref().map(|subject| format!(", of {subject}")).unwrap_or_default();
    let heading =
        format!("{} signature {} ({format}{}{subject}): {why}", style.paint(Paint::Bad, "✗"), candidate.number, candidate.layout);
    // With one authority the heading says it all; with several each has its own reason.
    let several = candidate.evaluations.len().saturating_add(candidate.left_out) > 1;
    let below = candidate.evaluations.iter().filter_map(|evaluation| {
        let signer = evaluation.signer.as_ref().map(|signer| format!("signed by: {}", signer_text(signer)));
        match (&evaluation.reason, several) {
            (Some(reason), true) => Some(Node::branch(
                format!("{}: {}", evaluation.authority, reason_text(reason)),
                signer.map(Node::leaf).into_iter().collect(),
            )),
            _ => signer.map(Node::leaf),
        }
    });
    Node::branch(heading, below.collect())
}

fn requirement_node(node: &NodeReport, style: Style) -> Node {
    let mark = if node.satisfied { style.paint(Paint::Good, "✓") } else { style.paint(Paint::Bad, "✗") };
    let by = if node.by.is_empty() {
        String::new()
    } else {
        format!(" (signature {})", node.by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    };
    let why = node.reason.as_ref().map(|reason| format!(": {}", reason_text(reason))).unwrap_or_default();
    Node::branch(
        format!("{mark} {}{by}{why}", node.asks),
        node.children.iter().map(|child| requirement_node(child, style)).collect(),
    )
}
