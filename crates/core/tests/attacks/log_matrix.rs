//! The matrix of K-TL-01, K-TL-03 and K-TL-04: a valid log entry of something else, in every form that an entry can have.

use crate::kit::{ARTIFACT, Case, digest, identity};
use veriseal::{Code, Digest};
use veriseal_testkit::bundle::Material;
use veriseal_testkit::simple_signing::REKOR_BUNDLE;
use veriseal_testkit::{Bundle, BundleVersion, Image, ImageBuilder, LogEntry, Signer, SimpleSignature, Store, sign_simple};

/// Who speaks for the signature.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holder {
    Key,
    Certificate,
    Chain,
}

/// Where the entry stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Bundle(BundleVersion),
    Annotation,
}

/// What of the entry is there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Evidence {
    Promise,
    Proof,
    Both,
}

const HOLDERS: [Holder; 3] = [Holder::Key, Holder::Certificate, Holder::Chain];
const FORMS: [Form; 4] =
    [Form::Bundle(BundleVersion::V01), Form::Bundle(BundleVersion::V02), Form::Bundle(BundleVersion::V03), Form::Annotation];
const EVIDENCE: [Evidence; 3] = [Evidence::Promise, Evidence::Proof, Evidence::Both];

/// What the form itself says to an entry with this evidence, before anybody asks what it is about.
fn refused_by_form(form: Form, evidence: Evidence) -> Option<Code> {
    match (form, evidence) {
        (Form::Bundle(BundleVersion::V01), Evidence::Proof) => Some(Code::SetMissing),
        (Form::Bundle(BundleVersion::V02 | BundleVersion::V03), Evidence::Promise) => Some(Code::InclusionProofMissing),
        // The annotation has a place for the promise alone.
        (Form::Annotation, Evidence::Proof | Evidence::Both) => Some(Code::AnnotationMalformed),
        _ => None,
    }
}

fn case_of(holder: Holder) -> Case {
    let mut case = if holder == Holder::Key { Case::key() } else { Case::keyless() };
    case.settings.allow_chain = holder == Holder::Chain;
    case
}

fn with_evidence(mut entry: LogEntry, evidence: Evidence) -> LogEntry {
    match evidence {
        Evidence::Promise => entry.proof = None,
        Evidence::Proof => (entry.set, entry.integrated_time) = (None, None),
        Evidence::Both => {}
    }
    entry
}

/// The answer to a cell with the entry given.
fn answer(case: &Case, holder: Holder, form: Form, evidence: Evidence, signed: &Signed, entry: &LogEntry) -> Code {
    let entry = with_evidence(entry.clone(), evidence);
    match (form, signed) {
        (Form::Bundle(version), Signed::Bundle(bundle)) => {
            let mut bundle = Bundle { entries: vec![entry], ..bundle.as_ref().clone() }.version(version);
            if let (Holder::Chain, Some(leaf)) = (holder, &case.signer.certificate) {
                bundle.material = Material::Chain(vec![leaf.clone(), case.sigstore.fulcio.intermediate.der.clone()]);
            }
            // Without a promise an entry has no time; the timestamp authority gives one where a certificate needs it.
            case.code(&bundle.timestamped(&case.sigstore.tsa, case.sigstore.now))
        }
        (Form::Annotation, Signed::Simple(simple)) => {
            let (mut store, image, mut signature) = simple.as_ref().clone();
            if holder == Holder::Certificate {
                signature.signer.chain.clear();
            }
            let mut annotation = entry.to_annotation();
            if entry.set.is_none() {
                annotation.as_object_mut().unwrap().remove("SignedEntryTimestamp");
            }
            if entry.proof.is_some() && evidence != Evidence::Promise {
                annotation["InclusionProof"] = entry.to_json()["inclusionProof"].clone();
            }
            signature.annotations.insert(REKOR_BUNDLE.to_owned(), annotation.to_string());
            store.attach_signature(&image.digest, &signature);
            match case.image(&store, &image) {
                (Code::NoMatchingSignature, candidates) => candidates[0],
                (code, _) => code,
            }
        }
        _ => panic!("{form:?} does not go with this"),
    }
}

enum Signed {
    Bundle(Box<Bundle>),
    Simple(Box<(Store, Image, SimpleSignature)>),
}

/// A signature in the form, its own entry, and two valid ones that are about something else: another artifact by the same
/// signer, and the same artifact by another signer.
fn signed(case: &mut Case, form: Form, envelope: bool) -> (Signed, LogEntry, [LogEntry; 2]) {
    let other_case = if case.signer.certificate.is_some() {
        case.sigstore.keyless_with(&identity(), case.sigstore.key("another key"))
    } else {
        Signer::key(case.sigstore.key("somebody else"))
    };
    let (now, signer) = (case.sigstore.now, case.signer.clone());
    match form {
        Form::Bundle(_) => {
            let mut make = |artifact: &[u8], signer: &Signer| {
                let bundle =
                    if envelope { Bundle::image(&Digest::sha256(artifact), signer) } else { Bundle::blob(artifact, signer) };
                bundle.logged_v1(&mut case.sigstore.rekor, now)
            };
            let own = make(ARTIFACT, &signer);
            let foreign = [make(b"another artifact", &signer), make(ARTIFACT, &other_case)];
            let entry = own.entries[0].clone();
            (Signed::Bundle(Box::new(own)), entry, foreign.map(|bundle| bundle.entries[0].clone()))
        }
        Form::Annotation => {
            let mut store = Store::new();
            let image = ImageBuilder::new("app").build(&mut store);
            let mut make = |digest: &Digest, signer: &Signer| {
                sign_simple(digest, "registry.example/app", &[], signer).logged(&mut case.sigstore.rekor, now)
            };
            let own = make(&image.digest, &signer);
            let foreign = [make(&digest(), &signer), make(&image.digest, &other_case)];
            let entry = own.entry.clone().unwrap();
            (Signed::Simple(Box::new((store, image, own))), entry, foreign.map(|signature| signature.entry.unwrap()))
        }
    }
}

/// K-TL-01, K-TL-03, K-TL-04: on every path through the formats an entry of something else is refused, and the own one is
/// taken wherever the format allows it.
#[test]
fn a_foreign_entry_is_refused_in_every_form() {
    let mut cells = 0;
    for holder in HOLDERS {
        for form in FORMS {
            let contents: &[bool] = if form == Form::Annotation { &[true] } else { &[false, true] };
            for &envelope in contents {
                let mut case = case_of(holder);
                let (signed, own, foreign) = signed(&mut case, form, envelope);
                for evidence in EVIDENCE {
                    cells += 1;
                    let cell = format!("{holder:?} {form:?} {evidence:?} envelope: {envelope}");
                    let honest = refused_by_form(form, evidence).unwrap_or(Code::Accepted);
                    assert_eq!(answer(&case, holder, form, evidence, &signed, &own), honest, "{cell}");
                    for foreign in &foreign {
                        let expected = refused_by_form(form, evidence).unwrap_or(Code::EntryMismatchSignature);
                        assert_eq!(answer(&case, holder, form, evidence, &signed, foreign), expected, "{cell}");
                    }
                }
            }
        }
    }
    assert_eq!(cells, 3 * (3 * 2 + 1) * 3);
}
