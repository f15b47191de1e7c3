//! The architecture as sentences about what is absent: which module may know which, and what the core never touches.
//!
//! The rules read the source, so a violation fails here however well it compiles. Each rule is also tried on made-up
//! sources that break it: a scanner that sees nothing would otherwise pass for ever.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice, clippy::arithmetic_side_effects)]

#[path = "architecture/scan.rs"]
mod scan;

use scan::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

/// The modules at the top of the core and their ranks: a module uses only its own rank and lower ones, without cycles.
/// A new module gets a row here, or the test fails.
const RANKS: &[(&str, u8)] = &[
    ("code", 0),
    ("limits", 0),
    ("time", 0),
    ("encoding", 0),
    ("remembered", 0),
    ("digest", 10),
    ("key", 10),
    ("crypto", 10),
    ("tlog", 20),
    ("x509", 20),
    ("oci", 20),
    ("format", 30),
    ("gather", 30),
    ("trust", 40),
    ("policy", 41),
    ("check", 50),
    ("report", 60),
    ("verify", 70),
];

/// Modules that may use nothing else: gathering decides nothing about signatures, so it must not be able to.
const ONLY: &[(&str, &[&str])] = &[("gather", &["oci", "digest", "encoding", "limits", "code", "time"])];

/// Modules that may not use these, whatever the ranks say: a policy sees facts, never keys at work; a check never tells.
const NEVER: &[(&str, &[&str])] = &[("policy", &["crypto"]), ("check", &["report"])];

/// Uses that close a cycle and may: a key exists only after the provider has found it sound, and the provider works on keys.
const TOGETHER: &[(&str, &str)] = &[("key", "crypto")];

/// Parts of the standard library that reach outside, or hold what only outside exists for.
const FORBIDDEN_STD: &[(&str, &str)] = &[
    ("env", "the environment"),
    ("fs", "files"),
    ("io", "input and output"),
    ("path", "files"),
    ("process", "processes"),
    ("thread", "threads"),
    ("os", "the operating system"),
    ("*", "everything at once"),
];

/// Words that mean the same wherever they come from.
const FORBIDDEN_WORDS: &[(&str, &str)] = &[
    ("SystemTime", "a clock"),
    ("Instant", "a clock"),
    ("UNIX_EPOCH", "a clock"),
    ("TcpStream", "the network"),
    ("TcpListener", "the network"),
    ("UdpSocket", "the network"),
    ("ToSocketAddrs", "the network"),
    ("tokio", "the network"),
    ("reqwest", "the network"),
    ("OsRng", "a random source"),
    ("getrandom", "a random source"),
    ("unsafe", "unsafe code"),
];

/// Macros that talk to a terminal, keep globals, or are unfinished.
const FORBIDDEN_MACROS: &[(&str, &str)] = &[
    ("print", "a terminal"),
    ("println", "a terminal"),
    ("eprint", "a terminal"),
    ("eprintln", "a terminal"),
    ("dbg", "a terminal"),
    ("thread_local", "a global"),
    ("lazy_static", "a global"),
    ("option_env", "the environment"),
    ("todo", "unfinished code"),
    ("unimplemented", "unfinished code"),
];

/// Files above this many lines of product code are named, not failed.
const LONG_FILE: usize = 400;

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

fn row<'a>(table: &'a [(&str, &'a [&'a str])], module: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(name, _)| *name == module).map(|(_, modules)| *modules)
}

