//! What a report says beside its verdict: of the trust root that was used, and of a file that makes claims.

use crate::kit::{ARTIFACT, Case};
use veriseal::gather::Evidence;
use veriseal::policy::{Settings, TlogMode};
use veriseal::trust::TrustRootOrigin;
use veriseal::{Artifact, Code, Limits, NotAccepted, Policy, Report, TrustRoot, UnixTime, Verifier};
use veriseal_testkit::scenario::{REGISTRY, REPOSITORY};
use veriseal_testkit::{Bundle, ImageBuilder, Store};

/// The report on a good bundle, with a trust root that was published at a time.
fn published(case: &Case, bundle: &[u8], artifact: &[u8], date: Option<UnixTime>) -> Report {
    let origin = TrustRootOrigin { name: "testkit".to_owned(), date, ..TrustRootOrigin::default() };
    let trust = TrustRoot::from_json(&case.root().to_bytes(), origin).unwrap();
    let policy = Policy::new(case.verifier().policy().requirement().clone()).unwrap();
    match Verifier::new(trust, policy).verify_blob(&Artifact::bytes(artifact), bundle, case.now) {
        Ok(accepted) => accepted.report().clone(),
        Err(NotAccepted::Rejected(report) | NotAccepted::Undecided(report)) => report,
    }
}

/// Keys and logs change about once a year: a root of 180 days is young enough, one second more is said, whatever the verdict.
#[test]
fn a_trust_root_older_than_180_days_is_noticed_and_decides_nothing() {
    let mut case = Case::key();
    let bundle = case.message().to_bytes();
    let ago = |seconds: i64| Some(case.now.saturating_add_seconds(-seconds));
    let days = 180 * 86_400;
    for (artifact, code) in [(ARTIFACT, Code::Accepted), (b"another", Code::ArtifactDigestMismatch)] {
        for (date, notices) in [(None, vec![]), (ago(days), vec![]), (ago(days + 1), vec![Code::TrustRootOld])] {
            let report = published(&case, &bundle, artifact, date);
            assert_eq!((report.code(), report.notice_codes()), (code, notices), "{date:?}");
        }
    }
}

/// A log whose kind of key is not known cannot vouch for anything, and that it was left out is said. It is no reason to
/// refuse what the others vouch for.
#[test]
fn a_log_with_an_unknown_kind_of_key_is_left_out_and_noticed() {
    let mut case = Case::key();
    let bundle = case.message();
    let notices = |case: &Case| (case.report(&bundle).code(), case.report(&bundle).notice_codes());
    assert_eq!(notices(&case), (Code::Accepted, vec![]));
    let mut root = case.root();
    root.ctlogs[0].key_details = "PKIX_TOMORROW".to_owned();
    case.trusted = Some(root.clone());
    assert_eq!(notices(&case), (Code::Accepted, vec![Code::TrustInstanceSkipped]));
    for log in &mut root.tlogs {
        log.key_details = "PKIX_TOMORROW".to_owned();
    }
    let skipped = root.tlogs.len() + 1;
    case.trusted = Some(root);
    assert_eq!(notices(&case), (Code::LogUnknown, vec![Code::TrustInstanceSkipped; skipped]));
}

/// What a loaded file says beyond its bytes is a claim, and the report says so; what was gathered here makes none.
#[test]
fn evidence_from_a_file_is_noticed_as_claims() {
    let case = Case { settings: Settings { tlog: TlogMode::Ignored, ..Settings::default() }, ..Case::key() };
    let mut store = Store::with_referrers_api();
    let image = ImageBuilder::new("app").build(&mut store);
    store.attach_bundle(&image, &Bundle::image(&image.digest, &case.signer));
    let (verifier, reference) = (case.verifier(), format!("{REGISTRY}/{REPOSITORY}@{}", image.digest).parse().unwrap());
    let gathered = verifier.gather(&reference, &store).unwrap();
    let saved = gathered.to_saved();
    let mut blob = |digest: &_| saved.blobs.get(digest).map(|bytes| bytes.to_vec());
    let loaded = Evidence::load(&saved.document, &mut blob, &Limits::DEFAULT).unwrap();
    for (evidence, notices) in [(gathered, vec![]), (loaded, vec![Code::ClaimOfFile])] {
        let accepted = verifier.judge(reference.repository(), &image.digest, &evidence, case.now).unwrap();
        assert_eq!(accepted.report().notice_codes(), notices);
    }
}
