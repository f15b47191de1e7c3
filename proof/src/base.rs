//! [`Base`]: a document, who judges it, and what may come of it.

use crate::facts::Facts;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use veriseal::encoding::base64;
use veriseal::gather::Evidence;
use veriseal::{Artifact, Code, Digest, Limits, NotAccepted, Reference, UnixTime, Verifier};
use veriseal_policy::{Format, PolicyFile};
use veriseal_testkit::mutation::{Random, Style, Tree};
use veriseal_testkit::simple_signing::Layer;
use veriseal_testkit::{Image, Store};

/// A document to damage.
pub(crate) struct Base {
    pub(crate) name: String,
    pub(crate) tree: Tree,
    pub(crate) judge: Judge,
    pub(crate) now: UnixTime,
    /// What the document itself is accepted for; none where it, and every mutant of it, must be refused.
    pub(crate) facts: Option<Facts>,
}

/// Who judges the document.
pub(crate) enum Judge {
    /// It is a bundle about a blob.
    Bundle { verifier: Arc<Verifier>, artifact: Vec<u8> },
    /// It is a layer of cosign's tags (`layer_tree`), attached to an image.
    Layer { verifier: Arc<Verifier>, store: Store, image: Image, suffix: &'static str },
    /// It is saved evidence with its blobs (`evidence_tree`).
    Evidence { verifier: Arc<Verifier>, reference: Reference },
    /// It is a policy, under which an image is asked about that it does not let in.
    Policy { store: Store, reference: Reference, trusted_root: Vec<u8> },
}

/// What became of a document.
pub(crate) enum Outcome {
    Accepted(Facts),
    Refused(Code),
    Panicked,
    /// The document around the parts cannot be taken apart any more, so veriseal was not asked.
    Nothing,
}

impl Base {
    pub(crate) fn new(name: &str, tree: Tree, judge: Judge, now: UnixTime, good: bool) -> Result<Self, String> {
        let mut base = Self { name: name.to_owned(), tree, judge, now, facts: None };
        let text = base.tree.write(&Style::default(), &mut Random::new(0, "", 0));
        match (base.judge(text.as_bytes()), good) {
            (Outcome::Accepted(facts), true) => base.facts = Some(facts),
            (Outcome::Refused(_), false) => {}
            (Outcome::Refused(code), true) => return Err(format!("{name} is refused with {}", code.name())),
            (Outcome::Accepted(_), false) => return Err(format!("{name} is accepted")),
            (Outcome::Panicked | Outcome::Nothing, _) => return Err(format!("{name} panics")),
        }
        Ok(base)
    }

    pub(crate) fn judge(&self, document: &[u8]) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| self.judged(document))).unwrap_or(Outcome::Panicked)
    }

    fn judged(&self, document: &[u8]) -> Outcome {
        match &self.judge {
            Judge::Bundle { verifier, artifact } => {
                let outcome = verifier.verify_blob(&Artifact::bytes(artifact), document, self.now);
                told(outcome.map(|accepted| Facts::of(accepted.signatures())))
            }
            Judge::Layer { verifier, store, image, suffix } => {
                let Some(layer) = layer(document) else { return Outcome::Nothing };
                let mut store = store.clone();
                store.attach_layers(&image.digest, suffix, &[layer]);
                let reference = pinned(image);
                told(verifier.verify(&reference, &store, self.now).map(|accepted| Facts::of(accepted.signatures())))
            }
            Judge::Evidence { verifier, reference } => {
                let Some(tree) = Tree::parse(document) else { return Outcome::Nothing };
                let member = |name: &str| tree.member(name);
                let (Some(saved), blobs) = (member("document"), member("blobs")) else {
                    return Outcome::Nothing;
                };
                let mut blob = |digest: &Digest| match blobs?.member(&digest.to_string())? {
                    Tree::Text(text) => base64::decode(text),
                    _ => None,
                };
                let saved = saved.write(&Style::default(), &mut Random::new(0, "", 0));
                let evidence = match Evidence::load(saved.as_bytes(), &mut blob, &Limits::DEFAULT) {
                    Ok(evidence) => evidence,
                    Err(failure) => return Outcome::Refused(failure.code()),
                };
                let Some(digest) = reference.digest() else { return Outcome::Nothing };
                let outcome = verifier.judge(reference.repository(), digest, &evidence, self.now);
                told(outcome.map(|accepted| Facts::of(accepted.signatures())))
            }
            Judge::Policy { store, reference, trusted_root } => {
                let mut read = |name: &str| match name {
                    "root.json" => Ok(trusted_root.clone()),
                    _ => Err("there is no such file".to_owned()),
                };
                match PolicyFile::parse(document, Format::of_name("policy.json"), "policy.json", &mut read) {
                    Ok(policy) => {
                        told(policy.verify(reference, store, self.now).map(|accepted| Facts::of(accepted.signatures())))
                    }
                    Err(error) => Outcome::Refused(error.failure().code()),
                }
            }
        }
    }
}

