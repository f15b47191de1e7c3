//! [`Verifier`]: trust, policy and source, prepared once, for any number of calls.

use crate::accepted::{Accepted, AcceptedBlob};
use crate::blob::{self, NotVerified};
use crate::error;
use crate::evidence::Evidence;
use crate::file::Input;
use crate::hook;
use crate::judge::Judge;
use crate::moment::Moment;
use crate::policy::{Policy, Rules};
use crate::registry::timeout;
use crate::session::{Gathering, Session};
use crate::source::Source;
use crate::trust::TrustRoot;
use crate::watch::Watch;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::Arc;
use veriseal::gather::{Fetch, PlatformChoice};
use veriseal::{Artifact, Code, Digest, Limits, NotAccepted, Reference, Repository};
use veriseal_registry::evidence as saved;

/// Evidence that was loaded already, or where it lies.
#[derive(FromPyObject)]
enum EvidenceInput {
    Loaded(Py<Evidence>),
    Path(PathBuf),
}

/// Verifies images and blobs. Immutable, shared between threads, pickled by its inputs.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Verifier {
    judge: Judge,
    source: Source,
    trust_root: Option<Py<TrustRoot>>,
    policy: Py<Policy>,
    registry: Option<Py<PyAny>>,
    platforms: Option<String>,
}

impl Verifier {
    fn reference(py: Python<'_>, text: &str) -> PyResult<Reference> {
        Reference::parse_source(text).map_err(|failure| error::unusable(py, &failure))
    }

    /// Runs one call over the source of an image, and raises what is not a success.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        reference: &Reference,
        within: Option<f64>,
        work: impl FnOnce(&dyn Fetch) -> Result<T, NotAccepted> + Send,
    ) -> PyResult<T> {
        let within = timeout(py, within)?;
        let watch = Watch::within(within);
        let outcome = self.source.with(py, reference, within, &watch, work);
        // An interrupt is raised even where the verdict was reached: whoever interrupts does not deploy.
        let cause = watch.finish()?;
        outcome.map_err(|not_accepted| error::not_accepted(py, &not_accepted, cause))
    }
}

/// Repository and digest that the caller means. A tag would be a claim of the evidence, so none is taken.
fn image(py: Python<'_>, text: &str) -> PyResult<(Repository, Digest)> {
    let reference = Verifier::reference(py, text)?;
    match (reference.tag(), reference.digest()) {
        (None, Some(digest)) => Ok((reference.repository().clone(), *digest)),
        (Some(_), Some(_)) => {
            Err(error::misuse(py, "image names a tag: offline nobody knows where it points, name repository@digest"))
        }
        _ => Err(error::misuse(py, "image names no digest: name repository@digest")),
    }
}

#[pymethods]
impl Verifier {
    #[new]
    #[pyo3(signature = (trust_root, policy, registry = None, platforms = None))]
    fn new(
        py: Python<'_>,
        trust_root: Option<Py<TrustRoot>>,
        policy: Py<Policy>,
        registry: Option<Py<PyAny>>,
        platforms: Option<String>,
    ) -> PyResult<Self> {
        let choice = platforms.as_deref().map(str::parse::<PlatformChoice>).transpose();
        let choice = choice.map_err(|failure| error::unusable(py, &failure))?;
        let judge = match (policy.get().rules(), &trust_root) {
            (Rules::File(_), Some(_)) => {
                return Err(error::misuse(py, "a policy file names its own trust roots: give None as trust_root"));
            }
            (Rules::File(_), None) if choice.is_some() => {
                return Err(error::misuse(py, "a policy file says which platforms are verified: give none beside it"));
            }
            (Rules::File(file), None) => Judge::File(Arc::clone(file)),
            (Rules::One(policy), given) => {
                let trust = match given {
                    Some(given) => given.get().shared(),
                    None => TrustRoot::public().map_err(|failure| error::unusable(py, &failure))?.shared(),
                };
                let verifier = veriseal::Verifier::new(trust, Arc::clone(policy));
                Judge::One(Arc::new(verifier.with_platforms(choice.unwrap_or_default())))
            }
        };
        let source = Source::of(registry.as_ref().map(|object| object.bind(py)));
        Ok(Self { judge, source, trust_root, policy, registry, platforms })
    }

