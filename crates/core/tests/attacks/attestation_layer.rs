//! Attacks on attestations in cosign's `.att` layout: K-P-01 to K-P-05, K-P-08, K-TL-01, K-TL-02, K-TL-05 and K-CR-08 there.

use crate::kit::{Case, digest, identity};
use serde_json::{Value, json};
use veriseal::encoding::base64;
use veriseal::policy::{Claim, Settings, TlogMode};
use veriseal::{Code, Digest};
use veriseal_testkit::dsse::{Envelope, EnvelopeSignature, IN_TOTO, SLSA_PROVENANCE, Statement};
use veriseal_testkit::json::canonical;
use veriseal_testkit::rekor::{self, Body};
use veriseal_testkit::simple_signing::{CERTIFICATE, CHAIN, Layer, REKOR_BUNDLE, SIGNATURE, TIMESTAMP};
use veriseal_testkit::{Attestation, Bundle, Identity, Image, ImageBuilder, Seed, Signer, Sigstore, Store};

const SPDX: &str = "https://spdx.dev/Document";

/// An image, and a policy that asks for its provenance.
struct World {
    case: Case,
    store: Store,
    image: Image,
}

impl World {
    fn of(case: Case) -> Self {
        let mut store = Store::new();
        let image = ImageBuilder::new("app").build(&mut store);
        let claim = Claim::Attestation { predicate_type: SLSA_PROVENANCE.to_owned() };
        Self { case: Case { claim, ..case }, store, image }
    }

    fn both() -> [Self; 2] {
        [Self::of(Case::key()), Self::of(Case::keyless())]
    }

    fn tlog(mut self, tlog: TlogMode) -> Self {
        self.case.settings = Settings { tlog, ..Settings::default() };
        self
    }

    fn statement(&self) -> Statement {
        Statement::new(&self.image.digest, SLSA_PROVENANCE, json!({ "buildDefinition": {} }))
    }

    fn unlogged(&self) -> Attestation {
        Attestation::new(&self.statement(), &self.case.signer)
    }

    fn good(&mut self) -> Attestation {
        let unlogged = self.unlogged();
        unlogged.logged(&mut self.case.sigstore.rekor, self.case.sigstore.now)
    }

    /// The answer to these layers: that to the first candidate, where it is refused.
    fn layers(&self, layers: &[Layer]) -> Code {
        let mut store = self.store.clone();
        store.attach_layers(&self.image.digest, "att", layers);
        match self.case.image(&store, &self.image) {
            (Code::NoMatchingSignature, candidates) => candidates[0],
            (code, _) => code,
        }
    }

    fn code(&self, attestation: &Attestation) -> Code {
        self.layers(&[attestation.layer()])
    }

    /// An attestation whose layer has other bytes than its envelope's, logged as they are.
    fn bytes(&mut self, bytes: Vec<u8>) -> Code {
        let good = self.good();
        self.code(&Attestation { bytes, ..good })
    }

    /// An entry of the log whose body says something else; its promise holds.
    fn logged_as(&mut self, attestation: &Attestation, body: &Body, edit: impl FnOnce(&mut Value)) -> Attestation {
        let mut document = serde_json::from_slice(&body.bytes).unwrap();
        edit(&mut document);
        let body = Body { bytes: canonical(&document), ..body.clone() };
        Attestation { entry: Some(self.case.sigstore.rekor.add(body, self.case.sigstore.now)), ..attestation.clone() }
    }
}

#[test]
fn an_attestation_layer_is_accepted_by_key_and_by_identity() {
    for mut world in World::both() {
        let good = world.good();
        assert_eq!(world.code(&good), Code::Accepted);
        let intoto = world.unlogged().logged_as_intoto(&mut world.case.sigstore.rekor, world.case.sigstore.now);
        assert_eq!(world.code(&intoto), Code::Accepted);
        // Nothing else was said: neither the kind of layer nor the annotation makes it a signature.
        world.case.claim = Claim::Signed;
        let mut store = world.store.clone();
        store.attach_layers(&world.image.digest, "att", &[good.layer()]);
        assert_eq!(world.case.image(&store, &world.image), (Code::NoSignature, vec![]));
    }
}

