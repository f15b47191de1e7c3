//! [`woven`]: the tree with every mutant in it that compiles beside the others.

use crate::listed::Mutant;
use crate::weave::{Placed, called_in_constants, weave};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The module that the woven code asks; part of the clone alone.
const SWITCH: &str = include_str!("switch.rs.txt");
/// How often the compiler is asked. Each kind of error shows only once there is none of the kind before.
const ROUNDS: usize = 24;

/// Errors about the types of an expression. Where one lies in the text of a mutant itself, that text is as wrong by itself; others,
/// such as those about constants or borrowing, may be due to what it is woven into.
const OF_TYPES: &[&str] = &["E0277", "E0308", "E0369", "E0599", "E0600", "E0604", "E0605", "E0606", "E0614"];

/// The mutants that are not woven.
#[derive(Default)]
pub(crate) struct Apart {
    /// Those that compile nowhere.
    pub(crate) unviable: BTreeSet<u32>,
    /// Those that may compile by themselves.
    pub(crate) unwoven: BTreeSet<u32>,
}

impl Apart {
    pub(crate) fn contains(&self, number: u32) -> bool {
        self.unviable.contains(&number) || self.unwoven.contains(&number)
    }
}

/// A file as it is without mutants, and where they stand in it now.
struct File<'a> {
    source: String,
    mutants: Vec<(u32, &'a Mutant)>,
    placed: Vec<Placed>,
}

/// Weaves all mutants but those apart into the tree, whose sources they were listed of, and adds to these what does not compile.
pub(crate) fn woven(mutants: &[Mutant], from: &Path, tree: &Path, apart: &mut Apart) -> Result<(), String> {
    let first = mutants.first().ok_or("no mutants")?;
    if mutants.iter().any(|mutant| mutant.package != first.package) {
        return Err("mutants of several packages".to_owned());
    }
    let (before, _) = first.file.split_once("src/").ok_or_else(|| format!("{} is not below src/", first.file))?;
    let sources = tree.join(before).join("src");
    write(&sources.join("switch.rs"), &SWITCH.replace("MUTANTS", &(mutants.len() + 1).to_string()))?;
    let root = format!("{before}src/lib.rs");
    let declared = "\nmod switch;\n";
    if mutants.iter().all(|mutant| mutant.file != root) {
        write(&tree.join(&root), &(read(&from.join(&root))? + declared))?;
    }
    let mut files: BTreeMap<&str, File<'_>> = BTreeMap::new();
    for (number, mutant) in (1..).zip(mutants) {
        if !files.contains_key(mutant.file.as_str()) {
            let source = read(&from.join(&mutant.file))?;
            let source = if mutant.file == root { source + declared } else { source };
            files.insert(&mutant.file, File { source, mutants: Vec::new(), placed: Vec::new() });
        }
        if let Some(file) = files.get_mut(mutant.file.as_str()) {
            file.mutants.push((number, mutant));
        }
    }
    let mut constant = BTreeSet::new();
    constants(from, &mut constant)?;
    for round in 1..=ROUNDS {
        for (name, file) in &mut files {
            let kept: Vec<_> = file.mutants.iter().copied().filter(|(number, _)| !apart.contains(*number)).collect();
            let woven = weave(&file.source, &kept, &constant).map_err(|error| format!("{name}: {error}"))?;
            write(&tree.join(name), &woven.text)?;
            apart.unviable.extend(woven.unviable);
            let placed: BTreeSet<u32> = woven.placed.iter().map(|placed| placed.mutant).collect();
            let left = kept.iter().map(|(number, _)| *number).filter(|number| !placed.contains(number));
            apart.unwoven.extend(left.filter(|number| !apart.unviable.contains(number)));
            file.placed = woven.placed;
        }
        let errors = check(tree, &first.package)?;
        if errors.is_empty() {
            return Ok(());
        }
        let (before, errors_of) = (apart.unviable.len() + apart.unwoven.len(), |error: &Value| guilty(&files, error));
        for (mutants, unviable) in errors.iter().map(errors_of) {
            if unviable { &mut apart.unviable } else { &mut apart.unwoven }.extend(mutants);
        }
        // Of what has several errors one about types suffices.
        apart.unwoven.retain(|number| !apart.unviable.contains(number));
        let found = apart.unviable.len() + apart.unwoven.len() - before;
        println!("round {round}: {} errors, {found} mutants do not compile beside the others", errors.len());
        if found == 0 {
            let text: Vec<_> = errors.iter().filter_map(|error| error["rendered"].as_str()).collect();
            return Err(format!("what is woven does not compile, for no mutant's sake:\n{}", text.join("\n")));
        }
    }
    Err(format!("what is woven does not compile after {ROUNDS} rounds"))
}

