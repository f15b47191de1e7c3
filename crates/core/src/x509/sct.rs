//! Signed certificate timestamps embedded in a certificate (RFC 6962 §3.2, §3.3).
//!
//! Parses the list, rebuilds what the log signed by cutting the list out of the raw certificate, and verifies one
//! timestamp with one log key. Which logs are trusted, when, and how many are needed is decided elsewhere.

use super::certificate::Certificate;
use super::oid;
use super::path::Path;
use crate::code::{Code, Failure};
use crate::crypto::{PreparedKey, Scheme, verify_prehash};
use crate::digest::{HashAlgorithm, Hasher, sha256};
use crate::encoding::der::{Header, Tlv, tag};
use crate::key::KeyKind;
use crate::time::UnixTime;

/// Most timestamps of one list.
const MAX_SCTS: usize = 32;

/// One signed certificate timestamp of version 1, as it stands in the list. Only claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedCertificateTimestamp<'c> {
    log_id: &'c [u8; 32],
    millis: u64,
    extensions: &'c [u8],
    hash: u8,
    signature_algorithm: u8,
    signature: &'c [u8],
}

impl<'c> SignedCertificateTimestamp<'c> {
    /// SHA-256 of the log's SubjectPublicKeyInfo.
    #[must_use]
    pub fn log_id(&self) -> &'c [u8; 32] {
        self.log_id
    }

    /// When the log says it saw the certificate.
    #[must_use]
    pub fn timestamp(&self) -> UnixTime {
        UnixTime::from_millis(self.millis)
    }

    /// The extensions, verbatim: signed, otherwise not read (static-ct-api keeps the leaf index here).
    #[must_use]
    pub fn extensions(&self) -> &'c [u8] {
        self.extensions
    }

    /// The signature octets.
    #[must_use]
    pub fn signature(&self) -> &'c [u8] {
        self.signature
    }

    /// What the log signed: `digitally-signed` of RFC 6962 §3.2 over a precertificate.
    #[must_use]
    pub fn signed_data(&self, entry: &PrecertificateEntry<'_>) -> Vec<u8> {
        let mut data = Vec::with_capacity(entry.tbs.length().saturating_add(64));
        self.signed_parts(entry, |part| data.extend_from_slice(part));
        data
    }

    /// The same, piece by piece.
    fn signed_parts(&self, entry: &PrecertificateEntry<'_>, mut take: impl FnMut(&[u8])) {
        // v1, certificate_timestamp.
        take(&[0, 0]);
        take(&self.millis.to_be_bytes());
        // precert_entry.
        take(&[0, 1]);
        take(&entry.issuer_key_hash);
        take(&length::<3>(entry.tbs.length()));
        entry.tbs.parts().into_iter().for_each(&mut take);
        take(&length::<2>(self.extensions.len()));
        take(self.extensions);
    }

    /// Whether this is a timestamp by `log` over `entry`.
    ///
    /// The log's key decides the algorithm: ECDSA or PKCS#1 v1.5, with SHA-256; what the timestamp states must be the
    /// same. Neither the log's window nor the certificate's validity is compared.
    ///
    /// # Errors
    /// [`Code::SctLogUnknown`] when `log` is not the log that the timestamp names, else [`Code::SctInvalid`].
    pub fn verify(&self, log: &PreparedKey, entry: &PrecertificateEntry<'_>) -> Result<(), Failure> {
        if log.key().id() != self.log_id {
            return Err(Failure::new(Code::SctLogUnknown).found(crate::encoding::hex::encode(self.log_id)));
        }
        let invalid = |found: &str| Failure::new(Code::SctInvalid).found(found);
        let (scheme, stated) = match log.key().kind() {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => (Scheme::Ecdsa(HashAlgorithm::Sha256), 3),
            KeyKind::Rsa { .. } => (Scheme::RsaPkcs1(HashAlgorithm::Sha256), 1),
            KeyKind::Ed25519 => return Err(invalid("a log with an Ed25519 key, which RFC 6962 does not know")),
        };
        // RFC 5246 §7.4.1.4.1: sha256 is 4; rsa is 1, ecdsa 3.
        if (self.hash, self.signature_algorithm) != (4, stated) {
            return Err(invalid("another signature algorithm than the log's"));
        }
        let mut hasher = Hasher::new(HashAlgorithm::Sha256);
        self.signed_parts(entry, |part| hasher.update(part));
        verify_prehash(log, scheme, hasher.finish().as_bytes(), self.signature).map_err(|error| invalid(&error.to_string()))
    }
}

/// What a log saw when it promised to log a certificate: the certificate without the list, and who issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrecertificateEntry<'c> {
    issuer_key_hash: [u8; 32],
    tbs: Tbs<'c>,
}

impl<'c> PrecertificateEntry<'c> {
    /// The entry for the leaf of a validated path. The issuer's key is that of the certificate which really issued the
    /// leaf: with a claimed one, a timestamp for another authority's certificate could be passed off.
    ///
    /// # Errors
    /// [`Code::SctMissing`] when the leaf has no list.
    pub fn of(path: &'c Path) -> Result<Self, Failure> {
        // A key's id is the hash of its SubjectPublicKeyInfo, and that of an issuer is known.
        Self::issued_by(path.leaf(), *path.issuer().public_key()?.id())
    }

    /// The entry for a certificate whose issuer is known otherwise. `issuer_spki` must be that of the verified issuer.
    ///
    /// # Errors
    /// [`Code::SctMissing`] when the certificate has no list.
    pub fn new(certificate: &'c Certificate, issuer_spki: &[u8]) -> Result<Self, Failure> {
        Self::issued_by(certificate, sha256(issuer_spki))
    }

