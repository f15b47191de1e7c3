//! [`Signed`]: what a bundle or a signature layer claims, typed but untrusted.
//!
//! Holds decoded values with plain names. Nothing here has been verified; the check ladder turns it into proofs.

use super::bundle::BundleVersion;
use crate::code::Failure;
use crate::digest::Digest;
use crate::encoding::Few;
use crate::x509::Certificate;
use std::borrow::Cow;
use std::sync::Arc;

/// In which format the signature came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A layer of cosign's `.sig` tag (cosign `SIGNATURE_SPEC.md`).
    SimpleSigning,
    /// A layer of cosign's `.att` tag (cosign `ATTESTATION_SPEC.md`).
    Attestation,
    /// A Sigstore bundle.
    Bundle(BundleVersion),
}

impl Format {
    /// Short name for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SimpleSigning => "simple signing",
            Self::Attestation => "attestation layer",
            Self::Bundle(BundleVersion::V0_1) => "bundle v0.1",
            Self::Bundle(BundleVersion::V0_2) => "bundle v0.2",
            Self::Bundle(BundleVersion::V0_3) => "bundle v0.3",
        }
    }
}

/// A signature as it arrived. Those of ECDSA with P-256 and of Ed25519 take no memory of their own.
pub type SignatureBytes = Few<u8, 72>;

/// A claimed signature with everything that came along.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The format it came in.
    pub format: Format,
    /// What is said to be signed.
    pub content: SignedContent,
    /// The signature's bytes.
    pub signature: SignatureBytes,
    /// What is said of the signer.
    pub material: Material,
    /// Whether the certificate came as a chain in a v0.3 bundle: it then counts only for whoever opted into that.
    pub needs_chain_opt_in: bool,
    /// Claimed log entries; the reason where they cannot be read, so that it counts only for whoever reads them.
    pub entries: Result<Few<LogEntry, 1>, Failure>,
    /// Claimed RFC 3161 time stamps, DER `TimeStampResp`; the reason where one cannot be read.
    pub timestamps: Vec<Result<Vec<u8>, Failure>>,
}

impl Signed {
    /// What a timestamp must be over: the signature, which is what it shows to have existed. cosign's `.att` layers are
    /// stamped as a whole: the envelope's bytes, which hold the signature.
    #[must_use]
    pub fn stamped(&self) -> &[u8] {
        match &self.content {
            SignedContent::Dsse { envelope: Some(envelope), .. } => envelope,
            _ => &self.signature,
        }
    }
}

/// What is said to be signed.
#[derive(Clone, Debug)]
pub enum SignedContent {
    /// A simple-signing payload; the signature is over its bytes.
    SimpleSigning {
        /// The payload exactly as stored.
        payload: Arc<[u8]>,
    },
    /// The artifact itself.
    Message {
        /// The digest that the bundle states; a hint that must agree, never the artifact's digest.
        stated: Option<Digest>,
    },
    /// A DSSE envelope; the signature is over its pre-authentication encoding.
    Dsse {
        /// Payload type.
        payload_type: Cow<'static, str>,
        /// Decoded payload.
        payload: Vec<u8>,
        /// The envelope's JSON, in layouts that keep it. Nothing is read from it again: only hashes are taken of it.
        envelope: Option<Arc<[u8]>>,
    },
}

/// What is said of the signer.
#[derive(Clone, Debug)]
pub enum Material {
    /// A certificate. Certificates beside it are never anchors.
    Certificate {
        /// The signer's.
        leaf: Certificate,
        /// Whatever else came along; used for nothing but refusing self-signed ones.
        others: Vec<Certificate>,
    },
    /// A key that the verifier must know; the hint selects nothing.
    Key {
        /// Whatever the bundle calls the key.
        hint: String,
    },
}

/// A claimed log entry.
#[derive(Clone, Debug, Default)]
pub struct LogEntry {
    /// Which log.
    pub log_id: Few<u8, 32>,
    /// Index in the log as a whole.
    pub log_index: u64,
    /// Kind and version as stated beside the body; absent in cosign's annotation.
    pub kind: Option<(Cow<'static, str>, Cow<'static, str>)>,
    /// Stated time, seconds since the epoch; worth nothing without a verified promise.
    pub integrated_time: Option<i64>,
    /// Signed entry timestamp.
    pub promise: Option<SignatureBytes>,
    /// Inclusion proof.
    pub proof: Option<InclusionProof>,
    /// The leaf's bytes.
    pub body: Vec<u8>,
}

/// A claimed inclusion proof.
#[derive(Clone, Debug)]
pub struct InclusionProof {
    /// Index in the tree of the proof.
    pub log_index: u64,
    /// Root that the prover states.
    pub root_hash: Few<u8, 32>,
    /// Size of the tree that the prover states.
    pub tree_size: u64,
    /// The path.
    pub hashes: Vec<[u8; 32]>,
    /// The signed checkpoint.
    pub checkpoint: String,
}
