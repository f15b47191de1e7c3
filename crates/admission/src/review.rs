//! [`Reviewer`]: the decision about one admission request.

use crate::image::{ImageField, images};
use crate::request::{AdmissionRequest, Operation};
use crate::response::{ImageDecision, Response};
use crate::source::{Awaited, Blocking, Source, Sources, each};
use serde_json::{Value, json};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use veriseal::gather::{AsyncFetch, Fetch};
use veriseal::{Accepted, Code, Failure, NotAccepted, Reference, Repository, UnixTime};
use veriseal_policy::{PolicyFile, record};

/// Which of the two webhooks asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registration {
    /// Verifies, and pins what is accepted. Other webhooks may change the object afterwards.
    Mutating,
    /// Verifies again what became of the object, and demands that every image is named by its digest. Never patches.
    Validating,
}

impl Registration {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mutating => "mutating",
            Self::Validating => "validating",
        }
    }
}

/// Reviews admission requests. Borrows what it decides by; holds no state.
#[derive(Clone, Copy, Debug)]
pub struct Reviewer<'p> {
    policies: &'p [PolicyFile],
    registration: Registration,
    signatures: Option<&'p Repository>,
    dry_run: bool,
}

impl<'p> Reviewer<'p> {
    /// A reviewer by these policies: every one that is about the namespace must accept every image. Without any policy
    /// nothing is allowed.
    #[must_use]
    pub fn new(policies: &'p [PolicyFile], registration: Registration) -> Self {
        Self { policies, registration, signatures: None, dry_run: false }
    }

    /// Lets everything pass that can be read, and says what would have been denied.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Looks for signatures in this repository, and not beside the images ([`veriseal::Verifier::with_signature_repository`]).
    #[must_use]
    pub fn with_signature_repository(mut self, repository: &'p Repository) -> Self {
        self.signatures = Some(repository);
        self
    }

    /// Reviews one `AdmissionReview`, asking `fetch` for evidence: a registry, or saved evidence.
    #[must_use]
    pub fn review(&self, review: &[u8], fetch: &dyn Fetch, now: UnixTime) -> Response {
        let request = match AdmissionRequest::parse(review) {
            Ok(request) => request,
            Err(failure) => return Response::refused(review, failure),
        };
        // Over a blocking source there is nothing to wait for: the one poll brings the answer.
        match pin!(self.answer(&request, &Blocking(fetch), now)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => Response::whole(request.uid(), false, Some(Code::Internal.into())),
        }
    }

    /// Reviews a request for callers that await, with the same answer. `open` gives the source of one image, so that each
    /// can have bounds of its own; several images are asked about at a time. Dropping the future stops every request.
    pub async fn review_async<F: AsyncFetch>(
        &self,
        request: &AdmissionRequest,
        open: impl Fn(&Reference) -> F + Send + Sync,
        now: UnixTime,
    ) -> Response {
        self.answer(request, &Awaited(open), now).await
    }

    async fn answer<S: Sources>(&self, request: &AdmissionRequest, sources: &S, now: UnixTime) -> Response {
        let uid = request.uid();
        // What removes an object runs nothing, and a status is not what runs.
        if request.operation == Operation::Delete || request.sub_resource == "status" {
            return Response::whole(uid, true, None);
        }
        let policies: Vec<_> = self.policies.iter().filter(|policy| policy.reviews_namespace(&request.namespace)).collect();
        if policies.is_empty() {
            return match self.policies {
                [] => Response::whole(uid, false, Some(Failure::new(Code::NoRule).expected("a policy").found("none"))),
                _ => {
                    let failure = Failure::new(Code::OutOfScope).found(format_args!("namespace {}", request.namespace));
                    Response::whole(uid, true, Some(failure))
                }
            };
        }
        let listed = request.images();
        let fields = match listed {
            Ok(fields) => fields,
            Err(failure) => return self.whole(&policies, uid, failure),
        };
        if request.operation == Operation::Update && self.is_unchanged(request, &fields) {
            return Response::whole(uid, true, None);
        }
        let mut images: Vec<Vec<ImageField>> = Vec::new();
        for field in fields {
            match images.iter_mut().find(|named| named.iter().any(|other| other.image == field.image)) {
                Some(named) => named.push(field),
                None => images.push(vec![field]),
            }
        }
        let deciding = images.into_iter().map(|named| self.image(&policies, named, sources, now));
        let decisions = each(deciding.collect()).await;
        let allowed = !decisions.iter().any(|decision| decision.deny);
        let patch = match self.registration {
            Registration::Mutating if allowed => decisions.iter().flat_map(pin).collect(),
            _ => Vec::new(),
        };
        Response { uid: uid.to_owned(), allowed, whole: None, images: decisions, patch }
    }

    /// A request that cannot be looked into is denied, unless no policy that is about it enforces anything.
    fn whole(&self, policies: &[&PolicyFile], uid: &str, failure: Failure) -> Response {
        let enforced = !self.dry_run && policies.iter().any(|policy| policy.mode() == veriseal_policy::Mode::Enforce);
        Response::whole(uid, !enforced, Some(failure))
    }

