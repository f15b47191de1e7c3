//! [`Policy`]: what must hold. Rules of a file, or one line: these keys, or this identity with its issuer.

use crate::error;
use crate::file::{self, Input};
use crate::moment;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use veriseal::{
    Authority, Claim, Code, Failure, Identity, KeyAuthority, KeylessAuthority, PublicKey, Requirement, SctMode, Settings,
    SignatureRequirement, StringMatch, TlogMode, UnixTime, Validity,
};
use veriseal_policy::{Folder, Format, LoadError, PolicyFile};

/// Largest key that is read, in bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;
/// Largest policy that is read, in bytes; the loader's own bound.
const MAX_POLICY_BYTES: u64 = 1024 * 1024;
/// The word that takes a statement of any type: no predicate type, since those are URIs.
const ANY_STATEMENT: &str = "any";

/// A pattern that must match the whole of an identity or issuer. Linear in time; no backtracking.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Pattern(veriseal::Pattern);

#[pymethods]
impl Pattern {
    #[new]
    fn new(py: Python<'_>, source: &str) -> PyResult<Self> {
        veriseal::Pattern::new(source).map(Self).map_err(|failure| error::unusable(py, &failure))
    }

    /// The pattern as it was written.
    #[getter]
    fn source(&self) -> &str {
        self.0.as_str()
    }

    fn __repr__(&self) -> String {
        format!("veriseal.Pattern({:?})", self.0.as_str())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((py.get_type::<Self>().into_any(), (self.0.as_str(),).into_pyobject(py)?))
    }
}

/// `str`: exactly this. `Pattern`: what it matches.
#[derive(FromPyObject)]
pub(crate) enum Named {
    Exact(String),
    Pattern(Py<Pattern>),
}

impl Named {
    fn matcher(&self, field: &str) -> Result<StringMatch, Failure> {
        match self {
            Self::Exact(text) if text.is_empty() => {
                Err(Failure::new(Code::PolicyInvalid).expected("text").found("none").at(field))
            }
            Self::Exact(text) => Ok(StringMatch::Exact(text.clone())),
            Self::Pattern(pattern) => Ok(StringMatch::Pattern(pattern.get().0.clone())),
        }
    }

    fn argument<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Exact(text) => Ok(text.into_pyobject(py)?.into_any()),
            Self::Pattern(pattern) => Ok(pattern.bind(py).clone().into_any()),
        }
    }
}

/// One key, or several of which any one suffices.
#[derive(FromPyObject)]
pub(crate) enum Keys {
    One(Input),
    Several(Vec<Input>),
}

/// What a signature must bring besides itself, as the words of the arguments.
#[derive(Clone)]
struct Asked {
    tlog: String,
    sct: String,
    timestamps: usize,
    attestation: Option<String>,
    /// When the keys may have signed.
    validity: Validity,
}

impl Asked {
    fn settings(&self) -> Result<Settings, Failure> {
        let invalid = |field: &str, expected: &str, found: &str| {
            Failure::new(Code::PolicyInvalid).expected(expected).found(found).at(field)
        };
        let tlog = match self.tlog.as_str() {
            "required" => TlogMode::Required,
            "if-present" => TlogMode::IfPresent,
            "ignored" => TlogMode::Ignored,
            other => return Err(invalid("tlog", "required, if-present or ignored", other)),
        };
        let sct = match self.sct.as_str() {
            "required" => SctMode::Required,
            "ignored" => SctMode::Ignored,
            other => return Err(invalid("sct", "required or ignored", other)),
        };
        Ok(Settings { tlog, sct, timestamps: self.timestamps, ..Settings::default() })
    }

    fn window(&self) -> Result<Validity, Failure> {
        match (self.validity.start, self.validity.end) {
            (Some(start), Some(end)) if end < start => Err(Failure::new(Code::PolicyInvalid)
                .expected(format_args!("a moment from {start} on"))
                .found(end)
                .at("key_not_after")),
            _ => Ok(self.validity),
        }
    }

