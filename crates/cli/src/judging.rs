//! What `verify` and `judge` have in common: the verifier, the time, and how a report is printed.

use crate::arguments::{JudgingArguments, Output, PlatformArguments, Sct, SignatureArguments, Tlog};
use crate::console::Console;
use crate::exit::Exit;
use crate::{authority, clock, trust};
use veriseal::{
    Accepted, Claim, Code, Failure, NotAccepted, PlatformChoice, Policy, Reference, Repository, Requirement, SctMode, Settings,
    SignatureRequirement, TlogMode, UnixTime, Verifier,
};

/// cosign's short names of predicate types, from its `--type`.
const PREDICATE_TYPES: &[(&str, &str)] = &[
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("openvex", "https://openvex.dev/ns"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
];

/// A verifier and the moment as of which it judges.
pub(crate) struct Judging {
    pub(crate) verifier: Verifier,
    pub(crate) now: UnixTime,
}

impl Judging {
    /// Makes both from the command line. The error is one sentence for the user.
    pub(crate) fn prepare(arguments: &JudgingArguments) -> Result<Self, String> {
        let claim = claim(arguments.attestation.as_deref())?;
        let mut of: Vec<Requirement> = authority::authorities(&arguments.authority)?
            .into_iter()
            .map(|authority| {
                let leaf = SignatureRequirement::new(authority).settings(settings(arguments)).claim(claim.clone());
                Requirement::signature(leaf)
            })
            .collect();
        let requirement = if of.len() == 1 { of.remove(0) } else { Requirement::Any(of) };
        let policy = Policy::new(requirement).map_err(|failure| failure.to_string())?;
        let root = trust::load(&arguments.trusted_root, "--trusted-root")?;
        let verifier = Verifier::new(root, policy).with_platforms(platforms(&arguments.platform)?);
        let (now, given) = moment(arguments.verification_time.as_deref())?;
        let verifier = given.into_iter().fold(verifier, Verifier::declare_weakened);
        Ok(Self { verifier, now })
    }
}

/// The platforms that `--platform` names; what the reference names itself where there is none.
pub(crate) fn platforms(arguments: &PlatformArguments) -> Result<PlatformChoice, String> {
    if arguments.platform.is_empty() {
        return Ok(PlatformChoice::index());
    }
    let choice = PlatformChoice::from_words(arguments.platform.iter().map(String::as_str));
    choice.map_err(|failure| format!("--platform: {failure}"))
}

/// The repository that `--signature-repository` names.
pub(crate) fn signature_repository(arguments: &SignatureArguments) -> Result<Option<Repository>, String> {
    let Some(text) = &arguments.signature_repository else { return Ok(None) };
    let invalid = |why: &dyn std::fmt::Display| format!("--signature-repository {}: {why}", veriseal::code::bounded(text));
    // A layout is named as images in layouts are.
    if text.starts_with("oci:") {
        let reference = Reference::parse_source(text).map_err(|failure| invalid(&failure))?;
        return match (reference.tag(), reference.digest()) {
            (None, None) => Ok(Some(reference.repository().clone())),
            _ => Err(invalid(&"it names a tag or digest: name the layout alone")),
        };
    }
    text.parse().map(Some).map_err(|failure: Failure| invalid(&failure))
}

/// The moment as of which is judged and, where it was given and not read from a clock, what the report says about that.
pub(crate) fn moment(given: Option<&str>) -> Result<(UnixTime, Option<Failure>), String> {
    let Some(text) = given else { return Ok((clock::now(), None)) };
    let now = UnixTime::parse_rfc3339(text).map_err(|failure| format!("--verification-time: {failure}"))?;
    Ok((now, Some(Failure::new(Code::TimeGiven).found(now).at("--verification-time"))))
}

fn settings(arguments: &JudgingArguments) -> Settings {
    Settings {
        tlog: match arguments.tlog {
            Tlog::Required => TlogMode::Required,
            Tlog::IfPresent => TlogMode::IfPresent,
            Tlog::Ignored => TlogMode::Ignored,
        },
        sct: match arguments.sct {
            Sct::Required => SctMode::Required,
            Sct::Ignored => SctMode::Ignored,
        },
        timestamps: arguments.timestamps,
        ..Settings::default()
    }
}

fn claim(attestation: Option<&str>) -> Result<Claim, String> {
    let Some(name) = attestation else { return Ok(Claim::Signed) };
    let known = PREDICATE_TYPES.iter().find(|(short, _)| *short == name).map(|(_, uri)| *uri);
    // A word without a scheme is a misspelt short name far more often than a predicate type.
    let uri = known.or_else(|| name.contains(':').then_some(name));
    uri.map(|uri| Claim::Attestation { predicate_type: uri.to_owned() }).ok_or_else(|| {
        let names: Vec<_> = PREDICATE_TYPES.iter().map(|(short, _)| *short).collect();
        format!("--attestation {}: neither a URI nor one of {}", veriseal::code::bounded(name), names.join(", "))
    })
}

/// Prints reports in the form that was asked for.
pub(crate) struct Printer {
    output: Output,
    /// Whether several reports are expected: then JSON documents take one line each.
    several: bool,
    printed: bool,
}

impl Printer {
    pub(crate) fn new(output: Output, reports: usize) -> Self {
        Self { output, several: reports > 1, printed: false }
    }

    /// Prints the report of an outcome and says what it means for the process.
    pub(crate) fn print(&mut self, outcome: &Result<Accepted, NotAccepted>, console: &mut Console) -> Exit {
        let report = match outcome {
            Ok(accepted) => accepted.report(),
            Err(not_accepted) => not_accepted.report(),
        };
        match self.output {
            Output::Json if self.several => console.print(report.to_json() + "\n"),
            Output::Json => console.print(report.to_json_pretty() + "\n"),
            Output::Text => {
                let gap = if self.printed { "\n" } else { "" };
                let text = report.to_text(console.style());
                console.print(format_args!("{gap}{text}"));
            }
        }
        self.printed = true;
        // Only what the library gave as `Accepted` is answered with 0, whatever the report's words are.
        match outcome {
            Ok(_) => Exit::Accepted,
            Err(_) => Exit::of_report(report).max(Exit::Undecided),
        }
    }
}
