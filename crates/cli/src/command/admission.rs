//! `veriseal admission`: Kubernetes admission requests.

use super::policy_verdict::load_as_of;
use crate::arguments::{AdmissionCommand, AdmissionReviewArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::file;
use crate::judging::signature_repository;
use crate::source::Sources;
use veriseal::gather::{Fetch, FetchError, Request, Response};
use veriseal::{Code, Failure, Reference};
use veriseal_admission::{AdmissionRequest, Registration, Reviewer};

/// Largest request that is read, in bytes; the reviewer has a lower bound of its own.
const MAX_REVIEW_BYTES: u64 = 4 * 1024 * 1024;

/// Runs a subcommand of `admission`.
pub(crate) fn run(command: &AdmissionCommand, console: &mut Console) -> Exit {
    let outcome = match command {
        AdmissionCommand::Review(arguments) => review(arguments, console),
        #[cfg(feature = "admission-server")]
        AdmissionCommand::Serve(arguments) => super::admission_serve::run(arguments),
    };
    outcome.unwrap_or_else(|why| {
        console.note(why);
        Exit::Usage
    })
}

fn review(arguments: &AdmissionReviewArguments, console: &mut Console) -> Result<Exit, String> {
    let (policies, now) = load_as_of(&arguments.policy, arguments.verification_time.as_deref())?;
    let signatures = signature_repository(&arguments.signatures)?;
    let review = file::read(&arguments.review, MAX_REVIEW_BYTES)?;
    // The client is made for the registries of the images, as for `verify`: a certificate belongs to one host.
    let images = AdmissionRequest::parse(&review).and_then(|request| request.images()).unwrap_or_default();
    let references: Vec<Reference> = images.iter().filter_map(|field| field.image.parse().ok()).collect();
    let sources = Sources::prepare(references.iter(), signatures.as_ref(), &arguments.registry, console)?;
    let registration = if arguments.validating { Registration::Validating } else { Registration::Mutating };
    let mut reviewer = Reviewer::new(&policies, registration);
    if arguments.dry_run {
        reviewer = reviewer.dry_run();
    }
    if let Some(repository) = &signatures {
        reviewer = reviewer.with_signature_repository(repository);
    }
    let opened = references.first().map(|reference| sources.open(reference, signatures.as_ref())).transpose();
    let fetch = opened.map_err(|failure| failure.to_string())?;
    let response = reviewer.review(&review, fetch.as_deref().unwrap_or(&Nothing), now);
    console.print(format_args!("{}\n", response.to_json()));
    Ok(if response.allowed() { Exit::Accepted } else { Exit::Rejected })
}

/// The source of a request without any image that could be asked about.
struct Nothing;

impl Fetch for Nothing {
    fn fetch(&self, _: &Request) -> Result<Response, FetchError> {
        Err(FetchError::Unavailable(Failure::new(Code::Internal).found("a request for an image that no object names")))
    }
}
