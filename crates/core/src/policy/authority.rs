//! [`Authority`]: who may vouch. A key, or an identity under a certificate authority; never both, never nobody.

use super::identity::Identity;
use crate::code::{Code, Failure};
use crate::digest::HashAlgorithm;
use crate::encoding::hex;
use crate::key::{KeyKind, PublicKey};
use crate::time::Validity;

/// Who may vouch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Authority {
    /// One public key.
    Key(KeyAuthority),
    /// A certificate identity, any of several.
    Keyless(KeylessAuthority),
}

/// How a trusted key signs, where it is not the way that goes with its kind.
///
/// Part of the policy, never of an envelope (K-CR-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// ECDSA or RSA PKCS#1 v1.5 with this hash.
    Hash(HashAlgorithm),
    /// RSA-PSS with this hash.
    Pss(HashAlgorithm),
}

/// A trusted key and the window in which it may sign.
#[derive(Clone, Debug)]
pub struct KeyAuthority {
    key: PublicKey,
    name: String,
    validity: Validity,
    algorithm: Option<SigningAlgorithm>,
}

impl KeyAuthority {
    /// A key; `name` is only for reports (a file's name).
    #[must_use]
    pub fn new(key: PublicKey, name: &str) -> Self {
        Self { key, name: name.to_owned(), validity: Validity::default(), algorithm: None }
    }

    /// Limits when the key may have signed. Held against every authenticated time, or against the verification time
    /// where there is none.
    #[must_use]
    pub fn valid_within(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Says that the key signs with this algorithm and no other. Without it, ECDSA P-256 and RSA sign with SHA-256 (PKCS#1
    /// v1.5), P-384 and P-521 with the hash of their size or, as cosign's command does, with SHA-256.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for an algorithm that keys of this kind do not have.
    pub fn signs_with(mut self, algorithm: SigningAlgorithm) -> Result<Self, Failure> {
        let fits = match (algorithm, self.key.kind()) {
            (SigningAlgorithm::Hash(_), kind) => kind != KeyKind::Ed25519,
            (SigningAlgorithm::Pss(_), kind) => matches!(kind, KeyKind::Rsa { .. }),
        };
        if !fits {
            return Err(Failure::new(Code::PolicyInvalid)
                .expected(format_args!("an algorithm of {} keys", self.key.kind()))
                .found(format_args!("{algorithm:?}"))
                .at(&self.name));
        }
        self.algorithm = Some(algorithm);
        Ok(self)
    }

    /// The algorithm, where one was said.
    #[must_use]
    pub fn algorithm(&self) -> Option<SigningAlgorithm> {
        self.algorithm
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Name for reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The window.
    #[must_use]
    pub fn validity(&self) -> &Validity {
        &self.validity
    }
}

/// Identities under the trust root's certificate authorities; any one of them suffices.
#[derive(Clone, Debug)]
pub struct KeylessAuthority {
    identities: Vec<Identity>,
}

impl KeylessAuthority {
    /// Any of these identities.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] when there is none: that would be anybody (K-PO-03).
    pub fn new(identities: Vec<Identity>) -> Result<Self, Failure> {
        if identities.is_empty() {
            return Err(Failure::new(Code::PolicyInvalid).expected("at least one identity").found("none").at("keyless"));
        }
        Ok(Self { identities })
    }

    /// The identities.
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }
}

impl Authority {
    /// What counts as one authority: the key itself, whatever its name, or the set of identities.
    pub(crate) fn canonical(&self) -> String {
        match self {
            Self::Key(key) => format!("key {}", hex::encode(key.key().id())),
            Self::Keyless(keyless) => {
                let mut identities: Vec<_> = keyless.identities.iter().map(Identity::canonical).collect();
                identities.sort();
                identities.dedup();
                format!("keyless {identities:?}")
            }
        }
    }

    /// Short text for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Key(key) if key.name.is_empty() => format!("key {}", key.key().hint()),
            Self::Key(key) => format!("key {}", key.name),
            Self::Keyless(keyless) => {
                let names: Vec<_> = keyless.identities.iter().map(|id| format!("{} by {}", id.subject(), id.issuer())).collect();
                format!("keyless {}", names.join(" or "))
            }
        }
    }

    pub(crate) fn is_keyless(&self) -> bool {
        matches!(self, Self::Keyless(_))
    }
}
