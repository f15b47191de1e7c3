//! Reading a policy: bytes to [`PolicyFile`], strictly.

mod attestation;
mod authority;
mod patterns;
mod require;
mod rules;

use self::patterns::Patterns;
use crate::error::{LoadError, Position};
use crate::fields::{Fields, list, text, word};
use crate::node::{self, Node, Value};
use crate::policy_file::PolicyFile;
use crate::rule::Mode;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use veriseal::code::bounded;
use veriseal::trust::TrustRootOrigin;
use veriseal::{Code, Failure, PublicKey, TrustRoot};

/// Largest policy, in bytes; an honest one has a few kB.
const MAX_BYTES: usize = 1024 * 1024;
/// Largest file that a policy names, in bytes; a published trusted root has about 10 kB.
const MAX_NAMED_BYTES: u64 = 8 * 1024 * 1024;
/// Most files that a policy names.
const MAX_NAMED_FILES: usize = 200;
/// Names of the trust roots that are compiled in.
const EMBEDDED: [&str; 3] = ["sigstore", "sigstore-staging", "github"];
/// The trust root that is meant where none is named.
const DEFAULT_ROOT: &str = "sigstore";

/// How a policy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// JSON.
    Json,
    /// YAML 1.2.
    #[cfg(feature = "yaml")]
    Yaml,
}

impl Format {
    /// By the ending of a name: `.json` is JSON, everything else YAML where that is compiled in.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        #[cfg(feature = "yaml")]
        if !Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
            return Self::Yaml;
        }
        let _ = name;
        Self::Json
    }
}

/// Where the files come from that a policy names: the path as it is written, already held against the folder.
type Reader<'r> = dyn FnMut(&str) -> Result<Vec<u8>, String> + 'r;

impl PolicyFile {
    /// Reads a policy from its bytes. `read` gives the files that it names, by their paths as written: relative to the
    /// policy's folder and not leaving it, or absolute.
    ///
    /// # Errors
    /// [`LoadError`] for whatever is not wholly understood, with its place.
    pub fn parse(
        bytes: &[u8],
        format: Format,
        name: &str,
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Self, LoadError> {
        parse(bytes, format, name, read).map_err(|error| error.of_file(name))
    }

    /// Reads a policy and the files that it names from disk: the one place of this crate that does I/O.
    ///
    /// A relative path that leaves the folder of the policy, by `..` or by a symbolic link, is refused: whoever may write
    /// a policy could otherwise make others read what is not theirs.
    ///
    /// # Errors
    /// As [`PolicyFile::parse`]; a file that cannot be read is [`Code::PolicyInvalid`] too.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = bounded(&path.display().to_string());
        let unreadable = |why: String| {
            let failure = Failure::new(Code::PolicyInvalid).expected("a policy file that can be read").found(why);
            LoadError::new(Position::default(), failure).of_file(&name)
        };
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let bytes = read_bounded(path, limit).map_err(unreadable)?;
        let folder = Folder::of_policy(path);
        let mut read = |named: &str| folder.read(named);
        Self::parse(&bytes, Format::of_name(&name), &name, &mut read)
    }
}

/// The folder of a policy: where the files are that it names by relative paths.
///
/// For callers of [`PolicyFile::parse`] who must know which files were read, such as bindings that carry a policy to
/// another process. [`PolicyFile::load`] reads by it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder in which a policy file lies.
    #[must_use]
    pub fn of_policy(path: &Path) -> Self {
        Self(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned())
    }

    /// This folder itself.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The bytes of a file that a policy names, at most 8 MiB.
    ///
    /// # Errors
    /// One sentence: the system's, or that a relative path leaves the folder by a symbolic link or by `..`.
    pub fn read(&self, named: &str) -> Result<Vec<u8>, String> {
        let named = Path::new(named);
        if named.is_absolute() {
            return read_named(named);
        }
        let full = self.0.join(named);
        let (home, real) = (self.0.canonicalize(), full.canonicalize());
        match (home, real) {
            (Ok(home), Ok(real)) if real.starts_with(&home) => read_named(&real),
            (Ok(_), Ok(_)) => Err("a link that leaves the folder of the policy".to_owned()),
            (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        }
    }
}

