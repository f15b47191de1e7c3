//! The ledger of mutants: docs/proof/mutants/MODULE.json tells what came of a module, what was not tried included, and
//! docs/proof/mutants/survivors.json of each mutant that lives why it changes nothing that matters.

use super::MODULES;
use crate::prove::commit;
use crate::root;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where all modules stand, from what is written down.
pub(crate) fn standing() -> Result<ExitCode, String> {
    let folder = place();
    let excused = read(&folder.join("survivors.json"))?;
    let (mut all, mut caught, mut missed, mut open) = (0, 0, 0, 0);
    let mut unlisted = Vec::new();
    for (name, _) in MODULES {
        let entry = read(&folder.join(format!("{name}.json")))?;
        let number = |field: &str| entry[field].as_u64().unwrap_or(0);
        println!(
            "{name:8} {} mutants: {} caught, {} alive, {} timed out, {} not compiled, {} not tried",
            number("mutants"),
            number("caught"),
            number("missed"),
            number("timeout"),
            number("unviable"),
            number("not tried")
        );
        all += number("mutants");
        caught += number("caught");
        missed += number("missed");
        open += number("not tried");
        let survivors = entry["survivors"].as_array().into_iter().flatten().filter_map(Value::as_str);
        unlisted.extend(survivors.filter(|name| excused[*name].as_str().is_none_or(str::is_empty)).map(str::to_owned));
    }
    unlisted.iter().for_each(|name| println!("alive without a reason: {name}"));
    let ratio = (1000 * caught).checked_div(caught + missed).unwrap_or(0);
    println!(
        "total: {caught} of {} caught ({}.{} %), {} alive without a reason; {open} of {all} not tried",
        caught + missed,
        ratio / 10,
        ratio % 10,
        unlisted.len()
    );
    Ok(if unlisted.is_empty() && caught > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn place() -> PathBuf {
    root().join("docs/proof/mutants")
}

/// Writes down what came of a module; not in place of what is known of all of it, where this time some were not tried.
pub(super) fn write(name: &str, files: &[&str], list: &Value, outcomes: &Value) -> Result<(), String> {
    let of_module = |file: &str| files.iter().any(|own| within(file, &format!("crates/core/src/{own}")));
    let all = list.as_array().into_iter().flatten().filter(|mutant| mutant["file"].as_str().is_some_and(of_module));
    let all: Vec<&str> = all.filter_map(|mutant| mutant["name"].as_str()).collect();
    let outcome = |mutant: &str| outcomes[mutant].as_str().unwrap_or("not tried");
    let number = |wanted: &str| all.iter().filter(|mutant| outcome(mutant) == wanted).count();
    let path = place().join(format!("{name}.json"));
    let before = read(&path)?;
    if number("not tried") > 0 && before["not tried"] == 0 {
        println!("{name}: {} were not tried; the ledger keeps what came of all at {}", number("not tried"), before["commit"]);
        return Ok(());
    }
    let survivors: BTreeSet<String> =
        without_lines(&all).into_iter().filter(|(mutant, _)| outcome(mutant) == "missed").map(|(_, short)| short).collect();
    let entry = json!({
        "commit": commit(),
        "mutants": all.len(),
        "caught": number("caught"),
        "missed": number("missed"),
        "timeout": number("timeout"),
        "unviable": number("unviable"),
        "not tried": number("not tried"),
        "survivors": survivors,
    });
    let text = serde_json::to_string_pretty(&entry).map_err(|error| error.to_string())? + "\n";
    fs::create_dir_all(place()).map_err(|error| error.to_string())?;
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a file is what a pattern of [`MODULES`] names: itself, or all in a folder.
fn within(file: &str, pattern: &str) -> bool {
    pattern.strip_suffix("**").map_or(file == pattern, |folder| file.starts_with(folder))
}

/// `file:12:3: what` without the place, which moves with every change above it; of several that would be called the same, as `what
/// (2 of 3)`.
fn without_lines<'a>(names: &[&'a str]) -> Vec<(&'a str, String)> {
    let short = |name: &str| {
        let (place, what) = name.split_once(": ").unwrap_or((name, ""));
        format!("{}: {what}", place.split(':').next().unwrap_or(place))
    };
    let at = |name: &str| {
        let mut place = name.split(':').skip(1).map_while(|number| number.parse::<u64>().ok());
        (place.next(), place.next())
    };
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        alike.entry(short(name)).or_default().push(name);
    }
    let named = alike.into_iter().flat_map(|(short, mut names)| {
        names.sort_by_key(|name| at(name));
        let of = names.len();
        names
            .into_iter()
            .zip(1..)
            .map(move |(name, number)| (name, if of == 1 { short.clone() } else { format!("{short} ({number} of {of})") }))
    });
    named.collect()
}

/// A JSON file; an empty object where there is none.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(Value::Object(Map::new())) };
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_file_and_change_wherever_it_stands() {
        let names =
            ["a/b.rs:36:106: replace <= with > in C::add", "a/b.rs:9:7: replace <= with > in C::add", "a/b.rs:1:1: delete !"];
        let short =
            ["a/b.rs: delete !", "a/b.rs: replace <= with > in C::add (1 of 2)", "a/b.rs: replace <= with > in C::add (2 of 2)"];
        assert_eq!(
            without_lines(&names),
            [(names[2], short[0]), (names[1], short[1]), (names[0], short[2])].map(|(a, b)| (a, b.to_owned()))
        );
    }

    #[test]
    fn a_module_has_files_and_folders() {
        assert!(within("a/check/b.rs", "a/check/**") && within("a/time.rs", "a/time.rs"));
        assert!(!within("a/time/present.rs", "a/time.rs") && !within("a/checked.rs", "a/check/**"));
    }

    #[test]
    fn every_survivor_that_is_written_down_has_a_reason_and_no_other_is_excused() {
        let excused = read(&place().join("survivors.json")).unwrap();
        let mut alive = BTreeSet::new();
        for (name, _) in MODULES {
            let entry = read(&place().join(format!("{name}.json"))).unwrap();
            alive.extend(entry["survivors"].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)));
        }
        for name in &alive {
            assert!(excused[name].as_str().is_some_and(|reason| !reason.is_empty()), "{name} lives without a reason");
        }
        for name in excused.as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(alive.contains(name), "{name} is excused, but does not live");
        }
    }
}
