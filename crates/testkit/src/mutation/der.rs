//! Damage to DER (X.690) that keeps the lengths around it right, so that it reaches what reads the inside.

use super::Random;
use crate::der::{length, tlv};

/// How deep values are taken apart; certificates and timestamp tokens stay below it.
const DEPTH: usize = 24;

/// A value: what it holds, taken apart where it is constructed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    tag: u8,
    inside: Inside,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    Bytes(Vec<u8>),
    Parts(Vec<Node>),
    /// Encoded as it stands here, tag and length included: what DER does not know.
    Raw(Vec<u8>),
}

/// Whether the bytes are one constructed value and nothing after it.
#[must_use]
pub fn is_one_value(bytes: &[u8]) -> bool {
    matches!(parse(bytes, 0).as_deref(), Some([Node { inside: Inside::Parts(_), .. }]))
}

/// The bytes with one value inside them damaged; none where they are no DER or nothing was found to change.
#[must_use]
pub fn change(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut nodes = parse(bytes, 0)?;
    let places: usize = nodes.iter().map(count).sum();
    let mut place = random.below(places);
    let node = nodes.iter_mut().find_map(|node| nth(node, &mut place))?;
    damage(node, random)?;
    Some(encode(&nodes))
}

fn damage(node: &mut Node, random: &mut Random) -> Option<()> {
    let encoded = encode(std::slice::from_ref(node));
    let contents = contents(node);
    match (random.below(9), &mut node.inside) {
        (0, _) => node.tag ^= 1 << random.below(8),
        // The same length in more octets than it needs, and without a stated length.
        (1, _) => {
            let mut long = vec![node.tag, 0x84];
            long.extend(u32::try_from(contents.len()).ok()?.to_be_bytes());
            long.extend(contents);
            node.inside = Inside::Raw(long);
        }
        (2, Inside::Parts(_)) => {
            let mut endless = vec![node.tag, 0x80];
            endless.extend(contents);
            endless.extend([0, 0]);
            node.inside = Inside::Raw(endless);
        }
        (3, Inside::Parts(parts)) if parts.len() > 1 => {
            let by = 1 + random.below(parts.len() - 1);
            parts.rotate_left(by);
        }
        (4, Inside::Parts(parts)) if !parts.is_empty() => drop(parts.remove(random.below(parts.len()))),
        (5, Inside::Parts(parts)) if !parts.is_empty() => {
            let part = random.choose(parts).clone();
            let at = random.below(parts.len() + 1);
            parts.insert(at, part);
        }
        (6, Inside::Bytes(bytes)) if !bytes.is_empty() => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        (7, Inside::Bytes(bytes)) => match random.below(3) {
            0 => bytes.push(random.byte()),
            1 => bytes.insert(0, 0),
            _ => drop(bytes.pop()?),
        },
        // Something after the value that its parent does not expect.
        (8, _) => {
            let mut followed = encoded;
            followed.extend(tlv(0x05, &[]));
            node.inside = Inside::Raw(followed);
        }
        _ => return None,
    }
    Some(())
}

fn parse(mut bytes: &[u8], depth: usize) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while !bytes.is_empty() {
        let (&tag, rest) = bytes.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (size, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (octets.iter().fold(0, |size, octet| size << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(size)?;
        let parts = if tag & 0x20 != 0 && depth < DEPTH { parse(contents, depth + 1) } else { None };
        nodes.push(Node { tag, inside: parts.map_or_else(|| Inside::Bytes(contents.to_vec()), Inside::Parts) });
        bytes = rest;
    }
    Some(nodes)
}

fn count(node: &Node) -> usize {
    1 + if let Inside::Parts(parts) = &node.inside { parts.iter().map(count).sum() } else { 0 }
}

fn nth<'a>(node: &'a mut Node, place: &mut usize) -> Option<&'a mut Node> {
    if *place == 0 {
        return Some(node);
    }
    *place -= 1;
    match &mut node.inside {
        Inside::Parts(parts) => parts.iter_mut().find_map(|part| nth(part, place)),
        _ => None,
    }
}

fn contents(node: &Node) -> Vec<u8> {
    match &node.inside {
        Inside::Bytes(bytes) | Inside::Raw(bytes) => bytes.clone(),
        Inside::Parts(parts) => encode(parts),
    }
}

fn encode(nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::new();
    for node in nodes {
        let contents = contents(node);
        if !matches!(node.inside, Inside::Raw(_)) {
            out.push(node.tag);
            out.extend(length(contents.len()));
        }
        out.extend(contents);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::sequence;

    #[test]
    fn what_is_taken_apart_is_put_together_as_it_was() {
        let value = sequence(&[&tlv(0x02, &[1]), &sequence(&[&tlv(0x04, &[7; 300])]), &tlv(0x0c, b"text")]);
        assert_eq!(encode(&parse(&value, 0).unwrap()), value);
        assert!(is_one_value(&value));
        assert!(!is_one_value(&[&value[..], &value[..]].concat()) && !is_one_value(&value[1..]) && !is_one_value(b"{}"));
    }

    #[test]
    fn damage_is_the_same_each_time_and_of_every_kind() {
        let value = sequence(&[&tlv(0x02, &[1]), &sequence(&[&tlv(0x04, &[7; 300]), &tlv(0x02, &[9])])]);
        let made = |number| change(&value, &mut Random::new(1, "der", number));
        assert_eq!(made(3), made(3));
        let all: std::collections::BTreeSet<Vec<u8>> = (0..400).filter_map(made).collect();
        assert!(all.len() > 40 && !all.contains(&value), "{}", all.len());
        assert!(all.iter().any(|bytes| bytes.ends_with(&[5, 0])));
        assert!(all.iter().any(|bytes| bytes.starts_with(&[0x30, 0x80])));
    }
}
