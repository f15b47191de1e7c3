//! Attacks on saved evidence: what a file that was edited on its way can change (K-EV-02).

use crate::kit::Case;
use serde_json::{Value, json};
use veriseal::gather::Evidence;
use veriseal::policy::{Claim, Requirement, Selection, Settings, SignatureRequirement, TlogMode};
use veriseal::{Code, Limits, NotAccepted, Policy, Reference, Verdict, Verifier};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::{Bundle, Image, ImageBuilder, Signer, Store};

fn reference(image: &Image) -> Reference {
    format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap()
}

/// The answer to the image's evidence, saved, edited and loaded again.
fn judged(case: &Case, store: &Store, image: &Image, edit: impl FnOnce(&mut Value)) -> (Verdict, Code) {
    judged_by(&case.verifier(), case, (store, image), edit)
}

/// The same, by another verifier.
fn judged_by(
    verifier: &Verifier,
    case: &Case,
    (store, image): (&Store, &Image),
    edit: impl FnOnce(&mut Value),
) -> (Verdict, Code) {
    let reference = reference(image);
    let saved = verifier.gather(&reference, store).unwrap().to_saved();
    let mut document = serde_json::from_slice(&saved.document).unwrap();
    edit(&mut document);
    let mut blob = |digest: &_| saved.blobs.get(digest).map(|bytes| bytes.to_vec());
    let evidence = Evidence::load(document.to_string().as_bytes(), &mut blob, &Limits::DEFAULT).unwrap();
    match verifier.judge(reference.repository(), &image.digest, &evidence, case.now) {
        Ok(accepted) => (accepted.report().verdict(), accepted.report().code()),
        Err(not_accepted) => (not_accepted.report().verdict(), not_accepted.code()),
    }
}

/// K-EV-02: whoever carries the file can leave a signature out, but not make of that the word of the registry that there is
/// none. What does lie in it was judged, by its bytes.
#[test]
fn a_file_without_signatures_does_not_show_that_there_is_none() {
    let case = Case { settings: Settings { tlog: TlogMode::Ignored, ..Settings::default() }, ..Case::key() };
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    let undecided = (Verdict::Undecided, Code::AbsenceNotProved);
    // The registry itself may say so, to the one who asks.
    let asked = case.verifier().verify(&reference(&image), &store, case.now);
    assert!(matches!(asked, Err(NotAccepted::Rejected(report)) if report.code() == Code::NoSignature));
    assert_eq!(judged(&case, &store, &image, |_| {}), undecided);
    store.attach_bundle(&image, &Bundle::image(&image.digest, &case.signer));
    assert_eq!(judged(&case, &store, &image, |_| {}), (Verdict::Accepted, Code::Accepted));
    let stripped = |document: &mut Value| {
        document["candidates"] = json!([]);
        document["claims"]["layouts"] = json!({ "cosign-tag": "not-found", "referrers-api": "not-found" });
        document["claims"]["complete"] = json!(true);
    };
    assert_eq!(judged(&case, &store, &image, stripped), undecided);
    // A file that does hold something is judged by it.
    let mut other = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut other);
    other.attach_bundle(&image, &Bundle::image(&image.digest, &Signer::key(case.sigstore.key("stranger"))));
    assert_eq!(judged(&case, &other, &image, |_| {}), (Verdict::Rejected, Code::NoMatchingSignature));
}

/// K-EV-02: that a newer attestation could have been left out is the answer also where another leaf holds, and not that too
/// little was signed.
#[test]
fn what_could_not_be_found_out_is_told_beside_a_leaf_that_holds() {
    let mut case = Case::keyless();
    let (store, image) = case.signed_image();
    let leaf = |selection| {
        let claim = Claim::Attestation { predicate_type: "https://sigstore.dev/cosign/sign/v1".to_owned() };
        Requirement::signature(SignatureRequirement::new(case.authority.clone()).claim(claim).selecting(selection))
    };
    let ask = |requirement| {
        let verifier = Verifier::new(crate::kit::trust(&case.root()), Policy::new(requirement).unwrap());
        judged_by(&verifier, &case, (&store, &image), |_| {})
    };
    assert_eq!(ask(leaf(Selection::Any)), (Verdict::Accepted, Code::Accepted));
    for of in [[Selection::Any, Selection::Newest], [Selection::Newest, Selection::Any]] {
        assert_eq!(ask(Requirement::All(of.map(leaf).into())), (Verdict::Undecided, Code::AbsenceNotProved), "{of:?}");
        assert_eq!(ask(Requirement::Any(of.map(leaf).into())), (Verdict::Accepted, Code::Accepted), "{of:?}");
    }
}
