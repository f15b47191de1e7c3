//! Whether a log entry is about *this* signature, key and digest (Sigstore client spec §4.4): [`BoundEntry`].
//!
//! Runs for every entry, chosen by the kind of its body, before any value of the entry is read: a valid entry of somebody
//! else's signature must supply neither presence nor time (CVE-2022-36056, CVE-2026-22703).

use super::artifact::Artifact;
use crate::code::{Code, Failure};
use crate::crypto::PreparedKey;
use crate::digest::{Digest, HashAlgorithm};
use crate::format::dsse::Pae;
use crate::format::log_entry::{LogEntryBody, VerifierMaterial};
use crate::format::signed::{Format, LogEntry, Signed, SignedContent};
use crate::key::KeyKind;

/// What an entry must be about.
#[derive(Clone, Copy)]
pub(super) struct Binding<'a> {
    pub(super) signed: &'a Signed,
    pub(super) verifier: Verifier<'a>,
    pub(super) artifact: &'a Artifact<'a>,
    /// Whether the policy takes `intoto` 0.0.1 entries for attestation layers.
    pub(super) allow_intoto_v1: bool,
}

/// What verifies the signature: the bytes that the entry must name.
#[derive(Clone, Copy)]
pub(super) enum Verifier<'a> {
    /// The signer's certificate (DER) and its key.
    Certificate(&'a [u8], &'a PreparedKey),
    /// The trusted key.
    Key(&'a PreparedKey),
}

impl<'a> Verifier<'a> {
    pub(super) fn key(&self) -> &'a PreparedKey {
        match self {
            Self::Certificate(_, key) | Self::Key(key) => key,
        }
    }
}

/// Proof that the body of an entry is about the signature.
#[derive(Debug)]
pub(super) struct BoundEntry<'a> {
    entry: &'a LogEntry,
    rekor_v2: bool,
}

impl<'a> BoundEntry<'a> {
    fn assertion(entry: &'a LogEntry, rekor_v2: bool) -> Self {
        Self { entry, rekor_v2 }
    }

    pub(super) fn entry(&self) -> &'a LogEntry {
        self.entry
    }

    /// Whether the body is one that only Rekor v2 writes.
    pub(super) fn is_rekor_v2(&self) -> bool {
        self.rekor_v2
    }
}

/// Binds the entry to the signature.
pub(super) fn bind<'a>(entry: &'a LogEntry, binding: Binding<'_>) -> Result<BoundEntry<'a>, Failure> {
    let body = LogEntryBody::parse(&entry.body)?;
    if let Some((kind, version)) = &entry.kind
        && (kind != body.kind() || version != body.version())
    {
        return Err(Failure::new(Code::LogEntryKindMismatch).expected(format_args!("{kind} {version}")).found(format_args!(
            "{} {}",
            body.kind(),
            body.version()
        )));
    }
    if matches!(binding.signed.format, Format::Bundle(_)) {
        body.require_bundle_kind()?;
    }
    same_signature(&body, binding)?;
    same_verifier(&body, binding.verifier)?;
    same_digest(&body, binding)?;
    Ok(BoundEntry::assertion(entry, body.is_rekor_v2()))
}

fn same_signature(body: &LogEntryBody<'_>, binding: Binding<'_>) -> Result<(), Failure> {
    match (body.signature(), body, &binding.signed.content) {
        (Some(signature), _, _) if signature == &*binding.signed.signature => Ok(()),
        (Some(_), _, _) => Err(Code::EntryMismatchSignature.into()),
        // It holds none, but the log took the hash of the whole envelope, in which the signature stands; that hash is
        // compared below.
        (None, LogEntryBody::IntotoV001(_), SignedContent::Dsse { envelope: Some(_), .. }) if binding.allow_intoto_v1 => Ok(()),
        // An entry without a signature binds none.
        (None, _, _) => {
            Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!("{} {}", body.kind(), body.version())))
        }
    }
}

fn same_verifier(body: &LogEntryBody<'_>, verifier: Verifier<'_>) -> Result<(), Failure> {
    let same = match (body.verifier(), verifier) {
        (VerifierMaterial::Certificate(found), Verifier::Certificate(expected, _)) => found.as_slice() == expected,
        (VerifierMaterial::PublicKey(found), Verifier::Key(expected)) => found.as_slice() == expected.key().spki(),
        // A key where a certificate signed (or the reverse) would bind less than was signed.
        (VerifierMaterial::Certificate(_), Verifier::Key(_)) | (VerifierMaterial::PublicKey(_), Verifier::Certificate(..)) => {
            false
        }
    };
    if same { Ok(()) } else { Err(Code::EntryMismatchKey.into()) }
}

