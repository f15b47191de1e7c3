//! include/veriseal.h: that it is what the exports say, and that it says what the library exports.
//!
//! `cargo xtask header` runs this with `VERISEAL_WRITE_DOCS=1`, which writes the header; without, a header that differs fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice, clippy::arithmetic_side_effects)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use support::{crate_folder, header_path, library, run};

/// The sources in the order in which a reader of the header meets them.
const SOURCES: &[&str] = &[
    "status",
    "input",
    "code",
    "error",
    "trust_root",
    "requirement",
    "policy",
    "verifier",
    "batch",
    "accepted",
    "report",
    "call",
    "source",
    "registry",
    "registry_settings",
    "fetcher",
    "request",
    "session",
    "evidence",
    "blob",
];

fn generated() -> String {
    let folder = crate_folder();
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(folder.join("src").join(format!("{source}.rs")));
    }
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    must_use(&String::from_utf8(bytes).unwrap())
}

/// Marks every function that answers a status: cbindgen marks only those that Rust marks themselves.
fn must_use(header: &str) -> String {
    let mut out = String::new();
    for line in header.lines() {
        if line.starts_with("veriseal_status veriseal_") {
            out.push_str("VERISEAL_MUST_USE\n");
        }
        writeln!(out, "{}", line.trim_end()).unwrap();
    }
    out
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = generated();
    if std::env::var_os("VERISEAL_WRITE_DOCS").is_some() {
        std::fs::write(header_path(), &generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(header_path()).unwrap_or_default();
    assert!(committed == generated, "include/veriseal.h is not what crates/ffi says: run `cargo xtask header`");
}

#[test]
fn every_source_with_an_export_is_in_the_header() {
    let mut with_exports = BTreeSet::new();
    for (path, text) in support::sources() {
        if text.contains("#[unsafe(no_mangle)]") {
            with_exports.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    let listed: BTreeSet<String> = SOURCES.iter().map(|name| (*name).to_owned()).collect();
    let missing: Vec<_> = with_exports.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let code: String = header.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])).collect::<Vec<_>>().join("\n");
    for (at, _) in code.match_indices("veriseal_") {
        let rest = &code[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let is_start = code[..at].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
        if is_start && rest[end..].starts_with('(') {
            names.insert(rest[..end].to_owned());
        }
    }
    names
}

#[test]
fn what_the_library_exports_is_what_the_header_declares() {
    let Some(listing) = run("nm", &["-D", "--defined-only", library().to_str().unwrap()]) else {
        println!("skipped: there is no nm");
        return;
    };
    let exported: BTreeSet<String> = listing
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (_, kind, name) = (words.next()?, words.next()?, words.next()?);
            // Symbols of the C compiler's own objects (crtbegin and the like) are not ours.
            (kind != "A" && !["_init", "_fini"].contains(&name)).then(|| name.split('@').next().unwrap_or(name).to_owned())
        })
        .collect();
    let header = std::fs::read_to_string(header_path()).unwrap();
    assert_eq!(exported, declared(&header));
    assert!(exported.len() > 80, "{}", exported.len());
}

/// A program is bound to the versions that keep the promise, by the name of the library.
#[test]
#[cfg(target_os = "linux")]
fn the_shared_library_has_its_soname() {
    let Some(dynamic) = run("readelf", &["-d", library().to_str().unwrap()]) else {
        println!("skipped: there is no readelf");
        return;
    };
    let wanted = format!("[{}]", support::soname());
    assert!(dynamic.lines().any(|line| line.contains("SONAME") && line.contains(&wanted)), "{dynamic}");
}

#[test]
fn a_declaration_is_found_and_a_mention_is_not() {
    let header = "/** veriseal_no(void) */\n * veriseal_neither()\nvoid veriseal_a(int x);\ntypedef int (*veriseal_f)(int);\nveriseal_s *veriseal_b(void);";
    assert_eq!(declared(header), BTreeSet::from(["veriseal_a".to_owned(), "veriseal_b".to_owned()]));
}

/// Each item of the header is documented: nothing is left to be guessed.
#[test]
fn every_declaration_of_the_header_is_documented() {
    let header = std::fs::read_to_string(header_path()).unwrap();
    let lines: Vec<&str> = header.lines().collect();
    let mut bare = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_item = !line.starts_with([' ', '#', '*', '/', '}', '{']) && line.contains("veriseal_");
        let is_alias = line.starts_with("typedef int32_t") || line.starts_with("typedef enum");
        if !is_item || is_alias {
            continue;
        }
        let before = lines[..index].iter().rev().find(|line| !line.starts_with("VERISEAL_MUST_USE"));
        if before.is_none_or(|line| !line.ends_with("*/")) {
            bare.push((*line).to_owned());
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn the_version_of_the_header_is_that_of_the_package() {
    let header = std::fs::read_to_string(header_path()).unwrap();
    for (name, value) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        assert!(header.contains(&format!("#define VERISEAL_VERSION_{name} {value}\n")), "{name}");
    }
}

#[test]
fn the_header_compiles_alone_as_c11_and_as_cpp17_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for (compiler, standard, name) in [("cc", "-std=c11", "alone.c"), ("c++", "-std=c++17", "alone.cpp")] {
        let source = folder.path().join(name);
        std::fs::write(&source, "#include <veriseal.h>\n#include <veriseal.h>\nint main(void) { return 0; }\n").unwrap();
        let include = format!("-I{}", header_path().parent().unwrap().display());
        let done = run(
            compiler,
            &[standard, "-Wall", "-Wextra", "-Werror", "-pedantic", &include, "-fsyntax-only", source.to_str().unwrap()],
        );
        assert!(done.is_some(), "{compiler} refused the header");
    }
    assert!(Path::new(&header_path()).exists());
}
