//! What becomes of a candidate under one leaf of a policy does not depend on the other leaves, nor on the candidates that
//! were looked at before it.

use crate::kit::{ARTIFACT, Case, identity, trust, trusted_identity, trusted_key};
use serde_json::{Value, json};
use veriseal::gather::{Fetch, FetchError, Request, Response, What};
use veriseal::policy::{Authority, Claim, Settings, SignatureRequirement, TlogMode};
use veriseal::{Artifact, Code, Digest, Limits, NotAccepted, Policy, Report, Requirement, Verdict, Verifier};
use veriseal_testkit::bundle::Material;
use veriseal_testkit::dsse::{COSIGN_SIGN, Statement};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::{Bundle, Identity, Image, ImageBuilder, KeyKind, Scheme, Signer, Store, sign_simple};

fn unlogged() -> Settings {
    Settings { tlog: TlogMode::Ignored, ..Settings::default() }
}

fn leaf(authority: Authority, settings: &Settings) -> Requirement {
    Requirement::signature(SignatureRequirement::new(authority).settings(settings.clone()))
}

fn verifier(case: &Case, requirement: Requirement) -> Verifier {
    Verifier::new(trust(&case.sigstore.trusted_root()), Policy::new(requirement).unwrap())
}

fn report<T>(outcome: Result<T, NotAccepted>, of: impl Fn(&T) -> &Report) -> Report {
    match outcome {
        Ok(accepted) => of(&accepted).clone(),
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
    }
}

fn image_report(case: &Case, requirement: Requirement, store: &Store, image: &Image) -> Report {
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap();
    report(verifier(case, requirement).verify(&reference, store, case.now), |accepted| accepted.report())
}

fn blob_report(case: &Case, requirement: Requirement, artifact: &Artifact<'_>, bundle: &Bundle) -> Report {
    report(verifier(case, requirement).verify_blob(artifact, &bundle.to_bytes(), case.now), |accepted| accepted.report())
}

/// K-DS: what hostile candidates cost is not taken from the good one, which may lie last.
#[test]
fn hostile_candidates_do_not_use_up_the_budget_of_a_good_one() {
    let case = Case::key();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let stranger = Signer::key(case.sigstore.key("stranger"));
    let layer = |at: usize, signer: &Signer| sign_simple(&image.digest, &format!("registry.example/{at}"), &[], signer).layer();
    let mut layers: Vec<_> = (0..31).map(|at| layer(at, &stranger)).collect();
    layers.push(layer(31, &case.signer));
    store.attach_layers(&image.digest, "sig", &layers);
    // Each of the 31 costs one check under each key.
    let mut keys: Vec<_> = (0..8).map(|at| trusted_key(&case.sigstore.key(&format!("other {at}")))).collect();
    keys.push(case.authority.clone());
    let requirement = Requirement::Any(keys.into_iter().map(|key| leaf(key, &unlogged())).collect());
    assert_eq!(image_report(&case, requirement, &store, &image).code(), Code::Accepted);
}

/// A registry before which something answers with a page of its own to every list.
struct Page<'s>(&'s Store);

impl Fetch for Page<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        match request.what {
            What::ManifestByTag(_) | What::Referrers { .. } => {
                let media_type = Some("text/html".to_owned());
                Ok(Response::Found { media_type, bytes: b"<html>".to_vec(), next: None })
            }
            _ => self.0.fetch(request),
        }
    }
}

/// What came in place of a list may have hidden the signature, so nothing is known of the image.
#[test]
fn a_page_in_place_of_a_list_is_undecided() {
    let case = Case::key();
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let reference = format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap();
    let verifier = case.verifier();
    let answer = |fetch: &dyn Fetch| report(verifier.verify(&reference, fetch, case.now), |accepted| accepted.report());
    assert_eq!(answer(&store).verdict(), Verdict::Rejected);
    let hidden = answer(&Page(&store));
    assert_eq!((hidden.verdict(), hidden.code()), (Verdict::Undecided, Code::ManifestInvalid));
}

