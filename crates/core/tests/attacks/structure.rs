//! Bundles and annotations whose parts contradict each other or are too many: K-P-13, K-CR-08 and the rules of structure of
//! each version, from which every other check starts.

use crate::kit::{ARTIFACT, Case};
use serde_json::{Value, json};
use veriseal::policy::{Settings, TlogMode};
use veriseal::{Code, Limits};
use veriseal_testkit::bundle::{Content, Material};
use veriseal_testkit::simple_signing::{CERTIFICATE, CHAIN, REKOR_BUNDLE, SIGNATURE, TIMESTAMP};
use veriseal_testkit::{Bundle, BundleVersion, Image, ImageBuilder, LogEntry, SimpleSignature, Store, pem, sign_simple};

fn unlogged(case: Case) -> Case {
    Case { settings: Settings { tlog: TlogMode::IfPresent, ..Settings::default() }, ..case }
}

fn code_with(case: &Case, bundle: &Bundle, edit: impl FnOnce(&mut Value)) -> Code {
    let mut document = bundle.to_json();
    edit(&mut document);
    case.code_of(document.to_string().as_bytes())
}

/// One content and one signer: with two of either it is open which one was verified.
#[test]
fn a_bundle_has_one_content_and_one_signer() {
    let mut case = Case::keyless();
    let [(_, message), (_, envelope)] = case.both();
    let (message_json, envelope_json) = (message.to_json(), envelope.to_json());
    let both = |document: &mut Value| document["dsseEnvelope"] = envelope_json["dsseEnvelope"].clone();
    assert_eq!(code_with(&case, &message, both), Code::BundleMalformed);
    let both = |document: &mut Value| document["messageSignature"] = message_json["messageSignature"].clone();
    assert_eq!(code_with(&case, &envelope, both), Code::BundleMalformed);
    let neither = |document: &mut Value| drop(document.as_object_mut().unwrap().remove("messageSignature"));
    assert_eq!(code_with(&case, &message, neither), Code::BundleMalformed);

    let leaf = message_json["verificationMaterial"]["certificate"].clone();
    let chain = json!({ "certificates": [leaf] });
    for (name, value) in [("publicKey", json!({ "hint": "x" })), ("x509CertificateChain", chain.clone())] {
        let second = |document: &mut Value| document["verificationMaterial"][name] = value.clone();
        assert_eq!(code_with(&case, &message, second), Code::BundleMalformed, "{name}");
    }
    let none = |document: &mut Value| drop(document["verificationMaterial"].as_object_mut().unwrap().remove("certificate"));
    assert_eq!(code_with(&case, &message, none), Code::BundleMalformed);
}

/// Each version has its own place for the certificate.
#[test]
fn the_certificate_stands_where_the_version_puts_it() {
    let mut case = Case::keyless();
    let bundle = case.message();
    let leaf = case.signer.certificate.clone().unwrap();
    let rows = [
        (BundleVersion::V01, Material::Certificate(leaf.clone()), Code::BundleMalformed),
        (BundleVersion::V02, Material::Certificate(leaf.clone()), Code::BundleMalformed),
        (BundleVersion::V03Old, Material::Certificate(leaf.clone()), Code::Accepted),
        (BundleVersion::V03, Material::Certificate(leaf.clone()), Code::Accepted),
        (BundleVersion::V01, Material::Chain(vec![leaf.clone()]), Code::Accepted),
        (BundleVersion::V02, Material::Chain(vec![leaf.clone()]), Code::Accepted),
        (BundleVersion::V03Old, Material::Chain(vec![leaf.clone()]), Code::BundleChainForbidden),
        (BundleVersion::V03, Material::Chain(vec![leaf.clone()]), Code::BundleChainForbidden),
    ];
    for (version, material, code) in rows {
        let bundle = Bundle { media_type: version.media_type().to_owned(), material, ..bundle.clone() };
        assert_eq!(case.code(&bundle), code, "{version:?} {:?}", matches!(bundle.material, Material::Chain(_)));
    }
    // What lies beside the leaf is not used, and a root there is what old clients sent.
    let chain = [vec![leaf], case.sigstore.fulcio.chain()].concat();
    let chained = Bundle { material: Material::Chain(chain), ..bundle.version(BundleVersion::V01) };
    assert_eq!(case.code(&chained), Code::Accepted);
    let long = Bundle { material: Material::Chain(vec![case.sigstore.fulcio.root.der.clone(); 17]), ..chained };
    assert_eq!(case.code(&long), Code::BundleMalformed);
}

