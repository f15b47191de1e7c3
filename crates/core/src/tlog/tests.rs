//! Checkpoints, notes and witnesses: the bounds from both sides, and what a checkpoint says of itself.

use super::checkpoint::{LogVerifier, SignedCheckpoint};
use super::merkle::{self, Hash};
use super::note::{SignedNote, VerifierKey, is_key_name, key_hash_ecdsa, key_hash_rsa, key_id};
use super::witness::Witness;
use crate::code::Code;
use crate::crypto::PreparedKey;
use crate::digest::sha256_parts;
use crate::encoding::{base64, hex};
use crate::limits::{Budget, Limits};
use crate::time::UnixTime;
use ed25519_dalek::{Signer, SigningKey};

const ROOT: Hash = [7; 32];

fn seed(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

fn prepared(key: &SigningKey) -> PreparedKey {
    let spki = [&hex::decode("302a300506032b6570032100").unwrap()[..], key.verifying_key().as_bytes()].concat();
    PreparedKey::from_spki(&spki).unwrap()
}

fn line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", base64::encode(&[&id[..], signature].concat()))
}

/// What a witness writes: a time before its signature.
fn cosigned(witness: &SigningKey, name: &str, id: [u8; 4], text: &str, seconds: u64) -> String {
    let signature = witness.sign(format!("cosignature/v1\ntime {seconds}\n{text}").as_bytes());
    line(name, id, &[&seconds.to_be_bytes()[..], &signature.to_bytes()].concat())
}

/// The text of a witness key, and its id.
fn witness_text(key: &SigningKey, name: &str) -> (String, [u8; 4]) {
    let raw = [&[4_u8][..], key.verifying_key().as_bytes()].concat();
    let id = key_id(&sha256_parts(&[name.as_bytes(), b"\n", &raw])).unwrap();
    (format!("{name}+{}+{}", hex::encode(&id), base64::encode(&raw)), id)
}

fn text() -> String {
    format!("log.example\n5\n{}\n", base64::encode(&ROOT))
}

fn signed(lines: &[String]) -> String {
    format!("{}\n{}", text(), lines.concat())
}

#[test]
fn a_valid_checkpoint_says_what_the_log_signed_and_nothing_else() {
    let (log, id) = (seed(1), [1, 2, 3, 4]);
    let note = signed(&[line("log.example", id, &log.sign(text().as_bytes()).to_bytes())]);
    let claimed = SignedCheckpoint::parse(&note, &Limits::DEFAULT).unwrap();
    let key = prepared(&log);
    let code = |origin: &str, id| {
        let verifier = LogVerifier::rekor_v2(origin, id, &key);
        claimed.verify(&verifier, &mut Budget::new(&Limits::DEFAULT)).map(drop).map_err(|failure| failure.code())
    };
    assert_eq!(code("log.example", id), Ok(()));
    assert_eq!(code("log.example", [1, 2, 3, 5]), Err(Code::CheckpointSignatureInvalid));
    assert_eq!(code("other.example", id), Err(Code::CheckpointMismatch));
    let verifier = LogVerifier::rekor_v2("log.example", id, &key);
    let valid = claimed.verify(&verifier, &mut Budget::new(&Limits::DEFAULT)).unwrap();
    assert_eq!((valid.origin(), valid.size(), valid.root()), ("log.example", 5, &ROOT));
    assert_eq!(valid.note(), &claimed.note);
    assert_eq!(valid.require(5, &ROOT), Ok(()));
    let mismatch = |size, root: &Hash| {
        let failure = valid.require(size, root).unwrap_err();
        (failure.code(), failure.at_text().unwrap_or_default().to_owned())
    };
    assert_eq!(mismatch(4, &ROOT), (Code::CheckpointMismatch, "tree size".to_owned()));
    assert_eq!(mismatch(6, &ROOT), (Code::CheckpointMismatch, "tree size".to_owned()));
    assert_eq!(mismatch(5, &[8; 32]), (Code::CheckpointMismatch, "root hash".to_owned()));
    // The signer's name beside the right key id: another log's line, which is not looked at.
    let note = signed(&[line("other.example", id, &log.sign(text().as_bytes()).to_bytes())]);
    let other = SignedCheckpoint::parse(&note, &Limits::DEFAULT).unwrap();
    let failure = other.verify(&verifier, &mut Budget::new(&Limits::DEFAULT)).unwrap_err();
    assert_eq!((failure.code(), failure.found_text()), (Code::CheckpointSignatureInvalid, Some("none")));
}

