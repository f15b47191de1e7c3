//! Which accepted mutants are no holes: those that differ from the original only where nobody decides anything.
//!
//! Two things must hold together. What was accepted adds nothing to what the original was accepted for (`Facts`); and every
//! place where the documents differ stands in the list below, with its reason.

use crate::base::{Base, Judge};
use crate::facts::Facts;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use veriseal::encoding::base64;
use veriseal_testkit::mutation::Tree;
use veriseal_testkit::simple_signing::{CERTIFICATE, CHAIN as CHAIN_ANNOTATION, REKOR_BUNDLE, SIGNATURE, TIMESTAMP as STAMP};

/// Places that decide nothing, with the reason: the end of the path, with `*` for an index and for a digest. What follows a `~`
/// says how they differ where that matters.
const REASONS: &[(&str, &str)] = &[
    ("~number", "ProtoJSON writes a 64-bit integer as a number or as a text"),
    ("~zero", "zero is left out (ProtoJSON)"),
    ("~null", "null where nothing was means nothing (ProtoJSON)"),
    // Bundles.
    ("/verificationMaterial/publicKey", HINT),
    ("/verificationMaterial/publicKey/hint", HINT),
    ("/dsseEnvelope/signatures/*/keyid", HINT),
    ("/messageSignature/messageDigest", DIGEST),
    ("/messageSignature/messageDigest/algorithm", DIGEST),
    ("/messageSignature/messageDigest/digest", DIGEST),
    ("~space", "the same PEM with other white space around it"),
    ("/mediaType", "another version of the format that allows these parts: no signature is over the version"),
    ("/tlogEntries/*/inclusionPromise", "the proof is left, and a key needs no time"),
    ("/tlogEntries/*/inclusionProof", "the promise is left, and the version asks for no proof"),
    ("/inclusionProof/rootHash", CHECKPOINT),
    ("/inclusionProof/treeSize", CHECKPOINT),
    (
        "/checkpoint/envelope",
        "the log's own line under the same tree is left: lines of others are not its word (C2SP signed-note)",
    ),
    ("/tlogEntries/*", "an entry in a log that is not trusted counts for nothing, and one that stands twice counts once"),
    ("/tlogEntries/~order", "every entry counts, wherever it stands"),
    ("/timestampVerificationData", TIMESTAMP),
    ("/rfc3161Timestamps", TIMESTAMP),
    ("/rfc3161Timestamps/*", TIMESTAMP),
    ("/rfc3161Timestamps/~order", TIMESTAMP),
    ("/rfc3161Timestamps/*/signedTimestamp", TIMESTAMP),
    ("/x509CertificateChain/certificates/*", CHAIN),
    ("/x509CertificateChain/certificates/~order", CHAIN),
    // Layers.
    ("/annotations/dev.sigstore.cosign/chain", CHAIN),
    ("/annotations/predicateType", "the type that counts is that of the signed statement"),
    ("/annotations/json dev.sigstore.cosign/rfc3161timestamp", TIMESTAMP),
    ("/annotations/json dev.sigstore.cosign/rfc3161timestamp/#/*", TIMESTAMP),
];

const DIGEST: &str = "the digest beside a signature is a hint, and where it stands it must be the artifact's";
const HINT: &str = "a hint selects no key: the policy names the one that counts";
const CHECKPOINT: &str = "beside the checkpoint of Rekor v2 root and size may be left out";
const TIMESTAMP: &str = "a timestamp that does not hold counts for nothing, and the log's time suffices";
const CHAIN: &str = "certificates that come along are never anchors and never helpers";

/// Saved evidence holds two candidates, and what it claims beyond their bytes is used for nothing. Where something of the
/// file is damaged and the image is still accepted, it is by a candidate that was not touched (`Facts`).
const EVIDENCE: &str = "the other candidate of the saved evidence is left, or what was changed is a mere claim";

/// Members that the parts were taken from and nobody reads: veriseal was not shown them.
const AROUND: &str = "not among what is put before veriseal";

/// cosign leaves the annotation empty.
const NO_SIGNATURE: &str = "the signatures of an attestation stand in its envelope";

/// An annotation that nobody knows: registries and tools may add their own (OCI image-spec).
const UNKNOWN_ANNOTATION: &str = "an annotation that nobody reads";

/// The one reason for documents that say the same.
const SAME: &str = "the same JSON, written otherwise";

/// The mutant has become another of the originals, down to differences that have reasons.
const BECAME: &str = "it has become another of the originals";

