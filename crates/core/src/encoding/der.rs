//! A reader of DER (X.690 §10) that keeps offsets, so that signed bytes are always slices of what arrived.
//!
//! Definite lengths in their shortest form, single-byte tags, nothing after the end: what has two encodings in BER has
//! one here. Does not know any ASN.1 module. [`element`] only wraps what a protocol makes us rebuild.

use const_oid::ObjectIdentifier;
use std::ops::Range;

/// Universal and common context tags, as the identifier octet.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING, primitive.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING, primitive.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// PrintableString.
    pub const PRINTABLE_STRING: u8 = 0x13;
    /// TeletexString.
    pub const TELETEX_STRING: u8 = 0x14;
    /// IA5String.
    pub const IA5_STRING: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// UniversalString.
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    /// BMPString.
    pub const BMP_STRING: u8 = 0x1e;
    /// SEQUENCE, constructed.
    pub const SEQUENCE: u8 = 0x30;
    /// SET, constructed.
    pub const SET: u8 = 0x31;

    /// `[n]`, constructed: EXPLICIT, or IMPLICIT of a constructed type.
    #[must_use]
    pub const fn constructed(n: u8) -> u8 {
        0xa0 | (n & 0x1f)
    }

    /// `[n]` IMPLICIT of a primitive type.
    #[must_use]
    pub const fn primitive(n: u8) -> u8 {
        0x80 | (n & 0x1f)
    }
}

/// Why bytes are not the DER that was expected: a fixed text for the `found` field of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerError(pub &'static str);

impl std::fmt::Display for DerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for DerError {}

/// One element: its tag, its content, and where in the outermost input it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    tag: u8,
    raw: &'a [u8],
    value: &'a [u8],
    start: usize,
}

