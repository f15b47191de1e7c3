//! `--policy` of `verify` and `judge`, and `pin`: every policy must accept, and only what is enforced keeps an image out.

use crate::arguments::{JudgeArguments, JudgingArguments, PinArguments, VerifyArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::file;
use crate::judging::{Printer, moment, signature_repository};
use crate::source::{Failed, Sources};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use veriseal::gather::{Evidence, Fetch};
use veriseal::{Accepted, Failure, Limits, NotAccepted, PlatformChoice, Reference, Repository, UnixTime, Verifier};
use veriseal_policy::{Lock, PolicyFile, record};
use veriseal_registry::evidence;

type Outcome = Result<Accepted, NotAccepted>;

/// Largest lock file that is read, in bytes.
const MAX_LOCK_BYTES: u64 = 8 * 1024 * 1024;

/// `verify --policy`.
pub(crate) fn verify(arguments: &VerifyArguments, console: &mut Console) -> Exit {
    verify_all(arguments, console).0
}

/// `pin`: writes the lock file only where every image was accepted by what verifies, whatever the mode.
pub(crate) fn pin(arguments: &PinArguments, console: &mut Console) -> Exit {
    if arguments.verify.judging.policy.is_empty() {
        return usage("pin needs --policy FILE: what is not verified is not locked", console);
    }
    if arguments.verify.locked.is_some() {
        return usage("--lock writes a lock file and --locked reads one: give either", console);
    }
    let (policies, mut lock) = match load(&arguments.verify.judging)
        .and_then(|(policies, _)| existing(&arguments.lock, &policies).map(|lock| (policies, lock)))
    {
        Ok(loaded) => loaded,
        Err(why) => return usage(&why, console),
    };
    let (exit, accepted) = verify_all(&arguments.verify, console);
    if accepted.len() != arguments.verify.images.len() {
        console.note(format_args!("{}: not written, since not every image was accepted", file::show(&arguments.lock)));
        return exit.max(Exit::Undecided);
    }
    lock.set_policies(&policies);
    for (asked, accepted) in &accepted {
        lock.insert(asked, accepted);
    }
    match replace(&arguments.lock, &lock.to_text()) {
        Ok(()) => exit,
        Err(why) => usage(&format!("{}: {why}", file::show(&arguments.lock)), console),
    }
}

/// The lock file that is there, or an empty one.
fn existing(path: &Path, policies: &[PolicyFile]) -> Result<Lock, String> {
    match path.try_exists() {
        Ok(false) => Ok(Lock::new(policies)),
        _ => read_lock(path, "--lock"),
    }
}

fn read_lock(path: &Path, option: &str) -> Result<Lock, String> {
    let bytes = file::read(path, MAX_LOCK_BYTES).map_err(|why| format!("{option} {why}"))?;
    Lock::parse(&bytes).map_err(|failure| format!("{option} {}: {failure}", file::show(path)))
}

/// Writes beside and renames, so that nobody reads half a file.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

/// What every image is asked for with.
struct Asking<'a> {
    policies: Vec<PolicyFile>,
    now: UnixTime,
    lock: Option<Lock>,
    record: Option<&'a Path>,
    signatures: Option<Repository>,
    evidence_out: Option<&'a Path>,
}

fn verify_all(arguments: &VerifyArguments, console: &mut Console) -> (Exit, Vec<(Reference, Accepted)>) {
    let refused = |why: &str, console: &mut Console| (usage(why, console), Vec::new());
    if arguments.evidence_out.is_some() && arguments.images.len() > 1 {
        return refused("--evidence-out takes the evidence of one image, and several are named", console);
    }
    let loaded = load(&arguments.judging)
        .and_then(|loaded| signature_repository(&arguments.signatures).map(|signatures| (loaded, signatures)));
    let ((policies, now), signatures) = match loaded {
        Ok(loaded) => loaded,
        Err(why) => return refused(&why, console),
    };
    let lock = match arguments.locked.as_deref().map(|path| read_lock(path, "--locked")).transpose() {
        Ok(lock) => lock,
        Err(why) => return refused(&why, console),
    };
    if lock.as_ref().is_some_and(|lock| !lock.is_of(&policies)) {
        console.note("the lock file was made under other policies; these are evaluated in full");
    }
    let (record, evidence_out) = (arguments.record.as_deref(), arguments.evidence_out.as_deref());
    let asking = Asking { policies, now, lock, record, evidence_out, signatures: signatures.clone() };
    let references: Vec<_> = arguments.images.iter().map(|image| Reference::parse_source(image)).collect();
    let sources = match Sources::prepare(references.iter().flatten(), signatures.as_ref(), &arguments.registry, console) {
        Ok(sources) => sources,
        Err(Failed::Option(why)) => return refused(&why, console),
        Err(Failed::Registry(failure)) => {
            console.note(&failure);
            return (Exit::of_code(failure.code()), Vec::new());
        }
    };
    let mut printer = Printer::new(arguments.judging.output, references.len());
    let mut accepted = Vec::new();
    let mut worst = None;
    for (reference, image) in references.into_iter().zip(&arguments.images) {
        let opened =
            reference.and_then(|reference| sources.open(&reference, signatures.as_ref()).map(|fetch| (reference, fetch)));
        let exit = match opened {
            Ok((reference, fetch)) => {
                let (exit, outcome) = asking.verify_one(&reference, fetch.as_ref(), &mut printer, console);
                accepted.extend(outcome.map(|outcome| (reference, outcome)));
                exit
            }
            Err(failure) => {
                console.note(format_args!("{}: {failure}", veriseal::code::bounded(image)));
                Exit::of_code(failure.code())
            }
        };
        worst = worst.max(Some(exit));
    }
    (worst.unwrap_or(Exit::Usage), accepted)
}

