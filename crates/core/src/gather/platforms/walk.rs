//! [`Walk`]: finds the manifests of the chosen platforms in an index and the indexes nested in it.
//!
//! Goes down level by level, since the entry nearest to the image is the one that a runtime takes. Fetches nothing and
//! trusts no entry: every document is given to it together with the proof of its digest.

use super::PlatformChoice;
use super::listed::Chosen;
use crate::code::{Code, Failure};
use crate::digest::{Content, Digest};
use crate::gather::rules::check_content;
use crate::limits::Limits;
use crate::oci::{Descriptor, Document, Index, Platform, media_type};
use std::collections::BTreeSet;

/// Levels of indexes below the image's own. Real images have none; a cycle cannot be made without a collision of
/// SHA-256, but a long chain can (K-DS-01).
const MAX_DEPTH: usize = 3;
/// Nested indexes that are read for one image.
const MAX_NESTED: usize = 16;
/// Platforms that an error names.
const MAX_SHOWN: usize = 12;

/// The search, as a state machine: ask [`Walk::wanted`], supply, until [`Walk::is_done`].
#[derive(Debug)]
pub(in crate::gather) struct Walk {
    choice: PlatformChoice,
    limits: Limits,
    depth: usize,
    /// Indexes of the level under way, in the order in which they are listed.
    level: Vec<Step>,
    nested: usize,
    seen: BTreeSet<Digest>,
    chosen: Vec<Chosen>,
    /// Platforms that were met, for the error.
    met: Vec<Platform>,
    failures: Vec<Failure>,
}

/// A nested index that must be read.
#[derive(Debug)]
struct Step {
    trail: Vec<Content>,
    descriptor: Descriptor,
    asked: bool,
    answer: Option<Result<Content, Failure>>,
}

impl Walk {
    /// Starts at the image's own index, whose `document` was read from `content`.
    pub(in crate::gather) fn start(choice: &PlatformChoice, content: &Content, document: &Index, limits: &Limits) -> Self {
        let mut walk = Self {
            choice: choice.clone(),
            limits: limits.clone(),
            depth: 0,
            level: Vec::new(),
            nested: 0,
            seen: BTreeSet::from([*content.digest()]),
            chosen: Vec::new(),
            met: Vec::new(),
            failures: Vec::new(),
        };
        if !choice.is_index() {
            walk.read(std::slice::from_ref(content), document);
            walk.stop_when_found();
        }
        walk
    }

    /// The nested indexes that must be fetched now, each told once, with the number to supply it under.
    pub(in crate::gather) fn wanted(&mut self) -> Vec<(usize, Descriptor)> {
        let mut wanted = Vec::new();
        for (number, step) in self.level.iter_mut().enumerate() {
            if !std::mem::replace(&mut step.asked, true) {
                wanted.push((number, step.descriptor.clone()));
            }
        }
        wanted
    }

    /// Takes a nested index, or why it cannot be had.
    pub(in crate::gather) fn supply(&mut self, number: usize, answer: Result<(Vec<u8>, Option<String>), Failure>) {
        if let Some(step) = self.level.get_mut(number) {
            let Descriptor { digest, size, media_type: stated, .. } = &step.descriptor;
            let content = answer.and_then(|(bytes, announced)| match announced {
                Some(announced) if !media_type::same(&announced, stated) => {
                    Err(Failure::new(Code::MediaTypeMismatch).expected(stated).found(announced))
                }
                _ => check_content(digest, *size, bytes),
            });
            step.answer = Some(content.map_err(|failure| if failure.at_text().is_none() { failure.at(digest) } else { failure }));
        }
        if self.level.iter().all(|step| step.answer.is_some()) {
            let level = std::mem::take(&mut self.level);
            self.depth = self.depth.saturating_add(1);
            for step in level {
                self.descend(step);
            }
            self.stop_when_found();
        }
    }

    /// Whether nothing more must be fetched.
    pub(in crate::gather) fn is_done(&self) -> bool {
        self.level.is_empty()
    }

