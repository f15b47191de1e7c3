//! [`OPERATORS`]: each makes one damaged or merely rewritten copy of a JSON document.

use super::der;
use super::{Path, Random, Style, Tree};
use veriseal::encoding::base64;

/// One way to change a document.
#[derive(Debug)]
pub struct Operator {
    /// Its name, as a sentence.
    pub name: &'static str,
    /// Whether the document must mean the same afterwards, so that no verifier's answer may change.
    pub harmless: bool,
    /// Changes it; none where there is nothing to change. The other documents are there to take from.
    pub apply: fn(&Tree, &[Tree], &mut Random) -> Option<String>,
}

const fn harmful(name: &'static str, apply: fn(&Tree, &[Tree], &mut Random) -> Option<String>) -> Operator {
    Operator { name, harmless: false, apply }
}

const fn harmless(name: &'static str, apply: fn(&Tree, &[Tree], &mut Random) -> Option<String>) -> Operator {
    Operator { name, harmless: true, apply }
}

/// Every operator.
pub const OPERATORS: &[Operator] = &[
    harmful("a_bit_in_base64_is_flipped", flip_bit),
    harmful("base64_is_cut_or_extended", change_length),
    harmful("base64_is_written_in_another_form", respell_base64),
    harmful("json_in_base64_is_changed", change_inner),
    harmful("text_is_edited", edit_text),
    harmful("a_field_is_taken_from_another_document", swap_field),
    harmful("a_list_element_is_taken_from_another_document", add_foreign_element),
    harmful("a_list_element_is_doubled", double_element),
    harmful("a_list_element_is_removed", remove_element),
    harmful("a_list_is_reordered", reorder_list),
    harmful("a_value_is_replaced", replace_value),
    harmful("an_integer_is_stepped", step_integer),
    harmful("an_integer_is_spelt_otherwise", respell_integer),
    harmful("a_known_word_is_exchanged", exchange_word),
    harmful("a_key_is_spelt_otherwise", respell_key),
    harmful("a_key_is_doubled", double_key),
    harmful("a_member_is_removed", remove_member),
    harmful("an_unknown_member_is_added", add_member),
    harmless("white_space_is_inserted", insert_space),
    harmless("characters_are_escaped", escape),
    harmless("members_are_reordered", reorder_members),
];

/// More of them, which reach inside of certificates and timestamps and put values where others belong.
pub const DEEP_OPERATORS: &[Operator] = &[
    harmful("der_in_base64_is_changed", change_der),
    harmful("a_field_is_taken_from_another_place", move_field),
    harmful("an_integer_is_stepped_by_a_year", step_by_a_year),
];

fn plain(tree: &Tree, random: &mut Random) -> Option<String> {
    Some(tree.write(&Style::default(), random))
}

/// Changes what stands at one of the places that fit.
fn change(
    tree: &Tree,
    random: &mut Random,
    wanted: impl Fn(&Tree) -> bool,
    with: impl FnOnce(&mut Tree, &mut Random) -> Option<()>,
) -> Option<String> {
    let mut tree = tree.clone();
    let path = random.pick(&tree.find(wanted))?.clone();
    with(tree.at(&path)?, random)?;
    plain(&tree, random)
}

/// What a text decodes to, where it is base64 of more than a word.
fn decoded(tree: &Tree) -> Option<Vec<u8>> {
    let Tree::Text(text) = tree else { return None };
    base64::decode(text).filter(|bytes| bytes.len() >= 16)
}

fn is_base64(tree: &Tree) -> bool {
    decoded(tree).is_some()
}

fn flip_bit(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(tree, random, is_base64, |place, random| {
        let mut bytes = decoded(place)?;
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        *place = Tree::Text(base64::encode(&bytes));
        Some(())
    })
}

fn change_length(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(tree, random, is_base64, |place, random| {
        let mut bytes = decoded(place)?;
        let by = 1 + random.below(3);
        match random.below(6) {
            0 => bytes.truncate(bytes.len() - by),
            1 => drop(bytes.drain(..by)),
            2 => bytes.extend((0..by).map(|_| random.byte())),
            3 => bytes.extend(vec![0; by]),
            4 => bytes.clear(),
            _ => bytes.insert(0, 0),
        }
        *place = Tree::Text(base64::encode(&bytes));
        Some(())
    })
}

