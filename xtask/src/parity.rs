//! `cargo xtask parity`: the same cases through every language, with byte-equal answers; and `cargo xtask call-cost`.
//!
//! A case is a flat JSON object of texts on one line:
//!
//! | field | |
//! |---|---|
//! | `id` | names the case |
//! | `kind` | `image`, or `blob` |
//! | `trust` | path of a `trusted_root.json`, which is also its name in reports |
//! | `key` | path of a PEM key, also its name; or |
//! | `identity`, `issuer` | of a certificate; regular expressions where `match` is `pattern` |
//! | `key_not_before`, `key_not_after` | when the key may have signed, in seconds since 1970 |
//! | `tlog`, `sct`, `timestamps` | as in policies; absent means the default |
//! | `claim` | absent: a signature; a predicate type: an attestation; `any`: every statement counts |
//! | `layout`, `reference` | for an image: path of an OCI layout, and what is asked of it |
//! | `bundle`, and `blob` or `digest` | for a blob: paths of both, or its digest |
//! | `now` | the time of verification, in seconds since 1970 |
//!
//! The policy is that one signature and nothing around it. Each language reads cases from its input and answers each with one
//! line of five fields between tabs: `id`, `ACCEPTED`, `REJECTED`, `UNDECIDED` or `REFUSED` (a case whose inputs cannot be
//! used), the name of the code, the pinned reference or digest if accepted, and the report's JSON, verbatim.
//!
//! Rust is crates/ffi/examples/parity.rs, C is crates/ffi/parity/answer.c. Python, where `cargo xtask test` has made its virtual
//! environment, is crates/python/parity.py, started as `python crates/python/parity.py`.

