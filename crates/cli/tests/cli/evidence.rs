//! `verify --evidence-out`, then `judge`: the same verdict, and nothing believed that the bytes do not show.

use crate::stage::{Said, Stage};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use veriseal_testkit::HttpRegistry;
use veriseal_testkit::http::Fault;
use veriseal_testkit::scenario::{self, Scenario};

/// Evidence of a scenario, gathered over HTTP.
struct Gathered {
    stage: Stage,
    registry: HttpRegistry,
    verified: Said,
}

impl Gathered {
    fn new(scenario: Scenario, out: &str, fault: Option<Fault>) -> Self {
        let stage = Stage::new(scenario);
        let registry = HttpRegistry::serve(stage.scenario.store.clone());
        fault.into_iter().for_each(|fault| registry.fault(fault));
        let image = registry.reference("acme/app:v1");
        let verified = stage.verify(&["--allow-http", &registry.host(), "--evidence-out", &stage.text(out), &image]);
        registry.clear_requests();
        Self { stage, registry, verified }
    }

    fn image(&self) -> String {
        self.registry.reference(&format!("acme/app@{}", self.stage.scenario.image.digest))
    }

    fn judge(&self, evidence: &str, image: &str) -> Said {
        let said = self.stage.run("judge", &["--image", image, &self.stage.text(evidence)]);
        assert!(self.registry.requests().is_empty(), "judging asked the registry");
        said
    }
}

/// What must be the same online and offline: everything but what only the one who asked can know.
fn comparable(said: &Said) -> Value {
    let mut report = said.report();
    for member in ["evidence", "subject", "notices"] {
        report.as_object_mut().unwrap().remove(member);
    }
    report
}

#[test]
fn judging_saved_evidence_gives_the_verdict_of_verifying() {
    for scenario in scenario::all() {
        let name = scenario.name;
        for out in ["evidence", "evidence.tar"] {
            let gathered = Gathered::new(scenario.clone(), out, None);
            let judged = gathered.judge(out, &gathered.image());
            if gathered.verified.report()["code"] == "NO_SIGNATURE" {
                // That there is none, only the registry can say (K-EV-02).
                assert_eq!((judged.exit, &judged.report()["code"]), (3, &"ABSENCE_NOT_PROVED".into()), "{name}: {judged:?}");
                continue;
            }
            assert_eq!(judged.exit, gathered.verified.exit, "{name}: {judged:?} {:?}", gathered.verified);
            assert_eq!(comparable(&judged), comparable(&gathered.verified), "{name}");
            assert_eq!(judged.report()["evidence"]["origin"], "loaded", "{name}");
            let is_folder = gathered.stage.path(out).is_dir();
            assert_eq!(is_folder, out == "evidence", "{name}");
        }
    }
}

#[test]
fn undecided_evidence_stays_undecided() {
    let fault = Fault::status("/v2/acme/app/referrers/", 403);
    let gathered = Gathered::new(scenario::keyless_bundle(), "evidence", Some(fault));
    assert_eq!((gathered.verified.exit, gathered.verified.report()["code"].as_str()), (3, Some("DENIED")));
    let judged = gathered.judge("evidence", &gathered.image());
    assert_eq!((judged.exit, judged.report()["code"].as_str()), (3, Some("DENIED")), "{judged:?}");
}

/// K-EV-01: which image is meant, the caller says.
#[test]
fn evidence_of_another_image_is_rejected() {
    let gathered = Gathered::new(scenario::keyless_bundle(), "evidence.tar", None);
    let digest = gathered.stage.scenario.image.digest;
    let other = format!("{}f", &gathered.image()[..gathered.image().len() - 1]);
    for image in [format!("registry.example/acme/app@{digest}"), gathered.registry.reference(&format!("other@{digest}")), other] {
        let judged = gathered.judge("evidence.tar", &image);
        let code = judged.report()["code"].as_str().map(str::to_owned);
        assert_eq!((judged.exit, code.as_deref()), (1, Some("EVIDENCE_FOR_OTHER_IMAGE")), "{image}: {judged:?}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_path_buf()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// K-EV-02: whatever byte is changed, the verdict does not get better, and mostly nothing is judged at all.
#[test]
fn edited_evidence_never_makes_a_rejected_image_accepted_and_is_refused() {
    let gathered = Gathered::new(scenario::keyless_bundle(), "evidence", None);
    assert_eq!(gathered.judge("evidence", &gathered.image()).exit, 0);
    let all = files(&gathered.stage.path("evidence"));
    assert!(all.len() > 4, "{all:?}");
    for path in all.iter().filter(|path| path.components().any(|part| part.as_os_str() == "blobs")) {
        let bytes = fs::read(path).unwrap();
        if bytes == b"{}" {
            continue; // The empty config, which holds nothing.
        }
        let mut edited = bytes.clone();
        let middle = edited.len() / 2;
        edited[middle] ^= 1;
        fs::write(path, &edited).unwrap();
        let judged = gathered.judge("evidence", &gathered.image());
        assert_ne!(judged.exit, 0, "{}: {judged:?}", path.display());
        fs::remove_file(path).unwrap();
        let judged = gathered.judge("evidence", &gathered.image());
        assert_ne!(judged.exit, 0, "{} missing: {judged:?}", path.display());
        fs::write(path, &bytes).unwrap();
    }
    assert_eq!(gathered.judge("evidence", &gathered.image()).exit, 0);
}

#[test]
fn what_is_no_evidence_cannot_be_used() {
    let gathered = Gathered::new(scenario::keyless_bundle(), "evidence.tar", None);
    fs::write(gathered.stage.path("junk.tar"), "junk").unwrap();
    let whole = fs::read(gathered.stage.path("evidence.tar")).unwrap();
    fs::write(gathered.stage.path("cut.tar"), &whole[..whole.len() / 2]).unwrap();
    for name in ["none.tar", "none", "junk.tar", "cut.tar", "image"] {
        let judged = gathered.judge(name, &gathered.image());
        assert_eq!((judged.exit, judged.out.as_str()), (2, ""), "{name}: {judged:?}");
        assert!(judged.sentence().contains("EVIDENCE_INVALID"), "{name}: {judged:?}");
    }
}

#[test]
fn evidence_that_cannot_be_written_is_told_beside_the_report() {
    let gathered = Gathered::new(scenario::keyless_bundle(), "no/such/folder/evidence.tar", None);
    assert_eq!(gathered.verified.report()["code"], "ACCEPTED");
    assert_ne!(gathered.verified.exit, 0);
    assert!(gathered.verified.sentence().contains("EVIDENCE_UNWRITABLE"), "{:?}", gathered.verified);
}

#[test]
fn without_the_image_there_is_no_evidence_but_a_report() {
    let stage = Stage::new(scenario::keyless_bundle());
    let registry = HttpRegistry::serve(stage.scenario.store.clone());
    let image = registry.reference("acme/app:v2");
    let said = stage.verify(&["--allow-http", &registry.host(), "--evidence-out", &stage.text("evidence"), &image]);
    assert_eq!((said.exit, said.report()["code"].as_str()), (3, Some("IMAGE_NOT_FOUND")), "{said:?}");
    assert!(!stage.path("evidence").exists());
}
