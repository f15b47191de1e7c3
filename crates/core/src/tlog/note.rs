//! Signed notes (C2SP `signed-note`): a text, an empty line, and one line a signature.
//!
//! Takes a note apart without copying or repairing it, and computes key ids. Does not verify: that needs a key that the
//! trust root names.

use crate::code::{Code, Failure};
use crate::digest::sha256_parts;
use crate::encoding::{Few, base64, hex};
use crate::key::PublicKey;
use crate::limits::Limits;

/// The short key id that stands before each signature. A hint to find the key; collisions are possible and harmless.
pub type KeyId = [u8; 4];

/// What a signature line starts with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A note as claimed: nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote<'a> {
    /// The signed bytes, final newline included.
    pub text: &'a str,
    /// The signature lines in the order of the note: at least one, at most `Limits::checkpoint_signatures`.
    pub signatures: Few<NoteSignature<'a>, 2>,
}

/// One signature line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteSignature<'a> {
    /// The name that the signer gave itself; not empty, without white space and `+`.
    pub name: &'a str,
    /// The claimed key id.
    pub key_id: KeyId,
    /// The signature, at least one byte. Its form depends on the key.
    pub signature: Few<u8, 72>,
}

impl<'a> SignedNote<'a> {
    /// Takes `note` apart.
    ///
    /// # Errors
    /// [`Code::CheckpointMalformed`] when it is longer than `limits.checkpoint_bytes`, holds a control character other than
    /// the newline (so CRLF is refused), has no empty line before its signatures, no signature, anything that is no
    /// signature line after the empty line, or a signature in other than canonical base64.
    /// [`Code::TooManyEntries`] when there are more than `limits.checkpoint_signatures` lines; none of them is read then.
    pub fn parse(note: &'a str, limits: &Limits) -> Result<Self, Failure> {
        if note.len() > limits.checkpoint_bytes {
            return Err(
                malformed(format_args!("at most {} bytes", limits.checkpoint_bytes)).found(format_args!("{} bytes", note.len()))
            );
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(malformed("no control characters"));
        }
        // The last empty line separates: the text itself may hold others, the signatures may not.
        let (body, lines) = note.rsplit_once("\n\n").ok_or_else(|| malformed("an empty line before the signatures"))?;
        let text = body.len().checked_add(1).and_then(|end| note.get(..end)).ok_or_else(|| malformed("a text"))?;
        let lines = lines.strip_suffix('\n').ok_or_else(|| malformed("a signature line that ends in a newline"))?;
        let count = lines.split('\n').count();
        if count > limits.checkpoint_signatures {
            return Err(Failure::new(Code::TooManyEntries)
                .expected(format_args!("at most {} checkpoint signatures", limits.checkpoint_signatures))
                .found(count));
        }
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }
}

impl<'a> NoteSignature<'a> {
    fn parse(line: &'a str) -> Result<Self, Failure> {
        let bad = |expected: &str| malformed(expected).found(line);
        let rest = line.strip_prefix(SIGNATURE_PREFIX).ok_or_else(|| bad("a line that starts with an em dash and a space"))?;
        let (name, value) = rest.split_once(' ').ok_or_else(|| bad("a signer name and a signature"))?;
        if !is_key_name(name) {
            return Err(bad("a signer name without white space and '+'"));
        }
        let bytes = base64::decode_few::<76>(value).ok_or_else(|| bad("a signature in canonical base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((key_id, signature)) if !signature.is_empty() => {
                Ok(Self { name, key_id: *key_id, signature: signature.iter().copied().collect() })
            }
            _ => Err(bad("a key id of 4 bytes and a signature")),
        }
    }
}

/// Whether `name` may be a key name: not empty, without white space and `+`.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace())
}

/// The first four bytes of a key hash or a `logId`, as they stand in signature lines.
///
/// Returns `None` for fewer than four bytes.
#[must_use]
pub fn key_id(hash: &[u8]) -> Option<KeyId> {
    hash.first_chunk::<4>().copied()
}

/// The key hash of an Ed25519 key: SHA-256(name ‖ LF ‖ `01` ‖ key). Its first four bytes are the key id, all 32 the
/// `logId.keyId` of a Rekor v2 log.
#[must_use]
pub fn key_hash_ed25519(name: &str, key: &[u8; 32]) -> [u8; 32] {
    sha256_parts(&[name.as_bytes(), b"\n\x01", key])
}