/// Why an accepted mutant of `base` is no hole; else what speaks against it. A mutant of
/// what must be refused is one only where it has become a good original, such as by the annotations of its signature.
pub(crate) fn judge(bases: &[Base], base: &Base, facts: &Facts, mutant: &[u8]) -> Result<&'static str, String> {
    let why = match (&base.facts, reasons(base, mutant)) {
        (None, _) => "the original is refused".to_owned(),
        (Some(original), Ok(found)) if facts.add_nothing_to(original) => return Ok(found.first().copied().unwrap_or(SAME)),
        (Some(_), Ok(_)) => "it says something new".to_owned(),
        (Some(_), Err(place)) => place,
    };
    let is_like = |other: &&Base| {
        std::mem::discriminant(&other.judge) == std::mem::discriminant(&base.judge)
            && other.facts.as_ref().is_some_and(|known| facts.add_nothing_to(known))
    };
    match bases.iter().filter(is_like).any(|other| reasons(other, mutant).is_ok()) {
        true => Ok(BECAME),
        false => Err(format!("{why}: {facts:?}")),
    }
}

/// The reasons for which the mutant means what the original means; the place without one where there is such.
fn reasons(original: &Base, mutant: &[u8]) -> Result<Vec<&'static str>, String> {
    // Of two members of one name parsers see either.
    let is_taken_apart = matches!(original.judge, Judge::Layer { .. } | Judge::Evidence { .. });
    if !is_taken_apart && has_doubled_names(mutant) {
        return Err("a name stands twice".to_owned());
    }
    let mutant = Tree::parse(mutant).ok_or("no JSON any more")?;
    let mut places = Vec::new();
    differences(&original.tree, &mutant, "", &mut places);
    if places.is_empty() {
        return Ok(vec![SAME]);
    }
    places.into_iter().map(|place| reason(&original.judge, &place).ok_or(place)).collect()
}

fn reason(judge: &Judge, place: &str) -> Option<&'static str> {
    let is_index = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    let steps: Vec<&str> =
        place.split('/').map(|step| if is_index(step) || step.starts_with("sha256:") { "*" } else { step }).collect();
    let known = REASONS.iter().find(|(end, _)| steps.join("/").ends_with(end)).map(|(_, reason)| *reason);
    // Up to where a difference inside of it begins.
    let annotation =
        place.strip_prefix("/annotations/").map(|name| name.split(['#', '~']).next().unwrap_or(name).trim_end_matches('/'));
    match judge {
        Judge::Evidence { .. } if ["blobs", "document"].contains(steps.get(1)?) => Some(EVIDENCE),
        Judge::Layer { .. } if annotation.is_some_and(|name| !is_read(name)) => Some(UNKNOWN_ANNOTATION),
        Judge::Layer { suffix: "att", .. } if place == format!("/annotations/{SIGNATURE}") => Some(NO_SIGNATURE),
        Judge::Layer { .. } if place.starts_with("/annotations/json dev.sigstore.cosign/rfc3161timestamp") => Some(TIMESTAMP),
        Judge::Layer { .. } if steps.len() == 2 && !["bytes", "annotations", "mediaType"].contains(steps.get(1)?) => Some(AROUND),
        Judge::Evidence { .. } => Some(AROUND),
        _ => known,
    }
}

/// Whether an annotation of that name is read.
fn is_read(name: &str) -> bool {
    [SIGNATURE, CERTIFICATE, CHAIN_ANNOTATION, "predicateType"].contains(&name)
        || name.strip_prefix("json ").is_some_and(|name| [REKOR_BUNDLE, STAMP].contains(&name))
}

/// The paths at which the documents differ; inside of JSON in base64 too. Members may stand in any order.
fn differences(one: &Tree, other: &Tree, path: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Tree::Object(ones), Tree::Object(others)) => {
            for (name, value) in ones {
                match other.member(name) {
                    Some(there) => differences(value, there, &format!("{path}/{name}"), found),
                    None if is_zero(value) => found.push(format!("{path}/{name}~zero")),
                    None => found.push(format!("{path}/{name}")),
                }
            }
            for (name, value) in others.iter().filter(|(name, _)| one.member(name).is_none()) {
                let how = if *value == Tree::Raw("null".to_owned()) { "~null" } else { "" };
                found.push(format!("{path}/{name}{how}"));
            }
        }
        (Tree::List(ones), Tree::List(others)) if ones.len() == others.len() && ones.iter().all(|item| others.contains(item)) => {
            if ones != others {
                found.push(format!("{path}/~order"));
            }
        }
        (Tree::List(ones), Tree::List(others)) if without_one(others, ones) || without_one(ones, others) => {
            found.push(format!("{path}/0"));
        }
        (Tree::List(ones), Tree::List(others)) => {
            for (at, value) in ones.iter().enumerate() {
                match others.get(at) {
                    Some(there) => differences(value, there, &format!("{path}/{at}"), found),
                    None => found.push(format!("{path}/{at}")),
                }
            }
            found.extend((ones.len()..others.len()).map(|at| format!("{path}/{at}")));
        }
        _ if one == other => {}
        _ if integer(one).is_some() && integer(one) == integer(other) => found.push(format!("{path}~number")),
        (Tree::Text(ones), Tree::Text(others)) if ones.starts_with("-----BEGIN ") && bare(ones) == bare(others) => {
            found.push(format!("{path}~space"));
        }
        _ => match (inner(one), inner(other)) {
            (Some(one), Some(other)) => differences(&one, &other, &format!("{path}/#"), found),
            _ => found.push(path.to_owned()),
        },
    }
}

