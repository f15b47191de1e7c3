//! Real manifests, indexes, layouts and PEM files of other projects, read by the strict parsers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use veriseal::encoding::pem;
use veriseal::gather::{Layout, LayoutState, MemoryStore, Session, Wanted, drive};
use veriseal::limits::Limits;
use veriseal::oci::{Document, Reference, Repository, Tag, media_type};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What another project pushed, we can read.
#[test]
fn real_manifests_and_indexes_are_read() {
    let Some(vectors) = crate::common::vectors() else { return };
    let mut kinds = BTreeSet::new();
    let mut count = 0;
    for folder in ["containers-image", "notation", "notation-go", "connaisseur", "cosign"] {
        for path in files(&vectors.join(folder)) {
            let bytes = std::fs::read(&path).unwrap();
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else { continue };
            if value.get("schemaVersion").is_none() {
                continue;
            }
            let document = Document::parse(&bytes, None, &Limits::DEFAULT);
            let document = document.unwrap_or_else(|failure| panic!("{}: {failure}", path.display()));
            kinds.insert(document.media_type().to_owned());
            count += 1;
        }
    }
    assert!(count >= 15, "{count}");
    for kind in [media_type::OCI_MANIFEST, media_type::OCI_INDEX, media_type::DOCKER_MANIFEST] {
        assert!(kinds.contains(kind), "{kind} not among {kinds:?}");
    }
}

/// Layouts that notation wrote: their signatures are referrers of another kind, found over the API or the fallback
/// tag and left alone, and that is no trouble.
#[test]
fn notary_signatures_of_real_layouts_are_seen_and_ignored() {
    let Some(vectors) = crate::common::vectors() else { return };
    let layouts = vectors.join("notation/test/e2e/testdata/registry/oci_layout");
    for (name, has_api) in [
        ("e2e-valid-signature", true),
        ("e2e-valid-signature", false),
        ("e2e-invalid-signature", false),
        ("e2e-expired-signature", false),
        ("e2e-with-timestamped-signature", true),
    ] {
        let folder = layouts.join(name);
        let repository = Repository::layout(name);
        let mut store = MemoryStore::new().with_referrers_api(has_api);
        for path in files(&folder.join("blobs")) {
            let bytes = std::fs::read(path).unwrap();
            if let Ok(document) = Document::parse(&bytes, None, &Limits::DEFAULT) {
                store.put_manifest(&repository, document.media_type(), bytes, None);
            } else {
                store.put_blob(&repository, "application/octet-stream", bytes);
            }
        }
        let index = std::fs::read(folder.join("index.json")).unwrap();
        let Ok(Document::Index(index)) = Document::parse(&index, Some(media_type::OCI_INDEX), &Limits::DEFAULT) else { panic!() };
        for entry in &index.manifests {
            if let Some(tag) = entry.annotations.get(media_type::ANNOTATION_REF_NAME) {
                store.tag(&repository, tag.parse::<Tag>().unwrap(), entry.digest);
            }
        }
        let mut session = Session::new(&Reference::new(repository, None, None), &Limits::DEFAULT, Wanted::default());
        drive(&mut session, &store);
        let evidence = session.finish().unwrap_or_else(|error| panic!("{name}: {error}"));
        let layout = if has_api { Layout::ReferrersApi } else { Layout::ReferrersTag };
        assert_eq!(evidence.layouts().get(&layout), Some(&LayoutState::Found), "{name}");
        assert!(evidence.ignored_referrers() >= 1, "{name}");
        assert!(evidence.candidates().is_empty() && evidence.is_complete(), "{name}: {:?}", evidence.notes());
    }
}

/// PEM as other tools write it. Files with text around the blocks are refused on purpose and named here.
#[test]
fn real_pem_files_are_read() {
    let Some(vectors) = crate::common::vectors() else { return };
    let mut refused = Vec::new();
    let mut count = 0;
    for path in files(&vectors) {
        let is_pem = path.extension().is_some_and(|extension| extension == "pem" || extension == "pub" || extension == "crt");
        let Ok(bytes) = std::fs::read(&path) else { continue };
        if !is_pem || !bytes.starts_with(b"-----BEGIN ") {
            continue;
        }
        match pem::parse_all(&bytes, 100) {
            Ok(_) => count += 1,
            Err(error) => refused.push(format!("{}: {error}", path.strip_prefix(&vectors).unwrap().display())),
        }
    }
    assert!(count >= 20, "{count}");
    assert_eq!(refused, Vec::<String>::new());
}