fn told(outcome: Result<Facts, NotAccepted>) -> Outcome {
    match outcome {
        Ok(facts) => Outcome::Accepted(facts),
        Err(refused) => Outcome::Refused(closest(&refused)),
    }
}

/// The verdict's code, or that of the one candidate where the verdict says only that none matches.
pub(crate) fn closest(refused: &NotAccepted) -> Code {
    match refused.code() {
        Code::NoMatchingSignature => *refused.report().candidate_codes().first().unwrap_or(&Code::NoMatchingSignature),
        code => code,
    }
}

/// The reference by digest under which the testkit's images are asked for.
pub(crate) fn pinned(image: &Image) -> Reference {
    use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
    format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap_or_else(|failure| panic!("{failure}"))
}

/// A layer as a document: its bytes and, of the annotations, those that are JSON in base64, so that operators reach inside.
pub(crate) fn layer_tree(layer: &Layer) -> Tree {
    let text = |text: &str| Tree::Text(text.to_owned());
    let annotation = |(name, value): (&String, &String)| match value.starts_with('{') {
        true => (format!("{JSON}{name}"), Tree::Text(base64::encode(value.as_bytes()))),
        false => (name.clone(), text(value)),
    };
    Tree::Object(vec![
        ("mediaType".to_owned(), text(&layer.media_type)),
        ("bytes".to_owned(), Tree::Text(base64::encode(&layer.bytes))),
        ("annotations".to_owned(), Tree::Object(layer.annotations.iter().map(annotation).collect())),
    ])
}

const JSON: &str = "json ";

/// The layer of such a document. Base64 that is none any more stands for itself.
fn layer(document: &[u8]) -> Option<Layer> {
    let tree = Tree::parse(document)?;
    let text = |tree: &Tree| match tree {
        Tree::Text(text) => Some(text.clone()),
        _ => None,
    };
    let decoded = |text: &str| base64::decode(text).unwrap_or_else(|| text.as_bytes().to_vec());
    let Tree::Object(members) = tree.member("annotations")? else { return None };
    let annotation = |(name, value): &(String, Tree)| {
        let value = text(value)?;
        Some(match name.strip_prefix(JSON) {
            Some(name) => (name.to_owned(), String::from_utf8(decoded(&value)).ok()?),
            None => (name.clone(), value),
        })
    };
    Some(Layer {
        media_type: text(tree.member("mediaType")?)?,
        bytes: decoded(&text(tree.member("bytes")?)?),
        annotations: members.iter().map(annotation).collect::<Option<_>>()?,
    })
}

/// Saved evidence as one document.
pub(crate) fn evidence_tree(evidence: &Evidence) -> Option<Tree> {
    let saved = evidence.to_saved();
    let blobs = saved.blobs.iter().map(|(digest, bytes)| (digest.to_string(), Tree::Text(base64::encode(bytes))));
    Some(Tree::Object(vec![
        ("document".to_owned(), Tree::parse(&saved.document)?),
        ("blobs".to_owned(), Tree::Object(blobs.collect())),
    ]))
}
