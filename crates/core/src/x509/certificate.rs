//! [`Certificate`]: one DER certificate, parsed once, every part a slice of what arrived (RFC 5280 §4.1).
//!
//! Strict where two readers could differ; knows nothing about trust, time or purpose. Keys are read only when asked for,
//! so a certificate with an unsupported key still parses, and can still be named in a report.

use super::algorithm::signature_scheme;
use super::extension::{self, BasicConstraints, ExtendedKeyUsage, Extension, KeyUsage};
use super::name::{self, Name};
use super::{oid, time};
use crate::code::{Code, Failure};
use crate::crypto::{self, PreparedKey, Scheme, SignatureError};
use crate::digest::sha256;
use crate::encoding::der::{DerError, Reader, Tlv, tag};
use crate::encoding::pem;
use crate::key::PublicKey;
use crate::limits::{Limits, MAX_CHAIN};
use crate::time::Validity;
use const_oid::ObjectIdentifier;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Most extensions of one certificate.
const MAX_EXTENSIONS: usize = 64;
/// Longest serial number in octets (RFC 5280 §4.1.2.2).
const MAX_SERIAL: usize = 20;

/// A parsed certificate. Cheap to clone; clones share what was learned about it (its prepared key, the issuer's key
/// that its signature was checked with), so keep the certificates of a trust root and pass clones.
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    fingerprint: [u8; 32],
    tbs: Range<usize>,
    serial: Range<usize>,
    algorithm: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    validity: Validity,
    spki: Range<usize>,
    signature: Range<usize>,
    /// The whole `[3]` element, for rebuilding what a CT log saw.
    wrapper: Option<Range<usize>>,
    extensions: Vec<Entry>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    key: OnceLock<Result<PreparedKey, Failure>>,
    /// Id of a key under which the signature was found good. A fact about the bytes, so it may be kept.
    signed_by: OnceLock<[u8; 32]>,
}

struct Entry {
    oid: ObjectIdentifier,
    critical: bool,
    whole: Range<usize>,
    value: Range<usize>,
}

impl Certificate {
    /// Parses one DER certificate.
    ///
    /// Version 3; inner and outer signature algorithm equal; serial of at most 20 octets (negative ones are left to the
    /// profiles); UTCTime to 2049 and GeneralizedTime from 2050; at most 64 extensions, none twice; the extensions that
    /// path validation reads are well-formed; no byte follows. The signature, the key and trust are *not* checked.
    ///
    /// # Errors
    /// [`Code::CertificateMalformed`].
    pub fn from_der(der: &[u8], limits: &Limits) -> Result<Self, Failure> {
        Self::of_bytes(der.to_vec(), limits)
    }

    /// As [`Certificate::from_der`], for bytes that nobody else needs.
    pub(crate) fn of_bytes(der: Vec<u8>, limits: &Limits) -> Result<Self, Failure> {
        if der.len() > limits.certificate_bytes {
            return Err(malformed("more bytes than one certificate may have"));
        }
        let parts = Parts::parse(der).map_err(malformed)?;
        Ok(Self(Arc::new(parts)))
    }

