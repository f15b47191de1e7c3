//! What is refused, and what is not.

use super::*;
use crate::code::{Code, Failure};
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

/// K-DS-04: comparing keys with each other costs more than reading them.
#[test]
fn a_flood_of_keys_is_refused_where_no_map_stands() {
    let flood = |count: usize| {
        let members: Vec<String> = (0..count).map(|number| format!("\"{number}\":0")).collect();
        format!("{{\"own\":{{{}}}}}", members.join(","))
    };
    let read = |count| parse_without_maps::<serde::de::IgnoredAny>(flood(count).as_bytes(), 8, 32).map(|_| ());
    assert_eq!(read(32), Ok(()));
    assert_eq!(read(33).unwrap_err().rule(), JsonRule::TooMany);
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

/// Few keys are compared with each other, many are sorted.
#[test]
fn a_doubled_key_is_refused_among_few_and_among_many() {
    let object = |keys: &[usize]| {
        let members: Vec<String> = keys.iter().map(|key| format!("\"key {key}\":0")).collect();
        let text = format!("{{\"name\":\"a\",\"x\":{{{}}}}}", members.join(","));
        parse_tolerant::<Tolerant>(text.as_bytes(), 8).map(drop).map_err(|error| error.rule())
    };
    for count in 2..20 {
        let mut keys: Vec<usize> = (0..count).collect();
        assert_eq!(object(&keys), Ok(()), "{count}");
        for (one, other) in [(0, 1), (0, count - 1), (count - 2, count - 1)] {
            keys[other] = one;
            assert_eq!(object(&keys), Err(JsonRule::DuplicateKey), "{one} and {other} of {count}");
            keys[other] = other;
        }
    }
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
