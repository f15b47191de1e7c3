//! in-toto statements v0.1 and v1 (in-toto/attestation `spec/v1`, `spec/v0.1.0`), and which artifacts they are about.
//!
//! Reads the payload of an envelope; whoever calls has verified its signature. A subject that names nothing is an error
//! and never matches everything (K-P-03). Does not know what a predicate means.

use super::wire::{Text, few};
use crate::code::{Code, Failure};
use crate::digest::{Digest, HashAlgorithm};
use crate::encoding::{Few, hex, json};
use crate::limits::Limits;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Most subjects that are read at all, whatever [`Limits`] says.
pub const MAX_SUBJECTS: usize = 4096;
/// Most digests of one subject (as sigstore-go).
pub const MAX_DIGESTS: usize = 32;

const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";
const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// A statement: these subjects, and a predicate about them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// Which version it is written in.
    pub version: StatementVersion,
    /// What it is about; at least one.
    pub subjects: Vec<Subject>,
    /// What the predicate is; not empty. Compared exactly, never normalised.
    pub predicate_type: String,
    /// The predicate; null when there is none.
    pub predicate: Value,
}

/// The version of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementVersion {
    /// `https://in-toto.io/Statement/v0.1`.
    V01,
    /// `https://in-toto.io/Statement/v1`.
    V1,
}

/// One artifact that a statement is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Subject {
    /// What the signer calls it; never empty. Never matched: only digests are.
    pub name: Option<String>,
    /// Every digest in the order of the document; at least one.
    pub digests: Vec<SubjectDigest>,
    /// Annotations (v1 only); signed, of the signer's own meaning.
    pub annotations: BTreeMap<String, Value>,
}

/// One digest of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectDigest {
    /// SHA-256, SHA-384 or SHA-512: it may bind an artifact.
    Strong(Digest),
    /// Anything else, as written: it binds nothing.
    Other {
        /// Name of the algorithm.
        algorithm: String,
        /// Its value.
        value: String,
    },
}

impl SubjectDigest {
    fn strong(&self) -> Option<&Digest> {
        if let Self::Strong(digest) = self { Some(digest) } else { None }
    }
}

impl Statement {
    /// Parses a payload. Unknown fields are ignored, as the format demands; null and absent are the same.
    ///
    /// # Errors
    /// [`Code::StatementMalformed`] when it is no such JSON (doubled keys and known keys in another case included), `_type`
    /// or `predicateType` is missing or `_type` unknown, there is no subject, a subject is null or has no digest, a v0.1
    /// subject has no name, or a SHA-2 digest is not lower-case hex of its length.
    /// [`Code::TooManyEntries`] for more than `limits.statement_subjects` subjects or [`MAX_DIGESTS`] digests of one.
    pub fn parse(payload: &[u8], limits: &Limits) -> Result<Self, Failure> {
        let names = ["_type", "subject", "predicateType", "predicate", "name", "digest", "annotations"];
        let raw: RawStatement<'_> =
            json::parse_tolerant_named(payload, limits.json_depth, &names, &["predicate", "digest", "annotations"]).map_err(
                |error| {
                    let code = match error.rule() {
                        json::JsonRule::TooMany => Code::TooManyEntries,
                        _ => Code::StatementMalformed,
                    };
                    error.failure(code)
                },
            )?;
        let version = match &*raw.statement_type {
            STATEMENT_V01 => StatementVersion::V01,
            STATEMENT_V1 => StatementVersion::V1,
            other => return Err(malformed("an in-toto statement v0.1 or v1").found(other).at("_type")),
        };
        if raw.predicate_type.is_empty() {
            return Err(malformed("a predicate type").at("predicateType"));
        }
        if raw.subject.is_empty() {
            return Err(malformed("at least one subject").at("subject"));
        }
        if raw.subject.len() > limits.statement_subjects {
            let bound = limits.statement_subjects;
            return Err(Failure::new(Code::TooManyEntries)
                .expected(format_args!("at most {bound} subjects"))
                .found(raw.subject.len()));
        }
        let mut subjects = Vec::with_capacity(raw.subject.len());
        for (at, subject) in raw.subject.into_iter().enumerate() {
            subjects.push(subject.check(version).map_err(|failure| failure.at(format_args!("subject[{at}]")))?);
        }
        Ok(Self { version, subjects, predicate_type: raw.predicate_type, predicate: raw.predicate.unwrap_or(Value::Null) })
    }