/// Which module uses which, and every use that the ranks forbid. The crate's root may use all: it only re-exports.
fn layering(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(user) = source.module.first() else { continue };
        let Some(user_rank) = rank(user) else {
            broken.push(format!("{}: the module `{user}` has no rank: give it a row in RANKS", source.name));
            continue;
        };
        for (line, path) in source.paths() {
            if path.first().is_none_or(|root| root != "crate") {
                continue;
            }
            let place = format!("{}:{line}", source.name);
            let Some(used) = path.get(1).filter(|used| *used != "*") else {
                broken.push(format!("{place}: names the crate's root: name the module that holds the item"));
                continue;
            };
            if used == user {
                continue;
            }
            match rank(used) {
                None => broken.push(format!("{place}: `{used}` is no module with a rank: name the module that holds the item")),
                Some(used_rank) if used_rank > user_rank => {
                    broken.push(format!("{place}: `{user}` (rank {user_rank}) uses `{used}` (rank {used_rank})"));
                }
                Some(_) => {}
            }
            if row(ONLY, user).is_some_and(|allowed| !allowed.contains(&used.as_str())) {
                broken.push(format!("{place}: `{user}` may not know `{used}`"));
            }
            if row(NEVER, user).is_some_and(|never| never.contains(&used.as_str())) {
                broken.push(format!("{place}: `{user}` may never know `{used}`"));
            }
            if !TOGETHER.contains(&(user.as_str(), used.as_str())) {
                uses.entry(user.clone()).or_default().insert(used.clone());
            }
        }
    }
    broken.extend(cycle(&uses));
    broken
}

/// One cycle among the modules, if there is one: what is left when modules that use nothing left are taken away.
fn cycle(uses: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut left = uses.clone();
    loop {
        let before = left.len();
        let names: BTreeSet<String> = left.keys().cloned().collect();
        left.retain(|_, used| used.iter().any(|module| names.contains(module)));
        if left.len() == before {
            break;
        }
    }
    (!left.is_empty()).then(|| format!("modules in or above a cycle: {}", left.into_keys().collect::<Vec<_>>().join(", ")))
}

/// Everything in the core's source that reaches outside it.
fn outside(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        let mut say = |line: usize, what: &str, why: &str| broken.push(format!("{}:{line}: `{what}`: {why}", source.name));
        for (word, why) in FORBIDDEN_WORDS {
            source.lines_with(word).for_each(|line| say(line, word, why));
        }
        for (name, why) in FORBIDDEN_MACROS {
            source.macro_calls(name).for_each(|(line, _)| say(line, &format!("{name}!"), why));
        }
        for (line, argument) in source.macro_calls("env") {
            if !argument.is_some_and(|name| name.starts_with("CARGO_PKG_")) {
                say(line, "env!", "the environment of the build, beyond the package's own name and version");
            }
        }
        for (line, path) in source.paths() {
            if !path.first().is_some_and(|root| ["std", "core", "alloc"].contains(&root.as_str())) {
                continue;
            }
            match path.get(1) {
                None => say(line, &path.join("::"), "a root under another name hides what is used of it"),
                Some(part) => {
                    for (_, why) in FORBIDDEN_STD.iter().filter(|(name, _)| name == part) {
                        say(line, &path.join("::"), why);
                    }
                }
            }
        }
        source.mutable_statics().into_iter().for_each(|line| say(line, "static", "a global that changes"));
    }
    broken
}

fn core() -> Vec<Source> {
    let sources = scan::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 10, "the core's source was not found");
    sources
}

#[test]
fn modules_use_only_lower_ranks() {
    let broken = layering(&core());
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_core_names_no_clock_environment_file_thread_network_global_or_unsafe_code() {
    let broken = outside(&core());
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_core_forbids_unsafe_code_and_depends_on_no_transport_clock_or_random_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(root.lines().any(|line| line == "#![forbid(unsafe_code)]"), "src/lib.rs no longer forbids unsafe code");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let dependencies = normal_dependencies(&manifest);
    assert!(dependencies.contains(&"sha2"), "the manifest was not understood: {dependencies:?}");
    for name in ["tokio", "reqwest", "hyper", "ureq", "rustls", "rand", "rand_core", "getrandom", "chrono", "jiff", "once_cell"] {
        assert!(!dependencies.contains(&name), "the core depends on {name}");
    }
}

/// The keys of `[dependencies]` and of every `[target.….dependencies]`.
fn normal_dependencies(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section == "dependencies" || section.ends_with(".dependencies");
            found.extend(section.strip_prefix("dependencies."));
        } else if inside && !line.starts_with('#') {
            found.extend(line.split(['=', '.', ' ']).next().filter(|name| !name.is_empty()));
        }
    }
    found
}