/// The lines of PEM without those that are empty, and without the last one's end.
fn bare(pem: &str) -> Vec<&str> {
    pem.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

fn is_zero(tree: &Tree) -> bool {
    integer(tree) == Some(0)
}

/// Whether the longer list is the shorter one and one element more.
fn without_one(longer: &[Tree], shorter: &[Tree]) -> bool {
    longer.len() == shorter.len() + 1
        && (0..longer.len()).any(|at| longer[..at] == shorter[..at] && longer[at + 1..] == shorter[at..])
}

/// An integer in its one spelling, as a number or as a text.
fn integer(tree: &Tree) -> Option<i64> {
    match tree {
        Tree::Raw(text) | Tree::Text(text) => text.parse().ok().filter(|number: &i64| number.to_string() == *text),
        _ => None,
    }
}

/// Whether some object of a JSON text has two members of one name.
fn has_doubled_names(text: &[u8]) -> bool {
    serde_json::from_slice::<Names>(text).is_ok_and(|names| names.0)
}

/// Whether a name stands twice in some object; reads any JSON.
struct Names(bool);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let (mut names, mut doubled) = (BTreeSet::new(), false);
        while let Some((name, value)) = map.next_entry::<String, Names>()? {
            doubled |= value.0 || !names.insert(name);
        }
        Ok(Names(doubled))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Names, A::Error> {
        let mut doubled = false;
        while let Some(item) = items.next_element::<Names>()? {
            doubled |= item.0;
        }
        Ok(Names(doubled))
    }

    fn visit_str<E>(self, text: &str) -> Result<Names, E> {
        // JSON in base64 is a document of its own.
        let inner = base64::decode(text).filter(|bytes| bytes.trim_ascii_start().first() == Some(&b'{'));
        Ok(Names(inner.is_some_and(|bytes| has_doubled_names(&bytes))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Names, E> {
        Ok(Names(false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Names, E> {
        Ok(Names(false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Names, E> {
        Ok(Names(false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Names, E> {
        Ok(Names(false))
    }

    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names(false))
    }
}

/// The JSON that a text holds in base64.
fn inner(tree: &Tree) -> Option<Tree> {
    let Tree::Text(text) = tree else { return None };
    base64::decode(text).filter(|bytes| bytes.trim_ascii_start().first() == Some(&b'{')).and_then(|bytes| Tree::parse(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(one: &str, other: &str) -> Vec<String> {
        let mut found = Vec::new();
        let tree = |text: &str| Tree::parse(text.as_bytes()).unwrap();
        differences(&tree(one), &tree(other), "", &mut found);
        found
    }

    #[test]
    fn every_difference_has_its_place() {
        let one = r#"{"a":1,"b":[{"c":"x"},{"c":"y"}],"d":"eyJlIjoxfQ=="}"#;
        assert_eq!(places(one, one), [""; 0]);
        assert_eq!(places(one, r#"{"b":[{"c":"x"},{"c":"y"}],"d":"eyJlIjoxfQ==","a":"1"}"#), ["/a~number"]);
        assert_eq!(places(one, r#"{"a":1,"b":[{"c":"y"},{"c":"x"}],"d":"eyJlIjoyfQ=="}"#), ["/b/~order", "/d/#/e"]);
        assert_eq!(places(one, r#"{"b":[{"c":"y"}],"d":"","f":null}"#), ["/a", "/b/0", "/d", "/f~null"]);
    }

    #[test]
    fn a_name_that_stands_twice_is_found_in_base64_too() {
        assert!(has_doubled_names(br#"{"a":{"b":1,"b":1}}"#));
        // {"a":1,"a":1}
        assert!(has_doubled_names(br#"{"a":["eyJhIjoxLCJhIjoxfQ=="]}"#));
        assert!(!has_doubled_names(br#"{"a":{"b":1},"b":"eyJhIjoxfQ=="}"#));
    }
}