    fn claim(&self) -> Result<Claim, Failure> {
        match self.attestation.as_deref() {
            None => Ok(Claim::Signed),
            Some(ANY_STATEMENT) => Ok(Claim::AnyStatement),
            // A word without a scheme is a misspelt short name far more often than a predicate type.
            Some(uri) if uri.contains(':') => Ok(Claim::Attestation { predicate_type: uri.to_owned() }),
            Some(other) => Err(Failure::new(Code::PolicyInvalid)
                .expected("the URI of a predicate type, or the word any")
                .found(other)
                .at("attestation")),
        }
    }
}

/// [`Asked`] in a pickle: tlog, sct, timestamps, attestation, and the window of the keys.
type Kept = (String, String, usize, Option<String>, [Option<String>; 2]);

/// A trusted key: its PEM and what reports call it.
type NamedKey = (Vec<u8>, String);

/// What a policy was made of, so that another process can make it again.
enum Origin {
    SignedBy { keys: Vec<NamedKey>, identity: Option<(Named, Named)>, asked: Asked },
    Document { name: String, bytes: Vec<u8>, files: BTreeMap<String, Vec<u8>> },
}

/// What decides.
#[derive(Clone)]
pub(crate) enum Rules {
    /// One requirement for whatever is verified.
    One(Arc<veriseal::Policy>),
    /// Rules by image, with trust roots of their own.
    File(Arc<PolicyFile>),
}

/// What must hold. Immutable, shared between threads, pickled by what it was made of.
#[pyclass(frozen, module = "veriseal")]
pub(crate) struct Policy {
    rules: Rules,
    origin: Origin,
}

impl Policy {
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    fn of_authorities(py: Python<'_>, keys: Vec<NamedKey>, identity: Option<(Named, Named)>, asked: Asked) -> PyResult<Self> {
        let requirement = requirement(&keys, identity.as_ref(), &asked).and_then(veriseal::Policy::new);
        let policy = requirement.map_err(|failure| error::unusable(py, &failure))?;
        Ok(Self { rules: Rules::One(Arc::new(policy)), origin: Origin::SignedBy { keys, identity, asked } })
    }

