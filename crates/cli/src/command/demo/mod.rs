//! `veriseal demo`: what verification answers for good and bad images, over HTTP from a registry inside the process.

mod images;

use crate::console::Console;
use crate::exit::Exit;
use images::{Images, Trusted};
use veriseal::policy::Signer;
use veriseal::report::Style;
use veriseal::{
    Accepted, Authority, Code, Failure, Identity, KeyAuthority, KeylessAuthority, NotAccepted, Policy, PublicKey, Reference,
    Report, Requirement, StringMatch, TrustRoot, Verdict, Verifier,
};
use veriseal_registry::Registry;

const OWN_IMAGE: &str = "\
For your own image:

  signed with a key           veriseal verify --key cosign.pub IMAGE
  signed by a workflow        veriseal verify --certificate-identity WORKFLOW --certificate-oidc-issuer ISSUER IMAGE
  … on GitHub, WORKFLOW is    https://github.com/ORG/REPO/.github/workflows/FILE.yml@refs/heads/main
  … and ISSUER                https://token.actions.githubusercontent.com
  signed without a log        add --tlog ignored
  now gather, judge offline   veriseal verify … --evidence-out image.tar IMAGE
                              veriseal judge … --image REPOSITORY@DIGEST image.tar
  what a code means           veriseal codes SIGNED_OTHER_DIGEST
";

/// Verifies the images of the demo. Also a self-test: an answer that is not the expected one is told, and ends with 1.
pub(crate) fn run(console: &mut Console) -> Exit {
    match show(console) {
        Ok(exit) => exit,
        Err(failure) => {
            console.note(failure);
            Exit::Undecided
        }
    }
}

fn show(console: &mut Console) -> Result<Exit, Failure> {
    let images = Images::build();
    let origin = veriseal::trust::TrustRootOrigin { name: "demo".to_owned(), ..Default::default() };
    let trust = std::sync::Arc::new(TrustRoot::from_json(&images.trusted_root, origin)?);
    let by_key = Verifier::new(trust.clone(), policy(&images, Trusted::Key)?);
    let by_identity = Verifier::new(trust, policy(&images, Trusted::Identity)?);
    let registry = Registry::builder().allow_http(&images.host()).build()?;
    console.print(format_args!(
        "A registry at {} inside this process, with images signed by a Sigstore that exists only in memory.\n\
         Nothing leaves this machine. The clock of the demo stands still at {}.\n\n\
         trusted key       {}\n\
         trusted identity  {}\n                  \
         vouched for by {}\n\n",
        images.host(),
        images.now,
        images::KEY,
        images.identity,
        images.issuer,
    ));
    let mut exit = Exit::Accepted;
    for case in &images.cases {
        let verifier = match case.trusted {
            Trusted::Key => &by_key,
            Trusted::Identity => &by_identity,
        };
        let reference: Reference = images.reference(case).parse()?;
        let outcome = verifier.verify(&reference, &registry.call(), images.now);
        let report = match &outcome {
            Ok(accepted) => accepted.report(),
            Err(not_accepted) => not_accepted.report(),
        };
        let verdict = format!("{:<9}", report.verdict().name().to_uppercase());
        console.print(format_args!(
            "{}  {:<30} {}\n           {}\n",
            paint(&verdict, report.verdict(), console.style()),
            case.shown(),
            case.story,
            why(&outcome),
        ));
        if report.code() != case.expected {
            console.note(format_args!("{}: expected {}, found {}", case.image, case.expected, report.code()));
            exit = Exit::Rejected;
        }
    }
    console.print(format_args!("\n{OWN_IMAGE}"));
    Ok(exit)
}

fn policy(images: &Images, trusted: Trusted) -> Result<Policy, Failure> {
    let authority = match trusted {
        Trusted::Key => Authority::Key(KeyAuthority::new(PublicKey::from_pem(images.key_pem.as_bytes())?, images::KEY)),
        Trusted::Identity => {
            let exact = |text: &str| StringMatch::Exact(text.to_owned());
            let identity = Identity::new(exact(&images.identity), exact(&images.issuer))?;
            Authority::Keyless(KeylessAuthority::new(vec![identity])?)
        }
    };
    Policy::new(Requirement::signed_by(authority))
}

/// The reason in a line: by whom and when, or the code that says most; and what else is worth knowing.
fn why(outcome: &Result<Accepted, NotAccepted>) -> String {
    let (mut text, report) = match outcome {
        Ok(accepted) => (signed_by(accepted), accepted.report()),
        Err(not_accepted) => (refused(not_accepted.report()), not_accepted.report()),
    };
    for notice in report.notice_codes() {
        text.push_str(&format!("\n           notice {}: {}", notice.name(), notice.meaning()));
    }
    text
}

fn signed_by(accepted: &Accepted) -> String {
    let Some(signature) = accepted.signatures().first() else { return String::new() };
    let signer = match signature.signer() {
        Signer::Key { name, .. } => format!("the key {name}"),
        Signer::Certificate { .. } => "the identity".to_owned(),
        _ => "another signer".to_owned(),
    };
    let when = signature.times().first().map(|time| format!(" at {}", time.at())).unwrap_or_default();
    let log = signature.logs().first().map(|log| format!(", entry {} of the log", log.index())).unwrap_or_default();
    format!("signed by {signer}{when}{log}")
}

fn refused(report: &Report) -> String {
    let code = report.code();
    match report.candidate_codes().first().filter(|_| code == Code::NoMatchingSignature) {
        Some(of_candidate) => format!("{}, since {}: {}", code.name(), of_candidate.name(), of_candidate.meaning()),
        None => format!("{}: {}", code.name(), code.meaning()),
    }
}

fn paint(text: &str, verdict: Verdict, style: Style) -> String {
    let colour = match verdict {
        Verdict::Accepted => 32,
        Verdict::Rejected => 31,
        _ => 33,
    };
    if style == Style::Colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
}
