//! The programs of `examples/c`, compiled as C11 and C++17 and run against a registry of the testkit.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/materials.rs"]
mod materials;
mod support;

use std::path::Path;
use std::process::{Command, Output};
use support::{Build, compile, workspace};
use veriseal_testkit::scenario::{self, Scenario};

/// A scenario that is served, with its trust root, key and policy in a folder.
struct Served {
    folder: tempfile::TempDir,
    registry: veriseal_testkit::HttpRegistry,
    reference: String,
    digest: String,
    now: String,
}

fn serve(scenario: &Scenario) -> Served {
    let folder = tempfile::tempdir().unwrap();
    materials::write(scenario, folder.path(), "layout");
    let (registry, reference) = scenario.serve();
    let pattern = format!("{}/acme/**", registry.host());
    std::fs::write(folder.path().join("policy.yaml"), materials::policy(&[&pattern])).unwrap();
    let (digest, now) = (scenario.image.digest.to_string(), scenario.now.seconds().to_string());
    Served { folder, registry, reference, digest, now }
}

fn example(name: &str, build: Build, into: &Path) -> Command {
    let mut command = Command::new(compile(&workspace().join("examples/c").join(format!("{name}.c")), build, into));
    // Else cargo's folders would come before the library that was linked.
    command.env_remove("LD_LIBRARY_PATH");
    command
}

fn by_policy(name: &str, build: Build, served: &Served) -> Output {
    let mut command = example(name, build, served.folder.path());
    command.arg(served.folder.path().join("policy.yaml")).args([&served.reference, &served.now]).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn admits_and_denies(name: &str, build: Build) {
    let served = serve(&scenario::key_signed());
    let output = by_policy(name, build, &served);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).starts_with("admit ") && said(&output).contains(&served.digest), "{}", said(&output));

    let served = serve(&scenario::unsigned());
    let output = by_policy(name, build, &served);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).starts_with("deny NO_SIGNATURE"), "{}", said(&output));

    // Denied is not "none": undecided.
    let served = serve(&scenario::key_signed());
    served.registry.fault(veriseal_testkit::http::Fault::status("/v2/", 403));
    let output = by_policy(name, build, &served);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).starts_with("deny DENIED"), "{}", said(&output));
}

#[test]
fn the_policy_engine_with_its_own_fetcher_admits_and_denies() {
    admits_and_denies("policy_engine", Build::Sanitized);
    admits_and_denies("policy_engine", Build::Cpp);
}

#[test]
fn the_event_loop_admits_and_denies() {
    admits_and_denies("event_loop", Build::Sanitized);
    admits_and_denies("event_loop", Build::Cpp);
}

#[test]
fn the_event_loop_has_several_requests_open_at_once() {
    let served = serve(&scenario::key_signed());
    let output = by_policy("event_loop", Build::C, &served);
    let said = said(&output);
    let most: usize = said.split("with ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    assert!(most > 1, "{said}");
}

fn with_the_registry(build: Build, served: &Served) -> Output {
    let mut command = example("verify_image", build, served.folder.path());
    command.arg(served.folder.path().join("key.pem")).arg(&served.reference);
    command.arg(served.folder.path().join("trusted_root.json")).arg(&served.now).arg(served.registry.host()).output().unwrap()
}

#[test]
fn the_example_with_the_built_in_registry_verifies_an_image() {
    for build in [Build::Sanitized, Build::Cpp] {
        let served = serve(&scenario::key_signed());
        let output = with_the_registry(build, &served);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).starts_with("deploy ") && said(&output).contains(&served.digest), "{}", said(&output));
        let output = with_the_registry(build, &serve(&scenario::wrong_key()));
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("SIGNATURE_INVALID"), "{}", said(&output));
    }
}

#[test]
fn an_example_that_cannot_read_its_policy_says_why() {
    let served = serve(&scenario::unsigned());
    let mut command = example("policy_engine", Build::C, served.folder.path());
    let output = command.args(["/nonexistent.yaml", "a/b:c"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("POLICY_INVALID"), "{}", said(&output));
}

/// As examples/c/README.md says, without a definition that a build system might add.
#[test]
fn the_examples_compile_as_their_readme_says() {
    let folder = workspace().join("examples/c");
    for name in ["policy_engine", "verify_image", "event_loop"] {
        let mut command = Command::new("cc");
        command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]).arg("-I").arg(workspace().join("include"));
        let output = command.arg(folder.join(format!("{name}.c"))).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// The C quick start of the README, compiled as it stands. The scenario's signature is by key, so that the system's clock
/// makes no difference.
#[test]
fn the_quick_start_of_the_readme_admits_what_is_signed() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let quick_start = readme.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    let main = "\n#include \"check.h\"\nint main(int argc, char **argv) {\n    start it = begin(argc, argv);\n    \
                int good = admit(it.verifier, it.layout, it.image), bad = admit(it.verifier, it.unsigned_layout, it.image);\n    \
                int none = admit(it.verifier, it.layout, \"no reference\");\n    end(it);\n    return good && !bad && !none ? 0 : 1;\n}\n";
    let materials = materials::Materials::new();
    let source = materials.path().join("quick_start.c");
    let check = support::crate_folder().join("tests/c");
    std::fs::copy(check.join("check.h"), materials.path().join("check.h")).unwrap();
    assert!(quick_start.contains("veriseal_now()"));
    std::fs::write(&source, format!("{quick_start}{main}")).unwrap();
    for build in [Build::Sanitized, Build::Cpp] {
        let mut command = Command::new(compile(&source, build, materials.path()));
        let output = command.env_remove("LD_LIBRARY_PATH").args(materials.arguments()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains(&materials.pinned) && said(&output).contains("NO_SIGNATURE"), "{}", said(&output));
    }
}
