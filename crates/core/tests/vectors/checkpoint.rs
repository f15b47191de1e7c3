//! Signed checkpoints end to end: the deterministic vectors of the dossier, byte for byte, and every way to break them.

use ed25519_dalek::{Signer, SigningKey};
use veriseal::code::Code;
use veriseal::crypto::PreparedKey;
use veriseal::encoding::{base64, hex};
use veriseal::limits::{Budget, Limits};
use veriseal::tlog::checkpoint::{LogVerifier, SignedCheckpoint};
use veriseal::tlog::merkle::{leaf_hash, node_hash};
use veriseal::tlog::note::{VerifierKey, key_hash_cosignature, key_hash_ed25519, key_id};
use veriseal::tlog::witness::Witness;

const BODY: &str = r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"1GnoXrydgVhm4uxqPCrACP55LqiOqOcvUyiFgdrnrQM="},"signature":{"content":"U0lH","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"S0VZ"}}}}}}"#;
const TEXT: &str = "log.example\n3\nYIYwP6cKR8i3AredS0S8OKtF2kvH/8Dva/vvPEtyn70=\n";
const LOG_VKEY: &str = "log.example+b252d0cf+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const LOG_LINE: &str =
    "\u{2014} log.example slLQz6M/vM8Nk1wMaAi6GhPCxqG7jREnB28u3K82/IU7lfpf6k0GofzbZhAKn1mhnBKhC32gXO+EImAqUW9LiGpqvQc=\n";
const WITNESS_VKEY: &str = "witness.example+790a8a0d+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const WITNESS_LINE: &str = "\u{2014} witness.example eQqKDQAAAABlU/EAnuS2Ul5/QgZzdQu9aXMpANnXzEJ3f1sIWVl31Vkdx+sxPCvHebAYLQtkTO9KsfBnks/Cy1zp7vzhGkscJOMPBw==\n";

fn log_seed() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

fn witness_seed() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|at| u8::try_from(at + 0x20).unwrap()))
}

fn log_key() -> PreparedKey {
    PreparedKey::new(VerifierKey::parse(LOG_VKEY).unwrap().ed25519(1).unwrap()).unwrap()
}

fn note(text: &str, lines: &[&str]) -> String {
    format!("{text}\n{}", lines.concat())
}

/// A signature line by the log's key over `text`, under any name and with any key id.
fn log_line(name: &str, id: [u8; 4], text: &str) -> String {
    let signature = log_seed().sign(text.as_bytes());
    format!("\u{2014} {name} {}\n", base64::encode(&[id.as_slice(), &signature.to_bytes()].concat()))
}

fn cosignature_line(name: &str, key: &SigningKey, time: u64, text: &str) -> String {
    let id = key_id(&key_hash_cosignature(name, key.verifying_key().as_bytes())).unwrap();
    let signature = key.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
    format!("\u{2014} {name} {}\n", base64::encode(&[id.as_slice(), &time.to_be_bytes(), &signature.to_bytes()].concat()))
}

/// The outcome of checking `note` as one of the log `origin`.
fn check(note: &str, origin: &str) -> Result<u64, Code> {
    let key = log_key();
    let verifier = LogVerifier::rekor_v2(origin, [0xb2, 0x52, 0xd0, 0xcf], &key);
    let signed = SignedCheckpoint::parse(note, &Limits::DEFAULT).map_err(|failure| failure.code())?;
    let valid = signed.verify(&verifier, &mut Budget::new(&Limits::DEFAULT)).map_err(|failure| failure.code())?;
    Ok(valid.size())
}

#[test]
fn the_vectors_are_reproduced_byte_for_byte() {
    let id = key_hash_ed25519("log.example", log_seed().verifying_key().as_bytes());
    assert_eq!(hex::encode(&id), "b252d0cf120ac87f0139a13b7fd65a18f6bbaaa0713734bcb6233388a59e32ce");
    assert_eq!(base64::encode(&id), "slLQzxIKyH8BOaE7f9ZaGPa7qqBxNzS8tiMziKWeMs4=");
    assert_eq!(log_line("log.example", key_id(&id).unwrap(), TEXT), LOG_LINE);
    assert_eq!(cosignature_line("witness.example", &witness_seed(), 1_700_000_000, TEXT), WITNESS_LINE);
    assert_eq!(hex::encode(&leaf_hash(BODY.as_bytes())), "27e1f8545405216bd43a3f754c8cc2d4718ae4950242ae2ec479444f67756714");
    let root = node_hash(&node_hash(&leaf_hash(b"a"), &leaf_hash(BODY.as_bytes())), &leaf_hash(b"c"));
    assert_eq!(hex::encode(&root), "6086303fa70a47c8b702b79d4b44bc38ab45da4bc7ffc0ef6bfbef3c4b729fbd");
}

