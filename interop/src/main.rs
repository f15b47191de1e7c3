//! Holds the veriseal command against the real cosign, 2.x and 3.x, and a real registry on loopback.
//!
//! Started by `cargo xtask interop`, which says in the environment where the programs are: `VERISEAL`, `COSIGN2`, `COSIGN3`
//! (either may be missing), `MATERIALS` and `REGISTRY` (the testkit's examples of these names), and `INTEROP_FOLDER`, an empty
//! folder to work in. Prints one line a check, like a test runner.

mod images;
mod oci_client;
mod registry;
mod secured;
mod skopeo;
mod stage;
mod testkit;

use registry::Registry;
use stage::{Cosign, Said, Stage};
use std::path::PathBuf;
use std::process::ExitCode;
use testkit::Testkit;

/// Why a check failed, in words.
pub struct Failed(pub String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

type Check = fn(&Stage, Cosign) -> Result<(), Failed>;

/// Each is run with both cosigns, in a repository of its own.
const CHECKS: &[(&str, Check)] = &[
    ("an_image_signed_by_key_is_accepted_and_pinned", accepted_by_tag),
    ("an_image_named_by_its_digest_is_accepted", accepted_by_digest),
    ("a_signed_index_is_accepted", accepted_index),
    ("an_unsigned_image_has_no_signature", unsigned),
    ("an_unsigned_image_put_under_the_tag_has_no_signature", retagged),
    ("a_signature_copied_to_an_altered_image_is_for_another_digest", altered),
    ("a_signature_by_another_key_does_not_match", other_key),
    ("a_signature_without_log_entry_is_not_enough_where_one_is_required", log_required),
    ("an_attestation_is_accepted_for_its_own_type_alone", attested),
    ("an_attestation_copied_to_an_altered_image_is_about_another", attestation_altered),
    ("an_attestation_by_another_key_does_not_match", attested_by_other_key),
    ("plain_http_is_refused_where_it_is_not_allowed", plain_http),
];

/// Those that need nothing of how docker-registry keeps referrers, for the registry with the referrers API.
const ANYWHERE: &[(&str, Check)] = &[
    ("an_image_signed_by_key_is_accepted_and_pinned", accepted_by_tag),
    ("a_signed_index_is_accepted", accepted_index),
    ("an_unsigned_image_has_no_signature", unsigned),
    ("a_signature_by_another_key_does_not_match", other_key),
    ("an_attestation_is_accepted_for_its_own_type_alone", attested),
];

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(Failed(reason)) => {
            println!("interop: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Failed> {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let veriseal = path("VERISEAL").ok_or_else(|| Failed("VERISEAL does not say where the command is".into()))?;
    let folder = path("INTEROP_FOLDER").ok_or_else(|| Failed("INTEROP_FOLDER does not say where to work".into()))?;
    stage::empty(&folder)?;
    let cosigns = [path("COSIGN2"), path("COSIGN3")];
    let stage = Stage::set(&folder, Registry::start(&folder)?, veriseal.clone(), cosigns.clone())?;
    let mut tally = Tally::default();
    let missing = |name: &str| Failed(format!("{name} does not say where the example is"));
    let (materials, registry) = (path("MATERIALS"), path("REGISTRY"));
    let materials = materials.ok_or_else(|| missing("MATERIALS"))?;
    let testkit = Testkit::make(&materials, &registry.ok_or_else(|| missing("REGISTRY"))?, &folder)?;
    for cosign in [Cosign::Two, Cosign::Three] {
        if stage.has(cosign) {
            for (name, check) in CHECKS {
                tally.count(&format!("cosign_{}::{name}", number(cosign)), check(&stage, cosign));
            }
            checks("fallback_tag", images::CHECKS, &stage, cosign, &mut tally);
            testkit.check(&stage, cosign, &mut tally);
        }
    }
    skopeo::check(&stage, &mut tally);
    secured::check(&stage, &mut tally);
    oci_client::check(&stage, &mut tally);
    match path("REFERRERS") {
        Some(program) => {
            let folder = folder.join("with-referrers");
            stage::empty(&folder)?;
            let stage = Stage::set(&folder, Registry::start_with_referrers(&program)?, veriseal, cosigns)?;
            for cosign in [Cosign::Two, Cosign::Three].into_iter().filter(|cosign| stage.has(*cosign)) {
                checks("referrers_api", ANYWHERE, &stage, cosign, &mut tally);
                checks("referrers_api", images::CHECKS, &stage, cosign, &mut tally);
            }
        }
        None => println!("skipped: no registry with the referrers API (REFERRERS says where one is)"),
    }
    if stage.has(Cosign::Two) && stage.has(Cosign::Three) {
        tally.count("both::an_image_signed_by_both_is_accepted", both(&stage));
    }
    drop(testkit);
    drop(stage);
    std::fs::remove_dir_all(&folder)?;
    Ok(tally.finish())
}

fn checks(registry: &str, checks: &[(&str, Check)], stage: &Stage, cosign: Cosign, tally: &mut Tally) {
    for (name, check) in checks {
        tally.count(&format!("cosign_{}::{registry}::{name}", number(cosign)), check(stage, cosign));
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn count(&mut self, name: &str, outcome: Result<(), Failed>) {
        match outcome {
            Ok(()) => {
                println!("test {name} ... ok");
                self.passed += 1;
            }
            Err(Failed(reason)) => {
                println!("test {name} ... FAILED\n    {}", reason.trim_end().replace('\n', "\n    "));
                self.failed += 1;
            }
        }
    }

    /// Nothing checked is no success.
    fn finish(self) -> ExitCode {
        let good = self.failed == 0 && self.passed > 0;
        let word = if good { "ok" } else { "FAILED" };
        println!("\ntest result: {word}. {} passed; {} failed; 0 ignored", self.passed, self.failed);
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

const fn number(cosign: Cosign) -> u8 {
    match cosign {
        Cosign::Two => 2,
        Cosign::Three => 3,
    }
}

/// A repository that no other check uses.
fn repository(check: &str, cosign: Cosign) -> String {
    format!("{check}-{}", number(cosign))
}

fn expect_accepted(stage: &Stage, said: &Said, repository: &str, digest: &str) -> Result<(), Failed> {
    let pinned = format!("{}/{repository}@{digest}", stage.registry.host);
    if said.exit == 0 && said.report["code"] == "ACCEPTED" && said.report["subject"]["pinned"] == pinned.as_str() {
        return Ok(());
    }
    Err(Failed(format!("expected exit 0, ACCEPTED and {pinned}, found exit {}: {}", said.exit, said.text)))
}

fn expect(said: &Said, exit: i32, code: &str) -> Result<(), Failed> {
    if said.exit == exit && said.report["code"] == code {
        return Ok(());
    }
    Err(Failed(format!("expected exit {exit} and {code}, found exit {}: {}", said.exit, said.text)))
}

fn accepted_by_tag(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("signed", cosign);
    let digest = stage.push(&repository, "1.0", "signed")?;
    stage.sign(cosign, &repository, &digest)?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, &repository, &digest)
}

fn accepted_by_digest(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("by-digest", cosign);
    let digest = stage.push(&repository, "1.0", "signed")?;
    stage.sign(cosign, &repository, &digest)?;
    let said = stage.verify(&format!("{repository}@{digest}"), &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, &repository, &digest)
}

fn accepted_index(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("index", cosign);
    let one = stage.push(&repository, "one", "for one platform")?;
    let two = stage.push(&repository, "two", "for another platform")?;
    let digest = stage.push_index(&repository, "1.0", &[&one, &two])?;
    stage.sign(cosign, &repository, &digest)?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, &repository, &digest)
}

fn unsigned(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("unsigned", cosign);
    stage.push(&repository, "1.0", "unsigned")?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect(&said, 1, "NO_SIGNATURE")
}

fn retagged(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("retagged", cosign);
    let digest = stage.push(&repository, "1.0", "signed")?;
    stage.sign(cosign, &repository, &digest)?;
    stage.push(&repository, "1.0", "another, unsigned")?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect(&said, 1, "NO_SIGNATURE")
}

fn altered(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("altered", cosign);
    let digest = stage.push(&repository, "1.0", "signed")?;
    stage.sign(cosign, &repository, &digest)?;
    let other = stage.push(&repository, "1.0", "altered after signing")?;
    stage.move_signature(cosign, "sig", &repository, &digest, &other)?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect(&said, 1, "SIGNED_OTHER_DIGEST")
}

fn other_key(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("other-key", cosign);
    let digest = stage.push(&repository, "1.0", "signed")?;
    stage.sign(cosign, &repository, &digest)?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("other.pub"))?;
    expect(&said, 1, "NO_MATCHING_SIGNATURE")
}

fn log_required(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("log-required", cosign);
    let digest = stage.push(&repository, "1.0", "signed")?;
    stage.sign(cosign, &repository, &digest)?;
    let flags = [stage.trusting("cosign.pub").as_slice(), &["--trusted-root", "sigstore"]].concat();
    let said = stage.verify_with_log(&format!("{repository}:1.0"), "required", &flags)?;
    expect_reason(&said, "LOG_ENTRY_MISSING")
}

fn attested(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("attested", cosign);
    let digest = stage.push(&repository, "1.0", "attested")?;
    stage.attest(cosign, &repository, &digest)?;
    let asking = |kind: &'static str| [stage.trusting("cosign.pub").as_slice(), &["--attestation", kind]].concat();
    let reference = format!("{repository}:1.0");
    expect_accepted(stage, &stage.verify(&reference, &asking("slsaprovenance1"))?, &repository, &digest)?;
    let other = stage.verify(&reference, &asking("spdx"))?;
    expect_reason(&other, "PREDICATE_TYPE_MISMATCH")?;
    // cosign 2 keeps attestations where nobody looks for signatures; in both layouts they are none.
    let unsigned = stage.verify(&reference, &stage.trusting("cosign.pub"))?;
    expect(&unsigned, 1, if cosign == Cosign::Two { "NO_SIGNATURE" } else { "NO_MATCHING_SIGNATURE" })
}

fn attestation_altered(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("attestation-altered", cosign);
    let digest = stage.push(&repository, "1.0", "attested")?;
    stage.attest(cosign, &repository, &digest)?;
    let other = stage.push(&repository, "1.0", "altered after it was attested")?;
    stage.move_signature(cosign, "att", &repository, &digest, &other)?;
    let flags = [stage.trusting("cosign.pub").as_slice(), &["--attestation", "slsaprovenance1"]].concat();
    expect_reason(&stage.verify(&format!("{repository}:1.0"), &flags)?, "STATEMENT_SUBJECT_MISMATCH")
}

fn attested_by_other_key(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("attested-by-other-key", cosign);
    let digest = stage.push(&repository, "1.0", "attested")?;
    stage.attest(cosign, &repository, &digest)?;
    let flags = [stage.trusting("other.pub").as_slice(), &["--attestation", "slsaprovenance1"]].concat();
    expect_reason(&stage.verify(&format!("{repository}:1.0"), &flags)?, "SIGNATURE_INVALID")
}

/// Nothing counts, and the one candidate for this reason.
fn expect_reason(said: &Said, code: &str) -> Result<(), Failed> {
    expect(said, 1, "NO_MATCHING_SIGNATURE")?;
    if said.report["candidates"][0]["reason"]["code"] == code {
        return Ok(());
    }
    Err(Failed(format!("not for {code}: {}", said.text)))
}

fn plain_http(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("plain-http", cosign);
    stage.push(&repository, "1.0", "unsigned")?;
    let said = stage.verify(&format!("{repository}:1.0"), &["--key", "cosign.pub"])?;
    expect(&said, 2, "PLAIN_HTTP_REFUSED")
}

fn both(stage: &Stage) -> Result<(), Failed> {
    let digest = stage.push("both", "1.0", "signed by both")?;
    stage.sign(Cosign::Two, "both", &digest)?;
    stage.sign(Cosign::Three, "both", &digest)?;
    let said = stage.verify("both:1.0", &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, "both", &digest)
}
