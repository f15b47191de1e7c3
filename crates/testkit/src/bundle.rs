//! [`Bundle`]: a Sigstore bundle before it is serialised, versions 0.1 to 0.3 (protobuf-specs `sigstore_bundle.proto`).
//!
//! ```
//! use veriseal_testkit::{Bundle, Identity, Sigstore};
//! let mut sigstore = Sigstore::new(1);
//! let signer = sigstore.keyless(&Identity::email("dev@example.com", "https://accounts.example.com"));
//! let digest = veriseal::digest::Digest::sha256(b"image");
//! let bundle = Bundle::image(&digest, &signer).logged_v1(&mut sigstore.rekor, sigstore.now);
//! let json = bundle.to_bytes();
//! # assert!(json.starts_with(b"{"));
//! ```

use crate::dsse::{Envelope, IN_TOTO, Statement};
use crate::json::object;
use crate::key::Scheme;
use crate::rekor::{self, Body, LogEntry, RekorV1, RekorV2, Verifier};
use crate::signer::Signer;
use crate::tsa::TimestampAuthority;
use serde_json::{Value, json};
use veriseal::digest::Digest;
use veriseal::encoding::base64;
use veriseal::time::UnixTime;

/// Which media type and which shape of certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleVersion {
    /// `application/vnd.dev.sigstore.bundle+json;version=0.1`, a certificate chain.
    V01,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.2`, a certificate chain.
    V02,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.3`, one certificate: the older spelling of 0.3.
    V03Old,
    /// `application/vnd.dev.sigstore.bundle.v0.3+json`, one certificate.
    V03,
}

impl BundleVersion {
    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::V01 => "application/vnd.dev.sigstore.bundle+json;version=0.1",
            Self::V02 => "application/vnd.dev.sigstore.bundle+json;version=0.2",
            Self::V03Old => "application/vnd.dev.sigstore.bundle+json;version=0.3",
            Self::V03 => "application/vnd.dev.sigstore.bundle.v0.3+json",
        }
    }
}

/// A bundle. Change any field, or the JSON that [`Bundle::to_json`] makes of it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// `mediaType`.
    pub media_type: String,
    /// Who speaks for the signature.
    pub material: Material,
    /// `tlogEntries`.
    pub entries: Vec<LogEntry>,
    /// `timestampVerificationData.rfc3161Timestamps`: DER TimeStampResps.
    pub timestamps: Vec<Vec<u8>>,
    /// What was signed and the signature.
    pub content: Content,
    /// Who signed; used by the logging steps and not serialised.
    pub signer: Signer,
}

/// `verificationMaterial.content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// `publicKey` with its hint.
    PublicKey {
        /// `hint`.
        hint: String,
    },
    /// `x509CertificateChain`, leaf first.
    Chain(Vec<Vec<u8>>),
    /// `certificate`.
    Certificate(Vec<u8>),
}

/// The signed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `messageSignature`.
    Message {
        /// Digest of the artifact; `None` leaves `messageDigest` out.
        digest: Option<Digest>,
        /// The signature over the artifact.
        signature: Vec<u8>,
    },
    /// `dsseEnvelope`.
    Dsse(Envelope),
}

impl Bundle {
    /// A cosign image signature: a DSSE statement of the predicate `https://sigstore.dev/cosign/sign/v1`.
    #[must_use]
    pub fn image(digest: &Digest, signer: &Signer) -> Self {
        Self::statement(&Statement::image_signature(digest), signer)
    }

    /// A DSSE envelope around any statement.
    #[must_use]
    pub fn statement(statement: &Statement, signer: &Signer) -> Self {
        Self::envelope(Envelope::sign(IN_TOTO, &statement.to_bytes(), signer), signer)
    }

    /// Any envelope.
    #[must_use]
    pub fn envelope(envelope: Envelope, signer: &Signer) -> Self {
        Self::new(Content::Dsse(envelope), signer)
    }

    /// A message signature over an artifact's bytes. Where an Ed25519 signer would sign purely, Ed25519ph is used: logs
    /// hold a hash of the artifact, and take no pure signature with it.
    #[must_use]
    pub fn blob(artifact: &[u8], signer: &Signer) -> Self {
        let signer = match signer.scheme {
            Scheme::Ed25519 => signer.clone().with_scheme(Scheme::Ed25519ph),
            _ => signer.clone(),
        };
        let digest = signer.scheme.hash().hash(&[artifact]);
        Self::message(Some(digest), signer.sign(artifact), &signer)
    }

    /// A message signature as it is given, right or not.
    #[must_use]
    pub fn message(digest: Option<Digest>, signature: Vec<u8>, signer: &Signer) -> Self {
        Self::new(Content::Message { digest, signature }, signer)
    }

    fn new(content: Content, signer: &Signer) -> Self {
        let material = match &signer.certificate {
            Some(leaf) => Material::Certificate(leaf.clone()),
            None => Material::PublicKey { hint: base64::encode(&signer.key.id()) },
        };
        Self {
            media_type: BundleVersion::V03.media_type().to_owned(),
            material,
            entries: Vec::new(),
            timestamps: Vec::new(),
            content,
            signer: signer.clone(),
        }
    }