/// The same in place of the image, asked for by its tag.
#[test]
fn a_page_in_place_of_the_image_is_undecided() {
    let case = Case::key();
    let mut store = Store::new();
    ImageBuilder::new("app").tagged(&mut store, "v1");
    let reference = format!("{REGISTRY}/{REPOSITORY}:v1").parse().unwrap();
    let outcome = case.verifier().verify(&reference, &Page(&store), case.now);
    let hidden = report(outcome, |accepted| accepted.report());
    assert_eq!((hidden.verdict(), hidden.code()), (Verdict::Undecided, Code::ResponseInvalid));
}

/// What cannot be read is no candidate to verify: a flood of it hides no good one behind it.
#[test]
fn unreadable_candidates_do_not_use_up_the_allowance_of_a_layout() {
    let case = Case { settings: unlogged(), ..Case::key() };
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let good = |at: usize| sign_simple(&image.digest, &format!("registry.example/{at}"), &[], &case.signer).layer();
    let mut layers: Vec<_> = (0..64).map(good).collect();
    for layer in &mut layers {
        layer.annotations.insert("dev.cosignproject.cosign/signature".to_owned(), "not base64".to_owned());
    }
    store.attach_layers(&image.digest, "sig", &layers);
    assert_eq!(case.image(&store, &image), (Code::NoMatchingSignature, vec![Code::SignatureMalformed; 64]));
    layers.push(good(64));
    store.attach_layers(&image.digest, "sig", &layers);
    assert_eq!(case.image(&store, &image).0, Code::Accepted);
}

/// Attestations that can be read, and are of no use here, take the place of no signature; nor the other way round.
#[test]
fn what_says_something_else_does_not_use_up_the_allowance_of_a_layout() {
    let case = Case { settings: unlogged(), ..Case::key() };
    let spdx = "https://spdx.dev/Document";
    let wanted = Claim::Attestation { predicate_type: spdx.to_owned() };
    let attesting = Case { claim: wanted, ..case.clone() };
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    let attestation = |number: usize, kind: &str| {
        Bundle::statement(&Statement::new(&image.digest, kind, json!({ "number": number })), &case.signer)
    };
    let flood = |store: &mut Store, make: &dyn Fn(usize) -> Bundle| {
        (0..40).for_each(|number| drop(store.attach_bundle(&image, &make(number))))
    };
    let signature = Bundle::image(&image.digest, &case.signer);

    let mut flooded = store.clone();
    flood(&mut flooded, &|number| attestation(number, spdx));
    let alone = case.image_report(&flooded, &image);
    // Nothing was excluded for what it says: 32 were looked at, and what was not might have been the signature.
    assert_eq!((alone.verdict(), alone.code()), (Verdict::Undecided, Code::CandidatesTruncated));
    assert_eq!(alone.candidate_codes(), vec![Code::PredicateTypeMismatch; 32]);
    flooded.attach_bundle(&image, &signature);
    let report = case.image_report(&flooded, &image);
    assert_eq!((report.code(), report.gathering_codes()), (Code::Accepted, vec![Code::CandidatesTruncated]));
    assert_eq!(report.candidate_codes().len(), 31);

    // Signatures of other images, and by what cannot be whom the policy names, are of no use either.
    let other = |number: usize| Digest::sha256(&number.to_be_bytes());
    let certified = case.sigstore.keyless(&identity());
    for make in [
        &(|number| Bundle::image(&other(number), &case.signer)) as &dyn Fn(usize) -> Bundle,
        &|number| Bundle::statement(&Statement::new(&image.digest, COSIGN_SIGN, json!({ "number": number })), &certified),
        &|number| attestation(number, "https://example.com/other"),
    ] {
        let mut flooded = store.clone();
        flood(&mut flooded, make);
        flooded.attach_bundle(&image, &signature);
        assert_eq!(case.image_report(&flooded, &image).code(), Code::Accepted);
        flooded.attach_bundle(&image, &attestation(1000, spdx));
        assert_eq!(attesting.image_report(&flooded, &image).code(), Code::Accepted);
    }
    // In the other layout, too: its payload names the image that it is about.
    let layer = |digest: &Digest, at: usize| sign_simple(digest, &format!("registry.example/{at}"), &[], &case.signer).layer();
    let mut layers: Vec<_> = (0..40).map(|at| layer(&other(at), at)).collect();
    layers.push(layer(&image.digest, 40));
    store.attach_layers(&image.digest, "sig", &layers);
    assert_eq!(case.image_report(&store, &image).code(), Code::Accepted);
}