/// The key hash of an Ed25519 witness: SHA-256(name ‖ LF ‖ `04` ‖ key) (C2SP `tlog-cosignature`).
#[must_use]
pub fn key_hash_cosignature(name: &str, key: &[u8; 32]) -> [u8; 32] {
    sha256_parts(&[name.as_bytes(), b"\n\x04", key])
}

/// The key hash of an ECDSA key: SHA-256(SubjectPublicKeyInfo), without the name. Also the `logId` of every Rekor v1 log.
#[must_use]
pub fn key_hash_ecdsa(spki_der: &[u8]) -> [u8; 32] {
    sha256_parts(&[spki_der])
}

/// The key hash of an RSA PKCS#1 v1.5 key as rekor-tiles computes it: SHA-256(name ‖ LF ‖ `FF` ‖ label ‖ SubjectPublicKeyInfo).
#[must_use]
pub fn key_hash_rsa(name: &str, spki_der: &[u8]) -> [u8; 32] {
    sha256_parts(&[name.as_bytes(), b"\n\xff", b"PKIX-RSA-PKCS#1v1.5", spki_der])
}

/// A verifier key in the text form of C2SP `signed-note`: `name+id+base64(type ‖ key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey<'a> {
    /// The key name.
    pub name: &'a str,
    /// The key id, which is the one of name, type and key.
    pub key_id: KeyId,
    /// The type byte: `01` Ed25519, `04` Ed25519 cosignature.
    pub key_type: u8,
    /// The raw key.
    pub key: Vec<u8>,
}

impl<'a> VerifierKey<'a> {
    /// Parses the text form.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] when it has not the three parts, or its id is not that of the key.
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let bad = |expected: &str| Failure::new(Code::KeyInvalid).expected(expected).found(text);
        let shape = || bad("a verifier key name+id+base64");
        // Base64 may hold '+', a name may not: split from the left.
        let (name, rest) = text.split_once('+').filter(|(name, _)| is_key_name(name)).ok_or_else(shape)?;
        let (id, key) = rest.split_once('+').ok_or_else(shape)?;
        let id = hex::decode(id).and_then(|id| KeyId::try_from(id).ok()).ok_or_else(shape)?;
        let bytes = base64::decode(key).ok_or_else(shape)?;
        let (&key_type, key) = bytes.split_first().filter(|(_, key)| !key.is_empty()).ok_or_else(shape)?;
        if key_id(&sha256_parts(&[name.as_bytes(), b"\n", &bytes])) != Some(id) {
            return Err(bad("a verifier key whose id is that of its name and key"));
        }
        Ok(Self { name, key_id: id, key_type, key: key.to_vec() })
    }

    /// The key, when it is an Ed25519 one of the given type.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] for another type or a key that is not one.
    pub fn ed25519(&self, key_type: u8) -> Result<PublicKey, Failure> {
        if self.key_type != key_type || self.key.len() != 32 {
            return Err(Failure::new(Code::KeyInvalid)
                .expected(format_args!("an Ed25519 key of type {key_type:02x}"))
                .found(format_args!("{} bytes of type {:02x}", self.key.len(), self.key_type)));
        }
        PublicKey::from_spki(&[ED25519_SPKI.as_slice(), &self.key].concat())
    }
}

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 §4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

