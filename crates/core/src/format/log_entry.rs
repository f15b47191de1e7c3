//! Bodies of Rekor entries: what a log says was signed, by whom, over what.
//!
//! Parses the delivered bytes strictly and decodes every field, so that comparing is on bytes and typed values. Does not
//! compare (that is the binding check's task) and says nothing about whether the entry is in a log.

mod body;
#[cfg(test)]
mod tests;
mod wire;

use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::encoding::{base64, hex};
use crate::format::signed::SignatureBytes;
use body::{Body, Spec};
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use wire::malformed;

/// Longest body that is looked at. Honest ones have 1 to 4 kB; some old intoto entries carry their payload.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The decoded body of a log entry, by `kind` and `apiVersion` of the body itself: never by what a bundle says beside it
/// (K-TL-17).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEntryBody<'a> {
    /// `hashedrekord` 0.0.1 (Rekor v1).
    HashedRekordV001(HashedRekord),
    /// `hashedrekord` 0.0.2 (Rekor v2).
    HashedRekordV002(HashedRekordV002<'a>),
    /// `dsse` 0.0.1 (Rekor v1).
    DsseV001(DsseEntry),
    /// `intoto` 0.0.2 (Rekor v1).
    IntotoV002(IntotoV002<'a>),
    /// `intoto` 0.0.1 (Rekor v1): holds no signature, so it binds none. Unsupported in bundles.
    IntotoV001(IntotoV001),
    /// `rekord` 0.0.1 with format `x509` (Rekor v1, old). Unsupported in bundles.
    RekordV001(HashedRekord),
}

/// The kinds and versions that are read, as [`LogEntryBody::kind`] and [`LogEntryBody::version`] name them.
const NAMES: [(&str, &str); 6] = [
    ("hashedrekord", "0.0.1"),
    ("hashedrekord", "0.0.2"),
    ("dsse", "0.0.1"),
    ("intoto", "0.0.2"),
    ("intoto", "0.0.1"),
    ("rekord", "0.0.1"),
];

/// Kind and version as something beside a body states them; those that are known take no memory.
pub(super) fn named(kind: &str, version: &str) -> (Cow<'static, str>, Cow<'static, str>) {
    match NAMES.into_iter().find(|named| *named == (kind, version)) {
        Some((kind, version)) => (kind.into(), version.into()),
        None => (kind.to_owned().into(), version.to_owned().into()),
    }
}

/// A signature over a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedRekord {
    /// Digest of the artifact.
    pub digest: Digest,
    /// The signature.
    pub signature: SignatureBytes,
    /// What verifies it.
    pub verifier: VerifierMaterial,
}

/// A signature over a digest, in Rekor v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedRekordV002<'a> {
    /// Digest of the artifact, or of the PAE of a DSSE envelope.
    pub digest: Digest,
    /// The signature.
    pub signature: SignatureBytes,
    /// What verifies it.
    pub verifier: VerifierMaterial,
    /// The algorithm's name in the registry of protobuf-specs, such as `PKIX_ECDSA_P256_SHA_256`.
    pub key_details: Cow<'a, str>,
}

/// A DSSE envelope with exactly one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DsseEntry {
    /// Digest of the envelope as JSON. A protobuf bundle lost that formatting, so it can be compared only in layouts that
    /// keep the envelope's bytes.
    pub envelope_hash: Digest,
    /// Digest of the decoded payload, computed by Rekor.
    pub payload_hash: Digest,
    /// The DSSE signature.
    pub signature: SignatureBytes,
    /// What verifies it.
    pub verifier: VerifierMaterial,
}

/// An in-toto envelope with exactly one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntotoV002<'a> {
    /// What the submitter said the envelope's digest is. Rekor does not check it: **never a binding**.
    pub claimed_envelope_hash: Digest,
    /// Digest of the decoded payload, computed by Rekor.
    pub payload_hash: Digest,
    /// The envelope's payload type.
    pub payload_type: Cow<'a, str>,
    /// The DSSE signature.
    pub signature: SignatureBytes,
    /// What verifies it.
    pub verifier: VerifierMaterial,
}

/// An in-toto envelope, without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntotoV001 {
    /// Digest of the envelope as JSON.
    pub envelope_hash: Digest,
    /// Digest of the decoded payload; the oldest entries have none.
    pub payload_hash: Option<Digest>,
    /// What verifies the signature that is not there.
    pub verifier: VerifierMaterial,
}

/// The certificate or key that a body names, as DER. A claim to compare with; never a source of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierMaterial {
    /// One certificate (DER).
    Certificate(Vec<u8>),
    /// One SubjectPublicKeyInfo (DER).
    PublicKey(Vec<u8>),
}