/// A report tells of refusals only so much, and says how many it does not tell; the verdict is the same.
#[test]
fn a_report_of_many_leaves_and_candidates_stays_small() {
    let case = Case { settings: unlogged(), ..Case::key() };
    let mut store = Store::new();
    let image = ImageBuilder::new("app").build(&mut store);
    let certified = case.sigstore.keyless(&identity());
    let layer = |at: usize, signer: &Signer| sign_simple(&image.digest, &format!("registry.example/{at}"), &[], signer).layer();
    // Held against a key, each of them is refused before anything is computed.
    let mut layers: Vec<_> = (0..31).map(|at| layer(at, &certified)).collect();
    store.attach_layers(&image.digest, "sig", &layers);
    let leaves = |last: Authority| {
        let mut of = vec![leaf(trusted_key(&case.sigstore.key("other")), &unlogged()); 600];
        of.push(leaf(last, &unlogged()));
        Requirement::Any(of)
    };
    let refused = image_report(&case, leaves(case.authority.clone()), &store, &image);
    assert_eq!((refused.verdict(), refused.code()), (Verdict::Rejected, Code::NoMatchingSignature));
    assert_eq!(refused.candidate_codes(), vec![Code::SignerKindMismatch; 31]);
    assert_eq!(refused.notice_codes(), [Code::ReportTruncated]);
    let document: Value = serde_json::from_str(&refused.to_json()).unwrap();
    let count = |candidate: &Value| {
        let told = candidate["evaluations"].as_array().unwrap().len();
        (told, usize::try_from(candidate["leftOut"].as_u64().unwrap_or(0)).unwrap())
    };
    let counts: Vec<_> = document["candidates"].as_array().unwrap().iter().map(count).collect();
    assert!(counts.iter().all(|(told, left_out)| told + left_out == 601));
    assert_eq!(counts.iter().map(|(told, _)| told).sum::<usize>(), Limits::DEFAULT.report_checks);
    assert!(refused.to_json().len() < 8 * 1024 * 1024, "{}", refused.to_json().len());
    // What is accepted is told, however late it comes.
    layers.push(layer(31, &case.signer));
    store.attach_layers(&image.digest, "sig", &layers);
    let accepted = image_report(&case, leaves(case.authority.clone()), &store, &image);
    assert_eq!(
        (accepted.code(), accepted.notice_codes()),
        (Code::Accepted, vec![Code::DockerReferenceDiffers, Code::ReportTruncated])
    );
    let document: Value = serde_json::from_str(&accepted.to_json()).unwrap();
    assert_eq!(
        (&document["candidates"][31]["evaluations"][0]["accepted"], count(&document["candidates"][31])),
        (&true.into(), (1, 600))
    );
}

/// What is left out of a report still keeps the answer open where it could not be found out.
#[test]
fn a_refusal_that_is_not_told_is_still_undecided() {
    let case = Case::key();
    let key = case.sigstore.key_of(KeyKind::Ed25519, "pure");
    let signer = Signer::key(key.clone()).with_scheme(Scheme::Ed25519);
    let bundle = Bundle::message(None, signer.sign(ARTIFACT), &signer);
    let requirement = Requirement::Any(vec![leaf(trusted_key(&key), &unlogged()), leaf(case.authority.clone(), &unlogged())]);
    for report_checks in [0, 100] {
        let limits = Limits { report_checks, ..Limits::DEFAULT };
        let root = trust(&case.sigstore.trusted_root());
        let verifier = Verifier::with_limits(root, Policy::new(requirement.clone()).unwrap(), limits);
        let outcome = verifier.verify_blob(&Artifact::digest(Digest::sha256(ARTIFACT)), &bundle.to_bytes(), case.now);
        let report = report(outcome, |accepted| accepted.report());
        assert_eq!((report.verdict(), report.code()), (Verdict::Undecided, Code::NeedsArtifactBytes));
        assert_eq!(report.notice_codes().contains(&Code::ReportTruncated), report_checks == 0);
    }
}

