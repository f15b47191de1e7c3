//! TSTInfo (RFC 3161 §2.4.2): what a timestamp authority states.

use super::signed_data::version;
use super::{algorithm, at, malformed, oid};
use crate::code::Failure;
use crate::digest::Digest;
use crate::encoding::der::{Tlv, tag};
use crate::time::UnixTime;
use std::time::Duration;

/// Longest serial number or nonce that is held; RFC 3161 §2.4.2 asks for 160 bits.
const MAX_INTEGER: usize = 64;

/// What a token states, as claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TstInfo<'a> {
    /// The policy under which the token was made: content octets of the OBJECT IDENTIFIER.
    pub policy: &'a [u8],
    /// Digest of the data that the token is about.
    pub imprint: Digest,
    /// The token's serial number: content octets of the INTEGER. May be negative; some test authorities make such.
    pub serial: &'a [u8],
    /// When it was made, with its fraction of a second.
    pub gen_time: UnixTime,
    /// How far `gen_time` may be off, either way; `None` when the token does not say.
    pub accuracy: Option<Duration>,
    /// The number that whoever asked for the token sent along: content octets of the INTEGER.
    pub nonce: Option<&'a [u8]>,
}

impl<'a> TstInfo<'a> {
    /// Reads the content of a token.
    pub(super) fn parse(content: &'a [u8]) -> Result<Self, Failure> {
        let place = "tstInfo";
        let element = Tlv::parse(content).map_err(at(place))?;
        if element.tag() != tag::SEQUENCE {
            return Err(malformed(place, "no SEQUENCE"));
        }
        let mut reader = element.reader();
        version(&mut reader, 1, "tstInfo version")?;
        let policy = oid(&mut reader).map_err(at("tstInfo policy"))?;
        let imprint = imprint(reader.expect(tag::SEQUENCE).map_err(at("messageImprint"))?)?;
        let serial = integer(reader.any().map_err(at("serialNumber"))?, "serialNumber")?;
        let gen_time = reader.expect(tag::GENERALIZED_TIME).map_err(at("genTime"))?;
        let gen_time = parse_time(gen_time.value())
            .ok_or_else(|| malformed("genTime", String::from_utf8_lossy(gen_time.value())).expected("YYYYMMDDhhmmss[.s]Z"))?;
        let accuracy = reader.optional(tag::SEQUENCE).map_err(at("accuracy"))?.map(accuracy).transpose()?;
        // FALSE is the default and should be left out; commercial authorities write it, and nothing depends on it.
        if let Some(ordering) = reader.optional(tag::BOOLEAN).map_err(at("ordering"))? {
            ordering.boolean().map_err(at("ordering"))?;
        }
        let nonce = reader.optional(tag::INTEGER).map_err(at("nonce"))?.map(|nonce| integer(nonce, "nonce")).transpose()?;
        reader.optional(tag::constructed(0)).map_err(at("tsa"))?;
        if let Some(extensions) = reader.optional(tag::constructed(1)).map_err(at("extensions"))? {
            refuse_critical(extensions)?;
        }
        reader.finish().map_err(at("the end of tstInfo"))?;
        Ok(Self { policy, imprint, serial, gen_time, accuracy, nonce })
    }
}

fn imprint(element: Tlv<'_>) -> Result<Digest, Failure> {
    let place = "messageImprint";
    let mut reader = element.reader();
    let hash = algorithm::next(&mut reader, place)?.hash(place)?;
    let value = reader.any().and_then(|value| value.octets()).map_err(at(place))?;
    reader.finish().map_err(at(place))?;
    Digest::from_bytes(hash, value).ok_or_else(|| malformed(place, format_args!("{} bytes of {hash}", value.len())))
}

fn integer<'a>(element: Tlv<'a>, place: &'static str) -> Result<&'a [u8], Failure> {
    let value = element.integer().map_err(at(place))?;
    if value.len() <= MAX_INTEGER { Ok(value) } else { Err(malformed(place, format_args!("{} bytes", value.len()))) }
}

