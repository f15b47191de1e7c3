//! Distinguished names (RFC 5280 §4.1.2.4): attributes over the raw bytes, and comparison under name constraints.
//!
//! Path building compares names byte for byte; the looser comparison of RFC 5280 §7.1 serves constraints, where a change
//! of case or string type must not lead around an exclusion.

use super::certificate::Certificate;
use super::oid;
use crate::code::bounded;
use crate::encoding::der::{DerError, tag};
use const_oid::ObjectIdentifier;

/// Most attributes of one name.
const MAX_ATTRIBUTES: usize = 64;

/// One attribute of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    oid: ObjectIdentifier,
    tag: u8,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Its type.
    #[must_use]
    pub const fn oid(&self) -> ObjectIdentifier {
        self.oid
    }

    /// The raw value, whatever its string type.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value as text: UTF8String, PrintableString, IA5String, BMPString, UniversalString. `None` for types whose
    /// character set is ambiguous (TeletexString), for malformed text and for text with control characters.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let text = match self.tag {
            tag::UTF8_STRING => std::str::from_utf8(self.value).ok()?.to_owned(),
            tag::PRINTABLE_STRING | tag::IA5_STRING if self.value.is_ascii() => std::str::from_utf8(self.value).ok()?.to_owned(),
            tag::BMP_STRING => {
                let units = pairs::<2>(self.value)?.map(u16::from_be_bytes);
                char::decode_utf16(units).collect::<Result<String, _>>().ok()?
            }
            tag::UNIVERSAL_STRING => {
                pairs::<4>(self.value)?.map(|unit| char::from_u32(u32::from_be_bytes(unit))).collect::<Option<String>>()?
            }
            _ => return None,
        };
        if text.chars().any(char::is_control) { None } else { Some(text) }
    }

    /// caseIgnoreMatch in short: letters in one case, runs of spaces as one, none at the ends.
    fn normalised(&self) -> Option<String> {
        let text = self.text()?;
        let words: Vec<&str> = text.split_whitespace().collect();
        Some(words.join(" ").to_lowercase())
    }

    fn compare(&self, other: &Self) -> Comparison {
        if self.oid != other.oid {
            return Comparison::Different;
        }
        if self.tag == other.tag && self.value == other.value {
            return Comparison::Equal;
        }
        match (self.normalised(), other.normalised()) {
            (Some(left), Some(right)) if left == right => Comparison::Equal,
            (Some(_), Some(_)) => Comparison::Different,
            _ => Comparison::Unknown,
        }
    }
}

fn pairs<const N: usize>(bytes: &[u8]) -> Option<impl Iterator<Item = [u8; N]> + '_> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| chunks.iter().copied())
}

/// Whether two names are one. `Unknown` where a value cannot be read as text: whoever asks must fail closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Not the same.
    Different,
    /// It cannot be said.
    Unknown,
}

/// A distinguished name: relative names, each of one or more attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a>(Vec<Vec<Attribute<'a>>>);

/// Hands out each attribute with the number of its relative name, in order, and tells how many there are.
fn walk<'a>(der: &'a [u8], mut each: impl FnMut(usize, Attribute<'a>)) -> Result<usize, DerError> {
    let mut relatives = super::extension::sequence(der)?;
    let (mut number, mut count): (usize, usize) = (0, 0);
    while !relatives.is_empty() {
        let mut set = relatives.expect(tag::SET)?.reader();
        if set.is_empty() {
            return Err(DerError("an empty relative name"));
        }
        while !set.is_empty() {
            count = count.saturating_add(1);
            if count > MAX_ATTRIBUTES {
                return Err(DerError("a name with too many attributes"));
            }
            let mut attribute = set.expect(tag::SEQUENCE)?.reader();
            let oid = attribute.expect(tag::OID)?.oid()?;
            let value = attribute.any()?;
            attribute.finish()?;
            each(number, Attribute { oid, tag: value.tag(), value: value.value() });
        }
        number = number.saturating_add(1);
    }
    Ok(count)
}