fn respell_base64(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(tree, random, is_base64, |place, random| {
        let Tree::Text(text) = place else { return None };
        let old = text.clone();
        match random.below(7) {
            0 => *text = text.trim_end_matches('=').to_owned(),
            1 => *text = text.replace('+', "-").replace('/', "_"),
            2 => text.push('\n'),
            3 => text.insert(4 * random.below(text.len() / 4), '\n'),
            4 => text.push('='),
            5 => text.insert(0, ' '),
            // The bits that are left over in the last digit are not zero.
            _ => {
                let (body, padding) = text.split_at(text.trim_end_matches('=').len());
                let last = body.chars().next_back()?;
                let next = char::from(u8::try_from(last).ok()?.checked_add(1)?);
                if padding.is_empty() || !next.is_ascii_alphanumeric() {
                    return None;
                }
                *text = format!("{}{next}{padding}", &body[..body.len() - 1]);
            }
        }
        (*text != old).then_some(())
    })
}

fn change_der(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    let is_der = |tree: &Tree| decoded(tree).is_some_and(|bytes| der::is_one_value(&bytes));
    change(tree, random, is_der, |place, random| {
        let bytes = decoded(place)?;
        let changed = der::change(&bytes, random)?;
        (changed != bytes).then(|| *place = Tree::Text(base64::encode(&changed)))
    })
}

fn change_inner(tree: &Tree, others: &[Tree], random: &mut Random) -> Option<String> {
    let is_json = |tree: &Tree| decoded(tree).is_some_and(|bytes| bytes.first() == Some(&b'{') && Tree::parse(&bytes).is_some());
    change(tree, random, is_json, |place, random| {
        let inner = Tree::parse(&decoded(place)?)?;
        let operators =
            [flip_bit, replace_value, remove_member, double_key, insert_space, reorder_members, add_member, edit_text];
        let text = random.choose(&operators)(&inner, others, random)?;
        *place = Tree::Text(base64::encode(text.as_bytes()));
        Some(())
    })
}

fn edit_text(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    let editable = |tree: &Tree| matches!(tree, Tree::Text(text) if !text.is_empty() && !is_base64(tree));
    change(tree, random, editable, |place, random| {
        let Tree::Text(text) = place else { return None };
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let line = random.below(lines.len());
        match random.below(8) {
            0 => drop(lines.remove(line)),
            1 => lines.insert(line, lines[line]),
            2 => lines.insert(line, "\n"),
            3 => lines.rotate_left(line),
            4 => lines.push("\u{2014} elsewhere.example AAAAAAAA\n"),
            5 => lines.push(" "),
            6 => {
                let mut characters: Vec<char> = text.chars().collect();
                let at = random.below(characters.len());
                let old = characters[at];
                characters[at] = *random.choose(&['0', '1', 'A', 'z', '+', ' ', '\u{e9}']);
                if characters[at] == old {
                    return None;
                }
                *text = characters.into_iter().collect();
                return Some(());
            }
            _ => {
                *text = text.chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
                return Some(());
            }
        }
        let edited = lines.concat();
        if edited == *text {
            return None;
        }
        *text = edited;
        Some(())
    })
}

fn swap_field(tree: &Tree, others: &[Tree], random: &mut Random) -> Option<String> {
    let other = random.pick(others)?;
    let mut changed = tree.clone();
    let differs = |path: &Path| other.counterpart(tree, path).is_some_and(|there| tree.get(path) != Some(there));
    let places: Vec<Path> = tree.find(|_| true).into_iter().filter(differs).collect();
    let path = random.pick(&places)?;
    *changed.at(path)? = other.counterpart(tree, path)?.clone();
    plain(&changed, random)
}

/// A value of the same document stands where another one stood: a signature for a certificate, a key for a leaf.
fn move_field(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    let from = random.pick(&tree.find(|tree| matches!(tree, Tree::Text(_))))?.clone();
    let value = tree.get(&from)?.clone();
    change(
        tree,
        random,
        |place| matches!(place, Tree::Text(_)) && *place != value,
        |place, _| {
            *place = value.clone();
            Some(())
        },
    )
}

fn full_list(tree: &Tree) -> bool {
    matches!(tree, Tree::List(items) if !items.is_empty())
}

fn add_foreign_element(tree: &Tree, others: &[Tree], random: &mut Random) -> Option<String> {
    let mut changed = tree.clone();
    let lists = tree.find(|tree| matches!(tree, Tree::List(_)));
    let path = random.pick(&lists)?;
    let lists_elsewhere: Vec<&Vec<Tree>> = others
        .iter()
        .filter_map(|other| match other.counterpart(tree, path) {
            Some(Tree::List(items)) if !items.is_empty() => Some(items),
            _ => None,
        })
        .collect();
    let list = random.pick(&lists_elsewhere)?;
    let element = random.choose(list).clone();
    let Tree::List(items) = changed.at(path)? else { return None };
    let at = random.below(items.len() + 1);
    items.insert(at, element);
    plain(&changed, random)
}