/// Hints select nothing; two that contradict each other say that the parts do not belong together.
#[test]
fn contradicting_key_hints_are_refused() {
    let mut case = Case::key();
    let bundle = case.envelope();
    let hinted = |hint: &str, keyid: &str| {
        let mut bundle = bundle.clone();
        bundle.material = Material::PublicKey { hint: hint.to_owned() };
        let Content::Dsse(envelope) = &mut bundle.content else { panic!("an envelope") };
        envelope.signatures[0].keyid = keyid.to_owned();
        case.code(&bundle)
    };
    assert_eq!(hinted("a", "a"), Code::Accepted);
    assert_eq!(hinted("a", ""), Code::Accepted);
    assert_eq!(hinted("", "b"), Code::Accepted);
    assert_eq!(hinted("a", "b"), Code::KeyHintMismatch);
}

/// What a v0.1 bundle must bring, and what the later ones must.
#[test]
fn each_version_asks_for_its_evidence() {
    let mut case = Case::key();
    let bundle = case.message();
    let without = |edit: &dyn Fn(&mut LogEntry), version: BundleVersion| {
        let mut bundle = bundle.clone().version(version);
        edit(&mut bundle.entries[0]);
        case.code(&bundle)
    };
    let no_promise = |entry: &mut LogEntry| entry.set = None;
    let empty_promise = |entry: &mut LogEntry| entry.set = Some(Vec::new());
    let no_proof = |entry: &mut LogEntry| entry.proof = None;
    let no_checkpoint = |entry: &mut LogEntry| entry.proof.as_mut().unwrap().checkpoint = None;
    for version in crate::kit::VERSIONS {
        let (v01, asks_for_proof) = (version == BundleVersion::V01, version != BundleVersion::V01);
        assert_eq!(without(&no_promise, version), if v01 { Code::SetMissing } else { Code::Accepted }, "{version:?}");
        assert_eq!(without(&empty_promise, version), Code::BundleMalformed, "{version:?}");
        let expected = if asks_for_proof { Code::InclusionProofMissing } else { Code::Accepted };
        assert_eq!(without(&no_proof, version), expected, "{version:?}");
        assert_eq!(without(&no_checkpoint, version), Code::CheckpointMissing, "{version:?}");
    }
    // Rekor v2 makes no promise: one in its place neither counts nor is read.
    let mut v2 = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    assert_eq!(case.code(&v2), Code::Accepted);
    v2.entries[0].set = Some(vec![1; 70]);
    assert_eq!(case.code(&v2), Code::SetUnexpected);
    v2.entries[0].proof = None;
    assert_eq!(case.code(&v2.version(BundleVersion::V01)), Code::SetUnexpected);
}

/// K-DS-03: a few are enough for everybody, and more than that are refused before they are read.
#[test]
fn entries_timestamps_and_checkpoints_are_bounded() {
    let mut case = Case::key();
    let bundle = case.message();
    let tsa = case.sigstore.tsa.clone();
    let mut entries = |count: usize| {
        let mut bundle = bundle.clone();
        while bundle.entries.len() < count {
            bundle = bundle.logged_v1(&mut case.sigstore.rekor, case.sigstore.now);
        }
        bundle
    };
    let (most, more) = (entries(Limits::DEFAULT.log_entries), entries(Limits::DEFAULT.log_entries + 1));
    assert_eq!(case.code(&most), Code::Accepted);
    assert_eq!(case.code(&more), Code::TooManyEntries);
    let stamped = |count: usize| {
        let at = |number: usize| case.sigstore.now.saturating_add_seconds(number as i64);
        (0..count).fold(bundle.clone(), |bundle, number| bundle.timestamped(&tsa, at(number)))
    };
    assert_eq!(case.code(&stamped(Limits::DEFAULT.timestamps)), Code::Accepted);
    assert_eq!(case.code(&stamped(Limits::DEFAULT.timestamps + 1)), Code::TooManyEntries);
    let mut long = bundle.clone();
    long.entries[0].proof.as_mut().unwrap().checkpoint = Some("x".repeat(Limits::DEFAULT.checkpoint_bytes + 1));
    assert_eq!(case.code(&long), Code::CheckpointMalformed);
    let padded = |bytes: usize| {
        let mut text = bundle.to_bytes();
        text.resize(bytes, b' ');
        case.code_of(&text)
    };
    let most = Limits::DEFAULT.bundle_bytes as usize;
    assert_eq!((padded(most), padded(most + 1)), (Code::Accepted, Code::TooLarge));
}

fn image() -> (Store, Image) {
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    (store, image)
}

