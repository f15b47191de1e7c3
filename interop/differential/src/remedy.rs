//! What takes the cause of a difference away.

use crate::case::Case;
use veriseal::encoding::base64;
use veriseal_testkit::mutation::Tree;

/// A cause, and the bundles without it: none where it is not there.
pub struct Remedy {
    pub cause: &'static str,
    pub apply: fn(&Case, &Tree) -> Vec<Tree>,
}

pub const REMEDIES: &[Remedy] = &[
    Remedy { cause: "a log entry that does not count stands beside one that does", apply: |_, tree| without(tree, ENTRIES) },
    Remedy {
        cause: "a timestamp that does not count stands beside an authenticated time",
        apply: |_, tree| without(tree, STAMPS),
    },
    Remedy { cause: "Rekor v2: root or size is said by the checkpoint alone", apply: |_, tree| fill_hints(tree) },
    Remedy { cause: "null stands for what is left out, as ProtoJSON has it", apply: |_, tree| without_nulls(tree) },
    Remedy { cause: "messageDigest is right with another algorithm than the signature's", apply: |_, tree| without_digest(tree) },
    Remedy { cause: "a certificate inside a timestamp cannot be read and is not needed", apply: restore_certificates },
];

const ENTRIES: &[&str] = &["verificationMaterial", "tlogEntries"];
const STAMPS: &[&str] = &["verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"];

fn member<'a>(tree: &'a mut Tree, name: &str) -> Option<&'a mut Tree> {
    let Tree::Object(members) = tree else { return None };
    Some(&mut members.iter_mut().find(|(key, _)| key == name)?.1)
}

fn list<'a>(tree: &'a mut Tree, path: &[&str]) -> Option<&'a mut Vec<Tree>> {
    match path.iter().try_fold(tree, |tree, name| member(tree, name))? {
        Tree::List(items) => Some(items),
        _ => None,
    }
}

/// Each without one element of a list.
fn without(tree: &Tree, path: &[&str]) -> Vec<Tree> {
    let length = list(&mut tree.clone(), path).map_or(0, |items| items.len());
    let less = |at| {
        let mut tree = tree.clone();
        list(&mut tree, path)?.remove(at);
        Some(tree)
    };
    (0..length).filter_map(less).collect()
}

/// Root and size of Rekor v2's checkpoints beside them, where they are left out.
fn fill_hints(tree: &Tree) -> Vec<Tree> {
    let mut changed = tree.clone();
    for entry in list(&mut changed, ENTRIES).into_iter().flatten() {
        fill_hint(entry);
    }
    if changed == *tree { Vec::new() } else { vec![changed] }
}

fn fill_hint(entry: &mut Tree) -> Option<()> {
    let proof = member(entry, "inclusionProof")?;
    let Tree::Text(note) = member(member(proof, "checkpoint")?, "envelope")? else { return None };
    let mut lines = note.lines().map(str::to_owned);
    let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    // Rekor v1's origins end in the tree's id; there both are required.
    if origin.contains(" - ") || base64::decode(&root).is_none() {
        return None;
    }
    for (name, said) in [("treeSize", size), ("rootHash", root)] {
        let left_out = match member(proof, name) {
            None => true,
            Some(Tree::Raw(text)) => text == "null" || text == "0",
            Some(Tree::Text(text)) => text.is_empty() || text == "0",
            Some(_) => false,
        };
        if let (true, Tree::Object(members)) = (left_out, &mut *proof) {
            members.retain(|(key, _)| key != name);
            members.push((name.to_owned(), Tree::Text(said)));
        }
    }
    Some(())
}

fn without_nulls(tree: &Tree) -> Vec<Tree> {
    fn strip(tree: &mut Tree) {
        match tree {
            Tree::List(items) => items.iter_mut().for_each(strip),
            Tree::Object(members) => {
                // No audit path is an empty one.
                for (_, value) in members.iter_mut().filter(|(key, _)| key == "hashes") {
                    if *value == Tree::Raw("null".to_owned()) {
                        *value = Tree::List(Vec::new());
                    }
                }
                members.retain(|(_, value)| *value != Tree::Raw("null".to_owned()));
                members.iter_mut().for_each(|(_, value)| strip(value));
            }
            _ => {}
        }
    }
    let mut changed = tree.clone();
    strip(&mut changed);
    if changed == *tree { Vec::new() } else { vec![changed] }
}

/// veriseal holds messageDigest against the artifact; sigstore-verify takes from it, too, what was signed.
fn without_digest(tree: &Tree) -> Vec<Tree> {
    let mut changed = tree.clone();
    if let Some(Tree::Object(members)) = member(&mut changed, "messageSignature") {
        members.retain(|(key, _)| key != "messageDigest");
    }
    if changed == *tree { Vec::new() } else { vec![changed] }
}

/// The case's own timestamps, where only certificates inside them were changed: nothing signs these, and the trusted root
/// holds the authority's.
fn restore_certificates(case: &Case, tree: &Tree) -> Vec<Tree> {
    let mut changed = tree.clone();
    let mut original = case.tree.clone();
    let originals = original.as_mut().and_then(|tree| list(tree, STAMPS)).cloned().unwrap_or_default();
    for (stamp, original) in list(&mut changed, STAMPS).into_iter().flatten().zip(originals) {
        if same_but_for_certificates(stamp, &original).unwrap_or(false) {
            *stamp = original;
        }
    }
    if changed == *tree { Vec::new() } else { vec![changed] }
}

fn same_but_for_certificates(one: &Tree, other: &Tree) -> Option<bool> {
    let token = |tree: &Tree| match member(&mut tree.clone(), "signedTimestamp")? {
        Tree::Text(text) => base64::decode(text),
        _ => None,
    };
    let (one, other) = (token(one)?, token(other)?);
    let (from, to) = certificates(&other)?;
    Some(one.len() == other.len() && one[..from] == other[..from] && one[to..] == other[to..])
}

/// Where `certificates` lie in a TimeStampResp (RFC 3161 §2.4.2, RFC 5652 §5.1).
fn certificates(response: &[u8]) -> Option<(usize, usize)> {
    let (content, _) = element(response, 0)?;
    let (_, after_status) = element(response, content)?;
    let (content, _) = element(response, after_status)?;
    let (_, after_type) = element(response, content)?;
    let (content, _) = element(response, after_type)?;
    let (mut at, end) = element(response, content)?;
    while at < end {
        let (content, next) = element(response, at)?;
        if response[at] == 0xa0 {
            return Some((content, next));
        }
        at = next;
    }
    None
}

/// Where the content of the DER element at a place begins, and where it ends.
fn element(der: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = usize::from(*der.get(at + 1)?);
    let (length, content) = match first {
        0..=0x7f => (first, at + 2),
        0x81..=0x84 => {
            let digits = der.get(at + 2..at + 2 + first - 0x80)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), at + 2 + digits.len())
        }
        _ => return None,
    };
    let end = content.checked_add(length)?;
    (end <= der.len()).then_some((content, end))
}
