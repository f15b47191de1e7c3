//! Lower-case hex, as digests and log ids are written.

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

/// [`decode`] that also takes upper-case digits, for log entry bodies that other clients wrote.
#[must_use]
pub fn decode_any_case(text: &str) -> Option<Vec<u8>> {
    decode(&text.to_ascii_lowercase())
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
        assert_eq!(decode_any_case("0A"), Some(vec![10]));
        assert_eq!(decode(""), Some(vec![]));
    }
}