#[test]
fn cosignatures_count_once_a_key_at_its_earliest_time() {
    let (log, id) = (seed(1), [1, 2, 3, 4]);
    let keys = [seed(2), seed(3)];
    let [(first, first_id), (twin, twin_id), (second, second_id)] =
        [(&keys[0], "a.example"), (&keys[0], "b.example"), (&keys[1], "c.example")].map(|(key, name)| witness_text(key, name));
    let witnesses = [first, twin, second].map(|text| Witness::parse(&text).unwrap());
    let with = |lines: Vec<String>| {
        let own = line("log.example", id, &log.sign(text().as_bytes()).to_bytes());
        signed(&[vec![own], lines].concat())
    };
    let of = |note: &str, threshold: usize| -> Result<Vec<(String, i64)>, Code> {
        let claimed = SignedCheckpoint::parse(note, &Limits::DEFAULT).unwrap();
        let key = prepared(&log);
        let mut budget = Budget::new(&Limits::DEFAULT);
        let valid = claimed.verify(&LogVerifier::rekor_v2("log.example", id, &key), &mut budget).unwrap();
        let found = valid.require_cosignatures(&witnesses, threshold, &mut budget).map_err(|failure| failure.code())?;
        Ok(found.iter().map(|one| (one.witness().name().to_owned(), one.time().seconds())).collect())
    };
    let a = |seconds| cosigned(&keys[0], "a.example", first_id, &text(), seconds);
    let b = |seconds| cosigned(&keys[0], "b.example", twin_id, &text(), seconds);
    let c = |seconds| cosigned(&keys[1], "c.example", second_id, &text(), seconds);
    let one = |name: &str, at| (name.to_owned(), at);
    assert_eq!(of(&with(vec![]), 0), Ok(vec![]));
    assert_eq!(of(&with(vec![]), 1), Err(Code::WitnessThreshold));
    assert_eq!(of(&with(vec![a(9), b(7)]), 1), Ok(vec![one("a.example", 7)]));
    assert_eq!(of(&with(vec![a(7), b(9)]), 1), Ok(vec![one("a.example", 7)]));
    assert_eq!(of(&with(vec![a(7), b(9)]), 2), Err(Code::WitnessThreshold));
    assert_eq!(of(&with(vec![a(7), c(9)]), 2), Ok(vec![one("a.example", 7), one("c.example", 9)]));
    // Name and id must both be the witness's; else the line is one of those that nobody knows.
    assert_eq!(of(&with(vec![cosigned(&keys[0], "a.example", twin_id, &text(), 7)]), 0), Ok(vec![]));
    assert_eq!(of(&with(vec![cosigned(&keys[0], "b.example", first_id, &text(), 7)]), 0), Ok(vec![]));
    // A line of a witness that does not hold, whatever beside it does.
    let invalid = Err(Code::CheckpointSignatureInvalid);
    assert_eq!(of(&with(vec![a(7), cosigned(&keys[1], "a.example", first_id, &text(), 7)]), 1), invalid);
    assert_eq!(of(&with(vec![cosigned(&keys[0], "a.example", first_id, "other\n", 7)]), 1), invalid);
    assert_eq!(of(&with(vec![line("a.example", first_id, &[0; 71])]), 1), invalid);
    assert_eq!(of(&with(vec![line("a.example", first_id, &[0; 73])]), 1), invalid);
    // The last second that there is, and the one after it.
    let last = u64::try_from(UnixTime::LAST.seconds()).unwrap();
    assert_eq!(of(&with(vec![a(last)]), 1), Ok(vec![one("a.example", UnixTime::LAST.seconds())]));
    assert_eq!(of(&with(vec![a(last + 1)]), 1), invalid);
    assert_eq!(of(&with(vec![a(u64::MAX)]), 1), invalid);
    assert_eq!(witnesses[2].key(), prepared(&keys[1]).key());
}

#[test]
fn a_note_may_be_as_long_as_its_bound() {
    let note = "text\n\n\u{2014} name AQIDBAU=\n";
    let within = |bytes| {
        let limits = Limits { checkpoint_bytes: bytes, ..Limits::DEFAULT };
        SignedNote::parse(note, &limits).map(drop).map_err(|failure| failure.code())
    };
    assert_eq!(within(note.len()), Ok(()));
    assert_eq!(within(note.len() - 1), Err(Code::CheckpointMalformed));
}

#[test]
fn a_key_name_has_no_white_space_and_no_plus() {
    for (name, is_one) in [("a", true), ("a.example/b", true), ("", false), ("a+b", false), ("a b", false), ("a\u{a0}b", false)] {
        assert_eq!(is_key_name(name), is_one, "{name}");
    }
}

#[test]
fn an_ed25519_key_is_of_its_type_and_has_32_bytes() {
    let of = |key_type: u8, length: usize| {
        let raw = [&[key_type][..], &vec![9; length]].concat();
        let id = key_id(&sha256_parts(&[b"n", b"\n", &raw])).unwrap();
        let text = format!("n+{}+{}", hex::encode(&id), base64::encode(&raw));
        let key = VerifierKey::parse(&text).unwrap();
        key.ed25519(4).map(drop).map_err(|failure| failure.code())
    };
    assert_eq!(of(1, 32), Err(Code::KeyInvalid));
    assert_eq!(of(4, 31), Err(Code::KeyInvalid));
    assert_eq!(of(4, 33), Err(Code::KeyInvalid));
    assert_eq!(of(1, 31), Err(Code::KeyInvalid));
}

/// As rekor-tiles computes it: the name, a newline, 0xff, the label and the key.
#[test]
fn the_hash_of_an_rsa_key_is_over_name_label_and_key_that_of_an_ecdsa_key_over_the_key() {
    let expected = sha256_parts(&[b"log.example\n\xffPKIX-RSA-PKCS#1v1.5", &[1, 2, 3]]);
    assert_eq!(key_hash_rsa("log.example", &[1, 2, 3]), expected);
    assert_eq!(key_hash_ecdsa(&[1, 2, 3]), sha256_parts(&[&[1, 2, 3]]));
}

#[test]
fn a_hash_of_a_proof_has_32_bytes() {
    assert_eq!(merkle::hash_from_bytes(&[7; 32]), Ok(ROOT));
    for length in [0, 31, 33] {
        assert_eq!(merkle::hash_from_bytes(&vec![7; length]).unwrap_err().code(), Code::InclusionProofInvalid);
    }
}
