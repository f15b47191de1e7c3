//! [`traced`]: the tests that mutants are held against, and which mutants each of them comes by.

use crate::build::messages;
use crate::pool::each;
use crate::process::{Ended, run};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A package and which of its tests are asked.
pub(crate) struct Target {
    package: String,
    /// As cargo takes them: `--lib`, `--test=attacks`.
    tests: Vec<String>,
    /// What stands in the names of those that are not asked.
    skipped: Vec<String>,
}

impl Target {
    /// `package:--lib,--test=name:skipped,skipped`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let [package, tests, skipped] = parts[..] else { return Err(format!("{text}: PACKAGE:TESTS:SKIPPED")) };
        let list = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(Self { package: package.to_owned(), tests: list(tests), skipped: list(skipped) })
    }
}

/// No test may take longer while no mutant is on.
const LONGEST: Duration = Duration::from_secs(300);

/// One test that passes while no mutant is on.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) program: PathBuf,
    /// The folder of its package.
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
    /// How long it takes by itself.
    pub(crate) takes: Duration,
    /// The mutants whose places it comes by.
    pub(crate) reaches: BTreeSet<u32>,
}

/// Builds the tests of the woven tree and runs each by itself without a mutant: all must pass.
pub(crate) fn traced(tree: &Path, targets: &[Target]) -> Result<Vec<Test>, String> {
    let mut all = Vec::new();
    for target in targets {
        for (program, folder) in built(tree, target, targets)? {
            let mut names = names(&program, &folder)?;
            names.retain(|name| !target.skipped.iter().any(|skipped| name.contains(skipped)));
            for name in names {
                let (program, folder) = (program.clone(), folder.clone());
                all.push(Test { program, folder, name, takes: Duration::ZERO, reaches: BTreeSet::new() });
            }
        }
    }
    let traces = tree.join("traces");
    let _ = fs::remove_dir_all(&traces);
    fs::create_dir_all(&traces).map_err(|error| error.to_string())?;
    let found = each("traced", &all, None, |number, test| trace(test, &traces.join(number.to_string())));
    let mut failing = Vec::new();
    for (test, (_, found)) in all.iter_mut().zip(found) {
        match found {
            Ok((takes, reaches)) => (test.takes, test.reaches) = (takes, reaches),
            Err(reason) => failing.push(format!("{}: {reason}", test.name)),
        }
    }
    if !failing.is_empty() {
        return Err(format!("not good while no mutant is on: {}", failing.join(", ")));
    }
    let total: Duration = all.iter().map(|test| test.takes).sum();
    println!("{} tests, {} s one by one; the longest:", all.len(), total.as_secs());
    let mut longest: Vec<&Test> = all.iter().collect();
    longest.sort_by_key(|test| std::cmp::Reverse(test.takes));
    longest.iter().take(12).for_each(|test| println!("{:8} ms {}", test.takes.as_millis(), test.name));
    Ok(all)
}

fn trace(test: &Test, place: &Path) -> Result<(Duration, BTreeSet<u32>), String> {
    let begun = Instant::now();
    let ended = run(&test.program, &test.folder, &[&test.name], ("VERISEAL_MUTANT_TRACE", place.as_os_str()), LONGEST)?;
    let takes = begun.elapsed();
    if ended != Ended::Passed {
        return Err(format!("{ended:?}"));
    }
    // A test that comes by no mutant leaves no file.
    let text = fs::read_to_string(place).unwrap_or_default();
    Ok((takes, text.lines().filter_map(|line| line.parse().ok()).collect()))
}

/// Test programs, each with the folder of its package.
fn built(tree: &Path, target: &Target, all: &[Target]) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--no-run", "--quiet", "--message-format", "json", "--package", &target.package]).args(&target.tests);
    // It is built once, and its tests run a thousand times.
    command.args(all.iter().flat_map(|of| ["--config".to_owned(), format!("profile.dev.package.{}.opt-level=1", of.package)]));
    let output = command.current_dir(tree).output().map_err(|error| format!("cargo test: {error}"))?;
    if !output.status.success() {
        let said = messages(&output.stdout).filter_map(|line| line["message"]["rendered"].as_str().map(str::to_owned));
        return Err(format!("the woven tests of {} do not build: {}", target.package, said.collect::<Vec<_>>().join("\n")));
    }
    let programs: Vec<_> = messages(&output.stdout)
        .filter(|line| line["reason"] == "compiler-artifact" && line["profile"]["test"] == true)
        .filter_map(|line| {
            let folder = Path::new(line["manifest_path"].as_str()?).parent()?.to_owned();
            Some((PathBuf::from(line["executable"].as_str()?), folder))
        })
        .collect();
    if programs.len() == target.tests.len() {
        Ok(programs)
    } else {
        Err(format!("{} test programs of {} for {} targets", programs.len(), target.package, target.tests.len()))
    }
}

fn names(program: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let mut command = Command::new(program);
    command.args(["--list", "--format", "terse"]).current_dir(folder);
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    let ignored = Command::new(program)
        .args(["--list", "--ignored", "--format", "terse"])
        .current_dir(folder)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let listed = |stdout: &[u8]| -> BTreeSet<String> {
        String::from_utf8_lossy(stdout).lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
    };
    Ok(listed(&output.stdout).difference(&listed(&ignored.stdout)).cloned().collect())
}