impl Asking<'_> {
    /// Asks the policies one after the other over evidence that is gathered when the first of them needs it: a tag that moves
    /// between two of them would otherwise be accepted for one digest by this and for another by that.
    fn verify_one(
        &self,
        reference: &Reference,
        fetch: &dyn Fetch,
        printer: &mut Printer,
        console: &mut Console,
    ) -> (Exit, Option<Accepted>) {
        let mut gathered = Gathered { asking: self, reference, fetch, evidence: BTreeMap::new() };
        let locked = |outcome: Outcome, policy: &PolicyFile| -> Outcome {
            let accepted = outcome?;
            match self.lock.as_ref().map(|lock| lock.check(reference, &accepted)) {
                Some(Err(failure)) => Err(policy.refuse(reference, failure, self.now)),
                _ => Ok(accepted),
            }
        };
        let ask = |policy: &PolicyFile| {
            let before: Result<_, Failure> =
                self.lock.as_ref().map_or(Ok(()), |lock| lock.digest_of(reference).map(drop)).and_then(|()| {
                    // Rules about the reference are about what the user wrote, not about what it was resolved to.
                    policy.verifier_for(reference)
                });
            let verifier = match before {
                Err(failure) => return Err(policy.refuse(reference, failure, self.now)),
                Ok(verifier) => verifier,
            };
            match gathered.for_verifier(&verifier) {
                Err(failure) => Err(verifier.refuse(reference, failure.clone(), self.now)),
                Ok(evidence) => {
                    let subject = evidence.subject();
                    locked(verifier.judge(&subject.repository, subject.digest(), evidence, self.now), policy)
                }
            }
        };
        let (exit, accepted) = decide(&self.policies, reference, self.record, printer, console, ask);
        (exit.max(gathered.save(console)), accepted)
    }
}

/// The evidence of one image, gathered once for all policies that look for the same platforms.
struct Gathered<'a> {
    asking: &'a Asking<'a>,
    reference: &'a Reference,
    fetch: &'a dyn Fetch,
    /// By the platforms.
    evidence: BTreeMap<String, Result<Evidence, Failure>>,
}