    /// The same bundle in another version. Versions 0.1 and 0.2 carry the chain, of which clients send the leaf only.
    #[must_use]
    pub fn version(mut self, version: BundleVersion) -> Self {
        self.media_type = version.media_type().to_owned();
        self.material = match (self.material, version) {
            (Material::Certificate(leaf), BundleVersion::V01 | BundleVersion::V02) => Material::Chain(vec![leaf]),
            (Material::Chain(chain), BundleVersion::V03 | BundleVersion::V03Old) => {
                Material::Certificate(chain.into_iter().next().unwrap_or_default())
            }
            (material, _) => material,
        };
        self
    }

    /// The signature bytes: what timestamps and log entries are about.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        match &self.content {
            Content::Message { signature, .. } => signature,
            Content::Dsse(envelope) => envelope.signature(),
        }
    }

    /// The usual version 1 entry for the content: `hashedrekord` 0.0.1 or `dsse` 0.0.1.
    #[must_use]
    pub fn body_v1(&self) -> Body {
        let verifier = self.signer.verifier_pem();
        match &self.content {
            Content::Message { digest, signature } => {
                rekor::hashedrekord(&digest.unwrap_or(Digest::Sha256([0; 32])), signature, &verifier)
            }
            Content::Dsse(envelope) => rekor::dsse(envelope, &verifier),
        }
    }

    /// The version 2 entry for the content: `hashedrekord` 0.0.2 over the artifact's digest or the hash of the PAE.
    #[must_use]
    pub fn body_v2(&self) -> Body {
        let digest = match &self.content {
            Content::Message { digest, .. } => digest.unwrap_or(Digest::Sha256([0; 32])),
            Content::Dsse(envelope) => self.signer.scheme.hash().hash(&[&envelope.pae()]),
        };
        rekor::hashedrekord_v2(&digest, self.signature(), &Verifier::of(&self.signer))
    }

    /// Logs the content in a version 1 log at a moment.
    #[must_use]
    pub fn logged_v1(self, log: &mut RekorV1, at: UnixTime) -> Self {
        let body = self.body_v1();
        self.logged_v1_as(log, body, at)
    }

    /// Logs the content of an envelope as `intoto` 0.0.2 in a version 1 log.
    ///
    /// # Panics
    /// When the content is a message signature.
    #[must_use]
    pub fn logged_v1_as_intoto(self, log: &mut RekorV1, at: UnixTime) -> Self {
        let Content::Dsse(envelope) = &self.content else { panic!("an intoto entry needs an envelope") };
        let body = rekor::intoto(envelope, &self.signer.verifier_pem());
        self.logged_v1_as(log, body, at)
    }

    /// Logs any body in a version 1 log: also one that is about something else.
    #[must_use]
    pub fn logged_v1_as(mut self, log: &mut RekorV1, body: Body, at: UnixTime) -> Self {
        self.entries.push(log.add(body, at));
        self
    }

    /// Logs the content in a version 2 log.
    #[must_use]
    pub fn logged_v2(mut self, log: &mut RekorV2) -> Self {
        self.entries.push(log.add(self.body_v2()));
        self
    }

    /// Adds a timestamp over the signature.
    #[must_use]
    pub fn timestamped(mut self, authority: &TimestampAuthority, at: UnixTime) -> Self {
        self.timestamps.push(authority.respond(self.signature(), at));
        self
    }

    /// The JSON of the bundle.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let raw = |der: &Vec<u8>| json!({ "rawBytes": base64::encode(der) });
        let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::Array(items));
        let timestamps = self.timestamps.iter().map(|der| json!({ "signedTimestamp": base64::encode(der) })).collect();
        let material = object([
            (
                "publicKey",
                match &self.material {
                    Material::PublicKey { hint } => Some(object([("hint", (!hint.is_empty()).then(|| json!(hint)))])),
                    _ => None,
                },
            ),
            (
                "x509CertificateChain",
                match &self.material {
                    Material::Chain(chain) => Some(json!({ "certificates": chain.iter().map(raw).collect::<Vec<Value>>() })),
                    _ => None,
                },
            ),
            (
                "certificate",
                match &self.material {
                    Material::Certificate(leaf) => Some(raw(leaf)),
                    _ => None,
                },
            ),
            ("tlogEntries", list(self.entries.iter().map(LogEntry::to_json).collect())),
            ("timestampVerificationData", list(timestamps).map(|list| json!({ "rfc3161Timestamps": list }))),
        ]);
        let (message, envelope) = match &self.content {
            Content::Message { digest, signature } => {
                let digest = digest.map(|digest| {
                    json!({
                        "algorithm": rekor::hash_name(digest.algorithm()),
                        "digest": base64::encode(digest.as_bytes()),
                    })
                });
                let signature = Some(json!(base64::encode(signature)));
                (Some(object([("messageDigest", digest), ("signature", signature)])), None)
            }
            Content::Dsse(envelope) => (None, Some(envelope.to_json())),
        };
        object([
            ("mediaType", Some(json!(self.media_type))),
            ("verificationMaterial", Some(material)),
            ("messageSignature", message),
            ("dsseEnvelope", envelope),
        ])
    }

    /// The JSON text.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }
}
