//! Which differences are known, and why they are no mistake of veriseal's.
//!
//! A known cause is not told by sigstore-verify's words alone, which would hide whatever else fails with the same words.
//! Where the cause can be taken away it is, and what is left must be accepted: a log entry or timestamp that does not count
//! is removed, a hint is written out, a name that sigstore-verify cannot read is not asked for. Only formats that it does
//! not know have nothing to be held against.

use crate::case::{Answer, Case};
use crate::random::Random;
use crate::tree::{Style, Tree};
use veriseal::encoding::base64;

const SURPLUS_ENTRY: &str = "a log entry that does not count stands beside one that does";
const SURPLUS_TIMESTAMP: &str = "a timestamp that does not count stands beside an authenticated time";
const HINT: &str = "Rekor v2: root or size is said by the checkpoint alone";
const OTHER_NAME: &str = "the identity is an otherName";

/// Formats that sigstore-verify 0.15 does not know: its words, and what they mean.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("SHA-256 hash must be 32 bytes, got 48", "unknown to it: SHA-384 in hashedrekord 0.0.1"),
    ("SHA-256 hash must be 32 bytes, got 64", "unknown to it: SHA-512 in hashedrekord 0.0.1"),
    ("expected `PKIX_ECDSA_P256_SHA_256`", "unknown to it: keys other than P-256 in hashedrekord 0.0.2"),
    ("unsupported or invalid EC curve parameters", "unknown to it: P-521"),
];

/// Why sigstore-verify refuses what veriseal accepts. Whatever has no cause is a failure.
pub fn explain(case: &Case, bundle: &[u8], theirs: &Answer) -> Option<&'static str> {
    let Answer::Rejected(words) = theirs else { return None };
    if let Some(cause) = unsupported(words, bundle) {
        return Some(cause);
    }
    let tree = Tree::parse(bundle)?;
    // The causes may stand together: with each one's remedy what is left is asked for, without it too.
    let filled = fill_hints(&tree);
    let mut candidates = vec![(None, tree.clone())];
    candidates.extend(filled.map(|tree| (Some(HINT), tree)));
    let mut smaller = Vec::new();
    for (cause, tree) in &candidates {
        smaller.extend(without(tree, &["verificationMaterial", "tlogEntries"]).map(|tree| (cause.or(Some(SURPLUS_ENTRY)), tree)));
        let timestamps = &["verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"];
        smaller.extend(without(tree, timestamps).map(|tree| (cause.or(Some(SURPLUS_TIMESTAMP)), tree)));
    }
    candidates.extend(smaller);
    for (cause, tree) in candidates {
        let text = tree.write(&Style::default(), &mut Random::new(0, "unused", 0));
        let mut cause = cause;
        let mut answer = case.ask_sigstore_verify(text.as_bytes());
        if matches!(&answer, Answer::Rejected(words) if words.starts_with("identity mismatch: ") && words.ends_with(", got none"))
        {
            cause = cause.or(Some(OTHER_NAME));
            answer = case.ask_sigstore_verify_about_anybody(text.as_bytes());
        }
        match (answer, cause) {
            (Answer::Accepted, Some(cause)) => return Some(cause),
            (Answer::Rejected(words), Some(_)) => {
                if let Some(cause) = unsupported(&words, text.as_bytes()) {
                    return Some(cause);
                }
            }
            _ => {}
        }
    }
    None
}

fn unsupported(words: &str, bundle: &[u8]) -> Option<&'static str> {
    if let Some((_, cause)) = UNSUPPORTED.iter().find(|(part, _)| words.contains(part)) {
        return Some(cause);
    }
    // A log holds a hash of the artifact, so Ed25519 there is Ed25519ph, over SHA-512.
    let prehashed = || {
        let bundle: serde_json::Value = serde_json::from_slice(bundle).ok()?;
        Some(bundle["messageSignature"]["messageDigest"]["algorithm"] == "SHA2_512")
    };
    (words.contains("ED25519 signature invalid") && prehashed()?).then_some("unknown to it: Ed25519ph, taken for pure Ed25519")
}

fn member<'a>(tree: &'a Tree, name: &str) -> Option<&'a Tree> {
    let Tree::Object(members) = tree else { return None };
    Some(&members.iter().find(|(key, _)| key == name)?.1)
}

fn member_mut<'a>(tree: &'a mut Tree, name: &str) -> Option<&'a mut Tree> {
    let Tree::Object(members) = tree else { return None };
    Some(&mut members.iter_mut().find(|(key, _)| key == name)?.1)
}

fn list_mut<'a>(tree: &'a mut Tree, path: &[&str]) -> Option<&'a mut Vec<Tree>> {
    match path.iter().try_fold(tree, |tree, name| member_mut(tree, name))? {
        Tree::List(items) => Some(items),
        _ => None,
    }
}

/// The tree without the first, the second … element of a list.
fn without<'a>(tree: &'a Tree, path: &'a [&'a str]) -> impl Iterator<Item = Tree> + 'a {
    let length = list_mut(&mut tree.clone(), path).map_or(0, |items| items.len());
    (0..length).filter_map(move |at| {
        let mut tree = tree.clone();
        list_mut(&mut tree, path)?.remove(at);
        Some(tree)
    })
}

/// Writes root and size of Rekor v2's checkpoints beside them, where they are left out; none where they are not.
fn fill_hints(tree: &Tree) -> Option<Tree> {
    let mut tree = tree.clone();
    let mut filled = false;
    for entry in list_mut(&mut tree, &["verificationMaterial", "tlogEntries"])? {
        let Some(proof) = member_mut(entry, "inclusionProof") else { continue };
        let Some(Tree::Text(note)) = member(proof, "checkpoint").and_then(|checkpoint| member(checkpoint, "envelope")) else {
            continue;
        };
        let mut lines = note.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else { continue };
        if origin.contains(" - ") || base64::decode(root).is_none() {
            continue;
        }
        for (name, said) in [("treeSize", size.to_owned()), ("rootHash", root.to_owned())] {
            let left_out = match member(proof, name) {
                None => true,
                Some(Tree::Raw(text)) => text == "null" || text == "0",
                Some(Tree::Text(text)) => text.is_empty() || text == "0",
                Some(_) => false,
            };
            if let (true, Tree::Object(members)) = (left_out, &mut *proof) {
                members.retain(|(key, _)| key != name);
                members.push((name.to_owned(), Tree::Text(said)));
                filled = true;
            }
        }
    }
    filled.then_some(tree)
}