    /// Parses one or more PEM blocks `CERTIFICATE`, in the order in which they stand, at most
    /// [`MAX_CHAIN`].
    ///
    /// # Errors
    /// [`Code::CertificateMalformed`] for anything else.
    pub fn from_pem_chain(text: &[u8], limits: &Limits) -> Result<Vec<Self>, Failure> {
        let blocks = pem::parse_all(text, MAX_CHAIN).map_err(malformed)?;
        if blocks.is_empty() {
            return Err(malformed("no PEM block"));
        }
        let parse = |block: pem::Block<'_>| {
            if block.label == "CERTIFICATE" {
                Self::of_bytes(block.der, limits)
            } else {
                Err(malformed(format_args!("a PEM block {}", block.label)))
            }
        };
        blocks.into_iter().map(parse).collect()
    }

    /// The certificate as it arrived.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of the whole certificate.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.fingerprint
    }

    /// The bytes that are signed: `tbsCertificate`, tag and length included.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.slice(&self.0.tbs)
    }

    /// The serial number, content octets in two's complement.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.slice(&self.0.serial)
    }

    /// Whether the serial number is greater than zero (RFC 5280 §4.1.2.2).
    #[must_use]
    pub fn has_positive_serial(&self) -> bool {
        matches!(self.serial(), [first, ..] if *first < 0x80) && self.serial() != [0]
    }

    /// The issuer's name, raw DER.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.slice(&self.0.issuer)
    }

    /// The subject's name, raw DER.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        self.slice(&self.0.subject)
    }

    /// Whether issuer and subject are the same name, byte for byte (RFC 5280 §3.2). Says nothing about the signature.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer() == self.subject()
    }

    /// The certificate policies that it was issued under (RFC 5280 §4.2.1.4), as the issuer states them: no policy tree is
    /// built, and none where the extension is absent or malformed, so that nothing that asks for one is satisfied.
    #[must_use]
    pub fn policies(&self) -> Vec<ObjectIdentifier> {
        let extension = self.extension(&oid::CERTIFICATE_POLICIES);
        extension.and_then(|extension| extension::certificate_policies(extension.value).ok()).unwrap_or_default()
    }

    /// `notBefore` to `notAfter`, both inclusive.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.0.validity
    }

    /// The SubjectPublicKeyInfo, raw DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.slice(&self.0.spki)
    }

    /// The subject's public key.
    ///
    /// # Errors
    /// [`Code::AlgorithmUnsupported`] when it is not one that we verify with ([`PublicKey::from_spki`]).
    pub fn public_key(&self) -> Result<&PublicKey, Failure> {
        self.prepared_key().map(PreparedKey::key)
    }

    /// The subject's public key, made ready on first use and kept.
    ///
    /// # Errors
    /// [`Code::AlgorithmUnsupported`] as for [`Certificate::public_key`].
    pub fn prepared_key(&self) -> Result<&PreparedKey, Failure> {
        let prepare = || {
            PreparedKey::from_spki(self.spki()).map_err(|failure| {
                // The key is the certificate's, not the caller's input.
                Failure::new(Code::AlgorithmUnsupported)
                    .expected(failure.expected_text().unwrap_or("a supported key"))
                    .found(failure.found_text().unwrap_or("another key"))
                    .at(self)
            })
        };
        self.0.key.get_or_init(prepare).as_ref().map_err(Clone::clone)
    }

    /// How the certificate is signed; `None` for algorithms that are not understood or too weak.
    #[must_use]
    pub fn signature_scheme(&self) -> Option<Scheme> {
        signature_scheme(self.slice(&self.0.algorithm))
    }

    /// The signature octets.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.0.signature)
    }

    /// All extensions, in order.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.0.extensions.iter().map(|entry| Extension {
            oid: entry.oid,
            critical: entry.critical,
            value: self.slice(&entry.value),
        })
    }

    /// One extension.
    #[must_use]
    pub fn extension(&self, oid: &ObjectIdentifier) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.oid == *oid)
    }

    /// basicConstraints, if present.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.basic_constraints
    }

    /// Whether basicConstraints say that the subject may issue certificates.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.0.basic_constraints.is_some_and(|constraints| constraints.is_ca)
    }

    /// keyUsage, if present.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.key_usage
    }

    /// extKeyUsage, if present.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage> {
        self.0.extended_key_usage.as_ref()
    }

    /// The key identifier of authorityKeyIdentifier: a hint, never a proof.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        let extension = self.extension(&oid::AUTHORITY_KEY_IDENTIFIER)?;
        extension::authority_key_id(extension.value).ok().flatten()
    }

    /// subjectKeyIdentifier: a hint, never a proof.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        extension::subject_key_id(self.extension(&oid::SUBJECT_KEY_IDENTIFIER)?.value).ok()
    }

    /// Whether it is already known that this certificate is signed by the key with this id.
    pub(crate) fn known_signed_by(&self, key: &PublicKey) -> bool {
        self.0.signed_by.get() == Some(key.id())
    }

    /// Whether this certificate is signed by `issuer`'s key, whatever its name, validity or purpose. A good outcome is
    /// remembered, so the constant relations of a trust root cost one check in all.
    ///
    /// # Errors
    /// [`Code::AlgorithmUnsupported`] for a signature algorithm that is not understood or too weak,
    /// [`Code::CertificateSignatureInvalid`] when it does not verify or is not one for this key.
    pub fn verify_signed_by(&self, issuer: &PreparedKey) -> Result<(), Failure> {
        if self.known_signed_by(issuer.key()) {
            return Ok(());
        }
        let Some(scheme) = self.signature_scheme() else {
            return Err(Failure::new(Code::AlgorithmUnsupported)
                .expected("a certificate signed with ECDSA, RSA or Ed25519 and SHA-256, SHA-384 or SHA-512")
                .at(self));
        };
        crypto::verify_message(issuer, scheme, self.tbs(), self.signature()).map_err(|error| {
            let found = match error {
                SignatureError::SchemeMismatch => format!("{scheme} under a key {}", issuer.key().kind()),
                SignatureError::Invalid | SignatureError::NeedsMessage => "a signature that does not verify".to_owned(),
            };
            Failure::new(Code::CertificateSignatureInvalid).found(found).at(self)
        })?;
        // Losing a race only means that another key was remembered.
        let _ = self.0.signed_by.set(*issuer.key().id());
        Ok(())
    }

    /// The `[3]` element that holds the extensions, and the range of the extension of that type within the certificate, which
    /// none has twice.
    pub(super) fn extension_range(&self, oid: &ObjectIdentifier) -> Option<(Range<usize>, Range<usize>)> {
        let found = self.0.extensions.iter().find(|entry| entry.oid == *oid)?;
        Some((self.0.wrapper.clone()?, found.whole.clone()))
    }

    /// Where `tbsCertificate` stands.
    pub(super) fn tbs_range(&self) -> Range<usize> {
        self.0.tbs.clone()
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or(&[])
    }
}