impl<'a> LogEntryBody<'a> {
    /// Parses the bytes of `canonicalizedBody`.
    ///
    /// # Errors
    /// [`Code::LogEntryKindUnsupported`] for a kind, version or format that is not listed above.
    /// [`Code::LogEntryMalformed`] for anything else: no strict JSON, a field that is unknown, doubled, missing or badly
    /// encoded, other than one signature, a verifier that is not exactly one PEM block, both or neither verifier of v2.
    pub fn parse(body: &'a [u8]) -> Result<Self, Failure> {
        if body.len() > MAX_BODY_BYTES {
            return Err(malformed("a body of at most 1 MiB").found(format_args!("{} bytes", body.len())));
        }
        let Body { kind, version, spec } = Body::parse(body)?;
        match spec {
            Spec::HashedRekordV001(spec) => Ok(Self::HashedRekordV001(spec.decode()?)),
            Spec::HashedRekordV002(spec) => Ok(Self::HashedRekordV002(spec.hashed_rekord_v002.decode()?)),
            Spec::DsseV001(spec) => Ok(Self::DsseV001(spec.decode()?)),
            Spec::IntotoV002(spec) => Ok(Self::IntotoV002(spec.content.decode()?)),
            Spec::IntotoV001(spec) => Ok(Self::IntotoV001(spec.decode()?)),
            Spec::RekordV001(spec) => Ok(Self::RekordV001(spec.decode()?)),
            Spec::Unknown => Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!("{} {}", kind.0, version.0))),
        }
    }

    /// The entry's `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HashedRekordV001(_) | Self::HashedRekordV002(_) => "hashedrekord",
            Self::DsseV001(_) => "dsse",
            Self::IntotoV001(_) | Self::IntotoV002(_) => "intoto",
            Self::RekordV001(_) => "rekord",
        }
    }

    /// The entry's `apiVersion`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        match self {
            Self::HashedRekordV001(_) | Self::DsseV001(_) | Self::IntotoV001(_) | Self::RekordV001(_) => "0.0.1",
            Self::HashedRekordV002(_) | Self::IntotoV002(_) => "0.0.2",
        }
    }

    /// Whether only Rekor v2 writes such bodies. A log of the other generation that delivers one is refused.
    #[must_use]
    pub fn is_rekor_v2(&self) -> bool {
        matches!(self, Self::HashedRekordV002(_))
    }

    /// Refuses the kinds that a Sigstore bundle may not carry: they bind no signature, or none that bundles have.
    ///
    /// # Errors
    /// [`Code::LogEntryKindUnsupported`] for `intoto` 0.0.1 and `rekord` 0.0.1.
    pub fn require_bundle_kind(&self) -> Result<(), Failure> {
        match self {
            Self::HashedRekordV001(_) | Self::HashedRekordV002(_) | Self::DsseV001(_) | Self::IntotoV002(_) => Ok(()),
            Self::IntotoV001(_) | Self::RekordV001(_) => Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!(
                "{} {} in a bundle",
                self.kind(),
                self.version()
            ))),
        }
    }

    /// What the entry says verifies the signature.
    #[must_use]
    pub fn verifier(&self) -> &VerifierMaterial {
        match self {
            Self::HashedRekordV001(entry) | Self::RekordV001(entry) => &entry.verifier,
            Self::HashedRekordV002(entry) => &entry.verifier,
            Self::DsseV001(entry) => &entry.verifier,
            Self::IntotoV002(entry) => &entry.verifier,
            Self::IntotoV001(entry) => &entry.verifier,
        }
    }

    /// The signature that the entry is about; `None` for `intoto` 0.0.1, which holds none.
    #[must_use]
    pub fn signature(&self) -> Option<&[u8]> {
        match self {
            Self::HashedRekordV001(entry) | Self::RekordV001(entry) => Some(&entry.signature),
            Self::HashedRekordV002(entry) => Some(&entry.signature),
            Self::DsseV001(entry) => Some(&entry.signature),
            Self::IntotoV002(entry) => Some(&entry.signature),
            Self::IntotoV001(_) => None,
        }
    }
}

/// The bytes that a Rekor v1 log signs as its signed entry timestamp: RFC 8785 JSON of body, time, log id and *global*
/// index.
///
/// Takes the decoded body and log id and encodes them itself, so that no text from outside reaches the signed JSON.
/// `integrated_time` is in seconds since the epoch.
#[must_use]
pub fn set_message(body: &[u8], integrated_time: i64, log_id: &[u8], log_index: u64) -> Vec<u8> {
    let mut message = Vec::new();
    set_parts(body, integrated_time, log_id, log_index, |part| message.extend_from_slice(part));
    message
}

/// [`set_message`] piece by piece, for whoever hashes it: written out it takes more memory than the body.
pub(crate) fn set_parts(body: &[u8], integrated_time: i64, log_id: &[u8], log_index: u64, mut take: impl FnMut(&[u8])) {
    take(br#"{"body":""#);
    base64::encode_parts(body, &mut take);
    let mut text = Text(take);
    // It takes whatever is written.
    let _ = write!(text, r#"","integratedTime":{integrated_time},"logID":""#);
    let _ = hex::write(&mut text, log_id);
    let _ = write!(text, r#"","logIndex":{log_index}}}"#);
}

/// Hands out text as bytes.
struct Text<F>(F);

impl<F: FnMut(&[u8])> fmt::Write for Text<F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}