/// A file that a policy names. A pipe or a device could keep the reader waiting for ever.
fn read_named(path: &Path) -> Result<Vec<u8>, String> {
    let is_file = std::fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if is_file { read_bounded(path, MAX_NAMED_BYTES) } else { Err("not a regular file".to_owned()) }
}

fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max { Err(format!("larger than {max} bytes")) } else { Ok(bytes) }
}

fn parse(bytes: &[u8], format: Format, name: &str, read: &mut Reader<'_>) -> Result<PolicyFile, LoadError> {
    policy(&document(bytes, format)?, name, read)
}

/// The tree of a document, bounded.
pub(crate) fn document(bytes: &[u8], format: Format) -> Result<Node, LoadError> {
    let start = Position { line: 1, column: 1 };
    if bytes.len() > MAX_BYTES {
        return Err(LoadError::invalid(start, "document", format!("at most {MAX_BYTES} bytes"), bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| LoadError::invalid(start, "document", "UTF-8", "other bytes"))?;
    if text.starts_with('\u{feff}') {
        return Err(LoadError::invalid(start, "document", "no byte order mark", "one"));
    }
    match format {
        Format::Json => node::parse_json(text),
        #[cfg(feature = "yaml")]
        Format::Yaml => node::parse_yaml(text),
    }
}

fn policy(node: &Node, name: &str, read: &mut Reader<'_>) -> Result<PolicyFile, LoadError> {
    let fields = Fields::of(node, "policy", "")?;
    let version = fields.need("apiVersion")?;
    if text(version, "apiVersion")? != "veriseal/v1" {
        return Err(LoadError::invalid(version.at, "apiVersion", "veriseal/v1", version.value.describe()));
    }
    let modes = [("enforce", Mode::Enforce), ("warn", Mode::Warn), ("audit", Mode::Audit)];
    let mode = fields.get("mode")?.map(|node| word(node, "mode", &modes)).transpose()?.unwrap_or_default();
    let mut loader = Loader {
        read,
        files: 0,
        roots: BTreeMap::new(),
        used: BTreeSet::new(),
        patterns: Patterns::new(),
        keys: BTreeMap::new(),
        own: None,
        places: BTreeMap::new(),
    };
    if let Some(trust) = fields.get("trust")? {
        loader.trust(trust)?;
    }
    let rules = loader.rules(fields.need("images")?)?;
    let mut file = PolicyFile::new(name, mode, rules)?;
    if let Some(node) = fields.get("admission")? {
        file = file.with_namespaces(namespaces(node)?);
    }
    if let Some(Value::Map(entries)) = fields.get("trust")?.map(|trust| &trust.value) {
        let unused = entries.iter().filter_map(|(key, _)| match &key.value {
            Value::Text(name) if !loader.used.contains(name) => Some((bounded(name), key.at)),
            _ => None,
        });
        file.unused_roots = unused.collect();
    }
    Ok(file)
}

/// Names of Kubernetes namespaces (RFC 1123 labels), each once.
fn namespaces(node: &Node) -> Result<Vec<String>, LoadError> {
    let fields = Fields::of(node, "admission", "admission")?;
    let path = fields.path_of("namespaces");
    let mut namespaces: Vec<String> = Vec::new();
    for (index, node) in list(fields.need("namespaces")?, &path)?.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = text(node, &path)?;
        let is_label = name.len() <= 63
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !is_label || namespaces.iter().any(|known| known == name) {
            let expected = "the name of a namespace, each once and no pattern";
            return Err(LoadError::invalid(node.at, &path, expected, name).hint("without admission all namespaces are reviewed"));
        }
        namespaces.push(name.to_owned());
    }
    Ok(namespaces)
}

/// What is known while a policy is read.
struct Loader<'r, 'f> {
    read: &'r mut Reader<'f>,
    files: usize,
    /// Trust roots by name; embedded ones once they are named.
    roots: BTreeMap<String, Arc<TrustRoot>>,
    /// Names of those that some authority trusts.
    used: BTreeSet<String>,
    patterns: Patterns,
    /// Keys by path, so that a file is read once.
    keys: BTreeMap<String, PublicKey>,
    /// The trust root of the rule that is being read: that of its first leaf.
    own: Option<Arc<TrustRoot>>,
    /// Where each requirement of the rule stands.
    places: BTreeMap<String, Position>,
}

impl Loader<'_, '_> {
    fn trust(&mut self, node: &Node) -> Result<(), LoadError> {
        let Value::Map(entries) = &node.value else {
            return Err(LoadError::invalid(node.at, "trust", "a mapping of names to trust roots", node.value.describe()));
        };
        for (key, value) in entries {
            let name = text(key, "trust")?;
            let path = format!("trust.{}", bounded(name));
            if EMBEDDED.contains(&name) {
                return Err(LoadError::invalid(key.at, "trust", "a name that is not built in", name));
            }
            if self.roots.contains_key(name) {
                return Err(LoadError::invalid(key.at, "trust", "each name once", name));
            }
            let fields = Fields::of(value, "trustRoot", &path)?;
            let file = fields.need("trustedRoot")?;
            let field = fields.path_of("trustedRoot");
            let json = self.file(file, &field)?;
            let origin = TrustRootOrigin { name: bounded(name), ..TrustRootOrigin::default() };
            let root = TrustRoot::from_json(&json, origin).map_err(|failure| LoadError::refused(file.at, &field, &failure))?;
            self.roots.insert(name.to_owned(), Arc::new(root));
        }
        Ok(())
    }

    /// The trust root of that name; without one Sigstore's public instance.
    fn root(&mut self, name: Option<&Node>, field: &str) -> Result<Arc<TrustRoot>, LoadError> {
        let at = name.map(|node| node.at).unwrap_or_default();
        let name = name.map(|node| text(node, field)).transpose()?.unwrap_or(DEFAULT_ROOT);
        self.used.insert(name.to_owned());
        if let Some(known) = self.roots.get(name) {
            return Ok(known.clone());
        }
        let embedded = match name {
            "sigstore" => TrustRoot::sigstore(),
            "sigstore-staging" => TrustRoot::sigstore_staging(),
            "github" => TrustRoot::github(),
            other => {
                let known: Vec<_> = self.roots.keys().map(String::as_str).chain(EMBEDDED).collect();
                let expected = format!("a trust root that is defined: {}", known.join(", "));
                return Err(LoadError::invalid(at, field, expected, other).hint("define it under trust"));
            }
        };
        let root = Arc::new(embedded.map_err(|failure| LoadError::refused(at, field, &failure))?);
        self.roots.insert(name.to_owned(), root.clone());
        Ok(root)
    }

    /// The bytes of a file that the policy names.
    fn file(&mut self, node: &Node, field: &str) -> Result<Vec<u8>, LoadError> {
        let path = text(node, field)?;
        self.files = self.files.saturating_add(1);
        if self.files > MAX_NAMED_FILES {
            return Err(LoadError::invalid(node.at, field, format!("at most {MAX_NAMED_FILES} files"), "more"));
        }
        if !stays_within(path) {
            return Err(LoadError::invalid(
                node.at,
                field,
                "a path that stays in the folder of the policy, or an absolute one",
                path,
            ));
        }
        (self.read)(path).map_err(|why| LoadError::invalid(node.at, field, "a file that can be read", format!("{path}: {why}")))
    }
}

/// Whether a path is absolute or never climbs above where it starts.
fn stays_within(path: &str) -> bool {
    let path = Path::new(path);
    if path.is_absolute() {
        return true;
    }
    let mut depth: usize = 0;
    for component in path.components() {
        match component {
            Component::Normal(_) => depth = depth.saturating_add(1),
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth = depth.saturating_sub(1),
            _ => return false,
        }
    }
    true
}