/// Seconds, `[0]` milliseconds and `[1]` microseconds, each optional; the latter two 1 to 999.
fn accuracy(element: Tlv<'_>) -> Result<Duration, Failure> {
    let place = "accuracy";
    let mut reader = element.reader();
    let seconds = match reader.optional(tag::INTEGER).map_err(at(place))? {
        Some(seconds) => seconds.small_unsigned().map_err(at(place))?,
        None => 0,
    };
    let mut micros = 0_u64;
    for (n, unit) in [(0, 1000), (1, 1)] {
        if let Some(part) = reader.optional(tag::primitive(n)).map_err(at(place))? {
            let value = match part.value() {
                [low @ 0x01..=0x7f] => u64::from(*low),
                [0x00, low @ 0x80..=0xff] => u64::from(*low),
                [high @ 0x01..=0x03, low] => u64::from(*high).saturating_mul(256).saturating_add(u64::from(*low)),
                _ => 0,
            };
            if !(1..=999).contains(&value) {
                return Err(malformed(place, "a part that is not 1 to 999"));
            }
            micros = micros.saturating_add(value.saturating_mul(unit));
        }
    }
    reader.finish().map_err(at(place))?;
    Ok(Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)))
}

/// No extension is known here, so a critical one means that the token is not understood (RFC 3161 §2.4.2).
fn refuse_critical(extensions: Tlv<'_>) -> Result<(), Failure> {
    let place = "tstInfo extensions";
    let mut reader = extensions.reader();
    while !reader.is_empty() {
        let mut extension = reader.expect(tag::SEQUENCE).map_err(at(place))?.reader();
        oid(&mut extension).map_err(at(place))?;
        if let Some(critical) = extension.optional(tag::BOOLEAN).map_err(at(place))?
            && critical.boolean().map_err(at(place))?
        {
            return Err(malformed(place, "an unknown critical extension"));
        }
        extension.expect(tag::OCTET_STRING).and_then(|_| extension.finish()).map_err(at(place))?;
    }
    Ok(())
}

/// `YYYYMMDDhhmmss[.s…]Z`: in UTC, with seconds, and a fraction of up to nine digits that does not end in zero
/// (RFC 3161 §2.4.2). Offsets and local times, which GeneralizedTime could write, are refused.
fn parse_time(text: &[u8]) -> Option<UnixTime> {
    let text = text.strip_suffix(b"Z")?;
    let (whole, fraction) = text.split_at_checked(14)?;
    let nanos = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) && !digits.ends_with(b"0") => {
            let missing = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
            number(digits)?.checked_mul(10_u32.checked_pow(missing)?)?
        }
        _ => return None,
    };
    let mut rest = whole;
    let mut take = |length: usize| {
        let (digits, tail) = rest.split_at_checked(length)?;
        rest = tail;
        number(digits)
    };
    let year = i64::from(take(4)?);
    UnixTime::from_calendar(year, take(2)?, take(2)?, take(2)?, take(2)?, take(2)?, nanos)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        value.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_seconds_and_an_honest_fraction() {
        let shown = |text: &str| parse_time(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(shown("20250612120220Z").as_deref(), Some("2025-06-12T12:02:20Z"));
        assert_eq!(shown("20250612120220.5Z").as_deref(), Some("2025-06-12T12:02:20.5Z"));
        assert_eq!(shown("20250612120220.000000001Z").as_deref(), Some("2025-06-12T12:02:20.000000001Z"));
        for bad in [
            "",
            "Z",
            "20250612120220",
            "20250612120220z",
            "202506121202Z",
            "250612120220Z",
            "20250612120220+0000",
            "20250612120220+0100Z",
            "20250612120220.Z",
            "20250612120220.50Z",
            "20250612120220.0Z",
            "20250612120220,5Z",
            "20250612120220.0000000001Z",
            "20250612120260Z",
            "20250612240000Z",
            "20250229000000Z",
            "2025061212022\u{b2}Z",
            "+0250612120220Z",
        ] {
            assert_eq!(parse_time(bad.as_bytes()), None, "{bad}");
        }
    }
}
