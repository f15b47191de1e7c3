//! `veriseal policy`: tools over policy files. None of them decides about an image.

use crate::arguments::{Output, PolicyCommand};
use crate::clock;
use crate::console::Console;
use crate::exit::Exit;
use crate::file;
use std::path::Path;
use veriseal::{Failure, Limits, Reference};
use veriseal_policy::{Cases, Format, PolicyFile, results_text};
use veriseal_registry::evidence;

/// Largest file of cases that is read, in bytes.
const MAX_CASES_BYTES: u64 = 1024 * 1024;

/// Runs one of them. What does not load is told with its place, and is 2.
pub(crate) fn run(command: &PolicyCommand, console: &mut Console) -> Exit {
    let answer = match command {
        PolicyCommand::Lint { policy, output } => lint(policy, *output, console),
        PolicyCommand::Explain { policy, images, output } => explain(policy, images, *output, console),
        PolicyCommand::Diff { before, after, images, output } => diff(before, after, images, *output, console),
        PolicyCommand::Test { cases, output } => test(cases, *output, console),
    };
    answer.unwrap_or_else(|why| {
        console.note(why);
        Exit::Usage
    })
}

fn lint(path: &Path, output: Output, console: &mut Console) -> Result<Exit, String> {
    let lint = load(path)?.lint(clock::now());
    match output {
        Output::Json => console.print(lint.to_json() + "\n"),
        Output::Text => console.print(lint.to_text()),
    }
    Ok(if lint.status() == 0 { Exit::Accepted } else { Exit::Rejected })
}

fn explain(path: &Path, images: &[String], output: Output, console: &mut Console) -> Result<Exit, String> {
    let policy = load(path)?;
    for reference in references(images)? {
        let explanation = policy.explain(&reference);
        match output {
            Output::Json => console.print(explanation.to_json() + "\n"),
            Output::Text => console.print(explanation.to_text()),
        }
    }
    Ok(Exit::Accepted)
}

fn diff(before: &Path, after: &Path, images: &[String], output: Output, console: &mut Console) -> Result<Exit, String> {
    let difference = load(before)?.difference(&load(after)?, &references(images)?);
    match output {
        Output::Json => console.print(difference.to_json() + "\n"),
        Output::Text => console.print(difference.to_text()),
    }
    Ok(if difference.is_empty() { Exit::Accepted } else { Exit::Rejected })
}

fn test(path: &Path, output: Output, console: &mut Console) -> Result<Exit, String> {
    let name = file::show(path);
    let bytes = file::read(path, MAX_CASES_BYTES)?;
    let cases = Cases::parse(&bytes, Format::of_name(&name), &name).map_err(|error| error.to_string())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let policy = load(&folder.join(cases.policy()))?;
    let mut open = |named: &str| {
        let path = folder.join(named);
        let place = |failure: Failure| failure.at(file::show(&path));
        evidence::open(&path).and_then(|file| file.load(&Limits::DEFAULT)).map_err(place)
    };
    let results = cases.run(&policy, &mut open).map_err(|failure| format!("{name}: {failure}"))?;
    match output {
        Output::Json => results.iter().for_each(|result| console.print(result.to_json() + "\n")),
        Output::Text => console.print(results_text(&results)),
    }
    Ok(if results.iter().all(|result| result.passed) { Exit::Accepted } else { Exit::Rejected })
}

fn load(path: &Path) -> Result<PolicyFile, String> {
    PolicyFile::load(path).map_err(|error| error.to_string())
}

fn references(images: &[String]) -> Result<Vec<Reference>, String> {
    images.iter().map(|image| Reference::parse_source(image).map_err(|failure| failure.to_string())).collect()
}
