//! Layouts that other tools wrote, read from the shared test vectors (`$VERISEAL_VECTORS`).

use std::path::PathBuf;
use veriseal::digest::Digest;
use veriseal::gather::{Fetch, Request, RequestId, Response, What};
use veriseal::oci::Tag;
use veriseal_registry::OciLayout;

fn vectors() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    std::env::var_os("VERISEAL_VECTORS").map_or_else(|| default.into(), PathBuf::from)
}

/// Layouts of the notation end-to-end tests: one image each, signatures under the fallback tag or listed beside it.
#[test]
fn the_layouts_of_notation_are_read() {
    let folder = vectors().join("notation/test/e2e/testdata/registry/oci_layout");
    let Ok(layouts) = folder.read_dir() else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let (mut count, mut tagged) = (0, 0);
    for path in layouts.map(|entry| entry.unwrap().path()) {
        let layout = OciLayout::open(&path).unwrap();
        let fetch = |what: What| {
            layout.fetch(&Request::new(RequestId::from_number(0), layout.repository().clone(), what, 1 << 22)).unwrap()
        };
        let image = layout.default_image().unwrap();
        let digest = *image.digest().unwrap();
        let Response::Found { bytes, .. } = fetch(What::OnlyImage) else { panic!("{}", path.display()) };
        assert!(digest.matches(&bytes));
        tagged += usize::from(fetch(What::ManifestByTag(Tag::referrers_fallback(&digest))) != Response::NotFound);
        let Response::Found { bytes, .. } = fetch(What::Referrers { subject: digest, page: None }) else { panic!() };
        let list: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let listed = list["manifests"].as_array().unwrap();
        assert!(!listed.is_empty(), "{}", path.display());
        for entry in listed {
            assert_eq!(entry["artifactType"], "application/vnd.cncf.notary.signature");
            let digest: Digest = entry["digest"].as_str().unwrap().parse().unwrap();
            assert!(matches!(fetch(What::Manifest(digest)), Response::Found { bytes, .. } if digest.matches(&bytes)));
        }
        count += 1;
    }
    assert_eq!((count, tagged), (4, 3));
}