/// K-P-01: the statement says what it is, not the annotation beside it.
#[test]
fn the_predicate_type_is_that_of_the_statement() {
    for mut world in World::both() {
        let mut renamed = world.good();
        renamed.predicate_type = SPDX.to_owned();
        assert_eq!(world.code(&renamed), Code::Accepted);
        let spdx = Statement::new(&world.image.digest, SPDX, json!({}));
        let mut other =
            Attestation::new(&spdx, &world.case.signer).logged(&mut world.case.sigstore.rekor, world.case.sigstore.now);
        assert_eq!(world.code(&other), Code::PredicateTypeMismatch);
        other.predicate_type = SLSA_PROVENANCE.to_owned();
        assert_eq!(world.code(&other), Code::PredicateTypeMismatch);
    }
}

#[test]
fn an_attestation_of_another_image_is_refused() {
    for mut world in World::both() {
        let other = Statement::new(&digest(), SLSA_PROVENANCE, json!({}));
        let other = Attestation::new(&other, &world.case.signer).logged(&mut world.case.sigstore.rekor, world.case.sigstore.now);
        assert_eq!(world.code(&other), Code::StatementSubjectMismatch);
        // A good one beside it counts all the same.
        let good = world.good();
        assert_eq!(world.layers(&[other.layer(), good.layer()]), Code::Accepted);
    }
}

