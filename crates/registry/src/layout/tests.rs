//! Tests over layouts that are written here, in directories and in archives.

use super::*;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use veriseal::gather::{CandidateKind, RequestId, Session, Wanted, drive};
use veriseal::oci::media_type::{
    ANNOTATION_KIND, ANNOTATION_REF_NAME, BUNDLE_V03, KIND_ATTESTATIONS, KIND_IMAGE, KIND_SIGNATURES, OCI_EMPTY, OCI_INDEX,
    OCI_MANIFEST,
};

const CONTAINERD: &str = "io.containerd.image.name";

/// A layout in the making.
struct Writer {
    folder: tempfile::TempDir,
    entries: Vec<Value>,
}

impl Writer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        Self { folder, entries: Vec::new() }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.path().join(blob_name(digest))
    }

    fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        fs::write(self.path(&digest), bytes).unwrap();
        digest
    }

    fn descriptor(&self, media_type: &str, bytes: &[u8]) -> Value {
        json!({ "mediaType": media_type, "digest": self.blob(bytes).to_string(), "size": bytes.len() })
    }

    /// A manifest with one layer of this content; about `subject` where there is one. Listed nowhere.
    fn manifest(&self, content: &str, subject: Option<Digest>) -> Digest {
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "annotations": { "made-for": content },
            "config": self.descriptor(OCI_EMPTY, b"{}"), "layers": [self.descriptor(BUNDLE_V03, content.as_bytes())],
        });
        if let Some(subject) = subject {
            manifest["artifactType"] = BUNDLE_V03.into();
            manifest["subject"] = json!({ "mediaType": OCI_MANIFEST, "digest": subject.to_string(), "size": 1 });
        }
        self.blob(manifest.to_string().as_bytes())
    }

    fn list(&mut self, media_type: &str, digest: Digest, annotations: &[(&str, &str)]) -> Digest {
        let size = fs::metadata(self.path(&digest)).map_or(1, |metadata| metadata.len());
        let annotations: Value = annotations.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
        self.entries
            .push(json!({ "mediaType": media_type, "digest": digest.to_string(), "size": size, "annotations": annotations }));
        digest
    }

    fn image(&mut self, content: &str, annotations: &[(&str, &str)]) -> Digest {
        let digest = self.manifest(content, None);
        self.list(OCI_MANIFEST, digest, annotations)
    }

    fn close(&self) {
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.entries });
        fs::write(self.folder.path().join("index.json"), index.to_string()).unwrap();
    }

    fn open(&self) -> OciLayout {
        self.close();
        OciLayout::open(self.folder.path()).unwrap()
    }

    /// The same content as an archive.
    fn archive(&self) -> PathBuf {
        self.close();
        let mut writer = tar::Writer::new(Vec::new());
        for name in ["oci-layout", "index.json"] {
            writer.file(name, &fs::read(self.folder.path().join(name)).unwrap()).unwrap();
        }
        for entry in self.folder.path().join("blobs/sha256").read_dir().unwrap() {
            let entry = entry.unwrap();
            let name = format!("blobs/sha256/{}", entry.file_name().to_str().unwrap());
            writer.file(&name, &fs::read(entry.path()).unwrap()).unwrap();
        }
        let path = self.folder.path().join("layout.tar");
        fs::write(&path, writer.finish().unwrap()).unwrap();
        path
    }
}

fn ask(layout: &OciLayout, what: What) -> Result<Response, FetchError> {
    layout.fetch(&Request::new(RequestId::from_number(0), layout.repository().clone(), what, 1 << 20))
}

fn by_tag(layout: &OciLayout, tag: &str) -> Result<Option<Digest>, Code> {
    match ask(layout, What::ManifestByTag(tag.parse().unwrap())) {
        Ok(Response::Found { bytes, .. }) => Ok(Some(Digest::sha256(&bytes))),
        Ok(Response::NotFound) => Ok(None),
        Err(error) => Err(error.failure().code()),
    }
}

fn listed(layout: &OciLayout, subject: Digest) -> Result<Vec<Value>, Code> {
    match ask(layout, What::Referrers { subject, page: None }) {
        Ok(Response::Found { media_type, bytes, next: None }) => {
            assert_eq!(media_type.as_deref(), Some(OCI_INDEX));
            let list: Value = serde_json::from_slice(&bytes).unwrap();
            Ok(list["manifests"].as_array().unwrap().clone())
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.failure().code()),
    }
}

