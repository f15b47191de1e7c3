//! The splice matrix: each part of one bundle put into each other bundle, at the same place.

use crate::base::{Base, Outcome};
use crate::bases;
use crate::equivalent;
use std::collections::BTreeMap;
use veriseal_testkit::mutation::{Path, Random, Style, Tree};

/// The parts: ends of paths. Where a bundle has no such part it takes the other's as an additional one.
const PARTS: &[&str] = &[
    "mediaType",
    "verificationMaterial",
    "verificationMaterial/certificate",
    "verificationMaterial/publicKey",
    "verificationMaterial/x509CertificateChain",
    "verificationMaterial/timestampVerificationData",
    "verificationMaterial/tlogEntries",
    "verificationMaterial/tlogEntries/0/logIndex",
    "verificationMaterial/tlogEntries/0/logId",
    "verificationMaterial/tlogEntries/0/kindVersion",
    "verificationMaterial/tlogEntries/0/integratedTime",
    "verificationMaterial/tlogEntries/0/inclusionPromise",
    "verificationMaterial/tlogEntries/0/inclusionProof",
    "verificationMaterial/tlogEntries/0/inclusionProof/logIndex",
    "verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
    "verificationMaterial/tlogEntries/0/inclusionProof/treeSize",
    "verificationMaterial/tlogEntries/0/inclusionProof/hashes",
    "verificationMaterial/tlogEntries/0/inclusionProof/checkpoint",
    "verificationMaterial/tlogEntries/0/canonicalizedBody",
    "messageSignature",
    "messageSignature/messageDigest",
    "messageSignature/signature",
    "dsseEnvelope",
    "dsseEnvelope/payload",
    "dsseEnvelope/payloadType",
    "dsseEnvelope/signatures",
];

/// What the matrix found.
pub(crate) struct Matrix {
    pub(crate) bundles: usize,
    pub(crate) tried: u64,
    pub(crate) refused: u64,
    pub(crate) equivalent: BTreeMap<&'static str, u64>,
    pub(crate) accepted: Vec<String>,
}

impl Matrix {
    /// Each part of each bundle in each other, judged as the one, and as the other that the part came from.
    pub(crate) fn fill() -> Result<Self, String> {
        let all: Vec<Base> = bases::kinds()?.into_iter().filter(|base| base.facts.is_some()).collect();
        let mut matrix = Self { bundles: all.len(), tried: 0, refused: 0, equivalent: BTreeMap::new(), accepted: Vec::new() };
        for (to, host) in all.iter().enumerate() {
            for (from, donor) in all.iter().enumerate() {
                for part in PARTS.iter().filter(|_| to != from) {
                    let Some(spliced) = splice(&host.tree, &donor.tree, part) else { continue };
                    let text = spliced.write(&Style::default(), &mut Random::new(0, "", 0));
                    matrix.judge(&all, host, &format!("{part} of {} in {}", donor.name, host.name), &text);
                    matrix.judge(&all, donor, &format!("{part} of {} in {}, as the former", donor.name, host.name), &text);
                }
            }
        }
        Ok(matrix)
    }

    fn judge(&mut self, all: &[Base], judge: &Base, what: &str, text: &str) {
        self.tried += 1;
        let facts = match judge.judge(text.as_bytes()) {
            Outcome::Refused(_) => return self.refused += 1,
            Outcome::Accepted(facts) => facts,
            Outcome::Panicked | Outcome::Nothing => return self.accepted.push(format!("PANICKED {what}")),
        };
        match equivalent::judge(all, judge, &facts, text.as_bytes()) {
            Ok(reason) => *self.equivalent.entry(reason).or_default() += 1,
            Err(why) => self.accepted.push(format!("{what}: {why}")),
        }
    }

    pub(crate) fn print(&self) {
        for (reason, count) in &self.equivalent {
            println!("{count:>6}  {reason}");
        }
        self.accepted.iter().take(20).for_each(|line| println!("ACCEPTED {line}"));
    }
}

/// The host with that part of the donor; none where the donor has no such part, or the same one.
fn splice(host: &Tree, donor: &Tree, part: &str) -> Option<Tree> {
    let value = named(donor, part)?;
    if named(host, part) == Some(value) {
        return None;
    }
    let (parent, name) = part.rsplit_once('/').unwrap_or(("", part));
    let mut spliced = host.clone();
    let mut path = Path::new();
    for step in parent.split('/').filter(|step| !step.is_empty()) {
        let at = match spliced.get(&path)? {
            Tree::Object(members) => members.iter().position(|(key, _)| key == step)?,
            Tree::List(_) => step.parse().ok()?,
            _ => return None,
        };
        path.push(at);
    }
    let Tree::Object(members) = spliced.at(&path)? else { return None };
    match members.iter_mut().find(|(key, _)| key == name) {
        Some((_, there)) => *there = value.clone(),
        None => members.push((name.to_owned(), value.clone())),
    }
    Some(spliced)
}

fn named<'a>(tree: &'a Tree, part: &str) -> Option<&'a Tree> {
    part.split('/').try_fold(tree, |tree, step| match tree {
        Tree::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => tree.member(step),
    })
}