    /// Whether it names an artifact under this algorithm.
    pub(crate) fn names(&self, algorithm: HashAlgorithm) -> bool {
        self.subjects.iter().flat_map(Subject::strong).any(|digest| digest.algorithm() == algorithm)
    }

    /// The index of the first subject that is the artifact with these digests (at most one an algorithm).
    ///
    /// A subject matches when it shares at least one SHA-2 algorithm with `digests` and agrees on every one they share.
    /// Weaker algorithms and git object ids never match.
    ///
    /// # Errors
    /// [`Code::StatementSubjectMismatch`] when none does.
    pub fn matches(&self, digests: &[Digest]) -> Result<usize, Failure> {
        self.subjects.iter().position(|subject| subject.is(digests)).ok_or_else(|| {
            let list = |digests: &mut dyn Iterator<Item = &Digest>| digests.map(Digest::to_string).collect::<Vec<_>>().join(" ");
            Failure::new(Code::StatementSubjectMismatch)
                .expected(list(&mut digests.iter()))
                .found(list(&mut self.subjects.iter().flat_map(Subject::strong).take(8)))
        })
    }
}

impl Subject {
    /// Those of its digests that may bind an artifact.
    fn strong(&self) -> impl Iterator<Item = &Digest> {
        self.digests.iter().filter_map(SubjectDigest::strong)
    }

    fn is(&self, digests: &[Digest]) -> bool {
        let mut shared = digests
            .iter()
            .flat_map(|theirs| {
                self.strong().filter(|ours| ours.algorithm() == theirs.algorithm()).map(move |ours| ours == theirs)
            })
            .peekable();
        shared.peek().is_some() && shared.all(|equal| equal)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawStatement<'a> {
    #[serde(borrow, rename = "_type")]
    statement_type: Cow<'a, str>,
    #[serde(deserialize_with = "few::<_, _, 1, MAX_SUBJECTS>")]
    subject: Few<RawSubject, 1>,
    predicate_type: String,
    #[serde(default)]
    predicate: Option<Value>,
}

#[derive(Default, Deserialize)]
struct RawSubject {
    #[serde(default)]
    name: Option<String>,
    digest: DigestSet,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
}

impl RawSubject {
    fn check(self, version: StatementVersion) -> Result<Subject, Failure> {
        let name = self.name.filter(|name| !name.is_empty());
        if version == StatementVersion::V01 && name.is_none() {
            return Err(malformed("a name, which v0.1 requires"));
        }
        let digests = self.digest.0;
        if digests.is_empty() {
            return Err(malformed("at least one digest"));
        }
        Ok(Subject { name, digests, annotations: self.annotations.unwrap_or_default() })
    }
}

/// Digests in the order of the document.
#[derive(Default)]
struct DigestSet(Vec<SubjectDigest>);

impl<'de> Deserialize<'de> for DigestSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;
        impl<'de> Visitor<'de> for Bounded {
            type Value = DigestSet;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of algorithm names and values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DigestSet, A::Error> {
                let mut found = Vec::with_capacity(1);
                while let Some((Text(algorithm), Text(value))) = map.next_entry()? {
                    if found.len() >= MAX_DIGESTS {
                        return Err(A::Error::custom(format_args!("more than {MAX_DIGESTS} digests")));
                    }
                    found.push(match HashAlgorithm::from_name(&algorithm) {
                        Some(known) => SubjectDigest::Strong(
                            Digest::from_hex(known, &value, hex::Case::Lower)
                                .ok_or_else(|| A::Error::custom(format_args!("no lower-case hex of {known}")))?,
                        ),
                        None => SubjectDigest::Other { algorithm: algorithm.into_owned(), value: value.into_owned() },
                    });
                }
                Ok(DigestSet(found))
            }
        }
        deserializer.deserialize_map(Bounded)
    }
}

