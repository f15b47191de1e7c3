//! Distinguished names.

use crate::der;

/// A distinguished name, one attribute per RDN (RFC 5280 §4.1.2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Attribute type OIDs, dotted, with their values.
    pub attributes: Vec<(String, String)>,
}

impl Name {
    /// The empty name, as Fulcio leaves have it.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// `O` and `CN`, in this order.
    #[must_use]
    pub fn new(organisation: &str, common_name: &str) -> Self {
        Self::empty().with("2.5.4.10", organisation).with("2.5.4.3", common_name)
    }

    /// One attribute more, such as `2.5.4.6` for the country.
    #[must_use]
    pub fn with(mut self, oid: &str, value: &str) -> Self {
        self.attributes.push((oid.to_owned(), value.to_owned()));
        self
    }

    /// The value of the first attribute of that type.
    #[must_use]
    pub fn value(&self, oid: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == oid).map(|(_, value)| value.as_str())
    }

    /// DER. The country is a PrintableString as RFC 5280 appendix A demands, everything else a UTF8String.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let rdns: Vec<Vec<u8>> = self
            .attributes
            .iter()
            .map(|(oid, value)| {
                let value = if oid == "2.5.4.6" { der::printable(value) } else { der::utf8(value) };
                der::set_of(&[der::sequence(&[&der::oid(oid), &value])])
            })
            .collect();
        der::tlv(0x30, &rdns.concat())
    }
}
