//! `cargo xtask coverage`: how many of the core's lines its tests run, and whether every code that it makes is made by one.
//!
//! The compiler itself counts (`-C instrument-coverage`), in the core alone: dependencies are those that were built anyway. What
//! is test code in the sources is left out of the count: it would only ever raise the figure. Needs the component `llvm-tools`.

use crate::prove::{Ledger, commit};
use crate::{cargo, codes_tested, output, root, target};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The part of all lines that must be run, in per cent.
const LEAST: f64 = 95.0;

/// Whose tests are counted: the core's own, and those of what stands directly on it.
const PACKAGES: [&str; 3] = ["veriseal", "veriseal-policy", "veriseal-testkit"];

/// Codes that only a defect of the core would make it say.
const GUARDS: &[&str] = &["ClauseNotEvaluated", "Internal"];

/// Set for this very program where cargo runs it in place of the compiler.
const AS_COMPILER: &str = "VERISEAL_XTASK_AS_COMPILER";

/// How often each line of a file was run, by the file's path below the root.
type Lines = BTreeMap<String, BTreeMap<usize, u64>>;

/// Runs the tests, counts, prints each file that lacks most and the total; `total: …` is the last line.
pub(crate) fn run() -> Result<ExitCode, String> {
    let lines = counted()?;
    let (mut all, mut ran) = (0, 0);
    let mut files = Vec::new();
    for (file, lines) in &lines {
        let hit = lines.values().filter(|count| **count > 0).count();
        all += lines.len();
        ran += hit;
        files.push((lines.len() - hit, lines.len(), file));
    }
    files.sort_unstable_by(|one, other| other.cmp(one));
    println!("lines not run, of how many, and where:");
    for (missed, all, file) in files.iter().filter(|(missed, ..)| *missed > 0) {
        println!("{missed:5} {all:5} {file}: {}", ranges(&lines[*file]));
    }
    let percent = per_cent(ran, all);
    let unmade = unmade(&lines)?;
    for code in &unmade {
        println!("no test makes the core say {code}");
    }
    let holds = percent >= LEAST && unmade.is_empty();
    println!("total: {percent:.2} % of {all} lines; {} codes made nowhere", unmade.len());
    let entry =
        json!({ "commit": commit(), "lines": all, "run": ran, "percent": format!("{percent:.2}"), "codes not made": unmade });
    Ledger::read()?.set("coverage", &entry)?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether cargo runs this program as the compiler of a crate of the workspace: then it is the compiler, which counts in the core.
pub(crate) fn as_compiler() -> Option<ExitCode> {
    std::env::var_os(AS_COMPILER)?;
    let mut arguments = std::env::args_os().skip(1);
    let mut command = Command::new(arguments.next()?);
    let arguments: Vec<_> = arguments.collect();
    command.args(&arguments);
    if arguments.windows(2).any(|pair| pair[0] == "--crate-name" && pair[1] == "veriseal") {
        command.args(["-C", "instrument-coverage"]);
    } else if arguments.iter().any(|argument| argument == "--test") {
        // What writes the counts down is linked only where something asks for it, and no line of the test itself is counted.
        command.args(["-C", "link-arg=-Wl,-u,__llvm_profile_runtime"]);
    }
    Some(match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The core's lines that can be counted, without those of test code.
fn counted() -> Result<Lines, String> {
    let tools = tools()?;
    let folder = target()?.join("coverage");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let instrumented = |arguments: &[&str]| {
        let mut command = cargo(&["test", "--quiet", "--lib", "--tests"]);
        command.args(PACKAGES.iter().flat_map(|name| ["--package", name]));
        command.args(arguments).env("RUSTC_WORKSPACE_WRAPPER", &own).env(AS_COMPILER, "1");
        // Each binary has one file, into which its runs are added.
        command.env("LLVM_PROFILE_FILE", folder.join("%m.profraw"));
        command
    };
    let built = output(&mut instrumented(&["--no-run", "--message-format", "json"]))?;
    let programs: Vec<String> = built
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["executable"].as_str().map(str::to_owned))
        .collect();
    // Its output is only of use where a test fails, which says so.
    output(&mut instrumented(&["--no-fail-fast"]))?;
    let profiles = fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten().map(|entry| entry.path());
    let merged = folder.join("all.profdata");
    output(Command::new(tools.join("llvm-profdata")).args(["merge", "-sparse", "-o"]).arg(&merged).args(profiles))?;
    let mut export = Command::new(tools.join("llvm-cov"));
    export.args(["export", "--format=lcov", "--instr-profile"]).arg(&merged);
    let [first, others @ ..] = programs.as_slice() else { return Err("no test program was built".to_owned()) };
    export.arg(first);
    export.args(others.iter().flat_map(|program| ["--object", program]));
    let sources = root().join("crates/core/src");
    let mut lines = read_lcov(&output(export.arg("--sources").arg(&sources))?, &root());
    without_tests(&mut lines, &sources)?;
    if lines.len() < 50 { Err(format!("only {} files were counted", lines.len())) } else { Ok(lines) }
}

/// Where the toolchain keeps `llvm-cov` and `llvm-profdata`.
pub(crate) fn tools() -> Result<PathBuf, String> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
    let folder = Path::new(sysroot.trim()).join("lib/rustlib").join(crate::dist::host()?).join("bin");
    if folder.join("llvm-cov").exists() {
        return Ok(folder);
    }
    Err("no llvm-cov: `rustup component add llvm-tools`".to_owned())
}

/// `SF:` names a file, `DA:line,count` follow; every other line is of no use here.
fn read_lcov(text: &str, root: &Path) -> Lines {
    let mut found = Lines::new();
    let mut file = String::new();
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            file = Path::new(path).strip_prefix(root).unwrap_or(Path::new(path)).display().to_string();
        } else if let Some((number, count)) = line.strip_prefix("DA:").and_then(|rest| rest.split_once(','))
            && let (Ok(number), Ok(count)) = (number.parse::<usize>(), count.parse::<u64>())
        {
            *found.entry(file.clone()).or_default().entry(number).or_default() += count;
        }
    }
    found
}

