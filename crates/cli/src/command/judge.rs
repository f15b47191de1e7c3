//! `veriseal judge`: saved evidence, offline.

use crate::arguments::JudgeArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::file;
use crate::judging::{Judging, Printer};
use veriseal::{Digest, Limits, Reference, Repository};
use veriseal_registry::evidence;

/// Judges what `verify --evidence-out` saved.
pub(crate) fn run(arguments: &JudgeArguments, console: &mut Console) -> Exit {
    if !arguments.judging.policy.is_empty() {
        return super::policy_verdict::judge(arguments, console);
    }
    let prepared = Judging::prepare(&arguments.judging).and_then(|judging| Ok((judging, image(&arguments.image)?)));
    let (judging, (repository, digest)) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => {
            console.note(why);
            return Exit::Usage;
        }
    };
    let evidence = match evidence::open(&arguments.evidence).and_then(|file| file.load(&Limits::DEFAULT)) {
        Ok(evidence) => evidence,
        Err(failure) => {
            console.note(format_args!("{}: {failure}", file::show(&arguments.evidence)));
            return Exit::Usage;
        }
    };
    let outcome = judging.verifier.judge(&repository, &digest, &evidence, judging.now);
    Printer::new(arguments.judging.output, 1).print(&outcome, console)
}

/// Repository and digest that the user means. A tag would be a claim of the file, so none is taken.
pub(super) fn image(text: &str) -> Result<(Repository, Digest), String> {
    let reference = Reference::parse_source(text).map_err(|failure| format!("--image: {failure}"))?;
    match (reference.tag(), reference.digest()) {
        (None, Some(digest)) => Ok((reference.repository().clone(), *digest)),
        (Some(_), Some(_)) => Err("--image names a tag: offline nobody knows where it points, name REPOSITORY@DIGEST".to_owned()),
        _ => Err("--image names no digest: name REPOSITORY@DIGEST".to_owned()),
    }
}
