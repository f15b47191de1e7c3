//! [`Facts`]: what an acceptance says, to hold that of a mutant against that of the original.

use std::sync::Arc;
use veriseal::policy::VerifiedSignature;

/// One signature that counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    /// Who signed, which digest, and what was said about it: the payload as it was read from the verified bytes.
    says: String,
    times: Vec<String>,
    logs: Vec<String>,
}

/// The signatures that an acceptance counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts(Vec<Fact>);

impl Facts {
    pub(crate) fn of(signatures: &[Arc<VerifiedSignature>]) -> Self {
        Self(signatures.iter().map(|signature| Fact::of(signature)).collect())
    }

    /// Whether every signature here, with each of its times and logs, is among the other's. Then nothing is accepted here
    /// that was not already so: at most some of the evidence for it is missing.
    pub(crate) fn add_nothing_to(&self, original: &Self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|fact| original.0.iter().any(|known| fact.adds_nothing_to(known)))
    }
}

impl Fact {
    fn of(signature: &VerifiedSignature) -> Self {
        Self {
            says: format!(
                "{:?} {} {:?} {:?}",
                signature.signer(),
                signature.digest(),
                signature.statement(),
                signature.docker_reference()
            ),
            times: signature.times().iter().map(|time| format!("{time:?}")).collect(),
            // Not the index: without the promise it is that in the tree.
            logs: signature.logs().iter().map(|log| log.log().to_owned()).collect(),
        }
    }

    fn adds_nothing_to(&self, original: &Self) -> bool {
        let among = |here: &[String], there: &[String]| here.iter().all(|one| there.contains(one));
        self.says == original.says && among(&self.times, &original.times) && among(&self.logs, &original.logs)
    }
}
