//! Witness cosignatures (C2SP `tlog-cosignature`, `cosignature/v1`, Ed25519).
//!
//! A cosignature says that the witness saw this checkpoint as an extension of all it saw before, at its time. The time is
//! an upper bound for every entry in the tree, never a signing time. ML-DSA cosignatures are ignored, as all unknown lines.

use crate::code::{Code, Failure};
use crate::crypto::{PreparedKey, Scheme, verify_message};
use crate::key::PublicKey;
use crate::limits::Budget;
use crate::time::UnixTime;
use crate::tlog::checkpoint::ValidCheckpoint;
use crate::tlog::note::{KeyId, VerifierKey};

/// The type byte of Ed25519 cosignature keys.
const COSIGNATURE_TYPE: u8 = 0x04;

/// A witness whose cosignatures count.
#[derive(Debug)]
pub struct Witness {
    name: String,
    key_id: KeyId,
    key: PreparedKey,
}

impl Witness {
    /// A witness from its verifier key, `name+id+base64(04 ‖ key)`.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] when the text is not one, or the key is not an Ed25519 cosignature key.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let key = VerifierKey::parse(text)?;
        Ok(Self { name: key.name.to_owned(), key_id: key.key_id, key: PreparedKey::new(key.ed25519(COSIGNATURE_TYPE)?)? })
    }

    /// The witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The witness's key: what thresholds count.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        self.key.key()
    }
}

/// A cosignature that verified.
#[derive(Clone, Copy, Debug)]
pub struct Cosignature<'w> {
    witness: &'w Witness,
    time: UnixTime,
}

impl<'w> Cosignature<'w> {
    /// Who cosigned.
    #[must_use]
    pub fn witness(&self) -> &'w Witness {
        self.witness
    }

    /// When the witness saw the checkpoint, by its own clock.
    #[must_use]
    pub fn time(&self) -> UnixTime {
        self.time
    }
}

impl ValidCheckpoint<'_> {
    /// The cosignatures of `witnesses`: one a distinct *key*, with its earliest time, whatever number of lines or names it
    /// has (INV-7).
    ///
    /// # Errors
    /// [`Code::CheckpointSignatureInvalid`] when a line of a known witness does not verify, [`Code::BudgetExhausted`] when
    /// the call has used up its signature checks.
    pub fn cosignatures<'w>(&self, witnesses: &'w [Witness], budget: &mut Budget) -> Result<Vec<Cosignature<'w>>, Failure> {
        let mut found: Vec<Cosignature<'w>> = Vec::new();
        for line in &*self.note().signatures {
            for witness in witnesses.iter().filter(|witness| witness.name == line.name && witness.key_id == line.key_id) {
                budget.spend_signature()?;
                let cosignature = verify_line(witness, self.note().text, &line.signature)?;
                match found.iter_mut().find(|known| known.witness.key.key() == witness.key.key()) {
                    Some(known) => known.time = known.time.min(cosignature.time),
                    None => found.push(cosignature),
                }
            }
        }
        Ok(found)
    }

    /// [`ValidCheckpoint::cosignatures`] of which there must be at least `threshold`.
    ///
    /// # Errors
    /// [`Code::WitnessThreshold`] when there are fewer, else as there.
    pub fn require_cosignatures<'w>(
        &self,
        witnesses: &'w [Witness],
        threshold: usize,
        budget: &mut Budget,
    ) -> Result<Vec<Cosignature<'w>>, Failure> {
        let found = self.cosignatures(witnesses, budget)?;
        if found.len() < threshold {
            return Err(Failure::new(Code::WitnessThreshold).expected(format_args!("at least {threshold}")).found(found.len()));
        }
        Ok(found)
    }
}

/// Checks one line: u64 time ‖ Ed25519 signature over `cosignature/v1`, the time and the note's text.
fn verify_line<'w>(witness: &'w Witness, text: &str, blob: &[u8]) -> Result<Cosignature<'w>, Failure> {
    let invalid = || Failure::new(Code::CheckpointSignatureInvalid).at(&witness.name);
    let (time, signature) = blob
        .split_first_chunk::<8>()
        .filter(|(_, signature)| signature.len() == 64)
        .ok_or_else(|| invalid().expected("a time and a signature, 72 bytes").found(format_args!("{} bytes", blob.len())))?;
    let seconds = u64::from_be_bytes(*time);
    let message = format!("cosignature/v1\ntime {seconds}\n{text}");
    verify_message(&witness.key, Scheme::Ed25519, message.as_bytes(), signature).map_err(|error| invalid().found(error))?;
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| UnixTime::new(seconds, 0))
        .ok_or_else(|| invalid().expected("a time before the year 10000").found(seconds))?;
    Ok(Cosignature { witness, time })
}
