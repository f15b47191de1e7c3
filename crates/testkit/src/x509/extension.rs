//! Certificate extensions by name (RFC 5280 §4.2, RFC 6962 §3.3, Fulcio `oid-info.md`).

use crate::der;

/// One extension: anything can be written, also what no certificate may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The type, dotted.
    pub oid: String,
    /// Whether it is marked critical.
    pub critical: bool,
    /// What the OCTET STRING holds.
    pub value: Vec<u8>,
}

/// Subject key identifier.
pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
/// Key usage.
pub const KEY_USAGE: &str = "2.5.29.15";
/// Subject alternative name.
pub const SUBJECT_ALT_NAME: &str = "2.5.29.17";
/// Basic constraints.
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
/// Name constraints.
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
/// Certificate policies.
pub const CERTIFICATE_POLICIES: &str = "2.5.29.32";
/// Authority key identifier.
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
/// Extended key usage.
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
/// Embedded SCT list.
pub const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";
/// The arc of Fulcio's extensions.
pub const FULCIO_ARC: &str = "1.3.6.1.4.1.57264.1";
/// Extended key usage: code signing.
pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
/// Extended key usage: time stamping.
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// Extended key usage: any.
pub const ANY_USAGE: &str = "2.5.29.37.0";

/// Key usage bit 0.
pub const DIGITAL_SIGNATURE: u16 = 1 << 0;
/// Key usage bit 1.
pub const NON_REPUDIATION: u16 = 1 << 1;
/// Key usage bit 5.
pub const KEY_CERT_SIGN: u16 = 1 << 5;
/// Key usage bit 6.
pub const CRL_SIGN: u16 = 1 << 6;

impl Extension {
    /// An extension of any type and value.
    #[must_use]
    pub fn new(oid: &str, critical: bool, value: Vec<u8>) -> Self {
        Self { oid: oid.to_owned(), critical, value }
    }

    /// Certificate policies, without qualifiers.
    #[must_use]
    pub fn certificate_policies(policies: &[&str]) -> Self {
        let policies: Vec<Vec<u8>> = policies.iter().map(|policy| der::sequence(&[&der::oid(policy)])).collect();
        Self::new(CERTIFICATE_POLICIES, false, der::tlv(0x30, &policies.concat()))
    }

    /// Key usage from the named bits, critical.
    #[must_use]
    pub fn key_usage(bits: u16) -> Self {
        // Bit 0 is the most significant bit of the first octet; DER drops trailing zero bits of a named bit list.
        let reversed = bits.reverse_bits().to_be_bytes();
        let octets: &[u8] = if reversed[1] == 0 { &reversed[..1] } else { &reversed };
        let unused = octets.last().map_or(0, |octet| octet.trailing_zeros().min(7) as u8);
        Self::new(KEY_USAGE, true, der::bit_string_unused(unused, octets))
    }

    /// Extended key usage, not critical.
    #[must_use]
    pub fn extended_key_usage(purposes: &[&str]) -> Self {
        let oids: Vec<Vec<u8>> = purposes.iter().map(|purpose| der::oid(purpose)).collect();
        Self::new(EXTENDED_KEY_USAGE, false, der::tlv(0x30, &oids.concat()))
    }

    /// Basic constraints, critical.
    #[must_use]
    pub fn basic_constraints(ca: bool, path_length: Option<u64>) -> Self {
        let ca = if ca { der::boolean(true) } else { Vec::new() };
        let path_length = path_length.map(der::integer).unwrap_or_default();
        Self::new(BASIC_CONSTRAINTS, true, der::sequence(&[&ca, &path_length]))
    }

    /// Subject alternative names; Fulcio marks them critical because the subject is empty.
    #[must_use]
    pub fn subject_alt_name(critical: bool, names: &[GeneralName]) -> Self {
        let names: Vec<Vec<u8>> = names.iter().map(GeneralName::der).collect();
        Self::new(SUBJECT_ALT_NAME, critical, der::tlv(0x30, &names.concat()))
    }

    /// Subject key identifier.
    #[must_use]
    pub fn subject_key_id(id: &[u8]) -> Self {
        Self::new(SUBJECT_KEY_ID, false, der::octet_string(id))
    }

    /// Authority key identifier, key id form.
    #[must_use]
    pub fn authority_key_id(id: &[u8]) -> Self {
        Self::new(AUTHORITY_KEY_ID, false, der::sequence(&[&der::context_primitive(0, id)]))
    }

    /// A Fulcio extension of the first generation, arcs 1 to 6: the text's bytes as they are, not DER.
    #[must_use]
    pub fn fulcio_raw(arc: u8, text: &str) -> Self {
        Self::new(&format!("{FULCIO_ARC}.{arc}"), false, text.as_bytes().to_vec())
    }

    /// A Fulcio extension of the second generation, arcs 8 to 24: a UTF8String.
    #[must_use]
    pub fn fulcio(arc: u8, text: &str) -> Self {
        Self::new(&format!("{FULCIO_ARC}.{arc}"), false, der::utf8(text))
    }

    /// DER of the Extension.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let critical = if self.critical { der::boolean(true) } else { Vec::new() };
        der::sequence(&[&der::oid(&self.oid), &critical, &der::octet_string(&self.value)])
    }
}

/// A GeneralName (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// rfc822Name.
    Email(String),
    /// dNSName.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
    /// otherName with Fulcio's type 1.3.6.1.4.1.57264.1.7 and a UTF8String: `user!domain`.
    Username(String),
    /// Anything else: the whole TLV.
    Other(Vec<u8>),
}

impl GeneralName {
    /// DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => der::context_primitive(1, text.as_bytes()),
            Self::Dns(text) => der::context_primitive(2, text.as_bytes()),
            Self::Uri(text) => der::context_primitive(6, text.as_bytes()),
            Self::Username(text) => {
                let value = der::context(0, &der::utf8(text));
                der::context(0, &[der::oid(&format!("{FULCIO_ARC}.7")), value].concat())
            }
            Self::Other(tlv) => tlv.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::encoding::hex::encode as hex;

    #[test]
    fn the_fulcio_encodings_of_the_vectors_are_reproduced() {
        let san = Extension::subject_alt_name(true, &[GeneralName::Username("alice!example.com".to_owned())]);
        assert_eq!(hex(&san.value), "3023a021060a2b0601040183bf300107a0130c11616c696365216578616d706c652e636f6d");
        let issuer = "https://token.actions.githubusercontent.com";
        assert_eq!(Extension::fulcio_raw(1, issuer).value, issuer.as_bytes());
        assert_eq!(Extension::fulcio(8, issuer).value, [&[0x0c, 0x2b], issuer.as_bytes()].concat());
        assert_eq!(hex(&Extension::key_usage(DIGITAL_SIGNATURE).value), "03020780");
        assert_eq!(hex(&Extension::key_usage(KEY_CERT_SIGN | CRL_SIGN).value), "03020106");
    }
}