use crate::{cargo, output, root, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many calls of each language are timed for the cost of one.
const TIMED_CALLS: &str = "300";

/// The cost of a call through C and through Python as a multiple of Rust's, at most.
const MAX_COST: [(&str, f64); 2] = [("C", 1.02), ("Python", 1.05)];

/// Holds every case of the testkit and of the shared vectors, as far as they are there, against every language.
pub(crate) fn check() -> Result<String, String> {
    let target = Target::build("dev")?;
    let folder = target.folder.join("parity");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    let cases = output(Command::new(&target.rust).arg("cases").arg(&folder))?;
    let count = cases.lines().count();
    let rust = ask(Command::new(&target.rust).arg("answer"), &cases)?;
    if count == 0 || rust.lines().count() != count {
        return Err(format!("{count} cases and {} answers in Rust", rust.lines().count()));
    }
    let mut said = vec![format!("{count} cases")];
    compare("C", &rust, &ask(&mut Command::new(&target.c), &cases)?)?;
    said.push("C answers as Rust does".to_string());
    match python(&target.folder) {
        Ok(mut command) => {
            compare("Python", &rust, &ask(&mut command, &cases)?)?;
            said.push("Python too".to_string());
        }
        Err(reason) => said.push(format!("Python left out: {reason}")),
    }
    Ok(said.join(", "))
}

/// The cost of a call through C and through Python beside Rust's on the same bundle, all optimised: in instructions where
/// valgrind counts them, which no other load on the machine changes, and in time. `long` loads Python's threads besides.
pub(crate) fn cost(long: bool) -> Result<String, String> {
    let target = Target::build("release")?;
    let folder = target.folder.join("parity");
    let cases = output(Command::new(&target.rust).arg("cases").arg(&folder))?;
    let answers = ask(Command::new(&target.rust).arg("answer"), &cases)?;
    let is_accepted = |answer: &&str| answer.split('\t').nth(1) == Some("ACCEPTED");
    let accepted = answers.lines().zip(cases.lines()).filter(|(answer, _)| is_accepted(answer)).map(|(_, case)| case);
    let case = accepted.into_iter().find(|case| case.contains("\"digest\":\"sha"));
    let case = case.ok_or("no accepted bundle: the shared vectors are not there")?;
    let interpreter = crate::python::optimised().inspect_err(|reason| println!("Python left out: {reason}")).ok();
    let programs = |name: &str| match (name, &interpreter) {
        ("Rust", _) => Some(Command::new(&target.rust)),
        ("C", _) => Some(Command::new(&target.c)),
        (_, Some(interpreter)) => Some(python_with(interpreter, "parity.py")),
        (_, None) => None,
    };
    let counts = Command::new("valgrind").arg("--version").output().is_ok();
    let mut failed = false;
    let mut said = Vec::new();
    for unit in ["instructions", "us"] {
        if unit == "instructions" && !counts {
            continue;
        }
        let mut costs = [("Rust", f64::MAX), ("C", f64::MAX), ("Python", f64::MAX)];
        // By turns, so that what else the machine does falls on all; the least of each is the cost without it.
        for _ in 0..if unit == "us" { 5 } else { 1 } {
            for (name, least) in &mut costs {
                let Some(mut program) = programs(name) else { continue };
                let cost = match unit {
                    "us" => number(&ask(program.args(["cost", TIMED_CALLS]), case)?)?,
                    _ => instructions(&program, case)?,
                };
                *least = least.min(cost);
            }
        }
        let rust = costs[0].1;
        said.push(format!("a call in Rust: {rust:.0} {unit}"));
        for ((name, cost), (_, most)) in costs.iter().skip(1).zip(MAX_COST).filter(|((_, cost), _)| *cost < f64::MAX) {
            said.push(format!("through {name}: {cost:.0} {unit}, {:.4} times (goal {most})", cost / rust));
            // Time is told, but decides only where nothing better is at hand.
            failed |= cost / rust > most && (unit == "instructions" || !counts);
        }
    }
    if let (true, Some(interpreter)) = (long, &interpreter) {
        let told = output(&mut python_with(interpreter, "load.py"))?;
        failed |= told.contains("FAILED");
        said.push(told.trim_end().to_string());
    }
    let said = said.join("\n");
    if failed { Err(said) } else { Ok(said) }
}

/// A program of crates/python in an interpreter that has the package.
fn python_with(interpreter: &Path, script: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(root().join("crates/python").join(script)).current_dir(root());
    // Else the order in sets differs from run to run, and the count of instructions with it.
    command.env("PYTHONHASHSEED", "0");
    command
}

/// The instructions of one call: what six calls take more than two, so that the start of the program is left out.
fn instructions(program: &Command, case: &str) -> Result<f64, String> {
    let of = |calls: &str| {
        let log = std::env::temp_dir().join(format!("veriseal-call-cost-{}", std::process::id()));
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(format!("--log-file={}", log.display()));
        command.arg(program.get_program()).args(program.get_args()).args(["cost", calls]);
        let environment = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
        ask(command.envs(environment).current_dir(root()), case)?;
        let said = fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let _ = fs::remove_file(&log);
        let counted = said.lines().find_map(|line| line.split_once("Collected : ")).ok_or("callgrind counted nothing")?;
        number(counted.1)
    };
    Ok((of("6")? - of("2")?) / 4.0)
}

/// The programs that answer.
pub(crate) struct Target {
    pub(crate) folder: PathBuf,
    pub(crate) rust: PathBuf,
    pub(crate) c: PathBuf,
}

impl Target {
    pub(crate) fn build(profile: &str) -> Result<Self, String> {
        let build = ["build", "--quiet", "--package", "veriseal-ffi", "--lib", "--example", "parity", "--profile", profile];
        output(&mut cargo(&build))?;
        let folder = target()?;
        let built = folder.join(if profile == "dev" { "debug" } else { profile });
        let c = link(&built, &folder.join(format!("parity-{profile}")))?;
        Ok(Self { rust: built.join("examples/parity"), c, folder })
    }
}

/// Compiles the C side against the library that was built. In a folder of its own: cargo lets programs that it starts look
/// for libraries in its folders first.
fn link(built: &Path, folder: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let binary = folder.join("answer");
    let library = built.join("libveriseal_ffi.so");
    let named = folder.join(soname(&library)?);
    fs::copy(&library, &named).map_err(|error| format!("{}: {error}", named.display()))?;
    let mut compile = Command::new("cc");
    compile.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-O2"]);
    compile.arg("-I").arg(root().join("include")).arg(root().join("crates/ffi/parity/answer.c")).arg(&named);
    output(compile.arg(format!("-Wl,-rpath,{}", folder.display())).arg("-o").arg(&binary))?;
    Ok(binary)
}

/// The name under which programs look for the library.
fn soname(library: &Path) -> Result<String, String> {
    let dynamic = output(Command::new("readelf").arg("-d").arg(library))?;
    let line = dynamic.lines().find(|line| line.contains("(SONAME)")).ok_or("the library has no SONAME")?;
    let name = line.split(['[', ']']).nth(1).ok_or("readelf says no SONAME")?;
    Ok(name.to_string())
}

pub(crate) fn python(target: &Path) -> Result<Command, String> {
    let script = root().join("crates/python/parity.py");
    let interpreter = target.join("python/venv/bin/python");
    if !script.exists() {
        return Err("there is no crates/python/parity.py".to_string());
    }
    if output(Command::new(&interpreter).args(["-c", "import veriseal"])).is_err() {
        return Err("no virtual environment with the wheel: `cargo xtask test` makes it".to_string());
    }
    let mut command = Command::new(interpreter);
    command.arg(script);
    Ok(command)
}

/// What a program answers to an input.
pub(crate) fn ask(command: &mut Command, input: &str) -> Result<String, String> {
    use std::io::Write as _;
    let name = command.get_program().display().to_string();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut stdin = child.stdin.take().ok_or("no input")?;
    let input = format!("{}\n", input.trim_end());
    // From a thread: the answers may fill the pipe before all cases are read.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().map_err(failed)?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(format!("{name}: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{name}: its output is no UTF-8"))
}

pub(crate) fn compare(language: &str, rust: &str, other: &str) -> Result<(), String> {
    let mut different = Vec::new();
    let (mut expected, mut found) = (rust.lines(), other.lines());
    loop {
        match (expected.next(), found.next()) {
            (None, None) => break,
            (one, two) if one == two => {}
            (one, two) => different.push(format!("Rust   {}\n{language:6} {}", one.unwrap_or("-"), two.unwrap_or("-"))),
        }
    }
    if different.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = different.iter().take(3).cloned().collect();
    Err(format!("{language} differs in {} cases:\n{}", different.len(), shown.join("\n")))
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("no number: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_differ_in_a_byte_or_in_number_are_told() {
        assert_eq!(compare("C", "a\tACCEPTED\nb\n", "a\tACCEPTED\nb\n"), Ok(()));
        assert!(compare("C", "a\nb\n", "a\nc\n").unwrap_err().contains("1 cases"));
        assert!(compare("C", "a\nb\n", "a\n").is_err());
        assert!(compare("C", "a\n", "a\nb\n").is_err());
    }
}
