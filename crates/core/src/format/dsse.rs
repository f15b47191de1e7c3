//! DSSE envelopes (secure-systems-lab/dsse `protocol.md`, `envelope.md`): the bytes that are signed, and the plain JSON form.
//!
//! What is signed is [`Pae`] over the *decoded* payload, and the payload is parsed only after that verified. The form
//! inside a Sigstore bundle is protobuf JSON and is read with the bundle.

use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm, Hasher};
use crate::encoding::{base64, json};
use crate::limits::Limits;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;

/// The payload type of in-toto statements. Compared exactly: a suffix or parameter makes it another type.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload type as it was written; the one that counts takes no memory.
pub(super) fn payload_type(found: &str) -> Cow<'static, str> {
    if found == IN_TOTO { Cow::Borrowed(IN_TOTO) } else { Cow::Owned(found.to_owned()) }
}

/// The message that a DSSE signature is over: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in bytes.
///
/// The payload is borrowed, never copied or changed, so that what was verified is what is read (K-P-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pae<'a> {
    payload_type: &'a str,
    payload: &'a [u8],
}

impl<'a> Pae<'a> {
    /// The message for this type and payload.
    #[must_use]
    pub fn new(payload_type: &'a str, payload: &'a [u8]) -> Self {
        Self { payload_type, payload }
    }

    /// What stands before the payload.
    fn header(&self, f: &mut impl fmt::Write) -> fmt::Result {
        write!(f, "DSSEv1 {} {} {} ", self.payload_type.len(), self.payload_type, self.payload.len())
    }

    /// The hash of the message.
    #[must_use]
    pub fn digest(&self, algorithm: HashAlgorithm) -> Digest {
        let mut hasher = Hasher::new(algorithm);
        // A hasher takes whatever is written.
        let _ = self.header(&mut hasher);
        hasher.update(self.payload);
        hasher.finish()
    }

    /// The message in one piece, for pure Ed25519, which signs no digest.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut message = String::new();
        // So does a text.
        let _ = self.header(&mut message);
        let mut message = message.into_bytes();
        message.extend_from_slice(self.payload);
        message
    }
}

/// An envelope as claimed: nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// What the payload is said to be; part of what is signed.
    pub payload_type: String,
    /// The decoded payload.
    pub payload: Vec<u8>,
    /// The key id beside the signature; a hint that nobody vouches for.
    pub keyid: Option<String>,
    /// The decoded signature, not empty.
    pub signature: Vec<u8>,
}

impl Envelope {
    /// Parses an envelope in plain JSON, as `.att` layers hold it.
    ///
    /// Base64 may be of either alphabet, padded or not. Unknown fields are ignored, as the format demands; doubled keys, and
    /// known ones in another case, are refused at any depth.
    ///
    /// # Errors
    /// [`Code::EnvelopeMalformed`] when it is longer than `limits.attestation_bytes`, no such JSON, badly encoded, or has
    /// other than exactly one signature: with several, which one was it that the log and the timestamp are about (K-P-05)?
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Failure> {
        if !u64::try_from(bytes.len()).is_ok_and(|length| length <= limits.attestation_bytes) {
            let bound = limits.attestation_bytes;
            return Err(malformed(format_args!("at most {bound} bytes")).found(format_args!("{} bytes", bytes.len())));
        }
        let raw: RawEnvelope =
            json::parse_tolerant_named(bytes, limits.json_depth, &["payload", "payloadType", "signatures", "sig", "keyid"], &[])
                .map_err(|error| error.failure(Code::EnvelopeMalformed))?;
        let [signature] = <[RawSignature; 1]>::try_from(raw.signatures)
            .map_err(|all| malformed("exactly one signature").found(all.len()).at("signatures"))?;
        Ok(Self {
            payload: base64::decode_dsse(&raw.payload).ok_or_else(|| malformed("base64").at("payload"))?,
            payload_type: raw.payload_type,
            keyid: signature.keyid.filter(|keyid| !keyid.is_empty()),
            signature: base64::decode_dsse(&signature.sig)
                .filter(|signature| !signature.is_empty())
                .ok_or_else(|| malformed("base64").at("signatures[0].sig"))?,
        })
    }

    /// The message that the signature is over.
    #[must_use]
    pub fn pae(&self) -> Pae<'_> {
        Pae::new(&self.payload_type, &self.payload)
    }
}

