//! The stages for Python: a wheel, a fresh virtual environment with it, and its tests there.

use crate::stage::{Run, minutes};
use crate::{cargo, output, root, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest CPython that the wheel is for.
const OLDEST: [u64; 2] = [3, 10];
/// Names under which interpreters are looked for, where `$PYTHON` names none.
const NAMES: [&str; 6] = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
/// What the tests need from PyPI. Nothing of it becomes part of the wheel.
const TOOLS: [&str; 3] = ["maturin>=1.9,<2", "pytest>=8,<10", "mypy>=1.18,<3"];

/// Where everything of these stages lies: under the target folder.
struct Places {
    folder: PathBuf,
}

impl Places {
    fn find() -> Result<Self, String> {
        Ok(Self { folder: target()?.join("python") })
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("venv").join(if cfg!(windows) { "Scripts" } else { "bin" }).join(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The program that serves the testkit's registries, where cargo puts it.
    fn registries(&self) -> PathBuf {
        self.folder.with_file_name("debug/examples").join(format!("registries{}", std::env::consts::EXE_SUFFIX))
    }
}

/// Builds the wheel and runs its tests. What is missing is said, and the stage skipped.
pub(crate) fn run(run: &mut Run) {
    if let Err(reason) = prepare(run) {
        run.skip("python", &reason);
    }
}

fn prepare(run: &mut Run) -> Result<(), String> {
    let interpreter = interpreter()?;
    let places = Places::find()?;
    let mut fresh = Command::new(&interpreter);
    fresh.args(["-m", "venv", "--clear"]).arg(places.path("venv"));
    run.prepare("python: virtual environment", minutes(2), &mut fresh)?;
    let mut tools = pip(&places);
    run.prepare("python: tools from PyPI", minutes(3), tools.args(TOOLS))?;

    // From here on a failure is one of the project.
    let scenarios = places.path("scenarios");
    let mut write = cargo(&["run", "--quiet", "--package", "veriseal-testkit", "--example", "scenarios", "--"]);
    if !run.stage("python: scenarios of the testkit", minutes(4), write.arg(&scenarios)) {
        return Ok(());
    }
    let mut serve = cargo(&["build", "--quiet", "--package", "veriseal-testkit", "--features", "tls", "--example", "registries"]);
    if !run.stage("python: registries of the testkit", minutes(4), &mut serve) {
        return Ok(());
    }
    let wheels = places.path("wheels");
    let _ = std::fs::remove_dir_all(&wheels);
    if !run.stage(
        "python: wheel",
        minutes(8),
        maturin(&places, "build").args(["--locked", "--profile", "dev", "--out"]).arg(&wheels),
    ) {
        return Ok(());
    }
    run.check("python: one wheel for every CPython", || one_wheel(&wheels).and_then(|wheel| named(&wheel)));
    let Ok(wheel) = one_wheel(&wheels) else { return Ok(()) };
    if !run.stage("python: installation", minutes(1), pip(&places).args(["--no-deps", "--no-index"]).arg(&wheel)) {
        return Ok(());
    }
    let panics = places.path("panics");
    if let Err(reason) = run_panicking(run, &places, &panics) {
        run.check("python: package that can be made to panic", || Err(reason));
        return Ok(());
    }
    let before = run.counted();
    let mut tests = Command::new(places.program("python"));
    tests.args(["-m", "pytest", "-p", "no:cacheprovider", "crates/python/tests"]).current_dir(root());
    tests.env("VERISEAL_SCENARIOS", &scenarios).env("VERISEAL_REGISTRIES", places.registries());
    tests.env("VERISEAL_PANICS", &panics).env("PYTHONDONTWRITEBYTECODE", "1");
    if run.stage("python: tests", minutes(5), &mut tests) && run.counted() == before {
        run.check("python: tests", || Err("not one test result was seen".to_string()));
    }
    Ok(())
}

/// The package with the feature that lets tests make native calls panic, in a folder of its own.
fn run_panicking(run: &mut Run, places: &Places, into: &Path) -> Result<(), String> {
    let wheels = places.path("wheels-panics");
    let _ = std::fs::remove_dir_all(&wheels);
    let _ = std::fs::remove_dir_all(into);
    let mut build = maturin(places, "build");
    build.args(["--locked", "--profile", "dev", "--features", "panics", "--out"]).arg(&wheels);
    run.prepare("python: wheel that can be made to panic", minutes(3), &mut build)?;
    let mut install = pip(places);
    install.args(["--no-deps", "--no-index", "--target"]).arg(into).arg(one_wheel(&wheels)?);
    run.prepare("python: its installation", minutes(1), &mut install)
}

/// `cargo xtask dist python`: a wheel with optimisations and a source distribution, in `dist/`.
pub(crate) fn dist() -> Result<std::process::ExitCode, String> {
    // Not where the tests have theirs, which the stage for parity uses.
    let places = Places { folder: Places::find()?.path("dist") };
    succeed(Command::new(interpreter()?).args(["-m", "venv", "--clear"]).arg(places.path("venv")))?;
    succeed(pip(&places).arg(TOOLS[0]))?;
    let out = root().join("dist");
    succeed(maturin(&places, "build").args(["--locked", "--release", "--strip", "--out"]).arg(&out))?;
    succeed(maturin(&places, "sdist").arg("--out").arg(&out))?;
    installs(&places, &out)?;
    println!("{}", out.display());
    Ok(std::process::ExitCode::SUCCESS)
}

/// Installs the wheel and the source distribution as their users do, each into a fresh virtual environment, and verifies there.
fn installs(places: &Places, out: &Path) -> Result<(), String> {
    let ask = "import veriseal\n\
               print(veriseal.verify('oci:examples/images/cosign-v3:1.0', key='examples/images/cosign.pub', tlog='ignored').pinned)";
    for ending in [".whl", ".tar.gz"] {
        let package = newest(out, ending)?;
        let fresh = Places { folder: places.path("installed") };
        succeed(Command::new(interpreter()?).args(["-m", "venv", "--clear"]).arg(fresh.path("venv")))?;
        succeed(pip(&fresh).arg("--no-cache-dir").arg(&package))?;
        let pinned = output(Command::new(fresh.program("python")).args(["-c", ask]).current_dir(root()))?;
        if !pinned.contains("@sha256:") {
            return Err(format!("{} verifies nothing: {pinned}", package.display()));
        }
        println!("{} is installed by pip and verifies", package.display());
    }
    Ok(())
}

/// The package that was made last, of those that end so.
fn newest(folder: &Path, ending: &str) -> Result<PathBuf, String> {
    let files = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let fitting = files.flatten().filter(|file| file.file_name().to_string_lossy().ends_with(ending));
    let newest = fitting.max_by_key(|file| file.metadata().and_then(|about| about.modified()).ok());
    newest.map(|file| file.path()).ok_or_else(|| format!("nothing in {} ends in {ending}", folder.display()))
}

/// The interpreter of a virtual environment with the optimised wheel, for measurements.
pub(crate) fn optimised() -> Result<PathBuf, String> {
    let interpreter = interpreter()?;
    let found = Places::find()?;
    let places = Places { folder: found.folder.join("optimised") };
    let wheels = places.path("wheels");
    let _ = std::fs::remove_dir_all(&wheels);
    succeed(Command::new(interpreter).args(["-m", "venv", "--clear"]).arg(places.path("venv")))?;
    succeed(pip(&places).arg(TOOLS[0]))?;
    succeed(maturin(&places, "build").args(["--locked", "--release", "--strip", "--out"]).arg(&wheels))?;
    succeed(pip(&places).args(["--no-deps", "--no-index"]).arg(one_wheel(&wheels)?))?;
    Ok(places.program("python"))
}

/// Puts the package of this code in the place of what the last tests installed; where these never ran, nothing is there to renew.
pub(crate) fn renew() -> Result<(), String> {
    let places = Places::find()?;
    if !places.program("python").exists() {
        return Ok(());
    }
    let wheels = places.path("wheels");
    let _ = std::fs::remove_dir_all(&wheels);
    output(maturin(&places, "build").args(["--quiet", "--locked", "--profile", "dev", "--out"]).arg(&wheels))?;
    output(pip(&places).args(["--no-deps", "--no-index", "--force-reinstall"]).arg(one_wheel(&wheels)?)).map(drop)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed", command.get_program().display())) }
}

fn pip(places: &Places) -> Command {
    let mut command = Command::new(places.program("python"));
    command.args(["-m", "pip", "--disable-pip-version-check", "--quiet", "install"]).current_dir(root());
    command
}

fn maturin(places: &Places, what: &str) -> Command {
    let mut command = Command::new(places.program("python"));
    command.args(["-m", "maturin", what]).current_dir(root().join("crates/python"));
    command
}

/// An interpreter that is new enough and can make virtual environments.
fn interpreter() -> Result<PathBuf, String> {
    let named = std::env::var_os("PYTHON").map(PathBuf::from);
    let candidates = named.map_or_else(|| NAMES.iter().map(PathBuf::from).collect(), |named| vec![named]);
    let ask = "import ensurepip, sys, venv; print(sys.version_info[0], sys.version_info[1], sys.implementation.name)";
    let usable = |candidate: &PathBuf| {
        let mut question = Command::new(candidate);
        question.args(["-c", ask]).current_dir(root());
        output(&mut question).is_ok_and(|said| new_enough(&said))
    };
    let found = candidates.into_iter().find(usable);
    found.ok_or_else(|| format!("no CPython {}.{} or newer that can make virtual environments", OLDEST[0], OLDEST[1]))
}

fn new_enough(said: &str) -> bool {
    let words: Vec<&str> = said.split_whitespace().collect();
    match words.as_slice() {
        [major, minor, "cpython"] => match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => [major, minor] >= OLDEST,
            _ => false,
        },
        _ => false,
    }
}

fn one_wheel(folder: &Path) -> Result<PathBuf, String> {
    let files = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut wheels: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    match (wheels.pop(), wheels.is_empty()) {
        (Some(wheel), true) => Ok(wheel),
        (other, _) => Err(format!(
            "one wheel was expected in {}, and there are {}",
            folder.display(),
            wheels.len() + usize::from(other.is_some())
        )),
    }
}

/// The name of a wheel says what it runs on: here every CPython from the oldest on.
fn named(wheel: &Path) -> Result<String, String> {
    let name = wheel.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.contains("-cp310-abi3-") { Ok(name) } else { Err(format!("{name} is not for abi3 from CPython 3.10 on")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_new_enough_from_3_10_on() {
        for said in ["3 10 cpython\n", "3 13 cpython", "4 0 cpython"] {
            assert!(new_enough(said), "{said}");
        }
        for said in ["3 9 cpython", "2 7 cpython", "3 11 pypy", "", "3 x cpython", "3 11"] {
            assert!(!new_enough(said), "{said}");
        }
    }

    #[test]
    fn a_wheel_for_one_python_only_is_refused() {
        assert!(named(Path::new("veriseal-0.1.0-cp310-abi3-manylinux_2_34_x86_64.whl")).is_ok());
        assert!(named(Path::new("veriseal-0.1.0-cp311-cp311-manylinux_2_34_x86_64.whl")).is_err());
        assert!(named(Path::new("veriseal-0.1.0-py3-none-any.whl")).is_err());
    }
}
