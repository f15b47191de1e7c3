//! `--policy` of `verify` and `judge`: every policy must accept, and only what is enforced keeps an image out.

use crate::arguments::{JudgeArguments, JudgingArguments, VerifyArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::file;
use crate::judging::{Printer, moment};
use crate::source::{Failed, Sources};
use veriseal::gather::Fetch;
use veriseal::{Accepted, Limits, NotAccepted, Reference, UnixTime};
use veriseal_policy::PolicyFile;
use veriseal_registry::evidence;

type Outcome = Result<Accepted, NotAccepted>;

/// `verify --policy`.
pub(crate) fn verify(arguments: &VerifyArguments, console: &mut Console) -> Exit {
    if arguments.evidence_out.is_some() {
        return usage("--evidence-out is not taken together with --policy yet", console);
    }
    let (policies, now) = match load(&arguments.judging) {
        Ok(loaded) => loaded,
        Err(why) => return usage(&why, console),
    };
    let references: Vec<_> = arguments.images.iter().map(|image| Reference::parse_source(image)).collect();
    let sources = match Sources::prepare(references.iter().flatten(), arguments) {
        Ok(sources) => sources,
        Err(Failed::File(why)) => return usage(&why, console),
        Err(Failed::Registry(failure)) => {
            console.note(&failure);
            return Exit::of_code(failure.code());
        }
    };
    let mut printer = Printer::new(arguments.judging.output, references.len());
    let answers = references.into_iter().zip(&arguments.images).map(|(reference, image)| {
        match reference.and_then(|reference| sources.open(&reference).map(|fetch| (reference, fetch))) {
            Ok((reference, fetch)) => verify_one(&policies, &reference, fetch.as_ref(), now, &mut printer, console),
            Err(failure) => {
                console.note(format_args!("{}: {failure}", veriseal::code::bounded(image)));
                Exit::of_code(failure.code())
            }
        }
    });
    answers.max().unwrap_or(Exit::Usage)
}

/// Asks the policies one after the other. What the first one resolved is what the others judge: a tag that moves between
/// two of them would otherwise be accepted for one digest by this and for another by that.
fn verify_one(
    policies: &[PolicyFile],
    reference: &Reference,
    fetch: &dyn Fetch,
    now: UnixTime,
    printer: &mut Printer,
    console: &mut Console,
) -> Exit {
    let mut pinned: Option<Reference> = None;
    decide(policies, printer, console, |policy| match policy.verifier_for(reference) {
        // Rules about the reference are about what the user wrote, not about what it was resolved to.
        Err(failure) => Err(policy.refuse(reference, failure, now)),
        Ok(verifier) => {
            let outcome = verifier.verify(pinned.as_ref().unwrap_or(reference), fetch, now);
            if let Ok(accepted) = &outcome {
                pinned = Some(accepted.pinned().clone());
            }
            outcome
        }
    })
}

/// `judge --policy`.
pub(crate) fn judge(arguments: &JudgeArguments, console: &mut Console) -> Exit {
    let prepared = load(&arguments.judging).and_then(|loaded| Ok((loaded, super::judge::image(&arguments.image)?)));
    let ((policies, now), (repository, digest)) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return usage(&why, console),
    };
    let evidence = match evidence::open(&arguments.evidence).and_then(|file| file.load(&Limits::DEFAULT)) {
        Ok(evidence) => evidence,
        Err(failure) => return usage(&format!("{}: {failure}", file::show(&arguments.evidence)), console),
    };
    let mut printer = Printer::new(arguments.judging.output, 1);
    decide(&policies, &mut printer, console, |policy| policy.judge(&repository, &digest, &evidence, now))
}

/// The answer of all policies: the first denial that is enforced, else success. One report is printed: that of the denial,
/// enforced or not, else the last.
fn decide(
    policies: &[PolicyFile],
    printer: &mut Printer,
    console: &mut Console,
    mut ask: impl FnMut(&PolicyFile) -> Outcome,
) -> Exit {
    let mut shown: Option<Outcome> = None;
    for policy in policies {
        let outcome = ask(policy);
        let enforcement = policy.enforcement(&outcome);
        if enforcement.deny {
            return printer.print(&outcome, console);
        }
        if enforcement.would_deny {
            console.note(format_args!("{} is in mode {}: it would deny this image, and lets it pass", policy.name(), policy.mode().name()));
        }
        if enforcement.would_deny || shown.as_ref().is_none_or(Result::is_ok) {
            shown = Some(outcome);
        }
    }
    match shown {
        Some(outcome) => {
            printer.print(&outcome, console);
            Exit::Accepted
        }
        None => Exit::Usage,
    }
}

fn load(arguments: &JudgingArguments) -> Result<(Vec<PolicyFile>, UnixTime), String> {
    let (now, given) = moment(arguments)?;
    let policies = arguments.policy.iter().map(|path| {
        let policy = PolicyFile::load(path).map_err(|error| format!("--policy {error}"))?;
        Ok(given.iter().cloned().fold(policy, PolicyFile::declare_weakened))
    });
    Ok((policies.collect::<Result<_, String>>()?, now))
}

fn usage(why: &str, console: &mut Console) -> Exit {
    console.note(why);
    Exit::Usage
}