    /// Whether an update leaves every image as it was. What runs already was reviewed when it was made; an object that was
    /// let in under other rules must stay editable, or nobody could mend it. The old object is the API server's word.
    fn is_unchanged(&self, request: &AdmissionRequest, fields: &[ImageField]) -> bool {
        images(&request.group, &request.version, &request.kind, &request.old_object).is_ok_and(|old| {
            fields.iter().all(|field| old.iter().any(|old| old.image == field.image && list_of(old) == list_of(field)))
        })
    }

    async fn image<S: Sources>(
        &self,
        policies: &[&PolicyFile],
        fields: Vec<ImageField>,
        sources: &S,
        now: UnixTime,
    ) -> ImageDecision {
        let mut decision = ImageDecision {
            fields,
            rule: String::new(),
            failure: Code::Accepted.into(),
            pinned: None,
            deny: false,
            would_deny: false,
            horizon: None,
            records: Vec::new(),
        };
        let asked = decision.fields.first().map_or("", |field| &field.image).parse::<Reference>();
        let reference = match asked {
            Ok(reference) => reference,
            Err(failure) => {
                let enforced = policies.iter().any(|policy| policy.mode() == veriseal_policy::Mode::Enforce);
                let rule = policies.first().map_or_else(String::new, |policy| policy.name().to_owned());
                return ImageDecision { rule, failure, deny: enforced && !self.dry_run, would_deny: true, ..decision };
            }
        };
        let source = sources.open(&reference);
        // What the first policy resolved the reference to, and what it accepted.
        let mut first: Option<(Reference, Reference)> = None;
        let mut accepted_by_all = true;
        for policy in policies {
            let outcome = self.ask(policy, &reference, first.as_ref(), &source, now).await;
            decision.records.push(record(policy, &reference, &outcome));
            let enforcement = policy.enforcement(&outcome);
            let rule = policy.rule_for(reference.repository()).map_or("none", |(rule, _)| rule.name());
            let rule = format!("{} {rule}", policy.name());
            match outcome {
                Ok(accepted) => {
                    let horizon = accepted.report().horizon().map(|(from, _)| from);
                    decision.horizon = [decision.horizon, horizon].into_iter().flatten().min();
                    first.get_or_insert_with(|| (accepted.resolved().clone(), accepted.pinned().clone()));
                    if decision.rule.is_empty() {
                        decision.rule = rule;
                    }
                }
                Err(not_accepted) => {
                    accepted_by_all = false;
                    // The first denial that is enforced is the one to act on.
                    if !decision.deny && (enforcement.deny || !decision.would_deny) {
                        decision.failure = not_accepted.report().failure().clone();
                        decision.rule = rule;
                    }
                }
            }
            decision.deny |= enforcement.deny && !self.dry_run;
            decision.would_deny |= enforcement.would_deny;
        }
        decision.pinned = first.map(|(_, pinned)| pinned).filter(|_| accepted_by_all);
        decision
    }

    /// What one policy says. The rules about a reference are about what stands in the object; what the first policy resolved
    /// it to is what the others judge, or a tag that moves in between would pass for one digest here and for another there.
    /// All must accept the same digest, since one is what will run.
    async fn ask<S: Source>(
        &self,
        policy: &PolicyFile,
        reference: &Reference,
        first: Option<&(Reference, Reference)>,
        source: &S,
        now: UnixTime,
    ) -> Result<Accepted, NotAccepted> {
        let refuse = |failure: Failure| policy.refuse(reference, failure.at(policy.name()), now);
        if self.registration == Registration::Validating && reference.digest().is_none() {
            return Err(refuse(Failure::new(Code::DigestRequired).found(reference)));
        }
        let verifier = policy.verifier_for(reference).map_err(|failure| policy.refuse(reference, failure, now))?;
        let verifier = match self.signatures {
            Some(repository) => verifier.with_signature_repository(repository.clone()),
            None => verifier,
        };
        let accepted = source.verify(&verifier, first.map_or(reference, |(resolved, _)| resolved), now).await?;
        match first {
            // One accepts the index and another a platform's manifest: there is no one reference that all accept.
            Some((_, pinned)) if pinned != accepted.pinned() => {
                let failure = Failure::new(Code::PolicyNotMet).expected(format_args!("{pinned}, as the other policies"));
                Err(refuse(failure.found(accepted.pinned())))
            }
            _ => Ok(accepted),
        }
    }
}

/// The list that a field stands in, so that an image of a container is not taken for one of a volume.
fn list_of(field: &ImageField) -> &str {
    field.pointer.rsplit('/').find(|part| part.ends_with("ontainers") || *part == "volumes").unwrap_or_default()
}

/// Replaces an image by what was accepted, where it is not named so already.
fn pin(decision: &ImageDecision) -> Vec<Value> {
    let Some(pinned) = decision.pinned.as_ref().map(ToString::to_string) else { return Vec::new() };
    let replaced = decision.fields.iter().filter(|field| {
        // With its digest it is pinned, tag or not.
        field.image.parse::<Reference>().is_ok_and(|reference| reference.digest().is_none())
    });
    replaced
        .flat_map(|field| {
            [
                json!({ "op": "test", "path": field.pointer, "value": field.image }),
                json!({ "op": "replace", "path": field.pointer, "value": pinned }),
            ]
        })
        .collect()
}
