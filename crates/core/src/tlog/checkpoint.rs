//! Checkpoints (C2SP `tlog-checkpoint`): what a log says about its tree, inside a signed note.
//!
//! A [`ValidCheckpoint`] is one that a given log key signed; proofs are checked against nothing else. Which key is a
//! log's is the trust root's to say, and when the checkpoint was made nobody's: no time in it is authenticated.

use crate::code::{Code, Failure};
use crate::crypto::{PreparedKey, Scheme, verify_message};
use crate::digest::HashAlgorithm;
use crate::encoding::base64;
use crate::key::KeyKind;
use crate::limits::{Budget, Limits};
use crate::tlog::merkle::{self, Hash};
use crate::tlog::note::{KeyId, NoteSignature, SignedNote, key_id};

/// A checkpoint as claimed: nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint<'a> {
    /// The log's name for itself; not empty.
    pub origin: &'a str,
    /// Leaves in the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Extension lines, each with its newline; empty when there are none. Signed, but of no meaning here.
    pub extensions: &'a str,
}

impl<'a> Checkpoint<'a> {
    /// Parses the text of a note.
    ///
    /// # Errors
    /// [`Code::CheckpointMalformed`] when a line is missing or empty, the size is not plain decimal without leading zeros
    /// or above 2^64 - 1, or the root is not 32 bytes in canonical base64.
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let mut lines = text.splitn(4, '\n');
        let mut line = |what: &'static str| lines.next().filter(|line| !line.is_empty()).ok_or_else(|| malformed(what));
        let (origin, size, root) = (line("an origin")?, line("a tree size")?, line("a root hash")?);
        // splitn leaves what follows the third newline: nothing but whole, non-empty lines may stand there.
        let extensions = lines.next().ok_or_else(|| malformed("a newline after the root hash"))?;
        if !(extensions.is_empty() || extensions.ends_with('\n')) || extensions.starts_with('\n') || extensions.contains("\n\n") {
            return Err(malformed("extension lines that are not empty"));
        }
        let size = decimal(size).ok_or_else(|| malformed("a tree size in decimal without leading zeros").found(size))?;
        let root = base64::decode_few::<32>(root)
            .and_then(|bytes| Hash::try_from(&*bytes).ok())
            .ok_or_else(|| malformed("a root hash of 32 bytes in canonical base64").found(root))?;
        Ok(Self { origin, size, root, extensions })
    }
}

/// A checkpoint and the note that carries it, as claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint<'a> {
    /// The note.
    pub note: SignedNote<'a>,
    /// What its text says.
    pub checkpoint: Checkpoint<'a>,
}

impl<'a> SignedCheckpoint<'a> {
    /// Takes a signed checkpoint apart.
    ///
    /// # Errors
    /// As [`SignedNote::parse`] and [`Checkpoint::parse`].
    pub fn parse(note: &'a str, limits: &Limits) -> Result<Self, Failure> {
        let note = SignedNote::parse(note, limits)?;
        let checkpoint = Checkpoint::parse(note.text)?;
        Ok(Self { note, checkpoint })
    }
}

/// A log's key, and by what a checkpoint and its signature lines are known to be that log's.
#[derive(Clone, Debug)]
pub struct LogVerifier<'k> {
    /// What origin and signer name must be; `None` where neither is enforced.
    name: Option<&'k str>,
    key_id: KeyId,
    key: &'k PreparedKey,
    scheme: Scheme,
}

impl<'k> LogVerifier<'k> {
    /// A Rekor v1 log: its lines are known by key id alone, the first four bytes of the `logId`. Origin and signer name are
    /// not enforced, as in every reference, since deployments write them with and without port and tree id.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] when the log id has fewer than four bytes or the key is not ECDSA: Rekor v1 uses nothing else.
    pub fn rekor_v1(log_id: &[u8], key: &'k PreparedKey) -> Result<Self, Failure> {
        let invalid = |expected: &str| Failure::new(Code::KeyInvalid).expected(expected);
        let scheme = Scheme::Ecdsa(HashAlgorithm::Sha256);
        if !scheme.fits(key.key().kind()) {
            return Err(invalid("an ECDSA key for a Rekor v1 log").found(key.key().kind()));
        }
        let key_id = key_id(log_id).ok_or_else(|| invalid("a log id of at least 4 bytes"))?;
        Ok(Self { name: None, key_id, key, scheme })
    }