fn double_element(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(tree, random, full_list, |place, random| {
        let Tree::List(items) = place else { return None };
        let element = random.choose(items).clone();
        let at = random.below(items.len() + 1);
        items.insert(at, element);
        Some(())
    })
}

fn remove_element(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(tree, random, full_list, |place, random| {
        let Tree::List(items) = place else { return None };
        let at = random.below(items.len());
        items.remove(at);
        Some(())
    })
}

fn reorder_list(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    let longer = |tree: &Tree| matches!(tree, Tree::List(items) if items.len() > 1);
    change(tree, random, longer, |place, random| {
        let Tree::List(items) = place else { return None };
        let by = 1 + random.below(items.len() - 1);
        items.rotate_left(by);
        Some(())
    })
}

fn replace_value(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(
        tree,
        random,
        |_| true,
        |place, random| {
            let raw = |text: &str| Tree::Raw(text.to_owned());
            let text = |text: &str| Tree::Text(text.to_owned());
            let value = match random.below(14) {
                0 => raw("null"),
                1 => Tree::Object(Vec::new()),
                2 => Tree::List(Vec::new()),
                3 => text(""),
                4 => raw("0"),
                5 => text("0"),
                6 => raw("-1"),
                7 => text("-1"),
                8 => raw("9223372036854775808"),
                9 => text("9223372036854775808"),
                10 => text("9223372036854775807"),
                11 => raw("true"),
                12 => raw("1.5"),
                // The value as the only element of a list.
                _ => Tree::List(vec![place.clone()]),
            };
            if *place == value {
                return None;
            }
            *place = value;
            Some(())
        },
    )
}

