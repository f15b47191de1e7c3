//! Attacks that pass off a log entry of something else: K-TL-02, K-TL-05, K-TL-10, K-TL-15 and K-TL-17.

use crate::kit::{ARTIFACT, Case, digest, identity};
use serde_json::{Value, json};
use veriseal::encoding::base64;
use veriseal::policy::{Authority, KeyAuthority, Settings, TlogMode};
use veriseal::{Code, Digest, PublicKey, Validity};
use veriseal_testkit::bundle::Content;
use veriseal_testkit::rekor::{self, Body, LogEntry, Verifier};
use veriseal_testkit::{Bundle, BundleVersion, ImageBuilder, RekorV1, Seed, Signer, SimpleSignature, Store, sign_simple};

/// The text of a PEM block of another signer, as bodies hold it.
fn other_verifier(case: &Case) -> Value {
    let key = case.sigstore.key("somebody else");
    let signer = match &case.signer.certificate {
        Some(_) => case.sigstore.keyless_with(&identity(), key),
        None => Signer::key(key),
    };
    json!(base64::encode(signer.verifier_pem().as_bytes()))
}

/// K-TL-02 (CVE-2022-36056), K-TL-10: each thing that an entry names is held against the signature on its own.
#[test]
fn digest_signature_and_verifier_of_an_entry_are_each_compared() {
    let hash = json!(Digest::sha256(b"another artifact").hex());
    let signature = json!(base64::encode(b"another signature"));
    let twice = json!(base64::encode(base64::encode(b"another signature").as_bytes()));
    for mut case in [Case::key(), Case::keyless()] {
        let verifier = other_verifier(&case);
        let [(_, message), (_, envelope)] = case.both();
        let Content::Dsse(dsse) = &envelope.content else { panic!("an envelope") };
        let intoto = rekor::intoto(dsse, &case.signer.verifier_pem());
        let table: [(&Bundle, Body, [(&str, &Value, Code); 3]); 3] = [
            (
                &message,
                message.body_v1(),
                [
                    ("/spec/data/hash/value", &hash, Code::EntryMismatchDigest),
                    ("/spec/signature/content", &signature, Code::EntryMismatchSignature),
                    ("/spec/signature/publicKey/content", &verifier, Code::EntryMismatchKey),
                ],
            ),
            (
                &envelope,
                envelope.body_v1(),
                [
                    ("/spec/payloadHash/value", &hash, Code::EntryMismatchDigest),
                    ("/spec/signatures/0/signature", &signature, Code::EntryMismatchSignature),
                    ("/spec/signatures/0/verifier", &verifier, Code::EntryMismatchKey),
                ],
            ),
            (
                &envelope,
                intoto,
                [
                    ("/spec/content/payloadHash/value", &hash, Code::EntryMismatchDigest),
                    ("/spec/content/envelope/signatures/0/sig", &twice, Code::EntryMismatchSignature),
                    ("/spec/content/envelope/signatures/0/publicKey", &verifier, Code::EntryMismatchKey),
                ],
            ),
        ];
        for (bundle, body, rows) in &table {
            let same = case.logged_as(bundle, body, |_| {});
            assert_eq!(case.code(&same), Code::Accepted, "{}", body.kind);
            for (path, value, code) in rows {
                let changed = case.logged_as(bundle, body, |body| *body.pointer_mut(path).unwrap() = (*value).clone());
                assert_eq!(case.code(&changed), *code, "{} {path}", body.kind);
            }
        }
        // in-toto entries name the payload's type besides.
        let (bundle, body, _) = &table[2];
        let path = "/spec/content/envelope/payloadType";
        let changed = case.logged_as(bundle, body, |body| *body.pointer_mut(path).unwrap() = json!("application/json"));
        assert_eq!(case.code(&changed), Code::EntryMismatchField);
        // What the submitter said the envelope's hash is was checked by nobody: it neither helps nor harms.
        let changed = case.logged_as(bundle, body, |body| *body.pointer_mut("/spec/content/hash/value").unwrap() = hash.clone());
        assert_eq!(case.code(&changed), Code::Accepted);
    }
}

