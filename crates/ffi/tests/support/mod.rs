//! What the tests of the C interface have in common: where things are, and how a program is built and run.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn workspace() -> PathBuf {
    crate_folder().parent().unwrap().parent().unwrap().to_path_buf()
}

pub(crate) fn header_path() -> PathBuf {
    workspace().join("include/veriseal.h")
}

/// The shared library that cargo built beside this test.
pub(crate) fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let library = folder.join(format!("{}veriseal_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX));
    assert!(library.exists(), "{} was not built", library.display());
    library
}

/// The SONAME by which a program looks for the library.
pub(crate) fn soname() -> &'static str {
    concat!("libveriseal.so.", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"))
}

/// The library under its SONAME in a folder of the test: what cargo calls it is nothing that a program looks for.
fn named_as_shipped(folder: &Path) -> PathBuf {
    let link = folder.join(soname());
    if !link.exists() {
        std::os::unix::fs::symlink(library(), &link).unwrap();
    }
    link
}

/// What a program prints; `None` where it is absent or fails, and then it says why.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            println!("{program}: {error}");
            return None;
        }
    };
    if !output.status.success() {
        println!("{program} {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Every source of the crate but its unit tests, with its text.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().unwrap() != "tests" {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&crate_folder().join("src"), &mut found);
    found.sort();
    found
}

/// How a C program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// As C11.
    C,
    /// The same source as C++17.
    Cpp,
    /// As C11, under AddressSanitizer (with its search for leaks) and UndefinedBehaviorSanitizer.
    Sanitized,
}

/// Compiles a program against the committed header and the library that cargo built, without a warning.
pub(crate) fn compile(source: &Path, build: Build, into: &Path) -> PathBuf {
    try_compile(source, build, into).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn try_compile(source: &Path, build: Build, into: &Path) -> Result<PathBuf, String> {
    let binary = into.join(format!("{}-{build:?}", source.file_stem().unwrap().to_str().unwrap()));
    let library = named_as_shipped(into);
    let mut command = match build {
        Build::C | Build::Sanitized => {
            let mut command = Command::new("cc");
            command.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L"]);
            command
        }
        Build::Cpp => {
            let mut command = Command::new("c++");
            command.args(["-std=c++17", "-x", "c++"]);
            command
        }
    };
    command.args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-O1", "-g"]);
    if build == Build::Sanitized {
        command.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    command.arg("-I").arg(header_path().parent().unwrap()).arg(source).args(["-x", "none"]).arg(&library);
    command.arg(format!("-Wl,-rpath,{}", library.parent().unwrap().display())).arg("-pthread").arg("-o").arg(&binary);
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() { Ok(binary) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
