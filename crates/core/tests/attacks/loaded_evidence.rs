//! Attacks on saved evidence: what a file that was edited on its way can change (K-EV-02).

use crate::kit::Case;
use serde_json::{Value, json};
use veriseal::gather::Evidence;
use veriseal::policy::{Settings, TlogMode};
use veriseal::{Code, Limits, NotAccepted, Reference, Verdict};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::{Bundle, Image, ImageBuilder, Signer, Store};

fn reference(image: &Image) -> Reference {
    format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap()
}

/// The answer to the image's evidence, saved, edited and loaded again.
fn judged(case: &Case, store: &Store, image: &Image, edit: impl FnOnce(&mut Value)) -> (Verdict, Code) {
    let (verifier, reference) = (case.verifier(), reference(image));
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