impl<'a> Tlv<'a> {
    /// The one element that `bytes` are.
    ///
    /// # Errors
    /// [`DerError`] when they are not exactly one element.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(bytes);
        let element = reader.any()?;
        reader.finish()?;
        Ok(element)
    }

    /// The identifier octet.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        self.tag
    }

    /// Tag, length and content, as they arrived.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The content.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Where the whole element stands in the outermost input.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.start.saturating_add(self.raw.len())
    }

    /// Where its content stands in the outermost input.
    #[must_use]
    pub fn value_range(&self) -> Range<usize> {
        let end = self.range().end;
        end.saturating_sub(self.value.len())..end
    }

    /// A reader over the content.
    #[must_use]
    pub fn reader(&self) -> Reader<'a> {
        Reader { rest: self.value, at: self.value_range().start }
    }

    /// The content as an INTEGER in its shortest form: two's complement, never empty.
    ///
    /// # Errors
    /// [`DerError`] for another tag or a longer form.
    pub fn integer(&self) -> Result<&'a [u8], DerError> {
        self.tagged(tag::INTEGER)?;
        match self.value {
            [] => Err(DerError("an empty INTEGER")),
            [0x00, next, ..] if *next < 0x80 => Err(DerError("an INTEGER not in its shortest form")),
            [0xff, next, ..] if *next >= 0x80 => Err(DerError("an INTEGER not in its shortest form")),
            value => Ok(value),
        }
    }

    /// The magnitude of a non-negative INTEGER, without the leading zero octet.
    ///
    /// # Errors
    /// [`DerError`] as for [`Tlv::integer`], and for a negative one.
    pub fn unsigned(&self) -> Result<&'a [u8], DerError> {
        match self.integer()? {
            [0x00, rest @ ..] if !rest.is_empty() => Ok(rest),
            [first, ..] if *first >= 0x80 => Err(DerError("a negative INTEGER")),
            value => Ok(value),
        }
    }

    /// A non-negative INTEGER that fits 64 bits.
    ///
    /// # Errors
    /// [`DerError`] as for [`Tlv::unsigned`], and for a larger one.
    pub fn small_unsigned(&self) -> Result<u64, DerError> {
        let magnitude = self.unsigned()?;
        if magnitude.len() > 8 {
            return Err(DerError("an INTEGER of more than 64 bits"));
        }
        Ok(magnitude.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// A BOOLEAN, `00` or `FF` only (X.690 §11.1).
    ///
    /// # Errors
    /// [`DerError`] for anything else.
    pub fn boolean(&self) -> Result<bool, DerError> {
        self.tagged(tag::BOOLEAN)?;
        match self.value {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(DerError("a BOOLEAN that is neither 00 nor FF")),
        }
    }

    /// An OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// [`DerError`] for another tag or a malformed one; one too long to hold counts as malformed.
    pub fn oid(&self) -> Result<ObjectIdentifier, DerError> {
        self.tagged(tag::OID)?;
        ObjectIdentifier::from_bytes(self.value).map_err(|_| DerError("a malformed OBJECT IDENTIFIER"))
    }

    /// The octets of a BIT STRING that has no unused bits.
    ///
    /// # Errors
    /// [`DerError`] for another tag, an empty content or unused bits.
    pub fn bit_octets(&self) -> Result<&'a [u8], DerError> {
        match self.bits()? {
            (0, octets) => Ok(octets),
            _ => Err(DerError("a BIT STRING with unused bits where whole octets are expected")),
        }
    }

    /// A BIT STRING: the number of unused bits, which must be zero bits, and the octets.
    ///
    /// # Errors
    /// [`DerError`] for another tag, more than seven unused bits, or unused bits that are set (X.690 §11.2).
    pub fn bits(&self) -> Result<(u8, &'a [u8]), DerError> {
        self.tagged(tag::BIT_STRING)?;
        let (unused, octets) = self.value.split_first().ok_or(DerError("an empty BIT STRING"))?;
        match octets.last() {
            None if *unused == 0 => Ok((0, octets)),
            Some(last) if *unused < 8 && (last & !(0xff_u8 << unused)) == 0 => Ok((*unused, octets)),
            _ => Err(DerError("a BIT STRING with wrong unused bits")),
        }
    }

    /// The content of an OCTET STRING.
    ///
    /// # Errors
    /// [`DerError`] for another tag.
    pub fn octets(&self) -> Result<&'a [u8], DerError> {
        self.tagged(tag::OCTET_STRING)?;
        Ok(self.value)
    }

    /// NULL.
    ///
    /// # Errors
    /// [`DerError`] for anything else.
    pub fn null(&self) -> Result<(), DerError> {
        self.tagged(tag::NULL)?;
        if self.value.is_empty() { Ok(()) } else { Err(DerError("a NULL with content")) }
    }

    fn tagged(&self, tag: u8) -> Result<(), DerError> {
        if self.tag == tag { Ok(()) } else { Err(DerError("an element of another type")) }
    }
}

/// Reads elements one after another.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`, whose first octet has offset 0.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// The identifier octet of the next element, if there is one.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever its tag.
    ///
    /// # Errors
    /// [`DerError`] when there is none, or it is not DER.
    pub fn any(&mut self) -> Result<Tlv<'a>, DerError> {
        let truncated = DerError("truncated DER");
        let (&tag, rest) = self.rest.split_first().ok_or(truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(DerError("a tag of several octets"));
        }
        let (&first, rest) = rest.split_first().ok_or(truncated)?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // Four octets of length are far beyond every bound; 0x80 alone would be the indefinite form of BER.
            let octets = usize::from(first & 0x7f);
            if octets == 0 || octets > 4 {
                return Err(DerError("an indefinite or oversized length"));
            }
            let (digits, rest) = rest.split_at_checked(octets).ok_or(truncated)?;
            let length = digits.iter().fold(0_u64, |length, byte| (length << 8) | u64::from(*byte));
            if length < 0x80 || digits.first() == Some(&0) {
                return Err(DerError("a length not in its shortest form"));
            }
            (usize::try_from(length).map_err(|_| truncated)?, rest)
        };
        let (value, rest) = rest.split_at_checked(length).ok_or(truncated)?;
        let raw_length = self.rest.len().saturating_sub(rest.len());
        let raw = self.rest.get(..raw_length).ok_or(truncated)?;
        let element = Tlv { tag, raw, value, start: self.at };
        self.rest = rest;
        self.at = self.at.saturating_add(raw_length);
        Ok(element)
    }

    /// The next element, which must have this tag.
    ///
    /// # Errors
    /// [`DerError`] when it has another one, or there is none.
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, DerError> {
        match self.peek() {
            Some(found) if found == tag => self.any(),
            Some(_) => Err(DerError("an element of another type")),
            None => Err(DerError("a missing element")),
        }
    }

    /// The next element if it has this tag.
    ///
    /// # Errors
    /// [`DerError`] when it has, but is not DER.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, DerError> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`DerError`] when something is.
    pub fn finish(&self) -> Result<(), DerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DerError("trailing data")) }
    }
}

