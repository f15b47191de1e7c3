//! Checkpoints (C2SP `tlog-checkpoint`): what a log says about its tree, inside a signed note.
//!
//! Parses the claim. Does not decide whether the log that signed it is the expected one.

use crate::code::{Code, Failure};
use crate::encoding::base64;
use crate::limits::Limits;
use crate::tlog::merkle::Hash;
use crate::tlog::note::SignedNote;

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
        let root = base64::decode(root)
            .and_then(|bytes| Hash::try_from(bytes).ok())
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
