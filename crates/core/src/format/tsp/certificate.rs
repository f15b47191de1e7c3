//! The few fields of a certificate by which a token names its signer. Not a certificate parser.

use crate::encoding::der::{DerError, Tlv, tag};
use const_oid::ObjectIdentifier;

const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

/// Issuer, serial number and subject key identifier (RFC 5280 §4.1.2, §4.2.1.2).
pub(super) struct Fields<'a> {
    /// The issuer's Name, DER.
    pub(super) issuer: &'a [u8],
    /// The content octets of the INTEGER.
    pub(super) serial: &'a [u8],
    pub(super) subject_key_id: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, DerError> {
        let certificate = Tlv::parse(der)?;
        if certificate.tag() != tag::SEQUENCE {
            return Err(DerError("an element of another type"));
        }
        let mut reader = certificate.reader().expect(tag::SEQUENCE)?.reader();
        reader.optional(tag::constructed(0))?;
        let serial = reader.any()?.integer()?;
        reader.expect(tag::SEQUENCE)?;
        let issuer = reader.expect(tag::SEQUENCE)?.raw();
        // Validity, subject, key.
        for _ in 0..3 {
            reader.expect(tag::SEQUENCE)?;
        }
        reader.optional(tag::primitive(1))?;
        reader.optional(tag::primitive(2))?;
        let subject_key_id = match reader.optional(tag::constructed(3))? {
            Some(extensions) => subject_key_id(extensions)?,
            None => None,
        };
        Ok(Self { issuer, serial, subject_key_id })
    }
}

fn subject_key_id(extensions: Tlv<'_>) -> Result<Option<&[u8]>, DerError> {
    let mut reader = extensions.reader().expect(tag::SEQUENCE)?.reader();
    while !reader.is_empty() {
        let mut extension = reader.expect(tag::SEQUENCE)?.reader();
        if super::oid(&mut extension)? == SUBJECT_KEY_ID.as_bytes() {
            extension.optional(tag::BOOLEAN)?;
            let value = extension.expect(tag::OCTET_STRING)?;
            return Tlv::parse(value.value())?.octets().map(Some);
        }
    }
    Ok(None)
}
