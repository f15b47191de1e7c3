//! `veriseal digest`: what a tag or a platform is at this moment, without looking for signatures.

use crate::arguments::DigestArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::judging::platforms;
use crate::source::{Failed, Sources};
use veriseal::gather::{Evidence, Fetch, Session, Wanted, drive};
use veriseal::{Failure, Limits, PlatformChoice, Reference};

/// Prints a line for each image, or for each platform of it where several are asked for.
pub(crate) fn run(arguments: &DigestArguments, console: &mut Console) -> Exit {
    let choice = match platforms(&arguments.platform) {
        Ok(choice) => choice,
        Err(why) => {
            console.note(why);
            return Exit::Usage;
        }
    };
    let references: Vec<_> = arguments.images.iter().map(|image| Reference::parse_source(image)).collect();
    let sources = match Sources::prepare(references.iter().flatten(), None, &arguments.registry, console) {
        Ok(sources) => sources,
        Err(Failed::Option(why)) => {
            console.note(why);
            return Exit::Usage;
        }
        Err(Failed::Registry(failure)) => {
            console.note(&failure);
            return Exit::of_code(failure.code());
        }
    };
    let answers = references.into_iter().zip(&arguments.images).map(|(reference, image)| {
        let lines = reference.and_then(|reference| {
            let fetch = sources.open(&reference, None)?;
            lines(&resolve(&reference, &choice, fetch.as_ref())?, &choice)
        });
        match lines {
            Ok(lines) => {
                lines.into_iter().for_each(|line| console.print(line + "\n"));
                Exit::Accepted
            }
            Err(failure) => {
                console.note(format_args!("{}: {failure}", veriseal::code::bounded(image)));
                Exit::of_code(failure.code())
            }
        }
    });
    answers.max().unwrap_or(Exit::Usage)
}

fn resolve(reference: &Reference, choice: &PlatformChoice, fetch: &dyn Fetch) -> Result<Evidence, Failure> {
    let wanted = Wanted::image_only().for_platforms(choice.clone());
    let mut session = Session::new(reference, &Limits::DEFAULT, wanted);
    drive(&mut session, fetch);
    session.finish().map_err(|error| error.failure)
}

/// The digest alone where it is one; with their platforms where they may be several.
fn lines(evidence: &Evidence, choice: &PlatformChoice) -> Result<Vec<String>, Failure> {
    let found = evidence.platforms();
    let digest = evidence.subject().digest().to_string();
    if choice.is_index() || found.manifests().is_empty() {
        return Ok(vec![digest]);
    }
    if let Some(failure) = found.failures().first() {
        return Err(failure.clone());
    }
    let mut lines = Vec::new();
    for manifest in found.manifests() {
        let listed = manifest.listed().map_err(Clone::clone)?;
        let platform = listed.platform().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        // An index is written by whoever pushes it.
        let platform = veriseal::code::bounded(&platform);
        lines.push(if choice.single().is_some() {
            listed.digest().to_string()
        } else {
            format!("{platform} {}", listed.digest())
        });
    }
    Ok(lines)
}
