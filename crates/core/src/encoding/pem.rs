//! PEM (RFC 7468): labelled base64 between two boundary lines.
//!
//! Reads lines of any width with LF or CRLF. Text outside the blocks, headers inside them, blanks in the base64 and
//! anything but canonical base64 are refused, since lenient readers disagree about them. Does not know what a label
//! stands for: whoever calls names the labels that may be there.

use super::base64;
use crate::code::bounded_bytes;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Longest label; the longest in use here has 28 characters.
const MAX_LABEL: usize = 64;

/// One block: its label, and the bytes that it wraps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'t> {
    /// What stands after `BEGIN`, such as `CERTIFICATE`.
    pub label: &'t str,
    /// The decoded bytes. Nothing is known about them.
    pub der: Vec<u8>,
}

/// Why text is not the PEM expected. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// No block at all.
    #[error("no PEM block")]
    Missing,
    /// More blocks than may be there.
    #[error("more than {max} PEM blocks, at line {line}")]
    TooMany {
        /// How many may be there.
        max: usize,
        /// Where the next one begins.
        line: usize,
    },
    /// Something other than white space before, between or after the blocks.
    #[error("text outside the PEM blocks, at line {line}")]
    Outside {
        /// Where it stands.
        line: usize,
    },
    /// A boundary line that is not `-----BEGIN LABEL-----` or not the matching `-----END LABEL-----`.
    #[error("bad PEM boundary, at line {line}")]
    Boundary {
        /// Where it stands.
        line: usize,
    },
    /// The text ends inside a block.
    #[error("the PEM block that begins at line {line} has no end")]
    Unfinished {
        /// Where the block begins.
        line: usize,
    },
    /// What stands inside is not canonical base64, or nothing.
    #[error("the PEM block that begins at line {line} is not strict base64")]
    Base64 {
        /// Where the block begins.
        line: usize,
    },
    /// A block with a label that may not be there.
    #[error("PEM label {found}, expected {expected}")]
    Label {
        /// The label found, escaped.
        found: String,
        /// The labels that may be there.
        expected: String,
    },
}

/// Every block of `text`, in order; at least one and at most `max_blocks`.
///
/// Takes linear time (K-CR-10): each line is looked at once.
///
/// # Errors
/// [`PemError`] for anything but white space and well-formed blocks.
pub fn parse_all(text: &[u8], max_blocks: usize) -> Result<Vec<Block<'_>>, PemError> {
    let (mut blocks, mut lines) = (Vec::new(), Lines::new(text));
    while let Some(mut block) = lines.block(max_blocks.saturating_sub(blocks.len()), max_blocks)? {
        // Its room was that of all the text behind it, which many blocks would add up.
        block.der.shrink_to_fit();
        blocks.push(block);
    }
    if blocks.is_empty() { Err(PemError::Missing) } else { Ok(blocks) }
}

/// The only block of `text`, with one of `labels`.
///
/// # Errors
/// [`PemError`], also for a second block: which of two a reader takes is its own business, so neither is taken.
pub fn parse_one<'t>(text: &'t [u8], labels: &[&str]) -> Result<Block<'t>, PemError> {
    let mut lines = Lines::new(text);
    let block = lines.block(1, 1)?.ok_or(PemError::Missing)?;
    lines.block(0, 1)?;
    if labels.contains(&block.label) {
        Ok(block)
    } else {
        Err(PemError::Label { found: bounded_bytes(block.label.as_bytes()), expected: labels.join(" or ") })
    }
}

/// The lines that are left of a text.
struct Lines<'t> {
    rest: Option<&'t [u8]>,
    /// Number of the line that was read last.
    number: usize,
}

impl<'t> Lines<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { rest: Some(text), number: 0 }
    }

    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.rest?;
        let mut parts = rest.splitn(2, |&byte| byte == b'\n');
        let line = parts.next()?;
        self.rest = parts.next();
        self.number = self.number.saturating_add(1);
        Some(line)
    }

    /// The next block; `None` at the end. Where none is `left`, one is too many.
    fn block(&mut self, left: usize, max: usize) -> Result<Option<Block<'t>>, PemError> {
        let first = loop {
            match self.next().map(<[u8]>::trim_ascii) {
                None => return Ok(None),
                Some([]) => {}
                Some(line) => break line,
            }
        };
        let line = self.number;
        if !first.starts_with(BEGIN) {
            return Err(PemError::Outside { line });
        }
        if left == 0 {
            return Err(PemError::TooMany { max, line });
        }
        let label = label(first, BEGIN).ok_or(PemError::Boundary { line })?;
        // No longer than three bytes for four characters of what is left, which is bounded.
        let room = self.rest.map_or(0, |rest| base64::most_bytes(rest.len()));
        let mut body = base64::Joined::with_capacity(room);
        loop {
            let next = self.next().ok_or(PemError::Unfinished { line })?;
            if next.starts_with(DASHES) {
                if self::label(next.trim_ascii_end(), END) != Some(label) {
                    return Err(PemError::Boundary { line: self.number });
                }
                break;
            }
            body.push(next.strip_suffix(b"\r").unwrap_or(next));
        }
        let der = body.finish().filter(|der| !der.is_empty()).ok_or(PemError::Base64 { line })?;
        Ok(Some(Block { label, der }))
    }
}

