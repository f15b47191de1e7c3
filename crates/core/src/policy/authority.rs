//! [`Authority`]: who may vouch. A key, or an identity under a certificate authority; never both, never nobody.

use super::identity::Identity;
use crate::code::{Code, Failure};
use crate::encoding::hex;
use crate::key::PublicKey;
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

/// A trusted key and the window in which it may sign.
#[derive(Clone, Debug)]
pub struct KeyAuthority {
    key: PublicKey,
    name: String,
    validity: Validity,
}

impl KeyAuthority {
    /// A key; `name` is only for reports (a file's name).
    #[must_use]
    pub fn new(key: PublicKey, name: &str) -> Self {
        Self { key, name: name.to_owned(), validity: Validity::default() }
    }

    /// Limits when the key may have signed. Held against every authenticated time, or against the verification time
    /// where there is none.
    #[must_use]
    pub fn valid_within(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
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
