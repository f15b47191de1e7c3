//! `veriseal verify`: images in registries and layouts, one after the other.

use crate::arguments::VerifyArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::judging::{Judging, Printer, signature_repository};
use crate::source::{Failed, Sources};
use std::path::Path;
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Accepted, Failure, NotAccepted, Reference};

/// Verifies every image that is named; of their answers the worst is the process's.
pub(crate) fn run(arguments: &VerifyArguments, console: &mut Console) -> Exit {
    if !arguments.judging.policy.is_empty() {
        return super::policy_verdict::verify(arguments, console);
    }
    let prepared = Judging::prepare(&arguments.judging)
        .and_then(|judging| signature_repository(&arguments.signatures).map(|signatures| (judging, signatures)));
    let (mut judging, signatures) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return usage(&why, console),
    };
    if let Some(repository) = &signatures {
        judging.verifier = judging.verifier.with_signature_repository(repository.clone());
    }
    if arguments.evidence_out.is_some() && arguments.images.len() > 1 {
        return usage("--evidence-out takes the evidence of one image, and several are named", console);
    }
    let references: Vec<_> = arguments.images.iter().map(|image| Reference::parse_source(image)).collect();
    let sources = match Sources::prepare(references.iter().flatten(), signatures.as_ref(), &arguments.registry, console) {
        Ok(sources) => sources,
        Err(Failed::Option(why)) => return usage(&why, console),
        Err(Failed::Registry(failure)) => {
            console.note(&failure);
            return Exit::of_code(failure.code());
        }
    };
    let mut printer = Printer::new(arguments.judging.output, references.len());
    let answers = references.into_iter().zip(&arguments.images).map(|(reference, image)| {
        let opened =
            reference.and_then(|reference| sources.open(&reference, signatures.as_ref()).map(|fetch| (reference, fetch)));
        match opened {
            Ok((reference, fetch)) => {
                let (outcome, saved) = verify(&judging, &reference, fetch.as_ref(), arguments.evidence_out.as_deref());
                let exit = printer.print(&outcome, console);
                match saved {
                    Ok(()) => exit,
                    Err(failure) => exit.max(refused(image, &failure, console)),
                }
            }
            Err(failure) => refused(image, &failure, console),
        }
    });
    // No answer at all would be no verification.
    answers.max().unwrap_or(Exit::Usage)
}

fn usage(why: &str, console: &mut Console) -> Exit {
    console.note(why);
    Exit::Usage
}

fn refused(image: &str, failure: &Failure, console: &mut Console) -> Exit {
    console.note(format_args!("{}: {failure}", veriseal::code::bounded(image)));
    Exit::of_code(failure.code())
}

type Outcome = Result<Accepted, NotAccepted>;

/// Verifies one image and, where asked to, saves what was gathered for it, whatever the verdict.
fn verify(
    judging: &Judging,
    reference: &Reference,
    fetch: &dyn Fetch,
    evidence_out: Option<&Path>,
) -> (Outcome, Result<(), Failure>) {
    let Judging { verifier, now } = judging;
    let Some(path) = evidence_out else { return (verifier.verify(reference, fetch, *now), Ok(())) };
    match verifier.gather(reference, fetch) {
        Ok(evidence) => {
            let saved = save(path, &evidence);
            let subject = evidence.subject();
            (verifier.judge(&subject.repository, subject.digest(), &evidence, *now), saved)
        }
        // There is no evidence without the image; the report still says why.
        Err(failure) => (verifier.verify(reference, &Unavailable(failure), *now), Ok(())),
    }
}

fn save(path: &Path, evidence: &veriseal::gather::Evidence) -> Result<(), Failure> {
    veriseal_registry::evidence::save(path, &evidence.to_saved())
}

/// Answers everything with the failure that was met before.
struct Unavailable(Failure);

impl Fetch for Unavailable {
    fn fetch(&self, _: &Request) -> Result<Response, FetchError> {
        Err(FetchError::Unavailable(self.0.clone()))
    }
}