/// The label of a whole boundary line: upper-case letters, digits and single blanks (RFC 7468 §3, narrowed).
fn label<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(start)?.strip_suffix(DASHES)?;
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let words = || label.split(|&byte| byte == b' ');
    (label.len() <= MAX_LABEL && words().all(|word| !word.is_empty() && word.iter().all(plain)))
        .then(|| std::str::from_utf8(label).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN PUBLIC KEY-----\nAAEC\nAwQF\n-----END PUBLIC KEY-----\n";

    #[test]
    fn blocks_are_read_with_any_line_width_and_line_end() {
        let block = Block { label: "PUBLIC KEY", der: vec![0, 1, 2, 3, 4, 5] };
        for text in [
            ONE.to_owned(),
            ONE.replace('\n', "\r\n"),
            ONE.replace("AAEC\nAwQF", "AAECAwQF"),
            ONE.replace("AAEC\nAwQF", "A\nAECAw\n\nQF"),
            ONE.trim_end().to_owned(),
            format!("\n \t\r\n{ONE} \n\n"),
        ] {
            assert_eq!(parse_one(text.as_bytes(), &["PUBLIC KEY"]).unwrap(), block, "{text:?}");
        }
        let two = format!("{ONE}{}", ONE.replace("PUBLIC KEY", "X509 CRL"));
        let blocks = parse_all(two.as_bytes(), 2).unwrap();
        assert_eq!(blocks.iter().map(|block| block.label).collect::<Vec<_>>(), ["PUBLIC KEY", "X509 CRL"]);
    }

    /// K-CR-08: a public key where a certificate belongs is told apart by its label.
    #[test]
    fn another_label_is_refused() {
        let error = parse_one(ONE.as_bytes(), &["CERTIFICATE"]).unwrap_err();
        assert_eq!(error, PemError::Label { found: "PUBLIC KEY".to_owned(), expected: "CERTIFICATE".to_owned() });
    }

    /// K-CR-10: a second block where one is expected is an error, not a choice.
    #[test]
    fn a_block_more_than_allowed_is_refused() {
        assert_eq!(
            parse_one([ONE, ONE].concat().as_bytes(), &["PUBLIC KEY"]).unwrap_err(),
            PemError::TooMany { max: 1, line: 5 }
        );
        assert_eq!(parse_all([ONE, ONE].concat().as_bytes(), 2).unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_strict_pem_is_refused() {
        let cases: Vec<(String, PemError)> = vec![
            (String::new(), PemError::Missing),
            (" \n".to_owned(), PemError::Missing),
            (format!("x\n{ONE}"), PemError::Outside { line: 1 }),
            (format!("{ONE}x"), PemError::Outside { line: 5 }),
            (ONE.replace("-----END PUBLIC", "-----END PRIVATE"), PemError::Boundary { line: 4 }),
            (ONE.replace("-----END PUBLIC KEY-----", "-----END PUBLIC KEY----"), PemError::Boundary { line: 4 }),
            (ONE.replace("-----END PUBLIC KEY-----", "-----END PUBLIC KEY-----x"), PemError::Boundary { line: 4 }),
            (ONE.replace("PUBLIC KEY", "PUBLIC  KEY"), PemError::Boundary { line: 1 }),
            (ONE.replace("PUBLIC KEY", "public key"), PemError::Boundary { line: 1 }),
            (ONE.replace("PUBLIC KEY", ""), PemError::Boundary { line: 1 }),
            (ONE.replace("PUBLIC KEY", &"A".repeat(65)), PemError::Boundary { line: 1 }),
            (ONE.replace("-----END PUBLIC KEY-----\n", ""), PemError::Unfinished { line: 1 }),
            (ONE.replace("AwQF", "Aw QF"), PemError::Base64 { line: 1 }),
            (ONE.replace("AwQF", "AwQ"), PemError::Base64 { line: 1 }),
            (ONE.replace("AwQF", "A-QF"), PemError::Base64 { line: 1 }),
            (ONE.replace("AwQF", "AwR="), PemError::Base64 { line: 1 }),
            (ONE.replace("AAEC\nAwQF\n", ""), PemError::Base64 { line: 1 }),
            (ONE.replace("AAEC", "Proc-Type: 4,ENCRYPTED\n\nAAEC"), PemError::Base64 { line: 1 }),
            (ONE.replace("AAEC", "-----BEGIN PUBLIC KEY-----"), PemError::Boundary { line: 2 }),
        ];
        for (text, error) in cases {
            assert_eq!(parse_all(text.as_bytes(), 8).unwrap_err(), error, "{text:?}");
        }
    }

    /// K-CR-10: quadratic readers need hours for this, and recursive ones overflow the stack.
    #[test]
    fn ten_megabytes_of_boundaries_are_refused_in_linear_time() {
        let begin = b"-----BEGIN ";
        let shapes: [&[u8]; 4] = [begin, b"-----BEGIN \n", b"-----BEGIN X-----\n", b"-----BEGIN X-----"];
        for shape in shapes {
            let text = shape.repeat(10_000_000 / shape.len());
            assert!(parse_all(&text, usize::MAX).is_err());
        }
    }
}
