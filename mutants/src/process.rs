//! [`run`]: a test binary, watched, and ended at its first failure or when it takes too long.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Address space of a test, in KiB: a mutant that asks for memory without end must not take the machine's.
const MEMORY: u32 = 6 * 1024 * 1024;

/// What came of some tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    Failed,
    TooLate,
}

/// Runs the tests of those exact names, one after another, in the folder of their package.
pub(crate) fn run(
    program: &Path,
    folder: &Path,
    names: &[&str],
    variable: (&str, &OsStr),
    limit: Duration,
) -> Result<Ended, String> {
    let until = Instant::now() + limit;
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -v {MEMORY} -c 0; exec \"$@\"")).arg("sh").arg(program);
    command.args(["--test-threads", "1", "--exact"]).args(names).env(variable.0, variable.1).current_dir(folder);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let stdout = child.stdout.take().ok_or("a test without output")?;
    let (said, lines) = channel();
    let reader = std::thread::spawn(move || {
        // Output that is no text is a mutant's; what counts is how the test ends.
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if said.send(line).is_err() {
                break;
            }
        }
    });
    let ended = loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) if line.starts_with(b"test ") && line.ends_with(b"FAILED") => break Some(Ended::Failed),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => break Some(Ended::TooLate),
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    if ended.is_some() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    drop(lines);
    let _ = reader.join();
    Ok(ended.unwrap_or(if status.success() { Ended::Passed } else { Ended::Failed }))
}