/// Tag and length of an element that is rebuilt, the length in its shortest form. The default one is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    bytes: [u8; 10],
    length: usize,
}

impl Header {
    /// The header of a content of so many octets.
    pub(crate) fn new(tag: u8, content: usize) -> Self {
        let mut header = Self::default();
        header.push(tag);
        let digits = || content.to_be_bytes().into_iter().skip_while(|byte| *byte == 0);
        if content >= 0x80 {
            header.push(0x80 | u8::try_from(digits().count()).unwrap_or(0));
            digits().for_each(|digit| header.push(digit));
        } else {
            header.push(digits().next().unwrap_or(0));
        }
        header
    }

    /// A tag, the number of digits and at most eight of them: there is room for each.
    fn push(&mut self, octet: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = octet;
            self.length = self.length.saturating_add(1);
        }
    }

    /// Its octets.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// One element around `content`. For the few things that must be rebuilt, such as a key around a bare RSA key.
#[must_use]
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [Header::new(tag, content.len()).bytes(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_offsets() {
        let bytes = [0x30, 0x05, 0x02, 0x01, 0x05, 0x05, 0x00];
        let outer = Tlv::parse(&bytes).unwrap();
        let mut reader = outer.reader();
        let integer = reader.expect(tag::INTEGER).unwrap();
        assert_eq!((integer.range(), integer.value_range()), (2..5, 4..5));
        assert_eq!(integer.small_unsigned(), Ok(5));
        let null = reader.any().unwrap();
        assert_eq!(null.null(), Ok(()));
        assert_eq!(null.range(), 5..7);
        assert!(reader.finish().is_ok());
    }

    #[test]
    fn what_only_ber_allows_is_refused() {
        for bad in [
            &[0x30][..],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x81, 0x00],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x01],
            &[0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
            &[0x1f, 0x01, 0x00],
            &[0x30, 0x00, 0x00],
        ] {
            assert!(Tlv::parse(bad).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn values_have_one_form() {
        let parsed = |bytes: &'static [u8]| Tlv::parse(bytes).unwrap();
        assert_eq!(parsed(&[2, 2, 0x00, 0x80]).unsigned(), Ok(&[0x80][..]));
        assert_eq!(parsed(&[2, 1, 0x00]).unsigned(), Ok(&[0x00][..]));
        for bad in [&[2, 0][..], &[2, 2, 0x00, 0x7f], &[2, 2, 0xff, 0x80], &[2, 1, 0x80]] {
            assert!(parsed(bad).unsigned().is_err(), "{bad:02x?}");
        }
        assert_eq!(parsed(&[1, 1, 0xff]).boolean(), Ok(true));
        assert!(parsed(&[1, 1, 0x01]).boolean().is_err());
        assert_eq!(parsed(&[3, 2, 7, 0x80]).bits(), Ok((7, &[0x80][..])));
        for bad in [&[3, 0][..], &[3, 1, 1], &[3, 2, 8, 0], &[3, 2, 7, 0xc0]] {
            assert!(parsed(bad).bits().is_err(), "{bad:02x?}");
        }
        assert!(parsed(&[3, 2, 7, 0x80]).bit_octets().is_err());
        assert!(parsed(&[6, 2, 0x80, 0x01]).oid().is_err());
        assert!(parsed(&[5, 1, 0]).null().is_err());
    }
}