/// However many leaves a policy has, each may look at the candidate.
#[test]
fn many_leaves_do_not_use_up_the_budget_of_the_last() {
    let case = Case::key();
    let other = trusted_key(&case.sigstore.key("other"));
    let mut of = vec![leaf(other, &unlogged()); 300];
    of.push(leaf(case.authority.clone(), &unlogged()));
    let bundle = Bundle::blob(ARTIFACT, &case.signer);
    let report = blob_report(&case, Requirement::Any(of), &Artifact::bytes(ARTIFACT), &bundle);
    assert_eq!(report.code(), Code::Accepted);
}

/// K-X-23: a leaf that allows chains in v0.3 bundles allows them for itself alone.
#[test]
fn a_chain_that_one_leaf_allows_counts_for_no_other() {
    let mut case = Case::keyless();
    let message = case.message();
    let certificate = case.signer.certificate.clone().unwrap();
    let chained = Bundle { material: Material::Chain(vec![certificate]), ..message };
    let allowed = Settings { allow_chain: true, ..Settings::default() };
    let stranger = || trusted_identity(&Identity::github("evil/app", "release.yml", "refs/heads/main"));
    let answer = |strict: Authority, lenient: Authority| {
        let of = vec![leaf(strict, &Settings::default()), leaf(lenient, &allowed)];
        blob_report(&case, Requirement::Any(of), &Artifact::bytes(ARTIFACT), &chained).code()
    };
    assert_eq!(answer(stranger(), trusted_identity(&identity())), Code::Accepted);
    assert_ne!(answer(trusted_identity(&identity()), stranger()), Code::Accepted);
    let strict = Requirement::Any(vec![leaf(trusted_identity(&identity()), &Settings::default())]);
    let refused = blob_report(&case, strict, &Artifact::bytes(ARTIFACT), &chained);
    assert_eq!(refused.code(), Code::BundleChainForbidden);
}

/// A pure Ed25519 signature cannot be checked over a digest. Whether that matters, the requirement says: not which leaf
/// stands first or got further.
#[test]
fn what_one_leaf_could_not_find_out_is_undecided_only_where_it_may_matter() {
    let case = Case::key();
    let key = case.sigstore.key_of(KeyKind::Ed25519, "pure");
    let signer = Signer::key(key.clone()).with_scheme(Scheme::Ed25519);
    let bundle = Bundle::message(None, signer.sign(ARTIFACT), &signer);
    let (pure, other) = (leaf(trusted_key(&key), &unlogged()), leaf(case.authority.clone(), &unlogged()));
    let digest = Artifact::digest(Digest::sha256(ARTIFACT));
    for of in [vec![pure.clone(), other.clone()], vec![other.clone(), pure.clone()]] {
        let any = blob_report(&case, Requirement::Any(of.clone()), &digest, &bundle);
        assert_eq!((any.verdict(), any.code()), (Verdict::Undecided, Code::NeedsArtifactBytes));
        let known = blob_report(&case, Requirement::Any(of.clone()), &Artifact::bytes(ARTIFACT), &bundle);
        assert_eq!(known.code(), Code::Accepted);
        // The other key did not sign, whatever the bytes say.
        for both in [Requirement::All(of.clone()), Requirement::AtLeast { count: 2, of }] {
            assert_eq!(blob_report(&case, both, &digest, &bundle).verdict(), Verdict::Rejected);
        }
    }
}

/// A candidate that satisfies one leaf and runs out of budget under another has not been shown to fall short.
#[test]
fn an_exhausted_budget_is_not_an_unmet_policy() {
    let mut case = Case::key();
    let bundle = case.message();
    let logged = leaf(case.authority.clone(), &Settings::default());
    let both = Requirement::All(vec![leaf(case.authority.clone(), &unlogged()), logged]);
    let root = trust(&case.sigstore.trusted_root());
    let limits = Limits { signature_checks: 1, ..Limits::DEFAULT };
    let verifier = Verifier::with_limits(root, Policy::new(both.clone()).unwrap(), limits);
    let outcome = verifier.verify_blob(&Artifact::bytes(ARTIFACT), &bundle.to_bytes(), case.now);
    let starved = report(outcome, |accepted| accepted.report());
    assert_eq!((starved.verdict(), starved.code()), (Verdict::Undecided, Code::BudgetExhausted));
    assert_eq!(blob_report(&case, both, &Artifact::bytes(ARTIFACT), &bundle).code(), Code::Accepted);
}