fn integer(tree: &Tree) -> Option<i64> {
    match tree {
        Tree::Raw(text) | Tree::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn step_integer(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(
        tree,
        random,
        |tree| integer(tree).is_some(),
        |place, random| {
            let stepped = integer(place)?.checked_add(*random.choose(&[1, -1, 1 << 32, 86_400]))?.to_string();
            *place = if matches!(place, Tree::Text(_)) { Tree::Text(stepped) } else { Tree::Raw(stepped) };
            Some(())
        },
    )
}

fn step_by_a_year(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(
        tree,
        random,
        |tree| integer(tree).is_some(),
        |place, random| {
            let stepped = integer(place)?.checked_add(*random.choose(&[31_536_000, -31_536_000]))?.to_string();
            *place = if matches!(place, Tree::Text(_)) { Tree::Text(stepped) } else { Tree::Raw(stepped) };
            Some(())
        },
    )
}

fn respell_integer(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change(
        tree,
        random,
        |tree| integer(tree).is_some(),
        |place, random| {
            let number = integer(place)?;
            *place = match random.below(6) {
                0 => Tree::Raw(number.to_string()),
                1 => Tree::Text(format!("0{number}")),
                2 => Tree::Text(format!("+{number}")),
                3 => Tree::Text(format!(" {number}")),
                4 => Tree::Raw(format!("{number}.0")),
                _ => Tree::Text(format!("{number}e0")),
            };
            Some(())
        },
    )
}

/// Words that mean something in the place of the others of their row.
const WORDS: &[&[&str]] = &[
    &[
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dev.sigstore.bundle.v0.4+json",
    ],
    &["hashedrekord", "dsse", "intoto", "rekord"],
    &["0.0.1", "0.0.2", "0.0.3"],
    &["SHA2_256", "SHA2_384", "SHA2_512", "SHA3_256", "HASH_ALGORITHM_UNSPECIFIED"],
    &["application/vnd.in-toto+json", "application/vnd.dsse.envelope.v1+json", "application/json", "text/plain"],
];

fn exchange_word(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    let row = |tree: &Tree| match tree {
        Tree::Text(text) => WORDS.iter().find(|row| row.contains(&text.as_str())),
        _ => None,
    };
    change(
        tree,
        random,
        |tree| row(tree).is_some(),
        |place, random| {
            let word = Tree::Text((*random.choose(row(place)?)).to_owned());
            if *place == word {
                return None;
            }
            *place = word;
            Some(())
        },
    )
}

fn full_object(tree: &Tree) -> bool {
    matches!(tree, Tree::Object(members) if !members.is_empty())
}

/// Changes the members of one object, the outermost as likely as any other.
fn change_members(
    tree: &Tree,
    random: &mut Random,
    with: impl FnOnce(&mut Vec<(String, Tree)>, &mut Random) -> Option<()>,
) -> Option<String> {
    let mut tree = tree.clone();
    let mut places = tree.find(full_object);
    places.push(Path::new());
    let path = random.choose(&places).clone();
    let Tree::Object(members) = tree.at(&path)? else { return None };
    with(members, random)?;
    plain(&tree, random)
}

fn respell_key(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change_members(tree, random, |members, random| {
        let at = random.below(members.len());
        let key = &mut members[at].0;
        let respelt = match random.below(5) {
            0 => key.to_lowercase(),
            1 => key.to_uppercase(),
            // The name in the protobuf file, which ProtoJSON parsers take as well.
            2 => key.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect(),
            3 => format!("{key} "),
            _ => key[..1].to_uppercase() + &key[1..],
        };
        if respelt == *key {
            return None;
        }
        *key = respelt;
        Some(())
    })
}

fn double_key(tree: &Tree, others: &[Tree], random: &mut Random) -> Option<String> {
    let foreign = random.pick(others).cloned();
    change_members(tree, random, |members, random| {
        let at = random.below(members.len());
        let mut member = members[at].clone();
        match (random.below(4), foreign) {
            (0, _) => {}
            (1, _) => member.1 = Tree::Raw("null".to_owned()),
            (2, Some(Tree::Object(others))) => member.1 = others.iter().find(|(key, _)| *key == member.0)?.1.clone(),
            _ => member.1 = Tree::Text(String::new()),
        }
        let to = random.below(members.len() + 1);
        members.insert(to, member);
        Some(())
    })
}

fn remove_member(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change_members(tree, random, |members, random| {
        let at = random.below(members.len());
        (at < members.len()).then(|| drop(members.remove(at)))
    })
}

fn add_member(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    let names = ["extra", "", "certificate", "publicKey", "x509CertificateChain", "messageSignature", "dsseEnvelope", "hint"];
    change_members(tree, random, |members, random| {
        let name = (*random.choose(&names)).to_owned();
        if members.iter().any(|(key, _)| *key == name) {
            return None;
        }
        let value = match random.below(3) {
            0 => Tree::Raw("null".to_owned()),
            1 => Tree::Object(Vec::new()),
            _ => Tree::Text("x".to_owned()),
        };
        members.push((name, value));
        Some(())
    })
}

fn insert_space(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    Some(tree.write(&Style { spaced: true, escaped: false }, random))
}

fn escape(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    Some(tree.write(&Style { spaced: false, escaped: true }, random))
}

fn reorder_members(tree: &Tree, _: &[Tree], random: &mut Random) -> Option<String> {
    change_members(tree, random, |members, random| {
        let by = 1 + random.below(members.len().checked_sub(1).filter(|others| *others > 0)?);
        members.rotate_left(by);
        Some(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &[u8] =
        br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","list":[{"logIndex":"1"},{"logIndex":"2"}],
        "der":"MBgwDAIBAQIBAgIBAwQBAAQIAAECAwQFBgc=","body":"eyJraW5kIjoiZHNzZSIsIm90aGVyIjoxfQ==","note":"one\ntwo\n"}"#;

    #[test]
    fn every_operator_finds_something_to_change_and_is_the_same_each_time() {
        let tree = Tree::parse(BUNDLE).unwrap();
        let others = [Tree::parse(&String::from_utf8_lossy(BUNDLE).replace("two", "2").into_bytes()).unwrap()];
        for operator in OPERATORS.iter().chain(DEEP_OPERATORS) {
            let made = |number| (operator.apply)(&tree, &others, &mut Random::new(1, operator.name, number));
            let changed = (0..50).filter_map(made).filter(|text| Some(text) != plain(&tree, &mut Random::new(1, "", 0)).as_ref());
            assert!(changed.count() > 10, "{}", operator.name);
            assert_eq!(made(7), made(7));
        }
    }

    #[test]
    fn a_harmless_operator_leaves_what_a_parser_reads() {
        let sorted = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        for operator in OPERATORS.iter().filter(|operator| operator.harmless) {
            for number in 0..50 {
                let made = (operator.apply)(&Tree::parse(BUNDLE).unwrap(), &[], &mut Random::new(1, operator.name, number));
                if let Some(made) = made {
                    assert_eq!(sorted(made.as_bytes()), sorted(BUNDLE));
                }
            }
        }
    }
}
