//! Saved evidence as a file: an OCI image layout in a directory, or in one `.tar` archive.
//!
//! The document and its blobs are the layers of one manifest with the artifact type
//! [`SAVED_EVIDENCE_MEDIA_TYPE`], so that tools which copy OCI artifacts carry all of it. The same evidence gives the
//! same bytes. Loading believes nothing: [`Evidence::load`] hashes every blob again, and which image the evidence is
//! about the caller says ([`Evidence::require_image`]).

use crate::layout::{Store, blob_name, tar};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;
use veriseal::encoding::json as strict;
use veriseal::gather::{Evidence, SAVED_EVIDENCE_MEDIA_TYPE, SavedEvidence};
use veriseal::limits::Limits;
use veriseal::oci::{Document, media_type};

const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const EMPTY: &[u8] = b"{}";

/// Writes saved evidence to a path that ends in `.tar`, else to a directory of that name.
///
/// Complete or not at all: it is written beside the path and then put in its place. An archive replaces a file of the
/// same name; a directory is made only where there is none, or an empty one.
///
/// # Errors
/// [`Code::EvidenceUnwritable`] when the system refuses, and where a directory with content is in the way.
pub fn save(path: impl AsRef<Path>, saved: &SavedEvidence) -> Result<(), Failure> {
    let path = path.as_ref();
    let files = files(saved);
    let written = if is_archive(path) { save_archive(path, &files) } else { save_directory(path, &files) };
    written.map_err(|error| Failure::new(Code::EvidenceUnwritable).found(error).at(path.display()))
}

/// Opens what [`save`] wrote.
///
/// # Errors
/// [`Code::EvidenceInvalid`] when it cannot be read or is no saved evidence.
pub fn open(path: impl AsRef<Path>) -> Result<EvidenceFile, Failure> {
    let path = path.as_ref();
    Store::open(path).and_then(EvidenceFile::read).map_err(|failure| {
        let at = failure.at_text().map_or_else(|| path.display().to_string(), |at| format!("{} in {}", at, path.display()));
        invalid(&failure).at(at)
    })
}

/// Opens what [`to_archive`] made, or the content of an archive that [`save`] wrote: for evidence that is kept in a database
/// or came over a wire.
///
/// # Errors
/// [`Code::EvidenceInvalid`] when it is no saved evidence.
pub fn from_archive(archive: Vec<u8>) -> Result<EvidenceFile, Failure> {
    Store::memory(archive).and_then(EvidenceFile::read).map_err(|failure| {
        let at = failure.at_text().map(str::to_owned);
        at.into_iter().fold(invalid(&failure), Failure::at)
    })
}

/// The archive that [`save`] would write, in memory. The same evidence gives the same bytes.
#[must_use]
pub fn to_archive(saved: &SavedEvidence) -> Vec<u8> {
    // Writing to memory fails nowhere; were it to, nothing would load from what is left.
    write_archive(Vec::new(), &files(saved)).unwrap_or_default()
}

/// Whatever is wrong with its layout, it is the evidence that cannot be used.
fn invalid(failure: &Failure) -> Failure {
    let mut mapped = Failure::new(Code::EvidenceInvalid);
    if let Some(expected) = failure.expected_text() {
        mapped = mapped.expected(expected);
    }
    mapped.found(failure.found_text().unwrap_or(failure.code().meaning()))
}

/// Saved evidence on disk or in memory, opened for reading.
#[derive(Debug)]
pub struct EvidenceFile {
    store: Store,
    document: Vec<u8>,
}

impl EvidenceFile {
    /// The document, whose digest was checked.
    #[must_use]
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// A blob by its digest, as it lies there; `None` when it is missing, unreadable or longer than any bound of
    /// `limits`. Not hashed: [`Evidence::load`] does.
    #[must_use]
    pub fn blob(&self, digest: &Digest, limits: &Limits) -> Option<Vec<u8>> {
        let bounds = [limits.manifest_bytes, limits.bundle_bytes, limits.payload_bytes, limits.attestation_bytes];
        self.store.read(&blob_name(digest), bounds.into_iter().max()?).ok().flatten()
    }

