//! The extensions that path validation reads (RFC 5280 §4.2.1), parsed once and strictly.

use crate::encoding::der::{DerError, Tlv, tag};
use const_oid::ObjectIdentifier;

/// Most purposes that one extendedKeyUsage is read for.
const MAX_PURPOSES: usize = 32;
/// Most policies that one certificatePolicies is read for.
const MAX_POLICIES: usize = 64;

/// One extension as it stands in the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Which one.
    pub oid: ObjectIdentifier,
    /// Whether whoever does not understand it must refuse the certificate.
    pub critical: bool,
    /// The content of its OCTET STRING.
    pub value: &'a [u8],
}

/// basicConstraints (§4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject may issue certificates.
    pub is_ca: bool,
    /// How many intermediates that are not self-issued may follow; `None` for no bound.
    pub path_length: Option<u64>,
}

impl BasicConstraints {
    pub(super) fn parse(value: &[u8]) -> Result<Self, DerError> {
        let mut fields = sequence(value)?;
        // An explicit FALSE breaks DER's rule on defaults, but enterprise CAs write it and nothing else could be meant.
        let is_ca = match fields.optional(tag::BOOLEAN)? {
            Some(flag) => flag.boolean()?,
            None => false,
        };
        let path_length = fields.optional(tag::INTEGER)?.map(|length| length.small_unsigned()).transpose()?;
        fields.finish()?;
        if path_length.is_some() && !is_ca {
            return Err(DerError("a path length in a certificate that is no CA"));
        }
        Ok(Self { is_ca, path_length })
    }
}

/// keyUsage (§4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Whether the key may sign other things than certificates and CRLs.
    #[must_use]
    pub const fn digital_signature(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// Whether the key may sign certificates.
    #[must_use]
    pub const fn key_cert_sign(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// Whether the key may sign revocation lists.
    #[must_use]
    pub const fn crl_sign(self) -> bool {
        self.0 & 0x0200 != 0
    }

    pub(super) fn parse(value: &[u8]) -> Result<Self, DerError> {
        let (_, octets) = Tlv::parse(value)?.bits()?;
        let bits = match octets {
            [first] => u16::from_be_bytes([*first, 0]),
            [first, second] => u16::from_be_bytes([*first, *second]),
            _ => 0,
        };
        // RFC 5280: at least one of the bits MUST be set.
        if bits == 0 { Err(DerError("a malformed keyUsage")) } else { Ok(Self(bits)) }
    }
}

/// extKeyUsage (§4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUsage(Purposes);

/// Most certificates are for one purpose, which takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purposes {
    One([ObjectIdentifier; 1]),
    Several(Vec<ObjectIdentifier>),
}

impl ExtendedKeyUsage {
    /// The purposes, in order.
    #[must_use]
    pub fn purposes(&self) -> &[ObjectIdentifier] {
        match &self.0 {
            Purposes::One(one) => one,
            Purposes::Several(several) => several,
        }
    }

    /// Whether this very purpose is named. `anyExtendedKeyUsage` names no purpose.
    #[must_use]
    pub fn names(&self, purpose: &ObjectIdentifier) -> bool {
        self.purposes().contains(purpose)
    }

    pub(super) fn parse(value: &[u8]) -> Result<Self, DerError> {
        let mut fields = sequence(value)?;
        if fields.is_empty() {
            return Err(DerError("an empty extKeyUsage"));
        }
        let first = fields.any()?.oid()?;
        if fields.is_empty() {
            return Ok(Self(Purposes::One([first])));
        }
        let mut purposes = vec![first];
        while !fields.is_empty() {
            if purposes.len() >= MAX_PURPOSES {
                return Err(DerError("an extKeyUsage with too many purposes"));
            }
            purposes.push(fields.any()?.oid()?);
        }
        Ok(Self(Purposes::Several(purposes)))
    }
}

/// The key identifier of authorityKeyIdentifier (§4.2.1.1). A hint for path building, never a proof.
pub(super) fn authority_key_id(value: &[u8]) -> Result<Option<&[u8]>, DerError> {
    let mut fields = sequence(value)?;
    let key_id = fields.optional(tag::primitive(0))?.map(|id| id.value());
    while !fields.is_empty() {
        fields.any()?;
    }
    Ok(key_id)
}

/// subjectKeyIdentifier (§4.2.1.2).
pub(super) fn subject_key_id(value: &[u8]) -> Result<&[u8], DerError> {
    Tlv::parse(value)?.octets()
}