    /// A policy document; every file that it names is kept, so that a pickle needs no disk.
    fn of_document(
        bytes: Vec<u8>,
        name: String,
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Self, LoadError> {
        let mut files = BTreeMap::new();
        let mut keep = |named: &str| {
            let content = read(named)?;
            files.insert(named.to_owned(), content.clone());
            Ok(content)
        };
        let file = PolicyFile::parse(&bytes, Format::of_name(&name), &name, &mut keep)?;
        Ok(Self { rules: Rules::File(Arc::new(file)), origin: Origin::Document { name, bytes, files } })
    }
}

fn requirement(keys: &[NamedKey], identity: Option<&(Named, Named)>, asked: &Asked) -> Result<Requirement, Failure> {
    let authorities = match identity {
        Some((subject, issuer)) => {
            let identity = Identity::new(subject.matcher("identity")?, issuer.matcher("issuer")?)?;
            vec![Authority::Keyless(KeylessAuthority::new(vec![identity])?)]
        }
        None => {
            let authority = |(pem, name): &NamedKey| {
                let key = KeyAuthority::new(PublicKey::from_pem(pem)?, name);
                Ok(Authority::Key(key.valid_within(asked.window()?)))
            };
            keys.iter().map(authority).collect::<Result<_, Failure>>()?
        }
    };
    let (settings, claim) = (asked.settings()?, asked.claim()?);
    let leaf =
        |authority| Requirement::signature(SignatureRequirement::new(authority).settings(settings.clone()).claim(claim.clone()));
    let mut of: Vec<_> = authorities.into_iter().map(leaf).collect();
    match (of.len(), of.pop()) {
        (1, Some(only)) => Ok(only),
        (_, last) => Ok(Requirement::Any(of.into_iter().chain(last).collect())),
    }
}

/// The PEM of a key and its name for reports. Text that begins as PEM does is the key itself.
fn named_key(input: &Input) -> Result<NamedKey, Failure> {
    match input {
        Input::Path(path) if path.to_str().is_some_and(|text| text.trim_start().starts_with("-----BEGIN ")) => {
            Ok((path.to_string_lossy().into_owned().into_bytes(), String::new()))
        }
        input => input.read(MAX_KEY_BYTES, Code::KeyInvalid),
    }
}

#[pymethods]
impl Policy {
    /// These keys (any one of them suffices), or this identity together with its issuer.
    #[staticmethod]
    #[pyo3(signature = (*, key = None, identity = None, issuer = None, tlog = "required", sct = "required", timestamps = 0,
                        attestation = None, key_not_before = None, key_not_after = None))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn signed_by(
        py: Python<'_>,
        key: Option<Keys>,
        identity: Option<Named>,
        issuer: Option<Named>,
        tlog: &str,
        sct: &str,
        timestamps: usize,
        attestation: Option<String>,
        key_not_before: Option<Bound<'_, PyAny>>,
        key_not_after: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let validity = Validity {
            start: key_not_before.map(|at| moment::time(&at, "key_not_before")).transpose()?,
            end: key_not_after.map(|at| moment::time(&at, "key_not_after")).transpose()?,
        };
        if key.is_none() && validity != Validity::default() {
            return Err(error::misuse(py, "key_not_before and key_not_after are about keys, and none is given"));
        }
        let asked = Asked { tlog: tlog.to_owned(), sct: sct.to_owned(), timestamps, attestation, validity };
        let keys = match &key {
            None => Vec::new(),
            Some(Keys::One(one)) => vec![named_key(one).map_err(|failure| error::unusable(py, &failure))?],
            Some(Keys::Several(several)) => several
                .iter()
                .map(|one| named_key(one).map_err(|failure| error::unusable(py, &failure)))
                .collect::<PyResult<_>>()?,
        };
        let identity = match (key.is_some(), identity, issuer) {
            (true, None, None) => None,
            (false, Some(identity), Some(issuer)) => Some((identity, issuer)),
            (true, _, _) => return Err(error::misuse(py, "key and identity are both given: name either keys or an identity")),
            (false, None, None) => {
                return Err(error::misuse(py, "nobody is named who may sign: give key, or identity together with issuer"));
            }
            (false, Some(_), None) => {
                return Err(error::misuse(
                    py,
                    "identity is given without issuer: an identity means nothing without the issuer that vouches for it",
                ));
            }
            (false, None, Some(_)) => {
                return Err(error::misuse(
                    py,
                    "issuer is given without identity: the issuer alone would accept everybody whom it vouches for",
                ));
            }
        };
        Self::of_authorities(py, keys, identity, asked)
    }

    /// A policy file in YAML or JSON (docs/policy.md), with the keys and trust roots that it names.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let bytes = file::read(&path, MAX_POLICY_BYTES, Code::PolicyInvalid).map_err(|failure| error::unusable(py, &failure))?;
        let folder = Folder::of_policy(&path);
        Self::of_document(bytes, file::show(&path), &mut |named| folder.read(named))
            .map_err(|problem| error::unloadable(py, &problem))
    }

    /// The document of a policy file as a dictionary. Files that it names are taken from `files`, or else from `folder`;
    /// without either it may name none.
    #[staticmethod]
    #[pyo3(signature = (document, *, folder = None, files = None, name = "policy.json"))]
    fn from_dict(
        py: Python<'_>,
        document: &Bound<'_, PyDict>,
        folder: Option<PathBuf>,
        files: Option<BTreeMap<String, Vec<u8>>>,
        name: &str,
    ) -> PyResult<Self> {
        let json = PyModule::import(py, "json")?;
        let strict = PyDict::new(py);
        strict.set_item("allow_nan", false)?;
        let text: String = json.getattr("dumps")?.call((document,), Some(&strict))?.extract()?;
        // Whatever it is called, it is JSON: the ending decides how it is read.
        let name = if Path::new(name).extension().is_some_and(|ending| ending == "json") {
            name.to_owned()
        } else {
            format!("{name}.json")
        };
        let folder = folder.map(|folder| Folder::new(&folder));
        let mut read = |named: &str| match (files.as_ref().and_then(|files| files.get(named)), &folder) {
            (Some(content), _) => Ok(content.clone()),
            (None, Some(folder)) => folder.read(named),
            (None, None) => Err("not among files, and no folder was given".to_owned()),
        };
        Self::of_document(text.into_bytes(), name, &mut read).map_err(|problem| error::unloadable(py, &problem))
    }

    /// Where a denial is enforced: `enforce`, `warn` or `audit`. It never changes a verdict: what is denied is raised in
    /// every mode.
    #[getter]
    fn mode(&self) -> &'static str {
        match &self.rules {
            Rules::One(_) => "enforce",
            Rules::File(file) => file.mode().name(),
        }
    }

    /// SHA-256 over everything that decides, in hex.
    #[getter]
    fn fingerprint(&self) -> String {
        veriseal::encoding::hex::encode(match &self.rules {
            Rules::One(policy) => policy.fingerprint(),
            Rules::File(file) => file.fingerprint(),
        })
    }

    fn __repr__(&self) -> String {
        match &self.rules {
            Rules::One(_) => format!("<veriseal.Policy {}>", self.fingerprint()),
            Rules::File(file) => format!("<veriseal.Policy {}>", file.name()),
        }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        match &self.origin {
            Origin::SignedBy { keys, identity, asked } => {
                let pairs = PyList::empty(py);
                for (pem, name) in keys {
                    pairs.append((PyBytes::new(py, pem), name))?;
                }
                let names = match identity {
                    Some((subject, issuer)) => (Some(subject.argument(py)?), Some(issuer.argument(py)?)),
                    None => (None, None),
                };
                let Asked { tlog, sct, timestamps, attestation, validity } = asked;
                let window = [validity.start, validity.end].map(|end| end.map(|end| end.to_string()));
                let asked = (tlog, sct, timestamps, attestation.as_deref(), window);
                let arguments = (pairs, names.0, names.1, asked).into_pyobject(py)?;
                Ok((restore(py, "signed_by")?, arguments.into_any()))
            }
            Origin::Document { name, bytes, files } => {
                let kept = PyDict::new(py);
                for (named, content) in files {
                    kept.set_item(named, PyBytes::new(py, content))?;
                }
                let arguments = (PyBytes::new(py, bytes), name, kept).into_pyobject(py)?;
                Ok((restore(py, "policy_document")?, arguments.into_any()))
            }
        }
    }

    #[staticmethod]
    fn _restore_signed_by(
        py: Python<'_>,
        keys: Vec<NamedKey>,
        identity: Option<Named>,
        issuer: Option<Named>,
        asked: Kept,
    ) -> PyResult<Self> {
        let (tlog, sct, timestamps, attestation, [start, end]) = asked;
        let time = |text: Option<String>| text.as_deref().map(UnixTime::parse_rfc3339).transpose();
        let validity = time(start).and_then(|start| Ok(Validity { start, end: time(end)? }));
        let validity = validity.map_err(|failure| error::unusable(py, &failure))?;
        let asked = Asked { tlog, sct, timestamps, attestation, validity };
        Self::of_authorities(py, keys, identity.zip(issuer), asked)
    }

    #[staticmethod]
    fn _restore_document(py: Python<'_>, bytes: &[u8], name: String, files: BTreeMap<String, Vec<u8>>) -> PyResult<Self> {
        let mut read = |named: &str| files.get(named).cloned().ok_or_else(|| "not in the pickle".to_owned());
        Self::of_document(bytes.to_vec(), name, &mut read).map_err(|problem| error::unloadable(py, &problem))
    }
}

fn restore<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    PyModule::import(py, "veriseal._restore")?.getattr(name)
}