    /// Loads the evidence.
    ///
    /// # Errors
    /// As [`Evidence::load`].
    pub fn load(&self, limits: &Limits) -> Result<Evidence, Failure> {
        Evidence::load(&self.document, &mut |digest| self.blob(digest, limits), limits)
    }

    fn read(store: Store) -> Result<Self, Failure> {
        let limits = Limits::DEFAULT;
        let read = |name: &str| -> Result<Vec<u8>, Failure> {
            let found = store.read(name, limits.manifest_bytes).map_err(|error| error.failure().at(name))?;
            found.ok_or_else(|| Failure::new(Code::EvidenceInvalid).expected(format_args!("a file {name}")).found("none"))
        };
        if read("oci-layout")? != MARKER {
            return Err(Failure::new(Code::EvidenceInvalid).expected("image layout version 1.0.0").at("oci-layout"));
        }
        let index: WireIndex = strict::parse_tolerant(&read("index.json")?, limits.json_depth)
            .map_err(|error| error.failure(Code::EvidenceInvalid).at("index.json"))?;
        // One or none: with two documents, which one counts would be up to the reader.
        let [entry] = index.manifests.as_slice() else {
            return Err(Failure::new(Code::EvidenceInvalid)
                .expected("one manifest")
                .found(index.manifests.len())
                .at("index.json"));
        };
        let checked = |digest: &Digest| -> Result<Vec<u8>, Failure> {
            let bytes = read(&blob_name(digest))?;
            if digest.matches(&bytes) { Ok(bytes) } else { Err(Failure::new(Code::DigestMismatch).at(digest)) }
        };
        let manifest = Document::parse(&checked(&entry.digest)?, Some(media_type::OCI_MANIFEST), &limits)?;
        let document = match &manifest {
            Document::Manifest(manifest) if manifest.artifact_type.as_deref() == Some(SAVED_EVIDENCE_MEDIA_TYPE) => {
                manifest.layers.first()
            }
            _ => None,
        };
        let document = document.filter(|layer| layer.media_type == SAVED_EVIDENCE_MEDIA_TYPE).ok_or_else(|| {
            Failure::new(Code::EvidenceInvalid).expected(format_args!("an artifact of type {SAVED_EVIDENCE_MEDIA_TYPE}"))
        })?;
        let document = checked(&document.digest)?;
        Ok(Self { store, document })
    }
}

#[derive(serde::Deserialize)]
struct WireIndex {
    manifests: Vec<WireEntry>,
}

#[derive(serde::Deserialize)]
struct WireEntry {
    digest: Digest,
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tar"))
}

/// Every file of the layout, in the order in which an archive holds them.
fn files(saved: &SavedEvidence) -> BTreeMap<String, Vec<u8>> {
    let document = Digest::sha256(&saved.document);
    let empty = Digest::sha256(EMPTY);
    let mut layers = vec![json!({
        "mediaType": SAVED_EVIDENCE_MEDIA_TYPE, "digest": document.to_string(), "size": saved.document.len()
    })];
    layers.extend(saved.blobs.iter().map(
        |(digest, bytes)| json!({ "mediaType": "application/octet-stream", "digest": digest.to_string(), "size": bytes.len() }),
    ));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "artifactType": SAVED_EVIDENCE_MEDIA_TYPE,
        "config": { "mediaType": media_type::OCI_EMPTY, "digest": empty.to_string(), "size": EMPTY.len() },
        "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_INDEX,
        "manifests": [{
            "mediaType": media_type::OCI_MANIFEST,
            "digest": Digest::sha256(&manifest).to_string(),
            "size": manifest.len(),
            "artifactType": SAVED_EVIDENCE_MEDIA_TYPE,
        }],
    });
    let mut files: BTreeMap<String, Vec<u8>> =
        saved.blobs.iter().map(|(digest, bytes)| (blob_name(digest), bytes.to_vec())).collect();
    for blob in [manifest, saved.document.clone(), EMPTY.to_vec()] {
        files.insert(blob_name(&Digest::sha256(&blob)), blob);
    }
    files.insert("oci-layout".to_owned(), MARKER.to_vec());
    files.insert("index.json".to_owned(), index.to_string().into_bytes());
    files
}

