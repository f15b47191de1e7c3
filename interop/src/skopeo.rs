//! Images that skopeo copies: into layouts and archives, back into the registry, and what it says of them.

use crate::stage::{Cosign, Stage};
use crate::{Failed, Tally, expect_accepted};

/// Everything, where there is skopeo. Signatures are cosign 2's: skopeo copies tags, not referrers.
pub fn check(stage: &Stage, tally: &mut Tally) {
    if !stage.has(Cosign::Two) || stage.program("skopeo", &["--version"]).is_err() {
        println!("skipped: skopeo::* (needs skopeo and cosign 2)");
        return;
    }
    tally.count("skopeo::a_layout_that_it_writes_is_accepted", layout(stage));
    tally.count("skopeo::an_archive_that_it_writes_is_accepted_with_signatures_from_the_registry", archive(stage));
    tally.count("skopeo::a_platform_of_an_index_in_a_layout_is_pinned", index(stage));
    tally.count("skopeo::what_it_copies_back_is_accepted_there", back(stage));
    tally.count("skopeo::it_names_the_same_digest", digest(stage));
}

/// A signed image under `1.0`.
fn signed(stage: &Stage, repository: &str) -> Result<String, Failed> {
    let digest = stage.push(repository, "1.0", repository)?;
    stage.sign(Cosign::Two, repository, &digest)?;
    Ok(digest)
}

fn copy(stage: &Stage, from: &str, to: &str) -> Result<(), Failed> {
    // Images as they are: converting them would give them another digest.
    let flags = ["copy", "--quiet", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
    stage.program("skopeo", &[&flags[..], &[from, to]].concat()).map(drop)
}

fn at(stage: &Stage, repository: &str, tag: &str) -> String {
    format!("docker://{}/{repository}:{tag}", stage.registry.host)
}

fn signatures(digest: &str) -> String {
    format!("{}.sig", digest.replace(':', "-"))
}

/// Image and signature in one layout, as a folder and as an archive of it.
fn layout(stage: &Stage) -> Result<(), Failed> {
    let digest = signed(stage, "skopeo-layout")?;
    for tag in ["1.0".to_owned(), signatures(&digest)] {
        copy(stage, &at(stage, "skopeo-layout", &tag), &format!("oci:layout:{tag}"))?;
    }
    stage.program("tar", &["-C", "layout", "-cf", "layout.tar", "."])?;
    for path in ["layout", "layout.tar"] {
        let said = stage.verify_source(&format!("oci:{path}:1.0"), "ignored", &["--key", "cosign.pub"])?;
        let pinned = format!("oci:{path}@{digest}");
        if said.exit != 0 || said.report["subject"]["pinned"] != pinned.as_str() {
            return Err(Failed(format!("expected {pinned}, found exit {}: {}", said.exit, said.text)));
        }
        let other = stage.verify_source(&format!("oci:{path}:1.0"), "ignored", &["--key", "other.pub"])?;
        crate::expect(&other, 1, "NO_MATCHING_SIGNATURE")?;
    }
    Ok(())
}

fn archive(stage: &Stage) -> Result<(), Failed> {
    let digest = signed(stage, "skopeo-archive")?;
    copy(stage, &at(stage, "skopeo-archive", "1.0"), "oci-archive:archive.tar:1.0")?;
    let source = "oci:archive.tar:1.0";
    crate::expect(&stage.verify_source(source, "ignored", &["--key", "cosign.pub"])?, 1, "NO_SIGNATURE")?;
    let repository = format!("{}/skopeo-archive", stage.registry.host);
    let flags = [stage.trusting("cosign.pub").as_slice(), &["--signature-repository", &repository]].concat();
    let said = stage.verify_source(source, "ignored", &flags)?;
    let pinned = format!("oci:archive.tar@{digest}");
    if said.exit == 0 && said.report["subject"]["pinned"] == pinned.as_str() {
        return Ok(());
    }
    Err(Failed(format!("expected {pinned}, found exit {}: {}", said.exit, said.text)))
}

fn index(stage: &Stage) -> Result<(), Failed> {
    let repository = "skopeo-index";
    let one = stage.push(repository, "one", "skopeo for one platform")?;
    let two = stage.push(repository, "two", "skopeo for another platform")?;
    let digest = stage.push_index(repository, "1.0", &[&one, &two])?;
    stage.sign(Cosign::Two, repository, &digest)?;
    for tag in ["1.0".to_owned(), signatures(&digest)] {
        copy(stage, &at(stage, repository, &tag), &format!("oci:index:{tag}"))?;
    }
    for (platform, expected) in [("linux/amd64", &one), ("linux/arm64", &two), ("all", &digest), ("index", &digest)] {
        let said = stage.verify_source("oci:index:1.0", "ignored", &["--key", "cosign.pub", "--platform", platform])?;
        let pinned = format!("oci:index@{expected}");
        if said.exit != 0 || said.report["subject"]["pinned"] != pinned.as_str() {
            return Err(Failed(format!("{platform}: expected {pinned}, found exit {}: {}", said.exit, said.text)));
        }
    }
    Ok(())
}

fn back(stage: &Stage) -> Result<(), Failed> {
    let digest = signed(stage, "skopeo-there")?;
    for tag in ["1.0".to_owned(), signatures(&digest)] {
        copy(stage, &at(stage, "skopeo-there", &tag), &format!("oci:there:{tag}"))?;
        copy(stage, &format!("oci:there:{tag}"), &at(stage, "skopeo-back", &tag))?;
    }
    let said = stage.verify("skopeo-back:1.0", &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, "skopeo-back", &digest)?;
    // The payload names the repository where it was signed.
    let notices = said.report["notices"].as_array().into_iter().flatten().map(|notice| &notice["code"]);
    if notices.into_iter().any(|code| code == "DOCKER_REFERENCE_DIFFERS") {
        return Ok(());
    }
    Err(Failed(format!("no notice about the other repository: {}", said.text)))
}

fn digest(stage: &Stage) -> Result<(), Failed> {
    signed(stage, "skopeo-digest")?;
    let host = stage.registry.host.as_str();
    let image = at(stage, "skopeo-digest", "1.0");
    let inspect = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", image.as_str()];
    let theirs = stage.program("skopeo", &inspect)?;
    let ours = stage.veriseal(&["digest", "--allow-http", host, image.trim_start_matches("docker://")])?;
    if ours.exit == 0 && ours.text.trim() == theirs.trim() {
        return Ok(());
    }
    Err(Failed(format!("skopeo says {theirs}, veriseal {}", ours.text)))
}
