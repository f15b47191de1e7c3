//! JSON (RFC 8259) read so that no two readers can see two things in one document.
//!
//! A pass over the bytes refuses a doubled key at any depth (spelled with escapes or not), nesting beyond a bound,
//! endless numbers, a byte order mark and bad UTF-8; serde then refuses trailing data and wrong types. Whether unknown
//! fields are tolerated is the business of the type: protobuf JSON and saved files deny them, OCI documents must not
//! (image-spec `considerations.md`). Does not canonicalise and never writes back what it read.

use super::base64;
use super::objects::Objects;
use crate::code::{Code, Failure, bounded};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Longest number, in characters; an honest one has at most 20 (K-DS-06).
const MAX_NUMBER: usize = 64;
/// First words of the message of [`bounded_vec`], by which its refusal is known again.
const TOO_MANY: &str = "more than ";

/// What rule a document breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonRule {
    /// It is not JSON in UTF-8, or something stands before or after it.
    Syntax,
    /// A value has another type than the format says, is missing, or its field is unknown.
    Type,
    /// One key stands twice in an object.
    DuplicateKey,
    /// A known key is spelled in another case; some readers take it for the known one.
    KeyCase,
    /// Nesting deeper than the bound.
    Depth,
    /// A list longer than the bound.
    TooMany,
}

/// Why a document was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at line {line} column {column}")]
pub struct JsonError {
    rule: JsonRule,
    line: usize,
    column: usize,
    message: String,
}

impl JsonError {
    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> JsonRule {
        self.rule
    }

    /// Line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column in bytes, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, escaped and bounded.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// This as a [`Failure`] with the code of the document that was read.
    #[must_use]
    pub fn failure(&self, code: Code) -> Failure {
        Failure::new(code).found(&self.message).at(format_args!("line {} column {}", self.line, self.column))
    }

    fn at_offset(bytes: &[u8], offset: usize, rule: JsonRule, message: impl fmt::Display) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line = before.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1);
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count().saturating_add(1);
        Self { rule, line, column, message: bounded(&message.to_string()) }
    }

    fn of_serde(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        let rule = match error.classify() {
            serde_json::error::Category::Data if message.starts_with(TOO_MANY) => JsonRule::TooMany,
            serde_json::error::Category::Data => JsonRule::Type,
            _ => JsonRule::Syntax,
        };
        Self { rule, line, column, message: bounded(message) }
    }
}

impl From<JsonError> for Failure {
    /// [`Code::JsonInvalid`], or [`Code::TooManyEntries`] for a list beyond its bound.
    fn from(error: JsonError) -> Self {
        error.failure(if error.rule == JsonRule::TooMany { Code::TooManyEntries } else { Code::JsonInvalid })
    }
}

/// Reads a document whose types say `#[serde(deny_unknown_fields)]`.
///
/// Doubled keys are refused at any depth, in maps too, which serde alone would overwrite silently (K-P-08).
///
/// # Errors
/// [`JsonError`] for everything that is not exactly one document of this type, nested at most `max_depth` deep.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], max_depth: usize) -> Result<T, JsonError> {
    parse_tolerant_named(bytes, max_depth, &[], &[])
}

/// Reads a document whose types tolerate unknown fields. Everything else is as strict as in [`parse`].
///
/// A type with optional fields should be read with [`parse_tolerant_named`].
///
/// # Errors
/// [`JsonError`] as for [`parse`].
pub fn parse_tolerant<'a, T: Deserialize<'a>>(bytes: &'a [u8], max_depth: usize) -> Result<T, JsonError> {
    parse_tolerant_named(bytes, max_depth, &[], &[])
}

/// [`parse_tolerant`] that also refuses a key which is one of `names` in another case (`Layers`): readers written in Go
/// take it for the field, so they would see another document (K-P-09). Objects under a key of `free` hold keys of
/// the writer's own choice and are left out of this rule.
///
/// # Errors
/// [`JsonError`] as for [`parse`].
pub fn parse_tolerant_named<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    max_depth: usize,
    names: &[&str],
    free: &[&str],
) -> Result<T, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::at_offset(bytes, 0, JsonRule::Syntax, "a byte order mark"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError::at_offset(bytes, error.valid_up_to(), JsonRule::Syntax, "bytes that are not UTF-8"))?;
    Scan { bytes, at: 0, max_depth, names, free, stack: Vec::new(), keys: Vec::new(), under_free_key: false }.run()?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Objects(&mut reader)).map_err(|error| JsonError::of_serde(&error))?;
    reader.end().map_err(|error| JsonError::of_serde(&error))?;
    Ok(value)
}