/// A name beside `path` that nobody else uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn write_archive<W: Write>(to: W, files: &BTreeMap<String, Vec<u8>>) -> io::Result<W> {
    let mut writer = tar::Writer::new(to);
    for (name, content) in files {
        writer.file(name, content)?;
    }
    writer.finish()
}

fn save_archive(path: &Path, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let part = beside(path)?;
    // `create_new` follows no link that somebody may have put there.
    let file = File::create_new(&part)?;
    let written = (|| {
        let buffered = write_archive(BufWriter::new(file), files)?;
        buffered.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&part, path)
    })();
    written.inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

fn save_directory(path: &Path, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    match path.read_dir().map(|mut entries| entries.next().is_none()) {
        Ok(true) => fs::remove_dir(path)?,
        Ok(false) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a directory with content is in the way")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let part = beside(path)?;
    fs::create_dir(&part)?;
    let written = (|| {
        for (name, content) in files {
            let file = part.join(name);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = File::create_new(file)?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        fs::rename(&part, path)
    })();
    written.inspect_err(|_| {
        let _ = fs::remove_dir_all(&part);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use veriseal::gather::{MemoryStore, Session, Wanted, drive};
    use veriseal::oci::Reference;

    /// An image with one bundle referrer (not a good one; nothing is judged here).
    fn evidence() -> Evidence {
        let reference: Reference = "reg.example/app:v1".parse().unwrap();
        let repository = reference.repository();
        let mut store = MemoryStore::new();
        let config = store.put_blob(repository, media_type::OCI_EMPTY, *b"{}");
        let manifest = |layer: serde_json::Value, subject: Option<serde_json::Value>| {
            let mut manifest =
                json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer] });
            if let Some(subject) = subject {
                manifest["subject"] = subject;
                manifest["artifactType"] = media_type::BUNDLE_V03.into();
            }
            manifest.to_string().into_bytes()
        };
        let layer = store.put_blob(repository, "application/octet-stream", *b"layer");
        let image =
            store.put_manifest(repository, media_type::OCI_MANIFEST, manifest(json!(layer), None), Some("v1".parse().unwrap()));
        let bundle = store.put_blob(repository, media_type::BUNDLE_V03, *b"{\"not\":\"a bundle\"}");
        store.put_manifest(repository, media_type::OCI_MANIFEST, manifest(json!(bundle), Some(json!(image))), None);
        let mut session = Session::new(&reference, &Limits::DEFAULT, Wanted::default());
        drive(&mut session, &store);
        session.finish().unwrap()
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn evidence_is_loaded_as_it_was_saved_from_both_forms() {
        let evidence = evidence();
        assert_eq!(evidence.candidates().len(), 1);
        let folder = folder();
        for name in ["evidence", "evidence.tar", "e.TAR"] {
            let path = folder.path().join(name);
            save(&path, &evidence.to_saved()).unwrap();
            assert_eq!(path.is_dir(), name == "evidence");
            let file = open(&path).unwrap();
            assert_eq!(file.document(), evidence.to_saved().document);
            let loaded = file.load(&Limits::DEFAULT).unwrap();
            assert_eq!(loaded.candidates(), evidence.candidates());
            assert_eq!(loaded.subject(), evidence.subject());
        }
    }

    #[test]
    fn the_same_evidence_gives_the_same_archive() {
        let folder = folder();
        let (one, two) = (folder.path().join("1.tar"), folder.path().join("2.tar"));
        save(&one, &evidence().to_saved()).unwrap();
        save(&two, &evidence().to_saved()).unwrap();
        assert_eq!(fs::read(one).unwrap(), fs::read(&two).unwrap());
        // A file of the same name is replaced.
        save(&two, &evidence().to_saved()).unwrap();
        assert!(open(&two).is_ok());
    }

    #[test]
    fn evidence_in_memory_is_the_archive_on_disk_and_is_believed_no_more() {
        let (folder, evidence) = (folder(), evidence());
        let path = folder.path().join("e.tar");
        save(&path, &evidence.to_saved()).unwrap();
        let archive = to_archive(&evidence.to_saved());
        assert_eq!(archive, fs::read(&path).unwrap());
        let loaded = from_archive(archive.clone()).unwrap().load(&Limits::DEFAULT).unwrap();
        assert_eq!(loaded.candidates(), evidence.candidates());
        assert_eq!(loaded.subject(), evidence.subject());

        // Every cut ends before the closing blocks, and one byte of the document changes its digest.
        for cut in [0, 1, 512, archive.len() / 2, archive.len() - 1025] {
            assert_eq!(from_archive(archive[..cut].to_vec()).unwrap_err().code(), Code::EvidenceInvalid, "{cut}");
        }
        let document = evidence.to_saved().document;
        let at = archive.windows(document.len()).position(|part| part == document).unwrap();
        let mut altered = archive;
        altered[at + 1] ^= 1;
        assert_eq!(from_archive(altered).unwrap_err().code(), Code::EvidenceInvalid);
    }

    #[test]
    fn a_directory_with_content_is_not_touched_and_nothing_is_left_behind() {
        let folder = folder();
        let path = folder.path().join("evidence");
        fs::create_dir(&path).unwrap();
        save(&path, &evidence().to_saved()).unwrap();
        let failure = save(&path, &evidence().to_saved()).unwrap_err();
        assert_eq!(failure.code(), Code::EvidenceUnwritable);
        assert!(open(&path).is_ok());
        assert_eq!(
            save(folder.path().join("no/such/e.tar"), &evidence().to_saved()).unwrap_err().code(),
            Code::EvidenceUnwritable
        );
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_evidence_or_was_altered_is_evidence_invalid() {
        let folder = folder();
        let path = folder.path().join("evidence");
        save(&path, &evidence().to_saved()).unwrap();
        let document = path.join(blob_name(&Digest::sha256(&evidence().to_saved().document)));
        let code = || open(&path).unwrap_err().code();

        let good = fs::read(&document).unwrap();
        fs::write(&document, [good.as_slice(), b" "].concat()).unwrap();
        assert_eq!(code(), Code::EvidenceInvalid);
        fs::remove_file(&document).unwrap();
        assert_eq!(code(), Code::EvidenceInvalid);
        fs::write(&document, good).unwrap();
        assert!(open(&path).is_ok());

        let index = fs::read_to_string(path.join("index.json")).unwrap();
        for bad in [String::new(), index.replace("[{", "[{},{"), r#"{"schemaVersion":2,"manifests":[]}"#.to_owned()] {
            fs::write(path.join("index.json"), bad).unwrap();
            assert_eq!(code(), Code::EvidenceInvalid);
        }
        fs::write(path.join("index.json"), &index).unwrap();
        fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
        assert_eq!(code(), Code::EvidenceInvalid);
        assert_eq!(open(folder.path().join("nothing")).unwrap_err().code(), Code::EvidenceInvalid);
    }

    #[test]
    fn a_missing_blob_makes_its_candidate_unusable_and_the_image_invalid() {
        let folder = folder();
        let path = folder.path().join("evidence");
        let evidence = evidence();
        save(&path, &evidence.to_saved()).unwrap();
        fs::remove_file(path.join(blob_name(&evidence.candidates()[0].digest.unwrap()))).unwrap();
        let loaded = open(&path).unwrap().load(&Limits::DEFAULT).unwrap();
        assert!(matches!(loaded.candidates()[0].kind, veriseal::gather::CandidateKind::Unusable(_)));
        fs::remove_file(path.join(blob_name(evidence.subject().digest()))).unwrap();
        assert_eq!(open(&path).unwrap().load(&Limits::DEFAULT).unwrap_err().code(), Code::EvidenceInvalid);
    }
}