impl<'a> Name<'a> {
    /// The name that `der` is.
    ///
    /// # Errors
    /// [`DerError`] when it is not one strict `Name`, or has too many attributes.
    pub fn parse(der: &'a [u8]) -> Result<Self, DerError> {
        let mut name: Vec<Vec<Attribute<'a>>> = Vec::new();
        walk(der, |relative, attribute| {
            name.resize_with(relative.saturating_add(1), Vec::new);
            name.last_mut().into_iter().for_each(|relative| relative.push(attribute));
        })?;
        Ok(Self(name))
    }

    /// How many attributes the name that `der` is has; what [`Name::parse`] refuses is refused.
    pub(super) fn check(der: &'a [u8]) -> Result<usize, DerError> {
        walk(der, |_, _| {})
    }

    /// Whether it has no attribute at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute<'a>> {
        self.0.iter().flatten()
    }

    /// Whether the relative names of `base` are the first of this name (RFC 5280 §4.2.1.10).
    #[must_use]
    pub fn is_within(&self, base: &Name<'_>) -> Comparison {
        if base.0.len() > self.0.len() {
            return Comparison::Different;
        }
        let mut outcome = Comparison::Equal;
        for (mine, theirs) in self.0.iter().zip(&base.0) {
            match compare_relative(mine, theirs) {
                Comparison::Different => return Comparison::Different,
                Comparison::Unknown => outcome = Comparison::Unknown,
                Comparison::Equal => {}
            }
        }
        outcome
    }
}

/// Relative names are sets: order does not count.
fn compare_relative(left: &[Attribute<'_>], right: &[Attribute<'_>]) -> Comparison {
    if left.len() != right.len() {
        return Comparison::Different;
    }
    let mut outcome = Comparison::Equal;
    for attribute in left {
        let mut best = Comparison::Different;
        for other in right {
            match attribute.compare(other) {
                Comparison::Equal => best = Comparison::Equal,
                Comparison::Unknown if best == Comparison::Different => best = Comparison::Unknown,
                _ => {}
            }
        }
        match best {
            Comparison::Different => return Comparison::Different,
            Comparison::Unknown => outcome = Comparison::Unknown,
            Comparison::Equal => {}
        }
    }
    outcome
}

/// The distinguished name of a certificate's subject as text, attribute by attribute.
///
/// Read it only from a certificate whose path was validated: it is what the issuer states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    attributes: Vec<(String, Option<String>)>,
}

impl DistinguishedName {
    /// The types that [`DistinguishedName::get`] knows (RFC 4519, PKCS#9).
    pub const TYPES: [&'static str; 9] = ["C", "ST", "L", "O", "OU", "CN", "DC", "serialNumber", "emailAddress"];

    /// The subject's name. A malformed one has no attribute, so that nothing that asks for one is satisfied.
    #[must_use]
    pub fn from_certificate(certificate: &Certificate) -> Self {
        let attributes = Name::parse(certificate.subject())
            .map(|name| name.attributes().map(|attribute| (label(&attribute.oid), attribute.text())).collect());
        Self { attributes: attributes.unwrap_or_default() }
    }

    /// The values of one type, in order; `None` for one that cannot be read as text.
    pub fn get<'s>(&'s self, of: &'s str) -> impl Iterator<Item = Option<&'s str>> {
        self.attributes.iter().filter(move |(name, _)| name == of).map(|(_, value)| value.as_deref())
    }

    /// Whether a name may hold several of this type without two readers seeing two signers: units and domain components
    /// are parts of one place in a tree.
    #[must_use]
    pub fn may_repeat(of: &str) -> bool {
        matches!(of, "OU" | "DC")
    }

    /// Whether it has no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }
}

impl std::fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (name, value)) in self.attributes.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={}", value.as_deref().unwrap_or("(no text)"))?;
        }
        Ok(())
    }
}

/// A name for people: `CN=…, O=…`, escaped and bounded. Never compare it.
#[must_use]
pub fn display(der: &[u8]) -> String {
    let Ok(name) = Name::parse(der) else { return "a malformed name".to_owned() };
    let parts: Vec<String> = name
        .attributes()
        .take(16)
        .map(|attribute| {
            let label = label(&attribute.oid);
            let value = attribute.text().unwrap_or_else(|| format!("#{}", crate::encoding::hex::encode(attribute.value)));
            format!("{label}={value}")
        })
        .collect();
    if parts.is_empty() { "an empty name".to_owned() } else { bounded(&parts.join(", ")) }
}

