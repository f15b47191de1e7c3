//! The files of a layout by name, in a directory or a tar archive.
//!
//! Names are made from parsed digests and three constants, never from text of the layout (K-OC-13). Links are followed
//! only inside the layout, since some build tools make layouts of links; sizes are bounded while reading.

use super::tar::{self, Place};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use veriseal::code::{Code, Failure};
use veriseal::digest::{Digest, HashAlgorithm};
use veriseal::gather::FetchError;

/// Most blobs that are listed.
const MAX_BLOBS: usize = 100_000;
const ALGORITHMS: [HashAlgorithm; 3] = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];

/// Where a layout's files are.
#[derive(Debug)]
pub(crate) enum Store {
    Directory {
        /// Without links in it.
        root: PathBuf,
    },
    Archive {
        file: Mutex<File>,
        places: BTreeMap<String, Place>,
    },
    Memory {
        bytes: Vec<u8>,
        places: BTreeMap<String, Place>,
    },
}

impl Store {
    /// Opens a directory or an uncompressed archive. Reads no content.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: io::Error| Failure::new(Code::SourceInvalid).found(error).at(path.display());
        let root = path.canonicalize().map_err(unreadable)?;
        let metadata = root.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Ok(Self::Directory { root });
        }
        if !metadata.is_file() {
            return Err(Failure::new(Code::SourceInvalid).expected("a directory or a file").at(path.display()));
        }
        let mut file = File::open(&root).map_err(unreadable)?;
        let places = tar::index(&mut file, is_known)
            .map_err(|failure| if failure.at_text().is_some() { failure } else { failure.at(path.display()) })?;
        Ok(Self::Archive { file: Mutex::new(file), places })
    }

    /// Opens an uncompressed archive that is in memory.
    pub(crate) fn memory(bytes: Vec<u8>) -> Result<Self, Failure> {
        let places = tar::index(&mut Cursor::new(&bytes), is_known)?;
        Ok(Self::Memory { bytes, places })
    }

    /// The bytes of a file, at most `max_bytes`; `None` where there is no such file.
    pub(crate) fn read(&self, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let unreadable = |error: io::Error| FetchError::Unavailable(Failure::new(Code::SourceInvalid).found(error).at(name));
        let mut bytes = Vec::new();
        match self {
            Self::Directory { root } => {
                let Some(path) = inside(root, name).map_err(FetchError::Unavailable)? else { return Ok(None) };
                let file = File::open(path).map_err(unreadable)?;
                // Room for what the file says that it has, so that it is read at once and not in growing pieces.
                let length = file.metadata().map_err(unreadable)?.len().min(max_bytes);
                bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
                file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
                if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max_bytes {
                    return Err(FetchError::TooLarge { max_bytes });
                }
            }
            Self::Archive { file, places } => {
                let Some(&Place { offset, size }) = places.get(name) else { return Ok(None) };
                if size > max_bytes {
                    return Err(FetchError::TooLarge { max_bytes });
                }
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
                (&mut *file).take(size).read_to_end(&mut bytes).map_err(unreadable)?;
            }
            Self::Memory { bytes: all, places } => {
                let Some(place) = places.get(name) else { return Ok(None) };
                if place.size > max_bytes {
                    return Err(FetchError::TooLarge { max_bytes });
                }
                bytes.extend_from_slice(member(all, place));
            }
        }
        Ok(Some(bytes))
    }

    /// Whether a file is there and its first byte is `{`.
    pub(super) fn begins_with_brace(&self, name: &str) -> Result<bool, Failure> {
        let unreadable = |error: io::Error| Failure::new(Code::SourceInvalid).found(error).at(name);
        let mut first = Vec::new();
        match self {
            Self::Directory { root } => {
                let Some(path) = inside(root, name)? else { return Ok(false) };
                File::open(path).and_then(|file| file.take(1).read_to_end(&mut first)).map_err(unreadable)?;
            }
            Self::Archive { file, places } => {
                let Some(place) = places.get(name) else { return Ok(false) };
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(place.offset)).map_err(unreadable)?;
                (&mut *file).take(place.size.min(1)).read_to_end(&mut first).map_err(unreadable)?;
            }
            Self::Memory { bytes, places } => {
                let Some(place) = places.get(name) else { return Ok(false) };
                first.extend(member(bytes, place).first());
            }
        }
        Ok(first == b"{")
    }

    /// Every blob whose name is a digest that can be computed here, with its size. In the order of digests.
    pub(super) fn blobs(&self) -> Result<BTreeMap<Digest, u64>, Failure> {
        let mut blobs = BTreeMap::new();
        match self {
            Self::Archive { places, .. } | Self::Memory { places, .. } => {
                blobs.extend(places.iter().filter_map(|(name, place)| Some((blob_digest(name)?, place.size))));
            }
            Self::Directory { root } => {
                for algorithm in ALGORITHMS {
                    let folder = root.join("blobs").join(algorithm.name());
                    let Ok(entries) = folder.read_dir() else { continue };
                    for (count, entry) in entries.enumerate() {
                        if count >= MAX_BLOBS {
                            return Err(
                                Failure::new(Code::CandidatesTruncated).expected(format_args!("at most {MAX_BLOBS} blobs"))
                            );
                        }
                        let unreadable = |error: io::Error| Failure::new(Code::SourceInvalid).found(error).at(folder.display());
                        let name = entry.map_err(unreadable)?.file_name();
                        let Some(digest) = name.to_str().and_then(|hex| format!("{algorithm}:{hex}").parse::<Digest>().ok())
                        else {
                            continue;
                        };
                        if let Ok(Some(path)) = inside(root, &blob_name(&digest))
                            && let Ok(metadata) = path.metadata()
                        {
                            blobs.insert(digest, metadata.len());
                        }
                    }
                }
            }
        }
        Ok(blobs)
    }
}

/// What of an archive is ever looked up.
fn is_known(name: &str) -> bool {
    matches!(name, "oci-layout" | "index.json") || blob_digest(name).is_some()
}

/// The content of a member. Its place was found within the archive.
fn member<'a>(archive: &'a [u8], place: &Place) -> &'a [u8] {
    let range = usize::try_from(place.offset).ok().zip(usize::try_from(place.size).ok());
    range.and_then(|(offset, size)| archive.get(offset..offset.checked_add(size)?)).unwrap_or_default()
}

/// The name of a blob (image-layout "Blobs").
pub(crate) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

fn blob_digest(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// The real path of a regular file of the layout.
fn inside(root: &Path, name: &str) -> Result<Option<PathBuf>, Failure> {
    let invalid = || Failure::new(Code::SourceInvalid).at(name);
    let path = match root.join(name).canonicalize() {
        Ok(path) => path,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(invalid().found(error)),
    };
    if !path.starts_with(root) {
        return Err(invalid().found("a link out of the layout"));
    }
    // A pipe would keep the reader waiting.
    if !path.metadata().map_err(|error| invalid().found(error))?.is_file() {
        return Err(invalid().expected("a regular file"));
    }
    Ok(Some(path))
}