/// Adds what is called in constants of any source below a folder.
fn constants(folder: &Path, names: &mut BTreeSet<String>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            constants(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(called_in_constants(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    Ok(())
}

/// The mutants in whose text an error lies, and whether they compile nowhere; of an error in none of them, those around it, else
/// those that it mentions.
fn guilty(files: &BTreeMap<&str, File<'_>>, error: &Value) -> (BTreeSet<u32>, bool) {
    let spans = |primary: bool| error["spans"].as_array().into_iter().flatten().filter(move |span| span["is_primary"] == primary);
    let of_types = error["code"]["code"].as_str().is_some_and(|code| OF_TYPES.contains(&code));
    let own: BTreeSet<u32> = spans(true).flat_map(|span| at(files, span, Within::Arm)).collect();
    if !own.is_empty() {
        return (own, of_types);
    }
    let around: BTreeSet<u32> = spans(true).flat_map(|span| at(files, span, Within::Place)).collect();
    if !around.is_empty() {
        return (around, false);
    }
    (spans(false).flat_map(|span| at(files, span, Within::Place)).collect(), false)
}

/// What an error must lie in.
#[derive(Clone, Copy)]
enum Within {
    Arm,
    Place,
}

/// The mutants that a place of the woven text belongs to: those of the narrowest range around it.
fn at(files: &BTreeMap<&str, File<'_>>, span: &Value, within: Within) -> BTreeSet<u32> {
    let name = span["file_name"].as_str().unwrap_or_default();
    let Some((_, file)) = files.iter().find(|(file, _)| file.ends_with(name) || name.ends_with(*file)) else {
        return BTreeSet::new();
    };
    let offset = |field: &str| span[field].as_u64().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(usize::MAX);
    let (start, end) = (offset("byte_start"), offset("byte_end"));
    let ranges = file.placed.iter().map(|placed| match within {
        Within::Arm => (&placed.arm, placed.mutant),
        Within::Place => (&placed.place, placed.mutant),
    });
    let around = ranges.filter(|(range, _)| range.start <= start && end <= range.end);
    let narrowest = around.clone().map(|(range, _)| range.len()).min();
    around.filter(|(range, _)| Some(range.len()) == narrowest).map(|(_, mutant)| mutant).collect()
}

/// The errors of the compiler.
fn check(tree: &Path, package: &str) -> Result<Vec<Value>, String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["check", "--quiet", "--message-format", "json", "--package", package, "--lib"]).current_dir(tree);
    let output = command.output().map_err(|error| format!("cargo check: {error}"))?;
    let messages =
        messages(&output.stdout).filter(|line| line["reason"] == "compiler-message").map(|mut line| line["message"].take());
    // The last word of the compiler, "aborting due to", stands nowhere.
    let errors: Vec<_> = messages
        .filter(|message| message["level"] == "error" && message["spans"].as_array().is_some_and(|spans| !spans.is_empty()))
        .collect();
    if errors.is_empty() && !output.status.success() {
        return Err(format!("cargo check fails without an error: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(errors)
}

/// What cargo says, line by line.
pub(crate) fn messages(stdout: &[u8]) -> impl Iterator<Item = Value> {
    stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Leaves a file alone that says the same already, so that cargo builds only what changed.
fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