fn label(oid: &ObjectIdentifier) -> String {
    let known = match oid.as_bytes() {
        [0x55, 0x04, last] => match last {
            3 => Some("CN"),
            5 => Some("serialNumber"),
            6 => Some("C"),
            7 => Some("L"),
            8 => Some("ST"),
            10 => Some("O"),
            11 => Some("OU"),
            _ => None,
        },
        _ if *oid == oid::EMAIL_ADDRESS => Some("emailAddress"),
        _ if *oid == oid::DOMAIN_COMPONENT => Some("DC"),
        _ => None,
    };
    known.map_or_else(|| oid.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::der::element;

    fn attribute(last: u8, kind: u8, value: &[u8]) -> Vec<u8> {
        element(tag::SEQUENCE, &[element(tag::OID, &[0x55, 4, last]), element(kind, value)].concat())
    }

    fn name(relatives: &[&[Vec<u8>]]) -> Vec<u8> {
        let sets: Vec<u8> = relatives.iter().flat_map(|attributes| element(tag::SET, &attributes.concat())).collect();
        element(tag::SEQUENCE, &sets)
    }

    fn within(inner: &[u8], outer: &[u8]) -> Comparison {
        Name::parse(inner).unwrap().is_within(&Name::parse(outer).unwrap())
    }

    /// K-X-12: neither case nor string type leads around a constraint.
    #[test]
    fn a_name_lies_within_its_first_relative_names() {
        let base = name(&[&[attribute(10, tag::PRINTABLE_STRING, b"Example  Corp")]]);
        let same = name(&[&[attribute(10, tag::UTF8_STRING, b" example corp ")], &[attribute(3, tag::UTF8_STRING, b"x")]]);
        let other = name(&[&[attribute(10, tag::UTF8_STRING, b"example corps")], &[attribute(3, tag::UTF8_STRING, b"x")]]);
        let wide = name(&[&[attribute(10, tag::BMP_STRING, b"\0E\0x\0a\0m\0p\0l\0e\0 \0C\0o\0r\0p")]]);
        let opaque = name(&[&[attribute(10, tag::TELETEX_STRING, b"Example Corp")]]);
        assert_eq!(within(&same, &base), Comparison::Equal);
        assert_eq!(within(&wide, &base), Comparison::Equal);
        assert_eq!(within(&other, &base), Comparison::Different);
        assert_eq!(within(&opaque, &base), Comparison::Unknown);
        assert_eq!(within(&opaque, &opaque), Comparison::Equal);
        assert_eq!(within(&base, &same), Comparison::Different);
        assert_eq!(within(&base, &name(&[])), Comparison::Equal);
    }

    #[test]
    fn a_relative_name_is_a_set() {
        let (o, cn) = (attribute(10, tag::UTF8_STRING, b"o"), attribute(3, tag::UTF8_STRING, b"c"));
        let left = name(&[&[o.clone(), cn.clone()]]);
        let right = name(&[&[cn, o.clone()]]);
        assert_eq!(within(&left, &right), Comparison::Equal);
        assert_eq!(within(&left, &name(&[&[o]])), Comparison::Different);
    }

    /// K-X-20: hostile names stay bounded, and are escaped when shown.
    #[test]
    fn a_name_for_people_is_bounded_and_escaped() {
        let hostile = name(&[&[attribute(3, tag::UTF8_STRING, "a=#\u{202e}b".as_bytes())], &[attribute(99, 4, &[0xff; 2000])]]);
        let shown = display(&hostile);
        assert!(shown.starts_with(r"CN=a=#\u{202e}b, 2.5.4.99=#ffff"), "{shown}");
        assert!(shown.len() < 600);
        let many: Vec<Vec<u8>> = (0..65).map(|_| attribute(3, tag::UTF8_STRING, b"x")).collect();
        assert!(Name::parse(&name(&[&many])).is_err());
        assert!(Name::parse(&name(&[&[]])).is_err());
        assert_eq!(display(&[1, 2, 3]), "a malformed name");
    }
}
