//! What the tests of the C interface have in common: where things are, and how a program is built and run.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

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
