//! [`Proven`]: what the policy was found to hold for. The only thing that an [`super::Accepted`] can be made of.
//!
//! Whatever is pinned must be named by one of these: the image itself with a decision about its own signatures; a
//! platform's manifest together with the [`ListedManifest`] that shows that the image lists it, before a signature of the
//! image counts for it; or an index with a proof for each of its platforms.

use super::examined::About;
use super::judge::Examination;
use crate::code::{Code, Failure};
use crate::digest::Digest;
use crate::gather::{Evidence, ListedManifest, PlatformEvidence, Subject};
use crate::oci::{Platform, Reference};
use crate::policy::{Basis, Exception};
use crate::time::UnixTime;

/// A platform whose manifest the policy holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedPlatform {
    platform: Option<Platform>,
    pinned: Reference,
    is_signed_itself: bool,
}

impl AcceptedPlatform {
    /// What the index says which platform it is; nothing where it does not say.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        self.platform.as_ref()
    }

    /// Repository and digest of the manifest.
    #[must_use]
    pub fn pinned(&self) -> &Reference {
        &self.pinned
    }

    /// Whether the manifest's own signatures suffice; else it is accepted since the index that lists it is signed.
    #[must_use]
    pub fn is_signed_itself(&self) -> bool {
        self.is_signed_itself
    }
}

/// The policy holds for this, on this basis.
#[derive(Debug)]
pub(super) struct Proven {
    /// What the reference named.
    resolved: Reference,
    subject: Reference,
    basis: Basis,
    platforms: Vec<AcceptedPlatform>,
    /// The decisions that it rests on, each by whose signatures it was taken over.
    scopes: Vec<Vec<About>>,
    /// An index that is accepted for its platforms alone.
    rests_on_platforms: bool,
}

impl Proven {
    /// The image, by its own signatures.
    pub(super) fn image(subject: &Subject, examination: &Examination<'_>) -> Option<Self> {
        let scope = vec![About::Image];
        examination.decide(&scope).accepted().then(|| Self::assertion(subject, subject.digest, Basis::Requirement, vec![scope]))
    }

    /// A platform's manifest, by its own signatures and those of the image, which `listed` shows to list it.
    pub(super) fn platform(
        subject: &Subject,
        number: usize,
        listed: &ListedManifest,
        examination: &Examination<'_>,
    ) -> Option<Self> {
        // Another index' signature covers nothing here.
        if listed.index() != &subject.digest {
            return None;
        }
        let scope = vec![About::Image, About::Platform(number)];
        if !examination.decide(&scope).accepted() {
            return None;
        }
        let is_signed_itself = examination.decide(&[About::Platform(number)]).accepted();
        let mut proven = Self::assertion(subject, *listed.digest(), Basis::Requirement, vec![scope]);
        let pinned = proven.subject.clone();
        proven.platforms = vec![AcceptedPlatform { platform: listed.platform().cloned(), pinned, is_signed_itself }];
        Some(proven)
    }

    /// The index, by each of the platforms that it lists, of which there must be one at least.
    pub(super) fn every_platform(evidence: &Evidence, examination: &Examination<'_>) -> Option<Self> {
        let (subject, found) = (evidence.subject(), evidence.platforms());
        if found.manifests().is_empty() || !found.failures().is_empty() {
            return None;
        }
        let mut whole = Self::assertion(subject, subject.digest, Basis::Requirement, Vec::new());
        whole.rests_on_platforms = true;
        for (number, manifest) in found.manifests().iter().enumerate() {
            let one = Self::platform(subject, number, manifest.listed().ok()?, examination)?;
            whole.platforms.extend(one.platforms);
            whole.scopes.extend(one.scopes);
        }
        Some(whole)
    }

    /// The image, or the one platform that is asked for, by an exception for the digest of either.
    ///
    /// # Errors
    /// As [`Exception::applies`].
    pub(super) fn exception(
        exception: &Exception,
        subject: &Subject,
        platform: Option<&ListedManifest>,
        now: UnixTime,
    ) -> Result<Self, Failure> {
        let listed = platform.filter(|listed| listed.index() == &subject.digest);
        let digest = listed.map_or(subject.digest, |listed| *listed.digest());
        match exception.applies(&subject.digest, now) {
            // An exception for the manifest suffices; one for the index that has ended does not become another one.
            Err(failure) if failure.code() == Code::NotExcepted => exception.applies(&digest, now)?,
            applies => applies?,
        }
        let basis = Basis::Exception { reason: exception.reason().to_owned(), until: exception.until() };
        Ok(Self::assertion(subject, digest, basis, Vec::new()))
    }

    fn assertion(subject: &Subject, digest: Digest, basis: Basis, scopes: Vec<Vec<About>>) -> Self {
        let pinned = |digest| Reference::new(subject.repository.clone(), None, Some(digest));
        let (resolved, subject) = (pinned(subject.digest), pinned(digest));
        Self { resolved, subject, basis, platforms: Vec::new(), scopes, rests_on_platforms: false }
    }

    /// Adds what is accepted with the image, since its signatures count for all that it lists.
    pub(super) fn covering(mut self, subject: &Subject, manifests: &[PlatformEvidence], examination: &Examination<'_>) -> Self {
        for (number, manifest) in manifests.iter().enumerate() {
            let one = manifest.listed().ok().and_then(|listed| Self::platform(subject, number, listed, examination));
            self.platforms.extend(one.into_iter().flat_map(|one| one.platforms));
        }
        self
    }

    /// Repository and digest of what the reference named.
    pub(super) fn resolved(&self) -> &Reference {
        &self.resolved
    }

    /// Repository and digest of what was proven.
    pub(super) fn pinned(&self) -> &Reference {
        &self.subject
    }

    pub(super) fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The decisions that it rests on; none for an exception.
    pub(super) fn scopes(&self) -> &[Vec<About>] {
        &self.scopes
    }

    pub(super) fn platforms(&self) -> &[AcceptedPlatform] {
        &self.platforms
    }

    /// Whether this is an index that nobody signed as a whole.
    pub(super) fn rests_on_platforms(&self) -> bool {
        self.rests_on_platforms
    }
}
