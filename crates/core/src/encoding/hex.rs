//! Lower-case hex, as digests and log ids are written.

use std::fmt;

/// `bytes` in lower-case hex.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The bytes that `text` writes. `None` for an odd length or anything but `0-9a-f`.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(value(high)? << 4 | value(low)?)).collect()
}

/// [`decode`] for exactly the bytes of `into`, in upper case too where `case` says so, since other clients wrote log entry bodies
/// like that. `into` means nothing where it answers `None`.
pub(crate) fn decode_into(text: &str, case: Case, into: &mut [u8]) -> Option<()> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != into.len() {
        return None;
    }
    let digit = |digit: u8| value(if case == Case::Any { digit.to_ascii_lowercase() } else { digit });
    for (place, &[high, low]) in into.iter_mut().zip(pairs) {
        *place = digit(high)? << 4 | digit(low)?;
    }
    Some(())
}

/// In which case digits may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// `0-9a-f`.
    Lower,
    /// `0-9a-fA-F`.
    Any,
}

/// Writes `bytes` in lower-case hex.
pub(crate) fn write(f: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_is_strict() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)).unwrap(), all);
        assert_eq!(encode(&[0x0f, 0xa0]), "0fa0");
        for bad in ["0", "0g", "0A", "é", " 0", "0x"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        let into = |text, case| {
            let mut bytes = [0; 1];
            decode_into(text, case, &mut bytes).map(|()| bytes)
        };
        assert_eq!((into("0A", Case::Any), into("0A", Case::Lower)), (Some([10]), None));
        for bad in ["", "0", "0a0", "0a0a", "0g", " 0"] {
            assert_eq!(into(bad, Case::Any), None, "{bad}");
        }
        assert_eq!(decode(""), Some(vec![]));
    }
}