    /// A Rekor v2 log (rekor-v2-spec §6.1.4): the checkpoint's origin and the signer's name must be `origin`, the host of
    /// the log's trusted base URL, and the key id must be `key_id`. The hash follows from the key.
    #[must_use]
    pub fn rekor_v2(origin: &'k str, key_id: KeyId, key: &'k PreparedKey) -> Self {
        let scheme = match key.key().kind() {
            KeyKind::Ed25519 => Scheme::Ed25519,
            KeyKind::EcdsaP256 => Scheme::Ecdsa(HashAlgorithm::Sha256),
            KeyKind::EcdsaP384 => Scheme::Ecdsa(HashAlgorithm::Sha384),
            KeyKind::EcdsaP521 => Scheme::Ecdsa(HashAlgorithm::Sha512),
            KeyKind::Rsa { .. } => Scheme::RsaPkcs1(HashAlgorithm::Sha256),
        };
        Self { name: Some(origin), key_id, key, scheme }
    }

    fn knows(&self, line: &NoteSignature<'_>) -> bool {
        line.key_id == self.key_id && self.name.is_none_or(|name| name == line.name)
    }
}

/// A checkpoint that carries at least one valid signature of the given log, and none of it that is invalid.
///
/// It says that the log signed this root for this size; not when, and not that any witness saw it.
#[derive(Clone, Copy, Debug)]
pub struct ValidCheckpoint<'c> {
    signed: &'c SignedCheckpoint<'c>,
}

impl<'a> SignedCheckpoint<'a> {
    /// Checks the log's signature (C2SP `signed-note`): lines of other keys are ignored, one line of this key that does not
    /// verify refuses the note even if another one does (K-TL-14), and at least one must verify.
    ///
    /// # Errors
    /// [`Code::CheckpointMismatch`] when the origin is another one than the log's, [`Code::CheckpointSignatureInvalid`] as
    /// above, [`Code::BudgetExhausted`] when the call has used up its signature checks.
    pub fn verify<'c>(&'c self, log: &LogVerifier<'_>, budget: &mut Budget) -> Result<ValidCheckpoint<'c>, Failure> {
        if let Some(origin) = log.name.filter(|origin| *origin != self.checkpoint.origin) {
            return Err(Failure::new(Code::CheckpointMismatch).expected(origin).found(self.checkpoint.origin).at("origin"));
        }
        let mut known = self.note.signatures.iter().filter(|line| log.knows(line)).peekable();
        if known.peek().is_none() {
            return Err(Failure::new(Code::CheckpointSignatureInvalid).expected("a signature line of the log").found("none"));
        }
        for line in known {
            budget.spend_signature()?;
            verify_message(log.key, log.scheme, self.note.text.as_bytes(), &line.signature)
                .map_err(|error| Failure::new(Code::CheckpointSignatureInvalid).found(error).at(line.name))?;
        }
        Ok(ValidCheckpoint { signed: self })
    }
}

impl<'c> ValidCheckpoint<'c> {
    /// The log's name for itself.
    #[must_use]
    pub fn origin(&self) -> &'c str {
        self.signed.checkpoint.origin
    }

    /// Leaves in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.signed.checkpoint.size
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> &'c Hash {
        &self.signed.checkpoint.root
    }

    /// The note, whose other signature lines nobody has checked.
    #[must_use]
    pub fn note(&self) -> &'c SignedNote<'c> {
        &self.signed.note
    }

    /// Compares with the root and size that an inclusion proof states beside the checkpoint. They decide nothing, but a
    /// contradiction means that the two do not belong together.
    ///
    /// # Errors
    /// [`Code::CheckpointMismatch`] when one of them differs.
    pub fn require(&self, size: u64, root: &Hash) -> Result<(), Failure> {
        let failure = |at: &str| Failure::new(Code::CheckpointMismatch).at(at);
        if size != self.size() {
            return Err(failure("tree size").expected(self.size()).found(size));
        }
        if root != self.root() {
            return Err(failure("root hash").expected(base64::encode(self.root())).found(base64::encode(root)));
        }
        Ok(())
    }

    /// Whether the leaf with this hash stands at `index` of this tree. Size and root are the checkpoint's (K-TL-11).
    ///
    /// # Errors
    /// [`Code::InclusionProofInvalid`] when the proof does not lead from the leaf to the root.
    pub fn verify_inclusion(&self, index: u64, leaf: &Hash, proof: &[Hash]) -> Result<(), Failure> {
        merkle::verify_inclusion(index, self.size(), leaf, proof, self.root())
    }
}