fn digests(list: &[Value]) -> Vec<String> {
    list.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn content_is_found_by_tag_and_by_digest_in_both_forms() {
    let mut writer = Writer::new();
    let image = writer.image("a", &[(ANNOTATION_REF_NAME, "v1")]);
    let layer = writer.blob(b"a");
    for layout in [writer.open(), OciLayout::open(writer.archive()).unwrap()] {
        assert_eq!(by_tag(&layout, "v1"), Ok(Some(image)));
        assert_eq!(by_tag(&layout, "v2"), Ok(None));
        let Ok(Response::Found { media_type, bytes, .. }) = ask(&layout, What::Manifest(image)) else { panic!() };
        assert_eq!(media_type.as_deref(), Some(OCI_MANIFEST));
        assert!(image.matches(&bytes));
        let blob = |size| ask(&layout, What::Blob { digest: layer, size });
        assert_eq!(blob(1), Ok(Response::Found { media_type: None, bytes: b"a".to_vec(), next: None }));
        assert_eq!(blob(0).unwrap_err().failure().code(), Code::SizeMismatch);
        assert_eq!(ask(&layout, What::Manifest(Digest::sha256(b"other"))), Ok(Response::NotFound));
        assert_eq!(ask(&layout, What::Blob { digest: Digest::sha256(b"other"), size: 1 }), Ok(Response::NotFound));
        let short = Request::new(RequestId::from_number(0), layout.repository().clone(), What::Manifest(image), 10);
        assert_eq!(layout.fetch(&short), Err(FetchError::TooLarge { max_bytes: 10 }));
    }
}

#[test]
fn a_tag_is_found_at_the_end_of_a_full_name_and_by_it() {
    let mut writer = Writer::new();
    let a = writer.image("a", &[(ANNOTATION_REF_NAME, "v1"), (CONTAINERD, "docker.io/library/a:v1")]);
    let b = writer.image("b", &[(ANNOTATION_REF_NAME, "v1"), (CONTAINERD, "docker.io/library/b:v1")]);
    let c = writer.image("c", &[(ANNOTATION_REF_NAME, "reg.example/c:v3")]);
    let layout = writer.open();
    // Two images of that tag: neither is better.
    assert_eq!(by_tag(&layout, "v1"), Err(Code::SourceInvalid));
    assert_eq!(by_tag(&layout, "v3"), Ok(Some(c)));
    for (name, digest) in [("a:v1", a), ("b:v1", b), ("reg.example/c:v3", c)] {
        let reference: Reference = name.parse().unwrap();
        assert_eq!(layout.resolve(&reference).unwrap().digest(), Some(&digest), "{name}");
    }
    assert_eq!(layout.resolve(&"a:v9".parse().unwrap()).unwrap_err().code(), Code::ImageNotFound);
    let pinned = Reference::new(layout.repository().clone(), None, Some(a));
    assert_eq!(layout.resolve(&pinned).unwrap(), pinned);
}

#[test]
fn the_only_image_is_found_beside_signatures_and_several_are_listed() {
    let mut writer = Writer::new();
    let image = writer.image("image", &[(ANNOTATION_REF_NAME, "v1")]);
    writer.image("sig", &[(ANNOTATION_REF_NAME, Tag::cosign(&image, "sig").as_str())]);
    writer.image("att", &[(ANNOTATION_KIND, KIND_ATTESTATIONS)]);
    writer.image("list", &[(ANNOTATION_REF_NAME, Tag::referrers_fallback(&image).as_str())]);
    let referrer = writer.manifest("bundle", Some(image));
    writer.list(OCI_MANIFEST, referrer, &[]);
    let layer = writer.blob(b"a layer");
    writer.list("application/octet-stream", layer, &[]);
    // The same image under a second tag is still one image.
    writer.list(OCI_MANIFEST, image, &[(ANNOTATION_REF_NAME, "latest")]);
    let layout = writer.open();
    let found = layout.default_image().unwrap();
    assert_eq!((found.digest(), found.tag().map(Tag::as_str)), (Some(&image), Some("v1")));
    assert!(matches!(ask(&layout, What::OnlyImage), Ok(Response::Found { .. })));
    let open = Reference::layout(layout.repository().clone(), None, None);
    assert_eq!(layout.resolve(&open).unwrap().digest(), Some(&image));

    writer.image("second", &[(ANNOTATION_REF_NAME, "v2")]);
    let failure = writer.open().default_image().unwrap_err();
    assert_eq!(failure.code(), Code::SourceInvalid);
    assert!(failure.to_string().contains("v1") && failure.to_string().contains("v2"), "{failure}");
    assert_eq!(Writer::new().open().default_image().unwrap_err().code(), Code::SourceInvalid);
}

#[test]
fn what_cosign_saved_is_found_by_kind() {
    let mut writer = Writer::new();
    let image = writer.image("image", &[(ANNOTATION_KIND, KIND_IMAGE)]);
    let signatures = writer.image("sigs", &[(ANNOTATION_KIND, KIND_SIGNATURES)]);
    let attestations = writer.image("atts", &[(ANNOTATION_KIND, KIND_ATTESTATIONS)]);
    let layout = writer.open();
    assert_eq!(layout.default_image().unwrap().digest(), Some(&image));
    assert_eq!(by_tag(&layout, Tag::cosign(&image, "sig").as_str()), Ok(Some(signatures)));
    assert_eq!(by_tag(&layout, Tag::cosign(&image, "att").as_str()), Ok(Some(attestations)));
    assert_eq!(by_tag(&layout, Tag::cosign(&signatures, "sig").as_str()), Ok(None));
    // With a second image it cannot be told whose signatures they are.
    writer.image("second", &[(ANNOTATION_KIND, KIND_IMAGE)]);
    assert_eq!(by_tag(&writer.open(), Tag::cosign(&image, "sig").as_str()), Ok(None));
}

/// `cosign save` of version 3 leaves bundle manifests in `blobs` and lists them nowhere.
#[test]
fn referrers_are_found_whether_listed_or_not_and_each_once() {
    let mut writer = Writer::new();
    let image = writer.image("image", &[]);
    let other = writer.image("other", &[]);
    let unlisted = writer.manifest("unlisted", Some(image));
    let at_top = writer.manifest("at top", Some(image));
    writer.list(OCI_MANIFEST, at_top, &[]);
    let elsewhere = writer.manifest("elsewhere", Some(other));
    let by_fallback = writer.manifest("by fallback only", None);
    let list = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        { "mediaType": OCI_MANIFEST, "digest": at_top.to_string(), "size": 1 },
        { "mediaType": OCI_MANIFEST, "digest": by_fallback.to_string(), "size": 1, "artifactType": "x" },
        { "mediaType": OCI_MANIFEST, "digest": "blake3:unknown", "size": 1 },
    ]});
    let list = writer.blob(list.to_string().as_bytes());
    writer.list(OCI_INDEX, list, &[(ANNOTATION_REF_NAME, Tag::referrers_fallback(&image).as_str())]);
    for layout in [writer.open(), OciLayout::open(writer.archive()).unwrap()] {
        let found = listed(&layout, image).unwrap();
        let mut expected = [unlisted.to_string(), at_top.to_string()];
        expected.sort();
        assert_eq!(digests(&found), [expected.as_slice(), &[by_fallback.to_string(), "blake3:unknown".to_owned()]].concat());
        assert_eq!(found[0]["artifactType"], BUNDLE_V03);
        assert!(found[0]["annotations"]["made-for"].is_string());
        assert_eq!(digests(&listed(&layout, other).unwrap()), [elsewhere.to_string()]);
        assert!(listed(&layout, unlisted).unwrap().is_empty());
    }
}