fn same_digest(body: &LogEntryBody<'_>, binding: Binding<'_>) -> Result<(), Failure> {
    let of_artifact = |found: &Digest| same(&binding.artifact.digest_under(found.algorithm())?, found);
    match (&binding.signed.content, body) {
        (SignedContent::SimpleSigning { payload }, LogEntryBody::HashedRekordV001(entry) | LogEntryBody::RekordV001(entry)) => {
            same_hash(payload, &entry.digest)
        }
        (SignedContent::Message { .. }, LogEntryBody::HashedRekordV001(entry)) => of_artifact(&entry.digest),
        (SignedContent::Message { .. }, LogEntryBody::HashedRekordV002(entry)) => {
            same_key_details(&entry.key_details, binding.verifier.key(), &entry.digest)?;
            of_artifact(&entry.digest)
        }
        (SignedContent::Dsse { payload_type, payload, .. }, LogEntryBody::HashedRekordV002(entry)) => {
            same_key_details(&entry.key_details, binding.verifier.key(), &entry.digest)?;
            same(&Pae::new(payload_type, payload).digest(entry.digest.algorithm()), &entry.digest)
        }
        (SignedContent::Dsse { payload, envelope, .. }, LogEntryBody::DsseV001(entry)) => {
            same_hash(payload, &entry.payload_hash)?;
            // The log took it over the envelope as it was sent, which an attestation layer keeps and a bundle does not.
            envelope.as_ref().map_or(Ok(()), |envelope| same_hash(envelope, &entry.envelope_hash))
        }
        (SignedContent::Dsse { payload, envelope: Some(envelope), .. }, LogEntryBody::IntotoV001(entry)) => {
            same_hash(envelope, &entry.envelope_hash)?;
            entry.payload_hash.as_ref().map_or(Ok(()), |hash| same_hash(payload, hash))
        }
        (SignedContent::Dsse { payload, payload_type, .. }, LogEntryBody::IntotoV002(entry)) => {
            if entry.payload_type != *payload_type {
                return Err(Failure::new(Code::EntryMismatchField)
                    .expected(payload_type)
                    .found(&entry.payload_type)
                    .at("payloadType"));
            }
            same_hash(payload, &entry.payload_hash)
        }
        _ => Err(Failure::new(Code::LogEntryKindUnsupported).found(format_args!(
            "{} {} for this content",
            body.kind(),
            body.version()
        ))),
    }
}

fn same_hash(of: &[u8], found: &Digest) -> Result<(), Failure> {
    same(&found.algorithm().hash(&[of]), found)
}

fn same(expected: &Digest, found: &Digest) -> Result<(), Failure> {
    if expected == found { Ok(()) } else { Err(Failure::new(Code::EntryMismatchDigest).expected(expected).found(found)) }
}

/// Rekor v2 names the algorithm in the entry. Every field of the delivered body counts (rekor-v2 spec §6.1.4), so it must
/// be the one that goes with the key and the digest.
pub(super) fn same_key_details(found: &str, key: &PreparedKey, digest: &Digest) -> Result<(), Failure> {
    let expected = match (key.key().kind(), digest.algorithm()) {
        (KeyKind::EcdsaP256, HashAlgorithm::Sha256) => "PKIX_ECDSA_P256_SHA_256",
        (KeyKind::EcdsaP384, HashAlgorithm::Sha384) => "PKIX_ECDSA_P384_SHA_384",
        (KeyKind::EcdsaP521, HashAlgorithm::Sha512) => "PKIX_ECDSA_P521_SHA_512",
        (KeyKind::Ed25519, HashAlgorithm::Sha512) => "PKIX_ED25519_PH",
        (KeyKind::Rsa { bits: 2048 }, HashAlgorithm::Sha256) => "PKIX_RSA_PKCS1V15_2048_SHA256",
        (KeyKind::Rsa { bits: 3072 }, HashAlgorithm::Sha256) => "PKIX_RSA_PKCS1V15_3072_SHA256",
        (KeyKind::Rsa { bits: 4096 }, HashAlgorithm::Sha256) => "PKIX_RSA_PKCS1V15_4096_SHA256",
        _ => "no key details that Rekor v2 allows for this key and digest",
    };
    if found == expected {
        Ok(())
    } else {
        Err(Failure::new(Code::EntryMismatchField).expected(expected).found(found).at("keyDetails"))
    }
}
