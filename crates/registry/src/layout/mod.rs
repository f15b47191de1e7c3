//! [`OciLayout`]: an OCI image layout (image-spec `image-layout.md`) as a source, in a directory or an uncompressed tar
//! archive.
//!
//! Answers what a registry would: tags by annotation, manifests and blobs by digest, referrers by looking into the
//! manifests. Also knows the layout that `cosign save` writes. Checks no digest: the core does.

mod index;
mod referrers;
mod store;
pub(crate) mod tar;

pub(crate) use store::{Store, blob_name};

use index::{Entry, LayoutIndex};
use referrers::Referrers;
use std::path::Path;
use std::sync::OnceLock;
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::gather::{Fetch, FetchError, Request, Response, What};
use veriseal::limits::Limits;
use veriseal::oci::{Reference, Repository, Tag, media_type};

/// Largest `oci-layout` file in bytes.
const MAX_MARKER: u64 = 4 * 1024;

/// An image layout on disk, opened for reading. `index.json` is read once, when it is opened.
///
/// Shared between threads. Holds one repository's content and answers for whatever repository is named; that the
/// digest is the one meant, the caller decides.
#[derive(Debug)]
pub struct OciLayout {
    store: Store,
    index: LayoutIndex,
    repository: Repository,
    referrers: OnceLock<Result<Referrers, Failure>>,
}

impl OciLayout {
    /// Opens a layout: a directory, or an uncompressed tar archive of one (as `docker save` writes it).
    ///
    /// # Errors
    /// [`Code::SourceInvalid`] when it cannot be read, is compressed, has no `oci-layout` file of version 1.0.0 or no
    /// usable `index.json`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Failure> {
        let path = path.as_ref();
        let store = Store::open(path)?;
        let invalid = || Failure::new(Code::SourceInvalid);
        let file = |name: &str, max_bytes| match store.read(name, max_bytes) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(invalid().expected(format_args!("an OCI image layout with a file {name}")).at(path.display())),
            Err(error) => Err(invalid().found(error.failure().detail()).at(name)),
        };
        index::check_marker(&file("oci-layout", MAX_MARKER)?)?;
        let index = LayoutIndex::parse(&file("index.json", Limits::DEFAULT.manifest_bytes)?)?;
        Ok(Self { store, index, repository: Repository::layout(&path.display().to_string()), referrers: OnceLock::new() })
    }

    /// The repository under which this layout is known: its path as given.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The only image of the layout, pinned. Signatures, attestations and other referrers are no images.
    ///
    /// # Errors
    /// [`Code::SourceInvalid`] when there is none or there are several; the error lists them.
    pub fn default_image(&self) -> Result<Reference, Failure> {
        let entry = self.only_image().map_err(|error| error.failure())?;
        let tag = entry.ref_name().and_then(|name| name.parse::<Tag>().ok());
        Ok(Reference::new(self.repository.clone(), tag, Some(entry.digest)))
    }

    /// The same reference with the digest that its tag has in this layout. One that has a digest is returned as it is.
    ///
    /// # Errors
    /// [`Code::SourceInvalid`] when the tag stands for several images, [`Code::ImageNotFound`] when for none.
    pub fn resolve(&self, reference: &Reference) -> Result<Reference, Failure> {
        if reference.digest().is_some() {
            return Ok(reference.clone());
        }
        let Some(tag) = reference.tag() else { return self.default_image() };
        let entry = self.index.tagged(reference.repository(), tag)?.ok_or_else(|| {
            Failure::new(Code::ImageNotFound)
                .expected(format_args!("one of: {}", self.index.choices(self.index.entries())))
                .found(tag)
        })?;
        Ok(Reference::new(reference.repository().clone(), Some(tag.clone()), Some(entry.digest)))
    }

    fn only_image(&self) -> Result<&Entry, FetchError> {
        let listed = self.index.images();
        let mut images = Vec::new();
        for entry in listed {
            // What is about something else is a referrer, whatever it calls itself.
            if self.referrers()?.subject_of(&entry.digest).is_none() {
                images.push(entry);
            }
        }
        match images.as_slice() {
            [image] => Ok(image),
            [] => {
                Err(FetchError::Unavailable(Failure::new(Code::SourceInvalid).expected("an image in the layout").found("none")))
            }
            several => Err(FetchError::Unavailable(
                Failure::new(Code::SourceInvalid)
                    .expected("a tag or digest, since the layout holds several images")
                    .found(self.index.choices(several.iter().copied())),
            )),
        }
    }

    fn referrers(&self) -> Result<&Referrers, FetchError> {
        self.referrers
            .get_or_init(|| Referrers::scan(&self.store, &self.index))
            .as_ref()
            .map_err(|failure| FetchError::Unavailable(failure.clone()))
    }

    fn blob(&self, digest: &Digest, max_bytes: u64) -> Result<Option<Vec<u8>>, FetchError> {
        self.store.read(&blob_name(digest), max_bytes)
    }

    fn entry(&self, entry: &Entry, max_bytes: u64) -> Result<Response, FetchError> {
        let bytes = self.blob(&entry.digest, max_bytes)?.ok_or_else(|| {
            FetchError::Unavailable(Failure::new(Code::Dangling).expected("the content that index.json lists").at(entry.digest))
        })?;
        Ok(Response::Found { media_type: Some(entry.media_type.clone()), bytes, next: None })
    }
}

impl Fetch for OciLayout {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        let max_bytes = request.max_bytes;
        match &request.what {
            What::ManifestByTag(tag) => match self.index.tagged(&request.repository, tag).map_err(FetchError::Unavailable)? {
                Some(entry) => self.entry(entry, max_bytes),
                None => Ok(Response::NotFound),
            },
            What::OnlyImage => self.entry(self.only_image()?, max_bytes),
            What::Manifest(digest) => Ok(match self.blob(digest, max_bytes)? {
                Some(bytes) => {
                    Response::Found { media_type: self.index.media_type(digest).map(str::to_owned), bytes, next: None }
                }
                None => Response::NotFound,
            }),
            What::Blob { digest, size } => {
                let read = self.blob(digest, max_bytes.min(*size)).map_err(|error| match error {
                    FetchError::TooLarge { .. } if *size < max_bytes => FetchError::Unavailable(
                        Failure::new(Code::SizeMismatch).expected(format_args!("{size} bytes")).found("more").at(digest),
                    ),
                    error => error,
                })?;
                Ok(read.map_or(Response::NotFound, |bytes| Response::Found { media_type: None, bytes, next: None }))
            }
            What::Referrers { subject, page: None } => {
                let bytes = self.referrers()?.list(&self.store, &self.index, subject, max_bytes)?;
                Ok(Response::Found { media_type: Some(media_type::OCI_INDEX.to_owned()), bytes, next: None })
            }
            other => {
                Err(FetchError::Unavailable(Failure::new(Code::SourceInvalid).found(format_args!("a request for {other:?}"))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