/// K-P-03, K-P-04, K-P-08: signed and logged as it stands, but no statement that binds anything, or one that says two things.
#[test]
fn a_payload_that_is_no_single_statement_is_refused() {
    for mut world in World::both() {
        let text = String::from_utf8(world.statement().to_bytes()).unwrap();
        let hex = world.image.digest.hex();
        let rows = [
            (text.clone(), Code::Accepted),
            (text.replace(r#","predicate":"#, r#","predicate":{},"predicate":"#), Code::StatementMalformed),
            (
                text.replace(r#""predicateType":"#, &format!(r#""predicateType":"{SPDX}","predicateType":"#)),
                Code::StatementMalformed,
            ),
            (text.replace(r#""buildDefinition":{}"#, r#""a":1,"a":2"#), Code::StatementMalformed),
            (text.replace(r#""predicateType""#, r#""PredicateType""#), Code::StatementMalformed),
            (text.replace(&format!(r#"{{"sha256":"{hex}"}}"#), "{}"), Code::StatementMalformed),
            (format!("{text}{text}"), Code::StatementMalformed),
            (text[1..].to_owned(), Code::StatementMalformed),
            (String::new(), Code::StatementMalformed),
        ];
        for (payload, code) in rows {
            let envelope = Envelope::sign(IN_TOTO, payload.as_bytes(), &world.case.signer);
            let attestation = Attestation { bytes: envelope.to_bytes(), envelope, ..world.unlogged() };
            let attestation = attestation.logged(&mut world.case.sigstore.rekor, world.case.sigstore.now);
            assert_eq!(world.code(&attestation), code, "{payload}");
        }
        for payload_type in ["", "application/json", "application/vnd.in-toto+json; charset=utf-8"] {
            let envelope = Envelope::sign(payload_type, text.as_bytes(), &world.case.signer);
            let attestation = Attestation { bytes: envelope.to_bytes(), envelope, ..world.unlogged() };
            let attestation = attestation.logged(&mut world.case.sigstore.rekor, world.case.sigstore.now);
            assert_eq!(world.code(&attestation), Code::PayloadTypeUnsupported, "{payload_type}");
        }
    }
}

/// Whatever of the envelope is changed after signing no longer verifies, with a log and without.
#[test]
fn an_altered_envelope_is_refused() {
    for tlog in [TlogMode::Required, TlogMode::Ignored] {
        let mut world = World::of(Case::key()).tlog(tlog);
        let good = world.good();
        let altered = |edit: &dyn Fn(&mut Envelope)| {
            let mut envelope = good.envelope.clone();
            edit(&mut envelope);
            Attestation { bytes: envelope.to_bytes(), envelope, ..good.clone() }
        };
        let other = Statement::new(&world.image.digest, SLSA_PROVENANCE, json!({ "altered": true })).to_bytes();
        assert_eq!(world.code(&altered(&|_| {})), Code::Accepted);
        assert_eq!(world.code(&altered(&|envelope| envelope.payload.clone_from(&other))), Code::SignatureInvalid);
        assert_eq!(
            world.code(&altered(&|envelope| "application/json".clone_into(&mut envelope.payload_type))),
            Code::SignatureInvalid
        );
        assert_eq!(world.code(&altered(&|envelope| envelope.signatures[0].sig[8] ^= 1)), Code::SignatureInvalid);
    }
    // With a certificate the entry is looked at first: it is about the envelope that was signed.
    let mut world = World::of(Case::keyless());
    let good = world.good();
    let mut envelope = good.envelope.clone();
    envelope.payload.push(b' ');
    assert_eq!(world.code(&Attestation { bytes: envelope.to_bytes(), envelope, ..good }), Code::EntryMismatchDigest);
}

/// K-P-05, K-P-08, K-P-09: an envelope says one thing, with one signature.
#[test]
fn an_envelope_that_is_not_one_signed_thing_is_refused() {
    for mut world in World::both() {
        let good = world.good();
        let attacker = EnvelopeSignature { sig: b"another".to_vec(), keyid: String::new() };
        let [first, second] =
            [vec![attacker.clone(), good.envelope.signatures[0].clone()], vec![good.envelope.signatures[0].clone(), attacker]];
        for signatures in [vec![], first, second] {
            let envelope = Envelope { signatures, ..good.envelope.clone() };
            assert_eq!(world.bytes(envelope.to_bytes()), Code::EnvelopeMalformed);
        }
        let text = String::from_utf8(good.bytes.clone()).unwrap();
        for (old, new) in [
            (r#""payload":"#, r#""payload":"","payload":"#),
            (r#""payload":"#, r#""Payload":"","payload":"#),
            (r#""payloadType":"#, r#""payloadType":"text/plain","payloadType":"#),
            (r#""signatures":"#, r#""signatures":[],"signatures":"#),
        ] {
            assert_eq!(world.bytes(text.replace(old, new).into_bytes()), Code::EnvelopeMalformed, "{new}");
        }
        for bytes in [Vec::new(), b"{}".to_vec(), b"null".to_vec(), format!("{text}{text}").into_bytes()] {
            assert_eq!(world.bytes(bytes), Code::EnvelopeMalformed);
        }
        // cosign leaves the annotation empty; of two signatures nobody knows which one log and timestamp are about.
        let mut twice = good.clone();
        twice.annotations.insert(SIGNATURE.to_owned(), base64::encode(good.envelope.signature()));
        assert_eq!(world.code(&twice), Code::AnnotationMalformed);
    }
}

#[test]
fn another_key_or_identity_did_not_attest() {
    let mut world = World::of(Case::key());
    let stranger = Signer::key(world.case.sigstore.key("stranger"));
    let now = world.case.sigstore.now;
    let foreign = Attestation::new(&world.statement(), &stranger).logged(&mut world.case.sigstore.rekor, now);
    assert_eq!(world.code(&foreign), Code::SignatureInvalid);
    let mut world = World::of(Case::keyless());
    let stranger = world.case.sigstore.keyless(&Identity::github("evil/app", "release.yml", "refs/heads/main"));
    let foreign = Attestation::new(&world.statement(), &stranger).logged(&mut world.case.sigstore.rekor, now);
    assert_eq!(world.code(&foreign), Code::IdentityMismatch);
    // The certificate of one, the signature of the other.
    let good = world.good();
    let mixed = Attestation { envelope: foreign.envelope, bytes: foreign.bytes, ..good };
    assert_eq!(world.code(&mixed), Code::EntryMismatchSignature);
    let ca = Sigstore::new(2).keyless(&identity());
    let untrusted = Attestation::new(&world.statement(), &ca).logged(&mut world.case.sigstore.rekor, now);
    assert_eq!(world.code(&untrusted), Code::CertificateSignatureInvalid);
}

/// K-CR-08: what names the signer must be what it should be, and of its kind.
#[test]
fn a_signer_of_another_kind_is_refused() {
    let mut keyed = World::of(Case::key());
    let mut certified = World::of(Case::keyless());
    let [by_key, by_certificate] = [keyed.good(), certified.good()];
    assert_eq!(keyed.code(&by_certificate), Code::SignerKindMismatch);
    assert_eq!(certified.code(&by_key), Code::SignerKindMismatch);
    let annotated = |good: &Attestation, name: &str, text: &str| {
        let mut changed = good.clone();
        changed.annotations.insert(name.to_owned(), text.to_owned());
        changed
    };
    assert_eq!(certified.code(&annotated(&by_certificate, CERTIFICATE, "")), Code::AnnotationMalformed, "a chain alone");
    let key = certified.case.signer.key.public_pem();
    for text in [key.as_str(), "not PEM"] {
        assert_eq!(certified.code(&annotated(&by_certificate, CERTIFICATE, text)), Code::AnnotationMalformed);
        assert_eq!(certified.code(&annotated(&by_certificate, CHAIN, text)), Code::AnnotationMalformed);
    }
}

/// Each way in which there is no log entry, under each mode.
#[test]
fn a_missing_log_entry_counts_as_the_policy_says() {
    for (tlog, key, keyless) in [
        (TlogMode::Required, Code::LogEntryMissing, Code::LogEntryMissing),
        (TlogMode::IfPresent, Code::Accepted, Code::NoAuthenticatedTime),
        (TlogMode::Ignored, Code::Accepted, Code::NoAuthenticatedTime),
    ] {
        let [keyed, certified] = World::both().map(|world| world.tlog(tlog));
        assert_eq!(keyed.code(&keyed.unlogged()), key, "{tlog:?}");
        assert_eq!(certified.code(&certified.unlogged()), keyless, "{tlog:?}");
    }
}

/// K-TL-05: where the log is ignored nothing of an entry is read: neither a broken nor a foreign one harms, and no time comes
/// from the good one.
#[test]
fn an_ignored_log_is_not_read() {
    let mut world = World::of(Case::key());
    let mut broken = world.good();
    broken.annotations.insert(REKOR_BUNDLE.to_owned(), "{}".to_owned());
    assert_eq!(world.code(&broken), Code::AnnotationMalformed);
    world = world.tlog(TlogMode::Ignored);
    assert_eq!(world.code(&broken), Code::Accepted);
    let mut store = world.store.clone();
    let good = world.good();
    store.attach_layers(&world.image.digest, "att", &[good.layer()]);
    let report = world.case.image_report(&store, &world.image);
    assert_eq!((report.code(), report.weakened_codes()), (Code::Accepted, vec![Code::LogIgnored]));
    let mut certified = World::of(Case::keyless()).tlog(TlogMode::Ignored);
    let good = certified.good();
    assert_eq!(certified.code(&good), Code::NoAuthenticatedTime);
}

/// K-TL-01: a valid entry of something else, of each kind: another artifact, another signer, another envelope about the same.
#[test]
fn an_entry_of_another_envelope_is_refused() {
    for mut world in World::both() {
        let now = world.case.sigstore.now;
        let other_signer = match world.case.signer.certificate {
            Some(_) => world.case.sigstore.keyless_with(&identity(), world.case.sigstore.key("another key")),
            None => Signer::key(world.case.sigstore.key("somebody else")),
        };
        let about = [
            (Statement::new(&digest(), SLSA_PROVENANCE, json!({})), world.case.signer.clone()),
            (Statement::new(&world.image.digest, SPDX, json!({})), world.case.signer.clone()),
            (world.statement(), other_signer),
        ];
        for (statement, signer) in about {
            let unlogged = Attestation::new(&statement, &signer);
            for foreign in [
                unlogged.clone().logged(&mut world.case.sigstore.rekor, now),
                unlogged.clone().logged_as_intoto(&mut world.case.sigstore.rekor, now),
            ] {
                let spliced = Attestation { entry: foreign.entry, ..world.unlogged() };
                assert_eq!(world.code(&spliced), Code::EntryMismatchSignature);
                world.case.settings.tlog = TlogMode::IfPresent;
                assert_eq!(world.code(&spliced), Code::EntryMismatchSignature);
                world.case.settings.tlog = TlogMode::Required;
            }
        }
        // The entry of a bundle with the same signature is about it: it is the log that matters, not the layout.
        let bundle =
            Bundle::envelope(world.unlogged().envelope, &world.case.signer).logged_v1(&mut world.case.sigstore.rekor, now);
        let of_bundle = Attestation { entry: Some(bundle.entries[0].clone()), ..world.unlogged() };
        assert_eq!(world.code(&of_bundle), Code::Accepted);
    }
}

/// K-TL-02: each thing that an entry names is held against the attestation on its own.
#[test]
fn every_field_of_an_annotated_entry_is_compared() {
    let hash = json!(Digest::sha256(b"another").hex());
    let signature = json!(base64::encode(b"another signature"));
    let twice = json!(base64::encode(base64::encode(b"another signature").as_bytes()));
    for mut world in World::both() {
        let stranger = match world.case.signer.certificate {
            Some(_) => world.case.sigstore.keyless_with(&identity(), world.case.sigstore.key("another key")),
            None => Signer::key(world.case.sigstore.key("somebody else")),
        };
        let verifier = json!(base64::encode(stranger.verifier_pem().as_bytes()));
        let (good, pem) = (world.unlogged(), world.case.signer.verifier_pem());
        let kinds: [(Body, Vec<(&str, &Value, Code)>); 2] = [
            (
                rekor::dsse(&good.envelope, &pem),
                vec![
                    ("/spec/payloadHash/value", &hash, Code::EntryMismatchDigest),
                    ("/spec/envelopeHash/value", &hash, Code::EntryMismatchDigest),
                    ("/spec/signatures/0/signature", &signature, Code::EntryMismatchSignature),
                    ("/spec/signatures/0/verifier", &verifier, Code::EntryMismatchKey),
                ],
            ),
            (
                rekor::intoto(&good.envelope, &pem),
                vec![
                    ("/spec/content/payloadHash/value", &hash, Code::EntryMismatchDigest),
                    ("/spec/content/envelope/signatures/0/sig", &twice, Code::EntryMismatchSignature),
                    ("/spec/content/envelope/signatures/0/publicKey", &verifier, Code::EntryMismatchKey),
                    // What the submitter said of the envelope nobody checked: it neither helps nor harms.
                    ("/spec/content/hash/value", &hash, Code::Accepted),
                ],
            ),
        ];
        for (body, rows) in kinds {
            let same = world.logged_as(&good, &body, |_| {});
            assert_eq!(world.code(&same), Code::Accepted, "{}", body.kind);
            for (path, value, code) in rows {
                let changed = world.logged_as(&good, &body, |body| *body.pointer_mut(path).unwrap() = (*value).clone());
                assert_eq!(world.code(&changed), code, "{} {path}", body.kind);
            }
        }
        let body = rekor::intoto(&good.envelope, &pem);
        let path = "/spec/content/envelope/payloadType";
        let changed = world.logged_as(&good, &body, |body| *body.pointer_mut(path).unwrap() = json!("application/json"));
        assert_eq!(world.code(&changed), Code::EntryMismatchField);
        // Of the right signature, key and bytes, but a kind that is not for attestations.
        let hashed = rekor::hashedrekord(&Digest::sha256(&good.bytes), good.envelope.signature(), &pem);
        let unfit = world.logged_as(&good, &hashed, |_| {});
        assert_eq!(world.code(&unfit), Code::LogEntryKindUnsupported);
    }
}

/// `intoto` 0.0.1 entries hold no signature: they are taken only where the policy says so, only in this layout, and then the
/// hash of the whole envelope must be that of the layer.
#[test]
fn an_entry_without_signature_counts_only_where_it_is_allowed() {
    for mut world in World::both() {
        let now = world.case.sigstore.now;
        let good = world.unlogged().logged_as_intoto_v1(&mut world.case.sigstore.rekor, now);
        assert_eq!(world.code(&good), Code::LogEntryKindUnsupported);
        world.case.settings.allow_intoto_v1 = true;
        assert_eq!(world.code(&good), Code::Accepted);
        let mut store = world.store.clone();
        store.attach_layers(&world.image.digest, "att", &[good.layer()]);
        assert_eq!(world.case.image_report(&store, &world.image).weakened_codes(), [Code::IntotoV1OptIn]);

        let hash = json!(Digest::sha256(b"another").hex());
        let stranger = Signer::key(world.case.sigstore.key("somebody else"));
        let verifier = json!(base64::encode(stranger.verifier_pem().as_bytes()));
        let body = rekor::intoto_v1(&good.envelope, &world.case.signer.verifier_pem());
        for (path, value, code) in [
            ("/spec/content/hash/value", &hash, Code::EntryMismatchDigest),
            ("/spec/content/payloadHash/value", &hash, Code::EntryMismatchDigest),
            ("/spec/publicKey", &verifier, Code::EntryMismatchKey),
        ] {
            let changed = world.logged_as(&good, &body, |body| *body.pointer_mut(path).unwrap() = value.clone());
            assert_eq!(world.code(&changed), code, "{path}");
        }
        let oldest = world.logged_as(&good, &body, |body| {
            body["spec"]["content"].as_object_mut().unwrap().remove("payloadHash");
        });
        assert_eq!(world.code(&oldest), Code::Accepted);
        // The same envelope with another signature over the same payload is not what was logged.
        let mut envelope = good.envelope.clone();
        envelope.signatures[0].keyid = "k".to_owned();
        assert_eq!(world.code(&Attestation { bytes: envelope.to_bytes(), envelope, ..good.clone() }), Code::EntryMismatchDigest);
        // A bundle does not keep the envelope's bytes, so there is nothing to compare there.
        let bundle = Bundle::envelope(good.envelope.clone(), &world.case.signer);
        let mut store = world.store.clone();
        store.attach_bundle(&world.image, &Bundle { entries: vec![good.entry.clone().unwrap()], ..bundle });
        assert_eq!(world.case.image(&store, &world.image), (Code::NoMatchingSignature, vec![Code::LogEntryKindUnsupported]));
    }
}

/// The timestamp is over the whole envelope here, and over nothing else.
#[test]
fn a_timestamp_is_over_the_envelope() {
    let mut world = World::of(Case::keyless());
    let (tsa, now) = (world.case.sigstore.tsa.clone(), world.case.sigstore.now);
    let good = world.good();
    world.case.settings.timestamps = 1;
    assert_eq!(world.code(&good), Code::TimestampThreshold);
    let stamped = good.clone().timestamped(&tsa, now);
    assert_eq!(world.code(&stamped), Code::Accepted);
    for other in [good.envelope.signature().to_vec(), good.envelope.payload.clone(), good.envelope.pae(), b"another".to_vec()] {
        let changed = Attestation { timestamp: Some(tsa.respond(&other, now)), ..good.clone() };
        assert_eq!(world.code(&changed), Code::TimestampImprintMismatch);
    }
    let foreign = crate::kit::timestamp_authority(77);
    assert_eq!(world.code(&good.clone().timestamped(&foreign, now)), Code::TimestampUntrusted);
    let mut broken = stamped.clone();
    broken.annotations.insert(TIMESTAMP.to_owned(), "{}".to_owned());
    assert_eq!(world.code(&broken), Code::AnnotationMalformed);
    // Alone it gives the time that a certificate needs, and it is held against the certificate.
    let mut world = world.tlog(TlogMode::Ignored);
    assert_eq!(world.code(&world.unlogged().timestamped(&tsa, now)), Code::Accepted);
    let late = now.saturating_add_seconds(3600);
    assert_eq!(world.code(&world.unlogged().timestamped(&tsa, late)), Code::CertificateNotValidAt);
    world.case.now = now;
    assert_eq!(world.code(&world.unlogged().timestamped(&tsa, now.saturating_add_seconds(1))), Code::TimestampInFuture);
}

/// The log's promise is about this very body and time, by a log that is trusted.
#[test]
fn a_promise_that_does_not_hold_is_not_counted() {
    for mut world in World::both() {
        let good = world.good();
        let changed = |edit: &dyn Fn(&mut Value)| {
            let mut annotation = good.entry.as_ref().unwrap().to_annotation();
            edit(&mut annotation);
            let mut changed = good.clone();
            changed.annotations.insert(REKOR_BUNDLE.to_owned(), annotation.to_string());
            changed
        };
        assert_eq!(world.code(&changed(&|_| {})), Code::Accepted);
        assert_eq!(world.code(&changed(&|entry| entry["Payload"]["logIndex"] = json!(7777))), Code::SetInvalid);
        assert_eq!(
            world.code(&changed(&|entry| {
                let time = entry["Payload"]["integratedTime"].as_i64().unwrap();
                entry["Payload"]["integratedTime"] = json!(time + 1);
            })),
            Code::SetInvalid
        );
        assert_eq!(world.code(&changed(&|entry| entry["Payload"]["logID"] = json!("00".repeat(32)))), Code::LogUnknown);
        for (path, value) in [
            ("/Payload/integratedTime", json!(1.5)),
            ("/Payload/integratedTime", json!(-1)),
            ("/Payload/body", json!({})),
            ("/Payload/logID", json!("XY")),
            ("/SignedEntryTimestamp", json!("not base64")),
        ] {
            let changed = changed(&|entry| *entry.pointer_mut(path).unwrap() = value.clone());
            assert_eq!(world.code(&changed), Code::AnnotationMalformed, "{path} {value}");
        }
        let text = good.entry.as_ref().unwrap().to_annotation().to_string();
        let mut doubled = good.clone();
        doubled.annotations.insert(REKOR_BUNDLE.to_owned(), text.replacen(r#""logIndex":"#, r#""logIndex":1,"logIndex":"#, 1));
        assert_eq!(world.code(&doubled), Code::AnnotationMalformed);
        let mut foreign = veriseal_testkit::RekorV1::new(&Seed::new(5), world.case.sigstore.rekor.window);
        let elsewhere = world.unlogged().logged(&mut foreign, world.case.sigstore.now);
        assert_eq!(world.code(&elsewhere), Code::LogUnknown);
    }
}

/// K-P-08: of two annotations of one name it is open which one a reader takes, so the manifest that has them is no list.
#[test]
fn doubled_annotations_are_refused() {
    let mut world = World::of(Case::key());
    let good = world.good();
    let mut store = world.store.clone();
    store.attach_layers(&world.image.digest, "att", &[good.layer()]);
    let tag = format!("sha256-{}.att", world.image.digest.hex());
    let manifest = store.manifests[&store.tags[&tag]].clone();
    let text = String::from_utf8(manifest.bytes.clone()).unwrap();
    let doubled = text.replacen(r#""predicateType":"#, r#""predicateType":"x","predicateType":"#, 1);
    assert_ne!(text, doubled);
    let bytes = doubled.into_bytes();
    let digest = Digest::sha256(&bytes);
    store.manifests.insert(digest, veriseal_testkit::store::Manifest { bytes, ..manifest });
    store.tags.insert(tag, digest);
    assert_eq!(world.case.image(&store, &world.image), (Code::ManifestInvalid, vec![]));
}

/// Bytes beyond the bound of an attestation are never read, those within are.
#[test]
fn an_annotation_beyond_its_bound_is_refused() {
    let mut world = World::of(Case::key());
    let mut good = world.good();
    good.annotations.insert(CHAIN.to_owned(), "x".repeat(256 * 1024 + 1));
    assert_eq!(world.code(&good), Code::AnnotationMalformed);
}
