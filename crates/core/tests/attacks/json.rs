//! Attacks through what JSON leaves open: K-P-08, K-P-09, K-P-10, K-P-12 and K-P-13, and K-P-16 through DER.

use crate::kit::document::{doubled, objects, recased, text_with};
use crate::kit::{ARTIFACT, Case, digest};
use serde_json::{Value, json};
use veriseal::policy::{Settings, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Code, TrustRoot};
use veriseal_testkit::bundle::Material;
use veriseal_testkit::dsse::{Envelope, IN_TOTO, Statement};
use veriseal_testkit::image::OCI_MANIFEST;
use veriseal_testkit::rekor::Body;
use veriseal_testkit::simple_signing::REKOR_BUNDLE;
use veriseal_testkit::store::tag_of;
use veriseal_testkit::{Bundle, ImageBuilder, Signer, SimpleSignature, Store, der, sign_simple};

fn unlogged() -> Case {
    Case { settings: Settings { tlog: TlogMode::IfPresent, ..Settings::default() }, ..Case::key() }
}

/// Good bundles of every shape: message and envelope, key and certificate, both generations of logs, a timestamp.
fn bundles() -> Vec<(Case, Bundle)> {
    let mut found = Vec::new();
    for mut case in [Case::key(), Case::keyless()] {
        let [(_, message), (_, envelope)] = case.both();
        let v2 = Bundle::image(&digest(), &case.signer).logged_v2(&mut case.sigstore.rekor2);
        let stamped = v2.timestamped(&case.sigstore.tsa, case.sigstore.now);
        found.extend([message, envelope, stamped].map(|bundle| (case.clone(), bundle)));
    }
    found
}

fn statement(case: &Case, text: &[u8]) -> Code {
    case.code(&Bundle::envelope(Envelope::sign(IN_TOTO, text, &case.signer), &case.signer))
}

fn simple_signing(case: &Case, payload: &dyn Fn(Value) -> String) -> Code {
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good = sign_simple(&image.digest, "registry.example/app", &[("env", "prod")], &case.signer);
    let text = payload(serde_json::from_slice(&good.payload).unwrap());
    store.attach_signature(&image.digest, &SimpleSignature::of_payload(text.into_bytes(), &case.signer));
    let (verdict, candidates) = case.image(&store, &image);
    candidates.first().copied().unwrap_or(verdict)
}

fn trust_root(text: &str) -> Code {
    match TrustRoot::from_json(text.as_bytes(), TrustRootOrigin::default()) {
        Ok(_) => Code::Accepted,
        Err(failure) => failure.code(),
    }
}

