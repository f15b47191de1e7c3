//! `cargo xtask test`: everything a change must pass, the quick and the telling first.

use crate::stage::{Run, minutes};
use crate::{cargo, codes_tested, dependencies, dist, invariants, known_attacks, parity, python, root, wasm};

/// What two cores need from nothing stays below 25 minutes; the budgets of single stages leave room, since not all are met at once.
pub(crate) fn run(run: &mut Run) {
    run.stage("format", minutes(1), &mut cargo(&["fmt", "--all", "--check"]));
    for manifest in ["benches/Cargo.toml", "fuzz/Cargo.toml", "interop/Cargo.toml", "interop/differential/Cargo.toml"] {
        let mut format = cargo(&["fmt", "--manifest-path", manifest, "--check"]);
        run.stage(&format!("format of {manifest}"), minutes(1), &mut format);
    }
    run.check("dependencies", || dependencies::check(&root()));
    run.check("invariants", invariants::check);
    run.check("codes that no test asks for", codes_tested::check);
    run.stage("lints", minutes(6), &mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]));
    let without = ["clippy", "--package", "veriseal-ffi", "--no-default-features", "--lib", "--", "-D", "warnings"];
    run.stage("lints of the C library without the registry", minutes(1), &mut cargo(&without));
    // With the documentation's own tests, and with the check that docs/codes.md is what the table says.
    let before = run.counted();
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    // The attack tests leave their questions behind on the way.
    let questions = known_attacks::fresh_folder();
    if let Ok(folder) = &questions {
        tests.env("VERISEAL_RECORD_ATTACKS", folder).env("RUST_TEST_THREADS", threads());
    }
    if run.stage("tests", minutes(14), &mut tests) && run.counted() == before {
        run.check("tests", || Err("not one test result was seen".to_string()));
    }
    // The library's own default; the workspace together has the backend that the programs have.
    run.stage("core by RustCrypto", minutes(6), &mut cargo(&["test", "--package", "veriseal", "--no-fail-fast"]));
    let mut mutants = cargo(&["run", "--quiet", "--package", "veriseal-proof", "--", "mutate", "--count", "20000"]);
    run.stage("20 000 mutants", minutes(6), &mut mutants);
    run.stage("splices", minutes(2), &mut cargo(&["run", "--quiet", "--package", "veriseal-proof", "--", "splice"]));
    let mut tables = cargo(&["run", "--quiet", "--package", "veriseal-proof", "--", "tables", "--count", "0"]);
    run.stage("tables at their edges", minutes(3), &mut tables);
    // Both know how shared libraries are named and looked into on Linux only.
    if cfg!(target_os = "linux") {
        run.check("C package", dist::check);
    } else {
        run.skip("C package", "it is made for Linux only");
    }
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    run.stage("docs", minutes(3), docs.env("RUSTDOCFLAGS", "-D warnings"));
    match wasm::command() {
        Ok(mut command) => {
            run.stage("wasm", minutes(3), &mut command);
        }
        Err(reason) => run.skip("wasm", &reason),
    }
    python::run(run);
    // After Python's stages, whose virtual environment it uses.
    if cfg!(target_os = "linux") {
        run.check("parity", parity::check);
        run.check("known attacks", || known_attacks::check(&questions?));
    } else {
        run.skip("parity and known attacks", "their C side is built for Linux only");
    }
}

/// As many as there are cores, but two: with one the harness runs tests on its own thread, which has no test's name.
fn threads() -> String {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2)).to_string()
}