fn malformed(expected: impl fmt::Display) -> Failure {
    Failure::new(Code::StatementMalformed).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";

    fn statement(subject: &str) -> String {
        format!(
            r#"{{"_type":"{STATEMENT_V1}","subject":{subject},"predicateType":"https://slsa.dev/provenance/v1","predicate":{{"A":1}}}}"#
        )
    }

    fn with_digest(digest: &str) -> String {
        statement(&format!(r#"[{{"name":"n","digest":{digest}}}]"#))
    }

    fn good() -> String {
        with_digest(&format!(r#"{{"sha256":"{HASH}"}}"#))
    }

    fn parse(text: &str) -> Result<Statement, Code> {
        Statement::parse(text.as_bytes(), &Limits::DEFAULT).map_err(|failure| failure.code())
    }

    fn artifact() -> Digest {
        format!("sha256:{HASH}").parse().unwrap()
    }

    fn matching(text: &str, digests: &[Digest]) -> Result<usize, Code> {
        parse(text).unwrap().matches(digests).map_err(|failure| failure.code())
    }

    #[test]
    fn a_statement_is_parsed_and_matches_its_subject() {
        let parsed = parse(&good()).unwrap();
        assert_eq!((parsed.version, parsed.predicate_type.as_str()), (StatementVersion::V1, "https://slsa.dev/provenance/v1"));
        assert_eq!(parsed.predicate["A"], 1);
        assert_eq!(parsed.subjects[0].digests, [SubjectDigest::Strong(artifact())]);
        assert_eq!(parsed.subjects[0].name.as_deref(), Some("n"));
        assert_eq!(parsed.matches(&[artifact()]).unwrap(), 0);
        let second = statement(&format!(
            r#"[{{"digest":{{"gitCommit":"00"}}}},{{"digest":{{"sha256":"{HASH}"}},"uri":"u","annotations":{{"k":"v","Name":1}}}}]"#
        ));
        assert_eq!(matching(&second, &[artifact()]), Ok(1));
        let parsed = parse(&second).unwrap();
        let git = SubjectDigest::Other { algorithm: "gitCommit".to_owned(), value: "00".to_owned() };
        assert_eq!(parsed.subjects[0].digests, [git]);
        assert_eq!(parsed.subjects[1].annotations["k"], "v");
        let old = good().replace("Statement/v1", "Statement/v0.1");
        assert_eq!(parse(&old).unwrap().version, StatementVersion::V01);
        for same in [
            good().replace(r#""predicate":{"A":1}"#, r#""predicate":{"A":1},"more":{"x":[]}"#),
            format!("{}\n ", good()),
            good().replace(r#""name":"n","#, r#""name":null,"#),
            good().replace(r#""name":"n","#, r#""name":"n","annotations":null,"#),
            good().replace(r#""predicate":{"A":1}"#, r#""predicate":null"#),
            good().replace(r#","predicate":{"A":1}"#, ""),
            good().replace(r#"{"A":1}"#, r#"{"A":1,"Subject":[],"digest":"x","Digest":"y"}"#),
            good().replace(r#"{"A":1}"#, r#""SPDXVersion: SPDX-2.3""#),
        ] {
            assert_eq!(matching(&same, &[artifact()]), Ok(0), "{same}");
        }
    }

    /// A feature of serde_json, if any crate of a build asks for it, reads such an object as the JSON in its string: beside what
    /// looks for doubled keys and depth, and other than every other reader.
    #[test]
    fn no_key_of_a_predicate_is_more_than_a_key() {
        for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
            let predicate = format!(r#"{{"{key}":"1"}}"#);
            let parsed = parse(&good().replace(r#"{"A":1}"#, &predicate)).unwrap();
            assert_eq!(parsed.predicate[key], "1", "{key}");
        }
    }

    /// K-P-03: a subject that names nothing is malformed; one that names something too weak matches nothing.
    #[test]
    fn an_empty_subject_never_matches() {
        for subject in [
            "[]",
            "null",
            "[null]",
            "[{}]",
            "{}",
            r#""""#,
            r#"[{"name":"n"}]"#,
            r#"[{"name":"n","uri":"u"}]"#,
            r#"[{"digest":null}]"#,
        ] {
            assert_eq!(parse(&statement(subject)), Err(Code::StatementMalformed), "{subject}");
        }
        assert_eq!(parse(&with_digest("{}")), Err(Code::StatementMalformed));
        assert_eq!(parse(&good().replace(r#""subject":"#, r#""subjects":"#)), Err(Code::StatementMalformed));
        // A good subject does not make up for an empty one beside it.
        let mixed = statement(&format!(r#"[{{"digest":{{"sha256":"{HASH}"}}}},{{"name":"n"}}]"#));
        assert_eq!(parse(&mixed), Err(Code::StatementMalformed));
        for weak in [r#"{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#, r#"{"gitCommit":"00"}"#, r#"{"":""}"#] {
            assert_eq!(matching(&with_digest(weak), &[artifact()]), Err(Code::StatementSubjectMismatch), "{weak}");
        }
        assert_eq!(matching(&good(), &[]), Err(Code::StatementSubjectMismatch));
    }

    #[test]
    fn shared_algorithms_must_all_agree() {
        let other = "0".repeat(128);
        let sha512 = HashAlgorithm::Sha512.hash(&[b"image"]);
        let both = with_digest(&format!(r#"{{"sha256":"{HASH}","sha512":"{}"}}"#, sha512.hex()));
        let torn = with_digest(&format!(r#"{{"sha256":"{HASH}","sha512":"{other}"}}"#));
        let mismatch = Err(Code::StatementSubjectMismatch);
        assert_eq!(matching(&both, &[artifact()]), Ok(0));
        assert_eq!(matching(&both, &[sha512, artifact()]), Ok(0));
        assert_eq!(matching(&torn, &[artifact()]), Ok(0));
        assert_eq!(matching(&torn, &[artifact(), sha512]), mismatch);
        assert_eq!(matching(&torn, &[sha512]), mismatch);
        assert_eq!(matching(&good(), &[sha512]), mismatch);
        assert_eq!(matching(&good(), &[Digest::sha256(b"other")]), mismatch);
        // The name of one algorithm over the value of another is no digest.
        assert_eq!(parse(&with_digest(&format!(r#"{{"sha512":"{HASH}"}}"#))), Err(Code::StatementMalformed));
        assert_eq!(matching(&with_digest(&format!(r#"{{"SHA256":"{HASH}"}}"#)), &[artifact()]), mismatch);
    }

    /// K-P-08, K-P-09, K-P-10.
    #[test]
    fn what_is_not_a_strict_statement_is_statement_malformed() {
        let text = good();
        for (old, new) in [
            (text.as_str(), ""),
            (text.as_str(), "[]"),
            ("Statement/v1", "Statement/v2"),
            ("Statement/v1", "Statement/V1"),
            ("Statement/v1", "Statement/v1 "),
            (r#""_type""#, r#""type""#),
            (r#""predicateType":"https://slsa.dev/provenance/v1","#, ""),
            ("https://slsa.dev/provenance/v1", ""),
            (r#""predicateType""#, r#""predicatetype""#),
            (r#""subject":"#, r#""subject":[],"subject":"#),
            (r#""subject":"#, r#""Subject":[],"subject":"#),
            (r#""digest":"#, r#""Digest":{},"digest":"#),
            (r#""digest":{"#, r#""digest":{"sha256":"","#),
            (r#"{"A":1}"#, r#"{"A":1,"\u0041":2}"#),
            (HASH, &HASH.to_uppercase()),
            (HASH, &HASH[1..]),
            (HASH, ""),
            (&format!("\"{HASH}\""), "1"),
            (&format!("\"{HASH}\""), "null"),
        ] {
            assert!(text.contains(old), "{old}");
            let changed = text.replacen(old, new, 1);
            assert_eq!(parse(&changed), Err(Code::StatementMalformed), "{changed}");
        }
        assert_eq!(parse(&format!("\u{feff}{text}")), Err(Code::StatementMalformed));
        assert_eq!(parse(&format!("{text}{text}")), Err(Code::StatementMalformed));
        let deep = text.replace(r#"{"A":1}"#, &format!("{}{}", "[".repeat(70), "]".repeat(70)));
        assert_eq!(parse(&deep), Err(Code::StatementMalformed));
        let old = text.replace("Statement/v1", "Statement/v0.1");
        assert_eq!(parse(&old.replace(r#""name":"n","#, "")), Err(Code::StatementMalformed));
        assert_eq!(parse(&old.replace(r#""name":"n","#, r#""name":"","#)), Err(Code::StatementMalformed));
    }

    #[test]
    fn subjects_and_digests_are_bounded() {
        let one = format!(r#"{{"digest":{{"sha256":"{HASH}"}}}}"#);
        let many = |count: usize| statement(&format!("[{}]", vec![one.as_str(); count].join(",")));
        assert_eq!(parse(&many(1024)).unwrap().subjects.len(), 1024);
        assert_eq!(parse(&many(1025)), Err(Code::TooManyEntries));
        assert_eq!(parse(&many(MAX_SUBJECTS + 1)), Err(Code::TooManyEntries));
        let digests = |count: usize| {
            let list: Vec<_> = (0..count).map(|at| format!(r#""a{at}":"x""#)).collect();
            with_digest(&format!("{{{}}}", list.join(",")))
        };
        assert_eq!(parse(&digests(32)).unwrap().subjects[0].digests.len(), 32);
        assert_eq!(parse(&digests(33)), Err(Code::TooManyEntries));
    }
}
