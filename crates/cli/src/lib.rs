//! The `veriseal` command: reads arguments, files and the clock, asks the libraries, prints what they answer.
//!
//! Decides nothing about an image: verdicts come from [`veriseal`], bytes from [`veriseal_registry`]. The library part
//! exists for its tests and for the binary; nothing here is an API for others.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arguments;
mod authority;
mod clock;
mod command;
mod console;
mod exit;
mod file;
mod judging;
#[cfg(feature = "network")]
mod network;
#[cfg(not(feature = "network"))]
#[path = "offline.rs"]
mod network;
#[cfg(feature = "network")]
mod progress;
#[cfg(feature = "network")]
mod registry;
mod source;
mod trust;

pub use console::Console;
pub use exit::Exit;

use arguments::{Command, parse};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command with the arguments and the terminal of this process.
#[must_use]
pub fn main() -> ExitCode {
    let mut console = Console::of_process();
    run(std::env::args_os(), &mut console).into()
}

/// Runs the command. The first argument is the name of the program, as in [`std::env::args_os`].
pub fn run(arguments: impl IntoIterator<Item = OsString>, console: &mut Console) -> Exit {
    let outcome = match parse(arguments, console) {
        Err(exit) => return exit,
        Ok(Command::Verify(arguments)) => command::verify::run(&arguments, console),
        Ok(Command::Judge(arguments)) => command::judge::run(&arguments, console),
        Ok(Command::VerifyBundle(arguments)) => command::verify_bundle::run(&arguments, console),
        #[cfg(feature = "demo")]
        Ok(Command::Demo) => command::demo::run(console),
        Ok(Command::Policy(arguments)) => command::policy::run(&arguments.command, console),
        Ok(Command::Pin(arguments)) => command::policy_verdict::pin(&arguments, console),
        Ok(Command::Admission(arguments)) => command::admission::run(&arguments.command, console),
        Ok(Command::Tree(arguments)) => command::tree::run(&arguments, console),
        Ok(Command::Digest(arguments)) => command::digest::run(&arguments, console),
        Ok(Command::Codes(arguments)) => command::codes::run(&arguments, console),
    };
    // Whoever cannot be told the verdict has not been told that it is good.
    if console.is_broken() { outcome.max(Exit::Undecided) } else { outcome }
}
