//! `veriseal tree`: what is attached to an image, by where it is kept, and what of it verifies.
//!
//! Shows; decides nothing. Whether an image may be used is the answer of `verify` alone.

mod listing;

use crate::arguments::{AuthorityArguments, Output, TreeArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::judging::{Judging, moment, platforms, signature_repository};
use crate::source::{Failed, Sources};
use listing::Listing;
use veriseal::gather::{Evidence, Session, Wanted, drive};
use veriseal::{Limits, PlatformChoice, Reference, Report, Repository, UnixTime, Verifier};
use veriseal_policy::PolicyFile;

/// Prints the tree of one image.
pub(crate) fn run(arguments: &TreeArguments, console: &mut Console) -> Exit {
    let usage = |why: &str, console: &mut Console| {
        console.note(why);
        Exit::Usage
    };
    let refused = |failure: &veriseal::Failure, console: &mut Console| {
        console.note(format_args!("{}: {failure}", veriseal::code::bounded(&arguments.image)));
        Exit::of_code(failure.code())
    };
    let prepared = signature_repository(&arguments.signatures).and_then(|signatures| Ok((choice(arguments)?, signatures)));
    let (choice, signatures) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return usage(&why, console),
    };
    let reference = match Reference::parse_source(&arguments.image) {
        Ok(reference) => reference,
        Err(failure) => return refused(&failure, console),
    };
    let judge = match judge(arguments, &reference, &choice) {
        Ok(judge) => judge,
        Err(why) => return usage(&why, console),
    };
    let sources = match Sources::prepare(std::iter::once(&reference), signatures.as_ref(), &arguments.registry, console) {
        Ok(sources) => sources,
        Err(Failed::Option(why)) => return usage(&why, console),
        Err(Failed::Registry(failure)) => return refused(&failure, console),
    };
    let gathered =
        sources.open(&reference, signatures.as_ref()).and_then(|fetch| gather(&reference, choice, signatures.clone(), &*fetch));
    let evidence = match gathered {
        Ok(evidence) => evidence,
        Err(failure) => return refused(&failure, console),
    };
    let report = judge.map(|(verifier, now)| report(&verifier, &evidence, now));
    let listing = Listing::new(&evidence, report.as_ref());
    match arguments.judging.output {
        Output::Json => console.print(listing.to_json() + "\n"),
        Output::Text => console.print(listing.to_text()),
    }
    // To have looked at everything is no acceptance, but it is all that was asked for.
    if evidence.is_complete() { Exit::Accepted } else { Exit::Undecided }
}

/// Every platform, unless fewer are named.
fn choice(arguments: &TreeArguments) -> Result<PlatformChoice, String> {
    let named = &arguments.judging.platform;
    if named.platform.is_empty() { Ok(PlatformChoice::all()) } else { platforms(named) }
}

/// Whoever verifies, where somebody is named.
fn judge(
    arguments: &TreeArguments,
    reference: &Reference,
    choice: &PlatformChoice,
) -> Result<Option<(Verifier, UnixTime)>, String> {
    let judging = &arguments.judging;
    let verifier = match judging.policy.as_slice() {
        [] if is_nobody(&judging.authority) => return Ok(None),
        [] => Judging::prepare(judging)?.verifier,
        [path] => {
            let policy = PolicyFile::load(path).map_err(|error| format!("--policy {error}"))?;
            policy.verifier_for(reference).map_err(|failure| format!("--policy: {failure}"))?
        }
        _ => return Err("tree takes one --policy".to_owned()),
    };
    let (now, _) = moment(judging.verification_time.as_deref())?;
    Ok(Some((verifier.with_platforms(choice.clone()), now)))
}

fn is_nobody(authority: &AuthorityArguments) -> bool {
    let AuthorityArguments {
        key,
        certificate_identity,
        certificate_identity_regexp,
        certificate_oidc_issuer,
        certificate_oidc_issuer_regexp,
    } = authority;
    let texts = [certificate_identity, certificate_identity_regexp, certificate_oidc_issuer, certificate_oidc_issuer_regexp];
    key.is_empty() && texts.iter().all(|text| text.is_none())
}

fn gather(
    reference: &Reference,
    choice: PlatformChoice,
    signatures: Option<Repository>,
    fetch: &dyn veriseal::gather::Fetch,
) -> Result<Evidence, veriseal::Failure> {
    let wanted = Wanted::with_attestations().for_platforms(choice).signatures_in(signatures);
    let mut session = Session::new(reference, &Limits::DEFAULT, wanted);
    drive(&mut session, fetch);
    session.finish().map_err(|error| error.failure)
}

fn report(verifier: &Verifier, evidence: &Evidence, now: UnixTime) -> Report {
    let subject = evidence.subject();
    match verifier.judge(&subject.repository, subject.digest(), evidence, now) {
        Ok(accepted) => accepted.report().clone(),
        Err(not_accepted) => not_accepted.report().clone(),
    }
}