/// The origin of a Rekor v2 log: the host of its base URL, without scheme, port and path (rekor-v2-spec §6.1.4). A base
/// URL without scheme is taken too.
///
/// Returns `None` when there is no host, or user information before it.
#[must_use]
pub fn origin_of(base_url: &str) -> Option<&str> {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    // An IPv6 address keeps its colons inside the brackets.
    let host = match authority.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?.0,
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    (!host.is_empty() && !authority.contains('@')).then_some(host)
}

/// Decimal digits without sign and leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn malformed(expected: &str) -> Failure {
    Failure::new(Code::CheckpointMalformed).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "YIYwP6cKR8i3AredS0S8OKtF2kvH/8Dva/vvPEtyn70=";

    #[test]
    fn a_checkpoint_is_parsed() {
        let text = format!("log.example\n3\n{ROOT}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!((checkpoint.origin, checkpoint.size, checkpoint.extensions), ("log.example", 3, ""));
        assert_eq!(base64::encode(&checkpoint.root), ROOT);
        let text = format!("o\n0\n{ROOT}\nTimestamp: 1\nx\n");
        assert_eq!(Checkpoint::parse(&text).unwrap().extensions, "Timestamp: 1\nx\n");
        let text = format!("o\n18446744073709551615\n{ROOT}\n");
        assert_eq!(Checkpoint::parse(&text).unwrap().size, u64::MAX);
    }

    #[test]
    fn the_origin_is_the_host_of_the_base_url() {
        for (url, origin) in [
            ("https://log2025-1.rekor.sigstore.dev", "log2025-1.rekor.sigstore.dev"),
            ("https://log.example:8443/path/", "log.example"),
            ("http://rekor-local", "rekor-local"),
            ("log.example/path", "log.example"),
            ("log.example", "log.example"),
            ("https://[2001:db8::1]:3000/", "2001:db8::1"),
        ] {
            assert_eq!(origin_of(url), Some(origin), "{url}");
        }
        for url in ["", "https://", "https:///path", "https://user@log.example", "https://:80", "https://[::1"] {
            assert_eq!(origin_of(url), None, "{url}");
        }
    }

    /// K-TL-13.
    #[test]
    fn what_is_not_a_checkpoint_is_checkpoint_malformed() {
        for text in [
            String::new(),
            "\n".to_owned(),
            format!("\n3\n{ROOT}\n"),
            format!("o\n\n{ROOT}\n"),
            "o\n3\n\n".to_owned(),
            "o\n3\n".to_owned(),
            format!("o\n3\n{ROOT}"),
            format!("o\n3\n{ROOT}\n\n"),
            format!("o\n3\n{ROOT}\n\nx\n"),
            format!("o\n3\n{ROOT}\nx\n\ny\n"),
            format!("o\n3\n{ROOT}\nx"),
            format!("o\n03\n{ROOT}\n"),
            format!("o\n007\n{ROOT}\n"),
            format!("o\n00\n{ROOT}\n"),
            format!("o\n+5\n{ROOT}\n"),
            format!("o\n-1\n{ROOT}\n"),
            format!("o\n 3\n{ROOT}\n"),
            format!("o\n3 \n{ROOT}\n"),
            format!("o\n0x3\n{ROOT}\n"),
            format!("o\n\u{0663}\n{ROOT}\n"),
            format!("o\n18446744073709551616\n{ROOT}\n"),
            "o\n3\nYIYwP6cKR8i3AredS0S8OKtF2kvH/8Dva/vvPEtyn70\n".to_owned(),
            "o\n3\nYIYwP6cKR8i3AredS0S8OKtF2kvH/8Dva/vvPEtyn7==\n".to_owned(),
            "o\n3\nYIYwP6cKR8i3AredS0S8OKtF2kvH_8Dva_vvPEtyn70=\n".to_owned(),
            "o\n3\nYIYwP6cKR8i3AredS0S8OKtF2kvH/8Dva/vvPEtyn72=\n".to_owned(),
            "o\n3\nAAAA\n".to_owned(),
        ] {
            assert_eq!(Checkpoint::parse(&text).unwrap_err().code(), Code::CheckpointMalformed, "{text:?}");
        }
    }
}