fn malformed(expected: impl std::fmt::Display) -> Failure {
    Failure::new(Code::CheckpointMalformed).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "text\n\n\u{2014} name AQIDBAU=\n";

    fn code(note: &str) -> Code {
        SignedNote::parse(note, &Limits::DEFAULT).unwrap_err().code()
    }

    #[test]
    fn a_note_is_taken_apart() {
        let note = SignedNote::parse(NOTE, &Limits::DEFAULT).unwrap();
        assert_eq!(note.text, "text\n");
        assert_eq!(*note.signatures, [NoteSignature { name: "name", key_id: [1, 2, 3, 4], signature: vec![5].into() }]);
        let inner = SignedNote::parse("a\n\nb\n\n\u{2014} name AQIDBAU=\n", &Limits::DEFAULT).unwrap();
        assert_eq!(inner.text, "a\n\nb\n");
    }

    /// K-TL-13.
    #[test]
    fn what_is_not_a_note_is_checkpoint_malformed() {
        for (note, why) in [
            ("", "empty"),
            ("\n", "one newline"),
            ("text\n", "no signatures"),
            ("text\n\n", "no signature line"),
            ("text\n\u{2014} name AQIDBAU=\n", "no empty line"),
            ("text\n\n\u{2014} name AQIDBAU=", "no final newline"),
            ("text\r\n\r\n\u{2014} name AQIDBAU=\r\n", "CRLF"),
            ("te\txt\n\n\u{2014} name AQIDBAU=\n", "tab"),
            ("te\0xt\n\n\u{2014} name AQIDBAU=\n", "NUL"),
            ("text\n\n- name AQIDBAU=\n", "hyphen for em dash"),
            ("text\n\n\u{2013} name AQIDBAU=\n", "en dash for em dash"),
            ("text\n\n\u{2014}name AQIDBAU=\n", "no space after the dash"),
            ("text\n\n\u{2014}  AQIDBAU=\n", "no name"),
            ("text\n\n\u{2014} AQIDBAU=\n", "name or signature missing"),
            ("text\n\n\u{2014} na+me AQIDBAU=\n", "plus in the name"),
            ("text\n\n\u{2014} na\u{a0}me AQIDBAU=\n", "no-break space in the name"),
            ("text\n\n\u{2014} name  AQIDBAU=\n", "two spaces"),
            ("text\n\n\u{2014} name AQIDBAU= x\n", "more after the signature"),
            ("text\n\n\u{2014} name AQIDBAU\n", "no padding"),
            ("text\n\n\u{2014} name AQIDBAV=\n", "stray bits"),
            ("text\n\n\u{2014} name _QIDBAU=\n", "URL-safe alphabet"),
            ("text\n\n\u{2014} name AQIDBA==\n", "key id without a signature"),
            ("text\n\n\u{2014} name AQID\n", "three bytes"),
            ("text\n\n\u{2014} name \n", "empty base64"),
            ("text\n\n\u{2014} name AQIDBAU=\ntrailing\n", "text after the signatures"),
            ("text\n\n\u{2014} name AQIDBAU=\n\n", "empty line after the signatures"),
        ] {
            assert_eq!(code(note), Code::CheckpointMalformed, "{why}");
        }
    }

    /// K-TL-14: C2SP asks for at least 16; K-DS-03: the number is checked before the lines are read.
    #[test]
    fn signature_lines_are_bounded() {
        let with = |lines: usize, line: &str| format!("text\n\n{}", line.repeat(lines));
        let good = "\u{2014} name AQIDBAU=\n";
        for lines in [16, 64] {
            assert_eq!(SignedNote::parse(&with(lines, good), &Limits::DEFAULT).unwrap().signatures.len(), lines);
        }
        assert_eq!(code(&with(65, good)), Code::TooManyEntries);
        assert_eq!(code(&with(65, "x\n")), Code::TooManyEntries);
        assert_eq!(code(&with(4000, good)), Code::CheckpointMalformed, "over the bound of bytes");
    }

    /// The vkey example of C2SP `signed-note`, and the keys of the hand-made vectors.
    #[test]
    fn key_ids_are_those_of_the_standards() {
        let key = base64::decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").unwrap();
        let key: [u8; 32] = key[1..].try_into().unwrap();
        assert_eq!(hex::encode(&key_id(&key_hash_ed25519("example.com/foo", &key)).unwrap()), "530d903a");

        let log: [u8; 32] =
            hex::decode("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8").unwrap().try_into().unwrap();
        assert_eq!(
            hex::encode(&key_hash_ed25519("log.example", &log)),
            "b252d0cf120ac87f0139a13b7fd65a18f6bbaaa0713734bcb6233388a59e32ce"
        );
        let witness: [u8; 32] =
            hex::decode("29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7").unwrap().try_into().unwrap();
        assert_eq!(hex::encode(&key_id(&key_hash_cosignature("witness.example", &witness)).unwrap()), "790a8a0d");
        assert_eq!(key_id(&[1, 2, 3]), None);
    }

    #[test]
    fn a_verifier_key_has_the_id_of_its_name_and_key() {
        let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let key = VerifierKey::parse(text).unwrap();
        assert_eq!((key.name, key.key_type, key.key.len()), ("example.com/foo", 1, 32));
        key.ed25519(1).unwrap();
        assert_eq!(key.ed25519(4).unwrap_err().code(), Code::KeyInvalid);
        for bad in [
            "",
            "example.com/foo",
            "example.com/foo+530d903a",
            "example.com/foo+530d903a+",
            "example.com/foo+530d903a+AQ==",
            &text.replace("foo", "bar"),
            &text.replace("530d903a", "530d903b"),
            &text.replace("530d903a", "530D903A"),
            &text.replace("+Aeky", "+BOky"),
            &text.replace("example", "exam ple"),
            &text.replace("example.com/foo", ""),
        ] {
            assert_eq!(VerifierKey::parse(bad).unwrap_err().code(), Code::KeyInvalid, "{bad}");
        }
    }
}