/// Equality of bytes.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Display for Certificate {
    /// The subject for people, or the issuer's where the subject is empty, as in Fulcio's leaves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subject() == [0x30, 0x00] {
            write!(f, "a certificate issued by {}", name::display(self.issuer()))
        } else {
            write!(f, "the certificate {}", name::display(self.subject()))
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({self})")
    }
}

fn malformed(found: impl fmt::Display) -> Failure {
    Failure::new(Code::CertificateMalformed).expected("one strict DER certificate of version 3").found(found)
}

impl Parts {
    fn parse(bytes: Vec<u8>) -> Result<Self, DerError> {
        let der = bytes.as_slice();
        let outer = Tlv::parse(der)?;
        if outer.tag() != tag::SEQUENCE {
            return Err(DerError("no certificate"));
        }
        let mut fields = outer.reader();
        let tbs = fields.expect(tag::SEQUENCE)?;
        let outer_algorithm = fields.expect(tag::SEQUENCE)?;
        let signature = fields.expect(tag::BIT_STRING)?;
        fields.finish()?;
        let signature_length = signature.bit_octets()?.len();
        let signature_end = signature.value_range().end;

        let mut fields = tbs.reader();
        match fields.optional(tag::constructed(0))? {
            Some(version) if Tlv::parse(version.value())?.small_unsigned()? == 2 => {}
            _ => return Err(DerError("a certificate that is not of version 3")),
        }
        let serial = fields.expect(tag::INTEGER)?;
        let magnitude = match serial.integer()? {
            [0x00, rest @ ..] if !rest.is_empty() => rest,
            value => value,
        };
        if magnitude.len() > MAX_SERIAL {
            return Err(DerError("a serial number of more than 20 octets"));
        }
        let algorithm = fields.expect(tag::SEQUENCE)?;
        // Else the signed part would not say how it was signed (RFC 5280 §4.1.1.2).
        if algorithm.raw() != outer_algorithm.raw() {
            return Err(DerError("two different signature algorithms"));
        }
        let issuer = fields.expect(tag::SEQUENCE)?;
        if Name::check(issuer.raw())? == 0 {
            return Err(DerError("an empty issuer"));
        }
        let validity = time::validity(&fields.expect(tag::SEQUENCE)?)?;
        let subject = fields.expect(tag::SEQUENCE)?;
        Name::check(subject.raw())?;
        let spki = fields.expect(tag::SEQUENCE)?;
        // Unique identifiers: obsolete, read over.
        for number in [1, 2] {
            fields.optional(tag::primitive(number))?;
        }
        let wrapper = fields.optional(tag::constructed(3))?;
        fields.finish()?;

        let extensions = match &wrapper {
            Some(wrapper) => parse_extensions(wrapper)?,
            None => Vec::new(),
        };
        let value = |oid: &ObjectIdentifier| {
            let entry: Option<&Entry> = extensions.iter().find(|entry| entry.oid == *oid);
            entry.and_then(|entry| der.get(entry.value.clone()))
        };
        let basic_constraints = value(&oid::BASIC_CONSTRAINTS).map(BasicConstraints::parse).transpose()?;
        let key_usage = value(&oid::KEY_USAGE).map(KeyUsage::parse).transpose()?;
        let extended_key_usage = value(&oid::EXTENDED_KEY_USAGE).map(ExtendedKeyUsage::parse).transpose()?;
        if let Some(value) = value(&oid::AUTHORITY_KEY_IDENTIFIER) {
            extension::authority_key_id(value)?;
        }
        if let Some(value) = value(&oid::SUBJECT_KEY_IDENTIFIER) {
            extension::subject_key_id(value)?;
        }

        let fingerprint = sha256(der);
        Ok(Self {
            fingerprint,
            tbs: tbs.range(),
            serial: serial.value_range(),
            algorithm: algorithm.range(),
            issuer: issuer.range(),
            subject: subject.range(),
            validity,
            spki: spki.range(),
            signature: signature_end.saturating_sub(signature_length)..signature_end,
            wrapper: wrapper.map(|wrapper| wrapper.range()),
            extensions,
            basic_constraints,
            key_usage,
            extended_key_usage,
            key: OnceLock::new(),
            signed_by: OnceLock::new(),
            der: bytes,
        })
    }
}

