//! Strings with escapes, read into memory once: serde grows a scratch buffer for each document that holds one.

use serde_json::value::RawValue;

/// The text that a JSON string writes; `None` where the value is no string, or one that writes no Unicode.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    let mut rest = value.get().strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(rest.len());
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let (c, behind) = escape(escaped)?;
        text.push(c);
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}

/// What stands behind a backslash (RFC 8259 §7), and what follows it.
fn escape(escaped: &str) -> Option<(char, &str)> {
    let mut rest = escaped.chars();
    let c = match rest.next()? {
        c @ ('"' | '\\' | '/') => c,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(rest.as_str()),
        _ => return None,
    };
    Some((c, rest.as_str()))
}

/// Four hex digits, or two times four where the first are one half of a pair.
fn unicode(digits: &str) -> Option<(char, &str)> {
    let (first, rest) = unit(digits)?;
    if !(0xd800..0xe000).contains(&first) {
        return Some((char::from_u32(u32::from(first))?, rest));
    }
    let (second, rest) = unit(rest.strip_prefix("\\u")?)?;
    let mut pair = char::decode_utf16([first, second]);
    match (pair.next(), pair.next()) {
        (Some(Ok(c)), None) => Some((c, rest)),
        _ => None,
    }
}

fn unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten().map(|unit| (unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second reader, serde's own, says the same of every spelling.
    #[test]
    fn a_string_is_read_as_serde_reads_it() {
        for written in [
            r#""""#,
            r#""plain — text""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""origin\n\u2014 name Ab\u002f\u0041""#,
            r#""\ud83d\ude00 \uD83D\uDE00x""#,
            r#""\ud83d""#,
            r#""\ud83d\n""#,
            r#""\ud83d\u0041""#,
            r#""\ude00\ud83d""#,
            r#""\ud83dx\ude00""#,
            r#""\ud83d\ud83d""#,
            "12",
            "[\"a\"]",
        ] {
            let raw: &RawValue = serde_json::from_str(written).unwrap();
            assert_eq!(text(raw), serde_json::from_str::<String>(written).ok(), "{written}");
        }
        // What serde would not call a value either.
        for broken in [r#""\u00""#, r#""\x""#, r#""a"b""#, r#""\u+123""#] {
            assert!(serde_json::from_str::<&RawValue>(broken).is_err(), "{broken}");
        }
    }
}
