//! Attacks on proofs of inclusion and on checkpoints: K-TL-11, K-TL-12, K-TL-13 and K-TL-14, through the whole verifier.

use crate::kit::{ARTIFACT, Case};
use serde_json::{Value, json};
use veriseal::Code;
use veriseal_testkit::note::{Note, NoteSignature};
use veriseal_testkit::rekor::InclusionProof;
use veriseal_testkit::{Bundle, Seed, Witness};

/// A bundle in each generation of logs, with three leaves behind its own so that the proof has several hashes.
fn bundles(case: &mut Case) -> [(&'static str, Bundle); 2] {
    let v1 = case.message();
    let v2 = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    for number in 0..3 {
        case.sigstore.rekor.tree.append(format!("leaf {number}").as_bytes());
        case.sigstore.rekor2.tree.append(format!("leaf {number}").as_bytes());
    }
    let mut bundles = [("v1", v1), ("v2", v2)];
    for (name, bundle) in &mut bundles {
        let index = bundle.entries[0].proof.as_ref().unwrap().log_index as u64;
        let proof = if *name == "v1" { case.sigstore.rekor.prove(index) } else { case.sigstore.rekor2.prove(index) };
        bundle.entries[0].proof = Some(proof);
    }
    bundles
}

fn proof(bundle: &mut Bundle) -> &mut InclusionProof {
    bundle.entries[0].proof.as_mut().unwrap()
}

/// The checkpoint of the log that the bundle is in, as it stands now.
fn checkpoint(case: &Case, name: &str) -> Note {
    if name == "v1" { case.sigstore.rekor.checkpoint() } else { case.sigstore.rekor2.checkpoint() }
}

fn code_with(case: &Case, bundle: &Bundle, edit: impl FnOnce(&mut Bundle)) -> Code {
    let mut bundle = bundle.clone();
    edit(&mut bundle);
    case.code(&bundle)
}

fn code_with_note(case: &Case, bundle: &Bundle, note: &str) -> Code {
    code_with(case, bundle, |bundle| proof(bundle).checkpoint = Some(note.to_owned()))
}

/// K-TL-11: root and size are the checkpoint's, and the checkpoint is the log's.
#[test]
fn a_proof_counts_only_under_a_checkpoint_that_the_log_signed() {
    let mut case = Case::key();
    for (name, bundle) in bundles(&mut case) {
        let code = |edit: &dyn Fn(&mut InclusionProof)| code_with(&case, &bundle, |bundle| edit(proof(bundle)));
        assert_eq!(code(&|_| {}), Code::Accepted, "{name}");
        assert_eq!(code(&|proof| proof.checkpoint = None), Code::CheckpointMissing, "{name}");
        assert_eq!(code(&|proof| proof.checkpoint = Some(String::new())), Code::CheckpointMissing, "{name}");
        assert_eq!(code(&|proof| proof.root_hash[0] ^= 1), Code::CheckpointMismatch, "{name}");
        assert_eq!(code(&|proof| proof.root_hash.truncate(31)), Code::CheckpointMismatch, "{name}");
        assert_eq!(code(&|proof| proof.tree_size += 1), Code::CheckpointMismatch, "{name}");

        // A good checkpoint of the same log when it was larger: of another tree than the proof.
        let mut grown = case.clone();
        grown.sigstore.rekor.tree.append(b"one more");
        grown.sigstore.rekor2.tree.append(b"one more");
        let larger = checkpoint(&grown, name).encode();
        assert_eq!(code_with_note(&case, &bundle, &larger), Code::CheckpointMismatch, "{name}");
        let told = code_with(&case, &bundle, |bundle| {
            let tree = if name == "v1" { &grown.sigstore.rekor.tree } else { &grown.sigstore.rekor2.tree };
            let stated = proof(bundle);
            (stated.checkpoint, stated.tree_size) = (Some(larger.clone()), tree.size() as i64);
            stated.root_hash = tree.root().to_vec();
        });
        assert_eq!(told, Code::InclusionProofInvalid, "{name}");

        let note = checkpoint(&case, name);
        let signed = |edit: &dyn Fn(&mut NoteSignature)| {
            let mut note = note.clone();
            edit(&mut note.signatures[0]);
            code_with_note(&case, &bundle, &note.encode())
        };
        let last = note.signatures[0].blob.len() - 1;
        assert_eq!(signed(&|_| {}), Code::Accepted, "{name}");
        assert_eq!(signed(&|line| line.blob[last] ^= 1), Code::CheckpointSignatureInvalid, "{name}");
        assert_eq!(signed(&|line| line.blob[0] ^= 1), Code::CheckpointSignatureInvalid, "{name}");
        // Rekor v1 writes all sorts of names; v2 binds name, origin and key.
        let renamed = if name == "v1" { Code::Accepted } else { Code::CheckpointSignatureInvalid };
        assert_eq!(signed(&|line| line.name = "elsewhere.example".to_owned()), renamed, "{name}");
    }
}

/// K-TL-11: a log that signs for another origin signs for another log.
#[test]
fn a_version_2_checkpoint_of_another_origin_is_refused() {
    let mut case = Case::key();
    let [_, (_, bundle)] = bundles(&mut case);
    let mut elsewhere = case.sigstore.rekor2.clone();
    elsewhere.host = "log2026-2.rekor.testkit.example".to_owned();
    assert_eq!(code_with_note(&case, &bundle, &elsewhere.checkpoint().encode()), Code::CheckpointMismatch);
}

/// K-TL-12: the shape of the path follows from index and size, and every hash of it matters.
#[test]
fn a_path_that_is_not_the_leafs_is_refused() {
    let mut case = Case::key();
    for (name, bundle) in bundles(&mut case) {
        let hashes = bundle.entries[0].proof.as_ref().unwrap().hashes.len();
        assert!(hashes >= 2, "{name}");
        let code = |edit: &dyn Fn(&mut InclusionProof)| code_with(&case, &bundle, |bundle| edit(proof(bundle)));
        for at in 0..hashes {
            assert_eq!(code(&|proof| drop(proof.hashes.remove(at))), Code::InclusionProofInvalid, "{name} {at}");
            assert_eq!(code(&|proof| proof.hashes.insert(at, vec![0; 32])), Code::InclusionProofInvalid, "{name} {at}");
            assert_eq!(code(&|proof| proof.hashes[at][7] ^= 0x10), Code::InclusionProofInvalid, "{name} {at}");
            assert_eq!(code(&|proof| proof.hashes[at].truncate(31)), Code::InclusionProofInvalid, "{name} {at}");
        }
        assert_eq!(code(&|proof| proof.hashes.clear()), Code::InclusionProofInvalid, "{name}");
        assert_eq!(code(&|proof| proof.hashes.reverse()), Code::InclusionProofInvalid, "{name}");
        for other in [-1, 1, i64::from(u32::MAX)] {
            assert_eq!(code(&|proof| proof.log_index += other), Code::InclusionProofInvalid, "{name} {other}");
        }
        assert_eq!(code(&|proof| proof.log_index = -1), Code::BundleMalformed, "{name}");
        assert_eq!(code(&|proof| proof.tree_size = -1), Code::BundleMalformed, "{name}");
        assert_eq!(code(&|proof| proof.hashes = vec![vec![0; 32]; 64]), Code::InclusionProofInvalid, "{name}");
        assert_eq!(code(&|proof| proof.hashes = vec![vec![0; 32]; 65]), Code::BundleMalformed, "{name}");
    }
}

/// K-TL-12: numbers at the ends of their range are refused, and nothing overflows.
#[test]
fn numbers_of_a_proof_at_the_ends_of_their_range_are_refused() {
    let mut case = Case::key();
    for (name, bundle) in bundles(&mut case) {
        let code = |field: &str, value: Value| {
            let mut json = bundle.to_json();
            json["verificationMaterial"]["tlogEntries"][0]["inclusionProof"][field] = value;
            case.code_of(json.to_string().as_bytes())
        };
        let largest = json!(i64::MAX.to_string());
        assert_eq!(code("logIndex", largest.clone()), Code::InclusionProofInvalid, "{name}");
        assert_eq!(code("treeSize", largest), Code::CheckpointMismatch, "{name}");
        for value in
            [json!(u64::MAX.to_string()), json!(u64::MAX), json!("9223372036854775808"), json!(1.5), json!("01"), json!(" 1")]
        {
            assert_eq!(code("logIndex", value.clone()), Code::BundleMalformed, "{name} {value}");
            assert_eq!(code("treeSize", value.clone()), Code::BundleMalformed, "{name} {value}");
        }
        // A signed checkpoint of an impossible or tiny tree does not help either.
        for size in ["0", "1", "18446744073709551615"] {
            let note = checkpoint(&case, name);
            let mut lines: Vec<&str> = note.text.lines().collect();
            lines[1] = size;
            let text = format!("{}\n", lines.join("\n"));
            let (host, key) = if name == "v1" {
                (&case.sigstore.rekor.host, &case.sigstore.rekor.key)
            } else {
                (&case.sigstore.rekor2.host, &case.sigstore.rekor2.key)
            };
            let signed = Note::new(text).signed_by(host, key).encode();
            assert_eq!(code_with_note(&case, &bundle, &signed), Code::CheckpointMismatch, "{name} {size}");
        }
    }
}

/// K-TL-13: a note that is not exactly one is refused with a code, never guessed at.
#[test]
fn malformed_checkpoints_are_refused() {
    let mut case = Case::key();
    for (name, bundle) in bundles(&mut case) {
        let note = checkpoint(&case, name).encode();
        let (text, lines) = note.split_once("\n\n").unwrap();
        let [origin, size, root] = text.lines().collect::<Vec<_>>()[..] else { panic!("three lines") };
        let base64 = lines.trim_end().rsplit_once(' ').unwrap().1;
        let malformed = [
            note.replace("\n\n", "\n"),
            note.replace('\n', "\r\n"),
            note.replace("\n\n", "\n\u{0}\n\n"),
            note.replace("\n\n", "\n\t\n\n"),
            note.replace(&format!("\n{size}\n"), &format!("\n+{size}\n")),
            note.replace(&format!("\n{size}\n"), &format!("\n00{size}\n")),
            note.replace(&format!("\n{size}\n"), "\n18446744073709551616\n"),
            note.replace(&format!("\n{size}\n"), "\n\n"),
            note.replace(root, root.trim_end_matches('=')),
            note.replace(root, &root.replace('=', "")),
            note.replace(root, "AAAA"),
            note.replace(&format!("{origin}\n"), "\n"),
            note.replace("\n\n", "\n\n\n"),
            note.replace('\u{2014}', "-"),
            note.replace("\u{2014} ", "\u{2014}"),
            note.replace(base64, "AAAA"),
            note.replace(base64, "not base64"),
            note.trim_end().to_owned(),
            format!("{note}\n"),
            format!("{note}text after the signatures\n"),
            text.to_owned(),
            format!("{text}\n\n"),
            "\n".to_owned(),
        ];
        for note in malformed {
            assert_eq!(code_with_note(&case, &bundle, &note), Code::CheckpointMalformed, "{name} {note:?}");
        }
    }
}

/// K-TL-14: a line by the known key that does not verify refuses the note, wherever it stands and whatever else does.
#[test]
fn one_bad_line_of_the_log_refuses_the_checkpoint() {
    let mut case = Case::key();
    for (name, bundle) in bundles(&mut case) {
        let note = checkpoint(&case, name);
        let good = note.signatures[0].clone();
        let mut bad = good.clone();
        *bad.blob.last_mut().unwrap() ^= 1;
        let witness = Witness::new("witness.example", &Seed::new(9)).cosign(&note.text, case.sigstore.now);
        // A stranger whose key id collides by chance: only with the name is it the log's where names count.
        let collision = NoteSignature { name: "stranger.example".to_owned(), ..bad.clone() };
        let code = |signatures: &[&NoteSignature]| {
            let signatures = signatures.iter().map(|line| (*line).clone()).collect();
            code_with_note(&case, &bundle, &Note { signatures, ..note.clone() }.encode())
        };
        assert_eq!(code(&[&good, &witness]), Code::Accepted, "{name}");
        assert_eq!(code(&[&witness, &good, &good]), Code::Accepted, "{name}");
        assert_eq!(code(&[&bad, &good]), Code::CheckpointSignatureInvalid, "{name}");
        assert_eq!(code(&[&good, &bad]), Code::CheckpointSignatureInvalid, "{name}");
        assert_eq!(code(&[&witness]), Code::CheckpointSignatureInvalid, "{name}");
        let collided = if name == "v1" { Code::CheckpointSignatureInvalid } else { Code::Accepted };
        assert_eq!(code(&[&collision, &good]), collided, "{name}");
        let strangers = |count: usize| vec![&witness; count];
        assert_eq!(code(&[strangers(15), vec![&good]].concat()), Code::Accepted, "{name}");
        assert_eq!(code(&[strangers(63), vec![&good]].concat()), Code::Accepted, "{name}");
        assert_eq!(code(&[strangers(64), vec![&good]].concat()), Code::TooManyEntries, "{name}");
    }
}