impl Gathered<'_> {
    fn for_verifier(&mut self, verifier: &Verifier) -> &Result<Evidence, Failure> {
        let choice = self.choice_for(verifier);
        // What the reference was resolved to first is what all judge.
        let resolved = self.evidence.values().find_map(|found| found.as_ref().ok()).map(|evidence| {
            let subject = evidence.subject();
            Reference::new(subject.repository.clone(), None, Some(subject.digest))
        });
        let gatherer = self.gatherer(&choice, verifier);
        let (reference, fetch) = (self.reference, self.fetch);
        let gather = || gatherer.gather(resolved.as_ref().unwrap_or(reference), fetch);
        self.evidence.entry(choice.to_string()).or_insert_with(gather)
    }

    /// Evidence for platforms serves whoever asks for what the reference names as well.
    fn choice_for(&self, verifier: &Verifier) -> PlatformChoice {
        let own = verifier.platforms();
        let wider = self.verifiers().map(|other| other.platforms().clone()).find(|choice| !choice.is_index());
        wider.filter(|_| own.is_index()).unwrap_or_else(|| own.clone())
    }

    fn verifiers(&self) -> impl Iterator<Item = Verifier> + '_ {
        self.asking.policies.iter().filter_map(|policy| policy.verifier_for(self.reference).ok())
    }

    /// A verifier whose evidence serves every policy: one that looks for attestations, where some policy asks for them.
    fn gatherer(&self, choice: &PlatformChoice, first: &Verifier) -> Verifier {
        let wants = self.verifiers().find(|verifier| verifier.policy().wants_attestations());
        let gatherer = wants.unwrap_or_else(|| first.clone()).with_platforms(choice.clone());
        match &self.asking.signatures {
            Some(repository) => gatherer.with_signature_repository(repository.clone()),
            None => gatherer,
        }
    }

    /// Saves what was gathered, whatever the verdict.
    fn save(&self, console: &mut Console) -> Exit {
        let Some(path) = self.asking.evidence_out else { return Exit::Accepted };
        let told = |why: &dyn std::fmt::Display, console: &mut Console| console.note(format_args!("{}: {why}", file::show(path)));
        match self.evidence.values().collect::<Vec<_>>().as_slice() {
            [Ok(gathered)] => match evidence::save(path, &gathered.to_saved()) {
                Ok(()) => Exit::Accepted,
                Err(failure) => {
                    told(&failure, console);
                    Exit::of_code(failure.code())
                }
            },
            // The report says why there is no image, or why none was asked for.
            [] | [Err(_)] => {
                told(&"not written, since nothing was gathered", console);
                Exit::Accepted
            }
            _ => {
                told(&"not written: the policies ask for different platforms, and each needs evidence of its own", console);
                Exit::Usage
            }
        }
    }
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
    let asked = Reference::new(repository.clone(), None, Some(digest));
    decide(&policies, &asked, None, &mut printer, console, |policy| policy.judge(&repository, &digest, &evidence, now)).0
}

/// The answer of all policies: the first denial that is enforced, else success; and the acceptance, where all accepted.
/// One report is printed: that of the denial, enforced or not, else the last.
fn decide(
    policies: &[PolicyFile],
    asked: &Reference,
    log: Option<&Path>,
    printer: &mut Printer,
    console: &mut Console,
    mut ask: impl FnMut(&PolicyFile) -> Outcome,
) -> (Exit, Option<Accepted>) {
    let mut shown: Option<Outcome> = None;
    let mut pinned: Option<Reference> = None;
    for policy in policies {
        let outcome = ask(policy);
        if let Ok(accepted) = &outcome
            && pinned.get_or_insert_with(|| accepted.pinned().clone()) != accepted.pinned()
        {
            // One accepts the index and another a platform's manifest: there is no one reference that all accept.
            console.note(format_args!("{asked}: the policies accept different digests: let them ask for the same platforms"));
            return (Exit::Usage, None);
        }
        let enforcement = policy.enforcement(&outcome);
        if let Some(Err(error)) = log.map(|path| append(path, &record(policy, asked, &outcome))) {
            // A decision that nobody can look up later is not one to act on.
            console.note(format_args!("--record: {error}"));
            return (Exit::Usage, None);
        }
        if enforcement.deny {
            return (printer.print(&outcome, console), None);
        }
        if enforcement.would_deny {
            console.note(format_args!(
                "{} is in mode {}: it would deny this image, and lets it pass",
                policy.name(),
                policy.mode().name()
            ));
        }
        if enforcement.would_deny || shown.as_ref().is_none_or(Result::is_ok) {
            shown = Some(outcome);
        }
    }
    match shown {
        Some(outcome) => {
            printer.print(&outcome, console);
            (Exit::Accepted, outcome.ok())
        }
        None => (Exit::Usage, None),
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())
}

fn load(arguments: &JudgingArguments) -> Result<(Vec<PolicyFile>, UnixTime), String> {
    load_as_of(&arguments.policy, arguments.verification_time.as_deref())
}

/// Policies, and the moment as of which they are asked; each says so where that is not the present.
pub(super) fn load_as_of(policies: &[PathBuf], time: Option<&str>) -> Result<(Vec<PolicyFile>, UnixTime), String> {
    let (now, given) = moment(time)?;
    let policies = policies.iter().map(|path| {
        let policy = PolicyFile::load(path).map_err(|error| format!("--policy {error}"))?;
        Ok(given.iter().cloned().fold(policy, PolicyFile::declare_weakened))
    });
    Ok((policies.collect::<Result<_, String>>()?, now))
}

fn usage(why: &str, console: &mut Console) -> Exit {
    console.note(why);
    Exit::Usage
}
