//! Strict PEM (RFC 7468 §3): one block, or several and nothing between them.
//!
//! Minimal; the full version stands beside the OCI work and replaces this one.

use super::base64;
use std::fmt;

/// One decoded block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The label between `BEGIN` and the dashes.
    pub label: String,
    /// The decoded bytes.
    pub der: Vec<u8>,
}

/// Why text is not the PEM that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemError(pub String);

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PemError {}

/// The one block that `text` is, whose label must be one of `labels`.
///
/// # Errors
/// [`PemError`] for another label, several blocks, or anything that is not strict PEM.
pub fn parse_one(text: &[u8], labels: &[&str]) -> Result<Block, PemError> {
    let mut blocks = parse_all(text, 1)?;
    let block = blocks.pop().ok_or_else(|| PemError("no PEM block".to_owned()))?;
    if labels.contains(&block.label.as_str()) { Ok(block) } else { Err(PemError(format!("a PEM block {}", block.label))) }
}

/// All blocks of `text`, at most `max`.
///
/// # Errors
/// [`PemError`] for more blocks or anything that is not strict PEM.
pub fn parse_all(text: &[u8], max: usize) -> Result<Vec<Block>, PemError> {
    let text = std::str::from_utf8(text).map_err(|_| PemError("no PEM: not text".to_owned()))?;
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if blocks.len() >= max {
            return Err(PemError("more PEM blocks than allowed".to_owned()));
        }
        let label = line
            .trim_end()
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"))
            .ok_or_else(|| PemError("text outside a PEM block".to_owned()))?;
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        loop {
            let line = lines.next().ok_or_else(|| PemError("a PEM block without an end".to_owned()))?;
            if line.trim_end() == end {
                break;
            }
            body.push_str(line.trim_end());
        }
        let der = base64::decode(&body).ok_or_else(|| PemError("a PEM block that is not base64".to_owned()))?;
        blocks.push(Block { label: label.to_owned(), der });
    }
    Ok(blocks)
}