/// One pass over the tokens. It is exact on JSON; what is not JSON it may misread, and serde refuses that afterwards.
struct Scan<'a, 'n> {
    bytes: &'a [u8],
    at: usize,
    max_depth: usize,
    names: &'n [&'n str],
    free: &'n [&'n str],
    stack: Vec<Open>,
    /// The keys of all open objects, innermost last.
    keys: Vec<(Cow<'a, [u8]>, usize)>,
    /// Whether the last key seen is one of `free`.
    under_free_key: bool,
}

/// An object or array that is open.
struct Open {
    first_key: usize,
    is_free: bool,
}

impl<'a> Scan<'a, '_> {
    fn run(mut self) -> Result<(), JsonError> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.string()?,
                b'{' | b'[' => self.open()?,
                b'}' | b']' => self.close()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.at = self.at.saturating_add(1),
            }
        }
        Ok(())
    }

    fn error(&self, offset: usize, rule: JsonRule, message: impl fmt::Display) -> JsonError {
        JsonError::at_offset(self.bytes, offset, rule, message)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn open(&mut self) -> Result<(), JsonError> {
        if self.stack.len() >= self.max_depth {
            return Err(self.error(self.at, JsonRule::Depth, format_args!("nesting deeper than {}", self.max_depth)));
        }
        let parent_is_free = self.stack.last().is_some_and(|parent| parent.is_free);
        self.stack.push(Open { first_key: self.keys.len(), is_free: parent_is_free || self.under_free_key });
        self.under_free_key = false;
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn close(&mut self) -> Result<(), JsonError> {
        if let Some(open) = self.stack.pop() {
            if let Some(keys) = self.keys.get_mut(open.first_key..)
                && keys.len() > 1
            {
                // Sorting keeps a flood of keys from costing the square of their number.
                keys.sort_unstable();
                let doubled = keys.iter().zip(keys.iter().skip(1)).find(|(left, right)| left.0 == right.0);
                if let Some((_, (key, offset))) = doubled {
                    let message = format!("doubled key `{}`", String::from_utf8_lossy(key));
                    return Err(JsonError::at_offset(self.bytes, *offset, JsonRule::DuplicateKey, message));
                }
            }
            self.keys.truncate(open.first_key);
        }
        self.under_free_key = false;
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let length = self.rest().iter().take_while(part).count();
        if length > MAX_NUMBER {
            return Err(self.error(self.at, JsonRule::Syntax, format_args!("a number of {length} characters")));
        }
        self.at = self.at.saturating_add(length);
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.at = self.at.saturating_add(1);
        let mut has_escape = false;
        loop {
            let Some(skip) = self.rest().iter().position(|&byte| byte == b'"' || byte == b'\\') else {
                self.at = self.bytes.len();
                return Ok(());
            };
            self.at = self.at.saturating_add(skip);
            if self.bytes.get(self.at) == Some(&b'"') {
                break;
            }
            has_escape = true;
            self.at = self.at.saturating_add(2);
        }
        self.at = self.at.saturating_add(1);
        let next = self.rest().iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if next == Some(&b':') {
            self.key(start, has_escape)?;
        }
        Ok(())
    }

    fn key(&mut self, start: usize, has_escape: bool) -> Result<(), JsonError> {
        let quoted = self.bytes.get(start..self.at).unwrap_or_default();
        let key = if has_escape {
            let text: String = serde_json::from_slice(quoted)
                .map_err(|_| self.error(start, JsonRule::Syntax, "a key that is not a string of Unicode"))?;
            Cow::Owned(text.into_bytes())
        } else {
            Cow::Borrowed(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default())
        };
        let is_free = self.stack.last().is_some_and(|open| open.is_free);
        let other_case = |name: &&&str| key.eq_ignore_ascii_case(name.as_bytes()) && *key != *name.as_bytes();
        if !is_free && let Some(name) = self.names.iter().find(other_case) {
            let message = format!("key `{}` where `{name}` is meant", String::from_utf8_lossy(&key));
            return Err(self.error(start, JsonRule::KeyCase, message));
        }
        self.under_free_key = self.free.iter().any(|name| *key == *name.as_bytes());
        self.keys.push((key, start));
        Ok(())
    }
}

/// A 64-bit integer as protobuf JSON writes it: a decimal string or a JSON integer, in its one canonical spelling.
///
/// For `#[serde(deserialize_with = "int64")]`. Floats, exponents, a plus sign, leading zeros, `-0` and white space are
/// errors. Negative values are kept: whether they make sense is the caller's to say.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Int64;
    impl Visitor<'_> for Int64 {
        type Value = i64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a 64-bit integer, as a number or a decimal string")
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<i64, E> {
            Ok(value)
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<i64, E> {
            i64::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
            decimal(text).ok_or_else(|| E::invalid_value(Unexpected::Str(&bounded(text)), &self))
        }
    }
    deserializer.deserialize_any(Int64)
}