fn simple(case: &Case, edit: impl FnOnce(&mut SimpleSignature)) -> Code {
    let (mut store, image) = image();
    let mut signature = sign_simple(&image.digest, "registry.example/app", &[], &case.signer);
    edit(&mut signature);
    store.attach_signature(&image.digest, &signature);
    let (verdict, candidates) = case.image(&store, &image);
    candidates.first().copied().unwrap_or(verdict)
}

fn annotated(case: &Case, name: &str, text: &str) -> Code {
    simple(case, |signature| drop(signature.annotations.insert(name.to_owned(), text.to_owned())))
}

/// The same for cosign's annotations.
#[test]
fn annotations_that_cannot_be_read_are_refused() {
    let (key, keyless) = (unlogged(Case::key()), unlogged(Case::keyless()));
    assert_eq!(simple(&key, |_| {}), Code::Accepted);
    assert_eq!(annotated(&key, SIGNATURE, ""), Code::SignatureMalformed);
    let leaf = keyless.signer.certificate.clone().unwrap();
    let chain = pem::certificates(&keyless.sigstore.fulcio.chain());
    // A chain that leads from nowhere.
    assert_eq!(annotated(&key, CHAIN, &chain), Code::AnnotationMalformed);
    assert_eq!(annotated(&keyless, CHAIN, "text"), Code::AnnotationMalformed);
    assert_eq!(annotated(&keyless, CHAIN, &keyless.signer.key.public_pem()), Code::AnnotationMalformed);
    let text = pem::encode("CERTIFICATE", &leaf);
    assert_eq!(annotated(&keyless, CERTIFICATE, &format!("{text}{text}")), Code::AnnotationMalformed);
    assert_eq!(annotated(&keyless, CERTIFICATE, &text[..text.len() - 30]), Code::AnnotationMalformed);
    // A certificate that a key's signature happens to carry makes it a certificate's.
    assert_eq!(annotated(&key, CERTIFICATE, &text), Code::SignerKindMismatch);
    for name in [SIGNATURE, CERTIFICATE, CHAIN, REKOR_BUNDLE, TIMESTAMP] {
        let long = "x".repeat(Limits::DEFAULT.annotation_bytes + 1);
        assert_eq!(annotated(&keyless, name, &long), Code::AnnotationMalformed, "{name}");
    }
}

/// What is wrong with a log entry or a timestamp counts for whoever reads it, and for nobody else.
#[test]
fn an_unreadable_entry_or_timestamp_is_the_readers_business() {
    let ignoring = |case: Case| Case { settings: Settings { tlog: TlogMode::Ignored, ..Settings::default() }, ..case };
    let (reading, ignoring) = (unlogged(Case::key()), ignoring(Case::key()));
    for text in ["text", "{}", "null", "[]"] {
        assert_eq!(annotated(&reading, REKOR_BUNDLE, text), Code::AnnotationMalformed, "{text}");
        assert_eq!(annotated(&ignoring, REKOR_BUNDLE, text), Code::Accepted, "{text}");
        let stamps = Settings { timestamps: 1, ..reading.settings.clone() };
        assert_eq!(annotated(&reading, TIMESTAMP, text), Code::Accepted, "{text}");
        assert_eq!(
            annotated(&Case { settings: stamps, ..reading.clone() }, TIMESTAMP, text),
            Code::AnnotationMalformed,
            "{text}"
        );
    }
    let mut case = reading;
    let (now, rekor) = (case.sigstore.now, case.sigstore.rekor.clone());
    let logged = |edit: &dyn Fn(&mut Value)| {
        simple(&case, |signature| {
            *signature = signature.clone().logged(&mut rekor.clone(), now);
            let mut annotation = signature.entry.as_ref().unwrap().to_annotation();
            edit(&mut annotation);
            signature.annotations.insert(REKOR_BUNDLE.to_owned(), annotation.to_string());
        })
    };
    assert_eq!(logged(&|_| {}), Code::Accepted);
    let id = veriseal::encoding::hex::encode(&rekor.log_id());
    for (field, value) in [
        ("integratedTime", json!(0)),
        ("integratedTime", json!(-1)),
        ("integratedTime", json!(now.seconds().to_string())),
        ("logIndex", json!(-1)),
        ("logIndex", json!("1")),
        ("logID", json!(id.to_uppercase())),
        ("logID", json!(&id[..62])),
        ("logID", json!("")),
    ] {
        let code = logged(&|annotation| annotation["Payload"][field] = value.clone());
        assert_eq!(code, Code::AnnotationMalformed, "{field} {value}");
    }
    assert_eq!(logged(&|annotation| annotation["Payload"]["logID"] = json!("00".repeat(32))), Code::LogUnknown);
    case.settings = Settings::default();
    assert_eq!(simple(&case, |_| {}), Code::LogEntryMissing);
}
