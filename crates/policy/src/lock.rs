//! [`Lock`]: which digest each reference had when it was verified. It only adds to a policy: what it holds is verified again
//! in full, and what it does not hold is refused.

use crate::policy_file::PolicyFile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use veriseal::encoding::{hex, json};
use veriseal::{Accepted, Code, Digest, Failure, Reference};

const SCHEMA: &str = "veriseal.lock/v1";
/// Largest lock file that is read, in bytes: some 50 000 references.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// References and the digests that they had. Sorted, one a line, so that a change of one is a change of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    policies: Vec<String>,
    images: BTreeMap<String, Digest>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    policies: Vec<String>,
    images: BTreeMap<String, String>,
}

impl Lock {
    /// An empty lock for what these policies accept.
    #[must_use]
    pub fn new(policies: &[PolicyFile]) -> Self {
        Self { policies: fingerprints(policies), images: BTreeMap::new() }
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for anything else than what [`Lock::to_text`] writes; a doubled or non-canonical reference
    /// included, since two readers could see two digests.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let invalid = |expected: &str, found: &str| Failure::new(Code::ConfigInvalid).expected(expected).found(found);
        if bytes.len() > MAX_BYTES {
            return Err(invalid("a lock file of at most 8 MiB", "a larger one"));
        }
        let document: Document = json::parse(bytes, 4).map_err(|error| error.failure(Code::ConfigInvalid))?;
        if document.schema != SCHEMA {
            return Err(invalid(SCHEMA, &document.schema).at("schema"));
        }
        let mut images = BTreeMap::new();
        for (written, digest) in document.images {
            let reference = Reference::parse_source(&written).map_err(|failure| invalid("a reference", &failure.to_string()))?;
            if reference.to_string() != written {
                return Err(invalid(&reference.to_string(), &written).at("images"));
            }
            images.insert(written, digest.parse()?);
        }
        Ok(Self { policies: document.policies, images })
    }

    /// The lock file: JSON, sorted, one reference a line, ending in a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let images = self.images.iter().map(|(reference, digest)| (reference.clone(), digest.to_string())).collect();
        let document = Document { schema: SCHEMA.to_owned(), policies: self.policies.clone(), images };
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }

    /// Holds a reference with the digest that was accepted for it. Only an acceptance can be locked.
    pub fn insert(&mut self, asked: &Reference, accepted: &Accepted) {
        if let Some(digest) = accepted.pinned().digest() {
            self.images.insert(asked.to_string(), *digest);
        }
    }

    /// Sets the policies that are named as those under which was verified.
    pub fn set_policies(&mut self, policies: &[PolicyFile]) {
        self.policies = fingerprints(policies);
    }

    /// Whether it was made under these policies. Where it was not it still only adds: the policies decide.
    #[must_use]
    pub fn is_of(&self, policies: &[PolicyFile]) -> bool {
        self.policies == fingerprints(policies)
    }

    /// The digest of a reference.
    ///
    /// # Errors
    /// [`Code::NotLocked`] where the lock does not hold it.
    pub fn digest_of(&self, asked: &Reference) -> Result<&Digest, Failure> {
        self.images
            .get(&asked.to_string())
            .ok_or_else(|| Failure::new(Code::NotLocked).expected("a locked reference").found(asked))
    }

    /// Holds what was accepted against the lock.
    ///
    /// # Errors
    /// [`Code::NotLocked`] as above, [`Code::TagMoved`] where the reference now has another digest.
    pub fn check(&self, asked: &Reference, accepted: &Accepted) -> Result<(), Failure> {
        let locked = self.digest_of(asked)?;
        match accepted.pinned().digest() {
            Some(found) if found == locked => Ok(()),
            Some(found) => Err(Failure::new(Code::TagMoved).expected(locked).found(found).at(asked)),
            None => Err(Failure::new(Code::NotLocked).expected(locked).found("no digest").at(asked)),
        }
    }
}

fn fingerprints(policies: &[PolicyFile]) -> Vec<String> {
    let mut fingerprints: Vec<_> = policies.iter().map(|policy| hex::encode(policy.fingerprint())).collect();
    fingerprints.sort_unstable();
    fingerprints
}
