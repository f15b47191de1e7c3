//! [`Policies`]: the policy files that the server decides by, read again while it runs.

use super::file::{self, Reload};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use veriseal::digest::sha256;
use veriseal::{Authority, Code, Failure, UnixTime, VerdictCache};
use veriseal_policy::{Action, Folder, Format, PolicyFile};

/// Largest policy, in bytes; the loader has the same bound.
const MAX_POLICY_BYTES: u64 = 1024 * 1024;

/// Policy files, loaded together: either all that is on disk is in use, or all that was before.
#[derive(Debug)]
pub struct Policies {
    paths: Vec<PathBuf>,
    verdicts: Arc<VerdictCache>,
    current: RwLock<Arc<Loaded>>,
}

/// What decides at one moment. A request is reviewed by one of these from beginning to end.
#[derive(Debug)]
pub struct Loaded {
    policies: Vec<PolicyFile>,
    /// Over every byte that was read: the policies and the files that they name.
    digest: [u8; 32],
}

impl Loaded {
    /// With what makes many verifications cheap. Changes no verdict.
    fn prepared(self, verdicts: &Arc<VerdictCache>) -> Self {
        let prepare = |policy: PolicyFile| policy.with_key_tables().with_verdict_cache(verdicts);
        Self { policies: self.policies.into_iter().map(prepare).collect(), ..self }
    }

    /// The policies in the order of their files.
    #[must_use]
    pub fn policies(&self) -> &[PolicyFile] {
        &self.policies
    }

    /// The next end, after `now`, of what is trusted: logs, authorities, their certificates.
    #[must_use]
    pub fn next_end_of_trust(&self, now: UnixTime) -> Option<UnixTime> {
        let verifiers = self.policies.iter().flat_map(PolicyFile::rules).filter_map(|rule| match rule.action() {
            Action::Verify(verifier) => Some(verifier),
            _ => None,
        });
        let roots = verifiers.flat_map(|verifier| {
            let own = verifier.policy().leaves().iter().filter_map(|leaf| leaf.trust_root());
            own.map(AsRef::as_ref).chain(std::iter::once(verifier.trust_root()))
        });
        roots.filter_map(|root| root.next_end(now)).min()
    }

    /// The next end, after `now`, of what the policies themselves limit: exceptions and the windows of keys.
    #[must_use]
    pub fn next_end_of_policy(&self, now: UnixTime) -> Option<UnixTime> {
        let mut ends = Vec::new();
        for rule in self.policies.iter().flat_map(PolicyFile::rules) {
            let Action::Verify(verifier) = rule.action() else { continue };
            ends.extend(verifier.policy().excepted().map(veriseal::Exception::until));
            for leaf in verifier.policy().leaves() {
                if let Authority::Key(key) = leaf.authority() {
                    ends.extend(key.validity().end);
                }
            }
        }
        ends.into_iter().filter(|end| *end > now).min()
    }
}

impl Policies {
    /// Loads policy files. What their rules accept is remembered in `verdicts`, across reloads too: a verdict belongs to the
    /// very policy, trust root and evidence that it was made of.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] and the other codes of [`PolicyFile::parse`], as a sentence with file, line and hint;
    /// [`Code::ConfigInvalid`] where no file is named or one cannot be read.
    pub fn load(paths: Vec<PathBuf>, verdicts: Arc<VerdictCache>) -> Result<Self, String> {
        if paths.is_empty() {
            return Err(Failure::new(Code::ConfigInvalid).expected("a policy file").found("none").to_string());
        }
        let loaded = read(&paths)?.prepared(&verdicts);
        Ok(Self { paths, verdicts, current: RwLock::new(Arc::new(loaded)) })
    }

    /// Reads the files again. What does not load wholly changes nothing: a policy that is being edited must neither open
    /// nor close the cluster. Where not one byte changed, what is prepared and warm stays in use.
    #[must_use]
    pub fn reload(&self) -> Reload {
        match read(&self.paths) {
            Ok(read) if read.digest == self.current().digest => Reload::Unchanged,
            Ok(read) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read.prepared(&self.verdicts));
                Reload::Replaced
            }
            Err(why) => Reload::Kept(why),
        }
    }

    /// The memory of what was accepted.
    #[must_use]
    pub fn verdicts(&self) -> &VerdictCache {
        &self.verdicts
    }

    /// What decides now.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(paths: &[PathBuf]) -> Result<Loaded, String> {
    let mut digests: Vec<[u8; 32]> = Vec::new();
    let mut policies = Vec::new();
    for path in paths {
        let name = file::show(path);
        let bytes = file::read(path, MAX_POLICY_BYTES).map_err(|failure| failure.to_string())?;
        digests.push(sha256(&bytes));
        let folder = Folder::of_policy(path);
        let mut named = |file: &str| {
            let bytes = folder.read(file)?;
            digests.push(sha256(&bytes));
            Ok(bytes)
        };
        let policy = PolicyFile::parse(&bytes, Format::of_name(&name), &name, &mut named).map_err(|error| error.to_string())?;
        policies.push(policy);
    }
    Ok(Loaded { policies, digest: sha256(&digests.concat()) })
}
