//! `cargo xtask tsan`: many threads on one verifier under ThreadSanitizer.
//!
//! Needs a nightly toolchain with the sources of the standard library, which has to be instrumented too; everything is compiled
//! anew. So it is no part of `test`, where AddressSanitizer and valgrind look at threads.

use crate::{metadata, output, root};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const THREADS: &str = "32";
const ROUNDS: &str = "60";

pub(crate) fn run() -> Result<ExitCode, String> {
    let host = crate::dist::host()?;
    let nightly = |program: &str| {
        let mut command = Command::new("rustup");
        // What the cargo that runs this has set would call its own compiler.
        for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC"] {
            command.env_remove(name);
        }
        command.args(["run", "nightly", program]).current_dir(root());
        command
    };
    let sysroot = output(nightly("rustc").args(["--print", "sysroot"]));
    let sysroot = sysroot.map_err(|_| "no nightly toolchain: `rustup toolchain install nightly`")?;
    if !PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library").exists() {
        return Err("no sources of the standard library: `rustup component add rust-src --toolchain nightly`".to_string());
    }
    let target = metadata(&root())?["target_directory"].as_str().map(PathBuf::from).ok_or("no target folder")?;
    let mut run = nightly("cargo");
    run.args(["run", "-Zbuild-std", "--target", &host, "--package", "veriseal-ffi", "--example", "threads"]);
    run.arg("--target-dir").arg(target.join("tsan")).args(["--", THREADS, ROUNDS]);
    run.env("RUSTFLAGS", "-Zsanitizer=thread").env("TSAN_OPTIONS", "halt_on_error=1");
    let status = run.status().map_err(|error| format!("rustup: {error}"))?;
    if status.success() {
        println!("total: {THREADS} threads, {ROUNDS} rounds each, no race");
        Ok(ExitCode::SUCCESS)
    } else {
        Err("ThreadSanitizer found something".to_string())
    }
}