#[test]
fn a_listed_manifest_that_is_missing_or_altered_leaves_referrers_unknown() {
    let mut writer = Writer::new();
    let image = writer.image("image", &[]);
    let listed_one = writer.manifest("bundle", Some(image));
    writer.list(OCI_MANIFEST, listed_one, &[]);
    let path = writer.path(&listed_one);
    let good = fs::read(&path).unwrap();
    fs::write(&path, [good.as_slice(), b" "].concat()).unwrap();
    assert_eq!(listed(&writer.open(), image), Err(Code::DigestMismatch));
    fs::remove_file(&path).unwrap();
    assert_eq!(listed(&writer.open(), image), Err(Code::Dangling));
    assert_eq!(by_tag(&writer.open(), "v1"), Ok(None));
    writer.list(OCI_MANIFEST, listed_one, &[(ANNOTATION_REF_NAME, "v1")]);
    assert_eq!(by_tag(&writer.open(), "v1"), Err(Code::Dangling));
}

#[test]
fn a_session_gathers_a_bundle_from_a_layout() {
    let mut writer = Writer::new();
    let image = writer.image("image", &[]);
    let referrer = writer.manifest("{}", Some(image));
    let layout = writer.open();
    let reference = Reference::layout(layout.repository().clone(), None, None);
    let mut session = Session::new(&reference, &Limits::DEFAULT, Wanted::with_attestations());
    drive(&mut session, &layout);
    let evidence = session.finish().unwrap();
    assert_eq!(evidence.subject().digest(), &image);
    assert_eq!(evidence.candidates().len(), 1, "{:?}", evidence.notes());
    assert_eq!(evidence.candidates()[0].manifest.as_ref().unwrap().digest(), &referrer);
    assert!(matches!(evidence.candidates()[0].kind, CandidateKind::Bundle { .. }));
    assert!(evidence.is_complete());
}