    /// Gathers and judges one image.
    #[pyo3(signature = (reference, *, now = None, timeout = None))]
    fn verify(
        &self,
        py: Python<'_>,
        reference: &str,
        now: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Accepted> {
        let (reference, moment) = (Self::reference(py, reference)?, Moment::of(now)?);
        self.run(py, &reference, timeout, |fetch| self.judge.verify(&reference, fetch, &moment)).map(Accepted::of)
    }

    /// Verifies a blob with its Sigstore bundle.
    #[pyo3(signature = (artifact = None, bundle = None, *, digest = None, now = None))]
    fn verify_blob(
        &self,
        py: Python<'_>,
        artifact: Option<Input>,
        bundle: Option<Input>,
        digest: Option<&str>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<AcceptedBlob> {
        let moment = Moment::of(now)?;
        let Judge::One(verifier) = self.judge.at(&moment) else {
            return Err(error::misuse(py, "a policy file is about images: for blobs use Policy.signed_by"));
        };
        let Some(bundle) = bundle else { return Err(error::misuse(py, "bundle is missing")) };
        let digest = digest.map(str::parse::<Digest>).transpose().map_err(|failure| error::unusable(py, &failure))?;
        let verified = py.detach(|| {
            let held;
            let bundle = match &bundle {
                Input::Bytes(bytes) => bytes.as_ref(),
                Input::Path(_) => {
                    held = bundle.read(Limits::DEFAULT.bundle_bytes, Code::ArtifactUnreadable).map_err(NotVerified::Unusable)?.0;
                    held.as_slice()
                }
            };
            let outcome = match (&artifact, digest) {
                (Some(artifact), None) => blob::verify(&verifier, artifact, bundle, moment.now),
                (None, Some(digest)) => {
                    verifier.verify_blob(&Artifact::digest(digest), bundle, moment.now).map_err(NotVerified::Verdict)
                }
                _ => return Ok(None),
            };
            hook::reached("judged");
            outcome.map(Some)
        });
        match verified {
            Ok(Some(accepted)) => Ok(AcceptedBlob::of(accepted)),
            Ok(None) => Err(error::misuse(py, "give either artifact or digest")),
            Err(NotVerified::Unusable(failure)) => Err(error::unusable(py, &failure)),
            Err(NotVerified::Verdict(outcome)) => Err(error::not_accepted(py, &outcome, None)),
        }
    }

    /// Gathers without judging, so that the evidence can be saved and judged elsewhere.
    #[pyo3(signature = (reference, *, timeout = None))]
    fn gather(&self, py: Python<'_>, reference: &str, timeout: Option<f64>) -> PyResult<Evidence> {
        let (reference, moment) = (Self::reference(py, reference)?, Moment::of(None)?);
        self.run(py, &reference, timeout, |fetch| self.judge.gather(&reference, fetch, &moment)).map(Evidence)
    }

    /// Judges evidence that was gathered or saved before. The caller names repository and digest.
    #[pyo3(signature = (evidence, image, *, now = None))]
    fn judge(&self, py: Python<'_>, evidence: EvidenceInput, image: &str, now: Option<&Bound<'_, PyAny>>) -> PyResult<Accepted> {
        let ((repository, digest), moment) = (self::image(py, image)?, Moment::of(now)?);
        let outcome = match evidence {
            EvidenceInput::Loaded(evidence) => {
                let evidence = evidence.get();
                py.detach(|| self.judge.judge(&repository, &digest, &evidence.0, &moment))
            }
            EvidenceInput::Path(path) => {
                let loaded = py.detach(|| saved::open(&path).and_then(|file| file.load(&Limits::DEFAULT)));
                let evidence = loaded.map_err(|failure| error::unusable(py, &failure))?;
                py.detach(|| self.judge.judge(&repository, &digest, &evidence, &moment))
            }
        };
        outcome.map(Accepted::of).map_err(|not_accepted| error::not_accepted(py, &not_accepted, None))
    }

    /// Starts gathering for one image; the caller answers its requests.
    fn session(&self, py: Python<'_>, reference: &str) -> PyResult<Session> {
        let reference = Self::reference(py, reference)?;
        let session = self.judge.session(&reference);
        Ok(Session::of(Gathering { reference, session }))
    }

    /// Judges what a session gathered, once.
    #[pyo3(signature = (session, *, now = None))]
    fn conclude(&self, py: Python<'_>, session: &Session, now: Option<&Bound<'_, PyAny>>) -> PyResult<Accepted> {
        let moment = Moment::of(now)?;
        let Gathering { reference, session } = session.take(py)?;
        let outcome = py.detach(|| self.judge.conclude(&reference, session, &moment));
        outcome.map(Accepted::of).map_err(|not_accepted| error::not_accepted(py, &not_accepted, None))
    }

    /// The source of one image, for a loop in Python.
    #[pyo3(signature = (reference, timeout = None))]
    fn _source<'py>(&self, py: Python<'py>, reference: &str, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let reference = Self::reference(py, reference)?;
        let within = crate::registry::timeout(py, timeout)?;
        self.source.opened(py, &reference, within)
    }

    /// What is trusted; `None` where nothing was given: then Sigstore's public instance, or what the policy file names.
    #[getter]
    fn trust_root(&self, py: Python<'_>) -> Option<Py<TrustRoot>> {
        self.trust_root.as_ref().map(|root| root.clone_ref(py))
    }

    /// What must hold.
    #[getter]
    fn policy(&self, py: Python<'_>) -> Py<Policy> {
        self.policy.clone_ref(py)
    }

    /// Where bytes come from, as it was given.
    #[getter]
    fn registry(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.registry.as_ref().map(|registry| registry.clone_ref(py))
    }

    /// Of an image for several platforms, what is verified and pinned, as it was given.
    #[getter]
    fn platforms(&self) -> Option<&str> {
        self.platforms.as_deref()
    }

    /// SHA-256 over trust root, policy and limits, in hex: equal fingerprints give equal verdicts.
    #[getter]
    fn fingerprint(&self) -> String {
        match &self.judge {
            Judge::One(verifier) => veriseal::encoding::hex::encode(&verifier.fingerprint()),
            Judge::File(file) => veriseal::encoding::hex::encode(file.fingerprint()),
        }
    }

    fn __repr__(&self) -> String {
        format!("<veriseal.Verifier {}>", self.fingerprint())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let arguments = (self.trust_root(py), self.policy(py), self.registry(py), self.platforms());
        Ok((py.get_type::<Self>().into_any(), arguments.into_pyobject(py)?))
    }
}