/// K-TL-02 in the legacy layout, also for the older kind of entry that only occurs there.
#[test]
fn digest_signature_and_verifier_of_an_annotated_entry_are_each_compared() {
    for mut case in [Case::key(), Case::keyless()] {
        let verifier = other_verifier(&case);
        let mut store = Store::new();
        let image = ImageBuilder::new("app").build(&mut store);
        let signature = sign_simple(&image.digest, "registry.example/app", &[], &case.signer);
        let body = rekor::hashedrekord(&Digest::sha256(&signature.payload), &signature.signature, &case.signer.verifier_pem());
        for rekord in [false, true] {
            let mut answer = |path: &str, value: Option<&Value>| {
                let mut document: Value = serde_json::from_slice(&body.bytes).unwrap();
                if rekord {
                    document["kind"] = json!("rekord");
                    document["spec"]["signature"]["format"] = json!("x509");
                }
                if let Some(value) = value {
                    *document.pointer_mut(path).unwrap() = value.clone();
                }
                let kind = document["kind"].as_str().unwrap().to_owned();
                let body = Body { kind, bytes: veriseal_testkit::json::canonical(&document), ..body.clone() };
                let entry = Some(case.sigstore.rekor.add(body, case.sigstore.now));
                let mut store = store.clone();
                store.attach_signature(&image.digest, &SimpleSignature { entry, ..signature.clone() });
                let (verdict, candidates) = case.image(&store, &image);
                candidates.first().copied().unwrap_or(verdict)
            };
            assert_eq!(answer("", None), Code::Accepted, "{rekord}");
            let rows = [
                ("/spec/data/hash/value", json!(Digest::sha256(b"another payload").hex()), Code::EntryMismatchDigest),
                ("/spec/signature/content", json!(base64::encode(b"another signature")), Code::EntryMismatchSignature),
                ("/spec/signature/publicKey/content", verifier.clone(), Code::EntryMismatchKey),
            ];
            for (path, value, code) in rows {
                assert_eq!(answer(path, Some(&value)), code, "{rekord} {path}");
            }
        }
    }
}

/// K-TL-02, K-TL-10 in Rekor v2, whose entries name the algorithm besides.
#[test]
fn every_field_of_a_version_2_entry_is_compared() {
    let mut case = Case::key();
    for mut bundle in [Bundle::blob(ARTIFACT, &case.signer), Bundle::image(&digest(), &case.signer)] {
        let good = Verifier::of(&case.signer);
        let (own, other) = (bundle.body_v2(), Digest::sha256(b"another artifact"));
        let signed = match &bundle.content {
            Content::Message { digest, .. } => digest.unwrap(),
            Content::Dsse(envelope) => Digest::sha256(&envelope.pae()),
        };
        let body = |digest: &Digest, signature: &[u8], verifier: &Verifier| rekor::hashedrekord_v2(digest, signature, verifier);
        let stranger = Verifier::of(&Signer::key(case.sigstore.key("somebody else")));
        let certified = Verifier { certificate: case.sigstore.keyless(&identity()).certificate, ..good.clone() };
        let renamed = Verifier { details: "PKIX_ECDSA_P384_SHA_256".to_owned(), ..good.clone() };
        let rows = [
            (own, Code::Accepted),
            (body(&other, bundle.signature(), &good), Code::EntryMismatchDigest),
            (body(&signed, b"another signature", &good), Code::EntryMismatchSignature),
            (body(&signed, bundle.signature(), &stranger), Code::EntryMismatchKey),
            (body(&signed, bundle.signature(), &certified), Code::EntryMismatchKey),
            (body(&signed, bundle.signature(), &renamed), Code::EntryMismatchField),
        ];
        for (body, code) in rows {
            bundle.entries = vec![case.sigstore.rekor2.add(body.clone())];
            assert_eq!(case.code(&bundle), code, "{}", String::from_utf8(body.bytes).unwrap());
        }
    }
}

/// K-TL-05 (TOB-2): where the log is ignored nothing of an entry is read, neither its presence nor its time.
#[test]
fn an_ignored_log_gives_no_time() {
    let ignored = Settings { tlog: TlogMode::Ignored, ..Settings::default() };
    let mut case = Case { settings: ignored.clone(), ..Case::key() };
    let (own, foreign) =
        (case.message(), Bundle::blob(b"x", &case.signer).logged_v1(&mut case.sigstore.rekor, case.sigstore.now));
    for entries in [own.entries.clone(), foreign.entries, vec![]] {
        let report = case.report(&Bundle { entries, ..own.clone() });
        assert_eq!(report.code(), Code::Accepted);
        assert_eq!(report.weakened_codes(), [Code::LogIgnored]);
        let document: Value = serde_json::from_str(&report.to_json()).unwrap();
        let evaluation = &document["candidates"][0]["evaluations"][0];
        assert_eq!((evaluation.get("times"), evaluation.get("logs")), (None, None), "{evaluation}");
    }
    // The key's window held at the time of the entry, and that time is not known.
    let window = Validity::between(case.sigstore.now, case.sigstore.now);
    let key = PublicKey::from_spki(&case.signer.key.spki()).unwrap();
    case.authority = Authority::Key(KeyAuthority::new(key, "release.pub").valid_within(window));
    assert_eq!(case.code(&own), Code::KeyOutsideWindow);
    case.settings = Settings::default();
    assert_eq!(case.code(&own), Code::Accepted);

    let mut keyless = Case { settings: ignored, ..Case::keyless() };
    let bundle = keyless.message();
    assert_eq!(keyless.code(&bundle), Code::NoAuthenticatedTime);
}

