//! [`Tree`]: JSON that can be damaged: members may stand twice, numbers keep their digits.
//!
//! Members keep the order in which `serde_json` hands them out: that of the text where its feature `preserve_order` is on.

use super::Random;
use serde_json::Value;
use std::fmt::Write;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A number or a literal, as it is written.
    Raw(String),
    /// A text, unescaped.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// An object: names and values, doubled names and all.
    Object(Vec<(String, Tree)>),
}

/// The way to a value: at each step the place in a list, or among the members of an object.
pub type Path = Vec<usize>;

/// How a tree is written. Both change the bytes and nothing that they mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// White space between some tokens.
    pub spaced: bool,
    /// Escapes for some characters that need none.
    pub escaped: bool,
}

impl Tree {
    /// The tree of a JSON text; none where it is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self::of(serde_json::from_slice(bytes).ok()?))
    }

    fn of(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::of).collect()),
            Value::Object(members) => Self::Object(members.into_iter().map(|(key, value)| (key, Self::of(value))).collect()),
            other => Self::Raw(other.to_string()),
        }
    }

    /// The member of that name, where it is an object that has one.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The ways to everything in it for which `wanted` holds, the root left out.
    #[must_use]
    pub fn find(&self, wanted: impl Fn(&Self) -> bool) -> Vec<Path> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut |path, tree| {
            if !path.is_empty() && wanted(tree) {
                found.push(path.to_vec());
            }
        });
        found
    }

    fn walk(&self, path: &mut Path, visit: &mut impl FnMut(&[usize], &Self)) {
        visit(path, self);
        for (at, child) in self.children().enumerate() {
            path.push(at);
            child.walk(path, visit);
            path.pop();
        }
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::List(items) => Box::new(items.iter()),
            Self::Object(members) => Box::new(members.iter().map(|(_, value)| value)),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// What stands at the end of that way.
    #[must_use]
    pub fn get(&self, path: &[usize]) -> Option<&Self> {
        let Some((&first, rest)) = path.split_first() else { return Some(self) };
        match self {
            Self::List(items) => items.get(first)?.get(rest),
            Self::Object(members) => members.get(first)?.1.get(rest),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn at(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((&first, rest)) = path.split_first() else { return Some(self) };
        match self {
            Self::List(items) => items.get_mut(first)?.at(rest),
            Self::Object(members) => members.get_mut(first)?.1.at(rest),
            _ => None,
        }
    }

    /// What stands in this tree where `path` leads in `model`: by the members' names, not by their order.
    #[must_use]
    pub fn counterpart(&self, model: &Self, path: &[usize]) -> Option<&Self> {
        let Some((&first, rest)) = path.split_first() else { return Some(self) };
        match (self, model) {
            (Self::List(items), Self::List(others)) => items.get(first)?.counterpart(others.get(first)?, rest),
            (Self::Object(members), Self::Object(others)) => {
                let (name, other) = others.get(first)?;
                members.iter().find(|(key, _)| key == name)?.1.counterpart(other, rest)
            }
            _ => None,
        }
    }

    /// The JSON text, in that style.
    #[must_use]
    pub fn write(&self, style: &Style, random: &mut Random) -> String {
        let mut out = String::new();
        self.put(style, random, &mut out);
        out
    }

    fn put(&self, style: &Style, random: &mut Random, out: &mut String) {
        space(style, random, out);
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::Text(text) => put_text(text, style, random, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.put(style, random, out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    space(style, random, out);
                    put_text(key, style, random, out);
                    space(style, random, out);
                    out.push(':');
                    value.put(style, random, out);
                }
                space(style, random, out);
                out.push('}');
            }
        }
        space(style, random, out);
    }
}

fn space(style: &Style, random: &mut Random, out: &mut String) {
    if style.spaced && random.below(3) == 0 {
        out.push_str(random.choose::<&str>(&[" ", "\n", "\t", "\r\n", "  "]));
    }
}

fn put_text(text: &str, style: &Style, random: &mut Random, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        let needless = style.escaped && u32::from(character) < 0x10000 && random.below(16) == 0;
        match character {
            '/' if needless && random.below(2) == 0 => out.push_str("\\/"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            _ if needless || u32::from(character) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_says_what_was_read_in_every_style() {
        let text = br#"{"a":[1,"x/y\n\"z\""],"b":{"c":null,"d":12345678901234567890}}"#;
        let tree = Tree::parse(text).unwrap();
        for (spaced, escaped) in [(false, false), (true, false), (false, true), (true, true)] {
            let written = tree.write(&Style { spaced, escaped }, &mut Random::new(1, "test", 1));
            assert_eq!(Tree::parse(written.as_bytes()), Some(tree.clone()), "{written}");
        }
        assert_eq!(tree.find(|_| true).len(), 6);
    }

    #[test]
    fn a_counterpart_is_found_by_name() {
        // Names in alphabetical order, which is the order of members where the JSON library keeps no other.
        let model = Tree::parse(br#"{"b":[{"e":1}],"c":0}"#).unwrap();
        let other = Tree::parse(br#"{"a":0,"b":[{"d":0,"e":2}]}"#).unwrap();
        assert_eq!(other.counterpart(&model, &[0, 0, 0]), Some(&Tree::Raw("2".into())));
        assert_eq!(other.counterpart(&model, &[1]), None);
    }
}
