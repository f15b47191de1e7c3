//! [`TimestampAuthority`]: signs RFC 3161 timestamps shaped like those of Sigstore's own authority.
//!
//! RFC 3161, RFC 5652, RFC 5816. A [`Timestamp`] holds every field before it is encoded, so that a test can break one.

use crate::der;
use crate::key::{KeyKind, Scheme, SigningKey, hash_oid};
use crate::random::Seed;
use crate::x509::extension::{DIGITAL_SIGNATURE, TIME_STAMPING};
use crate::x509::{Authority, Extension, Name, Template};
use veriseal::digest::HashAlgorithm;
use veriseal::time::{UnixTime, Validity};

/// Content type of the signed structure.
pub const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
/// Attribute: content type.
pub const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
/// Attribute: message digest.
pub const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
/// Attribute: signing time.
pub const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
/// Attribute: signing certificate, version 2 (RFC 5816).
pub const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";

/// A timestamp authority: a root and a leaf that it issued.
#[derive(Clone, Debug)]
pub struct TimestampAuthority {
    /// The anchor.
    pub root: Authority,
    /// The template of the signing certificate. After changing it, call [`TimestampAuthority::reissue`].
    pub template: Template,
    /// The signing key.
    pub key: SigningKey,
    /// The signing certificate.
    pub leaf: Vec<u8>,
    /// URI in the trusted root.
    pub uri: String,
    /// `validFor` in the trusted root.
    pub window: Validity,
    /// Whether tokens carry the signing certificate.
    pub embed: bool,
}

impl TimestampAuthority {
    /// An authority with P-256 keys whose certificates are valid over `window`.
    #[must_use]
    pub fn new(seed: &Seed, window: Validity) -> Self {
        Self::with_key(KeyKind::P256, seed, window)
    }

    /// An authority whose signing key is of another kind. The root is P-384.
    #[must_use]
    pub fn with_key(kind: KeyKind, seed: &Seed, window: Validity) -> Self {
        let root_name = Name::new("testkit.example", "testkit timestamp root");
        let root = Authority::root(root_name, KeyKind::P384, &seed.named("tsa root"), window);
        let key = SigningKey::new(kind, &seed.named("tsa leaf"));
        let mut template = root.template_for(Name::new("testkit.example", "testkit timestamps"), &key.spki());
        template.serial = crate::x509::serial(&seed.named("tsa leaf serial"));
        template.not_before = window.start.unwrap_or(template.not_before);
        template.not_after = window.end.unwrap_or(template.not_after);
        template.set(Extension::key_usage(DIGITAL_SIGNATURE));
        template.set(Extension { critical: true, ..Extension::extended_key_usage(&[TIME_STAMPING]) });
        template.set(Extension::subject_key_id(&veriseal::digest::sha256(&key.public_bytes())[..20]));
        template.set(Extension::authority_key_id(&root.key_id()));
        let leaf = template.sign(&root.key);
        Self {
            root,
            template,
            key,
            leaf,
            uri: "https://timestamp.testkit.example/api/v1/timestamp".to_owned(),
            window: Validity { end: None, ..window },
            embed: true,
        }
    }

    /// Signs the leaf again after its template was changed.
    pub fn reissue(&mut self) {
        self.leaf = self.template.sign(&self.root.key);
    }

    /// Leaf first, root last, as `certChain` in the trusted root has them.
    #[must_use]
    pub fn chain(&self) -> Vec<Vec<u8>> {
        vec![self.leaf.clone(), self.root.der.clone()]
    }

    /// A granted timestamp over `data` at a moment, open to changes.
    #[must_use]
    pub fn timestamp(&self, data: &[u8], at: UnixTime) -> Timestamp {
        let serial = veriseal::digest::sha256_parts(&[data, &at.seconds().to_be_bytes()]);
        Timestamp {
            status: 0,
            info_version: 1,
            policy: "1.3.6.1.4.1.57264.2".to_owned(),
            imprint_hash: HashAlgorithm::Sha256,
            imprint: veriseal::digest::sha256(data).to_vec(),
            serial: [&[0x40], &serial[..16]].concat(),
            gen_time: der::generalized_text(at),
            accuracy: Some(der::sequence(&[&der::integer(1)])),
            nonce: None,
            tsa: None,
            info_extensions: None,
            digest_algorithm: HashAlgorithm::Sha256,
            scheme: match self.key.default_scheme() {
                // What Sigstore's authority does with a P-384 key too.
                Scheme::Ecdsa(_) => Scheme::Ecdsa(HashAlgorithm::Sha256),
                other => other,
            },
            signing_time: Some(at),
            content_type: TST_INFO.to_owned(),
            message_digest: None,
            signing_certificate: Some(veriseal::digest::sha256(&self.leaf).to_vec()),
            attributes: None,
            certificates: if self.embed { vec![self.leaf.clone()] } else { Vec::new() },
            issuer: self.template.issuer.clone(),
            signer_serial: self.template.serial.clone(),
            signature: None,
            key: self.key.clone(),
        }
    }

    /// The DER TimeStampResp over `data` at a moment: what bundles and annotations carry.
    #[must_use]
    pub fn respond(&self, data: &[u8], at: UnixTime) -> Vec<u8> {
        self.timestamp(data, at).response()
    }
}