#[test]
fn the_checkpoint_verifies_and_proves_the_entry() {
    let key = log_key();
    let verifier = LogVerifier::rekor_v2("log.example", [0xb2, 0x52, 0xd0, 0xcf], &key);
    let text = note(TEXT, &[LOG_LINE, WITNESS_LINE]);
    let signed = SignedCheckpoint::parse(&text, &Limits::DEFAULT).unwrap();
    let mut budget = Budget::new(&Limits::DEFAULT);
    let valid = signed.verify(&verifier, &mut budget).unwrap();
    assert_eq!((valid.origin(), valid.size()), ("log.example", 3));
    let proof = [
        base64::decode("Aippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=").unwrap().try_into().unwrap(),
        base64::decode("WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg=").unwrap().try_into().unwrap(),
    ];
    let leaf = leaf_hash(BODY.as_bytes());
    valid.verify_inclusion(1, &leaf, &proof).unwrap();
    for (index, leaf) in [(0, leaf), (2, leaf), (3, leaf), (1, leaf_hash(b"other"))] {
        assert_eq!(valid.verify_inclusion(index, &leaf, &proof).unwrap_err().code(), Code::InclusionProofInvalid);
    }
    valid.require(3, valid.root()).unwrap();
    assert_eq!(valid.require(4, valid.root()).unwrap_err().code(), Code::CheckpointMismatch);
    assert_eq!(valid.require(3, &leaf).unwrap_err().code(), Code::CheckpointMismatch);

    let witnesses = [Witness::parse(WITNESS_VKEY).unwrap()];
    let found = valid.require_cosignatures(&witnesses, 1, &mut budget).unwrap();
    assert_eq!((found[0].witness().name(), found[0].time().seconds()), ("witness.example", 1_700_000_000));
    assert_eq!(valid.require_cosignatures(&witnesses, 2, &mut budget).unwrap_err().code(), Code::WitnessThreshold);
}

/// K-TL-11, K-TL-13, K-TL-14.
#[test]
fn each_negative_variant_fails_for_its_own_reason() {
    let good = note(TEXT, &[LOG_LINE]);
    assert_eq!(check(&good, "log.example"), Ok(3));
    for (note, code, why) in [
        (good.replace("\n\n", "\n"), Code::CheckpointMalformed, "no blank line"),
        (good.replace("\n3\n", "\n03\n"), Code::CheckpointMalformed, "leading zero"),
        (good.replace('\u{2014}', "-"), Code::CheckpointMalformed, "hyphen for em dash"),
        (good.replace("\u{2014} log.example", "\u{2014} log.example2"), Code::CheckpointSignatureInvalid, "unknown name"),
        (good.replace("YIYw", "ZIYw"), Code::CheckpointSignatureInvalid, "flipped root bit"),
        (good.replace("\n3\n", "\n4\n"), Code::CheckpointSignatureInvalid, "other size"),
        (good.replace("slLQz6M", "slLQz6N"), Code::CheckpointSignatureInvalid, "flipped signature bit"),
        (good.replace("slLQz6M", "slLQzKM"), Code::CheckpointSignatureInvalid, "other key id"),
        (good.replace("\n\n", "\nextension\n\n"), Code::CheckpointSignatureInvalid, "added extension line"),
        (good.replacen("log.example", "log.exampl\u{435}", 1), Code::CheckpointMismatch, "look-alike origin"),
        (note(TEXT, &[WITNESS_LINE]), Code::CheckpointSignatureInvalid, "no line of the log"),
    ] {
        assert_eq!(check(&note, "log.example"), Err(code), "{why}");
    }
    assert_eq!(check(&good, "other.example"), Err(Code::CheckpointMismatch));
}

/// K-TL-14: unknown lines are ignored wherever they stand; a broken line of the known key refuses the note wherever it stands.
#[test]
fn a_broken_line_of_the_known_key_is_not_hidden_by_a_good_one() {
    let broken = LOG_LINE.replace("slLQz6M", "slLQz6N");
    let unknown = "\u{2014} someone.else AQIDBAU=\n";
    let colliding = log_line("someone.else", [0xb2, 0x52, 0xd0, 0xcf], "other text\n");
    for (lines, expected) in [
        (vec![unknown, LOG_LINE, unknown], Ok(3)),
        (vec![WITNESS_LINE, LOG_LINE], Ok(3)),
        (vec![LOG_LINE, LOG_LINE], Ok(3)),
        (vec![&colliding, LOG_LINE], Ok(3)),
        (vec![&broken, LOG_LINE], Err(Code::CheckpointSignatureInvalid)),
        (vec![LOG_LINE, &broken], Err(Code::CheckpointSignatureInvalid)),
        (vec![LOG_LINE, unknown, &broken], Err(Code::CheckpointSignatureInvalid)),
    ] {
        assert_eq!(check(&note(TEXT, &lines), "log.example"), expected, "{lines:?}");
    }
    let mut lines = vec![unknown; 63];
    lines.push(LOG_LINE);
    assert_eq!(check(&note(TEXT, &lines), "log.example"), Ok(3));
    lines.push(unknown);
    assert_eq!(check(&note(TEXT, &lines), "log.example"), Err(Code::TooManyEntries));
}

