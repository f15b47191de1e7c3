//! Standard base64 with padding (RFC 4648 §4): the one form that every producer of Sigstore material writes.
//!
//! White space, the URL-safe alphabet, missing padding and stray trailing bits are refused: each would give one value
//! several spellings (K-CR-09). DSSE alone allows the URL-safe alphabet, and has its own function.

use ::base64::Engine;
use ::base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// `bytes` in standard base64 with padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The same behind what stands in `text` already.
pub(crate) fn encode_into(text: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, text);
}

/// The bytes that `text` writes in standard base64 with padding; `None` for anything else.
#[must_use]
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The payload of a plain DSSE envelope, for which consumers must take either alphabet (DSSE `envelope.md`).
#[must_use]
pub fn decode_dsse(text: &str) -> Option<Vec<u8>> {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|engine| engine.decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K-CR-09: one value, one spelling.
    #[test]
    fn only_the_canonical_spelling_decodes() {
        assert_eq!(decode("+/8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
        for bad in ["+/8", "-_8=", "+/9=", "+/8=\n", "+/\n8=", " +/8=", "+/8==", "+/8=A", "=", "+"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn dsse_takes_either_alphabet_but_no_stray_bits() {
        for good in ["+/8=", "-_8=", "+/8", "-_8"] {
            assert_eq!(decode_dsse(good).unwrap(), [0xfb, 0xff]);
        }
        assert_eq!(decode_dsse("-_9"), None);
    }
}