/// A timestamp before it is encoded.
#[derive(Clone, Debug)]
pub struct Timestamp {
    /// PKIStatus; 0 is granted. A rejection (2) still carries the token here.
    pub status: u64,
    /// Version of TSTInfo; 1.
    pub info_version: u64,
    /// Policy OID.
    pub policy: String,
    /// Hash algorithm of the imprint.
    pub imprint_hash: HashAlgorithm,
    /// The imprint.
    pub imprint: Vec<u8>,
    /// Serial number: contents of the INTEGER.
    pub serial: Vec<u8>,
    /// The text of the GeneralizedTime.
    pub gen_time: String,
    /// DER of Accuracy.
    pub accuracy: Option<Vec<u8>>,
    /// Nonce: magnitude.
    pub nonce: Option<Vec<u8>>,
    /// `tsa`, a directory name.
    pub tsa: Option<Name>,
    /// Contents of `extensions [1]`.
    pub info_extensions: Option<Vec<u8>>,
    /// Hash algorithm of the message digest attribute.
    pub digest_algorithm: HashAlgorithm,
    /// How the signed attributes are signed.
    pub scheme: Scheme,
    /// The signing time attribute.
    pub signing_time: Option<UnixTime>,
    /// The content type attribute, and the content type of the encapsulated content.
    pub content_type: String,
    /// The message digest attribute; `None` for the right one.
    pub message_digest: Option<Vec<u8>>,
    /// SHA-256 in the signing certificate attribute; `None` leaves the attribute out.
    pub signing_certificate: Option<Vec<u8>>,
    /// All attributes in the order to be written, instead of those above in DER order.
    pub attributes: Option<Vec<Vec<u8>>>,
    /// Certificates in the token.
    pub certificates: Vec<Vec<u8>>,
    /// Issuer in the signer's identifier.
    pub issuer: Name,
    /// Serial in the signer's identifier: contents of the INTEGER.
    pub signer_serial: Vec<u8>,
    /// The signature; `None` for the right one.
    pub signature: Option<Vec<u8>>,
    /// Who signs.
    pub key: SigningKey,
}

impl Timestamp {
    /// DER of TSTInfo.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        let imprint = der::sequence(&[&hash_identifier(self.imprint_hash), &der::octet_string(&self.imprint)]);
        let tsa = self.tsa.as_ref().map(|name| der::context(0, &der::context(4, &name.der()))).unwrap_or_default();
        der::sequence(&[
            &der::integer(self.info_version),
            &der::oid(&self.policy),
            &imprint,
            &der::tlv(0x02, &self.serial),
            &der::tlv(0x18, self.gen_time.as_bytes()),
            &self.accuracy.clone().unwrap_or_default(),
            &self.nonce.as_deref().map(der::unsigned).unwrap_or_default(),
            &tsa,
            &self.info_extensions.as_ref().map(|contents| der::context(1, contents)).unwrap_or_default(),
        ])
    }

    /// The signed attributes, one DER Attribute each, sorted as a SET OF is.
    #[must_use]
    pub fn standard_attributes(&self) -> Vec<Vec<u8>> {
        let right = self.digest_algorithm.hash(&[&self.info()]);
        let digest = self.message_digest.clone().unwrap_or_else(|| right.as_bytes().to_vec());
        let mut out =
            vec![attribute(CONTENT_TYPE, &der::oid(&self.content_type)), attribute(MESSAGE_DIGEST, &der::octet_string(&digest))];
        if let Some(at) = self.signing_time {
            out.push(attribute(SIGNING_TIME, &der::time(at)));
        }
        if let Some(hash) = &self.signing_certificate {
            let names = der::sequence(&[&der::context(4, &self.issuer.der())]);
            let issuer_serial = der::sequence(&[&names, &der::tlv(0x02, &self.signer_serial)]);
            let id = der::sequence(&[&der::octet_string(hash), &issuer_serial]);
            out.push(attribute(SIGNING_CERTIFICATE_V2, &der::sequence(&[&der::sequence(&[&id])])));
        }
        out.sort();
        out
    }

    /// DER of the TimeStampToken, a ContentInfo: what Notary signatures carry.
    #[must_use]
    pub fn token(&self) -> Vec<u8> {
        let attributes = self.attributes.clone().unwrap_or_else(|| self.standard_attributes());
        let signed = der::set_as_given(&attributes);
        let signature = self.signature.clone().unwrap_or_else(|| self.key.sign_with(self.scheme, &signed));
        let signer_id = der::sequence(&[&self.issuer.der(), &der::tlv(0x02, &self.signer_serial)]);
        let signer_info = der::sequence(&[
            &der::integer(1),
            &signer_id,
            &hash_identifier(self.digest_algorithm),
            &der::context(0, &attributes.concat()),
            &self.scheme.algorithm_identifier(),
            &der::octet_string(&signature),
        ]);
        let content = der::sequence(&[&der::oid(&self.content_type), &der::context(0, &der::octet_string(&self.info()))]);
        let certificates = if self.certificates.is_empty() { Vec::new() } else { der::context(0, &self.certificates.concat()) };
        let signed_data = der::sequence(&[
            &der::integer(3),
            &der::set_of(&[hash_identifier(self.digest_algorithm)]),
            &content,
            &certificates,
            &der::set_of(&[signer_info]),
        ]);
        der::sequence(&[&der::oid("1.2.840.113549.1.7.2"), &der::context(0, &signed_data)])
    }

    /// DER of the TimeStampResp: what Sigstore carries.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        der::sequence(&[&der::sequence(&[&der::integer(self.status)]), &self.token()])
    }
}

/// One attribute with one value.
#[must_use]
pub fn attribute(oid: &str, value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(oid), &der::set_as_given(&[value.to_vec()])])
}

/// AlgorithmIdentifier of a hash, parameters absent as Go writes it.
fn hash_identifier(hash: HashAlgorithm) -> Vec<u8> {
    der::sequence(&[&der::oid(hash_oid(hash))])
}