/// K-DS-04: lines of the known key cost one signature check each, out of the call's budget.
#[test]
fn signature_lines_spend_the_budget() {
    let text = note(TEXT, &[LOG_LINE; 3]);
    let signed = SignedCheckpoint::parse(&text, &Limits::DEFAULT).unwrap();
    let key = log_key();
    let verifier = LogVerifier::rekor_v2("log.example", [0xb2, 0x52, 0xd0, 0xcf], &key);
    let budget = |checks| Budget::new(&Limits { signature_checks: checks, ..Limits::DEFAULT });
    assert!(signed.verify(&verifier, &mut budget(3)).is_ok());
    assert_eq!(signed.verify(&verifier, &mut budget(2)).unwrap_err().code(), Code::BudgetExhausted);
}

#[test]
fn a_rekor_v1_key_must_be_ecdsa() {
    let key = log_key();
    assert_eq!(LogVerifier::rekor_v1(&[0xb2, 0x52, 0xd0, 0xcf], &key).unwrap_err().code(), Code::KeyInvalid);
}

#[test]
fn cosignatures_count_once_a_key_and_fail_when_broken() {
    let key = log_key();
    let verifier = LogVerifier::rekor_v2("log.example", [0xb2, 0x52, 0xd0, 0xcf], &key);
    let other = SigningKey::from_bytes(&[9; 32]);
    let vkey = |name: &str, key: &SigningKey| {
        let public = key.verifying_key();
        let id = key_id(&key_hash_cosignature(name, public.as_bytes())).unwrap();
        format!("{name}+{}+{}", hex::encode(&id), base64::encode(&[&[4], public.as_bytes().as_slice()].concat()))
    };
    assert_eq!(vkey("witness.example", &witness_seed()), WITNESS_VKEY);
    let witnesses: Vec<Witness> =
        [vkey("witness.example", &witness_seed()), vkey("alias.example", &witness_seed()), vkey("other.example", &other)]
            .iter()
            .map(|text| Witness::parse(text).unwrap())
            .collect();
    let earlier = cosignature_line("witness.example", &witness_seed(), 1_600_000_000, TEXT);
    let alias = cosignature_line("alias.example", &witness_seed(), 1_650_000_000, TEXT);
    let second = cosignature_line("other.example", &other, 5, TEXT);
    let foreign = cosignature_line("other.example", &other, 5, "log.example\n4\nYIYw\n");
    let unlisted = cosignature_line("unlisted.example", &other, 5, TEXT);
    let far = cosignature_line("other.example", &other, u64::MAX, TEXT);
    let short = {
        let id = key_id(&key_hash_cosignature("other.example", other.verifying_key().as_bytes())).unwrap();
        format!("\u{2014} other.example {}\n", base64::encode(&[id.as_slice(), &[0; 71]].concat()))
    };
    let run = |lines: &[&str], threshold: usize| {
        let text = note(TEXT, lines);
        let signed = SignedCheckpoint::parse(&text, &Limits::DEFAULT).unwrap();
        let mut budget = Budget::new(&Limits::DEFAULT);
        let valid = signed.verify(&verifier, &mut budget).unwrap();
        valid
            .require_cosignatures(&witnesses, threshold, &mut budget)
            .map(|found| found.iter().map(|one| one.time().seconds()).collect::<Vec<_>>())
            .map_err(|failure| failure.code())
    };
    assert_eq!(run(&[LOG_LINE], 0), Ok(vec![]));
    assert_eq!(run(&[LOG_LINE, WITNESS_LINE], 1), Ok(vec![1_700_000_000]));
    assert_eq!(run(&[LOG_LINE, WITNESS_LINE, &earlier, &alias], 1), Ok(vec![1_600_000_000]));
    assert_eq!(run(&[LOG_LINE, WITNESS_LINE, &earlier, &alias], 2), Err(Code::WitnessThreshold));
    assert_eq!(run(&[WITNESS_LINE, LOG_LINE, &second], 2), Ok(vec![1_700_000_000, 5]));
    assert_eq!(run(&[LOG_LINE, &unlisted], 1), Err(Code::WitnessThreshold));
    for broken in [&foreign, &far, &short] {
        assert_eq!(run(&[LOG_LINE, WITNESS_LINE, broken], 1), Err(Code::CheckpointSignatureInvalid));
    }
    // A log key is no witness key, even where the bytes are the same.
    assert_eq!(Witness::parse(LOG_VKEY).unwrap_err().code(), Code::KeyInvalid);
}