/// The integer that `text` writes canonically: `0`, or digits without a leading zero, with `-` for negative ones.
#[must_use]
pub fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// Bytes in strict standard base64, for `#[serde(deserialize_with = "base64_bytes")]`.
///
/// # Errors
/// The deserializer's, for anything but a string in canonical base64 with padding.
pub fn base64_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Base64;
    impl Visitor<'_> for Base64 {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("standard base64 with padding")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
            // Only the head is quoted: the value may have megabytes.
            base64::decode(text).ok_or_else(|| E::invalid_value(Unexpected::Str(&bounded(text)), &self))
        }
    }
    deserializer.deserialize_str(Base64)
}

/// An optional field that has a value where it stands: `null` is refused, so that absence has one spelling. For
/// `#[serde(default, deserialize_with = "present")]`.
///
/// # Errors
/// The deserializer's, for whatever is not a `T`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A list of at most `MAX` elements, for `#[serde(deserialize_with = "bounded_vec::<_, _, 32>")]`.
///
/// Fails as soon as one more begins, without reading it (K-DS-03), with [`JsonRule::TooMany`].
///
/// # Errors
/// The deserializer's.
pub fn bounded_vec<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut found = Vec::new();
            while found.len() < MAX {
                match list.next_element()? {
                    Some(element) => found.push(element),
                    None => return Ok(found),
                }
            }
            list.next_element_seed(OneMore(MAX))?;
            Ok(found)
        }
    }
    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

/// Refuses an element before its first byte is read.
struct OneMore(usize);

