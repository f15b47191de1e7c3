//! The platforms: from the image's own document to the manifests that were asked for, each a part of its own.
//!
//! While the search goes on no candidate is asked for, so that all parts share what requests are left.

use super::super::fetch::What;
use super::super::platforms::{Walk, check_configured};
use super::super::rules::check_stated_size;
use super::part::Part;
use super::{Ask, Found, Platforms, Session};
use crate::code::{Code, Failure};
use crate::digest::Content;
use crate::oci::{Descriptor, Document, Manifest, media_type};

impl Session {
    /// Where platforms are asked for, holds candidates back until they are known.
    pub(super) fn wait_for_platforms(&mut self) {
        if !self.wanted.platforms.is_index() {
            self.walk = Platforms::Waiting;
            self.lists_open = self.lists_open.saturating_add(1);
        }
    }

    /// The image is here: starts the search.
    pub(super) fn start_platforms(&mut self, content: &Content, document: &Document) {
        if !matches!(self.walk, Platforms::Waiting) {
            return;
        }
        match document {
            Document::Index(index) => {
                let walk = Walk::start(&self.wanted.platforms, content, index, &self.limits);
                self.walk = Platforms::Searching(Some(Box::new(walk)));
                self.go_on();
            }
            Document::Manifest(manifest) => self.start_configuration(manifest),
        }
    }

    /// An image that is no index is its only platform; which one, its configuration says.
    fn start_configuration(&mut self, manifest: &Manifest) {
        let config = &manifest.config;
        let is_image =
            [media_type::OCI_CONFIG, media_type::DOCKER_CONFIG].iter().any(|known| media_type::same(known, &config.media_type));
        match self.wanted.platforms.platforms() {
            [] => self.platforms_known(),
            [asked, ..] if !is_image => {
                let found = format!("an artifact with the configuration {}", config.media_type);
                self.fail(Failure::new(Code::PlatformNotFound).expected(asked).found(found));
            }
            _ => {
                self.walk = Platforms::Searching(None);
                let asked = check_stated_size(config.size, self.limits.manifest_bytes).and_then(|()| {
                    let what = What::Blob { digest: config.digest, size: config.size };
                    self.ask(what, config.size, Ask::Configuration(Box::new(config.clone())))
                });
                if let Err(failure) = asked {
                    self.fail(failure.at(config.digest));
                }
            }
        }
    }

    pub(super) fn take_configuration(&mut self, descriptor: &Descriptor, answer: Result<Option<Found>, Failure>) {
        let content = answer.and_then(|found| Found::content(found, &descriptor.digest, descriptor.size));
        let checked = content.map_err(|failure| failure.at(descriptor.digest)).and_then(|(content, _)| {
            check_configured(content.bytes(), &self.wanted.platforms, &self.limits)?;
            Ok(content)
        });
        match checked {
            Ok(content) => {
                self.configuration = Some(content);
                self.platforms_known();
            }
            Err(failure) => self.fail(failure),
        }
    }

    pub(super) fn take_nested_index(&mut self, number: usize, answer: Result<Option<Found>, Failure>) {
        let answer = answer.and_then(|found| found.ok_or_else(|| Failure::new(Code::Dangling)));
        if let Platforms::Searching(Some(walk)) = &mut self.walk {
            walk.supply(number, answer.map(|found| (found.bytes, found.media_type)));
        }
        self.go_on();
    }

    /// Asks for what the search needs next, or ends it.
    fn go_on(&mut self) {
        loop {
            let Platforms::Searching(Some(walk)) = &mut self.walk else { return };
            if walk.is_done() {
                break;
            }
            let wanted = walk.wanted();
            if wanted.is_empty() {
                return;
            }
            for (number, descriptor) in wanted {
                let asked = self.ask(What::Manifest(descriptor.digest), descriptor.size, Ask::NestedIndex(number));
                if let (Err(failure), Platforms::Searching(Some(walk))) = (asked, &mut self.walk) {
                    walk.supply(number, Err(failure));
                }
            }
        }
        if let Platforms::Searching(Some(walk)) = std::mem::replace(&mut self.walk, Platforms::Known) {
            self.take_found(*walk);
        }
    }

    fn take_found(&mut self, walk: Walk) {
        let (chosen, failures) = match walk.finish() {
            Ok(found) => found,
            Err(failure) => return self.fail(failure),
        };
        self.walk_failures = failures;
        for chosen in chosen {
            let (digest, size) = (chosen.descriptor().digest, chosen.descriptor().size);
            let part = self.parts.len();
            self.parts.push(Part::new(digest, Some(chosen)));
            let asked = check_stated_size(size, self.limits.manifest_bytes)
                .and_then(|()| self.ask(What::Manifest(digest), size, Ask::PlatformManifest(part)));
            match asked {
                Ok(()) => self.start_lists(part),
                Err(failure) => self.take_platform_manifest(part, Err(failure.at(digest))),
            }
        }
        self.platforms_known();
    }

    pub(super) fn take_platform_manifest(&mut self, part: usize, answer: Result<Option<Found>, Failure>) {
        let limits = &self.limits;
        if let Some((chosen, listed)) = self.parts.get_mut(part).and_then(|part| part.platform.as_mut()) {
            let found = answer.and_then(|found| found.ok_or_else(|| Failure::new(Code::Dangling).at(chosen.descriptor().digest)));
            *listed = Some(found.and_then(|found| chosen.prove(found.bytes, found.media_type.as_deref(), limits)));
        }
    }

    fn platforms_known(&mut self) {
        self.walk = Platforms::Known;
        self.lists_open = self.lists_open.saturating_sub(1);
        self.start_candidates();
    }
}
