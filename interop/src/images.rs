//! Platforms of an index, signatures in another repository and behind referrers, and what `digest` and `tree` say, with
//! what the real cosign writes.

use crate::stage::{Cosign, Stage};
use crate::{Check, Failed, expect, expect_accepted, repository};
use serde_json::Value;

/// Each is run with both cosigns and in both registries.
pub const CHECKS: &[(&str, Check)] = &[
    ("a_platform_of_a_signed_index_is_pinned", platform_of_signed_index),
    ("a_signed_platform_is_no_signed_index", signed_platform),
    ("an_index_signed_recursively_is_signed_in_every_part", recursive),
    ("signatures_in_another_repository_count_where_it_is_named", elsewhere),
    ("cosign_signatures_behind_a_referrer_count", behind_referrer),
    ("tree_shows_the_signature_and_digest_the_platform", shown),
];

/// An index of two platforms: its digest and theirs.
fn index(stage: &Stage, repository: &str) -> Result<(String, [String; 2]), Failed> {
    let one = stage.push(repository, "one", &format!("{repository} for one platform"))?;
    let two = stage.push(repository, "two", &format!("{repository} for another platform"))?;
    let digest = stage.push_index(repository, "1.0", &[&one, &two])?;
    Ok((digest, [one, two]))
}

fn on(stage: &Stage, repository: &str, platform: &str) -> Result<crate::Said, Failed> {
    let flags = [stage.trusting("cosign.pub").as_slice(), &["--platform", platform]].concat();
    stage.verify(&format!("{repository}:1.0"), &flags)
}

fn platform_of_signed_index(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("platform", cosign);
    let (digest, [amd64, arm64]) = index(stage, &repository)?;
    stage.sign(cosign, &repository, &digest)?;
    expect_accepted(stage, &on(stage, &repository, "linux/amd64")?, &repository, &amd64)?;
    let said = on(stage, &repository, "linux/arm64")?;
    expect_accepted(stage, &said, &repository, &arm64)?;
    expect_signed(&said, &[&digest])?;
    expect_accepted(stage, &on(stage, &repository, "all")?, &repository, &digest)?;
    expect(&on(stage, &repository, "linux/s390x")?, 1, "PLATFORM_NOT_FOUND")
}

fn signed_platform(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("one-platform", cosign);
    let (_, [amd64, _]) = index(stage, &repository)?;
    stage.sign(cosign, &repository, &amd64)?;
    let said = on(stage, &repository, "linux/amd64")?;
    expect_accepted(stage, &said, &repository, &amd64)?;
    expect_signed(&said, &[&amd64])?;
    for platform in ["index", "linux/arm64", "all"] {
        expect(&on(stage, &repository, platform)?, 1, "NO_SIGNATURE")?;
    }
    Ok(())
}

fn recursive(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("recursive", cosign);
    let (digest, [amd64, arm64]) = index(stage, &repository)?;
    stage.sign_with(cosign, &repository, &digest, &["--recursive"], &[])?;
    expect_accepted(stage, &on(stage, &repository, "index")?, &repository, &digest)?;
    let said = on(stage, &repository, "linux/arm64")?;
    expect_accepted(stage, &said, &repository, &arm64)?;
    let mut both = [digest.as_str(), arm64.as_str()];
    both.sort_unstable();
    expect_signed(&said, &both)?;
    let all = on(stage, &repository, "all")?;
    expect_accepted(stage, &all, &repository, &digest)?;
    let signed: Vec<_> = all.report["subject"]["platforms"].as_array().into_iter().flatten().map(|one| &one["signed"]).collect();
    if signed == ["manifest", "manifest"] { Ok(()) } else { Err(Failed(format!("{amd64}: {}", all.text))) }
}

fn elsewhere(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("elsewhere", cosign);
    let digest = stage.push(&repository, "1.0", &repository)?;
    let other = format!("{}/all-signatures", stage.registry.host);
    stage.sign_with(cosign, &repository, &digest, &[], &[("COSIGN_REPOSITORY", &other)])?;
    let reference = format!("{repository}:1.0");
    expect(&stage.verify(&reference, &stage.trusting("cosign.pub"))?, 1, "NO_SIGNATURE")?;
    let flags = [stage.trusting("cosign.pub").as_slice(), &["--signature-repository", &other]].concat();
    expect_accepted(stage, &stage.verify(&reference, &flags)?, &repository, &digest)
}

/// Only cosign 2 writes signatures so.
fn behind_referrer(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    if cosign == Cosign::Three {
        return Ok(());
    }
    let repository = repository("behind-referrer", cosign);
    let digest = stage.push(&repository, "1.0", &repository)?;
    let flags = ["--registry-referrers-mode=oci-1-1"];
    stage.sign_with(cosign, &repository, &digest, &flags, &[("COSIGN_EXPERIMENTAL", "1")])?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, &repository, &digest)?;
    let layout = said.report["candidates"][0]["layout"].as_str().unwrap_or_default();
    if layout.starts_with("referrers") { Ok(()) } else { Err(Failed(format!("not behind a referrer: {}", said.text))) }
}

fn shown(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("shown", cosign);
    let (digest, [_, arm64]) = index(stage, &repository)?;
    stage.sign(cosign, &repository, &digest)?;
    let image = format!("{}/{repository}:1.0", stage.registry.host);
    let host = stage.registry.host.as_str();
    let said = stage.veriseal(&["digest", "--allow-http", host, "--platform", "linux/arm64", &image])?;
    if said.text.trim() != arm64 {
        return Err(Failed(format!("expected {arm64}, found {}", said.text)));
    }
    let flags = ["--output", "json", "--tlog", "ignored"];
    let said = stage.veriseal(&[&["tree"], &flags[..], &stage.trusting("cosign.pub"), &[&image]].concat())?;
    let layouts = said.report["subjects"][0]["layouts"].as_array().cloned().unwrap_or_default();
    let verified = layouts.iter().filter_map(|layout| layout["attached"].as_array()).flatten();
    match verified.map(|item| &item["status"]).collect::<Vec<_>>().as_slice() {
        [status] if *status == "verified" && said.exit == 0 => Ok(()),
        _ => Err(Failed(format!("expected one verified signature: {}", said.text))),
    }
}

fn expect_signed(said: &crate::Said, digests: &[&str]) -> Result<(), Failed> {
    let signed = &said.report["subject"]["signed"];
    let expected = Value::from(digests.to_vec());
    if *signed == expected { Ok(()) } else { Err(Failed(format!("expected {expected} to be signed, found {signed}"))) }
}