/// K-P-08: a doubled member is read by one parser at its first place and by the next at its last.
#[test]
fn doubled_members_of_a_bundle_are_refused_everywhere() {
    for (case, bundle) in bundles() {
        assert_eq!(case.code(&bundle), Code::Accepted);
        for (object, text) in doubled(&bundle.to_json()) {
            assert_eq!(case.code_of(text.as_bytes()), Code::BundleMalformed, "{object}");
        }
    }
    let (case, bundle) = &bundles()[0];
    // Spelled with an escape it is still the same name.
    let text = text_with(&bundle.to_json(), "", r#""m\u0065diaType":"x""#);
    assert_eq!(case.code_of(text.as_bytes()), Code::BundleMalformed);
}

/// K-P-08 in what was signed, where the signature holds.
#[test]
fn doubled_members_of_signed_documents_are_refused_everywhere() {
    let mut case = unlogged();
    let predicate = json!({ "builder": { "id": "a" }, "list": [{ "x": 1 }] });
    let document: Value =
        serde_json::from_slice(&Statement::new(&digest(), "https://example.com/x", predicate).to_bytes()).unwrap();
    for (object, text) in doubled(&document) {
        assert_eq!(statement(&case, text.as_bytes()), Code::StatementMalformed, "{object}");
    }
    for object in ["", "/critical", "/critical/identity", "/critical/image", "/optional"] {
        let code = simple_signing(&case, &|payload| {
            doubled(&payload).into_iter().find(|(found, _)| found == object).map(|(_, text)| text).unwrap()
        });
        assert_eq!(code, Code::PayloadMalformed, "{object}");
    }
    // And in what a log holds.
    for (name, bundle) in case.both() {
        let body = bundle.body_v1();
        for (object, text) in doubled(&serde_json::from_slice(&body.bytes).unwrap()) {
            let body = Body { bytes: text.into_bytes(), ..body.clone() };
            let logged = Bundle { entries: Vec::new(), ..bundle.clone() };
            let logged = logged.logged_v1_as(&mut case.sigstore.rekor, body, case.sigstore.now);
            assert_eq!(case.code(&logged), Code::LogEntryMalformed, "{name} {object}");
        }
    }
}

/// K-P-08 in what tells whom to trust, and what belongs to the image.
#[test]
fn doubled_members_of_trust_roots_annotations_and_manifests_are_refused() {
    let mut case = Case::key();
    let root = case.sigstore.trusted_root().as_v02("acme").to_json();
    assert_eq!(trust_root(&root.to_string()), Code::Accepted);
    for (object, text) in doubled(&root) {
        assert_eq!(trust_root(&text), Code::TrustRootInvalid, "{object}");
    }
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good =
        sign_simple(&image.digest, "registry.example/app", &[], &case.signer).logged(&mut case.sigstore.rekor, case.sigstore.now);
    for (object, text) in doubled(&good.entry.as_ref().unwrap().to_annotation()) {
        let (mut store, mut signature) = (store.clone(), good.clone());
        signature.annotations.insert(REKOR_BUNDLE.to_owned(), text);
        store.attach_signature(&image.digest, &signature);
        assert_eq!(case.image(&store, &image), (Code::NoMatchingSignature, vec![Code::AnnotationMalformed]), "{object}");
    }
    store.attach_signature(&image.digest, &good);
    assert_eq!(case.image(&store, &image), (Code::Accepted, vec![]));
    let tag = format!("{}.sig", tag_of(&image.digest));
    let manifest: Value = serde_json::from_slice(&store.tagged(&tag).unwrap().bytes).unwrap();
    for (object, text) in doubled(&manifest) {
        let mut store = store.clone();
        let stored = store.put_manifest(OCI_MANIFEST, text.as_bytes());
        store.tags.insert(tag.clone(), stored.digest);
        let (verdict, candidates) = case.image(&store, &image);
        assert_ne!(verdict, Code::Accepted, "{object}");
        assert_eq!(candidates.first().copied().unwrap_or(verdict), Code::ManifestInvalid, "{object}");
    }
}

/// K-P-09: Go reads a name in any case; then `Digest` is a digest for some and unknown to others.
#[test]
fn names_in_another_case_are_refused() {
    for (case, bundle) in bundles().into_iter().take(3) {
        for (member, document) in recased(&bundle.to_json()) {
            assert_eq!(case.code_of(document.to_string().as_bytes()), Code::BundleMalformed, "{member}");
        }
    }
    let case = unlogged();
    let document: Value = serde_json::from_slice(&Statement::image_signature(&digest()).to_bytes()).unwrap();
    for (object, name) in [("", "Subject"), ("", "PredicateType"), ("", "_Type"), ("/subject/0", "Digest")] {
        let text = text_with(&document, object, &format!(r#""{name}":[]"#));
        assert_eq!(statement(&case, text.as_bytes()), Code::StatementMalformed, "{object} {name}");
    }
    for (object, name) in
        [("", "Critical"), ("/critical", "Type"), ("/critical/image", "Docker-manifest-digest"), ("", "Optional")]
    {
        let code = simple_signing(&case, &|payload| text_with(&payload, object, &format!(r#""{name}":null"#)));
        assert_eq!(code, Code::PayloadMalformed, "{object} {name}");
    }
    for (member, document) in recased(&case.sigstore.trusted_root().to_json()) {
        // The authority's display name is not read at all.
        let expected = if member.contains("/subject/") { Code::Accepted } else { Code::TrustRootInvalid };
        assert_eq!(trust_root(&document.to_string()), expected, "{member}");
    }
}

/// K-P-10: one document, of valid text, with integers where integers belong.
#[test]
fn what_is_not_one_plain_document_is_refused() {
    let (case, bundle) = &bundles()[0];
    let text = bundle.to_json().to_string();
    let good = text.as_bytes();
    assert_eq!(case.code_of(good), Code::Accepted);
    assert_eq!(case.code_of(&[good, b"\n \t"].concat()), Code::Accepted);
    for bad in [
        [good, b"{}"].concat(),
        [good, b"x"].concat(),
        [good, b"\0"].concat(),
        [b"\xef\xbb\xbf", good].concat(),
        [good, good].concat(),
        good[..good.len() - 1].to_vec(),
        Vec::new(),
        b"null".to_vec(),
        [b"[", good, b"]"].concat(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.replacen("mediaType", "mediaType\\ud800", 1).into_bytes(),
        text.replacen("\"verificationMaterial\":", "\"verificationMaterial\":/**/", 1).into_bytes(),
        format!("{},}}", &text[..text.len() - 1]).into_bytes(),
        text.replace('"', "'").into_bytes(),
    ] {
        assert_eq!(case.code_of(&bad), Code::BundleMalformed, "{}", String::from_utf8_lossy(&bad[..bad.len().min(40)]));
    }
    let mut broken = good.to_vec();
    let inside = text.find("hint\":\"").unwrap() + 7;
    broken[inside] = 0xff;
    assert_eq!(case.code_of(&broken), Code::BundleMalformed);
}

/// K-P-10: int64 as string or number, exactly; nothing else is one.
#[test]
fn integers_are_integers() {
    let (case, bundle) = &bundles()[0];
    let entry = "/verificationMaterial/tlogEntries/0";
    let (good, marked) = (bundle.entries[0].integrated_time.unwrap(), {
        let mut document = bundle.to_json();
        document.pointer_mut(entry).unwrap().as_object_mut().unwrap().remove("integratedTime").unwrap();
        document
    });
    let code = |number: &str| case.code_of(text_with(&marked, entry, &format!("\"integratedTime\":{number}")).as_bytes());
    assert_eq!(code(&format!("\"{good}\"")), Code::Accepted);
    assert_eq!(code(&good.to_string()), Code::Accepted);
    for other in [good + 1, i64::MAX] {
        assert_eq!(code(&other.to_string()), Code::SetInvalid, "{other}");
        assert_eq!(code(&format!("\"{other}\"")), Code::SetInvalid, "{other}");
    }
    for bad in [
        format!("{good}.0"),
        format!("{good}e0"),
        "1e400".to_owned(),
        "-0".to_owned(),
        "\"-0\"".to_owned(),
        "9223372036854775808".to_owned(),
        "\"9223372036854775808\"".to_owned(),
        "18446744073709551616".to_owned(),
        format!("\"+{good}\""),
        format!("\" {good}\""),
        format!("\"0{good}\""),
        format!("\"{good}.0\""),
        "\"\"".to_owned(),
        "\"0x10\"".to_owned(),
        "true".to_owned(),
        format!("[{good}]"),
        "-1".to_owned(),
        "\"-1\"".to_owned(),
        "1".repeat(200_000),
        format!("\"{}\"", "1".repeat(200_000)),
    ] {
        assert_eq!(code(&bad), Code::BundleMalformed, "{}", &bad[..bad.len().min(40)]);
    }
}

/// K-P-12 (TOB-5): what we do not know may be what the next version refuses over.
#[test]
fn unknown_members_are_refused_where_we_decide_and_tolerated_where_others_do() {
    for (case, bundle) in bundles() {
        let document = bundle.to_json();
        for object in objects(&document) {
            let text = text_with(&document, &object, r#""unknown":1"#);
            assert_eq!(case.code_of(text.as_bytes()), Code::BundleMalformed, "{object}");
        }
    }
    let mut case = Case::key();
    let root = case.sigstore.trusted_root().to_json();
    for object in objects(&root) {
        let expected = if object.ends_with("/subject") { Code::Accepted } else { Code::TrustRootInvalid };
        assert_eq!(trust_root(&text_with(&root, &object, r#""unknown":1"#)), expected, "{object}");
    }
    // The image specification asks readers to tolerate what they do not know; in-toto does too.
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good =
        sign_simple(&image.digest, "registry.example/app", &[], &case.signer).logged(&mut case.sigstore.rekor, case.sigstore.now);
    store.attach_signature(&image.digest, &good);
    let tag = format!("{}.sig", tag_of(&image.digest));
    let manifest: Value = serde_json::from_slice(&store.tagged(&tag).unwrap().bytes).unwrap();
    for object in ["", "/config", "/layers/0"] {
        let mut store = store.clone();
        let stored = store.put_manifest(OCI_MANIFEST, text_with(&manifest, object, r#""unknown":{"a":1}"#).as_bytes());
        store.tags.insert(tag.clone(), stored.digest);
        assert_eq!(case.image(&store, &image), (Code::Accepted, vec![]), "{object}");
    }
    let document: Value = serde_json::from_slice(&Statement::image_signature(&digest()).to_bytes()).unwrap();
    for object in objects(&document) {
        let text = text_with(&document, &object, r#""unknown":"1""#);
        assert_eq!(statement(&unlogged(), text.as_bytes()), Code::Accepted, "{object}");
    }
}

/// K-P-13: a version that is not known is said to be that, whatever else is in the document.
#[test]
fn unknown_versions_and_negative_numbers_are_refused() {
    let (case, bundle) = &bundles()[0];
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut document = bundle.to_json();
        edit(&mut document);
        case.code_of(document.to_string().as_bytes())
    };
    for media_type in [
        "",
        "application/json",
        "application/vnd.dev.sigstore.bundle.v0.4+json",
        "application/vnd.dev.sigstore.bundle+json;version=0.4",
        "application/vnd.dev.sigstore.bundle+json; version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.2+json",
        "application/vnd.dev.sigstore.bundle.v0.3+json ",
        "APPLICATION/VND.DEV.SIGSTORE.BUNDLE.V0.3+JSON",
    ] {
        assert_eq!(with(&|document| document["mediaType"] = json!(media_type)), Code::BundleVersionUnsupported, "{media_type}");
    }
    let later = |document: &mut Value| {
        document["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.9+json");
        document["proofOfSomethingNew"] = json!({});
    };
    assert_eq!(with(&later), Code::BundleVersionUnsupported);
    assert_eq!(with(&|document| drop(document.as_object_mut().unwrap().remove("mediaType"))), Code::BundleMalformed);
    for (object, field) in
        [("", "logIndex"), ("", "integratedTime"), ("/inclusionProof", "logIndex"), ("/inclusionProof", "treeSize")]
    {
        let at = format!("/verificationMaterial/tlogEntries/0{object}");
        let code = with(&|document| document.pointer_mut(&at).unwrap()[field] = json!("-1"));
        assert_eq!(code, Code::BundleMalformed, "{object} {field}");
    }
}

/// K-P-16: DER in a certificate's place that is deep, long only by its word, or not minimal.
#[test]
fn hostile_der_is_refused() {
    let mut case = Case::keyless();
    let leaf = case.signer.certificate.clone().unwrap();
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        deep = der::tlv(0x30, &deep);
    }
    let mut claims = leaf.clone();
    claims[1..4].copy_from_slice(&[0x84, 0xff, 0xff]);
    // The same length in one byte more than it needs.
    let padded = [&[leaf[0], 0x83, 0][..], &leaf[2..]].concat();
    assert_eq!(leaf[1], 0x82);
    let indefinite = [&[leaf[0], 0x80][..], &leaf[4..], &[0, 0]].concat();
    let mut rows = vec![
        deep,
        claims,
        padded,
        indefinite,
        leaf[..leaf.len() - 1].to_vec(),
        [&leaf[..], &[0]].concat(),
        Vec::new(),
        vec![0x30],
    ];
    // A boolean that is true in BER only.
    let boolean = [0x01, 0x01, 0xff];
    let at = leaf.windows(3).position(|window| window == boolean).unwrap();
    let mut ber = leaf.clone();
    ber[at + 2] = 1;
    rows.push(ber);
    for bytes in rows {
        let mut bundle = Bundle::blob(ARTIFACT, &case.signer);
        bundle.material = Material::Certificate(bytes.clone());
        assert_eq!(case.code(&bundle), Code::CertificateMalformed, "{:02x?}", &bytes[..bytes.len().min(8)]);
    }
    // An arc that is 3 modulo 2^32 is not 3: codeSigning by another number is no codeSigning.
    let mut template = case.sigstore.fulcio.template(&crate::kit::identity(), &case.signer.key.spki(), case.sigstore.now);
    let wrapped = der::tlv(0x06, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x90, 0x80, 0x80, 0x80, 0x03]);
    template.set(veriseal_testkit::x509::Extension::new("2.5.29.37", false, der::tlv(0x30, &wrapped)));
    let leaf = case.sigstore.fulcio.finish(&template, &[&case.sigstore.ct_log], case.sigstore.now);
    case.signer = Signer::certificate(case.signer.key.clone(), leaf, Vec::new());
    let bundle = case.message();
    assert_eq!(case.code(&bundle), Code::CertificatePurpose);
}

/// A reader outside of any format says so with codes of its own, and a list that is too long is told apart from bad JSON.
#[test]
fn json_that_belongs_to_no_format_has_codes_of_its_own() {
    use veriseal::Failure;
    use veriseal::encoding::json::parse;
    let read = |text: &str| parse::<Vec<u8>>(text.as_bytes(), 4).map_err(|error| Failure::from(error).code());
    assert_eq!(read("[1]"), Ok(vec![1]));
    for text in ["[1", "[1]1", "[-1]", "{}", "[1.0]"] {
        assert_eq!(read(text), Err(Code::JsonInvalid), "{text}");
    }
}