    /// What was chosen, in the order of the index, and what could not be read on the way.
    ///
    /// # Errors
    /// [`Code::PlatformNotFound`] where a named platform is not listed; the reason why an index could not be read where it
    /// might be listed there.
    pub(in crate::gather) fn finish(self) -> Result<(Vec<Chosen>, Vec<Failure>), Failure> {
        for asked in self.choice.platforms() {
            let is_it = |chosen: &Chosen| chosen.descriptor().platform.as_ref().is_some_and(|platform| platform.is(asked));
            if !self.chosen.iter().any(is_it) {
                if let Some(failure) = self.failures.first() {
                    return Err(failure.clone());
                }
                let mut met: Vec<_> = self.met.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
                if self.met.len() > MAX_SHOWN {
                    met.push("…".to_owned());
                }
                let met = if met.is_empty() { "none".to_owned() } else { met.join(", ") };
                return Err(Failure::new(Code::PlatformNotFound).expected(asked).found(met));
            }
        }
        Ok((self.chosen, self.failures))
    }

    fn descend(&mut self, step: Step) {
        let read = step.answer.unwrap_or_else(|| Err(Code::Internal.into())).and_then(|content| {
            match Document::parse(content.bytes(), Some(&step.descriptor.media_type), &self.limits)? {
                Document::Index(index) => Ok((content, index)),
                Document::Manifest(manifest) => {
                    Err(Failure::new(Code::MediaTypeMismatch).expected("an index").found(manifest.media_type))
                }
            }
        });
        match read {
            Ok((content, index)) => {
                let mut trail = step.trail;
                trail.push(content);
                self.read(&trail, &index);
            }
            Err(failure) if failure.at_text().is_none() => self.failures.push(failure.at(step.descriptor.digest)),
            Err(failure) => self.failures.push(failure),
        }
    }

    fn read(&mut self, trail: &[Content], index: &Index) {
        for entry in &index.manifests {
            let is = |known: [&str; 2]| known.iter().any(|known| media_type::same(known, &entry.media_type));
            if is_attestation(entry) || self.seen.contains(&entry.digest) {
                continue;
            }
            if is([media_type::OCI_MANIFEST, media_type::DOCKER_MANIFEST]) {
                self.met.extend(entry.platform.clone());
                if self.is_chosen(entry) {
                    self.seen.insert(entry.digest);
                    self.chosen.push(Chosen::assertion(trail.to_vec(), entry.clone()));
                }
            } else if is([media_type::OCI_INDEX, media_type::DOCKER_LIST]) {
                self.seen.insert(entry.digest);
                self.queue(trail, entry);
            } else if self.choice.single().is_none() {
                // A runtime that knows this kind would take it, so that not all would be verified.
                let unsupported = Failure::new(Code::MediaTypeUnsupported).found(&entry.media_type);
                self.failures.push(unsupported.at(entry.digest));
            }
        }
    }

    /// Of one platform the first entry, as runtimes take it; else all.
    fn is_chosen(&self, entry: &Descriptor) -> bool {
        match self.choice.single() {
            Some(asked) => self.chosen.is_empty() && entry.platform.as_ref().is_some_and(|platform| platform.is(asked)),
            None => true,
        }
    }

    fn queue(&mut self, trail: &[Content], entry: &Descriptor) {
        let refused = |expected: String| Failure::new(Code::TooManyEntries).expected(expected).at(entry.digest);
        if self.depth >= MAX_DEPTH {
            self.failures.push(refused(format!("indexes nested at most {MAX_DEPTH} deep")));
        } else if self.nested >= MAX_NESTED {
            self.failures.push(refused(format!("at most {MAX_NESTED} nested indexes")));
        } else if entry.size > self.limits.manifest_bytes {
            let most = format!("at most {} bytes", self.limits.manifest_bytes);
            self.failures.push(Failure::new(Code::TooLarge).expected(most).found(entry.size).at(entry.digest));
        } else {
            self.nested = self.nested.saturating_add(1);
            self.level.push(Step { trail: trail.to_vec(), descriptor: entry.clone(), asked: false, answer: None });
        }
    }

    /// The one platform asked for was found, so that nothing below can take its place.
    fn stop_when_found(&mut self) {
        if self.choice.single().is_some() && !self.chosen.is_empty() {
            self.level.clear();
            self.failures.clear();
        }
    }
}

/// Whether an entry holds BuildKit's attestations. The annotation alone does not say so: an image that bears it would
/// still be run by a runtime, which looks at the platform.
fn is_attestation(entry: &Descriptor) -> bool {
    let annotated = entry.annotations.get(media_type::ANNOTATION_REFERENCE_TYPE).map(String::as_str);
    annotated == Some(media_type::REFERENCE_ATTESTATION) && entry.platform.as_ref().is_some_and(Platform::is_unknown)
}
