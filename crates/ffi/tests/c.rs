//! The C programs of `tests/c`: compiled as C11 and as C++17, under the sanitizers and under valgrind, and run.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/materials.rs"]
mod materials;
mod support;

use materials::Materials;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Build, compile, crate_folder};

fn program(name: &str) -> PathBuf {
    crate_folder().join("tests/c").join(format!("{name}.c"))
}

/// Runs a program on the materials; more arguments follow theirs.
fn passes(command: &mut Command, materials: &Materials, more: &[&str]) {
    // Else cargo's folders would come before the library that was linked.
    let output = command.env_remove("LD_LIBRARY_PATH").args(materials.arguments()).args(more).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn compiled_and_run(name: &str, build: Build, more: &[&str]) {
    let materials = Materials::new();
    let binary = compile(&program(name), build, materials.path());
    passes(&mut Command::new(binary), &materials, more);
}

/// K-AP-02.
#[test]
fn no_wrong_idiom_yields_a_pinned_reference_in_c() {
    compiled_and_run("idioms", Build::C, &[]);
}

/// K-AP-02.
#[test]
fn no_wrong_idiom_yields_a_pinned_reference_in_cpp() {
    compiled_and_run("idioms", Build::Cpp, &[]);
}

#[test]
fn no_wrong_idiom_yields_a_pinned_reference_under_sanitizers() {
    compiled_and_run("idioms", Build::Sanitized, &[]);
}

#[test]
fn the_interface_does_what_the_header_says_in_c_under_sanitizers() {
    compiled_and_run("interface", Build::Sanitized, &[]);
}

#[test]
fn the_interface_does_what_the_header_says_in_cpp() {
    compiled_and_run("interface", Build::Cpp, &[]);
}

/// K-AP-03.
#[test]
fn four_threads_share_a_verifier_under_sanitizers() {
    compiled_and_run("threads", Build::Sanitized, &["16"]);
}

/// K-AP-03.
#[test]
fn a_batch_has_an_outcome_for_each_image_under_sanitizers() {
    compiled_and_run("batch", Build::Sanitized, &[]);
}

#[test]
fn a_batch_has_an_outcome_for_each_image_in_cpp() {
    compiled_and_run("batch", Build::Cpp, &[]);
}

/// K-AP-07.
#[test]
fn ten_thousand_calls_of_random_misuse_crash_nothing_under_sanitizers() {
    compiled_and_run("misuse", Build::Sanitized, &["10000"]);
}

/// Ignoring a status is a warning of the compiler, and this project's programs build without any.
#[test]
fn a_status_that_is_ignored_does_not_compile_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("ignored.c");
    std::fs::write(&source, "#include <veriseal.h>\nint main(void) { veriseal_call_new(NULL, NULL); return 0; }\n").unwrap();
    let error = support::try_compile(&source, Build::C, folder.path()).unwrap_err();
    assert!(error.contains("unused-result") || error.contains("warn_unused_result"), "{error}");
}

fn valgrind(name: &str, more: &[&str]) {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: there is no valgrind");
        return;
    }
    let materials = Materials::new();
    let binary = compile(&program(name), Build::C, materials.path());
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"]);
    passes(command.arg(binary), &materials, more);
}

#[test]
fn valgrind_finds_nothing_in_the_idioms() {
    valgrind("idioms", &[]);
}

#[test]
fn valgrind_finds_nothing_in_misuse() {
    valgrind("misuse", &["400"]);
}

#[test]
fn valgrind_finds_nothing_in_a_batch() {
    valgrind("batch", &[]);
}

#[test]
fn valgrind_finds_nothing_in_four_threads() {
    valgrind("threads", &["1"]);
}

#[test]
fn every_program_is_run_here() {
    let here = std::fs::read_to_string(crate_folder().join("tests/c.rs")).unwrap();
    for entry in std::fs::read_dir(crate_folder().join("tests/c")).unwrap() {
        let path = entry.unwrap().path();
        let stem = Path::new(path.file_name().unwrap()).file_stem().unwrap().to_str().unwrap();
        // Two need a registry, and are run with one.
        let is_program =
            path.extension().is_some_and(|extension| extension == "c") && !["interrupted", "registry"].contains(&stem);
        assert!(!is_program || here.contains(&format!("compiled_and_run(\"{stem}\"")), "{}", path.display());
    }
}

/// The built-in registry is interrupted while it waits for an answer that never comes, by another thread and by the
/// deadline of the call; the registry's own deadline is far away.
#[test]
fn a_request_under_way_ends_with_the_cancellation_and_with_the_deadline() {
    let scenario = veriseal_testkit::scenario::key_signed();
    let (registry, reference) = scenario.serve();
    registry.fault(veriseal_testkit::http::Fault::new("/v2/", veriseal_testkit::http::Action::Hang));
    let materials = Materials::new();
    let binary = compile(&program("interrupted"), Build::Sanitized, materials.path());
    let mut command = Command::new(binary);
    command.env_remove("LD_LIBRARY_PATH").args(materials.arguments()).args([&reference, &registry.host()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "timed out");
    let before = registry.requests().len();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"g").unwrap();
    while registry.requests().len() == before && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    input.write_all(b"c").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "interrupted");
    assert!(child.wait().unwrap().success());
}
