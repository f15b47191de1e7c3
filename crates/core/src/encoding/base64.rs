//! Standard base64 with padding (RFC 4648 §4): the one form that every producer of Sigstore material writes.
//!
//! White space, the URL-safe alphabet, missing padding and stray trailing bits are refused: each would give one value
//! several spellings (K-CR-09). DSSE alone allows the URL-safe alphabet, and has its own function.

use super::Few;
use ::base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ::base64::{DecodeSliceError, Engine};

/// `bytes` in standard base64 with padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The same text, piece by piece.
pub(crate) fn encode_parts(bytes: &[u8], mut take: impl FnMut(&[u8])) {
    // Whole groups, so that nothing but the end is padded.
    for group in bytes.chunks(192) {
        let mut text = [0; 256];
        // Four characters for three bytes: they have room.
        let length = STANDARD.encode_slice(group, &mut text).unwrap_or(0);
        take(text.get(..length).unwrap_or_default());
    }
}

/// The bytes that `text` writes in standard base64 with padding; `None` for anything else.
#[must_use]
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// [`decode`] for what is short in honest documents: up to `N` bytes take no memory of their own.
pub(crate) fn decode_few<const N: usize>(text: &str) -> Option<Few<u8, N>> {
    let mut here = [0; N];
    match STANDARD.decode_slice(text, &mut here) {
        Ok(length) => Few::of_array(here, length),
        Err(DecodeSliceError::OutputSliceTooSmall) => decode(text).map(Few::from),
        Err(DecodeSliceError::DecodeError(_)) => None,
    }
}

/// The most bytes that so many characters write, and room to decode them.
pub(super) const fn most_bytes(characters: usize) -> usize {
    characters.div_ceil(4).saturating_mul(3)
}

/// [`decode`] of text that stands in several pieces, of any lengths, taken as one.
pub(super) struct Joined {
    /// Characters that are not decoded yet.
    waiting: [u8; 256],
    length: usize,
    /// `None` once something was no base64.
    decoded: Option<Vec<u8>>,
    /// Whether padding ended the text.
    ended: bool,
}

impl Joined {
    /// With room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { waiting: [0; 256], length: 0, decoded: Some(Vec::with_capacity(bytes)), ended: false }
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = self.waiting.get_mut(self.length..).unwrap_or_default();
            let (taken, rest) = piece.split_at(piece.len().min(room.len()));
            room.iter_mut().zip(taken).for_each(|(place, character)| *place = *character);
            self.length = self.length.saturating_add(taken.len());
            piece = rest;
            if self.length == self.waiting.len() {
                self.decode_waiting();
            }
        }
    }

    fn decode_waiting(&mut self) {
        let waiting = self.waiting.get(..self.length).unwrap_or_default();
        self.length = 0;
        let goes_on = !self.ended || waiting.is_empty();
        let decoded = self.decoded.as_mut().filter(|_| goes_on);
        if decoded.is_none_or(|decoded| STANDARD.decode_vec(waiting, decoded).is_err()) {
            self.decoded = None;
        }
        self.ended |= waiting.ends_with(b"=");
    }

    /// All bytes.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.decode_waiting();
        self.decoded
    }
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
        // Whether it fits or not.
        assert_eq!(*decode_few::<1>("+/8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(*decode_few::<2>("+/8=").unwrap(), [0xfb, 0xff]);
        for bad in ["+/8", "-_8=", "+/9=", "+/8=\n", "+/\n8=", " +/8=", "+/8==", "+/8=A", "=", "+"] {
            assert_eq!(decode(bad), None, "{bad:?}");
            assert_eq!(decode_few::<2>(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_pieces_of_a_text_are_the_text() {
        for length in [0, 1, 2, 3, 191, 192, 193, 384, 700] {
            let bytes: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut text = Vec::new();
            encode_parts(&bytes, |part| text.extend_from_slice(part));
            assert_eq!(text, encode(&bytes).into_bytes(), "{length}");
        }
    }

    /// However the text is cut, it is the same text: good where the whole is, and else not.
    #[test]
    fn pieces_are_decoded_as_one() {
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        let good = encode(&bytes);
        let padded_inside = good.replacen('A', "=", 1);
        let ended_early = format!("{}{good}", encode(&bytes[..190]));
        for text in [good.as_str(), &good[..932], &good[1..], &padded_inside, &ended_early, "", "A", "+/9="] {
            for width in [1, 3, 64, 76, 255, 256, 257, 2000] {
                let mut joined = Joined::with_capacity(most_bytes(text.len()));
                text.as_bytes().chunks(width).for_each(|piece| joined.push(piece));
                assert_eq!(joined.finish(), decode(text), "{text} by {width}");
            }
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
