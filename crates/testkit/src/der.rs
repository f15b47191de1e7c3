//! A DER writer that also writes what no library would: every value is bytes, so that tests can break any of them.
//!
//! ITU-T X.690. Writes definite, minimal lengths; a broken length or tag is made by [`raw`] or by editing the result.

use veriseal::time::UnixTime;

/// One TLV: identifier octet, minimal length, contents.
#[must_use]
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend(length(contents.len()));
    out.extend_from_slice(contents);
    out
}

/// Bytes as they are; for symmetry where a value is broken on purpose.
#[must_use]
pub fn raw(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// The length octets of `length` in minimal form (X.690 §10.1).
#[must_use]
pub fn length(length: usize) -> Vec<u8> {
    if length < 0x80 {
        return vec![length as u8];
    }
    let bytes = length.to_be_bytes();
    let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![0x80 | significant.len() as u8];
    out.extend(significant);
    out
}

/// SEQUENCE of the parts.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// SET OF the parts, sorted as DER demands (X.690 §11.6).
#[must_use]
pub fn set_of(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut sorted = parts.to_vec();
    sorted.sort();
    tlv(0x31, &sorted.concat())
}

/// SET of the parts in the order given, sorted or not.
#[must_use]
pub fn set_as_given(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

/// `[number]` constructed, context class: EXPLICIT wrapping, or an IMPLICIT constructed value's contents.
#[must_use]
pub fn context(number: u8, contents: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, contents)
}

/// `[number]` primitive, context class: an IMPLICIT primitive value.
#[must_use]
pub fn context_primitive(number: u8, contents: &[u8]) -> Vec<u8> {
    tlv(0x80 | number, contents)
}

/// A non-negative INTEGER from its big-endian magnitude.
#[must_use]
pub fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let mut contents: Vec<u8> = magnitude.iter().copied().skip_while(|byte| *byte == 0).collect();
    if contents.first().is_none_or(|first| *first >= 0x80) {
        contents.insert(0, 0);
    }
    tlv(0x02, &contents)
}

/// A small non-negative INTEGER.
#[must_use]
pub fn integer(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

/// BOOLEAN.
#[must_use]
pub fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, &[if value { 0xff } else { 0 }])
}

/// NULL.
#[must_use]
pub fn null() -> Vec<u8> {
    tlv(0x05, &[])
}

/// OCTET STRING.
#[must_use]
pub fn octet_string(contents: &[u8]) -> Vec<u8> {
    tlv(0x04, contents)
}

/// BIT STRING of whole octets.
#[must_use]
pub fn bit_string(contents: &[u8]) -> Vec<u8> {
    bit_string_unused(0, contents)
}

/// BIT STRING whose last octet has `unused` unused bits.
#[must_use]
pub fn bit_string_unused(unused: u8, contents: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[unused], contents].concat())
}

/// UTF8String.
#[must_use]
pub fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0c, text.as_bytes())
}

/// PrintableString.
#[must_use]
pub fn printable(text: &str) -> Vec<u8> {
    tlv(0x13, text.as_bytes())
}

/// IA5String.
#[must_use]
pub fn ia5(text: &str) -> Vec<u8> {
    tlv(0x16, text.as_bytes())
}

/// OBJECT IDENTIFIER from dotted decimal.
///
/// # Panics
/// When `dotted` is not at least two decimal arcs.
#[must_use]
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().expect("an arc is a decimal number")).collect();
    let mut contents = base128(arcs[0] * 40 + arcs[1]);
    for arc in &arcs[2..] {
        contents.extend(base128(*arc));
    }
    tlv(0x06, &contents)
}

fn base128(mut value: u64) -> Vec<u8> {
    let mut out = vec![(value & 0x7f) as u8];
    value >>= 7;
    while value > 0 {
        out.insert(0, 0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    out
}

/// A moment as certificates write it: UTCTime before 2050, GeneralizedTime from then on (RFC 5280 §4.1.2.5). Fractions
/// of a second are dropped.
#[must_use]
pub fn time(at: UnixTime) -> Vec<u8> {
    let text = generalized_text(at);
    let year: u32 = text[..4].parse().unwrap_or(0);
    if (1950..2050).contains(&year) { tlv(0x17, &text.as_bytes()[2..]) } else { tlv(0x18, text.as_bytes()) }
}

/// GeneralizedTime whatever the year.
#[must_use]
pub fn generalized_time(at: UnixTime) -> Vec<u8> {
    tlv(0x18, generalized_text(at).as_bytes())
}

/// `YYYYMMDDhhmmssZ`, with a fraction where `at` has one (RFC 3161 §2.4.2 allows it in timestamps).
#[must_use]
pub fn generalized_text(at: UnixTime) -> String {
    at.to_string().chars().filter(|c| c.is_ascii_digit() || matches!(c, 'Z' | '.')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::encoding::hex::encode as hex;

    /// Spec vectors: the OIDs and SAN of the Fulcio encodings.
    #[test]
    fn oids_lengths_integers_and_times_are_minimal() {
        assert_eq!(hex(&oid("1.3.6.1.4.1.57264.1.8")), "060a2b0601040183bf300108");
        assert_eq!(hex(&oid("1.3.6.1.4.1.11129.2.4.2")), "060a2b06010401d679020402");
        assert_eq!(hex(&oid("1.2.840.113549.1.9.16.2.47")), "060b2a864886f70d010910022f");
        assert_eq!(hex(&oid("2.16.840.1.101.3.4.3.18")), "0609608648016503040312");
        assert_eq!(hex(&integer(0)), "020100");
        assert_eq!(hex(&integer(0x80)), "02020080");
        assert_eq!(hex(&integer(300)), "0202012c");
        assert_eq!(&tlv(4, &[0; 300])[..4], &[4, 0x82, 1, 0x2c]);
        assert_eq!(&tlv(4, &[0; 200])[..3], &[4, 0x81, 200]);
        let at = UnixTime::parse_rfc3339("2025-06-12T12:02:20.5Z").unwrap();
        assert_eq!(generalized_text(at), "20250612120220.5Z");
        let at = UnixTime::parse_rfc3339("2025-06-12T12:02:20Z").unwrap();
        assert_eq!(time(at), tlv(0x17, b"250612120220Z"));
        assert_eq!(time(UnixTime::parse_rfc3339("2050-01-01T00:00:00Z").unwrap()), tlv(0x18, b"20500101000000Z"));
        assert_eq!(
            set_of(&[integer(2), integer(1)]),
            sequence(&[&integer(1), &integer(2)])
                .into_iter()
                .enumerate()
                .map(|(i, b)| if i == 0 { 0x31 } else { b })
                .collect::<Vec<_>>()
        );
    }
}