/// K-TL-10: what was promised and proved is the body's very bytes, not what they mean.
#[test]
fn a_body_that_was_written_differently_is_not_the_one_that_was_logged() {
    let mut case = Case::key();
    for (name, mut bundle) in case.both() {
        bundle.entries[0].body.push(b' ');
        assert_eq!(case.code(&bundle), Code::InclusionProofInvalid, "{name}");
        bundle.entries[0].proof = None;
        assert_eq!(case.code(&bundle.version(BundleVersion::V01)), Code::SetInvalid, "{name}");
    }
}

/// K-TL-15: a log's key comes from the trust root and from nowhere else, whatever id the entry claims.
#[test]
fn a_log_of_the_attacker_is_unknown_and_cannot_pose_as_a_trusted_one() {
    let mut case = Case::key();
    let mut attacker = RekorV1 { ..RekorV1::new(&Seed::new(666), case.sigstore.rekor.window) };
    let mut bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v1(&mut attacker, case.sigstore.now);
    assert_eq!(case.code(&bundle), Code::LogUnknown);
    bundle.entries[0].log_id = case.sigstore.rekor.log_id().to_vec();
    bundle.entries[0].set = Some(attacker.promise(&bundle.entries[0]));
    assert_eq!(case.code(&bundle), Code::CheckpointSignatureInvalid);
    // The trusted log did hold this very body; a time for it is still the trusted log's alone to promise.
    let own = case.message();
    bundle.entries[0].proof = own.entries[0].proof.clone();
    bundle.entries[0].integrated_time = Some(case.sigstore.now.seconds() - 1);
    bundle.entries[0].set = Some(attacker.promise(&bundle.entries[0]));
    assert_eq!(case.code(&bundle), Code::SetInvalid);
}

/// K-TL-17: kind and version are those of the body; what is not known, or not whole, binds nothing.
#[test]
fn entries_of_other_kinds_and_without_verifier_are_refused() {
    let mut case = Case::key();
    let [(_, message), (_, envelope)] = case.both();
    let mut renamed = message.clone();
    renamed.entries[0].version = "0.0.2".to_owned();
    assert_eq!(case.code(&renamed), Code::LogEntryKindMismatch);
    renamed.entries[0].kind = "dsse".to_owned();
    assert_eq!(case.code(&renamed), Code::LogEntryKindMismatch);
    // Each on its own: of the right version, another kind.
    renamed.entries[0].version = "0.0.1".to_owned();
    assert_eq!(case.code(&renamed), Code::LogEntryKindMismatch);

    let body = message.body_v1();
    let unknown = case.logged_as(&message, &body, |body| body["apiVersion"] = json!("0.0.9"));
    assert_eq!(case.code(&unknown), Code::LogEntryKindUnsupported);
    let without = case.logged_as(&message, &body, |body| {
        body["spec"]["signature"].as_object_mut().unwrap().remove("publicKey");
    });
    assert_eq!(case.code(&without), Code::LogEntryMalformed);
    let empty = case.logged_as(&message, &body, |body| body["spec"]["signature"]["publicKey"]["content"] = json!(""));
    assert_eq!(case.code(&empty), Code::LogEntryMalformed);

    let Content::Dsse(dsse) = &envelope.content else { panic!("an envelope") };
    let without_signature = rekor::intoto_v1(dsse, &case.signer.verifier_pem());
    let unbinding = case.logged_as(&envelope, &without_signature, |_| {});
    assert_eq!(case.code(&unbinding), Code::LogEntryKindUnsupported);
    let wrong_kind = case.logged_as(&envelope, &message.body_v1(), |_| {});
    assert_eq!(case.code(&wrong_kind), Code::EntryMismatchSignature);
    // A kind that fits the bundle, of the right signature and key, but not this kind of content.
    let of_message = rekor::hashedrekord(&Digest::sha256(&dsse.payload), dsse.signature(), &case.signer.verifier_pem());
    let unfit = case.logged_as(&envelope, &of_message, |_| {});
    assert_eq!(case.code(&unfit), Code::LogEntryKindUnsupported);

    let body = Bundle::blob(ARTIFACT, &case.signer).body_v2();
    for member in ["publicKey", "keyDetails"] {
        let mut document: Value = serde_json::from_slice(&body.bytes).unwrap();
        document["spec"]["hashedRekordV002"]["signature"]["verifier"].as_object_mut().unwrap().remove(member);
        let bytes = veriseal_testkit::json::canonical(&document);
        let entries = vec![case.sigstore.rekor2.add(Body { bytes, ..body.clone() })];
        assert_eq!(case.code(&Bundle { entries, ..message.clone() }), Code::LogEntryMalformed, "{member}");
    }
}