#[test]
fn no_source_of_the_workspace_is_unfinished_and_long_files_are_named() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut unfinished = Vec::new();
    let mut seen = 0;
    for member in std::fs::read_dir(crates).unwrap() {
        let folder = member.unwrap().path();
        for source in scan::read(&folder.join("src")) {
            let name = format!("{}/src/{}", folder.file_name().unwrap().display(), source.name);
            for unwanted in ["todo", "unimplemented"] {
                unfinished.extend(source.macro_calls(unwanted).map(|(line, _)| format!("{name}:{line}: {unwanted}!")));
            }
            if source.code_lines > LONG_FILE {
                // Not `println!`, which the test runner keeps to itself when the test passes.
                let said =
                    format!("warning: {name} has {} lines of code, above {LONG_FILE}: is it one concept?", source.code_lines);
                writeln!(std::io::stderr(), "{said}").unwrap();
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "the workspace's source was not found");
    assert!(unfinished.is_empty(), "\n{}\n", unfinished.join("\n"));
}

// The scanner itself, on made-up sources: each must be found, and what only looks alike must not.

fn one(module: &[&str], text: &str) -> Vec<Source> {
    vec![Source::new("made_up.rs", module, text)]
}

#[test]
fn every_spelling_of_a_higher_rank_is_found() {
    for text in [
        "use crate::verify::Verifier;",
        "use crate::verify;",
        "pub use crate::{code::Code, verify::{self, Verifier}};",
        "use crate::{code::{Code, Class as Kind}, report as other};",
        "fn f() -> crate::report::Report { unreachable() }",
        "fn f(x: Vec<crate::report::Report>) {}",
        "use super::super::check::Proof;",
        "use super::{super::check::Proof};",
        "mod inner { use super::super::super::check::Proof; }",
        "macro_rules! m { () => { $crate::check::proof() } }",
        "const S: &str = \"// no comment\"; use crate::check::Proof;",
        "const C: char = '\"'; use crate::check::Proof; const D: char = '\\'';",
        "fn f<'a>(x: &'a str) {} use crate::check::Proof;",
        "#[cfg(test)] use crate::digest::Digest; use crate::check::Proof;",
        "#[cfg(test)] mod tests { fn f() { if true { } } } use crate::check::Proof;",
    ] {
        let broken = layering(&one(&["oci", "reference"], text));
        assert!(!broken.is_empty(), "nothing found in {text}");
        assert!(broken.iter().all(|line| line.contains("rank")), "{broken:?} in {text}");
    }
}

#[test]
fn lower_ranks_comments_strings_and_tests_are_no_violation() {
    for text in [
        "use crate::digest::Digest; use super::descriptor::Descriptor; use self::inner::X;",
        "// use crate::verify::Verifier;\n/* crate::verify::x /* nested */ crate::verify::y */",
        "/// See [`crate::verify::Verifier`].\nstruct S;",
        "const S: &str = \"crate::verify::Verifier\"; const R: &str = r#\"\"crate::verify::X\"#; const B: &[u8] = b\"crate::report::X\";",
        "#[cfg(test)]\nmod tests {\n    use crate::verify::Verifier;\n}",
        "#[cfg(test)]\n#[allow(dead_code)]\nfn helper() -> crate::verify::Verifier { made() }",
        "pub(crate) fn f() {} pub(super) fn g() {}",
    ] {
        let broken = layering(&one(&["oci", "reference"], text));
        assert!(broken.is_empty(), "{broken:?} in {text}");
    }
}

#[test]
fn modules_with_a_list_of_their_own_are_held_to_it() {
    let gather = layering(&one(&["gather", "session"], "use crate::crypto::Key;"));
    assert_eq!(gather, ["made_up.rs:1: `gather` may not know `crypto`"]);
    let policy = layering(&one(&["policy"], "\nuse crate::{digest::Digest, crypto::Key};"));
    assert_eq!(policy, ["made_up.rs:2: `policy` may never know `crypto`"]);
    let check = layering(&one(&["check", "path"], "fn f() { super::super::report::say() }"));
    assert_eq!(check.len(), 2, "by rank and by name: {check:?}");
}

#[test]
fn unknown_modules_and_the_bare_root_are_named() {
    assert!(layering(&one(&["helpers"], "")).iter().any(|line| line.contains("has no rank")));
    assert!(layering(&one(&["oci"], "use crate::Digest;")).iter().any(|line| line.contains("no module with a rank")));
    assert!(layering(&one(&["oci"], "use crate::*;")).iter().any(|line| line.contains("the crate's root")));
    assert!(layering(&one(&["oci"], "use super::*;")).iter().any(|line| line.contains("the crate's root")));
}

#[test]
fn a_cycle_within_a_rank_is_found() {
    let both = [Source::new("a.rs", &["tlog"], "use crate::x509::A;"), Source::new("b.rs", &["x509"], "use crate::tlog::B;")];
    assert_eq!(layering(&both), ["modules in or above a cycle: tlog, x509"]);
    assert!(layering(&both[..1]).is_empty());
    let known = [Source::new("a.rs", &["key"], "use crate::crypto::A;"), Source::new("b.rs", &["crypto"], "use crate::key::B;")];
    assert!(layering(&known).is_empty());
}

#[test]
fn every_way_outside_is_found() {
    for text in [
        "use std::time::{Duration, SystemTime};",
        "fn f() { let t = std::time::Instant::now(); }",
        "use std::{fmt, env};",
        "use std::env::var as other;",
        "const V: &str = env!(\"HOME\");",
        "const V: Option<&str> = option_env!(\"CARGO_PKG_NAME\");",
        "fn f() { ::std::fs::read(p); }",
        "use std::fs::File;",
        "use std::path::Path;",
        "use std::io::Read;",
        "use std::thread;",
        "use std::process::Command;",
        "use std as other;",
        "use std::*;",
        "use std::net::TcpStream;",
        "use tokio::net;",
        "static mut COUNT: u32 = 0;",
        "static CACHE: std::sync::OnceLock<u32> = std::sync::OnceLock::new();",
        "pub(crate) static CACHE: LazyLock<u32> = LazyLock::new(f);",
        "static COUNT: AtomicU64 = AtomicU64::new(0);",
        "thread_local! { static X: u32 = 0; }",
        "fn f() { unsafe { g() } }",
        "fn f() { println!(\"x\") }",
        "fn f() { todo!() }",
    ] {
        assert!(!outside(&one(&["digest"], text)).is_empty(), "nothing found in {text}");
    }
}

#[test]
fn what_only_looks_like_the_outside_is_no_violation() {
    for text in [
        "use std::time::Duration; use std::net::IpAddr; use std::sync::Arc;",
        "const V: &str = env!(\"CARGO_PKG_VERSION\");",
        "static TABLE: [u8; 2] = [1, 2]; fn f(x: &'static str) {}",
        "struct Prepared { table: std::sync::OnceLock<u32> }",
        "// unsafe, SystemTime, std::fs\nfn f() {}",
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() { println!(\"{:?}\", std::time::SystemTime::now()) }\n}",
        "fn f(instant: u64, environment: u64) {}",
    ] {
        let broken = outside(&one(&["digest"], text));
        assert!(broken.is_empty(), "{broken:?} in {text}");
    }
}

#[test]
fn lines_of_tests_are_not_counted() {
    let text = "fn a() {}\n// one\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
    assert_eq!(one(&["digest"], text)[0].code_lines, 3);
}
