//! The `veriseal` command; everything it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    veriseal_cli::main()
}