/// How many elements are left.
fn count(mut list: Reader<'_>) -> Result<usize, DerError> {
    let mut count: usize = 0;
    while !list.is_empty() {
        list.any()?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn parse_extensions(wrapper: &Tlv<'_>) -> Result<Vec<Entry>, DerError> {
    let mut outer: Reader<'_> = wrapper.reader();
    let mut list = outer.expect(tag::SEQUENCE)?.reader();
    outer.finish()?;
    let mut extensions: Vec<Entry> = Vec::with_capacity(count(list)?.min(MAX_EXTENSIONS));
    while !list.is_empty() {
        if extensions.len() >= MAX_EXTENSIONS {
            return Err(DerError("more than 64 extensions"));
        }
        let whole = list.expect(tag::SEQUENCE)?;
        let mut fields = whole.reader();
        let oid = fields.expect(tag::OID)?.oid()?;
        // An explicit FALSE is not DER, but is found in the wild; the bytes are never re-encoded, so it does no harm.
        let critical = match fields.optional(tag::BOOLEAN)? {
            Some(flag) => flag.boolean()?,
            None => false,
        };
        let value = fields.expect(tag::OCTET_STRING)?;
        fields.finish()?;
        // RFC 5280 §4.2: not more than one of each.
        if extensions.iter().any(|entry| entry.oid == oid) {
            return Err(DerError("an extension that stands twice"));
        }
        extensions.push(Entry { oid, critical, whole: whole.range(), value: value.value_range() });
    }
    if extensions.is_empty() {
        return Err(DerError("an empty list of extensions"));
    }
    Ok(extensions)
}
