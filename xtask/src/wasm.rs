//! Whether the core still compiles where there is no operating system.

use crate::{cargo, output};
use std::path::Path;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// The command that checks the core for wasm, or why it cannot be checked here.
pub(crate) fn command() -> Result<Command, String> {
    let ask = |arguments: &[&str]| output(Command::new("rustc").args(arguments));
    let libraries = ask(&["--print", "target-libdir", "--target", TARGET])?;
    if std::fs::read_dir(libraries.trim()).is_ok_and(|mut files| files.next().is_some()) {
        return Ok(cargo(&["check", "--package", "veriseal", "--target", TARGET]));
    }
    let sysroot = ask(&["--print", "sysroot"])?;
    if Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std").is_dir() {
        let mut command = cargo(&["check", "-Zbuild-std=std,panic_abort", "--package", "veriseal", "--target", TARGET]);
        command.env("RUSTC_BOOTSTRAP", "1");
        return Ok(command);
    }
    Err(format!("no standard library for {TARGET} and no rust-src to build it from; `rustup target add {TARGET}` installs it"))
}