/// Leaves out modules that exist for tests alone, within a file and as files of their own.
fn without_tests(lines: &mut Lines, sources: &Path) -> Result<(), String> {
    let mut texts = BTreeMap::new();
    read(sources, &mut texts)?;
    let mut gone = BTreeSet::new();
    for (path, text) in &texts {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let parent = path.parent().unwrap_or(sources);
        let below = if ["mod", "lib"].contains(&stem) { parent.to_owned() } else { parent.join(stem) };
        for name in test_modules(text) {
            gone.insert(below.join(name));
        }
    }
    let root = root();
    for (path, text) in &texts {
        let file = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        if gone.iter().any(|module| path.with_extension("") == *module || path.starts_with(module)) {
            lines.remove(&file);
        } else if let (Some(counts), Some(from)) = (lines.get_mut(&file), first_line_of_tests(text)) {
            counts.retain(|number, _| *number < from);
        }
    }
    Ok(())
}

fn read(folder: &Path, texts: &mut BTreeMap<PathBuf, String>) -> Result<(), String> {
    for path in
        fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten().map(|entry| entry.path())
    {
        if path.is_dir() {
            read(&path, texts)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            texts.insert(path, text);
        }
    }
    Ok(())
}

/// The names of the modules in files of their own that are compiled for tests alone.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("#[cfg(test)]\n").skip(1);
    after.filter_map(|rest| rest.lines().next()?.strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name))
}

/// Where a file's own tests begin; they are its end.
fn first_line_of_tests(text: &str) -> Option<usize> {
    let at = text.find("#[cfg(test)]\nmod tests {")?;
    Some(text[..at].lines().count() + 1)
}

/// The codes that the core makes in lines that were counted, and that no test made it make.
fn unmade(lines: &Lines) -> Result<Vec<String>, String> {
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    let codes = codes_tested::table()?;
    for (file, counts) in lines.iter().filter(|(file, _)| !file.starts_with("crates/core/src/code/")) {
        let text = fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
        for (number, line) in (1..).zip(text.lines()) {
            let (Some(count), false) = (counts.get(&number), line.trim_start().starts_with("//")) else { continue };
            for code in codes.iter().filter(|code| names(line, &code.variant)) {
                *seen.entry(code.variant.clone()).or_default() |= *count > 0;
            }
        }
    }
    let guard = |code: &str| GUARDS.contains(&code) || codes_tested::is_exempt(code);
    let unmade = seen.into_iter().filter(|(code, made)| !made && !guard(code));
    Ok(unmade.map(|(code, _)| code).collect())
}

fn names(line: &str, variant: &str) -> bool {
    let path = format!("Code::{variant}");
    line.match_indices(&path).any(|(at, _)| !line[at + path.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// The lines that were not run, as ranges.
fn ranges(lines: &BTreeMap<usize, u64>) -> String {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for number in lines.iter().filter(|(_, count)| **count == 0).map(|(number, _)| *number) {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => found.push((number, number)),
        }
    }
    let text = |(first, last): &(usize, usize)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    found.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn per_cent(part: usize, of: usize) -> f64 {
    let number = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    if of == 0 { 0.0 } else { 100.0 * number(part) / number(of) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_file_and_what_several_programs_ran_is_added() {
        let text = "SF:/r/a.rs\nFN:1,f\nDA:1,2\nDA:2,0\nend_of_record\nSF:/r/a.rs\nDA:2,1\nDA:4,0\nDA:5,0\nend_of_record\n";
        let lines = read_lcov(text, Path::new("/r"));
        assert_eq!(lines["a.rs"], BTreeMap::from([(1, 2), (2, 1), (4, 0), (5, 0)]));
        assert_eq!(ranges(&lines["a.rs"]), "4-5");
    }

    #[test]
    fn test_code_is_found_in_a_file_and_as_a_file() {
        let text = "mod a;\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(first_line_of_tests(text), Some(2));
        assert_eq!(test_modules(text).count(), 0);
        assert_eq!(test_modules("#[cfg(test)]\npub(crate) mod forge;\n").collect::<Vec<_>>(), ["forge"]);
    }

    #[test]
    fn a_code_is_named_whole() {
        assert!(names("Failure::new(Code::Denied)", "Denied"));
        assert!(!names("Failure::new(Code::DeniedTwice)", "Denied"));
    }
}