/// The identifiers of certificatePolicies (§4.2.1.4), without their qualifiers. `anyPolicy` is one like any other here:
/// whoever asks for a policy means that very one.
pub(super) fn certificate_policies(value: &[u8]) -> Result<Vec<ObjectIdentifier>, DerError> {
    let mut fields = sequence(value)?;
    let mut policies = Vec::new();
    while !fields.is_empty() {
        let mut policy = fields.expect(tag::SEQUENCE)?.reader();
        let oid = policy.expect(tag::OID)?.oid()?;
        policy.optional(tag::SEQUENCE)?;
        policy.finish()?;
        if policies.contains(&oid) || policies.len() >= MAX_POLICIES {
            return Err(DerError("a certificatePolicies with a policy twice, or with too many"));
        }
        policies.push(oid);
    }
    if policies.is_empty() { Err(DerError("an empty certificatePolicies")) } else { Ok(policies) }
}

/// Whether policyConstraints (§4.2.1.11) asks for an explicit policy, which would need the policy tree.
pub(super) fn requires_explicit_policy(value: &[u8]) -> Result<bool, DerError> {
    let mut fields = sequence(value)?;
    let require = fields.optional(tag::primitive(0))?;
    let inhibit = fields.optional(tag::primitive(1))?;
    fields.finish()?;
    if require.is_none() && inhibit.is_none() {
        return Err(DerError("an empty policyConstraints"));
    }
    Ok(require.is_some())
}

/// A reader over the one SEQUENCE that `value` is.
pub(super) fn sequence(value: &[u8]) -> Result<crate::encoding::der::Reader<'_>, DerError> {
    let outer = Tlv::parse(value)?;
    if outer.tag() == tag::SEQUENCE { Ok(outer.reader()) } else { Err(DerError("an element of another type")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_constraints_are_strict() {
        let parse = BasicConstraints::parse;
        assert_eq!(parse(&[0x30, 0]), Ok(BasicConstraints { is_ca: false, path_length: None }));
        assert_eq!(parse(&[0x30, 3, 1, 1, 0]), Ok(BasicConstraints { is_ca: false, path_length: None }));
        assert_eq!(parse(&[0x30, 6, 1, 1, 0xff, 2, 1, 0]), Ok(BasicConstraints { is_ca: true, path_length: Some(0) }));
        for bad in [&[0x30, 3, 1, 1, 1][..], &[0x30, 3, 2, 1, 0], &[0x30, 6, 1, 1, 0xff, 2, 1, 0x80], &[0x30, 0, 0], &[]] {
            assert!(parse(bad).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn key_usage_bits_are_read_from_the_left() {
        assert!(KeyUsage::parse(&[3, 2, 7, 0x80]).unwrap().digital_signature());
        let ca = KeyUsage::parse(&[3, 2, 1, 0x06]).unwrap();
        assert!(ca.key_cert_sign() && ca.crl_sign() && !ca.digital_signature());
        for bad in [&[3, 2, 0, 0][..], &[3, 1, 0], &[3, 2, 7, 0xc0], &[3, 4, 0, 0x80, 0, 0]] {
            assert!(KeyUsage::parse(bad).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn certificate_policies_are_named_once_each() {
        let one = [0x30, 5, 6, 3, 0x2a, 3, 4];
        let whole = |of: &[u8]| [&[0x30, u8::try_from(of.len()).unwrap()], of].concat();
        let parsed = certificate_policies(&whole(&one)).unwrap();
        assert_eq!(parsed, [ObjectIdentifier::new_unwrap("1.2.3.4")]);
        let qualified = [0x30, 7, 6, 3, 0x2a, 3, 4, 0x30, 0];
        assert_eq!(certificate_policies(&whole(&qualified)).unwrap(), parsed);
        for bad in [whole(&[]), whole(&[one, one].concat()), whole(&[0x30, 0]), [whole(&one), vec![0]].concat()] {
            assert!(certificate_policies(&bad).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn an_extended_key_usage_names_purposes() {
        let parsed = ExtendedKeyUsage::parse(&[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 3]).unwrap();
        assert!(parsed.names(&super::super::oid::CODE_SIGNING));
        assert!(!parsed.names(&super::super::oid::TIME_STAMPING));
        assert!(ExtendedKeyUsage::parse(&[0x30, 0]).is_err());
    }
}
