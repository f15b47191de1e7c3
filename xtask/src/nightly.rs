//! A nightly toolchain, for what a stable one does not offer: ThreadSanitizer and miri.

use crate::{output, root};
use std::path::PathBuf;
use std::process::Command;

/// A program of it.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new("rustup");
    // What the cargo that runs this has set would call its own compiler.
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC"] {
        command.env_remove(name);
    }
    command.args(["run", "nightly", program]).current_dir(root());
    command
}

/// Whether the sources of its standard library are here; the error says how to get them.
pub(crate) fn sources() -> Result<(), String> {
    let sysroot = output(command("rustc").args(["--print", "sysroot"]));
    let sysroot = sysroot.map_err(|_| "no nightly toolchain: `rustup toolchain install nightly`")?;
    if PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library").exists() {
        return Ok(());
    }
    Err("no sources of the standard library: `rustup component add rust-src --toolchain nightly`".to_owned())
}