#[test]
fn what_is_no_layout_is_source_invalid() {
    let code = |writer: &Writer| OciLayout::open(writer.folder.path()).unwrap_err().code();
    let mut writer = Writer::new();
    assert_eq!(code(&writer), Code::SourceInvalid, "no index.json");
    writer.image("image", &[]);
    writer.close();
    assert!(OciLayout::open(writer.folder.path()).is_ok());
    for index in
        ["", "[]", r#"{"manifests":[]}"#, r#"{"schemaVersion":1,"manifests":[]}"#, r#"{"schemaVersion":2,"schemaVersion":2}"#]
    {
        fs::write(writer.folder.path().join("index.json"), index).unwrap();
        assert_eq!(code(&writer), Code::SourceInvalid, "{index}");
    }
    let entry = json!({ "mediaType": "x", "digest": Digest::sha256(b"x").to_string(), "size": 1 });
    let many = |count| json!({ "schemaVersion": 2, "manifests": vec![entry.clone(); count] }).to_string();
    fs::write(writer.folder.path().join("index.json"), many(1000)).unwrap();
    assert!(OciLayout::open(writer.folder.path()).is_ok());
    fs::write(writer.folder.path().join("index.json"), many(1001)).unwrap();
    assert_eq!(code(&writer), Code::SourceInvalid);
    writer.close();
    for marker in ["", "{}", r#"{"imageLayoutVersion":"2.0.0"}"#] {
        fs::write(writer.folder.path().join("oci-layout"), marker).unwrap();
        assert_eq!(code(&writer), Code::SourceInvalid, "{marker}");
    }
    assert_eq!(OciLayout::open("/nonexistent/layout").unwrap_err().code(), Code::SourceInvalid);
    let file = writer.folder.path().join("file.tar.gz");
    fs::write(&file, [&[0x1f, 0x8b][..], &[0; 600]].concat()).unwrap();
    let failure = OciLayout::open(&file).unwrap_err();
    assert!(failure.to_string().contains("decompress"), "{failure}");
}

/// K-OC-13.
#[cfg(unix)]
#[test]
fn a_link_out_of_the_layout_is_refused_and_one_inside_is_followed() {
    use std::os::unix::fs::symlink;
    let mut writer = Writer::new();
    let image = writer.image("image", &[]);
    let outside = tempfile::tempdir().unwrap();
    let (secret, inner) = (Digest::sha256(b"secret"), Digest::sha256(b"inner"));
    fs::write(outside.path().join("secret"), b"secret").unwrap();
    symlink(outside.path().join("secret"), writer.path(&secret)).unwrap();
    fs::write(writer.folder.path().join("data"), b"inner").unwrap();
    symlink("../../data", writer.path(&inner)).unwrap();
    let layout = writer.open();
    let blob = |digest: Digest, size| ask(&layout, What::Blob { digest, size });
    assert_eq!(blob(secret, 6).unwrap_err().failure().code(), Code::SourceInvalid);
    assert!(matches!(blob(inner, 5), Ok(Response::Found { bytes, .. }) if bytes == b"inner"));
    let dangling = Digest::sha256(b"dangling");
    symlink("nowhere", writer.path(&dangling)).unwrap();
    assert_eq!(blob(dangling, 1), Ok(Response::NotFound));
    let folder = Digest::sha256(b"folder");
    fs::create_dir(writer.path(&folder)).unwrap();
    assert_eq!(blob(folder, 1).unwrap_err().failure().code(), Code::SourceInvalid);
    // None of them keeps the referrers from being found.
    assert!(listed(&layout, image).unwrap().is_empty());
}
