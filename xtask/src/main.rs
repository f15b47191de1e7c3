//! The project's own commands, run as `cargo xtask <command>`; `cargo xtask` alone lists them.
//!
//! Holds no rule of verification and links no crate of the project: it is compiled before every test run.

mod api;
mod codes;
mod codes_tested;
mod coverage;
mod deny;
mod dependencies;
mod dist;
mod fuzz;
mod header;
mod interop;
mod invariants;
mod known_attacks;
mod libfuzzer;
mod library;
mod miri;
mod mutants;
mod nightly;
mod parity;
mod prove;
mod python;
mod stage;
mod tests;
mod trust_roots;
mod tsan;
mod wasm;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
cargo xtask <command>

  test                     everything a change must pass, in stages; ends with one line: N passed, N failed
  interop                  veriseal against the real cosign and a real registry; what is missing is skipped with a reason
  ci                       test, then interop and library as far as there is time, with one closing line for all
  python                   the wheel in a fresh virtual environment, and its tests; part of test
  dist python              a wheel with optimisations and a source distribution, in dist/
  api [--check]            write docs/api from the public items of the library crates, or fail where it differs
  library                  the crates as they would be published, every set of features, docs/api; part of ci
  codes [--check]          write docs/codes.md from the table of codes, or fail where it differs
  codes --tested           every code of the table is what some test asks for; part of test
  header [--check]         write include/veriseal.h from the exports of crates/ffi, or fail where it differs
  dist c [--check]         a tarball of the C library for pkg-config and CMake, or the check that both build against it
  dist command             the command as it is shipped, with network and without, in the target folder's dist/command
  dist c --with-cargo-c    what cargo-c installs, held against that; where cargo-c is installed
  parity                   every scenario and every vector through each language: byte-equal reports
  call-cost [--long]       what a call through C and Python costs beside Rust's, optimised; with many threads of Python
  tsan                     32 threads on one verifier under ThreadSanitizer, and a race on purpose; needs a nightly toolchain
                           with rust-src
  known-attacks [--write]  what tests/known_attacks states, through each language; or take the statements from the tests
  mutate [--count N] [--seed S]  damaged documents of every kind, none of which may be accepted; optimised
  tables [--count N]       checks by table against the curves' own arithmetic, counted in the ledger; optimised
  prove [--minutes N]      every part of the proof, mutants for that long, as one table (docs/proof)
  coverage                 how many of the core's lines the tests run, and whether they make it say every code
  mutants [--module M] [--alive] [--minutes N]  code that is wrong on purpose, which a test must notice; of cargo-mutants
  mutants --standing       what docs/proof/mutants says came of them
  deny                     licences, sources and advisories of all dependencies, by cargo-deny
  invariants               every invariant of SECURITY.md and the tests that hold it
  miri                     the C interface under miri; needs a nightly toolchain with miri
  fuzz [--minutes N [TARGET…]]  a short slice of every fuzz target, on any toolchain; or as long as that, counted in the ledger
  fuzz --libfuzzer --minutes N  each under libFuzzer and AddressSanitizer, by cargo-fuzz, counted there too
  fuzz --keep              take into fuzz/corpus what libFuzzer found and what adds to it
  trust-roots [--date D]   take the newest published trust roots into crates/core/src/trust/embedded
";

/// How long `ci` takes at most, with room for what comes before it in `.ci/run`.
const CI: std::time::Duration = stage::minutes(50);

fn main() -> ExitCode {
    if let Some(code) = api::as_rustdoc().or_else(coverage::as_compiler) {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test"] => staged(&[tests::run]),
        ["interop"] => staged(&[interop::run]),
        ["ci"] => finished(stage::Run::within(CI), &[tests::run, interop::run, fuzz::run, library::run, api::check]),
        ["python"] => staged(&[python::run]),
        ["dist", "python"] => python::dist(),
        ["api"] => api::write(),
        ["api", "--check"] => staged(&[api::check]),
        ["library"] => staged(&[library::run, api::check]),
        ["codes"] => codes::write(),
        ["codes", "--check"] => codes::check(),
        ["codes", "--tested"] => codes_tested::check().map(said),
        ["header"] => header::write(),
        ["header", "--check"] => header::check(),
        ["dist", "c"] => dist::c(),
        ["dist", "c", "--check"] => dist::check().map(said),
        ["dist", "c", "--with-cargo-c"] => dist::by_cargo_c().map(said),
        ["dist", "command"] => dist::command(),
        ["parity"] => parity::check().map(said),
        ["call-cost"] => parity::cost(false).map(said),
        ["call-cost", "--long"] => parity::cost(true).map(said),
        ["tsan"] => tsan::run(),
        ["miri"] => miri::run(),
        ["fuzz", "--libfuzzer", "--minutes", minutes] => number(minutes).and_then(libfuzzer::run),
        ["fuzz", "--keep"] => libfuzzer::keep(),
        ["fuzz", "--minutes", minutes, names @ ..] => number(minutes).and_then(|minutes| fuzz::long(minutes, names)),
        ["fuzz"] => staged(&[fuzz::run]),
        ["known-attacks"] => known_attacks::run().map(said),
        ["known-attacks", "--write"] => known_attacks::write().map(said),
        ["mutate", arguments @ ..] => prove::mutate(arguments),
        ["tables"] => prove::tables(1).map(said),
        ["tables", "--count", count] => number(count).and_then(prove::tables).map(said),
        ["prove"] => prove::run(30),
        ["prove", "--minutes", minutes] => number(minutes).and_then(prove::run),
        ["mutants", "--standing"] => mutants::standing(),
        ["mutants", arguments @ ..] => mutants::Wanted::read(arguments).and_then(|wanted| mutants::run(&wanted)),
        ["deny"] => deny::run(),
        ["coverage"] => coverage::run(),
        ["invariants"] => invariants::check().map(said),
        ["trust-roots"] => trust_roots::run(None),
        ["trust-roots", "--date", date] => trust_roots::run(Some(date)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn said(text: String) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

/// Runs the parts in stages; their closing line is the last thing printed.
fn staged(parts: &[fn(&mut stage::Run)]) -> Result<ExitCode, String> {
    finished(stage::Run::default(), parts)
}

fn finished(mut run: stage::Run, parts: &[fn(&mut stage::Run)]) -> Result<ExitCode, String> {
    parts.iter().for_each(|part| part(&mut run));
    Ok(run.finish())
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

/// The cargo that runs this, in the folder of the workspace.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// What a command prints, or why it failed.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} failed: {}", command.get_program().display(), said.trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{}: its output is no UTF-8", command.get_program().display()))
}

/// What `cargo metadata` says of the workspace in `folder`.
fn metadata(folder: &std::path::Path) -> Result<serde_json::Value, String> {
    let text = output(cargo(&["metadata", "--format-version", "1"]).current_dir(folder))?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
}

/// Where cargo puts what it builds.
fn target() -> Result<PathBuf, String> {
    target_of(&root())
}

/// The same of another workspace.
fn target_of(workspace: &std::path::Path) -> Result<PathBuf, String> {
    let folder = metadata(workspace)?["target_directory"].as_str().map(PathBuf::from);
    folder.ok_or_else(|| "cargo metadata names no target folder".to_owned())
}
