//! PEM as Go and OpenSSL write it (RFC 7468): 64 characters a line, one trailing newline.

use veriseal::encoding::base64;

/// One PEM block.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    let text = base64::encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// Certificates one after another.
#[must_use]
pub fn certificates<'a>(ders: impl IntoIterator<Item = &'a Vec<u8>>) -> String {
    ders.into_iter().map(|der| encode("CERTIFICATE", der)).collect()
}