impl<'de> DeserializeSeed<'de> for OneMore {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(format_args!("{TOO_MANY}{} elements", self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(default, deserialize_with = "int64")]
        number: i64,
        #[serde(default, deserialize_with = "base64_bytes")]
        bytes: Vec<u8>,
        #[serde(default, deserialize_with = "bounded_vec::<_, _, 3>")]
        list: Vec<u8>,
        #[serde(default)]
        map: BTreeMap<String, String>,
        #[serde(default)]
        text: String,
        #[serde(default, deserialize_with = "present")]
        optional: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    struct Tolerant {
        #[serde(default)]
        name: String,
    }

    fn strict(text: &str) -> Result<Strict, JsonError> {
        parse(text.as_bytes(), 8)
    }

    fn rule(text: &str) -> JsonRule {
        strict(text).unwrap_err().rule()
    }

    /// K-P-10: both spellings of a 64-bit integer are read exactly, no other is read at all.
    #[test]
    fn int64_has_one_spelling_a_kind() {
        for (text, value) in [
            ("0", 0),
            ("\"0\"", 0),
            ("-1", -1),
            ("\"-1\"", -1),
            ("9223372036854775807", i64::MAX),
            ("\"9223372036854775807\"", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("\"-9223372036854775808\"", i64::MIN),
        ] {
            assert_eq!(strict(&format!("{{\"number\":{text}}}")).unwrap().number, value, "{text}");
        }
        for text in [
            "9223372036854775808",
            "\"9223372036854775808\"",
            "\"99999999999999999999\"",
            "1.0",
            "\"1.0\"",
            "1e3",
            "\"1e3\"",
            "-0",
            "\"-0\"",
            "\"007\"",
            "\"+5\"",
            "\" 5\"",
            "\"\"",
            "\"-\"",
            "null",
            "true",
            "[]",
            "\"٣\"",
        ] {
            assert_eq!(rule(&format!("{{\"number\":{text}}}")), JsonRule::Type, "{text}");
        }
        for text in ["007", "+5", "1e400", "-", "NaN", "0x10"] {
            assert_eq!(rule(&format!("{{\"number\":{text}}}")), JsonRule::Syntax, "{text}");
        }
    }

    #[test]
    fn bytes_are_strict_base64() {
        assert_eq!(strict(r#"{"bytes":"AAE="}"#).unwrap().bytes, [0, 1]);
        assert_eq!(strict(r#"{"bytes":"AAE\u003d"}"#).unwrap().bytes, [0, 1]);
        for text in [r#""AAE""#, r#""AAF=""#, r#""AA\nE=""#, "null", "1"] {
            assert_eq!(rule(&format!("{{\"bytes\":{text}}}")), JsonRule::Type, "{text}");
        }
    }

    /// K-DS-03: the element too many is refused before it is read, be it whatever it may.
    #[test]
    fn a_list_beyond_its_bound_stops_at_the_next_element() {
        assert_eq!(strict(r#"{"list":[1,2,3]}"#).unwrap().list, [1, 2, 3]);
        let error = strict(r#"{"list":[1,2,3,"not even a number"]}"#).unwrap_err();
        assert_eq!((error.rule(), error.message()), (JsonRule::TooMany, "more than 3 elements"));
        assert_eq!(Failure::from(error).code(), Code::TooManyEntries);
        assert_eq!(rule(r#"{"list":[1,2,"x"]}"#), JsonRule::Type);
    }

    /// K-P-08, with the spelling through escapes that a comparison of raw text would miss.
    #[test]
    fn a_doubled_key_is_refused_at_any_depth() {
        for text in [
            r#"{"text":"a","text":"a"}"#,
            r#"{"text":"a","t\u0065xt":"b"}"#,
            r#"{"map":{"a":"1","b":"2","a":"1"}}"#,
            r#"{"map":{"\u0061":"1","a":"2"}}"#,
            "{\"map\" :\n{\"a\"\t: \"1\", \"a\" \r\n: \"1\"}}",
        ] {
            assert_eq!(rule(text), JsonRule::DuplicateKey, "{text}");
        }
        for text in [r#"{"x":[{"y":{"z":1,"z":1}}]}"#, r#"{"x":[1,{"a":[],"b":{},"a":[]}]}"#] {
            let error = parse_tolerant::<Tolerant>(text.as_bytes(), 8).unwrap_err();
            assert_eq!(error.rule(), JsonRule::DuplicateKey, "{text}");
        }
        let error = strict("{\"map\":{\n \"a\":\"1\",\n  \"a\":\"2\"}}").unwrap_err();
        assert_eq!((error.line(), error.column(), error.message()), (3, 3, "doubled key `a`"));
        // The same key in two objects, or as a value, is not doubled.
        let fine = r#"{"x":{"a":1},"y":[{"a":1},{"a":1}],"z":"a","a":"a,\"a\":1"}"#;
        assert!(parse_tolerant::<Tolerant>(fine.as_bytes(), 8).is_ok());
    }

    /// K-P-09: readers that ignore case would take another document out of it.
    #[test]
    fn a_known_key_in_another_case_is_refused() {
        let read = |text: &str| parse_tolerant_named::<Tolerant>(text.as_bytes(), 8, &["name"], &["labels"]);
        assert_eq!(read(r#"{"name":"x","labels":{"Name":"y","more":{"NAME":""}}}"#).unwrap().name, "x");
        for text in [
            r#"{"Name":"x"}"#,
            r#"{"n\u0041me":"x"}"#,
            r#"{"a":[{"NAME":1}]}"#,
            r#"{"labels":1,"b":{"naMe":1}}"#,
            r#"{"a":[{"labels":{}},{"NAME":1}]}"#,
            r#"{"a":[{"labels":1},{"NAME":1}]}"#,
        ] {
            assert_eq!(read(text).unwrap_err().rule(), JsonRule::KeyCase, "{text}");
        }
    }

    #[test]
    fn absence_has_one_spelling() {
        assert_eq!(strict("{}").unwrap().optional, None);
        assert_eq!(strict(r#"{"optional":""}"#).unwrap().optional.as_deref(), Some(""));
        assert_eq!(rule(r#"{"optional":null}"#), JsonRule::Type);
    }

    #[test]
    fn unknown_fields_are_for_tolerant_types_only() {
        assert_eq!(rule(r#"{"unknown":1}"#), JsonRule::Type);
        assert!(parse_tolerant::<Tolerant>(br#"{"unknown":1}"#, 8).is_ok());
    }

    /// K-P-10.
    #[test]
    fn what_is_not_one_json_document_is_refused() {
        let cases: [&[u8]; 14] = [
            b"",
            b"\xef\xbb\xbf{}",
            b"{}{}",
            b"{} x",
            b"{\"text\":\"\xff\"}",
            b"{\"text\":\"\xed\xa0\x80\"}",
            br#"{"text":"\ud800"}"#,
            br#"{"\ud800":1}"#,
            b"{\"text\":\"a\nb\"}",
            b"{'text':''}",
            br#"{"text":"a",}"#,
            b"{\"text\":\"",
            br#"{"text":"\x"}"#,
            b"\xff\xfe{\x00}\x00",
        ];
        for text in cases {
            assert_eq!(parse::<Strict>(text, 8).unwrap_err().rule(), JsonRule::Syntax, "{}", String::from_utf8_lossy(text));
        }
        assert!(strict(" \r\n\t{} \n").is_ok());
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_tolerant::<Tolerant>(nested(7).as_bytes(), 8).is_ok());
        assert_eq!(parse_tolerant::<Tolerant>(nested(8).as_bytes(), 8).unwrap_err().rule(), JsonRule::Depth);
        assert!(parse_tolerant::<Tolerant>("[".repeat(1_000_000).as_bytes(), 64).is_err());
        // Brackets in strings nest nothing.
        assert!(parse_tolerant::<Tolerant>(br#"{"x":"[[[[[[[[[[{{{{\"[[[["}"#, 2).is_ok());
    }

    /// K-DS-06, and floods of keys, for which a quadratic reader would need minutes.
    #[test]
    fn hostile_documents_are_cheap_and_their_errors_short() {
        assert_eq!(rule(&format!("{{\"number\":{}}}", "9".repeat(200_000))), JsonRule::Syntax);
        assert_eq!(rule(&format!("{{\"number\":\"{}\"}}", "9".repeat(200_000))), JsonRule::Type);
        assert_eq!(rule(&format!("{{\"text\":{}}}", "-".repeat(200_000))), JsonRule::Syntax);
        let long = format!("{{\"unknown\":1.{}}}", "0".repeat(63));
        assert_eq!(parse_tolerant::<Tolerant>(long.as_bytes(), 8).unwrap_err().rule(), JsonRule::Syntax);
        assert!(parse_tolerant::<Tolerant>(long.replacen('0', "", 1).as_bytes(), 8).is_ok());
        let keys: Vec<String> = (0..50_000).map(|n| format!("\"k{n}\":\"\"")).collect();
        assert!(strict(&format!("{{\"map\":{{{}}}}}", keys.join(","))).is_ok());
        assert_eq!(rule(&format!("{{\"map\":{{{},\"k7\":\"\"}}}}", keys.join(","))), JsonRule::DuplicateKey);
        let error = strict(&format!("{{\"\u{202e}{}\":1}}", "x".repeat(1_000_000))).unwrap_err();
        assert!(error.to_string().len() < 1024);
        assert!(error.to_string().contains(r"\u{202e}"));
    }
}