/// A version 2 log has one tree: the index beside its proof is the entry's own.
#[test]
fn a_version_2_entry_has_one_index() {
    let mut case = Case::key();
    let bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    assert_eq!(case.code(&bundle), Code::Accepted);
    for by in [-1, 1, 7000] {
        let mut moved = bundle.clone();
        moved.entries[0].log_index = (moved.entries[0].log_index + by).max(0);
        let same = moved.entries[0].log_index == bundle.entries[0].log_index;
        assert_eq!(case.code(&moved), if same { Code::Accepted } else { Code::InclusionProofInvalid }, "{by}");
    }
}

/// A log may be named by one id and sign its checkpoints by another (trusted root v0.2, `checkpointKeyId`).
#[test]
fn a_checkpoint_is_known_by_the_key_id_that_the_trust_root_names() {
    let mut case = Case::key();
    let mut bundle = Bundle::blob(ARTIFACT, &case.signer).logged_v2(&mut case.sigstore.rekor2);
    let (own, named) = (bundle.entries[0].log_id.clone(), vec![7; 32]);
    bundle.entries[0].log_id.clone_from(&named);
    for (key_id, code) in [
        (Some(own[..4].to_vec()), Code::Accepted),
        (Some(vec![1, 2, 3, 4]), Code::CheckpointSignatureInvalid),
        (None, Code::CheckpointSignatureInvalid),
    ] {
        let mut root = case.sigstore.trusted_root().as_v02("testkit");
        for log in root.tlogs.iter_mut().filter(|log| log.log_id == own) {
            (log.log_id, log.checkpoint_key_id) = (named.clone(), key_id.clone());
        }
        case.trusted = Some(root);
        assert_eq!(case.code(&bundle), code, "{key_id:?}");
    }
}

/// K-TL-17: the rules of one generation of logs cannot be had with the body of the other.
#[test]
fn generations_of_logs_are_not_mixed() {
    let mut case = Case::key();
    let message = case.message();
    let (v1, v2) = (message.body_v1(), message.body_v2());
    let in_v1 = case.sigstore.rekor.add(v2.clone(), case.sigstore.now);
    let without_promise = LogEntry { set: None, integrated_time: None, ..in_v1.clone() };
    let in_v2 = case.sigstore.rekor2.add(v1);
    let own = case.sigstore.rekor2.add(v2);
    let dated = LogEntry { integrated_time: Some(case.sigstore.now.seconds()), ..own.clone() };
    let rows = [
        (own, Code::Accepted),
        (in_v1, Code::SetUnexpected),
        (without_promise, Code::CheckpointMismatch),
        (in_v2, Code::CheckpointMismatch),
        (dated, Code::LogEntryMalformed),
    ];
    for (entry, code) in rows {
        assert_eq!(case.code(&Bundle { entries: vec![entry.clone()], ..message.clone() }), code, "{entry:?}");
    }
}

/// Without a promise nothing binds the index in the log as a whole: what the report shows is what the proof is about.
#[test]
fn an_index_that_nothing_vouches_for_is_not_shown() {
    let mut case = Case::key();
    let mut bundle = case.message();
    let proved = bundle.entries[0].proof.as_ref().unwrap().log_index;
    let promised = bundle.entries[0].log_index;
    let shown = |bundle: &Bundle| {
        let report: Value = serde_json::from_str(&case.report(bundle).to_json()).unwrap();
        report["candidates"][0]["evaluations"][0]["logs"][0]["index"].as_i64()
    };
    assert_eq!(shown(&bundle), Some(promised));
    bundle.entries[0].log_index += 1;
    assert_eq!(case.code(&bundle), Code::SetInvalid);
    bundle.entries[0].set = None;
    assert_eq!((case.code(&bundle), shown(&bundle)), (Code::Accepted, Some(proved)));
}