/// Whether the payload is said to be an in-toto statement. An unknown type binds nothing (K-P-04).
///
/// # Errors
/// [`Code::PayloadTypeUnsupported`] for any other type.
pub fn require_in_toto(payload_type: &str) -> Result<(), Failure> {
    if payload_type == IN_TOTO {
        Ok(())
    } else {
        Err(Failure::new(Code::PayloadTypeUnsupported).expected(IN_TOTO).found(payload_type))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEnvelope {
    payload: String,
    payload_type: String,
    #[serde(deserialize_with = "json::bounded_vec::<_, _, 16>")]
    signatures: Vec<RawSignature>,
}

#[derive(Deserialize)]
struct RawSignature {
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

fn malformed(expected: impl std::fmt::Display) -> Failure {
    Failure::new(Code::EnvelopeMalformed).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;

    const STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#;
    const ENVELOPE: &str =
        r#"{"payload":"eyJ-Ijo_fQ==","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"k","sig":"U0lH"}]}"#;

    fn parse(text: &str) -> Result<Envelope, Code> {
        Envelope::parse(text.as_bytes(), &Limits::DEFAULT).map_err(|failure| failure.code())
    }

    /// The vectors of the dossier, and K-P-06: lengths are in bytes, not in characters or UTF-16 units.
    #[test]
    fn pae_is_byte_exact() {
        let hello = Pae::new("http://example.com/HelloWorld", b"hello world");
        assert_eq!(hello.to_vec(), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(hello.digest(HashAlgorithm::Sha256).hex(), "217751fac2c4f14edb2c9297fbc34abcb016ba88e74757e875ec4ac16fb6b6a1");
        let statement = Pae::new(IN_TOTO, STATEMENT.as_bytes());
        assert_eq!(
            statement.digest(HashAlgorithm::Sha256).hex(),
            "d469e85ebc9d815866e2ec6a3c2ac008fe792ea88ea8e72f53288581dae7ad03"
        );
        assert_eq!(
            statement.digest(HashAlgorithm::Sha512).hex(),
            "55d632e400d35a18d971130e3f7eba6e3668494154c350cc3967329bca9358bd39ab04aac0e877d6a28d6532d7e7a665ba7cc42d30256f788fb4d0572fd91da3"
        );
        assert_eq!(
            Digest::sha256(STATEMENT.as_bytes()).hex(),
            "dc17edfa443e2dacd6ce761e59d35d7941c031ca7013dae3bf1cde523d4a04c3"
        );
        // e-acute has 2 bytes, the emoji 4 (2 UTF-16 units): together 6, not 2 or 3.
        let wide = Pae::new("\u{e9}\u{1f600}", "\u{e9}".as_bytes());
        assert_eq!(hex::encode(&wide.to_vec()), "44535345763120 3620 c3a9f09f9880 20 3220 c3a9".replace(' ', ""));
        assert_eq!(Pae::new("", b"").to_vec(), b"DSSEv1 0  0 ");
        assert_eq!(wide.digest(HashAlgorithm::Sha256), Digest::sha256(&wide.to_vec()));
    }

    #[test]
    fn an_envelope_is_parsed() {
        let envelope = parse(ENVELOPE).unwrap();
        assert_eq!(envelope.payload, b"{\"~\":?}");
        assert_eq!((envelope.signature.as_slice(), envelope.keyid.as_deref()), (b"SIG".as_slice(), Some("k")));
        assert_eq!(envelope.pae(), Pae::new(IN_TOTO, b"{\"~\":?}"));
        for same in [
            ENVELOPE.replace("eyJ-Ijo_fQ==", "eyJ+Ijo/fQ=="),
            ENVELOPE.replace("eyJ-Ijo_fQ==", "eyJ-Ijo_fQ"),
            ENVELOPE.replace(r#""payload":"#, r#""extra":[1.5],"payload":"#),
            ENVELOPE.replace(r#""sig":"#, r#""cert":"PEM","sig":"#),
            format!("{ENVELOPE}\n"),
        ] {
            assert_eq!(parse(&same).unwrap(), envelope, "{same}");
        }
        assert_eq!(parse(&ENVELOPE.replace(r#""keyid":"k","#, "")).unwrap().keyid, None);
    }

    /// K-P-05, K-P-08, K-P-09.
    #[test]
    fn what_is_not_one_signed_envelope_is_envelope_malformed() {
        for (old, new) in [
            (ENVELOPE, ""),
            (ENVELOPE, "null"),
            (ENVELOPE, "[]"),
            (r#"[{"keyid":"k","sig":"U0lH"}]"#, "[]"),
            (r#"[{"keyid":"k","sig":"U0lH"}]"#, "null"),
            (r#"[{"keyid":"k","sig":"U0lH"}]"#, "[null]"),
            (r#"[{"keyid":"k","sig":"U0lH"}]"#, r#"[{"sig":"U0lH"},{"sig":"U0lH"}]"#),
            (r#","signatures":[{"keyid":"k","sig":"U0lH"}]"#, ""),
            (r#""sig":"U0lH""#, r#""sig":"""#),
            (r#""sig":"U0lH""#, r#""sig":"U0l\n""#),
            (r#""sig":"U0lH""#, r#""sig":"U0lH","sig":"U0lH""#),
            (r#""sig":"U0lH""#, r#""Sig":"U0lH""#),
            (r#""payload":"#, r#""Payload":"","payload":"#),
            (r#""payload":"#, r#""payload":"","payload":"#),
            (r#""payload":"#, r#""extra":{"a":1,"a":2},"payload":"#),
            ("eyJ-Ijo_fQ==", "eyJ-Ijo/fQ=="),
            ("eyJ-Ijo_fQ==", "eyJ-Ijo_fR=="),
            (r#""payloadType":"application/vnd.in-toto+json","#, ""),
        ] {
            assert!(ENVELOPE.contains(old), "{old}");
            let text = ENVELOPE.replace(old, new);
            assert_eq!(parse(&text), Err(Code::EnvelopeMalformed), "{text}");
        }
        assert_eq!(parse(&format!("\u{feff}{ENVELOPE}")), Err(Code::EnvelopeMalformed));
        assert_eq!(parse(&format!("{ENVELOPE}{ENVELOPE}")), Err(Code::EnvelopeMalformed));
        let small = Limits { attestation_bytes: 100, ..Limits::DEFAULT };
        assert_eq!(Envelope::parse(ENVELOPE.as_bytes(), &small).unwrap_err().code(), Code::EnvelopeMalformed);
    }

    /// K-P-04.
    #[test]
    fn the_payload_type_is_compared_exactly() {
        require_in_toto(IN_TOTO).unwrap();
        for other in ["", "application/vnd.in-toto+json; charset=utf-8", "Application/vnd.in-toto+json", "application/json"] {
            assert_eq!(require_in_toto(other).unwrap_err().code(), Code::PayloadTypeUnsupported, "{other}");
        }
    }
}