    fn issued_by(certificate: &'c Certificate, issuer_key_hash: [u8; 32]) -> Result<Self, Failure> {
        let tbs = tbs_without_list(certificate).ok_or_else(|| Failure::new(Code::SctMissing).at(certificate))?;
        Ok(Self { issuer_key_hash, tbs })
    }
}

#[cfg(test)]
impl<'c> PrecertificateEntry<'c> {
    pub(super) fn of_parts(issuer_key_hash: [u8; 32], tbs: &'c [u8]) -> Self {
        let none = Header::default();
        let tbs = Tbs { outer: none, fields: tbs, wrapper: [none; 2], extensions: [&[]; 2], rest: &[] };
        Self { issuer_key_hash, tbs }
    }
}

/// A rebuilt `tbsCertificate`: three headers of new lengths, and what stands between them, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tbs<'c> {
    outer: Header,
    /// From the version to the unique identifiers.
    fields: &'c [u8],
    /// The headers of `[3]` and of its list.
    wrapper: [Header; 2],
    /// Extensions before the list, and behind it.
    extensions: [&'c [u8]; 2],
    /// What stands behind the extensions: nothing, in a certificate that parses.
    rest: &'c [u8],
}

impl Tbs<'_> {
    fn parts(&self) -> [&[u8]; 7] {
        let [wrapper, list] = &self.wrapper;
        let [before, behind] = self.extensions;
        [self.outer.bytes(), self.fields, wrapper.bytes(), list.bytes(), before, behind, self.rest]
    }

    fn length(&self) -> usize {
        self.parts().into_iter().map(<[u8]>::len).fold(0, usize::saturating_add)
    }
}

/// The timestamps embedded in a certificate, those of versions other than 1 left out (RFC 6962 §3.3).
///
/// # Errors
/// [`Code::SctMissing`] without the extension; [`Code::SctMalformed`] when the list is empty, has lengths that do not
/// fit exactly, or more timestamps than 32.
pub fn embedded(certificate: &Certificate) -> Result<Vec<SignedCertificateTimestamp<'_>>, Failure> {
    let extension = certificate.extension(&oid::SCT_LIST).ok_or_else(|| Failure::new(Code::SctMissing).at(certificate))?;
    parse_list(extension.value)
        .ok_or_else(|| Failure::new(Code::SctMalformed).expected("a SignedCertificateTimestampList of RFC 6962").at(certificate))
}

fn parse_list(value: &[u8]) -> Option<Vec<SignedCertificateTimestamp<'_>>> {
    let octets = Tlv::parse(value).ok()?.octets().ok()?;
    let (mut list, rest) = take_vector(octets)?;
    if !rest.is_empty() || list.is_empty() {
        return None;
    }
    let mut count: usize = 0;
    // Sigstore's certificates have one.
    let mut found = Vec::with_capacity(1);
    while !list.is_empty() {
        count = count.saturating_add(1);
        if count > MAX_SCTS {
            return None;
        }
        let (one, rest) = take_vector(list)?;
        list = rest;
        // Another version has another layout; it is skipped, never guessed at.
        if one.first()? == &0 {
            found.push(parse_one(one)?);
        }
    }
    Some(found)
}

fn parse_one(bytes: &[u8]) -> Option<SignedCertificateTimestamp<'_>> {
    let (_version, rest) = bytes.split_first()?;
    let (log_id, rest) = rest.split_first_chunk::<32>()?;
    let (millis, rest) = rest.split_first_chunk::<8>()?;
    let (extensions, rest) = take_vector(rest)?;
    let (&[hash, signature_algorithm], rest) = rest.split_first_chunk::<2>()?;
    let (signature, rest) = take_vector(rest)?;
    rest.is_empty().then(|| SignedCertificateTimestamp {
        log_id,
        millis: u64::from_be_bytes(*millis),
        extensions,
        hash,
        signature_algorithm,
        signature,
    })
}

/// An opaque vector with a length of two octets (RFC 5246 §4.3).
fn take_vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// A length in `N` octets. Both that are written here are bounded far below by the size of a certificate.
fn length<const N: usize>(length: usize) -> [u8; N] {
    length.to_be_bytes().last_chunk::<N>().copied().unwrap_or([0xff; N])
}

/// `tbsCertificate` without the SCT list: three lengths are rebuilt, every other octet is as it was (RFC 6962 §3.2).
fn tbs_without_list(certificate: &Certificate) -> Option<Tbs<'_>> {
    let (wrapper, list) = certificate.extension_range(&oid::SCT_LIST)?;
    let der = certificate.der();

    let wrapped = Tlv::parse(der.get(wrapper.clone())?).ok()?;
    let extensions = Tlv::parse(wrapped.value()).ok()?;
    let first = wrapper.end.checked_sub(extensions.value().len())?;
    let extensions = [der.get(first..list.start)?, der.get(list.end..wrapper.end)?];
    let kept = extensions.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    // Without any extension left, the field itself would be absent.
    let wrapped = if kept == 0 {
        [Header::default(), Header::default()]
    } else {
        let list = Header::new(tag::SEQUENCE, kept);
        [Header::new(tag::constructed(3), kept.saturating_add(list.bytes().len())), list]
    };

    let tbs = certificate.tbs_range();
    let content = tbs.end.checked_sub(Tlv::parse(certificate.tbs()).ok()?.value().len())?;
    let (fields, rest) = (der.get(content..wrapper.start)?, der.get(wrapper.end..tbs.end)?);
    let mut whole = Tbs { outer: Header::default(), fields, wrapper: wrapped, extensions, rest };
    whole.outer = Header::new(tag::SEQUENCE, whole.length());
    Some(whole)
}
